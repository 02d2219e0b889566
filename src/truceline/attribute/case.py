"""One event with its evidence, ready to be decided; and how many of them lie in columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import attrgetter
from typing import Literal

import msgspec
import numpy as np

from truceline.attribute.control import METRES_PER_DEGREE_M, ControlField
from truceline.attribute.layout import (
    BEARING_COUNT,
    HYPOTHESIS_COUNT,
    SHAPE_BAND,
    SHAPE_DIRECTION,
    SHAPE_NUMBERS_COUNT,
    SHAPE_POINT,
    SHAPE_SEGMENT,
    SHAPE_SILENCE,
    TELLERS_MOST_COUNT,
    Cases,
)
from truceline.attribute.words import (
    item_log_likelihoods,
    kish_weight_ratio,
    place_log_likelihoods,
    wrong_together,
)
from truceline.model.evidence import (
    EvidenceCatalogue,
    EvidenceItem,
    ItemType,
    OriginBand,
    OriginDirection,
    OriginPoint,
    OriginSegment,
    OriginShape,
    PlaceTeller,
    RangeBand,
)
from truceline.model.quantity import require_between

PLACE = "place"
"""Where the ground held at the place itself speaks: the modality of that row, unless the case names another."""

_BEARING_CELL_RAD = 2.0 * math.pi / BEARING_COUNT / math.sqrt(12.0)

Group = tuple[Literal["cluster", "operator", "modality"], str, int]
"""What is taken out: its kind, its name, and which mask of the case it is."""


class Case(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event: its place with uncertainty, what the place is, and every item of evidence.

    `anchor`: the place is an impact, whose ground is a row of its own, or a launch, whose items say where it was.
    `place_signed_distance_m` is how deep it lies on the first party's ground (negative: on the other's), where that is
    known better than from the raster. The place is told by whom `place_*` name, and by `also_told`, who put it about
    there as well, each on a custody of its own. `bands` and `neither_probability` are `None` where the catalogue's
    hold.
    """

    case_id: str
    latitude_deg: float
    longitude_deg: float
    position_sigma_m: float
    anchor: Literal["impact", "launch"] = "impact"
    items: tuple[EvidenceItem, ...] = ()
    place_contamination_probability: float = 0.1
    place_cluster_id: str = PLACE
    place_operator: str = PLACE
    place_modality: str = PLACE
    place_basis: Literal["measured", "seen", "guess"] = "guess"
    place_statement: str = ""
    place_signed_distance_m: float | None = None
    place_usable: bool = True
    also_told: tuple[PlaceTeller, ...] = ()
    observation_ids: tuple[str, ...] = ()
    file_sha256s: tuple[str, ...] = ()
    bands: tuple[RangeBand, ...] | None = None
    neither_probability: float | None = None

    def __post_init__(self) -> None:
        """Check the place and the probability that it is wrong."""
        require_between("latitude_deg", self.latitude_deg, -90.0, 90.0)
        require_between("longitude_deg", self.longitude_deg, -180.0, 180.0)
        require_between("position_sigma_m", self.position_sigma_m, 0.0, 1.0e6)
        require_between("place_contamination_probability", self.place_contamination_probability, 0.0, 1.0)
        require_between("also_told", len(self.also_told), 0, TELLERS_MOST_COUNT - 1)

    @property
    def tellers(self) -> tuple[PlaceTeller, ...]:
        """Give who tells the place, the case's own first, then by cluster.

        Of two of one cluster the first counts; another one that is wrong for certain tells nothing.
        """
        own = PlaceTeller(
            cluster_id=self.place_cluster_id,
            operator=self.place_operator,
            modality=self.place_modality,
            contamination_probability=self.place_contamination_probability,
            latitude_deg=self.latitude_deg,
            longitude_deg=self.longitude_deg,
            position_sigma_m=self.position_sigma_m,
            signed_distance_m=self.place_signed_distance_m,
            basis=self.place_basis,
            statement=self.place_statement,
            observation_ids=self.observation_ids,
            file_sha256s=self.file_sha256s,
        )
        if not self.also_told:
            return (own,)
        found = {own.cluster_id: own}
        for teller in sorted(self.also_told, key=_TELLER_ORDER):
            if teller.contamination_probability < 1.0:
                found.setdefault(teller.cluster_id, teller)
        return tuple(found.values())


