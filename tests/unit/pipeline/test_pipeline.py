"""The whole way: observations in, dossiers out, the same for any batches and restarts."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laws.made import AFTER_ALL, BEFORE_ALL, DAY, observations
from laws.test_attribute import line
from laws.test_findings import AGREEMENT
from truceline.adapters.agreements import load_weapons
from truceline.adapters.evidence_catalogue import load_evidence_catalogue
from truceline.associate.settings import AssociationSettings
from truceline.attribute.settings import AttributionSettings
from truceline.dossier.bundle import check_dossier, dossier_bytes
from truceline.model.finding import Compliant
from truceline.model.observation import Observation
from truceline.model.quantity import canonical_bytes
from truceline.pipeline import Pipeline, PipelineOutput, PipelineSettings
from truceline.testing.records import Spot, made_claim, made_detection, made_patrol, made_statement, moment

SETTINGS = PipelineSettings(
    agreement=AGREEMENT,
    agreement_sha256="0" * 64,
    parties=("A", "B"),
    code_version="0",
    synthetic=True,
    attribution=AttributionSettings(catalogue=load_evidence_catalogue()),
    association=AssociationSettings(timezone_name="Europe/Kyiv"),
)
PIPELINE = Pipeline(SETTINGS, lines=[line(date(2025, 4, 18))])


def _said(outputs: list[PipelineOutput]) -> list[bytes]:
    records = [
        record
        for one in outputs
        for part in (one.events, one.findings, one.attributions, one.dossiers)
        for record in part
    ]
    return sorted(canonical_bytes(record) for record in records)


@settings(max_examples=40, deadline=None)
@given(records=st.lists(observations, max_size=30), seed_index=st.integers(0, 1_000))
def test_batches_duplicates_order_and_restarts_do_not_show(records: list[Observation], seed_index: int) -> None:
    """However the observations come, the records and the last state are the same bytes."""
    state, output = PIPELINE.step(PIPELINE.initial(), records, AFTER_ALL)
    generator = np.random.default_rng(seed_index)
    twice = [*records, *records]
    order = generator.permutation(len(twice))
    current, said = PIPELINE.initial(), []
    for part in np.array_split(order, 4):
        batch = [twice[index] for index in part]
        current, new = PIPELINE.step(current, batch, BEFORE_ALL)
        current = PIPELINE.state_from_bytes(PIPELINE.state_to_bytes(current))
        said.append(new)
    current, new = PIPELINE.step(current, [], AFTER_ALL)

    assert _said([output]) == _said([*said, new])
    assert PIPELINE.state_to_bytes(state) == PIPELINE.state_to_bytes(current)


@settings(max_examples=40, deadline=None)
@given(records=st.lists(observations, max_size=30))
def test_every_finding_that_concerns_has_a_dossier_that_passes(records: list[Observation]) -> None:
    """One dossier per finding not in keeping, each whole; one attribution per event."""
    _, output = PIPELINE.step(PIPELINE.initial(), records, AFTER_ALL)
    concerning = [finding.finding_id for finding in output.findings if not isinstance(finding, Compliant)]

    assert sorted(concerning) == sorted(dossier.finding.finding_id for dossier in output.dossiers)
    assert [] == [fault for dossier in output.dossiers for fault in check_dossier(dossier_bytes(dossier))]
    assert len(output.events) == len(output.attributions)


def test_an_impact_in_the_window_becomes_one_indicated_dossier() -> None:
    """The life of one observation: an impact well inside A's ground, in the window, indicates B."""
    impact = made_patrol(Spot(47.9, 37.0, moment(DAY, offset_s=3_600.0)), means="saw")
    claim = made_claim(moment(DAY, offset_s=0.0))
    state, output = PIPELINE.step(PIPELINE.initial(), [impact, claim], AFTER_ALL)
    (dossier,) = output.dossiers

    assert (dossier.attribution.indicated_party, dossier.finding.window_id) == ("B", "made")
    assert [entry.observation_id for entry in dossier.used] == [impact.observation_id]
    assert [entry.observation_id for entry in dossier.known_not_used] == [claim.observation_id]
    assert PIPELINE.kept_out_counts(state) == {"party claim: states no place": 1}
    assert PIPELINE.key(impact) == "2025-04-19"


ARMED = Pipeline(msgspec.structs.replace(SETTINGS, catalogue=load_weapons()), lines=[line(date(2025, 4, 18))])
NOON_S = 43_200.0


