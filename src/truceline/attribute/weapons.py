"""A weapon that is known by type or class -> how far its launch can lie from the impact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from truceline.model.evidence import OriginBand, RangeBand
from truceline.model.weapon import WeaponCatalogue, WeaponClass, WeaponType

RANGE_LEAST_M = 100.0
"""Nothing is taken as fired from nearer than this: the least with which a band of the catalogue may begin."""

REACH_MOST_M = 2.0e6
"""And nothing as fired from farther: the most at which such a band may end."""

NOT_TOLD = frozenset({"", "n/k", "nk", "unknown", "not known", "undetermined", "-", "none"})
"""How records write that a weapon was not told."""

CLASSES: dict[str, WeaponClass] = {name.replace("_", " "): name for name in get_args(WeaponClass)}
"""Classes as they are spoken."""


def is_told(named: str) -> bool:
    """Say whether a record names a weapon at all."""
    return named.strip().casefold() not in NOT_TOLD


def weapons_named(weapons: WeaponCatalogue, named: str) -> list[WeaponType] | None:
    """Give the types that a record's word for a weapon may mean, by name, id or class; `None` for a word not known.

    A class may be written as the catalogue does or with spaces, and in the plural.
    """
    if weapons.named(named) is not None:
        return weapons_of(weapons, named)
    spoken = named.strip().casefold().replace("_", " ")
    meant = CLASSES.get(spoken) or CLASSES.get(spoken.removesuffix("s"))
    return None if meant is None else weapons_of(weapons, "", weapon_class=meant)


def weapons_of(weapons: WeaponCatalogue, named: str, *, weapon_class: WeaponClass | None = None) -> list[WeaponType]:
    """Give the types that a name or, where none is named so, a class may mean; those of unknown range are left out."""
    found = weapons.named(named) if named else None
    meant = [found] if found is not None else [one for one in weapons.types if one.weapon_class == weapon_class]
    return [one for one in meant if one.range_high_m]


def reach_m(weapon: WeaponType) -> tuple[float, float]:
    """Give the least and greatest distance a type fires at; rounds of extended range count, for they may be used."""
    low_m = max(RANGE_LEAST_M, weapon.range_low_m or 0.0)
    high_m = max(weapon.range_high_m or 0.0, weapon.range_extended_m or 0.0)
    return low_m, min(REACH_MOST_M, max(high_m, 1.02 * low_m))


def bands_of_weapons(meant: Sequence[WeaponType]) -> tuple[RangeBand, ...] | None:
    """Give the range of fire of an event whose weapon is known, as `Case.bands`; `None` where nothing is known of it.

    Each type that may be meant is as likely as any other: log-uniform within its own limits.
    """
    if not meant:
        return None
    return tuple(
        RangeBand(name=weapon.type_id, low_m=low_m, high_m=high_m, probability=1.0 / len(meant))
        for weapon in meant
        for low_m, high_m in [reach_m(weapon)]
    )


def band_from_impact(meant: Sequence[WeaponType], *, latitude_deg: float, longitude_deg: float) -> OriginBand | None:
    """Give the same as a shape of an item at the impact, from the least to the greatest of all types meant.

    To be used where a remnant says which weapon it was: that may be of another round, so it is an item with its own
    contamination, and `Case.bands` stay as they are.
    """
    if not meant:
        return None
    limits = [reach_m(weapon) for weapon in meant]
    return OriginBand(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        range_low_m=min(low_m for low_m, _ in limits),
        range_high_m=max(high_m for _, high_m in limits),
    )
