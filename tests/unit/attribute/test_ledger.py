"""Who probably fired: by the ground held that day, and by nothing else; and when not to say."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws.made import AFTER_ALL, DAY
from laws.test_attribute import PARTIES, line
from truceline.attribute import ledger
from truceline.attribute.ledger import Ground, attribute_event, conduct_of, holder_fired_probability
from truceline.attribute.settings import AttributionSettings
from truceline.attribute.stage import AttributeStage
from truceline.model.attribution import Attribution
from truceline.model.event import Association, Event
from truceline.model.quantity import Position, TimeSpan, exactly

SETTINGS = AttributionSettings()
probabilities = st.floats(0.0, 1.0)


def made(**changes: Any) -> Event:
    """Give an impact that a patrol reported, changed as asked."""
    event = Event(
        event_id="made",
        revision_index=0,
        supersedes_revision_index=None,
        event_type="explosion",
        event_type_certainty="known",
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        origin_time=TimeSpan(start=DAY, end=DAY),
        origin_position=Position(latitude_deg=48.0, longitude_deg=37.0, sigma_m=400.0),
        place_name="",
        place_is_region=False,
        energy_object=False,
        signature_count=exactly(1),
        observed_as="impact",
        associations=(link("patrol_report"),),
    )
    return msgspec.structs.replace(event, **changes)


def link(kind: str) -> Association:
    """Give a link to an observation of a kind."""
    return Association(
        observation_id=kind,
        observation_kind=kind,
        source_id="made",
        distance_m=0.0,
        time_residual_s=0.0,
        defining=True,
    )


def ground(**changes: Any) -> Ground:
    """Give ground held by A beyond doubt, by a line of the day."""
    held = Ground(holder="A", holds_probability=1.0, distance_m=9_000.0, line_date=date(2025, 4, 19), age_days=0)
    return msgspec.structs.replace(held, **changes)


def answer(event: Event, held: Ground | None) -> Attribution:
    """Give the attribution of an event on such ground."""
    return attribute_event(event, held, parties=PARTIES, settings=SETTINGS)


REPORTED = made(event_type="attack", observed_as="not reported", associations=(link("media_report"),))


@pytest.mark.parametrize(
    ("event", "party", "reason"),
    [
        (made(), "B", ledger.REASON_INDICATED),
        (REPORTED, "B", ledger.REASON_INDICATED),
        (made(observed_as="outgoing"), "A", ledger.REASON_INDICATED_OUTGOING),
    ],
)
def test_ground_held_by_one_indicates_the_other_or_itself_when_outgoing(event: Event, party: str, reason: str) -> None:
    """An impact on A's ground indicates B; fire going out from it indicates A."""
    given_answer = answer(event, ground())

    assert (party, reason, "indicated") == (given_answer.indicated_party, given_answer.reason, given_answer.tier)
    assert answer(event, ground(holder="B")).indicated_party == {"A": "B", "B": "A"}[party]


@pytest.mark.parametrize(
    ("event", "held", "reason"),
    [
        (made(evaluation_status="rejected"), ground(), ledger.REASON_WITHDRAWN),
        (made(event_type="fire"), ground(), ledger.REASON_THERMAL_ONLY),
        (made(observed_as="undetermined"), ground(), ledger.REASON_NOT_TOLD),
        (made(observed_as="airburst"), ground(), ledger.REASON_NOT_TOLD),
        (msgspec.structs.replace(REPORTED, place_is_region=True), ground(), ledger.REASON_IMPRECISE),
        (
            made(origin_position=Position(latitude_deg=48.0, longitude_deg=37.0, sigma_m=20_000.0)),
            ground(),
            ledger.REASON_IMPRECISE,
        ),
        (made(), None, ledger.REASON_NO_LINE),
        (made(), ground(age_days=8), ledger.REASON_STALE_LINE),
        (made(), ground(holds_probability=0.9), ledger.REASON_NEAR_LINE),
    ],
)
def test_where_it_cannot_be_told_no_party_is_named_and_the_reason_is(
    event: Event, held: Ground | None, reason: str
) -> None:
    """Undetermined is a full answer: it names no party and says why."""
    given_answer = answer(event, held)

    assert (reason, None, "undetermined") == (given_answer.reason, given_answer.indicated_party, given_answer.tier)


@pytest.mark.parametrize(
    ("beyond_days", "reason"),
    [(-1, ledger.REASON_INDICATED), (0, ledger.REASON_INDICATED), (1, ledger.REASON_STALE_LINE)],
)
def test_a_line_as_old_as_the_limit_is_still_used(beyond_days: int, reason: str) -> None:
    """The limit on a line's age belongs to the ages that are allowed; one day more is too old."""
    given_answer = answer(made(), ground(age_days=SETTINGS.line_age_max_days + beyond_days))

    assert reason == given_answer.reason


def test_what_falls_short_of_the_threshold_is_below_it() -> None:
    """Where observations are wrong too often, ground alone indicates nobody."""
    doubtful = AttributionSettings(patrol_wrong_probability=0.9)

    assert attribute_event(made(), ground(), parties=PARTIES, settings=doubtful).reason == ledger.REASON_BELOW_THRESHOLD


