"""Numbers as pictures: axes with ticks, and curves, bars and dots laid out on them in pixels of one frame."""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ink = Literal["accent", "potential", "other", "ink"]

FRAME_WIDTH_PX = 460.0
FRAME_HEIGHT_PX = 300.0
LEFT_PX = 54.0
RIGHT_PX = 22.0
TOP_PX = 14.0
BOTTOM_PX = 46.0
TICKS_MOST_COUNT = 6

INKS: dict[Ink, str] = {"accent": "#1f5560", "potential": "#8a3b12", "other": "#7d8a94", "ink": "#1b2126"}
"""The colours of the house's style sheet; what they set apart is also set apart by dash, shape or label."""


class Axis(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One axis: what it shows, from where to where, whether by logarithm, and labels of its own where there are any.

    `marks` are places of ticks with `labels` to them; empty, they are chosen. `percent` writes shares as percentages.
    """

    label: str
    limits: Floats
    logarithmic: bool = False
    percent: bool = False
    marks: Floats = msgspec.field(default_factory=lambda: np.empty(0))
    labels: tuple[str, ...] = ()


class Curve(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A line through points, in order; `dashed` for what is expected; `band` has the limits below and above."""

    name: str
    x: Floats
    y: Floats
    ink: Ink = "accent"
    dashed: bool = False
    dots: bool = False
    band: tuple[Floats, Floats] | None = None


class Bars(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Bars from zero between a left and a right edge each, with limits of each height where there are any."""

    name: str
    left: Floats
    right: Floats
    height: Floats
    ink: Ink = "accent"
    band: tuple[Floats, Floats] | None = None


class Dots(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Single marks: filled, open or crossed, with a radius each."""

    name: str
    x: Floats
    y: Floats
    radius: Floats
    shape: Literal["disc", "ring", "cross"] = "disc"
    ink: Ink = "accent"


class Plot(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One picture to be drawn, with what it shows and how to read it."""

    heading: str
    caption: str
    x: Axis
    y: Axis
    layers: tuple[Curve | Bars | Dots, ...]
    wide: bool = False


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """Where a tick stands along its axis, and its label."""

    position_px: float
    label: str


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One shape: a path with its colour, how it is filled, and whether it is dashed."""

    path: str
    colour: str
    fill: str
    opacity_ratio: float
    dash: str
    title: str = ""


class LegendEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the legend, where it stands, and which shape it explains."""

    name: str
    colour: str
    kind: Literal["line", "dashed", "box", "disc", "ring", "cross"]
    x_px: float
    y_px: float


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A plot laid out: everything a template needs to draw it, in pixels from the top left."""

    heading: str
    caption: str
    x_label: str
    y_label: str
    width_px: float
    height_px: float
    left_px: float
    right_px: float
    top_px: float
    bottom_px: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    legend: tuple[LegendEntry, ...]
    wide: bool


class _Scale(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """How numbers of an axis become pixels; what lies outside is held at the edge."""

    axis: Axis
    start_px: float
    end_px: float

    def px(self, values: Floats) -> Floats:
        low, high = (float(limit) for limit in self.axis.limits)
        held = np.clip(values, low, high)
        if self.axis.logarithmic:
            low, high, held = math.log(low), math.log(high), np.log(held)
        share = (held - low) / (high - low)
        return np.asarray(self.start_px + share * (self.end_px - self.start_px))


def lay_out(plot: Plot) -> Picture:
    """Lay a plot out; a wide one takes two columns of the page."""
    width_px = 2.0 * FRAME_WIDTH_PX + 20.0 if plot.wide else FRAME_WIDTH_PX
    legend = _legend(plot, width_px)
    top_px = TOP_PX + (max((entry.y_px for entry in legend), default=0.0) + 6.0 if legend else 0.0)
    bottom_px, right_px = FRAME_HEIGHT_PX - BOTTOM_PX, width_px - RIGHT_PX
    across = _Scale(axis=plot.x, start_px=LEFT_PX, end_px=right_px)
    up = _Scale(axis=plot.y, start_px=bottom_px, end_px=top_px)
    return Picture(
        heading=plot.heading,
        caption=plot.caption,
        x_label=plot.x.label,
        y_label=plot.y.label,
        width_px=width_px,
        height_px=FRAME_HEIGHT_PX,
        left_px=LEFT_PX,
        right_px=right_px,
        top_px=round(top_px, 1),
        bottom_px=bottom_px,
        x_ticks=_ticks(across),
        y_ticks=_ticks(up),
        marks=tuple(mark for layer in plot.layers for mark in _marks(layer, across, up)),
        legend=legend,
        wide=plot.wide,
    )


def _legend(plot: Plot, width_px: float) -> tuple[LegendEntry, ...]:
    """Set the names of layers in rows above the plot; a single layer needs none."""
    named = [layer for layer in plot.layers if layer.name]
    if len(named) < 2:
        return ()
    entries, x_px, y_px = [], LEFT_PX, 12.0
    for layer in named:
        length_px = 30.0 + 6.4 * len(layer.name)
        if x_px > LEFT_PX and x_px + length_px > width_px - RIGHT_PX:
            x_px, y_px = LEFT_PX, y_px + 17.0
        entries.append(
            LegendEntry(name=layer.name, colour=INKS[layer.ink], kind=_legend_kind(layer), x_px=x_px, y_px=y_px)
        )
        x_px += length_px + 14.0
    return tuple(entries)


def _legend_kind(layer: Curve | Bars | Dots) -> Literal["line", "dashed", "box", "disc", "ring", "cross"]:
    match layer:
        case Curve(dashed=dashed):
            return "dashed" if dashed else "line"
        case Bars():
            return "box"
        case Dots(shape=shape):
            return shape


def _ticks(scale: _Scale) -> tuple[Tick, ...]:
    """Give the ticks of an axis: its own, or round numbers inside its limits."""
    axis = scale.axis
    marks = axis.marks if axis.marks.size else _round_numbers(axis)
    labels = axis.labels or tuple(_number(mark, percent=axis.percent) for mark in marks.tolist())
    places_px = scale.px(marks).tolist()
    return tuple(Tick(position_px=round(px, 1), label=label) for px, label in zip(places_px, labels, strict=True))


def _round_numbers(axis: Axis) -> Floats:
    """Choose round numbers: 1, 2 or 5 times a power of ten; by logarithm all of these, or powers of ten if too many."""
    low, high = (float(limit) for limit in axis.limits)
    if axis.logarithmic:
        exponents = np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1, dtype=np.float64)
        powers: Floats = np.power(10.0, exponents)
        fine = np.sort(np.concatenate([powers, 2.0 * powers, 5.0 * powers]))
        inside = fine[(fine >= low * 0.999) & (fine <= high * 1.001)]
        coarse = powers[(powers >= low * 0.999) & (powers <= high * 1.001)]
        return inside if inside.size <= TICKS_MOST_COUNT + 2 else coarse
    rough = (high - low) / TICKS_MOST_COUNT
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * 0.999)
    counts = np.arange(math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6) + 1, dtype=np.float64)
    return np.asarray(counts * step)


def _number(value: float, *, percent: bool) -> str:
    """Write a tick's number as short as it can be told apart, with a true minus."""
    if percent:
        return f"{100.0 * value:.6g} %"
    text = f"{abs(value):.6g}" if abs(value) < 10_000 else f"{abs(value):,.0f}".replace(",", "\u202f")
    return f"−{text}" if value < 0.0 else text


def _marks(layer: Curve | Bars | Dots, across: _Scale, up: _Scale) -> list[Mark]:
    match layer:
        case Curve():
            return _curve_marks(layer, across, up)
        case Bars():
            return _bar_marks(layer, across, up)
        case Dots():
            return _dot_marks(layer, across, up)


def _mark(path: str, colour: str, *, filled: float = 0.0, dash: str = "", title: str = "") -> Mark:
    fill = colour if filled else "none"
    return Mark(path=path, colour=colour, fill=fill, opacity_ratio=filled or 1.0, dash=dash, title=title)


def _line(x_px: Floats, y_px: Floats) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(x_px.tolist(), y_px.tolist(), strict=True))


