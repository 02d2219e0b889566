"""Cases and the ground of their days -> log-likelihoods, shares and what stays without each part, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import numpy as np

from truceline.attribute.case import Case, Packing, Sorted, field_indices_of, log_priors
from truceline.attribute.control import ControlField, stacked
from truceline.attribute.layout import (
    ACROSS_FIRST,
    ACROSS_SECOND,
    BEARING_COUNT,
    HYPOTHESIS_COUNT,
    NEITHER,
    OWN_FIRST,
    OWN_SECOND,
    RING_EDGES_M,
    Answers,
    Cases,
    Flags,
    Floats,
    Integers,
)
from truceline.model.evidence import EvidenceCatalogue, PlaceTeller
from truceline.physics.contact_line import side_probability


class Decisions(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Everything about a batch of cases, before calibration, in columns.

    `log_likelihoods`: (cases, 5), order: first and second party across the line, first and second on its own ground,
    neither. `log_odds_ratio`: (cases), first against second party, what the shares add up to. Columns of clusters are
    cut by `cluster_starts`, of masks by `group_starts`; `sorted` says what clusters and masks are.
    `holds_probability`: that the first party holds the ground at the place (`nan`: not known).
    """

    log_likelihoods: Floats
    log_priors: Floats
    log_odds_ratio: Floats
    holds_probability: Floats
    cluster_starts: Integers
    alone: Floats
    alone_origin: Floats
    shares: Floats
    capped: Flags
    merged: Flags
    group_starts: Integers
    group_log_likelihoods: Floats
    sorted: tuple[Sorted, ...]

    def __len__(self) -> int:
        """Give the number of cases."""
        return len(self.log_odds_ratio)

    @property
    def located_count(self) -> Integers:
        """Give how many clusters of different custody located a launch, whomever they speak for: (cases)."""
        counts = [
            len({cluster.direct_operators for cluster in found.clusters if cluster.direct}) for found in self.sorted
        ]
        return np.array(counts, dtype=np.int64)

    @property
    def group_owners(self) -> Integers:
        """Give the case of every mask: (groups)."""
        return np.repeat(np.arange(len(self)), np.diff(self.group_starts))


def pack_cases(
    cases: Sequence[Case],
    fields: Sequence[ControlField | None],
    *,
    parties: tuple[str, str],
    catalogue: EvidenceCatalogue,
) -> tuple[Packing, Cases, list[ControlField], Floats]:
    """Lay cases in columns; give what was sorted, the columns, every field once, and who holds each place."""
    assert len(cases) == len(fields), f"{len(fields)} fields do not go with {len(cases)} cases"
    distinct, indices = field_indices_of(fields)
    tellers = [case.tellers for case in cases]
    counts = [len(told) for told in tellers]
    told_holds = _holds_probability(
        [teller for told in tellers for teller in told], distinct, np.repeat(indices, counts)
    )
    firsts = np.cumsum([0, *counts])
    packing = Packing(parties, catalogue)
    for case, told, start in zip(cases, tellers, firsts[:-1].tolist(), strict=True):
        own = told_holds[start : start + len(told)].tolist()
        packing.add(case, told, () if np.isnan(own[0]) else own)
    return packing, packing.cases(indices), distinct, told_holds[firsts[:-1]]


def decide_cases(
    cases: Sequence[Case],
    fields: Sequence[ControlField | None],
    *,
    parties: tuple[str, str],
    catalogue: EvidenceCatalogue,
) -> Decisions:
    """Decide every case by the ground of its day; `fields` are as long as `cases`, `None` where no line is known.

    Without a line nothing about an origin can be said of a party, so only statements and party items count.
    """
    from truceline.attribute.engine import decide

    packing, columns, distinct, holds = pack_cases(cases, fields, parties=parties, catalogue=catalogue)
    answers = _empty_answers(columns)
    rings, directions = node_template()
    decide(columns, stacked(distinct), rings, directions, answers)
    return Decisions(
        log_likelihoods=answers.log_likelihoods,
        log_priors=columns.log_priors,
        log_odds_ratio=log_odds_of(answers.log_likelihoods, columns.log_priors),
        holds_probability=holds,
        cluster_starts=columns.cluster_starts,
        alone=answers.alone,
        alone_origin=answers.alone_origin,
        shares=answers.shares,
        capped=answers.capped,
        merged=answers.merged,
        group_starts=columns.group_starts,
        group_log_likelihoods=answers.group_log_likelihoods,
        sorted=tuple(packing.sorted),
    )


