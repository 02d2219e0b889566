"""What is held against a text: observed conduct as records, and as columns in which whole months are assessed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from truceline.assess.zone_columns import Spread, rows_of, spread_rows
from truceline.model.conduct import UNIT_SIZES, ActDomain, ActKind, Purpose, UnitSize
from truceline.model.quantity import Position, TimeSpan, require_between
from truceline.model.weapon import WeaponClass
from truceline.physics.geodesy import Points

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]

Bits = int
"""A set, one bit for each member."""

ObjectCategory = Literal["energy", "education", "health", "public_premises", "water", "port", "crossing", "civilian"]

ACTS: tuple[ActKind, ...] = get_args(ActKind)
DOMAINS: tuple[ActDomain, ...] = get_args(ActDomain)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
CATEGORIES: tuple[ObjectCategory, ...] = get_args(ObjectCategory)

NOT_TOLD_INDEX = -1
"""The code of what an event does not say."""

IMPLIED_ACTS: dict[ActKind, tuple[ActKind, ...]] = {
    "attack": ("fire",),
    "return_fire": ("fire",),
    "self_defence": ("fire",),
    "placement": ("presence",),
    "reinforcement": ("presence",),
}
"""What an act is as well, by the meaning of the words: whoever attacks fires, whoever brings in is there."""

DOMAIN_OF_ACT: dict[ActKind, ActDomain] = {"flight": "air", "maritime_manoeuvre": "sea"}
"""Acts that happen in one domain only; for all others an event has to say where."""

ACTS_AT_WEAPON: frozenset[ActKind] = frozenset(
    {
        "live_fire_exercise",
        "advance",
        "presence",
        "placement",
        "reinforcement",
        "field_exercise",
        "gun_uncovering",
        "military_manifestation",
    }
)
"""Acts whose place is where the weapon or unit is; for fire that may be the place of impact, so an event has to say."""


class WeaponKind(NamedTuple):
    """What is known of a weapon: its type, or its class with or without a calibre (mm)."""

    type_id: str | None
    weapon_class: WeaponClass | None = None
    calibre_mm: float | None = None


Mixture = tuple[tuple[WeaponKind, float], ...]
"""Kinds a weapon may be of, each with its probability; what is missing to one cannot be told."""


class WeaponShare(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind a weapon may be of, by type or by class and calibre, and how probable that is."""

    type_id: str | None = None
    weapon_class: WeaponClass | None = None
    calibre_mm: float | None = None
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Check the probability and that something is known."""
        require_between("probability", self.probability, 0.0, 1.0)
        if self.type_id is None and self.weapon_class is None:
            raise ValueError("type_id and weapon_class are both missing")


class Conduct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One occurrence in the words that texts are written in: which act, when, where, with what, by whom, what for.

    Whatever is left out is not known and never assumed. `party_probabilities` says by which party it was, as far as
    that was told apart; what is missing to one is unattributed. `actor_id` names a third actor instead. `objects` are
    the kinds of protected objects concerned, `objects_not` those that surely were not. `at_weapon` says that the place
    is the weapon's and not that of impact (`None`: as the act says). `lacking` is what keeps anyone from saying which
    act it was; the act is then the one it would be. `covariance_m2` is that of east, north, and both together.
    """

    event_id: str
    act: ActKind
    time: TimeSpan
    position: Position | None = None
    covariance_m2: tuple[float, float, float] | None = None
    revision_index: int = 0
    party_probabilities: dict[str, float] = {}
    actor_id: str | None = None
    weapons: tuple[WeaponShare, ...] = ()
    domain: ActDomain | None = None
    purpose: Purpose | None = None
    unit_size: UnitSize | None = None
    objects: tuple[ObjectCategory, ...] = ()
    objects_not: tuple[ObjectCategory, ...] = ()
    act_probability: float = 1.0
    at_weapon: bool | None = None
    lacking: str = ""
    withdrawn: bool = False

    def __post_init__(self) -> None:
        """Check that probabilities are such and together no more than one, and that one actor is named."""
        require_between("act_probability", self.act_probability, 0.0, 1.0)
        for name, shares in (
            ("party_probabilities", list(self.party_probabilities.values())),
            ("weapons", [share.probability for share in self.weapons]),
        ):
            for share in shares:
                require_between(name, share, 0.0, 1.0)
            require_between(f"sum of {name}", sum(shares), 0.0, 1.0 + 1e-9)
        if self.actor_id is not None and self.party_probabilities:
            raise ValueError("actor_id and party_probabilities are both given")


