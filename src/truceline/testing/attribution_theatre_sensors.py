"""What sensors and patrols of the made-up theatre notice of an event, each with errors of its own shape.

Errors that the model does not know: heavy tails (Student t), biases shared by all of one domain on one day or visit,
return fire taken for the fire, the burst taken for the muzzle, craters read back to front, stations that hear less in
bad air than was stated, all at once. `Scene.item` gives every item the custody domain it truly hangs on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import numpy as np

from truceline.model.evidence import (
    EvidenceItem,
    OriginBand,
    OriginDirection,
    OriginPoint,
    OriginSegment,
    OriginShape,
    OriginSilence,
    PartyShare,
)
from truceline.testing.attribution_theatre_ground import PARTIES, Spot
from truceline.testing.attribution_theatre_truth import WEAPONS, Happening

ARRAY = ("array network", "guarantor one")
RADAR = ("track radar", "guarantor two")
CAMERA = ("watching drones", "mission")
OVERPASS = ("satellite overpass", "space agency")
SEISMIC = ("seismic network", "data centre")
"""Custody domain and who runs it."""

MODEL_SHARES: tuple[tuple[float, float, float], ...] = ((0.22, 0.025, 0.2), (0.025, 0.22, 0.2), (0.755, 0.755, 0.75))
"""Weapon models: how often the first and the second party use them (captured ones included), and how often told."""


class Scene(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One event, the patrol that visited it (empty where none did), and the chance that everything is drawn with.

    `notice_ratio`: how much more or less often anything is noticed than in the theatre as it stands.
    """

    happening: Happening
    patrol: str
    chance: np.random.Generator
    notice_ratio: float = 1.0

    def happens(self, probability: float) -> bool:
        """Draw whether something of that probability happens."""
        return bool(self.chance.random() < probability)

    def notices(self, probability: float) -> bool:
        """Draw whether a sensor or a patrol notices what it would with that probability."""
        return bool(self.chance.random() < min(0.97, probability * self.notice_ratio))

    def item(self, item_type: str, owner: tuple[str, str], modality: str, *shapes: OriginShape) -> EvidenceItem:
        """Give an item of a custody domain; all that sensors make is numbered by who calls `numbered`."""
        return EvidenceItem(
            item_id="",
            item_type=item_type,
            cluster_id=owner[0],
            operator=owner[1],
            modality=modality,
            shapes=shapes,
            statement=f"{modality} of {owner[1]}",
        )

    def other_launch(self, party_index: int) -> Spot:
        """Draw where a party fired at somebody else about then, near the event."""
        day, along_m = self.happening.day, self.happening.impact[0] + float(self.chance.normal(0.0, 7_000.0))
        depth_m = float(self.chance.lognormal(math.log(4_000.0), 0.7))
        return along_m, day.line_across_m(along_m) + (depth_m if party_index == 0 else -depth_m)

    def returned_fire(self) -> Spot:
        """Draw where the party that was fired at fired back from."""
        return self.other_launch(1 - max(self.happening.party_index, 0))

    def point(self, spot: Spot, sigma_m: float, *, actual_m: float, degrees_of_freedom_count: int) -> OriginPoint:
        """Give a located origin: as far off as Student's t draws it, and stated as a circle of `sigma_m`."""
        error = actual_m * self.chance.standard_t(degrees_of_freedom_count, 2)
        latitude_deg, longitude_deg = self.happening.day.coordinates_deg(
            (spot[0] + float(error[0]), spot[1] + float(error[1]))
        )
        return circle(latitude_deg, longitude_deg, sigma_m)


def circle(latitude_deg: float, longitude_deg: float, sigma_m: float) -> OriginPoint:
    """Give an origin with a round error."""
    return OriginPoint(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        covariance_east_m2=sigma_m**2,
        covariance_east_north_m2=0.0,
        covariance_north_m2=sigma_m**2,
    )


