"""Event x Agreement -> Finding: whether an event fell inside a window and was of the kind that a clause prohibits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from truceline.model.agreement import Agreement, Provision, TruceWindow
from truceline.model.event import Event
from truceline.model.finding import Compliant, Finding, Indeterminate, PotentialViolation
from truceline.model.quantity import TimeSpan, canonical_bytes, content_id, require_utc, union_of_spans

LACKING_CAUSE = "cause of fire"
LACKING_OCCURRENCE = "what happened"

REASON_NO_WINDOW = "no window in force"
REASON_NOT_ENERGY = "no energy object concerned"
REASON_WITHDRAWN = "event withdrawn: part of another event"

CERTAINTY_KNOWN_PROBABILITY = 0.95
"""Probability that a type given as known is right. Basis: guess, until reviewed events can be counted."""

CERTAINTY_SUSPECTED_PROBABILITY = 0.85
"""Probability that a type given as suspected is right (the keyword rule was right in 0.89 to 0.94 of hand labels;
patrols that only heard are taken alike). Basis: seen for reports, guess for patrols."""


class FindingsState(msgspec.Struct, frozen=True, kw_only=True):
    """Which revisions of which events were assessed: the last one by event id, and any that came before its time."""

    assessed: dict[str, tuple[int, ...]] = {}


class FindingsStage:
    """Holds every event against every clause of one agreement: one finding per event revision and clause."""

    def __init__(self, agreement: Agreement) -> None:
        """Fix the agreement."""
        self.agreement = agreement

    def initial(self) -> FindingsState:
        """Give the state before any event."""
        return FindingsState()

    def key(self, record: Event) -> str:
        """Give the event id: nothing but the revisions of one event must meet."""
        return record.event_id

    def step(
        self, state: FindingsState, batch: Sequence[Event], watermark: datetime
    ) -> tuple[FindingsState, list[Finding]]:
        """Assess every event revision not assessed yet; each stands for itself, so none waits for the watermark."""
        require_utc("watermark", watermark)
        assessed = dict(state.assessed)
        findings: list[Finding] = []
        for event in sorted(batch, key=lambda event: (event.origin_time.start, event.event_id, event.revision_index)):
            known = assessed.get(event.event_id, ())
            if event.revision_index in known:
                continue
            assessed[event.event_id] = tuple(sorted((*known, event.revision_index)))
            findings.extend(assess_event(event, self.agreement))
        return FindingsState(assessed=assessed), findings


def assess_event(event: Event, agreement: Agreement) -> list[Finding]:
    """Give one finding per clause, in the order of the text."""
    findings = []
    for provision in agreement.provisions:
        window, inside_probability = _likeliest_window(event.origin_time, _windows_of(provision, agreement))
        findings.append(_finding(event, agreement, provision, window=window, inside_probability=inside_probability))
    return findings


def overlap_probability(span: TimeSpan, window: TimeSpan) -> float:
    """Give the probability that something fell into a window, if every instant of its span is equally likely."""
    if span.duration_s <= 0.0:
        return 1.0 if window.start <= span.start < window.end else 0.0
    shared_s = (min(span.end, window.end) - max(span.start, window.start)).total_seconds()
    return max(0.0, shared_s) / span.duration_s


def _windows_of(provision: Provision, agreement: Agreement) -> list[TruceWindow]:
    """Give the windows in which a clause is in force: those it names, or all where it names none."""
    return [
        window for window in agreement.windows if not provision.window_ids or window.window_id in provision.window_ids
    ]


def _likeliest_window(span: TimeSpan, windows: Sequence[TruceWindow]) -> tuple[TruceWindow | None, float]:
    """Give the window a span most probably fell into, and the probability that it fell into any.

    Time that several windows cover counts once.
    """
    inside = [(overlap_probability(span, window.span), window) for window in windows]
    touched = [(probability, window) for probability, window in inside if probability > 0.0]
    if not touched:
        return None, 0.0
    _, likeliest = max(touched, key=lambda entry: (entry[0], entry[1].window_id))
    covered = union_of_spans([window.span for _, window in touched])
    return likeliest, min(1.0, sum(overlap_probability(span, stretch) for stretch in covered))


def _finding(
    event: Event, agreement: Agreement, provision: Provision, *, window: TruceWindow | None, inside_probability: float
) -> Finding:
    """Give the finding for one clause; what it says first about the event decides."""
    named = {
        "finding_id": content_id(
            "finding",
            canonical_bytes(event),
            agreement.agreement_id.encode(),
            agreement.version.encode(),
            provision.provision_id.encode(),
        ),
        "event_id": event.event_id,
        "agreement_id": agreement.agreement_id,
        "agreement_version": agreement.version,
        "provision_id": provision.provision_id,
    }
    revision_index, window_id = event.revision_index, window.window_id if window else None
    compliant_reason = _compliant_reason(event, provision, window)
    if compliant_reason is not None:
        return Compliant(**named, event_revision_index=revision_index, window_id=window_id, reason=compliant_reason)
    lacking = _lacking(event)
    if lacking:
        return Indeterminate(**named, event_revision_index=revision_index, window_id=window_id, lacking=lacking)
    return PotentialViolation(
        **named,
        event_revision_index=revision_index,
        window_id=window_id,
        probability=inside_probability * _type_probability(event),
    )


def _compliant_reason(event: Event, provision: Provision, window: TruceWindow | None) -> str | None:
    """Say why a clause does not touch an event, or `None` where it does."""
    if event.evaluation_status == "rejected":
        return REASON_WITHDRAWN
    if window is None:
        return REASON_NO_WINDOW
    if provision.prohibits == "attack_on_energy_object" and not event.energy_object:
        return REASON_NOT_ENERGY
    return None


def _lacking(event: Event) -> tuple[str, ...]:
    """Name what keeps an event from being assessed: a hot pixel alone may be any fire."""
    match event.event_type:
        case "fire":
            return (LACKING_CAUSE,)
        case "not reported":
            return (LACKING_OCCURRENCE,)
        case _:
            return ()


def _type_probability(event: Event) -> float:
    """Give the probability that the event was of the type it is given as."""
    return CERTAINTY_KNOWN_PROBABILITY if event.event_type_certainty == "known" else CERTAINTY_SUSPECTED_PROBABILITY
