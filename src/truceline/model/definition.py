"""Words that a text leans on: who else acts, which objects are protected, what a term means, where it was read."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from truceline.model.conduct import ActKind
from truceline.model.weapon import Basis


class TextSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a text or clause was read; `basis` tells its own wording from other sources and general knowledge."""

    source_id: str
    title: str
    basis: Basis = "seen"
    published: date | None = None


class ThirdActor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is no party and yet named: monitors, observers, guarantors, a multinational force."""

    actor_id: str
    title: str
    role: Literal["monitor", "observer", "guarantor", "force", "authority", "other"]


class AgreedBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body that the text sets up or names, who sits in it, and what it does."""

    body_id: str
    title: str
    members: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


class ObjectClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class of protected objects, and which kind of object it is in the words that events are observed in.

    `list_published` says whether anyone can look up which objects are meant; where not, nothing can be held against
    the class and the finding says so.
    """

    object_class_id: str
    title: str
    category: Literal["energy", "education", "health", "public_premises", "water", "port", "crossing", "civilian"]
    list_published: bool = True


class ZoneSubstitution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Under one reading, one zone stands in the place of another."""

    zone_id: str
    by_zone_id: str


class Reading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to read a term: who reads it so (`None`: nobody in particular), what then counts, which zones then hold.

    `covers_acts` and `covers_object_class_ids` add to what the depending clause names; `substitutions` exchange zones.
    """

    reading_id: str
    statement: str
    party: str | None = None
    covers_acts: tuple[ActKind, ...] = ()
    covers_object_class_ids: tuple[str, ...] = ()
    substitutions: tuple[ZoneSubstitution, ...] = ()


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A term on which a finding may turn.

    `standing` is *defined* (its one reading, if given, applies), *disputed* (a finding is made under each reading),
    *undefined* (the text leans on a word and nobody said what it means) or *unpublished* (it is said somewhere that
    cannot be read). Under the last two no clause that depends on it can be assessed.
    """

    definition_id: str
    term: str
    statement: str
    standing: Literal["defined", "disputed", "undefined", "unpublished"]
    source_ids: tuple[str, ...]
    article: str = ""
    readings: tuple[Reading, ...] = ()

    def __post_init__(self) -> None:
        """Check that there are as many readings as the standing allows."""
        count = len(self.readings)
        allowed = {"defined": (0, 1), "disputed": (2, 20), "undefined": (0, 0), "unpublished": (0, 0)}[self.standing]
        if not allowed[0] <= count <= allowed[1]:
            raise ValueError(
                f"{self.definition_id}: {count} readings are outside [{allowed[0]}, {allowed[1]}] of {self.standing}"
            )
