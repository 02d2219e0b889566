"""Texts, registers and dated lines -> one compiled whole, which any number of events can be held against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from truceline.assess.compile_clauses import clause_parts, unsaid_terms, ways_to_read, with_implied
from truceline.assess.compile_times import Times, less
from truceline.assess.compile_zones import Place, place_of
from truceline.assess.compiled import Clause, Compiled, CompiledExemption, CompiledPermission, Watcher
from truceline.assess.stack import Stack, stacks_of
from truceline.model.agreement import Agreement
from truceline.model.provision import (
    ConditionalPermission,
    Exemption,
    Freeze,
    Prohibition,
    ProvisionBase,
    Reversal,
    Withdrawal,
)
from truceline.model.reference_line import DatedLine
from truceline.model.register import Register
from truceline.model.weapon import WeaponCatalogue

NO_CATALOGUE = WeaponCatalogue(version="none", types=())
"""Stands for no catalogue: weapons are told apart by what terms and events say themselves."""


def compile_texts(
    texts: Iterable[Agreement],
    *,
    catalogue: WeaponCatalogue = NO_CATALOGUE,
    lines: Sequence[DatedLine] = (),
    register: Register | None = None,
) -> Compiled:
    """Make texts ready: layers and versions in order, each clause with its acts, weapons, zones and times.

    The order of `texts` does not matter. Raises `ValueError` where layers amend each other in a circle, where two
    texts share a name, or where stages wait for each other.
    """
    stacks = stacks_of(texts)
    known = register if register is not None else Register()
    exemptions: list[CompiledExemption] = []
    permissions: list[CompiledPermission] = []
    clauses: list[Clause] = []
    watchers: list[Watcher] = []
    for version_index, stack in enumerate(stacks):
        times = Times(stack=stack, starts=known.stage_starts)
        exempting = list(_exemptions(times, known))
        permitting = list(_permissions(times))
        starts_at = (len(exemptions), len(permissions))
        for clause in _clauses(times, version_index):
            linked = _linked(clause, exempting, permitting, starts_at=starts_at)
            clauses.append(msgspec.structs.replace(linked, clause_index=len(clauses)))
        exemptions += exempting
        permissions += permitting
        watchers += _watchers(times, version_index)
    return Compiled(
        stacks=stacks,
        parties=stacks[0].layers[0].parties,
        clauses=tuple(clauses),
        exemptions=tuple(exemptions),
        permissions=tuple(permissions),
        watchers=tuple(watchers),
        catalogue=catalogue,
        lines=tuple(lines),
        register=known,
    )


def _clauses(times: Times, version_index: int) -> Iterator[Clause]:
    """Give every clause that events can be held against, once for each way to read it."""
    for layer_index, provision in times.stack.provisions():
        if isinstance(provision, Prohibition | Withdrawal | Freeze):
            for way in ways_to_read(times.stack, layer_index, provision):
                parts = clause_parts(times, layer_index, provision, way=way)
                yield Clause(clause_index=0, version_index=version_index, **parts)


def _linked(
    clause: Clause,
    exemptions: Sequence[CompiledExemption],
    permissions: Sequence[CompiledPermission],
    *,
    starts_at: tuple[int, int],
) -> Clause:
    """Give a clause with the numbers of the exemptions and permissions that may lift it."""
    lifting = [
        index for index, one in enumerate(exemptions) if _lifts(one.provision.excepts_provision_ids, one.acts, clause)
    ]
    return msgspec.structs.replace(
        clause,
        exemption_index=tuple(starts_at[0] + index for index in lifting),
        exempt_actor_ids=tuple(name for index in lifting for name in exemptions[index].provision.actor_ids),
        permission_index=tuple(
            starts_at[1] + index
            for index, one in enumerate(permissions)
            if _lifts(one.provision.excepts_provision_ids, with_implied(one.provision.acts), clause)
        ),
    )


def _lifts(excepted_ids: Sequence[str], acts: frozenset[str], clause: Clause) -> bool:
    """Say whether an exception concerns a clause: it names it, or names none and shares an act with it."""
    if excepted_ids:
        return clause.provision.provision_id in excepted_ids
    return bool(acts & clause.acts)


def _exemptions(times: Times, register: Register) -> Iterator[CompiledExemption]:
    """Give every exemption of a stack, with the places of the notifications that name a zone."""
    for layer_index, provision in times.stack.provisions():
        if not isinstance(provision, Exemption):
            continue
        layer = times.stack.layers[layer_index]
        zone_ids = {one.zone_id for one in register.notifications if one.zone_id is not None}
        yield CompiledExemption(
            layer=layer,
            provision=provision,
            acts=with_implied(provision.acts),
            force=less(times.force(layer, provision), times.replaced(provision, None)),
            places=tuple(  # type: ignore[arg-type]
                place_of(times.stack, layer_index, provision.zone_ids, party=party) if provision.zone_ids else None
                for party in (*layer.parties, None)
            ),
            notified_places={
                zone_id: place_of(times.stack, layer_index, [zone_id], party=layer.parties[0])
                for zone_id in sorted(zone_ids)
            },
        )


def _permissions(times: Times) -> Iterator[CompiledPermission]:
    for layer_index, provision in times.stack.provisions():
        if isinstance(provision, ConditionalPermission):
            layer = times.stack.layers[layer_index]
            yield CompiledPermission(
                layer=layer,
                provision=provision,
                force=less(times.force(layer, provision), times.replaced(provision, None)),
                unsaid=unsaid_terms(times.stack, layer_index, provision),
            )


def _watchers(times: Times, version_index: int) -> Iterator[Watcher]:
    """Give what restarts clocks and what may release a party: for each zone by itself where the text says so."""
    stack = times.stack
    for layer_index, provision in stack.provisions():
        if isinstance(provision, Reversal) and provision.on_acts:
            layer, released = stack.layers[layer_index], ", ".join(provision.released_provision_ids)
            for zone_id, zone_ids in _apart(provision.zone_ids, alone=provision.by_zone):
                yield Watcher(
                    version_index=version_index,
                    layer_index=layer_index,
                    flag="release_on_breach",
                    text=f"{layer.agreement_id} {provision.article}: may release from {released}" + _in(zone_id),
                    acts=with_implied(provision.on_acts),
                    spans=times.force(layer, provision),
                    place=_place(stack, layer_index, zone_ids),
                    depends_on=provision.provision_id,
                    zone_id=zone_id,
                )
    for layer_index, layer in enumerate(stack.layers):
        for one in layer.preconditions:
            rule = ProvisionBase(provision_id="", article="", summary="", source_ids=())
            for zone_id, zone_ids in _apart(one.zone_ids, alone=one.each_zone_alone):
                yield Watcher(
                    version_index=version_index,
                    layer_index=layer_index,
                    flag="clock_reset",
                    text=f"{layer.agreement_id}: {one.title!r} counts anew" + _in(zone_id),
                    acts=with_implied(one.resets_on_acts),
                    spans=times.force(layer, rule),  # type: ignore[arg-type]
                    place=_place(stack, layer_index, zone_ids),
                    depends_on=one.precondition_id,
                    zone_id=zone_id,
                    precondition=one,
                )


def _apart(zone_ids: Sequence[str], *, alone: bool) -> list[tuple[str | None, tuple[str, ...]]]:
    """Give zones one by one with their name where each stands alone, else all together without one."""
    return [(zone_id, (zone_id,)) for zone_id in zone_ids] if alone and zone_ids else [(None, tuple(zone_ids))]


def _in(zone_id: str | None) -> str:
    return "" if zone_id is None else f" in {zone_id}"


def _place(stack: Stack, layer_index: int, zone_ids: Sequence[str]) -> Place | None:
    return place_of(stack, layer_index, zone_ids, party=None) if zone_ids else None