def sensor_items(scene: Scene) -> Iterator[EvidenceItem]:
    """Give everything that was noticed of the launch, in a fixed order of drawing."""
    heard = list(_array(scene))
    yield from heard
    if not heard and scene.happens(0.45):
        yield _silence(scene)
    yield from _seismic(scene)
    yield from _radar(scene)
    yield from _camera(scene)
    yield from _satellite(scene)
    yield from _drone_track(scene)
    if scene.patrol:
        yield from _visit(scene)
    yield from _patrol_heard(scene)
    yield from _belt(scene)


def _array(scene: Scene) -> Iterator[EvidenceItem]:
    """Located sound: the day's atmosphere shifts all, other fire and the burst are taken for the muzzle at times."""
    happening, day = scene.happening, scene.happening.day
    source = happening.launch if happening.launch is not None else happening.impact
    loud = 1.0 if happening.weapon.loud else 0.25
    depth_m = abs(day.depth_m(source))
    if not scene.notices(loud * day.hearing_ratio / (1.0 + (depth_m / 20_000.0) ** 4)):
        return
    if scene.happens(0.03):
        source = happening.impact
    elif scene.happens(0.045):
        source = scene.other_launch(int(scene.chance.integers(2)))
    sigma_m = float(scene.chance.lognormal(math.log(280.0 + 0.02 * depth_m), 0.3))
    shifted = (source[0] + day.array_bias_m[0], source[1] + day.array_bias_m[1])
    origin = scene.point(shifted, sigma_m, actual_m=1.15 * sigma_m, degrees_of_freedom_count=3)
    yield scene.item("acoustic_seismic_origin", ARRAY, "sound", origin)


def _seismic(scene: Scene) -> Iterator[EvidenceItem]:
    """Ground motion and infrasound of heavy fire, heard from afar by another owner: coarse, at times of the burst."""
    happening = scene.happening
    if happening.launch is None or happening.weapon.name not in {"gun", "rocket"} or not scene.notices(0.3):
        return
    spot = happening.impact if scene.happens(0.08) else happening.launch
    origin = scene.point(spot, 1_500.0, actual_m=1_500.0, degrees_of_freedom_count=4)
    yield scene.item("acoustic_seismic_origin", SEISMIC, "ground motion", origin)


def _silence(scene: Scene) -> EvidenceItem:
    """Stations near the event that heard nothing; what is stated of them does not know the day's air."""
    day, middle = scene.happening.day, scene.happening.impact[0]
    stations = []
    for offset_m in (-6_000.0, 0.0, 6_000.0):
        along_m = middle + offset_m + float(scene.chance.normal(0.0, 1_500.0))
        across_m = day.line_across_m(along_m) + float(scene.chance.uniform(-6_000.0, 6_000.0))
        latitude_deg, longitude_deg = day.coordinates_deg((along_m, across_m))
        stations.append(
            OriginSilence(
                latitude_deg=latitude_deg, longitude_deg=longitude_deg, range_half_m=9_000.0, detection_probability=0.7
            )
        )
    return scene.item("expected_detection_absent", ARRAY, "sound", *stations)


def _radar(scene: Scene) -> Iterator[EvidenceItem]:
    """Tracks followed back: along the flight three times as uncertain as across it; return fire swapped in at times."""
    happening = scene.happening
    if happening.launch is None or not happening.weapon.ballistic or not scene.notices(0.65):
        return
    launch = scene.returned_fire() if scene.happens(0.025) else happening.launch
    sigma_m = float(scene.chance.lognormal(math.log(180.0), 0.35))
    along_rad = math.radians(happening.day.direction_deg(launch, happening.impact))
    error = sigma_m * 1.1 * scene.chance.standard_t(4, 2) * np.array([3.0, 1.0])
    east_m = float(error[0] * math.sin(along_rad) + error[1] * math.cos(along_rad))
    north_m = float(error[0] * math.cos(along_rad) - error[1] * math.sin(along_rad))
    latitude_deg, longitude_deg = happening.day.coordinates_deg(launch)
    sine, cosine = math.sin(along_rad), math.cos(along_rad)
    origin = OriginPoint(
        latitude_deg=latitude_deg + north_m / 111_195.0,
        longitude_deg=longitude_deg + east_m / (111_195.0 * math.cos(math.radians(latitude_deg))),
        covariance_east_m2=sigma_m**2 * (9.0 * sine**2 + cosine**2),
        covariance_east_north_m2=sigma_m**2 * 8.0 * sine * cosine,
        covariance_north_m2=sigma_m**2 * (9.0 * cosine**2 + sine**2),
    )
    yield scene.item("counter_battery_or_track_backprojection", RADAR, "radar", origin)


