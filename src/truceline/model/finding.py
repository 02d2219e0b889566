"""The result of comparing an event with a provision; a closed set of four, never a determination."""

from __future__ import annotations

import msgspec

from truceline.model.quantity import require_between

FINDING_SCHEMA_NAME = "truceline.finding/1"


class FindingBase(msgspec.Struct, frozen=True, kw_only=True):
    """What every finding says: which event and revision, held against which clause of which version of which text."""

    finding_id: str
    event_id: str
    event_revision_index: int
    agreement_id: str
    agreement_version: str
    window_id: str | None
    provision_id: str | None
    schema_name: str = FINDING_SCHEMA_NAME


class Compliant(FindingBase, frozen=True, kw_only=True, tag="compliant"):
    """The event is in keeping with the agreement, or no clause was in force for it; `reason` says which."""

    reason: str


class Exempt(FindingBase, frozen=True, kw_only=True, tag="exempt"):
    """The event is covered by a party's prior notification."""

    notification_id: str


class PotentialViolation(FindingBase, frozen=True, kw_only=True, tag="potential_violation"):
    """The event may be contrary to the clause, with that probability; people determine whether it was."""

    probability: float

    def __post_init__(self) -> None:
        """Check that the probability is one."""
        require_between("probability", self.probability, 0.0, 1.0)


class Indeterminate(FindingBase, frozen=True, kw_only=True, tag="indeterminate"):
    """The event cannot be assessed; `lacking` names what is missing."""

    lacking: tuple[str, ...]


Finding = Compliant | Exempt | PotentialViolation | Indeterminate
