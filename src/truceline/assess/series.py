"""Counts over any window of time, from claims with spans or from reports with days; whole columns at once."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from truceline.model.agreement import Domain

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CLAIM_SPAN_LEAST_S = 600.0
HOUR_S = 3600.0
DAY_S = 86400.0
DAY_EDGE_MAX_S = DAY_S + HOUR_S
"""From a window's edge to the middle of the nearest day counted: more, and a day is missing (one of 25 hours fits)."""
SILENCE_MAX_S = 7 * DAY_S
"""A claimant without any bulletin for longer than this is not reporting; its silence is not to be read as quiet."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What a series holds in each of n windows: arrays of shape (n,).

    `count` is what the domain counts, `volume` all the feed wrote, `exposure_days` the days watched, and `covered`
    whether the series reaches over the whole window; where it does not, the count is not to be read as quiet.
    """

    count: Floats
    volume: Floats
    exposure_days: Floats
    covered: Bools


class BulletinReach:
    """What a claimant's bulletins of any kind reach over: from the first to the last, less the long silences."""

    def __init__(self, start_s: Floats, end_s: Floats) -> None:
        """Take the spans of all bulletins (seconds since 1970, shape (n,), at least one)."""
        order = np.argsort(start_s, kind="stable")
        until_s = np.maximum.accumulate(end_s[order])
        silent = start_s[order][1:] - until_s[:-1] > SILENCE_MAX_S
        self.first_s, self.last_s = float(start_s.min()), float(until_s[-1])
        self._silence_start_s, self._silence_end_s = until_s[:-1][silent], start_s[order][1:][silent]

    def covers(self, start_s: Floats, end_s: Floats) -> Bools:
        """Say for each window [start_s, end_s) whether the bulletins reach over all of it."""
        begun = np.searchsorted(self._silence_start_s, end_s, side="left")
        ended = np.searchsorted(self._silence_end_s, start_s, side="right")
        return np.asarray((start_s >= self.first_s) & (end_s <= self.last_s) & (begun == ended))


class ClaimSeries:
    """Claims of one claimant about one party: each number spread evenly over the span it speaks of.

    A claim with stated times covers them. A claim known only by when it was posted covers the time back to the post
    before it, at most `coverage_hours`. Counts over windows are exact integrals of that piecewise constant intensity.
    """

    def __init__(self, *, start_s: Floats, end_s: Floats, count: Floats, stated: Bools, reach: BulletinReach):
        """Hold spans (seconds since 1970, shape (n,)), numbers claimed, and what the bulletins reach over."""
        order = np.lexsort((end_s, start_s))
        self.start_s = start_s[order]
        self.end_s = np.maximum(end_s[order], self.start_s + CLAIM_SPAN_LEAST_S)
        self.claim_count = count[order]
        self.stated = stated[order]
        self.reach = reach
        rate = self.claim_count / (self.end_s - self.start_s)
        times = np.concatenate([self.start_s, self.end_s])
        steps = np.concatenate([rate, -rate])
        knots = np.argsort(times, kind="stable")
        self._knot_s = times[knots]
        slope = np.cumsum(steps[knots])
        self._cumulative = np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(self._knot_s))])

    def counted(self, start_s: Floats, end_s: Floats) -> Counted:
        """Count what was claimed inside each window [start_s, end_s)."""
        if self._knot_s.size == 0:
            count = np.zeros_like(start_s)
        else:
            high = np.interp(end_s, self._knot_s, self._cumulative)
            count = np.maximum(high - np.interp(start_s, self._knot_s, self._cumulative), 0.0)
        covered = self.reach.covers(start_s, end_s)
        rounded = np.where(count < 1e-6, 0.0, count)
        return Counted(
            count=rounded, volume=np.ones_like(count), exposure_days=(end_s - start_s) / DAY_S, covered=covered
        )

    def first_between(self, start_s: float, end_s: float) -> tuple[float, bool] | None:
        """Give the start of the first claim that begins in [start_s, end_s), and whether its time was stated.

        A claim that only names its day or its posting gives way to one with a stated time within a day after it.
        """
        inside = (self.start_s >= start_s) & (self.start_s < end_s) & (self.claim_count > 0)
        if not inside.any():
            return None
        first_s = float(self.start_s[inside].min())
        stated = inside & self.stated & (self.start_s <= first_s + DAY_S)
        return (float(self.start_s[stated].min()), True) if stated.any() else (first_s, False)


