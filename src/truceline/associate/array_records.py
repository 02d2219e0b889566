"""What goes into the association of array detections over long ranges and what comes out of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from truceline.model.observation import require_bearing
from truceline.model.quantity import content_id, require_between, require_utc
from truceline.physics.celerity import CELERITY_MODELS, CelerityModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Evidence = Literal["bearings", "times", "both"]
"""What of the detections a location rests on."""

REGION_SHARES = (0.5, 0.9, 0.95)
"""The shares of the posterior that the regions hold which are shown."""


class ArrayDetection(msgspec.Struct, frozen=True, kw_only=True):
    """One detection of an array: where it stands, when the coherence peaked, and the bearing towards the source.

    `f_statistic_ratio` (coherent over incoherent power) and `element_count` set how wide the bearing is; `None` where
    the file does not say, and then the bearing is taken for as wide as any.
    """

    array_id: str
    latitude_deg: float
    longitude_deg: float
    time: datetime
    bearing_deg: float
    f_statistic_ratio: float | None = None
    element_count: int | None = None

    def __post_init__(self) -> None:
        """Check the limits of every number and that the time is UTC."""
        require_between("latitude_deg", self.latitude_deg, -90.0, 90.0)
        require_between("longitude_deg", self.longitude_deg, -180.0, 180.0)
        require_bearing("bearing_deg", self.bearing_deg)
        require_utc("time", self.time)
        if self.f_statistic_ratio is not None:
            require_between("f_statistic_ratio", self.f_statistic_ratio, 0.0, 1e9)
        if self.element_count is not None:
            require_between("element_count", self.element_count, 2, 1_000)

    @property
    def detection_id(self) -> str:
        """The id that the same detection always gets."""
        parts = (self.array_id, self.time.isoformat(), repr(self.bearing_deg))
        return content_id("array-detection", *(part.encode() for part in parts))


class ArraySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Every prior, gate and bound of the association of array detections; docs/method/infrasound.md gives the reasons.

    `shared_celerity_probability` is that of all arrivals of an event having come as one phase at one celerity, but for
    `celerity_scatter_s_per_m`; 0 as published. `hearing_range_m` are the distances to which an event may be heard, its
    strength and the winds being unknown. `event_rate_hz` is how many events a second are expected within `range_max_m`
    of an array. The clutter rate of an array is learnt from its own detections: a gamma prior of one detection in
    `clutter_prior_s` seconds, updated by what the file holds.
    """

    celerity: CelerityModel = CELERITY_MODELS["general"]
    range_max_m: float = 1_500_000.0
    timing_sigma_s: float = 5.0
    shared_celerity_probability: float = 0.0
    celerity_scatter_s_per_m: float = 5e-5
    outlier_share: float = 0.05
    detection_probability: float = 0.5
    hearing_range_m: tuple[float, ...] = (1e5, 2e5, 4e5, 8e5, 1.6e6, 3.2e6)
    further_phase_probability: float = 0.2
    event_rate_hz: float = 1.0 / 3600.0
    clutter_prior_s: float = 3600.0
    log_odds_min_ratio: float = 2.0
    cell_min_m: float = 1_000.0
    cell_mass_max_share: float = 5e-4
    cell_max_count: int = 40_000
    hypothesis_max_count: int = 20_000
    alternative_min_probability: float = 0.05

    def __post_init__(self) -> None:
        """Check the limits of the numbers on which the arithmetic rests."""
        require_between("range_max_m", self.range_max_m, 10_000.0, 4_000_000.0)
        require_between("timing_sigma_s", self.timing_sigma_s, 0.01, 600.0)
        require_between("shared_celerity_probability", self.shared_celerity_probability, 0.0, 0.999)
        require_between("celerity_scatter_s_per_m", self.celerity_scatter_s_per_m, 0.0, 1e-3)
        require_between("outlier_share", self.outlier_share, 1e-6, 0.5)
        require_between("detection_probability", self.detection_probability, 0.01, 0.99)
        require_between("further_phase_probability", self.further_phase_probability, 1e-6, 0.99)
        require_between("event_rate_hz", self.event_rate_hz, 1e-9, 10.0)
        require_between("clutter_prior_s", self.clutter_prior_s, 1.0, 1e8)
        require_between("cell_min_m", self.cell_min_m, 10.0, 100_000.0)
        require_between("cell_max_count", self.cell_max_count, 5_000, 1_000_000)

    @property
    def event_density_hz_per_m2(self) -> float:
        """Events expected each second on each square metre."""
        return self.event_rate_hz / (np.pi * self.range_max_m**2)


