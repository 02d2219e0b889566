"""Laws of release: coarse, late, and nothing that says where anybody stood."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, sampled_from

import truceline
from truceline.model.attribution import Attribution, LedgerRow, PartyProbability
from truceline.model.event import Association, Event
from truceline.model.finding import Compliant, Exempt, Indeterminate, PotentialViolation
from truceline.model.likelihood import LIKELIHOOD_BANDS, likelihood_phrase
from truceline.model.quantity import Count, Position, TimeSpan
from truceline.model.released import Released, Withheld
from truceline.release import (
    POLICIES,
    coarsen,
    coarsen_time,
    headline,
    policy_for,
    release_event,
    released_cell_deg,
)
from truceline.release.coarsen import CELL_LADDER_DEG

LATITUDES = floats(-90.0, 90.0)
LONGITUDES = floats(-180.0, 180.0)
CELLS = sampled_from(CELL_LADDER_DEG)
MOMENT = datetime(2025, 4, 20, 10, 42, 17, tzinfo=UTC)


def an_event(*, sigma_m: float = 300.0, place_is_region: bool = False, status: str = "preliminary") -> Event:
    """Make an event whose exact numbers would be recognised wherever they came out."""
    record = Event(
        event_id="event-1",
        revision_index=2,
        supersedes_revision_index=1,
        event_type="explosion",
        event_type_certainty="known",
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        origin_time=TimeSpan(start=MOMENT, end=MOMENT + timedelta(minutes=2)),
        origin_position=Position(latitude_deg=48.0159123, longitude_deg=37.8028456, sigma_m=sigma_m),
        place_name="Vesele",
        place_is_region=place_is_region,
        energy_object=False,
        signature_count=Count(low_count=3, high_count=3, text="3 explosions 2-4 km ESE of camera 17"),
        associations=(
            Association(
                observation_id="observation-secret",
                observation_kind="patrol_report",
                source_id="patrol",
                distance_m=12.0,
                time_residual_s=0.0,
                defining=True,
            ),
        ),
    )
    return msgspec.structs.replace(record, evaluation_status=status)


def an_attribution(*, revision_index: int = 2) -> Attribution:
    """Make an attribution that indicates a party."""
    return Attribution(
        attribution_id="attribution-1",
        event_id="event-1",
        event_revision_index=revision_index,
        probabilities=(
            PartyProbability(party="North", probability=0.9),
            PartyProbability(party="South", probability=0.1),
        ),
        tier="indicated",
        indicated_party="North",
        reason="",
        ledger=(
            LedgerRow(
                name="x",
                cluster_id="x",
                statement="station at 48.5",
                items=(),
                alone_log_ratio=2.0,
                context_log_ratio=2.0,
                contamination_probability=0.1,
                weight_ratio=1.0,
                cap_reached=False,
                direct=True,
                basis="guess",
                source="x",
            ),
        ),
        log_odds_ratio=2.0,
    )


def a_finding(*, revision_index: int = 2) -> PotentialViolation:
    """Make a finding of the event."""
    return PotentialViolation(
        finding_id="finding-1",
        event_id="event-1",
        event_revision_index=revision_index,
        agreement_id="a",
        agreement_version="1",
        window_id="w",
        provision_id="a.all_fire",
        probability=0.87,
    )


@given(latitude_deg=LATITUDES, longitude_deg=LONGITUDES, cell_deg=CELLS)
def test_coarsening_twice_is_coarsening_once(latitude_deg: float, longitude_deg: float, cell_deg: float) -> None:
    """A released position carries nothing that a second release would have to take away."""
    once = coarsen(latitude_deg, longitude_deg, cell_deg=cell_deg)

    assert once == coarsen(*once, cell_deg=cell_deg)


@given(latitude_deg=LATITUDES, longitude_deg=LONGITUDES, fine_index=integers(0, 3), coarse_index=integers(0, 3))
def test_releasing_in_two_steps_is_releasing_in_one(
    latitude_deg: float, longitude_deg: float, fine_index: int, coarse_index: int
) -> None:
    """A coarse cell is a union of finer ones, so that nobody learns more by asking twice."""
    fine_index, coarse_index = sorted((fine_index, coarse_index))
    fine = coarsen(latitude_deg, longitude_deg, cell_deg=CELL_LADDER_DEG[fine_index])
    coarse_deg = CELL_LADDER_DEG[coarse_index]

    assert coarsen(latitude_deg, longitude_deg, cell_deg=coarse_deg) == coarsen(*fine, cell_deg=coarse_deg)


@given(latitude_deg=LATITUDES, longitude_deg=LONGITUDES, cell_deg=CELLS)
def test_a_position_lies_in_its_cell(latitude_deg: float, longitude_deg: float, cell_deg: float) -> None:
    """The centre is never further from the position than half a cell, and is itself a place on Earth."""
    centre = coarsen(latitude_deg, longitude_deg, cell_deg=cell_deg)

    assert abs(centre[0] - latitude_deg) <= cell_deg / 2 + 1e-9
    assert abs(centre[1] - longitude_deg) <= cell_deg / 2 + 1e-9
    assert abs(centre[0]) < 90.0
    assert abs(centre[1]) < 180.0


@pytest.mark.parametrize("cell_deg", [0.0, -0.05, 0.7])
def test_a_cell_that_does_not_divide_the_globe_is_refused(cell_deg: float) -> None:
    """Cells are whole fractions of 90 degrees, and the message names the number."""
    with pytest.raises(ValueError, match=f"cell_deg={cell_deg}"):
        coarsen(48.0, 37.0, cell_deg=cell_deg)


@given(sigma_m=floats(0.0, 1.0e6), cell_deg=CELLS)
def test_coarsening_never_sharpens(sigma_m: float, cell_deg: float) -> None:
    """A cell is never below the policy's, nor below two standard deviations as far as the ladder reaches."""
    chosen_deg = released_cell_deg(sigma_m, cell_deg=cell_deg)

    assert chosen_deg >= cell_deg
    assert chosen_deg * 111_000.0 >= min(2.0 * sigma_m, CELL_LADDER_DEG[-1] * 111_000.0)


