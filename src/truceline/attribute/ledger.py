"""The arithmetic of attribution, symmetric between the parties: ground held, what happened there, who answers."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from truceline.attribute.settings import AttributionSettings
from truceline.model.attribution import Attribution, EvidenceLine, PartyProbability
from truceline.model.event import Event
from truceline.model.quantity import canonical_bytes, content_id

UNATTRIBUTED = "unattributed"

REASON_WITHDRAWN = "event withdrawn: part of another event"
REASON_THERMAL_ONLY = "fire of unknown cause"
REASON_NOT_TOLD = "outgoing or impact not determined"
REASON_IMPRECISE = "place too imprecise"
REASON_NO_LINE = "no contact line for that day"
REASON_STALE_LINE = "contact line too old"
REASON_NEAR_LINE = "too near the contact line"
REASON_BELOW_THRESHOLD = "below threshold"
REASON_INDICATED = "ground held by the other party"
REASON_INDICATED_OUTGOING = "ground held by the party"

ODDS_LIMIT_RATIO = 1_000.0
"""No single line of the ledger weighs more than this either way."""

Conduct = Literal["impact", "outgoing"]


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Where an event lies against the line of its day: who holds that ground, and with what probability."""

    holder: str
    holds_probability: float
    distance_m: float
    line_date: date
    age_days: int


def conduct_of(event: Event) -> Conduct | None:
    """Say whether something landed there or was fired from there; `None` where nobody could tell.

    A report of an attack speaks of an impact. An airburst is above ground, and an undetermined explosion may be either.
    """
    if event.observed_as == "outgoing":
        return "outgoing"
    reported = any(link.observation_kind == "media_report" for link in event.associations)
    if event.observed_as == "impact" or (reported and event.observed_as in {"not reported", "undetermined"}):
        return "impact"
    return None


def _wrong_probability(event: Event, settings: AttributionSettings) -> float:
    """Give how often what the event rests on is wrong: a patrol's word, else a report's."""
    if event.observed_as in {"impact", "outgoing"}:
        return settings.patrol_wrong_probability
    return settings.report_wrong_probability


def holder_fired_probability(
    holds_probability: float, conduct: Conduct, *, wrong_probability: float, own_side_probability: float
) -> float:
    """Give the probability that the party taken as holder fired, given that one of the parties did.

    Impact: the holder fired with the own-side probability, the other with the rest. Outgoing: the holder fired. With
    the probability of being wrong the observation says nothing, and both are equally likely.
    """
    holds = holds_probability
    impact = holds * own_side_probability + (1.0 - holds) * (1.0 - own_side_probability)
    told = holds if conduct == "outgoing" else impact
    return (1.0 - wrong_probability) * told + wrong_probability / 2.0


def _odds_ratio(probability: float) -> float:
    """Give odds, held within the limit."""
    if probability <= 0.0:
        return 1.0 / ODDS_LIMIT_RATIO
    if probability >= 1.0:
        return ODDS_LIMIT_RATIO
    return min(ODDS_LIMIT_RATIO, max(1.0 / ODDS_LIMIT_RATIO, probability / (1.0 - probability)))


def _abstention(event: Event, ground: Ground | None, settings: AttributionSettings) -> str | None:
    """Give why no party can be indicated whatever the arithmetic says, or `None`."""
    limits = (
        (event.evaluation_status == "rejected", REASON_WITHDRAWN),
        (event.event_type == "fire", REASON_THERMAL_ONLY),
        (conduct_of(event) is None, REASON_NOT_TOLD),
        (event.place_is_region or event.origin_position.sigma_m > settings.position_limit_sigma_m, REASON_IMPRECISE),
        (ground is None, REASON_NO_LINE),
        (ground is not None and ground.age_days > settings.line_age_max_days, REASON_STALE_LINE),
    )
    reason = next((reason for holds, reason in limits if holds), None)
    if reason is not None or ground is None:
        return reason
    return REASON_NEAR_LINE if ground.holds_probability < settings.side_decisive_probability else None


