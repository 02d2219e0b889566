"""Numbers of the catalogue move only where labelled cases ask for it, the same for both parties, and say so."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from laws.attribution_cases import (
    CATALOGUE,
    CRATER,
    EVERY,
    FIELD,
    MEDIA,
    PARTIES,
    RADAR,
    SETTINGS,
    SOUND,
    case,
    decided,
    exchanged_item,
)
from truceline.attribute.calibration import SlopeCalibration
from truceline.attribute.decide import decide_cases
from truceline.attribute.rates import (
    LOSS_LEAST_RATIO,
    STEP_RATIO,
    LearnedNumber,
    LearnedRates,
    learn_rates,
    loss_nats,
)
from truceline.attribute.settings import with_rates
from truceline.model.evidence import EvidenceCatalogue

TYPES = tuple(sorted({entry.item_type for entry in EVERY}))
CASES = (case(RADAR, CRATER), case(SOUND, MEDIA), case(*EVERY), case(anchor="launch"))
FIRST, SECOND, NEITHER = 0, 1, -1


def log_odds(probability: float) -> float:
    """Give the log-odds of a probability."""
    return math.log(probability) - math.log1p(-probability)


def away_from(read: Callable[[EvidenceCatalogue], float], best: float, nats: float) -> Callable[..., float]:
    """Give a loss that grows with the distance of one number's log-odds from the best."""
    return lambda tried: nats * (log_odds(read(tried)) - log_odds(best)) ** 2


def radar_wrong(catalogue: EvidenceCatalogue) -> float:
    """Give how often a track is held wrong."""
    return catalogue.item_type(RADAR.item_type).contamination.number


def learned(loss: Callable[..., float]) -> LearnedRates:
    """Learn from a loss that is given."""
    return learn_rates(CATALOGUE, loss, item_types=TYPES, case_count=70)


@pytest.mark.parametrize("best", [0.005, 0.2])
def test_a_number_moves_to_where_cases_surprise_least(best: float) -> None:
    """One that is far off comes nearer, larger or smaller, and no other moves."""
    rates = learned(away_from(radar_wrong, best, 100.0))
    (found,) = rates.numbers
    before, after = (
        abs(log_odds(found.read_ratio) - log_odds(best)),
        abs(log_odds(found.learned_ratio) - log_odds(best)),
    )

    assert ("contamination", RADAR.item_type) == (found.kind, found.name)
    assert after < before - 0.9


def test_chance_moves_nothing() -> None:
    """A gain below two nats in all cases together is what one more number explains by chance."""
    gap = log_odds(0.045) - log_odds(radar_wrong(CATALOGUE))
    rates = learned(away_from(radar_wrong, 0.045, 0.9 * LOSS_LEAST_RATIO / gap**2))

    assert () == rates.numbers
    assert rates.title.startswith("rates: none moved; learned from 70")
    assert CATALOGUE == rates.apply(CATALOGUE)


def test_steps_that_gain_little_each_are_taken_where_they_gain_enough_together() -> None:
    """What a number explains is asked of the whole way that it moves, not of every step."""
    gap = log_odds(0.1) - log_odds(radar_wrong(CATALOGUE))
    rates = learned(away_from(radar_wrong, 0.1, 1.2 * LOSS_LEAST_RATIO / gap**2))
    first = log_odds(STEP_RATIO / (STEP_RATIO + 1.0))  # one step, in log-odds

    assert 1.2 * LOSS_LEAST_RATIO * (1.0 - (1.0 - first / gap) ** 2) < LOSS_LEAST_RATIO
    assert [RADAR.item_type] == [entry.name for entry in rates.numbers]


def test_range_bands_move_together() -> None:
    """Where one range is used more often the others are less, and all sum to 1."""
    rates = learned(away_from(lambda tried: tried.bands[0].probability, 0.6, 100.0))
    found = rates.apply(CATALOGUE).bands
    before = CATALOGUE.bands

    assert [band.name for band in before] == [entry.name for entry in rates.numbers]
    assert math.isclose(1.0, sum(band.probability for band in found))
    assert found[0].probability > before[0].probability


