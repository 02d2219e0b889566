"""An evaluation of the attribution in pictures: reliability by party, and risk against coverage, as SVG files."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from truceline.attribute.evaluation import AttributionFigures, ReliabilityRow
from truceline.report.plots import Axis, Curve, Ink, Picture, Plot, lay_out

_UNIT = np.array([0.0, 1.0])
_INKS: tuple[Ink, Ink] = ("accent", "potential")


def evaluation_plots(rows: Sequence[tuple[str, AttributionFigures]], parties: tuple[str, str]) -> dict[str, Plot]:
    """Give the pictures by file name: reliability of the first row, and risk against coverage of all rows."""
    return {"reliability": _reliability_plot(*rows[0], parties), "risk_coverage": _risk_plot(rows)}


def _reliability_plot(name: str, figures: AttributionFigures, parties: tuple[str, str]) -> Plot:
    layers = [Curve(name="as claimed", x=_UNIT, y=_UNIT, ink="other", dashed=True)]
    for party, ink, label in zip(figures.parties, _INKS, parties, strict=True):
        layers.append(_reliability_curve(party.reliability, f"party {label}", ink))
    return Plot(
        heading=f"Do claimed probabilities hold: {name}",
        caption="Mean claim in each bin against how often the party did it, with exact 95 % intervals.",
        x=Axis(label="claimed probability that the party did it", limits=_UNIT, percent=True),
        y=Axis(label="share that was so", limits=_UNIT, percent=True),
        layers=tuple(layers),
    )


def _reliability_curve(rows: Sequence[ReliabilityRow], name: str, ink: Ink) -> Curve:
    low, high = ([getattr(row.observed, limit) for row in rows] for limit in ("low_share", "high_share"))
    return Curve(
        name=name,
        x=np.array([row.mean_probability for row in rows]),
        y=np.array([row.observed.share for row in rows]),
        band=(np.array(low), np.array(high)),
        dots=True,
        ink=ink,
    )


def _risk_plot(rows: Sequence[tuple[str, AttributionFigures]]) -> Plot:
    """Draw risk against coverage: the first row full, others lighter, at most six."""
    inks: tuple[Ink, ...] = ("accent", "potential", "other", "ink", "accent", "potential")
    shown = [row for row in rows if row[1].risk_curve][: len(inks)]
    layers = tuple(
        Curve(
            name=name,
            x=np.array([point.coverage_share for point in figures.risk_curve]),
            y=np.array([point.risk_share for point in figures.risk_curve]),
            ink=ink,
            dashed=number >= 4,
        )
        for number, ((name, figures), ink) in enumerate(zip(shown, inks, strict=False))
    )
    most = max((float(layer.y[len(layer.y) // 20 :].max()) for layer in layers), default=0.0)
    return Plot(
        heading="Wrong among the answered, as more is answered",
        caption="Surest first, by probability alone, without the gates; cases of neither party count as wrong.",
        x=Axis(label="share of cases answered", limits=_UNIT, percent=True),
        y=Axis(label="share of these wrong", limits=np.array([0.0, max(0.05, 1.1 * most)]), percent=True),
        layers=layers,
        wide=True,
    )


def plot_svg(plot: Plot) -> str:
    """Draw a plot as an SVG file of its own."""
    picture = lay_out(plot)
    total_px = picture.height_px + 62.0
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {picture.width_px:g} {total_px:g}" role="img" '
        f'width="{picture.width_px:g}" height="{total_px:g}" font-family="sans-serif">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="{picture.left_px:g}" y="22" font-size="15" fill="#1b2126">{html.escape(picture.heading)}</text>',
        f'<g transform="translate(0 34)" font-size="12" fill="#505a62">{_frame_svg(picture)}',
        *_marks_svg(picture),
        "</g>",
        f'<text x="12" y="{total_px - 10:g}" font-size="10.5" fill="#505a62">{html.escape(picture.caption)}</text>',
        "</svg>\n",
    ]
    return "\n".join(lines)


def _frame_svg(picture: Picture) -> str:
    left, right, top, bottom = picture.left_px, picture.right_px, picture.top_px, picture.bottom_px
    parts = [
        f'<line x1="{left:g}" x2="{right:g}" y1="{tick.position_px:g}" y2="{tick.position_px:g}" stroke="#e3e7ea"/>'
        f'<text x="{left - 6:g}" y="{tick.position_px + 4:g}" text-anchor="end">{tick.label}</text>'
        for tick in picture.y_ticks
    ]
    parts += [
        f'<path d="M{tick.position_px:g} {bottom:g}v4" stroke="#505a62"/>'
        f'<text x="{tick.position_px:g}" y="{bottom + 17:g}" text-anchor="middle">{tick.label}</text>'
        for tick in picture.x_ticks
    ]
    parts.append(f'<path d="M{left:g} {top:g}V{bottom:g}H{right:g}" fill="none" stroke="#1b2126"/>')
    parts.append(
        f'<text x="{(left + right) / 2:g}" y="{bottom + 37:g}" text-anchor="middle">'
        f"{html.escape(picture.x_label)}</text>"
        f'<text transform="translate(12 {(top + bottom) / 2:g}) rotate(-90)" text-anchor="middle">'
        f"{html.escape(picture.y_label)}</text>"
    )
    return "\n".join(parts)


def _marks_svg(picture: Picture) -> list[str]:
    """Draw the legend and the marks; a dashed curve is dashed in the legend as well."""
    made = []
    for entry in picture.legend:
        dash = ' stroke-dasharray="6 4"' if entry.kind == "dashed" else ""
        made.append(
            f'<g transform="translate({entry.x_px:g} {entry.y_px:g})"><line x2="20" y1="-4" y2="-4" stroke-width="2" '
            f'stroke="{entry.colour}"{dash}/><text x="25">{html.escape(entry.name)}</text></g>'
        )
    for mark in picture.marks:
        dash = f' stroke-dasharray="{mark.dash}"' if mark.dash else ""
        made.append(
            f'<path d="{mark.path}" fill="{mark.fill}" fill-opacity="{mark.opacity_ratio}" stroke="{mark.colour}" '
            f'stroke-width="1.7" stroke-linejoin="round"{dash}/>'
        )
    return made
