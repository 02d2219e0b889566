"""What changes between two texts, and which clause makes the difference."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from laws.assess_world import assessor, clause, conduct, geometry, meridian, text
from truceline.assess.columns import columns_of
from truceline.assess.difference import Change, difference
from truceline.model.agreement import Agreement
from truceline.model.provision import Exemption, Prohibition, Withdrawal
from truceline.model.zone import Belt, Unmapped


def base(*more: Any, depth_m: float = 10_000.0) -> Agreement:
    """Give a text with a belt of a depth."""
    return text(
        clause(Prohibition, acts=("presence",), zone_ids=("belt",)),
        *more,
        zones=(Belt(zone_id="belt", depth_high_m=depth_m),),
    )


def changes(before: Agreement, after: Agreement, *, east_m: float = 15_000.0, **more: Any) -> list[Change]:
    """Give what changes for one presence 15 km off the line."""
    columns = columns_of([conduct("presence", east_m, **more)], parties=("A", "B"))
    return difference(columns, assessor(before), assessor(after))


def test_nothing_changes_between_a_text_and_itself() -> None:
    """Nor between two texts that differ where no event is."""
    assert [] == changes(base(), base())
    assert [] == changes(base(), base(depth_m=12_000.0))


def test_a_deeper_belt_is_named_as_what_the_clause_rests_on() -> None:
    """The clause is the same word for word, its zone is not: in keeping before, potential after."""
    (change,) = changes(base(), base(depth_m=20_000.0))

    assert ("what it rests on changed", "compliant", "potential_violation") == (
        change.clause.why,
        change.before and change.before.kind,
        change.after and change.after.kind,
    )
    assert ("made.clause", "made", "event") == (change.clause.provision_id, change.clause.agreement_id, change.event_id)


def test_a_clause_added_or_left_out_is_named() -> None:
    """With a new clause a finding appears; without it it goes."""
    added = base(clause(Prohibition, "made.more", acts=("presence",)))
    (forth,) = changes(base(), added)
    (back,) = changes(added, base())

    assert ("made.more", "clause added", None) == (forth.clause.provision_id, forth.clause.why, forth.before)
    assert ("made.more", "clause left out", None) == (back.clause.provision_id, back.clause.why, back.after)


def test_parts_of_a_clause_that_changed_are_named() -> None:
    """The acts differ; or the whole clause is of another kind."""
    other = msgspec.structs.replace(
        base(depth_m=20_000.0), provisions=(clause(Prohibition, acts=("flight",), zone_ids=("belt",)),)
    )
    withdrawal = msgspec.structs.replace(
        base(depth_m=20_000.0), provisions=(clause(Withdrawal, weapons=None, forces=True, zone_ids=("belt",)),)
    )
    (acts,) = changes(base(depth_m=20_000.0), other)
    (kind,) = changes(base(), withdrawal)

    assert ("clause changed", ("acts",)) == (acts.clause.why, acts.clause.fields)
    assert ("clause changed", ("kind",)) == (kind.clause.why, kind.clause.fields)


def test_an_exemption_is_named_as_what_makes_the_difference() -> None:
    """The clause stands as it was; what lets the event pass is the new exemption."""
    exemption = clause(
        Exemption, "made.rescue", acts=("presence",), purposes=("rescue",), excepts_provision_ids=("made.clause",)
    )
    exempting = base(msgspec.structs.replace(exemption, summary="Rescue may pass."))
    (change,) = changes(base(), exempting, east_m=1_000.0, purpose="rescue")

    assert ("Rescue may pass.", "exempt") == (change.clause.summary, change.after and change.after.kind)


def test_what_is_lacking_is_said() -> None:
    """A zone that is no longer mapped makes the finding indeterminate, for want of the map."""
    unmapped = msgspec.structs.replace(base(), zones=(Unmapped(zone_id="belt", lacking="the map"),))
    (change,) = changes(base(), unmapped, east_m=1_000.0)

    assert ("the map",) == (change.after and change.after.lacking)


@pytest.mark.parametrize(("sigma_m", "count"), [(20.0, 1), (0.2, 0)])
def test_small_moves_of_the_line_change_only_what_is_near(sigma_m: float, count: int) -> None:
    """A probability that changes by less than half a hundredth is called the same."""
    before = msgspec.structs.replace(base(), geometries=(geometry(meridian(), sigma_m=100.0),))
    after = msgspec.structs.replace(base(), geometries=(geometry(meridian(), sigma_m=100.0 + sigma_m),))

    assert count == len(changes(before, after, east_m=9_900.0))


def test_events_without_names_are_known_by_their_row() -> None:
    """Columns may leave out ids."""
    columns = columns_of([conduct("presence", 15_000.0)], parties=("A", "B"))
    bare = msgspec.structs.replace(columns, event_ids=(), revision_index=())
    (change,) = difference(bare, assessor(base()), assessor(base(depth_m=20_000.0)))

    assert ("row-0", 0) == (change.event_id, change.revision_index)


def test_exchanging_the_texts_exchanges_before_and_after() -> None:
    """What appears one way disappears the other way, under the same clause."""
    deep, shallow = base(depth_m=20_000.0), base()
    (forth,), (back,) = changes(shallow, deep), changes(deep, shallow)

    assert (forth.before, forth.after) == (back.after, back.before)
    assert ("both", "both") == (forth.clause.stands_in, back.clause.stands_in)


def test_a_missing_clause_and_being_in_keeping_are_alike() -> None:
    """A clause that only one text has, and that an event keeps to, is no change."""
    more = base(clause(Prohibition, "made.more", acts=("presence",), zone_ids=("belt",)))

    assert [] == changes(base(), more, east_m=30_000.0)


def test_one_party_s_version_is_compared_with_the_other_s() -> None:
    """Each text stands in one party's version; what differs between these is a change under one clause."""
    ours = msgspec.structs.replace(base(), version_by="A")
    theirs = msgspec.structs.replace(base(depth_m=20_000.0), version_by="B")
    (change,) = changes(ours, theirs)

    assert ("compliant", "potential_violation") == (
        change.before and change.before.kind,
        change.after and change.after.kind,
    )


def test_where_both_hold_several_versions_each_is_compared_with_its_own() -> None:
    """Only the second party's version becomes deeper, so only its finding changes."""
    first = msgspec.structs.replace(base(), version_by="A")
    second = msgspec.structs.replace(base(), version_by="B")
    deeper = msgspec.structs.replace(base(depth_m=20_000.0), version_by="B")
    columns = columns_of([conduct("presence", 15_000.0)], parties=("A", "B"))
    (change,) = difference(columns, assessor(first, second), assessor(first, deeper))

    assert "B" == change.clause.version_by


def test_of_several_findings_of_one_clause_the_gravest_is_compared() -> None:
    """Two versions against one: the graver of the two stands beside the other's, and nothing changes."""
    first = msgspec.structs.replace(base(), version_by="A")
    deeper = msgspec.structs.replace(base(depth_m=20_000.0), version_by="B")
    columns = columns_of([conduct("presence", 15_000.0)], parties=("A", "B"))

    assert [] == difference(columns, assessor(first, deeper), assessor(base(depth_m=20_000.0)))


def test_without_any_event_nothing_changes() -> None:
    """Empty columns give no change."""
    assert [] == difference(columns_of([], parties=("A", "B")), assessor(base()), assessor(base(depth_m=20_000.0)))
