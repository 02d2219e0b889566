"""Weapons as texts name them: a catalogue of types with class, calibre and range band, and terms that select types."""

from __future__ import annotations

from typing import Literal

import msgspec

from truceline.model.quantity import require_between

WEAPON_CATALOGUE_SCHEMA_NAME = "truceline.weapons/1"

CALIBRE_MOST_MM = 2_000.0
"""Largest calibre that can be meant, millimetres: missiles are given by their diameter."""

RANGE_MOST_M = 2.0e7
"""Longest range that can be meant: half way round the Earth."""

WeaponClass = Literal[
    "small_arms",
    "heavy_machine_gun",
    "grenade_launcher",
    "recoilless_gun",
    "anti_tank_gun",
    "anti_tank_missile",
    "anti_aircraft_gun",
    "mortar",
    "howitzer",
    "gun",
    "mlrs",
    "tactical_missile",
    "cruise_missile",
    "surface_to_air_missile",
    "tank",
    "infantry_fighting_vehicle",
    "armoured_carrier",
    "coastal_artillery",
    "naval_gun",
    "combat_aircraft",
    "transport_aircraft",
    "helicopter",
    "reconnaissance_uav",
    "attack_uav",
    "oneway_uav",
    "fpv_uav",
    "balloon",
    "glide_bomb",
    "mine",
    "electronic_warfare",
]

LaunchHint = Literal["launch_sound", "launch_flash", "launch_heat", "supersonic", "engine_sound", "radar"]
"""By which evidence a launch or flight can be noticed."""

Basis = Literal["text", "seen", "general_knowledge"]
"""Where a statement of a text or catalogue comes from: its own wording, another source that was read, or neither."""


