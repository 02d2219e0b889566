"""The result of comparing an event with a provision; a closed set of four, never a determination."""

from __future__ import annotations

from typing import Literal

import msgspec

from truceline.model.quantity import require_between

FINDING_SCHEMA_NAME = "truceline.finding/2"

FlagKind = Literal[
    "in_withdrawal_period",
    "outside_designated_site",
    "missing_at_site",
    "first_seen_at_site",
    "check_due",
    "ceiling_exceeded",
    "clock_reset",
    "clock_overdue",
    "release_on_breach",
    "permitted_to_verify",
    "recorded_outside_zone",
    "approximate_geometry",
    "no_rule",
    "not_in_force",
    "withdrawn_event",
]
"""What people should look at beside the kind of a finding. A flag decides nothing and starts nothing."""

SubjectKind = Literal["event", "ceiling_count", "inventory_check", "response_step", "duty"]
"""What a finding is about: an event, or a record of the register (then `event_id` is that record's id)."""


class FindingFlag(msgspec.Struct, frozen=True, kw_only=True):
    """One flag, with its number where it has one: how many are missing, or above the ceiling, or hours overdue."""

    kind: FlagKind
    count: float | None = None
    text: str = ""


class FindingBase(msgspec.Struct, frozen=True, kw_only=True):
    """What every finding says: which event and revision, held against which clause of which version of which text.

    `version_by` is the party whose version of the text it is. `party` is whose conduct the clause was held against,
    `None` where the clause binds everyone alike. `definition_ids` and `reading_id` say on which terms, read how, the
    finding turns; `depends_on` names what else it rests on (zones, lines, stages, notifications, documents). It is
    `disputed` where another version or reading gives another kind of finding for the same event and clause;
    `differs_from_ids` are those findings.
    """

    finding_id: str
    event_id: str
    event_revision_index: int
    agreement_id: str
    agreement_version: str
    window_id: str | None
    provision_id: str | None
    version_by: str | None = None
    subject: SubjectKind = "event"
    party: str | None = None
    definition_ids: tuple[str, ...] = ()
    reading_id: str | None = None
    depends_on: tuple[str, ...] = ()
    disputed: bool = False
    differs_from_ids: tuple[str, ...] = ()
    flags: tuple[FindingFlag, ...] = ()
    schema_name: str = FINDING_SCHEMA_NAME

    def flag(self, kind: FlagKind) -> FindingFlag | None:
        """Give a flag of a kind, or `None` where it is not raised."""
        return next((flag for flag in self.flags if flag.kind == kind), None)


class Compliant(FindingBase, frozen=True, kw_only=True, tag="compliant"):
    """The event is in keeping with the agreement, or no clause was in force for it; `reason` says which."""

    reason: str


class Exempt(FindingBase, frozen=True, kw_only=True, tag="exempt"):
    """The event is covered by an exemption: by a party's prior notification, or by the clause alone.

    `notification_id` is the notification, `None` where none was needed; `exemption_id` is the clause that lets it pass.
    """

    notification_id: str | None
    exemption_id: str | None = None


class PotentialViolation(FindingBase, frozen=True, kw_only=True, tag="potential_violation"):
    """The event may be contrary to the clause, with that probability; people determine whether it was.

    `inside_probability`, `time_probability` and `class_probability` are its parts where they were taken apart: that it
    was inside the zone, while the clause held, and of the kind that the clause names. They multiply to `probability`
    only where they are independent; otherwise `probability` is the joint one.
    """

    probability: float
    inside_probability: float | None = None
    time_probability: float | None = None
    class_probability: float | None = None

    def __post_init__(self) -> None:
        """Check that the probabilities are such."""
        require_between("probability", self.probability, 0.0, 1.0)
        for name in ("inside_probability", "time_probability", "class_probability"):
            if (part := getattr(self, name)) is not None:
                require_between(name, part, 0.0, 1.0)


class Indeterminate(FindingBase, frozen=True, kw_only=True, tag="indeterminate"):
    """The event cannot be assessed; `lacking` names what is missing."""

    lacking: tuple[str, ...]


Finding = Compliant | Exempt | PotentialViolation | Indeterminate
