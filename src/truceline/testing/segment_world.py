"""Simulated sensors that sign segments: a clock with an oscillator beside it, a link with outages, and a spoofer.

Where the numbers come from: GNSS time stamps of 30 ns (u-blox ZED-F9T data sheet, time pulse accuracy) are lost in the
sensor's own stamping, enrolled as `timing_sigma_s`; oscillators follow the two-state model of Zucca and Tavella (2005,
IEEE Trans. UFFC 52) with rates inside the 2.5 ppm of a plain TCXO and a daily wave of temperature. The link's delays,
outages and disorder are guesses, wide on purpose: lognormal with a median of 0.4 s, outages of up to 24 hours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from truceline.adapters.segments.clock import Reading
from truceline.adapters.segments.enrolment import (
    Enrolment,
    EnrolmentRequest,
    KeyGrant,
    Officer,
    Registry,
    approve,
    ask,
    registry_of,
)
from truceline.adapters.segments.format import NO_HASH, Status
from truceline.adapters.segments.keys import SigningKey, exchange_public, shared_secret
from truceline.adapters.segments.messages import DetectionMessage, payload_of
from truceline.adapters.segments.sealing import Sealer, SegmentTimes

Floats = NDArray[np.float64]

START = datetime(2026, 3, 1, tzinfo=UTC)
START_NS = 1_772_323_200_000_000_000
"""`START` in nanoseconds."""
SEGMENT_MS = 10_000
VALID_UNTIL = START + timedelta(days=365)
GATEWAY_SECRET = hashlib.sha256(b"gateway").digest()
HEALTHY = Status.CLOCK_LOCKED | Status.MAINS_POWER
BEACON_S = 600.0
"""How often a beacon is published."""

Spoof = Callable[[float], float]
"""Gives for a true time since the start (seconds) how far GNSS is off then (seconds)."""


class ClockTruth(msgspec.Struct, frozen=True, kw_only=True):
    """One sensor's clocks as they are: GNSS stamps with noise, an oscillator with rate, walk and a daily wave."""

    timing_sigma_s: float = 1e-4
    rate_limit_ratio: float = 2.5e-6
    walk_per_root_s: float = 1e-10
    wave_ratio: float = 1e-7
    boot_max_s: float = 1e6


def own_times_s(true_s: Floats, truth: ClockTruth, chance: np.random.Generator) -> Floats:
    """Give what the oscillator shows at true times (seconds, ascending), from a random moment after its boot on."""
    steps_s = np.diff(true_s, prepend=true_s[0])
    walk = np.cumsum(chance.normal(0.0, truth.walk_per_root_s * np.sqrt(np.maximum(steps_s, 0.0))))
    phase = chance.uniform(0.0, 2.0 * np.pi)
    wave = truth.wave_ratio * np.sin(2.0 * np.pi * true_s / 86_400.0 + phase)
    rate = chance.uniform(-truth.rate_limit_ratio, truth.rate_limit_ratio) + walk + wave
    return np.asarray(chance.uniform(1.0, truth.boot_max_s) + np.cumsum(steps_s * (1.0 + rate)))


def readings(
    true_s: Floats, truth: ClockTruth, chance: np.random.Generator, *, spoof: Spoof | None = None
) -> list[Reading]:
    """Give the two times of segments that begin at true times (seconds since the start)."""
    own_s = own_times_s(true_s, truth, chance)
    off_s = np.array([spoof(moment_s) for moment_s in true_s]) if spoof else np.zeros(len(true_s))
    gnss_s = true_s + off_s + chance.normal(0.0, truth.timing_sigma_s, len(true_s))
    return [
        Reading(
            gnss_ns=START_NS + round(gnss * 1e9), own_ns=round(own * 1e9), boot_count=1, locked=True, authentic=False
        )
        for gnss, own in zip(gnss_s.tolist(), own_s.tolist(), strict=True)
    ]


class SimulatedSensor(NamedTuple):
    """A sensor's name, keys and clocks."""

    sensor_id: str
    key: SigningKey
    exchange_secret: bytes
    truth: ClockTruth

    @property
    def shared(self) -> bytes:
        """Give what it shares with the gateway."""
        shared = shared_secret(self.exchange_secret, exchange_public(GATEWAY_SECRET))
        assert shared is not None, "a fresh key is no low-order point"
        return shared


def simulated_sensor(name: str, truth: ClockTruth | None = None) -> SimulatedSensor:
    """Give a sensor whose keys follow from its name: for simulation only."""
    seed, secret = (hashlib.sha256(f"{name}/{part}".encode()).digest() for part in ("sign", "exchange"))
    return SimulatedSensor(name, SigningKey.from_seed(seed), secret, truth or ClockTruth())


