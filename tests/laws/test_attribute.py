"""The attribution keeps every law of a stage, and knows one party from the other by nothing but the ground held."""

from __future__ import annotations

from datetime import date

import msgspec
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from laws.attribution_cases import SETTINGS
from laws.made import AFTER_ALL, BEFORE_ALL, event_lists
from truceline.attribute.stage import AttributeStage, AttributionState
from truceline.model.event import Event
from truceline.model.quantity import canonical_bytes
from truceline.model.reference_line import DatedLine
from truceline.testing.laws import StageCase, check_stage_laws

PARTIES = ("A", "B")


def line(day: date, *, held_by: str = "A", latitude_deg: float = 48.1) -> DatedLine:
    """Give a line along a parallel, with the ground to its south held by one party."""
    held = shapely.box(36.0, 47.0, 38.0, latitude_deg)
    return DatedLine(
        valid_date=day,
        held_by=held_by,
        held_wkb=shapely.to_wkb(held),
        line_wkb=shapely.to_wkb(shapely.LineString([(36.0, latitude_deg), (38.0, latitude_deg)])),
        sigma_m=1_000.0,
        source_id="made",
        file_sha256="0" * 64,
    )


LINES = (line(date(2025, 4, 10)), line(date(2025, 4, 18), latitude_deg=48.08))


def _stage(*, held_by: str = "A", parties: tuple[str, str] = PARTIES) -> AttributeStage:
    lines = [msgspec.structs.replace(one, held_by=held_by) for one in LINES]
    return AttributeStage(SETTINGS, parties=parties, lines=lines)


@settings(max_examples=40, deadline=None)
@given(records=event_lists, seed_index=st.integers(0, 1_000))
def test_attribution_keeps_the_laws_of_a_stage(records: list[Event], seed_index: int) -> None:
    """Order, duplicates, batch sizes, restarts from bytes and partition by key do not show in the attributions."""
    case = StageCase(stage=_stage(), records=records, watermark=AFTER_ALL, state_type=AttributionState)

    check_stage_laws(case, seed_index=seed_index, open_watermark=BEFORE_ALL)


@settings(max_examples=60, deadline=None)
@given(records=event_lists)
def test_exchanging_who_holds_the_ground_mirrors_every_answer(records: list[Event]) -> None:
    """Whoever is called A or B: exchanging the parties exchanges the answers exactly, and no reason changes."""
    _, plain = _stage(held_by="A").step(AttributionState(), records, AFTER_ALL)
    _, mirrored = _stage(held_by="B").step(AttributionState(), records, AFTER_ALL)
    exchanged = {"A": "B", "B": "A", None: None}

    assert [
        (one.probability_of("A"), one.probability_of("B"), one.tier, exchanged[one.indicated_party], one.reason)
        for one in plain
    ] == [
        (one.probability_of("B"), one.probability_of("A"), one.tier, one.indicated_party, one.reason)
        for one in mirrored
    ]


@settings(max_examples=40, deadline=None)
@given(records=event_lists)
def test_renaming_the_parties_renames_the_answers_and_nothing_else(records: list[Event]) -> None:
    """A party's name says nothing: other names give the same bytes with the names exchanged."""
    _, plain = _stage().step(AttributionState(), records, AFTER_ALL)
    _, renamed = _stage(held_by="Y", parties=("Y", "X")).step(AttributionState(), records, AFTER_ALL)
    names = {"A": "Y", "B": "X", None: None}

    assert [
        ([entry.probability for entry in one.probabilities], names[one.indicated_party], one.reason) for one in plain
    ] == [([entry.probability for entry in one.probabilities], one.indicated_party, one.reason) for one in renamed]


@settings(max_examples=60, deadline=None)
@given(records=event_lists)
def test_only_a_sufficient_probability_indicates_a_party(records: list[Event]) -> None:
    """A party is indicated from the published threshold on and never below it."""
    _, answers = _stage().step(AttributionState(), records, AFTER_ALL)
    indicated = [one for one in answers if one.indicated_party is not None]

    assert [] == [one for one in indicated if one.probability_of(str(one.indicated_party)) < 0.80]
    assert len({canonical_bytes(one) for one in answers}) == len(answers)
