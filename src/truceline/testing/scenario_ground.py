"""The invented ground of a synthetic theatre: its line from day to day, its settlements, posts and stations.

Places are kept as `along_km` (along the line's mean course) and `across_km` (square to it, positive to the left hand,
which is the second party's ground), and turned into longitude and latitude at the very end.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyproj

from truceline.errors import InputUnusable
from truceline.testing.scenario_parameters import GroundParameters, Scenario

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LINE_STEP_KM = 1.5
WAVE_COUNT = 6
PUSH_WIDTH_KM = 7.0
DRAWING_WIDTH_KM = 6.0
DRAWING_MEMORY_RATIO = 0.97
SETTLEMENT_GAP_KM = 3.5
REGION_COUNT = 4
NAME_BEGINNINGS = (
    "Tal",
    "Or",
    "Mer",
    "Ves",
    "Kar",
    "Il",
    "Sor",
    "Ban",
    "Dru",
    "Fel",
    "Gor",
    "Hal",
    "Jun",
    "Lem",
    "Nor",
)
NAME_MIDDLES = ("a", "e", "i", "o", "u", "an", "er", "il", "on", "ur")
NAME_ENDINGS = ("bek", "dal", "fors", "gat", "holm", "kend", "lin", "mat", "nes", "pol", "rud", "sund", "tir", "vik")


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Named points of the ground: arrays of shape (n,)."""

    names: tuple[str, ...]
    along_km: Floats
    across_km: Floats


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """Where the line stands across, at points along it: arrays of shape (n,)."""

    grid_km: Floats
    across_km: Floats

    def at(self, along_km: Floats) -> Floats:
        """Give where it stands across, at places along it."""
        return np.interp(along_km, self.grid_km, self.across_km)


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """The ground with its true and its drawn line of every day (arrays of shape (days, points along the line))."""

    parameters: GroundParameters
    grid_km: Floats
    true_km: Floats
    drawn_km: Floats
    settlements: Places
    regions: Places
    energy_objects: Places
    quarries: Places
    industry: Places
    stations: Places
    posts: Places

    def line_km(self, day_index: Ints, along_km: Floats) -> Floats:
        """Give where the true line stands across, at places along it on given days."""
        place = (along_km - self.grid_km[0]) / LINE_STEP_KM
        low = np.clip(np.floor(place).astype(np.int64), 0, self.grid_km.size - 2)
        share = np.clip(place - low, 0.0, 1.0)
        rows = np.clip(day_index, 0, self.true_km.shape[0] - 1)
        return np.asarray(self.true_km[rows, low] * (1 - share) + self.true_km[rows, low + 1] * share)

    def holder_role(self, day_index: Ints, along_km: Floats, across_km: Floats) -> Ints:
        """Say whose ground it truly was: 0 the first party's, 1 the second's."""
        return (across_km > self.line_km(day_index, along_km)).astype(np.int64)

    def on_ground_of(self, places: Places, role_index: int, *, reach_km: float = np.inf) -> Ints:
        """Give which places lay on a party's ground on the first day, no further than so far behind the line."""
        line_km = self.line_km(np.zeros(places.along_km.size, np.int64), places.along_km)
        depth_km = (places.across_km - line_km) * (-1.0 if role_index == 0 else 1.0)
        return np.flatnonzero((depth_km > 0) & (depth_km < reach_km))

    def settlements_of(self, role_index: int, *, reach_km: float = np.inf) -> Ints:
        """Give which settlements lay on a party's ground on the first day."""
        return self.on_ground_of(self.settlements, role_index, reach_km=reach_km)

    def to_degrees(self, along_km: Floats, across_km: Floats) -> tuple[Floats, Floats]:
        """Turn places into longitude and latitude (WGS 84), rounded to about a metre."""
        east_km, north_km = _turned(self.parameters.line_bearing_deg, along_km, across_km)
        longitude_deg, latitude_deg = _projection(self.parameters)(east_km * 1e3, north_km * 1e3, inverse=True)
        return np.round(np.asarray(longitude_deg), 5), np.round(np.asarray(latitude_deg), 5)

    def bearing_deg(self, east_of_course_deg: Floats) -> Floats:
        """Turn a direction counted clockwise from the line's course into a bearing from north."""
        return np.asarray((east_of_course_deg + self.parameters.line_bearing_deg) % 360.0)


