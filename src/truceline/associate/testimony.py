"""What the rows of a day say of one event beyond its place and time: who told what, from where, and who heard nothing.

A pure function of events and rows. What cannot be tied to an event says nothing about it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from truceline.associate.evidence import hash_of_row
from truceline.associate.gates import METRES_PER_DEGREE_M
from truceline.associate.network import Floats, Ints
from truceline.associate.rows import Row
from truceline.associate.settings import AssociationSettings
from truceline.model.event import Event
from truceline.model.observation import Observation, PartyClaim, Statement
from truceline.model.quantity import Position
from truceline.model.testimony import Bearing, SilentStation, Testimony, ToldPlace

HEARTBEAT_MAX_S = 3_600.0
"""A station that detected something so long before and so long after was in order between; a guess, on the safe side
of detectors that declare several times an hour."""

SILENCE_SPAN_MAX_S = 600.0
"""Of an event whose time is known no better than this no station can be said to have heard nothing."""

FLIGHT_MAX_S = 120.0
"""So long before an impact its launch may have been heard: the flight of a rocket over 40 km. A guess."""

SILENT_MAX_COUNT = 16
"""So many silent stations of one event are named, the nearest first: bounds a record."""

STATEMENT_SPAN_MAX_S = 21_600.0
"""A statement that leaves open a longer time may be of any event of the day; a guess."""

SPEAKING = (PartyClaim, Statement)


class DayDetections:
    """One day's detections in columns, sorted by time, with their stations numbered in the order of their ids."""

    def __init__(self, rows: Sequence[Row], settings: AssociationSettings) -> None:
        """Lay the columns; a station that gave several places that day is left out."""
        heard = sorted((row for row in rows if row.role == "detection"), key=lambda row: row.order)
        places: dict[str, tuple[float, float]] = {}
        moved: set[str] = set()
        for row in heard:
            first = places.setdefault(row.observer, (row.latitude_deg, row.longitude_deg))
            if _apart_m(first, (row.latitude_deg, row.longitude_deg)) > settings.sensors.station_place_max_m:
                moved.add(row.observer)
        self._settings = settings
        self._rows = [row for row in heard if row.observer not in moved]
        self._names = sorted(places.keys() - moved)
        number = {name: index for index, name in enumerate(self._names)}
        self._time_s: Floats = np.array([row.start.timestamp() for row in self._rows], np.float64)
        self._station: Ints = np.array([number[row.observer] for row in self._rows], np.int64)
        self._place_deg = [places[name] for name in self._names]

    def silent_for(self, event: Event) -> tuple[SilentStation, ...]:
        """Give the stations in reach that gave nothing while the event's launch or itself could have been heard.

        Only those count that detected something within `HEARTBEAT_MAX_S` before and after: their health covers the
        span. The window runs from a flight before the event to the sound's way over the reach after it.
        """
        if not self._rows or event.origin_time.duration_s > SILENCE_SPAN_MAX_S:
            return ()
        reach_m = self._settings.detection_distance_max_m
        margin_s = self._settings.detection_residual_max_s
        low_s = event.origin_time.start.timestamp() - FLIGHT_MAX_S - margin_s
        high_s = event.origin_time.end.timestamp() + reach_m / self._settings.sound_speed_m_per_s + margin_s
        before = self._newest(np.flatnonzero((self._time_s < low_s) & (self._time_s >= low_s - HEARTBEAT_MAX_S)))
        after = self._newest(np.flatnonzero((self._time_s > high_s) & (self._time_s <= high_s + HEARTBEAT_MAX_S))[::-1])
        heard = set(self._station[(self._time_s >= low_s) & (self._time_s <= high_s)].tolist())
        centre = event.origin_position
        middle = (centre.latitude_deg, centre.longitude_deg)
        distance_m = [_apart_m(middle, place) for place in self._place_deg]
        found = [
            self._silent(station, before[station], after[station], distance_m=distance_m[station])
            for station in sorted(before.keys() & after.keys() - heard)
            if distance_m[station] <= reach_m
        ]
        nearest = sorted(found, key=lambda one: (one.distance_m, one.station_id))[:SILENT_MAX_COUNT]
        return tuple(sorted(nearest, key=lambda one: one.station_id))

    def _newest(self, indices: Ints) -> dict[int, int]:
        """Give for each station the last of these rows."""
        return dict(zip(self._station[indices].tolist(), indices.tolist(), strict=True))

    def _silent(self, station: int, before: int, after: int, *, distance_m: float) -> SilentStation:
        return SilentStation(
            before=hash_of_row(self._rows[before]),
            after=hash_of_row(self._rows[after]),
            station_id=self._names[station],
            latitude_deg=self._place_deg[station][0],
            longitude_deg=self._place_deg[station][1],
            distance_m=distance_m,
            quiet_s=float(self._time_s[after] - self._time_s[before]),
        )


