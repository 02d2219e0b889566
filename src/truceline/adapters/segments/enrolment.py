"""Who may sign: enrolment, rotation and revocation as records that others approve, each with canonical bytes.

A request is signed by the key that it brings (so nobody enrols a key he does not hold) and approved by two officers of
two organisations, who put a numbered seal on the device. A rotation is signed by the old key and the new one and
approved as well: else whoever stole a key could hand it on to one of his own, dated back before the theft was noticed.
A revocation is approved likewise and says since when. The records are leaves for the log: `record_leaf_bytes`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from truceline.adapters.segments import keys
from truceline.model.quantity import EPOCH, canonical_bytes, content_id, require_utc

APPROVALS_LEAST_COUNT = 2
"""Officers who must approve, each of another organisation."""

RATE_MAX_RATIO = 1e-3
"""Largest rate error of an oscillator that an enrolment can state; ordinary quartz has 1e-4."""

TIMING_SIGMA_MAX_S = 10.0
"""Largest timing error (1 sigma) that an enrolment can state."""

NAME_MAX_COUNT = 100
"""Longest name or seal number, in characters."""

_HEX_32 = re.compile(r"[0-9a-f]{64}")


def _require_key(name: str, value: str) -> None:
    if not _HEX_32.fullmatch(value):
        raise ValueError(f"{name}={value!r} is not 32 bytes in lower-case hexadecimal")


def _require_name(name: str, value: str) -> None:
    if not 0 < len(value) <= NAME_MAX_COUNT or not value.isprintable():
        raise ValueError(f"{name}={value!r} is not 1 to {NAME_MAX_COUNT} printable characters")


class Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One officer's signature under a request."""

    officer_id: str
    signature: str


class Officer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who may approve, for an organisation, with his Ed25519 public key in hexadecimal."""

    officer_id: str
    organisation: str
    public_key: str

    def __post_init__(self) -> None:
        """Check names and key."""
        _require_name("officer_id", self.officer_id)
        _require_name("organisation", self.organisation)
        _require_key("public_key", self.public_key)


class KeyGrant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sensor's keys (Ed25519 and X25519, in hexadecimal), the device's seal, and when they hold: [from, until)."""

    sensor_id: str
    signing_key: str
    exchange_key: str
    seal_number: str
    valid_from: datetime
    valid_until: datetime

    def __post_init__(self) -> None:
        """Check names, keys and times."""
        _require_name("sensor_id", self.sensor_id)
        _require_name("seal_number", self.seal_number)
        _require_key("signing_key", self.signing_key)
        _require_key("exchange_key", self.exchange_key)
        require_utc("valid_from", self.valid_from)
        require_utc("valid_until", self.valid_until)
        if self.valid_until <= self.valid_from:
            raise ValueError(f"valid_until={self.valid_until} is not after valid_from={self.valid_from}")

    @property
    def key_id(self) -> bytes:
        """Give the id of the signing key."""
        return keys.key_id_of(bytes.fromhex(self.signing_key))


class EnrolmentRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a sensor asks for at enrolment, with the errors of its clock: of a time stamp, and of its own oscillator."""

    grant: KeyGrant
    operator: str
    timing_sigma_s: float
    oscillator_rate_ratio: float
    first_sequence: int = 0
    schema_name: str = "truceline.enrolment_request/1"

    def __post_init__(self) -> None:
        """Check the limits."""
        _require_name("operator", self.operator)
        if not 0.0 < self.timing_sigma_s <= TIMING_SIGMA_MAX_S:
            raise ValueError(f"timing_sigma_s={self.timing_sigma_s} is outside (0, {TIMING_SIGMA_MAX_S}]")
        if not 0.0 < self.oscillator_rate_ratio <= RATE_MAX_RATIO:
            raise ValueError(f"oscillator_rate_ratio={self.oscillator_rate_ratio} is outside (0, {RATE_MAX_RATIO}]")
        if self.first_sequence < 0:
            raise ValueError(f"first_sequence={self.first_sequence} is below 0")


class Enrolment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="enrolment"):
    """A request, signed by the sensor's new key, with the approvals so far."""

    request: EnrolmentRequest
    key_signature: str
    approvals: tuple[Approval, ...] = ()
    schema_name: str = "truceline.enrolment/1"


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="rotation"):
    """A sensor's next keys, signed by the old key and the new one; from `grant.valid_from` on the old one is over."""

    grant: KeyGrant
    old_key_id: str
    old_signature: str
    key_signature: str
    approvals: tuple[Approval, ...] = ()
    schema_name: str = "truceline.rotation/1"


class RevocationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a key is not to be believed for anything from `since` on, why, and when this was decided."""

    sensor_id: str
    key_id: str
    since: datetime
    decided_time: datetime
    reason: str
    schema_name: str = "truceline.revocation_request/1"

    def __post_init__(self) -> None:
        """Check names and times."""
        _require_name("sensor_id", self.sensor_id)
        require_utc("since", self.since)
        require_utc("decided_time", self.decided_time)
        if not re.fullmatch(r"[0-9a-f]{16}", self.key_id):
            raise ValueError(f"key_id={self.key_id!r} is not 8 bytes in lower-case hexadecimal")


class Revocation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="revocation"):
    """A revocation with the approvals so far."""

    request: RevocationRequest
    approvals: tuple[Approval, ...] = ()
    schema_name: str = "truceline.revocation/1"


EnrolmentRecord = Enrolment | Rotation | Revocation


def record_leaf_bytes(record: EnrolmentRecord) -> bytes:
    """Give the canonical bytes of a record, as they stand in its file and as the log takes them for a leaf."""
    return canonical_bytes(record)


def record_id(record: EnrolmentRecord) -> str:
    """Give a record's id: made from what is approved or signed, so that later approvals do not change it."""
    return content_id(str(record.__struct_config__.tag), approved_bytes(record))


def record_of(content: bytes) -> EnrolmentRecord:
    """Read a record; raise `msgspec.MsgspecError` where the bytes are none."""
    record: EnrolmentRecord = msgspec.json.decode(content, type=EnrolmentRecord)
    return record


def approved_bytes(record: EnrolmentRecord) -> bytes:
    """Give the bytes that keys and officers sign: purpose, then the SHA-256 of what is asked for."""
    match record:
        case Enrolment(request=asked):
            return _purpose("enrol", asked)
        case Rotation(grant=grant, old_key_id=old_key_id):
            return _purpose("rotate", (grant, old_key_id))
        case Revocation(request=asked):
            return _purpose("revoke", asked)


def _purpose(name: str, asked: Any) -> bytes:
    return f"{name}/v1\n".encode() + hashlib.sha256(canonical_bytes(asked)).digest()


def ask(request: EnrolmentRequest, key: keys.SigningKey) -> Enrolment:
    """Give an enrolment as the sensor hands it over: signed by its key, approved by nobody yet."""
    assert key.public.hex() == request.grant.signing_key, "the key asked for is the key that asks"
    unsigned = Enrolment(request=request, key_signature="")
    return msgspec.structs.replace(unsigned, key_signature=key.sign(approved_bytes(unsigned)).hex())


def rotate(grant: KeyGrant, *, old: keys.SigningKey, new: keys.SigningKey) -> Rotation:
    """Give a rotation, signed by both keys."""
    assert new.public.hex() == grant.signing_key, "the key that takes over is the key that signs"
    unsigned = Rotation(grant=grant, old_key_id=old.key_id.hex(), old_signature="", key_signature="")
    content = approved_bytes(unsigned)
    return msgspec.structs.replace(
        unsigned, old_signature=old.sign(content).hex(), key_signature=new.sign(content).hex()
    )


def approve(record: EnrolmentRecord, *, officer_id: str, key: keys.SigningKey) -> EnrolmentRecord:
    """Give a record with one officer's approval added, or the same where he has approved before."""
    if any(approval.officer_id == officer_id for approval in record.approvals):
        return record
    approval = Approval(officer_id=officer_id, signature=key.sign(approved_bytes(record)).hex())
    approvals = sorted((*record.approvals, approval), key=lambda entry: entry.officer_id)
    return msgspec.structs.replace(record, approvals=tuple(approvals))


class KeyState(NamedTuple):
    """What is known of one key: whose it is, when it holds, since when it is revoked and when that was decided."""

    key_id: bytes
    public_key: bytes
    request: EnrolmentRequest
    grant: KeyGrant
    valid_from_ns: int
    valid_until_ns: int
    revoked_since_ns: int | None = None
    revoked_decided_ns: int | None = None

    @property
    def sensor_id(self) -> str:
        """Name the sensor whose key it is."""
        return self.grant.sensor_id


class Refused(NamedTuple):
    """A record that changes nothing, and why."""

    record_id: str
    reason: str


class Registry(NamedTuple):
    """Every key that was ever good, by its id, and every record that was refused."""

    keys: dict[bytes, KeyState]
    refused: tuple[Refused, ...]


def registry_of(records: Iterable[EnrolmentRecord], officers: Sequence[Officer]) -> Registry:
    """Judge all records; the answer does not depend on their order, nor on how often one is given."""
    by_id = {(record_id(record), record_leaf_bytes(record)): record for record in records}
    ordered = [by_id[identity] for identity in sorted(by_id)]
    refused: list[Refused] = []
    states: dict[bytes, KeyState] = {}
    for enrolment in (record for record in ordered if isinstance(record, Enrolment)):
        _take(_enrol(enrolment, states, officers), enrolment, states, refused)
    revocations = []
    for revocation in (record for record in ordered if isinstance(record, Revocation)):
        if (reason := _approval_breach(revocation, officers)) is not None:
            refused.append(Refused(record_id(revocation), reason))
        else:
            revocations.append(revocation.request)
    states = {key_id: _revoked(state, revocations) for key_id, state in states.items()}
    rotations = [record for record in ordered if isinstance(record, Rotation)]
    for rotation in sorted(rotations, key=lambda entry: entry.grant.valid_from):
        found = _rotate(rotation, states, officers)
        if isinstance(found, KeyState):
            old_id = _bytes_of(rotation.old_key_id)
            ends_ns = min(states[old_id].valid_until_ns, found.valid_from_ns)
            states[old_id] = states[old_id]._replace(valid_until_ns=ends_ns)
            found = _revoked(found, revocations)
        _take(found, rotation, states, refused)
    return Registry(states, tuple(refused))


