"""Laws of support: no more delivered than allocated, none twice, corrections replace, currencies stay apart."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.decide.pledges import sum_over_donors, support_faults, support_totals
from truceline.model.guarantee import SupportStep
from unit.decide.guarantee_made import day, support

LADDER = [support("c", "commitment", 100), support("a", "allocation", 60), support("d", "delivery", 40, 1)]


def test_a_ladder_that_holds_has_no_fault_and_its_backlog() -> None:
    """What is delivered within what is allocated within what is committed stands, and the rest is backlog."""
    (total,) = support_totals([support("p", "pledge", 7), *LADDER], as_of=day(1))

    assert {} == support_faults(LADDER)
    assert (Decimal(7), Decimal(20)) == (total.pledge, total.backlog)
    assert support_totals(LADDER, as_of=day(0))[0].backlog is None


def test_more_delivered_than_allocated_is_a_fault_until_corrected() -> None:
    """The delivery that goes beyond is named, and stands once an allocation was corrected by its day."""
    much = [*LADDER, support("d2", "delivery", 30, 2)]
    corrected = [*much, support("a2", "allocation", 80, 1, corrects="a")]

    assert ["d2"] == list(support_faults(much))
    assert "no correction is recorded" in support_faults(much)["d2"]
    assert {} == support_faults(corrected)
    assert Decimal(80) == support_totals(corrected, as_of=day(2))[0].allocation


def test_each_rung_rests_on_the_one_below() -> None:
    """Allocation without commitment, delivery without allocation, and a correction that undercuts are faults."""
    assert ["a"] == list(support_faults([support("a", "allocation", 1)]))
    assert ["d"] == list(support_faults([support("d", "delivery", 1)]))
    assert ["a2"] == list(support_faults([*LADDER, support("a2", "allocation", 30, 2, corrects="a")]))
    assert {} == support_faults([support("p", "pledge", 9)])


def test_a_correction_names_what_it_replaces() -> None:
    """A correction of nothing, or of another item or rung, is a fault."""
    assert "names no earlier step" in support_faults([support("x", "commitment", 1, corrects="y")])["x"]
    wrong = [*LADDER, support("x", "commitment", 1, 1, corrects="a")]
    assert "another donor" in support_faults(wrong)["x"]


def test_a_share_in_a_bodys_support_is_not_added_twice() -> None:
    """Over donors a share counts where the body itself is missing, and currencies are never added to each other."""
    steps = [
        support("1", "commitment", 10),
        support("2", "commitment", 5, item="share", share_of="XE"),
        support("3", "commitment", 50, donor="XE"),
        support("4", "commitment", 2, currency="USD"),
    ]
    with_body, without = support_totals(steps, as_of=day(0)), support_totals(steps[:2], as_of=day(0))

    assert {"EUR": Decimal(60), "USD": Decimal(2)} == sum_over_donors(with_body, "commitment")
    assert {"EUR": Decimal(15)} == sum_over_donors(without, "commitment")
    assert {} == sum_over_donors(with_body, "delivery")


steps_of = st.lists(
    st.tuples(
        st.sampled_from(["pledge", "commitment", "allocation", "delivery"]), st.integers(0, 50), st.integers(0, 9)
    ),
    max_size=15,
).map(lambda rows: [support(f"s{index}", *row) for index, row in enumerate(rows)])


@given(steps_of, st.integers(0, 9))
def test_what_stands_keeps_the_order_of_rungs_on_every_day(steps: list[SupportStep], days: int) -> None:
    """For any steps, those that stand never show more on a rung than on the one it rests on, on any day."""
    wrong = support_faults(steps)
    totals = support_totals([one for one in steps if one.step_id not in wrong], as_of=day(days))

    assert all((one.delivery or 0) <= (one.allocation or 0) <= (one.commitment or 0) for one in totals)


@pytest.mark.parametrize(
    ("content", "reason"),
    [({"sources": ()}, "no source"), ({"currency": "euro"}, "ISO 4217")],
)
def test_a_step_that_cannot_be_is_not_built(content: dict[str, object], reason: str) -> None:
    """An amount has a source, a currency and no minus."""
    with pytest.raises(ValueError, match=reason):
        support("x", "pledge", 1, **content)
    with pytest.raises(ValueError, match="outside"):
        support("x", "pledge", Decimal("NaN"))
    with pytest.raises(ValueError, match="outside"):
        support("x", "pledge", -1)