@given(start_s=integers(-(10**9), 2 * 10**9), duration_s=integers(0, 10**6), step_s=sampled_from([0.0, 60.0, 3600.0]))
def test_coarse_time_holds_the_time_and_is_coarse_once(start_s: int, duration_s: int, step_s: float) -> None:
    """A widened span holds the span it came from, and widening it again changes nothing."""
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=start_s)
    span = TimeSpan(start=start, end=start + timedelta(seconds=duration_s))
    wide = coarsen_time(span, step_s=step_s)

    assert wide.start <= span.start
    assert wide.end >= span.end
    assert wide == coarsen_time(wide, step_s=step_s)


@given(early_s=integers(1, 86_399))
def test_nothing_is_released_before_its_delay(early_s: int) -> None:
    """The public sees an event 24 hours after its end and not a second before; the mission sees it at once."""
    end = an_event().origin_time.end
    release_time = end + timedelta(hours=24)
    before = release_event(an_event(), policy=POLICIES["public"], now=release_time - timedelta(seconds=early_s))

    assert isinstance(before, Withheld)
    assert release_time == before.release_time
    assert isinstance(release_event(an_event(), policy=POLICIES["public"], now=release_time), Released)
    assert isinstance(release_event(an_event(), policy=POLICIES["mission"], now=end), Released)


def test_an_event_rejected_in_review_is_never_released() -> None:
    """What a reviewer took back does not leave the house, however old it is."""
    answer = release_event(an_event(status="rejected"), policy=POLICIES["mission"], now=MOMENT + timedelta(days=999))

    assert Withheld(event_id="event-1", reason="rejected in review", release_time=None) == answer


@pytest.mark.parametrize("audience", ["mission", "public"])
def test_no_exact_or_observer_position_is_released(audience: str) -> None:
    """Neither the event's exact place nor a monitor's own words, observations or ledger stand in what is released."""
    policy = POLICIES["public" if audience == "public" else "mission"]
    answer = release_event(
        an_event(),
        findings=[a_finding()],
        attribution=an_attribution(),
        policy=policy,
        now=MOMENT + timedelta(days=9),
    )
    written = msgspec.json.encode(answer).decode()

    leaks = ("48.0159", "37.8028", "camera", "observation-secret", "48.5", "observer", "station", "ledger", "distance")
    assert [] == [leak for leak in leaks if leak in written]


