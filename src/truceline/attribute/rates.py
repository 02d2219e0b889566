"""What labelled cases teach of the catalogue's own numbers: how often items are wrong, how far fire comes from.

No number of the catalogue knows one party from the other, so whatever is learned is the same for both: a case and its
mirror image have the same loss. The catalogue stays as it is read; learned numbers are a record beside it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from truceline.attribute.decide import Decisions, log_odds_of
from truceline.attribute.layout import Floats, Integers
from truceline.model.evidence import CatalogueNumber, EvidenceCatalogue, RangeBand

STEP_RATIO = 1.5
"""By so much the odds of a probability, or a ratio, are tried larger and smaller."""

STEPS_MOST_COUNT = 3
LOSS_LEAST_RATIO = 2.0
"""So much less the loss of all cases together must be; one number more explains 1 by chance (Akaike 1974)."""

CONTAMINATION, BAND, PLACE, DEPENDENCE = "contamination", "band", "place", "dependence"
TOGETHER = "statements_together"


class LearnedNumber(msgspec.Struct, frozen=True, kw_only=True):
    """One number of the catalogue: where it stands (`kind` and `name`), what was read and what was learned."""

    kind: str
    name: str
    read_ratio: float
    learned_ratio: float


class LearnedRates(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers that labelled cases moved, and from how many; all others are held as the catalogue has them."""

    numbers: tuple[LearnedNumber, ...]
    case_count: int

    def apply(self, catalogue: EvidenceCatalogue) -> EvidenceCatalogue:
        """Give the catalogue with the learned numbers, marked as measured; of range bands all move or none does.

        Raises `ValueError` where a number is not in the catalogue, or is none that may stand there.
        """
        known = _places(catalogue, tuple(kind.item_type for kind in catalogue.items))
        for entry in self.numbers:
            if (entry.kind, entry.name) not in known:
                raise ValueError(f"{entry.kind} {entry.name} is not in catalogue version {catalogue.version}")
        bands = {entry.name: entry.learned_ratio for entry in self.numbers if entry.kind == BAND}
        made = msgspec.structs.replace(
            catalogue,
            bands=tuple(
                msgspec.structs.replace(band, probability=bands.get(band.name, band.probability))
                for band in catalogue.bands
            ),
        )
        for entry in self.numbers:
            if entry.kind != BAND:
                made = _changed(made, (entry.kind, entry.name), entry.learned_ratio, source=self._source)
        return made

    @property
    def _source(self) -> str:
        return f"learned from {self.case_count} labelled cases, mirrored"

    @property
    def title(self) -> str:
        """What a record says of how the numbers of its ledger came about."""
        moved = ", ".join(f"{entry.kind} {entry.name} {entry.learned_ratio:.3g}" for entry in self.numbers)
        return f"rates: {moved or 'none moved'}; {self._source}"


def loss_nats(decisions: Decisions, responsible: Integers) -> float:
    """Give half the log loss of which party did it, by all evidence, and half by what stays without each part.

    Cases of neither party (`responsible` below 0) say nothing here. What stays without a part is what the gates of the
    tiers read, so it must hold as well; each case's parts count together as one.
    """
    known = responsible >= 0
    toward = np.where(responsible == 0, 1.0, -1.0)
    whole = _losses(decisions.log_odds_ratio, toward)
    counts = np.diff(decisions.group_starts)
    owners = np.repeat(np.arange(len(decisions)), counts)
    left = log_odds_of(decisions.group_log_likelihoods, decisions.log_priors[owners])
    without = np.bincount(owners, weights=_losses(left, toward[owners]), minlength=len(decisions))
    mean = np.where(counts > 0, without / np.maximum(counts, 1), whole)
    return float(np.sum(0.5 * (whole + mean)[known]))


def _losses(log_odds_ratio: Floats, toward: Floats) -> Floats:
    return np.asarray(np.logaddexp(0.0, -toward * log_odds_ratio))