def _prior_lines(event: Event, settings: AttributionSettings) -> list[EvidenceLine]:
    """Give the lines that stand in every ledger: priors, and what is fixed at one by policy."""
    if event.event_type == "fire":
        neither = f"no party caused a bare hot pixel: {settings.fire_neither_probability:.3f}"
        basis: Literal["seen", "guess"] = "seen"
    else:
        neither, basis = f"no party caused it: {settings.neither_probability:.2f}", "guess"
    return [
        EvidenceLine(name="prior, parties", statement="both parties alike", likelihood_ratio=1.0, basis="guess"),
        EvidenceLine(name="prior, neither", statement=neither, likelihood_ratio=1.0, basis=basis),
        EvidenceLine(
            name="party named in reports",
            statement="not used, by policy: naming the other says little",
            likelihood_ratio=1.0,
            basis="guess",
        ),
    ]


def _ground_lines(
    event: Event, ground: Ground, conduct: Conduct, parties: tuple[str, str], settings: AttributionSettings
) -> list[EvidenceLine]:
    """Give what the ground and the conduct say; each ratio is for the party it names against the other."""
    holder, other = ground.holder, parties[1] if ground.holder == parties[0] else parties[0]
    fired_by_holder = holder_fired_probability(
        1.0,
        conduct,
        wrong_probability=_wrong_probability(event, settings),
        own_side_probability=settings.own_side_probability,
    )
    suspected, fired = (holder, fired_by_holder) if conduct == "outgoing" else (other, 1.0 - fired_by_holder)
    from_patrol = event.observed_as in {"impact", "outgoing"}
    return [
        EvidenceLine(
            name="ground held that day",
            statement=(
                f"held by {holder} with probability {ground.holds_probability:.3f}, {ground.distance_m:.0f} m from"
                f" the line of {ground.line_date.isoformat()}; ratio: {holder} holds it against {other}"
            ),
            likelihood_ratio=_odds_ratio(ground.holds_probability),
            basis="seen",
        ),
        EvidenceLine(
            name=f"{conduct} on that ground",
            statement=f"{'patrol' if from_patrol else 'report'} of {conduct}; ratio: {suspected} fired against the"
            " other, if the ground is held so",
            likelihood_ratio=_odds_ratio(fired),
            basis="guess" if from_patrol else "seen",
        ),
    ]


def attribute_event(
    event: Event, ground: Ground | None, *, parties: tuple[str, str], settings: AttributionSettings
) -> Attribution:
    """Give the probabilities over both parties and `unattributed`, with the ledger and the tier or the reason."""
    conduct = conduct_of(event)
    reason = _abstention(event, ground, settings)
    ledger = _prior_lines(event, settings)
    fired_by = dict.fromkeys(parties, 0.5)
    if ground is not None and conduct is not None and reason in {None, REASON_NEAR_LINE, REASON_STALE_LINE}:
        fired_by = _fired_by(event, ground, conduct, parties, settings)
        ledger += _ground_lines(event, ground, conduct, parties, settings)
    neither = settings.fire_neither_probability if event.event_type == "fire" else settings.neither_probability
    probabilities = {party: fired_by[party] * (1.0 - neither) for party in parties}
    likeliest = max(parties, key=lambda party: probabilities[party])
    indicated = None
    if reason is None and probabilities[likeliest] < settings.indicated_probability:
        reason = REASON_BELOW_THRESHOLD
    elif reason is None:
        indicated = likeliest
        reason = REASON_INDICATED_OUTGOING if conduct == "outgoing" else REASON_INDICATED
    unnamed = Attribution(
        attribution_id="",
        event_id=event.event_id,
        event_revision_index=event.revision_index,
        probabilities=(
            *(PartyProbability(party=party, probability=probabilities[party]) for party in parties),
            PartyProbability(party=UNATTRIBUTED, probability=neither),
        ),
        tier="undetermined" if indicated is None else "indicated",
        indicated_party=indicated,
        reason=reason,
        ledger=tuple(ledger),
    )
    return msgspec.structs.replace(unnamed, attribution_id=content_id("attribution", canonical_bytes(unnamed)))


def _fired_by(
    event: Event, ground: Ground, conduct: Conduct, parties: tuple[str, str], settings: AttributionSettings
) -> dict[str, float]:
    """Give each party's probability of having fired, given that one of them did."""
    by_holder = holder_fired_probability(
        ground.holds_probability,
        conduct,
        wrong_probability=_wrong_probability(event, settings),
        own_side_probability=settings.own_side_probability,
    )
    return {party: by_holder if party == ground.holder else 1.0 - by_holder for party in parties}
