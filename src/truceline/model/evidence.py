"""What speaks for or against a party: items of evidence by role, and the catalogue of numbers they are read with."""

from __future__ import annotations

from typing import Literal

import msgspec

from truceline.model.quantity import require_between

EVIDENCE_CATALOGUE_SCHEMA_NAME = "truceline.evidence_catalogue/4"

NumberBasis = Literal["measured", "seen", "guess"]
"""Where a number comes from: measured on data, seen in a source, or an expert's guess until it is measured."""

Family = Literal["origin", "party", "statement"]
"""What an item speaks about: where it was launched, who has such a thing, or who says what."""


class OriginPoint(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="point"):
    """An origin that was located: a place with its covariance (true east and north, metres squared)."""

    latitude_deg: float
    longitude_deg: float
    covariance_east_m2: float
    covariance_east_north_m2: float
    covariance_north_m2: float

    def __post_init__(self) -> None:
        """Check the place, and that the covariance is one of an ellipse."""
        _require_place(self.latitude_deg, self.longitude_deg)
        require_between("covariance_east_m2", self.covariance_east_m2, 1.0, 1.0e12)
        require_between("covariance_north_m2", self.covariance_north_m2, 1.0, 1.0e12)
        if self.covariance_east_north_m2**2 >= self.covariance_east_m2 * self.covariance_north_m2:
            raise ValueError(f"covariance_east_north_m2={self.covariance_east_north_m2} is not that of an ellipse")


class OriginDirection(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="direction"):
    """A bearing (degrees from true north, 1 sigma) from a crater or an observer towards the origin."""

    latitude_deg: float
    longitude_deg: float
    bearing_deg: float
    bearing_sigma_deg: float

    def __post_init__(self) -> None:
        """Check the place and the angle."""
        _require_place(self.latitude_deg, self.longitude_deg)
        require_between("bearing_deg", self.bearing_deg, 0.0, 360.0)
        require_between("bearing_sigma_deg", self.bearing_sigma_deg, 0.1, 180.0)


class OriginBand(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="band"):
    """A distance from a place: the range of a weapon class from the impact, or what an observer gave."""

    latitude_deg: float
    longitude_deg: float
    range_low_m: float
    range_high_m: float

    def __post_init__(self) -> None:
        """Check the place and that the limits are in order."""
        _require_place(self.latitude_deg, self.longitude_deg)
        require_between("range_low_m", self.range_low_m, 0.0, 2.0e7)
        require_between("range_high_m", self.range_high_m, max(1.0, self.range_low_m), 2.0e7)


class OriginSegment(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="segment"):
    """A stretch over which something flew in from its launch area, with the track's uncertainty (1 sigma)."""

    start_latitude_deg: float
    start_longitude_deg: float
    end_latitude_deg: float
    end_longitude_deg: float
    sigma_m: float

    def __post_init__(self) -> None:
        """Check both ends and the uncertainty."""
        _require_place(self.start_latitude_deg, self.start_longitude_deg)
        _require_place(self.end_latitude_deg, self.end_longitude_deg)
        require_between("sigma_m", self.sigma_m, 1.0, 1.0e6)


class OriginSilence(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="silence"):
    """A station in order that detected nothing; it would have with `p / (1 + (r / range_half)^4)` at distance r."""

    latitude_deg: float
    longitude_deg: float
    range_half_m: float
    detection_probability: float

    def __post_init__(self) -> None:
        """Check the place, the range and the probability."""
        _require_place(self.latitude_deg, self.longitude_deg)
        require_between("range_half_m", self.range_half_m, 1.0, 1.0e6)
        require_between("detection_probability", self.detection_probability, 0.0, 1.0)


OriginShape = OriginPoint | OriginDirection | OriginBand | OriginSegment | OriginSilence


