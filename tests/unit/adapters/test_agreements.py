"""Laws of reading agreements, theatres and windows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from truceline.adapters.agreements import (
    agreement_files,
    declared_windows,
    load_agreement,
    load_theatre,
    load_windows,
    shipped_agreements,
    shipped_folder,
)
from truceline.errors import InputUnusable, SourceUnavailable

WHOLE = """
schema: truceline.agreement/2
agreement_id: x
version: "1"
title: X
theatre: ukraine
windows:
  - window_id: x
    span: {start: "2030-01-01T00:00:00+02:00", end: "2030-01-02T00:00:00+02:00"}
    declared_by: A
    accepted_by_other: "yes"
    scope: all
    covered_domain_ids: [ground]
provisions: []
sources: [{source_id: s, title: S}]
"""

PROVISION = 'kind: prohibition, provision_id: p, article: "1", summary: s, acts: [fire], source_ids: [s]'


def written(folder: Path, content: str | bytes, name: str = "x.yaml") -> Path:
    """Write a file and give its path."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_every_shipped_agreement_reads_and_has_sources() -> None:
    """What is shipped is whole: windows in order, domains that exist, and a source for each text."""
    loaded = shipped_agreements()
    with_windows = {entry.agreement.agreement_id for entry in loaded if entry.agreement.windows}

    assert {"easter_2025", "vday_2025", "energy_2025", "christmas_2023"} == with_windows
    assert all(entry.agreement.sources and entry.agreement.provisions for entry in loaded)
    assert len(declared_windows(loaded)) == 4


def test_a_window_is_read_in_its_own_zone(tmp_path: Path) -> None:
    """A window's times carry their offset and are held in UTC."""
    loaded = load_agreement(written(tmp_path, WHOLE))

    assert datetime(2029, 12, 31, 22, tzinfo=UTC) == loaded.agreement.windows[0].span.start


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("ground", "grund", "grund"),
        ("+02:00", "", "no time zone"),
        ('end: "2030-01-02', 'end: "2029-01-02', "is before"),
        ("title: X", "titel: X", "titel"),
        ("theatre: ukraine", "theatre: atlantis", "atlantis"),
        ("agreement_id: x", "agreement_id: [", "not YAML"),
        ("agreement_id: x", "agreement_id: 7", "agreement_id=7"),
        ("agreement/2", "agreement/9", "agreement/9"),
        ('end: "2030-01-02', 'end: "2030-01-01', "not after"),
        ('end: "2030-01-02', 'end: "2032-01-02', "400 days"),
        ('end: "2030-01-02', 'end: "9999-12-31', "outside the years"),
        ("provisions: []", "provisions: [{PROVISION, parties: [RU, ZZ]}]", "ZZ"),
        ("provisions: []", "provisions: [{PROVISION, parties: RU}]", "parties|list"),
        ("provisions: []", "provisions: [{PROVISION, parties: [RU], window_ids: [y]}]", "window_id='y'"),
    ],
)
def test_what_is_wrong_in_an_agreement_is_said(tmp_path: Path, before: str, after: str, words: str) -> None:
    """A wrong word, zone, order, field, theatre or syntax is named, with the file."""
    path = written(tmp_path, WHOLE.replace(before, after.replace("PROVISION", PROVISION)))

    with pytest.raises(InputUnusable, match=words) as caught:
        load_agreement(path)

    assert str(path) in str(caught.value) or "atlantis" in str(caught.value)


def test_clauses_name_their_windows_where_scopes_differ(tmp_path: Path) -> None:
    """With windows of different scope, a clause that does not say where it holds is refused."""
    second = WHOLE.split("windows:\n")[1].split("provisions", maxsplit=1)[0]
    second = second.replace("window_id: x", "window_id: y").replace("[ground]", "[energy]")
    both = WHOLE.replace("provisions: []", second + f"provisions: [{{{PROVISION}, parties: [RU]}}]")

    with pytest.raises(InputUnusable, match="name its window_ids"):
        load_agreement(written(tmp_path, both))


def test_what_is_too_deep_or_too_large_is_refused(tmp_path: Path) -> None:
    """A file that is no agreement by its sheer form is refused in one sentence."""
    with pytest.raises(InputUnusable, match="nested too deeply"):
        load_agreement(written(tmp_path, "a: " + "[" * 5000))
    with pytest.raises(InputUnusable, match="more than"):
        load_agreement(written(tmp_path, "#" * 1_000_001))


