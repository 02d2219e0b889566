"""Where observations come from: what a feed sees, how well, who runs it, and which files of it were received."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from truceline.model.quantity import require_utc

FileKind = Literal[
    "thermal",
    "media_report",
    "party_claim",
    "patrol_report",
    "detection",
    "statement",
    "contact_line",
]


class SourceManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a feed observes, its uncertainty, its usual latency, its licence, its operator, and who could influence it.

    `position_sigma_m` is the position uncertainty (1 sigma) where a record states none of its own.
    """

    source_id: str
    title: str
    kind: FileKind
    observes: str
    procedure: str
    operator: str
    influenced_by_parties: tuple[str, ...]
    licence: str
    position_sigma_m: float
    latency_hours: float


class IngestedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One received file: its name, its bytes' SHA-256, what it was taken for, and what became of its rows.

    `accepted_count + rejected_count + duplicate_count` is the number of rows received.
    """

    file_name: str
    file_sha256: str
    size_bytes: int
    source_id: str
    kind: FileKind
    received_time: datetime
    accepted_count: int
    rejected_count: int
    duplicate_count: int
    synthetic: bool

    def __post_init__(self) -> None:
        """Check the time and that counts are not negative."""
        require_utc("received_time", self.received_time)
        for name in ("accepted_count", "rejected_count", "duplicate_count"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)} is outside [0, inf)")
