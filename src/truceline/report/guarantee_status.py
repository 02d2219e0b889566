"""Says in plain lines what the register of guarantees holds on one day: five pillars per state, with sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from truceline.model.guarantee import QUESTIONS, Assertion, Citation, Pillar, SupportRung
from truceline.model.guarantee_view import GuaranteeCell, LadderState, MatchRow, RegisterView, SupportTotal

PILLAR_TITLES: dict[Pillar, str] = {
    "monitoring": "1 monitoring of the ceasefire",
    "support": "2 support for the armed forces",
    "force": "3 multinational force",
    "commitment": "4 binding commitment",
    "cooperation": "5 long-term cooperation",
}
"""What the five pillars are called, in their order."""

SUPPORT_WORDS: dict[SupportRung, str] = {
    "pledge": "pledged",
    "commitment": "committed",
    "allocation": "allocated",
    "delivery": "delivered",
}
"""What the rungs from said to delivered are called."""

SOURCES_SHOWN_MAX_COUNT = 2
"""How many sources of one line are written out in text; JSON and the history have them all."""


class PillarRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the status: state, pillar, question, the answer in one word, words, and its sources.

    Without a source the answer is *unknown*; `pillar` is *participation* for the line that belongs to none.
    """

    state: str
    name: str
    pillar: str
    question: str
    answer: str
    words: str
    sources: tuple[Citation, ...]

    def __post_init__(self) -> None:
        """Hold that everything said has a source."""
        assert self.sources or self.answer == "unknown", f"{self.state} {self.question}: {self.answer} has no source"


def pillar_rows(view: RegisterView) -> list[PillarRow]:
    """Give every line of the status: states by name, pillars and questions in their fixed order."""
    rows: list[PillarRow] = []
    for state in view.states:
        cells = [cell for cell in view.cells if cell.state == state.code]
        rows += [_cell_row(cell, state.name) for cell in cells if cell.pillar is None]
        for pillar in QUESTIONS:
            rows += [_cell_row(cell, state.name) for cell in cells if cell.pillar == pillar]
            rows += list(_recorded_rows(view, state.code, state.name, pillar))
    return rows


def _recorded_rows(view: RegisterView, code: str, name: str, pillar: Pillar) -> Iterator[PillarRow]:
    """Give what records say beside assertions: ladders, support, facilities."""
    found: list[tuple[str, str, str, tuple[Citation, ...]]] = []
    if pillar == "commitment":
        found = [_ladder_words(one) for one in view.ladders if one.state == code]
    elif pillar == "support":
        found = [
            (f"recorded: {one.item}", "stated", support_words(one), one.sources)
            for one in view.support
            if one.donor == code
        ]
    elif pillar == "force":
        found = [
            (f"facility {one.facility_id}", "stated", f"{one.kind} in {one.area_id}, {one.status}", one.sources)
            for one in view.facilities
            if one.holder == code
        ]
    for question, answer, words, sources in found:
        yield PillarRow(
            state=code, name=name, pillar=pillar, question=question, answer=answer, words=words, sources=sources
        )


def _ladder_words(one: LadderState) -> tuple[str, str, str, tuple[Citation, ...]]:
    words = [one.why, f"way: {one.next_step}" if one.next_step else ""]
    answer = one.rung if one.sources else "unknown"
    return f"ladder {one.ladder}", answer, "; ".join(filter(None, words)), one.sources


def _cell_row(cell: GuaranteeCell, name: str) -> PillarRow:
    conditions = list(dict.fromkeys(text for one in cell.current for text in one.conditions))
    notes = list(dict.fromkeys(one.note for one in cell.current if one.note))
    reliability = sorted({one.reliability for one in cell.current if one.sources})
    words = [
        cell.text,
        f"if: {', '.join(conditions)}" if conditions else "",
        f"note: {'; '.join(notes)}" if notes else "",
        "the newest sources disagree" if cell.is_disputed else "",
        f"said {cell.current[0].asserted_at} ({', '.join(reliability)})" if reliability else "",
    ]
    return PillarRow(
        state=cell.state,
        name=name,
        pillar=cell.pillar or cell.predicate,
        question=cell.predicate + (f" ({cell.topic})" if cell.topic else ""),
        answer=cell.answer,
        words="; ".join(filter(None, words)),
        sources=cell.sources,
    )


def amount_words(amount: Decimal | None) -> str:
    """Write an amount with thousands apart, or that none is recorded.

    >>> amount_words(Decimal("1234.5")), amount_words(None)
    ('1,234.50', 'not recorded')
    """
    return "not recorded" if amount is None else f"{amount:,.2f}"


def support_words(one: SupportTotal) -> str:
    """Say what one donor said, committed, allocated and delivered of one item."""
    rungs = (("pledged", one.pledge), ("committed", one.commitment), ("allocated", one.allocation))
    words = [f"{word} {amount_words(amount)}" for word, amount in rungs]
    words += [f"delivered {amount_words(one.delivery)}", f"backlog {amount_words(one.backlog)}"]
    share = f"; share of {one.share_of}, not added again" if one.share_of else ""
    return f"{one.currency}: {', '.join(words)}{share}"


