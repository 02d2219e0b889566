"""How fast infrasound travels over long ranges: reciprocal celerity by phase, and great circles to measure it along.

Celerity is the distance along the ground over the travel time, so it holds the whole path through the air: sound ducted
near the ground is fastest, sound turned back in the thermosphere slowest. Its reciprocal is used because travel time is
then a product of two things, of which one is known: `time = distance x reciprocal celerity`.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from truceline.model.quantity import require_between

Floats = NDArray[np.float64]

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of WGS 84, (2 a + b) / 3."""

PHASES = ("tropospheric", "stratospheric", "thermospheric")
"""Where the sound was turned back to the ground, in the order of every tuple of a celerity model."""

SUPPORT_SIGMA_RATIO = 3.0
"""How many standard deviations of a phase count as possible when travel times are bounded."""


class CelerityModel(msgspec.Struct, frozen=True, kw_only=True):
    """A Gaussian mixture over reciprocal celerity, one part per phase, in seconds per metre; shares sum to one.

    Blom, Marcillo and Arrowsmith 2015, GJI 203, 1682: range-independent, so meant for ranges at which a
    phase has returned to the ground at least once, from some 50 km on.
    """

    name: str
    source: str
    phase_shares: tuple[float, ...]
    mean_s_per_m: tuple[float, ...]
    sigma_s_per_m: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check that there is one part for each phase and that the shares are shares."""
        for part in (self.phase_shares, self.mean_s_per_m, self.sigma_s_per_m):
            assert len(part) == len(PHASES), f"{self.name}: {len(part)} parts, one for each of {PHASES} is needed"
        require_between("sum of phase_shares", sum(self.phase_shares), 1.0 - 1e-9, 1.0 + 1e-9)
        for mean, sigma in zip(self.mean_s_per_m, self.sigma_s_per_m, strict=True):
            require_between("mean_s_per_m", mean, 1e-3, 1e-2)
            require_between("sigma_s_per_m", sigma, 1e-6, mean)

    @property
    def fastest_s_per_m(self) -> float:
        """The least reciprocal celerity that counts as possible."""
        parts = zip(self.mean_s_per_m, self.sigma_s_per_m, strict=True)
        return min(mean - SUPPORT_SIGMA_RATIO * sigma for mean, sigma in parts)

    @property
    def slowest_s_per_m(self) -> float:
        """The largest reciprocal celerity that counts as possible."""
        parts = zip(self.mean_s_per_m, self.sigma_s_per_m, strict=True)
        return max(mean + SUPPORT_SIGMA_RATIO * sigma for mean, sigma in parts)


def _published(
    name: str, source: str, shares: ArrayLike, means_s_per_km: ArrayLike, sigmas_s_per_km: ArrayLike
) -> CelerityModel:
    """Take a model over from print, in seconds per kilometre; shares rounded there are made to sum to one."""
    weights = np.asarray(shares, dtype=np.float64)
    return CelerityModel(
        name=name,
        source=source,
        phase_shares=tuple((weights / weights.sum()).tolist()),
        mean_s_per_m=tuple((np.asarray(means_s_per_km, dtype=np.float64) / 1e3).tolist()),
        sigma_s_per_m=tuple((np.asarray(sigmas_s_per_km, dtype=np.float64) / 1e3).tolist()),
    )


_BLOM_2015 = "Blom, Marcillo and Arrowsmith 2015, GJI 203, 1682; values as in InfraPy, propagation/infrasound.py"
_BLOM_2023 = "Blom, Waxler and Frazier 2023, GJI 235, 1007; values as in InfraPy, resources/travelTimeTables"

CELERITY_MODELS = {
    model.name: model
    for model in (
        _published(
            "general", _BLOM_2015, (0.0539, 0.0899, 0.8562), (1 / 0.327, 1 / 0.293, 1 / 0.26), (0.066, 0.08, 0.33)
        ),
        _published(
            "regional_low", _BLOM_2023, (0.0738, 0.1664, 0.7456), (2.9891, 3.4042, 3.9576), (0.0558, 0.0899, 0.3787)
        ),
        _published(
            "regional_high", _BLOM_2023, (0.1262, 0.3148, 0.5296), (2.9885, 3.4099, 3.7648), (0.0551, 0.0942, 0.3849)
        ),
    )
}
"""By name: one for any place and season, and two from ray tracing through ten years of weather over Denver (attenuation
limits -15 dB and -4 dB: what is left for low and for high frequencies)."""


def reciprocal_celerity_density(model: CelerityModel, reciprocal_s_per_m: ArrayLike) -> Floats:
    """Give the density of the reciprocal celerity, in metres per second, all phases together; any shape."""
    value = np.asarray(reciprocal_s_per_m, dtype=np.float64)
    total = np.zeros_like(value)
    for share, mean, sigma in zip(model.phase_shares, model.mean_s_per_m, model.sigma_s_per_m, strict=True):
        total += share * normal_density(value - mean, sigma)
    return total


def phase_probabilities(model: CelerityModel, reciprocal_s_per_m: ArrayLike) -> Floats:
    """Give the probability of each phase at a reciprocal celerity: one row per phase, columns summing to one.

    Bayes' rule on the mixture; far outside every phase the nearest in standard deviations takes all.
    """
    value = np.atleast_1d(np.asarray(reciprocal_s_per_m, dtype=np.float64))
    parts = zip(model.phase_shares, model.mean_s_per_m, model.sigma_s_per_m, strict=True)
    logs = np.array([math.log(share / sigma) - 0.5 * ((value - mean) / sigma) ** 2 for share, mean, sigma in parts])
    weights = np.exp(logs - logs.max(axis=0))
    probabilities: Floats = weights / weights.sum(axis=0)
    return probabilities


def draw_reciprocal_s_per_m(model: CelerityModel, count: int, *, chance: np.random.Generator) -> Floats:
    """Draw reciprocal celerities from a model, each with a phase of its own."""
    phase = chance.choice(len(PHASES), size=count, p=model.phase_shares)
    return chance.normal(np.asarray(model.mean_s_per_m)[phase], np.asarray(model.sigma_s_per_m)[phase])


def normal_density(difference: Floats, sigma: ArrayLike) -> Floats:
    """Give the density of a normal distribution at a difference from its mean, in one over the unit of both."""
    width = np.asarray(sigma, dtype=np.float64)
    density: Floats = np.exp(-0.5 * (difference / width) ** 2) / (width * math.sqrt(2.0 * math.pi))
    return density


def great_circle(
    start_latitude_deg: ArrayLike,
    start_longitude_deg: ArrayLike,
    end: tuple[ArrayLike, ArrayLike],
) -> tuple[Floats, Floats]:
    """Give distance in metres and bearing at the start in degrees, [0, 360), along the great circle to `end`.

    `end` is (latitude, longitude) in degrees; shapes are broadcast. On the sphere of the mean radius (haversine,
    Sinnott 1984): at most 0.6 % off the ellipsoid in distance and 0.2 degrees in bearing, a twentieth of what celerity
    and bearing are uncertain by, and many times quicker. Where it is to be exact, use `truceline.physics.geodesy`.
    """
    latitude, longitude = np.radians(start_latitude_deg), np.radians(start_longitude_deg)
    latitude_end, longitude_end = np.radians(end[0]), np.radians(end[1])
    turn = longitude_end - longitude
    cosine, cosine_end = np.cos(latitude), np.cos(latitude_end)
    haversine = np.sin((latitude_end - latitude) / 2.0) ** 2 + cosine * cosine_end * np.sin(turn / 2.0) ** 2
    distance_m = 2.0 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(haversine, 0.0, 1.0)))
    east = np.sin(turn) * cosine_end
    north = cosine * np.sin(latitude_end) - np.sin(latitude) * cosine_end * np.cos(turn)
    return distance_m, np.mod(np.degrees(np.arctan2(east, north)), 360.0)


def great_circle_destination(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, way: tuple[ArrayLike, ArrayLike]
) -> tuple[Floats, Floats]:
    """Give latitude and longitude in degrees after a way of (bearing in degrees, distance in metres) on the sphere."""
    bearing, angle = np.radians(way[0]), np.asarray(way[1], dtype=np.float64) / EARTH_RADIUS_M
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    sine = np.sin(latitude) * np.cos(angle) + np.cos(latitude) * np.sin(angle) * np.cos(bearing)
    turn = np.arctan2(np.sin(bearing) * np.sin(angle) * np.cos(latitude), np.cos(angle) - np.sin(latitude) * sine)
    longitude_end_deg = np.mod(np.degrees(longitude + turn) + 180.0, 360.0) - 180.0
    return np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))), longitude_end_deg
