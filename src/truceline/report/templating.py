"""The templates of this package and how values are written in them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from truceline.model.likelihood import LIKELIHOOD_BANDS
from truceline.report.comparison import interval_words
from truceline.report.counts import count_words, thousands
from truceline.report.period import ReportClock
from truceline.report.standing import status_notice
from truceline.report.tables import types_words


@cache
def environment(*, markup: bool) -> Environment:
    """Give the templates of this package; every value is escaped in HTML, and a name that is missing is an error."""
    made = Environment(
        loader=PackageLoader("truceline.report"),
        autoescape=markup,  # noqa: S701 - Markdown is escaped by `markdown_cell`, HTML by this
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "thousands": thousands,
        "count_words": count_words,
        "interval_words": interval_words,
        "types_words": types_words,
        "status_notice": status_notice,
        "sum_words": sum_words,
        "utc": utc_words,
        "cell": markdown_cell,
    }
    made.globals |= {"likelihood_rows": likelihood_rows()}
    return made


def markdown_cell(value: object) -> str:
    """Make text safe inside a Markdown table or list: no bars, no tags, no line breaks."""
    text = str(value).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
    return text.replace("\r", " ")


def utc_words(moment: datetime) -> str:
    """Write a moment in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def sum_words(sum_count: float | None) -> str:
    """Write a sum, or that no record states the number."""
    return "not stated" if sum_count is None else thousands(sum_count)


def local_words(moment: datetime, clock: ReportClock) -> str:
    """Write a moment on the theatre's clock."""
    local = clock.local(moment)
    return f"{local.day} {local:%b %Y, %H:%M}"


def likelihood_rows() -> tuple[tuple[str, str], ...]:
    """List the phrases for probabilities with their limits in percent."""
    rows, low = [], 0.0
    for limit, phrase in LIKELIHOOD_BANDS:
        rows.append((phrase, f"{100 * low:.0f}–{100 * limit:.0f} %"))
        low = limit
    return tuple(rows)
