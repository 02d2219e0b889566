"""What people enter, and what findings say beside their kind: each record refuses what it cannot mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from truceline.model.finding import Exempt, Finding, FindingFlag, PotentialViolation
from truceline.model.quantity import Position, TimeSpan, canonical_bytes, exactly
from truceline.model.register import (
    CeilingCount,
    ClaimedCount,
    ClaimSummary,
    ConditionRecord,
    Impediment,
    InventoryCheck,
    InventoryItem,
    Notification,
    Register,
    ResponseStep,
    StageStart,
)

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
ELSEWHERE = START.astimezone(timezone(timedelta(hours=3)))
SPAN = TimeSpan(start=START, end=START + timedelta(minutes=15))
PLACE = Position(latitude_deg=48.0, longitude_deg=37.0, sigma_m=10.0)
ITEM = InventoryItem(type_id="d_30", serial="1")
FIELDS: dict[type[Any], dict[str, Any]] = {
    Notification: {
        "notification_id": "n",
        "agreement_id": "a",
        "notified_by": "A",
        "notice": "exercise",
        "acts": ("live_fire_exercise",),
        "window": SPAN,
        "given_time": START - timedelta(hours=48),
        "source": "s",
    },
    InventoryCheck: {
        "check_id": "c",
        "agreement_id": "a",
        "site_id": "z",
        "party": "A",
        "check_time": START,
        "listed": (ITEM,),
        "seen": (ITEM,),
        "access": "full",
        "source": "s",
    },
    Impediment: {"impediment_id": "i", "kind": "delay", "span": SPAN, "place_name": "p", "source": "s"},
    ClaimSummary: {
        "claim_id": "c",
        "claimant": "A",
        "actor": "B",
        "window": SPAN,
        "counts": (ClaimedCount(unit="shelling", count=exactly(3)),),
        "source": "s",
    },
    StageStart: {
        "start_id": "s",
        "agreement_id": "a",
        "stage_id": None,
        "start_time": START,
        "declared_by": "A",
        "source": "s",
    },
    ConditionRecord: {
        "record_id": "r",
        "agreement_id": "a",
        "provision_id": "p",
        "condition": "ordered",
        "met": True,
        "source": "s",
        "span": SPAN,
    },
    ResponseStep: {
        "step_id": "s",
        "agreement_id": "a",
        "provision_id": "p",
        "step": "breach_confirmed",
        "step_time": START,
        "recorded_by": "commission",
        "source": "s",
    },
}


@pytest.mark.parametrize(
    ("kind", "changes", "fault"),
    [
        (Notification, {"given_time": ELSEWHERE}, "given_time"),
        (Notification, {"withdrawn_time": ELSEWHERE}, "withdrawn_time"),
        (Notification, {"acknowledged_by": "m"}, "go together"),
        (Notification, {"centre": PLACE}, "go together"),
        (Notification, {"centre": PLACE, "radius_m": -1.0}, "radius_m"),
        (InventoryCheck, {"check_time": ELSEWHERE}, "check_time"),
        (InventoryCheck, {"next_due_time": ELSEWHERE}, "next_due_time"),
        (InventoryCheck, {"access": "denied"}, "yet something was seen"),
        (Impediment, {"radius_m": -1.0}, "radius_m"),
        (ClaimSummary, {"counts": ()}, "counts is empty"),
        (ClaimSummary, {"actor": "A"}, "is the actor"),
        (StageStart, {"start_time": ELSEWHERE}, "start_time"),
        (ConditionRecord, {"span": None}, "both missing"),
        (ResponseStep, {"step_time": ELSEWHERE}, "step_time"),
        (ResponseStep, {"step": "rung_done"}, "does not go with"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(kind: type[Any], changes: dict[str, Any], fault: str) -> None:
    """An entry has sound times, and what belongs together stands together."""
    with pytest.raises(ValueError, match=fault):
        kind(**(FIELDS[kind] | changes))


def test_a_notice_says_how_long_before_its_window_it_came() -> None:
    """The lead time runs from the notice to the window's start, and an impediment's length is in minutes."""
    notice = Notification(
        **(
            FIELDS[Notification]
            | {"acknowledged_by": "m", "acknowledged_time": START, "centre": PLACE, "radius_m": 5.0}
        )
    )

    assert 48.0 == notice.lead_time_hours
    assert 15.0 == Impediment(**(FIELDS[Impediment] | {"radius_m": 5_000.0})).duration_minutes


def test_a_register_survives_its_canonical_bytes() -> None:
    """What was entered is read back as the same register."""
    count = CeilingCount(
        count_id="c", agreement_id="a", zone_id="z", party="A", item="tank", span=SPAN, count=exactly(80), source="s"
    )
    whole = Register(
        notifications=(Notification(**FIELDS[Notification]),),
        inventory_checks=(InventoryCheck(**(FIELDS[InventoryCheck] | {"next_due_time": START})),),
        ceiling_counts=(count,),
        impediments=(Impediment(**FIELDS[Impediment]),),
        claims=(ClaimSummary(**FIELDS[ClaimSummary]),),
        stage_starts=(StageStart(**FIELDS[StageStart]),),
        conditions=(ConditionRecord(**FIELDS[ConditionRecord]),),
        response_steps=(ResponseStep(**(FIELDS[ResponseStep] | {"step": "rung_done", "rung_index": 1})),),
    )

    assert whole == msgspec.json.decode(canonical_bytes(whole), type=Register)


BASE: dict[str, Any] = {
    "finding_id": "f",
    "event_id": "e",
    "event_revision_index": 0,
    "agreement_id": "a",
    "agreement_version": "1",
    "window_id": None,
    "provision_id": "p",
}


def test_a_finding_gives_its_flags_by_kind() -> None:
    """A flag that is raised is found with its number, one that is not is `None`, and both survive writing."""
    raised = FindingFlag(kind="missing_at_site", count=2.0)
    finding: Finding = Exempt(**BASE, notification_id=None, exemption_id="x", flags=(raised,), version_by="A")

    assert raised == finding.flag("missing_at_site")
    assert finding.flag("check_due") is None
    assert finding == msgspec.json.decode(canonical_bytes(finding), type=Finding)


def test_the_parts_of_a_probability_are_probabilities() -> None:
    """A part outside [0, 1] is refused by its name, and a finding may have parts or none."""
    assert 0.5 == PotentialViolation(**BASE, probability=0.4, inside_probability=0.5).inside_probability
    with pytest.raises(ValueError, match="class_probability"):
        PotentialViolation(**BASE, probability=0.5, class_probability=1.5)