def build_ground(scenario: Scenario, chance: np.random.Generator) -> Ground:
    """Draw the ground: every place and every day's line follow from the generator's state."""
    parameters = scenario.ground
    lines, towns, sites = chance.spawn(3)
    grid_km, true_km = _true_line(parameters, scenario.day_count, lines)
    first_line = Course(grid_km=grid_km, across_km=true_km[0])
    settlements = _settlements(parameters, first_line, towns)
    return Ground(
        parameters=parameters,
        grid_km=grid_km,
        true_km=true_km,
        drawn_km=true_km + _drawing_error(parameters, true_km.shape, lines),
        settlements=settlements,
        regions=_regions(parameters, towns),
        energy_objects=_near(settlements, first_line, ("Energy object", parameters.energy_object_count, 12.0), sites),
        quarries=_near(settlements, first_line, ("Quarry", parameters.quarry_count, 8.0), sites),
        industry=_near(settlements, first_line, ("Works", scenario.conduct.industrial_heat_count, 15.0), sites),
        stations=_along(parameters, first_line, ("S", parameters.station_count, 3.0, 11.0), sites),
        posts=_along(parameters, first_line, ("P", parameters.post_count, 2.0, 6.0), sites),
    )


def pick(chance: np.random.Generator, candidates: Ints, count: int, *, what: str) -> Ints:
    """Draw so many of some candidates, any of them again; a scenario that leaves none is said to be unusable."""
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    if candidates.size == 0:
        raise InputUnusable(f"the scenario leaves no {what}; give it more settlements, more depth or another seed")
    return np.asarray(chance.choice(candidates, count))


def _turned(bearing_deg: float, along_km: Floats, across_km: Floats) -> tuple[Floats, Floats]:
    bearing = np.deg2rad(bearing_deg)
    east_km = along_km * np.sin(bearing) - across_km * np.cos(bearing)
    north_km = along_km * np.cos(bearing) + across_km * np.sin(bearing)
    return east_km, north_km


def _projection(parameters: GroundParameters) -> Any:
    return pyproj.Proj(proj="aeqd", lon_0=parameters.middle_longitude_deg, lat_0=parameters.middle_latitude_deg)


def _smooth(noise: Floats, width_km: float) -> Floats:
    """Smooth noise along its last axis with a Gaussian, keeping its variance."""
    reach = int(np.ceil(3 * width_km / LINE_STEP_KM))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) * LINE_STEP_KM / width_km) ** 2)
    weights /= np.sqrt(np.sum(weights**2))
    return np.apply_along_axis(lambda row: np.convolve(row, weights, mode="same"), -1, noise)


def _true_line(parameters: GroundParameters, day_count: int, chance: np.random.Generator) -> tuple[Floats, Floats]:
    half_km = parameters.line_length_km / 2
    grid_km = np.arange(-half_km, half_km + LINE_STEP_KM / 2, LINE_STEP_KM)
    orders = np.arange(1, WAVE_COUNT + 1)
    heights_km = chance.normal(0.0, parameters.line_wave_km / 2, WAVE_COUNT) / np.sqrt(orders)
    phases = chance.uniform(0.0, 2 * np.pi, WAVE_COUNT)
    waves = heights_km[:, None] * np.sin(np.pi * orders[:, None] * grid_km[None, :] / half_km / 2 + phases[:, None])
    pushes = _smooth(chance.normal(0.0, 1.0, (day_count, grid_km.size)), PUSH_WIDTH_KM)
    moved_km = np.cumsum(parameters.line_move_km * pushes * (np.abs(pushes) > 1.0), axis=0)
    return grid_km, waves.sum(axis=0)[None, :] + moved_km


