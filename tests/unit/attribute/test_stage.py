"""What is said of the events of the pipeline: by the ground held that day, by who saw what; and when not to say."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws.attribution_cases import CATALOGUE, SETTINGS, renumbered
from laws.made import AFTER_ALL, DAY
from laws.test_attribute import PARTIES, line
from truceline.attribute import stage as stage_module
from truceline.attribute import tiers
from truceline.attribute.evidence import Ground, abstention_of, case_of, conduct_of
from truceline.attribute.stage import AttributeStage
from truceline.model.attribution import UNATTRIBUTED, Attribution
from truceline.model.event import Association, Event, SensorOrigin
from truceline.model.evidence import OriginPoint
from truceline.model.quantity import Position, TimeSpan, exactly
from truceline.model.reference_line import DatedLine

TODAY = line(date(2025, 4, 19))


def made(**changes: Any) -> Event:
    """Give an impact that a patrol reported 11 km into the ground of A, changed as asked."""
    event = Event(
        event_id="made",
        revision_index=0,
        supersedes_revision_index=None,
        event_type="explosion",
        event_type_certainty="known",
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        origin_time=TimeSpan(start=DAY, end=DAY),
        origin_position=at(48.0),
        place_name="",
        place_is_region=False,
        energy_object=False,
        signature_count=exactly(1),
        observed_as="impact",
        associations=(link("patrol_report"),),
    )
    return msgspec.structs.replace(event, **changes)


def at(latitude_deg: float, *, sigma_m: float = 400.0) -> Position:
    """Give a place on the meridian 37 E."""
    return Position(latitude_deg=latitude_deg, longitude_deg=37.0, sigma_m=sigma_m)


def link(kind: str) -> Association:
    """Give a link to an observation of a kind."""
    return Association(
        observation_id=kind,
        observation_kind=kind,
        source_id=f"made_{kind}",
        distance_m=0.0,
        time_residual_s=0.0,
        defining=True,
    )


def answers(*events: Event, lines: tuple[DatedLine, ...] = (TODAY,)) -> list[Attribution]:
    """Give the attributions of events by some lines."""
    stage = AttributeStage(SETTINGS, parties=PARTIES, lines=lines)
    return stage.step(stage.initial(), events, AFTER_ALL)[1]


def answer(event: Event, *lines: DatedLine) -> Attribution:
    """Give the attribution of one event."""
    (found,) = answers(event, lines=lines or (TODAY,))
    return found


REPORTED = made(event_type="attack", observed_as="not reported", associations=(link("media_report"),))
OUTGOING = made(observed_as="outgoing")
NORTH = at(48.2)


@pytest.mark.parametrize(
    ("event", "party", "reason"),
    [
        (made(), "B", tiers.REASON_INDICATED),
        (REPORTED, "B", tiers.REASON_INDICATED),
        (OUTGOING, "A", tiers.REASON_INDICATED_EVIDENCE),
    ],
)
def test_ground_held_by_one_indicates_the_other_or_itself_when_outgoing(event: Event, party: str, reason: str) -> None:
    """An impact on A's ground indicates B; fire going out from it indicates A; across the line it is the reverse."""
    given_answer = answer(event)
    across = answer(msgspec.structs.replace(event, origin_position=NORTH))

    assert (party, reason, "indicated") == (given_answer.indicated_party, given_answer.reason, given_answer.tier)
    assert across.indicated_party == {"A": "B", "B": "A"}[party]


@pytest.mark.parametrize(
    ("event", "lines", "reason"),
    [
        (made(evaluation_status="rejected"), (TODAY,), tiers.REASON_WITHDRAWN),
        (made(event_type="fire"), (TODAY,), tiers.REASON_THERMAL_ONLY),
        (made(observed_as="undetermined"), (TODAY,), tiers.REASON_NOT_TOLD),
        (made(observed_as="airburst"), (TODAY,), tiers.REASON_NOT_TOLD),
        (msgspec.structs.replace(REPORTED, place_is_region=True), (TODAY,), tiers.REASON_IMPRECISE),
        (made(origin_position=at(48.0, sigma_m=20_000.0)), (TODAY,), tiers.REASON_IMPRECISE),
        (made(), (line(date(2025, 4, 20)),), tiers.REASON_NO_LINE),
        (made(), (line(date(2025, 4, 11)),), tiers.REASON_STALE_LINE),
        (made(origin_position=at(48.09)), (TODAY,), tiers.REASON_NEAR_LINE),
    ],
)
def test_where_it_cannot_be_told_no_party_is_named_and_the_reason_is(
    event: Event, lines: tuple[DatedLine, ...], reason: str
) -> None:
    """Undetermined is a full answer: it names no party and says why."""
    given_answer = answer(event, *lines)

    assert (reason, None, "undetermined") == (given_answer.reason, given_answer.indicated_party, given_answer.tier)


