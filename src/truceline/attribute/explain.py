"""One decided case -> the record a person reads: rows that add up, alternatives, what would change the answer."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

import msgspec

from truceline.attribute.case import Case, Cluster
from truceline.attribute.decide import Decisions
from truceline.attribute.settings import AttributionSettings
from truceline.attribute.tiers import TIERS, Tiers
from truceline.model.attribution import (
    UNATTRIBUTED,
    Alternative,
    Attribution,
    HypothesisProbability,
    LedgerItem,
    LedgerRow,
    PartyProbability,
    RowBasis,
    SensitivityLine,
)
from truceline.model.evidence import CatalogueNumber, EvidenceCatalogue, EvidenceItem, ItemType, PlaceTeller
from truceline.model.quantity import canonical_bytes, content_id

_BASES: tuple[RowBasis, ...] = ("guess", "seen", "measured")
"""From the weakest: a row is no better founded than its weakest number."""

Hypothesis = Literal["across_line", "own_ground", "neither"]


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Which event revision an answer is about, and why nothing may be indicated whatever the arithmetic says."""

    event_id: str
    event_revision_index: int
    abstention: str | None = None
    place_only_reason: str = ""


def attribution_of(
    subject: Subject,
    case: Case,
    index: int,
    *,
    answers: tuple[Decisions, Tiers],
    said_by: tuple[tuple[str, str], AttributionSettings],
) -> Attribution:
    """Make the record of the case at `index` of a batch; `said_by` are the parties and the settings.

    An abstention of the subject leaves probabilities and ledger as they are and names no party.
    """
    decisions, tiers = answers
    parties, settings = said_by
    accounts = _accounts(decisions, index, parties)
    tier = 0 if subject.abstention is not None else int(tiers.tier[index])
    party = parties[int(tiers.party[index])] if tier else None
    confidence, confidence_reason = tiers.confidence(index)
    rows = _rows(case, decisions, index, settings.catalogue)
    unnamed = Attribution(
        attribution_id="",
        event_id=subject.event_id,
        event_revision_index=subject.event_revision_index,
        probabilities=_party_probabilities(tiers.probabilities[index].tolist(), parties),
        tier=TIERS[tier],
        indicated_party=party,
        reason=_reason(subject, tiers, index, has_direct=any(row.direct for row in rows)),
        ledger=(
            *_held_before(case, settings.catalogue),
            *rows,
            *_policy_rows(settings.catalogue.fixed_at_one),
        ),
        hypotheses=accounts,
        confidence=confidence,
        confidence_reason=confidence_reason,
        log_odds_ratio=float(decisions.log_odds_ratio[index]),
        alternatives=_alternatives(accounts),
        would_change=_would_change(decisions, tiers, index, parties=parties, settings=settings),
        sensitivity=tuple(
            SensitivityLine(own_side_probability=point, probabilities=_party_probabilities(row, parties))
            for point, row in zip(tiers.own_side_probability, tiers.sensitivity[index].tolist(), strict=True)
        ),
        party_set=tuple(name for name, stays in zip(parties, tiers.set_flags[index].tolist(), strict=True) if stays),
        catalogue_version=settings.catalogue.version,
        catalogue_sha256=settings.catalogue.file_sha256,
        calibration=settings.calibration_title,
    )
    return msgspec.structs.replace(unnamed, attribution_id=content_id("attribution", canonical_bytes(unnamed)))


def _reason(subject: Subject, tiers: Tiers, index: int, *, has_direct: bool) -> str:
    """Give why: the abstention; where only the place speaks what it says; else the gate that decided."""
    if subject.abstention is not None:
        return subject.abstention
    if int(tiers.tier[index]) == 1 and not has_direct and subject.place_only_reason:
        return subject.place_only_reason
    return tiers.reasons[index]


def _party_probabilities(row: list[float], parties: tuple[str, str]) -> tuple[PartyProbability, ...]:
    names = (*parties, UNATTRIBUTED)
    return tuple(PartyProbability(party=name, probability=entry) for name, entry in zip(names, row, strict=True))