def _seen(weapon: str) -> Observation:
    """Give an impact at noon, well inside A's ground, with what a patrol saw had landed."""
    impact = made_patrol(Spot(48.03, 37.0, moment(DAY, offset_s=NOON_S)), means="saw")
    return msgspec.structs.replace(impact, result=msgspec.structs.replace(impact.result, weapon=weapon))


def _station(offset_s: float, *, name: str = "S1") -> Observation:
    """Give a detection on B's ground so many seconds after noon."""
    return made_detection(Spot(48.2, 37.0, moment(DAY, offset_s=NOON_S + offset_s)), station_id=name)


def test_everything_that_was_gathered_reaches_the_dossier() -> None:
    """Weapon, silent station and statement are items of the dossier, and every record that they rest on is named."""
    about = Spot(48.03, 37.0, moment(DAY, offset_s=NOON_S), 1_000.0)
    alive = [_station(-900.0), _station(900.0)]
    far = made_statement(Spot(48.9, 37.0, moment(DAY, offset_s=NOON_S)), speaker="B", about="A")
    said = [made_statement(about), made_statement(about, speaker="B", about="A"), far]
    records = [_seen("D-30"), *alive, *said]
    _, output = ARMED.step(ARMED.initial(), records, AFTER_ALL)
    (dossier,) = output.dossiers
    read = {name for item in dossier.items for name in item.observation_ids}

    assert ["expected_detection_absent", "party_blames_other", "party_blames_other", "weapon_class_from_remnant"] == [
        item.item_type for item in dossier.items
    ]
    assert {record.observation_id for record in records} - {far.observation_id} == read
    assert read <= {row.observation_id for row in (*dossier.used, *dossier.known_not_used)}
    assert {"A", "B", "made_detection", "made_patrol_report"} == {
        row.cluster_id for row in dossier.attribution.ledger if row.items
    }
    assert [] == check_dossier(dossier_bytes(dossier))
    assert () == output.rejections


def test_what_cannot_be_read_as_evidence_is_given_out() -> None:
    """A weapon that nobody knows does not take the impact away: the event stands, and the record is a rejection."""
    _, output = ARMED.step(ARMED.initial(), [_seen("trebuchet")], AFTER_ALL)

    assert 1 == len(output.events)
    assert ["weapon='trebuchet'"] == [one.reason.split(": ")[1].split(" is ")[0] for one in output.rejections]


def test_exchanged_speakers_and_ground_exchange_the_dossiers_answer() -> None:
    """Who speaks is read by role: with ground and speakers exchanged the probabilities are, bit for bit."""
    about = Spot(48.03, 37.0, moment(DAY, offset_s=NOON_S), 1_000.0)
    exchanged = Pipeline(ARMED.settings, lines=[line(date(2025, 4, 18), held_by="B")])
    here = [_seen("D-30"), made_statement(about), made_claim(about.span)]
    there = [_seen("D-30"), made_statement(about, speaker="B", about="A"), made_claim(about.span, claimant="B")]
    (plain,) = ARMED.step(ARMED.initial(), here, AFTER_ALL)[1].attributions
    (mirrored,) = exchanged.step(exchanged.initial(), there, AFTER_ALL)[1].attributions

    assert plain.probability_of("A") == mirrored.probability_of("B")
    assert plain.probability_of("B") == mirrored.probability_of("A")


def test_a_late_record_gives_a_new_dossier_and_leaves_the_old() -> None:
    """A revision of an event is assessed, attributed and bound anew, under new ids."""
    first = made_patrol(Spot(47.9, 37.0, moment(DAY, offset_s=3_600.0)))
    second = made_patrol(Spot(47.9, 37.0, moment(DAY, offset_s=3_660.0)), observer_longitude_deg=37.3)
    state, before = PIPELINE.step(PIPELINE.initial(), [first], AFTER_ALL)
    _, after = PIPELINE.step(state, [second], AFTER_ALL + timedelta(days=1))

    assert [(0, 1)] == [
        (old.event.revision_index, new.event.revision_index)
        for old, new in zip(before.dossiers, after.dossiers, strict=True)
    ]
    assert before.dossiers[0].dossier_id != after.dossiers[0].dossier_id


def test_a_state_goes_only_with_its_settings() -> None:
    """Settings that differ in anything have another id, and a state made under others is refused."""
    other = Pipeline(msgspec.structs.replace(SETTINGS, code_version="1"))

    assert other.settings.settings_id != SETTINGS.settings_id
    with pytest.raises(AssertionError, match="settings"):
        other.step(PIPELINE.initial(), [], AFTER_ALL)
