"""The JSON Schema of an agreement file, made from the records it is read into; editors complete and check with it."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from truceline.adapters.agreement_draft import FIELDS_NOT_WRITTEN
from truceline.adapters.agreements import THEATRE_SCHEMA_NAME, TheatreFile
from truceline.model.agreement import AGREEMENT_SCHEMA_NAME, Agreement

JSON_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_NOT_WRITTEN_PARTS = ("AgreedGeometry", "LineMarker")


def agreement_schema() -> dict[str, Any]:
    """Give the schema of an agreement file: the record without what is read from elsewhere, and with its theatre."""
    (root,), definitions = msgspec.json.schema_components([Agreement], ref_template="#/$defs/{name}")
    (theatre,), beside = msgspec.json.schema_components([TheatreFile], ref_template="#/$defs/{name}")
    assert root == {"$ref": "#/$defs/Agreement"}, "a record is named by a reference"
    named = {name: copy.deepcopy(entry) for name, entry in {**definitions, **beside}.items()}
    for name in _NOT_WRITTEN_PARTS:
        del named[name]
    named["TheatreFile"]["properties"]["schema"] = {"const": THEATRE_SCHEMA_NAME}
    text = named.pop("Agreement")
    for name in FIELDS_NOT_WRITTEN:
        del text["properties"][name]
    optional = {*FIELDS_NOT_WRITTEN, "parties"}
    text["required"] = ["schema", "theatre", *(name for name in text["required"] if name not in optional)]
    text["properties"] = {
        "schema": {"const": AGREEMENT_SCHEMA_NAME},
        "theatre": {"anyOf": [{"type": "string"}, theatre]},
        **text["properties"],
    }
    whole = {"$schema": JSON_SCHEMA_DIALECT, **text, "title": AGREEMENT_SCHEMA_NAME, "$defs": named}
    for entry in (whole, *named.values()):
        _allow_kilometres(entry)
        entry["description"] = " ".join(entry.get("description", "").split())
    return whole


def schema_text() -> bytes:
    """Give the schema as it is published in `docs/schema`."""
    return msgspec.json.format(msgspec.json.encode(agreement_schema()), indent=2) + b"\n"


def _allow_kilometres(entry: dict[str, Any]) -> None:
    """Let every length be written in kilometres too: `depth_high_km` for `depth_high_m`."""
    properties = entry.get("properties", {})
    lengths = [name for name in properties if name.endswith("_m")]
    needed = [name for name in lengths if name in entry.get("required", [])]
    for name in lengths:
        properties[f"{name[:-2]}_km"] = {key: value for key, value in properties[name].items() if key != "default"}
    if needed:
        entry["required"] = [name for name in entry["required"] if name not in needed]
        entry["allOf"] = [{"oneOf": [{"required": [name]}, {"required": [f"{name[:-2]}_km"]}]} for name in needed]
