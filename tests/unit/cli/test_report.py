"""Laws of `truceline report`: an issue from any store, also from one that holds nothing of the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from truceline.adapters.stores.workspace import Workspace
from truceline.cli import main
from truceline.model.adherence import Adherence
from truceline.model.event import Association, Event
from truceline.model.finding import PotentialViolation
from truceline.model.quantity import Position, TimeSpan, exactly
from truceline.runners.embedded import RUN_KIND, RunRecord

NOON = datetime(2025, 4, 19, 12, tzinfo=UTC)
AGREEMENT = Path(__file__).parents[3] / "agreements" / "easter_2025.yaml"
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


def test_no_public_file_bears_the_id_of_an_event(tmp_path: Path) -> None:
    """The event's id stands in the mission's table; the public gets a number of the issue in its place."""
    store = str(a_store(tmp_path / "store"))
    for audience in ("mission", "public"):
        options = ["--date", "2025-04-19", "--audience", audience, "--now", "2025-05-01T00:00:00Z"]
        main(["report", "--store", store, *options, "--out", str(tmp_path / audience)])
    public = [(tmp_path / "public" / name).read_text() for name in FILES]

    assert "event-1" in (tmp_path / "mission" / "events.csv").read_text()
    assert all("event-1" not in content for content in public)
    assert "\n2025-094-0001," in public[0]


MEDIA = {
    "rid": "r1",
    "date": "2025-04-19",
    "time_local": "",
    "lon": "37.8",
    "lat": "48.1",
    "place_name": "Firsttown",
    "adm1_only": "false",
    "lex_kinetic": "true",
    "lex_initiator": "R",
    "lex_energy_target": "false",
    **dict.fromkeys(("k_artillery", "k_uav", "k_missile", "k_glide_bomb", "k_explosion", "k_assault"), "true"),
    "side": "UA",
}
"""A media report that names the day and no hour."""


def test_reports_that_name_only_the_day_make_no_hour_watched(tmp_path: Path) -> None:
    """A media report dated by the day leaves it open which hours anybody watched."""
    (tmp_path / "media.csv").write_text(f"{','.join(MEDIA)}\n{','.join(MEDIA.values())}\n")
    store, out = str(tmp_path / "store"), tmp_path / "out"
    main(["ingest", str(tmp_path / "media.csv"), "--store", store])
    code = main(["report", "--store", store, "--date", "2025-04-19", "--out", str(out)])
    text = (out / "report.md").read_text()

    assert code == 0
    assert "for 24 of 24 hours it is not known if anybody watched" in text
    assert "Every one of" not in text


def a_run(store: Path, *, watermark: datetime, through_sequence: int) -> None:
    """Keep the record of a run that was brought to its end."""
    record = RunRecord(
        settings_id="s",
        agreement_id="easter_2025",
        agreement_version="1",
        agreement_sha256="ab" * 32,
        code_version="0",
        through_sequence=through_sequence,
        watermark=watermark,
        observation_count=0,
        kept_out_counts={},
    )
    with Workspace.open(store, create=False) as opened:
        opened.append_records(RUN_KIND, [record])


THERMAL = """latitude,longitude,bright_ti4,scan,track,acq_date,acq_time,satellite,instrument,confidence,frp,daynight
48.1,37.8,330.0,0.4,0.4,2025-04-19,1000,N,VIIRS,n,5.0,D
"""
CLAIMS = """claimant,actor,weapon_class,launched,destroyed,start_utc,end_utc
UA,RU,oneway_uav,180,150,2025-04-18T20:00:00Z,2025-04-19T06:00:00Z
UA,RU,oneway_uav,20,,2025-04-19T08:00:00Z,2025-04-19T09:00:00Z
UA,RU,oneway_uav,7,7,2025-04-20T20:00:00Z,2025-04-21T06:00:00Z
"""


@pytest.mark.parametrize(
    ("watermark", "through_sequence", "says"),
    [
        (None, 0, "Not assessed yet: no run yet; run `truceline run`."),
        (NOON, 10**6, "Not assessed yet: assessed up to 00:00 19 April 2025; run `truceline run`."),
        (NOON + timedelta(days=9), 0, "and files were received after that run; run `truceline run`."),
        (NOON + timedelta(days=9), 10**6, "Recorded: 0 events"),
    ],
)
def test_a_report_before_the_end_of_a_run_says_so_first(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    watermark: datetime | None,
    through_sequence: int,
    says: str,
) -> None:
    """What was received and not assessed is never counted as zero, on the screen, in the text or in the table."""
    store, out = tmp_path / "store", tmp_path / "out"
    (tmp_path / "thermal.csv").write_text(THERMAL)
    main(["ingest", str(tmp_path / "thermal.csv"), "--store", str(store)])
    if watermark is not None:
        a_run(store, watermark=watermark, through_sequence=through_sequence)
    capsys.readouterr()
    main(["report", "--store", str(store), "--date", "2025-04-19", "--out", str(out)])
    first = next(line for line in (out / "report.md").read_text().splitlines() if line.startswith("- "))
    events = (out / "numbers.csv").read_text().splitlines()[-1].split(",")[4]

    assert says in first
    assert says in capsys.readouterr().out
    assert events == ("0" if says.startswith("Recorded") else "")


def test_before_the_delay_the_public_is_told_what_waits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An event that waits for its release is announced first, and the table of numbers has no zero in its place."""
    store, out = a_store(tmp_path / "store"), tmp_path / "out"
    a_run(store, watermark=NOON + timedelta(days=9), through_sequence=10**6)
    options = ["--date", "2025-04-19", "--audience", "public", "--now", (NOON + timedelta(hours=6)).isoformat()]
    main(["report", "--store", str(store), *options, "--out", str(out)])

    assert (
        "  Not yet released: 1 event of this period, the last of them until 15:00 20 April" in capsys.readouterr().out
    )
    assert "2025-04-19,ALL,False,not_released,,,," in (out / "numbers.csv").read_text()


