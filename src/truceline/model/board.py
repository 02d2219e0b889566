"""A consultation at one moment, as it is shown: a view of records, never a source of anything."""

from __future__ import annotations

from datetime import datetime

import msgspec


class BoardVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the dossier, its hash, its state, and why it was corrected or withdrawn."""

    version_index: int
    root_sha256: str
    status: str
    reasons: str
    reviewers: tuple[str, ...]


class BoardFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What the commission found on a version, with every vote and dissent."""

    version_index: int
    outcome: str
    votes: dict[str, str]
    dissents: dict[str, str]


class BoardClock(msgspec.Struct, frozen=True, kw_only=True):
    """One clock: what it waits for, whose it is, and whether it runs, was met, was met late, or is overdue."""

    title: str
    guarantor: str
    started: datetime
    due: datetime
    status: str


class BoardGuarantor(msgspec.Struct, frozen=True, kw_only=True):
    """One guarantor's row: nothing in it is anything but what its own people entered, or that they did not."""

    guarantor: str
    title: str
    needs_mandate: bool
    served: str
    acknowledged: str
    notice: str
    own_step: str
    decision: str
    kinds: tuple[str, ...]
    cites: str
    signed_by: tuple[str, ...]
    legal_basis: str
    review: str
    measures: tuple[str, ...]
    is_flagged: bool


class BoardRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row without effect: refused by a rule, or forged, and why."""

    sequence: int
    logged_time: datetime
    what: str
    verdict: str
    reason: str


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """A consultation at one moment, as it is shown."""

    case_id: str
    title: str
    synthetic: bool
    now: datetime
    party: str
    phase: str
    clarification: str
    clarification_text: str
    versions: tuple[BoardVersion, ...]
    findings: tuple[BoardFinding, ...]
    clocks: tuple[BoardClock, ...]
    guarantors: tuple[BoardGuarantor, ...]
    without_effect: tuple[BoardRow, ...]
    record_count: int
    refused_count: int
    forged_count: int
