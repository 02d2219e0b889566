"""Laws of laying out plots: everything is inside its frame, ticks are round, and what is not known is not drawn."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.report.plots import (
    FRAME_HEIGHT_PX,
    FRAME_WIDTH_PX,
    LEFT_PX,
    RIGHT_PX,
    TICKS_MOST_COUNT,
    Axis,
    Bars,
    Curve,
    Dots,
    Plot,
    lay_out,
)

UNIT = Axis(label="share", limits=np.array([0.0, 1.0]), percent=True)


def a_plot(*layers: Curve | Bars | Dots, x: Axis = UNIT, y: Axis = UNIT, wide: bool = False) -> Plot:
    """Make a plot of some layers."""
    return Plot(heading="h", caption="c", x=x, y=y, layers=layers, wide=wide)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_and_few(low: float, length: float) -> None:
    """A linear axis has two to seven ticks inside its limits, equally far apart by 1, 2 or 5 of a power of ten."""
    picture = lay_out(a_plot(x=Axis(label="", limits=np.array([low, low + length]))))
    places_px = np.array([tick.position_px for tick in picture.x_ticks])

    assert 2 <= len(places_px) <= TICKS_MOST_COUNT + 1
    assert places_px.min() >= LEFT_PX - 0.1
    assert places_px.max() <= FRAME_WIDTH_PX - RIGHT_PX + 0.1
    assert np.diff(places_px) == pytest.approx(np.full(len(places_px) - 1, np.diff(places_px)[0]), abs=0.3)


def test_a_logarithmic_axis_has_powers_of_ten() -> None:
    """Equal factors are equally far apart, and few decades show 1, 2 and 5 of each."""
    far = lay_out(a_plot(x=Axis(label="", limits=np.array([1.0, 1e4]), logarithmic=True)))
    near = lay_out(a_plot(x=Axis(label="", limits=np.array([10.0, 100.0]), logarithmic=True)))
    gaps_px = np.diff([tick.position_px for tick in far.x_ticks])

    assert ["1", "10", "100", "1000", "10\u202f000"] == [tick.label for tick in far.x_ticks]
    assert gaps_px == pytest.approx(np.full(4, gaps_px[0]), abs=0.2)
    assert ["10", "20", "50", "100"] == [tick.label for tick in near.x_ticks]


def test_numbers_are_written_as_read() -> None:
    """Shares are percentages, minus is a minus, and own labels stand where they were asked for."""
    negative = lay_out(a_plot(x=Axis(label="", limits=np.array([-2.0, 2.0]))))
    own = lay_out(a_plot(x=Axis(label="", limits=np.array([0.0, 2.0]), marks=np.array([0.5, 1.5]), labels=("a", "b"))))

    assert "20 %" in [tick.label for tick in lay_out(a_plot()).y_ticks]
    assert "−2" == negative.x_ticks[0].label
    assert ["a", "b"] == [tick.label for tick in own.x_ticks]


def test_what_is_not_known_is_not_drawn() -> None:
    """A curve leaves out missing points, bars without height have no shape, dots without place neither."""
    nan = float("nan")
    curve = Curve(name="", x=np.array([0.0, nan, 1.0]), y=np.array([0.0, 0.5, 1.0]), dots=True)
    bars = Bars(
        name="", left=np.zeros(1), right=np.ones(1), height=np.array([nan]), band=(np.array([nan]), np.array([nan]))
    )
    dots = Dots(name="", x=np.array([nan]), y=np.zeros(1), radius=np.ones(1))
    marks = lay_out(a_plot(curve, bars, dots)).marks

    assert 2 == len(marks)
    assert 1 == marks[0].path.count("L")
    assert all("nan" not in mark.path for mark in marks)


def test_what_lies_outside_is_held_at_the_edge() -> None:
    """No point of a curve leaves the frame."""
    picture = lay_out(a_plot(Curve(name="", x=np.array([-9.0, 9.0]), y=np.array([-9.0, 9.0]))))
    numbers = [float(word) for word in re.findall(r"-?[\d.]+", picture.marks[0].path)]

    assert [picture.left_px, picture.bottom_px, picture.right_px, picture.top_px] == pytest.approx(numbers, abs=0.06)


def test_a_legend_makes_room_for_itself() -> None:
    """One layer needs no legend; several stand above the plot, in rows that stay inside the frame."""
    layers = [Curve(name=f"a long name of layer {index}", x=np.zeros(2), y=np.ones(2)) for index in range(5)]
    alone, many = lay_out(a_plot(layers[0])), lay_out(a_plot(*layers))
    ways = lay_out(
        a_plot(
            layers[0],
            Bars(name="b", left=np.zeros(1), right=np.ones(1), height=np.ones(1)),
            Dots(name="d", x=np.zeros(1), y=np.zeros(1), radius=np.ones(1), shape="cross"),
            Curve(name="n", x=np.zeros(2), y=np.ones(2), dashed=True),
        )
    )

    assert () == alone.legend
    assert 5 == len(many.legend)
    assert many.top_px > alone.top_px + 17.0
    assert max(entry.x_px for entry in many.legend) < FRAME_WIDTH_PX
    assert max(entry.y_px for entry in many.legend) < many.top_px
    assert ["line", "box", "cross", "dashed"] == [entry.kind for entry in ways.legend]


def test_bars_stand_on_zero_and_reach_their_height() -> None:
    """A bar of half goes from the lower edge to the middle, and its whisker from limit to limit."""
    bars = Bars(
        name="",
        left=np.array([0.2]),
        right=np.array([0.4]),
        height=np.array([0.5]),
        band=(np.array([0.25]), np.array([0.75])),
    )
    picture = lay_out(a_plot(bars))
    middle_px = (picture.top_px + picture.bottom_px) / 2.0

    assert f"V{middle_px:.1f}H" in picture.marks[0].path
    assert f" {(picture.bottom_px + middle_px) / 2:.1f}V{(picture.top_px + middle_px) / 2:.1f}" in picture.marks[1].path


def test_a_wide_plot_takes_two_columns() -> None:
    """A wide picture is more than twice as wide and as high."""
    assert 2.0 * FRAME_WIDTH_PX < lay_out(a_plot(wide=True)).width_px
    assert FRAME_HEIGHT_PX == lay_out(a_plot(wide=True)).height_px
