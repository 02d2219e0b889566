"""Did the truce hold: a window's count against same-clock windows before it and ordinary windows around it.

The method, its equations and what it cannot do stand in `docs/method/adherence.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt

from truceline.assess.series import DAY_S, Bools, Counted, Floats, Series, moment_of, seconds_of
from truceline.model.adherence import Adherence, Verdict
from truceline.model.agreement import Domain, TruceWindow
from truceline.model.quantity import TimeSpan

Days = npt.NDArray[np.int64]


class AdherenceMethod(msgspec.Struct, frozen=True, kw_only=True):
    """Every number the verdict depends on, in one place."""

    reference_windows_count: int = 28
    reference_windows_least_count: int = 14
    reference_reach_days: int = 84
    placebo_reach_days: int = 365
    placebo_reach_lengths_count: int = 18
    placebo_least_count: int = 50
    placebo_margin_days: int = 7
    comparable_ratios: tuple[float, ...] = (2.0, 4.0)
    held_percentile_share: float = 0.02
    reduced_percentile_share: float = 0.05
    held_ratio: float = 0.1
    reduced_ratio: float = 0.7
    reference_low_share: float = 0.25
    resumption_reach_days: int = 14
    discovery_rate_share: float = 0.05

    def reach_days(self, length_days: int) -> int:
        """Give how far ordinary windows may lie from one of a length: a year, and for long ones many lengths."""
        return max(self.placebo_reach_days, self.placebo_reach_lengths_count * length_days)


OUT_OF_SCOPE_REASON = "the text does not cover this domain"
ELASTICITY_LEAST_RATIO = 0.005
DEFAULT_METHOD = AdherenceMethod()


class DomainEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one domain: its series, and other declared windows that cover it (no day there is ordinary)."""

    series: Series | None
    truces: tuple[TimeSpan, ...] = ()


NO_EVIDENCE = DomainEvidence(series=None)


class _Shifted(msgspec.Struct, frozen=True, kw_only=True):
    """The same-clock windows around one window: shift in days, and what the series holds in each."""

    shift_days: Days
    counted: Counted
    usable: Bools
    ordinary: Bools
    step_days: int


class _References(msgspec.Struct, frozen=True, kw_only=True):
    """Per shifted window: median count and volume a day of its reference windows, and its own against them."""

    shift_days: Days
    expected: Floats
    log_count_ratio: Floats
    log_volume_ratio: Floats
    valid: Bools


