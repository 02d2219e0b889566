"""Whose key holds when: only what others approved, and never what a thief could write by himself."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.adapters.segments import keys
from truceline.adapters.segments.enrolment import (
    Approval,
    Enrolment,
    EnrolmentRecord,
    KeyGrant,
    Officer,
    Registry,
    Revocation,
    RevocationRequest,
    Rotation,
    approve,
    approved_bytes,
    record_id,
    record_leaf_bytes,
    record_of,
    registry_of,
    rotate,
)
from truceline.adapters.segments.keys import SigningKey, exchange_public
from truceline.adapters.segments.sealing import Sealer, SegmentTimes
from truceline.testing import segment_world as world
from unit.segments.segment_days import SENSOR, day, reasons, receiver, sequences, taken, used

OFFICERS = [officer for officer, _ in world.officers()]
NEXT = world.simulated_sensor("A17 next")
THIEF = world.simulated_sensor("thief")


def approved(record: EnrolmentRecord, *, count: int = 2) -> EnrolmentRecord:
    """Give a record with the approvals of so many officers."""
    for officer, key in world.officers()[:count]:
        record = approve(record, officer_id=officer.officer_id, key=key)
    return record


def grant_of(sensor: world.SimulatedSensor, *, from_day: float = 10.0, sensor_id: str = "A17") -> KeyGrant:
    """Give the grant of keys from some days after the start on."""
    return KeyGrant(
        sensor_id=sensor_id,
        signing_key=sensor.key.public.hex(),
        exchange_key=exchange_public(sensor.exchange_secret).hex(),
        seal_number="2",
        valid_from=world.START + timedelta(days=from_day),
        valid_until=world.VALID_UNTIL,
    )


def rotation_of(*, old: SigningKey = SENSOR.key, new: world.SimulatedSensor = NEXT, from_day: float = 10.0) -> Rotation:
    """Give a rotation without approvals."""
    return rotate(grant_of(new, from_day=from_day), old=old, new=new.key)


def revocation_of(*, since_s: float, decided_s: float, sensor: world.SimulatedSensor = SENSOR) -> Revocation:
    """Give a revocation without approvals."""
    request = RevocationRequest(
        sensor_id="A17",
        key_id=sensor.key.key_id.hex(),
        since=world.START + timedelta(seconds=since_s),
        decided_time=world.START + timedelta(seconds=decided_s),
        reason="seal found broken",
    )
    return Revocation(request=request)


def judged(*records: EnrolmentRecord) -> Registry:
    """Judge records under the three officers."""
    return registry_of(records, OFFICERS)


def refusals(registry: Registry) -> list[str]:
    """Give the reasons of the records that change nothing."""
    return [refused.reason for refused in registry.refused]


@pytest.mark.parametrize(("count", "key_count"), [(0, 0), (1, 0), (2, 1), (3, 1)])
def test_a_key_holds_once_two_organisations_approved(count: int, key_count: int) -> None:
    """Fewer than two approvals give no key, and the record says what is lacking."""
    registry = judged(world.enrolment_of(SENSOR, approval_count=count))

    assert (key_count, 1 - key_count) == (len(registry.keys), len(registry.refused))


def test_two_officers_of_one_organisation_are_one() -> None:
    """Approvals count by organisation, and a key that stands for two organisations counts once."""
    same = [msgspec.structs.replace(officer, organisation="one") for officer in OFFICERS]
    twice = [msgspec.structs.replace(officer, public_key=OFFICERS[0].public_key) for officer in OFFICERS]
    record = world.enrolment_of(SENSOR)
    own_key = world.officers()[0][1]
    by_one_key = world.enrolment_of(SENSOR, approval_count=0)
    for officer in twice:
        by_one_key = approve(by_one_key, officer_id=officer.officer_id, key=own_key)  # type: ignore[assignment]

    assert {} == registry_of([record], same).keys
    assert {} == registry_of([by_one_key], twice).keys


def test_an_approval_is_for_one_request_and_one_purpose() -> None:
    """A signature under one request does not approve another, nor does one by nobody on the list."""
    record = world.enrolment_of(SENSOR)
    other = world.enrolment_of(THIEF, approval_count=0)
    moved = msgspec.structs.replace(other, approvals=record.approvals)
    by_strangers = msgspec.structs.replace(
        other,
        approvals=tuple(
            Approval(officer_id=officer.officer_id, signature=THIEF.key.sign(approved_bytes(other)).hex())
            for officer in OFFICERS
        ),
    )
    unreadable = msgspec.structs.replace(other, approvals=(Approval(officer_id="one", signature="zz"),) * 2)

    assert {} == judged(moved, by_strangers, unreadable).keys


def test_nobody_enrols_a_key_he_does_not_hold() -> None:
    """An enrolment whose key did not sign it, or that is no sound key, has no effect."""
    record = world.enrolment_of(SENSOR)
    other = msgspec.structs.replace(record, key_signature=THIEF.key.sign(approved_bytes(record)).hex())
    grant = msgspec.structs.replace(record.request.grant, signing_key=bytes([1, *[0] * 31]).hex())
    low = Enrolment(request=msgspec.structs.replace(record.request, grant=grant), key_signature="00" * 64)
    weak_grant = msgspec.structs.replace(record.request.grant, exchange_key="00" * 32)
    weak = Enrolment(request=msgspec.structs.replace(record.request, grant=weak_grant), key_signature="00" * 64)

    assert ["the new key's signature does not hold"] == refusals(judged(other))
    assert ["the signing key is of low order or not canonical"] == refusals(judged(approved(low)))
    assert ["the exchange key is of low order"] == refusals(judged(approved(weak)))


def test_one_key_serves_one_sensor() -> None:
    """A key enrolled for a second sensor does not count for it."""
    record = world.enrolment_of(SENSOR)
    request = msgspec.structs.replace(
        record.request, grant=msgspec.structs.replace(record.request.grant, sensor_id="B2")
    )
    unsigned = Enrolment(request=request, key_signature="")
    second = msgspec.structs.replace(unsigned, key_signature=SENSOR.key.sign(approved_bytes(unsigned)).hex())
    registry = judged(record, approved(second))

    assert (1, 1) == (len(registry.keys), len(registry.refused))


@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=6))
@settings(max_examples=40, deadline=None)
def test_order_and_number_of_records_do_not_matter(order: list[int], again: list[int]) -> None:
    """Records in any order, some of them twice, give the same registry."""
    records = [
        world.enrolment_of(SENSOR),
        world.enrolment_of(THIEF, approval_count=1),
        approved(rotation_of()),
        approved(revocation_of(since_s=20 * 86_400.0, decided_s=21 * 86_400.0)),
        approved(revocation_of(since_s=15 * 86_400.0, decided_s=30 * 86_400.0, sensor=NEXT)),
        revocation_of(since_s=0.0, decided_s=0.0),
    ]

    assert judged(*records) == judged(*(records[index] for index in [*order, *again]))


def test_a_rotation_ends_the_old_key_where_the_new_one_begins() -> None:
    """A day's segments signed by the old key and then by the new one are one sequence; each holds in its own time."""
    rotation = approved(rotation_of(from_day=100.0 / 86_400.0))
    registry = judged(world.enrolment_of(SENSOR), rotation)
    contents, sealer = [], Sealer(SENSOR.key, shared=SENSOR.shared, next_sequence=0)
    for sequence in range(20):
        if sequence == 12:
            sealer = Sealer(NEXT.key, shared=NEXT.shared, next_sequence=12, previous_digest=sealer.previous_digest)
        gnss_ns = world.START_NS + sequence * 10**10
        times = SegmentTimes(gnss_ns=gnss_ns, own_ns=10**15 + sequence * 10**10, boot_count=1, length_ms=10_000)
        contents.append((sealer.seal([b"x"], times, status=world.HEALTHY), gnss_ns + 11 * 10**9))
    outcomes = taken(contents, receiver(registry))

    assert [*range(10), *range(12, 20)] == sequences(outcomes)
    assert ["outside_validity"] * 2 == reasons(outcomes)
    assert all(outcome.signed.do_macs_hold for outcome in used(outcomes))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (rotation_of(), "approvals of 0 organisations hold, 2 are needed"),
        (approved(rotation_of(old=THIEF.key)), f"old key {THIEF.key.key_id.hex()} is no key of sensor A17"),
        (
            approved(msgspec.structs.replace(rotation_of(), old_signature="00" * 64)),
            "the old key's signature does not hold",
        ),
        (approved(msgspec.structs.replace(rotation_of(), key_signature="zz")), "the new key's signature does not hold"),
        (approved(rotation_of(new=SENSOR)), f"key {SENSOR.key.key_id.hex()} is known already"),
        (approved(rotation_of(from_day=-1.0)), "valid_from=2026-02-28 00:00:00+00:00 is outside the old key's time"),
    ],
)
def test_a_rotation_that_is_not_whole_has_no_effect(record: Rotation, reason: str) -> None:
    """Without approvals, without either key's signature, or outside the old key's time, nothing is handed on."""
    registry = judged(world.enrolment_of(SENSOR), record)

    assert [reason] == refusals(registry)
    assert [SENSOR.key.key_id] == list(registry.keys)


