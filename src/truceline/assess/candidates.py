"""Which events a clause speaks of, and every factor but the place: act, weapon, domain, size, object, party, time."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from truceline.assess.columns import (
    ACTS,
    DOMAINS,
    NOT_TOLD_INDEX,
    Bools,
    EventColumns,
    Floats,
    Longs,
    Mixture,
    WeaponKind,
)
from truceline.assess.compiled import Clause, Compiled
from truceline.assess.factors import Interval, start_interval
from truceline.assess.finding_columns import (
    REASON_NO_OBJECT,
    REASON_SMALLER,
    REASON_UNLIKELY,
    REASON_WITHDRAWN,
)
from truceline.assess.spans import share_within
from truceline.model.weapon import WeaponTerm

PLACEMENT_INDEX, ATTACK_INDEX = ACTS.index("placement"), ACTS.index("attack")

UNATTRIBUTED_LEAST_PROBABILITY = 1e-9
"""Less than this missing to one is rounding."""

KINDS_KEPT_COUNT = 200_000
"""So many answers on whether a term means a kind of weapon are kept at a time."""

Coverage = dict[tuple[int, WeaponKind], bool | None]


class Candidates(msgspec.Struct, eq=False):
    """The events that a clause speaks of: their rows, the factors so far, and who is bound by it, with which weight.

    `bound` [3, n] is the probability that it was the first party, the second, or a third actor that the clause binds;
    `unattributed` what is missing of it. `class_probability` is the part of act and weapon.
    """

    rows: Longs
    interval: Interval
    bound: Floats
    unattributed: Floats
    class_probability: Floats


def find_candidates(compiled: Compiled, clause: Clause, columns: EventColumns, *, known: Coverage) -> Candidates:
    """Give the events that a clause speaks of, with every factor that does not depend on place or time."""
    rows = _rows_not_replaced(clause, columns, _rows_of_acts(clause, columns))
    rows = rows[_domain_fits(clause, columns, rows)]
    low, high = weapon_shares(compiled, clause.clause_index, clause.weapons, mixtures=columns.mixtures, known=known)
    if clause.weapons is not None and not clause.weapons.is_any:
        rows = rows[high[columns.mixture[rows]] > 0.0]
    bound, unattributed, concerned = _bound(clause, columns, rows)
    if not concerned.all():
        rows, bound, unattributed = rows[concerned], bound[:, concerned], unattributed[concerned]
    interval = start_interval(columns.act_probability[rows])
    standing = (~columns.withdrawn[rows]).astype(np.float64)
    if not standing.all():
        interval.times(standing, standing, lacking="act", reason=REASON_WITHDRAWN)
    if columns.lackings:
        told = (columns.lacking[rows] == NOT_TOLD_INDEX).astype(np.float64)
        interval.times(told, 1.0, lacking="act", reason=REASON_UNLIKELY)
    _take_object(interval, clause, columns, rows)
    if clause.weapons is not None and not clause.weapons.is_any:
        mixture = columns.mixture[rows]
        interval.times(low[mixture], high[mixture], lacking="weapon", reason=REASON_UNLIKELY)
    class_probability = interval.low.copy()
    _take_domain(interval, clause, columns, rows)
    _take_size(interval, clause, columns, rows)
    if clause.unsaid:
        interval.times(0.0, 1.0, lacking="definition", reason=REASON_UNLIKELY)
    return Candidates(
        rows=rows, interval=interval, bound=bound, unattributed=unattributed, class_probability=class_probability
    )


def _rows_of_acts(clause: Clause, columns: EventColumns) -> Longs:
    """Give the rows whose act the clause speaks of.

    A clause on attacks against protected objects speaks of any fire of which it is told at what it was.
    """
    if clause.withdraws:
        seen = (columns.mixture != NOT_TOLD_INDEX) | (columns.act == PLACEMENT_INDEX)
        return np.flatnonzero(columns.at_weapon & (seen if clause.weapon_needed else True))
    meant = np.array([act in clause.acts for act in ACTS], dtype=np.bool_)[columns.act]
    if clause.object_bits and meant_attack(clause):
        fire = np.array([_is_fire(act) for act in ACTS], dtype=np.bool_)[columns.act]
        meant |= fire & ((columns.objects | columns.objects_not) != 0)
    return np.flatnonzero(meant)


def _rows_not_replaced(clause: Clause, columns: EventColumns, rows: Longs) -> Longs:
    """Leave out events all of whose time another clause stands in this one's place."""
    if len(clause.replaced) == 0:
        return rows
    return rows[share_within(clause.replaced, columns.start_s[rows], columns.end_s[rows]) < 1.0]


def meant_attack(clause: Clause) -> bool:
    """Say whether a clause speaks of attacks."""
    return ACTS[ATTACK_INDEX] in clause.acts


def _is_fire(act: str) -> bool:
    return act in {"fire", "return_fire", "self_defence"}


def _domain_fits(clause: Clause, columns: EventColumns, rows: Longs) -> Bools:
    if not clause.domains or len(clause.domains) == len(DOMAINS):
        return np.ones(len(rows), dtype=np.bool_)
    fits = np.array([*(domain in clause.domains for domain in DOMAINS), True], dtype=np.bool_)
    found: Bools = fits[columns.domain[rows]]
    return found


