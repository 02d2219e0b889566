"""Direction of fire: from whose ground each impact mission was launched, with what probability, and roughly where.

Launch and impact missions are paired by the flight time that their rounds share; the ground is that of the paired
launch. A launch that was not located leaves its impact undetermined, and where a shell fell says nothing about who
fired it.
"""

from __future__ import annotations

import numpy as np

from truceline.associate.fire_cells import coarse_origins, rounded_down
from truceline.associate.fire_columns import (
    IMPACT_INDEX,
    OTHER_INDEX,
    OUTGOING_INDEX,
    FireEvents,
    FireOrigins,
    Floats,
    Ints,
    LineAtEvents,
    RestrictedPairings,
    check_events,
)
from truceline.associate.fire_missions import Missions, find_missions
from truceline.associate.fire_ownership import Claims, pairing_probabilities
from truceline.associate.fire_pairing import Pairings, Scan, find_pairings, matched_events
from truceline.associate.fire_settings import FireSettings
from truceline.physics.contact_line import side_probability

_RANGE_STEPS_COUNT = 24
_SPREAD_REACH_RATIO = 1.5


def fire_origins(events: FireEvents, line: LineAtEvents, settings: FireSettings) -> FireOrigins:
    """Give, for each mission among the events, the probability of each party's ground, and a coarse area.

    `P(A) = sum_h P(h) Phi(d_h / sqrt(n' C_h n + sigma_line^2))` over the pairings h of the mission with launches
    among the events; what is missing to 1 is undetermined: no launch located, no impact, or the line not known.
    Columns of any order, metres and seconds; no event at all gives empty columns.
    """
    check_events(events, line)
    if len(events.x_m) == 0:
        return _nothing()
    missions = find_missions(events, settings)
    on_a = _on_a_probability(events, line, missions)
    scan = _scan(events, line, missions, on_a=on_a, settings=settings)
    pairings = find_pairings(scan, pairings_max_count=settings.pairings_max_count)
    start, matches = matched_events(scan, pairings)
    claims = Claims(pairings.pair[:, 0], np.exp(pairings.log_weight), start, matches, len(events.x_m))
    probability = _at_most_one(pairing_probabilities(claims), pairings.pair[:, 0], len(missions.x_m))
    restricted = _restricted(missions, pairings, claims, probability=probability, on_a=on_a)
    return _origins(events, missions, claims, restricted=restricted, settings=settings)._replace(
        shed_count=pairings.shed_count
    )


def _nothing() -> FireOrigins:
    """Give the answer to no events."""
    none, nowhere, noone = np.zeros(0), np.zeros((0, 2)), np.zeros(0, dtype=np.int64)
    coarse = coarse_origins(noone, none, none, cells=(noone, nowhere, none))
    restricted = RestrictedPairings(noone, noone, none, none, noone, none, none, none, none, none, none)
    return FireOrigins(coarse, restricted, noone, none, none, none, 0, 0)


def _per_mission(column: Floats, missions: Missions) -> Floats:
    """Give the mean over each mission's events of a column in the events' own order."""
    mean: Floats = np.add.reduceat(column[missions.order], missions.start[:-1]) / missions.sizes_count
    return mean


def _on_a_probability(events: FireEvents, line: LineAtEvents, missions: Missions) -> Floats:
    """Give the probability that each mission stood on ground A; `nan` where the line is not known.

    A mission's error is taken as the mean of its events', not less: events located together share their errors.
    """
    normal = np.column_stack([line.normal_x_ratio, line.normal_y_ratio])
    across_m2 = np.einsum("ei,eij,ej->e", normal, events.covariance_m2, normal)
    largest_m2 = np.linalg.eigvalsh(events.covariance_m2)[:, -1]
    variance_m2 = np.where(np.isfinite(across_m2), across_m2, largest_m2)
    return side_probability(
        _per_mission(line.signed_distance_m, missions),
        _per_mission(line.sigma_m, missions),
        np.sqrt(_per_mission(variance_m2, missions)),
    )


