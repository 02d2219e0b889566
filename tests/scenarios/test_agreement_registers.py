"""Made texts: ceilings, inventories, claims and clocks; drawings that are not there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from laws.assess_world import (
    KIND_OF,
    LINE,
    NOON,
    START,
    assessor,
    belts,
    clause,
    conduct,
    geometry,
    in_zone,
    meridian,
    place,
    text,
    verdict,
)
from truceline.assess.register_state import claims_about
from truceline.assess.registers import register_findings
from truceline.assess.response import clock_findings
from truceline.model.agreement import Agreement
from truceline.model.finding import Finding, Indeterminate
from truceline.model.provision import (
    Ceiling,
    ResponseLadder,
    ResponseRung,
    Verification,
    Withdrawal,
)
from truceline.model.quantity import Count, TimeSpan, exactly
from truceline.model.register import (
    CeilingCount,
    ClaimedCount,
    ClaimSummary,
    InventoryCheck,
    InventoryItem,
    Register,
    ResponseStep,
)
from truceline.model.weapon import WeaponTerm
from truceline.model.zone import (
    Area,
    Belt,
    GeometryReference,
    Unmapped,
)

SECOND = GeometryReference(file="second.geojson")
PLACES = GeometryReference(file="places.geojson")


def ceilings(*counts: CeilingCount, parties: tuple[str, ...] = ()) -> list[Finding]:
    """Hold counts against a ceiling of ten in two belts."""
    agreement = text(
        clause(Ceiling, item="tank", ceiling_count=10.0, zone_ids=("inner", "outer"), parties=parties),
        zones=(
            Belt(zone_id="inner", depth_high_m=5_000.0, ground="own"),
            Belt(zone_id="outer", depth_low_m=5_000.0, depth_high_m=10_000.0, ground="own"),
        ),
    )
    return register_findings(assessor(agreement), Register(ceiling_counts=counts), now=NOON)


def counted(number: float | Count, zone_id: str = "inner", **more: Any) -> CeilingCount:
    """Give a count of A's tanks."""
    told: dict[str, Any] = {"count_id": f"{zone_id}-{number}", "span": TimeSpan(start=NOON, end=NOON)} | more
    count = number if isinstance(number, Count) else exactly(number)
    return CeilingCount(
        agreement_id="made", zone_id=zone_id, party="A", item="tank", count=count, source="made", **told
    )


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        ((counted(6.0), counted(4.0, "outer")), "compliant"),
        ((counted(6.0), counted(5.0, "outer")), "potential"),
        ((counted(Count(low_count=8.0, high_count=12.0)),), "indeterminate"),
        ((counted(Count(low_count=8.0, high_count=None)),), "indeterminate"),
        ((counted(30.0, count_id="old", span=TimeSpan(start=START, end=START)), counted(3.0)), "compliant"),
        ((counted(30.0, "elsewhere"), counted(3.0)), "compliant"),
        ((counted(30.0, centre=place(-20_000.0)), counted(3.0, centre=place(-2_000.0))), "compliant"),
        ((counted(30.0, centre=place(-10_000.0, sigma_m=500.0)),), "indeterminate"),
    ],
)
def test_a_ceiling_is_held_against_intervals_over_all_zones(counts: tuple[CeilingCount, ...], kind: str) -> None:
    """The latest count of each zone, added up; what may be more or less than the ceiling cannot be told."""
    (found,) = ceilings(*counts)

    assert kind == KIND_OF[type(found)]


def test_a_ceiling_for_the_other_party_is_not_touched() -> None:
    """Counts of A say nothing of B."""
    assert [] == ceilings(counted(30.0), parties=("B",))


def visit(days: float, seen: int, *, access: str = "full", **more: Any) -> InventoryCheck:
    """Give a visit to a site with three guns in its inventory."""
    items = tuple(InventoryItem(type_id="d_30", serial=str(number)) for number in range(10))
    return InventoryCheck(
        check_id=f"visit-{days}",
        agreement_id="made",
        site_id="site",
        party="A",
        check_time=START + timedelta(days=days),
        listed=items[:3],
        seen=items[:seen],
        access=access,  # type: ignore[arg-type]
        source="made",
        **more,
    )


@pytest.mark.parametrize(
    ("visits", "now_days", "flags"),
    [
        ([visit(0.0, 3)], 1.0, [set()]),
        ([visit(0.0, 1)], 1.0, [{"missing_at_site"}]),
        ([visit(0.0, 1, access="partial")], 1.0, [set()]),
        ([visit(0.0, 5)], 1.0, [{"first_seen_at_site"}]),
        ([visit(0.0, 3)], 15.0, [{"check_due"}]),
        ([visit(0.0, 3), visit(10.0, 3)], 15.0, [set(), set()]),
        ([visit(0.0, 3, next_due_time=START + timedelta(days=2))], 3.0, [{"check_due"}]),
        ([visit(0.0, 0, access="denied")], 1.0, [set()]),
    ],
)
def test_inventories_say_what_is_missing_new_and_due(
    visits: list[InventoryCheck], now_days: float, flags: list[set[str]]
) -> None:
    """By serial number; a visit with part of the access misses nothing; the next is due after fourteen days."""
    agreement = text(clause(Verification, body_id="monitors", every_days=14.0))
    register = Register(inventory_checks=tuple(visits))
    found = register_findings(assessor(agreement), register, now=START + timedelta(days=now_days))

    assert flags == [{flag.kind for flag in one.flags} for one in found]
    assert [one.access == "denied" for one in visits] == [isinstance(one, Indeterminate) for one in found]


