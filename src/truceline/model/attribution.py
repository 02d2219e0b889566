"""With what probability an event was which party's conduct; `undetermined` is a full answer."""

from __future__ import annotations

from typing import Literal

import msgspec

from truceline.model.quantity import require_between

ATTRIBUTION_SCHEMA_NAME = "truceline.attribution/1"


class PartyProbability(msgspec.Struct, frozen=True, kw_only=True):
    """One party (or `unattributed`) with its probability."""

    party: str
    probability: float

    def __post_init__(self) -> None:
        """Check that the probability is one."""
        require_between("probability", self.probability, 0.0, 1.0)


class EvidenceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ledger: what was used, what it says, and where the number comes from."""

    name: str
    statement: str
    likelihood_ratio: float
    basis: Literal["measured", "seen", "guess"]


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """Probabilities over both parties and `unattributed`, summing to 1; the tier, and the reason where undetermined."""

    attribution_id: str
    event_id: str
    event_revision_index: int
    probabilities: tuple[PartyProbability, ...]
    tier: Literal["undetermined", "indicated"]
    indicated_party: str | None
    reason: str
    ledger: tuple[EvidenceLine, ...]
    schema_name: str = ATTRIBUTION_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check that the probabilities sum to 1 and that only an indicated tier names a party."""
        total_probability = sum(entry.probability for entry in self.probabilities)
        if abs(total_probability - 1.0) > 1e-9:
            raise ValueError(f"probabilities sum to {total_probability}, not 1")
        if (self.tier == "indicated") != (self.indicated_party is not None):
            raise ValueError(f"tier={self.tier} does not go with indicated_party={self.indicated_party}")

    def probability_of(self, party: str) -> float:
        """Give a party's probability; 0 for a name that does not stand here."""
        return next((entry.probability for entry in self.probabilities if entry.party == party), 0.0)
