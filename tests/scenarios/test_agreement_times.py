"""Made texts: calendars, stages, preconditions and triggers, to the second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from laws.assess_world import (
    START,
    assessor,
    belts,
    clause,
    conduct,
    findings,
    geometry,
    square,
    text,
    verdict,
)
from truceline.assess.compile_times import quiet_run
from truceline.model.agreement import Agreement
from truceline.model.finding import Indeterminate, PotentialViolation
from truceline.model.in_force import InForce, Precondition, Stage
from truceline.model.provision import (
    Prohibition,
    Withdrawal,
)
from truceline.model.register import (
    Register,
    StageStart,
)
from truceline.model.weapon import WeaponTerm
from truceline.model.zone import (
    Area,
    GeometryReference,
)

SECOND = GeometryReference(file="second.geojson")
PLACES = GeometryReference(file="places.geojson")


@pytest.mark.parametrize(
    ("moment", "kind"),
    [
        (datetime(2021, 3, 28, 20, 59, 59, tzinfo=UTC), "potential"),
        (datetime(2021, 3, 28, 21, 0, tzinfo=UTC), "compliant"),
    ],
)
def test_two_days_across_the_change_of_clocks_have_47_hours(moment: datetime, kind: str) -> None:
    """From midnight on 27 March 2021 in Kyiv two days end at midnight, an hour earlier than 48 hours would."""
    rule = InForce(timezone_name="Europe/Kyiv", start=datetime(2021, 3, 26, 22, tzinfo=UTC), duration_days=2.0)

    assert kind == verdict(conduct("fire", at=moment), text(clause(Prohibition, acts=("fire",)), in_force=rule))[0]


@pytest.mark.parametrize(("hour", "kind"), [(0, "potential"), (1, "compliant")])
def test_a_day_in_autumn_has_25_hours(hour: int, kind: str) -> None:
    """One day from midnight on 31 October 2021 in Kyiv is still in force 24 hours later, and no more an hour after."""
    start = datetime(2021, 10, 30, 21, tzinfo=UTC)
    rule = InForce(timezone_name="Europe/Kyiv", start=start, duration_days=1.0)
    at = start + timedelta(hours=24 + hour)

    assert kind == verdict(conduct("fire", at=at), text(clause(Prohibition, acts=("fire",)), in_force=rule))[0]


def test_the_share_of_a_span_in_force_is_the_probability() -> None:
    """An event of two hours of which the last half hour is in force was in force with a quarter."""
    entry = conduct("fire", at=START - timedelta(minutes=90), length_s=7_200.0)
    found = findings(entry, text(clause(Prohibition, acts=("fire",))))["made.clause"]

    assert isinstance(found, PotentialViolation)
    assert (0.25, 0.25) == pytest.approx((found.probability, found.time_probability))


@pytest.mark.parametrize(
    ("hours", "kind", "flags"), [(5, "compliant", {"in_withdrawal_period"}), (7, "potential", set())]
)
def test_hours_of_grace_are_time_to_carry_it_out(hours: int, kind: str, flags: set[str]) -> None:
    """Six hours of grace after the start: the clause is held against nobody before they are over."""
    rule = InForce(timezone_name="UTC", start=START, grace_hours=6.0)
    agreement = text(clause(Prohibition, acts=("fire",)), in_force=rule)

    assert (kind, flags) == verdict(conduct("fire", at=START + timedelta(hours=hours)), agreement)


def test_a_trigger_that_nobody_dated_leaves_a_text_out_of_force() -> None:
    """Once people record its start, the text is in force from then on."""
    agreement = text(
        clause(Prohibition, acts=("fire",)), in_force=InForce(timezone_name="UTC", trigger="a ceasefire begins")
    )
    start = StageStart(
        start_id="s", agreement_id="made", stage_id=None, start_time=START, declared_by="people", source="made"
    )

    assert ("compliant", {"not_in_force"}) == verdict(conduct("fire"), agreement)
    assert "potential" == verdict(conduct("fire"), agreement, register=Register(stage_starts=(start,)))[0]


def staged(stages: tuple[Stage, ...], stage_id: str, **more: Any) -> Agreement:
    """Give a text with a withdrawal of tanks that belongs to a step of its schedule."""
    tanks = WeaponTerm(title="tanks", classes=("tank",))
    return text(
        clause(Withdrawal, weapons=tanks, zone_ids=("belt",), stage_id=stage_id),
        zones=belts(belt=15_000.0),
        stages=stages,
        **more,
    )


@pytest.mark.parametrize(("days", "kind"), [(1, "compliant"), (5, "compliant"), (9, "potential")])
def test_a_stage_starts_when_the_one_before_is_over(days: int, kind: str) -> None:
    """Three days for the first stage, a day between, two for the second: its weapons may not be there after six."""
    stages = (
        Stage(stage_id="one", title="One", complete_within_days=3.0),
        Stage(stage_id="two", title="Two", after_stage_id="one", after_hours=24.0, complete_within_hours=48.0),
    )
    entry = conduct("presence", 5_000.0, weapon="t_64", at=START + timedelta(days=days))

    assert kind == verdict(entry, staged(stages, "two"))[0]


@pytest.mark.parametrize("stage_id", ["one", "gone"])
def test_a_stage_whose_start_nobody_recorded_is_lacking(stage_id: str) -> None:
    """A stage that waits for a precondition has no deadline before people say when it began."""
    stages = (Stage(stage_id="one", title="One", precondition_id="quiet", complete_within_days=3.0),)
    conditions = (Precondition(precondition_id="quiet", title="Quiet", quiet_days=2.0, resets_on_acts=("fire",)),)
    agreement = staged(stages, stage_id, preconditions=conditions)

    assert "indeterminate" == verdict(conduct("presence", 5_000.0, weapon="t_64"), agreement)[0]


def test_stages_that_wait_for_each_other_are_an_error() -> None:
    """A circle of stages is found out when the text is compiled."""
    stages = (
        Stage(stage_id="one", title="One", after_stage_id="two"),
        Stage(stage_id="two", title="Two", after_stage_id="one"),
    )
    with pytest.raises(ValueError, match="circle"):
        assessor(staged(stages, "one"))


def test_a_stage_may_start_zone_by_zone() -> None:
    """Where people recorded the start for one of two areas, the deadline has passed there and not in the other."""
    areas = (Area(zone_id="south", drawn=SECOND), Area(zone_id="north", drawn=PLACES))
    agreement = text(
        clause(
            Withdrawal,
            weapons=None,
            forces=True,
            zone_ids=("south", "north"),
            stage_id="one",
            precondition_ids=("quiet",),
        ),
        zones=areas,
        stages=(Stage(stage_id="one", title="One", precondition_id="quiet", complete_within_days=3.0),),
        preconditions=(Precondition(precondition_id="quiet", title="Quiet", quiet_days=2.0, resets_on_acts=("fire",)),),
        geometries=(geometry(square(0.0, 0.0, 1_000.0), SECOND), geometry(square(0.0, 9_000.0, 1_000.0), PLACES)),
    )
    start = StageStart(
        start_id="s",
        agreement_id="made",
        stage_id="one",
        start_time=START,
        declared_by="people",
        source="made",
        zone_id="south",
    )
    register = Register(stage_starts=(start,))
    kinds = [verdict(conduct("presence", north_m=m), agreement, register=register)[0] for m in (0.0, 9_000.0, 30_000.0)]

    assert ["potential", "indeterminate", "compliant"] == kinds


def test_a_clause_that_waits_for_a_precondition_alone_is_lacking() -> None:
    """Whether it was met, nobody recorded."""
    agreement = text(
        clause(Prohibition, acts=("fire",), precondition_ids=("quiet",)),
        preconditions=(
            Precondition(precondition_id="quiet", title="Two quiet days", quiet_days=2.0, resets_on_acts=("fire",)),
        ),
    )
    found = findings(conduct("fire"), agreement)["made.clause"]

    assert isinstance(found, Indeterminate)
    assert "Two quiet days" in found.lacking[0]


def test_an_hour_before_the_last_day_ends_a_reset_still_restarts_the_clock() -> None:
    """Nearly seven days are not seven: a shot an hour before the end counts, and the days begin anew from it."""
    start = datetime(2016, 9, 21, 21, tzinfo=UTC)
    at = start + timedelta(days=7, hours=-1)

    assert at + timedelta(days=7) == quiet_run([at], start, quiet_days=7.0, timezone_name="Europe/Kyiv").met


def test_a_clock_counts_anew_from_every_reset_and_stops_when_it_is_met() -> None:
    """Seven quiet days: a shot on day 5 moves the end to day 12; one after that moves nothing."""
    start = datetime(2016, 9, 21, 21, tzinfo=UTC)
    at = [start + timedelta(days=days) for days in (5.0, 12.5, -1.0)]

    assert start + timedelta(days=12) == quiet_run(at, start, quiet_days=7.0, timezone_name="Europe/Kyiv").met
    assert start + timedelta(days=7) == quiet_run([], start, quiet_days=7.0, timezone_name="Europe/Kyiv").met