def _curve_marks(layer: Curve, across: _Scale, up: _Scale) -> list[Mark]:
    """Draw a curve over its band, broken off where a value is missing."""
    colour, marks = INKS[layer.ink], []
    known = np.isfinite(layer.x) & np.isfinite(layer.y)
    if layer.band is not None:
        whole = known & np.isfinite(layer.band[0]) & np.isfinite(layer.band[1])
        x_px = across.px(layer.x[whole])
        if x_px.size > 1:
            below, above = up.px(layer.band[0][whole]), up.px(layer.band[1][whole])
            outline = _line(np.r_[x_px, x_px[::-1]], np.r_[below, above[::-1]]) + "Z"
            marks.append(Mark(path=outline, colour="none", fill=colour, opacity_ratio=0.16, dash=""))
    if known.sum() > 1:
        path = _line(across.px(layer.x[known]), up.px(layer.y[known]))
        marks.append(_mark(path, colour, dash="6 4" if layer.dashed else ""))
    if layer.dots:
        marks += _dot_marks(
            Dots(name="", x=layer.x[known], y=layer.y[known], radius=np.full(known.sum(), 3.0), ink=layer.ink),
            across,
            up,
        )
    return marks


def _bar_marks(layer: Bars, across: _Scale, up: _Scale) -> list[Mark]:
    """Draw bars from zero, each with a whisker where its limits are known."""
    colour, zero_px = INKS[layer.ink], float(up.px(np.zeros(1))[0])
    left_px, right_px, top_px = across.px(layer.left), across.px(layer.right), up.px(np.nan_to_num(layer.height))
    paths = [
        f"M{left:.1f} {zero_px:.1f}V{top:.1f}H{right:.1f}V{zero_px:.1f}Z"
        for left, right, top in zip(left_px.tolist(), right_px.tolist(), top_px.tolist(), strict=True)
        if abs(top - zero_px) > 0.05
    ]
    marks = [_mark(" ".join(paths), colour, filled=0.55)] if paths else []
    if layer.band is not None:
        middle_px = (left_px + right_px) / 2.0
        low_px, high_px = up.px(layer.band[0]), up.px(layer.band[1])
        known = np.isfinite(low_px) & np.isfinite(high_px)
        whiskers = [
            f"M{middle:.1f} {low:.1f}V{high:.1f}M{middle - 4:.1f} {low:.1f}h8M{middle - 4:.1f} {high:.1f}h8"
            for middle, low, high in np.column_stack([middle_px, low_px, high_px])[known].tolist()
        ]
        marks += [_mark(" ".join(whiskers), INKS["ink"])] if whiskers else []
    return marks


def _dot_marks(layer: Dots, across: _Scale, up: _Scale) -> list[Mark]:
    """Draw all dots of a layer as one path."""
    placed = np.column_stack([across.px(layer.x), up.px(layer.y), layer.radius])
    draw = _cross if layer.shape == "cross" else _circle
    path = "".join(draw(x, y, radius) for x, y, radius in placed[np.isfinite(placed).all(axis=1)].tolist())
    if not path:
        return []
    return [_mark(path, INKS[layer.ink], filled=0.6 if layer.shape == "disc" else 0.0)]


def _circle(x: float, y: float, radius: float) -> str:
    half = f"a{radius:.1f} {radius:.1f} 0 1 0"
    return f"M{x - radius:.1f} {y:.1f}{half} {2 * radius:.1f} 0{half} {-2 * radius:.1f} 0"


def _cross(x: float, y: float, radius: float) -> str:
    arm = f"{2 * radius:.1f}"
    return f"M{x - radius:.1f} {y - radius:.1f}l{arm} {arm}m0 -{arm}l-{arm} {arm}"