class ArrayColumns(NamedTuple):
    """Detections as columns in canonical order (time, array, bearing), and the arrays they stand on.

    `time_s` counts from the first detection. `log_clutter_hz` is the natural logarithm of the array's clutter rate.
    `array_index` points into `array_latitude_deg` and `array_longitude_deg`.
    """

    time_s: Floats
    bearing_deg: Floats
    concentration_ratio: Floats
    log_clutter_hz: Floats
    array_index: Ints
    array_latitude_deg: Floats
    array_longitude_deg: Floats

    def latitude_deg(self) -> Floats:
        """Give the latitude of each detection's array."""
        return self.array_latitude_deg[self.array_index]

    def longitude_deg(self) -> Floats:
        """Give the longitude of each detection's array."""
        return self.array_longitude_deg[self.array_index]


class ArrayMember(msgspec.Struct, frozen=True, kw_only=True):
    """One detection of an event: how far the source is, how fast the sound came, and how far off the detection is.

    `time_residual_s` is the arrival less the one that the likeliest phase predicts at the event's mean;
    `member_probability` weighs the event with the detection against the event without it.
    """

    detection_id: str
    array_id: str
    distance_m: float
    bearing_deg: float
    bearing_residual_deg: float
    celerity_m_per_s: float | None
    phase: str | None
    phase_probability: float | None
    time_residual_s: float | None
    member_probability: float


Ring = tuple[tuple[float, float], ...]
"""Corners (longitude, latitude) in degrees, the first again at the end."""

Patch = tuple[Ring, ...]
"""A piece of ground: its outline, then the holes in it."""


class ArrayRegion(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest region that holds a share of the posterior, and its area."""

    share: float
    area_m2: float
    patches: tuple[Patch, ...]


class WithoutOne(msgspec.Struct, frozen=True, kw_only=True):
    """Where the event would be without one of its detections, and how far that is from where it is."""

    detection_id: str
    latitude_deg: float
    longitude_deg: float
    shift_m: float


class ArrayEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event: posterior mean and densest point, covariance, regions, origin time, members, and what else could be.

    Covariances are of east and north in metres squared about the mean. Times are `None` where only bearings were used.
    `origin_low` to `origin_high` holds 95 % of the origin time's posterior. `log_odds_ratio` is the natural logarithm
    of the odds of this event against clutter; `event_probability` also weighs the other ways to share the detections.
    """

    event_id: str
    latitude_deg: float
    longitude_deg: float
    densest_latitude_deg: float
    densest_longitude_deg: float
    covariance_east_m2: float
    covariance_east_north_m2: float
    covariance_north_m2: float
    origin_time: datetime | None
    origin_low: datetime | None
    origin_high: datetime | None
    regions: tuple[ArrayRegion, ...]
    log_odds_ratio: float
    event_probability: float
    members: tuple[ArrayMember, ...]
    without_one: tuple[WithoutOne, ...]
    alternatives: tuple[ArrayAlternative, ...]


class ArrayAlternative(msgspec.Struct, frozen=True, kw_only=True):
    """Another event that would use some of the same detections, with its probability."""

    detection_ids: tuple[str, ...]
    latitude_deg: float
    longitude_deg: float
    log_odds_ratio: float
    event_probability: float


class NotAssociated(msgspec.Struct, frozen=True, kw_only=True):
    """A detection in no event, and why."""

    detection_id: str
    array_id: str
    reason: str


class ArraySolution(msgspec.Struct, frozen=True, kw_only=True):
    """All events of some detections, in order of origin time, and every detection that is in none."""

    events: tuple[ArrayEvent, ...]
    not_associated: tuple[NotAssociated, ...]
