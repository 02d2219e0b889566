"""What stands in a dossier file beside the dossier: its manifest, what is not held and why, versions, replies, log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from truceline.dossier.layout import MANIFEST_PATH, ordered_paths, pack
from truceline.model.finding import Finding
from truceline.model.quantity import canonical_bytes, require_between, require_utc

MANIFEST_SCHEMA_NAME = "truceline.dossier_file/1"

REPLY_MAX_BYTES = 1 << 20
"""Size of one reply; longer ones are handed in as several."""

Level = Literal["none", "finding", "event"]
"""How much of a dossier its file gives again to the same bytes: nothing; finding and attribution from the event; the
event too, with its evidence, from the observations."""

WhyNotHeld = Literal["erased", "not_available", "too_large", "not_logged"]


class EntryHash(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the file by path, size and SHA-256."""

    path: str
    sha256: str
    size_bytes: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the file is about, by which code it was made, up to where the store was read, and every other entry.

    `code_tree_sha256` is the hash of the program's source files; `environment` the versions of the libraries on which
    its numbers depend. `through_sequence` and `through_time` are the newest row of the journal: later is not in here.
    `level` is what whoever made the file could re-compute from it; `reread` says that the rows and lines of every held
    file came out of its bytes again.
    """

    dossier_id: str
    finding_id: str
    event_id: str
    event_revision_index: int
    code_version: str
    code_tree_sha256: str
    environment: dict[str, str]
    through_sequence: int
    through_time: datetime
    synthetic: bool
    level: Level
    reread: bool
    entries: tuple[EntryHash, ...] = ()
    schema_name: str = MANIFEST_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check the time."""
        require_utc("through_time", self.through_time)


class NotHeld(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that belongs to the finding and is not in the file, and why; it is said, never passed over."""

    kind: Literal["received", "text", "observation", "same_day", "log"]
    name: str
    reason: WhyNotHeld


class FindingVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One finding about another revision of the event: of which kind, under which clause, and its dossier if any."""

    event_revision_index: int
    provision_id: str | None
    finding_id: str
    finding_kind: str
    dossier_id: str | None


class Supersession(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of the event's other revisions, before and after the one of this finding, as far as was known.

    Of any clause: a later revision may be withdrawn, or of another kind, so that it is held against other clauses.
    """

    finding_id: str
    supersedes: tuple[FindingVersion, ...]
    superseded_by: tuple[FindingVersion, ...]


class PartyReply(msgspec.Struct, frozen=True, kw_only=True):
    """What a party said of an event, word for word, and when it was had."""

    event_id: str
    party: str
    received_time: datetime
    text: str
    schema_name: str = "truceline.party_reply/1"

    def __post_init__(self) -> None:
        """Check time and size."""
        require_utc("received_time", self.received_time)
        require_between("size_bytes", len(self.text.encode()), 1, REPLY_MAX_BYTES)


class ReplyNote(msgspec.Struct, frozen=True, kw_only=True):
    """One reply in the file: its record is the entry `replies/` and the SHA-256 of the record."""

    received_time: datetime
    record_sha256: str


class PartyReplies(msgspec.Struct, frozen=True, kw_only=True):
    """What one party replied; empty where none came up to the manifest's `through_time`, which is said as such."""

    event_id: str
    party: str
    replies: tuple[ReplyNote, ...]


class LoggedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the file that stands in a transparency log: its bytes, its leaf, its proof and its stamps.

    The record is the entry `path`, or line `line_index` of it. The leaf commits to the SHA-256 of exactly these bytes
    with `salt_hex`; `None` where the salt was erased: then the leaf stands, but nobody can say any more for what.
    """

    path: str
    line_index: int | None
    leaf_hex: str
    salt_hex: str | None
    proof_path: str
    stamp_paths: tuple[str, ...] = ()


def packed_file(manifest: Manifest, entries: Mapping[str, bytes]) -> bytes:
    """Give the bytes of a dossier file: the manifest is completed by path, size and hash of every entry."""
    hashes = tuple(
        EntryHash(path=path, sha256=hashlib.sha256(entries[path]).hexdigest(), size_bytes=len(entries[path]))
        for path in ordered_paths(entries)
    )
    complete = msgspec.structs.replace(manifest, entries=hashes)
    return pack({MANIFEST_PATH: canonical_bytes(complete), **entries})


def lines_of(records: Iterable[Any]) -> bytes:
    """Give records as lines of canonical JSON."""
    return b"".join(canonical_bytes(record) + b"\n" for record in records)


def split_lines(body: bytes) -> list[bytes]:
    """Give the lines of an entry, or raise `ValueError` where the last is cut off."""
    if body and not body.endswith(b"\n"):
        raise ValueError("the last line is cut off")
    return body.split(b"\n")[:-1]


def supersession_of(finding: Finding, others: Iterable[tuple[Finding, str | None]]) -> Supersession:
    """Sort the findings about an event, each with its dossier's id, into those before and after one of them.

    Others about the same revision are no versions but other answers; they stand in `differs_from_ids` of the finding.
    """
    same = [pair for pair in others if pair[0].event_id == finding.event_id]
    ordered = sorted(same, key=lambda pair: (pair[0].event_revision_index, pair[0].finding_id))
    revision_index = finding.event_revision_index
    return Supersession(
        finding_id=finding.finding_id,
        supersedes=tuple(_version(*pair) for pair in ordered if pair[0].event_revision_index < revision_index),
        superseded_by=tuple(_version(*pair) for pair in ordered if pair[0].event_revision_index > revision_index),
    )


def _version(finding: Finding, dossier_id: str | None) -> FindingVersion:
    return FindingVersion(
        event_revision_index=finding.event_revision_index,
        provision_id=finding.provision_id,
        finding_id=finding.finding_id,
        finding_kind=str(finding.__struct_config__.tag),
        dossier_id=dossier_id,
    )
