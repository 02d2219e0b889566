"""Made texts: notifications, exemptions, permissions and releases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from laws.assess_world import (
    NOON,
    START,
    belts,
    clause,
    conduct,
    findings,
    geometry,
    place,
    presence,
    square,
    text,
    verdict,
    weapon_of,
)
from truceline.model.agreement import Agreement
from truceline.model.definition import Definition
from truceline.model.finding import Indeterminate
from truceline.model.provision import (
    ConditionalPermission,
    Exemption,
    Prohibition,
    Reversal,
)
from truceline.model.quantity import TimeSpan
from truceline.model.register import (
    ConditionRecord,
    Notification,
    Register,
)
from truceline.model.weapon import WeaponTerm
from truceline.model.zone import (
    Area,
    Belt,
    GeometryReference,
)

SECOND = GeometryReference(file="second.geojson")
PLACES = GeometryReference(file="places.geojson")


def notice(**more: Any) -> Notification:
    """Give a party's notice of demining around noon."""
    told: dict[str, Any] = {
        "notification_id": "n",
        "agreement_id": "made",
        "notified_by": "A",
        "notice": "demining",
        "acts": ("presence",),
        "window": TimeSpan(start=NOON - timedelta(hours=2), end=NOON + timedelta(hours=2)),
        "given_time": NOON - timedelta(hours=60),
        "source": "made",
    }
    return Notification(**(told | more))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "exempt"),
        ({"given_time": NOON - timedelta(hours=10)}, "potential"),
        ({"notified_by": "B"}, "potential"),
        ({"withdrawn_time": NOON - timedelta(hours=1)}, "potential"),
        ({"window": TimeSpan(start=NOON + timedelta(hours=1), end=NOON + timedelta(hours=2))}, "potential"),
        ({"acts": ("fire",)}, "potential"),
        ({"agreement_id": "other"}, "potential"),
        ({"purpose": "demining"}, "exempt"),
        ({"purpose": "repair"}, "potential"),
        ({"type_ids": ("t_64",)}, "potential"),
        ({"centre": place(1_000.0), "radius_m": 500.0}, "exempt"),
        ({"centre": place(9_000.0), "radius_m": 500.0}, "potential"),
        ({"zone_id": "belt"}, "exempt"),
        ({"notified_by": "press"}, "potential"),
    ],
)
def test_notice_has_to_be_in_time_by_whoever_acts_and_for_this(changes: dict[str, Any], kind: str) -> None:
    """Two days before, for this text, act, purpose, weapon, place and time, and not withdrawn."""
    agreement = text(
        presence(),
        clause(
            Exemption,
            "made.demining",
            acts=("presence",),
            purposes=("demining",),
            notification_needed=True,
            lead_time_hours=48.0,
        ),
        zones=belts(belt=5_000.0),
    )
    entry = conduct("presence", 1_000.0, purpose="demining")

    assert kind == verdict(entry, agreement, register=Register(notifications=(notice(**changes),)))[0]


@pytest.mark.parametrize(("hours", "kind"), [(3, "exempt"), (1, "potential"), (None, "potential")])
def test_notice_may_need_an_acknowledgement(hours: int | None, kind: str) -> None:
    """It has to be acknowledged before the window begins."""
    agreement = text(
        presence(),
        clause(Exemption, "made.agreed", acts=("presence",), notification_needed=True, acknowledgement_needed=True),
        zones=belts(belt=5_000.0),
    )
    answer = {} if hours is None else {"acknowledged_by": "B", "acknowledged_time": NOON - timedelta(hours=hours)}
    register = Register(notifications=(notice(**answer),))

    assert kind == verdict(conduct("presence", 1_000.0), agreement, register=register)[0]


@pytest.mark.parametrize(
    ("exempts", "kind"),
    [
        ({"purposes": ("rescue",)}, "exempt"),
        ({"purposes": ("repair",)}, "potential"),
        ({"purposes": ("rescue",), "parties": ("B",)}, "potential"),
        ({"purposes": ("rescue",), "zone_ids": ("inner",)}, "potential"),
        ({"purposes": ("rescue",), "zone_ids": ("belt",)}, "exempt"),
        ({"purposes": ("rescue",), "weapons": WeaponTerm(title="helicopters", classes=("helicopter",))}, "exempt"),
        ({"purposes": ("rescue",), "weapons": WeaponTerm(title="balloons", classes=("balloon",))}, "potential"),
        ({"purposes": ("rescue",), "excepts_provision_ids": ("made.other",)}, "potential"),
        ({"actor_ids": ("monitors",)}, "potential"),
    ],
)
def test_an_exemption_lets_pass_what_it_is_for(exempts: dict[str, Any], kind: str) -> None:
    """By purpose, party, place, weapon and clause."""
    agreement = text(
        clause(Prohibition, acts=("flight",), zone_ids=("belt",)),
        clause(Exemption, "made.exemption", acts=("flight",), **exempts),
        zones=belts(belt=5_000.0, inner=1_000.0),
    )
    entry = msgspec.structs.replace(
        conduct("flight", 3_000.0, purpose="rescue"), weapons=(weapon_of(("helicopter", None)),)
    )

    assert kind == verdict(entry, agreement)[0]


