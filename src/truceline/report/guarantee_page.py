"""The page of guarantees: a schematic map of states, how far each came on three ladders over time, and all answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from truceline.model.guarantee import Ladder, StateName
from truceline.model.guarantee_view import LadderState, MatchRow, RegisterView, RungName
from truceline.report.guarantee_status import PILLAR_TITLES, ladder_words, pillar_rows, support_words
from truceline.report.templating import environment

TILE_PX = 58
TILE_GAP_PX = 4

RUNG_WORDS: dict[RungName, tuple[str, str, str]] = {
    "unknown": ("?", "unknown", "#ffffff"),
    "not_begun": ("–", "not begun", "#eceff1"),
    "begun": ("◔", "begun", "#dbe7ea"),
    "signed": ("◑", "signed", "#bcd3d9"),
    "consented": ("◕", "consent given", "#7fabb6"),
    "in_force": ("●", "in force", "#3f7f8e"),
    "granted": ("●", "granted", "#3f7f8e"),
    "deemed_granted": ("◍", "deemed granted by that state's own law", "#7fabb6"),
    "refused": ("✕", "did not pass", "#e7d3c8"),
    "ended": ("○", "ended", "#f1e6df"),
}
"""Symbol, words and shade of each rung, so that none rests on colour alone."""

ANSWER_WORDS: dict[str, tuple[str, str, str]] = {
    "stated": ("●", "offered", "#3f7f8e"),
    "conditional": ("◑", "on conditions", "#7fabb6"),
    "undecided": ("◔", "undecided or disputed", "#bcd3d9"),
    "reported": ("◌", "others report it", "#dbe7ea"),
    "refused": ("✕", "refused", "#e7d3c8"),
    "none": ("–", "none", "#eceff1"),
    "unknown": ("?", "unknown", "#ffffff"),
}
"""The same for answers."""

LADDER_TITLES: dict[Ladder, str] = {
    "consent_to_be_bound": "Consent to be bound",
    "domestic_authority": "Domestic authority",
    "deployment_mandate": "Deployment mandate",
}


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """One state's square on a schematic map."""

    code: str
    words: str
    symbol: str
    shade: str
    text_colour: str
    x_px: int
    y_px: int


class TileMap(msgspec.Struct, frozen=True, kw_only=True):
    """A schematic map: one square for each state, where it roughly lies; sizes and borders mean nothing."""

    heading: str
    tiles: tuple[Tile, ...]
    legend: tuple[tuple[str, str, str], ...]
    width_px: int
    height_px: int


class OverTimeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One state over time: for each day, symbol and words on each of the three ladders."""

    state: StateName
    days: tuple[tuple[tuple[str, str], ...], ...]
    now_words: tuple[str, ...]


def render_guarantees(
    views: Sequence[RegisterView],
    *,
    matches: Sequence[MatchRow] = (),
    generated_time: datetime,
    synthetic: bool = False,
) -> str:
    """Give the page as HTML that opens offline, without a script; the last of the days in order is shown in full."""
    assert views, "a page shows at least one day"
    view = views[-1]
    template = environment(markup=True).get_template("guarantees.html.j2")
    return template.render(
        page_title=f"Guarantees as of {view.as_of}",
        synthetic=synthetic,
        generated_time=generated_time,
        view=view,
        maps=(consent_map(view), force_map(view)),
        dates=[one.as_of for one in views],
        over_time=over_time_rows(views),
        ladder_titles=tuple(LADDER_TITLES.values()),
        rungs=tuple((symbol, words) for symbol, words, _ in RUNG_WORDS.values()),
        rows=pillar_rows(view),
        pillar_titles=PILLAR_TITLES,
        matches=matches,
        support_words=support_words,
        ladder_words=ladder_words,
    )


def consent_map(view: RegisterView) -> TileMap:
    """Give the map of consent to be bound."""
    rungs = {one.state: one.rung for one in view.ladders if one.ladder == "consent_to_be_bound"}
    shown = {code: RUNG_WORDS[rung] for code, rung in rungs.items()}
    return _tile_map("Consent to be bound", view.states, shown)


def force_map(view: RegisterView) -> TileMap:
    """Give the map of answers on forces on the ground."""
    answers = {one.state: ANSWER_WORDS[one.answer] for one in view.cells if one.predicate == "ground_force"}
    return _tile_map("Forces on the ground", view.states, answers)


def _tile_map(heading: str, states: Sequence[StateName], shown: dict[str, tuple[str, str, str]]) -> TileMap:
    step_px = TILE_PX + TILE_GAP_PX
    unknown = ANSWER_WORDS["unknown"]
    tiles = []
    for state in states:
        symbol, words, shade = shown.get(state.code, unknown)
        tiles.append(
            Tile(
                code=state.code,
                words=f"{state.name}: {words}",
                symbol=symbol,
                shade=shade,
                text_colour="#ffffff" if shade == "#3f7f8e" else "#1b2126",
                x_px=state.column_index * step_px,
                y_px=state.row_index * step_px,
            )
        )
    return TileMap(
        heading=heading,
        tiles=tuple(tiles),
        legend=tuple(sorted({shown.get(state.code, unknown) for state in states}, key=lambda one: one[1])),
        width_px=max((tile.x_px for tile in tiles), default=0) + step_px,
        height_px=max((tile.y_px for tile in tiles), default=0) + step_px,
    )


def over_time_rows(views: Sequence[RegisterView]) -> list[OverTimeRow]:
    """Give one row for each state of the last view: its rungs on every day, and in words what holds on the last."""
    by_day = [{(one.state, one.ladder): one for one in view.ladders} for view in views]
    rows = []
    for state in views[-1].states:
        days = tuple(tuple(_symbol(ladders.get((state.code, name))) for name in LADDER_TITLES) for ladders in by_day)
        now = [by_day[-1].get((state.code, name)) for name in LADDER_TITLES]
        rows.append(
            OverTimeRow(
                state=state,
                days=days,
                now_words=tuple(ladder_words(one) for one in now if one is not None and one.rung != "unknown"),
            )
        )
    return rows


def _symbol(ladder: LadderState | None) -> tuple[str, str]:
    symbol, words, _ = RUNG_WORDS["unknown" if ladder is None else ladder.rung]
    return symbol, words


def days_of_change(days: Sequence[date], *, as_of: date, most_count: int = 8) -> list[date]:
    """Give the last days on which something was said or done up to a day, that day included, in order.

    >>> days_of_change([date(2026, 1, 6), date(2026, 2, 1), date(2025, 9, 4)], as_of=date(2026, 1, 8), most_count=2)
    [datetime.date(2026, 1, 6), datetime.date(2026, 1, 8)]
    """
    return sorted({*(day for day in days if day <= as_of), as_of})[-most_count:]
