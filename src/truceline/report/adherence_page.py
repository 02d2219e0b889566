"""Verdicts on truce windows as one page: word and symbol, observed beside expected, and whose word it rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from truceline.model.adherence import Adherence, Verdict
from truceline.model.agreement import Theatre, TruceWindow
from truceline.report.counts import thousands
from truceline.report.period import ReportClock
from truceline.report.templating import environment, local_words, utc_words

BAR_START_PX = 4.0
BAR_LENGTH_PX = 226.0

VERDICT_WORDS: dict[Verdict, tuple[str, str]] = {
    "held": ("Held", "●"),
    "reduced": ("Reduced", "◐"),
    "not_held": ("Did not hold", "○"),
    "out_of_scope": ("Outside the text", "–"),
    "insufficient_evidence": ("Not enough evidence", "?"),
}
"""Word and symbol of each verdict, so that none rests on colour alone."""


class IntervalBar(msgspec.Struct, frozen=True, kw_only=True):
    """Where dot, tick and band of one bar stand, and the numbers they show as text."""

    observed: str
    expected: str
    low: str
    high: str
    observed_px: float
    expected_px: float
    low_px: float
    width_px: float


class AdherenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One window and domain as it is shown."""

    domain: str
    domain_title: str
    verdict: Verdict
    word: str
    symbol: str
    bar: IntervalBar | None
    ratio: str
    percentile: str
    resumption_local: str
    resumption_utc: str
    claimants: str
    reason: str


class AdherenceGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One window with its rows."""

    heading: str
    caption: str
    rows: tuple[AdherenceRow, ...]


def render_adherence(
    adherences: Sequence[Adherence],
    *,
    windows: Sequence[TruceWindow],
    theatre: Theatre,
    generated_time: datetime,
    synthetic: bool,
    title: str = "Did the truces hold",
) -> str:
    """Give the verdicts as one HTML page that opens offline, one table for each window, in the order given."""
    counts = Counter(entry.verdict for entry in adherences)
    verdict_counts = [(verdict, *VERDICT_WORDS[verdict], counts[verdict]) for verdict in VERDICT_WORDS]
    template = environment(markup=True).get_template("adherence.html.j2")
    return template.render(
        page_title=title,
        theatre_title=theatre.title,
        timezone_name=theatre.timezone_name,
        generated_time=generated_time,
        synthetic=synthetic,
        verdict_counts=[entry for entry in verdict_counts if entry[3]],
        groups=adherence_groups(adherences, windows=windows, theatre=theatre),
    )


def adherence_groups(
    adherences: Sequence[Adherence], *, windows: Sequence[TruceWindow], theatre: Theatre
) -> tuple[AdherenceGroup, ...]:
    """Group verdicts by window, keeping the order in which they came.

    A verdict names its window by id alone, so an id that verdicts name must not stand for two spans.
    """
    clock = ReportClock(timezone_name=theatre.timezone_name, evening_cutoff_hour=theatre.evening_cutoff_hour)
    titles = {domain.domain_id: domain.title for domain in theatre.domains}
    known = _windows_named(windows, {entry.window_id for entry in adherences})
    rows: dict[str, list[AdherenceRow]] = {}
    for entry in adherences:
        rows.setdefault(entry.window_id, []).append(_row(entry, titles.get(entry.domain, entry.domain), clock))
    return tuple(
        AdherenceGroup(heading=window_id, caption=_caption(known.get(window_id), clock), rows=tuple(listed))
        for window_id, listed in rows.items()
    )


def _windows_named(windows: Sequence[TruceWindow], window_ids: Collection[str]) -> dict[str, TruceWindow]:
    """Give the windows of these ids; raise where one id has two spans, since its verdicts could not be told apart."""
    known: dict[str, TruceWindow] = {}
    for window in windows:
        earlier = known.get(window.window_id, window)
        if window.window_id in window_ids and earlier.span != window.span:
            spans = " and ".join(
                f"{span.start.isoformat()}/{span.end.isoformat()}" for span in (earlier.span, window.span)
            )
            raise ValueError(f"window_id={window.window_id!r} stands for more than one span: {spans}")
        known[window.window_id] = window
    return known


def _caption(window: TruceWindow | None, clock: ReportClock) -> str:
    """Say when a window was, who declared it, and what it covers."""
    if window is None:
        return "Window not described in what was given"
    since, until = local_words(window.span.start, clock), local_words(window.span.end, clock)
    hours = f"{window.span.duration_s / 3600.0:g} hours"
    parts = [f"{since} to {until} ({hours})"]
    parts += [f"declared by {window.declared_by}"] if window.declared_by else []
    parts += [f"other party: {window.accepted_by_other}"] if window.accepted_by_other else []
    parts += [f"scope: {window.scope}"] if window.scope else []
    return "; ".join(parts)


def _row(entry: Adherence, domain_title: str, clock: ReportClock) -> AdherenceRow:
    """Lay one verdict out."""
    word, symbol = VERDICT_WORDS[entry.verdict]
    resumption = entry.resumption_utc
    return AdherenceRow(
        domain=entry.domain,
        domain_title=domain_title,
        verdict=entry.verdict,
        word=word,
        symbol=symbol,
        bar=interval_bar(entry),
        ratio="–" if entry.ratio is None else f"{entry.ratio:.2f}",
        percentile="–" if entry.placebo_percentile is None else f"{100 * entry.placebo_percentile:.1f} %",
        resumption_local="" if resumption is None else local_words(resumption, clock),
        resumption_utc="" if resumption is None else utc_words(resumption),
        claimants=claimant_words(entry.claimants),
        reason=entry.reason,
    )


def claimant_words(claimants: Iterable[str]) -> str:
    """Say whose word a verdict rests on: a party's claims are named as claims, media reports as reports."""
    words = ["media reports" if name == "media" else f"claims of {name}" for name in claimants]
    return ", ".join(words) or "no claimant"


def interval_bar(entry: Adherence) -> IntervalBar | None:
    """Place observed, expected and band on one axis that starts at zero, or give `None` where a number is missing."""
    numbers = (
        entry.observed_count,
        entry.expected_count,
        entry.expected_low_count,
        entry.expected_high_count,
    )
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return None
    observed, expected, low, high = known
    px_per_count = BAR_LENGTH_PX / max(*known, 1e-9)
    return IntervalBar(
        observed=short_number(observed),
        expected=short_number(expected),
        low=short_number(low),
        high=short_number(high),
        observed_px=round(BAR_START_PX + observed * px_per_count, 1),
        expected_px=round(BAR_START_PX + expected * px_per_count, 1),
        low_px=round(BAR_START_PX + low * px_per_count, 1),
        width_px=round((high - low) * px_per_count, 1),
    )


def short_number(number: float) -> str:
    """Write a count with one decimal below 10 and none above."""
    if float(number).is_integer() or number >= 10.0:
        return thousands(float(round(number)))
    return f"{number:.1f}"