def told_by(case: Case, first: PlaceTeller, *others: PlaceTeller) -> Case:
    """Give a case whose place is told by these; its own is that of the first."""
    return msgspec.structs.replace(
        case,
        latitude_deg=first.latitude_deg,
        longitude_deg=first.longitude_deg,
        position_sigma_m=first.position_sigma_m,
        place_contamination_probability=first.contamination_probability,
        place_cluster_id=first.cluster_id,
        place_operator=first.operator,
        place_modality=first.modality,
        place_basis=first.basis,
        place_statement=first.statement,
        place_signed_distance_m=first.signed_distance_m,
        observation_ids=first.observation_ids,
        file_sha256s=first.file_sha256s,
        also_told=others,
    )


class Cluster(msgspec.Struct, kw_only=True, gc=False):
    """What hangs together in one case: items of one custody domain, publisher or bloc, and the place if it tells it."""

    cluster_id: str
    items: list[tuple[EvidenceItem, ItemType]]
    teller: PlaceTeller | None = None
    weights: dict[str, float] = {}
    contamination_probability: float = 0.0

    @property
    def weight_ratio(self) -> float:
        """Give the least that an item of it weighs: 1 where no type of item stands in it twice."""
        return min(self.weights.values(), default=1.0)

    @property
    def direct(self) -> bool:
        """Whether an item in it locates the launch."""
        return any(kind.direct and item.shapes for item, kind in self.items)

    @property
    def direct_operators(self) -> frozenset[str]:
        """Give who runs what locates the launch in it; two clusters of the same are not of different custody."""
        return frozenset(item.operator for item, kind in self.items if kind.direct)


class Sorted(msgspec.Struct, frozen=True, eq=False, kw_only=True, gc=False):
    """One case's clusters in their fixed order, and what is taken out in turn: by mask, which of them go."""

    clusters: tuple[Cluster, ...]
    groups: tuple[Group, ...]
    gone_index: tuple[tuple[int, ...], ...]


def clusters_of(
    case: Case, tellers: Sequence[PlaceTeller], *, kinds: dict[str, ItemType], within_probability: float
) -> Sorted:
    """Sort a case's items into clusters, in an order that does not depend on theirs, and list what is taken out.

    `tellers` tell the place; each is the first of its cluster.
    """
    found: dict[str, Cluster] = {}
    operators: dict[str, set[int]] = {}
    modalities: dict[str, set[int]] = {}
    places: dict[str, int] = {}
    for teller in tellers:
        index = places[teller.cluster_id] = len(places)
        found[teller.cluster_id] = Cluster(
            cluster_id=teller.cluster_id,
            items=[],
            teller=teller,
            contamination_probability=teller.contamination_probability,
        )
        operators.setdefault(teller.operator, set()).add(index)
        modalities.setdefault(teller.modality, set()).add(index)
    for item in sorted(case.items, key=_ITEM_ORDER):
        cluster = found.get(item.cluster_id)
        if cluster is None:
            cluster = found[item.cluster_id] = Cluster(cluster_id=item.cluster_id, items=[])
            places[item.cluster_id] = len(places)
        kind = kinds[item.item_type]
        cluster.items.append((item, kind))
        cluster.contamination_probability = max(cluster.contamination_probability, contamination_of(item, kind))
        index = places[item.cluster_id]
        operators.setdefault(item.operator, set()).add(index)
        modalities.setdefault(item.modality, set()).add(index)
    for cluster in found.values():
        cluster.weights = weights_of(cluster, within_probability)
    return _with_groups(tuple(found.values()), operators, modalities)


_ITEM_ORDER = attrgetter("item_type", "item_id")
_TELLER_ORDER = attrgetter("cluster_id", "contamination_probability", "modality", "operator")


