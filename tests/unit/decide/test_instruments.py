"""Laws of treaties: rules of entry into force, monotone under consents; how far a state is bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truceline.decide.instruments import consent_ladder, entry_date, entry_state, rule_words
from truceline.model.guarantee import EntryRule, TreatyAction
from unit.decide.guarantee_made import CODES, act, day, instrument

TWO = EntryRule(kind="count", at_least_count=2)
NAMED = EntryRule(kind="named", states=("XA", "XB"), days=180)
SHARE = EntryRule(kind="share", share_ratio=2 / 3)


def test_each_kind_of_rule_enters_on_its_day() -> None:
    """Counts, named states, shares of signatories, days on top, and both ways to join rules give their first day."""
    signed = [act(state, "signature", 0) for state in CODES[:3]]
    done = [*signed, act("XA", "ratification", 3), act("XB", "approval", 5)]
    both = EntryRule(kind="all_of", rules=(TWO, NAMED))
    either = EntryRule(kind="any_of", rules=(TWO, NAMED), days=2)

    assert [day(5), day(185), day(5), day(185), day(7)] == [
        entry_date(rule, done) for rule in (TWO, NAMED, SHARE, both, either)
    ]
    assert [None] * 5 == [entry_date(rule, done[:-1]) for rule in (TWO, NAMED, SHARE, both, either)]
    assert entry_date(SHARE, []) is None


def test_a_withdrawal_before_entry_counts_and_after_it_does_not_undo() -> None:
    """Who withdrew in time is not counted; what entered into force stays in force for the others."""
    early = [act("XA", "ratification", 0), act("XA", "withdrawal", 1), act("XB", "ratification", 2)]
    again = [*early, act("XA", "accession", 3)]
    late = [act("XA", "ratification", 0), act("XB", "ratification", 2), act("XB", "withdrawal", 4, 6)]

    assert [None, day(3), day(2)] == [entry_date(TWO, done) for done in (early, again, late)]
    assert ("XA",) == entry_state(instrument(TWO), late, as_of=day(9)).consented
    assert entry_state(instrument(TWO), late, as_of=day(9)).is_in_force


rules = st.recursive(
    st.one_of(
        st.builds(EntryRule, kind=st.just("count"), at_least_count=st.integers(1, 4), days=st.integers(0, 200)),
        st.builds(EntryRule, kind=st.just("named"), states=st.lists(st.sampled_from(CODES), min_size=1).map(tuple)),
        st.builds(EntryRule, kind=st.just("share"), share_ratio=st.sampled_from([0.5, 2 / 3, 1.0])),
    ),
    lambda inner: st.builds(
        EntryRule,
        kind=st.sampled_from(["all_of", "any_of"]),
        rules=st.lists(inner, min_size=1, max_size=3).map(tuple),
        days=st.integers(0, 90),
    ),
    max_leaves=5,
)
actions = st.builds(
    act,
    st.sampled_from(CODES),
    st.sampled_from(["signature", "definitive_signature", "ratification", "accession", "withdrawal", "declaration"]),
    st.integers(0, 40),
)
consents = st.builds(
    act,
    st.sampled_from(CODES),
    st.sampled_from(["ratification", "acceptance", "approval", "accession"]),
    st.integers(0, 40),
)


@given(rules, st.lists(actions, max_size=12), consents)
def test_one_more_ratification_never_delays_entry(
    rule: EntryRule, done: list[TreatyAction], more: TreatyAction
) -> None:
    """For any rule and any history, a further consent leaves entry into force where it was or brings it forward."""
    before, after = entry_date(rule, done), entry_date(rule, [*done, more])

    assert before is None or (after is not None and after <= before)


@given(rules, st.lists(actions, max_size=12), st.permutations(range(12)))
def test_the_order_of_entry_is_no_matter(rule: EntryRule, done: list[TreatyAction], order: list[int]) -> None:
    """Actions mean the same in whatever order they were entered."""
    mixed = [done[index] for index in order if index < len(done)]

    assert entry_date(rule, done) == entry_date(rule, mixed)


@given(rules, st.lists(actions, max_size=12), st.integers(0, 300), st.integers(0, 300))
def test_what_is_in_force_stays_in_force(rule: EntryRule, done: list[TreatyAction], first: int, second: int) -> None:
    """If an instrument is in force on a day, it is on every later one."""
    early, late = sorted((first, second))
    states = [entry_state(instrument(rule), done, as_of=day(days)) for days in (early, late)]

    assert not states[0].is_in_force or states[1].is_in_force


def test_a_state_climbs_by_its_own_actions() -> None:
    """Signed, consented, in force and withdrawn follow from what a state did, with both dates."""
    done = [
        act("XA", "signature", 0),
        act("XA", "ratification", 2, 10),
        act("XB", "ratification", 4),
        act("XC", "withdrawal", 5),
    ]
    found = [consent_ladder("XA", [instrument(TWO)], done, as_of=day(n)) for n in (0, 2, 4, 10)]

    assert ["signed", "consented", "consented", "in_force"] == [one.rung for one in found]
    assert day(10) == found[-1].since
    assert "ended" == consent_ladder("XC", [instrument(TWO)], done, as_of=day(9)).rung
    assert "unknown" == consent_ladder("XD", [instrument(TWO)], done, as_of=day(9)).rung
    assert "unknown" == consent_ladder("XD", [], done, as_of=day(9)).rung


def test_entry_is_said_in_words() -> None:
    """What is lacking, what is to come and what holds are said, and an unknown rule is said to be unknown."""
    done = [act("XA", "ratification", 0), act("XB", "ratification", 1)]
    words = [
        entry_state(instrument(rule), done[:count], as_of=day(2)).lacking
        for rule, count in ((None, 2), (TWO, 1), (TWO, 2), (NAMED, 2))
    ]

    assert "unknown" in words[0]
    assert "not yet: at least 2 consents; 1 consented, 0 signed" == words[1]
    assert f"in force since {day(1)}" == words[2]
    assert f"enters into force on {day(181)}" == words[3]
    assert "(at least 2 consents and consents of at least 66.7% of the signatories)" == rule_words(
        EntryRule(kind="all_of", rules=(TWO, SHARE))
    )
    assert " or " in rule_words(EntryRule(kind="any_of", rules=(TWO, SHARE)))


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "count"},
        {"kind": "named"},
        {"kind": "share"},
        {"kind": "share", "share_ratio": 1.5},
        {"kind": "all_of"},
        {"kind": "any_of"},
        {"kind": "count", "at_least_count": 1, "days": -1},
    ],
)
def test_an_empty_rule_is_not_built(content: dict[str, object]) -> None:
    """Nothing enters into force by a rule that says nothing."""
    with pytest.raises(ValueError, match=r"outside|names no state|holds no rule"):
        EntryRule(**content)  # type: ignore[arg-type]


def test_effect_before_the_deed_is_not_built() -> None:
    """A date of effect lies on or after the date of the deed."""
    assert day(1) == act("XA", "ratification", 1, 1).effect_at
    with pytest.raises(ValueError, match="is before done_at"):
        act("XA", "ratification", 1, 0)
    with pytest.raises(ValueError, match="has no source"):
        TreatyAction(action_id="a", instrument_id="pact", state="XA", action="signature", done_at=day(0), sources=())
