"""The assessment keeps every law of a stage."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from laws.made import AFTER_ALL, BEFORE_ALL, DAY, event_lists
from truceline.assess.findings import FindingsStage, FindingsState
from truceline.model.agreement import Agreement, TruceWindow
from truceline.model.definition import ObjectClass, TextSource
from truceline.model.event import Event
from truceline.model.provision import Prohibition
from truceline.model.quantity import TimeSpan
from truceline.testing.laws import StageCase, check_stage_laws

AGREEMENT = Agreement(
    agreement_id="made",
    version="1",
    title="A made text",
    theatre_id="made",
    parties=("A", "B"),
    windows=(
        TruceWindow(
            window_id="made",
            span=TimeSpan(start=DAY, end=DAY + timedelta(hours=30)),
            declared_by="A",
            accepted_by_other="yes",
            scope="all",
            covered_domain_ids=(),
        ),
    ),
    provisions=(
        Prohibition(provision_id="made.fire", article="1", summary="", source_ids=("made",), acts=("fire",)),
        Prohibition(
            provision_id="made.energy",
            article="2",
            summary="",
            source_ids=("made",),
            acts=("attack",),
            object_class_ids=("energy",),
        ),
    ),
    sources=(TextSource(source_id="made", title="A made text", basis="text"),),
    object_classes=(ObjectClass(object_class_id="energy", title="Energy objects", category="energy"),),
)


@settings(max_examples=60, deadline=None)
@given(records=event_lists, seed_index=st.integers(0, 1_000))
def test_assessment_keeps_the_laws_of_a_stage(records: list[Event], seed_index: int) -> None:
    """Order, duplicates, batch sizes, restarts from bytes and partition by key do not show in the findings."""
    case = StageCase(stage=FindingsStage(AGREEMENT), records=records, watermark=AFTER_ALL, state_type=FindingsState)

    check_stage_laws(case, seed_index=seed_index, open_watermark=BEFORE_ALL)


@settings(max_examples=60, deadline=None)
@given(records=event_lists)
def test_one_finding_per_event_revision_and_clause(records: list[Event]) -> None:
    """Every event revision is held against every clause, once."""
    stage = FindingsStage(AGREEMENT)
    _, findings = stage.step(stage.initial(), records, AFTER_ALL)
    named = [(item.event_id, item.event_revision_index, item.provision_id) for item in findings]

    assert sorted(named) == sorted(
        (event.event_id, event.revision_index, provision.provision_id)
        for event in records
        for provision in AGREEMENT.provisions
    )