def weights_of(cluster: Cluster, within_probability: float) -> dict[str, float]:
    """Give what each item of a type weighs: only items of one type repeat each other; the place is of no other's type.

    Items of unlike type measure different things of one event, and their product says what none says alone; that all
    of them may be invented by one hand is the cluster's contamination and cap.
    """
    if len(cluster.items) == 1:
        return {cluster.items[0][0].item_type: 1.0}
    counts: dict[str, int] = {}
    for item, _ in cluster.items:
        counts[item.item_type] = counts.get(item.item_type, 0) + 1
    return {name: kish_weight_ratio(count, within_probability) for name, count in counts.items()}


def _with_groups(
    clusters: tuple[Cluster, ...], operators: dict[str, set[int]], modalities: dict[str, set[int]]
) -> Sorted:
    """List what is taken out: each cluster, and each operator and modality with every cluster it has a hand in."""
    masks: dict[tuple[int, ...], int] = {}
    groups: list[Group] = []
    for index, cluster in enumerate(clusters):
        masks[(index,)] = index
        groups.append(("cluster", cluster.cluster_id, index))
    groups += [
        ("operator", name, masks.setdefault(tuple(sorted(operators[name])), len(masks))) for name in sorted(operators)
    ]
    groups += [
        ("modality", name, masks.setdefault(tuple(sorted(modalities[name])), len(masks))) for name in sorted(modalities)
    ]
    return Sorted(clusters=clusters, groups=tuple(groups), gone_index=tuple(masks))


def contamination_of(item: EvidenceItem, kind: ItemType) -> float:
    """Give the probability that an item is wrong: its own, else that of its type."""
    if item.contamination_probability is not None:
        return item.contamination_probability
    return kind.contamination.number


def shape_numbers(shape: OriginShape, longitude_deg: float, latitude_deg: float) -> tuple[int, tuple[float, ...]]:
    """Give a shape's kind and numbers, in metres east and north of a place."""
    per_east_m = METRES_PER_DEGREE_M * math.cos(math.radians(latitude_deg))
    if isinstance(shape, OriginSegment):
        ends = (
            ((shape.start_longitude_deg - longitude_deg) * per_east_m),
            ((shape.start_latitude_deg - latitude_deg) * METRES_PER_DEGREE_M),
            ((shape.end_longitude_deg - longitude_deg) * per_east_m),
            ((shape.end_latitude_deg - latitude_deg) * METRES_PER_DEGREE_M),
        )
        return SHAPE_SEGMENT, (*ends, shape.sigma_m, 0.0)
    east_m = (shape.longitude_deg - longitude_deg) * per_east_m
    north_m = (shape.latitude_deg - latitude_deg) * METRES_PER_DEGREE_M
    if isinstance(shape, OriginPoint):
        covariance = (shape.covariance_east_m2, shape.covariance_east_north_m2, shape.covariance_north_m2)
        return SHAPE_POINT, (east_m, north_m, *covariance, 0.0)
    if isinstance(shape, OriginDirection):
        bearing_rad = math.radians(shape.bearing_deg)
        sigma_rad = math.hypot(math.radians(shape.bearing_sigma_deg), _BEARING_CELL_RAD)
        return SHAPE_DIRECTION, (east_m, north_m, math.sin(bearing_rad), math.cos(bearing_rad), sigma_rad**-2, 0.0)
    if isinstance(shape, OriginBand):
        return SHAPE_BAND, (east_m, north_m, shape.range_low_m, shape.range_high_m, 0.0, 0.0)
    return SHAPE_SILENCE, (east_m, north_m, shape.range_half_m, shape.detection_probability, 0.0, 0.0)


