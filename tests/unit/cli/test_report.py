"""Laws of `truceline report`: an issue from any store, also from one that holds nothing of the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from truceline.adapters.stores.workspace import Workspace
from truceline.cli import main
from truceline.model.event import Association, Event
from truceline.model.finding import PotentialViolation
from truceline.model.quantity import Position, TimeSpan, exactly

NOON = datetime(2025, 4, 19, 12, tzinfo=UTC)
FILES = ("events.csv", "numbers.csv", "report.html", "report.md")


def an_event(*, revision_index: int, latitude_deg: float) -> Event:
    """Make one revision of an event at noon."""
    return Event(
        event_id="event-1",
        revision_index=revision_index,
        supersedes_revision_index=revision_index - 1 if revision_index else None,
        event_type="explosion",
        event_type_certainty="known",
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        origin_time=TimeSpan(start=NOON, end=NOON),
        origin_position=Position(latitude_deg=latitude_deg, longitude_deg=37.8028456, sigma_m=300.0),
        place_name="Vesele",
        place_is_region=False,
        energy_object=False,
        signature_count=exactly(3.0),
        associations=(
            Association(
                observation_id="o",
                observation_kind="detection",
                source_id="acoustic",
                distance_m=1.0,
                time_residual_s=0.0,
                defining=True,
            ),
        ),
    )


def a_finding(revision_index: int) -> PotentialViolation:
    """Make the finding of one revision."""
    return PotentialViolation(
        finding_id=f"finding-{revision_index}",
        event_id="event-1",
        event_revision_index=revision_index,
        agreement_id="easter_2025",
        agreement_version="1",
        window_id=None,
        provision_id="easter_2025.all_fire",
        probability=0.9,
    )


def a_store(folder: Path) -> Path:
    """Make a store that holds an event in two revisions with their findings."""
    with Workspace.open(folder, create=True) as store:
        store.append_records("event", [an_event(revision_index=0, latitude_deg=10.0)])
        store.append_records("event", [an_event(revision_index=1, latitude_deg=48.0159123)])
        store.append_records("finding", [a_finding(0), a_finding(1)])
    return folder


def test_an_issue_is_four_files_made_of_the_newest_revision(tmp_path: Path) -> None:
    """An event counts once, where its newest revision puts it, and only as a cell."""
    out = tmp_path / "out"
    code = main(["report", "--store", str(a_store(tmp_path / "store")), "--date", "2025-04-19", "--out", str(out)])
    events = (out / "events.csv").read_text().splitlines()

    assert code == 0
    assert sorted(path.name for path in out.iterdir()) == list(FILES)
    assert len(events) == 2
    assert "48.025,37.825,0.05" in events[1]
    assert "48.0159" not in "".join((out / name).read_text() for name in FILES)


def test_a_date_without_data_is_a_report_that_says_so(tmp_path: Path) -> None:
    """Nothing received is said to be not observed, in the page and with exit code 0."""
    out = tmp_path / "out"
    code = main(["report", "--store", str(a_store(tmp_path / "store")), "--date", "1999-12-30", "--out", str(out)])

    assert code == 0
    assert "Not observed" in (out / "report.html").read_text()


def test_the_public_gets_nothing_before_the_delay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the evening itself the public issue counts an event as held back and shows no row of it."""
    out = tmp_path / "out"
    now = (NOON + timedelta(hours=6)).isoformat()
    options = ["--date", "2025-04-19", "--audience", "public", "--now", now, "--out", str(out)]
    code = main(["report", "--store", str(a_store(tmp_path / "store")), *options])

    assert code == 0
    assert len((out / "events.csv").read_text().splitlines()) == 1
    assert "Held back from the public audience: 1 event" in (out / "report.md").read_text()
    assert "wrote" in capsys.readouterr().out


def test_the_same_store_and_time_give_the_same_bytes(tmp_path: Path) -> None:
    """An issue made twice for the same moment is the same to the byte."""
    store = a_store(tmp_path / "store")
    for name in ("one", "two"):
        main(["report", "--store", str(store), "--now", "2025-05-01T00:00:00Z", "--out", str(tmp_path / name)])

    assert [(tmp_path / "one" / name).read_bytes() for name in FILES] == [
        (tmp_path / "two" / name).read_bytes() for name in FILES
    ]


@pytest.mark.parametrize("options", [["--date", "20-04-2025x"], ["--now", "noon"], ["--now", "2025-04-20T12:00:00"]])
def test_unusable_options_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    """A day or time that cannot be read is named in the message, with exit code 1."""
    code = main(["report", "--store", str(a_store(tmp_path / "store")), *options])

    assert code == 1
    assert options[1] in capsys.readouterr().err


def test_a_folder_that_is_no_store_is_said_to_be_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing store ends with exit code 1 and says how one is made."""
    code = main(["report", "--store", str(tmp_path / "none"), "--date", "2025-04-19"])

    assert code == 1
    assert "ingest" in capsys.readouterr().err
