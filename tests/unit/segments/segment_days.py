"""What the tests of segments share: a sensor's day, and what a receiver makes of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from truceline.adapters.segments.chain import Admitted
from truceline.adapters.segments.enrolment import Registry
from truceline.adapters.segments.receiver import Receiver
from truceline.adapters.segments.verify import Quarantined
from truceline.testing import segment_world as world

LENGTH_S = 40 * 86_400.0
SENSOR = world.simulated_sensor("A17")
REGISTRY = world.registry([SENSOR])
BEACONS_NS = world.beacons_ns(LENGTH_S)

Outcome = Admitted | Quarantined


def receiver(registry: Registry = REGISTRY) -> Receiver:
    """Give a receiver that has received nothing."""
    return Receiver(registry, beacons_ns=BEACONS_NS, exchange_secret=world.GATEWAY_SECRET)


def taken(received: Iterable[tuple[bytes, int]], by: Receiver | None = None) -> list[Outcome]:
    """Give what became of each segment, in the order given."""
    by = by or receiver()
    return [by.take(content, received_ns=received_ns) for content, received_ns in received]


def day(segment_count: int, *, seed: int = 1, message_count: int = 3) -> list[tuple[bytes, int]]:
    """Give an honest sensor's segments, each with the time of receipt half a second after it was sealed."""
    made = world.made_segments(SENSOR, segment_count, np.random.default_rng(seed), message_count=message_count)
    return [(entry.content, world.START_NS + round((entry.sealed_s + 0.5) * 1e9)) for entry in made]


def used(outcomes: Iterable[Outcome]) -> list[Admitted]:
    """Give the segments that are used."""
    return [outcome for outcome in outcomes if isinstance(outcome, Admitted)]


def reasons(outcomes: Iterable[Outcome]) -> list[str]:
    """Give the reasons of the segments that are not used."""
    return [str(outcome.reason) for outcome in outcomes if isinstance(outcome, Quarantined)]


def sequences(outcomes: Iterable[Outcome]) -> list[int]:
    """Give the sequences of the segments that are used, ascending."""
    return sorted(outcome.signed.segment.header.sequence for outcome in used(outcomes))