class WeaponType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One type: its names, class, calibre (or missile diameter), range band, whether it drives, and what shows it.

    `range_low_m` is the least range it is fired at, `range_high_m` the greatest with its ordinary ammunition;
    `range_extended_m` that of rocket-assisted or guided rounds. `hints` say by which evidence modalities a launch can
    be noticed. Numbers are `None` where they are not known or have no meaning; `basis` says where a row comes from.
    """

    type_id: str
    names: tuple[str, ...]
    weapon_class: WeaponClass
    calibre_mm: float | None
    range_low_m: float | None
    range_high_m: float | None
    mobile: bool
    source: str
    basis: Basis
    range_extended_m: float | None = None
    tube_count: int | None = None
    hints: tuple[LaunchHint, ...] = ()

    def __post_init__(self) -> None:
        """Check that the type has a name and a source, and that its numbers are in order."""
        if not self.names or not all(name.strip() for name in self.names):
            raise ValueError(f"{self.type_id}: names={self.names} lack a name")
        if not self.source.strip():
            raise ValueError(f"{self.type_id}: source is empty")
        if self.calibre_mm is not None:
            require_between("calibre_mm", self.calibre_mm, 1.0, CALIBRE_MOST_MM)
        low_m = self.range_low_m or 0.0
        require_between("range_low_m", low_m, 0.0, RANGE_MOST_M)
        if self.range_high_m is not None:
            require_between("range_high_m", self.range_high_m, low_m, RANGE_MOST_M)
        if self.range_extended_m is not None:
            require_between("range_extended_m", self.range_extended_m, self.range_high_m or low_m, RANGE_MOST_M)
        if self.tube_count is not None:
            require_between("tube_count", self.tube_count, 1, 1_000)


class WeaponTerm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which weapons a clause speaks of: named types, or classes within calibre and range bounds; empty means any.

    A weapon is meant if its type is among `type_ids`, or if its class is among `classes` (empty: any class) and its
    calibre and range are within the bounds. Where only `type_ids` are given, nothing else is meant.
    `excluded_type_ids` are never meant: other clauses speak of them. Calibre bounds are included unless the text says
    "less than" (`calibre_high_included`) or "more than" (`calibre_low_included`). Range bounds are included.
    """

    title: str
    type_ids: tuple[str, ...] = ()
    excluded_type_ids: tuple[str, ...] = ()
    classes: tuple[WeaponClass, ...] = ()
    calibre_low_mm: float | None = None
    calibre_high_mm: float | None = None
    calibre_low_included: bool = True
    calibre_high_included: bool = True
    range_low_m: float | None = None
    range_high_m: float | None = None

    def __post_init__(self) -> None:
        """Check that bounds are in order and that no type is both named and excluded."""
        for name, low, high, most in (
            ("calibre_mm", self.calibre_low_mm, self.calibre_high_mm, CALIBRE_MOST_MM),
            ("range_m", self.range_low_m, self.range_high_m, RANGE_MOST_M),
        ):
            if low is not None:
                require_between(f"lower bound of {name}", low, 0.0, most)
            if high is not None:
                require_between(f"upper bound of {name}", high, low or 0.0, most)
        both = sorted(set(self.type_ids) & set(self.excluded_type_ids))
        if both:
            raise ValueError(f"type_ids={both} are named and excluded at once")

    @property
    def is_any(self) -> bool:
        """Say whether the term excludes nothing, so that every weapon is meant."""
        return not (self.type_ids or self.excluded_type_ids or self.classes or self.is_bounded)

    @property
    def is_bounded(self) -> bool:
        """Say whether the term has a bound on calibre or range."""
        bounds = (self.calibre_low_mm, self.calibre_high_mm, self.range_low_m, self.range_high_m)
        return any(bound is not None for bound in bounds)

    def covers(self, weapon: WeaponType) -> bool | None:
        """Say whether a type is meant; `None` where the catalogue lacks the number that a bound asks for."""
        if weapon.type_id in self.excluded_type_ids:
            return False
        if weapon.type_id in self.type_ids:
            return True
        return self.covers_class(weapon.weapon_class, calibre_mm=weapon.calibre_mm, range_m=weapon.range_high_m)

    def covers_class(
        self, weapon_class: WeaponClass, *, calibre_mm: float | None = None, range_m: float | None = None
    ) -> bool | None:
        """Say whether a weapon known by class, calibre and range is meant; `None` where a deciding number is lacking.

        Named types are left aside; `WeaponCatalogue.covers_kind` takes them in.
        """
        if self.type_ids and not self.classes and not self.is_bounded:
            return False
        if self.classes and weapon_class not in self.classes:
            return False
        answers = (self._calibre_is_within(calibre_mm), self._range_is_within(range_m))
        if False in answers:
            return False
        return None if None in answers else True

    def _calibre_is_within(self, calibre_mm: float | None) -> bool | None:
        low_mm, high_mm = self.calibre_low_mm, self.calibre_high_mm
        if low_mm is None and high_mm is None:
            return True
        if calibre_mm is None:
            return None
        above = low_mm is None or calibre_mm > low_mm or (self.calibre_low_included and calibre_mm == low_mm)
        below = high_mm is None or calibre_mm < high_mm or (self.calibre_high_included and calibre_mm == high_mm)
        return above and below

    def _range_is_within(self, range_m: float | None) -> bool | None:
        if self.range_low_m is None and self.range_high_m is None:
            return True
        if range_m is None:
            return None
        above = self.range_low_m is None or range_m >= self.range_low_m
        return above and (self.range_high_m is None or range_m <= self.range_high_m)


class WeaponCatalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every known type; agreements may name only these, and attribution takes its range bands from here."""

    version: str
    types: tuple[WeaponType, ...]
    schema_name: str = WEAPON_CATALOGUE_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check that no type stands twice."""
        ids = [entry.type_id for entry in self.types]
        twice = sorted({type_id for type_id in ids if ids.count(type_id) > 1})
        if twice:
            raise ValueError(f"types={twice} stand twice")

    def find(self, type_id: str) -> WeaponType | None:
        """Give a type by its id, or `None`."""
        return next((entry for entry in self.types if entry.type_id == type_id), None)

    def named(self, name: str) -> WeaponType | None:
        """Give the first type that has this name or id, capital letters aside, or `None`."""
        wanted = name.strip().casefold()
        return next(
            (entry for entry in self.types if wanted in {entry.type_id.casefold(), *map(str.casefold, entry.names)}),
            None,
        )

    def covers_kind(
        self, term: WeaponTerm, weapon_class: WeaponClass, *, calibre_mm: float | None = None
    ) -> bool | None:
        """Say whether a weapon of which only class (and calibre) are known is meant; `None` where types differ on it.

        Every type of the class (and calibre) is asked; where the catalogue has none, the term's own bounds answer.
        """
        of_kind = [
            entry
            for entry in self.types
            if entry.weapon_class == weapon_class and calibre_mm in (None, entry.calibre_mm)
        ]
        if not of_kind:
            return term.covers_class(weapon_class, calibre_mm=calibre_mm)
        answers = {term.covers(entry) for entry in of_kind}
        return answers.pop() if len(answers) == 1 else None