def _role_logs(events: FireEvents, missions: Missions, settings: FireSettings) -> tuple[Floats, Floats]:
    """Give each mission's log ratio of being an impact, and a launch, with its other end located, to standing alone.

    Alone are other events, and launches and impacts whose other end was missed throughout. Classes of n events with
    correlation rho of their errors weigh `n / (1 + (n - 1) rho)` (Kish 1965).
    """
    sizes = missions.sizes_count
    weight = 1.0 / (1.0 + (sizes - 1.0) * settings.class_dependence_ratio)
    class_log = np.column_stack(
        [weight * sizes * _per_mission(events.class_log_likelihood[:, k], missions) for k in range(3)]
    )
    class_log -= class_log.max(axis=1, keepdims=True)
    likelihood = np.exp(class_log)
    each_share = 0.5 * (1.0 - settings.other_share)
    missed = settings.missed_probability**sizes
    alone = settings.other_share * likelihood[:, OTHER_INDEX] + each_share * missed * (
        likelihood[:, OUTGOING_INDEX] + likelihood[:, IMPACT_INDEX]
    )
    paired = np.log(each_share) - np.log(alone)
    return class_log[:, IMPACT_INDEX] + paired, class_log[:, OUTGOING_INDEX] + paired - np.log(each_share)


def _ground_ratios(distance_m: Floats, settings: FireSettings) -> Floats:
    """Give one over the share of ground A, and of B, within reach of each impact: shape (missions, classes, 2).

    With these the prior is even between the parties wherever a shell fell: without, it would favour whoever holds more
    of the ground around. The line is taken as straight, so that a circle of radius r about a point at distance d has
    `acos(-d / r) / pi` of itself on ground A; every range of the class counts the same.
    """
    steps = (np.arange(_RANGE_STEPS_COUNT) + 0.5) / _RANGE_STEPS_COUNT
    least = settings.ground_share_min_ratio
    shares = []
    for weapon in settings.weapons:
        ranges_m = weapon.range_min_m + steps * (weapon.range_max_m - weapon.range_min_m)
        ratio = np.nan_to_num(distance_m)[:, None] / ranges_m
        share = (np.arccos(np.clip(-ratio, -1.0, 1.0)) / np.pi).mean(axis=1)
        shares.append(np.column_stack([np.clip(share, least, None), np.clip(1.0 - share, least, None)]))
    return np.asarray(1.0 / np.stack(shares, axis=1))


def _scan(events: FireEvents, line: LineAtEvents, missions: Missions, *, on_a: Floats, settings: FireSettings) -> Scan:
    """Bring all that the kernels read into their order."""
    order = missions.order
    log_impact, log_launch = _role_logs(events, missions, settings)
    flat = [
        (
            np.log(weapon.prior_probability),
            weapon.range_min_m,
            weapon.range_max_m,
            settings.flight_log_s(weapon),
            0.5 * weapon.elevation_spread_ratio,
            weapon.flight_spread_ratio,
        )
        for weapon in settings.weapons
    ]
    weapon_rows = np.array(flat, dtype=np.float64)
    numbers = (
        np.log(settings.detection_probability),
        np.log(settings.missed_probability),
        missions.gap_mean_s,
        weapon_rows[:, 5].max() * _SPREAD_REACH_RATIO,
        settings.bearing_outlier_probability,
        (missions.last_s - missions.first_s).max(),
        np.log(settings.pairing_weight_min_ratio),
    )
    return Scan(
        start=missions.start,
        time_s=events.time_s[order],
        variance_s2=events.time_sigma_s[order] ** 2,
        log_event=np.log(np.maximum(events.event_probability[order], 1e-9)),
        bearing_rad=np.radians(events.source_bearing_deg[order]),
        bearing_sigma_rad=np.radians(events.source_bearing_sigma_deg[order]),
        x_m=missions.x_m,
        y_m=missions.y_m,
        first_s=missions.first_s,
        last_s=missions.last_s,
        log_impact=log_impact,
        log_launch=log_launch - np.log(missions.density_hz_per_m2) - np.log(missions.size_probability),
        on_a=np.where(np.isfinite(on_a), on_a, 0.5),
        ground_ratio=_ground_ratios(_per_mission(line.signed_distance_m, missions), settings),
        weapon=weapon_rows,
        spread=np.column_stack([settings.spread_factor_ratios, np.log(settings.spread_factor_shares)]),
        number=np.array(numbers, dtype=np.float64),
    )


