"""Draws the depths of the Minsk package around the line of a day, measured as the assessment measures them.

`python tools/agreement_picture.py LINES.parquet DAY OUT.svg` takes a table of dated lines (date, occupied_wkb_wgs84,
line_wkb_wgs84); a browser turns the picture into a PNG:
`chromium --headless --screenshot=OUT.png --window-size=1180,800 OUT.svg`. Needs the shipped texts and nothing else.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import shapely

from truceline.adapters.agreements import load_agreement, shipped_folder
from truceline.assess.zone_line import compile_line, locate
from truceline.model.provision import Withdrawal
from truceline.model.zone import Belt
from truceline.physics.geodesy import points_of

WEST_DEG, SOUTH_DEG, EAST_DEG, NORTH_DEG = 34.2, 46.3, 40.4, 50.2
WIDTH_PX, HEIGHT_PX, CELL_PX, LEGEND_PX = 780, 740, 2, 400
SCRAP_MOST_DEG = 0.7
"""Parts of a drawn line shorter than this (about 60 km) are scraps of the state border here, and left out."""

HUES = ("#1f5560", "#4f8a94", "#93bcc2", "#d3e4e6")
"""From the shallowest belt to the deepest: the accent of the house's style sheet, lighter step by step."""


def belts() -> list[tuple[float, list[str]]]:
    """Give every depth of the package and the addendum (m), with the clauses that use it, shallowest first."""
    found: dict[float, list[str]] = {}
    for name in ("minsk_2_2015", "minsk_addendum_2015"):
        text = load_agreement(shipped_folder("agreements") / f"{name}.yaml").agreement
        for clause in text.provisions:
            if isinstance(clause, Withdrawal) and clause.weapons is not None:
                zone = text.zone(clause.zone_ids[0])
                assert isinstance(zone, Belt), "the package measures its depths from a line"
                found.setdefault(zone.depth_m, []).append(clause.weapons.title)
    return sorted(found.items())


def at_px(longitude_deg: np.ndarray, latitude_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give where a place stands in the picture: a plain chart, true in shape in the middle."""
    x = (longitude_deg - WEST_DEG) / (EAST_DEG - WEST_DEG) * WIDTH_PX
    y = (NORTH_DEG - latitude_deg) / (NORTH_DEG - SOUTH_DEG) * HEIGHT_PX
    return x, y


def cells(line: shapely.Geometry, depths_m: list[float]) -> list[str]:
    """Give a run of cells of one belt as one rectangle, row by row."""
    parts = [shapely.get_coordinates(part) for part in shapely.get_parts(line)]
    across, down = np.arange(0, WIDTH_PX, CELL_PX), np.arange(0, HEIGHT_PX, CELL_PX)
    x, y = np.meshgrid(across + CELL_PX / 2, down + CELL_PX / 2)
    longitude_deg = WEST_DEG + x / WIDTH_PX * (EAST_DEG - WEST_DEG)
    latitude_deg = NORTH_DEG - y / HEIGHT_PX * (NORTH_DEG - SOUTH_DEG)
    located = locate(compile_line(parts), points_of(longitude_deg.ravel(), latitude_deg.ravel()))
    belt = np.searchsorted(depths_m, np.abs(located.signed_distance_m), side="right").reshape(x.shape)
    found = []
    for row, top in enumerate(down):
        edges = np.flatnonzero(np.diff(belt[row])) + 1
        for first, last in zip([0, *edges], [*edges, len(across)], strict=True):
            if belt[row, first] < len(depths_m):
                hue, width = HUES[belt[row, first]], (last - first) * CELL_PX
                found.append(f'<rect x="{across[first]}" y="{top}" width="{width}" height="{CELL_PX}" fill="{hue}"/>')
    return found


def path(line: shapely.Geometry) -> str:
    """Give the line as one path."""
    found = []
    for part in shapely.get_parts(line):
        x, y = at_px(*shapely.get_coordinates(part).T)
        found.append("M" + " L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True)))
    return " ".join(found)


def legend(day: date, depths: list[tuple[float, list[str]]]) -> list[str]:
    """Give what each colour says."""
    x, lines = WIDTH_PX + 24, []
    lines.append(f'<text x="{x}" y="40" font-size="20" font-weight="bold">Minsk package and addendum</text>')
    lines.append(f'<text x="{x}" y="66">depths of withdrawal for each party,</text>')
    lines.append(f'<text x="{x}" y="86">drawn from the line of {day}</text>')
    y = 130
    for hue, (depth_m, titles) in zip(HUES, depths, strict=True):
        lines.append(f'<rect x="{x}" y="{y - 16}" width="22" height="22" fill="{hue}"/>')
        lines.append(f'<text x="{x + 34}" y="{y}" font-weight="bold">up to {depth_m / 1_000.0:g} km</text>')
        for title in titles:
            y += 21
            lines.append(f'<text x="{x + 34}" y="{y}">{title}</text>')
        y += 40
    lines.append(f'<line x1="{x}" y1="{y}" x2="{x + 22}" y2="{y}" stroke="#8a3b12" stroke-width="2.5"/>')
    lines.append(f'<text x="{x + 34}" y="{y + 5}">line of contact of the day</text>')
    notes = (
        "A weapon may not be in its own belt nor in",
        "any nearer one. Where the line winds, depth",
        "is that from its nearest part.",
    )
    return lines + [f'<text x="{x}" y="{y + 50 + 21 * n}" fill="#5b666d">{note}</text>' for n, note in enumerate(notes)]


def main() -> None:
    """Draw the picture."""
    table, day, out = Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), Path(sys.argv[3])
    row = pl.read_parquet(table).filter(pl.col("date") == day).row(0, named=True)
    drawn = shapely.get_parts(shapely.from_wkb(row["line_wkb_wgs84"]))
    line = shapely.MultiLineString(list(drawn[shapely.length(drawn) >= SCRAP_MOST_DEG]))
    depths = belts()
    width_px = WIDTH_PX + LEGEND_PX
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width_px}" height="{HEIGHT_PX}" '
        'font-family="sans-serif" font-size="15">',
        f'<rect width="{width_px}" height="{HEIGHT_PX}" fill="#ffffff"/>',
        f'<svg width="{WIDTH_PX}" height="{HEIGHT_PX}"><rect width="100%" height="100%" fill="#f4f1ea"/>',
        *cells(line, [depth_m for depth_m, _ in depths]),
        f'<path d="{path(line)}" fill="none" stroke="#8a3b12" stroke-width="2"/></svg>',
        *legend(day, depths),
        "</svg>",
    ]
    out.write_text("\n".join(body), encoding="utf-8")


if __name__ == "__main__":
    main()
