"""The embedded runner: what it says follows from what is in the store, wherever it was ended and continued."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from faults.work import DAY_COUNT, UNTIL, content_of, do_all, make_pipeline, run_through, take_in
from truceline.adapters.stores.workspace import Workspace
from truceline.errors import InputUnusable
from truceline.model.event import Event
from truceline.pipeline import Pipeline
from truceline.runners import embedded
from truceline.runners.embedded import EmbeddedRun, RunProgress, RunRecord
from truceline.testing.observation_tables import MANIFEST, SOURCE_ID, observation_table, received_file

MANIFESTS = {SOURCE_ID: MANIFEST}


@cache
def unbroken_content() -> list[tuple[int, str, str, bytes, bool]]:
    """Give what a store holds whose work was never ended; it is the same every time, so once is enough."""
    with tempfile.TemporaryDirectory() as folder:
        do_all(Path(folder) / "unbroken")
        return content_of(Path(folder) / "unbroken")


class Ended(Exception):
    """The process would have ended here."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Name a folder for a store."""
    return tmp_path / "store"


@pytest.fixture(autouse=True)
def bounds_as_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the runner's bounds back after each test."""
    for name in ("BATCH_ROW_COUNT", "SPAN_ROW_COUNT", "COMMIT_ROW_COUNT", "COMMIT_GROWTH_RATIO"):
        monkeypatch.setattr(embedded, name, getattr(embedded, name))


def _end_at_commit(monkeypatch: pytest.MonkeyPatch, commit_index: int, *, after: bool) -> None:
    """Let the process end just before or just after one commit reaches the disk."""
    commit = Workspace.commit
    seen: list[int] = []

    def ending(
        self: Workspace, records: Mapping[str, Sequence[Any]], *, checkpoint_name: str, checkpoint_body: bytes
    ) -> int:
        seen.append(1)
        if len(seen) == commit_index + 1 and not after:
            raise Ended
        count = commit(self, records, checkpoint_name=checkpoint_name, checkpoint_body=checkpoint_body)
        if len(seen) == commit_index + 1:
            raise Ended
        return count

    monkeypatch.setattr(Workspace, "commit", ending)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("commit_index", range(0, 15, 2))
def test_ended_around_any_commit_and_continued_it_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commit_index: int, after: bool
) -> None:
    """Every commit is a place to stop at: the records after going on are byte for byte those of an unbroken run."""
    expected = unbroken_content()
    with monkeypatch.context() as patch:
        _end_at_commit(patch, commit_index, after=after)
        with pytest.raises(Ended):
            do_all(tmp_path / "broken")
    do_all(tmp_path / "broken")

    assert expected == content_of(tmp_path / "broken")


