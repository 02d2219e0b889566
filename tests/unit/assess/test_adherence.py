"""Laws of the adherence verdict."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.assess.adherence import (
    AdherenceMethod,
    DomainEvidence,
    discoveries,
    judge,
    mid_percentile_share,
    rank_probability,
    undefined_domain,
    volume_elasticity,
)
from truceline.assess.series import DAY_S, BulletinReach, ClaimSeries, ReportSeries, Series, seconds_of
from truceline.model.adherence import Adherence
from truceline.model.agreement import Domain, TruceWindow
from truceline.model.quantity import TimeSpan

START = datetime(2030, 1, 1, tzinfo=UTC)
DAYS_COUNT = 400

CLAIMS = Domain(
    domain_id="long",
    title="long range",
    series="party_claim",
    actor="A",
    claimant="B",
    weapon_classes=("oneway_uav",),
)
REPORTS = Domain(
    domain_id="ground", title="ground", series="media_report", report_flag="kinetic", volume_normalised=True
)


def window(first_day: float, hours: float = 48.0, covers: tuple[str, ...] = ("long", "ground")) -> TruceWindow:
    """Give a window from a day of the series on."""
    start = START + timedelta(days=first_day)
    return TruceWindow(
        window_id="w",
        span=TimeSpan(start=start, end=start + timedelta(hours=hours)),
        declared_by="A",
        accepted_by_other="yes",
        scope="all",
        covered_domain_ids=covers,
    )


def nightly(counts: np.ndarray) -> ClaimSeries:
    """Build a claim series with one wave of six hours from 18:00 on each day of `counts`."""
    start_s = seconds_of(START) + np.arange(counts.size) * DAY_S + 0.75 * DAY_S
    return ClaimSeries(
        start_s=start_s[counts > 0],
        end_s=start_s[counts > 0] + 0.2 * DAY_S,
        count=counts[counts > 0].astype(float),
        stated=np.ones(np.count_nonzero(counts > 0), dtype=bool),
        reach=BulletinReach(np.array([seconds_of(START)]), np.array([seconds_of(START) + counts.size * DAY_S])),
    )


def daily(counts: np.ndarray, volume: np.ndarray) -> ReportSeries:
    """Build a report series from counts and volume a day."""
    start_s = seconds_of(START) + np.arange(counts.size) * DAY_S
    return ReportSeries(
        day_start_s=start_s, day_end_s=start_s + DAY_S, count=counts.astype(float), volume=volume.astype(float)
    )


def ordinary_counts(seed: int, mean_count: float = 60.0) -> np.ndarray:
    """Draw overdispersed nightly counts (negative binomial, dispersion 8)."""
    rng = np.random.default_rng(seed)
    return rng.negative_binomial(8, 8 / (8 + mean_count), DAYS_COUNT)


def judge_one(
    asked: TruceWindow, domain: Domain, series: Series | None, truces: tuple[TimeSpan, ...] = ()
) -> Adherence:
    """Judge one window in one domain, in UTC."""
    answers = judge(
        asked,
        [domain],
        evidence={domain.domain_id: DomainEvidence(series=series, truces=truces)},
        timezone_name="UTC",
    )
    assert len(answers) == 1
    return answers[0]


def test_silence_in_a_busy_series_is_held_and_its_end_is_found() -> None:
    """Two nights without a launch among four hundred with are a truce that held, and the next wave ends it."""
    counts = np.maximum(ordinary_counts(1), 5)
    counts[200:202] = 0

    answer = judge_one(window(200), CLAIMS, nightly(counts))

    assert ("held", 0.0, START + timedelta(days=202, hours=18)) == (
        answer.verdict,
        answer.observed_count,
        answer.resumption_utc,
    )
    assert answer.expected_low_count is not None
    assert answer.expected_count is not None
    assert 0 < answer.expected_low_count < answer.expected_count


def test_a_third_of_the_usual_is_reduced_and_the_breach_is_named() -> None:
    """Fire that goes on at a fraction of the usual is reduced, with the first breach inside the window."""
    counts = np.maximum(ordinary_counts(2), 25)
    counts[200:202] = 12

    answer = judge_one(window(200), CLAIMS, nightly(counts))

    assert ("reduced", START + timedelta(days=200, hours=18)) == (answer.verdict, answer.resumption_utc)


def test_ordinary_windows_are_seldom_called_a_truce() -> None:
    """Asked about one domain, ordinary windows show an effect as often as the level says: one in twenty."""
    verdicts = Counter(
        judge_one(window(day), CLAIMS, nightly(ordinary_counts(seed))).verdict
        for seed in range(6)
        for day in range(120, 390, 9)
    )
    wanted_count = 0.05 * verdicts.total()

    effects = verdicts["held"] + verdicts["reduced"]

    assert effects <= wanted_count + 3 * np.sqrt(wanted_count)


def test_asking_about_many_domains_calls_no_more_truces() -> None:
    """Asked about six domains at once, still at most one ordinary window in twenty shows an effect in any."""
    domains = [msgspec.structs.replace(CLAIMS, domain_id=f"long_{index}") for index in range(6)]
    names = tuple(domain.domain_id for domain in domains)
    evidence = {name: DomainEvidence(series=nightly(ordinary_counts(seed))) for seed, name in enumerate(names)}
    affected = [
        any(
            answer.verdict in {"held", "reduced"}
            for answer in judge(window(day, covers=names), domains, evidence=evidence, timezone_name="UTC")
        )
        for day in range(120, 390, 3)
    ]

    assert sum(affected) <= 0.05 * len(affected)


def test_a_domain_the_text_does_not_cover_is_out_of_scope() -> None:
    """What was not agreed cannot be kept or broken, whatever its counts, and even without any."""
    counts = np.maximum(ordinary_counts(3), 5)
    counts[200:202] = 0
    silent = judge_one(window(200, covers=("ground",)), CLAIMS, nightly(counts))
    unknown = judge_one(window(200, covers=("ground",)), CLAIMS, None)

    assert ("out_of_scope", 0.0) == (silent.verdict, silent.observed_count)
    assert ("out_of_scope", None) == (unknown.verdict, unknown.observed_count)


@pytest.mark.parametrize(
    ("series", "first_day", "words"),
    [
        (None, 200.0, "no party_claim series"),
        (nightly(ordinary_counts(4)), 399.5, "does not reach"),
        (nightly(ordinary_counts(4)), 10.0, "reference windows before"),
        (nightly(ordinary_counts(4)[:10]), 6.0, "reference windows before"),
        (nightly(np.zeros(DAYS_COUNT)), 200.0, "silence proves nothing"),
        (nightly(ordinary_counts(4)[:60]), 55.0, "ordinary windows"),
    ],
)
def test_without_evidence_the_answer_says_what_is_lacking(
    series: ClaimSeries | None, first_day: float, words: str
) -> None:
    """No series, no reach, no reference, an empty reference and no ordinary windows are each named."""
    answer = judge_one(window(first_day), CLAIMS, series)

    assert "insufficient_evidence" == answer.verdict
    assert words in answer.reason


def test_silence_where_silence_is_common_proves_nothing() -> None:
    """A quiet window in a series that is quiet one night in two is insufficient evidence, never held."""
    counts = np.where(np.arange(DAYS_COUNT) % 4 < 2, 30, 0)

    answer = judge_one(window(202, hours=24.0), CLAIMS, nightly(counts))

    assert "insufficient_evidence" == answer.verdict


def test_a_rare_series_cannot_show_a_reduction() -> None:
    """Where even silence would be ordinary, a low count is insufficient evidence rather than `not_held`."""
    rng = np.random.default_rng(6)
    counts = rng.binomial(1, 0.55, DAYS_COUNT) * 3
    counts[200:203] = [0, 3, 0]

    answer = judge_one(window(200, hours=72.0), CLAIMS, nightly(counts))

    assert ("insufficient_evidence", 0.5) == (answer.verdict, answer.ratio)


@pytest.mark.parametrize(
    ("silent_windows_count", "verdict"),
    [(4, "held"), (20, "reduced"), (40, "insufficient_evidence")],
)
def test_how_rare_silence_is_decides_what_it_shows(silent_windows_count: int, verdict: str) -> None:
    """Silence that is rare has held; less rare it is only a reduction; common, it is no evidence."""
    counts = np.full(DAYS_COUNT, 30)
    counts[210 : 210 + 3 * silent_windows_count : 3] = 0
    counts[200] = 0

    answer = judge_one(window(200, hours=24.0), CLAIMS, nightly(counts))

    assert verdict == answer.verdict


@pytest.mark.parametrize(
    ("normalised", "moves", "words"),
    [(False, True, "reports of media; times"), (True, False, "not normalised"), (True, True, "normalised by all")],
)
def test_the_reason_says_how_volume_was_treated(normalised: bool, moves: bool, words: str) -> None:
    """Whether a count was set against the volume of all reports, and how far, stands in the reason."""
    rng = np.random.default_rng(15)
    volume = rng.integers(60, 140, DAYS_COUNT)
    counts = np.rint(0.4 * volume) if moves else np.full(DAYS_COUNT, 40)
    domain = msgspec.structs.replace(REPORTS, volume_normalised=normalised)

    assert words in judge_one(window(200), domain, daily(counts, volume)).reason


def test_a_claim_with_no_stated_time_only_bounds_the_resumption() -> None:
    """Where the first claim after the window has no stated time, the reason says so."""
    series = nightly(np.maximum(ordinary_counts(12), 5))
    series.stated[:] = False

    answer = judge_one(window(200), CLAIMS, series)

    assert "not stated, only bounded" in answer.reason


def test_after_the_last_claim_there_is_no_resumption() -> None:
    """A window after which nothing was claimed has no resumption, and is not given one."""
    counts = np.maximum(ordinary_counts(13), 5)
    counts[398:] = 0

    answer = judge_one(window(398), CLAIMS, nightly(counts))

    assert answer.resumption_utc is None


def test_fewer_reports_of_everything_are_not_a_truce() -> None:
    """When all reporting falls together, the fall is the press's holiday, not the guns'."""
    rng = np.random.default_rng(6)
    volume = rng.integers(90, 130, DAYS_COUNT) * np.where(np.arange(DAYS_COUNT) % 7 < 2, 0.5, 1.0)
    counts = rng.binomial(volume.astype(int), 0.4)
    volume[200:202] *= 0.45
    counts[200:202] = np.rint(0.4 * volume[200:202])

    answer = judge_one(window(200), REPORTS, daily(counts, volume))

    assert "not_held" == answer.verdict
    assert answer.ratio == pytest.approx(1.0, abs=0.15)


def test_a_fall_in_the_share_of_fire_is_seen_through_the_volume() -> None:
    """When everything else is reported as usual, a fall in reported fire shows."""
    rng = np.random.default_rng(7)
    volume = rng.integers(90, 130, DAYS_COUNT)
    counts = rng.binomial(volume, 0.4)
    counts[200:202] = rng.binomial(volume[200:202], 0.1)

    answer = judge_one(window(200), REPORTS, daily(counts, volume))

    assert "reduced" == answer.verdict


@given(st.integers(1, 20))
def test_the_unit_of_the_count_does_not_matter(factor: int) -> None:
    """Counting every launch `factor` times changes neither verdict nor percentile."""
    counts = np.maximum(ordinary_counts(8), 5)
    once = judge_one(window(300), CLAIMS, nightly(counts))
    scaled = judge_one(window(300), CLAIMS, nightly(counts * factor))

    assert (once.verdict, once.placebo_percentile) == (scaled.verdict, scaled.placebo_percentile)


def test_exchanging_the_parties_mirrors_the_answer() -> None:
    """The same series under the other party's name gives the same verdict, with the claimant exchanged."""
    mirrored = msgspec.structs.replace(CLAIMS, actor="B", claimant="A")
    series = nightly(ordinary_counts(9))
    answer, other = judge_one(window(300), CLAIMS, series), judge_one(window(300), mirrored, series)

    expected = msgspec.structs.replace(
        answer, claimants=("A",), reason=answer.reason.replace("claims of B", "claims of A")
    )

    assert expected == other