def test_a_revoked_key_hands_nothing_on() -> None:
    """A rotation from after the time since which the old key is revoked has no effect, whoever approved it."""
    revocation = approved(revocation_of(since_s=86_400.0, decided_s=2 * 86_400.0))
    registry = judged(world.enrolment_of(SENSOR), approved(rotation_of(from_day=3.0)), revocation)

    assert ["the old key was revoked by then"] == refusals(registry)


# revoked since a time


def test_a_day_with_a_revoked_key_is_the_day_in_which_the_sensor_ended_there() -> None:
    """Replayed after a revocation since t, a day gives what it gives when nothing was ever sent after t."""
    received = day(60)
    since_s = 300.0
    revocation = approved(revocation_of(since_s=since_s, decided_s=10_000.0))
    registry = judged(world.enrolment_of(SENSOR), revocation)
    replayed = taken(received, receiver(registry))
    ended = taken(received[:30], receiver())

    by = receiver()
    rows = [[by.rows(outcome)[0] for outcome in used(outcomes)] for outcomes in (replayed, ended)]

    assert 29 <= len(rows[0]) <= 30
    assert rows[1][: len(rows[0])] == rows[0]
    assert ["revoked"] * (60 - len(rows[0])) == reasons(replayed)


def test_what_comes_after_the_decision_is_not_believed_whatever_time_it_claims() -> None:
    """A thief who dates segments back to before the theft gains nothing once the key is revoked."""
    received = [(content, received_ns + round(9_000.0 * 1e9)) for content, received_ns in day(20)]
    revocation = approved(revocation_of(since_s=5_000.0, decided_s=6_000.0))
    registry = judged(world.enrolment_of(SENSOR), revocation)

    assert ["revoked"] * 20 == reasons(taken(received, receiver(registry)))
    assert [] == reasons(taken(day(20), receiver(registry)))