_ACCOUNT_KINDS: tuple[Hypothesis, ...] = ("across_line", "across_line", "own_ground", "own_ground", "neither")


def _accounts(decisions: Decisions, index: int, parties: tuple[str, str]) -> tuple[HypothesisProbability, ...]:
    """Give the five accounts as `posterior` does, for one case; sums pair the parties, so that exchange mirrors."""
    joint = (decisions.log_likelihoods[index] + decisions.log_priors[index]).tolist()
    top = max(joint)
    first, second, own_first, own_second, neither = (math.exp(entry - top) for entry in joint)
    total = ((first + second) + (own_first + own_second)) + neither
    return tuple(
        HypothesisProbability(hypothesis=kind, party=name, probability=entry / total)
        for kind, name, entry in zip(
            _ACCOUNT_KINDS, (*parties, *parties, None), (first, second, own_first, own_second, neither), strict=True
        )
    )


def _rows(case: Case, decisions: Decisions, index: int, catalogue: EvidenceCatalogue) -> tuple[LedgerRow, ...]:
    start = int(decisions.cluster_starts[index])
    return tuple(
        _row(cluster, case, decisions, place, catalogue)
        for place, cluster in enumerate(decisions.sorted[index].clusters, start)
    )


def _row(cluster: Cluster, case: Case, decisions: Decisions, place: int, catalogue: EvidenceCatalogue) -> LedgerRow:
    """Give one cluster's row: with the hash of every byte it rests on and where its weakest number comes from."""
    items = [_ledger_item(item, kind.title) for item, kind in cluster.items]
    numbers = [number for _, kind in cluster.items for number in _numbers_of(kind)]
    titles = list(dict.fromkeys(kind.title for _, kind in cluster.items))
    if cluster.teller is not None:
        items.insert(0, _place_item(case, cluster.teller))
        titles.insert(0, "Ground held at the place")
        numbers.insert(0, _place_number(cluster.teller, catalogue))
    weakest = min(numbers, key=_strength_of)
    merged = " (share of the weakest clusters, which are taken together)" if decisions.merged[place] else ""
    return LedgerRow(
        name="; ".join(titles),
        cluster_id=cluster.cluster_id,
        statement="; ".join(item.statement for item in items) + merged,
        items=tuple(items),
        alone_log_ratio=float(decisions.alone[place]),
        context_log_ratio=float(decisions.shares[place]),
        contamination_probability=cluster.contamination_probability,
        weight_ratio=cluster.weight_ratio,
        cap_reached=bool(decisions.capped[place]),
        direct=cluster.direct,
        basis=weakest.basis,
        source=weakest.source,
    )


def _numbers_of(kind: ItemType) -> list[CatalogueNumber]:
    return [number for number in (kind.contamination, kind.if_self, kind.if_other) if number is not None]


def _strength_of(number: CatalogueNumber) -> int:
    return _BASES.index(number.basis)


def _place_number(teller: PlaceTeller, catalogue: EvidenceCatalogue) -> CatalogueNumber:
    """Give the catalogue's number for how often such a place is wrong; one of the teller's own where it fits none."""
    place = catalogue.place
    known = (place.patrol_wrong, place.report_wrong, place.sensor_wrong)
    own = CatalogueNumber(number=teller.contamination_probability, basis=teller.basis, source="set for this case")
    return next((entry for entry in known if entry.number == own.number and entry.basis == own.basis), own)


def _ledger_item(item: EvidenceItem, title: str) -> LedgerItem:
    return LedgerItem(
        item_id=item.item_id,
        item_type=item.item_type,
        operator=item.operator,
        modality=item.modality,
        statement=item.statement or title,
        observation_ids=item.observation_ids,
        file_sha256s=item.file_sha256s,
    )


def _place_item(case: Case, teller: PlaceTeller) -> LedgerItem:
    return LedgerItem(
        item_id=case.case_id,
        item_type="place",
        operator=teller.operator,
        modality=teller.modality,
        statement=teller.statement or "ground held at the place that day",
        observation_ids=teller.observation_ids,
        file_sha256s=teller.file_sha256s,
    )