def _sources_words(sources: Sequence[Citation]) -> str:
    shown = [
        f"{one.url} ({one.publisher}, {one.published or 'date not seen'})" for one in sources[:SOURCES_SHOWN_MAX_COUNT]
    ]
    more_count = len(sources) - len(shown)
    return " | ".join(shown) + (f" | and {more_count} more" if more_count else "")


def pillars_text(view: RegisterView, rows: Sequence[PillarRow]) -> str:
    """Lay the status out in plain lines, state by state and pillar by pillar, each line with its source under it."""
    lines = [
        f"guarantees as of {view.as_of}: {len(view.states)} states; nothing here decides or triggers anything",
        "unknown: nobody knows; none: there is nothing; refused: they said no; reported: others say so",
    ]
    titles: dict[str, str] = {str(pillar): title for pillar, title in PILLAR_TITLES.items()}
    state = pillar = ""
    for row in rows:
        if row.state != state:
            lines += ["", f"{row.name} ({row.state})"]
            state, pillar = row.state, "participation"
        if row.pillar != pillar:
            lines.append(f"  {titles[row.pillar]}")
            pillar = row.pillar
        lines.append(f"    {row.question}: {row.answer}" + (f"; {row.words}" if row.words else ""))
        if row.sources:
            lines.append(f"      source: {_sources_words(row.sources)}")
    if view.sums:
        lines += [
            "",
            "support on record over all donors, each currency by itself; no share of a body's support is added twice",
        ]
        lines += [f"  {SUPPORT_WORDS[one.rung]}: {one.currency} {amount_words(one.amount)}" for one in view.sums]
    lines += ["", "instruments"]
    for entry in view.instruments:
        signed = ", ".join(entry.signed) or "nobody on record"
        lines.append(f"  {entry.instrument.title} ({entry.instrument.binding}): signed by {signed}; {entry.lacking}")
        lines.append(f"      source: {_sources_words(entry.instrument.sources)}")
    return "\n".join(lines) + "\n"


def history_text(assertions: Sequence[Assertion], *, subject: str) -> str:
    """Lay out everything that was ever said of a subject, in the order in which it was said."""
    lines = [f"{len(assertions)} assertions about {subject}, in the order in which they were made"]
    for one in assertions:
        topic = f" ({one.topic})" if one.topic else ""
        span = f", holds {one.valid_from or '...'} to {one.valid_to or '...'}" if one.valid_from or one.valid_to else ""
        words = f"; {one.text}" if one.text else ""
        lines.append(f"{one.asserted_at} {one.predicate}{topic}: {one.answer}{words}{span}")
        lines.append(f"  {one.assertion_id}, {one.reliability}, entered by {one.entered_by}")
        lines.append(f"  source: {_sources_words(one.sources) or 'none'}")
    return "\n".join(lines) + "\n"


def match_text(rows: Sequence[MatchRow], view: RegisterView) -> str:
    """Lay out what each guarantor could bring to a consultation, in the order of their names."""
    lines = [f"what guarantors could bring, as of {view.as_of}; by name, no order of merit; it starts and asks nothing"]
    for row in rows:
        lines += ["", f"{row.state.name} ({row.state.code})"]
        lines += [f"  {ladder_words(one)}" for one in row.ladders]
        lines += [f"  offered: {_offer_words(one)}" for one in row.offers]
        lines += [f"  {one.answer}: {_offer_words(one)}" for one in row.refusals]
        lines += [f"  condition not declared met: {text}" for text in row.conditions_unmet]
        lines += [f"  condition declared met: {text}" for text in row.conditions_met]
        lines += [f"  support: {one.item}, {support_words(one)}" for one in row.support]
        lines += [] if row.support else ["  support: unknown (nothing is recorded)"]
        lines.append(f"  unknown: {', '.join(row.unknown_questions) or 'nothing that was asked'}")
    return "\n".join(lines) + "\n"


def ladder_words(one: LadderState) -> str:
    """Say where a state stands on one ladder, with the window and caps of a mandate."""
    words = [f"{one.ladder}: {one.rung} ({one.why})"]
    if one.window_from is not None or one.window_to is not None:
        words.append(f"window {one.window_from or 'open'} to {one.window_to or 'open'}")
    words += [f"caps: {one.cap_text}"] if one.cap_text else []
    words += [f"way: {one.next_step}"] if one.next_step else []
    return "; ".join(words)


def _offer_words(cell: GuaranteeCell) -> str:
    topic = f" ({cell.topic})" if cell.topic else ""
    return f"{cell.predicate}{topic}, {cell.answer}" + (f": {cell.text}" if cell.text else "")