def _take(
    found: KeyState | str, record: EnrolmentRecord, states: dict[bytes, KeyState], refused: list[Refused]
) -> None:
    if isinstance(found, str):
        refused.append(Refused(record_id(record), found))
    else:
        states[found.key_id] = found


def _enrol(record: Enrolment, states: dict[bytes, KeyState], officers: Sequence[Officer]) -> KeyState | str:
    grant = record.request.grant
    if (reason := _grant_breach(grant, record.key_signature, approved_bytes(record))) is not None:
        return reason
    if (reason := _approval_breach(record, officers)) is not None:
        return reason
    known = states.get(grant.key_id)
    if known is not None and known.request != record.request:
        return f"key {grant.key_id.hex()} is enrolled already, for sensor {known.sensor_id}"
    return _state(grant, record.request)


def _rotate(record: Rotation, states: dict[bytes, KeyState], officers: Sequence[Officer]) -> KeyState | str:
    content, grant = approved_bytes(record), record.grant
    old = states.get(_bytes_of(record.old_key_id))
    if (reason := _grant_breach(grant, record.key_signature, content)) is not None:
        return reason
    if (reason := _approval_breach(record, officers)) is not None:
        return reason
    if old is None or old.sensor_id != grant.sensor_id:
        return f"old key {record.old_key_id} is no key of sensor {grant.sensor_id}"
    if (reason := _succession_breach(record, old)) is not None:
        return reason
    return f"key {grant.key_id.hex()} is known already" if grant.key_id in states else _state(grant, old.request)


def _succession_breach(record: Rotation, old: KeyState) -> str | None:
    """Say why a key may not hand on to the next one, if so."""
    start_ns = _ns(record.grant.valid_from)
    if not keys.is_signed(approved_bytes(record), _bytes_of(record.old_signature), old.public_key):
        return "the old key's signature does not hold"
    if not old.valid_from_ns <= start_ns < old.valid_until_ns:
        return f"valid_from={record.grant.valid_from} is outside the old key's time"
    if old.revoked_since_ns is not None and start_ns >= old.revoked_since_ns:
        return "the old key was revoked by then"
    return None


def _grant_breach(grant: KeyGrant, key_signature: str, content: bytes) -> str | None:
    public_key = bytes.fromhex(grant.signing_key)
    if not keys.is_sound_key(public_key):
        return "the signing key is of low order or not canonical"
    if keys.shared_secret(b"\x01" * 32, bytes.fromhex(grant.exchange_key)) is None:
        return "the exchange key is of low order"
    if not keys.is_signed(content, _bytes_of(key_signature), public_key):
        return "the new key's signature does not hold"
    return None


def _approval_breach(record: EnrolmentRecord, officers: Sequence[Officer]) -> str | None:
    """Say what is lacking: approvals that hold, by officers of different organisations."""
    known, content = {officer.officer_id: officer for officer in officers}, approved_bytes(record)
    holding = {
        known[approval.officer_id].organisation: known[approval.officer_id].public_key
        for approval in record.approvals
        if approval.officer_id in known
        and keys.is_signed(content, _bytes_of(approval.signature), bytes.fromhex(known[approval.officer_id].public_key))
    }
    approval_count = min(len(holding), len(set(holding.values())))
    if approval_count >= APPROVALS_LEAST_COUNT:
        return None
    return f"approvals of {approval_count} organisations hold, {APPROVALS_LEAST_COUNT} are needed"


def _revoked(state: KeyState, revocations: Sequence[RevocationRequest]) -> KeyState:
    own = [
        request
        for request in revocations
        if request.key_id == state.key_id.hex() and request.sensor_id == state.sensor_id
    ]
    if not own:
        return state
    return state._replace(
        revoked_since_ns=min(_ns(request.since) for request in own),
        revoked_decided_ns=min(_ns(request.decided_time) for request in own),
    )


def _state(grant: KeyGrant, request: EnrolmentRequest) -> KeyState:
    return KeyState(
        key_id=grant.key_id,
        public_key=bytes.fromhex(grant.signing_key),
        request=request,
        grant=grant,
        valid_from_ns=_ns(grant.valid_from),
        valid_until_ns=_ns(grant.valid_until),
    )


def _bytes_of(hexadecimal: str) -> bytes:
    """Give the bytes of a signature as written, none where it is not hexadecimal."""
    try:
        return bytes.fromhex(hexadecimal)
    except ValueError:
        return b""


def _ns(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1_000
