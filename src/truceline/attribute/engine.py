"""Compiled: one case after another, from columns of evidence to log-likelihoods, shares, and what stays without each.

Arrays are taken out of their tuples once per call; inside loops that would cost more than the arithmetic.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from truceline.attribute.combine import (
    add_limited,
    add_origin,
    add_told,
    base_density,
    bound_cluster,
    bound_told,
    choose_players,
    integrate,
    integrate_sets,
    log_odds,
    log_origin_sets,
    share_out,
    value_sets,
)
from truceline.attribute.latent import (
    err_alike,
    fill_shape,
    hold_ground,
    lay_nodes,
    patch_of,
    weigh_points,
    weigh_points_told,
)
from truceline.attribute.layout import (
    HYPOTHESIS_COUNT,
    NODE_NUMBERS_COUNT,
    ORIGIN_PLAYER_MOST_COUNT,
    PATCH_SIDE_COUNT,
    TELLERS_MOST_COUNT,
    Answers,
    Cases,
    Fields,
    Flags,
    Floats,
    Ground,
    Integers,
    Items,
    Place,
    Told,
    Words,
    Work,
)


@njit(cache=True)
def _read_items(items: Items, patch: tuple[float, float, float], told_count: int, count: int, work: Work) -> None:
    """Multiply every item into its cluster: ((1 - e) f / b + e)^w, b by which its density is measured."""
    clusters, numbers, starts, kinds, shapes = items.clusters, items.numbers, items.starts, items.kinds, items.shapes
    nodes, held, one, likelihoods = work.nodes, work.held, work.one, work.likelihoods
    sums = np.empty(HYPOTHESIS_COUNT)
    for i in range(clusters.shape[0]):
        for k in range(count):
            one[k] = 1.0
        for s in range(starts[i], starts[i + 1]):
            fill_shape(kinds[s], shapes[s], patch, nodes, count, one)
        base = base_density(one, held, count, told_count, sums)
        if base <= 1e-280:
            continue
        e, w = numbers[i, 0], numbers[i, 1]
        told = (1.0 - e) / base
        row = likelihoods[clusters[i]]
        if w == 1.0:
            for k in range(count):
                row[k] *= told * one[k] + e
        else:
            for k in range(count):
                row[k] *= math.exp(w * math.log(told * one[k] + e))


@njit(cache=True)
def _mark_of(tellers: Integers, cluster: int) -> int:
    """Give the bit of the teller that a cluster is, 0 for none."""
    for t in range(tellers.shape[0]):
        if tellers[t] == cluster:
            return 1 << t
    return 0


@njit(cache=True)
def _without(stays: Flags, speaks: Flags, words: Words, count: int, work: Work, vectors: Floats, out: Floats) -> None:
    """Fill `out` with the log-likelihoods of the clusters that stay, straight from their definition."""
    held, one, likelihoods = work.held, work.one, work.likelihoods
    tables, statements, caps = words.tables, words.statements, words.caps
    for k in range(count):
        one[k] = 1.0
    said, sums = vectors[0], vectors[1]
    limit, any_origin, mark = 0.0, False, 0
    for h in range(HYPOTHESIS_COUNT):
        out[h], said[h] = 0.0, 0.0
    for c in range(stays.shape[0]):
        if not stays[c]:
            continue
        for h in range(HYPOTHESIS_COUNT):
            out[h] += tables[c, h]
            said[h] += statements[c, h]
        mark |= _mark_of(words.tellers, c)
        if speaks[c]:
            any_origin = True
            limit += caps[c]
            for k in range(count):
                one[k] *= likelihoods[c, k]
    add_limited(said, words.statements_cap_ratio, out)
    if any_origin:
        integrate(one, held, HYPOTHESIS_COUNT * mark, count, sums)
        add_origin(sums, limit, out)
    if mark:
        for h in range(HYPOTHESIS_COUNT):
            out[h] += words.told_words[mark - 1, h]


@njit(cache=True)
def _alone(c: int, words: Words, count: int, work: Work, vectors: Floats) -> tuple[float, float]:
    """Give the log-odds of one cluster by itself, and of what it says of the origin by itself."""
    total, sums = vectors[0], vectors[1]
    integrate(work.likelihoods[c], work.held, 0, count, sums)
    total[:] = 0.0
    add_origin(sums, math.inf, total)
    origin = log_odds(total, words.log_prior)
    mark = _mark_of(words.tellers, c)
    if mark:
        integrate(work.likelihoods[c], work.held, HYPOTHESIS_COUNT * mark, count, sums)
        total[:] = words.told_words[mark - 1]
        add_origin(sums, math.inf, total)
    for h in range(HYPOTHESIS_COUNT):
        total[h] += words.tables[c, h]
    add_limited(words.statements[c], words.statements_cap_ratio, total)
    return log_odds(total, words.log_prior), origin


@njit(cache=True)
def _lay_products(
    players: Integers, speaks: Flags, words: Words, count: int, work: Work, rows: Integers, row_caps: Floats
) -> tuple[int, Integers]:
    """Give each player that speaks of the origin a row with what its clusters say of every point, and its cap.

    Players that tell the place come last. Gives how many rows there are before them, and for each row which tellers
    stand in it, as bits.
    """
    caps, likelihoods, products, tellers = words.caps, work.likelihoods, work.products, words.tellers
    player_marks = np.zeros(rows.shape[0], dtype=np.int64)
    for t in range(tellers.shape[0]):
        player_marks[players[tellers[t]]] |= 1 << t
    origin_count = 0
    for c in range(players.shape[0]):
        p = players[c]
        if speaks[c] and player_marks[p] == 0 and rows[p] < 0:
            rows[p] = origin_count
            origin_count += 1
    free_count, row_marks = origin_count, np.zeros(ORIGIN_PLAYER_MOST_COUNT, dtype=np.int64)
    for t in range(tellers.shape[0]):
        p = players[tellers[t]]
        if rows[p] < 0:
            rows[p], row_marks[origin_count] = origin_count, player_marks[p]
            origin_count += 1
    products[:origin_count, :count] = 1.0
    for c in range(players.shape[0]):
        if speaks[c]:
            row = rows[players[c]]
            row_caps[row] += caps[c]
            for k in range(count):
                products[row, k] *= likelihoods[c, k]
    return free_count, row_marks[:origin_count]


@njit(cache=True)
def _share_players(
    players: Integers, player_count: int, speaks: Flags, words: Words, count: int, work: Work, told: Told
) -> Floats:
    """Fill the clusters' shares and give the log-likelihoods of every set of players.

    A player of several clusters is shared among them by how strong each is alone.
    """
    tables, statements, alone, shares = words.tables, words.statements, told.alone, told.shares
    player_tables = np.zeros((player_count, HYPOTHESIS_COUNT))
    player_words = np.zeros((player_count, HYPOTHESIS_COUNT))
    row_caps = np.zeros(ORIGIN_PLAYER_MOST_COUNT)
    strength = np.zeros(player_count)
    members = np.zeros(player_count, dtype=np.int64)
    rows = np.full(player_count, -1, dtype=np.int64)
    for c in range(players.shape[0]):
        p = players[c]
        members[p] += 1
        strength[p] += abs(alone[c])
        for h in range(HYPOTHESIS_COUNT):
            player_tables[p, h] += tables[c, h]
            player_words[p, h] += statements[c, h]
    free_count, row_marks = _lay_products(players, speaks, words, count, work, rows, row_caps)
    sums = np.empty((HYPOTHESIS_COUNT, 1 << row_marks.shape[0]))
    integrate_sets(work.products, free_count, row_marks, work.held, count, work.room, sums)
    log_origin_sets(row_marks.shape[0], sums, row_caps)
    add_told(row_marks, words.told_words, sums)
    values = np.empty(1 << player_count)
    totals = np.empty((1 << player_count, HYPOTHESIS_COUNT))
    value_sets(
        player_count,
        rows,
        sums,
        player_tables,
        player_words,
        words.statements_cap_ratio,
        words.log_prior,
        totals,
        values,
    )
    player_shares = np.empty(2 * player_count + 1)
    share_out(player_count, values, player_shares)
    for c in range(players.shape[0]):
        p = players[c]
        part = abs(alone[c]) / strength[p] if strength[p] > 0.0 else 1.0 / members[p]
        shares[c] = player_shares[p] * part if members[p] > 1 else player_shares[p]
    return totals


@njit(cache=True)
def _lay(
    anchor: Floats,
    is_launch: bool,
    bands: Floats,
    ground: Ground,
    rings: Floats,
    directions: Floats,
    items: Items,
    place: Place,
    cluster_count: int,
    work: Work,
) -> int:
    """Lay the ground around a place and read every item on it; give the number of points, 1 where nothing speaks."""
    starts, nodes, held = items.starts, work.nodes, work.held
    if ground.known and items.clusters.shape[0] > 0:
        patch = patch_of(items.kinds, items.shapes, starts[0], starts[-1])
        count = lay_nodes(rings, directions, bands, is_launch, patch, place, nodes)
        middle = (anchor[0], anchor[1])
        hold_ground(ground.raster, ground.rows_count, ground.columns_count, ground.frame, middle, nodes, count)
        if weigh_points(place.still_probability, nodes, count, held):
            told_count = place.told.shape[0]
            if told_count:
                err_alike(place.together_m, nodes, count)
            for told in range(told_count):
                weigh_points_told(place, told, nodes, count, held)
            work.likelihoods[:cluster_count, :count] = 1.0
            _read_items(items, patch, told_count, count, work)
            return count
    held[:, 0] = 1.0
    work.likelihoods[:cluster_count, 0] = 1.0
    return 1


@njit(cache=True)
def _weigh(words: Words, items: Items, known: bool, count: int, masks: Flags, work: Work, told: Told) -> None:
    """Hold every cluster to its cap, share the whole among them, and say what stays without each group."""
    cluster_count = words.caps.shape[0]
    capped, merged, alone, groups = told.capped, told.merged, told.alone, told.groups
    alone_origin, likelihoods, item_clusters = told.alone_origin, work.likelihoods, items.clusters
    speaks, players = np.zeros(cluster_count, dtype=np.bool_), np.empty(cluster_count, dtype=np.int64)
    points = np.zeros(cluster_count, dtype=np.int64)
    vectors, sums = np.empty((2, HYPOTHESIS_COUNT)), np.empty(2 * HYPOTHESIS_COUNT)
    ratios, nothing = np.ones(cluster_count), np.zeros(HYPOTHESIS_COUNT)
    if known and item_clusters.shape[0] > 0:
        for i in range(item_clusters.shape[0]):
            speaks[item_clusters[i]] = True
            points[item_clusters[i]] = count
    for t in range(words.tellers.shape[0]):
        speaks[words.tellers[t]] = True
    for c in range(cluster_count):
        mark = _mark_of(words.tellers, c)
        ratios[c] = bound_cluster(
            likelihoods[c],
            work.held,
            HYPOTHESIS_COUNT * mark,
            points[c],
            words.told_words[mark - 1] if mark else nothing,
            words.tables[c],
            words.statements[c],
            words.caps[c],
            sums,
        )
        capped[c] = ratios[c] < 1.0
    bound_told(words.tellers, ratios, words.told_words)
    for c in range(cluster_count):
        alone[c], alone_origin[c] = _alone(c, words, points[c], work, vectors)
    player_count = choose_players(alone, speaks, players)
    whole = player_count == cluster_count
    for c in range(cluster_count):
        merged[c] = not whole and players[c] == 0
    totals = _share_players(players, player_count, speaks, words, count, work, told)
    total = told.total
    if whole:
        for h in range(HYPOTHESIS_COUNT):
            total[h] = totals[totals.shape[0] - 1, h]
    else:
        _without(np.ones(cluster_count, dtype=np.bool_), speaks, words, count, work, vectors, total)
    for g in range(groups.shape[0]):
        stays = masks[g * cluster_count : (g + 1) * cluster_count]
        if not whole:
            _without(stays, speaks, words, count, work, vectors, groups[g])
            continue
        chosen = 0
        for c in range(cluster_count):
            if stays[c]:
                chosen |= 1 << c
        for h in range(HYPOTHESIS_COUNT):
            groups[g, h] = totals[chosen, h]


@njit(cache=True)
def _room(cluster_starts: Integers, points_count: int) -> Work:
    """Give memory for the case with the most clusters, with one point more for the place itself."""
    cluster_most = 1
    for n in range(cluster_starts.shape[0] - 1):
        cluster_most = max(cluster_most, cluster_starts[n + 1] - cluster_starts[n])
    size = points_count + PATCH_SIDE_COUNT * PATCH_SIDE_COUNT + 1
    return Work(
        np.empty((NODE_NUMBERS_COUNT, size)),
        np.empty((HYPOTHESIS_COUNT << TELLERS_MOST_COUNT, size)),
        np.empty(size),
        np.empty((cluster_most, size)),
        np.empty((ORIGIN_PLAYER_MOST_COUNT, size)),
        np.empty((ORIGIN_PLAYER_MOST_COUNT + (1 << TELLERS_MOST_COUNT), size)),
    )


@njit(cache=True)
def _place_of(cases: Cases, n: int) -> Place:
    """Give what is told of one case's place; where fire went out, nothing stands still."""
    still = 0.0 if cases.is_launch[n] else cases.still_probability
    told = cases.told[cases.told_starts[n] : cases.told_starts[n + 1]]
    return Place(told, cases.place_variances_m2[n], cases.line_together_m, cases.wrong_within_m, still)


