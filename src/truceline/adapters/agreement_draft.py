"""A text on its way from a file to a record: what could be read, where each part stands, and what it is a layer on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from truceline.adapters.agreement_records import BROKEN, RecordReader, nearest
from truceline.adapters.agreement_yaml import Document, Fault, Place
from truceline.model.agreement import Agreement

FIELDS_NOT_WRITTEN = frozenset({"theatre_id", "geometries", "schema_name"})
"""Fields of an agreement that no file writes: the theatre stands under `theatre`, geometry in files of its own."""

KEYS_BESIDE = frozenset({"schema", "theatre"})
"""Keys of a file that are no fields of the record: which form it is written in, and where it belongs."""

PART_IDS = {
    "sources": "source_id",
    "provisions": "provision_id",
    "third_actors": "actor_id",
    "windows": "window_id",
    "lines": "line_id",
    "zones": "zone_id",
    "object_classes": "object_class_id",
    "definitions": "definition_id",
    "stages": "stage_id",
    "preconditions": "precondition_id",
    "bodies": "body_id",
}
"""The parts of a text that are lists of named things, and under which key each has its name."""


class Draft:
    """The parts of a text that could be read, the names of all that stand in it, and the faults found so far.

    Names are taken from the plain content too, so that one part that cannot be read does not make every clause that
    refers to it look wrong.
    """

    def __init__(self, document: Document, *, bases: tuple[Agreement, ...] = ()) -> None:
        """Begin with a document and the texts it is a layer on, the oldest first."""
        self.document = document
        self.bases = bases
        self.values: dict[str, Any] = {}
        self.faults: list[Fault] = []

    def note(self, place: Place, message: str) -> None:
        """Note a fault at a place of the document."""
        self.faults.append(self.document.fault(place, message))

    def parts(self, part: str) -> Iterator[tuple[Place, Any]]:
        """Give every readable item of a part with its place."""
        items = self.values.get(part, ())
        for index, item in enumerate(() if items is BROKEN else items):
            if item is not BROKEN:
                yield (part, index), item

    def own_ids(self, part: str) -> list[str]:
        """Give the names of a part's items as they are written, readable or not."""
        key = PART_IDS[part]
        content = self.document.content.get(part)
        items = content if isinstance(content, list) else []
        return [str(item[key]) for item in items if isinstance(item, dict) and key in item]

    def known_ids(self, part: str) -> set[str]:
        """Give the names of a part in this text and in those it is a layer on."""
        key = PART_IDS[part]
        inherited = {getattr(item, key) for base in self.bases for item in getattr(base, part)}
        return inherited | set(self.own_ids(part))

    def inherited(self, part: str, name: str) -> Any:
        """Give the item of that name that applies: this text's own, else that of the newest one below, or `None`."""
        key = PART_IDS[part]
        own = (item for _, item in self.parts(part) if getattr(item, key) == name)
        below = (item for base in reversed(self.bases) for item in getattr(base, part) if getattr(item, key) == name)
        return next(own, None) or next(below, None)


def read_parts(draft: Draft, *, timezone_name: str | None) -> None:
    """Read every field of the document into the draft, item by item, and note what is wrong."""
    fields = {entry.name: entry for entry in msgspec.structs.fields(Agreement) if entry.name not in FIELDS_NOT_WRITTEN}
    reader = RecordReader(draft.document, timezone_name=timezone_name)
    for key in draft.document.content:
        if key not in fields and key not in KEYS_BESIDE:
            reader.note((key,), f"unknown key {key!r}{nearest(key, [*fields, *KEYS_BESIDE])}")
    for name, field in fields.items():
        if name not in draft.document.content:
            if field.required and name != "parties":
                reader.note((), f"{name} is missing")
            continue
        content = draft.document.content[name]
        if name in PART_IDS and isinstance(content, list):
            kind = field.type.__args__[0]
            draft.values[name] = [reader.value(item, kind, (name, index)) for index, item in enumerate(content)]
        else:
            draft.values[name] = reader.value(content, field.type, (name,))
    draft.faults += reader.faults


def agreement_of(draft: Draft, **more: Any) -> Agreement | None:
    """Build the record where nothing was wrong; `None`, with the fault noted, where the whole does not fit together."""
    if draft.faults:
        return None
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in draft.values.items()}
    try:
        return Agreement(**(more | values))
    except ValueError as error:
        draft.note((), str(error))
        return None