class Packing:
    """Lays cases in columns, one after another; rows stand number after number, which is quicker to read than rows."""

    def __init__(self, parties: tuple[str, str], catalogue: EvidenceCatalogue) -> None:
        """Take what all cases share."""
        self._parties = parties
        self._catalogue = catalogue
        self._kinds = {kind.item_type: kind for kind in catalogue.items}
        self._within = catalogue.dependence.within_cluster.number
        self._known: dict[tuple[str, str | None, float | None], list[float]] = {}
        self.sorted: list[Sorted] = []
        self._anchors: list[float] = []
        self._launches: list[bool] = []
        self._bands: list[float] = []
        self._band_counts: list[int] = []
        self._item_counts: list[int] = []
        self._item_clusters: list[int] = []
        self._item_numbers: list[float] = []
        self._shape_counts: list[int] = []
        self._shape_kinds: list[int] = []
        self._shapes: list[float] = []
        self._tables: list[float] = []
        self._statements: list[float] = []
        self._caps: list[float] = []
        self._masks: list[bool] = []
        self._log_priors: list[float] = []
        self._teller_clusters: list[int] = []
        self._teller_counts: list[int] = []
        self._told_places: list[float] = []
        self._told_words: list[float] = []
        self._variances_m2: list[float] = []

    def add(self, case: Case, told: Sequence[PlaceTeller], holds_probability: Sequence[float]) -> None:
        """Add one case; the first party holds the ground at each teller's place so probably (none: not known)."""
        tells = case.anchor == "impact" and len(holds_probability) > 0 and case.place_usable
        tellers = told if tells else ()
        found = clusters_of(case, tellers, kinds=self._kinds, within_probability=self._within)
        self.sorted.append(found)
        self._add_place(tellers, case, holds_probability)
        self._anchors += (case.longitude_deg, case.latitude_deg)
        self._launches.append(case.anchor == "launch")
        bands = case.bands if case.bands is not None else self._catalogue.bands
        for band in bands:
            self._bands += (band.low_m, band.high_m, band.probability)
        self._band_counts.append(len(bands))
        before = len(self._item_clusters)
        for index, cluster in enumerate(found.clusters):
            self._add_cluster(index, cluster, case)
        self._item_counts.append(len(self._item_clusters) - before)
        for gone in found.gone_index:
            stays = [True] * len(found.clusters)
            for index in gone:
                stays[index] = False
            self._masks += stays
        self._log_priors += log_priors(self._catalogue, neither_probability=case.neither_probability)

    def _add_place(self, tellers: Sequence[PlaceTeller], case: Case, holds_probability: Sequence[float]) -> None:
        """Add what every set of tellers says of the place: by the case's, or without the first by its most precise.

        The tellers' clusters are the first ones, in their order.
        """
        place = self._catalogue.place
        self._variances_m2.append(max(case.position_sigma_m, place.sigma_least_m.number) ** 2)
        self._teller_clusters += range(len(tellers))
        self._teller_counts.append(len(tellers))
        for chosen in range(1, 1 << len(tellers)):
            who = [t for t in range(len(tellers)) if chosen >> t & 1]
            wrong = wrong_together([tellers[t].contamination_probability for t in who], place.wrong_together.number)
            best = 0 if who[0] == 0 else min(who, key=lambda t: tellers[t].position_sigma_m)
            holds = holds_probability[best]
            self._told_places += (holds, wrong)
            self._told_words += place_log_likelihoods(holds, wrong)

    def _add_cluster(self, index: int, cluster: Cluster, case: Case) -> None:
        table, statement = [0.0] * HYPOTHESIS_COUNT, [0.0] * HYPOTHESIS_COUNT
        caps = [kind.cap.number for _, kind in cluster.items]
        if cluster.teller is not None:
            caps.append(self._catalogue.place.cap.number)
        for item, kind in cluster.items:
            if item.shapes:
                self._add_shapes(index, item, kind, cluster=cluster, case=case)
            else:
                into = statement if kind.family == "statement" else table
                told = self._told(item, kind)
                for h in range(HYPOTHESIS_COUNT):
                    into[h] += told[h] * cluster.weights[item.item_type]
        self._tables += table
        self._statements += statement
        self._caps.append(math.log(max(caps)))

    def _told(self, item: EvidenceItem, kind: ItemType) -> list[float]:
        """Give an item's log-likelihoods; those that only its role decides are worked out once."""
        if item.shares:
            return item_log_likelihoods(item, kind, self._parties)
        key = (item.item_type, item.speaker or item.about, item.contamination_probability)
        if key not in self._known:
            self._known[key] = item_log_likelihoods(item, kind, self._parties)
        return self._known[key]

    def _add_shapes(self, index: int, item: EvidenceItem, kind: ItemType, *, cluster: Cluster, case: Case) -> None:
        contamination_probability = contamination_of(item, kind)
        if contamination_probability >= 1.0:
            return
        for shape in item.shapes:
            shape_kind, numbers = shape_numbers(shape, case.longitude_deg, case.latitude_deg)
            self._shape_kinds.append(shape_kind)
            self._shapes += numbers
        self._item_clusters.append(index)
        self._item_numbers += (contamination_probability, cluster.weights[item.item_type])
        self._shape_counts.append(len(item.shapes))

    def cases(self, field_index: Sequence[int]) -> Cases:
        """Give the columns; `field_index`: which raster each case is read with, -1 for none."""
        masks = [len(found.gone_index) for found in self.sorted]
        sizes = [len(found.gone_index) * len(found.clusters) for found in self.sorted]
        return Cases(
            anchors=np.array(self._anchors, dtype=np.float64).reshape(-1, 2),
            is_launch=np.array(self._launches, dtype=np.bool_),
            field_indices=np.array(field_index, dtype=np.int64),
            band_starts=_starts(self._band_counts),
            bands=np.array(self._bands, dtype=np.float64).reshape(-1, 3),
            item_starts=_starts(self._item_counts),
            item_clusters=np.array(self._item_clusters, dtype=np.int64),
            item_numbers=np.array(self._item_numbers, dtype=np.float64).reshape(-1, 2),
            shape_starts=_starts(self._shape_counts),
            shape_kinds=np.array(self._shape_kinds, dtype=np.int64),
            shapes=np.array(self._shapes, dtype=np.float64).reshape(-1, SHAPE_NUMBERS_COUNT),
            cluster_starts=_starts([len(found.clusters) for found in self.sorted]),
            tables=np.array(self._tables, dtype=np.float64).reshape(-1, HYPOTHESIS_COUNT),
            statements=np.array(self._statements, dtype=np.float64).reshape(-1, HYPOTHESIS_COUNT),
            caps=np.array(self._caps, dtype=np.float64),
            group_starts=_starts(masks),
            group_masks=np.array(self._masks, dtype=np.bool_),
            mask_starts=_starts(sizes),
            log_priors=np.array(self._log_priors, dtype=np.float64).reshape(-1, HYPOTHESIS_COUNT),
            statements_cap_ratio=math.log(self._catalogue.dependence.statements_together.number),
            teller_starts=_starts(self._teller_counts),
            teller_clusters=np.array(self._teller_clusters, dtype=np.int64),
            told_starts=_starts([(1 << count) - 1 for count in self._teller_counts]),
            told=np.array(self._told_places, dtype=np.float64).reshape(-1, 2),
            told_words=np.array(self._told_words, dtype=np.float64).reshape(-1, HYPOTHESIS_COUNT),
            place_variances_m2=np.array(self._variances_m2, dtype=np.float64),
            line_together_m=self._catalogue.place.line_together_m.number,
            wrong_within_m=self._catalogue.place.wrong_within_m.number,
            still_probability=self._catalogue.priors.still.number,
        )