def test_other_truces_are_not_ordinary_days() -> None:
    """Days in another declared window neither set the reference nor count as ordinary windows."""
    counts = np.maximum(ordinary_counts(10), 5)
    counts[150:196] = 0
    counts[200:202] = 0
    other = TimeSpan(start=START + timedelta(days=150), end=START + timedelta(days=196))

    answer = judge_one(window(200), CLAIMS, nightly(counts), (other, window(200).span))

    assert "held" == answer.verdict
    assert answer.expected_low_count is not None
    assert answer.expected_low_count > 0


def test_the_clock_is_the_theatres() -> None:
    """Reference windows keep the hour of the wall clock across a change of summer time."""
    counts = np.maximum(ordinary_counts(11), 5)
    asked = window(100.0)
    answers = [
        judge(
            asked,
            [CLAIMS],
            evidence={"long": DomainEvidence(series=nightly(counts))},
            timezone_name=name,
            method=AdherenceMethod(),
        )[0]
        for name in ("UTC", "Europe/Kyiv")
    ]

    assert answers[0].observed_count == answers[1].observed_count
    assert answers[0].expected_count == pytest.approx(answers[1].expected_count, rel=0.25)


def test_a_domain_without_any_evidence_is_insufficient() -> None:
    """A domain asked of which nothing at all is known is answered, not refused."""
    answer = judge(window(1), [CLAIMS], evidence={}, timezone_name="UTC")[0]

    assert "insufficient_evidence" == answer.verdict