def _drawing_error(parameters: GroundParameters, shape: tuple[int, ...], chance: np.random.Generator) -> Floats:
    fresh = _smooth(chance.normal(0.0, 1.0, shape), DRAWING_WIDTH_KM)
    error = np.empty(shape)
    error[0] = fresh[0]
    for day in range(1, shape[0]):
        error[day] = DRAWING_MEMORY_RATIO * error[day - 1] + np.sqrt(1 - DRAWING_MEMORY_RATIO**2) * fresh[day]
    return parameters.drawing_error_km * error


def _names(count: int, chance: np.random.Generator) -> tuple[str, ...]:
    """Make up names, no two alike."""
    every = [begin + middle + end for begin in NAME_BEGINNINGS for middle in NAME_MIDDLES for end in NAME_ENDINGS]
    return tuple(every[index] for index in chance.permutation(len(every))[:count])


def _settlements(parameters: GroundParameters, first_line: Course, chance: np.random.Generator) -> Places:
    half_km = parameters.line_length_km / 2 - 5.0
    tries = parameters.settlement_count * 30
    along_km = chance.uniform(-half_km, half_km, tries)
    near = chance.random(tries) < 0.55
    reach_km = np.where(near, 28.0, parameters.depth_km - 12.0)
    across_km = first_line.at(along_km) + chance.uniform(-1.0, 1.0, tries) * reach_km
    kept: list[int] = []
    for index in range(tries):
        gaps_km = np.hypot(along_km[kept] - along_km[index], across_km[kept] - across_km[index])
        if np.all(gaps_km >= SETTLEMENT_GAP_KM):
            kept.append(index)
        if len(kept) == parameters.settlement_count:
            break
    return Places(names=_names(len(kept), chance), along_km=along_km[kept], across_km=across_km[kept])


def _regions(parameters: GroundParameters, chance: np.random.Generator) -> Places:
    """Stretches along the line; the stand-in point of each lies on one party's ground, by turns."""
    edges_km = np.linspace(-parameters.line_length_km / 2, parameters.line_length_km / 2, REGION_COUNT + 1)
    middles_km = (edges_km[:-1] + edges_km[1:]) / 2
    across_km = np.where(np.arange(REGION_COUNT) % 2 == 0, -1.0, 1.0) * chance.uniform(22.0, 40.0, REGION_COUNT)
    names = tuple(f"Region {index + 1}" for index in range(REGION_COUNT))
    return Places(names=names, along_km=middles_km, across_km=across_km)


def _near(
    settlements: Places, first_line: Course, wanted: tuple[str, int, float], chance: np.random.Generator
) -> Places:
    """Put sites (word, count, least depth in km) 1-2.5 km from deep settlements, by turns on either party's ground."""
    word, count, deep_km = wanted
    depth_km = settlements.across_km - first_line.at(settlements.along_km)
    deep = [np.flatnonzero(hand * depth_km > deep_km) for hand in (-1.0, 1.0)]
    chosen = [
        int(pick(chance, deep[turn % 2], 1, what=f"settlements at least {deep_km:g} km deep")[0])
        for turn in range(count)
    ]
    angle = chance.uniform(0.0, 2 * np.pi, count)
    off_km = chance.uniform(1.0, 2.5, count)
    return Places(
        names=tuple(f"{word} {index + 1}" for index in range(count)),
        along_km=settlements.along_km[chosen] + off_km * np.cos(angle),
        across_km=settlements.across_km[chosen] + off_km * np.sin(angle),
    )


def _along(
    parameters: GroundParameters,
    first_line: Course,
    wanted: tuple[str, int, float, float],
    chance: np.random.Generator,
) -> Places:
    """Set posts (prefix, count, least and most km behind the line) along it, by turns on either party's ground."""
    prefix, count, low_km, high_km = wanted
    half_km = parameters.line_length_km / 2
    spacing_km = 2 * half_km / count
    along_km = -half_km + spacing_km * (np.arange(count) + 0.5) + chance.uniform(-0.2, 0.2, count) * spacing_km
    hand = np.where(np.arange(count) % 2 == 0, -1.0, 1.0)
    return Places(
        names=tuple(f"{prefix}{index + 1:02d}" for index in range(count)),
        along_km=along_km,
        across_km=first_line.at(along_km) + hand * chance.uniform(low_km, high_km, count),
    )
