"""Compiled: rounds of one mission that hold each other's detections are taken apart and put together anew.

Rounds follow each other within seconds, and where few stations hear them a detection of the one can fit the other. Then
both lie beside their true places, and neither can move alone: what it lacks the other holds. From one place, every
detection says when its round would have been; the times that agree tell the rounds apart.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from truceline.associate.engine.accept import Events, Ordered, claim, in_space, log_density_near, release
from truceline.associate.engine.free import Heard, free_near
from truceline.associate.engine.layout import (
    CLAIM_COUNT,
    EV_ALIVE,
    EV_COUNT,
    EV_LOG_DENSITY,
    EV_LOG_ODDS,
    EV_RANGE,
    EV_T,
    EV_X,
    EV_Y,
    EVENT_COLUMNS_COUNT,
    STA_CLUTTER,
    STA_X,
    STA_Y,
    Air,
    Bools,
    Floats,
    Longs,
    Scene,
    Work,
)
from truceline.associate.engine.refine import settle, state_odds
from truceline.associate.engine.sound import air_at, travel_by, travel_factors

ROUND_S, ROUND_M = 30.0, 1_500.0
"""Events so near each other in time and place may be rounds of one mission."""

ASIDE_M = 3_000.0
"""A round may have come to rest so far beside its mission, on some of its own detections and on clutter."""

_KIN_COUNT = 3
_CENTRES_COUNT = 3 + _KIN_COUNT
_TIMES_COUNT = 4
_ROOM_COUNT = 4 * CLAIM_COUNT
_FREE_S = 10.0
_AGREE_S = 0.8
_AGREE_RATIO = 0.7
_SAME_M = 150.0
_FEW_OF_PAIR_COUNT = 16
_FEW_ALONE_COUNT = 8
_MIXED_RATIO = 0.1
_ROUND_COUNT = 3
_PAIR_COUNT = 4
_WHOLE_RATIO = 0.9
_WHOLE_OF_PAIR_COUNT = 24
_WHOLE_ALONE_COUNT = 16
_ANNEALING_S = np.array([0.2, 0.1, 0.0, 0.0])
_GAIN_LEAST = 0.1
_NEVER = -1e8


class Room(NamedTuple):
    """Room for the detections of two rounds: which, whose, of which of the two, and when the round would have been (s).

    `ordered_s` has the times in order, `agreed_s` and `agreed_count` the middles of those that agree and how many do;
    `centre` (k, 2) are places (m) to begin at, `kin` the rows of events near; `old`, `new` and `kept` are two rows each
    of events.
    """

    detection: Longs
    station: Longs
    is_second: Bools
    origin_s: Floats
    ordered_s: Floats
    agreed_s: Floats
    agreed_count: Longs
    centre: Floats
    kin: Longs
    old: Floats
    new: Floats
    kept: Floats


class Table(NamedTuple):
    """All that rounds are taken apart on; `ordered` is the events' order in space."""

    scene: Scene
    air: Air
    work: Work
    events: Events
    ordered: Ordered
    room: Room


@njit(cache=True, error_model="numpy")
def _table(scene: Scene, air: Air, work: Work, events: Events) -> Table:
    room = Room(
        np.zeros(_ROOM_COUNT, dtype=np.int64),
        np.zeros(_ROOM_COUNT, dtype=np.int64),
        np.zeros(_ROOM_COUNT, dtype=np.bool_),
        np.zeros(_ROOM_COUNT),
        np.zeros(_ROOM_COUNT),
        np.zeros(_TIMES_COUNT),
        np.zeros(_TIMES_COUNT, dtype=np.int64),
        np.zeros((_CENTRES_COUNT, 2)),
        np.zeros(_KIN_COUNT, dtype=np.int64),
        np.zeros((2, EVENT_COLUMNS_COUNT)),
        np.zeros((2, EVENT_COLUMNS_COUNT)),
        np.zeros((2, EVENT_COLUMNS_COUNT)),
    )
    return Table(scene, air, work, events, in_space(events), room)


