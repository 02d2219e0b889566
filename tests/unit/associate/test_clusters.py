"""What is joined into one occurrence, and what stays apart."""

from __future__ import annotations

import math
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws.made import DAY
from truceline.associate.clusters import Clustered, cluster_rows
from truceline.associate.gates import (
    METRES_PER_DEGREE_M,
    LeaderGrid,
    distance_between_m,
    gap_between_s,
    normalised_distance_ratio,
)
from truceline.associate.rows import KEPT_OUT_DETECTION, Row, row_from_observation
from truceline.associate.settings import AssociationSettings
from truceline.model.observation import Observation
from truceline.model.quantity import TimeSpan
from truceline.testing.records import (
    Spot,
    made_claim,
    made_detection,
    made_patrol,
    made_report,
    made_thermal,
    moment,
    without_position,
)

SETTINGS = AssociationSettings()
WHOLE_DAY = TimeSpan(start=DAY, end=DAY + timedelta(days=1))


def spot(*, north_m: float = 0.0, hour: float | None = None, sigma_m: float = 400.0) -> Spot:
    """Give a place so far north of 48 N 37 E, at an hour of the day or for the whole of it."""
    span = WHOLE_DAY if hour is None else moment(DAY, offset_s=hour * 3600.0)
    return Spot(48.0 + north_m / METRES_PER_DEGREE_M, 37.0, span, sigma_m)


def clustered(*observations: Observation) -> Clustered:
    """Give the clusters of a day's observations."""
    return cluster_rows([row_from_observation(observation) for observation in observations], SETTINGS)


def sizes(*observations: Observation) -> list[int]:
    """Give how many observations stand in each cluster, largest first."""
    return sorted(
        (
            len(cluster.occurrences) + len(cluster.fires) + len(cluster.reports) + len(cluster.detections)
            for cluster in clustered(*observations).clusters
        ),
        reverse=True,
    )


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"gate_probability": 1.0}, "gate_probability"),
        ({"pair_distance_max_m": 0.0}, "pair_distance_max_m"),
        ({"same_place_distance_max_m": 20_000.0}, "same_place_distance_max_m"),
        ({"position_floor_sigma_m": 0.0}, "position_floor_sigma_m"),
        ({"sound_speed_m_per_s": 0.0}, "sound_speed_m_per_s"),
        ({"slab_max_count": 0}, "slab_max_count"),
    ],
)
def test_settings_out_of_bounds_are_refused(changes: dict[str, float], name: str) -> None:
    """Each bound has its own limits, named in the message."""
    with pytest.raises(ValueError, match=name):
        msgspec.convert(changes, AssociationSettings)


def test_the_gate_is_that_of_chi_squared_with_two_degrees_of_freedom() -> None:
    """0.99 of true pairs lie within a squared distance of 9.21 sigmas."""
    assert round(SETTINGS.gate_chi2_ratio, 2) == 9.21


def test_reports_of_one_place_and_day_from_several_outlets_are_one() -> None:
    """Outlets that report the same place and day report one attack, however many they are."""
    outlets = [made_report(spot(sigma_m=3_000.0), outlet=name) for name in ("one", "two", "three")]

    assert sizes(*outlets) == [3]


def test_reports_of_two_places_stay_apart_even_within_their_uncertainty() -> None:
    """A whole day says too little about time to join reports of two settlements five kilometres apart."""
    near = made_report(spot(sigma_m=3_000.0), place_name="North")
    far = made_report(spot(north_m=5_000.0, sigma_m=3_000.0), place_name="South")

    assert sizes(near, far) == [1, 1]


def test_reports_of_one_place_at_different_hours_stay_apart() -> None:
    """Reports that give hours join only where these overlap."""
    assert sizes(made_report(spot(hour=10.0)), made_report(spot(hour=11.0))) == [1, 1]


def test_no_uncertainty_joins_what_lies_beyond_the_longest_distance() -> None:
    """Two vague places fifteen kilometres apart may agree in sigmas and still are not one."""
    south = made_patrol(spot(hour=10.0, sigma_m=9_000.0))
    north = made_patrol(spot(hour=10.0, sigma_m=9_000.0, north_m=15_000.0))

    assert sizes(south, north) == [1, 1]


