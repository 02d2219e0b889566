"""The register of guarantees as it is entered: sourced assertions, instruments, national procedures, support, sites."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from truceline.model.quantity import require_between

GUARANTEE_SCHEMA_NAME = "truceline.guarantees/1"

Pillar = Literal["monitoring", "support", "force", "commitment", "cooperation"]
AnswerKind = Literal["stated", "conditional", "undecided", "reported", "refused", "none", "unknown"]
"""What a state said: *reported* is others' word for it, *none* says there is nothing, *unknown* that nobody knows."""
Reliability = Literal["official", "press", "secondary", "party_media", "unverified", "unknown"]
Ladder = Literal["consent_to_be_bound", "domestic_authority", "deployment_mandate"]
SupportRung = Literal["pledge", "commitment", "allocation", "delivery"]
Capability = Literal["military", "logistical", "economic", "diplomatic", "intelligence"]

QUESTIONS: dict[Pillar, tuple[str, ...]] = {
    "monitoring": ("mechanism_role", "sensor_offer", "commission_seat", "data_sharing"),
    "support": ("support_offer",),
    "force": ("ground_force", "force_contribution", "facility_offer"),
    "commitment": ("consent_to_be_bound", "domestic_authority", "deployment_mandate"),
    "cooperation": ("bilateral_agreement", "programme", "milestone"),
}
"""What is asked of every state under each pillar; a question that nobody answered is shown as unknown."""

PARTICIPATION = "participation"
"""The one predicate that belongs to no pillar: in which quality a state takes part."""

PREDICATES = frozenset({PARTICIPATION, *(name for names in QUESTIONS.values() for name in names)})

