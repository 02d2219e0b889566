"""When an instrument enters into force, and how far a state is bound by it: from dated treaty actions alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from truceline.model.guarantee import Citation, EntryRule, Instrument, TreatyAction
from truceline.model.guarantee_view import EntryState, LadderState, RungName

CONSENTS = frozenset({"definitive_signature", "ratification", "acceptance", "approval", "accession"})
"""Actions by which a state consents to be bound: Vienna Convention on the Law of Treaties, Art. 11 to 16."""

SIGNATURES = frozenset({"signature", "definitive_signature"})


def entry_state(instrument: Instrument, actions: Iterable[TreatyAction], *, as_of: date) -> EntryState:
    """Say whether an instrument is in force on a day, by the actions done by then.

    Once entered it stays: a withdrawal ends it for one state only, and a later signature undoes nothing.
    """
    done = [one for one in actions if one.instrument_id == instrument.instrument_id and one.done_at <= as_of]
    entered_on = None if instrument.entry_rule is None else entry_date(instrument.entry_rule, done)
    consented = sorted(_consents(done, as_of))
    signed = sorted(_signers(done, as_of))
    return EntryState(
        instrument=instrument,
        entered_on=entered_on,
        is_in_force=entered_on is not None and entered_on <= as_of,
        consented=tuple(consented),
        signed=tuple(signed),
        lacking=_lacking_words(instrument, entered_on, as_of=as_of, consented=consented, signed=signed),
    )


def entry_date(rule: EntryRule, actions: Sequence[TreatyAction]) -> date | None:
    """Give the first day on which a rule is met, its days added, or `None`; more consents never make it later."""
    inner = _inner_date(rule, actions)
    return None if inner is None else inner + timedelta(days=rule.days)


def _inner_date(rule: EntryRule, actions: Sequence[TreatyAction]) -> date | None:
    if rule.kind in {"all_of", "any_of"}:
        dates = [entry_date(inner, actions) for inner in rule.rules]
        known = [one for one in dates if one is not None]
        if rule.kind == "any_of":
            return min(known, default=None)
        return max(known) if len(known) == len(dates) else None
    days = sorted({one.done_at for one in actions})
    return next((day for day in days if _met_on(rule, actions, day)), None)


def _met_on(rule: EntryRule, actions: Sequence[TreatyAction], day: date) -> bool:
    consented = _consents(actions, day)
    if rule.kind == "count":
        return len(consented) >= rule.at_least_count
    if rule.kind == "named":
        return set(rule.states) <= consented
    signed = _signers(actions, day)
    return bool(signed) and len(consented & signed) >= rule.share_ratio * len(signed)


def _consents(actions: Iterable[TreatyAction], day: date) -> set[str]:
    """Give the states that had consented by a day and not withdrawn since.

    A state that consents again on or after its withdrawal counts again.
    """
    consented: dict[str, date] = {}
    withdrawn: dict[str, date] = {}
    for one in actions:
        if one.done_at > day:
            continue
        if one.action in CONSENTS:
            consented[one.state] = max(consented.get(one.state, one.done_at), one.done_at)
        elif one.action == "withdrawal" and (effect_at := one.effect_at or one.done_at) <= day:
            withdrawn[one.state] = max(withdrawn.get(one.state, effect_at), effect_at)
    return {state for state, last in consented.items() if state not in withdrawn or last >= withdrawn[state]}


def _signers(actions: Iterable[TreatyAction], day: date) -> set[str]:
    return {one.state for one in actions if one.action in SIGNATURES and one.done_at <= day}


def _lacking_words(
    instrument: Instrument, entered_on: date | None, *, as_of: date, consented: list[str], signed: list[str]
) -> str:
    if instrument.entry_rule is None:
        return "the rule of entry into force is unknown"
    if entered_on is None:
        return f"not yet: {rule_words(instrument.entry_rule)}; {len(consented)} consented, {len(signed)} signed"
    return f"in force since {entered_on}" if entered_on <= as_of else f"enters into force on {entered_on}"


def rule_words(rule: EntryRule) -> str:
    """Say a rule of entry into force in words.

    >>> rule_words(EntryRule(kind="count", at_least_count=3, days=30))
    '30 days after at least 3 consents'
    """
    if rule.kind in {"all_of", "any_of"}:
        joined = (" and " if rule.kind == "all_of" else " or ").join(rule_words(inner) for inner in rule.rules)
        words = f"({joined})"
    elif rule.kind == "count":
        words = f"at least {rule.at_least_count} consents"
    elif rule.kind == "named":
        words = f"consents of {', '.join(sorted(rule.states))}"
    else:
        words = f"consents of at least {rule.share_ratio:.1%} of the signatories"
    return f"{rule.days} days after {words}" if rule.days else words


def consent_ladder(
    state: str, instruments: Iterable[Instrument], actions: Sequence[TreatyAction], *, as_of: date
) -> LadderState:
    """Give how far a state is bound under any instrument on a day; the furthest one is shown, the others are named."""
    found = [one for one in instruments if state in one.states or any(_is_about(act, one, state) for act in actions)]
    steps = sorted((_bound_by(state, one, actions, as_of=as_of) for one in found), key=lambda step: (-step[0], step[2]))
    if not steps:
        return LadderState(
            state=state, ladder="consent_to_be_bound", rung="unknown", why="no instrument that names it is entered"
        )
    _, rung, _, since = steps[0]
    return LadderState(
        state=state,
        ladder="consent_to_be_bound",
        rung=rung,
        since=since,
        why="; ".join(words for _, _, words, _ in steps),
        sources=_sources_of(state, found, actions, as_of=as_of),
    )


def _sources_of(
    state: str, instruments: Sequence[Instrument], actions: Sequence[TreatyAction], *, as_of: date
) -> tuple[Citation, ...]:
    """Give what was read of the instruments and of the state's actions under them, each once."""
    own = [one for one in actions if one.done_at <= as_of and any(_is_about(one, text, state) for text in instruments)]
    cited = [source for text in instruments for source in text.sources]
    cited += [source for one in own for source in one.sources]
    return tuple(dict.fromkeys(cited))


def _is_about(action: TreatyAction, instrument: Instrument, state: str) -> bool:
    return action.instrument_id == instrument.instrument_id and action.state == state


def _bound_by(
    state: str, instrument: Instrument, actions: Sequence[TreatyAction], *, as_of: date
) -> tuple[int, RungName, str, date | None]:
    """Give (how far, rung, words, since) of one state under one instrument."""
    own = [one for one in actions if _is_about(one, instrument, state) and one.done_at <= as_of]
    entry = entry_state(instrument, actions, as_of=as_of)
    title = f"{instrument.title} ({instrument.binding})"
    since = max((one.done_at for one in own), default=None)
    if state in entry.consented:
        effect_at = max(one.effect_at or one.done_at for one in own if one.action in CONSENTS)
        if entry.is_in_force and effect_at <= as_of:
            return 3, "in_force", f"{title}: in force", max(effect_at, entry.entered_on or effect_at)
        return 2, "consented", f"{title}: consent given, {entry.lacking}", since
    if any(one.action == "withdrawal" for one in own):
        return 0, "ended", f"{title}: withdrawn", since
    if state in entry.signed:
        return 1, "signed", f"{title}: signed, {entry.lacking}", since
    return -1, "unknown", f"{title}: no action is recorded", since
