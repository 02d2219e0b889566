"""One clause of a stack -> what columns are held against: a clause for each reading, a case for each bound party."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

from truceline.assess.columns import ACTS, IMPLIED_ACTS, bits_of
from truceline.assess.compile_times import Force, Times, less
from truceline.assess.compile_zones import LineKey, Part, Place, beyond, place_of
from truceline.assess.compiled import ACTOR_INDEX, Case
from truceline.assess.stack import Stack
from truceline.model.agreement import Agreement
from truceline.model.conduct import UNIT_SIZES, ActKind
from truceline.model.definition import Definition, Reading
from truceline.model.provision import Freeze, Prohibition, Provision, Withdrawal
from truceline.model.zone import GeometryReference

READINGS_MAX_COUNT = 64
"""Most ways to read one clause: each reading of each disputed term it depends on, with each of the others."""

Assessed = Prohibition | Withdrawal | Freeze


class _Group(NamedTuple):
    """Zones of a clause in which it begins to hold together, and when."""

    zone_ids: tuple[str, ...]
    force: Force


class _Way(NamedTuple):
    """One way to read a clause: its readings, and what they add or exchange."""

    reading_id: str | None
    readings: tuple[Reading, ...]

    def zone_ids(self, zone_ids: Sequence[str]) -> tuple[str, ...]:
        """Exchange zones as the readings say."""
        exchanged = {one.zone_id: one.by_zone_id for reading in self.readings for one in reading.substitutions}
        return tuple(exchanged.get(zone_id, zone_id) for zone_id in zone_ids)


def with_implied(acts: Sequence[ActKind] | frozenset[ActKind]) -> frozenset[ActKind]:
    """Give acts and all those that are such by the meaning of the words."""
    named = set(acts)
    return frozenset(act for act in ACTS if act in named or named & set(IMPLIED_ACTS.get(act, ())))


def unsaid_terms(stack: Stack, layer_index: int, provision: Provision) -> tuple[str, ...]:
    """Name the terms that a clause turns on and that nobody defined, or defined in public."""
    terms = _terms(stack, layer_index, provision)
    missing = tuple(
        f"definition {name}" for name in provision.definition_ids if name not in {t.definition_id for t in terms}
    )
    return (
        *(f"{one.term} ({one.standing})" for one in terms if one.standing in {"undefined", "unpublished"}),
        *missing,
    )


def _terms(stack: Stack, layer_index: int, provision: Provision) -> list[Definition]:
    found = (stack.definition(layer_index, name) for name in provision.definition_ids)
    return [one for one in found if one is not None]


def ways_to_read(stack: Stack, layer_index: int, provision: Provision) -> Iterator[_Way]:
    """Give every way to read a clause: one, unless a term it depends on is disputed."""
    terms = _terms(stack, layer_index, provision)
    agreed = tuple(reading for one in terms if one.standing == "defined" for reading in one.readings)
    disputed = [one.readings for one in terms if one.standing == "disputed"]
    for index, chosen in enumerate(product(*disputed)):
        if index >= READINGS_MAX_COUNT:
            raise ValueError(f"{provision.provision_id}: more than {READINGS_MAX_COUNT} ways to read it")
        yield _Way("+".join(one.reading_id for one in chosen) or None, (*agreed, *chosen))


def clause_parts(times: Times, layer_index: int, provision: Assessed, *, way: _Way) -> dict[str, Any]:
    """Give what a `Clause` says of a provision under one way to read it."""
    layer = times.stack.layers[layer_index]
    cases = tuple(_cases(times, layer_index, provision, way=way))
    bound = tuple(not provision.parties or party in provision.parties for party in layer.parties)
    actor_ids = provision.actor_ids if isinstance(provision, Prohibition) else ()
    if actor_ids and not provision.parties:
        bound = (False, False)
    common: dict[str, Any] = {
        "layer": layer,
        "provision": provision,
        "reading_id": way.reading_id,
        "bound_parties": bound,
        "cases": cases,
        "replaced": times.replaced(provision, None),
        "unsaid": unsaid_terms(times.stack, layer_index, provision),
        "is_approximate": any(is_approximate(times.stack, case.place) for case in cases),
    }
    if isinstance(provision, Prohibition):
        return common | _of_prohibition(times.stack, layer_index, provision, way=way)
    common |= {"acts": frozenset(ACTS), "withdraws": True}
    if isinstance(provision, Freeze):
        return common | {"weapon_needed": False, "weapons": None}
    return common | {
        "weapon_needed": not provision.forces,
        "weapons": provision.weapons,
        "excepted_actor_ids": provision.excepted_actor_ids,
    }


def _of_prohibition(stack: Stack, layer_index: int, provision: Prohibition, *, way: _Way) -> dict[str, Any]:
    """Give what is particular to a prohibition: acts, objects, sizes, actors."""
    covered = [act for reading in way.readings for act in reading.covers_acts]
    class_ids = provision.object_class_ids
    if class_ids:
        class_ids += tuple(name for reading in way.readings for name in reading.covers_object_class_ids)
    found = (stack.object_class(layer_index, name) for name in class_ids)
    classes = [one for one in found if one is not None]
    listed = bits_of(one.category for one in classes if one.list_published)
    size = provision.unit_size_low
    return {
        "acts": with_implied((*provision.acts, *covered)),
        "withdraws": False,
        "weapon_needed": False,
        "weapons": provision.weapons,
        "domains": frozenset(provision.domains),
        "object_bits": bits_of(one.category for one in classes),
        "unlisted_bits": bits_of(one.category for one in classes) & ~listed,
        "unit_size_low_index": 0 if size is None else UNIT_SIZES.index(size),
        "actor_ids": provision.actor_ids,
        "excepted_actor_ids": provision.excepted_actor_ids,
        "outside_is_recorded": provision.outside_is_recorded,
    }


def _cases(times: Times, layer_index: int, provision: Assessed, *, way: _Way) -> Iterator[Case]:
    """Give a clause's cases: for each group of zones that starts by itself one for whoever it is, or for each party."""
    layer = times.stack.layers[layer_index]
    zone_ids = () if isinstance(provision, Freeze) else way.zone_ids(provision.zone_ids)
    apart = times.zones_started_apart(layer, provision.stage_id)
    together = tuple(zone_id for zone_id in zone_ids if zone_id not in apart)
    groups = [(zone_id,) for zone_id in zone_ids if zone_id in apart] + ([together] if together or not zone_ids else [])
    for group in groups:
        force = times.force(layer, provision, zone_id=group[0] if len(group) == 1 else None)
        held = _Group(group, force)
        for_group = [_case(times, layer_index, provision, bound_index=index, group=held) for index in range(3)]
        yield from _fewest(for_group, provision, layer)


