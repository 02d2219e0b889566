"""What people saw and satellites measured joins what sensors located, and what an event then says."""

from __future__ import annotations

import pytest

from laws.made import DAY
from laws.sensor_day import made_sensor_event
from truceline.associate.clusters import Cluster, cluster_rows
from truceline.associate.gates import METRES_PER_DEGREE_M
from truceline.associate.origins import draft_event
from truceline.associate.rows import KEPT_OUT_DETECTION, KEPT_OUT_LOAD, row_from_observation
from truceline.associate.sensor_events import SensedDay, SensorEvent
from truceline.associate.settings import AssociationSettings
from truceline.model.event import Event
from truceline.model.observation import Observation
from truceline.model.quantity import TimeSpan, exactly
from truceline.testing.records import Spot, made_detection, made_patrol, made_report, made_thermal, moment

SETTINGS = AssociationSettings()
NOON_S = 43_200.0


def at(*, north_m: float = 0.0, late_s: float = 0.0, sigma_m: float = 400.0) -> Spot:
    """Give a place so far north of 48 N 37 E, so long after noon."""
    return Spot(48.0 + north_m / METRES_PER_DEGREE_M, 37.0, moment(DAY, offset_s=NOON_S + late_s), sigma_m)


def heard(number: int, *, late_s: float = 10.0) -> Observation:
    """Give a detection of a station some kilometres north."""
    return made_detection(
        at(north_m=3_000.0 + 10.0 * number, late_s=late_s), station_id=f"S{number}", bearing_deg=180.0
    )


def located(
    spot: Spot, *numbers: int, probability: float = 0.99, named_type: str = "unknown"
) -> tuple[SensorEvent, list[Observation]]:
    """Give a sensor event with the detections of so numbered stations, and these."""
    detections = [heard(number) for number in numbers]
    return made_sensor_event(spot, *detections, probability=probability, named_type=named_type), detections


def joined(*observations: Observation, sensed: SensedDay) -> list[Cluster]:
    """Give the clusters of a day."""
    rows = [row_from_observation(one) for one in observations]
    return list(cluster_rows(rows, SETTINGS, sensed=sensed).clusters)


def event_of(*observations: Observation, probability: float = 0.99, named_type: str = "unknown") -> Event:
    """Give the one event of a sensor event at noon and what joins it."""
    sensed, detections = located(at(sigma_m=20.0), 0, 1, 2, 3, probability=probability, named_type=named_type)
    (cluster,) = joined(*detections, *observations, sensed=SensedDay(events=(sensed,)))
    return draft_event(cluster, event_id="made", settings=SETTINGS)


def test_patrols_fires_and_reports_join_what_sensors_located() -> None:
    """All that agrees becomes one event, which stands where and when the sensors say."""
    day = TimeSpan(start=DAY, end=DAY.replace(hour=23))
    event = event_of(
        made_patrol(at(north_m=700.0, late_s=60.0)),
        made_thermal(at(north_m=-500.0, late_s=3_600.0)),
        made_report(Spot(48.0, 37.0, day, 2_000.0)),
    )
    defining = {link.observation_kind for link in event.associations if link.defining}

    assert len(event.associations) == 7
    assert {"detection"} == defining
    assert (48.0, 37.0, 20.0) == (
        event.origin_position.latitude_deg,
        event.origin_position.longitude_deg,
        event.origin_position.sigma_m,
    )
    assert moment(DAY, offset_s=NOON_S) == event.origin_time
    assert ("explosion", "known", "impact", "Place") == (
        event.event_type,
        event.event_type_certainty,
        event.observed_as,
        event.place_name,
    )


def test_residuals_of_defining_detections_are_the_engine_s() -> None:
    """What the engine left over of each detection stands in its link."""
    event = event_of()

    assert [0.25] * 4 == [link.time_residual_s for link in event.associations]
    assert event.sensor_origin is not None
    assert exactly(1) == event.signature_count


