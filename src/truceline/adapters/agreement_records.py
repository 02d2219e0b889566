"""Plain values become records of the model; every wrong key, missing key and wrong value is said with its line."""

from __future__ import annotations

import difflib
import types
from datetime import UTC, date, datetime
from typing import Any, Union, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from truceline.adapters.agreement_yaml import Document, Fault, Place

YEARS_KNOWN = (1900, 2200)
"""Years that a time of a text may lie in."""

METRES_PER_KM = 1_000.0


class Broken:
    """Stands for a value that could not be read; its fault was noted."""


BROKEN = Broken()


class RecordReader:
    """Reads records out of one document and notes faults on the way.

    Lengths may be written in metres (`depth_high_m`) or in kilometres (`depth_high_km`). A time without an offset is in
    the time zone of the record it stands in (`timezone_name`), or else of the text.
    """

    def __init__(self, document: Document, *, timezone_name: str | None = None) -> None:
        """Take the document, and the time zone of times that name none."""
        self.document = document
        self.timezone_name = timezone_name
        self.faults: list[Fault] = []

    def note(self, place: Place, message: str) -> Broken:
        """Note a fault at a place."""
        self.faults.append(self.document.fault(place, message))
        return BROKEN

    def value(self, content: Any, kind: Any, place: Place) -> Any:
        """Give a value of a kind, or `BROKEN` after the fault was noted."""
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self.record(content, kind, place)
        origin, inner = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            return self._one_of(content, inner, place)
        if origin is tuple:
            return self._several(content, inner, place)
        if kind is datetime:
            return self._moment(content, place)
        return self._leaf(content, kind, place)

    def record(self, content: Any, kind: type[msgspec.Struct], place: Place) -> Any:
        """Give a record from a mapping, or `BROKEN`; all faults of its fields are noted."""
        before = len(self.faults)
        outer_zone = self.timezone_name
        given = self._fields_of(content, kind, place)
        if "timezone_name" in given:
            self.timezone_name = str(given["timezone_name"][0])
        values = {
            field.encode_name: self.value(*given[field.name][:1], field.type, (*place, given[field.name][1]))
            for field in msgspec.structs.fields(kind)
            if field.name in given
        }
        self.timezone_name = outer_zone
        if len(self.faults) > before:
            return BROKEN
        try:
            return kind(**values)
        except (ValueError, OverflowError) as error:
            return self.note(place, str(error))

    def _fields_of(self, content: Any, kind: type[msgspec.Struct], place: Place) -> dict[str, tuple[Any, str]]:
        """Give for each field its value and the key it was written under; lengths come out in metres."""
        if not isinstance(content, dict):
            self.note(place, f"expected {_article(kind.__name__)} (a mapping), found {_shown(content)}")
            return {}
        known = {field.name: field for field in msgspec.structs.fields(kind) if field.name != "schema_name"}
        given = self._known_keys(content, set(known), str(kind.__struct_config__.tag_field), place)
        for name, field in known.items():
            if field.required and name not in given:
                self.note(place, f"{_name_of(content)}{name} is missing")
        return given

    def _known_keys(
        self, content: dict[str, Any], known: set[str], tag_field: str, place: Place
    ) -> dict[str, tuple[Any, str]]:
        given: dict[str, tuple[Any, str]] = {}
        for key, entry in content.items():
            in_km = key.endswith("_km") and f"{key[:-3]}_m" in known
            name = f"{key[:-3]}_m" if in_km else key
            if name in known and name not in given:
                given[name] = (_in_metres(entry) if in_km else entry, key)
            elif name in given:
                self.note((*place, key), f"{key} and {given[name][1]} are both given")
            elif key != tag_field:
                self.note((*place, key), f"unknown key {key!r}{nearest(key, known)}")
        return given

    def _one_of(self, content: Any, kinds: tuple[Any, ...], place: Place) -> Any:
        if content is None and type(None) in kinds:
            return None
        wanted = [kind for kind in kinds if kind is not type(None)]
        if len(wanted) == 1:
            return self.value(content, wanted[0], place)
        if all(isinstance(kind, type) and issubclass(kind, msgspec.Struct) for kind in wanted):
            return self._tagged(content, wanted, place)
        return self._leaf(content, Union[tuple(wanted)], place)  # noqa: UP007 - built from a list

    def _tagged(self, content: Any, kinds: list[type[msgspec.Struct]], place: Place) -> Any:
        by_tag = {str(kind.__struct_config__.tag): kind for kind in kinds}
        tag_field = str(kinds[0].__struct_config__.tag_field)
        if not isinstance(content, dict):
            return self.note(place, f"expected a mapping with {tag_field!r}, found {_shown(content)}")
        if tag_field not in content:
            return self.note(place, f"{_name_of(content)}{tag_field} is missing; one of {', '.join(by_tag)}")
        tag = content[tag_field]
        if not isinstance(tag, str) or tag not in by_tag:
            said = f"{tag_field}={tag!r} is not one of {', '.join(by_tag)}{nearest(str(tag), by_tag)}"
            return self.note((*place, tag_field), said)
        return self.record(content, by_tag[tag], place)

    def _several(self, content: Any, inner: tuple[Any, ...], place: Place) -> Any:
        if not isinstance(content, list):
            return self.note(place, f"expected a list, found {_shown(content)}")
        endless = len(inner) == 2 and inner[1] is ...
        if not endless and len(content) != len(inner):
            return self.note(place, f"has {len(content)} entries, needs {len(inner)}")
        kinds = [inner[0]] * len(content) if endless else list(inner)
        pairs = zip(content, kinds, strict=True)
        values = tuple(self.value(entry, kind, (*place, index)) for index, (entry, kind) in enumerate(pairs))
        return BROKEN if any(value is BROKEN for value in values) else values

    def _leaf(self, content: Any, kind: Any, place: Place) -> Any:
        if kind is str and isinstance(content, str):
            return content.strip() or content
        try:
            return msgspec.convert(content, kind, str_keys=False)
        except msgspec.ValidationError as error:
            name = next((step for step in reversed(place) if isinstance(step, str)), "content")
            said = str(error).replace("`", "'")
            if kind is date:
                said = "is not a date such as 2014-09-19"
            elif get_args(kind):
                known = [str(entry) for entry in get_args(kind)]
                said = f"is not one of {', '.join(known)}{nearest(str(content), known)}"
            return self.note(place, f"{name}={_shown(content)}: {said}")

    def _moment(self, content: Any, place: Place) -> Any:
        """Read a time with its offset, or without one in the zone that applies; refuse hours that are not one hour."""
        name = place[-1] if place else "time"
        try:
            moment = datetime.fromisoformat(content)
        except (TypeError, ValueError):
            return self.note(place, f"{name}={_shown(content)} is not a time such as 2016-03-04T00:00+02:00")
        if not YEARS_KNOWN[0] <= moment.year <= YEARS_KNOWN[1]:
            said = f"{name}={content} is outside the years {YEARS_KNOWN[0]} to {YEARS_KNOWN[1]}"
            return self.note(place, said)
        if self.timezone_name is None:
            if moment.tzinfo is None:
                return self.note(place, f"{name}={content} has no time zone; write it with an offset such as +03:00")
            return moment.astimezone(UTC)
        zone = zone_of(self.timezone_name)
        if zone is None:
            return BROKEN if self.faults else self.note(place, f"time zone {self.timezone_name!r} does not exist")
        fault = _clock_fault(moment, zone, str(name))
        if fault:
            return self.note(place, fault)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def zone_of(timezone_name: str) -> ZoneInfo | None:
    """Give a time zone by its name, or `None` where there is none of it."""
    try:
        return ZoneInfo(timezone_name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _clock_fault(moment: datetime, zone: ZoneInfo, name: str) -> str | None:
    """Say what is wrong with a clock time in its zone: an hour that is skipped or comes twice."""
    if moment.tzinfo is not None:
        return None
    earlier, later = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
    if earlier.utcoffset() == later.utcoffset():
        return None
    there = earlier.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == moment
    happened = "comes twice" if there else "does not exist"
    return f"{name}={moment.isoformat()} {happened} in {zone.key} (clock change); write it with its offset"


def nearest(word: str, known: Any) -> str:
    """Suggest the known word that is most like one, or nothing."""
    close = difflib.get_close_matches(word, [str(entry) for entry in known], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _in_metres(content: Any) -> Any:
    if isinstance(content, bool) or not isinstance(content, int | float):
        return content
    return content * METRES_PER_KM


def _shown(content: Any) -> str:
    match content:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "nothing"
        case _:
            text = repr(content)
            return text if len(text) <= 60 else f"{text[:60]}..."


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _name_of(content: dict[str, Any]) -> str:
    """Give the id by which a mapping calls itself, for a message."""
    own = next((entry for key, entry in content.items() if key.endswith("_id") and isinstance(entry, str)), None)
    return f"{own}: " if own else ""