def told_of(
    events: Sequence[Event], rows: Sequence[Row], settings: AssociationSettings
) -> dict[tuple[str, int], Testimony]:
    """Give by event id and revision what one day's rows say of it."""
    ordered = sorted(rows, key=lambda row: row.observation_id)
    by_id = {row.observation_id: row for row in ordered}
    speaking = [row.record for row in ordered if row.record is not None and isinstance(row.record.result, SPEAKING)]
    day = DayDetections(ordered, settings)
    found = {}
    for event in events:
        members = [by_id[name] for name in sorted(link.observation_id for link in event.associations)]
        found[(event.event_id, event.revision_index)] = Testimony(
            own=tuple(row.record for row in members if row.record is not None),
            said=tuple(record for record in speaking if _speaks_of(record, event, settings)),
            bearings=tuple(_bearing(row) for row in members if row.bearing_deg is not None),
            silent=day.silent_for(event),
            places=tuple(_told_place(row) for row in members if _tells_a_place(row)),
        )
    return found


def _speaks_of(record: Observation, event: Event, settings: AssociationSettings) -> bool:
    """Say whether a claim or statement is of this event: its hours overlap, and it names the event's place or is there.

    One of a whole day or of no place may be of any of the day's events, and so is of none; but a statement of a day can
    be of an event that is itself known no better.
    """
    span, result = record.phenomenon_time, record.result
    if not (span.start <= event.origin_time.end and span.end >= event.origin_time.start):
        return False
    if isinstance(result, PartyClaim):
        named = {place.strip().casefold() for place in result.places}
        place = event.place_name.strip().casefold()
        return result.time_is_stated and bool(place) and place in named
    assert record.position is not None, "a statement has a place"
    if span.duration_s > max(STATEMENT_SPAN_MAX_S, event.origin_time.duration_s):
        return False
    centre, place_of = event.origin_position, record.position
    distance_m = _apart_m((centre.latitude_deg, centre.longitude_deg), (place_of.latitude_deg, place_of.longitude_deg))
    variance_m2 = centre.sigma_m**2 + place_of.sigma_m**2
    return distance_m <= settings.pair_distance_max_m and distance_m**2 <= settings.gate_chi2_ratio * variance_m2


def _tells_a_place(row: Row) -> bool:
    """Say whether a row tells where something landed: a patrol that says so, or a report of an attack on a place."""
    return row.role == "report" or (row.role == "occurrence" and row.description == "impact")


def _told_place(row: Row) -> ToldPlace:
    at = Position(latitude_deg=row.latitude_deg, longitude_deg=row.longitude_deg, sigma_m=row.sigma_m)
    return ToldPlace(observation_id=row.observation_id, kind=row.kind, position=at)


def _bearing(row: Row) -> Bearing:
    assert row.bearing_deg is not None, "asked only of detections with a bearing"
    return Bearing(
        time=row.start,
        record=hash_of_row(row),
        station_id=row.observer,
        latitude_deg=row.latitude_deg,
        longitude_deg=row.longitude_deg,
        bearing_deg=row.bearing_deg,
        bearing_sigma_deg=0.0 if row.bearing_sigma_deg is None else row.bearing_sigma_deg,
    )


def _apart_m(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Give how far two places (latitude, longitude) lie apart, metres, on the plane that touches at the first."""
    north_m = (second[0] - first[0]) * METRES_PER_DEGREE_M
    turn_deg = (second[1] - first[1] + 180.0) % 360.0 - 180.0
    return float(np.hypot(turn_deg * METRES_PER_DEGREE_M * np.cos(np.radians(first[0])), north_m))
