"""What an event says of its cluster: place, time, type, count and lineage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from laws.made import DAY
from truceline.associate.clusters import cluster_rows
from truceline.associate.gates import METRES_PER_DEGREE_M
from truceline.associate.origins import combined_position, draft_event
from truceline.associate.rows import row_from_observation
from truceline.associate.settings import AssociationSettings
from truceline.model.event import Event
from truceline.model.observation import Observation
from truceline.model.quantity import Count, TimeSpan, exactly
from truceline.testing.records import Spot, made_detection, made_patrol, made_report, made_thermal, moment

SETTINGS = AssociationSettings()
WHOLE_DAY = TimeSpan(start=DAY, end=DAY + timedelta(days=1))


def at(hour: float, *, north_m: float = 0.0, sigma_m: float = 400.0) -> Spot:
    """Give a place and an instant."""
    return Spot(48.0 + north_m / METRES_PER_DEGREE_M, 37.0, moment(DAY, offset_s=hour * 3600.0), sigma_m)


def event_of(*observations: Observation) -> Event:
    """Give the one event these observations make."""
    (cluster,) = cluster_rows([row_from_observation(one) for one in observations], SETTINGS).clusters
    return draft_event(cluster, event_id="made", settings=SETTINGS)


def settlement(**changes: Any) -> Observation:
    """Give a report of the settlement."""
    return made_report(Spot(48.0, 37.0, WHOLE_DAY, 3_000.0), **changes)


def test_many_reports_of_a_settlement_are_no_more_precise_than_one() -> None:
    """Reports share the gazetteer's point and so its error: their number never makes the place smaller."""
    outlets = [settlement(outlet=str(number)) for number in range(30)]

    assert event_of(*outlets).origin_position.sigma_m == pytest.approx(3_000.0)
    assert event_of(*outlets).place_name == "Place"


def test_a_settlement_is_never_smaller_than_its_floor() -> None:
    """Whatever a report says of its own precision, a settlement stays a settlement."""
    report = made_report(Spot(48.0, 37.0, WHOLE_DAY, 1.0))

    assert event_of(report).origin_position.sigma_m == SETTINGS.settlement_floor_sigma_m


def test_two_patrols_that_agree_are_more_precise_than_one() -> None:
    """Independent observers combine by inverse variance."""
    one = made_patrol(at(10.0))
    other = made_patrol(at(10.0), observer_longitude_deg=37.2)

    assert event_of(one, other).origin_position.sigma_m == pytest.approx(400.0 / 2.0**0.5)


def test_places_that_disagree_widen_the_uncertainty() -> None:
    """Two independent places farther apart than their errors allow give a wider answer than either promises."""
    near = row_from_observation(made_patrol(at(10.0, sigma_m=100.0)))
    far = row_from_observation(made_patrol(at(10.0, north_m=2_000.0, sigma_m=100.0)))
    position = combined_position([near, far], floor_m=10.0)

    assert position.sigma_m > 500.0
    assert position.latitude_deg == pytest.approx(48.0 + 1_000.0 / METRES_PER_DEGREE_M)


def test_time_is_what_all_agree_on_or_all_they_cover() -> None:
    """Overlapping spans give their intersection, instants apart give the stretch between them."""
    long = TimeSpan(start=DAY + timedelta(hours=9), end=DAY + timedelta(hours=10))
    ranged = made_patrol(Spot(48.0, 37.0, long))

    assert event_of(ranged, made_patrol(at(9.5))).origin_time == moment(DAY, offset_s=9.5 * 3600.0)
    assert event_of(made_patrol(at(9.5)), made_patrol(at(9.6))).origin_time == TimeSpan(
        start=DAY + timedelta(hours=9.5), end=DAY + timedelta(hours=9.6)
    )


def test_a_report_with_an_occurrence_takes_its_time_from_the_occurrence() -> None:
    """The most precise telling role gives the time."""
    event = event_of(settlement(), made_patrol(at(9.5)))

    assert event.origin_time == moment(DAY, offset_s=9.5 * 3600.0)
    assert (event.event_type, event.event_type_certainty) == ("explosion", "known")


@pytest.mark.parametrize(
    ("description", "event_type", "observed_as"),
    [
        ("undetermined", "explosion", "undetermined"),
        ("outgoing", "explosion", "outgoing"),
        ("impact", "explosion", "impact"),
        ("airburst", "explosion", "airburst"),
        ("projectile", "projectile in flight", "undetermined"),
        ("burst", "shot", "undetermined"),
        ("shot", "shot", "undetermined"),
    ],
)
def test_the_type_follows_the_patrols_word(description: Any, event_type: str, observed_as: str) -> None:
    """Each word of the patrols' vocabulary has one type; only three words tell where it was fired or landed."""
    event = event_of(made_patrol(at(10.0), description=description))

    assert (event_type, observed_as) == (event.event_type, event.observed_as)


