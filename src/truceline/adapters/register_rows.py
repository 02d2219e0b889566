"""Reads the rows of register files: YAML of any kinds, JSON lines and CSV of one kind, each row with its line."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec

from truceline.adapters.agreement_records import RecordReader
from truceline.adapters.agreement_yaml import Document, Fault, FaultsFound, Place, read_document
from truceline.errors import SourceUnavailable
from truceline.model.quantity import Count
from truceline.model.register import REGISTER_SCHEMA_NAME, ClaimedCount, InventoryItem
from truceline.observe.sectors import tally_from_words

TABLE_SIZE_MAX_BYTES = 64_000_000
"""Largest CSV or JSON-lines file that is read."""

TABLE_ROW_MAX_COUNT = 200_000
"""Most rows of one CSV or JSON-lines file: a year of a large mission has some tens of thousands."""

LIST_MARK = ";"
"""What stands between the entries of a list in one cell of a CSV file."""

HEAD_KEYS = frozenset({"schema", "timezone_name"})
"""Keys of a YAML register beside the kinds: its form, and the zone of times that are written without an offset."""


class WordsReader(RecordReader):
    """Reads records as people write them: counts in monitors' words, and in a CSV numbers and lists as text.

    A count may be `5`, `about 5`, `at least 5` or `5-7`. In a CSV, entries of a list stand apart by `;`, an item of an
    inventory is `type_id:serial`, and a line of a claim is `unit=count`.
    """

    def __init__(self, document: Document, *, timezone_name: str | None = None, from_text: bool = False) -> None:
        """Take the document, the zone of times that name none, and whether every value is text."""
        super().__init__(document, timezone_name=timezone_name)
        self.from_text = from_text

    def value(self, content: Any, kind: Any, place: Place) -> Any:
        """Give a value of a kind, or what stands for a broken one after the fault was noted."""
        if kind is Count and isinstance(content, str | int | float) and not isinstance(content, bool):
            return self._count(str(content), place)
        if self.from_text and isinstance(content, str):
            content = _unfolded(content, kind)
        if self.from_text and isinstance(content, dict) and isinstance(kind, type):
            content = _filled(content, kind)
        return super().value(content, kind, place)

    def _count(self, text: str, place: Place) -> Any:
        tally = tally_from_words(text.removesuffix(".0"))
        if tally is None:
            return self.note(place, f"count={text!r} is no count such as 5, about 5, at least 5 or 5-7")
        return Count(
            low_count=tally.low_count, high_count=tally.high_count, approximate=tally.approximate, text=text.strip()
        )


def _unfolded(text: str, kind: Any) -> Any:
    """Give what a cell stands for: a list, an item, a number; or the text itself."""
    if getattr(kind, "__origin__", None) is tuple:
        return [entry.strip() for entry in text.split(LIST_MARK) if entry.strip()]
    if kind is InventoryItem:
        type_id, _, serial = text.partition(":")
        return {"type_id": type_id.strip(), "serial": serial.strip()}
    if kind is ClaimedCount:
        unit, _, count = text.rpartition("=")
        return {"unit": unit.strip(), "count": count.strip()}
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            return text
    return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), text) if kind is bool else text


def _filled(row: dict[str, Any], kind: Any) -> dict[str, Any]:
    """Read empty cells: of a list as an empty one, of what may be missing as missing; all others are left out."""
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    filled: dict[str, Any] = {}
    for name, cell in row.items():
        if not _is_empty(cell):
            filled[name] = _unfolded(cell, float) if name.endswith("_km") else cell
        elif getattr(fields.get(name), "__origin__", None) is tuple:
            filled[name] = []
        elif type(None) in get_args(fields.get(name)):
            filled[name] = None
    return filled


def _is_empty(cell: Any) -> bool:
    return all(map(_is_empty, cell.values())) if isinstance(cell, dict) else cell == ""


def reader_of(path: Path, kinds: tuple[str, ...]) -> WordsReader:
    """Open a register file and give a reader whose document maps each kind to its rows; or raise with every fault."""
    if path.suffix.lower() in {".yaml", ".yml"}:
        return _of_yaml(path, kinds)
    kind = next((kind for kind in kinds if path.name.startswith(kind)), None)
    if kind is None:
        said = f"is no register file: the name of a {path.suffix or 'file'} begins with one of {', '.join(kinds)}"
        raise FaultsFound([Fault(str(path), 1, said)])
    body = _bytes_of(path)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line_index = body.count(b"\n", 0, error.start) + 1
        raise FaultsFound([Fault(str(path), line_index, "is not UTF-8 text")]) from error
    rows = _csv_rows(text, path) if path.suffix.lower() == ".csv" else _json_rows(text, path)
    content: list[Any] = []
    lines: dict[Place, int] = {(): 1, (kind,): 1}
    for line_index, row in rows:
        lines[kind, len(content)] = line_index
        content.append(row)
        if len(content) > TABLE_ROW_MAX_COUNT:
            raise FaultsFound([Fault(str(path), line_index, f"has more than {TABLE_ROW_MAX_COUNT:,} rows")])
    sha256 = hashlib.sha256(body).hexdigest()
    document = Document(path=path, content={kind: content}, file_sha256=sha256, lines=lines)
    return WordsReader(document, from_text=path.suffix.lower() == ".csv")


def _of_yaml(path: Path, kinds: tuple[str, ...]) -> WordsReader:
    document = read_document(path)
    if not isinstance(document.content, dict):
        raise FaultsFound([document.fault((), "is not a mapping of kinds to lists")])
    if document.content.get("schema") != REGISTER_SCHEMA_NAME:
        said = f"schema={document.content.get('schema')!r} is not {REGISTER_SCHEMA_NAME!r}"
        raise FaultsFound([document.fault(("schema",), said)])
    unknown = [key for key in document.content if key not in kinds and key not in HEAD_KEYS]
    if unknown:
        known = ", ".join(kinds)
        raise FaultsFound([document.fault((key,), f"unknown key {key!r}; known are {known}") for key in unknown])
    lists = [key for key in kinds if not isinstance(document.content.get(key, []), list)]
    if lists:
        raise FaultsFound([document.fault((key,), f"{key} is not a list") for key in lists])
    return WordsReader(document, timezone_name=document.content.get("timezone_name"))


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(TABLE_SIZE_MAX_BYTES + 1)
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
    if len(body) > TABLE_SIZE_MAX_BYTES:
        raise FaultsFound([Fault(str(path), 1, f"has more than {TABLE_SIZE_MAX_BYTES} bytes")])
    return body


def _json_rows(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    for line_index, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield line_index, json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise FaultsFound([Fault(str(path), line_index, f"is not JSON: {error}")]) from error


def _csv_rows(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give rows as nested mappings: the column `window.start` becomes `start` of `window`."""
    lines = text.split("\n")
    first = next((index for index, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    reader = csv.reader(io.StringIO("\n".join(lines[first:]), newline=""), strict=True)
    columns: list[str] = []
    try:
        for cells in reader:
            line_index = first + reader.line_num
            if not cells:
                continue
            if not columns:
                columns = [cell.strip() for cell in cells]
                _require_sound_header(columns, path, line_index)
                continue
            if len(cells) != len(columns):
                said = f"has {len(cells)} cells, the header has {len(columns)}"
                raise FaultsFound([Fault(str(path), line_index, said)])
            yield line_index, _nested(dict(zip(columns, cells, strict=True)))
    except csv.Error as error:
        raise FaultsFound([Fault(str(path), first + reader.line_num, f"is not CSV: {error}")]) from error


def _require_sound_header(columns: list[str], path: Path, line_index: int) -> None:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    both = sorted(name for name in columns if any(other.startswith(f"{name}.") for other in columns))
    if twice or both:
        said = f"columns {twice} stand twice" if twice else f"columns {both} stand beside their own parts"
        raise FaultsFound([Fault(str(path), line_index, said)])


def _nested(cells: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, cell in cells.items():
        *outer, last = name.split(".")
        inside = row
        for part in outer:
            inside = inside.setdefault(part, {})
        inside[last] = cell.strip()
    return row
