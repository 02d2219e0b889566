"""Laws of the status of a register: what is open at a moment, and who should look; it never decides anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from truceline.assess.assess_columns import Assessor
from truceline.assess.compile_stack import compile_texts
from truceline.assess.register_state import register_state
from truceline.model.agreement import Agreement
from truceline.model.definition import TextSource
from truceline.model.in_force import InForce, Stage
from truceline.model.provision import Ceiling, Exemption, ResponseLadder, ResponseRung
from truceline.model.quantity import Count, TimeSpan, exactly
from truceline.model.register import (
    CeilingCount,
    ClaimedCount,
    ClaimSummary,
    Impediment,
    InventoryCheck,
    InventoryItem,
    Notification,
    Register,
    ResponseStep,
    StageStart,
)
from truceline.model.zone import Unmapped
from truceline.report.register_status import StatusRow, register_status, status_text

NOW = datetime(2030, 1, 10, 12, tzinfo=UTC)
GUNS = tuple(InventoryItem(type_id="d_30", serial=str(number)) for number in range(6))

AT_LEAST_40 = Count(low_count=40.0, high_count=None)

COMMON = {"article": "1", "source_ids": ("s",)}
TEXT = Agreement(
    agreement_id="text",
    version="1",
    title="A made-up text",
    theatre_id="nowhere",
    parties=("A", "B"),
    sources=(TextSource(source_id="s", title="S"),),
    in_force=InForce(timezone_name="UTC", start=datetime(2030, 1, 1, tzinfo=UTC)),
    zones=(Unmapped(zone_id="z", lacking="x"),),
    stages=(
        Stage(stage_id="first", title="First step", complete_within_days=5),
        Stage(stage_id="open", title="Open step"),
    ),
    provisions=(
        Ceiling(provision_id="c", summary="S.", item="tank", ceiling_count=75, zone_ids=("z",), **COMMON),  # type: ignore[arg-type]
        Exemption(
            provision_id="e",
            summary="S.",
            acts=("flight",),
            notification_needed=True,
            lead_time_hours=24,
            acknowledgement_needed=True,
            **COMMON,  # type: ignore[arg-type]
        ),
        ResponseLadder(
            provision_id="l",
            summary="S.",
            rungs=(
                ResponseRung(rung_index=1, title="Warning", actions=("warn",), within_hours=24),
                ResponseRung(rung_index=2, title="Force", actions=("act",), condition="it goes on"),
            ),
            **COMMON,  # type: ignore[arg-type]
        ),
    ),
)


def status(**entries: object) -> list[StatusRow]:
    """Give the status of a register with these entries."""
    assessor = Assessor(compile_texts([TEXT]))
    return register_status(register_state(Register(**entries), [assessor], now=NOW))  # type: ignore[arg-type]


def one(**entries: object) -> StatusRow:
    """Give the only line of the status of a register with these entries."""
    (row,) = status(**entries)
    return row


def check(**changes: object) -> InventoryCheck:
    """Give a visit two days ago that saw everything, changed as asked."""
    base = InventoryCheck(
        check_id="k",
        agreement_id="text",
        site_id="site",
        party="A",
        check_time=NOW - timedelta(days=2),
        listed=GUNS,
        seen=GUNS,
        access="full",
        source="S",
    )
    return msgspec.structs.replace(base, **changes)


def count(number: Count, *, party: str = "A", days: float = 1.0, count_id: str = "k") -> CeilingCount:
    """Give a count of tanks that ended so many days ago."""
    end = NOW - timedelta(days=days)
    return CeilingCount(
        count_id=count_id,
        agreement_id="text",
        zone_id="z",
        party=party,
        item="tank",
        span=TimeSpan(start=end - timedelta(hours=8), end=end),
        count=number,
        source="S",
    )


def notice(**changes: object) -> Notification:
    """Give a notice for a flight tomorrow, given two days ago and acknowledged, changed as asked."""
    base = Notification(
        notification_id="n",
        agreement_id="text",
        notified_by="A",
        notice="flight",
        acts=("flight",),
        window=TimeSpan(start=NOW + timedelta(hours=12), end=NOW + timedelta(hours=14)),
        given_time=NOW - timedelta(days=2),
        acknowledged_by="B",
        acknowledged_time=NOW - timedelta(days=1),
        source="S",
    )
    return msgspec.structs.replace(base, **changes)


def step(hours_ago: float, *, rung_index: int | None = None) -> ResponseStep:
    """Give a confirmed breach so many hours ago, or a rung carried out then."""
    return ResponseStep(
        step_id=f"s{hours_ago:g}",
        agreement_id="text",
        provision_id="l",
        step="breach_confirmed" if rung_index is None else "rung_done",
        step_time=NOW - timedelta(hours=hours_ago),
        recorded_by="people",
        source="S",
        rung_index=rung_index,
    )


def test_a_visit_says_how_many_of_the_inventory_were_missing_or_first_seen() -> None:
    """Four of six guns seen is two missing, and one that no list has is said as well."""
    stray = InventoryItem(type_id="d_30", serial="99")
    row = one(inventory_checks=(check(seen=(*GUNS[:4], stray)),))

    assert row.flagged
    assert "4 of 6 seen, 2 missing, 1 seen that no inventory lists" in row.state


def test_only_the_last_visit_to_a_site_counts() -> None:
    """What an earlier visit missed and a later one saw is not missing; what comes after the moment is left aside."""
    earlier = check(check_id="a", check_time=NOW - timedelta(days=9), seen=())
    later = check(check_id="z", check_time=NOW + timedelta(days=1), seen=())
    row = one(inventory_checks=(check(), earlier, later))

    assert not row.flagged
    assert "6 of 6 seen" in row.state


@pytest.mark.parametrize(("days", "flagged"), [(-1.0, True), (1.0, False)])
def test_a_visit_is_overdue_once_its_time_has_passed(days: float, flagged: bool) -> None:
    """The next visit is flagged from the moment it was due."""
    row = one(inventory_checks=(check(next_due_time=NOW + timedelta(days=days)),))

    assert flagged == row.flagged
    assert flagged == ("overdue by 24.0 h" in row.state)


def test_a_denied_visit_says_nothing_about_weapons() -> None:
    """Where access was denied nothing is missing, and people should look."""
    row = one(inventory_checks=(check(access="denied", seen=()),))

    assert row.flagged
    assert "missing" not in row.state


@pytest.mark.parametrize(
    ("numbers", "word", "flagged"),
    [
        (
            (exactly(60), exactly(20)),
            "80 tank in 2 counts to 2030-01-09, ceiling 75: above the ceiling by 5 or more",
            True,
        ),
        ((exactly(60), exactly(15)), "75 tank in 2 counts to 2030-01-09, ceiling 75: within", False),
        (
            (Count(low_count=70, high_count=80),),
            "70 to 80 tank in 1 counts to 2030-01-09, ceiling 75: may be above",
            True,
        ),
        (
            (Count(low_count=70, high_count=None),),
            "70 to ? tank in 1 counts to 2030-01-09, ceiling 75: may be above",
            True,
        ),
    ],
)
def test_counts_of_one_time_are_added_up_as_intervals(numbers: tuple[Count, ...], word: str, flagged: bool) -> None:
    """Counts made together are added, at the low and at the high end, and held against the ceiling."""
    counts = tuple(count(number, count_id=str(index)) for index, number in enumerate(numbers))
    row = one(ceiling_counts=counts)

    assert row.state.startswith(word)
    assert flagged == row.flagged


def test_counts_of_other_days_and_parties_are_not_added() -> None:
    """Each party is counted by itself, and an earlier count gives way to a later one."""
    rows = status(ceiling_counts=(count(exactly(60)), count(exactly(60), days=5.0), count(exactly(70), party="B")))

    assert [("c, A", False), ("c, B", False)] == [(row.name, row.flagged) for row in rows]


def test_a_notice_is_held_against_the_exemptions_it_could_serve() -> None:
    """One given in time and acknowledged lacks nothing; one too late and unanswered lacks both."""
    good = one(notifications=(notice(),))
    late = notice(given_time=NOW - timedelta(hours=1), acknowledged_by=None, acknowledged_time=None)
    bad = one(notifications=(late,))

    assert not good.flagged
    assert "given 60.0 h before, acknowledged by B" in good.state
    assert bad.flagged
    assert "not acknowledged, too late for e (24 h), e asks for acknowledgement" in bad.state


def test_notices_that_are_over_withdrawn_or_not_given_yet_ask_for_nothing() -> None:
    """A notice that is over or not given yet is left out, and one that was withdrawn says so and lacks nothing."""
    over = notice(window=TimeSpan(start=NOW - timedelta(hours=3), end=NOW))
    coming = notice(given_time=NOW + timedelta(hours=1))
    withdrawn = notice(withdrawn_time=NOW - timedelta(hours=1), acknowledged_by=None, acknowledged_time=None)

    assert [] == status(notifications=(over, coming))
    assert "withdrawn" in one(notifications=(withdrawn,)).state
    assert not one(notifications=(withdrawn,)).flagged


def test_a_clock_runs_from_a_confirmed_breach_and_only_flags() -> None:
    """After 25 hours without a warning the first rung is overdue by one; a rung without a clock never is."""
    first, second = status(response_steps=(step(25),))

    assert first.flagged
    assert "nothing recorded, overdue by 1.0 h" in first.state
    assert not second.flagged
    assert "if it goes on, no clock, nothing recorded" == second.state


@pytest.mark.parametrize(
    ("done_hours_ago", "flagged", "word"), [(10.0, False, "recorded"), (5.0, True, "(after its time)")]
)
def test_a_rung_that_was_carried_out_stops_its_clock(done_hours_ago: float, flagged: bool, word: str) -> None:
    """Carried out within its time it is recorded; after its time it says so."""
    first, _ = status(response_steps=(step(30), step(done_hours_ago, rung_index=1)))

    assert flagged == first.flagged
    assert word in first.state


def test_without_a_confirmed_breach_no_clock_runs() -> None:
    """Nothing starts a clock but a breach that people confirmed, and none that is confirmed later."""
    assert [] == status(response_steps=(step(5, rung_index=1), step(-5)))


def test_time_left_is_said_before_a_clock_ends() -> None:
    """Within its time a rung asks for nothing."""
    first, _ = status(response_steps=(step(20),))

    assert not first.flagged
    assert "4.0 h left" in first.state


@pytest.mark.parametrize(
    ("stage_id", "days_ago", "word"),
    [
        ("first", 6.0, "deadline 2030-01-09 12:00 passed"),
        ("first", 1.0, "deadline 2030-01-14 12:00 to come"),
        ("open", 1.0, "no deadline"),
    ],
)
def test_a_step_that_somebody_dated_has_its_deadline(stage_id: str, days_ago: float, word: str) -> None:
    """The deadline is counted from the day that was named."""
    start = StageStart(
        start_id="b",
        agreement_id="text",
        stage_id=stage_id,
        start_time=NOW - timedelta(days=days_ago),
        declared_by="A",
        source="S",
        zone_id="z",
    )

    assert one(stage_starts=(start,)).state.endswith(word)
    assert [] == status(stage_starts=(msgspec.structs.replace(start, stage_id=None),))


def test_impediments_are_added_up_by_kind_and_place_and_flag_nothing() -> None:
    """Delays at one place are counted with their minutes, on whose ground and for whom; none is conduct."""
    span = TimeSpan(start=NOW - timedelta(hours=2), end=NOW - timedelta(minutes=105))
    entries = tuple(
        Impediment(impediment_id=str(index), kind="delay", span=span, place_name="P", source="S") for index in range(2)
    )
    row = one(impediments=entries)
    wide = msgspec.structs.replace(entries[0], ground_of="A", radius_m=20_000.0, affected_source_ids=("uav",))
    later = msgspec.structs.replace(entries[0], span=TimeSpan(start=NOW + timedelta(1), end=NOW + timedelta(2)))

    assert ("delay", "2, together 30 min at P", False) == (row.name, row.state, row.flagged)
    assert "1, together 15 min at P on ground of A, within 20 km, for uav" == one(impediments=(wide,)).state
    assert 2 == len(status(impediments=(*entries, wide)))
    assert [] == status(impediments=(later,))


def test_claims_are_shown_one_by_one_in_their_own_units() -> None:
    """What was claimed about each party stands by time as it was made, is flagged for nobody and never added up."""
    window = TimeSpan(start=NOW - timedelta(days=2), end=NOW - timedelta(days=1))
    counts = (ClaimedCount(unit="shellings", count=exactly(12)), ClaimedCount(unit="shots", count=AT_LEAST_40))
    claim = ClaimSummary(claim_id="1", claimant="A", actor="B", window=window, counts=counts, source="S")
    other = msgspec.structs.replace(claim, claim_id="2", claimant="B", actor="A")
    later = msgspec.structs.replace(
        claim, claim_id="3", window=TimeSpan(start=NOW + timedelta(1), end=NOW + timedelta(2))
    )
    rows = status(claims=(claim, later, claim, other))

    assert ["B about A", "A about B", "A about B"] == [row.name for row in rows]
    assert {"2030-01-08 12:00 to 2030-01-09 12:00, claimed: 12 shellings, at least 40 shots"} == {
        row.state for row in rows
    }
    assert not any(row.flagged for row in rows)


def test_the_text_marks_what_asks_for_attention_and_says_when_nothing_is_open() -> None:
    """Sections have their titles, flagged lines their mark, and an empty register says so."""
    text = status_text(status(response_steps=(step(25),)), now=NOW)

    assert "\n! s25, rung 1 (Warning)" in text
    assert "\n  s25, rung 2 (Force)" in text
    assert "decides nothing" in text
    assert "nothing is open" in status_text([], now=NOW)


def test_without_a_span_of_its_own_a_text_counts_days_in_utc() -> None:
    """A text of windows only has no time zone; its deadlines are counted in UTC."""
    from truceline.model.agreement import TruceWindow

    window = TruceWindow(
        window_id="w",
        span=TimeSpan(start=NOW, end=NOW + timedelta(1)),
        declared_by="A",
        accepted_by_other="no",
        scope="all",
        covered_domain_ids=(),
    )
    text = msgspec.structs.replace(TEXT, in_force=None, windows=(window,))
    start = StageStart(start_id="b", agreement_id="text", stage_id="first", start_time=NOW, declared_by="A", source="S")
    other = msgspec.structs.replace(start, start_id="c", agreement_id="other")
    register = Register(stage_starts=(start, other))
    (row,) = register_status(register_state(register, [Assessor(compile_texts([text]))], now=NOW))

    assert NOW + timedelta(days=5) == row.due_time
