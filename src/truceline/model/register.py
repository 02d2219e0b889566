"""What is entered by people and not sensed: notifications, counts, inventories, impediments, documents, clocks."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from truceline.model.agreement import Agreement
from truceline.model.conduct import ActKind, Purpose
from truceline.model.in_force import Stage
from truceline.model.provision import Ceiling, Exemption, ResponseLadder, ResponseRung
from truceline.model.quantity import Count, Position, TimeSpan, require_between, require_utc

REGISTER_SCHEMA_NAME = "truceline.register/1"


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A party's (or a third actor's) prior notice of an activity: what, when, where, when it was given, who answered.

    `zone_id` or `centre` with `radius_m` limit it to a place; without either it holds wherever the text does.
    `type_ids` limit it to weapons. It never makes anything contrary to a text, it only lets a clause pass.
    """

    notification_id: str
    agreement_id: str
    notified_by: str
    notice: Literal["exercise", "demining", "repair_window", "flight", "movement", "return_fire", "other"]
    acts: tuple[ActKind, ...]
    window: TimeSpan
    given_time: datetime
    source: str
    purpose: Purpose | None = None
    type_ids: tuple[str, ...] = ()
    acknowledged_by: str | None = None
    acknowledged_time: datetime | None = None
    withdrawn_time: datetime | None = None
    zone_id: str | None = None
    centre: Position | None = None
    radius_m: float | None = None
    schema_name: str = REGISTER_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check times, that an acknowledgement names who gave it, and that a place has its radius."""
        require_utc("given_time", self.given_time)
        for name in ("acknowledged_time", "withdrawn_time"):
            if (moment := getattr(self, name)) is not None:
                require_utc(name, moment)
        if (self.acknowledged_by is None) != (self.acknowledged_time is None):
            raise ValueError("acknowledged_by and acknowledged_time go together")
        if (self.centre is None) != (self.radius_m is None):
            raise ValueError("centre and radius_m go together")
        if self.radius_m is not None:
            require_between("radius_m", self.radius_m, 0.0, 1.0e6)

    @property
    def lead_time_hours(self) -> float:
        """How long before its window the notice was given; negative where it came after the start."""
        return (self.window.start - self.given_time).total_seconds() / 3_600.0


class InventoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """One weapon of an inventory, by its serial number where the inventory has them."""

    type_id: str
    serial: str = ""


class InventoryCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One visit to a storage site: which weapons the inventory lists, which were seen, when the next visit is due."""

    check_id: str
    agreement_id: str
    site_id: str
    party: str
    check_time: datetime
    listed: tuple[InventoryItem, ...]
    seen: tuple[InventoryItem, ...]
    access: Literal["full", "partial", "denied"]
    source: str
    next_due_time: datetime | None = None
    schema_name: str = REGISTER_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check times, and that nothing was seen where access was denied."""
        require_utc("check_time", self.check_time)
        if self.next_due_time is not None:
            require_utc("next_due_time", self.next_due_time)
        if self.access == "denied" and self.seen:
            raise ValueError("access is denied and yet something was seen")


class CeilingCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many of an item of one party were counted in a zone, over which span, as an interval."""

    count_id: str
    agreement_id: str
    zone_id: str
    party: str
    item: str
    span: TimeSpan
    count: Count
    source: str
    centre: Position | None = None
    schema_name: str = REGISTER_SCHEMA_NAME


