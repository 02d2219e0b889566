"""How cases lie in columns for compiled code: what each column holds, and in which unit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

HYPOTHESIS_COUNT = 5
ACROSS_FIRST, ACROSS_SECOND, OWN_FIRST, OWN_SECOND, NEITHER = 0, 1, 2, 3, 4
"""Order of the five accounts in every column of them."""

EXCHANGED = (ACROSS_SECOND, ACROSS_FIRST, OWN_SECOND, OWN_FIRST, NEITHER)
"""Where each account stands after the parties are exchanged."""

TELLERS_MOST_COUNT = 3
"""So many may tell the place of one event, each of a custody of its own."""

EAST, NORTH, WEIGHT, VARIANCE, EVEN_WEIGHT, FIRST_HOLDS, SECOND_HOLDS, ALIKE = 0, 1, 2, 3, 4, 5, 6, 7
"""Rows of what is known of every point: see `lay_nodes`, `hold_ground` and `err_alike`."""

NODE_NUMBERS_COUNT = 8

SHAPE_POINT, SHAPE_DIRECTION, SHAPE_BAND, SHAPE_SEGMENT, SHAPE_SILENCE = 0, 1, 2, 3, 4
SHAPE_NUMBERS_COUNT = 6

PLAYER_MOST_COUNT = 12
"""Clusters whose shares are exact; of more, the weakest are taken together as one."""

ORIGIN_PLAYER_MOST_COUNT = 8
"""Of these, clusters that speak of the origin: every set of them is an integral of its own."""

BEARING_COUNT = 48
"""Directions in which the ground around a place is looked at."""

RING_EDGES_M: tuple[float, ...] = (
    *(float(edge) for edge in np.geomspace(300.0, 60_000.0, 21)),
    *(float(edge) for edge in np.geomspace(60_000.0, 1_500_000.0, 8)[1:]),
)
"""Limits of the rings around an impact, metres: steps of 30 % to 60 km, of 58 % beyond; the innermost is a disc."""

PATCH_SIDE_COUNT = 13
"""A located origin is looked at on a finer square of so many points a side, 3.5 sigma either way."""

PATCH_REACH_RATIO = 3.5


class Fields(NamedTuple):
    """Who holds the ground: rasters of signed distance, end to end, with what each one's numbers are.

    `distances_m`: float64 (all cells). `offsets`, `row_counts`, `column_counts`: int64 (fields). `frames`: float64
    (fields, 5): west edge, south edge, step in longitude, step in latitude (degrees), sigma of the line (metres).
    """

    distances_m: Floats
    offsets: Integers
    row_counts: Integers
    column_counts: Integers
    frames: Floats


class Cases(NamedTuple):
    """Events and their evidence in columns; `*_starts` cut the longer columns by case, item or cluster (n + 1 long).

    `anchors`: float64 (cases, 2), longitude and latitude in degrees. `is_launch`: the place is where it went out.
    `field_indices`: which field, -1 for none. `bands`: float64 (bands, 3): low, high (metres), probability.
    `shape_kinds`, `shapes`: int64 and float64 (shapes, 6), east and north metres about the anchor. `item_clusters`:
    index within the case. `item_numbers`: float64 (items, 2): contamination, weight. `tables`, `statements`: float64
    (clusters, 5): log-likelihoods of what does not speak of the origin, statements apart. `caps`: natural logarithm.
    `group_masks`: bool, by case a block (groups, clusters), true for clusters that stay; `mask_starts` cut it.
    `teller_clusters`: index within the case of each cluster that tells the place; `teller_starts` cut it. `told` and
    `told_words`, cut by `told_starts`: for each set of tellers but the empty one, bit t for the case's teller t,
    float64 (sets, 2), the probabilities that the first party holds the ground there and that the place is wrong, and
    (sets, 5), the log-likelihoods of that word. `place_variances_m2`: float64 (cases). `line_together_m`: over what
    distance the line errs alike. `wrong_within_m`: how far from a place that is wrong, or where fire went out, the
    origin may lie. `still_probability`: of events that nobody fired across the line, how many went off where they
    stood.
    """

    anchors: Floats
    is_launch: Flags
    field_indices: Integers
    band_starts: Integers
    bands: Floats
    item_starts: Integers
    item_clusters: Integers
    item_numbers: Floats
    shape_starts: Integers
    shape_kinds: Integers
    shapes: Floats
    cluster_starts: Integers
    tables: Floats
    statements: Floats
    caps: Floats
    group_starts: Integers
    group_masks: Flags
    mask_starts: Integers
    log_priors: Floats
    statements_cap_ratio: float
    teller_starts: Integers
    teller_clusters: Integers
    told_starts: Integers
    told: Floats
    told_words: Floats
    place_variances_m2: Floats
    line_together_m: float
    wrong_within_m: float
    still_probability: float


class Answers(NamedTuple):
    """What the compiled code gives back, in the same order.

    `log_likelihoods`: float64 (cases, 5) of all evidence. `alone`, `alone_origin`, `shares`: float64 (clusters), the
    log-odds of first against second party: a cluster by itself, its word on the origin by itself, its Shapley share.
    `capped`: whether its cap was reached. `merged`: whether its share is its part of one taken together.
    `group_log_likelihoods`: float64 (groups, 5) of what stays when the group is taken out.
    """

    log_likelihoods: Floats
    alone: Floats
    alone_origin: Floats
    shares: Floats
    capped: Flags
    merged: Flags
    group_log_likelihoods: Floats


class Ground(NamedTuple):
    """One case's raster (flat), its rows, columns and frame; `known` is false where there is none."""

    raster: Floats
    rows_count: int
    columns_count: int
    frame: Floats
    known: bool


class Place(NamedTuple):
    """One case's place: what each set of tellers says of it, and numbers as in `Cases`.

    `told`: (sets, 2), as in `Cases`; empty where the ground there is no evidence. Nothing stands still at a launch.
    """

    told: Floats
    variance_m2: float
    together_m: float
    wrong_within_m: float
    still_probability: float


class Items(NamedTuple):
    """One case's items: cluster, (contamination, weight), where each one's shapes begin among all shapes."""

    clusters: Integers
    numbers: Floats
    starts: Integers
    kinds: Integers
    shapes: Floats


class Words(NamedTuple):
    """One case's clusters apart from the origin: tables and statements (clusters, 5), caps (logs), and their limit.

    `tellers`: which of them tell the place. `told_words`: (sets of tellers, 5), as in `Cases`.
    """

    tables: Floats
    statements: Floats
    caps: Floats
    statements_cap_ratio: float
    log_prior: Floats
    tellers: Integers
    told_words: Floats


class Work(NamedTuple):
    """Memory that is used again for every case: points, their weights under each account, likelihoods.

    `held`: five rows for each set of tellers, the empty one first; each row sums to 1 over the points.
    """

    nodes: Floats
    held: Floats
    one: Floats
    likelihoods: Floats
    products: Floats
    room: Floats


class Told(NamedTuple):
    """Where one case's answers go; as in `Answers`."""

    total: Floats
    alone: Floats
    alone_origin: Floats
    shares: Floats
    capped: Flags
    merged: Flags
    groups: Floats
