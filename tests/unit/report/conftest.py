"""A made-up issue to build pages from: two parties, one line, events of every kind on three days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import shapely

from truceline.model.adherence import Adherence
from truceline.model.agreement import Agreement, Domain, Theatre, TruceWindow
from truceline.model.attribution import PartyProbability
from truceline.model.observation import Outage
from truceline.model.provision import Prohibition
from truceline.model.quantity import Count, TimeSpan
from truceline.model.reference_line import DatedLine
from truceline.model.released import Released, ReleasedAttribution, ReleasedEvent, ReleasedFinding, ReleasePolicy
from truceline.model.source import IngestedFile
from truceline.release import POLICIES
from truceline.report import ReasonCount, ReportInput, SourceWatch
from truceline.report.map_picture import bounds_of
from truceline.report.records import Assessment

MADE = datetime(2025, 4, 25, 6, tzinfo=UTC)
NOON = datetime(2025, 4, 20, 12, tzinfo=UTC)
KINDS = ("potential_violation", "indeterminate", "exempt", "compliant")


def a_theatre(parties: tuple[str, str]) -> Theatre:
    """Make a theatre of two parties."""
    domain = Domain(domain_id="ground", title="Fire along the line", series="media_report")
    return Theatre(
        theatre_id="made_up",
        title="A line",
        parties=parties,
        timezone_name="Europe/Kyiv",
        evening_cutoff_hour=19.5,
        domains=(domain,),
    )


def an_event(index: int, parties: tuple[str, str]) -> ReleasedEvent:
    """Make one event; the index decides kind, time, place and whose conduct it seems to be."""
    start = NOON + timedelta(hours=(index * 5) % 72 - 48, minutes=index % 60)
    whole_day = index % 4 == 0
    span = TimeSpan(start=start - timedelta(hours=12) * whole_day, end=start + timedelta(hours=12) * whole_day)
    kind: Any = KINDS[index % 4]
    finding = ReleasedFinding(
        kind=kind, provision_id="made_up.all_fire", window_id="w", probability=None, headline=f"Finding {index}."
    )
    indicated = parties[index % 2] if index % 3 == 0 else None
    return ReleasedEvent(
        event_id=f"event-{index}",
        revision_index=0,
        event_type="fire" if index % 2 else "explosion",
        event_type_certainty="known",
        time=span,
        cell_latitude_deg=47.025 + 0.05 * (index % 7),
        cell_longitude_deg=37.025 + 0.3 * (index % 5) + (20.0 if index % 50 == 49 else 0.0),
        cell_deg=0.05,
        place_name="Vesele" if index % 3 else None,
        place_is_region=False,
        signature_count=Count(low_count=index % 4, high_count=None if index % 10 == 9 else index % 4),
        findings=(finding,) if index % 5 else (),
        attribution=ReleasedAttribution(
            probabilities=tuple(PartyProbability(party=party, probability=0.5) for party in parties),
            tier="indicated" if indicated else "undetermined",
            indicated_party=indicated,
            reason="" if indicated else "too near the line",
        ),
    )


def cleared(event: ReleasedEvent, policy: ReleasePolicy) -> Released[ReleasedEvent]:
    """Mark an event as cleared for an audience."""
    return Released(record=event, policy=policy, released_time=MADE)


def a_line(parties: tuple[str, str]) -> DatedLine:
    """Make a line with ground to its south held by the second party."""
    points = [(36.5, 47.1), (37.5, 47.3), (38.9, 47.2)]
    return DatedLine(
        valid_date=date(2025, 4, 19),
        held_by=parties[1],
        held_wkb=shapely.to_wkb(shapely.Polygon([*points, (38.9, 46.0), (36.5, 46.0)])),
        line_wkb=shapely.to_wkb(shapely.LineString(points)),
        sigma_m=1000.0,
        source_id="lines",
        file_sha256="ab" * 32,
    )


def an_agreement(parties: tuple[str, str]) -> Agreement:
    """Make a text with one window and one clause."""
    span = TimeSpan(start=NOON - timedelta(hours=20), end=NOON + timedelta(hours=9))
    window = TruceWindow(
        window_id="w",
        span=span,
        declared_by=parties[0],
        accepted_by_other="mirrored",
        scope="all",
        covered_domain_ids=("ground",),
    )
    clause = Prohibition(
        provision_id="made_up.all_fire", article="1", summary="All fire stops.", source_ids=("made",), acts=("fire",)
    )
    return Agreement(
        agreement_id="made_up",
        version="1",
        title="A truce",
        theatre_id="made_up",
        parties=parties,
        windows=(window,),
        provisions=(clause,),
        sources=(),
    )


def an_adherence(parties: tuple[str, str]) -> Adherence:
    """Make one verdict that rests on a party's claims."""
    return Adherence(
        window_id="w",
        domain="ground",
        verdict="reduced",
        observed_count=12.0,
        expected_count=30.5,
        expected_low_count=20.0,
        expected_high_count=44.0,
        ratio=0.39,
        placebo_percentile=0.01,
        resumption_utc=NOON + timedelta(hours=10),
        claimants=(parties[0],),
        reason="lower than usual",
    )


def an_input(
    issue_date: date = date(2025, 4, 19),
    *,
    parties: tuple[str, str] = ("Northland", "Southland"),
    audience: str = "mission",
    event_count: int = 120,
    **changes: Any,
) -> ReportInput:
    """Make everything one issue needs."""
    policy = POLICIES["public" if audience == "public" else "mission"]
    events = [an_event(index, parties) for index in range(event_count)]
    watch = SourceWatch(
        source_id="acoustic",
        title="Acoustic stations",
        watched=(TimeSpan(start=NOON - timedelta(hours=30), end=NOON),),
        outages=(
            Outage(
                source_id="acoustic",
                span=TimeSpan(start=NOON - timedelta(hours=34), end=NOON - timedelta(hours=30)),
                reason="power failure",
            ),
        ),
    )
    file = IngestedFile(
        file_name="a|b<script>.csv",
        file_sha256="cd" * 32,
        size_bytes=9,
        source_id="acoustic",
        kind="detection",
        received_time=MADE,
        accepted_count=1234,
        rejected_count=5,
        duplicate_count=6,
        synthetic=True,
    )
    given: dict[str, Any] = {
        "theatre": a_theatre(parties),
        "issue_date": issue_date,
        "generated_time": MADE,
        "code_version": "0",
        "policy": policy,
        "events": tuple(cleared(event, policy) for event in events),
        "agreements": (an_agreement(parties),),
        "lines": (a_line(parties),),
        "bounds": bounds_of([a_line(parties)], events),
        "watches": (watch,),
        "files": (file,),
        "rejections": (ReasonCount(reason="latitude_deg=… is outside [-90, 90]", count=5),),
        "adherences": (an_adherence(parties),),
        "assessment": Assessment(through_time=MADE),
        "synthetic": True,
    }
    return ReportInput(**(given | changes))


@pytest.fixture
def made_up_input() -> Callable[..., ReportInput]:
    """Give the maker of a made-up issue."""
    return an_input
