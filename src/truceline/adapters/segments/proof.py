"""One segment shown to somebody who trusts nobody here: whose it is, that a gateway had it, and by when.

The file holds the segment's exact bytes, the gateway's record of its window, the way from the segment to the window's
root and, where the window is logged, the way from the record to a signed checkpoint (c2sp.org/tlog-proof). It is held
against what the reader brings: a registry whose officers he trusts, and his own trust policy or his own copy of the
gateway's records. A proof is spelled in one way only, so a changed byte is refused, except in a signature that the
reader's policy does not need.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

import msgspec

from truceline.adapters.log.leaf import LeafKind, commitment_of, parse_leaf
from truceline.adapters.log.policy import Policy
from truceline.adapters.log.proof import parse_proof, verify_proof
from truceline.adapters.log.refusal import Refused
from truceline.adapters.log.tree import HASH_BYTES, leaf_hash
from truceline.adapters.segments.files import ReceivedSegment
from truceline.adapters.segments.format import Malformed, Segment, decode_segment, message_spans
from truceline.adapters.segments.gateway import (
    UNSIGNED,
    WINDOW_MS,
    GatewayWindow,
    Member,
    is_in_window,
    prove_segment,
)
from truceline.adapters.segments.messages import message_of
from truceline.adapters.segments.verify import Quarantined, Verifier
from truceline.errors import InputUnusable
from truceline.model.quantity import EPOCH, canonical_bytes

PROOF_MAX_BYTES = 4 << 20
"""Largest proof that is read: a segment of the largest size in base64, and some kilobytes."""

WINDOW_START_MAX_MS = 1 << 42
"""Latest start of a window that is read, in the year 2109: later ones would overflow a sensor's nanoseconds."""

HASHES_MAX_COUNT = 63


class LoggedWindow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The way from a window's record into a log: its leaf, the leaf's salt, a c2sp.org/tlog-proof@v1."""

    leaf: bytes
    salt: bytes
    proof: str


class SegmentProof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A segment as received, its window, its place there; `logged` is `None` where no log was asked.

    `path` holds the inclusion proof (RFC 9162, 2.1.3) in hexadecimal, from the segment's sibling upwards.
    """

    segment: bytes
    window: GatewayWindow
    leaf_index: int
    path: tuple[str, ...]
    logged: LoggedWindow | None = None
    schema_name: Literal["truceline.segment_proof/1"] = "truceline.segment_proof/1"

    def file_bytes(self) -> bytes:
        """Give the one way in which this proof is written."""
        return canonical_bytes(self) + b"\n"


def parse_segment_proof(content: bytes) -> SegmentProof:
    """Read a proof; raise `Refused` for what is none, or is spelled in any other way than the one."""
    if len(content) > PROOF_MAX_BYTES:
        raise Refused(f"size={len(content)} bytes is above {PROOF_MAX_BYTES}: no proof of a segment")
    try:
        proof = msgspec.json.decode(content, type=SegmentProof)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(f"is no proof of a segment ({error})") from error
    if proof.file_bytes() != content:
        raise Refused("is not spelled as a proof of a segment is")
    if len(proof.path) > HASHES_MAX_COUNT or not all(map(_is_hash, (proof.window.root, *proof.path))):
        raise Refused(f"a root is a hash of {HASH_BYTES} bytes, a path at most {HASHES_MAX_COUNT} of them")
    start_ms = proof.window.window_start_ms
    if not 0 <= start_ms <= WINDOW_START_MAX_MS or start_ms % WINDOW_MS:
        raise Refused(f"window_start_ms={start_ms} is no multiple of {WINDOW_MS} in [0, {WINDOW_START_MAX_MS}]")
    return proof


