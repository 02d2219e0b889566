"""The zones of a clause, worked out for each party: which lines, how deep, which ground; what is lacking to draw them.

Nothing is measured here; `places` draws what is written down here and holds columns of positions against it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple, assert_never

from truceline.assess.stack import Stack
from truceline.model.provision import Freeze
from truceline.model.zone import (
    DEPTH_MOST_M,
    AgreedLine,
    Area,
    Belt,
    BetweenLines,
    BetweenPlaces,
    GeometryReference,
    Sites,
    Unmapped,
    Zone,
)


class LineKey(NamedTuple):
    """A line: drawn in a file of a layer, or that of a day (`as_of` `None`: of each event's own day)."""

    layer_index: int
    drawn: GeometryReference | None
    as_of: date | None = None


class BeltPart(NamedTuple):
    """Ground by depth [from, to) metres from a line; `ground_of` is whose ground counts (`None`: either)."""

    line: LineKey
    from_m: float
    to_m: float
    ground_of: str | None = None
    left_party: str | None = None
    marker_from_index: int | None = None
    marker_until_index: int | None = None


class AreaPart(NamedTuple):
    """Ground inside a drawn boundary."""

    layer_index: int
    drawn: GeometryReference


class SitesPart(NamedTuple):
    """Ground within a radius of named places (none named: of all of them)."""

    layer_index: int
    drawn: GeometryReference
    radius_m: float
    names: tuple[str, ...] = ()


class BetweenPart(NamedTuple):
    """Ground between two lines."""

    first: LineKey
    second: LineKey


class CorridorPart(NamedTuple):
    """The stretch between two named places, half as wide as given on each side."""

    layer_index: int
    drawn: GeometryReference
    names: tuple[str, str]
    half_width_m: float


FixedPart = AreaPart | SitesPart | BetweenPart | CorridorPart
Part = BeltPart | FixedPart


class Place(NamedTuple):
    """Zones taken together: their parts, and what is lacking to draw the rest of them."""

    parts: tuple[Part, ...]
    lacking: tuple[str, ...] = ()


def place_of(stack: Stack, layer_index: int, zone_ids: Iterable[str], *, party: str | None) -> Place:
    """Give the union of zones as they hold for a party; for `None`, for someone who is no party."""
    parts: list[Part] = []
    lacking: list[str] = []
    for zone_id in zone_ids:
        found = stack.zone(layer_index, zone_id)
        if found is None:
            lacking.append(f"zone {zone_id}, which no layer here describes")
            continue
        part = _part_of(stack, found, layer_index=layer_index, party=party)
        if isinstance(part, str):
            lacking.append(part)
        elif part is not None:
            parts.append(part)
    return Place(tuple(dict.fromkeys(parts)), tuple(dict.fromkeys(lacking)))


def _part_of(stack: Stack, found: tuple[int, Zone], *, layer_index: int, party: str | None) -> Part | str | None:
    """Give a zone as it holds for a party; `None` where it does not, and in words what is lacking to draw it."""
    zone_layer, zone = found
    match zone:
        case Belt():
            return _belt_of(stack, zone, layer_index=layer_index, party=party)
        case Area():
            return AreaPart(zone_layer, zone.drawn)
        case Sites():
            return SitesPart(zone_layer, zone.drawn, zone.radius_m, zone.names)
        case BetweenPlaces():
            return CorridorPart(zone_layer, zone.drawn, zone.names, zone.half_width_m)
        case BetweenLines():
            keys = [_line_key(stack, zone_layer, line_id) for line_id in zone.line_ids]
            first, second = keys
            if isinstance(first, str) or isinstance(second, str):
                return first if isinstance(first, str) else str(second)
            return BetweenPart(first, second)
        case Unmapped():
            return zone.lacking
        case _:
            assert_never(zone)


def _belt_of(stack: Stack, zone: Belt, *, layer_index: int, party: str | None) -> BeltPart | str | None:
    """Give a belt for a party, from its own reference line where the belt names none."""
    if zone.parties and party not in zone.parties:
        return None
    line = _line_of_belt(stack, zone, layer_index=layer_index, party=party)
    if isinstance(line, str):
        return line
    key = _key_of(*line)
    if isinstance(key, str):
        return key
    ground_of = _ground_of(stack, zone, party)
    if isinstance(ground_of, str) and ground_of == "":
        return "whose own ground is meant"
    return BeltPart(
        key,
        zone.depth_low_m,
        zone.depth_m,
        ground_of,
        line[1].left_party,
        zone.marker_from_index,
        zone.marker_until_index,
    )


def _line_of_belt(stack: Stack, zone: Belt, *, layer_index: int, party: str | None) -> tuple[int, AgreedLine] | str:
    if zone.line_id is not None:
        return stack.line(layer_index, zone.line_id) or f"line {zone.line_id}, which no layer here describes"
    if party is None:
        return "whose line the depth is measured from"
    return stack.reference_line(layer_index, party) or "from which line the depth is measured"


def _ground_of(stack: Stack, zone: Belt, party: str | None) -> str | None:
    """Give whose ground a belt lies on; empty where that depends on a party and there is none."""
    if zone.ground == "either":
        return None
    if party is None:
        return ""
    if zone.ground == "own":
        return party
    return next(other for other in stack.layers[0].parties if other != party)


def _line_key(stack: Stack, layer_index: int, line_id: str) -> LineKey | str:
    found = stack.line(layer_index, line_id)
    return f"line {line_id}, which no layer here describes" if found is None else _key_of(*found)


def _key_of(layer_index: int, line: AgreedLine) -> LineKey | str:
    """Say where a line comes from; in words where nobody can measure from it."""
    if line.drawn is not None:
        return LineKey(layer_index, line.drawn)
    if line.series is not None:
        return LineKey(-1, None, line.series.as_of)
    return f"where {line.title} runs"


def beyond(stack: Stack, layer_index: int, provision: Freeze, *, party: str) -> Place:
    """Give the ground beyond a line by more than a tolerance, seen from a party: what frozen positions exclude."""
    found = stack.line(layer_index, provision.line_id)
    if found is None:
        return Place((), (f"line {provision.line_id}, which no layer here describes",))
    key = _key_of(*found)
    if isinstance(key, str):
        return Place((), (key,))
    if key.drawn is None:
        key = LineKey(-1, None, provision.positions_as_of)
    other = next(name for name in stack.layers[0].parties if name != party)
    return Place((BeltPart(key, provision.tolerance_m, DEPTH_MOST_M, other, found[1].left_party),))
