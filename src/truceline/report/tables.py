"""Events counted by area, type, finding and attribution; every table's parts add up to its whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from truceline.model.agreement import Theatre
from truceline.model.event import EventType
from truceline.model.released import FindingKind, ReleasedEvent, ReleasedFinding
from truceline.report.counts import add_counts, thousands
from truceline.report.records import (
    AreaRow,
    AttributionSummary,
    FindingRow,
    KindRow,
    PartyRow,
    ReasonCount,
    Tally,
)

TYPE_NAMES: tuple[EventType, ...] = get_args(EventType)
AREA_ROWS_MAX_COUNT = 25
PLACES_MAX_COUNT = 4
UNDETERMINED = "undetermined"

POTENTIAL_LEAST_PROBABILITY = 0.5
"""From here on a finding is counted as a potential violation; below, it is shown as less likely than not."""

LeadingKind = FindingKind | Literal["less_likely", "no_clause_in_force"]

KIND_MEANINGS: tuple[tuple[LeadingKind | None, str], ...] = (
    (
        "potential_violation",
        "Potential violation: may be contrary to a clause in force; people determine if it was",
    ),
    (
        "less_likely",
        "Less likely than not a potential violation: probability under 50 %, as where only the day is known and the "
        "text was in force for a part of it",
    ),
    ("indeterminate", "Indeterminate: cannot be assessed, something named is lacking"),
    ("exempt", "Exempt: covered by a notification made beforehand"),
    ("compliant", "Compliant: in keeping with the agreement that was in force"),
    ("no_clause_in_force", "No clause in force: nothing was agreed for that time"),
    (None, "Not assessed: held against no agreement"),
)
"""Kinds of findings, weightiest first; an event with several findings is counted under the first that it has."""


def leading_kind(event: ReleasedEvent) -> LeadingKind | None:
    """Give the weightiest kind among an event's findings, or `None` where it was held against nothing."""
    kinds = {_weighed(finding) for finding in event.findings}
    return next((kind for kind, _ in KIND_MEANINGS if kind in kinds), None)


def _weighed(finding: ReleasedFinding) -> LeadingKind:
    """Name a finding's kind as it is counted: by its probability, and apart where no clause was in force."""
    if finding.kind == "compliant" and finding.window_id is None:
        return "no_clause_in_force"
    if finding.kind != "potential_violation":
        return finding.kind
    likely = finding.probability is None or finding.probability >= POTENTIAL_LEAST_PROBABILITY
    return "potential_violation" if likely else "less_likely"


def is_potential(event: ReleasedEvent) -> bool:
    """Say whether an event is counted as a potential violation: one is at least as likely as not."""
    return leading_kind(event) == "potential_violation"


def tally(events: Sequence[ReleasedEvent]) -> Tally:
    """Count events by finding and type, and what was observed of them."""
    kinds = Counter(leading_kind(event) for event in events)
    types = Counter(event.event_type for event in events)
    potential_count, indeterminate_count = kinds["potential_violation"], kinds["indeterminate"]
    return Tally(
        event_count=len(events),
        potential_count=potential_count,
        indeterminate_count=indeterminate_count,
        other_count=len(events) - potential_count - indeterminate_count,
        type_counts=tuple(types[name] for name in TYPE_NAMES),
        signature_count=add_counts(event.signature_count for event in events),
        potential_signature_count=add_counts(event.signature_count for event in events if is_potential(event)),
    )