def test_a_patrol_joins_the_sensor_event_nearest_in_its_time() -> None:
    """Of two at one place, minutes apart, the patrol's minute tells; the two never become one."""
    early, of_early = located(at(sigma_m=20.0), 0, 1, 2, 3)
    late, of_late = located(at(late_s=300.0, sigma_m=20.0), 4, 5, 6, 7)
    patrol = made_patrol(at(late_s=240.0))
    clusters = joined(*of_early, *of_late, patrol, sensed=SensedDay(events=(early, late)))
    by_leader = {cluster.leader.observation_id: cluster for cluster in clusters}

    assert len(clusters) == 2
    assert () == by_leader[early.place.observation_id].occurrences
    assert (row_from_observation(patrol),) == by_leader[late.place.observation_id].occurrences


def test_what_the_engine_did_not_take_supports_only_what_it_did_not_locate() -> None:
    """A detection with a bearing still supports a patrol's occurrence, never a sensor event; the rest is counted."""
    sensed, detections = located(at(sigma_m=20.0), 0, 1, 2, 3)
    other, unheard = heard(8, late_s=9.0), made_detection(at(late_s=9.0), bearing_deg=None, station_id="S9")
    rows = [row_from_observation(one) for one in (*detections, other, unheard)]
    day = SensedDay(events=(sensed,), reasons={unheard.observation_id: KEPT_OUT_LOAD})
    patrol = row_from_observation(made_patrol(at()))
    with_event = cluster_rows(rows, SETTINGS, sensed=day)
    without = cluster_rows([*rows[4:], patrol], SETTINGS)

    assert () == with_event.clusters[0].detections
    assert {KEPT_OUT_DETECTION: 1, KEPT_OUT_LOAD: 1} == with_event.unassociated_counts
    assert (rows[4],) == without.clusters[0].detections
    assert {KEPT_OUT_DETECTION: 1} == without.unassociated_counts


@pytest.mark.parametrize(("probability", "status"), [(0.85, "preliminary"), (0.95, "confirmed")])
def test_weak_sensor_events_are_preliminary(probability: float, status: str) -> None:
    """Below the probability from which sensors are sure, an event is issued as preliminary."""
    assert status == event_of(probability=probability).evaluation_status


@pytest.mark.parametrize(("probability", "certainty"), [(0.85, "suspected"), (0.95, "known")])
def test_sensors_that_are_sure_are_a_second_way_of_observing(probability: float, certainty: str) -> None:
    """A patrol that only heard it is borne out by sensors that are sure of it; sensors alone suspect."""
    assert certainty == event_of(made_patrol(at()), probability=probability).event_type_certainty
    assert event_of(probability=probability).event_type_certainty == "suspected"


@pytest.mark.parametrize(
    ("named_type", "event_type", "observed_as"),
    [
        ("explosion undetermined", "explosion", "undetermined"),
        ("outgoing", "explosion", "undetermined"),
        ("impact", "explosion", "undetermined"),
        ("burst", "shot", "not reported"),
        ("quarry blast", "not reported", "not reported"),
        ("thunder", "not reported", "not reported"),
        ("unknown", "not reported", "not reported"),
    ],
)
def test_sound_names_an_explosion_but_never_whose_word_it_is(
    named_type: str, event_type: str, observed_as: str
) -> None:
    """What only sensors noticed has their type, but is never called impact or outgoing, as if a patrol had said so."""
    event = event_of(named_type=named_type)

    assert (event_type, observed_as) == (event.event_type, event.observed_as)
    assert event.sensor_origin is not None
    assert named_type == event.sensor_origin.named_type


def test_what_sound_leaves_open_a_fire_or_a_report_may_name() -> None:
    """An unknown sound with a fire is a fire, with a report an attack; patrols' words come before all."""
    day = TimeSpan(start=DAY, end=DAY.replace(hour=23))

    assert event_of(made_thermal(at(late_s=600.0))).event_type == "fire"
    assert event_of(made_report(Spot(48.0, 37.0, day, 2_000.0))).event_type == "attack"
    assert event_of(made_patrol(at(), description="burst"), named_type="impact").event_type == "shot"