@pytest.mark.parametrize(("age_days", "reason"), [(7, tiers.REASON_INDICATED), (8, tiers.REASON_STALE_LINE)])
def test_a_line_as_old_as_the_limit_is_still_used(age_days: int, reason: str) -> None:
    """The limit on a line's age belongs to the ages that are allowed; one day more is too old."""
    assert reason == answer(made(), line((DAY - timedelta(days=age_days)).date())).reason


def test_the_published_numbers_come_out() -> None:
    """A patrol's impact: odds of (0.9 h + 0.05) against (0.9 (1 - h) + 0.05), own ground 0.03, neither near 0.02."""
    patrol, reported = answer(made()), answer(REPORTED)

    assert patrol.probability_of("B") == pytest.approx(0.905, abs=0.01)
    assert reported.probability_of("B") == pytest.approx(0.86, abs=0.015)
    assert patrol.probability_of(UNATTRIBUTED) == pytest.approx(0.02, abs=0.005)


def test_a_bare_fire_is_mostly_nobodys() -> None:
    """Of hot pixels few belong to attacks; the ledger says where that number was seen."""
    found = answer(made(event_type="fire", observed_as="not reported", associations=(link("thermal"),)))

    assert found.probability_of(UNATTRIBUTED) == pytest.approx(CATALOGUE.priors.neither_fire.number)
    assert "seen" in [row.basis for row in found.ledger if row.name == "prior, neither"]


def test_the_ledger_names_priors_evidence_and_what_is_fixed() -> None:
    """Every number that was used stands in the ledger with its basis and source, and what is fixed at 1 beside it."""
    for event in (made(), REPORTED, OUTGOING):
        rows = answer(event).ledger
        held_before = ["prior, parties", "prior, neither", "prior, where it stood"][: 2 if event is OUTGOING else 3]

        assert held_before == [row.name for row in rows if not row.items and row.basis != "policy"]
        assert [row.name for row in rows if row.basis == "policy"] == list(CATALOGUE.fixed_at_one)
        assert [row.source for row in rows if not row.source] == []
        assert len(rows) == len(held_before) + 1 + len(CATALOGUE.fixed_at_one)


def test_each_prior_stands_under_its_own_source() -> None:
    """What went off where it stood is a number of its own: its row has its source, and moves neither party."""
    found = answer(made())
    priors = CATALOGUE.priors
    expected = [(one.basis, one.source) for one in (priors.own_side, priors.neither, priors.still)]
    stood = found.ledger[2]

    assert expected == [(row.basis, row.source) for row in found.ledger[:3]]
    assert "of what nobody fired across the line, 0.50 went off where it stood" == stood.statement
    assert (0.0, 0.0) == (stood.alone_log_ratio, stood.context_log_ratio)
    assert "where it stood" not in found.ledger[0].statement + found.ledger[1].statement
    assert found.log_odds_ratio == pytest.approx(sum(row.context_log_ratio for row in found.ledger), abs=1e-8)


def test_no_place_of_an_event_is_better_known_than_the_catalogue_lets_it_be() -> None:
    """A smaller error, of an impact or of where fire went out, is taken for the catalogue's least."""
    held = Ground(holder="B", holds_probability=1.0, distance_m=9_000.0, line_date=date(2025, 4, 19), age_days=0)
    catalogue = renumbered("place", sigma_least_m=150.0)
    found = [
        case_of(
            made(observed_as=what, origin_position=at(48.0, sigma_m=1.0)), held, parties=PARTIES, catalogue=catalogue
        )
        for what in ("impact", "outgoing")
    ]
    (place,) = found[1].items[0].shapes

    assert [150.0, 150.0] == [one.position_sigma_m for one in found]
    assert isinstance(place, OriginPoint)
    assert (150.0**2, 150.0**2) == (place.covariance_east_m2, place.covariance_north_m2)


ORIGIN = SensorOrigin(
    covariance_east_m2=1.0e4,
    covariance_east_north_m2=0.0,
    covariance_north_m2=4.0e6,
    time_sigma_s=1.0,
    event_probability=0.99,
    log_odds_ratio=9.0,
    detection_range_m=20_000.0,
    named_type="launch",
    named_probability=0.9,
    grid_id="g",
    tile_id="t",
)