@given(
    holds=probabilities, wrong=probabilities, own_side=probabilities, conduct=st.sampled_from(["impact", "outgoing"])
)
def test_holder_and_other_together_are_certain(holds: float, wrong: float, own_side: float, conduct: Any) -> None:
    """Asked about the other party's ground, the rule gives the rest."""
    holder = holder_fired_probability(holds, conduct, wrong_probability=wrong, own_side_probability=own_side)
    other = holder_fired_probability(1.0 - holds, conduct, wrong_probability=wrong, own_side_probability=own_side)

    assert holder + other == pytest.approx(1.0)
    assert 0.0 <= holder <= 1.0


@given(nearer=st.floats(0.5, 1.0), farther=st.floats(0.5, 1.0))
def test_surer_ground_never_makes_the_answer_less_sure(nearer: float, farther: float) -> None:
    """The more certainly A holds the ground, the more probably an impact there was B's."""
    low, high = sorted((nearer, farther))

    assert (
        answer(made(), ground(holds_probability=low)).probability_of("B")
        <= answer(made(), ground(holds_probability=high)).probability_of("B") + 1e-12
    )


def test_the_published_numbers_come_out() -> None:
    """Impact seen by a patrol: (0.9 x 0.97 + 0.05) x 0.98; reported: (0.8 x 0.97 + 0.1) x 0.98."""
    assert answer(made(), ground()).probability_of("B") == pytest.approx(0.90454)
    assert answer(REPORTED, ground()).probability_of("B") == pytest.approx(0.85848)
    assert answer(REPORTED, ground()).probability_of(ledger.UNATTRIBUTED) == pytest.approx(0.02)


def test_a_bare_fire_is_mostly_nobodys() -> None:
    """Of hot pixels few belong to attacks; the ledger says where that number was seen."""
    given_answer = answer(made(event_type="fire", observed_as="not reported", associations=(link("thermal"),)), None)

    assert given_answer.probability_of(ledger.UNATTRIBUTED) == pytest.approx(SETTINGS.fire_neither_probability)
    assert "seen" in [entry.basis for entry in given_answer.ledger]


def test_the_ledger_names_ground_conduct_priors_and_what_is_not_used() -> None:
    """Every number that was used stands in the ledger with its basis; no ratio passes the limit."""
    for event in (made(), REPORTED, made(observed_as="outgoing")):
        entries = answer(event, ground()).ledger
        names = [entry.name for entry in entries]

        assert names[:3] == ["prior, parties", "prior, neither", "party named in reports"]
        assert names[3:] == ["ground held that day", f"{conduct_of(event)} on that ground"]
        assert max(entry.likelihood_ratio for entry in entries) <= ledger.ODDS_LIMIT_RATIO


def test_odds_are_held_within_the_limit_both_ways() -> None:
    """Settings that leave no doubt at all still give a finite ratio."""
    certain = AttributionSettings(patrol_wrong_probability=0.0, own_side_probability=0.0)
    reversed_ = AttributionSettings(patrol_wrong_probability=0.0, own_side_probability=1.0)
    ratios = [
        attribute_event(made(), ground(), parties=PARTIES, settings=settings).ledger[-1].likelihood_ratio
        for settings in (certain, reversed_)
    ]

    assert [ledger.ODDS_LIMIT_RATIO, 1.0 / ledger.ODDS_LIMIT_RATIO] == ratios


@pytest.mark.parametrize(
    "changes",
    [
        {"own_side_probability": 1.5},
        {"side_decisive_probability": 0.4},
        {"indicated_probability": 0.4},
        {"position_limit_sigma_m": -1.0},
        {"line_age_max_days": -1},
    ],
)
def test_settings_out_of_bounds_are_refused(changes: dict[str, float]) -> None:
    """No threshold lies below one half, so that never both parties pass it."""
    with pytest.raises(ValueError, match=next(iter(changes))):
        msgspec.convert(changes, AttributionSettings)


def test_the_line_of_the_day_decides_and_later_lines_say_nothing() -> None:
    """The newest line on or before the day is used; a line drawn later, or naming another party, is not."""
    event = made(origin_position=Position(latitude_deg=48.2, longitude_deg=37.0, sigma_m=400.0))
    before, after = line(date(2025, 4, 19)), line(date(2025, 4, 20), latitude_deg=48.4)
    stranger = line(date(2025, 4, 19), held_by="C")
    stage = AttributeStage(SETTINGS, parties=PARTIES, lines=[before, after, stranger])
    _, answers = stage.step(stage.initial(), [event], AFTER_ALL)

    assert ["A"] == [one.indicated_party for one in answers]


def test_without_lines_nobody_is_named() -> None:
    """No line, or only later ones: undetermined for that reason."""
    for lines in ([], [line(date(2025, 4, 20))]):
        stage = AttributeStage(SETTINGS, parties=PARTIES, lines=lines)
        _, answers = stage.step(stage.initial(), [made()], AFTER_ALL)

        assert [ledger.REASON_NO_LINE] == [one.reason for one in answers]


def test_a_stale_line_names_nobody() -> None:
    """A line more than seven days old is too old."""
    stage = AttributeStage(SETTINGS, parties=PARTIES, lines=[line((DAY - timedelta(days=8)).date())])
    _, answers = stage.step(stage.initial(), [made()], AFTER_ALL)

    assert [ledger.REASON_STALE_LINE] == [one.reason for one in answers]
