"""`truceline consult ask`, `reply`, `non-reply`, `find`: the accused party is heard, then the commission finds."""

from __future__ import annotations

import argparse
from typing import Any

from truceline.cli.consult_options import TALLY, VERSION, Entering, add_entering, pair


def add_parsers(commands: Any) -> None:
    """Add the commands."""
    for entering in ENTERINGS:
        add_entering(commands, entering)


def _ask(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Clarification

    return Clarification(**base, status="asked", version_index=args.version_index, text=args.text)


def _reply(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Clarification

    return Clarification(**base, status="replied", text=args.text)


def _non_reply(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Clarification

    del args
    return Clarification(**base, status="not_replied")


def _finding(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import CommissionFinding

    votes = dict(args.vote)
    if unknown := sorted(set(votes.values()) - {"for", "against", "abstain"}):
        raise ValueError(f"votes={unknown} are not for, against or abstain")
    return CommissionFinding(
        **base,
        version_index=args.version_index,
        outcome=args.outcome,
        votes=votes,
        for_count=args.for_count,
        against_count=args.against_count,
        abstain_count=args.abstain_count,
        dissents=dict(args.dissent),
    )


ENTERINGS = (
    Entering(
        "ask",
        "Ask the accused party for clarification. The secretariat signs; the party has 48 h by default.",
        'truceline consult ask --version-index 1 --text "Where was the battery at 05:10?" --key secretariat.key',
        (VERSION, ("--text", {"required": True, "metavar": "TEXT", "help": "the question"})),
        _ask,
    ),
    Entering(
        "reply",
        "Record the accused party's reply. The party signs; a late reply is taken too and shown as late.",
        'truceline consult reply --text "It was not ours." --key party.key',
        (("--text", {"required": True, "metavar": "TEXT", "help": "the reply"}),),
        _reply,
    ),
    Entering(
        "non-reply",
        "Record that the party did not reply in its time. Taken only after that time; it proves nothing else.",
        "truceline consult non-reply --key secretariat.key",
        (),
        _non_reply,
    ),
    Entering(
        "find",
        "Record what the Special Commission found, with every vote and dissent. Its clerk signs.",
        "truceline consult find --version-index 1 --outcome no_consensus --vote A=for --vote B=against --for-count 1 "
        '--against-count 1 --abstain-count 0 --dissent "B=the angle was measured once" --key commission.key',
        (
            VERSION,
            (
                "--outcome",
                {
                    "required": True,
                    "choices": ("breach", "no_breach", "no_consensus"),
                    "help": "what it found, in its own words",
                },
            ),
            ("--vote", {"type": pair, "action": "append", "default": [], "metavar": "MEMBER=VOTE", "help": "one vote"}),
            *TALLY,
            (
                "--dissent",
                {"type": pair, "action": "append", "default": [], "metavar": "MEMBER=TEXT", "help": "one dissent"},
            ),
        ),
        _finding,
    ),
)