def _fixed_row(name: str, statement: str, basis: RowBasis, source: str) -> LedgerRow:
    return LedgerRow(
        name=name,
        cluster_id=basis,
        statement=statement,
        items=(),
        alone_log_ratio=0.0,
        context_log_ratio=0.0,
        contamination_probability=0.0,
        weight_ratio=1.0,
        cap_reached=False,
        direct=False,
        basis=basis,
        source=source,
    )


def _held_before(case: Case, catalogue: EvidenceCatalogue) -> tuple[LedgerRow, ...]:
    """Give the rows of what is held before any evidence; where fire went out, nothing went off where it stood."""
    priors = catalogue.priors
    return _prior_rows(priors.own_side, _neither_of(catalogue, case), priors.still if case.anchor == "impact" else None)


@lru_cache(maxsize=64)
def _prior_rows(own: CatalogueNumber, neither: CatalogueNumber, still: CatalogueNumber | None) -> tuple[LedgerRow, ...]:
    """Give what is held before any evidence, each number by its own row: it moves neither party against the other."""
    told = [
        ("prior, parties", f"both parties alike; on its own ground {own.number:.3f}", own),
        ("prior, neither", f"no party caused it: {neither.number:.3f}", neither),
    ]
    if still is not None:
        words = f"of what nobody fired across the line, {still.number:.2f} went off where it stood"
        told.append(("prior, where it stood", words, still))
    return tuple(_fixed_row(name, words, number.basis, number.source) for name, words, number in told)


def _neither_of(catalogue: EvidenceCatalogue, case: Case) -> CatalogueNumber:
    """Give how often events of that kind are nobody's."""
    priors = catalogue.priors
    return priors.neither_fire if case.neither_probability == priors.neither_fire.number else priors.neither


@lru_cache(maxsize=64)
def _policy_rows(names: tuple[str, ...]) -> tuple[LedgerRow, ...]:
    """Give what is known and fixed at ratio 1, in the open."""
    return tuple(_fixed_row(name, "fixed at ratio 1", "policy", "policy") for name in names)


def _alternatives(accounts: tuple[HypothesisProbability, ...]) -> tuple[Alternative, ...]:
    """List every account but the likeliest, the likelier first; equal ones in their fixed order."""
    ordered = sorted(accounts, key=lambda account: -account.probability)
    return tuple(
        Alternative(
            hypothesis=account.hypothesis,
            party=account.party,
            probability=account.probability,
            statement=_account_words(account),
        )
        for account in ordered[1:]
    )


def _account_words(account: HypothesisProbability) -> str:
    if account.hypothesis == "across_line":
        return f"{account.party} fired across the line"
    if account.hypothesis == "own_ground":
        return f"{account.party} caused it on its own ground: misfire, accident or staged"
    return "neither party: somebody else, old ordnance, nature, or no such event"


_WITHOUT_WORDS = {
    "cluster": "without the source",
    "operator": "without all that is run by",
    "modality": "without all of the kind",
}


def _would_change(
    decisions: Decisions, tiers: Tiers, index: int, *, parties: tuple[str, str], settings: AttributionSettings
) -> tuple[str, ...]:
    """Say what would change the answer: each source without which it would not hold, and what is lacking for more."""
    leader = int(tiers.leader[index])
    if leader < 0:
        return ("any located origin, or a known place on ground that one party holds",)
    gates = settings.catalogue.gates
    needed = gates.robust.number if int(tiers.tier[index]) >= 2 else gates.indicated.number
    start = int(decisions.group_starts[index])
    lines = []
    seen: set[int] = set()
    for kind, name, mask in decisions.sorted[index].groups:
        remaining = float(tiers.without[start + mask])
        if remaining < needed and mask not in seen:
            seen.add(mask)
            lines.append(f"{_WITHOUT_WORDS[kind]} {name}: {parties[leader]} {remaining:.2f}")
    if int(tiers.direct_count[index]) == 0:
        lines.append("an origin located by a sensor, a camera or a crater on either party's ground")
    elif int(tiers.direct_count[index]) == 1:
        lines.append("a second located origin by another operator")
    return tuple(lines)
