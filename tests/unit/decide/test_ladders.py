"""Laws of national ladders: recorded steps only, silence in that state's own law only, three ladders apart."""

from __future__ import annotations

import msgspec
import pytest

from truceline.decide.ladders import national_ladder, record_faults
from truceline.model.guarantee import NationalProcedure, ProcedureRecord, ProcedureStep
from truceline.model.guarantee_view import LadderState
from unit.decide.guarantee_made import SOURCE, day, noted, procedure, step

ORDINARY = procedure(step("motion"), step("vote", decides=True))
SIMPLIFIED = procedure(step("paper", decides=True, silence_days=7), name="simplified")


def mandate(
    procedures: list[NationalProcedure], records: list[ProcedureRecord], days: int, state: str = "XA"
) -> LadderState:
    """Give the mandate of a state on a day."""
    return national_ladder(procedures, records, state=state, ladder="deployment_mandate", as_of=day(days))


def test_each_outcome_leads_to_its_rung() -> None:
    """Begun, passed, failed, recalled and objected steps are told apart, and what follows is said."""
    ends = [
        ("motion", "passed", "begun"),
        ("vote", "begun", "begun"),
        ("vote", "passed", "granted"),
        ("vote", "failed", "refused"),
        ("vote", "recalled", "ended"),
        ("vote", "objected", "begun"),
    ]
    found = [mandate([ORDINARY], [noted(name, outcome, 0)], 0) for name, outcome, _ in ends]

    assert [rung for _, _, rung in ends] == [one.rung for one in found]
    assert "step vote (House)" == found[0].next_step
    assert "" == found[2].next_step


def test_without_a_record_it_is_unknown_and_the_way_is_shown() -> None:
    """A procedure on paper is no step taken; what is only from memory is marked."""
    vague = procedure(step("vote", decides=True, verified=False))
    found = mandate([vague], [], 0)

    assert ("unknown", 1) == (found.rung, found.unverified_count)
    assert "[unverified]" in found.next_step
    assert "no national procedure is entered" == mandate([vague], [], 0, state="XB").why
    assert "no national procedure is entered" == mandate([vague], [], -1).why


def test_silence_counts_only_where_that_law_says_so_and_after_its_days() -> None:
    """Seven days after distribution and not before is a paper deemed approved; elsewhere silence never is."""
    begun = [noted("paper", "begun", 0, name="XA-simplified")]

    assert ["begun", "begun", "deemed_granted"] == [mandate([SIMPLIFIED], begun, n).rung for n in (0, 7, 8)]
    assert SOURCE in mandate([SIMPLIFIED], begun, 8).sources
    assert "begun" == mandate([ORDINARY], [noted("vote", "begun", 0)], 3_000).rung


def test_one_objection_ends_silence() -> None:
    """After an objection nothing is deemed approved, however long one waits."""
    told = [noted("paper", outcome, n, name="XA-simplified") for outcome, n in (("begun", 0), ("objected", 5))]

    assert "begun" == mandate([SIMPLIFIED], told, 3_000).rung
    assert "ordinary procedure" in mandate([SIMPLIFIED], told, 3_000).why


def test_a_mandate_holds_within_its_window() -> None:
    """Before its window a mandate is granted for later, after it it has ended, and caps and conditions go with it."""
    told = [
        noted("vote", "passed", 0, window_from=day(5), window_to=day(9), cap_text="up to 500", conditions=("truce",))
    ]
    found = [mandate([ORDINARY], told, n) for n in (1, 6, 10)]

    assert ["granted", "granted", "ended"] == [one.rung for one in found]
    assert f"runs from {day(5)}" in found[0].why
    assert ("up to 500", ("truce",), day(9)) == (found[1].cap_text, found[1].conditions, found[1].window_to)


def test_the_latest_record_chooses_the_procedure_and_later_days_have_no_part() -> None:
    """Of two ways the one that was last walked counts, and a record of tomorrow does not count today."""
    told = [noted("paper", "begun", 0, name="XA-simplified"), noted("vote", "passed", 3)]

    assert ["begun", "granted"] == [mandate([ORDINARY, SIMPLIFIED], told, n).rung for n in (2, 3)]


def test_records_of_what_does_not_exist_are_named() -> None:
    """A record about an unknown procedure or step is given back with the reason."""
    told = [noted("vote", "passed", 0), noted("dance", "passed", 0), noted("vote", "passed", 0, name="XB-law")]
    found = record_faults([ORDINARY], told)

    assert ["XA-law-dance-passed-0", "XB-law-vote-passed-0"] == sorted(found)


def test_votes_bear_out_what_passed() -> None:
    """A tally that misses its step's majority is a fault where the record says passed, and only there."""
    tallies = [("simple", 5, 5), ("simple", 6, 5), ("two_thirds", 7, 4), ("two_thirds", 8, 4), ("absolute", 5, 6)]
    tallies += [("consensus", 9, 1), ("consensus", 9, 0), ("unknown", 1, 9)]
    steps = [
        msgspec.structs.replace(step(f"s{index}"), threshold=threshold)
        for index, (threshold, _, _) in enumerate(tallies)
    ]
    told = [
        noted(f"s{index}", "passed", 0, votes_for_count=count, votes_against_count=against)
        for index, (_, count, against) in enumerate(tallies)
    ]
    lost = [noted("s0", "failed", 0, votes_for_count=5, votes_against_count=5)]

    assert ["s0", "s2", "s4", "s5"] == [key.split("-")[2] for key in record_faults([procedure(*steps)], told)]
    assert {} == record_faults([procedure(*steps)], lost)
    with pytest.raises(ValueError, match="go together"):
        noted("s0", "passed", 0, votes_for_count=5)
    with pytest.raises(ValueError, match="votes"):
        noted("s0", "passed", 0, votes_for_count=-5, votes_against_count=0)


def test_a_verified_step_has_its_source() -> None:
    """What counts as read says where."""
    with pytest.raises(ValueError, match="has no source"):
        ProcedureStep(step_id="a", body="b", title="c", threshold="none", verified=True)


def test_a_window_is_in_order() -> None:
    """A mandate does not end before it begins, and stands on a source."""
    with pytest.raises(ValueError, match="is before window_from"):
        noted("vote", "passed", 0, window_from=day(2), window_to=day(1))
    with pytest.raises(ValueError, match="has no source"):
        ProcedureRecord(
            record_id="r", procedure_id="p", step_id="s", matter="m", outcome="begun", done_on=day(0), sources=()
        )
