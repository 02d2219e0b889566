"""What texts become before events are held against them: clauses with acts, weapons, places and times worked out."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from truceline.assess.columns import Bits
from truceline.assess.compile_times import Force
from truceline.assess.compile_zones import Place
from truceline.assess.spans import Floats
from truceline.assess.stack import Stack
from truceline.model.agreement import Agreement
from truceline.model.conduct import ActDomain, ActKind
from truceline.model.in_force import Precondition
from truceline.model.provision import ConditionalPermission, Exemption, Freeze, Prohibition, Provision, Withdrawal
from truceline.model.reference_line import DatedLine
from truceline.model.register import Register
from truceline.model.weapon import WeaponCatalogue, WeaponTerm

ACTOR_INDEX = 2
"""Stands beside the two parties (0 and 1) for a third actor that a clause binds."""


class Case(NamedTuple):
    """A clause as it binds one party (0, 1), a third actor (`ACTOR_INDEX`), or whoever it was (`None`): where and when.

    `place` and `storage` are `None` where the clause names no zone: it holds everywhere, or knows no designated sites.
    """

    bound_index: int | None
    place: Place | None
    storage: Place | None
    force: Force


class Clause(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One clause of one version under one reading, ready to be held against columns.

    `acts` are all acts that it speaks of, those included that are such by the meaning of the words or by a definition.
    `withdraws` says that it is about where weapons are, whatever they do; `weapon_needed` that somebody must have seen
    one. `object_bits` are the kinds of objects it protects, `unlisted_bits` those of which nobody published the list.
    `unsaid` are terms that it turns on and nobody defined. In the stretches `replaced` another clause stands in
    its place for everyone, and it says nothing.
    """

    clause_index: int
    version_index: int
    layer: Agreement
    provision: Prohibition | Withdrawal | Freeze
    acts: frozenset[ActKind]
    withdraws: bool
    weapon_needed: bool
    weapons: WeaponTerm | None
    bound_parties: tuple[bool, bool]
    cases: tuple[Case, ...]
    replaced: Floats
    reading_id: str | None = None
    domains: frozenset[ActDomain] = frozenset()
    object_bits: Bits = 0
    unlisted_bits: Bits = 0
    unit_size_low_index: int = 0
    actor_ids: tuple[str, ...] = ()
    excepted_actor_ids: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    exempt_actor_ids: tuple[str, ...] = ()
    exemption_index: tuple[int, ...] = ()
    permission_index: tuple[int, ...] = ()
    outside_is_recorded: bool = False
    is_approximate: bool = False


class CompiledExemption(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An exemption with its time and, for each party and for third actors, its place (`None`: everywhere)."""

    layer: Agreement
    provision: Exemption
    acts: frozenset[ActKind]
    force: Force
    places: tuple[Place | None, Place | None, Place | None]
    notified_places: dict[str, Place]


class CompiledPermission(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A conditional permission with its time and the terms that it turns on and nobody defined."""

    layer: Agreement
    provision: ConditionalPermission
    force: Force
    unsaid: tuple[str, ...]


class Watcher(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Acts that restart a clock or may release a party: a flag on what was found about them, and nothing else.

    `precondition` is there where they restart the clock of one; `zone_id` where each zone counts by itself.
    """

    version_index: int
    layer_index: int
    flag: str
    text: str
    acts: frozenset[ActKind]
    spans: Force
    place: Place | None
    depends_on: str
    zone_id: str | None = None
    precondition: Precondition | None = None


class Compiled(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Stacks of texts (one for each version) with everything that events are held against."""

    stacks: tuple[Stack, ...]
    parties: tuple[str, str]
    clauses: tuple[Clause, ...]
    exemptions: tuple[CompiledExemption, ...]
    permissions: tuple[CompiledPermission, ...]
    watchers: tuple[Watcher, ...]
    catalogue: WeaponCatalogue
    lines: tuple[DatedLine, ...]
    register: Register

    @property
    def provisions(self) -> tuple[tuple[Agreement, Provision], ...]:
        """Every clause of every text once, of whatever kind, in the order of the stacks."""
        found: dict[tuple[str, str | None, str], tuple[Agreement, Provision]] = {}
        for stack in self.stacks:
            for index, provision in stack.provisions():
                layer = stack.layers[index]
                found.setdefault((layer.agreement_id, layer.version_by, provision.provision_id), (layer, provision))
        return tuple(found.values())
