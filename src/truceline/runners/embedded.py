"""The embedded runner: one process drives the pipeline over a store, and can be ended at any moment without loss.

What the pipeline says and the state it says it in are kept in one transaction. Which rows come in which batch, and
after which batch the runner commits, follow from what is in the store alone. So a run that was ended and continued
writes the same records, in the same order, as one that was not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec
import pyarrow as pa

from truceline.errors import InputUnusable, StoreUnavailable
from truceline.model.source import IngestedFile, SourceManifest
from truceline.observe.records import observations_from_table
from truceline.pipeline import Pipeline, PipelineOutput, PipelineState

CHECKPOINT_NAME = "embedded_run"

BATCH_ROW_COUNT = 5_000
"""Observations given to the pipeline at once."""

SPAN_ROW_COUNT = 200_000
"""Observations read from the store at once, about: whole days, as many as hold so many rows on average."""

COMMIT_ROW_COUNT = 20_000
"""Observations after which records and state are kept, at least."""

COMMIT_GROWTH_RATIO = 0.1
"""Share of all observations so far that must have come since the last commit: bounds the time spent on saving."""

RECORD_WAITING_MAX_COUNT = 100_000
"""Records waiting to be kept; more lead to a commit at once: bounds memory."""

RUN_KIND = "run"

UNREAD_KIND = "unread_record"
"""Records of events that say something of a party which cannot be read, as `Rejection`, beside those of intake."""

OUTPUT_KINDS = ("event", "finding", "attribution", "dossier", UNREAD_KIND)


class RunStore(Protocol):
    """What the runner asks of a store; the workspace keeps it, and so can a double in memory."""

    def observation_extent(
        self, *, after_sequence: int = 0, through_sequence: int | None = None
    ) -> tuple[datetime, datetime, int] | None:
        """Give the first and last phenomenon start and the row count of what was kept between two places."""
        ...

    def observations(
        self,
        *,
        kinds: Sequence[str] | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        after_sequence: int = 0,
        through_sequence: int | None = None,
    ) -> pa.Table:
        """Give observations by phenomenon start, then id."""
        ...

    def ingested_files(self) -> Sequence[IngestedFile]:
        """Give every received file."""
        ...

    def commit(self, records: Mapping[str, Sequence[Any]], *, checkpoint_name: str, checkpoint_body: bytes) -> int:
        """Keep records and state together or not at all."""
        ...

    def restore(self, name: str) -> bytes | None:
        """Give the newest state of a name."""
        ...

    def last_sequence(self) -> int:
        """Give the newest place of the journal."""
        ...


class RunPosition(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run has come: the files of the present round, and the rows of it the pipeline has had.

    A round is what was kept after `after_sequence` and up to `through_sequence`; equal places mean no open round.
    """

    after_sequence: int = 0
    through_sequence: int = 0
    round_row_count: int = 0
    span_index: int = 0
    span_row_count: int = 0
    total_row_count: int = 0

    @property
    def in_round(self) -> bool:
        """Say whether a round is begun and not ended."""
        return self.through_sequence > self.after_sequence


class RunCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A position with the state of the pipeline there (zstd), and the settings that state goes with."""

    settings_id: str
    position: RunPosition
    watermark: datetime
    packed_state: bytes
    state_size_bytes: int
    schema_name: str = "truceline.run_checkpoint/1"

    def state(self) -> bytes:
        """Give the state as the pipeline wrote it."""
        return bytes(_codec().decompress(self.packed_state, self.state_size_bytes, asbytes=True))


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """That a run was brought to its end: what it covered, under which settings, and what it left out and why."""

    settings_id: str
    agreement_id: str
    agreement_version: str
    agreement_sha256: str
    layer_sha256s: tuple[str, ...] = ()
    code_version: str
    through_sequence: int
    watermark: datetime
    observation_count: int
    kept_out_counts: dict[str, int]
    schema_name: str = "truceline.run/1"


class RunProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the present round is."""

    row_count: int
    round_row_count: int
    watermark: datetime


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What one call did: observations given to the pipeline, new records by kind, and where it stands now."""

    observation_count: int
    record_counts: dict[str, int]
    kept_out_counts: dict[str, int]
    watermark: datetime
    continued: bool


OnProgress = Callable[[RunProgress], None]


class EmbeddedRun:
    """One run of a pipeline over a store."""

    def __init__(
        self,
        pipeline: Pipeline,
        store: RunStore,
        *,
        manifests: Mapping[str, SourceManifest],
        on_progress: OnProgress | None = None,
    ) -> None:
        """Continue from the store's checkpoint; raise `InputUnusable` where that was made under other settings."""
        self._pipeline = pipeline
        self._store = store
        self._manifests = manifests
        self._on_progress = on_progress
        self._received_times = {file.file_sha256: file.received_time for file in store.ingested_files()}
        self._waiting: dict[str, list[Any]] = {kind: [] for kind in OUTPUT_KINDS}
        self._record_counts = dict.fromkeys(self._waiting, 0)
        self._observation_count = 0
        self._uncommitted_row_count = 0
        checkpoint = _restored(store, pipeline.settings.settings_id)
        self._continued = checkpoint is not None
        self._position = checkpoint.position if checkpoint else RunPosition()
        self._watermark = checkpoint.watermark if checkpoint else datetime(1970, 1, 1, tzinfo=UTC)
        self._state: PipelineState = pipeline.state_from_bytes(checkpoint.state()) if checkpoint else pipeline.initial()

    def run(self, *, until: datetime) -> RunSummary:
        """Give the pipeline everything kept so far, with `until` as the time up to which all is held to be received.

        Days after `until` stay open. An `until` before an earlier one changes nothing of what was said.
        """
        if self._position.in_round:
            self._finish_round(until)
        newest_sequence = self._store.last_sequence()
        after_sequence = self._position.after_sequence
        extent = self._store.observation_extent(after_sequence=after_sequence, through_sequence=newest_sequence)
        if extent is not None:
            self._position = msgspec.structs.replace(
                self._position, through_sequence=newest_sequence, round_row_count=extent[2]
            )
            self._finish_round(until)
        self._close_days(until)
        return RunSummary(
            observation_count=self._observation_count,
            record_counts=dict(self._record_counts),
            kept_out_counts=self._pipeline.kept_out_counts(self._state),
            watermark=self._watermark,
            continued=self._continued,
        )

    def _finish_round(self, until: datetime) -> None:
        spans = _spans(self._store, self._position)
        for span_index in range(self._position.span_index, len(spans)):
            start, end = spans[span_index]
            table = self._store.observations(
                start=start,
                end=end,
                after_sequence=self._position.after_sequence,
                through_sequence=self._position.through_sequence,
            )
            for batch in _batches(table, skipped_row_count=self._position.span_row_count):
                self._take(batch, until)
            self._position = msgspec.structs.replace(self._position, span_index=span_index + 1, span_row_count=0)
        self._position = RunPosition(
            after_sequence=self._position.through_sequence,
            through_sequence=self._position.through_sequence,
            total_row_count=self._position.total_row_count,
        )

    def _take(self, batch: pa.Table, until: datetime) -> None:
        """Give one batch to the pipeline; rows come by start, so nothing before the batch's last start is to come."""
        self._require_manifests(batch)
        observations = observations_from_table(batch, self._manifests, received_times=self._received_times)
        last_start = batch["phenomenon_start"][-1].as_py()
        self._step(observations, min(last_start, until))
        self._observation_count += batch.num_rows
        self._uncommitted_row_count += batch.num_rows
        self._position = msgspec.structs.replace(
            self._position,
            span_row_count=self._position.span_row_count + batch.num_rows,
            total_row_count=self._position.total_row_count + batch.num_rows,
        )
        if self._is_commit_due():
            self._commit()
        if self._on_progress is not None:
            self._on_progress(
                RunProgress(
                    row_count=self._observation_count,
                    round_row_count=self._position.round_row_count,
                    watermark=self._watermark,
                )
            )

    def _require_manifests(self, batch: pa.Table) -> None:
        unknown = sorted(set(batch["source_id"].unique().to_pylist()) - set(self._manifests))
        if unknown:
            raise InputUnusable(f"source_id={unknown[0]!r} has no manifest; known are {sorted(self._manifests)}")

    def _step(self, observations: Sequence[Any], watermark: datetime) -> None:
        self._watermark = max(self._watermark, watermark)
        self._state, output = self._pipeline.step(self._state, observations, self._watermark)
        for kind, records in _records_by_kind(output):
            self._waiting[kind].extend(records)

    def _close_days(self, until: datetime) -> None:
        """Let the pipeline say what `until` makes certain, and keep it with the end of the run."""
        closed_before = self._watermark
        self._step((), until)
        said_anything = any(self._waiting.values()) or self._uncommitted_row_count
        if not said_anything and self._watermark == closed_before:
            return
        settings = self._pipeline.settings
        record = RunRecord(
            settings_id=settings.settings_id,
            agreement_id=settings.agreement.agreement_id,
            agreement_version=settings.agreement.version,
            agreement_sha256=settings.agreement_sha256,
            layer_sha256s=tuple(layer.file_sha256 for layer in settings.layers),
            code_version=settings.code_version,
            through_sequence=self._position.after_sequence,
            watermark=self._watermark,
            observation_count=self._position.total_row_count,
            kept_out_counts=self._pipeline.kept_out_counts(self._state),
        )
        self._commit(run_record=record)

    def _is_commit_due(self) -> bool:
        due_row_count = max(COMMIT_ROW_COUNT, COMMIT_GROWTH_RATIO * self._position.total_row_count)
        waiting_count = sum(len(records) for records in self._waiting.values())
        return self._uncommitted_row_count >= due_row_count or waiting_count >= RECORD_WAITING_MAX_COUNT

    def _commit(self, *, run_record: RunRecord | None = None) -> None:
        state = self._pipeline.state_to_bytes(self._state)
        checkpoint = RunCheckpoint(
            settings_id=self._pipeline.settings.settings_id,
            position=self._position,
            watermark=self._watermark,
            packed_state=_codec().compress(state, asbytes=True),
            state_size_bytes=len(state),
        )
        records: dict[str, Sequence[Any]] = {**self._waiting}
        if run_record is not None:
            records[RUN_KIND] = [run_record]
        self._store.commit(records, checkpoint_name=CHECKPOINT_NAME, checkpoint_body=msgspec.msgpack.encode(checkpoint))
        for kind, kind_records in self._waiting.items():
            self._record_counts[kind] += len(kind_records)
            self._waiting[kind] = []
        self._uncommitted_row_count = 0


