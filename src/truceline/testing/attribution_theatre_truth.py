"""What truly happened in the made-up theatre: who fired what from where to where, and what was none of it.

Ranges are beta-distributed (the model believes in log-uniform bands), fire is at angles to the line, and own-ground
events are short rounds, accidents without a launch, and staged attacks.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np

from truceline.testing.attribution_theatre_ground import Day, Spot

Account = Literal["across", "short_round", "staged", "accident", "neither"]

NEITHER_SHARE = 0.025
"""Old ordnance, third actors and bangs of no attack, of all events."""

LAUNCH_SEEN_SHARE = 0.08
"""Events of which what was noticed is the fire going out, not the impact."""

OWN_GROUND_SHARES: dict[Account, float] = {"short_round": 0.4, "staged": 0.35, "accident": 0.25}
TRIES_MOST_COUNT = 400
ALONG_MOST_M = 45_000.0


class Weapon(msgspec.Struct, frozen=True, kw_only=True):
    """A class of weapon: how often, how far (beta-distributed between the limits), and what its remnant tells.

    `told_low_m`, `told_high_m`: the range that tables give for what a remnant shows.
    """

    name: str
    share: float
    range_low_m: float
    range_high_m: float
    shape_ratios: tuple[float, float]
    told_low_m: float
    told_high_m: float
    ballistic: bool = True
    loud: bool = True


WEAPONS: tuple[Weapon, ...] = (
    Weapon(
        name="mortar",
        share=0.28,
        range_low_m=400.0,
        range_high_m=7_200.0,
        shape_ratios=(2.0, 2.0),
        told_low_m=500.0,
        told_high_m=7_000.0,
    ),
    Weapon(
        name="tank",
        share=0.07,
        range_low_m=300.0,
        range_high_m=3_600.0,
        shape_ratios=(1.5, 2.5),
        told_low_m=200.0,
        told_high_m=4_000.0,
    ),
    Weapon(
        name="gun",
        share=0.30,
        range_low_m=2_500.0,
        range_high_m=24_500.0,
        shape_ratios=(2.2, 2.0),
        told_low_m=3_000.0,
        told_high_m=24_000.0,
    ),
    Weapon(
        name="rocket",
        share=0.13,
        range_low_m=4_000.0,
        range_high_m=38_000.0,
        shape_ratios=(2.0, 2.0),
        told_low_m=5_000.0,
        told_high_m=36_000.0,
    ),
    Weapon(
        name="drone",
        share=0.14,
        range_low_m=1_500.0,
        range_high_m=35_000.0,
        shape_ratios=(1.3, 2.5),
        told_low_m=1_000.0,
        told_high_m=40_000.0,
        ballistic=False,
        loud=False,
    ),
    Weapon(
        name="long_range",
        share=0.08,
        range_low_m=30_000.0,
        range_high_m=130_000.0,
        shape_ratios=(1.5, 2.0),
        told_low_m=30_000.0,
        told_high_m=200_000.0,
        ballistic=False,
    ),
)
_SHARES = np.array([weapon.share for weapon in WEAPONS])


class Happening(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One event as it truly was. `party_index`: who did it, -1 for neither; `launch`: `None` if nothing was fired."""

    account: Account
    party_index: int
    day: Day
    weapon: Weapon
    launch: Spot | None
    impact: Spot
    launch_seen: bool

    @property
    def place(self) -> Spot:
        """Give the spot that was noticed: where it landed, or where fire went out."""
        return self.launch if self.launch_seen and self.launch is not None else self.impact


def draw_account(own_side_probability: float, chance: np.random.Generator) -> Account:
    """Draw which kind of event it is."""
    if chance.random() < NEITHER_SHARE:
        return "neither"
    if chance.random() >= own_side_probability:
        return "across"
    return _chosen(OWN_GROUND_SHARES, chance)


def _chosen(shares: dict[Account, float], chance: np.random.Generator) -> Account:
    names = tuple(shares)
    return names[int(chance.choice(len(names), p=list(shares.values())))]


def draw_happening(account: Account, party_index: int, *, day: Day, chance: np.random.Generator) -> Happening:
    """Draw an event of an account and a party that fits the ground; unfit draws are made again."""
    for _ in range(TRIES_MOST_COUNT):
        weapon = WEAPONS[int(chance.choice(len(WEAPONS), p=_SHARES))]
        launch, impact = _DRAWERS[account](party_index, day, weapon, chance)
        made = Happening(
            account=account,
            party_index=-1 if account == "neither" else party_index,
            day=day,
            weapon=weapon,
            launch=launch,
            impact=impact,
            launch_seen=account == "across" and chance.random() < LAUNCH_SEEN_SHARE,
        )
        if _fits(made):
            return made
    raise AssertionError(f"no {account} fits the line of {day.line_date} after {TRIES_MOST_COUNT} draws")