def _starts(counts: Sequence[int] | np.ndarray) -> np.ndarray:
    """Give where each stretch begins, and at last where the last one ends."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.asarray(counts, dtype=np.int64))])


def log_priors(
    catalogue: EvidenceCatalogue, *, own_side_probability: float | None = None, neither_probability: float | None = None
) -> list[float]:
    """Give the logs of `(1-o)(1-f)/2, (1-o)(1-f)/2, (1-o)f/2, (1-o)f/2, o`: both parties alike."""
    f = catalogue.priors.own_side.number if own_side_probability is None else own_side_probability
    o = catalogue.priors.neither.number if neither_probability is None else neither_probability
    across, own = math.log((1.0 - o) * (1.0 - f) / 2.0), math.log((1.0 - o) * f / 2.0)
    return [across, across, own, own, math.log(o)]


def field_indices_of(fields: Sequence[ControlField | None]) -> tuple[list[ControlField], list[int]]:
    """Give every raster once, and which of them each case uses."""
    distinct: list[ControlField] = []
    known: dict[int, int] = {}
    indices = []
    for field in fields:
        if field is None:
            indices.append(-1)
            continue
        if id(field) not in known:
            known[id(field)] = len(distinct)
            distinct.append(field)
        indices.append(known[id(field)])
    return distinct, indices
