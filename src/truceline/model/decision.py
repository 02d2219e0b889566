"""What people enter in a consultation: services, findings with votes, mandates, decisions, measures, reviews, keys.

Every record names its case and says when it was made; who made it is told by its signatures, not by a field. A
guarantor's id is its ISO 3166-1 alpha-2 code. What each kind of record does is in `truceline.decide`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from truceline.model.quantity import TimeSpan, canonical_bytes, content_id, require_utc

FOUNDING_SCHEMA_NAME = "truceline.consultation/1"

KeyRole = Literal["reviewers", "party", "commission", "secretariat", "liaison", "parliament", "office"]
"""For whom a key signs; the last three belong to a guarantor."""

MeasureKind = Literal["military", "logistical", "economic", "diplomatic", "intelligence"]
"""Kinds of assistance; which of them is each state's own choice."""

DecisionOutcome = Literal["assist", "no", "abstain", "defer"]
"""What a guarantor answered; no answer is not among them."""

Vote = Literal["for", "against", "abstain"]
"""How one member of the commission voted."""

NATIONAL_ROLES = ("liaison", "parliament", "office")
_HEX_32 = re.compile(r"[0-9a-f]{64}")
_GUARANTOR = re.compile(r"[A-Z]{2}")


def _require_text(name: str, value: str) -> None:
    if not value.strip() or not value.replace("\n", " ").isprintable():
        raise ValueError(f"{name}={value!r} is not printable text")


def _require_hash(name: str, value: str) -> None:
    if not _HEX_32.fullmatch(value):
        raise ValueError(f"{name}={value!r} is not 32 bytes in lower-case hexadecimal")


def _require_code(value: str) -> None:
    if not _GUARANTOR.fullmatch(value):
        raise ValueError(f"guarantor={value!r} is not an ISO 3166-1 alpha-2 code")


class FoundingGuarantor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A guarantor of one case, and whether its own rules ask its parliament before it assists."""

    guarantor: str
    title: str
    needs_mandate: bool

    def __post_init__(self) -> None:
        """Check code and title."""
        _require_code(self.guarantor)
        _require_text("title", self.title)


class FoundingOfficer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who may register keys, with the Ed25519 public key in hexadecimal."""

    name: str
    organisation: str
    public_key: str

    def __post_init__(self) -> None:
        """Check names and key."""
        _require_text("name", self.name)
        _require_text("organisation", self.organisation)
        _require_hash("public_key", self.public_key)


class Founding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a case begins with: the accused party, guarantors, commission, officers and limits of its clocks.

    Limits are those of the instrument: to reply (Vienna Document III: 48 h), to meet (bilateral agreements of 2024:
    24 h), and the two rungs of the reported ladder (24 h, 72 h). They are for meeting and answering, never for consent.
    """

    case_id: str
    title: str
    party: str
    guarantors: tuple[FoundingGuarantor, ...]
    commission_members: tuple[str, ...]
    officers: tuple[FoundingOfficer, ...]
    founded_time: datetime
    synthetic: bool
    reply_hours: float = 48.0
    meeting_hours: float = 24.0
    warning_hours: float = 24.0
    response_hours: float = 72.0
    schema_name: str = FOUNDING_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check that ids are there once, that there are two officers of two organisations, and the limits."""
        _require_text("case_id", self.case_id)
        require_utc("founded_time", self.founded_time)
        codes = [one.guarantor for one in self.guarantors]
        if not codes or len(set(codes)) != len(codes):
            raise ValueError(f"guarantors={codes} are not at least one, each once")
        if len({one.organisation for one in self.officers}) < 2 or len({one.public_key for one in self.officers}) < 2:
            raise ValueError("officers are not at least two, of two organisations, with two keys")
        for name in ("reply_hours", "meeting_hours", "warning_hours", "response_hours"):
            if not 0.0 < getattr(self, name) <= 8_760.0:
                raise ValueError(f"{name}={getattr(self, name)} is outside (0, 8760]")

    def guarantor_index(self, code: str) -> int:
        """Give a guarantor's place in the list, or -1 where it is none of this case."""
        codes = [one.guarantor for one in self.guarantors]
        return codes.index(code) if code in codes else -1


