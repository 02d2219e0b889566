"""Laws of the page of verdicts: a window is one span, and verdicts never stand under another's dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from truceline.model.quantity import TimeSpan
from truceline.report import ReportInput
from truceline.report.adherence_page import adherence_groups

Maker = Callable[..., ReportInput]


def test_one_window_id_with_two_spans_is_refused(made_up_input: Maker) -> None:
    """Verdicts name their window by id alone, so two spans under one id are refused rather than merged."""
    given = made_up_input()
    window = given.agreements[0].windows[0]
    later = TimeSpan(start=window.span.start + timedelta(days=7), end=window.span.end + timedelta(days=7))
    other = msgspec.structs.replace(window, span=later)

    with pytest.raises(ValueError, match="window_id='w' stands for more than one span"):
        adherence_groups(given.adherences, windows=[window, other], theatre=given.theatre)


def test_a_window_given_twice_is_one_window(made_up_input: Maker) -> None:
    """The same window twice is the same page, and so are two spans of an id that no verdict names."""
    given = made_up_input()
    window = given.agreements[0].windows[0]
    unnamed = [
        msgspec.structs.replace(window, window_id="x", span=given_span) for given_span in _two_spans(window.span)
    ]
    once = adherence_groups(given.adherences, windows=[window], theatre=given.theatre)

    assert once == adherence_groups(given.adherences, windows=[window, window, *unnamed], theatre=given.theatre)


def _two_spans(span: TimeSpan) -> list[TimeSpan]:
    return [span, TimeSpan(start=span.start, end=span.end + timedelta(hours=1))]
