"""The board of a consultation as text and as one page: who was served, answered and decided, and which clocks run."""

from __future__ import annotations

from datetime import datetime

from truceline.model.board import Board, BoardGuarantor
from truceline.report.templating import environment, utc_words

PHASE_WORDS = {
    "none": "No consultation was requested",
    "requested": "Consultation requested, not yet met",
    "open": "Consultation open",
    "concluded": "Consultation concluded",
    "lapsed": "Consultation lapsed",
}
"""What each phase is called."""

OUTCOME_WORDS = {
    "breach": "breach, in the words of the commission",
    "no_breach": "no breach, in the words of the commission",
    "no_consensus": "no consensus",
}
"""What the commission can have found."""

SAYING = (
    "What a state does is that state's own political decision. A clock raises a flag and does nothing else; "
    "silence is not consent."
)
"""What stands above every board."""


def render_board(board: Board, *, generated_time: datetime, code_version: str) -> str:
    """Give the board as one page that needs nothing else: no scripts, no fonts, no network."""
    template = environment(markup=True).get_template("board.html.j2")
    return template.render(
        page_title=f"Consultation board: {board.title}",
        board=board,
        phase_words=PHASE_WORDS[board.phase],
        outcome_words=OUTCOME_WORDS,
        saying=SAYING,
        generated_time=generated_time,
        code_version=code_version,
        synthetic=board.synthetic,
    )


def board_text(board: Board) -> str:
    """Lay the board out in plain lines; `!` stands before what people should look at."""
    lines = [f"{board.title}: {PHASE_WORDS[board.phase].lower()}, as of {utc_words(board.now)}", SAYING, ""]
    lines += [f"  dossier version {one.version_index}: {one.status} ({one.root_sha256[:16]})" for one in board.versions]
    lines.append(f"  clarification by {board.party}: {board.clarification}")
    for found in board.findings:
        votes = ", ".join(f"{member} {vote}" for member, vote in found.votes.items())
        lines.append(f"  commission on version {found.version_index}: {OUTCOME_WORDS[found.outcome]} ({votes})")
        lines += [f"    dissent of {member}: {text}" for member, text in found.dissents.items()]
    lines += ["", "guarantors"]
    for one in board.guarantors:
        lines += _guarantor_lines(one)
    lines += ["", "clocks"]
    for clock in board.clocks:
        mark = "!" if clock.status.startswith("overdue") else " "
        lines.append(f"{mark} {clock.title} {clock.guarantor}: due {utc_words(clock.due)}, {clock.status}")
    lines += ["", f"{board.record_count} records hold, {board.refused_count} refused, {board.forged_count} forged"]
    lines += [f"! row {row.sequence} {row.what}: {row.verdict}: {row.reason}" for row in board.without_effect]
    return "\n".join(lines) + "\n"


def _guarantor_lines(one: BoardGuarantor) -> list[str]:
    kinds = f" ({', '.join(one.kinds)})" if one.kinds else ""
    lines = [
        f"{'!' if one.is_flagged else ' '} {one.guarantor} {one.title}: {one.decision}{kinds}",
        f"    served {one.served}, acknowledged {one.acknowledged}; notices: {one.notice}; own step: {one.own_step}",
    ]
    if one.signed_by:
        lines.append(f"    on {one.cites}, signed by {'; '.join(one.signed_by)}; review: {one.review}")
    return lines + [f"    measure {measure}" for measure in one.measures]