@pytest.mark.parametrize("hours", [1.0, 24.0, 48.0])
def test_the_hour_that_comes_twice_moves_no_window(hours: float) -> None:
    """The window judged is the one asked for, also where its end is an hour that the clock shows twice."""
    start = datetime(2030, 10, 27, 0, 30, tzinfo=UTC)
    asked = msgspec.structs.replace(window(0), span=TimeSpan(start=start, end=start + timedelta(hours=hours)))
    series = nightly(np.full(DAYS_COUNT, 24))
    edges = np.array([seconds_of(asked.span.start)]), np.array([seconds_of(asked.span.end)])

    answer = judge(asked, [CLAIMS], evidence={"long": DomainEvidence(series=series)}, timezone_name="Europe/Kyiv")[0]

    assert answer.observed_count == pytest.approx(float(series.counted(*edges).count[0]), abs=0.01)


def test_references_and_ordinary_windows_never_overlap_the_window() -> None:
    """A window of many days is compared with days outside it; its own quiet neither sets the reference nor is one."""
    counts = np.maximum(ordinary_counts(14), 5)
    counts[200:214] = 0

    answer = judge_one(window(200, hours=14 * 24.0), CLAIMS, nightly(counts))

    assert "held" == answer.verdict
    assert answer.expected_low_count is not None
    assert answer.expected_low_count > 300


