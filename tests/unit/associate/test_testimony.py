"""What a day's rows say of an event: what is part of it, who speaks of it, and which stations heard nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from laws.made import DAY
from truceline.associate.rows import row_from_observation
from truceline.associate.settings import AssociationSettings
from truceline.associate.testimony import SILENT_MAX_COUNT, told_of
from truceline.model.event import Association, Event
from truceline.model.observation import Observation
from truceline.model.quantity import Position, TimeSpan, exactly
from truceline.model.testimony import Testimony, hash_of
from truceline.testing.records import (
    Spot,
    made_claim,
    made_detection,
    made_patrol,
    made_report,
    made_statement,
    made_thermal,
    moment,
)

HOUR_S = 3_600.0
NOON_S = 12.0 * HOUR_S
NEAR = (48.1, 37.0)
HOURS = TimeSpan(start=moment(DAY, offset_s=NOON_S - HOUR_S).start, end=moment(DAY, offset_s=NOON_S + HOUR_S).start)
ALL_DAY = TimeSpan(start=DAY, end=moment(DAY, offset_s=24 * HOUR_S).start)


def event(*members: Observation, **changes: Any) -> Event:
    """Give an event at noon made of some observations."""
    made = Event(
        event_id="made",
        revision_index=0,
        supersedes_revision_index=None,
        event_type="explosion",
        event_type_certainty="known",
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        origin_time=moment(DAY, offset_s=NOON_S),
        origin_position=Position(latitude_deg=48.0, longitude_deg=37.0, sigma_m=400.0),
        place_name="North",
        place_is_region=False,
        energy_object=False,
        signature_count=exactly(1),
        observed_as="impact",
        associations=tuple(
            Association(
                observation_id=one.observation_id,
                observation_kind=one.kind,
                source_id=one.provenance.source_id,
                distance_m=0.0,
                time_residual_s=0.0,
                defining=True,
            )
            for one in members or (made_patrol(Spot(48.0, 37.0, moment(DAY, offset_s=NOON_S))),)
        ),
    )
    return msgspec.structs.replace(made, **changes)


def heard(offset_s: float, *, station_id: str = "S1", place: tuple[float, float] = NEAR, **more: Any) -> Observation:
    """Give a detection so many seconds after noon."""
    return made_detection(Spot(*place, moment(DAY, offset_s=NOON_S + offset_s)), station_id=station_id, **more)


def told(one: Event, *records: Observation) -> Testimony:
    """Give the testimony of one event from the rows of its day, in whatever order."""
    own = made_patrol(Spot(48.0, 37.0, moment(DAY, offset_s=NOON_S)))
    rows = [row_from_observation(record) for record in {r.observation_id: r for r in (own, *records)}.values()]
    return told_of([one], rows, AssociationSettings())[("made", 0)]


ALIVE = (heard(-1_000.0), heard(1_000.0))


def test_a_station_that_detected_before_and_after_and_not_between_was_silent() -> None:
    """Its health covers the span, by its own detections, which are named with how long it was quiet."""
    (found,) = told(event(), *ALIVE).silent

    assert [hash_of(ALIVE[0]), hash_of(ALIVE[1])] == [found.before, found.after]
    assert ("S1", 2_000.0) == (found.station_id, found.quiet_s)
    assert 11_000.0 < found.distance_m < 11_300.0


@pytest.mark.parametrize(
    ("records", "changes"),
    [
        ((ALIVE[0],), {}),
        ((ALIVE[1],), {}),
        ((heard(-4_000.0), ALIVE[1]), {}),
        ((ALIVE[0], heard(4_000.0)), {}),
        ((*ALIVE, heard(30.0)), {}),
        ((*ALIVE, heard(-100.0)), {}),
        ((*ALIVE, heard(2_000.0, place=(48.2, 37.0))), {}),
        ((heard(-1_000.0, place=(49.0, 37.0)), heard(1_000.0, place=(49.0, 37.0))), {}),
        (ALIVE, {"origin_time": TimeSpan(start=DAY, end=moment(DAY, offset_s=24 * HOUR_S).start)}),
        ((), {}),
    ],
)
def test_silence_is_said_of_no_station_whose_health_does_not_cover_the_span(
    records: tuple[Observation, ...], changes: dict[str, Any]
) -> None:
    """Quiet only before or after, too long, heard, moved, out of reach, or of an event of a whole day: no silence."""
    assert () == told(event(**changes), *records).silent


def test_of_many_silent_stations_the_nearest_are_named() -> None:
    """A record is bounded: the nearest stay, in the order of their names."""
    places = {f"S{index:02d}": (48.05 + 0.01 * index, 37.0) for index in range(SILENT_MAX_COUNT + 3)}
    records = [
        heard(offset_s, station_id=name, place=place)
        for name, place in places.items()
        for offset_s in (-1_000.0, 1_000.0)
    ]

    assert sorted(places)[:SILENT_MAX_COUNT] == [one.station_id for one in told(event(), *records).silent]


def test_a_place_is_told_by_who_says_that_something_landed_there() -> None:
    """Patrols that call it an impact and reports of a place do, where they put it; a region does not."""
    noon = moment(DAY, offset_s=NOON_S)
    landed = made_patrol(Spot(48.0, 37.0, noon, sigma_m=300.0))
    written = made_report(Spot(48.01, 37.0, noon, sigma_m=1_500.0))
    others = (
        made_patrol(Spot(48.0, 37.0, noon), description="undetermined", observer_longitude_deg=36.9),
        made_report(Spot(48.02, 37.0, noon), speaks_of="region"),
        made_thermal(Spot(48.0, 37.0, noon)),
        heard(3.0),
    )
    members = (landed, written, *others)

    assert sorted([("media_report", 48.01, 1_500.0), ("patrol_report", 48.0, 300.0)]) == sorted(
        (one.kind, one.position.latitude_deg, one.position.sigma_m) for one in told(event(*members), *members).places
    )


def _claim(**changes: Any) -> Observation:
    """Give a claim of the hours about noon at the event's place, changed as asked."""
    claim = made_claim(changes.pop("span", HOURS))
    return msgspec.structs.replace(
        claim, result=msgspec.structs.replace(claim.result, **{"places": (" north ",), **changes})
    )