@njit(cache=True, error_model="numpy")
def _write_kin(table: Table, e: int, reach_m: float) -> int:
    """Write the rows of the events standing within reach of one that are nearest in time; give how many."""
    rows, kin = table.events.row, table.room.kin
    order, places, column = table.ordered
    row, apart_s, n = rows[e], np.empty(_KIN_COUNT), 0
    for i in range(np.searchsorted(places, row[column] - 2.0 * reach_m), len(places)):
        if places[i] > row[column] + 2.0 * reach_m:
            break
        o = order[i]
        dt = abs(rows[o, EV_T] - row[EV_T])
        if o == e or rows[o, EV_ALIVE] == 0.0 or dt > ROUND_S:
            continue
        if (rows[o, EV_X] - row[EV_X]) ** 2 + (rows[o, EV_Y] - row[EV_Y]) ** 2 > reach_m * reach_m:
            continue
        place = n
        while place > 0 and apart_s[place - 1] > dt:
            if place < _KIN_COUNT:
                apart_s[place], kin[place] = apart_s[place - 1], kin[place - 1]
            place -= 1
        if place < _KIN_COUNT:
            apart_s[place], kin[place] = dt, o
            n = min(n + 1, _KIN_COUNT)
    return n


@njit(cache=True, error_model="numpy")
def _add_claims(table: Table, e: int, is_second: bool, n: int) -> int:
    """Add to n detections what an event claims with more right than clutter; give how many there are then."""
    scene, events, room = table.scene, table.events, table.room
    until = n
    for i in range(events.claim_count[e]):
        k = events.claim[e, i]
        s = int(np.searchsorted(scene.start, k, side="right")) - 1
        if events.rate[e, i] < scene.stations[s, STA_CLUTTER] or k in room.detection[:n]:
            continue
        room.detection[until], room.station[until], room.is_second[until] = k, s, is_second
        until += 1
    return until


@njit(cache=True, error_model="numpy")
def _add_free(table: Table, row: Floats, centre: Floats, n: int) -> int:
    """Add to n detections the free ones that a round at a centre could have, seconds from an event; give how many.

    When the round would have been is written of the added ones only.
    """
    room, until = table.room, n
    heard = Heard(room.detection[n:], room.station[n:], room.origin_s[n:])
    site = (centre[0], centre[1], row[EV_T], row[EV_RANGE])
    for i in range(n, n + free_near(table.scene, table.air, site, _FREE_S, heard)):
        if room.detection[i] not in room.detection[:n]:
            room.detection[until], room.station[until], room.is_second[until] = room.detection[i], room.station[i], True
            room.origin_s[until] = room.origin_s[i]
            until += 1
    return until


@njit(cache=True, error_model="numpy")
def _write_origins(table: Table, n: int, centre: Floats, time_s: float) -> None:
    """Write when the round of each of n detections would have been at a centre, in the air of about a time."""
    scene, room = table.scene, table.room
    factors = travel_factors(air_at(table.air, centre[0], centre[1], time_s))
    for i in range(n):
        s = room.station[i]
        dx, dy = scene.stations[s, STA_X] - centre[0], scene.stations[s, STA_Y] - centre[1]
        room.origin_s[i] = scene.time_s[room.detection[i]] - travel_by(dx, dy, factors)


