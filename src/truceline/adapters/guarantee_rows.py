"""Reads the rows of guarantee files: YAML of any kinds with sources named once, CSV of one kind; each with its line."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from truceline.adapters.agreement_yaml import Document, Fault, FaultsFound, read_document
from truceline.errors import SourceUnavailable
from truceline.model.guarantee import GUARANTEE_SCHEMA_NAME

TABLE_SIZE_MAX_BYTES = 16_000_000
"""Largest CSV file that is read."""

HEAD_KEYS = frozenset({"schema", "title", "sources"})
"""Keys of a YAML file beside the kinds: its form, what it is, and the sources that rows name by their key."""

SOURCE_COLUMNS = {"source_url": "url", "source_publisher": "publisher", "source_published": "published"}
"""Columns of a CSV file that make up the source of a row."""


class GuaranteeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row as it was read: what it says, its file and line, and what is wrong with it before it is a record."""

    kind: str
    content: Any
    file: str
    file_sha256: str
    line_index: int
    fault: str = ""


def rows_of(path: Path, kinds: tuple[str, ...]) -> tuple[str, list[GuaranteeRow]]:
    """Give the SHA-256 of a file and its rows; raise where it cannot be read or is not of a known form."""
    if path.suffix == ".csv":
        return _of_csv(path, kinds)
    document = read_document(path)
    content = document.content
    if not isinstance(content, dict) or content.get("schema") != GUARANTEE_SCHEMA_NAME:
        raise FaultsFound([document.fault((), f"schema is not {GUARANTEE_SCHEMA_NAME!r}")])
    unknown = [key for key in content if key not in HEAD_KEYS and key not in kinds]
    if unknown:
        raise FaultsFound([document.fault((key,), f"key {key!r} is not known") for key in unknown])
    return document.file_sha256, list(_yaml_rows(document, kinds))


def _yaml_rows(document: Document, kinds: tuple[str, ...]) -> Iterator[GuaranteeRow]:
    sources = document.content.get("sources") or {}
    for kind in kinds:
        listed = document.content.get(kind) or []
        for index, entry in enumerate(listed if isinstance(listed, list) else [listed]):
            missing: list[str] = []
            content = _with_sources(entry, sources, missing)
            yield GuaranteeRow(
                kind=kind,
                content=content,
                file=str(document.path),
                file_sha256=document.file_sha256,
                line_index=document.fault((kind, index), "").line_index,
                fault=f"source {missing[0]!r} is not among the sources of this file" if missing else "",
            )


def _with_sources(content: Any, sources: Any, missing: list[str]) -> Any:
    """Put sources in the place of the keys by which rows name them, at any depth."""
    if isinstance(content, list):
        return [_with_sources(entry, sources, missing) for entry in content]
    if not isinstance(content, dict):
        return content
    filled = {}
    for key, entry in content.items():
        if key == "sources" and isinstance(entry, list):
            filled[key] = [_source(one, sources, missing) for one in entry]
        elif key == "source":
            filled[key] = _source(entry, sources, missing)
        else:
            filled[key] = _with_sources(entry, sources, missing)
    return filled


def _source(named: Any, sources: Any, missing: list[str]) -> Any:
    if not isinstance(named, str):
        return named
    if named not in sources:
        missing.append(named)
    return sources.get(named)


def _of_csv(path: Path, kinds: tuple[str, ...]) -> tuple[str, list[GuaranteeRow]]:
    kind = next((kind for kind in sorted(kinds, key=len, reverse=True) if path.name.startswith(kind)), None)
    if kind is None:
        raise FaultsFound([Fault(str(path), 1, f"the name of a CSV file begins with one of {', '.join(kinds)}")])
    try:
        body = path.read_bytes() if path.stat().st_size <= TABLE_SIZE_MAX_BYTES else None
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
    if body is None:
        raise FaultsFound([Fault(str(path), 1, f"has more than {TABLE_SIZE_MAX_BYTES} bytes")])
    file_sha256 = hashlib.sha256(body).hexdigest()
    try:
        reader = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        rows = [
            GuaranteeRow(
                kind=kind,
                content=_csv_content(row),
                file=str(path),
                file_sha256=file_sha256,
                line_index=reader.line_num,
                fault="" if None not in row and None not in row.values() else "has more or fewer cells than the header",
            )
            for row in reader
        ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FaultsFound([Fault(str(path), 1, f"is not CSV in UTF-8: {error}")]) from error
    return file_sha256, rows


def _csv_content(row: dict[Any, Any]) -> dict[str, Any]:
    """Give a row without its empty cells; the columns of its source become one source."""
    cells = {str(key): cell for key, cell in row.items() if isinstance(cell, str) and cell.strip()}
    source = {name: cells.pop(column) for column, name in SOURCE_COLUMNS.items() if column in cells}
    return {**cells, "sources": [source]} if source else cells