def _fewest(cases: list[Case], provision: Assessed, layer: Agreement) -> Iterator[Case]:
    """Leave out who is not bound; make one case of those that are alike for everyone bound."""
    actor_ids = provision.actor_ids if isinstance(provision, Prohibition) else ()
    parties = provision.parties or (() if actor_ids else layer.parties)
    bound = [cases[index] for index, party in enumerate(layer.parties) if party in parties]
    bound += [cases[ACTOR_INDEX]] if actor_ids else []
    alike = all(_same(case, bound[0]) for case in bound)
    if alike and len(parties) == len(layer.parties):
        yield bound[0]._replace(bound_index=None)
    else:
        yield from bound


def _same(first: Case, second: Case) -> bool:
    return (first.place, first.storage) == (second.place, second.storage) and _spans(first.force) == _spans(
        second.force
    )


def _spans(force: Force) -> tuple[object, ...]:
    return (force.breach.tolist(), force.period.tolist(), force.untold.tolist(), force.lacking)


def _case(times: Times, layer_index: int, provision: Assessed, *, bound_index: int, group: _Group) -> Case:
    """Give a clause's case for a party or, for `ACTOR_INDEX`, for a third actor."""
    parties = times.stack.layers[layer_index].parties
    party = parties[bound_index] if bound_index < ACTOR_INDEX else None
    held = less(group.force, times.replaced(provision, party))
    storage = None
    if isinstance(provision, Freeze):
        place: Place | None = Place(()) if party is None else beyond(times.stack, layer_index, provision, party=party)
    else:
        place = place_of(times.stack, layer_index, group.zone_ids, party=party) if group.zone_ids else None
        if isinstance(provision, Withdrawal) and provision.storage_zone_ids:
            storage = place_of(times.stack, layer_index, provision.storage_zone_ids, party=party)
    return Case(bound_index, place, storage, held)


def references_of(part: Part) -> Iterator[tuple[int, GeometryReference]]:
    """Give the drawings that a part of a place is made from, with the layer each belongs to."""
    for field in part:
        if isinstance(field, LineKey) and field.drawn is not None:
            yield field.layer_index, field.drawn
        if isinstance(field, GeometryReference):
            yield int(part[0]), field  # type: ignore[arg-type]


def is_approximate(stack: Stack, place: Place | None) -> bool:
    """Say whether a place rests on a drawing that its own file calls approximate."""
    parts = () if place is None else place.parts
    drawings = (stack.layers[index].geometry(drawn) for part in parts for index, drawn in references_of(part))
    return any(one is not None and one.approximate for one in drawings)
