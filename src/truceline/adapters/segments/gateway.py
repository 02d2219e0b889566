"""A gateway's word for ten seconds: one Merkle root over the segments it received, so that the log takes one leaf."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal, NamedTuple

import msgspec

from truceline.adapters.log.tree import inclusion_proof, leaf_hash, root_of, verify_inclusion
from truceline.adapters.segments.chain import Admitted
from truceline.adapters.segments.format import Segment
from truceline.adapters.segments.verify import Quarantined, Reason
from truceline.model.quantity import canonical_bytes

WINDOW_MS = 10_000
"""Length of a gateway's window, by the time of receipt."""


class GatewayWindow(msgspec.Struct, frozen=True, kw_only=True):
    """What one gateway received in one window: how many segments, and the RFC 6962 root over them, in hexadecimal."""

    gateway_id: str
    window_start_ms: int
    segment_count: int
    root: str
    schema_name: Literal["truceline.gateway_window/1"] = "truceline.gateway_window/1"

    def leaf_bytes(self) -> bytes:
        """Give the canonical bytes that the log takes for a leaf."""
        return canonical_bytes(self)


_Place = tuple[bytes, int, bytes]
"""Key id, sequence and digest: the order in which a window's segments stand."""

UNSIGNED = frozenset({Reason.MALFORMED, Reason.UNKNOWN_KEY, Reason.WRONG_SIGNATURE})
"""What a gateway does not put its word to: nobody known signed it."""


class Member(NamedTuple):
    """One segment of a window: which leaf it is, by which key, under which sequence, and its digest."""

    window_start_ms: int
    leaf_index: int
    key_id: bytes
    sequence: int
    digest: bytes


class WindowRoots:
    """Collects every signed segment, used or not, by the window in which it was received.

    The order of receipt does not matter: leaves stand by key id and sequence, then digest. A segment received twice is
    one leaf; two contents under one sequence are two.
    """

    def __init__(self, gateway_id: str) -> None:
        """Begin with no window."""
        self._gateway_id = gateway_id
        self._places: dict[int, set[_Place]] = defaultdict(set)

    def add(self, outcome: Admitted | Quarantined) -> None:
        """Take one outcome in."""
        if isinstance(outcome, Admitted):
            segment, received_ns = outcome.signed.segment, outcome.signed.received_ns
        elif outcome.segment is None or outcome.reason in UNSIGNED:
            return
        else:
            segment, received_ns = outcome.segment, outcome.received_ns
        self._places[received_ns // (WINDOW_MS * 1_000_000)].add(_place(segment))

    def members(self) -> list[Member]:
        """Give every segment of every window, by time and then in the order of the window's leaves."""
        return [
            Member(index * WINDOW_MS, leaf_index, key_id, sequence, digest)
            for index, places in sorted(self._places.items())
            for leaf_index, (key_id, sequence, digest) in enumerate(sorted(places))
        ]

    def windows(self) -> list[GatewayWindow]:
        """Give the record of every window in which anything was received, by time."""
        return [
            self._window(index * WINDOW_MS, [leaf_hash(digest) for _, _, digest in sorted(places)])
            for index, places in sorted(self._places.items())
        ]

    def _window(self, window_start_ms: int, leaves: list[bytes]) -> GatewayWindow:
        return GatewayWindow(
            gateway_id=self._gateway_id,
            window_start_ms=window_start_ms,
            segment_count=len(leaves),
            root=root_of(leaves).hex(),
        )


def _place(segment: Segment) -> _Place:
    return segment.header.key_id, segment.header.sequence, segment.digest


def prove_segment(leaves: list[bytes], leaf_index: int) -> list[bytes]:
    """Give the RFC 6962 inclusion proof of one segment in its window."""
    return list(inclusion_proof(leaves, leaf_index, len(leaves)))


def is_in_window(segment: Segment, window: GatewayWindow, *, leaf_index: int, proof: list[bytes]) -> bool:
    """Say whether a proof shows that the gateway had this segment in this window."""
    return verify_inclusion(
        leaf_hash=leaf_hash(segment.digest),
        leaf_index=leaf_index,
        tree_size_count=window.segment_count,
        proof=proof,
        root=bytes.fromhex(window.root),
    )
