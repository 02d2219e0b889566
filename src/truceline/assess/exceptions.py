"""What lets an event pass: exemptions by purpose, actor or prior notification, and permissions that documents show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from truceline.assess.candidates import Coverage, weapon_shares
from truceline.assess.columns import ACTS, NOT_TOLD_INDEX, PURPOSES, Bools, EventColumns, Floats, Longs
from truceline.assess.compile_zones import Place
from truceline.assess.compiled import ACTOR_INDEX, Compiled, CompiledExemption, CompiledPermission
from truceline.assess.spans import share_within, united
from truceline.model.provision import Exemption
from truceline.model.register import Notification
from truceline.physics.geodesy import geodesic_distance_m, points_of

if TYPE_CHECKING:
    from truceline.assess.places import Chunk

SURE_PROBABILITY = 0.5
"""A document or notification concerns an event that it covers with more than this probability."""


class Asked(NamedTuple):
    """Some rows of some events, and how places are measured for them."""

    columns: EventColumns
    rows: Longs
    chunk: Chunk | None
    known: Coverage

    def inside(self, place: Place) -> Floats:
        """Give the probability that each row surely lies in a place; 0 where that cannot be told."""
        assert self.chunk is not None, "a place is measured by a chunk"
        self.chunk.need(place, self.rows)
        found = self.chunk.measured(place, self.rows)
        return np.where(found.untold, 0.0, found.probability)


class Passed(NamedTuple):
    """For some rows: the share of an event that an exemption covers, and the notification (its number, or -1)."""

    share: Floats
    notification: Longs


def exempt_share(compiled: Compiled, exemption_index: int, asked: Asked) -> Passed:
    """Give which share of each event an exemption covers: time, act, purpose, actor, weapon, place, notification."""
    columns, rows, known = asked.columns, asked.rows, asked.known
    exemption = compiled.exemptions[exemption_index]
    provision = exemption.provision
    share = share_within(exemption.force.breach, columns.start_s[rows], columns.end_s[rows])
    share *= np.array([act in exemption.acts for act in ACTS], dtype=np.bool_)[columns.act[rows]]
    if provision.purposes:
        share *= np.array([*(name in provision.purposes for name in PURPOSES), False])[columns.purpose[rows]]
    if provision.actor_ids and not provision.purposes:
        share *= _named_actor(provision.actor_ids, columns, rows)
    if provision.parties:
        share *= _weight_of(provision.parties, columns, rows)
    if provision.weapons is not None:
        low, _ = weapon_shares(
            compiled, -1 - exemption_index, provision.weapons, mixtures=columns.mixtures, known=known
        )
        share *= low[columns.mixture[rows]]
    share *= _placed(asked, exemption)
    if not provision.notification_needed:
        return Passed(share, np.full(len(rows), NOT_TOLD_INDEX, dtype=np.int64))
    return _notified(compiled, exemption, asked, share=share)


def _named_actor(names: tuple[str, ...], columns: EventColumns, rows: Longs) -> Bools:
    found: Bools = np.array([*(name in names for name in columns.actor_ids), False], dtype=np.bool_)[
        columns.actor[rows]
    ]
    return found


def _weight_of(parties: tuple[str, ...], columns: EventColumns, rows: Longs) -> Floats:
    """Give the probability that it was one of some parties; third actors are none."""
    found: Floats = sum(
        (columns.party_probability[index, rows] for index, party in enumerate(columns.parties) if party in parties),
        np.zeros(len(rows)),
    )
    return found


def _placed(asked: Asked, exemption: CompiledExemption) -> Floats:
    """Give the share that surely lies in the exemption's place, for whoever it was."""
    columns, rows = asked.columns, asked.rows
    inside = [asked.inside(place) for place in exemption.places if place is not None]
    if not inside:
        return np.ones(len(rows))
    is_actor = columns.actor[rows] != NOT_TOLD_INDEX
    weights = columns.party_probability[:, rows]
    found: Floats = np.where(is_actor, inside[ACTOR_INDEX], (weights * np.vstack(inside[:2])).sum(axis=0))
    return found


