"""Laws of the daily report's builder: periods, sums, comparison, coverage and the mirror between parties."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, timedelta

import pytest
from hypothesis import given
from hypothesis.strategies import dates, floats, integers

from truceline.model.quantity import Count
from truceline.report import ReportInput, build_daily_report
from truceline.report.counts import add_counts, count_words, poisson_interval, rate_difference, signed
from truceline.report.period import ReportClock, issue_of

Maker = Callable[..., ReportInput]
CLOCK = ReportClock(timezone_name="Europe/Kyiv", evening_cutoff_hour=19.5)


def test_an_issue_runs_from_evening_to_evening() -> None:
    """Saturday's issue covers 19:30 on Friday to 19:30 on Saturday of the theatre's clock, kept in UTC."""
    issue = issue_of(date(2025, 4, 19), CLOCK)

    assert [period.label for period in issue.periods] == ["Between the evenings of 18 and 19 April 2025"]
    assert issue.periods[0].span.start.isoformat() == "2025-04-18T16:30:00+00:00"
    assert issue.periods[0].span.end.isoformat() == "2025-04-19T16:30:00+00:00"


def test_mondays_issue_has_two_sub_periods() -> None:
    """Monday covers Sunday as well, and is compared with Saturday."""
    issue = issue_of(date(2025, 4, 21), CLOCK)

    assert [period.day.day for period in issue.periods] == [20, 21]
    assert [period.day.day for period in issue.previous_periods] == [19]


@given(day=dates(date(2000, 1, 1), date(2099, 12, 30)))
def test_issues_leave_no_gap(day: date) -> None:
    """Every issue begins where the one before it ended, whatever the clocks did."""
    issue = issue_of(day, CLOCK)

    assert issue.previous_periods[-1].span.end == issue.periods[0].span.start
    assert all(a.span.end == b.span.start for a, b in zip(issue.periods, issue.periods[1:], strict=False))
    assert all(period.span.start.tzinfo is UTC for period in issue.periods)


@given(year=integers(2000, 2099))
def test_issue_numbers_count_issues_not_days(year: int) -> None:
    """From one working issue to the next the number rises by one, and the first of the year is 1."""
    days = [date(year, 1, 1) + timedelta(days=index) for index in range(365)]
    numbers = [issue_of(day, CLOCK).number_count for day in days if day.weekday() != 6]

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(("day", "hours"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25), (date(2025, 4, 19), 24)])
def test_days_on_which_clocks_change_have_their_true_length(made_up_input: Maker, day: date, hours: int) -> None:
    """A day of 23 or 25 hours gets that many bars and that many hours of coverage."""
    report = build_daily_report(made_up_input(day))

    assert len(report.timelines[0].hours) == hours
    assert len(report.coverages[0].hour_labels) == hours


@pytest.mark.parametrize("day", [19, 20, 21])
def test_parts_add_up_to_the_whole(made_up_input: Maker, day: int) -> None:
    """Areas, hours, kinds, parties and maps each account for every event of the issue."""
    report = build_daily_report(made_up_input(date(2025, 4, day)))
    whole = report.total.event_count

    assert whole > 0
    assert whole == sum(row.tally.event_count for table in report.tables for row in table.rows)
    assert whole == sum(timeline.event_count for timeline in report.timelines)
    assert whole == sum(row.event_count for row in report.kinds)
    assert whole == sum(row.event_count for row in report.attribution.rows)
    assert whole == sum(picture.shown_count + picture.outside_count for picture in report.maps)


def test_an_event_stands_in_one_issue_only(made_up_input: Maker) -> None:
    """Issues that follow one another share no event and lose none."""
    given = made_up_input()
    seen = [event.event_id for day in (17, 18, 19, 21) for event in _events(made_up_input, day)]

    assert len(seen) == len(set(seen))
    assert len(given.events) == len(seen)


def _events(made_up_input: Maker, day: int) -> list[object]:
    return list(build_daily_report(made_up_input(date(2025, 4, day))).events)


def test_points_outside_the_map_are_counted_not_drawn(made_up_input: Maker) -> None:
    """An event far away is said to be outside and does not move to the edge."""
    reports = [build_daily_report(made_up_input(date(2025, 4, day))) for day in (17, 18, 19, 21)]
    pictures = [picture for report in reports for picture in report.maps]

    assert sum(picture.outside_count for picture in pictures) > 0
    assert all(0 <= circle.x_px <= picture.width_px for picture in pictures for circle in picture.circles)


def test_a_map_without_a_line_says_so(made_up_input: Maker) -> None:
    """Where no line was received, none is drawn and the words say it."""
    picture = build_daily_report(made_up_input(lines=())).maps[0]

    assert (picture.line_path, picture.belts) == ("", ())
    assert picture.line_words.startswith("No contact line")


def test_a_day_without_data_is_not_observed(made_up_input: Maker) -> None:
    """Nothing received gives an issue that says 'not observed' and shows no hour as watched."""
    report = build_daily_report(made_up_input(event_count=0, watches=(), files=(), lines=(), bounds=None))

    assert not report.observed
    assert report.summary[0].startswith("Not observed")
    assert set(report.coverages[0].any_states) == {"not known"}


def test_an_outage_is_not_watched_and_silence_is_not_known(made_up_input: Maker) -> None:
    """The three states of an hour keep apart: delivered, reported dark, and nothing heard."""
    row = build_daily_report(made_up_input()).coverages[0].rows[0]

    assert (row.watched_count, row.not_watched_count, row.not_known_count) == (11, 3, 10)


def test_exchanging_the_parties_mirrors_the_report(made_up_input: Maker) -> None:
    """With the parties' names exchanged every number stands under the other name, and nothing else changes."""
    straight = build_daily_report(made_up_input(parties=("Northland", "Southland")))
    mirrored = build_daily_report(made_up_input(parties=("Southland", "Northland")))

    def rows(report: object) -> dict[str, tuple[int, int]]:
        return {row.party: (row.event_count, row.potential_count) for row in report.attribution.rows}

    exchanged = {"Northland": "Southland", "Southland": "Northland", "undetermined": "undetermined"}
    assert rows(straight) == {exchanged[party]: counts for party, counts in rows(mirrored).items()}
    assert straight.tables == mirrored.tables
    assert straight.comparison == mirrored.comparison