def test_a_region_stand_in_never_joins_a_precise_report() -> None:
    """A point that stands for a region is an event of its own kind, even where it coincides with a place."""
    precise = made_report(spot(sigma_m=3_000.0))
    region = made_report(spot(sigma_m=50_000.0), speaks_of="region")

    assert [cluster.is_region for cluster in clustered(precise, region).clusters].count(True) == 1
    assert sizes(precise, region) == [1, 1]


def test_nothing_chains_along_the_line() -> None:
    """A row of fires, each near the next, does not become one event: no cluster is wider than two gates."""
    row = [made_thermal(spot(north_m=1_000.0 * step, hour=10.0)) for step in range(20)]
    gate_m = math.sqrt(2.0 * SETTINGS.gate_chi2_ratio) * 400.0
    widths = [
        max(distance_between_m(first, second) for first in cluster.fires for second in cluster.fires)
        for cluster in clustered(*row).clusters
    ]

    assert max(widths) <= 2.0 * gate_m
    assert len(widths) > 5


def test_patrols_that_agree_are_one_and_those_apart_in_time_are_two() -> None:
    """Two patrols within the time gap report one occurrence; an hour later it is another."""
    first = made_patrol(spot(hour=10.0))
    second = made_patrol(spot(hour=10.1), observer_longitude_deg=37.2)
    later = made_patrol(spot(hour=11.0))

    assert sizes(first, second, later) == [2, 1]


def test_a_fire_joins_the_explosion_it_can_have_come_of() -> None:
    """A fire up to the fire gap after an explosion joins it; one seen long before, or too far away, does not."""
    explosion = made_patrol(spot(hour=10.0))

    assert sizes(explosion, made_thermal(spot(hour=11.0))) == [2]
    assert sizes(explosion, made_thermal(spot(hour=8.0))) == [1, 1]
    assert sizes(explosion, made_thermal(spot(hour=11.0, north_m=6_000.0))) == [1, 1]


def test_a_report_joins_the_one_occurrence_it_fits_and_none_where_two_fit() -> None:
    """What is ambiguous stays apart, whichever way it is ambiguous."""
    report = made_report(spot(sigma_m=3_000.0))
    morning, evening = made_patrol(spot(hour=10.0)), made_patrol(spot(hour=15.0))
    other_place = made_report(spot(north_m=4_000.0, sigma_m=3_000.0), place_name="South")

    assert sizes(report, morning) == [2]
    assert sizes(report, morning, evening) == [1, 1, 1]
    assert sizes(report, other_place, morning) == [1, 1, 1]


def test_a_hot_pixel_never_sharpens_what_was_reported() -> None:
    """A fire near a report supports it; place and time stay the report's."""
    report, fire = made_report(spot(sigma_m=3_000.0)), made_thermal(spot(north_m=3_000.0, hour=10.0))
    (cluster,) = clustered(report, fire).clusters

    assert cluster.fires
    assert [row.role for row in cluster.defining] == ["report"]


@pytest.mark.parametrize(
    ("bearing_deg", "late_s", "joined"),
    [(180.0, 0.0, True), (180.0, 120.0, False), (180.0, -120.0, False), (0.0, 0.0, False), (None, 0.0, False)],
)
def test_a_detection_supports_only_where_bearing_and_time_fit(
    bearing_deg: float | None, late_s: float, joined: bool
) -> None:
    """A station 10 km to the north hears a sound from the south, half a minute later."""
    travel_s = 10_000.0 / SETTINGS.sound_speed_m_per_s
    station = spot(north_m=10_000.0, hour=10.0 + (travel_s + late_s) / 3600.0)
    detection = made_detection(station, bearing_deg=bearing_deg)

    assert sizes(made_patrol(spot(hour=10.0)), detection) == ([2] if joined else [1])


