"""Holds a value against a JSON Schema (draft 2020-12): the keywords our schema uses; no other passes unseen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

IGNORED = frozenset({"$schema", "$defs", "title", "description", "default", "discriminator"})
"""Keywords that say nothing about which values are valid."""

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


class Validator:
    """A schema that values are held against."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """Take the schema with its definitions."""
        self.schema = schema

    def faults(self, value: Any) -> list[str]:
        """Give everything about a value that the schema does not allow."""
        return list(self._faults(value, self.schema, "$"))

    def _faults(self, value: Any, schema: dict[str, Any] | bool, place: str) -> Iterator[str]:
        if isinstance(schema, bool):
            yield from () if schema else (f"{place}: nothing may stand here",)
            return
        for keyword, rule in schema.items():
            if keyword not in IGNORED:
                name = keyword.removeprefix("$")
                yield from getattr(self, f"_hold_{name}")(value, rule, place, schema)

    def _hold_ref(self, value: Any, rule: str, place: str, _: dict[str, Any]) -> Iterator[str]:
        yield from self._faults(value, self.schema["$defs"][rule.removeprefix("#/$defs/")], place)

    def _hold_type(self, value: Any, rule: str, place: str, _: dict[str, Any]) -> Iterator[str]:
        is_bool = isinstance(value, bool) and rule != "boolean"
        if is_bool or not isinstance(value, TYPES[rule]):
            yield f"{place}: {value!r} is no {rule}"

    def _hold_const(self, value: Any, rule: Any, place: str, _: dict[str, Any]) -> Iterator[str]:
        if value != rule:
            yield f"{place}: {value!r} is not {rule!r}"

    def _hold_enum(self, value: Any, rule: list[Any], place: str, _: dict[str, Any]) -> Iterator[str]:
        if value not in rule:
            yield f"{place}: {value!r} is not one of {rule}"

    def _hold_format(self, value: Any, rule: str, place: str, _: dict[str, Any]) -> Iterator[str]:
        assert rule == "date", f"format {rule} is not known here"
        try:
            date.fromisoformat(str(value))
        except ValueError:
            yield f"{place}: {value!r} is no date"

    def _hold_required(self, value: Any, rule: list[str], place: str, _: dict[str, Any]) -> Iterator[str]:
        yield from (f"{place}: {name} is missing" for name in rule if isinstance(value, dict) and name not in value)

    def _hold_properties(self, value: Any, rule: dict[str, Any], place: str, _: dict[str, Any]) -> Iterator[str]:
        for name, inner in rule.items():
            if isinstance(value, dict) and name in value:
                yield from self._faults(value[name], inner, f"{place}.{name}")

    def _hold_additionalProperties(  # noqa: N802 - named after the keyword
        self, value: Any, rule: bool | dict[str, Any], place: str, schema: dict[str, Any]
    ) -> Iterator[str]:
        for name in value if isinstance(value, dict) else ():
            if name not in schema.get("properties", {}):
                yield from self._faults(value[name], rule, f"{place}.{name}")

    def _hold_items(self, value: Any, rule: bool | dict[str, Any], place: str, schema: dict[str, Any]) -> Iterator[str]:
        first = len(schema.get("prefixItems", ()))
        for index, entry in enumerate(value[first:] if isinstance(value, list) else ()):
            yield from self._faults(entry, rule, f"{place}[{first + index}]")

    def _hold_prefixItems(  # noqa: N802 - named after the keyword
        self, value: Any, rule: list[dict[str, Any]], place: str, _: dict[str, Any]
    ) -> Iterator[str]:
        for index, (entry, inner) in enumerate(zip(value if isinstance(value, list) else (), rule, strict=False)):
            yield from self._faults(entry, inner, f"{place}[{index}]")

    def _hold_minItems(  # noqa: N802 - named after the keyword
        self, value: Any, rule: int, place: str, _: dict[str, Any]
    ) -> Iterator[str]:
        if isinstance(value, list) and len(value) < rule:
            yield f"{place}: fewer than {rule} entries"

    def _hold_maxItems(  # noqa: N802 - named after the keyword
        self, value: Any, rule: int, place: str, _: dict[str, Any]
    ) -> Iterator[str]:
        if isinstance(value, list) and len(value) > rule:
            yield f"{place}: more than {rule} entries"

    def _hold_anyOf(  # noqa: N802 - named after the keyword
        self, value: Any, rule: list[dict[str, Any]], place: str, _: dict[str, Any]
    ) -> Iterator[str]:
        found = [list(self._faults(value, inner, place)) for inner in rule]
        if all(found):
            yield from min(found, key=len)

    def _hold_allOf(  # noqa: N802 - named after the keyword
        self, value: Any, rule: list[dict[str, Any]], place: str, _: dict[str, Any]
    ) -> Iterator[str]:
        for inner in rule:
            yield from self._faults(value, inner, place)

    def _hold_oneOf(  # noqa: N802 - named after the keyword
        self, value: Any, rule: list[dict[str, Any]], place: str, _: dict[str, Any]
    ) -> Iterator[str]:
        count = sum(not list(self._faults(value, inner, place)) for inner in rule)
        if count != 1:
            yield f"{place}: {count} of {len(rule)} forms fit, not one"