def _at_most_one(probability: Floats, mission: Ints, mission_count: int) -> Floats:
    """Scale the pairings of a mission down to a sum of 1 where they exceed it.

    They may by the error of the method, where missions are paired in circles.
    """
    total = np.bincount(mission, weights=probability, minlength=mission_count)
    scaled: Floats = probability / np.maximum(total, 1.0)[mission]
    return scaled


def _restricted(
    missions: Missions, pairings: Pairings, claims: Claims, *, probability: Floats, on_a: Floats
) -> RestrictedPairings:
    """Write down every pairing with full precision, by mission and then probability, in the order of `claims`."""
    impact, launch = pairings.pair.T
    dx_m, dy_m = missions.x_m[launch] - missions.x_m[impact], missions.y_m[launch] - missions.y_m[impact]
    return RestrictedPairings(
        mission_index=impact,
        launch_mission_index=launch,
        pairing_probability=probability,
        log_weight_ratio=pairings.log_weight,
        matched_count=np.diff(claims.start),
        lag_s=pairings.lag_s,
        launch_x_m=missions.x_m[launch],
        launch_y_m=missions.y_m[launch],
        launch_on_a_probability=on_a[launch],
        bearing_deg=np.degrees(np.arctan2(dx_m, dy_m)) % 360.0,
        range_m=np.hypot(dx_m, dy_m),
    )


def _origins(
    events: FireEvents,
    missions: Missions,
    claims: Claims,
    *,
    restricted: RestrictedPairings,
    settings: FireSettings,
) -> FireOrigins:
    """Sum the pairings up for each mission and each event, and make the coarse record."""
    count = len(missions.x_m)
    known = np.isfinite(restricted.launch_on_a_probability)
    share_a = np.where(known, restricted.launch_on_a_probability, 0.0)
    share_b = np.where(known, 1.0 - restricted.launch_on_a_probability, 0.0)
    event_mission = np.empty(len(missions.order), dtype=np.int64)
    event_mission[missions.order] = np.repeat(np.arange(count), missions.sizes_count)
    by_ground: list[Floats] = []
    by_event: list[Floats] = []
    for share in (share_a, share_b):
        part = restricted.pairing_probability * share
        by_ground.append(np.bincount(restricted.mission_index, part, count).astype(np.float64))
        by_event.append(rounded_down(_event_probability(missions, claims, part, settings)))
    places = np.column_stack(
        [_per_mission(events.longitude_deg, missions), _per_mission(events.latitude_deg, missions)]
    )[restricted.launch_mission_index]
    coarse = coarse_origins(
        missions.sizes_count,
        by_ground[0],
        by_ground[1],
        cells=(restricted.mission_index, places, restricted.pairing_probability),
        cell_deg=settings.cell_deg,
    )
    return FireOrigins(
        coarse=coarse,
        restricted=restricted,
        event_mission_index=event_mission,
        event_ground_a_probability=by_event[0],
        event_ground_b_probability=by_event[1],
        event_undetermined_probability=np.round(1.0 - by_event[0] - by_event[1], 2),
        shed_count=0,
        split_count=missions.split_count,
    )


def _event_probability(missions: Missions, claims: Claims, part: Floats, settings: FireSettings) -> Floats:
    """Give each event's own share of what its mission's pairings say, in the events' own order.

    A round heard at both ends takes it whole; one heard at the impact only takes it as far as a missed launch is the
    reason, `(1 - p_d)` of all reasons why it has none.
    """
    missed_share = (1.0 - settings.detection_probability) / settings.missed_probability
    pairing_count = np.diff(claims.start)
    at_impact = claims.events[0]
    own = np.bincount(at_impact, weights=np.repeat(part, pairing_count), minlength=claims.event_count)
    first = at_impact[claims.start[:-1]] if len(part) else np.zeros(0, dtype=np.int64)
    mission = np.searchsorted(missions.start, first, side="right") - 1
    whole = np.bincount(mission, weights=part, minlength=len(missions.x_m))
    by_rank = missed_share * np.repeat(whole, missions.sizes_count) + (1.0 - missed_share) * own
    probability = np.empty(len(by_rank))
    probability[missions.order] = np.minimum(by_rank, 1.0)
    return probability
