"""The order of the stages: observations become events, findings, attributions and dossiers. It ends there.

What a person decides, what leaves the house and what is shown stand elsewhere; nothing here leads to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from truceline.assess.compile_stack import NO_CATALOGUE
from truceline.assess.findings import FindingsStage, FindingsState
from truceline.associate.evidence import Evidence
from truceline.associate.settings import AssociationSettings
from truceline.associate.stage import AssociateStage, AssociationState
from truceline.attribute.items import Collected, collect_items
from truceline.attribute.settings import AttributionSettings
from truceline.attribute.stage import AttributeStage, AttributionState
from truceline.dossier.bundle import Bundle
from truceline.dossier.stage import DossierStage, DossierState
from truceline.model.agreement import Agreement
from truceline.model.attribution import Attribution
from truceline.model.dossier import Dossier, EvidenceHash
from truceline.model.event import Event
from truceline.model.finding import Compliant, Finding
from truceline.model.observation import Observation, Rejection
from truceline.model.quantity import canonical_bytes, content_id
from truceline.model.reference_line import DatedLine
from truceline.model.register import Register
from truceline.model.testimony import Testimony, hash_of
from truceline.model.weapon import WeaponCatalogue

PIPELINE_STATE_SCHEMA_NAME = "truceline.pipeline_state/1"


class TextLayer(msgspec.Struct, frozen=True, kw_only=True):
    """A text beside the one that a run is under: one it amends, a layer on it, or another party's version of it."""

    agreement: Agreement
    file_sha256: str


class PipelineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run depends on besides observations and lines: texts, parties, register, every gate and bound.

    `layers` are all texts beside `agreement`; where they are parties' versions of one text, findings say where these
    differ. `catalogue` says what weapons are, `register` what people had entered when the run began.
    """

    agreement: Agreement
    agreement_sha256: str
    parties: tuple[str, str]
    code_version: str
    synthetic: bool
    attribution: AttributionSettings
    association: AssociationSettings = AssociationSettings()
    layers: tuple[TextLayer, ...] = ()
    catalogue: WeaponCatalogue = NO_CATALOGUE
    register: Register = Register()

    @property
    def settings_id(self) -> str:
        """Name these settings by what they say; a saved state goes only with the settings it was made under."""
        return content_id("settings", canonical_bytes(self))


class PipelineState(msgspec.Struct, frozen=True, kw_only=True):
    """What every stage remembers between two steps, and the settings it was made under."""

    settings_id: str
    association: AssociationState
    findings: FindingsState
    attributions: AttributionState
    dossiers: DossierState
    schema_name: str = PIPELINE_STATE_SCHEMA_NAME


class PipelineOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What one step newly says; a record once given is never changed, only superseded by a revision.

    `rejections` are records that are part of an event or speak of it, and say something of a party that cannot be read.
    """

    events: tuple[Event, ...]
    findings: tuple[Finding, ...]
    attributions: tuple[Attribution, ...]
    dossiers: tuple[Dossier, ...]
    rejections: tuple[Rejection, ...] = ()


