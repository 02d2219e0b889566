"""Days close with the watermark, late records revise, and what is no longer remembered is counted."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws.made import AFTER_ALL, DAY, observations
from truceline.associate.rows import KEPT_OUT_TOO_LATE
from truceline.associate.settings import AssociationSettings
from truceline.associate.stage import AssociateStage
from truceline.model.observation import Observation
from truceline.model.quantity import TimeSpan
from truceline.testing.records import Spot, made_claim, made_detection, made_patrol, made_report, made_thermal, moment

STAGE = AssociateStage(AssociationSettings(timezone_name="Europe/Kyiv"))
NOON = Spot(48.0, 37.0, moment(DAY, offset_s=12 * 3600.0))
LOCAL_DAY = TimeSpan(start=DAY - timedelta(hours=3), end=DAY + timedelta(hours=21))


def report(**changes: str) -> Observation:
    """Give a report of the whole local day."""
    return made_report(Spot(48.0, 37.0, LOCAL_DAY, 3_000.0), **changes)


def test_a_day_is_said_of_only_when_the_watermark_has_passed_it() -> None:
    """A local day is over at local midnight, 21:00 UTC in a Kyiv summer."""
    state, early = STAGE.step(STAGE.initial(), [report()], DAY + timedelta(hours=20, minutes=59))
    state, none = STAGE.step(state, [], DAY)
    _, events = STAGE.step(state, [], DAY + timedelta(hours=21))

    assert (early, none) == ([], [])
    assert len(events) == 1


def test_a_watermark_is_utc() -> None:
    """A naive watermark is our mistake and is refused."""
    with pytest.raises(ValueError, match="watermark"):
        STAGE.step(STAGE.initial(), [], datetime(2025, 4, 19))  # noqa: DTZ001


def test_a_late_record_issues_a_revision_under_the_same_id() -> None:
    """A second outlet, come late, revises the event of the first."""
    state, (first,) = STAGE.step(STAGE.initial(), [report()], AFTER_ALL)
    state, (second,) = STAGE.step(state, [report(outlet="late")], AFTER_ALL)
    _, again = STAGE.step(state, [report(outlet="late")], AFTER_ALL)

    assert (first.event_id, 1, 0) == (second.event_id, second.revision_index, second.supersedes_revision_index)
    assert len(second.associations) == 2
    assert again == []


def test_events_that_turn_out_to_be_one_leave_one_standing() -> None:
    """A late patrol between two fires joins them: one id goes on, the other is withdrawn, once, and may come back."""
    south = made_thermal(Spot(48.0, 37.0, moment(DAY, offset_s=12.0 * 3600.0), 300.0))
    north = made_thermal(Spot(48.015, 37.0, moment(DAY, offset_s=12.0 * 3600.0), 300.0))
    between = made_patrol(Spot(48.0075, 37.0, moment(DAY, offset_s=11.5 * 3600.0), 500.0))
    state, first = STAGE.step(STAGE.initial(), [south, north], AFTER_ALL)
    state, later = STAGE.step(state, [between], AFTER_ALL)
    state, last = STAGE.step(state, [made_claim(moment(DAY, offset_s=0.0))], AFTER_ALL)

    assert len(first) == 2
    assert sorted(event.evaluation_status for event in later) == ["preliminary", "rejected"]
    assert [1, 1] == [event.revision_index for event in later]
    assert {event.event_id for event in first} == {event.event_id for event in later}
    assert last == []


def test_the_oldest_days_are_let_go_and_what_comes_after_is_counted() -> None:
    """Beyond the bound on days remembered a late record changes nothing, and the count says so."""
    stage = AssociateStage(AssociationSettings(slab_max_count=1))
    days = [made_thermal(Spot(48.0, 37.0, moment(DAY + timedelta(days=day), offset_s=0.0))) for day in range(3)]
    state, events = stage.step(stage.initial(), days, AFTER_ALL)
    state, _ = stage.step(state, [], AFTER_ALL)
    state, late = stage.step(state, [report()], AFTER_ALL)

    assert (3, []) == (len(events), late)
    assert (1, {KEPT_OUT_TOO_LATE: 1}) == (len(state.slabs), stage.kept_out_counts(state))


@given(
    records=st.lists(observations, min_size=1, max_size=30),
    slab_max_count=st.integers(1, 3),
    batch_row_count=st.integers(1, 30),
)
def test_whatever_was_issued_in_a_step_has_its_evidence_after_it(
    records: list[Observation], slab_max_count: int, batch_row_count: int
) -> None:
    """However few days are remembered and however old what comes is, no day is let go in the step that speaks of it."""
    stage = AssociateStage(AssociationSettings(timezone_name="Europe/Kyiv", slab_max_count=slab_max_count))
    state = stage.initial()
    for first in range(0, len(records), batch_row_count):
        state, events = stage.step(state, records[first : first + batch_row_count], AFTER_ALL)
        evidence = stage.evidence(state, events)

        assert {(event.event_id, event.revision_index) for event in events} == set(evidence)
    state, _ = stage.step(state, [], AFTER_ALL)

    assert len(state.slabs) <= slab_max_count


@given(records=st.lists(observations, max_size=30), seed_index=st.integers(0, 1_000))
def test_days_let_go_keep_their_counts(records: list[Observation], seed_index: int) -> None:
    """What went into no event is counted alike whether its day is remembered or not, in whatever order it came."""
    few = AssociateStage(AssociationSettings(timezone_name="Europe/Kyiv", slab_max_count=1))
    order = np.random.default_rng(seed_index).permutation(len(records))
    remembered, _ = STAGE.step(STAGE.initial(), records, AFTER_ALL)
    settled, _ = few.step(few.initial(), [records[index] for index in order], AFTER_ALL)
    settled, _ = few.step(settled, [], AFTER_ALL)

    assert len(settled.slabs) <= 1
    assert STAGE.kept_out_counts(remembered) == few.kept_out_counts(settled)


def test_a_copy_of_a_row_of_a_day_let_go_is_counted_each_time() -> None:
    """The ids of days let go are forgotten: a copy cannot be told from a late record, and changes no event."""
    stage = AssociateStage(AssociationSettings(slab_max_count=1))
    days = [made_thermal(Spot(48.0, 37.0, moment(DAY + timedelta(days=day), offset_s=0.0))) for day in range(2)]
    state, _ = stage.step(stage.initial(), days, AFTER_ALL)
    state, _ = stage.step(state, [], AFTER_ALL)
    state, again = stage.step(state, [days[0], days[0]], AFTER_ALL)

    assert ([], {KEPT_OUT_TOO_LATE: 2}) == (again, stage.kept_out_counts(state))


def test_of_two_rows_of_one_observation_the_first_by_file_stays() -> None:
    """An observation that came in two files is one; which file names it does not depend on order."""
    one = report()
    other = type(one)(
        **{
            **{name: getattr(one, name) for name in one.__struct_fields__},
            "provenance": type(one.provenance)(
                **{
                    **{name: getattr(one.provenance, name) for name in one.provenance.__struct_fields__},
                    "row_index": 7,
                }
            ),
        }
    )
    forward, _ = STAGE.step(STAGE.initial(), [one, other], AFTER_ALL)
    backward, _ = STAGE.step(STAGE.initial(), [other, one], AFTER_ALL)

    assert forward == backward
    assert [0] == [row.row_index for slab in forward.slabs.values() for row in slab.rows]


def test_evidence_names_what_was_used_and_what_was_near_and_not_used() -> None:
    """Claims of the day, stations in hearing and neighbours that did not fit are known and not used."""
    used = made_patrol(NOON)
    claim = made_claim(LOCAL_DAY)
    station = made_detection(Spot(48.1, 37.0, NOON.span), bearing_deg=0.0)
    neighbour = made_report(Spot(48.05, 37.0, LOCAL_DAY, 500.0), speaks_of="region")
    elsewhere = made_thermal(Spot(49.0, 37.0, NOON.span))
    coverage = made_report(Spot(48.0, 37.0, LOCAL_DAY), speaks_of="no attack")
    records = [used, claim, station, neighbour, elsewhere, coverage]
    state, events = STAGE.step(STAGE.initial(), records, AFTER_ALL)
    event = next(event for event in events if event.event_type == "explosion")
    evidence = STAGE.evidence(state, [event])[(event.event_id, 0)]

    assert [used.observation_id] == [entry.observation_id for entry in evidence.used]
    assert sorted(one.observation_id for one in (claim, station, neighbour)) == [
        entry.observation_id for entry in evidence.known_not_used
    ]
