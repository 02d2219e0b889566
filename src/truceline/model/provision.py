"""One clause of a text: which conduct it prohibits, limits, asks for or lets pass, where, by whom, on what terms."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from truceline.model.conduct import ActDomain, ActKind, Purpose, UnitSize
from truceline.model.in_force import InForce
from truceline.model.quantity import require_between
from truceline.model.weapon import Basis, WeaponTerm


class ProvisionBase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every clause says: its article, our own summary, where it was read, whom it binds and when it holds.

    `parties` empty means every party of the text. It holds in its own `in_force`, else in the windows it names, else
    in the text's span. `definition_ids` are the terms its findings turn on, `precondition_ids` what must be met before
    it holds, `stage_id` the step of the schedule it belongs to. `replaces_provision_ids` are clauses of the text that
    is amended (or of this text) that no longer hold where this one does.
    """

    provision_id: str
    article: str
    summary: str
    source_ids: tuple[str, ...]
    basis: Basis = "seen"
    parties: tuple[str, ...] = ()
    in_force: InForce | None = None
    window_ids: tuple[str, ...] = ()
    definition_ids: tuple[str, ...] = ()
    precondition_ids: tuple[str, ...] = ()
    stage_id: str | None = None
    replaces_provision_ids: tuple[str, ...] = ()


class Prohibition(ProvisionBase, frozen=True, kw_only=True, tag="prohibition"):
    """No such act, by such weapon, there: empty fields mean any weapon, domain, purpose, object or place.

    `actor_ids` are third actors it binds (a force that must stay away from a line); where it names such and no party,
    it binds no party.
    `excepted_actor_ids` may do it all the same. `unit_size_low` lets smaller formations pass. `object_class_ids` limit
    it to attacks on protected objects. `outside_is_recorded` says that monitors record the same act outside the zone
    although the clause does not touch it.
    """

    acts: tuple[ActKind, ...]
    weapons: WeaponTerm | None = None
    zone_ids: tuple[str, ...] = ()
    domains: tuple[ActDomain, ...] = ()
    object_class_ids: tuple[str, ...] = ()
    unit_size_low: UnitSize | None = None
    actor_ids: tuple[str, ...] = ()
    excepted_actor_ids: tuple[str, ...] = ()
    outside_is_recorded: bool = False

    def __post_init__(self) -> None:
        """Check that the clause names an act."""
        if not self.acts:
            raise ValueError(f"{self.provision_id}: acts is empty")


class Withdrawal(ProvisionBase, frozen=True, kw_only=True, tag="withdrawal"):
    """Such weapons (or `forces`) leave the zones, and stay out of them once the stage's deadline has passed.

    `storage_zone_ids` are designated sites: a weapon there is in keeping whatever its distance, one elsewhere beyond
    the line is *outside a designated site*, a category of its own.
    """

    weapons: WeaponTerm | None
    zone_ids: tuple[str, ...]
    forces: bool = False
    storage_zone_ids: tuple[str, ...] = ()
    excepted_actor_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that the clause says what leaves, and from where."""
        if self.weapons is None and not self.forces:
            raise ValueError(f"{self.provision_id}: weapons and forces are both missing")
        if not self.zone_ids:
            raise ValueError(f"{self.provision_id}: zone_ids is empty")


class Ceiling(ProvisionBase, frozen=True, kw_only=True, tag="ceiling"):
    """No more than so many of an item in the zones taken together, for each party by itself."""

    item: str
    ceiling_count: float
    zone_ids: tuple[str, ...]
    weapons: WeaponTerm | None = None

    def __post_init__(self) -> None:
        """Check the number and that there is a zone."""
        require_between("ceiling_count", self.ceiling_count, 0.0, 1.0e7)
        if not self.zone_ids:
            raise ValueError(f"{self.provision_id}: zone_ids is empty")


class Freeze(ProvisionBase, frozen=True, kw_only=True, tag="freeze"):
    """Positions stay as they were on a day: nobody is beyond that day's line by more than a tolerance."""

    positions_as_of: date
    line_id: str
    tolerance_m: float = 0.0

    def __post_init__(self) -> None:
        """Check the tolerance."""
        require_between("tolerance_m", self.tolerance_m, 0.0, 1.0e6)


class Exemption(ProvisionBase, frozen=True, kw_only=True, tag="exemption"):
    """Such acts pass: for these purposes or actors, and where asked after notification so long before.

    It lifts only the clauses in `excepts_provision_ids` (empty: every prohibition of the acts). With
    `notification_needed` it holds only inside the window and area of a notification that was made `lead_time_hours`
    before and, where asked, acknowledged.
    """

    acts: tuple[ActKind, ...]
    purposes: tuple[Purpose, ...] = ()
    actor_ids: tuple[str, ...] = ()
    weapons: WeaponTerm | None = None
    zone_ids: tuple[str, ...] = ()
    excepts_provision_ids: tuple[str, ...] = ()
    notification_needed: bool = False
    lead_time_hours: float = 0.0
    acknowledgement_needed: bool = False

    def __post_init__(self) -> None:
        """Check the lead time and that the exemption says for what it is."""
        require_between("lead_time_hours", self.lead_time_hours, 0.0, 8_784.0)
        if not (self.purposes or self.actor_ids or self.notification_needed):
            raise ValueError(f"{self.provision_id}: purposes, actor_ids and notification_needed are all missing")
        if self.acknowledgement_needed and not self.notification_needed:
            raise ValueError(f"{self.provision_id}: acknowledgement_needed without notification_needed")