def learn_rates(
    catalogue: EvidenceCatalogue,
    loss: Callable[[EvidenceCatalogue], float],
    *,
    item_types: tuple[str, ...],
    case_count: int,
) -> LearnedRates:
    """Move the catalogue's numbers one after another to where labelled cases are less surprising.

    `loss`: log loss of all cases together by a catalogue (`loss_nats`), in nats. `item_types`: the kinds of items the
    cases have; of others nothing can be learned. Each number is tried in steps either way while the loss falls, and
    moves only where all its steps together take at least `LOSS_LEAST_RATIO` off it.
    """
    made, best = catalogue, loss(catalogue)
    for place in _places(catalogue, item_types):
        for direction in (1.0, -1.0):
            moved, best = _walk(made, loss, place, direction=direction, best=best)
            if moved is not made:
                made = moved
                break
    numbers = tuple(
        LearnedNumber(kind=kind, name=name, read_ratio=before, learned_ratio=after)
        for kind, name in _places(catalogue, item_types)
        if (before := _read(catalogue, kind, name)) != (after := _read(made, kind, name))
    )
    return LearnedRates(numbers=numbers, case_count=case_count)


def _walk(
    catalogue: EvidenceCatalogue,
    loss: Callable[[EvidenceCatalogue], float],
    place: tuple[str, str],
    *,
    direction: float,
    best: float,
) -> tuple[EvidenceCatalogue, float]:
    """Step one number on while the loss falls; it stays where it was unless the loss falls by enough in all."""
    made, least = catalogue, best
    for _ in range(STEPS_MOST_COUNT):
        tried = _changed(made, place, _stepped(place[1], _read(made, *place), STEP_RATIO**direction), source="tried")
        found = loss(tried)
        if found >= least:
            break
        made, least = tried, found
    return (made, least) if least <= best - LOSS_LEAST_RATIO else (catalogue, best)


def _stepped(name: str, number: float, ratio: float) -> float:
    """Give a probability with its odds times `ratio`; what itself is a ratio times it, but not below 1."""
    if name == TOGETHER:
        return max(1.0, number * ratio)
    odds = ratio * number / max(1.0 - number, 1e-9)
    return odds / (1.0 + odds)


def _places(catalogue: EvidenceCatalogue, item_types: tuple[str, ...]) -> list[tuple[str, str]]:
    """List the numbers that may move, in the catalogue's order."""
    rows = [(BAND, band.name) for band in catalogue.bands]
    rows += [(PLACE, name) for name in ("patrol_wrong", "report_wrong", "sensor_wrong", "wrong_together")]
    rows += [(DEPENDENCE, "within_cluster"), (DEPENDENCE, TOGETHER)]
    return rows + [(CONTAMINATION, kind.item_type) for kind in catalogue.items if kind.item_type in item_types]


def _read(catalogue: EvidenceCatalogue, kind: str, name: str) -> float:
    if kind == BAND:
        return next(band.probability for band in catalogue.bands if band.name == name)
    if kind == CONTAMINATION:
        return catalogue.item_type(name).contamination.number
    number: CatalogueNumber = getattr(catalogue.place if kind == PLACE else catalogue.dependence, name)
    return number.number


def _changed(catalogue: EvidenceCatalogue, place: tuple[str, str], number: float, *, source: str) -> EvidenceCatalogue:
    """Give the catalogue with one number changed; the other range bands share what one of them leaves."""
    kind, name = place
    made = CatalogueNumber(number=number, basis="measured", source=source)
    if kind == CONTAMINATION:
        items = (
            msgspec.structs.replace(entry, contamination=made) if entry.item_type == name else entry
            for entry in catalogue.items
        )
        return msgspec.structs.replace(catalogue, items=tuple(items))
    if kind == BAND:
        return msgspec.structs.replace(catalogue, bands=_reweighed(catalogue.bands, name, number))
    part = PLACE if kind == PLACE else DEPENDENCE
    changed = msgspec.structs.replace(getattr(catalogue, part), **{name: made})
    return msgspec.structs.replace(catalogue, **{part: changed})


def _reweighed(bands: tuple[RangeBand, ...], name: str, number: float) -> tuple[RangeBand, ...]:
    rest = sum(band.probability for band in bands if band.name != name)
    return tuple(
        msgspec.structs.replace(
            band, probability=number if band.name == name else band.probability * (1.0 - number) / rest
        )
        for band in bands
    )