def draw_false_flag(party_index: int, day: Day, chance: np.random.Generator) -> Happening:
    """Draw a staged attack made to look like one from across: fired from just behind the line to deep on own ground."""
    for _ in range(TRIES_MOST_COUNT):
        weapon = WEAPONS[int(chance.choice(3, p=_SHARES[:3] / _SHARES[:3].sum()))]
        launch = _behind(party_index, day, float(chance.uniform(150.0, 1_200.0)), chance)
        impact = _onward(launch, _range_m(weapon, chance), float(chance.normal(0.0, 20.0)), inward=_sign(party_index))
        made = Happening(
            account="staged",
            party_index=party_index,
            day=day,
            weapon=weapon,
            launch=launch,
            impact=impact,
            launch_seen=False,
        )
        if _fits(made):
            return made
    raise AssertionError(f"no staged attack fits the line of {day.line_date} after {TRIES_MOST_COUNT} draws")


def _fits(made: Happening) -> bool:
    """Say whether launch and impact lie on the ground that the account is about."""
    day, party = made.day, made.party_index
    if party < 0:
        return True
    fired_from_own = made.launch is None or day.holder_index(made.launch) == party
    lands_on_own = day.holder_index(made.impact) == party
    return fired_from_own and lands_on_own == (made.account != "across")


def _sign(party_index: int) -> float:
    """Give the direction into a party's own ground."""
    return 1.0 if party_index == 0 else -1.0


def _range_m(weapon: Weapon, chance: np.random.Generator) -> float:
    return weapon.range_low_m + (weapon.range_high_m - weapon.range_low_m) * float(chance.beta(*weapon.shape_ratios))


def _behind(party_index: int, day: Day, depth_m: float, chance: np.random.Generator) -> Spot:
    """Give a spot so deep on a party's ground, anywhere along the line."""
    along_m = float(chance.uniform(-ALONG_MOST_M, ALONG_MOST_M))
    return along_m, day.line_across_m(along_m) + _sign(party_index) * depth_m


def _onward(start: Spot, distance_m: float, angle_deg: float, *, inward: float) -> Spot:
    """Give where a way ends that leaves the normal of the line by an angle; `inward` is the sign of its crossing."""
    angle = math.radians(angle_deg)
    return start[0] + distance_m * math.sin(angle), start[1] + inward * distance_m * math.cos(angle)


def _angle_deg(chance: np.random.Generator) -> float:
    return float(np.clip(28.0 * chance.standard_t(6), -80.0, 80.0))


def _across(party_index: int, day: Day, weapon: Weapon, chance: np.random.Generator) -> tuple[Spot | None, Spot]:
    range_m = _range_m(weapon, chance)
    launch = _behind(party_index, day, range_m * float(chance.beta(2.0, 3.0)), chance)
    return launch, _onward(launch, range_m, _angle_deg(chance), inward=-_sign(party_index))


def _short_round(party_index: int, day: Day, weapon: Weapon, chance: np.random.Generator) -> tuple[Spot | None, Spot]:
    depth_m = _range_m(weapon, chance) * float(chance.beta(2.0, 3.0))
    launch = _behind(party_index, day, depth_m, chance)
    flown_m = max(100.0, depth_m * float(chance.uniform(0.1, 0.95)))
    return launch, _onward(launch, flown_m, _angle_deg(chance), inward=-_sign(party_index))


def _staged(party_index: int, day: Day, weapon: Weapon, chance: np.random.Generator) -> tuple[Spot | None, Spot]:
    impact = _behind(party_index, day, float(chance.lognormal(math.log(2_000.0), 0.8)), chance)
    way = float(chance.choice((-1.0, 1.0)))
    return _onward(impact, _range_m(weapon, chance), float(chance.uniform(-90.0, 90.0)), inward=way), impact


def _accident(party_index: int, day: Day, _weapon: Weapon, chance: np.random.Generator) -> tuple[Spot | None, Spot]:
    return None, _behind(party_index, day, float(chance.lognormal(math.log(6_000.0), 0.8)), chance)


def _neither(_party_index: int, day: Day, weapon: Weapon, chance: np.random.Generator) -> tuple[Spot | None, Spot]:
    impact = _behind(int(chance.integers(2)), day, float(chance.lognormal(math.log(4_000.0), 0.9)), chance)
    if chance.random() < 0.7:
        return None, impact
    return _onward(impact, _range_m(weapon, chance), float(chance.uniform(-180.0, 180.0)), inward=1.0), impact


_DRAWERS = {
    "across": _across,
    "short_round": _short_round,
    "staged": _staged,
    "accident": _accident,
    "neither": _neither,
}
