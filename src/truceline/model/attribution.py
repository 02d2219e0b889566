"""With what probability an event was which party's conduct, on which evidence; `undetermined` is a full answer."""

from __future__ import annotations

from typing import Literal

import msgspec

from truceline.model.quantity import require_between

ATTRIBUTION_SCHEMA_NAME = "truceline.attribution/2"

UNATTRIBUTED = "unattributed"
"""What stands beside the parties: somebody else, old ordnance, nature, or nothing happened."""

Tier = Literal["undetermined", "indicated", "assessed", "assessed_high"]

Confidence = Literal["low", "moderate", "high"]
"""Analytic confidence: how good the grounds are; never in one sentence with a probability (ICD 203)."""

RowBasis = Literal["measured", "seen", "guess", "policy"]


class PartyProbability(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One party (or `unattributed`) with its probability."""

    party: str
    probability: float

    def __post_init__(self) -> None:
        """Check that the probability is one."""
        require_between("probability", self.probability, 0.0, 1.0)


class HypothesisProbability(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One of the five accounts: a party across the line, a party on its own ground, or neither."""

    hypothesis: Literal["across_line", "own_ground", "neither"]
    party: str | None
    probability: float

    def __post_init__(self) -> None:
        """Check that the probability is one."""
        require_between("probability", self.probability, 0.0, 1.0)


class LedgerItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One item of a ledger's row: what it is, who stands behind it, and the bytes it came from."""

    item_id: str
    item_type: str
    operator: str
    modality: str
    statement: str
    observation_ids: tuple[str, ...]
    file_sha256s: tuple[str, ...]


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of the ledger: a cluster of evidence and what it moves.

    Ratios are natural logarithms of the odds of the first party of `probabilities` against the second: `alone` as if
    nothing else were known, `context` its Shapley share, so that the rows add up to the whole. `weight_ratio` is what
    each of its items weighs for hanging together (Kish). `basis` and `source` say where its numbers come from.
    """

    name: str
    cluster_id: str
    statement: str
    items: tuple[LedgerItem, ...]
    alone_log_ratio: float
    context_log_ratio: float
    contamination_probability: float
    weight_ratio: float
    cap_reached: bool
    direct: bool
    basis: RowBasis
    source: str


class Alternative(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Another account that was weighed: its probability, and in words what it would mean."""

    hypothesis: Literal["across_line", "own_ground", "neither"]
    party: str | None
    probability: float
    statement: str


class SensitivityLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What would be said if own-ground events were rarer or more frequent than was held."""

    own_side_probability: float
    probabilities: tuple[PartyProbability, ...]


class Attribution(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Probabilities over both parties and `unattributed`, summing to 1; tier and reason; the ledger they rest on.

    `log_odds_ratio` is what the ledger's rows add up to; `calibration` names the map from it to the probabilities.
    `party_set` are the parties that cannot be left out at the stated error; both or none open means undetermined.
    """

    attribution_id: str
    event_id: str
    event_revision_index: int
    probabilities: tuple[PartyProbability, ...]
    tier: Tier
    indicated_party: str | None
    reason: str
    ledger: tuple[LedgerRow, ...]
    hypotheses: tuple[HypothesisProbability, ...] = ()
    confidence: Confidence = "low"
    confidence_reason: str = ""
    log_odds_ratio: float = 0.0
    alternatives: tuple[Alternative, ...] = ()
    would_change: tuple[str, ...] = ()
    sensitivity: tuple[SensitivityLine, ...] = ()
    party_set: tuple[str, ...] = ()
    catalogue_version: str = ""
    catalogue_sha256: str = ""
    calibration: str = "none"
    schema_name: str = ATTRIBUTION_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check that probabilities sum to 1, that only an answer names a party, and that rows add up to the whole."""
        for name, entries in (("probabilities", self.probabilities), ("hypotheses", self.hypotheses)):
            total_probability = sum(entry.probability for entry in entries)
            if (entries or name == "probabilities") and abs(total_probability - 1.0) > 1e-9:
                raise ValueError(f"{name} sum to {total_probability}, not 1")
        if (self.tier == "undetermined") != (self.indicated_party is None):
            raise ValueError(f"tier={self.tier} does not go with indicated_party={self.indicated_party}")
        total_log_ratio = sum(row.context_log_ratio for row in self.ledger)
        if abs(total_log_ratio - self.log_odds_ratio) > 1e-8:
            raise ValueError(f"ledger adds up to {total_log_ratio}, not to log_odds_ratio={self.log_odds_ratio}")

    def probability_of(self, party: str) -> float:
        """Give a party's probability; 0 for a name that does not stand here."""
        return next((entry.probability for entry in self.probabilities if entry.party == party), 0.0)
