"""Rows and lines of a dossier file once more from the received bytes in it: by the decoders, as they came in."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from truceline.adapters.dossier_files import held_names
from truceline.adapters.sources.files import FeedContext, Reading, read_observations
from truceline.dossier.checks import observations_of
from truceline.dossier.contents import split_lines
from truceline.errors import TrucelineError
from truceline.model.observation import Observation
from truceline.model.quantity import canonical_bytes
from truceline.model.reference_line import DatedLine
from truceline.model.source import IngestedFile
from truceline.observe.records import observations_from_table
from truceline.observe.registry import manifests_for
from truceline.pipeline import PipelineSettings

PARQUET_MAGIC = b"PAR1"

ROW_MAX_COUNT = 5_000_000
"""Rows of a Parquet file that are decoded again."""

UNFOLDED_MAX_BYTES = 512 << 20
"""Size to which a Parquet file says it unfolds, of those that are decoded again."""

_Key = tuple[str, tuple[str, str], str, datetime]
"""A file's hash, the parties, the time zone and when the file was received."""


class Reread(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows and lines of held files were looked for, and which came out otherwise or not at all."""

    row_count: int
    line_count: int
    differing: tuple[str, ...]


class Rereader:
    """Decodes held files; of several dossier files with the same received file it and its rows are decoded once."""

    def __init__(self) -> None:
        """Begin with nothing decoded."""
        self._readings: dict[_Key, Reading | None] = {}
        self._rows: dict[_Key, dict[str, bytes]] = {}

    def reread(self, entries: Mapping[str, bytes]) -> Reread:
        """Decode every held file with the parties and the time zone of the settings, and compare to the byte.

        The file itself says nothing of a time zone or of whose ground a map shows; where others were given when it
        was taken in than the settings have, its rows differ.
        """
        settings = msgspec.json.decode(entries["settings.json"], type=PipelineSettings)
        described = [msgspec.json.decode(line, type=IngestedFile) for line in split_lines(entries["files.jsonl"])]
        held = {file.file_sha256: file for file in described if file.file_sha256 in held_names(entries, "received")}
        rows: dict[str, dict[str, bytes]] = {name: {} for name in held}
        for kind in ("used", "known_not_used", "same_day"):
            for row in observations_of(entries, f"observations/{kind}.jsonl"):
                if row.provenance.file_sha256 in held:
                    rows[row.provenance.file_sha256][row.observation_id] = canonical_bytes(row)
        lines: dict[str, list[bytes]] = {name: [] for name in held}
        for body in split_lines(entries["lines.jsonl"]):
            line = msgspec.json.decode(body, type=DatedLine)
            if line.file_sha256 in held:
                lines[line.file_sha256].append(body)
        differing: list[str] = []
        for name, file in sorted(held.items()):
            reading = self._reading(entries[f"received/{name}"], file, settings)
            again = self._rows_again(reading, list(rows[name]), file, settings)
            differing += [key for key, body in rows[name].items() if again.get(key) != body]
            drawn = set() if reading is None else {canonical_bytes(line) for line in reading.lines}
            differing += [f"a line of {file.file_name}" for body in lines[name] if body not in drawn]
        return Reread(
            row_count=sum(map(len, rows.values())),
            line_count=sum(map(len, lines.values())),
            differing=tuple(differing),
        )

    def _reading(self, content: bytes, file: IngestedFile, settings: PipelineSettings) -> Reading | None:
        """Decode one file, or give `None` where no decoder reads it any more."""
        key = _key(file, settings)
        if key not in self._readings:
            zone = settings.association.timezone_name
            feed = FeedContext(parties=settings.parties, timezone_name=zone, received_time=file.received_time)
            self._readings[key] = _decoded(content, file, feed)
        return self._readings[key]

    def _rows_again(
        self, reading: Reading | None, names: list[str], file: IngestedFile, settings: PipelineSettings
    ) -> dict[str, bytes]:
        """Give the rows of these ids, and of those asked for before, in canonical form; each is made once."""
        known = self._rows.setdefault(_key(file, settings), {})
        known |= _rows_of(reading, [name for name in names if name not in known], file, settings)
        return known


def _key(file: IngestedFile, settings: PipelineSettings) -> _Key:
    """Name all that decides what a file is decoded to."""
    return file.file_sha256, settings.parties, settings.association.timezone_name, file.received_time


def _decoded(content: bytes, file: IngestedFile, feed: FeedContext) -> Reading | None:
    """Decode bytes from a file of the name under which they came, in a folder that is removed again."""
    if not _is_bounded(content):
        return None
    with tempfile.TemporaryDirectory(prefix="truceline-") as folder:
        path = Path(folder) / (Path(file.file_name).name or "received")
        try:
            path.write_bytes(content)
            return read_observations([path], feed)
        except (TrucelineError, OSError, ValueError):  # not readable, or its name is none that a file can have
            return None


def _is_bounded(content: bytes) -> bool:
    """Say whether a file unfolds to no more than the bound: a table of numbers can be packed a thousandfold."""
    if not content.startswith(PARQUET_MAGIC):
        return True
    try:
        described = parquet.read_metadata(pa.BufferReader(content))
    except (pa.ArrowException, OSError):
        return False
    sizes_bytes = [int(described.row_group(index).total_byte_size) for index in range(described.num_row_groups)]
    return int(described.num_rows) <= ROW_MAX_COUNT and sum(sizes_bytes) <= UNFOLDED_MAX_BYTES


def _rows_of(
    reading: Reading | None, names: list[str], file: IngestedFile, settings: PipelineSettings
) -> dict[str, bytes]:
    """Give the rows of these ids as they were decoded, in canonical form."""
    if reading is None or not names:
        return {}
    table = reading.observations
    wanted = table.filter(pc.is_in(table["observation_id"], value_set=pa.array(names, pa.string())))
    records: list[Observation] = observations_from_table(
        wanted, manifests_for(settings.parties), received_times={file.file_sha256: file.received_time}
    )
    return {record.observation_id: canonical_bytes(record) for record in records}
