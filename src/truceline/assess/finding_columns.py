"""What an assessment says, as columns: one row for each event and clause that concerns it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from truceline.assess.columns import NOT_TOLD_INDEX, Bools, Floats, Longs

COMPLIANT, EXEMPT, POTENTIAL, INDETERMINATE = 0, 1, 2, 3
"""The four kinds of findings, as codes."""

EXCEPTED_BY_CLAUSE_INDEX = -2
"""Stands where an exemption's number would: the clause itself excepts the actor."""

REASON_NO_WINDOW = "no window in force"
REASON_NO_OBJECT = "no protected object concerned"
REASON_NOT_ENERGY = "no energy object concerned"
REASON_WITHDRAWN = "event withdrawn: part of another event"
REASON_OUTSIDE = "outside the zone"
REASON_PERIOD = "the time to carry it out still ran"
REASON_STORED = "in a designated storage site"
REASON_PERMITTED = "permitted on conditions that documents say were met: to be verified"
REASON_NO_RULE = "no clause speaks of it"
REASON_UNLIKELY = "hardly of the kind that the clause names"
REASON_SMALLER = "formation smaller than the clause names"

REASONS = (
    "",
    REASON_WITHDRAWN,
    REASON_NO_WINDOW,
    REASON_NO_OBJECT,
    REASON_UNLIKELY,
    REASON_OUTSIDE,
    REASON_PERIOD,
    REASON_STORED,
    REASON_PERMITTED,
    REASON_NO_RULE,
    REASON_SMALLER,
)
"""Reasons by their code; 0 is none."""

LACKING = (
    "act",
    "weapon",
    "party",
    "domain",
    "size",
    "object",
    "list",
    "definition",
    "time",
    "place",
    "line",
    "position",
    "storage",
    "permission",
)
"""What may be lacking, by the number of its bit; `assess.wording` says each in words."""

FLAGS = (
    "in_withdrawal_period",
    "outside_designated_site",
    "permitted_to_verify",
    "recorded_outside_zone",
    "approximate_geometry",
    "no_rule",
    "not_in_force",
    "withdrawn_event",
)
"""Flags that an assessment raises by itself, by the number of their bit; watchers raise the others."""


def lacking_bit(name: str) -> int:
    """Give the bit of what is lacking."""
    return 1 << LACKING.index(name)


def flag_bit(name: str) -> int:
    """Give the bit of a flag."""
    return 1 << FLAGS.index(name)


class FindingColumns(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Findings as columns [M], ordered by event and then by clause.

    `row` is the event's number, `clause` that of the compiled clause (-1: no clause speaks of it). `kind` is one of the
    four codes. `probability` and its parts are `nan` unless the kind is potential. `lacking`, `flags` and
    `watchers` are sets of bits. `exemption`, `notification`, `permission` and `window` are numbers, or -1.
    """

    row: Longs
    clause: Longs
    kind: Longs
    probability: Floats
    inside_probability: Floats
    time_probability: Floats
    class_probability: Floats
    reason: Longs
    lacking: Longs
    flags: Longs
    watchers: Longs
    exemption: Longs
    notification: Longs
    permission: Longs
    window: Longs
    disputed: Bools

    def __len__(self) -> int:
        """Give the number of findings."""
        return len(self.row)


LONG_COLUMNS = ("row", "clause", "kind", "reason", "lacking", "flags", "watchers")
NUMBER_COLUMNS = ("exemption", "notification", "permission", "window")
FLOAT_COLUMNS = ("probability", "inside_probability", "time_probability", "class_probability")


def blank(rows: Longs, clause_index: int) -> dict[str, Longs | Floats | Bools]:
    """Give columns for some rows and one clause in which nothing is said yet."""
    count = len(rows)
    columns: dict[str, Longs | Floats | Bools] = {name: np.zeros(count, dtype=np.int64) for name in LONG_COLUMNS}
    columns |= {name: np.full(count, NOT_TOLD_INDEX, dtype=np.int64) for name in NUMBER_COLUMNS}
    columns |= {name: np.full(count, np.nan) for name in FLOAT_COLUMNS}
    columns["row"], columns["clause"] = rows, np.full(count, clause_index, dtype=np.int64)
    columns["disputed"] = np.zeros(count, dtype=np.bool_)
    return columns


def joined(parts: Sequence[FindingColumns]) -> FindingColumns:
    """Put findings end to end."""
    if not parts:
        return FindingColumns(**blank(np.zeros(0, dtype=np.int64), NOT_TOLD_INDEX))  # type: ignore[arg-type]
    names = parts[0].__struct_fields__
    return FindingColumns(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def by_event(parts: Sequence[FindingColumns]) -> FindingColumns:
    """Put findings together in the order of events; those about one event stay in the order of the parts."""
    rows = np.concatenate([part.row for part in parts])
    place = np.empty(len(rows), dtype=np.int64)
    place[np.argsort(rows, kind="stable")] = np.arange(len(rows))
    starts = np.cumsum([0, *(len(part) for part in parts)])
    columns = {}
    for name in FindingColumns.__struct_fields__:
        columns[name] = np.empty(len(rows), dtype=getattr(parts[0], name).dtype)
        for start, part in zip(starts, parts, strict=False):
            columns[name][place[start : start + len(part)]] = getattr(part, name)
    return FindingColumns(**columns)