def test_days_close_to_the_window_are_not_ordinary() -> None:
    """A quiet week on either side of a truce is not taken for ordinary days."""
    counts = np.full(DAYS_COUNT, 30)
    counts[195:207] = 0

    answer = judge_one(window(200, hours=24.0), CLAIMS, nightly(counts))

    assert (answer.verdict, answer.placebo_percentile) == ("held", 0.0)


def test_only_windows_of_a_comparable_level_are_ordinary() -> None:
    """Silence in a time when raids were rare says nothing about silence in a time when they are heavy."""
    counts = np.full(DAYS_COUNT, 100)
    counts[:150] = np.where(np.arange(150) % 3 == 0, 0, 4)
    counts[350] = 0

    answer = judge_one(window(350, hours=24.0), CLAIMS, nightly(counts))

    assert "held" == answer.verdict


def test_the_reference_is_the_recent_past() -> None:
    """Windows further back than the reach are no reference: after a long gap nothing can be said."""
    counts = np.full(DAYS_COUNT, 30)
    truce = TimeSpan(start=START + timedelta(days=205), end=START + timedelta(days=299))

    answer = judge_one(window(299, hours=24.0), CLAIMS, nightly(counts), (truce,))

    assert "insufficient_evidence" == answer.verdict
    assert "reference windows" in answer.reason


def test_a_reference_that_is_often_silent_supports_nothing() -> None:
    """Silence after weeks in which one night in four was silent is no truce, however rare silence is in the year."""
    counts = np.full(DAYS_COUNT, 30)
    counts[172:200:4] = 0
    counts[200] = 0

    answer = judge_one(window(200, hours=24.0), CLAIMS, nightly(counts))

    assert "insufficient_evidence" == answer.verdict
    assert "the reference itself is that low" in answer.reason


@given(st.integers(1, 400), st.floats(0, 1))
def test_no_window_is_rarer_than_its_sample_allows(count: int, percentile: float) -> None:
    """Counting itself, a window's probability is never zero, and keeps its order."""
    assert 0.5 / (count + 1) <= rank_probability(percentile, count) <= (count + 0.5) / (count + 1)


def test_an_undefined_domain_is_answered_not_refused() -> None:
    """A domain the theatre does not define cannot be told, and the answer says so."""
    answer = undefined_domain(window(1), "naval")

    assert ("naval", "insufficient_evidence") == (answer.domain, answer.verdict)


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.floats(0, 1), max_size=8), st.floats(0.01, 0.2))
def test_discoveries_are_those_of_the_published_procedure(percentiles: dict[str, float], rate: float) -> None:
    """The set found is the largest k with p(k) <= k q / m, taken from below."""
    values = sorted(percentiles.values())
    largest = max((k for k in range(1, len(values) + 1) if values[k - 1] <= k * rate / len(values)), default=0)

    assert largest == len(discoveries(percentiles, rate_share=rate))


@given(st.lists(st.floats(0, 5), min_size=1, max_size=30), st.floats(0, 5))
def test_a_mid_percentile_and_its_mirror_sum_to_one(sample: list[float], value: float) -> None:
    """The share below and the share above, ties halved, make one."""
    there = np.array(sample)

    assert 1.0 == pytest.approx(mid_percentile_share(there, value) + mid_percentile_share(-there, -value))


@given(st.floats(0.0, 1.0))
def test_the_elasticity_is_found(elasticity: float) -> None:
    """Where counts follow the volume by a power, that power is what is estimated."""
    log_volume = np.linspace(-0.5, 0.5, 41)

    assert elasticity == pytest.approx(volume_elasticity(elasticity * log_volume, log_volume), abs=1e-9)


def test_without_any_change_of_volume_the_elasticity_is_zero() -> None:
    """Nothing can be learnt from a volume that never moves."""
    assert volume_elasticity(np.ones(5), np.zeros(5)) == pytest.approx(0.0)