def test_a_theatre_inside_an_agreement_is_held_to_the_same_rules(tmp_path: Path) -> None:
    """Two parties of one name are refused wherever the theatre stands."""
    inside = (
        "theatre: {schema: truceline.theatre/1, theatre_id: t, title: T, parties: [A, A], timezone: UTC,"
        " evening_cutoff_hour: 19.5, domains: []}"
    )

    with pytest.raises(InputUnusable, match="one and the same"):
        load_agreement(written(tmp_path, WHOLE.replace("theatre: ukraine", inside)))


def test_a_missing_file_is_the_worlds_failure(tmp_path: Path) -> None:
    """What is not there cannot be read, and the message names it."""
    with pytest.raises(SourceUnavailable, match="absent"):
        load_agreement(tmp_path / "absent.yaml")
    with pytest.raises(SourceUnavailable, match="absent"):
        load_windows(tmp_path / "absent.csv", load_theatre())
    with pytest.raises(SourceUnavailable, match="nonsense"):
        shipped_folder("nonsense")


def test_a_folder_stands_for_its_agreement_files(tmp_path: Path) -> None:
    """A folder gives its files in order; an empty one is refused."""
    first, second = written(tmp_path, WHOLE, "a.yaml"), written(tmp_path, WHOLE, "b.yaml")
    (tmp_path / "empty").mkdir()

    assert [first, second, first] == agreement_files([tmp_path, first])
    with pytest.raises(InputUnusable, match="no agreement file"):
        agreement_files([tmp_path / "empty"])


def test_a_windows_file_may_name_domains_or_none(tmp_path: Path) -> None:
    """A row with a domain asks about it; a bare list of dates asks about all and declares nothing."""
    theatre = load_theatre()
    named = "window_id,start_utc,end_utc,declared_by,domain\nx,2030-01-01T00:00Z,2030-01-02T00:00+02:00,A,ground\n"
    bare = "# a remark\nwindow_id,start_utc,end_utc,hours\nx,2030-01-01T00:00:00,2030-01-02T00:00:00Z,24\n"
    one = load_windows(written(tmp_path, "\ufeff" + named, "w.csv"), theatre)[0]
    all_domains = load_windows(written(tmp_path, bare, "v.csv"), theatre)[0]

    assert ("ground", True, ("ground",)) == (one.domain_id, one.declared, one.window.covered_domain_ids)
    assert datetime(2030, 1, 1, 22, tzinfo=UTC) == one.window.span.end
    assert (None, False, 7) == (
        all_domains.domain_id,
        all_domains.declared,
        len(all_domains.window.covered_domain_ids),
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"window_id,start_utc\nx,2030-01-01T00:00Z\n", "end_utc"),
        (b"", "window_id"),
        (b"window_id,start_utc,end_utc\n", "no rows"),
        (b"window_id,start_utc,end_utc\nx,someday,2030-01-01T00:00Z\n", "line 2"),
        (b"window_id,start_utc,end_utc\nx,2030-01-01T00:00Z,2030-01-01T00:00Z\n", "not after"),
        (b"window_id,start_utc,end_utc\nx,2030-01-02T00:00Z,2030-01-01T00:00Z\n", "before"),
        (b"window_id,start_utc,end_utc\nx,,2030-01-01T00:00Z\n", "line 2"),
        (b"window_id,start_utc,end_utc\n,2030-01-01T00:00Z,2030-01-02T00:00Z\n", "window_id is empty"),
        (b"window_id,start_utc,end_utc\nx,0001-01-01T00:00+03:00,2030-01-02T00:00Z\n", "line 2"),
        (b"window_id,start_utc,end_utc\nx,2030-01-01T00:00Z,9999-12-31T00:00Z\n", "outside the years"),
        (
            b"window_id,start_utc,end_utc\nx,2030-01-01T00:00Z,2030-01-02T00:00Z\nx,2030-01-01T00:00Z,2030-01-03T00:00Z\n",
            "two different spans",
        ),
        (b"window_id,start_utc,end_utc\n" + b"x" * 140_000 + b",2030-01-01T00:00Z,2030-01-02T00:00Z\n", "line"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_what_is_wrong_in_a_windows_file_is_said(tmp_path: Path, content: bytes, words: str) -> None:
    """Missing columns, no rows, unreadable or reversed times and other encodings are each named."""
    with pytest.raises(InputUnusable, match=words):
        load_windows(written(tmp_path, content, "w.csv"), load_theatre())