def _notified(compiled: Compiled, exemption: CompiledExemption, asked: Asked, *, share: Floats) -> Passed:
    """Give the share that a sound notification covers: in time, by whoever acts, for this act and place."""
    columns, rows = asked.columns, asked.rows
    best, chosen = np.zeros(len(rows)), np.full(len(rows), NOT_TOLD_INDEX, dtype=np.int64)
    for number, notice in enumerate(compiled.register.notifications):
        if not is_sound(notice, exemption):
            continue
        end_s = min(notice.window.end, notice.withdrawn_time or notice.window.end).timestamp()
        span = united([(notice.window.start.timestamp(), end_s)])
        covered = share * share_within(span, columns.start_s[rows], columns.end_s[rows])
        covered *= np.array([act in notice.acts for act in ACTS], dtype=np.bool_)[columns.act[rows]]
        covered *= _by_notifier(notice, columns, rows)
        if notice.purpose is not None:
            covered *= (columns.purpose[rows] == PURPOSES.index(notice.purpose)) | (
                columns.purpose[rows] == NOT_TOLD_INDEX
            )
        if notice.type_ids:
            covered *= _of_types(notice.type_ids, columns, rows)
        covered *= _near(notice, columns, rows)
        if notice.zone_id is not None:
            covered *= asked.inside(exemption.notified_places[notice.zone_id])
        better = covered > best
        best, chosen = np.where(better, covered, best), np.where(better, number, chosen)
    return Passed(best, chosen)


def is_sound(notice: Notification, exemption: CompiledExemption) -> bool:
    """Say whether a notification is of the kind that an exemption asks for: of its text, early enough, acknowledged."""
    provision = exemption.provision
    if notice.agreement_id != exemption.layer.agreement_id or not set(notice.acts) & exemption.acts:
        return False
    acknowledged = notice.acknowledged_time is not None and notice.acknowledged_time <= notice.window.start
    return next(lacking_of_notice(notice, provision, acknowledged=acknowledged), None) is None


def lacking_of_notice(
    notice: Notification, provision: Exemption, *, acknowledged: bool
) -> Iterator[Literal["lead_time", "acknowledgement"]]:
    """Give what a notice lacks for an exemption: given early enough, and acknowledged where that is asked for."""
    if notice.lead_time_hours < max(provision.lead_time_hours, 0.0):
        yield "lead_time"
    if provision.acknowledgement_needed and not acknowledged:
        yield "acknowledgement"


def _by_notifier(notice: Notification, columns: EventColumns, rows: Longs) -> Floats:
    """Give the probability that whoever gave notice is whose conduct it was."""
    if notice.notified_by in columns.parties:
        found: Floats = columns.party_probability[columns.parties.index(notice.notified_by), rows]
        return found
    return _named_actor((notice.notified_by,), columns, rows).astype(np.float64)


def _of_types(type_ids: tuple[str, ...], columns: EventColumns, rows: Longs) -> Floats:
    shares = [sum(share for kind, share in mixture if kind.type_id in type_ids) for mixture in columns.mixtures]
    found: Floats = np.array([*shares, 0.0])[columns.mixture[rows]]
    return found


def _near(notice: Notification, columns: EventColumns, rows: Longs) -> Bools:
    """Say which events lie within the radius that a notification gives; everywhere where it gives none."""
    if notice.centre is None or notice.radius_m is None:
        return np.ones(len(rows), dtype=np.bool_)
    here = points_of(columns.points.longitude_deg[rows], columns.points.latitude_deg[rows])
    count = len(rows)
    there = points_of(np.full(count, notice.centre.longitude_deg), np.full(count, notice.centre.latitude_deg))
    near: Bools = geodesic_distance_m(there, here) < notice.radius_m
    return near


def permitted(
    compiled: Compiled, permission: CompiledPermission, columns: EventColumns, *, rows: Longs
) -> tuple[Bools, Bools]:
    """Say for which rows documents record every condition, and to which a permission applies at all.

    A record that says a condition was not met outweighs one that says it was.
    """
    provision = permission.provision
    applies = np.array([act in provision.acts for act in ACTS], dtype=np.bool_)[columns.act[rows]]
    applies &= share_within(permission.force.breach, columns.start_s[rows], columns.end_s[rows]) > SURE_PROBABILITY
    if provision.parties:
        applies &= _weight_of(provision.parties, columns, rows) > SURE_PROBABILITY
    met = applies.copy()
    for condition in provision.conditions:
        met &= _recorded(compiled, permission, columns, rows=rows, condition=condition)
    return met, applies


def _recorded(
    compiled: Compiled, permission: CompiledPermission, columns: EventColumns, *, rows: Longs, condition: str
) -> Bools:
    for_it, against = np.zeros(len(rows), dtype=np.bool_), np.zeros(len(rows), dtype=np.bool_)
    for record in compiled.register.conditions:
        wanted = (permission.layer.agreement_id, permission.provision.provision_id, condition)
        if (record.agreement_id, record.provision_id, record.condition) != wanted:
            continue
        meant = np.ones(len(rows), dtype=np.bool_)
        if record.event_id is not None:
            meant &= np.array([columns.event_ids[row] == record.event_id for row in rows], dtype=np.bool_)
        if record.span is not None:
            span = united([(record.span.start.timestamp(), record.span.end.timestamp())])
            meant &= share_within(span, columns.start_s[rows], columns.end_s[rows]) > SURE_PROBABILITY
        (for_it if record.met else against)[meant] = True
    return for_it & ~against