Revision = tuple[str, int]
"""An event id and a revision of it."""


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks of one event: what it is made of, what else was known of it, and what attribution reads of both.

    A record on which an item rests is named in `evidence`, so that a dossier holds it.
    """

    evidence: Evidence
    collected: Collected


class Pipeline:
    """The stages in order, as one pure step: a runner keeps time, state and storage, and calls it."""

    def __init__(self, settings: PipelineSettings, *, lines: Sequence[DatedLine] = ()) -> None:
        """Build every stage once; `lines` are all contact lines known at the start of the run.

        Raises `ValueError` where the texts do not go together.
        """
        self.settings = settings
        self.associate = AssociateStage(settings.association)
        self.assess = FindingsStage(
            settings.agreement,
            layers=[layer.agreement for layer in settings.layers],
            lines=lines,
            catalogue=settings.catalogue,
            register=settings.register,
        )
        self.attribute = AttributeStage(settings.attribution, parties=settings.parties, lines=lines)
        self.dossier = DossierStage(
            agreement_sha256=settings.agreement_sha256,
            code_version=settings.code_version,
            synthetic=settings.synthetic,
        )

    def initial(self) -> PipelineState:
        """Give the state before any observation."""
        return PipelineState(
            settings_id=self.settings.settings_id,
            association=self.associate.initial(),
            findings=self.assess.initial(),
            attributions=self.attribute.initial(),
            dossiers=self.dossier.initial(),
        )

    def key(self, record: Observation) -> str:
        """Say which observations must meet in one state: those of one local day."""
        return self.associate.key(record)

    def step(
        self, state: PipelineState, batch: Sequence[Observation], watermark: datetime
    ) -> tuple[PipelineState, PipelineOutput]:
        """Take observations in; give the new state and what is now said of every day that `watermark` has passed.

        `watermark` is the time up to which everything is believed to have been received. Days it has not passed stay
        open. An observation of a day already passed is not lost: it issues revisions.
        """
        assert state.settings_id == self.settings.settings_id, "a state goes only with the settings it was made under"
        association, events = self.associate.step(state.association, batch, watermark)
        findings_state, findings = self.assess.step(state.findings, events, watermark)
        gathered = self.gather(association, events)
        attribution_state, attributions = self.attribute.step(
            state.attributions,
            events,
            watermark,
            files={row.observation_id: row.file_sha256 for entry in gathered.values() for row in entry.evidence.used},
            collected={revision: entry.collected for revision, entry in gathered.items()},
        )
        bundles = self._bundles(gathered, events, findings, attributions)
        dossier_state, dossiers = self.dossier.step(state.dossiers, bundles, watermark)
        new_state = PipelineState(
            settings_id=state.settings_id,
            association=association,
            findings=findings_state,
            attributions=attribution_state,
            dossiers=dossier_state,
        )
        return new_state, PipelineOutput(
            events=tuple(events),
            findings=tuple(findings),
            attributions=tuple(attributions),
            dossiers=tuple(dossiers),
            rejections=tuple(one for entry in gathered.values() for one in entry.collected.rejections),
        )

    def gather(self, state: AssociationState, events: Sequence[Event]) -> dict[Revision, Gathered]:
        """Give, by event and revision, everything that speaks of it: a function of the state of its day alone."""
        evidence = self.associate.evidence(state, events)
        testimony = self.associate.testimony(state, events)
        found: dict[Revision, Gathered] = {}
        for event in events:
            revision = (event.event_id, event.revision_index)
            collected = collect_items(
                event,
                testimony[revision],
                parties=self.settings.parties,
                weapons=self.settings.catalogue,
                catalogue=self.settings.attribution.catalogue,
            )
            found[revision] = Gathered(
                evidence=_with_read(evidence[revision], testimony[revision], collected), collected=collected
            )
        return found

    def _bundles(
        self,
        gathered: Mapping[Revision, Gathered],
        events: Sequence[Event],
        findings: Sequence[Finding],
        attributions: Sequence[Attribution],
    ) -> list[Bundle]:
        """Put together what belongs to one finding; a finding in keeping with the agreement needs no dossier."""
        event_by_revision = {(event.event_id, event.revision_index): event for event in events}
        attribution_by_revision = {(item.event_id, item.event_revision_index): item for item in attributions}
        concerning = [finding for finding in findings if not isinstance(finding, Compliant)]
        return [
            Bundle(
                finding=finding,
                event=event_by_revision[revision],
                attribution=attribution_by_revision[revision],
                used=gathered[revision].evidence.used,
                known_not_used=gathered[revision].evidence.known_not_used,
                items=gathered[revision].collected.items,
                tellers=gathered[revision].collected.tellers,
            )
            for finding in concerning
            for revision in [(finding.event_id, finding.event_revision_index)]
        ]

    def kept_out_counts(self, state: PipelineState) -> dict[str, int]:
        """Give how many observations went into no event, by named reason; they are kept, not lost."""
        return self.associate.kept_out_counts(state.association)

    def state_to_bytes(self, state: PipelineState) -> bytes:
        """Write a state as bytes; the same state always gives the same bytes."""
        return msgspec.msgpack.encode(state, order="deterministic")

    def state_from_bytes(self, body: bytes) -> PipelineState:
        """Read a state back; its `settings_id` says whether it belongs to this pipeline."""
        return msgspec.msgpack.decode(body, type=PipelineState)


def _with_read(evidence: Evidence, testimony: Testimony, collected: Collected) -> Evidence:
    """Give the evidence with every record named that an item rests on: so also detections around a silence."""
    named = {row.observation_id for row in (*evidence.used, *evidence.known_not_used)}
    read = {name for item in collected.items for name in item.observation_ids} - named
    beside: dict[str, EvidenceHash] = {record.observation_id: hash_of(record) for record in testimony.said}
    beside |= {row.observation_id: row for one in testimony.silent for row in (one.before, one.after)}
    also = (*evidence.known_not_used, *(beside[name] for name in read))
    return Evidence(used=evidence.used, known_not_used=tuple(sorted(also, key=lambda row: row.observation_id)))