def _take_domain(interval: Interval, clause: Clause, columns: EventColumns, rows: Longs) -> None:
    if clause.domains and len(clause.domains) < len(DOMAINS):
        told = columns.domain[rows] != NOT_TOLD_INDEX
        interval.times(told.astype(np.float64), 1.0, lacking="domain", reason=REASON_UNLIKELY)


def _take_size(interval: Interval, clause: Clause, columns: EventColumns, rows: Longs) -> None:
    if clause.unit_size_low_index > 0:
        size = columns.unit_size[rows]
        high = (size == NOT_TOLD_INDEX) | (size >= clause.unit_size_low_index)
        low = high & (size != NOT_TOLD_INDEX)
        interval.times(low.astype(np.float64), high.astype(np.float64), lacking="size", reason=REASON_SMALLER)


def _take_object(interval: Interval, clause: Clause, columns: EventColumns, rows: Longs) -> None:
    """Take in whether a protected object was concerned: told so, told not, or not told; or no list says which are."""
    if not clause.object_bits:
        return
    objects, objects_not = columns.objects[rows], columns.objects_not[rows]
    listed = clause.object_bits & ~clause.unlisted_bits
    hit = (objects & listed) != 0
    maybe = ~hit & ((clause.object_bits & ~objects_not) != 0)
    unlisted = maybe & ((objects & clause.unlisted_bits) != 0)
    untold = maybe & ~unlisted
    interval.times(1.0 - unlisted, 1.0, lacking="list", reason=REASON_NO_OBJECT)
    interval.times(
        (hit | unlisted).astype(np.float64),
        (hit | unlisted | untold).astype(np.float64),
        lacking="object",
        reason=REASON_NO_OBJECT,
    )


def _bound(clause: Clause, columns: EventColumns, rows: Longs) -> tuple[Floats, Floats, Bools]:
    """Give the weights [3, n] of who is concerned, what is unattributed, and which rows concern anyone.

    A third actor whom an exception names is weighed like one that is bound: `exceptions` then lets it pass.
    """
    party = columns.party_probability
    weights = np.zeros((3, len(rows)))
    weights[0], weights[1] = party[0, rows], party[1, rows]
    unattributed = np.clip(1.0 - weights[0] - weights[1], 0.0, 1.0)
    unattributed[unattributed < UNATTRIBUTED_LEAST_PROBABILITY] = 0.0
    if columns.actor_ids:
        actor = columns.actor[rows]
        is_actor = actor != NOT_TOLD_INDEX
        named = {*clause.actor_ids, *clause.excepted_actor_ids, *clause.exempt_actor_ids}
        weights[2] = np.array([*(name in named for name in columns.actor_ids), False], dtype=np.bool_)[actor]
        weights[:2, is_actor], unattributed[is_actor] = 0.0, 0.0
    for index, is_bound in enumerate(clause.bound_parties):
        if not is_bound:
            weights[index] = 0.0
    if not any(clause.bound_parties):
        unattributed[:] = 0.0
    return weights, unattributed, (weights[0] + weights[1] + weights[2] + unattributed) > 0.0


def weapon_shares(
    compiled: Compiled, clause_index: int, term: WeaponTerm | None, *, mixtures: Sequence[Mixture], known: Coverage
) -> tuple[Floats, Floats]:
    """Give for each mixture the share that a term surely means, and the most it may; the last entry is "not told"."""
    low, high = np.zeros(len(mixtures) + 1), np.ones(len(mixtures) + 1)
    if term is None:
        return low, high
    for index, mixture in enumerate(mixtures):
        low[index], high[index] = _share(compiled, clause_index, term, mixture=mixture, known=known)
    return low, high


def _share(
    compiled: Compiled, name: int, term: WeaponTerm, *, mixture: Mixture, known: Coverage
) -> tuple[float, float]:
    low = high = 0.0
    total = 0.0
    for kind, probability in mixture:
        key = (name, kind)
        if key not in known:
            if len(known) >= KINDS_KEPT_COUNT:
                known.clear()
            known[key] = covers(compiled, term, kind)
        answer = known[key]
        total += probability
        low += probability if answer is True else 0.0
        high += probability if answer is not False else 0.0
    rest = 1.0 - total
    return low, min(1.0, high + (rest if rest > UNATTRIBUTED_LEAST_PROBABILITY else 0.0))


def covers(compiled: Compiled, term: WeaponTerm, kind: WeaponKind) -> bool | None:
    """Say whether a term means a kind of weapon; `None` where that cannot be told from what is known of the kind."""
    if kind.type_id is not None:
        entry = compiled.catalogue.find(kind.type_id)
        if entry is not None:
            return term.covers(entry)
        if kind.type_id in term.excluded_type_ids:
            return False
        if kind.type_id in term.type_ids:
            return True
    if kind.weapon_class is None:
        return None
    return compiled.catalogue.covers_kind(term, kind.weapon_class, calibre_mm=kind.calibre_mm)