def _camera(scene: Scene) -> Iterator[EvidenceItem]:
    launch = scene.happening.launch
    if launch is None or not scene.notices(0.25 / (1.0 + (abs(scene.happening.day.depth_m(launch)) / 12_000.0) ** 4)):
        return
    seen = scene.other_launch(int(scene.chance.integers(2))) if scene.happens(0.04) else launch
    yield scene.item(
        "camera_or_uav_sees_firing",
        CAMERA,
        "picture",
        scene.point(seen, 120.0, actual_m=140.0, degrees_of_freedom_count=5),
    )


def _satellite(scene: Scene) -> Iterator[EvidenceItem]:
    """Heat of the launch or of any other fire, and traces of a position that was used, or used on another day."""
    happening = scene.happening
    if happening.launch is not None and happening.weapon.name in {"rocket", "gun"} and scene.notices(0.14):
        fires = scene.happens(0.45)
        spot = scene.other_launch(int(scene.chance.integers(2))) if fires else happening.launch
        if fires and scene.happens(0.4):
            spot = happening.impact
        origin = scene.point(spot, 400.0, actual_m=350.0, degrees_of_freedom_count=8)
        yield scene.item("thermal_or_flash_at_origin", OVERPASS, "thermal", origin)
    if happening.launch is not None and scene.notices(0.06):
        spot = scene.other_launch(int(scene.chance.integers(2))) if scene.happens(0.22) else happening.launch
        origin = scene.point(spot, 150.0, actual_m=150.0, degrees_of_freedom_count=8)
        yield scene.item("fired_position_trace_sar_optical", OVERPASS, "picture", origin)


def _drone_track(scene: Scene) -> Iterator[EvidenceItem]:
    """A stretch of flight followed back; some flew a detour and their way in points elsewhere."""
    happening = scene.happening
    if happening.launch is None or happening.weapon.ballistic or not scene.notices(0.6):
        return
    begun = float(scene.chance.uniform(0.05, 0.45))
    start = tuple(
        a + begun * (b - a) + float(scene.chance.normal(0.0, 300.0))
        for a, b in zip(happening.launch, happening.impact, strict=True)
    )
    way = (happening.launch[0] - start[0], happening.launch[1] - start[1])
    length_m = max(1_000.0, math.hypot(*way))
    heading_rad = math.atan2(way[0], way[1])
    off_deg = scene.chance.uniform(25.0, 90.0) * scene.chance.choice((-1.0, 1.0)) if scene.happens(0.12) else 0.0
    heading_rad += math.radians(float(off_deg + 4.0 * scene.chance.standard_t(3)))
    back_m = length_m * float(scene.chance.uniform(0.8, 1.5))
    end = (start[0] + back_m * math.sin(heading_rad), start[1] + back_m * math.cos(heading_rad))
    first, last = happening.day.coordinates_deg((start[0], start[1])), happening.day.coordinates_deg(end)
    segment = OriginSegment(
        start_latitude_deg=first[0],
        start_longitude_deg=first[1],
        end_latitude_deg=last[0],
        end_longitude_deg=last[1],
        sigma_m=600.0 + 0.1 * length_m,
    )
    yield scene.item("drone_track_crossing", RADAR, "track", segment)