class Impediment(msgspec.Struct, frozen=True, kw_only=True):
    """The mission was kept from observing: it reduces what was covered and is never conduct under fire by itself.

    `ground_of` is the party on whose ground it happened, `None` where that is not known; that is a place, not a cause.
    `radius_m` is how far the loss of observation reached (jamming may come from anywhere within it).
    """

    impediment_id: str
    kind: Literal["denial", "conditional_access", "delay", "jamming", "mine_hazard", "regular", "other"]
    span: TimeSpan
    place_name: str
    source: str
    position: Position | None = None
    radius_m: float | None = None
    ground_of: str | None = None
    affected_source_ids: tuple[str, ...] = ()
    assessed: Literal["certain", "probable", "not_reported"] = "not_reported"
    note: str = ""
    schema_name: str = REGISTER_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check the radius."""
        if self.radius_m is not None:
            require_between("radius_m", self.radius_m, 0.0, 1.0e6)

    @property
    def duration_minutes(self) -> float:
        """How long it lasted."""
        return self.span.duration_s / 60.0


class ClaimedCount(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a party's account: what it says it counted, in its own unit."""

    unit: str
    count: Count


class ClaimSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A party's account of the other's conduct over a window, in its own units: kept as a claim, never added up.

    `observation_ids` are the single claims (observations of kind *party_claim*) that it goes with, where there are any.
    """

    claim_id: str
    claimant: str
    actor: str
    window: TimeSpan
    counts: tuple[ClaimedCount, ...]
    source: str
    agreement_id: str | None = None
    observation_ids: tuple[str, ...] = ()
    schema_name: str = REGISTER_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check that a claim says something and is about somebody else."""
        if not self.counts:
            raise ValueError("counts is empty")
        if self.claimant == self.actor:
            raise ValueError(f"claimant={self.claimant!r} is the actor")