@pytest.mark.parametrize("audience", ["mission", "public"])
def test_claims_alone_are_shown_and_nobody_watched(tmp_path: Path, audience: str) -> None:
    """A store of nothing but claims gives 'not observed', no source that watches, and the sums of what was claimed."""
    store, out = tmp_path / "store", tmp_path / "out"
    (tmp_path / "claims.csv").write_text(CLAIMS)
    main(["ingest", str(tmp_path / "claims.csv"), "--store", str(store)])
    a_run(store, watermark=NOON + timedelta(days=9), through_sequence=10**6)
    main(["report", "--store", str(store), "--date", "2025-04-19", "--audience", audience, "--out", str(out)])
    text = (out / "report.md").read_text()

    assert "- Not observed" in text
    assert "watched by at least one source in 0 of 24 hours" in text
    assert "| UA | RU | oneway_uav | 2 | 200 | 150 |" in text


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


def test_verdicts_on_a_window_id_with_two_spans_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where two texts give one window id different spans, verdicts on it are refused with a message, not merged."""
    first, second = AGREEMENT, tmp_path / "second.yaml"
    text = first.read_text().replace("2025-04-21T00:00", "2025-04-22T00:00")
    second.write_text(text.replace("agreement_id: easter_2025", "agreement_id: second"))
    verdict = Adherence(
        window_id="easter_2025",
        domain="ground",
        verdict="insufficient_evidence",
        observed_count=None,
        expected_count=None,
        expected_low_count=None,
        expected_high_count=None,
        ratio=None,
        placebo_percentile=None,
        resumption_utc=None,
        claimants=(),
        reason="too few",
    )
    (tmp_path / "verdicts.json").write_bytes(msgspec.json.encode([verdict]))
    options = ["--agreement", str(first), str(second), "--adherence", str(tmp_path / "verdicts.json")]
    code = main(["report", "--store", str(a_store(tmp_path / "store")), *options, "--out", str(tmp_path / "out")])

    assert code == 1
    assert "window_id='easter_2025' stands for several spans" in capsys.readouterr().err