def test_patrols_that_differ_leave_it_undetermined() -> None:
    """Impact and outgoing at once is neither."""
    event = event_of(made_patrol(at(10.0), description="impact"), made_patrol(at(10.0), description="outgoing"))

    assert event.observed_as == "undetermined"


def test_certainty_needs_a_sight_or_a_second_observer() -> None:
    """What one patrol only heard is suspected; what was seen, or heard by two, is known."""
    heard = made_patrol(at(10.0))

    assert event_of(heard).event_type_certainty == "suspected"
    assert event_of(made_patrol(at(10.0), means="saw")).event_type_certainty == "known"
    assert event_of(heard, made_patrol(at(10.0), observer_longitude_deg=37.2)).event_type_certainty == "known"


def test_a_bare_hot_pixel_is_a_suspected_fire() -> None:
    """A fire is all a hot pixel shows; two pixels of one satellite are two signatures of one event."""
    event = event_of(made_thermal(at(10.0)), made_thermal(at(10.0, north_m=400.0)))

    assert (event.event_type, event.event_type_certainty, event.observed_as) == ("fire", "suspected", "not reported")
    assert event.signature_count.low_count == 2.0


def test_a_reported_attack_on_an_energy_object_says_so() -> None:
    """A report makes an attack, and one outlet is enough to name an energy object."""
    event = event_of(settlement(), settlement(energy_object=True))

    assert (event.event_type, event.energy_object, event.signature_count.low_count) == ("attack", True, 1.0)


def test_one_round_seen_by_a_camera_and_heard_by_a_patrol_is_one_event_of_three_signatures() -> None:
    """Flash, flight and impact count three; the patrol's copy adds nothing; the event counts once."""
    camera = [
        made_patrol(at(10.0), description=word, means="recorded") for word in ("undetermined", "projectile", "impact")
    ]
    event = event_of(*camera, made_patrol(at(10.0), observer_longitude_deg=37.2))

    assert (event.signature_count.low_count, len(event.associations)) == (3.0, 4)


def test_counts_keep_their_kind() -> None:
    """At least three stays without an upper limit; about three stays approximate."""
    at_least = made_patrol(at(10.0), count=Count(low_count=3.0, high_count=None))
    about = made_patrol(at(10.0), count=Count(low_count=3.0, high_count=5.0, approximate=True))

    assert event_of(at_least).signature_count.high_count is None
    assert (event_of(about).signature_count.high_count, event_of(about).signature_count.approximate) == (5.0, True)
    assert event_of(made_patrol(at(10.0), count=exactly(4))).signature_count.high_count == 4.0


def test_lineage_gives_every_member_with_what_is_left_over() -> None:
    """Residuals are nought where spans overlap, and signed where they do not; detections only support."""
    travel_s = 3_400.0 / SETTINGS.sound_speed_m_per_s
    heard = made_detection(at(10.0 + (travel_s + 2.0) / 3600.0, north_m=3_400.0), bearing_deg=180.0)
    early_fire, late_fire = made_thermal(at(9.9)), made_thermal(at(11.0))
    event = event_of(made_patrol(at(10.0)), heard, early_fire, late_fire)
    by_id = {link.observation_id: link for link in event.associations}

    assert by_id[heard.observation_id].time_residual_s == pytest.approx(2.0, abs=0.01)
    assert by_id[heard.observation_id].distance_m == pytest.approx(3_400.0)
    assert by_id[early_fire.observation_id].time_residual_s == pytest.approx(-360.0)
    assert by_id[late_fire.observation_id].time_residual_s == pytest.approx(3_600.0)
    assert [link.observation_kind for link in event.associations if link.defining] == ["patrol_report"]


def test_a_sound_before_its_time_has_a_negative_residual() -> None:
    """A detection that came early says so."""
    travel_s = 3_400.0 / SETTINGS.sound_speed_m_per_s
    heard = made_detection(at(10.0 + (travel_s - 2.0) / 3600.0, north_m=3_400.0), bearing_deg=180.0)
    event = event_of(made_patrol(at(10.0)), heard)
    residuals_s = [link.time_residual_s for link in event.associations if link.observation_kind == "detection"]

    assert residuals_s == [pytest.approx(-2.0, abs=0.01)]


def test_the_mean_place_crosses_the_180th_meridian() -> None:
    """Two places either side of the meridian have their mean on it, not on the other side of the world."""
    west = row_from_observation(made_patrol(Spot(0.0, 179.99, WHOLE_DAY)))
    east = msgspec.structs.replace(west, longitude_deg=-179.99)

    assert abs(combined_position([west, east], floor_m=1.0).longitude_deg) == pytest.approx(180.0)