_STATE_CODE = re.compile(r"[A-Z]{2}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class StateName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of the frozen table of states: ISO 3166-1 alpha-2 code, name, and its square on the schematic map.

    *unnamed* stands for a state that was counted and not named, under a user-assigned code; a *body* gives support and
    is no guarantor. `other_names` are those under which other people's tables know it.
    """

    code: str
    name: str
    row_index: int
    column_index: int
    kind: Literal["state", "unnamed", "body"] = "state"
    other_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the form of the code and that the square is on the map."""
        if not _STATE_CODE.match(self.code):
            raise ValueError(f"code={self.code!r} is not two capital letters")
        require_between("row_index", self.row_index, 0, 30)
        require_between("column_index", self.column_index, 0, 30)


class Citation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where something was read: address or text reference, date, publisher, and the hash of an archived copy if any.

    `published` is `None` where the date was not seen; `archive_sha256` is `None` where no copy was kept.
    """

    url: str
    publisher: str
    published: date | None = None
    archive_sha256: str | None = None

    def __post_init__(self) -> None:
        """Check that something is cited, and the form of the hash."""
        if not self.url.strip() or not self.publisher.strip():
            raise ValueError("url and publisher of a source must not be empty")
        if self.archive_sha256 is not None and not _SHA256.match(self.archive_sha256):
            raise ValueError(f"archive_sha256={self.archive_sha256!r} is not 64 hexadecimal digits")


class ForceDetail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a contribution to a multinational force consists of; sizes are limits, `None` where not said."""

    domain: Literal["land", "air", "sea", "training", "logistics", "command", "monitoring", "medical", "demining"]
    where: Literal["in_country", "neighbouring", "black_sea", "unknown"] = "unknown"
    unit_kind: str = ""
    size_low_count: int | None = None
    size_high_count: int | None = None

    def __post_init__(self) -> None:
        """Check that the limits are in order."""
        low_count = 0 if self.size_low_count is None else self.size_low_count
        require_between("size_low_count", low_count, 0, 1_000_000)
        if self.size_high_count is not None:
            require_between("size_high_count", self.size_high_count, low_count, 1_000_000)


class Assertion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing somebody said about one subject, from when to when it held, and where that was read; never changed.

    `topic` keeps several answers to one question apart. `valid_to` is exclusive; `None` leaves an end open. Without
    sources only *unknown* can be said. A later assertion on the same question and topic takes an earlier one's place.
    """

    assertion_id: str
    subject: str
    predicate: str
    answer: AnswerKind
    asserted_at: date
    reliability: Reliability
    entered_by: str
    sources: tuple[Citation, ...] = ()
    topic: str = ""
    text: str = ""
    conditions: tuple[str, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    force: ForceDetail | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""
    schema_name: str = GUARANTEE_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check the predicate, that what is said has a source, and that the span is in order."""
        if self.predicate not in PREDICATES:
            raise ValueError(f"predicate={self.predicate!r} is none of {', '.join(sorted(PREDICATES))}")
        if self.answer != "unknown" and not self.sources:
            raise ValueError(f"answer={self.answer!r} has no source: only 'unknown' can be said without one")
        if (self.answer == "conditional") and not self.conditions:
            raise ValueError("answer='conditional' names no condition")
        if self.valid_from is not None and self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError(f"valid_to={self.valid_to} is before valid_from={self.valid_from}")
        if not self.entered_by.strip():
            raise ValueError("entered_by is empty")


class EntryRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an instrument enters into force; `days` are added to the day on which the rest of the rule is met.

    *count*: `at_least_count` states consent; *named*: all of `states` do; *share*: at least `share_ratio` of those who
    signed do; *all_of*, *any_of*: of the `rules` inside. Sources: CTBT Art. XIV (all named states and 180 days), Rio
    Treaty Art. 22 (two thirds of the signatories).
    """

    kind: Literal["count", "named", "share", "all_of", "any_of"]
    at_least_count: int = 0
    states: tuple[str, ...] = ()
    share_ratio: float = 0.0
    rules: tuple[EntryRule, ...] = ()
    days: int = 0

    def __post_init__(self) -> None:
        """Check that the rule says something, so that nothing enters into force by an empty rule."""
        require_between("days", self.days, 0, 3_660)
        if self.kind == "count":
            require_between("at_least_count", self.at_least_count, 1, 300)
        if self.kind == "share" and not 0.0 < self.share_ratio <= 1.0:
            raise ValueError(f"share_ratio={self.share_ratio} is outside (0, 1]")
        if self.kind == "named" and not self.states:
            raise ValueError("kind='named' names no state")
        if self.kind in {"all_of", "any_of"} and not self.rules:
            raise ValueError(f"kind={self.kind!r} holds no rule")


class Instrument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text by which states bind themselves, legally or politically, with its rule of entry into force if known.

    `asserted_at` is the day on which it was first said to exist.
    """

    instrument_id: str
    title: str
    kind: Literal[
        "treaty", "executive_agreement", "joint_declaration", "declaration_of_intent", "memorandum", "mandate"
    ]
    binding: Literal["legal", "political", "mixed", "unknown"]
    states: tuple[str, ...]
    asserted_at: date
    sources: tuple[Citation, ...]
    depositary: str | None = None
    entry_rule: EntryRule | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Check that there is a source."""
        if not self.sources:
            raise ValueError("an instrument has no source")


class TreatyAction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a state did about an instrument: the day it was done and the day it has effect (UNTC vocabulary)."""

    action_id: str
    instrument_id: str
    state: str
    action: Literal[
        "signature",
        "definitive_signature",
        "ratification",
        "acceptance",
        "approval",
        "accession",
        "provisional_application",
        "reservation",
        "declaration",
        "objection",
        "withdrawal",
    ]
    done_at: date
    sources: tuple[Citation, ...]
    effect_at: date | None = None
    text: str = ""

    def __post_init__(self) -> None:
        """Check that there is a source, and that nothing has effect before it was done."""
        if not self.sources:
            raise ValueError("a treaty action has no source")
        if self.effect_at is not None and self.effect_at < self.done_at:
            raise ValueError(f"effect_at={self.effect_at} is before done_at={self.done_at}")


class SilenceRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A state's own law by which a paper counts as approved if nobody objects in time: nobody else's law."""

    days: int
    objection_by: str
    source: Citation

    def __post_init__(self) -> None:
        """Check the number of days."""
        require_between("days", self.days, 1, 366)


class ProcedureStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step of a state's own procedure: which body, by which majority, and where that was read.

    `verified` is false for what was written down from memory and not yet read at its source. `decides` marks the step
    with which the rung is reached.
    """

    step_id: str
    body: str
    title: str
    threshold: Literal["none", "simple", "absolute", "two_thirds", "consensus", "unknown"]
    verified: bool
    source: Citation | None = None
    decides: bool = False
    silence: SilenceRule | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Check that what counts as verified has a source."""
        if self.verified and self.source is None:
            raise ValueError("verified=true has no source")


class NationalProcedure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one state climbs one ladder by its own law: steps in order, as somebody said on the day `asserted_at`."""

    procedure_id: str
    state: str
    ladder: Ladder
    title: str
    asserted_at: date
    steps: tuple[ProcedureStep, ...] = ()
    note: str = ""


class ProcedureRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of one step in one case: on which day, how it ended, with which votes, in which window and caps."""

    record_id: str
    procedure_id: str
    step_id: str
    matter: str
    outcome: Literal["begun", "passed", "failed", "objected", "recalled"]
    done_on: date
    sources: tuple[Citation, ...]
    votes_for_count: int | None = None
    votes_against_count: int | None = None
    window_from: date | None = None
    window_to: date | None = None
    cap_text: str = ""
    conditions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the source, and that the window is in order."""
        if not self.sources:
            raise ValueError("a record of a national procedure has no source")
        if (self.votes_for_count is None) != (self.votes_against_count is None):
            raise ValueError("votes_for_count and votes_against_count go together")
        for count in (self.votes_for_count, self.votes_against_count):
            require_between("votes", 0 if count is None else count, 0, 10_000)
        if self.window_from is not None and self.window_to is not None and self.window_to < self.window_from:
            raise ValueError(f"window_to={self.window_to} is before window_from={self.window_from}")


class SupportStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An amount on one rung from said to delivered; `corrects` names an earlier step whose amount this one replaces.

    `share_of` names the body whose support this is a share of: such an amount is not added a second time. Rungs answer
    to IATI transaction types (outgoing pledge, outgoing commitment, then what Kiel calls allocation, disbursement).
    """

    step_id: str
    donor: str
    item: str
    currency: str
    rung: SupportRung
    amount: Decimal
    done_on: date
    sources: tuple[Citation, ...]
    capability: Capability = "military"
    corrects: str | None = None
    share_of: str | None = None

    def __post_init__(self) -> None:
        """Check source, currency and that the amount is not negative."""
        if not self.sources:
            raise ValueError("a step of support has no source")
        if not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise ValueError(f"currency={self.currency!r} is not an ISO 4217 code")
        if not self.amount.is_finite() or self.amount < 0:
            raise ValueError(f"amount={self.amount} is outside [0, inf)")


class AdminArea(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The extent of an administrative area of the first level, as limits in degrees; made-up extents say so."""

    area_id: str
    south_deg: float
    north_deg: float
    west_deg: float
    east_deg: float
    synthetic: bool = False

    def __post_init__(self) -> None:
        """Check the limits, and that the extent is that of an area of the first level and not of a place."""
        require_between("south_deg", self.south_deg, -90.0, 90.0)
        require_between("north_deg", self.north_deg, self.south_deg, 90.0)
        require_between("west_deg", self.west_deg, -180.0, 180.0)
        require_between("east_deg", self.east_deg, self.west_deg, 180.0)
        smaller_deg = min(self.north_deg - self.south_deg, self.east_deg - self.west_deg)
        if smaller_deg < AREA_EXTENT_MIN_DEG:
            raise ValueError(f"extent={smaller_deg:g} deg is finer than {AREA_EXTENT_MIN_DEG:g} deg: admin-1 only")


AREA_EXTENT_MIN_DEG = 0.5
"""The smallest extent taken as an area of the first level: what is finer would give a facility's place away."""


class Facility(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hub, store, headquarters, port or airfield, by the administrative area it lies in and never finer.

    `holder` is the guarantor whose facility it is; `area_id` is an ISO 3166-2 code (`XX-` and up to three).
    """

    facility_id: str
    holder: str
    kind: Literal["hub", "protected_store", "headquarters", "port", "airfield"]
    area_id: str
    status: Literal["planned", "open", "closed", "unknown"]
    asserted_at: date
    sources: tuple[Citation, ...]
    closed_on: date | None = None

    def __post_init__(self) -> None:
        """Check the source and the precision."""
        if not self.sources:
            raise ValueError("a facility has no source")
        if not re.fullmatch(r"[A-Z]{2}-[A-Z0-9]{1,3}", self.area_id):
            raise ValueError(f"area_id={self.area_id!r} is no ISO 3166-2 code: finer than admin-1 is not kept")


class ExclusionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far from the contact line of the day a kind of facility has to stay, and which text says so.

    `distance_min_m` is `None` where the text names no distance.
    """

    rule_id: str
    agreement_id: str
    distance_min_m: float | None
    source: Citation

    def __post_init__(self) -> None:
        """Check the distance."""
        if self.distance_min_m is not None:
            require_between("distance_min_m", self.distance_min_m, 0.0, 2.0e6)


class GuaranteeRegister(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything entered about guarantees that could be used, by kind, in the order of files and lines."""

    states: tuple[StateName, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    actions: tuple[TreatyAction, ...] = ()
    procedures: tuple[NationalProcedure, ...] = ()
    procedure_records: tuple[ProcedureRecord, ...] = ()
    support: tuple[SupportStep, ...] = ()
    facilities: tuple[Facility, ...] = ()
    areas: tuple[AdminArea, ...] = ()
    exclusion_rules: tuple[ExclusionRule, ...] = ()