def test_a_ratio_does_not_fall_below_one() -> None:
    """What all statements may say together is a ratio: it is moved as one, and 1 says nothing."""
    together = learned(lambda tried: 100.0 * tried.dependence.statements_together.number)
    again = learn_rates(
        together.apply(CATALOGUE),
        lambda tried: 100.0 * tried.dependence.statements_together.number,
        item_types=(),
        case_count=70,
    )

    assert 1.0 <= again.apply(together.apply(CATALOGUE)).dependence.statements_together.number < 1.5


def test_what_was_learned_stands_in_the_catalogue_and_in_the_title() -> None:
    """Each learned number is used and marked as measured; all others stay as they were read."""
    moved = (
        LearnedNumber(kind="contamination", name=RADAR.item_type, read_ratio=0.03, learned_ratio=0.05),
        LearnedNumber(kind="place", name="patrol_wrong", read_ratio=0.1, learned_ratio=0.08),
        LearnedNumber(kind="dependence", name="within_cluster", read_ratio=0.6, learned_ratio=0.5),
    )
    settings = with_rates(SETTINGS, LearnedRates(numbers=moved, case_count=4_000))
    found = settings.catalogue

    assert (0.05, 0.08, 0.5) == (
        radar_wrong(found),
        found.place.patrol_wrong.number,
        found.dependence.within_cluster.number,
    )
    assert "measured" == found.place.patrol_wrong.basis
    assert "4000 labelled cases" in found.place.patrol_wrong.source
    assert CATALOGUE.item_type(SOUND.item_type) == found.item_type(SOUND.item_type)
    assert "place patrol_wrong 0.08" in settings.calibration_title


@pytest.mark.parametrize(
    ("kind", "name", "number"),
    [("contamination", "rumour", 0.1), ("motive", "mortar", 0.1), ("place", "patrol_wrong", 1.5)],
)
def test_what_is_no_number_of_the_catalogue_is_refused(kind: str, name: str, number: float) -> None:
    """A number that stands nowhere in the catalogue, or cannot stand there, is not passed over."""
    entry = LearnedNumber(kind=kind, name=name, read_ratio=0.1, learned_ratio=number)

    with pytest.raises(ValueError, match=name):
        LearnedRates(numbers=(entry,), case_count=10).apply(CATALOGUE)


def test_rates_come_before_every_calibration() -> None:
    """Neither are rates learned twice, nor under a calibration that was fitted without them."""
    rates = LearnedRates(numbers=(), case_count=10)
    calibration = SlopeCalibration(slope_ratio=1.0, case_count=10)

    with pytest.raises(AssertionError, match="learned already"):
        with_rates(with_rates(SETTINGS, rates), rates)
    with pytest.raises(AssertionError, match="as they were before"):
        with_rates(msgspec.structs.replace(SETTINGS, calibration=calibration), rates)


def test_the_loss_knows_no_party() -> None:
    """Cases and their mirror images, each with its own doer, are equally surprising."""
    cases = [msgspec.structs.replace(made, items=tuple(map(exchanged_item, made.items))) for made in CASES]
    field = msgspec.structs.replace(FIELD, distances_m=-FIELD.distances_m)
    mirror = decide_cases(cases, [field] * len(cases), parties=PARTIES, catalogue=CATALOGUE)
    doers = np.array([FIRST, FIRST, SECOND, SECOND])

    assert loss_nats(decided(*CASES), doers) == loss_nats(mirror, 1 - doers)


def test_cases_of_neither_party_say_nothing() -> None:
    """They are left out, whatever the evidence; a case without any evidence costs ln 2."""
    with_others = loss_nats(decided(*CASES), np.array([FIRST, NEITHER, NEITHER, SECOND]))
    alone = loss_nats(decided(CASES[0]), np.array([FIRST]))

    assert math.isclose(alone + math.log(2.0), with_others, rel_tol=1e-12)