class RecordBase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every record says: to which case it belongs and when it was made."""

    case_id: str
    said_time: datetime

    def __post_init__(self) -> None:
        """Check the case and the time."""
        _require_text("case_id", self.case_id)
        require_utc("said_time", self.said_time)


class KeyGrant(RecordBase, frozen=True, kw_only=True, tag="key_grant"):
    """A public key, whose it is, in which office, for whom, and since when; two officers sign it."""

    key_id: str
    public_key: str
    holder: str
    office: str
    role: KeyRole
    organisation: str
    since: datetime

    def __post_init__(self) -> None:
        """Check names, key and time."""
        super().__post_init__()
        _require_hash("public_key", self.public_key)
        if self.key_id != key_id_of(self.public_key):
            raise ValueError(f"key_id={self.key_id!r} is not that of the public key ({key_id_of(self.public_key)})")
        _require_text("holder", self.holder)
        _require_text("office", self.office)
        require_utc("since", self.since)
        if self.role in NATIONAL_ROLES:
            _require_code(self.organisation)


class KeyRevocation(RecordBase, frozen=True, kw_only=True, tag="key_revocation"):
    """Since when a key no longer holds, and why; two officers sign it."""

    key_id: str
    since: datetime
    reason: str

    def __post_init__(self) -> None:
        """Check reason and time."""
        super().__post_init__()
        require_utc("since", self.since)
        _require_text("reason", self.reason)


class DossierVersion(RecordBase, frozen=True, kw_only=True, tag="dossier_version"):
    """A version of the dossier by its root hash; two named reviewers release or withdraw one."""

    version_index: int
    dossier_id: str
    root_sha256: str
    status: Literal["draft", "released", "withdrawn"]
    reasons: str = ""
    supersedes_index: int | None = None

    def __post_init__(self) -> None:
        """Check number and hash, and that whoever corrects or withdraws says why."""
        super().__post_init__()
        if self.version_index < 1:
            raise ValueError(f"version_index={self.version_index} is below 1")
        _require_hash("root_sha256", self.root_sha256)
        if (self.status == "withdrawn" or self.supersedes_index is not None) and not self.reasons.strip():
            raise ValueError("reasons are missing: a correction or withdrawal says why")


class Service(RecordBase, frozen=True, kw_only=True, tag="service"):
    """The secretariat served a version on a guarantor, to be acknowledged by a time."""

    guarantor: str
    version_index: int
    acknowledge_by: datetime

    def __post_init__(self) -> None:
        """Check code and time."""
        super().__post_init__()
        _require_code(self.guarantor)
        require_utc("acknowledge_by", self.acknowledge_by)


class Acknowledgement(RecordBase, frozen=True, kw_only=True, tag="acknowledgement"):
    """A guarantor's own people have the version that was served."""

    guarantor: str
    version_index: int


class Notice(RecordBase, frozen=True, kw_only=True, tag="notice"):
    """Notices to a guarantor (correction, withdrawal, lapse) were delivered, or were read by its own people."""

    guarantor: str
    status: Literal["delivered", "read"]


class Clarification(RecordBase, frozen=True, kw_only=True, tag="clarification"):
    """What the accused party was asked, what it replied, or that it did not reply in its time."""

    status: Literal["asked", "replied", "not_replied"]
    version_index: int = 0
    text: str = ""

    def __post_init__(self) -> None:
        """Check that a question and a reply have words."""
        super().__post_init__()
        if self.status != "not_replied":
            _require_text("text", self.text)