def _holds_probability(tellers: Sequence[PlaceTeller], distinct: Sequence[ControlField], used: Integers) -> Floats:
    """Give the probability that the first party holds each place as it is told; `nan` where there is no line."""
    position_sigma_m = np.array([teller.position_sigma_m for teller in tellers], dtype=np.float64)
    longitude_deg = np.array([teller.longitude_deg for teller in tellers], dtype=np.float64)
    latitude_deg = np.array([teller.latitude_deg for teller in tellers], dtype=np.float64)
    known_m = [teller.signed_distance_m for teller in tellers]
    distance_m = np.array([np.nan if entry is None else entry for entry in known_m], dtype=np.float64)
    line_sigma_m = np.full(len(tellers), np.nan)
    for index, field in enumerate(distinct):
        rows = np.flatnonzero(used == index)
        line_sigma_m[rows] = field.sigma_m
        asked = rows[np.isnan(distance_m[rows])]
        distance_m[asked] = field.signed_distance_m(longitude_deg[asked], latitude_deg[asked])
    first = side_probability(distance_m, line_sigma_m, position_sigma_m)
    second = side_probability(-distance_m, line_sigma_m, position_sigma_m)
    return np.where(first >= second, first, 1.0 - second)


def _empty_answers(columns: Cases) -> Answers:
    clusters_count, groups_count = int(columns.cluster_starts[-1]), int(columns.group_starts[-1])
    return Answers(
        log_likelihoods=np.zeros((len(columns.anchors), HYPOTHESIS_COUNT)),
        alone=np.zeros(clusters_count),
        alone_origin=np.zeros(clusters_count),
        shares=np.zeros(clusters_count),
        capped=np.zeros(clusters_count, dtype=np.bool_),
        merged=np.zeros(clusters_count, dtype=np.bool_),
        group_log_likelihoods=np.zeros((groups_count, HYPOTHESIS_COUNT)),
    )


@lru_cache(maxsize=1)
def node_template() -> tuple[Floats, Floats]:
    """Give the rings (inner edge, middle, outer edge; the innermost is a disc) and the directions around any place."""
    edges = np.array((0.0, *RING_EDGES_M))
    middles = np.sqrt((edges[:-1] ** 2 + edges[1:] ** 2) / 2.0)
    angles = (np.arange(BEARING_COUNT) + 0.5) * (2.0 * np.pi / BEARING_COUNT)
    return np.column_stack([edges[:-1], middles, edges[1:]]), np.column_stack([np.sin(angles), np.cos(angles)])


def log_odds_of(log_likelihoods: Floats, log_prior: Floats) -> Floats:
    """Give `ln[(p_A + p_As) / (p_B + p_Bs)]`."""
    joint = log_likelihoods + log_prior
    first = np.logaddexp(joint[..., ACROSS_FIRST], joint[..., OWN_FIRST])
    second = np.logaddexp(joint[..., ACROSS_SECOND], joint[..., OWN_SECOND])
    return np.asarray(first - second)


def posterior(log_likelihoods: Floats, log_prior: Floats) -> Floats:
    """Give the probabilities of the five accounts; they sum to 1 and are mirrored when the parties are exchanged."""
    joint = log_likelihoods + log_prior
    raised = np.exp(joint - joint.max(axis=-1, keepdims=True))
    parties = (raised[..., ACROSS_FIRST] + raised[..., ACROSS_SECOND]) + (
        raised[..., OWN_FIRST] + raised[..., OWN_SECOND]
    )
    return np.asarray(raised / (parties + raised[..., NEITHER])[..., np.newaxis])


def prior_with(catalogue: EvidenceCatalogue, *, own_side_probability: float, log_prior: Floats) -> Floats:
    """Give the same priors with another rate of own-ground events; that of neither stays each case's own."""
    neither = np.exp(log_prior[..., NEITHER])
    rows = [
        log_priors(catalogue, own_side_probability=own_side_probability, neither_probability=float(entry))
        for entry in np.atleast_1d(neither)
    ]
    return np.array(rows).reshape(log_prior.shape)
