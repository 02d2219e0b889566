"""An event with its findings and attribution -> what one audience may see of it, or why it may not see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from truceline.model.attribution import Attribution
from truceline.model.event import Event
from truceline.model.finding import Finding
from truceline.model.quantity import Count, require_utc
from truceline.model.released import Released, ReleasedAttribution, ReleasedEvent, ReleasePolicy, Withheld
from truceline.release.coarsen import coarsen, coarsen_time, released_cell_deg
from truceline.release.wording import released_finding


def release_event(
    event: Event,
    *,
    findings: Sequence[Finding] = (),
    attribution: Attribution | None = None,
    policy: ReleasePolicy,
    now: datetime,
) -> Released[ReleasedEvent] | Withheld:
    """Clear an event for an audience, or withhold it until its delay has passed (or for good, if review rejected it).

    Only findings and an attribution of the same event and revision go with it.
    """
    require_utc("now", now)
    if event.evaluation_status == "rejected":
        return Withheld(event_id=event.event_id, reason="rejected in review", release_time=None)
    release_time = event.origin_time.end + timedelta(hours=policy.delay_hours)
    if now < release_time:
        reason = f"younger than the delay of {policy.delay_hours:g} hours" if policy.delay_hours else "not over yet"
        return Withheld(event_id=event.event_id, reason=reason, release_time=release_time)
    record = _view(event, findings, attribution, policy=policy)
    return Released(record=record, policy=policy, released_time=now)


def _view(
    event: Event, findings: Sequence[Finding], attribution: Attribution | None, *, policy: ReleasePolicy
) -> ReleasedEvent:
    """Make the coarse view of an event."""
    cell_deg = released_cell_deg(event.origin_position.sigma_m, cell_deg=policy.cell_deg)
    latitude_deg, longitude_deg = coarsen(
        event.origin_position.latitude_deg, event.origin_position.longitude_deg, cell_deg=cell_deg
    )
    place_shown = event.place_is_region or policy.settlement_name_shown
    return ReleasedEvent(
        event_id=event.event_id if policy.event_id_shown else None,
        revision_index=event.revision_index,
        event_type=event.event_type,
        event_type_certainty=event.event_type_certainty,
        time=coarsen_time(event.origin_time, step_s=policy.time_step_s),
        cell_latitude_deg=latitude_deg,
        cell_longitude_deg=longitude_deg,
        cell_deg=cell_deg,
        place_name=event.place_name if place_shown and event.place_name else None,
        place_is_region=event.place_is_region,
        signature_count=_plain(event.signature_count),
        findings=tuple(
            sorted(
                (released_finding(finding) for finding in findings if _belongs(finding, event)),
                key=lambda finding: (finding.kind, finding.provision_id or "", finding.window_id or ""),
            )
        ),
        attribution=_attribution_view(event, attribution) if policy.party_probability_shown else None,
    )


def _belongs(record: Finding | Attribution, event: Event) -> bool:
    """Say whether a finding or attribution is of this very revision of the event."""
    return record.event_id == event.event_id and record.event_revision_index == event.revision_index


def _plain(count: Count) -> Count:
    """Drop the wording of a count: a monitor's own words may say where the monitor stood."""
    return Count(low_count=count.low_count, high_count=count.high_count, approximate=count.approximate)


def _attribution_view(event: Event, attribution: Attribution | None) -> ReleasedAttribution | None:
    """Give what may be said of an attribution, without its ledger."""
    if attribution is None or not _belongs(attribution, event):
        return None
    return ReleasedAttribution(
        probabilities=attribution.probabilities,
        tier=attribution.tier,
        indicated_party=attribution.indicated_party,
        reason=attribution.reason,
    )