def test_without_a_frequency_no_visit_is_due() -> None:
    """A clause that says nothing of how often leaves the next visit to what was recorded."""
    register = Register(inventory_checks=(visit(0.0, 3),))
    (found,) = register_findings(
        assessor(text(clause(Verification, body_id="monitors"))), register, now=START + timedelta(days=400)
    )

    assert () == found.flags


def test_claims_stay_claims() -> None:
    """Claims about a party are listed by time, each in its own unit; nothing is added up."""
    claims = [
        ClaimSummary(
            claim_id=f"c{day}",
            claimant="B",
            actor=actor,
            window=TimeSpan(start=START + timedelta(days=day), end=START + timedelta(days=day + 1)),
            counts=(ClaimedCount(unit=unit, count=exactly(7)),),
            source="made",
        )
        for day, actor, unit in ((3, "A", "shells"), (1, "A", "violations claimed"), (2, "C", "shells"))
    ]

    assert ["c1", "c3"] == [one.claim_id for one in claims_about(claims, "A")]


def ladder(**more: Any) -> Agreement:
    """Give a ladder of two rungs with clocks and one without."""
    rungs = (
        ResponseRung(rung_index=1, title="Warning", actions=("warn",), within_hours=24.0),
        ResponseRung(rung_index=2, title="Talks", actions=("talk",)),
        ResponseRung(rung_index=3, title="Answer", actions=("answer",), within_hours=72.0, condition="it goes on"),
    )
    return text(clause(ResponseLadder, rungs=rungs, **more))


def step(kind: str, hours: float, rung_index: int | None = None) -> ResponseStep:
    """Give what people recorded so many hours after noon."""
    return ResponseStep(
        step_id=f"{kind}-{hours}",
        agreement_id="made",
        provision_id="made.clause",
        step=kind,  # type: ignore[arg-type]
        step_time=NOON + timedelta(hours=hours),
        recorded_by="people",
        source="made",
        rung_index=rung_index,
    )


@pytest.mark.parametrize(
    ("steps", "hours", "overdue"),
    [
        ([], 100.0, None),
        ([step("breach_confirmed", 0.0)], 23.0, []),
        ([step("breach_confirmed", 0.0)], 30.0, [6.0]),
        ([step("breach_confirmed", 0.0), step("rung_done", 20.0, 1)], 80.0, [8.0]),
        ([step("breach_confirmed", 0.0), step("rung_done", 25.0, 1)], 30.0, [1.0]),
        ([step("breach_confirmed", 90.0)], 30.0, None),
    ],
)
def test_clocks_run_from_a_confirmed_breach(
    steps: list[ResponseStep], hours: float, overdue: list[float] | None
) -> None:
    """They flag what nobody recorded in time, or recorded late; without a confirmed breach no clock runs."""
    found = clock_findings(assessor(ladder()), Register(response_steps=tuple(steps)), now=NOON + timedelta(hours=hours))

    assert ([] if overdue is None else [overdue]) == [[flag.count for flag in one.flags] for one in found]


def test_each_confirmed_breach_has_clocks_of_its_own() -> None:
    """Thirty hours after the first and ten after the second only the first warning is overdue."""
    steps = (step("breach_confirmed", 0.0), step("breach_confirmed", 20.0))
    found = clock_findings(assessor(ladder()), Register(response_steps=steps), now=NOON + timedelta(hours=30))

    assert [[6.0], []] == [[flag.count for flag in one.flags] for one in found]


def test_steps_of_a_procedure_have_no_clock() -> None:
    """Warnings before the use of force are no answers to a breach."""
    register = Register(response_steps=(step("breach_confirmed", 0.0),))

    assert [] == clock_findings(assessor(ladder(is_procedure=True)), register, now=NOON + timedelta(days=9))


def test_weapons_that_are_stored_nowhere_known_leave_it_untold() -> None:
    """Where the designated sites are not mapped, a weapon in the belt may be in one of them."""
    agreement = text(
        clause(
            Withdrawal,
            weapons=WeaponTerm(title="tanks", classes=("tank",)),
            zone_ids=("belt",),
            storage_zone_ids=("sites",),
        ),
        zones=(*belts(belt=15_000.0), Unmapped(zone_id="sites", lacking="places of the sites")),
    )

    assert "indeterminate" == verdict(conduct("presence", 5_000.0, weapon="t_64"), agreement)[0]
    assert ("compliant", set()) == verdict(conduct("presence", 25_000.0, weapon="t_64"), agreement)


def test_a_drawing_that_was_not_read_leaves_it_untold() -> None:
    """An area, and a line, whose geometry is not there."""
    area = in_zone(Area(zone_id="area", drawn=SECOND))
    line = msgspec.structs.replace(in_zone(*belts(belt=5_000.0)), geometries=())

    assert ["indeterminate"] * 2 == [verdict(conduct("presence"), one)[0] for one in (area, line)]


def test_an_approximate_drawing_is_flagged() -> None:
    """Whatever is found, the flag says that the line was drawn from descriptions."""
    drawn = geometry(meridian(), LINE, approximate=True, sigma_m=3_000.0)
    agreement = msgspec.structs.replace(in_zone(*belts(belt=5_000.0)), geometries=(drawn,))

    assert {"approximate_geometry"} == verdict(conduct("presence", 1_000.0), agreement)[1]
