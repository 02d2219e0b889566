"""Event types: probabilities are probabilities, what speaks for a type raises it, and what speaks for none leaves it
open."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.associate.event_type import (
    DECIDED_LEAST_PROBABILITY,
    KINDS_INDEX,
    PATTERN_PROBABILITY,
    PATTERNS,
    PRIORS_PROBABILITY,
    RANGE_LOG10_M,
    SEISMIC_LOG10_RATIO,
    TYPES,
    UNDETERMINED_INDEX,
    UNKNOWN_INDEX,
    WORD_PROBABILITY,
    WORDS,
    TypeEvidence,
    classify,
    nothing_known,
)

NAN = float("nan")
MAYBE = st.one_of(st.just(NAN), st.floats(-3.0, 3.0))


def known(**values: float | str) -> TypeEvidence:
    """Give evidence of one event of which some is known; words and patterns by name."""
    indexes = {"pattern_index": PATTERNS, "word_index": WORDS}
    arrays = {
        name: np.array([indexes[name].index(str(value)) if name in indexes else value])
        for name, value in values.items()
    }
    return nothing_known(1)._replace(**arrays)


def named(evidence: TypeEvidence) -> str:
    """Give the name of the type that is named."""
    return TYPES[classify(evidence).named_index[0]]


def test_tables_are_whole() -> None:
    """Every table has a row for each type told apart, and probabilities sum to 1."""
    for table in (PATTERN_PROBABILITY, WORD_PROBABILITY):
        assert np.array(table).sum(axis=1) == pytest.approx(np.ones(len(KINDS_INDEX)))
    assert {len(KINDS_INDEX)} == {len(RANGE_LOG10_M), len(SEISMIC_LOG10_RATIO), len(PATTERN_PROBABILITY)}
    assert sum(PRIORS_PROBABILITY) == pytest.approx(1.0)
    assert len(TYPES) == len(PRIORS_PROBABILITY) + 1 == len(set(TYPES))


@given(
    log10_range=st.one_of(st.just(NAN), st.floats(2.0, 5.0)),
    seismic=MAYBE,
    quarry=st.one_of(st.just(NAN), st.floats(0.0, 50.0)),
    storm=st.one_of(st.just(NAN), st.floats(0.0, 1.0)),
    indexes=st.tuples(st.integers(-1, 4), st.integers(-1, 1), st.integers(-1, 6)),
)
def test_probabilities_sum_to_one(
    log10_range: float, seismic: float, quarry: float, storm: float, indexes: tuple[int, int, int]
) -> None:
    """Whatever is known, probabilities sum to 1, and a named type is probable enough to be named."""
    evidence = nothing_known(1)._replace(
        detection_range_m=np.array([10.0**log10_range]),
        seismic_log10_ratio=np.array([seismic]),
        quarry_distance_ratio=np.array([quarry]),
        storm_probability=np.array([storm]),
        pattern_index=np.array([indexes[0]]),
        working_hours_index=np.array([indexes[1]]),
        word_index=np.array([indexes[2]]),
    )
    found = classify(evidence)

    assert found.probability.sum() == pytest.approx(1.0)
    assert np.all(found.probability >= 0.0)
    if found.named_index[0] not in {UNDETERMINED_INDEX, UNKNOWN_INDEX}:
        assert found.named_probability[0] >= DECIDED_LEAST_PROBABILITY


def test_nothing_known_is_no_type() -> None:
    """Where nothing is known the priors stand, most explosions are left open, and no type is named."""
    found = classify(nothing_known(2))

    assert found.probability[:, (4, 5, 7, 8, 9)] == pytest.approx(np.tile((0.14, 0.11, 0.02, 0.02, 0.05), (2, 1)))
    assert 0.4 < found.probability[0, UNDETERMINED_INDEX] < sum(PRIORS_PROBABILITY[index - 1] for index in (1, 2, 3, 6))
    assert [UNKNOWN_INDEX, UNKNOWN_INDEX] == found.named_index.tolist()
    assert 0 == len(classify(nothing_known(0)).named_index)


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        ("burst", {"detection_range_m": 1_600.0, "pattern_index": "rapid", "word_index": "burst"}),
        ("shot", {"detection_range_m": 1_500.0, "word_index": "shot", "pattern_index": "single"}),
        ("impact", {"seismic_log10_ratio": 0.4, "word_index": "impact", "detection_range_m": 10_000.0}),
        (
            "outgoing",
            {
                "seismic_log10_ratio": -0.8,
                "word_index": "outgoing",
                "pattern_index": "mission",
                "detection_range_m": 7_500.0,
            },
        ),
        (
            "quarry blast",
            {
                "quarry_distance_ratio": 0.2,
                "working_hours_index": 1,
                "seismic_log10_ratio": 1.5,
                "pattern_index": "single",
            },
        ),
        ("thunder", {"pattern_index": "cluster", "storm_probability": 0.9, "word_index": "thunder"}),
        (
            "explosion undetermined",
            {"detection_range_m": 8_000.0, "word_index": "explosion", "pattern_index": "mission"},
        ),
    ],
)
def test_what_speaks_for_a_type_names_it(expected: str, values: dict[str, float | str]) -> None:
    """Evidence as it is typical for a type names that type, and explosions of no clear kind stay undetermined."""
    assert expected == named(known(**values))


def test_kinds_of_explosions_are_told_apart_only_as_far_as_they_are() -> None:
    """A pair and an airburst are the likeliest kinds of what looks like them, yet too open among explosions to be
    named."""
    pair = classify(known(pattern_index="paired", seismic_log10_ratio=0.0, detection_range_m=9_000.0))
    burst = classify(known(word_index="airburst", seismic_log10_ratio=-1.0, detection_range_m=6_000.0))

    for found, name in ((pair, "launch-impact pair"), (burst, "airburst")):
        assert TYPES[found.probability[0, list(KINDS_INDEX)].argmax() + 1] == name
        assert "explosion undetermined" == TYPES[found.named_index[0]]


def test_hours_and_forecasts_speak_both_ways() -> None:
    """A blast at night is less a quarry's and thunder under a clear sky less thunder than where nothing is known."""
    quarry, thunder = TYPES.index("quarry blast"), TYPES.index("thunder")
    base = classify(nothing_known(1)).probability[0]

    assert classify(known(working_hours_index=0)).probability[0, quarry] < base[quarry]
    assert classify(known(working_hours_index=1)).probability[0, quarry] > base[quarry]
    assert classify(known(quarry_distance_ratio=30.0)).probability[0, quarry] < base[quarry]
    assert classify(known(storm_probability=0.0)).probability[0, thunder] < base[thunder]
    assert classify(known(storm_probability=1.0)).probability[0, thunder] > base[thunder]


def test_a_detector_s_class_counts_half() -> None:
    """A detector's log ratios add with their weight, also where it rules a type out."""
    said = np.full((1, len(TYPES)), 0.0)
    said[0, TYPES.index("impact")] = 4.0
    said[0, TYPES.index("shot")] = -np.inf
    found = classify(nothing_known(1)._replace(detector_log_probability=said)).probability[0]
    base = classify(nothing_known(1)).probability[0]
    impact, outgoing = TYPES.index("impact"), TYPES.index("outgoing")

    assert found[impact] / found[outgoing] == pytest.approx(base[impact] / base[outgoing] * np.exp(2.0))
    assert found[TYPES.index("shot")] < 1e-9
    assert UNDETERMINED_INDEX == 0