def test_a_third_actor_that_an_exemption_names_is_exempt() -> None:
    """Monitors may be where nobody else may, each party's own zone or not."""
    agreement = text(
        presence(),
        clause(Exemption, "made.monitors", acts=("presence",), actor_ids=("monitors",), zone_ids=("area",)),
        zones=(Belt(zone_id="belt", depth_high_m=5_000.0, ground="own"), Area(zone_id="area", drawn=SECOND)),
    )
    drawn = msgspec.structs.replace(
        agreement, geometries=(*agreement.geometries, geometry(square(0.0, 0.0, 9_000.0), SECOND))
    )
    entry = conduct("presence", -1_000.0, party=None, actor_id="monitors")

    assert "exempt" == verdict(entry, drawn)[0]


def permission(**more: Any) -> Agreement:
    """Give a ceasefire with return fire permitted on one condition."""
    return text(
        clause(Prohibition, acts=("fire",)),
        clause(ConditionalPermission, "made.return", acts=("return_fire",), conditions=("ordered",), **more),
    )


def record(*, met: bool, **more: Any) -> ConditionRecord:
    """Give a document about the condition."""
    told: dict[str, Any] = {"event_id": "event"} | more
    return ConditionRecord(
        record_id="r",
        agreement_id="made",
        provision_id="made.return",
        condition="ordered",
        met=met,
        source="made",
        **told,
    )


@pytest.mark.parametrize(
    ("records", "kind"),
    [
        ((), "potential"),
        ((record(met=True),), "compliant"),
        ((record(met=True), record(met=False)), "potential"),
        ((record(met=True, event_id="another"),), "potential"),
        ((record(met=True, event_id=None, span=TimeSpan(start=START, end=NOON + timedelta(days=1))),), "compliant"),
        ((msgspec.structs.replace(record(met=True), condition="notified"),), "potential"),
    ],
)
def test_a_permission_turns_on_documents(records: tuple[ConditionRecord, ...], kind: str) -> None:
    """Only a record about this event and condition, not contradicted, counts."""
    assert kind == verdict(conduct("return_fire"), permission(), register=Register(conditions=records))[0]


def test_a_permission_for_one_party_is_not_the_others() -> None:
    """What A may do on a record, B may not."""
    register = Register(conditions=(record(met=True),))
    agreement = permission(parties=("A",), excepts_provision_ids=("made.clause",))

    assert ["compliant", "potential"] == [
        verdict(conduct("return_fire", party=party), agreement, register=register)[0] for party in ("A", "B")
    ]


def test_a_permission_that_nobody_defined_leaves_it_undetermined() -> None:
    """Self-defence that the text does not define permits nobody can say what."""
    term = Definition(definition_id="d", term="self-defence", statement="", standing="undefined", source_ids=("made",))
    agreement = msgspec.structs.replace(
        text(
            clause(Prohibition, acts=("fire",)),
            clause(ConditionalPermission, "made.defence", acts=("self_defence",), conditions=(), definition_ids=("d",)),
        ),
        definitions=(term,),
    )
    found = findings(conduct("self_defence"), agreement)["made.clause"]

    assert isinstance(found, Indeterminate)
    assert ("self-defence (undefined)",) == found.lacking


@pytest.mark.parametrize("by_zone", [True, False])
def test_a_breach_that_may_release_the_other_party_is_flagged(by_zone: bool) -> None:
    """The flag is on what was found about the breach; the finding itself stays what it is."""
    agreement = text(
        clause(Prohibition, acts=("fire",)),
        clause(
            Reversal,
            "made.release",
            released_provision_ids=("made.clause",),
            on_acts=("fire",),
            zone_ids=("belt",),
            by_zone=by_zone,
        ),
        zones=(Belt(zone_id="belt", line_id="line", depth_high_m=5_000.0),),
    )

    assert ("potential", {"release_on_breach"}) == verdict(conduct("fire", 1_000.0), agreement)
    assert ("potential", set()) == verdict(conduct("fire", 9_000.0), agreement)


def test_a_release_without_acts_is_left_to_people() -> None:
    """A reversal that names no act raises no flag."""
    agreement = text(
        clause(Prohibition, acts=("fire",)), clause(Reversal, "made.release", released_provision_ids=("made.clause",))
    )

    assert ("potential", set()) == verdict(conduct("fire"), agreement)