class CommissionFinding(RecordBase, frozen=True, kw_only=True, tag="commission_finding"):
    """What the Special Commission found, each member's vote, the declared tally, and dissents."""

    version_index: int
    outcome: Literal["breach", "no_breach", "no_consensus"]
    votes: dict[str, Vote]
    for_count: int
    against_count: int
    abstain_count: int
    dissents: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that the tally adds up and that whoever dissents is a member who voted."""
        super().__post_init__()
        for vote, declared in (
            ("for", self.for_count),
            ("against", self.against_count),
            ("abstain", self.abstain_count),
        ):
            counted = sum(one == vote for one in self.votes.values())
            if counted != declared:
                raise ValueError(f"{vote}_count={declared} but {counted} members voted so: the tally does not add up")
        if unknown := sorted(set(self.dissents) - set(self.votes)):
            raise ValueError(f"dissents={unknown} are of members who did not vote")


class Consultation(RecordBase, frozen=True, kw_only=True, tag="consultation"):
    """A consultation was requested by a guarantor, met, was concluded with minutes, or lapsed."""

    status: Literal["requested", "met", "concluded", "lapsed"]
    guarantor: str = ""
    instrument: str = ""
    minutes_sha256: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        """Check that each status says what it must."""
        super().__post_init__()
        if self.status == "requested":
            _require_code(self.guarantor)
            _require_text("instrument", self.instrument)
        if self.status == "concluded":
            _require_hash("minutes_sha256", self.minutes_sha256)
        if self.status == "lapsed":
            _require_text("reason", self.reason)


class Mandate(RecordBase, frozen=True, kw_only=True, tag="mandate"):
    """A parliament's own vote: granted with limits and span, or refused (also: recalled)."""

    guarantor: str
    body: str
    instrument: str
    outcome: Literal["granted", "refused"]
    for_count: int
    against_count: int
    abstain_count: int
    present_count: int
    span: TimeSpan | None = None
    cap: str = ""
    area: str = ""
    conditions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the tally, and that a mandate that is granted says from when until when."""
        super().__post_init__()
        _require_code(self.guarantor)
        if min(self.for_count, self.against_count, self.abstain_count) < 0:
            raise ValueError("a count of votes is below 0")
        if (sum_count := self.for_count + self.against_count + self.abstain_count) != self.present_count:
            raise ValueError(f"present_count={self.present_count} but votes are {sum_count}: the tally does not add up")
        if self.outcome == "granted" and self.span is None:
            raise ValueError("span is missing: a mandate says from when until when it holds")


class Decision(RecordBase, frozen=True, kw_only=True, tag="decision"):
    """A guarantor's answer, signed by a named office-holder, on one version of the dossier by number and hash."""

    guarantor: str
    outcome: DecisionOutcome
    cites_index: int
    cites_sha256: str
    legal_basis: str
    kinds: tuple[MeasureKind, ...] = ()
    supersedes: str | None = None

    def __post_init__(self) -> None:
        """Check that assistance names its kinds and nothing else does."""
        super().__post_init__()
        _require_code(self.guarantor)
        _require_hash("cites_sha256", self.cites_sha256)
        _require_text("legal_basis", self.legal_basis)
        if (self.outcome == "assist") != bool(self.kinds) or len(set(self.kinds)) != len(self.kinds):
            raise ValueError(
                f"kinds={list(self.kinds)}: 'assist' names its kinds, each once, and no other answer has any"
            )


class Measure(RecordBase, frozen=True, kw_only=True, tag="measure"):
    """One measure under a decision: authorised, started, suspended or ended."""

    guarantor: str
    decision_id: str
    measure_index: int
    status: Literal["authorised", "executing", "suspended", "ended"]
    contribution_ids: tuple[str, ...] = ()


class Review(RecordBase, frozen=True, kw_only=True, tag="review"):
    """A guarantor's own word on its flagged decision after a correction, a withdrawal or a recall."""

    guarantor: str
    decision_id: str
    cause: Literal["correction", "withdrawal", "recall"]
    outcome: Literal["affirm", "amend", "revoke"]
    cites_index: int = 0
    cites_sha256: str = ""


ConsultationRecord = (
    KeyGrant
    | KeyRevocation
    | DossierVersion
    | Service
    | Acknowledgement
    | Notice
    | Clarification
    | CommissionFinding
    | Consultation
    | Mandate
    | Decision
    | Measure
    | Review
)
"""Any record of a consultation."""


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One Ed25519 signature (RFC 8032), in hexadecimal, and the id of the key it is made with."""

    key_id: str
    signature: str


class SignedRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record with the signatures under its `signing_bytes`."""

    record: ConsultationRecord
    signatures: tuple[Signature, ...] = ()


def signing_bytes(record: ConsultationRecord) -> bytes:
    """Give what a signature is over: a name of this use, a line end, and the record's canonical bytes."""
    return b"truceline/consultation-record/v1\n" + canonical_bytes(record)


def record_id(record: ConsultationRecord) -> str:
    """Name a record by what it says."""
    return content_id("dcn", canonical_bytes(record))


def key_id_of(public_key: str) -> str:
    """Give a key's short name: 16 hexadecimal digits of the SHA-256 of its bytes."""
    return content_id("key", bytes.fromhex(public_key))[4:20]


def hours(count_hours: float) -> timedelta:
    """Give so many hours as a span."""
    return timedelta(hours=count_hours)
