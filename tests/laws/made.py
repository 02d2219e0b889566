"""Hypothesis strategies for the records that stages take: crowded on purpose, so that gates and edges are met."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from truceline.dossier.bundle import Bundle
from truceline.model.attribution import Attribution, PartyProbability
from truceline.model.event import Association, Event
from truceline.model.finding import PotentialViolation
from truceline.model.observation import Observation
from truceline.model.quantity import Position, TimeSpan, canonical_bytes, content_id, exactly
from truceline.testing.records import (
    Spot,
    made_claim,
    made_detection,
    made_patrol,
    made_report,
    made_statement,
    made_thermal,
    without_position,
)

DAY = datetime(2025, 4, 19, tzinfo=UTC)
BEFORE_ALL = DAY - timedelta(days=30)
AFTER_ALL = DAY + timedelta(days=30)

latitudes_deg = st.integers(0, 12).map(lambda step: 48.0 + step * 0.004)
longitudes_deg = st.integers(0, 12).map(lambda step: 37.0 + step * 0.006)
sigmas_m = st.sampled_from([200.0, 400.0, 1_000.0, 3_000.0])


def _instant(minute: int) -> TimeSpan:
    at = DAY + timedelta(minutes=minute)
    return TimeSpan(start=at, end=at)


def _local_day(day: int) -> TimeSpan:
    start = DAY + timedelta(days=day, hours=-3)
    return TimeSpan(start=start, end=start + timedelta(days=1))


instants = st.integers(-2_880, 2_880).map(lambda minute: _instant(minute // 7 * 7))
local_days = st.integers(-2, 2).map(_local_day)
instant_spots = st.builds(Spot, latitudes_deg, longitudes_deg, instants, sigmas_m)
day_spots = st.builds(Spot, latitudes_deg, longitudes_deg, local_days, sigmas_m)

thermals = st.builds(made_thermal, instant_spots, satellite=st.sampled_from(["N20", "NPP"]))
reports = st.builds(
    made_report,
    day_spots,
    place_name=st.sampled_from(["North", "South"]),
    speaks_of=st.sampled_from(["place", "place", "region", "no attack"]),
    energy_object=st.booleans(),
    outlet=st.sampled_from(["", "one", "two"]),
)
patrols = st.builds(
    made_patrol,
    instant_spots,
    description=st.sampled_from(["undetermined", "outgoing", "impact", "airburst", "burst", "shot", "projectile"]),
    means=st.sampled_from(["saw", "heard", "recorded"]),
    observer_longitude_deg=st.sampled_from([37.0, 37.1]),
)
detections = st.builds(
    made_detection,
    instant_spots,
    bearing_deg=st.sampled_from([None, 0.0, 90.0, 180.0, 270.0]),
    station_id=st.sampled_from(["S1", "S2"]),
)
claims = st.builds(made_claim, local_days)
statements = st.builds(
    made_statement,
    instant_spots,
    speaker=st.sampled_from(["A", "B"]),
    says=st.sampled_from(["blames", "denies", "admits"]),
    about=st.sampled_from(["A", "B"]),
)

observations: st.SearchStrategy[Observation] = st.one_of(
    thermals, reports, patrols, detections, claims, statements, patrols.map(without_position)
)


def _event(number: int, revision_index: int, span: TimeSpan, kind: str, observed_as: str, energy_object: bool) -> Event:
    supersedes = None if revision_index == 0 else revision_index - 1
    return Event(
        event_id=content_id("event", str(number).encode()),
        revision_index=revision_index,
        supersedes_revision_index=supersedes,
        event_type=kind,  # type: ignore[arg-type]
        event_type_certainty="suspected",
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        origin_time=span,
        origin_position=Position(latitude_deg=48.0 + number * 0.01, longitude_deg=37.0, sigma_m=400.0),
        place_name="",
        place_is_region=False,
        energy_object=energy_object,
        signature_count=exactly(1),
        observed_as=observed_as,  # type: ignore[arg-type]
        associations=(
            Association(
                observation_id=f"observation-{number}",
                observation_kind="patrol_report",
                source_id="made_patrol_report",
                distance_m=0.0,
                time_residual_s=0.0,
                defining=True,
            ),
        ),
    )


events: st.SearchStrategy[Event] = st.builds(
    _event,
    st.integers(0, 20),
    st.integers(0, 2),
    st.one_of(instants, local_days),
    st.sampled_from(["explosion", "fire", "projectile in flight", "shot", "attack", "not reported"]),
    st.sampled_from(["impact", "outgoing", "airburst", "undetermined", "not reported"]),
    st.booleans(),
)
"""Events; one id and revision may come up with different contents, which no stage before could have made."""


def one_content_per_revision(drawn: list[Event]) -> list[Event]:
    """Keep the first event of each id and revision, as the association guarantees."""
    kept: dict[tuple[str, int], Event] = {}
    for event in drawn:
        kept.setdefault((event.event_id, event.revision_index), event)
    return list(kept.values())


event_lists = st.lists(events, max_size=20).map(one_content_per_revision)


def bundle_of(event: Event) -> Bundle:
    """Give a bundle about an event, with a finding and an attribution that say as little as they may."""
    finding = PotentialViolation(
        finding_id=content_id("finding", canonical_bytes(event)),
        event_id=event.event_id,
        event_revision_index=event.revision_index,
        agreement_id="made",
        agreement_version="1",
        window_id="made",
        provision_id="made.fire",
        probability=0.5,
    )
    attribution = Attribution(
        attribution_id=content_id("attribution", canonical_bytes(event)),
        event_id=event.event_id,
        event_revision_index=event.revision_index,
        probabilities=(
            PartyProbability(party="A", probability=0.5),
            PartyProbability(party="B", probability=0.25),
            PartyProbability(party="unattributed", probability=0.25),
        ),
        tier="undetermined",
        indicated_party=None,
        reason="made",
        ledger=(),
    )
    return Bundle(finding=finding, event=event, attribution=attribution, used=(), known_not_used=())