def _visit(scene: Scene) -> Iterator[EvidenceItem]:
    """What one patrol reads at one place: craters share the team's bias, and some are read back to front."""
    happening, owner = scene.happening, (scene.patrol, "mission")
    if happening.launch is None or happening.launch_seen:
        return
    at = happening.impact
    latitude_deg, longitude_deg = happening.day.coordinates_deg(at)
    if happening.weapon.ballistic and scene.notices(0.75):
        true_deg = happening.day.direction_deg(at, happening.launch)
        bias_deg = float(scene.chance.normal(0.0, 6.0))
        for _ in range(min(4, 1 + int(scene.chance.poisson(1.0)))):
            direction = OriginDirection(
                latitude_deg=latitude_deg,
                longitude_deg=longitude_deg,
                bearing_deg=(true_deg + bias_deg + _crater_error_deg(scene)) % 360.0,
                bearing_sigma_deg=15.0,
            )
            yield scene.item("crater_bearing", owner, "crater", direction)
    if scene.notices(0.55):
        told = happening.weapon if scene.happens(0.88) else WEAPONS[int(scene.chance.integers(len(WEAPONS)))]
        band = OriginBand(
            latitude_deg=latitude_deg,
            longitude_deg=longitude_deg,
            range_low_m=told.told_low_m,
            range_high_m=told.told_high_m,
        )
        yield scene.item("weapon_class_from_remnant", owner, "remnant", band)
    if scene.notices(0.3):
        yield from _model(scene, owner)


def _crater_error_deg(scene: Scene) -> float:
    kind = scene.chance.random()
    if kind < 0.80:
        return float(scene.chance.laplace(0.0, 9.0))
    if kind < 0.93:
        return float(scene.chance.laplace(0.0, 24.0))
    if kind < 0.98:
        return 180.0 + float(scene.chance.normal(0.0, 15.0))
    return float(scene.chance.uniform(-180.0, 180.0))


def _model(scene: Scene, owner: tuple[str, str]) -> Iterator[EvidenceItem]:
    """Tell the weapon model by whose it is; inventory tables are not what was drawn with."""
    party = scene.happening.party_index
    used = np.array([row[party] if party >= 0 else (row[0] + row[1]) / 2.0 for row in MODEL_SHARES])
    row = MODEL_SHARES[int(scene.chance.choice(len(MODEL_SHARES), p=used / used.sum()))]
    stated = np.clip(np.array(row[:2]) * scene.chance.lognormal(0.0, 0.35, 2), 0.005, 0.95).tolist()
    shares = tuple(PartyShare(party=name, share_probability=share) for name, share in zip(PARTIES, stated, strict=True))
    made = scene.item("weapon_model_exclusive", owner, "remnant")
    yield msgspec.structs.replace(made, shares=shares)


def _patrol_heard(scene: Scene) -> Iterator[EvidenceItem]:
    """Direction and distance that a patrol near the line gives by ear; echoes turn some of them round."""
    happening, day = scene.happening, scene.happening.day
    if happening.launch is None or not happening.weapon.loud or not scene.notices(0.5):
        return
    along_m = happening.impact[0] + float(scene.chance.normal(0.0, 3_000.0))
    across = 1.0 if scene.happens(0.5) else -1.0
    stand = (along_m, day.line_across_m(along_m) + across * float(scene.chance.uniform(500.0, 6_000.0)))
    distance_m = math.dist(stand, happening.launch)
    if distance_m > 15_000.0:
        return
    turned_deg = 180.0 if scene.happens(0.08) else 0.0
    told_m = distance_m * float(scene.chance.lognormal(0.0, 0.4))
    latitude_deg, longitude_deg = day.coordinates_deg(stand)
    bearing_deg = day.direction_deg(stand, happening.launch) + turned_deg + 18.0 * float(scene.chance.standard_t(5))
    direction = OriginDirection(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        bearing_deg=bearing_deg % 360.0,
        bearing_sigma_deg=22.5,
    )
    band = OriginBand(
        latitude_deg=latitude_deg, longitude_deg=longitude_deg, range_low_m=0.5 * told_m, range_high_m=2.0 * told_m
    )
    owner = (scene.patrol or f"patrol {int(scene.chance.integers(10, 20))}", "mission")
    yield scene.item("patrol_outgoing_incoming", owner, "hearing", direction, band)


def _belt(scene: Scene) -> Iterator[EvidenceItem]:
    """Such a weapon was seen before on a party's ground: a little more often on that of the party that used it."""
    party = scene.happening.party_index
    if party >= 0 and scene.notices(0.06):
        named = PARTIES[party if scene.happens(0.65) else 1 - party]
        yield msgspec.structs.replace(
            scene.item("weapon_seen_in_withdrawal_belt_before", CAMERA, "picture"), about=named
        )