def test_located_fire_going_out_is_read_by_its_ellipse() -> None:
    """Where sensors located it, their covariance speaks, under the word of who told that it went out."""
    found = answer(msgspec.structs.replace(OUTGOING, sensor_origin=ORIGIN))

    assert "A" == found.indicated_party
    assert [item.item_type for row in found.ledger for item in row.items] == ["acoustic_seismic_origin"]


def test_one_patrol_alone_is_never_an_assessment() -> None:
    """One cluster is one deceiver: without it nothing is left, so the tier stays at indicated."""
    found = answer(OUTGOING)

    assert "indicated" == found.tier
    assert [line for line in found.would_change if line.startswith("without the source")]


def test_the_line_of_the_day_decides_and_later_lines_say_nothing() -> None:
    """The newest line on or before the day is used; a line drawn later, or naming another party, is not."""
    after, stranger = line(date(2025, 4, 20), latitude_deg=48.4), line(date(2025, 4, 19), held_by="C")
    found = answer(made(origin_position=NORTH), TODAY, after, stranger)

    assert ("A", tiers.REASON_INDICATED) == (found.indicated_party, found.reason)


def test_rasters_are_kept_for_a_bounded_number_of_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """More days than are kept push the first one out, and no answer changes."""
    monkeypatch.setattr(stage_module, "FIELDS_MOST_COUNT", 1)
    days = [date(2025, 4, day) for day in (17, 18, 19)]
    events = [
        made(
            event_id=f"e{number}",
            observed_as="outgoing",
            origin_time=TimeSpan(start=DAY - timedelta(days=number), end=DAY - timedelta(days=number)),
        )
        for number in range(3)
    ]

    assert ["A"] * 3 == [one.indicated_party for one in answers(*events, lines=tuple(line(day) for day in days))]


@given(nearer=st.floats(0.0, 0.5), farther=st.floats(0.0, 0.5))
def test_surer_ground_never_makes_the_answer_less_sure(nearer: float, farther: float) -> None:
    """The deeper in A's ground, the more probably an impact there was B's."""
    low, high = sorted((nearer, farther))
    shallow, deep = answers(
        made(event_id="shallow", origin_position=at(48.1 - low)), made(event_id="deep", origin_position=at(48.1 - high))
    )
    by_id = {one.event_id: one for one in (shallow, deep)}

    assert by_id["shallow"].probability_of("B") <= by_id["deep"].probability_of("B") + 1e-9


def test_a_case_says_whose_word_it_is() -> None:
    """A patrol's word stands behind a patrol's impact, a report's behind a report's; what none told is none's."""
    held = Ground(holder="B", holds_probability=1.0, distance_m=9_000.0, line_date=date(2025, 4, 19), age_days=0)
    patrol, report = (case_of(event, held, parties=PARTIES, catalogue=CATALOGUE) for event in (made(), REPORTED))
    bare = case_of(made(observed_as="undetermined"), None, parties=PARTIES, catalogue=CATALOGUE)

    assert (patrol.place_modality, report.place_modality) == ("patrol_report", "media_report")
    assert -9_000.0 == patrol.place_signed_distance_m
    assert (bare.place_usable, bare.place_statement) == (False, "")
    assert None is conduct_of(made(observed_as="undetermined"))
    assert None is abstention_of(made(), held, CATALOGUE)


def test_every_record_of_the_ledger_bears_the_hash_of_its_file() -> None:
    """What the place rests on, sensors that located it with them, is named by observation and file; unknown not."""
    sensed = made(associations=(link("patrol_report"), link("detection"), link("thermal")), sensor_origin=ORIGIN)
    files = {"patrol_report": "a" * 64, "detection": "b" * 64, "thermal": "c" * 64}
    (found,) = AttributeStage(SETTINGS, parties=PARTIES, lines=[TODAY]).answers([sensed], files=files)
    (bare,) = AttributeStage(SETTINGS, parties=PARTIES, lines=[TODAY]).answers([sensed])
    (item,) = [item for row in found.ledger for item in row.items]

    assert (("detection", "patrol_report"), ("a" * 64, "b" * 64)) == (item.observation_ids, item.file_sha256s)
    assert "located by sensors" in item.statement
    assert [()] == [entry.file_sha256s for row in bare.ledger for entry in row.items]