@njit(cache=True, error_model="numpy")
def _agreements(room: Room, n: int) -> int:
    """Write the middles of the spans in which the most of n origin times agree, the fullest first; give how many."""
    times = room.ordered_s
    times[:n] = np.sort(room.origin_s[:n])
    found = 0
    while found < _TIMES_COUNT and n > 0:
        best, first, j = 0, 0, 0
        for i in range(n):
            while j < n and times[j] <= times[i] + _AGREE_S:
                j += 1
            if j - i > best:
                best, first = j - i, i
        room.agreed_s[found] = 0.5 * (times[first + (best - 1) // 2] + times[first + best // 2])
        room.agreed_count[found] = best
        found += 1
        for i in range(first + best, n):
            times[i - best] = times[i]
        n -= best
    return found


@njit(cache=True, error_model="numpy")
def _whole(table: Table, least_count: int) -> Bools:
    """Say of every event whether so many of its detections agree on its time that few can be another's."""
    events, room = table.events, table.room
    whole = np.zeros(events.used[0], dtype=np.bool_)
    for e in range(events.used[0]):
        row = events.row[e]
        if row[EV_ALIVE] == 0.0 or row[EV_COUNT] < least_count:
            continue
        room.centre[0] = row[EV_X], row[EV_Y]
        n = _add_claims(table, e, False, 0)
        _write_origins(table, n, room.centre[0], row[EV_T])
        _agreements(room, n)
        whole[e] = room.agreed_count[0] >= _WHOLE_RATIO * n
    return whole


@njit(cache=True, error_model="numpy")
def _are_mixed(room: Room, n: int) -> bool:
    """Say whether, by n origin times, enough detections of either event lie nearer the mean of the other's."""
    total_s, count = np.zeros(2), np.zeros(2)
    for i in range(n):
        total_s[int(room.is_second[i])] += room.origin_s[i]
        count[int(room.is_second[i])] += 1.0
    if count.min() == 0.0:
        return True
    mean_s, mixed = total_s / count, 0
    for i in range(n):
        own = int(room.is_second[i])
        mixed += abs(room.origin_s[i] - mean_s[1 - own]) < abs(room.origin_s[i] - mean_s[own])
    return bool(mixed >= max(1, int(_MIXED_RATIO * n)))


@njit(cache=True, error_model="numpy")
def _lift(table: Table, e: int) -> None:
    """Take an event away with all that it claims; its row stays."""
    release(table.scene, table.events, e)
    table.events.row[e, EV_ALIVE] = 0.0


@njit(cache=True, error_model="numpy")
def _put(table: Table, e: int, row: Floats) -> float:
    """Put an event there that claims nothing, state its odds and let it claim; give its log-odds."""
    events = table.events
    events.row[e] = row
    own = events.row[e]
    own[EV_ALIVE] = 1.0
    own[EV_LOG_DENSITY] = log_density_near(table.scene, events, own, e, table.ordered)
    n = state_odds(table.scene, table.air, table.work, own)
    claim(table.scene, events, e, table.work, n)
    return float(own[EV_LOG_ODDS])


@njit(cache=True, error_model="numpy")
def _begin(table: Table, e: int, like: Floats, centre: Floats, times_count: int, out: Floats) -> float:
    """Write the likeliest of the events settled from a centre at each of some agreed times; give its log-odds."""
    scene, events, ordered = table.scene, table.events, table.ordered
    best = _NEVER
    for i in range(times_count):
        row = like.copy()
        row[EV_X], row[EV_Y], row[EV_T] = centre[0], centre[1], table.room.agreed_s[i]
        row[EV_LOG_DENSITY] = log_density_near(scene, events, row, e, ordered)
        settle(scene, table.air, table.work, row, _ANNEALING_S)
        density = log_density_near(scene, events, row, e, ordered)
        row[EV_LOG_ODDS] += density - row[EV_LOG_DENSITY]
        row[EV_LOG_DENSITY] = density
        if row[EV_LOG_ODDS] > best and row[EV_COUNT] >= _ROUND_COUNT:
            best = row[EV_LOG_ODDS]
            out[:] = row
    return best


@njit(cache=True, error_model="numpy")
def _begin_both(table: Table, a: int, b: int, centre: Floats, times_count: int) -> tuple[float, float]:
    """Write into `new` two lifted events begun at a centre, the second after the first; give the log-odds of each."""
    room = table.room
    first = _begin(table, a, room.old[0], centre, times_count, room.new[0])
    if first == _NEVER:
        return first, first
    _put(table, a, room.new[0])
    second = _begin(table, b, room.old[1], centre, times_count, room.new[1])
    _lift(table, a)
    return first, second


@njit(cache=True, error_model="numpy")
def _is_new(centre: Floats, n: int) -> bool:
    """Say whether a place lies so far from the n written before it that something else may come out."""
    for i in range(n):
        dx, dy = centre[n, 0] - centre[i, 0], centre[n, 1] - centre[i, 1]
        if dx * dx + dy * dy < _SAME_M * _SAME_M:
            return False
    return True


@njit(cache=True, error_model="numpy")
def _write_centres(table: Table, a: int, b: int, kin_count: int, n: int, time_s: float) -> int:
    """Write the places where n detections of two events fall apart into two rounds, but not as they are claimed.

    Asked are the middle between the two, each of them, and their kin; give how many it is so for. Of few detections it
    may be so anywhere.
    """
    rows, room, found = table.events.row, table.room, 0
    for i in range(3 + kin_count):
        centre = room.centre[found]
        if i < 3:
            share = 0.5 * i
            centre[0] = (1.0 - share) * rows[a, EV_X] + share * rows[b, EV_X]
            centre[1] = (1.0 - share) * rows[a, EV_Y] + share * rows[b, EV_Y]
        else:
            o = room.kin[i - 3]
            if o in (a, b):
                continue
            centre[0], centre[1] = rows[o, EV_X], rows[o, EV_Y]
        if not _is_new(room.centre, found):
            continue
        _write_origins(table, n, centre, time_s)
        if n >= _FEW_OF_PAIR_COUNT and not _are_mixed(room, n):
            continue
        if _agreements(room, n) < 2:
            continue
        if n < _FEW_OF_PAIR_COUNT or room.agreed_count[0] + room.agreed_count[1] >= _AGREE_RATIO * n:
            found += 1
    return found


@njit(cache=True, error_model="numpy")
def _exchange_pair(table: Table, a: int, b: int, kin_count: int) -> bool:
    """Take two events apart and put back what is likelier together, they or two begun at one place; say if others."""
    events, room = table.events, table.room
    n = _add_claims(table, b, True, _add_claims(table, a, False, 0))
    time_s = 0.5 * (events.row[a, EV_T] + events.row[b, EV_T])
    centres = _write_centres(table, a, b, kin_count, n, time_s) if n >= _PAIR_COUNT else 0
    if centres == 0:
        return False
    _lift(table, b)
    _lift(table, a)
    room.old[0], room.old[1] = events.row[a], events.row[b]
    before = _put(table, a, room.old[0]) + _put(table, b, room.old[1])
    _lift(table, b)
    _lift(table, a)
    room.kept[:] = room.old
    best = before + _GAIN_LEAST
    for c in range(centres):
        _write_origins(table, n, room.centre[c], time_s)
        first, second = _begin_both(table, a, b, room.centre[c], _agreements(room, n))
        if first + second > best:
            best = first + second
            room.kept[:] = room.new
    _put(table, a, room.kept[0])
    _put(table, b, room.kept[1])
    if best == before + _GAIN_LEAST:
        return False
    events.others[a], events.others[b] = -1.0, -1.0
    return True


@njit(cache=True, error_model="numpy")
def exchange(scene: Scene, air: Air, work: Work, events: Events) -> int:
    """Take every two rounds apart that may hold each other's detections; give how many pairs were put anew.

    Odds of two are those of the likelier one without the other, and of the other then.
    """
    table = _table(scene, air, work, events)
    whole = _whole(table, _WHOLE_OF_PAIR_COUNT)
    moved = 0
    for e in range(events.used[0]):
        if events.row[e, EV_ALIVE] == 0.0:
            continue
        kin_count = _write_kin(table, e, ROUND_M)
        for i in range(kin_count):
            o = table.room.kin[i]
            if o < e or (whole[e] and whole[o]):
                continue
            is_first = events.row[e, EV_LOG_ODDS] >= events.row[o, EV_LOG_ODDS]
            if _exchange_pair(table, e if is_first else o, o if is_first else e, kin_count):
                moved += 1
    return moved


@njit(cache=True, error_model="numpy")
def _agreed(table: Table, own: int, centre: Floats) -> tuple[int, bool]:
    """Give from how many times to begin at a centre, and whether two rounds may be there.

    `old` is the event with its first `own` detections written; free ones are added. Two rounds must have more together
    than the one, the second three; one must lack no more than one. Of few detections it is tried whatever they say.
    """
    room = table.room
    _write_origins(table, own, centre, room.old[0, EV_T])
    n = _add_free(table, room.old[0], centre, own)
    found, count = _agreements(room, n), room.agreed_count
    if own < _FEW_ALONE_COUNT:
        return found, found > 1
    if found > 1 and count[1] >= _ROUND_COUNT and count[0] + count[1] > own:
        return found, True
    return int(count[0] >= own - 1), False


@njit(cache=True, error_model="numpy")
def _part(table: Table, a: int, kin_count: int, least: float) -> int:
    """Put in place of an event what is likelier: it, another begun near, or two; give how many others there are."""
    events, room = table.events, table.room
    own = _add_claims(table, a, False, 0)
    b = events.used[0]
    _lift(table, a)
    room.old[0], room.old[1] = events.row[a], events.row[a]
    best = _put(table, a, room.old[0]) + _GAIN_LEAST
    _lift(table, a)
    room.kept[:] = room.old
    others, asked, range_m = 0, 0, room.old[0, EV_RANGE]
    for c in range(1 + kin_count):
        at = room.old[0] if c == 0 else events.row[room.kin[c - 1]]
        centre = room.centre[asked]
        centre[0], centre[1] = at[EV_X], at[EV_Y]
        if c > 0:
            if not _is_new(room.centre, asked):
                continue
            asked += 1
        aside = (at[EV_X] - room.old[0, EV_X]) ** 2 + (at[EV_Y] - room.old[0, EV_Y]) ** 2 > ROUND_M * ROUND_M
        room.old[0, EV_RANGE] = max(range_m, at[EV_RANGE]) if aside else range_m
        times_count, may_be_two = _agreed(table, own, centre)
        first, second = _NEVER, _NEVER
        if may_be_two and not aside:
            first, second = _begin_both(table, a, b, centre, times_count)
        elif c > 0 and times_count > 0:
            first = _begin(table, a, room.old[0], centre, times_count, room.new[0])
        if first > best:
            best, others = first, 1
            room.kept[:] = room.new
        if min(first, second) > least and first + second > best:
            best, others = first + second, 2
            room.kept[:] = room.new
    _put(table, a, room.kept[0])
    if others > 0:
        events.others[a] = -1.0
    if others == 2:
        events.used[0] += 1
        _put(table, b, room.kept[1])
        events.others[b] = -1.0
    return others


@njit(cache=True, error_model="numpy")
def part(scene: Scene, air: Air, work: Work, events: Events, least: float) -> int:
    """Begin every event of few detections anew where its kin are, as one or as two; give how many there are more.

    Two are kept where each has the least log-odds, and both together more than the one. Where kin are farther than
    rounds lie apart it is begun as one only.
    """
    table = _table(scene, air, work, events)
    whole = _whole(table, _WHOLE_ALONE_COUNT)
    more = 0
    for e in range(len(whole)):
        if events.row[e, EV_ALIVE] == 0.0 or whole[e]:
            continue
        if events.used[0] == len(events.row):
            break
        more += _part(table, e, _write_kin(table, e, ASIDE_M), least) == 2
    return more