class ReportSeries:
    """Reports per local day: those the domain counts and all that were written; a day without any is not covered."""

    def __init__(self, *, day_start_s: Floats, day_end_s: Floats, count: Floats, volume: Floats):
        """Hold days (seconds since 1970, ascending, shape (n,)) with their counts."""
        self.day_start_s = day_start_s
        self.day_end_s = day_end_s
        self._count = np.concatenate([[0.0], np.cumsum(count)])
        self._volume = np.concatenate([[0.0], np.cumsum(volume)])
        self._middle_s = (day_start_s + day_end_s) / 2
        self.daily_count = count

    def counted(self, start_s: Floats, end_s: Floats) -> Counted:
        """Count the reports of the days at least half inside each window: the hour of a report is not an event's."""
        first = np.searchsorted(self._middle_s, start_s, side="left")
        last = np.maximum(np.searchsorted(self._middle_s, end_s, side="left"), first)
        days = (last - first).astype(np.float64)
        return Counted(
            count=self._count[last] - self._count[first],
            volume=self._volume[last] - self._volume[first],
            exposure_days=days,
            covered=(days > 0) & self._unbroken(first, last) & self._reaches(first, last, start_s, end_s),
        )

    def _reaches(
        self, first: npt.NDArray[np.int64], last: npt.NDArray[np.int64], start_s: Floats, end_s: Floats
    ) -> Bools:
        """Say that no day is missing at either edge; a window under half a day cannot be told by days."""
        size = self._middle_s.size
        early = self._middle_s[np.clip(first, 0, size - 1)] - start_s <= DAY_EDGE_MAX_S
        late = end_s - self._middle_s[np.clip(last - 1, 0, size - 1)] <= DAY_EDGE_MAX_S
        return np.asarray(early & late & (end_s - start_s >= DAY_S / 2))

    def _unbroken(self, first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]) -> Bools:
        gap_s = self.day_start_s[1:] - self.day_end_s[:-1]
        gaps_before = np.concatenate([[0], np.cumsum(gap_s > HOUR_S), [np.count_nonzero(gap_s > HOUR_S)]])
        size = self.day_start_s.size
        low = gaps_before[np.clip(first, 0, size - 1)]
        return np.asarray(gaps_before[np.clip(last - 1, 0, size - 1)] == low)

    def first_between(self, start_s: float, end_s: float) -> tuple[float, bool] | None:
        """Give the start of the first day inside [start_s, end_s) with a counted report; its hour is never known."""
        inside = (self._middle_s >= start_s) & (self._middle_s < end_s) & (self.daily_count > 0)
        return (max(float(self.day_start_s[inside].min()), start_s), False) if inside.any() else None


Series = ClaimSeries | ReportSeries


def series_of(domain: Domain, observations: pa.Table) -> Series | None:
    """Build a domain's series from an observation table, or give `None` where the table holds nothing of it."""
    if domain.series == "media_report":
        return _report_series(domain, observations)
    return _claim_series(domain, observations)


def seconds_of(moment: datetime) -> float:
    """Turn an aware time into seconds since 1970."""
    return moment.timestamp()


def moment_of(moment_s: float) -> datetime:
    """Turn seconds since 1970 into an aware time in UTC, to the second."""
    return datetime.fromtimestamp(round(moment_s), tz=UTC)


def _seconds(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.float64) / 1e6


def _report_series(domain: Domain, observations: pa.Table) -> ReportSeries | None:
    reports = observations.filter(pc.equal(observations["kind"], "media_report"))
    if len(reports) == 0 or domain.report_flag is None:
        return None
    kinetic = pc.fill_null(reports["kinetic"], False)
    flagged = pc.cast(pc.and_(kinetic, pc.fill_null(reports[domain.report_flag], False)), pa.float64())
    days = (
        pa.table({"start": reports["phenomenon_start"], "end": reports["phenomenon_end"], "flagged": flagged})
        .group_by("start")
        .aggregate([("flagged", "sum"), ("flagged", "count"), ("end", "max")])
    )
    days = days.sort_by("start")
    return ReportSeries(
        day_start_s=_seconds(days["start"]),
        day_end_s=_seconds(days["end_max"]),
        count=days["flagged_sum"].to_numpy(),
        volume=days["flagged_count"].to_numpy().astype(np.float64),
    )


def _claim_series(domain: Domain, observations: pa.Table) -> ClaimSeries | None:
    of_claimant = pc.and_(
        pc.equal(observations["kind"], "party_claim"), pc.equal(observations["claimant"], domain.claimant or "")
    )
    bulletins = observations.filter(pc.fill_null(of_claimant, False))
    if domain.actor is not None:
        bulletins = bulletins.filter(pc.equal(bulletins["actor"], domain.actor))
    if len(bulletins) == 0:
        return None
    stated = bulletins["time_is_stated"].to_numpy(zero_copy_only=False).astype(bool)
    start_s, end_s = _claim_spans(bulletins, stated, domain.coverage_hours)
    reach = BulletinReach(start_s, end_s)
    counts = [bulletins["launched_count"], bulletins["destroyed_count"]]
    if domain.measure == "destroyed":
        counts.reverse()
    count = pc.fill_null(pc.coalesce(*counts), 0.0).to_numpy()
    wanted = np.asarray(pc.is_in(bulletins["weapon_class"], pa.array(domain.weapon_classes, pa.string())))
    return ClaimSeries(
        start_s=start_s[wanted], end_s=end_s[wanted], count=count[wanted], stated=stated[wanted], reach=reach
    )


def _claim_spans(bulletins: pa.Table, stated: Bools, coverage_hours: float | None) -> tuple[Floats, Floats]:
    """Give each claim its span: stated, or from the post before it (at most `coverage_hours`) to its own posting."""
    start_s, end_s = _seconds(bulletins["phenomenon_start"]), _seconds(bulletins["phenomenon_end"])
    if coverage_hours is None:
        return start_s, end_s
    instant = (end_s <= start_s) & ~stated
    posted_s = np.unique(end_s[instant])
    before = np.searchsorted(posted_s, end_s, side="left") - 1
    previous_s = np.where(before >= 0, posted_s[np.maximum(before, 0)], -np.inf) if posted_s.size else -np.inf
    reach_s = np.maximum(end_s - coverage_hours * HOUR_S, previous_s)
    return np.where(instant, reach_s, start_s), end_s