class _Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the verdict on one domain is read from; counts are those of the window, shares those of other windows."""

    domain: Domain
    observed_count: float
    expected_count: float
    expected_low_count: float
    expected_high_count: float
    ratio: float | None
    percentile: float | None
    silence_percentile: float | None
    placebo_count: int
    reference_count: int
    reference_low_share: float
    elasticity: float
    resumption: tuple[datetime, bool] | None


def judge(
    window: TruceWindow,
    domains: Sequence[Domain],
    *,
    evidence: Mapping[str, DomainEvidence],
    timezone_name: str,
    method: AdherenceMethod = DEFAULT_METHOD,
) -> list[Adherence]:
    """Say for each domain whether conduct stopped in the window, or that it cannot be told; in the order asked.

    `evidence` is keyed by domain id; a domain without any is answered as such. Method: ratio of the window's count to
    the median of same-clock windows before it (normalised by reporting volume where the series is reports), and the
    share of ordinary windows with a ratio as low (mid-p, Lancaster 1961). Several domains of one window are several
    questions: an effect must also stand at a false discovery rate (Benjamini and Hochberg 1995, procedure 1).
    """
    readings = {
        domain.domain_id: _read(
            window,
            domain,
            evidence=evidence.get(domain.domain_id, NO_EVIDENCE),
            timezone_name=timezone_name,
            method=method,
        )
        for domain in domains
    }
    probabilities = {
        domain_id: rank_probability(reading.percentile, reading.placebo_count)
        for domain_id, reading in readings.items()
        if isinstance(reading, _Reading) and reading.percentile is not None and domain_id in window.covered_domain_ids
    }
    discovered = discoveries(probabilities, rate_share=method.discovery_rate_share)
    return [
        _answer(window, domain, readings[domain.domain_id], domain.domain_id in discovered, method)
        for domain in domains
    ]


def undefined_domain(window: TruceWindow, domain_id: str) -> Adherence:
    """Answer for a domain that the theatre does not define: it cannot be told."""
    reason = "this theatre defines no such domain, so no series is known for it"
    return _without_numbers(window, domain_id, (), "insufficient_evidence", reason)


def discoveries(probabilities: Mapping[str, float], *, rate_share: float) -> frozenset[str]:
    """Give the names whose probability stands at a false discovery rate (Benjamini and Hochberg 1995, procedure 1)."""
    ordered = sorted(probabilities, key=lambda name: (probabilities[name], name))
    passed = [
        rank for rank, name in enumerate(ordered, start=1) if probabilities[name] <= rank * rate_share / len(ordered)
    ]
    return frozenset(ordered[: max(passed, default=0)])


def _answer(
    window: TruceWindow, domain: Domain, reading: _Reading | str, discovered: bool, method: AdherenceMethod
) -> Adherence:
    covered = domain.domain_id in window.covered_domain_ids
    if isinstance(reading, str):
        if covered:
            return _without_numbers(window, domain.domain_id, _claimants(domain), "insufficient_evidence", reading)
        return _without_numbers(window, domain.domain_id, _claimants(domain), "out_of_scope", OUT_OF_SCOPE_REASON)
    verdict, reason = _verdict(reading, discovered, method)
    if not covered:
        verdict, reason = "out_of_scope", f"{OUT_OF_SCOPE_REASON}; {reason}"
    return Adherence(
        window_id=window.window_id,
        domain=domain.domain_id,
        verdict=verdict,
        observed_count=round(reading.observed_count, 2),
        expected_count=round(reading.expected_count, 2),
        expected_low_count=round(reading.expected_low_count, 2),
        expected_high_count=round(reading.expected_high_count, 2),
        ratio=None if reading.ratio is None else round(reading.ratio, 4),
        placebo_percentile=None if reading.percentile is None else round(reading.percentile, 4),
        resumption_utc=None if reading.resumption is None else reading.resumption[0],
        claimants=_claimants(domain),
        reason="; ".join([reason, *_notes(domain, reading)]),
    )


def _claimants(domain: Domain) -> tuple[str, ...]:
    return (domain.claimant,) if domain.claimant else ("media",)


def _without_numbers(
    window: TruceWindow, domain_id: str, claimants: tuple[str, ...], verdict: Verdict, reason: str
) -> Adherence:
    return Adherence(
        window_id=window.window_id,
        domain=domain_id,
        verdict=verdict,
        observed_count=None,
        expected_count=None,
        expected_low_count=None,
        expected_high_count=None,
        ratio=None,
        placebo_percentile=None,
        resumption_utc=None,
        claimants=claimants,
        reason=reason,
    )


def _local_shift(moment: datetime, shift_days: Days, zone: ZoneInfo) -> Floats:
    """Move a time by whole days on the wall clock of a zone, across changes of summer time; by none, not at all."""
    local = moment.astimezone(zone).replace(tzinfo=None)
    moved = [
        (local + timedelta(days=int(days))).replace(tzinfo=zone).astimezone(UTC) if days else moment
        for days in shift_days
    ]
    return np.array([seconds_of(entry) for entry in moved])


def _shifted_windows(
    window: TruceWindow, series: Series, *, truces: Sequence[TimeSpan], timezone_name: str, method: AdherenceMethod
) -> _Shifted:
    step_days = max(int(np.ceil(window.span.duration_s / DAY_S - 1e-9)), 1)
    reach = method.reach_days(step_days)
    shift_days = np.arange(-reach - step_days - method.reference_reach_days, reach + 1)
    zone = ZoneInfo(timezone_name)
    start_s = _local_shift(window.span.start, shift_days, zone)
    end_s = _local_shift(window.span.end, shift_days, zone)
    counted = series.counted(start_s, end_s)
    clear = np.ones(shift_days.size, dtype=np.bool_)
    ordinary = np.abs(shift_days) >= step_days + method.placebo_margin_days
    for truce in truces:
        low_s, high_s = seconds_of(truce.start), seconds_of(truce.end)
        margin_s = method.placebo_margin_days * DAY_S
        if truce != window.span:
            clear &= (end_s <= low_s) | (start_s >= high_s)
        ordinary &= (end_s <= low_s - margin_s) | (start_s >= high_s + margin_s)
    own_start_s, own_end_s = seconds_of(window.span.start), seconds_of(window.span.end)
    own = (start_s < own_end_s) & (end_s > own_start_s)
    return _Shifted(
        shift_days=shift_days,
        counted=counted,
        usable=counted.covered & clear & ~own,
        ordinary=counted.covered & ordinary,
        step_days=step_days,
    )


def _reference_rows(shifted: _Shifted, method: AdherenceMethod) -> tuple[Days, Bools]:
    """For every window, the rows of its newest usable windows that end before it: indices and which are there.

    Shapes (n, reference_windows_count); none reaches back further than `reference_reach_days`.
    """
    usable_rows = np.flatnonzero(shifted.usable)
    newest = np.arange(shifted.shift_days.size) - shifted.step_days
    stop = np.searchsorted(usable_rows, newest, side="right")
    columns = stop[:, None] - 1 - np.arange(method.reference_windows_count)[None, :]
    there = columns >= 0
    rows = usable_rows[np.maximum(columns, 0)] if usable_rows.size else np.zeros_like(columns)
    there &= newest[:, None] - rows < method.reference_reach_days
    return rows, there & (usable_rows.size > 0)


def _references(shifted: _Shifted, method: AdherenceMethod) -> _References:
    counted = shifted.counted
    days = np.maximum(counted.exposure_days, 1e-9)
    daily, volume = counted.count / days, counted.volume / days
    rows, there = _reference_rows(shifted, method)
    enough = there.sum(axis=1) >= method.reference_windows_least_count
    expected, usual_volume = np.zeros(daily.size), np.ones(daily.size)
    if enough.any():
        expected[enough] = np.nanmedian(np.where(there, daily[rows], np.nan)[enough], axis=1)
        usual_volume[enough] = np.nanmedian(np.where(there, volume[rows], np.nan)[enough], axis=1)
    valid = enough & (expected > 0) & (usual_volume > 0) & counted.covered
    safe = np.where(valid, expected, 1.0)
    with np.errstate(divide="ignore"):
        log_count_ratio = np.log(daily / safe)
        log_volume_ratio = np.log(np.maximum(volume, 1e-9) / np.where(valid, usual_volume, 1.0))
    return _References(
        shift_days=shifted.shift_days,
        expected=expected,
        log_count_ratio=log_count_ratio,
        log_volume_ratio=log_volume_ratio,
        valid=valid,
    )


def _placebo_rows(
    references: _References, shifted: _Shifted, here: int, method: AdherenceMethod
) -> npt.NDArray[np.int64]:
    """Choose ordinary windows whose own reference is of a comparable level; fewer than the least means none will do."""
    near = np.abs(references.shift_days) <= method.reach_days(shifted.step_days)
    candidates = references.valid & shifted.ordinary & near
    level = np.zeros(references.expected.size)
    np.log(references.expected / references.expected[here], out=level, where=candidates)
    for comparable_ratio in method.comparable_ratios:
        rows = np.flatnonzero(candidates & (np.abs(level) <= np.log(comparable_ratio)))
        if rows.size >= method.placebo_least_count:
            return rows
    return np.flatnonzero(candidates)


def volume_elasticity(log_count_ratio: Floats, log_volume_ratio: Floats, *, floor_ratio: float = 0.05) -> float:
    """Estimate how a series moves with reporting volume: least squares through the origin, held inside [0, 1].

    Both arrays have shape (n,); windows with a count of zero enter at `floor_ratio`.
    """
    floored = np.maximum(log_count_ratio, np.log(floor_ratio))
    power = float(log_volume_ratio @ log_volume_ratio)
    return 0.0 if power <= 0 else float(np.clip(floored @ log_volume_ratio / power, 0.0, 1.0))


def rank_probability(percentile_share: float, sample_count: int) -> float:
    """Give the probability under chance of a percentile this low, counting the window itself among the sample.

    Without itself a window could have a probability of 0 (Phipson and Smyth 2010, on permutation p-values).
    """
    return (percentile_share * sample_count + 0.5) / (sample_count + 1)


def mid_percentile_share(sample: Floats, value_ratio: float) -> float:
    """Give the share of a sample below a value, ties counted half."""
    below = np.count_nonzero(sample < value_ratio - 1e-9)
    equal = np.count_nonzero(np.abs(sample - value_ratio) <= 1e-9)
    return float(below + 0.5 * equal) / sample.size


def _read(
    window: TruceWindow,
    domain: Domain,
    *,
    evidence: DomainEvidence,
    timezone_name: str,
    method: AdherenceMethod,
) -> _Reading | str:
    """Read one domain's series for one window, or say why it cannot be read."""
    series, truces = evidence.series, evidence.truces
    if series is None:
        return f"no {domain.series} series of this domain in the data given"
    shifted = _shifted_windows(window, series, truces=truces, timezone_name=timezone_name, method=method)
    here = int(np.flatnonzero(shifted.shift_days == 0)[0])
    if not shifted.counted.covered[here]:
        return "the series does not reach over the whole window"
    references = _references(shifted, method)
    rows, there = _reference_rows(shifted, method)
    days = np.maximum(shifted.counted.exposure_days, 1e-9)
    own_daily = (shifted.counted.count / days)[rows[here][there[here]]]
    compared = _compared(domain, references, shifted, here, method)
    scale = float(days[here]) * compared.volume_factor
    expected = float(references.expected[here])
    low_share = np.mean(own_daily <= method.held_ratio * expected + 1e-9) if own_daily.size else 1.0
    quantiles = np.quantile(own_daily, [0.05, 0.95]) * scale if own_daily.size else np.zeros(2)
    return _Reading(
        domain=domain,
        observed_count=float(shifted.counted.count[here]),
        expected_count=expected * scale,
        expected_low_count=float(quantiles[0]),
        expected_high_count=float(quantiles[1]),
        ratio=compared.ratio,
        percentile=compared.percentile,
        silence_percentile=compared.silence_percentile,
        placebo_count=compared.placebo_count,
        reference_count=int(own_daily.size),
        reference_low_share=float(low_share),
        elasticity=compared.elasticity,
        resumption=_resumption(window, series, method),
    )


