"""How much of a core it takes to verify a network: 14,000 sensors with 10 messages a second in segments of ten seconds.

Run: `python bench/ingest.py [--sensor-count 14000] [--out out/bench_ingest.json]`. Every segment is taken apart, its
signature, key, chain, beacon, arrival and clock are checked, and the MAC of each message; four times, because the later
segments of a sensor meet a chain that has begun (best of three). The peer, in the same run: one Ed25519 signature for
each message, verified by `cryptography` (OpenSSL), of a sample. Beside it, also of a sample: messages that come one by
one before their segment is closed, screened by their MACs and then held against it. Figures are CPU time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from truceline.adapters.segments.chain import Admitted
from truceline.adapters.segments.files import ReceivedSegment
from truceline.adapters.segments.receiver import Receiver
from truceline.adapters.segments.screen import MessageScreen
from truceline.adapters.segments.sealing import Sealer, SegmentTimes
from truceline.adapters.segments.verify import Signed
from truceline.testing import segment_world as world

MESSAGES_PER_SEGMENT_COUNT = 100
SEGMENT_S = 10.0
ROUND_COUNT = 4
PEER_SAMPLE_COUNT = 5_000
SCREEN_SENSOR_COUNT = 200
OWN_START_NS = 10**12
CORES_LIMIT_RATIO = 0.5


def payloads(sensor_id: str, sequence: int) -> list[bytes]:
    """Give a segment's messages, each of about 100 bytes."""
    filling = hashlib.sha256(f"{sensor_id}/{sequence}".encode()).hexdigest()
    return [
        f'{{"amplitude_pa":0.25,"detection_id":"{filling[:24]}/{index:04d}","time_ns":17723232000000{index:05d}}}'.encode()
        for index in range(MESSAGES_PER_SEGMENT_COUNT)
    ]


def sealed(sealer: Sealer, sensor_id: str, sequence: int) -> bytes:
    """Give one sensor's next segment."""
    passed_ns = round(sequence * SEGMENT_S * 1e9)
    times = SegmentTimes(
        gnss_ns=world.START_NS + passed_ns, own_ns=OWN_START_NS + passed_ns, boot_count=1, length_ms=world.SEGMENT_MS
    )
    beacon = world.beacon_at(sequence * SEGMENT_S - 30.0)
    return sealer.seal(payloads(sensor_id, sequence), times, status=world.HEALTHY, beacon=beacon)


def is_whole(receiver: Receiver, content: bytes, received_ns: int) -> bool:
    """Take one segment in, and say whether it holds in every way, with nothing noticed."""
    outcome = receiver.take(content, received_ns=received_ns)
    return isinstance(outcome, Admitted) and outcome.flags == 0 and outcome.signed.do_macs_hold is True


def verify_network(sensor_count: int) -> tuple[list[float], int]:
    """Give the CPU time in seconds of each round over all sensors, and how many messages one round has."""
    sensors = [world.simulated_sensor(f"S{index:05d}") for index in range(sensor_count)]
    receiver = Receiver(
        world.registry(sensors), beacons_ns=world.beacons_ns(3_600.0), exchange_secret=world.GATEWAY_SECRET
    )
    sealers = [Sealer(sensor.key, shared=sensor.shared, next_sequence=0) for sensor in sensors]
    times_s = []
    for sequence in range(ROUND_COUNT):
        pairs = zip(sealers, sensors, strict=True)
        contents = [sealed(sealer, sensor.sensor_id, sequence) for sealer, sensor in pairs]
        received_ns = world.START_NS + round(((sequence + 1) * SEGMENT_S + 0.5) * 1e9)
        started_s = time.process_time()
        held_count = sum(is_whole(receiver, content, received_ns) for content in contents)
        times_s.append(time.process_time() - started_s)
        assert held_count == sensor_count, "all are honest"
    return times_s, sensor_count * MESSAGES_PER_SEGMENT_COUNT


def peer_s() -> float:
    """Give the CPU time in seconds of one message verified by its own Ed25519 signature with `cryptography`."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = key.public_key()
    signed = [(key.sign(payload), payload) for payload in payloads("peer", 0)]
    started_s = time.process_time()
    for index in range(PEER_SAMPLE_COUNT):
        public.verify(*signed[index % len(signed)])
    return (time.process_time() - started_s) / PEER_SAMPLE_COUNT


def screened_s() -> float:
    """Give the CPU time in seconds of one message screened on arrival and confirmed by its segment."""
    sensors = [world.simulated_sensor(f"S{index:05d}") for index in range(SCREEN_SENSOR_COUNT)]
    receiver = Receiver(world.registry(sensors), exchange_secret=world.GATEWAY_SECRET)
    frames, segments = [], []
    for sensor in sensors:
        sealer = Sealer(sensor.key, shared=sensor.shared, next_sequence=0)
        messages = sealer.messages(payloads(sensor.sensor_id, 0), gnss_ns=world.START_NS)
        frames += sealer.open_frames(messages, gnss_ns=world.START_NS)
        segments.append(sealed(sealer, sensor.sensor_id, 0))
    path, received_ns = Path("open.msg"), world.START_NS
    received = [ReceivedSegment(path=path, offset_bytes=0, content=frame, received_ns=received_ns) for frame in frames]
    signed = [receiver.verifier.verify(content, received_ns=received_ns) for content in segments]
    times_s = []
    for _ in range(ROUND_COUNT):
        screen = MessageScreen(receiver.verifier)
        started_s = time.process_time()
        for frame in received:
            screen.take(frame)
        confirmed_count = sum(screen.close(outcome) for outcome in signed if isinstance(outcome, Signed))
        times_s.append((time.process_time() - started_s) / len(received))
        assert confirmed_count == len(received), "all are as they were signed"
    return min(times_s)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sensor-count", type=int, default=14_000)
    parser.add_argument("--out", type=Path, default=Path("out/bench_ingest.json"))
    args = parser.parse_args()
    peer_before_s = peer_s()
    times_s, message_count = verify_network(args.sensor_count)
    peer_message_s = min(peer_before_s, peer_s())
    cores = [taken_s / SEGMENT_S * 14_000 / args.sensor_count for taken_s in times_s]
    figures = {
        "sensor_count": args.sensor_count,
        "message_count_per_round": message_count,
        "cores_for_14000_sensors_first_segments": round(cores[0], 3),
        "cores_for_14000_sensors_following_segments": round(min(cores[1:]), 3),
        "messages_per_cpu_s": round(message_count / min(times_s)),
        "peer_messages_per_cpu_s": round(1.0 / peer_message_s),
        "screened_messages_per_cpu_s": round(1.0 / screened_s()),
        "ratio_to_peer": round(peer_message_s * message_count / min(times_s), 1),
        "cores_limit": CORES_LIMIT_RATIO,
        "holds": max(cores[0], min(cores[1:])) <= CORES_LIMIT_RATIO,
        "machine": f"{platform.machine()} Python {platform.python_version()}",
        "load_1_min": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(figures, indent=2))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