def test_what_is_said_does_not_depend_on_batches_and_spans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other bounds give the same records; only their order in the journal may differ."""
    do_all(tmp_path / "small")
    with Workspace.open(tmp_path / "large", create=True) as store:
        take_in(store, lambda _: None)
        monkeypatch.undo()
        for name, value in (("BATCH_ROW_COUNT", 5_000), ("SPAN_ROW_COUNT", 200_000), ("COMMIT_ROW_COUNT", 20_000)):
            monkeypatch.setattr(embedded, name, value)
        EmbeddedRun(make_pipeline(store), store, manifests=MANIFESTS).run(until=UNTIL)
    said = [
        sorted((kind, record_id, body) for _, kind, record_id, body, _ in content_of(tmp_path / name))
        for name in ("small", "large")
    ]

    assert said[0] == said[1]


def test_running_again_says_nothing_new(folder: Path) -> None:
    """A run over what was run already leaves the store as it is."""
    do_all(folder)
    before = content_of(folder)
    with Workspace.open(folder, create=False) as store:
        run_through(store)

    assert before == content_of(folder)


def test_days_after_until_stay_open_until_a_later_run(folder: Path) -> None:
    """Nothing is said of a day before it is over; said later, it is what would have been said at once."""
    with Workspace.open(folder / "steps", create=True) as store:
        take_in(store, lambda _: None)
        summaries = [
            EmbeddedRun(make_pipeline(store), store, manifests=MANIFESTS).run(until=UNTIL - timedelta(days=days))
            for days in (DAY_COUNT, DAY_COUNT // 2, 0)
        ]
        stepwise = store.records("event", Event)
    with Workspace.open(folder / "once", create=True) as store:
        take_in(store, lambda _: None)
        EmbeddedRun(make_pipeline(store), store, manifests=MANIFESTS).run(until=UNTIL)
        at_once = store.records("event", Event)

    assert summaries[0].record_counts["event"] == 0
    assert summaries[0].observation_count > 0
    assert [summary.observation_count for summary in summaries[1:]] == [0, 0]
    assert at_once == stepwise


def _of_whole_days(table: pa.Table) -> pa.Table:
    """Give the rows as reports of whole days on a few places, so that many of one day are joined."""
    start = pc.floor_temporal(table["phenomenon_start"], unit="day")
    end = pc.add(start, pa.scalar(timedelta(days=1), pa.duration("us")))
    columns = {
        "phenomenon_start": start,
        "phenomenon_end": end,
        "latitude_deg": pc.round(table["latitude_deg"]),
        "longitude_deg": pc.round(table["longitude_deg"]),
    }
    for name, column in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), column.cast(table.schema.field(place).type))
    return table


def test_where_nothing_came_late_nothing_is_revised(folder: Path) -> None:
    """A day is not assessed before its last row was read: over many batches of one round no event is revised."""
    table = _of_whole_days(observation_table(1_000, np.random.default_rng(5), day_count=DAY_COUNT))
    with Workspace.open(folder, create=True) as store:
        store.append_file(received_file("whole days", synthetic=True), [table])
        run_through(store)
        events = store.records("event", Event)

    assert table.num_rows > 2 * DAY_COUNT * embedded.BATCH_ROW_COUNT
    assert max(len(event.associations) for event in events) > 2
    assert [] == [event for event in events if event.revision_index > 0]


def test_late_observations_issue_revisions_under_the_same_ids(folder: Path) -> None:
    """What comes after a day was assessed adds events or revisions; what was said stands unaltered before it."""
    do_all(folder)
    before = content_of(folder)
    with Workspace.open(folder, create=False) as store:
        early = store.observations()
        names = observation_table(early.num_rows, np.random.default_rng(99))["observation_id"]
        late = early.set_column(0, early.schema.field(0), names)
        store.append_file(received_file("late", synthetic=True), [late])
        run_through(store)
        events = store.records("event", Event)
        revised = [event for event in events if event.revision_index > 0]
        known = {(event.event_id, event.revision_index) for event in events}

        assert revised
        assert all((event.event_id, event.supersedes_revision_index) in known for event in revised)
        assert store.equivocations() == []
    assert before == content_of(folder)[: len(before)]


def test_a_run_under_other_settings_is_refused(folder: Path) -> None:
    """A store holds runs under one agreement and program; another is named and nothing is mixed."""
    do_all(folder)
    with Workspace.open(folder, create=False) as store:
        settings = msgspec.structs.replace(make_pipeline(store).settings, code_version="another")

        with pytest.raises(InputUnusable, match="ingest into a new store"):
            EmbeddedRun(Pipeline(settings), store, manifests=MANIFESTS)


def test_a_feed_without_a_manifest_is_named(folder: Path) -> None:
    """Who runs a feed must be known before its observations count."""
    with Workspace.open(folder, create=True) as store:
        take_in(store, lambda _: None)

        with pytest.raises(InputUnusable, match="source_id='synthetic-feed' has no manifest"):
            EmbeddedRun(make_pipeline(store), store, manifests={}).run(until=UNTIL)


def test_progress_and_record_of_the_run_count_every_observation(folder: Path) -> None:
    """Progress ends at the number of rows taken, and the run's own record says the same."""
    shown: list[RunProgress] = []
    with Workspace.open(folder, create=True) as store:
        take_in(store, lambda _: None)
        summary = EmbeddedRun(make_pipeline(store), store, manifests=MANIFESTS, on_progress=shown.append).run(
            until=UNTIL
        )
        record = store.records("run", RunRecord)[-1]
        row_count = store.observations().num_rows

    assert row_count == shown[-1].row_count == summary.observation_count == record.observation_count
    assert record.kept_out_counts == summary.kept_out_counts