def test_the_public_sees_neither_party_nor_settlement_nor_minute() -> None:
    """Party probabilities, settlement names and times finer than the hour are for the mission only."""
    now = MOMENT + timedelta(days=9)
    seen = {}
    for audience, policy in POLICIES.items():
        answer = release_event(an_event(), attribution=an_attribution(), policy=policy, now=now)
        assert isinstance(answer, Released)
        seen[audience] = answer.record

    assert seen["public"].attribution is None
    assert seen["public"].place_name is None
    assert seen["public"].time.start == MOMENT.replace(minute=0, second=0)
    assert seen["mission"].attribution is not None
    assert seen["mission"].place_name == "Vesele"


def test_a_region_is_named_to_all_and_gets_a_wide_cell() -> None:
    """A region's stand-in point comes out as a cell of a degree, not as one of five kilometres."""
    event = an_event(sigma_m=50_000.0, place_is_region=True)
    answer = release_event(event, policy=POLICIES["public"], now=MOMENT + timedelta(days=9))

    assert isinstance(answer, Released)
    assert answer.record.place_name == "Vesele"
    assert answer.record.cell_deg == 1.0


def test_records_of_another_revision_do_not_go_with_an_event() -> None:
    """A finding or attribution of an older revision is not shown beside the newest."""
    answer = release_event(
        an_event(),
        findings=[a_finding(revision_index=1)],
        attribution=an_attribution(revision_index=1),
        policy=POLICIES["mission"],
        now=MOMENT + timedelta(days=9),
    )

    assert isinstance(answer, Released)
    assert answer.record.findings == ()
    assert answer.record.attribution is None


def test_headlines_say_potential_and_cover_every_kind() -> None:
    """Each kind of finding has one sentence, and the one that matters says 'potential'."""
    base = {
        "finding_id": "f",
        "event_id": "e",
        "event_revision_index": 0,
        "agreement_id": "a",
        "agreement_version": "1",
        "window_id": None,
        "provision_id": "a.1",
    }
    said = [
        headline(PotentialViolation(probability=0.87, **base)),
        headline(Indeterminate(lacking=("a line", "a time"), **base)),
        headline(Exempt(notification_id="n7", **base)),
        headline(Compliant(reason="no clause was in force", **base)),
    ]

    assert said == [
        "Potential violation of a.1 (very likely, 87 %).",
        "Cannot be assessed: lacking a line, a time.",
        "Covered by notification n7 under a.1.",
        "In keeping with the agreement: no clause was in force.",
    ]


@given(probability=floats(0.0, 1.0))
def test_every_probability_has_one_phrase(probability: float) -> None:
    """The bands cover all of [0, 1], in order and without gaps."""
    limits = [limit for limit, _ in LIKELIHOOD_BANDS]

    assert likelihood_phrase(probability) in {phrase for _, phrase in LIKELIHOOD_BANDS}
    assert limits == sorted(limits)
    assert limits[-1] == 1.0


def test_the_public_never_gets_the_id_of_an_event() -> None:
    """A released record bears the event's id for the mission alone: the id is a hash that a feed's holder can make."""
    late = MOMENT + timedelta(days=30)
    mission, public = (release_event(an_event(), policy=POLICIES[name], now=late) for name in ("mission", "public"))

    assert isinstance(mission, Released)
    assert isinstance(public, Released)
    assert mission.record.event_id == "event-1"
    assert public.record.event_id is None
    assert b"event-1" not in msgspec.json.encode(public)


def test_only_release_makes_released_records() -> None:
    """No other part of the program calls `Released`, so nothing leaves the house uncleared."""
    source = Path(truceline.__file__).parent
    makers = set()
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func.value if isinstance(node.func, ast.Subscript) else node.func
                if isinstance(called, ast.Name) and called.id == "Released":
                    makers.add(path.relative_to(source).parts[0])

    assert makers == {"release"}


def test_the_public_is_told_less_than_the_mission() -> None:
    """Each audience has one policy of its own, and that of the public is later and coarser."""
    mission, public = policy_for("mission"), policy_for("public")

    assert {"mission": mission, "public": public} == POLICIES
    assert public.delay_hours > mission.delay_hours
    assert public.cell_deg > mission.cell_deg