def test_a_claim_of_the_hours_and_the_place_speaks_of_the_event() -> None:
    """A party's claim is of an event where it names the hours and the place, capital letters aside."""
    claim = _claim()

    assert (claim,) == told(event(), claim).said


@pytest.mark.parametrize(
    ("changes", "of_event"),
    [
        ({"places": ()}, {}),
        ({"places": ("South",)}, {}),
        ({"time_is_stated": False}, {}),
        ({"span": moment(DAY, offset_s=0.0)}, {}),
        ({"span": moment(DAY, offset_s=20.0 * HOUR_S)}, {}),
        ({"places": ("",)}, {"place_name": ""}),
    ],
)
def test_a_claim_that_may_be_of_any_event_is_of_none(changes: dict[str, Any], of_event: dict[str, Any]) -> None:
    """Without hours of its own, or without the event's place, a claim says nothing of the event."""
    assert () == told(event(**of_event), _claim(**changes)).said


@pytest.mark.parametrize(
    ("spot", "of_event", "speaks"),
    [
        (Spot(48.0, 37.0, HOURS), {}, True),
        (Spot(48.02, 37.0, HOURS, 2_000.0), {}, True),
        (Spot(48.02, 37.0, HOURS, 100.0), {}, False),
        (Spot(48.2, 37.0, HOURS, 50_000.0), {}, False),
        (Spot(48.0, 37.0, moment(DAY, offset_s=0.0)), {}, False),
        (Spot(48.0, 37.0, ALL_DAY), {}, False),
        (Spot(48.0, 37.0, ALL_DAY), {"origin_time": ALL_DAY}, True),
    ],
)
def test_a_statement_is_of_an_event_where_it_is_within_both_uncertainties(
    spot: Spot, of_event: dict[str, Any], speaks: bool
) -> None:
    """By place and hours; one of a whole day only where the event is known no better."""
    statement = made_statement(spot)

    assert ((statement,) if speaks else ()) == told(event(**of_event), statement).said


def test_what_an_event_is_made_of_is_kept_whole_and_bearings_with_their_station() -> None:
    """Patrols and hot pixels are there as records, detections as bearings; a detection without one gives none."""
    spot = Spot(48.0, 37.0, moment(DAY, offset_s=NOON_S))
    patrol, pixel, report = made_patrol(spot), made_thermal(spot), made_report(spot)
    pointing = heard(20.0)
    unsure = heard(21.0, bearing_sigma_deg=None)
    plain = heard(22.0, bearing_deg=None)
    members = (patrol, pixel, report, pointing, unsure, plain)
    found = told(event(*members), *members)

    assert sorted([patrol.observation_id, pixel.observation_id]) == [one.observation_id for one in found.own]
    assert {hash_of(pointing).observation_id: 3.0, hash_of(unsure).observation_id: 0.0} == {
        one.record.observation_id: one.bearing_sigma_deg for one in found.bearings
    }
    assert {("S1", *NEAR, 90.0)} == {
        (one.station_id, one.latitude_deg, one.longitude_deg, one.bearing_deg) for one in found.bearings
    }