def area_name(event: ReleasedEvent) -> str:
    """Name an event's area: its region where only that is known, otherwise the square of one degree it lies in."""
    if event.place_name and event.place_is_region:
        return f"{event.place_name} (region)"
    if event.cell_deg > 1.0:
        return "wider than one degree"
    south, west = int(event.cell_latitude_deg // 1), int(event.cell_longitude_deg // 1)
    return f"{_range(south, 'NS')}, {_range(west, 'EW')}"


def places_words(events: Sequence[ReleasedEvent]) -> str:
    """List the settlements named in an area with their events, most first, as far as the audience may see them."""
    named = Counter(event.place_name for event in events if event.place_name and not event.place_is_region)
    ordered = sorted(named.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{name} {thousands(count)}" for name, count in ordered[:PLACES_MAX_COUNT]]
    rest_count = len(ordered) - len(words)
    return ", ".join([*words, f"{rest_count} more places"] if rest_count else words)


def _range(low: int, signs: str) -> str:
    """Write one degree of latitude or longitude as a range."""
    if low >= 0:
        return f"{low}–{low + 1}° {signs[0]}"
    return f"{-low - 1}–{-low}° {signs[1]}"


def area_rows(events: Sequence[ReleasedEvent]) -> tuple[AreaRow, ...]:
    """Tally events by area, most first; past the limit the rest stands in one row, so that the rows add up."""
    areas: dict[str, list[ReleasedEvent]] = {}
    for event in events:
        areas.setdefault(area_name(event), []).append(event)
    ordered = sorted(areas.items(), key=lambda item: (-sum(map(is_potential, item[1])), -len(item[1]), item[0]))
    kept = ordered if len(ordered) <= AREA_ROWS_MAX_COUNT else ordered[: AREA_ROWS_MAX_COUNT - 1]
    rows = [AreaRow(area=name, places=places_words(listed), tally=tally(listed)) for name, listed in kept]
    rest = ordered[len(kept) :]
    if rest:
        listed = [event for _, part in rest for event in part]
        rows.append(AreaRow(area=f"{len(rest)} other areas", places=places_words(listed), tally=tally(listed)))
    total_count = sum(row.tally.event_count for row in rows)
    assert total_count == len(events), f"areas {total_count} are not all {len(events)}"
    return tuple(rows)


def kind_rows(events: Sequence[ReleasedEvent]) -> tuple[KindRow, ...]:
    """Count events by their weightiest finding."""
    counts = Counter(leading_kind(event) for event in events)
    return tuple(
        KindRow(kind=kind or "not_assessed", meaning=meaning, event_count=counts[kind])
        for kind, meaning in KIND_MEANINGS
    )


def finding_rows(events: Sequence[ReleasedEvent]) -> tuple[FindingRow, ...]:
    """Count findings by kind and clause; an event held against two clauses has two findings."""
    groups: dict[tuple[str, str], list[float | None]] = {}
    for event in events:
        for finding in event.findings:
            counted = _weighed(finding)
            kind: str = finding.kind if counted == "less_likely" else counted
            key = (kind, finding.provision_id or "no clause named")
            groups.setdefault(key, []).append(finding.probability)
    rows = []
    order = {str(kind): index for index, (kind, _) in enumerate(KIND_MEANINGS)}
    for (named, clause), probabilities in sorted(groups.items(), key=lambda item: (order[item[0][0]], item[0][1])):
        known = [probability for probability in probabilities if probability is not None]
        rows.append(
            FindingRow(
                kind=named.replace("_", " "),
                clause=clause,
                finding_count=len(probabilities),
                probability_sum_count=sum(known) if known else None,
            )
        )
    return tuple(rows)


def attribution_summary(
    events: Sequence[ReleasedEvent], theatre: Theatre, *, party_probability_shown: bool
) -> AttributionSummary:
    """Count events by indicated party, with undetermined as a full answer and its reasons beside it."""
    if not party_probability_shown:
        return AttributionSummary(released=False)
    named = [(_indicated(event), event) for event in events]
    rows = tuple(
        PartyRow(
            party=party,
            event_count=sum(1 for name, _ in named if name == party),
            potential_count=sum(1 for name, event in named if name == party and is_potential(event)),
        )
        for party in (*theatre.parties, UNDETERMINED)
    )
    total_count = sum(row.event_count for row in rows)
    assert total_count == len(events), f"attributions {total_count} are not of all {len(events)} events"
    reasons = reason_counts(_reason(event) for name, event in named if name == UNDETERMINED)
    return AttributionSummary(released=True, rows=rows, total_count=total_count, undetermined_reasons=reasons)


def _indicated(event: ReleasedEvent) -> str:
    """Give the party an event's attribution indicates, or undetermined."""
    if event.attribution is None:
        return UNDETERMINED
    return event.attribution.indicated_party or UNDETERMINED


def _reason(event: ReleasedEvent) -> str:
    """Say why an event is undetermined."""
    return (event.attribution.reason or "no reason given") if event.attribution else "no attribution was made"


def reason_counts(reasons: Iterable[str]) -> tuple[ReasonCount, ...]:
    """Count reasons, most frequent first."""
    counted = Counter(reasons)
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(ReasonCount(reason=reason, count=count) for reason, count in ordered)


def types_words(type_counts: Sequence[int]) -> str:
    """Write events by type, leaving out types of which there is none."""
    pairs = zip(TYPE_NAMES, type_counts, strict=True)
    return ", ".join(f"{name} {thousands(count)}" for name, count in pairs if count)