def test_a_detection_too_far_away_supports_nothing() -> None:
    """Beyond the distance at which stations hear, time and bearing say nothing; an own sigma may be absent."""
    far_m = SETTINGS.detection_distance_max_m + 1_000.0
    hour = 10.0 + far_m / SETTINGS.sound_speed_m_per_s / 3600.0
    far = made_detection(spot(north_m=far_m, hour=hour), bearing_deg=180.0)
    no_sigma = made_detection(
        spot(north_m=3_400.0, hour=10.0 + 10.0 / 3600.0), bearing_deg=180.0, bearing_sigma_deg=None
    )
    result = clustered(made_patrol(spot(hour=10.0)), far, no_sigma)

    assert {KEPT_OUT_DETECTION: 1} == result.unassociated_counts
    assert sizes(made_patrol(spot(hour=10.0)), far, no_sigma) == [2]


def test_a_long_exchange_of_fire_takes_no_detections() -> None:
    """Where an occurrence lasts for hours, the time of an arrival says nothing."""
    hours = TimeSpan(start=DAY + timedelta(hours=9), end=DAY + timedelta(hours=12))
    exchange = made_patrol(Spot(48.0, 37.0, hours))

    assert sizes(exchange, made_detection(spot(north_m=3_400.0, hour=10.0), bearing_deg=180.0)) == [1]


def test_what_cannot_be_placed_is_kept_out_by_name() -> None:
    """Claims, reports of no attack and records without a place go into no event and say why."""
    kept_out = [
        made_claim(WHOLE_DAY),
        made_report(spot(), speaks_of="no attack"),
        without_position(made_patrol(spot(hour=10.0))),
    ]
    reasons = [row_from_observation(observation).kept_out_reason for observation in kept_out]
    unheard = made_detection(spot(hour=10.0), bearing_deg=None)

    assert sizes(*kept_out, unheard) == []
    assert len(set(reasons) - {""}) == 3
    assert {KEPT_OUT_DETECTION: 1} == clustered(made_patrol(spot(hour=10.0)), unheard).unassociated_counts


places = st.builds(
    Spot,
    st.floats(-89.0, 89.0),
    st.one_of(st.floats(-180.0, 180.0), st.floats(179.9, 180.0), st.floats(-180.0, -179.9)),
    st.just(moment(DAY, offset_s=0.0)),
    st.sampled_from([0.0, 500.0]),
)


@given(first=places, second=places)
def test_distance_and_gap_are_the_same_both_ways(first: Spot, second: Spot) -> None:
    """Neither closeness depends on which of two rows is asked."""
    one, other = row_from_observation(made_thermal(first)), row_from_observation(made_thermal(second))

    assert math.isclose(distance_between_m(one, other), distance_between_m(other, one), abs_tol=1e-6)
    assert normalised_distance_ratio(one, other) >= 0.0
    assert gap_between_s(one, other) == gap_between_s(other, one)


def test_exact_places_agree_only_with_themselves() -> None:
    """Without any uncertainty, one place is at distance nought from itself and infinitely far from any other."""
    here = row_from_observation(made_thermal(spot(sigma_m=0.0)))
    there = row_from_observation(made_thermal(spot(north_m=1.0, sigma_m=0.0)))

    assert normalised_distance_ratio(here, here) == 0.0
    assert normalised_distance_ratio(here, there) == math.inf


@given(leader=places, east_m=st.floats(-700.0, 700.0), north_m=st.floats(-700.0, 700.0))
def test_the_grid_hides_no_leader_within_reach(leader: Spot, east_m: float, north_m: float) -> None:
    """A row within reach of a leader meets it, also across the 180th meridian."""
    first: Row = row_from_observation(made_thermal(leader))
    longitude_deg = leader.longitude_deg + east_m / METRES_PER_DEGREE_M / math.cos(math.radians(leader.latitude_deg))
    second = msgspec.structs.replace(
        first,
        latitude_deg=leader.latitude_deg + north_m / METRES_PER_DEGREE_M,
        longitude_deg=math.remainder(longitude_deg, 360.0),
    )
    limit_deg = max(abs(first.latitude_deg), abs(second.latitude_deg))
    grid = LeaderGrid(reach_m=1_000.0, latitude_limit_deg=limit_deg)
    grid.add(first)

    assert distance_between_m(first, second) > 1_000.0 or first in list(grid.near(second))