class _Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The window beside ordinary windows; `None` where it, or too few of them, can be compared."""

    ratio: float | None
    percentile: float | None
    silence_percentile: float | None
    placebo_count: int
    elasticity: float
    volume_factor: float


def _compared(
    domain: Domain, references: _References, shifted: _Shifted, here: int, method: AdherenceMethod
) -> _Compared:
    if not references.valid[here]:
        return _Compared(
            ratio=None, percentile=None, silence_percentile=None, placebo_count=0, elasticity=0.0, volume_factor=1.0
        )
    placebo = _placebo_rows(references, shifted, here, method)
    elasticity = 0.0
    if domain.volume_normalised:
        elasticity = volume_elasticity(references.log_count_ratio[placebo], references.log_volume_ratio[placebo])
    adjusted = np.exp(references.log_count_ratio - elasticity * references.log_volume_ratio)
    ratio = float(adjusted[here])
    enough = placebo.size >= method.placebo_least_count
    return _Compared(
        ratio=ratio,
        percentile=mid_percentile_share(adjusted[placebo], ratio) if enough else None,
        silence_percentile=mid_percentile_share(adjusted[placebo], 0.0) if enough else None,
        placebo_count=int(placebo.size),
        elasticity=elasticity,
        volume_factor=float(np.exp(elasticity * references.log_volume_ratio[here])),
    )


def _verdict(reading: _Reading, discovered: bool, method: AdherenceMethod) -> tuple[Verdict, str]:
    """Turn a reading into a verdict, or say what is lacking for one."""
    if reading.reference_count < method.reference_windows_least_count:
        return "insufficient_evidence", f"only {reading.reference_count} reference windows before it"
    if reading.ratio is None:
        share = reading.reference_low_share
        return "insufficient_evidence", f"silence proves nothing: the reference itself is zero in {share:.0%} of cases"
    if reading.percentile is None or reading.silence_percentile is None:
        return "insufficient_evidence", f"only {reading.placebo_count} ordinary windows to compare with"
    seen = f"ratio {reading.ratio:.2f}, as low in {reading.percentile:.1%} of {reading.placebo_count} ordinary windows"
    significant = discovered and reading.percentile < method.reduced_percentile_share
    verdict, remark = _verdict_by_ratio(reading, reading.ratio, significant, method)
    return verdict, f"{remark}; {seen}" if remark else seen


def _verdict_by_ratio(
    reading: _Reading, ratio: float, significant: bool, method: AdherenceMethod
) -> tuple[Verdict, str]:
    """Sort by how low the count is; what is low but not rarely so stays insufficient, never `not_held`."""
    assert reading.percentile is not None, "a verdict by ratio needs ordinary windows"
    assert reading.silence_percentile is not None, "a verdict by ratio needs ordinary windows"
    if ratio > method.reduced_ratio:
        return "not_held", ""
    if ratio <= method.held_ratio and reading.reference_low_share >= method.reference_low_share:
        return (
            "insufficient_evidence",
            f"the reference itself is that low in {reading.reference_low_share:.0%} of cases",
        )
    if ratio <= method.held_ratio and significant and reading.percentile < method.held_percentile_share:
        return "held", ""
    if significant:
        return "reduced", "" if ratio > method.held_ratio else "quiet, but not rarely enough to say that it held"
    if ratio <= method.held_ratio:
        return "insufficient_evidence", "quiet, but not rarely so"
    if reading.silence_percentile >= method.reduced_percentile_share:
        return "insufficient_evidence", "even silence would be ordinary here"
    return "not_held", "lower, but within what is ordinary"


def _notes(domain: Domain, reading: _Reading) -> list[str]:
    if domain.series == "media_report":
        return [f"reports of media{_normalised_words(domain, reading)}; times to the day"]
    notes = [f"claims of {domain.claimant}, not observations"]
    if reading.resumption is not None and not reading.resumption[1]:
        notes.append("the time of the first one after is not stated, only bounded")
    return notes


def _normalised_words(domain: Domain, reading: _Reading) -> str:
    if not domain.volume_normalised:
        return ""
    if reading.elasticity < ELASTICITY_LEAST_RATIO:
        return ", not normalised: these have not moved with the volume of all reports"
    return f", normalised by all reports (elasticity {reading.elasticity:.2f})"


def _resumption(window: TruceWindow, series: Series, method: AdherenceMethod) -> tuple[datetime, bool] | None:
    """Give the first breach inside the window or, without one, the first resumption after it; and if it was stated."""
    start_s, end_s = seconds_of(window.span.start), seconds_of(window.span.end)
    first = series.first_between(start_s, end_s)
    if first is None:
        first = series.first_between(end_s, end_s + method.resumption_reach_days * DAY_S)
    return None if first is None else (moment_of(first[0]), first[1])
