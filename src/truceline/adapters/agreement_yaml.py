"""Reads YAML by hand-held limits and remembers the line of everything in it, so that a fault can be pointed at."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from truceline.adapters.yaml_loader import LOADER
from truceline.errors import InputUnusable, SourceUnavailable

FILE_SIZE_MAX_BYTES = 1_000_000
"""Largest YAML file that is read: a text of a thousand clauses has a tenth of it."""

DEPTH_MAX_COUNT = 20
"""Deepest nesting; the model needs eight."""

NODE_MAX_COUNT = 100_000
"""Most values, keys and lists of one file."""

ALIAS_MAX_COUNT = 0
"""Aliases (`*name`) are not read: a few nested ones can stand for billions of values, and a lawyer never needs one."""

FAULTS_SHOWN_MAX_COUNT = 200
"""How many faults of one file are listed; the rest is counted."""

_INTEGER = re.compile(r"[-+]?\d{1,15}\Z")
_NUMBER = re.compile(r"[-+]?(\d{1,15}\.?\d{0,15}|\.\d{1,15})([eE][-+]?\d{1,3})?\Z")

Place = tuple[str | int, ...]
"""Where something stands in a document: keys and indices from the top."""


class Fault(msgspec.Struct, frozen=True, order=True):
    """One thing that is wrong in a file, and the line on which it stands."""

    file: str
    line_index: int
    message: str

    def __str__(self) -> str:
        """Write file, line and message in one line."""
        return f"{self.file}, line {self.line_index}: {self.message}"


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The content of one YAML file, its hash, and the line of every key and item."""

    path: Path
    content: Any
    file_sha256: str
    lines: dict[Place, int]

    def fault(self, place: Place, message: str) -> Fault:
        """Give a fault at a place, or at the nearest place above it that has a line."""
        while place and place not in self.lines:
            place = place[:-1]
        return Fault(str(self.path), self.lines.get(place, 1), message)


class FaultsFound(InputUnusable):
    """A file was read and cannot be used; its message lists every fault, one to a line."""

    def __init__(self, faults: list[Fault]) -> None:
        """Keep the faults, in the order of files and lines."""
        self.faults = sorted(set(faults))
        shown = [str(fault) for fault in self.faults[:FAULTS_SHOWN_MAX_COUNT]]
        if len(self.faults) > FAULTS_SHOWN_MAX_COUNT:
            shown.append(f"and {len(self.faults) - FAULTS_SHOWN_MAX_COUNT} more (limit {FAULTS_SHOWN_MAX_COUNT})")
        super().__init__("\n".join(shown))


def read_document(path: Path) -> Document:
    """Read a YAML file, or raise: `SourceUnavailable` where it cannot be read, `FaultsFound` where it is no text."""
    body = _bytes_of(path)
    try:
        _require_limits(body, path)
        node = yaml.compose(body, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line_index = mark.line + 1 if mark else 1
        said = " ".join(f"{error.context or ''} {error.problem or ''}".split())
        raise FaultsFound([Fault(str(path), line_index, f"is not YAML: {said}")]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FaultsFound([Fault(str(path), 1, f"is not YAML: {' '.join(str(error).split())}")]) from error
    lines: dict[Place, int] = {(): 1}
    faults: list[Fault] = []
    reading = _Reading(path, lines, faults)
    content = reading.value(node, ()) if node is not None else None
    if faults:
        raise FaultsFound(faults)
    return Document(path=path, content=content, file_sha256=hashlib.sha256(body).hexdigest(), lines=lines)


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(FILE_SIZE_MAX_BYTES + 1)
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
    if len(body) > FILE_SIZE_MAX_BYTES:
        raise FaultsFound([Fault(str(path), 1, f"has more than {FILE_SIZE_MAX_BYTES} bytes")])
    return body


def _require_limits(body: bytes, path: Path) -> None:
    """Hold depth, number of values and aliases against their limits before anything is built."""
    depth_count = node_count = 0
    for event in yaml.parse(body, Loader=LOADER):
        line_index = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise FaultsFound([Fault(str(path), line_index, f"alias *{event.anchor}: limit {ALIAS_MAX_COUNT} aliases")])
        if isinstance(event, yaml.NodeEvent):
            node_count += 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth_count += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth_count -= 1
        if depth_count > DEPTH_MAX_COUNT:
            message = f"is nested too deeply: more than {DEPTH_MAX_COUNT} levels"
            raise FaultsFound([Fault(str(path), line_index, message)])
        if node_count > NODE_MAX_COUNT:
            raise FaultsFound([Fault(str(path), line_index, f"has more than {NODE_MAX_COUNT} values")])


class _Reading:
    """Turns nodes into plain values: dates stay text, and `yes`, `no`, `on`, `off` are words."""

    def __init__(self, path: Path, lines: dict[Place, int], faults: list[Fault]) -> None:
        self.path = path
        self.lines = lines
        self.faults = faults

    def value(self, node: yaml.Node, place: Place) -> Any:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return {key: self.value(entry, (*place, key)) for key, entry in self._keys(node, place)}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(entry, (*place, index)) for index, entry in enumerate(node.value)]
        return _scalar(node)

    def _keys(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, yaml.Node]]:
        for key_node, entry in node.value:
            line_index = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.faults.append(Fault(str(self.path), line_index, "a key is not a word"))
                continue
            key = str(key_node.value)
            if (*place, key) in self.lines:
                first = self.lines[*place, key]
                self.faults.append(Fault(str(self.path), line_index, f"key {key!r} stands here and on line {first}"))
                continue
            self.lines[*place, key] = line_index
            yield key, entry


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    kind = node.tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if kind == "int" and _INTEGER.match(text):
        return int(text)
    if kind in {"int", "float"} and _NUMBER.match(text):
        return float(text)
    return text