@njit(cache=True)
def decide(cases: Cases, fields: Fields, rings: Floats, directions: Floats, answers: Answers) -> None:
    """Fill `answers` for every case. Nothing is read of one case while another is worked on."""
    anchors, is_launch, field_indices = cases.anchors, cases.is_launch, cases.field_indices
    band_starts, bands, item_starts = cases.band_starts, cases.bands, cases.item_starts
    item_clusters, item_numbers = cases.item_clusters, cases.item_numbers
    shape_starts, shape_kinds, shapes = cases.shape_starts, cases.shape_kinds, cases.shapes
    cluster_starts, caps = cases.cluster_starts, cases.caps
    tables, statements, told_words = cases.tables.copy(), cases.statements.copy(), cases.told_words.copy()
    group_starts, group_masks, mask_starts = cases.group_starts, cases.group_masks, cases.mask_starts
    log_priors, statements_cap_ratio = cases.log_priors, cases.statements_cap_ratio
    rasters, offsets, frames = fields.distances_m, fields.offsets, fields.frames
    row_counts, column_counts = fields.row_counts, fields.column_counts
    totals, alone, alone_origin, shares = answers.log_likelihoods, answers.alone, answers.alone_origin, answers.shares
    capped, merged, group_totals = answers.capped, answers.merged, answers.group_log_likelihoods
    work = _room(cluster_starts, rings.shape[0] * directions.shape[0])
    teller_starts, teller_clusters, told_starts = cases.teller_starts, cases.teller_clusters, cases.told_starts
    nowhere = Ground(np.zeros(0), 0, 0, np.zeros(5), False)
    for n in range(anchors.shape[0]):
        f = field_indices[n]
        ground = nowhere
        if f >= 0:
            raster = rasters[offsets[f] : offsets[f + 1]]
            ground = Ground(raster, row_counts[f], column_counts[f], frames[f], True)
        c0, c1, i0, i1 = cluster_starts[n], cluster_starts[n + 1], item_starts[n], item_starts[n + 1]
        own = Items(item_clusters[i0:i1], item_numbers[i0:i1], shape_starts[i0 : i1 + 1], shape_kinds, shapes)
        words = Words(
            tables[c0:c1],
            statements[c0:c1],
            caps[c0:c1],
            statements_cap_ratio,
            log_priors[n],
            teller_clusters[teller_starts[n] : teller_starts[n + 1]],
            told_words[told_starts[n] : told_starts[n + 1]],
        )
        told = Told(
            totals[n],
            alone[c0:c1],
            alone_origin[c0:c1],
            shares[c0:c1],
            capped[c0:c1],
            merged[c0:c1],
            group_totals[group_starts[n] : group_starts[n + 1]],
        )
        own_bands = bands[band_starts[n] : band_starts[n + 1]]
        place = _place_of(cases, n)
        count = _lay(anchors[n], is_launch[n], own_bands, ground, rings, directions, own, place, c1 - c0, work)
        masks = group_masks[mask_starts[n] : mask_starts[n + 1]]
        _weigh(words, own, f >= 0, count, masks, work, told)