def _codec() -> pa.Codec:
    return pa.Codec("zstd", compression_level=1)


def _records_by_kind(output: PipelineOutput) -> Iterator[tuple[str, Sequence[Any]]]:
    yield "event", output.events
    yield "finding", output.findings
    yield "attribution", output.attributions
    yield "dossier", output.dossiers
    yield UNREAD_KIND, output.rejections


def _restored(store: RunStore, settings_id: str) -> RunCheckpoint | None:
    body = store.restore(CHECKPOINT_NAME)
    if body is None:
        return None
    try:
        checkpoint = msgspec.msgpack.decode(body, type=RunCheckpoint)
    except msgspec.MsgspecError as error:
        raise StoreUnavailable(f"checkpoint {CHECKPOINT_NAME!r} cannot be read by this version: {error}") from error
    if checkpoint.settings_id != settings_id:
        raise InputUnusable(
            f"this store was run under settings {checkpoint.settings_id}, now they are {settings_id}: texts, register, "
            "parties, program version, settings or the synthetic mark differ; ingest into a new store and run that"
        )
    return checkpoint


def _spans(store: RunStore, position: RunPosition) -> list[tuple[datetime, datetime]]:
    """Cut a round into spans of whole UTC days, the same way every time."""
    extent = store.observation_extent(
        after_sequence=position.after_sequence, through_sequence=position.through_sequence
    )
    if extent is None:
        return []
    first_start, last_start, row_count = extent
    first_day = first_start.replace(hour=0, minute=0, second=0, microsecond=0)
    day_count = (last_start - first_day).days + 1
    days_per_span_count = max(1, SPAN_ROW_COUNT * day_count // row_count)
    edges = [first_day + timedelta(days=index) for index in range(0, day_count, days_per_span_count)]
    return list(zip(edges, [*edges[1:], first_day + timedelta(days=day_count)], strict=True))


def _batches(table: pa.Table, *, skipped_row_count: int) -> Iterator[pa.Table]:
    for offset in range(skipped_row_count, table.num_rows, BATCH_ROW_COUNT):
        yield table.slice(offset, BATCH_ROW_COUNT)
