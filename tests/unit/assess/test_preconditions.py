"""Laws of quiet days: what restarts their count is noticed on events, and nothing is started by it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws.assess_world import NOON, START, assessor, clause, conduct, text
from truceline.assess.columns import Conduct, columns_of
from truceline.assess.findings import assess_conduct
from truceline.assess.preconditions import Resets
from truceline.model.agreement import Agreement
from truceline.model.in_force import InForce, Precondition
from truceline.model.provision import Prohibition, Reversal
from truceline.model.register import PreconditionState
from truceline.model.zone import Belt

DAY = timedelta(days=1)
ZONES = tuple(
    Belt(zone_id=name, line_id="line", depth_high_m=depth_m) for name, depth_m in (("inner", 2e3), ("outer", 9e3))
)


def waiting(*, each_zone_alone: bool = True, **more: Any) -> Agreement:
    """Give a text in which something waits for seven quiet days within 2 km of a line, and within 9 km."""
    quiet = Precondition(
        precondition_id="quiet",
        title="Seven quiet days",
        quiet_days=7.0,
        resets_on_acts=("fire",),
        zone_ids=("inner", "outer"),
        each_zone_alone=each_zone_alone,
    )
    made = text(
        clause(Prohibition, acts=("advance",)),
        zones=ZONES,
    )
    return msgspec.structs.replace(made, preconditions=(quiet,), **more)


def shot(days: float, east_m: float = 1_000.0, **more: Any) -> Conduct:
    """Give a shot so many days after the start of the text."""
    return conduct("fire", east_m, event_id=f"shot-{days:g}", at=START + days * DAY, **more)


def states(*shots: Conduct, now: datetime, agreement: Agreement | None = None) -> list[PreconditionState]:
    """Give the state of each zone's count at a moment."""
    resets = Resets(assessor(agreement or waiting()))
    for one in shots:
        resets.note(columns_of([one], parties=("A", "B")))
    return resets.states(now=now)


def test_without_any_act_the_count_began_with_the_text() -> None:
    """On the fifth day nothing was seen, and the days will be full after seven."""
    (inner, outer) = states(now=START + 4.5 * DAY)

    assert ("inner", 5, False, 0, None) == (
        inner.zone_id,
        inner.day_index,
        inner.is_met,
        inner.reset_count,
        inner.last_reset_id,
    )
    assert START + 7 * DAY == outer.met_time


def test_a_shot_restarts_the_count_of_its_own_zone() -> None:
    """A shot between 2 and 9 km off leaves the inner one's count as it was."""
    inner, outer = states(shot(4.0, 5_000.0), now=START + 5.5 * DAY)

    assert (6, 2) == (inner.day_index, outer.day_index)
    assert ("shot-4", 1) == (outer.last_reset_id, outer.reset_count)


def test_zones_may_count_together() -> None:
    """Where the text does not count zone by zone, a shot in any restarts the one count."""
    (state,) = states(shot(4.0, 5_000.0), now=START + 5.5 * DAY, agreement=waiting(each_zone_alone=False))

    assert (None, 2) == (state.zone_id, state.day_index)


def test_days_once_full_stay_full() -> None:
    """A shot after the days were full restarts nothing, and one after the moment is left aside."""
    inner, _ = states(shot(9.0), shot(30.0), now=START + 10 * DAY)

    assert (True, START + 7 * DAY) == (inner.is_met, inner.met_time)


@pytest.mark.parametrize(
    "more", [{"lacking": "what happened"}, {"act_probability": 0.4}, {"withdrawn": True}, {"weapon": None}]
)
def test_only_an_act_that_was_probably_one_restarts(more: dict[str, Any]) -> None:
    """What cannot be told, what hardly was, and what was withdrawn restarts nothing; a plain shot does."""
    plain = "weapon" in more
    told = {} if plain else more
    inner, _ = states(shot(4.0, **told), now=START + 5.5 * DAY)

    assert (2 if plain else 6) == inner.day_index


@given(st.permutations([shot(days) for days in (1.0, 3.0, 3.0001, 6.5, 14.0)]))
def test_neither_order_nor_batches_matter(shots: list[Conduct]) -> None:
    """One batch of all and any order of single ones say the same, but for the names of events of one minute."""
    resets = Resets(assessor(waiting()))
    resets.note(columns_of(shots, parties=("A", "B")))
    now = START + 10 * DAY

    assert resets.states(now=now) == states(*shots, now=now)


def test_before_the_text_holds_nothing_is_counted() -> None:
    """A text whose start nobody dated has no count, nor has one that begins later."""
    undated = waiting(in_force=InForce(timezone_name="UTC", trigger="the signature"))

    assert [None, None] == [state.begun for state in states(now=NOON, agreement=undated)]
    assert [None, None] == [state.begun for state in states(now=START - DAY)]


def test_a_text_without_preconditions_notes_nothing() -> None:
    """Events are not looked at where nothing waits."""
    resets = Resets(assessor(text(clause(Prohibition, acts=("fire",)))))
    resets.note(columns_of([shot(1.0)], parties=("A", "B")))

    assert [] == resets.states(now=NOON)


def test_events_without_names_restart_without_one() -> None:
    """Columns may leave out ids."""
    resets = Resets(assessor(waiting()))
    columns = columns_of([shot(4.0)], parties=("A", "B"))
    resets.note(msgspec.structs.replace(columns, event_ids=(), revision_index=()))
    state, _ = resets.states(now=START + 5 * DAY)

    assert (1, None) == (state.reset_count, state.last_reset_id)


def test_a_release_zone_by_zone_names_its_zone() -> None:
    """Fire in the inner belt may release from what holds there, and the flag says in which zone."""
    made = text(
        clause(Prohibition, acts=("fire",)),
        clause(
            Reversal,
            "made.release",
            released_provision_ids=("made.clause",),
            on_acts=("fire",),
            zone_ids=("inner", "outer"),
            by_zone=True,
        ),
        zones=ZONES,
    )
    (found,) = assess_conduct([shot(4.0, 5_000.0)], assessor(made))

    assert ["made 1: may release from made.clause in outer"] == [flag.text for flag in found.flags]


def test_what_may_restart_a_count_is_counted_apart() -> None:
    """A shot that is a little more probably outside than inside restarts nothing, and is said."""
    inner, _ = states(shot(4.0, 2_100.0, sigma_m=500.0), now=START + 5.5 * DAY)

    assert (6, 0, 1) == (inner.day_index, inner.reset_count, inner.unsure_count)