def _is_hash(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == HASH_BYTES and text == bytes.fromhex(text).hex()
    except ValueError:
        return False


class Wanted(NamedTuple):
    """Which segment is to be proven: of these keys, by its sequence, its digest or a detection in it."""

    key_ids: frozenset[bytes]
    sequence: int | None = None
    digest: bytes | None = None
    detection_id: str | None = None


def find_segment(received: Iterable[ReceivedSegment], wanted: Wanted, verifier: Verifier) -> bytes:
    """Give the bytes of the one segment that is wanted and signed; raise `InputUnusable` for none and for several.

    What was revoked or came twice is found too: a proof says that a gateway had it, not that it is believed.
    """
    found: dict[bytes, bytes] = {}
    for entry in received:
        segment = decode_segment(entry.content)
        if isinstance(segment, Malformed) or not _is_wanted(segment, wanted):
            continue
        outcome = verifier.verify(entry.content, received_ns=entry.received_ns)
        if not (isinstance(outcome, Quarantined) and outcome.reason in UNSIGNED):
            found[segment.digest] = entry.content
    if len(found) > 1:
        digests = ", ".join(digest.hex() for digest in sorted(found))
        raise InputUnusable(f"{len(found)} segments with other contents fit; give one of them as --digest: {digests}")
    if not found:
        raise InputUnusable("no segment that was received and signed by this sensor fits")
    return next(iter(found.values()))


def _is_wanted(segment: Segment, wanted: Wanted) -> bool:
    header = segment.header
    if header.key_id not in wanted.key_ids:
        return False
    if wanted.detection_id is None:
        return wanted.sequence == header.sequence or wanted.digest == segment.digest
    spans = message_spans(segment.body, header.message_count)
    if isinstance(spans, Malformed):
        return False
    messages = (message_of(segment.body[start + 4 : mac]) for start, mac in spans)
    return any(not isinstance(said, str) and said.detection_id == wanted.detection_id for said in messages)


def prove(content: bytes, windows: Iterable[GatewayWindow], members: Sequence[Member]) -> SegmentProof:
    """Give the proof in the first window with the segment; raise `InputUnusable` where none has it, or roots differ."""
    segment = decode_segment(content)
    assert not isinstance(segment, Malformed), "only what was found and verified is proven"
    starts_ms = [member.window_start_ms for member in members if member.digest == segment.digest]
    if not starts_ms:
        raise InputUnusable(f"no window has the segment {segment.digest.hex()}")
    own = sorted(member for member in members if member.window_start_ms == min(starts_ms))
    leaves = [leaf_hash(member.digest) for member in own]
    leaf_index = next(index for index, member in enumerate(own) if member.digest == segment.digest)
    path = prove_segment(leaves, leaf_index)
    for window in windows:
        if window.window_start_ms == min(starts_ms) and is_in_window(
            segment, window, leaf_index=leaf_index, proof=path
        ):
            hashes = tuple(part.hex() for part in path)
            return SegmentProof(segment=content, window=window, leaf_index=leaf_index, path=hashes)
    raise InputUnusable(f"window_start_ms={min(starts_ms)}: no record of a window has the root of its segments")


class Held(NamedTuple):
    """One thing a proof was held against, whether it holds, and what was found."""

    subject: str
    holds: bool
    words: str


Anchor = Policy | Collection[bytes]
"""What a reader brings of his own: a trust policy, or the canonical bytes of the gateway's records that he has."""


def check_proof(proof: SegmentProof, verifier: Verifier, anchor: Anchor) -> list[Held]:
    """Hold a proof against a reader's keys and anchor: the place in the window, the window itself, the signature.

    The window's end stands for the time of receipt, or the leaf's time where that is later: a record that was logged
    after a key was revoked may have been dated back.
    """
    segment = decode_segment(proof.segment)
    if isinstance(segment, Malformed):
        return [Held("segment", False, segment.reason)]
    path = [bytes.fromhex(part) for part in proof.path]
    is_there = is_in_window(segment, proof.window, leaf_index=proof.leaf_index, proof=path)
    anchored, logged_ms = _logged(proof, anchor) if isinstance(anchor, Policy) else (_known(proof, anchor), 0)
    end_ms = proof.window.window_start_ms + WINDOW_MS
    return [_place(proof, is_there), anchored, _signature(proof.segment, verifier, max(end_ms, logged_ms))]


def _place(proof: SegmentProof, is_there: bool) -> Held:
    window = proof.window
    if not is_there:
        return Held("window", False, "the path does not lead from the segment to the window's root")
    words = (
        f"segment {proof.leaf_index + 1} of {window.segment_count} in the window of gateway {window.gateway_id!r} from "
    )
    return Held("window", True, f"{words}{moment_of_ms(window.window_start_ms)} for {WINDOW_MS // 1_000} s")


def _known(proof: SegmentProof, records: Collection[bytes]) -> Held:
    if proof.window.leaf_bytes() in records:
        return Held("gateway", True, "the window is among the records given; whether it is logged was not asked")
    return Held("gateway", False, "the window is not among the records given")


def _logged(proof: SegmentProof, policy: Policy) -> tuple[Held, int]:
    """Give whether the window stands in a log that a policy trusts, and the time in ms that its leaf says."""
    if proof.logged is None:
        return Held("log", False, "the proof leads into no log; it was made without --log"), 0
    try:
        leaf = parse_leaf(proof.logged.leaf)
        if leaf.kind is not LeafKind.GATEWAY_WINDOW:
            raise Refused(f"the leaf is a {leaf.kind.name}, not a window's")
        if commitment_of(proof.window.leaf_bytes(), proof.logged.salt) != leaf.commitment:
            raise Refused("the leaf commits to another window")
        result = verify_proof(parse_proof(proof.logged.proof), proof.logged.leaf, policy)
    except Refused as refused:
        return Held("log", False, str(refused)), 0
    if not result.is_proven:
        return Held("log", False, result.reason), 0
    seen = [f"{name} by {moment_of_ms(time_s * 1_000)}" for name, time_s in result.policy.witnesses]
    words = f"in {result.checkpoint.origin} since {moment_of_ms(leaf.time_ms)} by the log's own word, "
    words += f"seen by {', '.join(seen) or 'no witness'}"
    return Held("log", True, words), leaf.time_ms


def _signature(content: bytes, verifier: Verifier, received_ms: int) -> Held:
    outcome = verifier.verify(content, received_ns=received_ms * 1_000_000)
    if isinstance(outcome, Quarantined):
        return Held("signature", False, f"{outcome.reason}: {outcome.detail}")
    header = outcome.segment.header
    span = f"{moment_of_ms(header.gnss_ns // 1_000_000)} for {header.length_ms / 1_000:g} s"
    words = f"of sensor {outcome.sensor_id}, key {header.key_id.hex()}, sequence {header.sequence}, from {span}, "
    return Held("signature", True, f"{words}{header.message_count} messages")


def moment_of_ms(time_ms: int) -> str:
    """Give a time in milliseconds since 1970 UTC in ISO 8601, or as it is where no calendar reaches."""
    try:
        return (EPOCH + timedelta(milliseconds=time_ms)).isoformat()
    except OverflowError:
        return f"time_ms={time_ms}"