class PartyShare(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """With what probability a launch of one party would have used this very weapon model."""

    party: str
    share_probability: float

    def __post_init__(self) -> None:
        """Check that the share is one."""
        require_between("share_probability", self.share_probability, 0.0, 1.0)


class EvidenceItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One item of evidence by its role: what it is, who stands behind it, what it says, and which bytes it is from.

    `item_type` is a key of the catalogue. `cluster_id` names whom all its like depend on: custody domain, first
    publisher, or a party with its media. Origin items say it by `shapes`, which multiply; statements by `speaker` (who
    says it) or `about` (who is named); party items by `shares` or `about`. `contamination_probability` is `None` where
    the catalogue's number holds.
    """

    item_id: str
    item_type: str
    cluster_id: str
    operator: str
    modality: str
    shapes: tuple[OriginShape, ...] = ()
    speaker: str | None = None
    about: str | None = None
    shares: tuple[PartyShare, ...] = ()
    observation_ids: tuple[str, ...] = ()
    file_sha256s: tuple[str, ...] = ()
    statement: str = ""
    contamination_probability: float | None = None

    def __post_init__(self) -> None:
        """Check the probability of being wrong."""
        if self.contamination_probability is not None:
            require_between("contamination_probability", self.contamination_probability, 0.0, 1.0)


class PlaceTeller(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One who tells where an impact was: on whose custody that hangs, where and how surely, and how often it is wrong.

    `signed_distance_m` is how deep its place lies on the first party's ground, where known better than from the raster.
    """

    cluster_id: str
    operator: str
    modality: str
    contamination_probability: float
    latitude_deg: float
    longitude_deg: float
    position_sigma_m: float
    signed_distance_m: float | None = None
    basis: NumberBasis = "guess"
    statement: str = ""
    observation_ids: tuple[str, ...] = ()
    file_sha256s: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the place and the probability that it is wrong."""
        _require_place(self.latitude_deg, self.longitude_deg)
        require_between("position_sigma_m", self.position_sigma_m, 0.0, 1.0e6)
        require_between("contamination_probability", self.contamination_probability, 0.0, 1.0)


class CatalogueNumber(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One number of the catalogue with where it comes from; what it measures is said by the field it stands in."""

    number: float
    basis: NumberBasis
    source: str


class ItemType(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """How items of one type are read: by role, so that both parties are read alike.

    `contamination`: probability that an item is wrong, invented or of something else. `cap`: largest ratio one cluster
    of such items may say. `direct`: it locates the launch. Statements and party items: probability of it if the party
    that speaks (or is named) did it, if the other did, if neither; `background` is how often it comes up anyway.
    """

    item_type: str
    family: Family
    title: str
    cluster: str
    contamination: CatalogueNumber
    cap: CatalogueNumber
    direct: bool = False
    if_self: CatalogueNumber | None = None
    if_other: CatalogueNumber | None = None
    if_neither: CatalogueNumber | None = None
    background: CatalogueNumber | None = None

    def __post_init__(self) -> None:
        """Check the limits, and that statements and party items carry their table."""
        require_between("contamination", self.contamination.number, 0.0, 1.0)
        require_between("cap", self.cap.number, 1.0, 1.0e6)
        table = (self.if_self, self.if_other, self.if_neither, self.background)
        for entry in table:
            if entry is not None:
                require_between(f"probabilities of {self.item_type}", entry.number, 0.0, 1.0)
        if self.family != "origin" and any(entry is None for entry in table):
            raise ValueError(f"item_type={self.item_type} lacks one of if_self, if_other, if_neither, background")


class RangeBand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One wide class of weapon: from how far it fires, log-uniform between the limits, and how often it is used."""

    name: str
    low_m: float
    high_m: float
    probability: float

    def __post_init__(self) -> None:
        """Check that the limits are in order."""
        require_between("low_m", self.low_m, 100.0, 2.0e6)
        require_between("high_m", self.high_m, self.low_m * 1.01, 2.0e6)
        require_between("probability", self.probability, 0.0, 1.0)


class CataloguePriors(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is held before any evidence, both parties alike; and the range over which the answer must not turn.

    `still`: of what nobody fired across the line (on own ground, or neither party's), how much went off where it stood.
    """

    own_side: CatalogueNumber
    own_side_low: CatalogueNumber
    own_side_high: CatalogueNumber
    neither: CatalogueNumber
    neither_fire: CatalogueNumber
    still: CatalogueNumber

    def __post_init__(self) -> None:
        """Check that they are probabilities that leave room for each other."""
        for name in ("own_side", "own_side_low", "own_side_high", "neither", "neither_fire"):
            require_between(name, getattr(self, name).number, 1e-6, 1.0 - 1e-6)
        require_between("still", self.still.number, 0.0, 1.0)


class CatalogueDependence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How items that hang together are held down: correlation within a cluster, and all statements together."""

    within_cluster: CatalogueNumber
    statements_together: CatalogueNumber

    def __post_init__(self) -> None:
        """Check the correlation and the ratio."""
        require_between("within_cluster", self.within_cluster.number, 0.0, 1.0)
        require_between("statements_together", self.statements_together.number, 1.0, 1.0e6)


class CataloguePlace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often what an event's place rests on is wrong, how much it may say, and where it may not be used.

    `line_together_m`: the line errs alike at two points with probability exp(-distance / this); 0: never.
    `wrong_within_m`: where a place is wrong, or is where fire went out, the origin is anywhere within it, by area.
    `sigma_least_m`: no place is taken as better known than this (1 sigma). `wrong_together`: where several tell one
    place and one is wrong, how often what misled it misled all. `impact_share`: of explosions that sensors cannot tell
    apart, how many are impacts.
    """

    patrol_wrong: CatalogueNumber
    report_wrong: CatalogueNumber
    sensor_wrong: CatalogueNumber
    wrong_together: CatalogueNumber
    impact_share: CatalogueNumber
    cap: CatalogueNumber
    sigma_most_m: CatalogueNumber
    line_age_most_days: CatalogueNumber
    decisive: CatalogueNumber
    line_together_m: CatalogueNumber
    wrong_within_m: CatalogueNumber
    sigma_least_m: CatalogueNumber

    def __post_init__(self) -> None:
        """Check that what is a probability is one."""
        for name in ("patrol_wrong", "report_wrong", "sensor_wrong", "wrong_together", "impact_share"):
            require_between(name, getattr(self, name).number, 0.0, 1.0)
        require_between("decisive", self.decisive.number, 0.5, 1.0)
        require_between("cap", self.cap.number, 1.0, 1.0e6)
        require_between("line_together_m", self.line_together_m.number, 0.0, 1.0e6)
        require_between("wrong_within_m", self.wrong_within_m.number, 1_000.0, 1.5e6)
        require_between("sigma_least_m", self.sigma_least_m.number, 1.0, 1.0e6)
        require_between("sigma_most_m", self.sigma_most_m.number, 0.0, 1.0e6)
        require_between("line_age_most_days", self.line_age_most_days.number, 0.0, 3_650.0)


class CatalogueHearing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From how far a launch is heard, and how well any direction is known at best.

    A station in order detects a launch at distance r with `launch_heard / (1 + (r / launch_half_m)^4)`, as
    `OriginSilence` reads it. `bearing_sigma_least_deg`: 1 sigma, of patrols' sectors as of arrays' bearings.
    """

    launch_half_m: CatalogueNumber
    launch_heard: CatalogueNumber
    bearing_sigma_least_deg: CatalogueNumber

    def __post_init__(self) -> None:
        """Check that they are a distance, a probability and an angle, within what the shapes may hold."""
        require_between("launch_half_m", self.launch_half_m.number, 1.0, 1.0e6)
        require_between("launch_heard", self.launch_heard.number, 0.0, 1.0)
        require_between("bearing_sigma_least_deg", self.bearing_sigma_least_deg.number, 0.1, 180.0)


class CatalogueGates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which probability on a tier is reached, and what an answer must withstand."""

    indicated: CatalogueNumber
    assessed: CatalogueNumber
    robust: CatalogueNumber
    direct: CatalogueNumber

    def __post_init__(self) -> None:
        """Check that no tier can name both parties at once, and that the tiers are in order."""
        require_between("indicated", self.indicated.number, 0.5, 1.0)
        require_between("assessed", self.assessed.number, self.indicated.number, 1.0)
        require_between("robust", self.robust.number, 0.5, 1.0)
        require_between("direct", self.direct.number, 1.0, 1.0e6)


class EvidenceCatalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Every number an attribution rests on, in one versioned file; none of them knows one party from the other."""

    version: str
    title: str
    priors: CataloguePriors
    place: CataloguePlace
    hearing: CatalogueHearing
    dependence: CatalogueDependence
    gates: CatalogueGates
    bands: tuple[RangeBand, ...]
    items: tuple[ItemType, ...]
    fixed_at_one: tuple[str, ...]
    schema: str = EVIDENCE_CATALOGUE_SCHEMA_NAME
    file_sha256: str = ""

    def __post_init__(self) -> None:
        """Check that every type stands once and that the bands cover all launches."""
        names = [entry.item_type for entry in self.items]
        if len(set(names)) != len(names):
            raise ValueError(f"items: a type stands twice among {sorted(names)}")
        total_probability = sum(band.probability for band in self.bands)
        if abs(total_probability - 1.0) > 1e-6:
            raise ValueError(f"bands: probabilities sum to {total_probability}, not 1")

    def item_type(self, name: str) -> ItemType:
        """Give the entry of a type; an item of a type that is not listed is a mistake of ours."""
        found = next((entry for entry in self.items if entry.item_type == name), None)
        assert found is not None, f"item_type={name} is not in catalogue version {self.version}"
        return found


def _require_place(latitude_deg: float, longitude_deg: float) -> None:
    """Hold that a place is on the globe."""
    require_between("latitude_deg", latitude_deg, -90.0, 90.0)
    require_between("longitude_deg", longitude_deg, -180.0, 180.0)