def officers() -> list[tuple[Officer, SigningKey]]:
    """Give three officers of three organisations with their keys."""
    names = ("one", "two", "three")
    pairs = [(name, SigningKey.from_seed(hashlib.sha256(f"officer {name}".encode()).digest())) for name in names]
    return [
        (Officer(officer_id=name, organisation=f"organisation {name}", public_key=key.public.hex()), key)
        for name, key in pairs
    ]


def enrolment_of(sensor: SimulatedSensor, *, approval_count: int = 2) -> Enrolment:
    """Give a sensor's enrolment from the start for a year, approved by so many officers."""
    grant = KeyGrant(
        sensor_id=sensor.sensor_id,
        signing_key=sensor.key.public.hex(),
        exchange_key=exchange_public(sensor.exchange_secret).hex(),
        seal_number=f"seal {sensor.sensor_id}",
        valid_from=START - timedelta(hours=1),
        valid_until=VALID_UNTIL,
    )
    request = EnrolmentRequest(
        grant=grant,
        operator="made up",
        timing_sigma_s=sensor.truth.timing_sigma_s,
        oscillator_rate_ratio=sensor.truth.rate_limit_ratio,
    )
    record = ask(request, sensor.key)
    for officer, key in officers()[:approval_count]:
        approved = approve(record, officer_id=officer.officer_id, key=key)
        assert isinstance(approved, Enrolment), "an approved enrolment is one"
        record = approved
    return record


def registry(sensors: Sequence[SimulatedSensor]) -> Registry:
    """Give the registry in which these sensors are enrolled."""
    return registry_of([enrolment_of(sensor) for sensor in sensors], [officer for officer, _ in officers()])


def beacon_at(true_s: float) -> bytes:
    """Give the beacon that is the newest at a true time."""
    return hashlib.sha256(f"beacon {int(true_s // BEACON_S)}".encode()).digest()


def beacons_ns(length_s: float) -> dict[bytes, int]:
    """Give every beacon of a span with the time of its publication, from a day before the start on."""
    moments = np.arange(-86_400.0, length_s + BEACON_S, BEACON_S).tolist()
    return {beacon_at(moment): START_NS + round(moment * 1e9) for moment in moments}


class Made(NamedTuple):
    """One segment as its sensor made it, and when in truth it was sealed (seconds since the start)."""

    content: bytes
    sealed_s: float


def made_segments(
    sensor: SimulatedSensor,
    segment_count: int,
    chance: np.random.Generator,
    *,
    message_count: int = 3,
    spoof: Spoof | None = None,
) -> list[Made]:
    """Give so many segments of ten seconds each, from the start on."""
    true_s: Floats = np.arange(segment_count, dtype=np.float64) * (SEGMENT_MS / 1e3)
    sealer = Sealer(sensor.key, shared=sensor.shared, next_sequence=0)
    made = []
    for moment_s, reading in zip(true_s.tolist(), readings(true_s, sensor.truth, chance, spoof=spoof), strict=True):
        payloads = [
            _payload(sensor, sealer.next_sequence, index, reading.gnss_ns, chance) for index in range(message_count)
        ]
        times = SegmentTimes(
            gnss_ns=reading.gnss_ns, own_ns=reading.own_ns, boot_count=reading.boot_count, length_ms=SEGMENT_MS
        )
        content = sealer.seal(payloads, times, status=HEALTHY, beacon=beacon_at(moment_s - 30.0))
        made.append(Made(content, moment_s + SEGMENT_MS / 1e3))
    return made


def _payload(sensor: SimulatedSensor, sequence: int, index: int, start_ns: int, chance: np.random.Generator) -> bytes:
    message = DetectionMessage(
        detection_id=f"{sensor.sensor_id}/{sequence}/{index}",
        time_ns=start_ns + round(chance.uniform(0.0, SEGMENT_MS * 1e6)),
        timing_sigma_s=0.01,
        amplitude_pa=round(chance.lognormal(0.0, 1.0), 4),
    )
    return payload_of(message)


def honest_arrivals(made: Sequence[Made], chance: np.random.Generator, *, outage_s: float = 0.0) -> list[int]:
    """Give for each segment when it is received (ns): a lognormal delay, and one outage that holds everything back.

    After an outage all that was held comes within a minute, in no order.
    """
    sealed_s = np.array([entry.sealed_s for entry in made])
    arrived_s = sealed_s + chance.lognormal(np.log(0.4), 0.8, len(made))
    if outage_s > 0.0:
        begin_s = chance.uniform(sealed_s[0], sealed_s[-1])
        held = (arrived_s >= begin_s) & (arrived_s < begin_s + outage_s)
        arrived_s[held] = begin_s + outage_s + chance.uniform(0.0, 60.0, int(held.sum()))
    return [START_NS + round(moment * 1e9) for moment in arrived_s.tolist()]


def no_beacon() -> bytes:
    """Give what stands in a header whose sensor knows no beacon."""
    return NO_HASH