def test_a_revocation_without_approvals_revokes_nothing() -> None:
    """One officer alone silences no sensor."""
    registry = judged(world.enrolment_of(SENSOR), approved(revocation_of(since_s=0.0, decided_s=0.0), count=1))

    assert list(range(5)) == sequences(taken(day(5), receiver(registry)))
    assert 1 == len(registry.refused)


def test_an_unknown_key_is_kept_and_never_used() -> None:
    """Segments of a sensor that nobody enrolled are quarantined with their bytes."""
    outcomes = taken(day(3), receiver(judged(world.enrolment_of(THIEF))))

    assert ["unknown_key"] * 3 == reasons(outcomes)
    assert [content for content, _ in day(3)] == [getattr(outcome, "content", None) for outcome in outcomes]


# records as bytes


@pytest.mark.parametrize(
    "record",
    [
        world.enrolment_of(SENSOR),
        approved(rotation_of()),
        approved(revocation_of(since_s=1.0, decided_s=2.0)),
    ],
)
def test_a_record_comes_back_from_its_leaf_bytes(record: EnrolmentRecord) -> None:
    """A record read from the bytes that the log commits to is the same; more approvals leave its id as it is."""
    more = approved(record, count=3)

    assert record == record_of(record_leaf_bytes(record))
    assert record_leaf_bytes(record) == record_leaf_bytes(record_of(record_leaf_bytes(record)))
    assert record_id(record) == record_id(more)
    assert more == approved(more, count=3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signing_key": "AB"}, "signing_key"),
        ({"sensor_id": ""}, "sensor_id"),
        ({"seal_number": "a\nb"}, "seal_number"),
        ({"valid_until": world.START}, "is not after"),
    ],
)
def test_a_grant_checks_itself(changes: dict[str, object], message: str) -> None:
    """A grant with a key, name or span that cannot be is not built."""
    with pytest.raises(ValueError, match=message):
        msgspec.structs.replace(grant_of(NEXT), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"timing_sigma_s": 0.0}, "timing_sigma_s"),
        ({"oscillator_rate_ratio": 0.1}, "oscillator_rate_ratio"),
        ({"first_sequence": -1}, "first_sequence"),
    ],
)
def test_a_request_checks_itself(changes: dict[str, object], message: str) -> None:
    """A request with a clock or a sequence that cannot be is not built."""
    with pytest.raises(ValueError, match=message):
        msgspec.structs.replace(world.enrolment_of(SENSOR).request, **changes)


def test_an_officer_and_a_revocation_check_themselves() -> None:
    """A key in another spelling is refused where it is read."""
    with pytest.raises(ValueError, match="public_key"):
        Officer(officer_id="a", organisation="b", public_key="AA" * 32)
    with pytest.raises(ValueError, match="key_id"):
        msgspec.structs.replace(revocation_of(since_s=0.0, decided_s=0.0).request, key_id="xyz")


def test_a_shared_secret_needs_no_registry_to_be_safe() -> None:
    """Every enrolled exchange key gives both ends one secret."""
    gateway_public = keys.exchange_public(world.GATEWAY_SECRET)

    assert keys.shared_secret(NEXT.exchange_secret, gateway_public) == NEXT.shared
