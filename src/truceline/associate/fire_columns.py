"""The columns that direction of fire is told from, and the records it is told in: a coarse and a restricted one.

Everything is in one plane: metres east and north of an origin, seconds after the window's origin. "Ground A" is the
ground held by the party that `LineAtEvents` counts positive, "ground B" all other ground; which party that is, is data.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from truceline.physics.contact_line import Located

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OUTGOING_INDEX = 0
IMPACT_INDEX = 1
OTHER_INDEX = 2
"""The columns of `FireEvents.class_log_likelihood`."""

CELLS_COUNT = 3
"""How many areas a coarse record names at most: the likeliest and two alternatives."""


class FireEvents(NamedTuple):
    """Located events, one element each, in any order.

    `covariance_m2` has shape (events, 2, 2), east and north. `class_log_likelihood` has shape (events, 3): the
    natural logarithm of the probability of what was recorded if the event was outgoing, impact, other; equal numbers
    say nothing. `mission_index` groups events that are known to be one fire mission; -1 leaves the grouping to be
    found. `source_bearing_deg` points from an impact to where it came from (crater, ballistic shock, radar), `nan`
    for none.
    """

    x_m: Floats
    y_m: Floats
    time_s: Floats
    time_sigma_s: Floats
    covariance_m2: Floats
    event_probability: Floats
    class_log_likelihood: Floats
    longitude_deg: Floats
    latitude_deg: Floats
    mission_index: Ints
    source_bearing_deg: Floats
    source_bearing_sigma_deg: Floats


class LineAtEvents(NamedTuple):
    """The dated line as seen from each event: columns as long as the events.

    `signed_distance_m` is positive on ground A, negative on ground B, `nan` where the line is not known. The normal
    is the unit vector across the line at its nearest point; `nan` takes the event's largest error instead, which only
    makes the answer more careful. `sigma_m` is the line's own uncertainty (1 sigma).
    """

    signed_distance_m: Floats
    normal_x_ratio: Floats
    normal_y_ratio: Floats
    sigma_m: Floats


class CoarseOrigins(NamedTuple):
    """What may leave the case team: per mission the probabilities, rounded down, and cells of at least 5 km; no place.

    One element per mission found, in order of time; (missions, 3) for the cells, the likeliest first, `nan` where
    there is none. `ground_a_probability`, `ground_b_probability` and `undetermined_probability` sum to 1: that the
    mission is an impact launched from that ground, or that it cannot be told. A probability is a whole number of
    hundredths, because more digits would tell the distance of a launch from the line. Cells are centres in degrees,
    of `cell_deg` on each edge, in the grid of the release policy; the rest up to 1 lies anywhere else.
    """

    event_count: Ints
    ground_a_probability: Floats
    ground_b_probability: Floats
    undetermined_probability: Floats
    cell_longitude_deg: Floats
    cell_latitude_deg: Floats
    cell_deg: Floats
    cell_probability: Floats


class RestrictedPairings(NamedTuple):
    """For the case team only: which mission was launched from which other one, with full precision.

    One element per pairing that was weighed, by mission and then probability: what it says about the launch must not
    leave the fusion node. `matched_count` is the number of rounds heard at both ends, `lag_s` the flight time.
    """

    mission_index: Ints
    launch_mission_index: Ints
    pairing_probability: Floats
    log_weight_ratio: Floats
    matched_count: Ints
    lag_s: Floats
    launch_x_m: Floats
    launch_y_m: Floats
    launch_on_a_probability: Floats
    bearing_deg: Floats
    range_m: Floats


class FireOrigins(NamedTuple):
    """All that is made of one window of events: `coarse` may be shown, `restricted` may not.

    `event_mission_index` says, in the events' own order, to which mission each belongs. The next three are the answer
    for each event by itself, rounded down like the coarse record: a round that was not heard at both ends is less
    certain than its mission. `shed_count` counts pairings that were not weighed because a mission had more than its
    limit, `split_count` missions cut because they had more events than the limit.
    """

    coarse: CoarseOrigins
    restricted: RestrictedPairings
    event_mission_index: Ints
    event_ground_a_probability: Floats
    event_ground_b_probability: Floats
    event_undetermined_probability: Floats
    shed_count: int
    split_count: int


def plain_events(x_m: Floats, y_m: Floats, time_s: Floats) -> FireEvents:
    """Make events of which nothing but place and time is known: sigma 30 m and 0.1 s, certain, of no known class.

    Columns of equal length; what is known better is put in with `_replace`.
    """
    count = len(x_m)
    unknown = np.full(count, np.nan)
    return FireEvents(
        x_m=x_m,
        y_m=y_m,
        time_s=time_s,
        time_sigma_s=np.full(count, 0.1),
        covariance_m2=np.tile(np.eye(2) * 900.0, (count, 1, 1)),
        event_probability=np.ones(count),
        class_log_likelihood=np.zeros((count, 3)),
        longitude_deg=unknown,
        latitude_deg=unknown,
        mission_index=np.full(count, -1, dtype=np.int64),
        source_bearing_deg=unknown,
        source_bearing_sigma_deg=unknown,
    )


def line_at_events(located: Located) -> LineAtEvents:
    """Take over what `LineHistory.locate` says of the events; its normals are not known and stay `nan`."""
    unknown = np.full(len(located.signed_distance_m), np.nan)
    return LineAtEvents(located.signed_distance_m, unknown, unknown, located.sigma_m)


def check_events(events: FireEvents, line: LineAtEvents) -> None:
    """Hold that all columns are equally long and that places, times and errors are numbers: they are our own."""
    count = len(events.x_m)
    lengths = {len(column) for column in (*events, *line)}
    assert lengths == {count}, f"columns have lengths {sorted(lengths)}"
    assert events.covariance_m2.shape == (count, 2, 2), f"covariance_m2 has shape {events.covariance_m2.shape}"
    assert events.class_log_likelihood.shape == (count, 3), f"classes have shape {events.class_log_likelihood.shape}"
    for name in ("x_m", "y_m", "time_s", "time_sigma_s", "covariance_m2", "event_probability", "class_log_likelihood"):
        assert np.isfinite(getattr(events, name)).all(), f"{name} holds what is no number"
