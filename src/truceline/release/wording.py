"""One plain sentence for each finding, safe to print: kind, clause and likelihood, never a place or a person."""

from __future__ import annotations

from typing import assert_never

from truceline.model.finding import Compliant, Exempt, Finding, Indeterminate, PotentialViolation
from truceline.model.likelihood import likelihood_phrase
from truceline.model.released import FindingKind, ReleasedFinding


def headline(finding: Finding) -> str:
    """Say a finding in one sentence; 'potential', because whether it is one is for people to determine."""
    match finding:
        case Compliant(reason=reason):
            return f"In keeping with the agreement: {reason}." if reason else "In keeping with the agreement."
        case Exempt(provision_id=provision, notification_id=None, exemption_id=exemption):
            return f"Covered by {exemption or 'an exemption'} under {provision or 'no named clause'}."
        case Exempt(provision_id=provision, notification_id=notification):
            return f"Covered by notification {notification} under {provision or 'no named clause'}."
        case PotentialViolation(provision_id=provision, probability=probability):
            phrase = likelihood_phrase(probability)
            return f"Potential violation of {provision or 'no named clause'} ({phrase}, {percent(probability)})."
        case Indeterminate(lacking=lacking):
            return f"Cannot be assessed: lacking {', '.join(lacking)}." if lacking else "Cannot be assessed."
        case _:
            assert_never(finding)


def percent(probability: float) -> str:
    """Write a probability as a percentage that never rounds to certainty."""
    if 0.0 < probability < 0.01:
        return "below 1 %"
    if 0.99 < probability < 1.0:
        return "above 99 %"
    return f"{100.0 * probability:.0f} %"


def released_finding(finding: Finding) -> ReleasedFinding:
    """Give what may be said of a finding."""
    kind: FindingKind
    probability: float | None = None
    match finding:
        case PotentialViolation():
            kind, probability = "potential_violation", finding.probability
        case Indeterminate():
            kind = "indeterminate"
        case Exempt():
            kind = "exempt"
        case Compliant():
            kind = "compliant"
        case _:
            assert_never(finding)
    return ReleasedFinding(
        kind=kind,
        provision_id=finding.provision_id,
        window_id=finding.window_id,
        probability=probability,
        headline=headline(finding),
    )