class StageStart(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody named the day on which a step of a schedule, a trigger or the text itself began.

    `stage_id` is `None` for the trigger of the text's own `in_force`.
    """

    start_id: str
    agreement_id: str
    stage_id: str | None
    start_time: datetime
    declared_by: str
    source: str
    zone_id: str | None = None
    schema_name: str = REGISTER_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check the time."""
        require_utc("start_time", self.start_time)


class ConditionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A document about one condition of a permission, for one event or span: whether it says that it was met."""

    record_id: str
    agreement_id: str
    provision_id: str
    condition: str
    met: bool
    source: str
    event_id: str | None = None
    span: TimeSpan | None = None
    schema_name: str = REGISTER_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check that the document is about something."""
        if self.event_id is None and self.span is None:
            raise ValueError("event_id and span are both missing")


class ResponseStep(msgspec.Struct, frozen=True, kw_only=True):
    """What people did about a breach that people confirmed: it starts or answers a clock, and a clock only flags.

    `step` is *breach_confirmed* (the clock starts) or *rung_done* (rung `rung_index` was carried out).
    """

    step_id: str
    agreement_id: str
    provision_id: str
    step: Literal["breach_confirmed", "rung_done"]
    step_time: datetime
    recorded_by: str
    source: str
    rung_index: int | None = None
    event_ids: tuple[str, ...] = ()
    schema_name: str = REGISTER_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check the time, and that a rung is named exactly where one was carried out."""
        require_utc("step_time", self.step_time)
        if (self.step == "rung_done") != (self.rung_index is not None):
            raise ValueError(f"step={self.step} does not go with rung_index={self.rung_index}")


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """Everything entered so far, by kind; the assessment reads it and changes nothing in it."""

    notifications: tuple[Notification, ...] = ()
    inventory_checks: tuple[InventoryCheck, ...] = ()
    ceiling_counts: tuple[CeilingCount, ...] = ()
    impediments: tuple[Impediment, ...] = ()
    claims: tuple[ClaimSummary, ...] = ()
    stage_starts: tuple[StageStart, ...] = ()
    conditions: tuple[ConditionRecord, ...] = ()
    response_steps: tuple[ResponseStep, ...] = ()
    schema_name: str = REGISTER_SCHEMA_NAME


class VisitState(msgspec.Struct, frozen=True, kw_only=True):
    """One visit to a storage site held against its inventory, and whether the next is due.

    `matched` were listed and seen. What is missing is said only where access was full; `due_time` is `None` where
    neither the visit nor a clause says when the next one is, and only the latest visit to a site has one.
    """

    visit: InventoryCheck
    matched_count: int
    missing: tuple[tuple[InventoryItem, int], ...]
    first_seen: tuple[tuple[InventoryItem, int], ...]
    due_time: datetime | None
    overdue_hours: float | None


class NoticeState(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that runs or is to come, whether it was answered or withdrawn, and what it lacks for which exemption."""

    notice: Notification
    acknowledged: bool
    withdrawn: bool
    lacking: tuple[tuple[Exemption, Literal["lead_time", "acknowledgement"]], ...]


class CeilingState(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted of an item of one party, added up over a clause's zones as an interval, and the ceiling.

    Of each zone those counts are added that were made together with its latest; a count with a place of its own counts
    as far as it lies in the zones. `high_count` is `None` where there is no upper limit.
    """

    layer: Agreement
    provision: Ceiling
    party: str
    low_count: float
    high_count: float | None
    records: tuple[CeilingCount, ...]

    @property
    def last(self) -> CeilingCount:
        """Give the latest of the counts."""
        return max(self.records, key=lambda one: (one.span.end, one.count_id))

    @property
    def verdict(self) -> Literal["within", "above", "untold"]:
        """Say whether the ceiling is kept at both ends, exceeded at both, or neither can be told."""
        if self.low_count > self.provision.ceiling_count:
            return "above"
        is_within = self.high_count is not None and self.high_count <= self.provision.ceiling_count
        return "within" if is_within else "untold"


class ClockState(msgspec.Struct, frozen=True, kw_only=True):
    """The clock of one rung after one breach that people confirmed; without hours (`due_time` `None`) none runs.

    `done` is the first record that it was carried out; `overdue_hours` is positive where the hours ran out before.
    """

    layer: Agreement
    provision: ResponseLadder
    begun: ResponseStep
    rung: ResponseRung
    due_time: datetime | None
    done: ResponseStep | None
    overdue_hours: float | None


class StageState(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a schedule that somebody dated, with its deadline where the text gives one."""

    layer: Agreement
    stage: Stage
    start: StageStart
    deadline: datetime | None


class PreconditionState(msgspec.Struct, frozen=True, kw_only=True):
    """One precondition in one zone (`zone_id` `None`: anywhere) at a moment.

    The count that runs began at `begun` (the text's start, or the last act that restarted it), today is its day
    `day_index` of `quiet_days`, and it is full at `met_time`; `is_met` says that it was full by then. `begun` is
    `None` where the start of the text is not known. `reset_count` acts restarted it, the last of them `last_reset_id`;
    of `unsure_count` more it is less probable than not that they did (a zone drawn from descriptions, say).
    """

    agreement_id: str
    version_by: str | None
    precondition_id: str
    title: str
    zone_id: str | None
    quiet_days: float
    begun: datetime | None
    met_time: datetime | None
    is_met: bool
    day_index: int
    reset_count: int
    last_reset_id: str | None
    unsure_count: int = 0


class CoverageLoss(msgspec.Struct, frozen=True, kw_only=True):
    """What an impediment took away: for how long, where, within which radius, from which sources. No conduct."""

    impediment_id: str
    kind: str
    span: TimeSpan
    lost_hours: float
    place_name: str
    ground_of: str | None
    position: Position | None
    radius_m: float | None
    source_ids: tuple[str, ...]


class RegisterState(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a register says at one moment under some texts; what was entered later is left aside."""

    now: datetime
    visits: tuple[VisitState, ...] = ()
    notices: tuple[NoticeState, ...] = ()
    ceilings: tuple[CeilingState, ...] = ()
    clocks: tuple[ClockState, ...] = ()
    stages: tuple[StageState, ...] = ()
    preconditions: tuple[PreconditionState, ...] = ()
    losses: tuple[CoverageLoss, ...] = ()
    claims: tuple[ClaimSummary, ...] = ()