class EventColumns(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Conduct as columns [N]; codes index the tables of this module or of this record, -1 is not known.

    Times are seconds since 1970 (UTC), an instant has start equal to end. `party_probability` [2, N] goes with
    `parties`. `objects` and `objects_not` are sets of bits, one for each of `CATEGORIES`. `mixture` indexes `mixtures`,
    `actor` `actor_ids`, `lacking` `lackings`. `spread` is each position's covariance (m^2). `event_ids` and
    `revision_index` may be left empty where rows are known by their number.
    """

    points: Points
    spread: Spread
    start_s: Floats
    end_s: Floats
    act: Longs
    act_probability: Floats
    party_probability: Floats
    parties: tuple[str, str]
    actor: Longs
    mixture: Longs
    domain: Longs
    purpose: Longs
    unit_size: Longs
    objects: Longs
    objects_not: Longs
    at_weapon: Bools
    lacking: Longs
    withdrawn: Bools
    actor_ids: tuple[str, ...] = ()
    mixtures: tuple[Mixture, ...] = ()
    lackings: tuple[str, ...] = ()
    event_ids: tuple[str, ...] = ()
    revision_index: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check that every column is as long as the points."""
        count = len(self.points)
        for name in ("start_s", "end_s", "act", "act_probability", "actor", "mixture", "domain", "purpose"):
            shape = getattr(self, name).shape
            assert shape == (count,), f"{name} of shape {shape} does not go with {count} points"
        assert self.party_probability.shape == (2, count), "party_probability does not have two rows of all events"

    def __len__(self) -> int:
        """Give the number of events."""
        return len(self.points)

    def take(self, rows: Longs | slice) -> EventColumns:
        """Give some rows; the tables stay as they are."""
        names = ("start_s", "end_s", "act", "act_probability", "actor", "mixture", "domain", "purpose", "unit_size")
        more = ("objects", "objects_not", "at_weapon", "lacking", "withdrawn")
        columns = {name: getattr(self, name)[rows] for name in (*names, *more)}
        chosen = np.arange(len(self))[rows] if self.event_ids else np.zeros(0, dtype=np.int64)
        return msgspec.structs.replace(
            self,
            points=rows_of(self.points, rows),
            spread=spread_rows(self.spread, rows),
            party_probability=self.party_probability[:, rows],
            event_ids=tuple(self.event_ids[row] for row in chosen),
            revision_index=tuple(self.revision_index[row] for row in chosen),
            **columns,
        )


def epoch_s(moment: datetime) -> float:
    """Give a moment in seconds since 1970 (UTC)."""
    return moment.timestamp()


def bits_of(categories: Iterable[ObjectCategory]) -> Bits:
    """Give a set of object categories as bits."""
    return sum(1 << CATEGORIES.index(category) for category in set(categories))


def _number(table: dict[Any, int], entry: object | None) -> int:
    """Give an entry's number, its place in the order in which entries came up; `NOT_TOLD_INDEX` for none."""
    return NOT_TOLD_INDEX if entry is None else table.setdefault(entry, len(table))


def columns_of(conducts: Sequence[Conduct], *, parties: tuple[str, str]) -> EventColumns:
    """Lay conduct out as columns; probabilities of anyone who is not one of the parties are left unattributed."""
    actors: dict[str, int] = {}
    mixtures: dict[Mixture, int] = {}
    lackings: dict[str, int] = {}
    places = [_place(entry) for entry in conducts]
    table = np.array(places, dtype=np.float64).reshape(-1, 5)

    def longs(values: Iterable[int]) -> Longs:
        return np.fromiter(values, dtype=np.int64, count=len(conducts))

    return EventColumns(
        points=Points(table[:, 0].copy(), table[:, 1].copy()),
        spread=Spread(*(table[:, column].copy() for column in (2, 3, 4))),
        start_s=np.array([epoch_s(entry.time.start) for entry in conducts], dtype=np.float64),
        end_s=np.array([epoch_s(entry.time.end) for entry in conducts], dtype=np.float64),
        act=longs(ACTS.index(entry.act) for entry in conducts),
        act_probability=np.array([entry.act_probability for entry in conducts], dtype=np.float64),
        party_probability=np.array(
            [[entry.party_probabilities.get(party, 0.0) for entry in conducts] for party in parties], dtype=np.float64
        ).reshape(2, len(conducts)),
        parties=parties,
        actor=longs(_number(actors, entry.actor_id) for entry in conducts),
        mixture=longs(_number(mixtures, _mixture(entry)) for entry in conducts),
        domain=longs(_code(DOMAINS, entry.domain or DOMAIN_OF_ACT.get(entry.act)) for entry in conducts),
        purpose=longs(_code(PURPOSES, entry.purpose) for entry in conducts),
        unit_size=longs(_code(UNIT_SIZES, entry.unit_size) for entry in conducts),
        objects=longs(bits_of(entry.objects) for entry in conducts),
        objects_not=longs(bits_of(entry.objects_not) for entry in conducts),
        at_weapon=np.array([_is_at_weapon(entry) for entry in conducts], dtype=np.bool_),
        lacking=longs(_number(lackings, entry.lacking or None) for entry in conducts),
        withdrawn=np.array([entry.withdrawn for entry in conducts], dtype=np.bool_),
        actor_ids=tuple(actors),
        mixtures=tuple(mixtures),
        lackings=tuple(lackings),
        event_ids=tuple(entry.event_id for entry in conducts),
        revision_index=tuple(entry.revision_index for entry in conducts),
    )


def _place(entry: Conduct) -> tuple[float, float, float, float, float]:
    """Give longitude, latitude and covariance of an event; `nan` and nothing where it has no place."""
    if entry.position is None:
        return np.nan, np.nan, 0.0, 0.0, 0.0
    variance_m2 = entry.position.sigma_m**2
    spread_m2 = entry.covariance_m2 or (variance_m2, variance_m2, 0.0)
    return entry.position.longitude_deg, entry.position.latitude_deg, *spread_m2


def _mixture(entry: Conduct) -> Mixture | None:
    """Give the kinds a weapon may be of, in one order; `None` where nothing is known of it."""
    kinds = [(WeaponKind(one.type_id, one.weapon_class, one.calibre_mm), one.probability) for one in entry.weapons]
    return tuple(sorted(kinds, key=repr)) or None


def _code(words: Sequence[str], word: str | None) -> int:
    return NOT_TOLD_INDEX if word is None else words.index(word)


def _is_at_weapon(entry: Conduct) -> bool:
    return entry.act in ACTS_AT_WEAPON if entry.at_weapon is None else entry.at_weapon