class ConditionalPermission(ProvisionBase, frozen=True, kw_only=True, tag="conditional_permission"):
    """An act is permitted if documents show that each condition was met; no sensor can show it.

    `conditions` are names that a register of documents answers. Where all are recorded the finding says *permitted, to
    be verified*; where one is missing, the clauses in `excepts_provision_ids` stand. `notify_body_id` must be told.
    """

    acts: tuple[ActKind, ...]
    conditions: tuple[str, ...]
    excepts_provision_ids: tuple[str, ...] = ()
    notify_body_id: str | None = None

    def __post_init__(self) -> None:
        """Check that the clause names an act."""
        if not self.acts:
            raise ValueError(f"{self.provision_id}: acts is empty")


class Duty(ProvisionBase, frozen=True, kw_only=True, tag="duty"):
    """Something has to be done by a time; whether it was is shown by documents, so only its clock is watched."""

    task: str
    due: InForce | None = None
    due_within_hours: float | None = None
    due_within_days: float | None = None
    zone_ids: tuple[str, ...] = ()
    to_body_id: str | None = None

    def __post_init__(self) -> None:
        """Check that the time limit is given once."""
        limits = [self.due is not None, self.due_within_hours is not None, self.due_within_days is not None]
        if sum(limits) > 1:
            raise ValueError(f"{self.provision_id}: due, due_within_hours and due_within_days: give one")
        require_between("due_within_hours", self.due_within_hours or 0.0, 0.0, 1.0e6)
        require_between("due_within_days", self.due_within_days or 0.0, 0.0, 40_000.0)


class Reversal(ProvisionBase, frozen=True, kw_only=True, tag="reversal"):
    """If one party does such acts (or people determine a breach), the other is released from these clauses.

    It raises a flag on findings of the released clauses; that a party was released is for people to say. `by_zone` says
    that the release holds only in the zone where it happened.
    """

    released_provision_ids: tuple[str, ...]
    on_acts: tuple[ActKind, ...] = ()
    zone_ids: tuple[str, ...] = ()
    by_zone: bool = False
    release: Literal["other_party", "both_parties", "schedule_suspended"] = "other_party"

    def __post_init__(self) -> None:
        """Check that something is released."""
        if not self.released_provision_ids:
            raise ValueError(f"{self.provision_id}: released_provision_ids is empty")


class Verification(ProvisionBase, frozen=True, kw_only=True, tag="verification"):
    """A body checks: every so many days, so many times a month, or within so many hours of a request."""

    body_id: str
    every_days: float | None = None
    per_month_low_count: float | None = None
    on_request_within_hours: float | None = None
    zone_ids: tuple[str, ...] = ()
    inventory_needed: bool = False
    report_every_days: float | None = None

    def __post_init__(self) -> None:
        """Check that the frequencies are positive."""
        for name in ("every_days", "per_month_low_count", "on_request_within_hours", "report_every_days"):
            number = getattr(self, name)
            if number is not None:
                require_between(name, number, 1e-3, 1.0e5)


class ResponseRung(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rung of a ladder or step of a procedure: what is foreseen, by whom, within which time of what began it."""

    rung_index: int
    title: str
    actions: tuple[str, ...]
    actor_ids: tuple[str, ...] = ()
    condition: str = ""
    within_hours: float | None = None

    def __post_init__(self) -> None:
        """Check the number and the clock."""
        require_between("rung_index", self.rung_index, 1, 100)
        if self.within_hours is not None:
            require_between("within_hours", self.within_hours, 0.0, 1.0e5)


class ResponseLadder(ProvisionBase, frozen=True, kw_only=True, tag="response_ladder"):
    """Foreseen answers to a breach, in order; their clocks raise flags and nothing else, and never start by themselves.

    A clock runs from the moment that people of `body_id` confirmed a breach, which a register records.
    `is_procedure` says that the rungs are steps before the use of force (warnings) rather than answers to a breach.
    """

    rungs: tuple[ResponseRung, ...]
    body_id: str | None = None
    is_procedure: bool = False
    domains: tuple[ActDomain, ...] = ()

    def __post_init__(self) -> None:
        """Check that the rungs stand in order."""
        indices = [rung.rung_index for rung in self.rungs]
        if not indices or indices != sorted(set(indices)):
            raise ValueError(f"{self.provision_id}: rung_index={indices} do not rise")


Provision = (
    Prohibition
    | Withdrawal
    | Ceiling
    | Freeze
    | Exemption
    | ConditionalPermission
    | Duty
    | Reversal
    | Verification
    | ResponseLadder
)
