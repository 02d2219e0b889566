"""What parties, media and missions say of who fired in a synthetic theatre: blame, copies, now and then wrongly."""

from __future__ import annotations

import numpy as np
import polars as pl

from truceline.testing.scenario_ground import Ints
from truceline.testing.scenario_truth import FIRE_KINDS, NO_ROLE_INDEX, Truth

TOLD_SHARE = 0.4
"""Share of fire in the week with sensors of which anybody says anything."""

BLAMED_PROBABILITY = 0.8
DENIED_PROBABILITY = 0.5
ADMITTED_PROBABILITY = 0.02
BLOC_MEAN_COUNT = 0.5
NEUTRAL_PROBABILITY, NEUTRAL_WRONG_SHARE, COPIES_MEAN_COUNT = 0.3, 0.12, 1.0
MISSION_PROBABILITY, MISSION_WRONG_SHARE = 0.08, 0.05
PLACE_ERROR_KM = 1.0
PLACE_SIGMA_M = 2_000.0
SPAN_MARGIN_S = 1_800.0
PAPERS_COUNT = 40
WIRES_COUNT = 5
STATEMENT_SCHEMA = {
    "event_index": pl.Int64,
    "speaker_role": pl.String,
    "speaker_party": pl.Int64,
    "speaker": pl.String,
    "says": pl.String,
    "about": pl.Int64,
    "bloc": pl.Int64,
    "first_publisher": pl.String,
}
"""One row per statement; `speaker_party`, `about` and `bloc` are roles (-1: none), `speaker` names who is no party."""


def statements(truth: Truth, chance: np.random.Generator) -> pl.DataFrame:
    """Give what is said of the fire of the week with sensors, in the order of its time."""
    events = truth.week_events().filter(pl.col("kind").is_in(FIRE_KINDS))
    told = np.flatnonzero(chance.random(events.height) < TOLD_SHARE)
    actor = events["role"].to_numpy()[told]
    frames = [
        _by_party(told, actor, chance),
        _by_bloc(told, actor, chance),
        _by_neutral_media(told, actor, chance),
        _by_mission(told, actor, chance),
    ]
    said = pl.concat(frames).sort("event_index", maintain_order=True)
    index = said["event_index"].to_numpy()
    columns = {name: events[name].gather(index) for name in ("start_s", "end_s", "along_km", "across_km", "event_id")}
    error_km = chance.normal(0.0, PLACE_ERROR_KM, (2, said.height))
    return said.with_columns(
        pl.Series("start_s", np.round(columns["start_s"].to_numpy() - SPAN_MARGIN_S)),
        pl.Series("end_s", np.round(columns["end_s"].to_numpy() + SPAN_MARGIN_S)),
        pl.Series("along_km", columns["along_km"].to_numpy() + error_km[0]),
        pl.Series("across_km", columns["across_km"].to_numpy() + error_km[1]),
        columns["event_id"].alias("cause"),
    )


def _rows(index: Ints, role: str, **columns: object) -> pl.DataFrame:
    """Give statements of one role about events, with what is not given left out."""
    size = index.size
    given = {
        "event_index": index,
        "speaker_role": [role] * size,
        "speaker_party": np.full(size, NO_ROLE_INDEX),
        "speaker": [""] * size,
        "says": ["blames"] * size,
        "bloc": np.full(size, NO_ROLE_INDEX),
        "first_publisher": [""] * size,
        **columns,
    }
    return pl.DataFrame({name: given[name] for name in STATEMENT_SCHEMA}, schema=STATEMENT_SCHEMA)


def _by_party(told: Ints, actor: Ints, chance: np.random.Generator) -> pl.DataFrame:
    """Let the party fired upon blame, and the one that fired deny or, rarely, admit."""
    blamed = chance.random(told.size) < BLAMED_PROBABILITY
    lots = chance.random(told.size)
    admitted = lots < ADMITTED_PROBABILITY
    answered = lots < ADMITTED_PROBABILITY + DENIED_PROBABILITY
    says = np.where(admitted[answered], "admits", "denies").tolist()
    return pl.concat(
        [
            _rows(told[blamed], "party", speaker_party=1 - actor[blamed], about=actor[blamed]),
            _rows(told[answered], "party", speaker_party=actor[answered], about=actor[answered], says=says),
        ]
    )


def _by_bloc(told: Ints, actor: Ints, chance: np.random.Generator) -> pl.DataFrame:
    """Let media of the party fired upon say what it says."""
    which = np.repeat(np.arange(told.size), np.minimum(chance.poisson(BLOC_MEAN_COUNT, told.size), 1))
    papers = [f"Paper {number}" for number in chance.integers(0, PAPERS_COUNT, which.size)]
    return _rows(told[which], "media", speaker=papers, about=actor[which], bloc=1 - actor[which])


def _by_neutral_media(told: Ints, actor: Ints, chance: np.random.Generator) -> pl.DataFrame:
    """Let one agency say who it was, now and then wrongly, and others copy it."""
    chosen = np.flatnonzero(chance.random(told.size) < NEUTRAL_PROBABILITY)
    wrong = chance.random(chosen.size) < NEUTRAL_WRONG_SHARE
    named = np.where(wrong, 1 - actor[chosen], actor[chosen])
    wire = chance.integers(0, WIRES_COUNT, chosen.size)
    which = np.repeat(np.arange(chosen.size), 1 + chance.poisson(COPIES_MEAN_COUNT, chosen.size))
    paper = PAPERS_COUNT + np.arange(which.size) % PAPERS_COUNT
    return _rows(
        told[chosen[which]],
        "media",
        speaker=[f"Paper {number}" for number in paper],
        about=named[which],
        first_publisher=[f"Wire {number}" for number in wire[which]],
    )


def _by_mission(told: Ints, actor: Ints, chance: np.random.Generator) -> pl.DataFrame:
    """Let the mission name a party where it looked into it, nearly always rightly."""
    chosen = np.flatnonzero(chance.random(told.size) < MISSION_PROBABILITY)
    wrong = chance.random(chosen.size) < MISSION_WRONG_SHARE
    named = np.where(wrong, 1 - actor[chosen], actor[chosen])
    return _rows(told[chosen], "mission", speaker=["The Mission"] * chosen.size, about=named)