def test_the_order_of_events_does_not_matter(made_up_input: Maker) -> None:
    """The same events in another order give the same issue."""
    given = made_up_input()
    turned = made_up_input(events=tuple(reversed(given.events)))

    assert build_daily_report(given) == build_daily_report(turned)


def test_an_event_cleared_for_another_audience_is_refused(made_up_input: Maker) -> None:
    """A public issue cannot be made from records that were cleared for the mission."""
    mission = made_up_input()

    with pytest.raises(ValueError, match="cleared for mission"):
        made_up_input(audience="public", events=mission.events)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (Count(low_count=12, high_count=12), "12"),
        (Count(low_count=12, high_count=12, approximate=True), "about 12"),
        (Count(low_count=12, high_count=None), "at least 12"),
        (Count(low_count=12, high_count=15), "12–15"),
        (Count(low_count=0, high_count=None), "number not known"),
        (Count(low_count=1234, high_count=1234), "1\u202f234"),
    ],
)
def test_counts_keep_their_wording(count: Count, words: str) -> None:
    """A count is written as exactly as it is known and no more so."""
    assert words == count_words(count)


def test_sums_keep_the_weakest_wording() -> None:
    """One count without an upper limit leaves the sum without one, and one 'about' makes it 'about'."""
    total = add_counts([Count(low_count=3, high_count=3), Count(low_count=2, high_count=None, approximate=True)])

    assert count_words(total) == "at least about 5"


@given(now=integers(0, 5000), before=integers(0, 5000), now_days=floats(0.5, 3.0), before_days=floats(0.5, 3.0))
def test_a_difference_lies_in_its_interval_and_turns_its_sign(
    now: int, before: int, now_days: float, before_days: float
) -> None:
    """The interval holds the difference; exchanging the periods exchanges its limits with their signs."""
    there = rate_difference(now, before, now_days=now_days, before_days=before_days)
    back = rate_difference(before, now, now_days=before_days, before_days=now_days)

    assert there.low_per_day <= there.difference_per_day <= there.high_per_day
    assert there.low_per_day == pytest.approx(-back.high_per_day)
    assert there.is_clear == back.is_clear


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.025, 5.572), (10, 4.795, 18.39), (100, 81.36, 121.6)]
)
def test_poisson_limits_agree_with_the_exact_ones(count: int, low: float, high: float) -> None:
    """Byar's limits are within a tenth of the exact ones (Garwood's table)."""
    found = poisson_interval(count)

    assert found == pytest.approx((low, high), abs=0.1)


@pytest.mark.parametrize(("number", "words"), [(0.0, "0"), (0.04, "0"), (-3.25, "−3.2"), (12.4, "+12")])
def test_signed_numbers_never_write_minus_zero(number: float, words: str) -> None:
    """A number that rounds to nothing carries no sign."""
    assert words == signed(number)
