"""Fixture files as raw tables, and the context they are decoded in."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from truceline.observe.registry import decoder_for
from truceline.observe.tables import DecodeContext, Decoder

FIXTURES = Path(__file__).parents[2] / "fixtures"
KINDS = ("thermal", "media_report", "party_claim", "patrol_report", "detection", "statement")
GOOD = sorted(path for kind in KINDS for path in (FIXTURES / kind).glob("good*.csv"))
BROKEN = sorted(path for kind in KINDS for path in (FIXTURES / kind).glob("broken*.csv"))


def name_of(path: Path) -> str:
    """Name a fixture file by its kind and form."""
    return f"{path.parent.name}/{path.stem}"


def raw_table(path: Path) -> pa.Table:
    """Read a fixture as columns of strings, without what ingestion itself does."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    delimiter = ";" if ";" in lines[0] else ","
    columns = lines[0].split(delimiter)
    return arrow_csv.read_csv(
        io.BytesIO("\n".join(lines).encode()),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
        ),
    )


def decoder_of(table: pa.Table) -> Decoder:
    """Give the decoder that recognises a table."""
    decoder = decoder_for(frozenset(table.column_names))
    assert decoder is not None
    return decoder


def context_for(**changes: object) -> DecodeContext:
    """Give a context; the parties and the zone are those of the fixtures."""
    fields: dict[str, object] = {
        "source_id": "fixture",
        "file_sha256": "0" * 64,
        "received_time": datetime(2026, 1, 1, tzinfo=UTC),
        "first_row_index": 0,
        "parties": ("RU", "UA"),
        "timezone_name": "Europe/Kyiv",
    }
    return DecodeContext(**{**fields, **changes})  # type: ignore[arg-type]
