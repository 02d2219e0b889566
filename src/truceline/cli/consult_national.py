"""`truceline consult step`, `decide`, `measure`, `review`: what a state's own people enter for it, and nobody else."""

from __future__ import annotations

import argparse
from typing import Any

from truceline.cli.consult_options import GUARANTOR, TALLY, Entering, Options, add_entering
from truceline.cli.options import moment

KINDS = ("military", "logistical", "economic", "diplomatic", "intelligence")


def add_parsers(commands: Any) -> None:
    """Add the commands."""
    for entering in ENTERINGS:
        add_entering(commands, entering)


def _mandate(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Mandate
    from truceline.model.quantity import TimeSpan

    has_span = args.start is not None and args.end is not None
    return Mandate(
        **base,
        guarantor=args.guarantor,
        body=args.body,
        instrument=args.instrument,
        outcome=args.outcome,
        for_count=args.for_count,
        against_count=args.against_count,
        abstain_count=args.abstain_count,
        present_count=args.present_count,
        span=TimeSpan(start=args.start, end=args.end) if has_span else None,
        cap=args.cap,
        area=args.area,
        conditions=tuple(args.condition),
    )


def _decision(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Decision

    return Decision(
        **base,
        guarantor=args.guarantor,
        outcome=args.outcome,
        kinds=tuple(args.kind),
        cites_index=args.cites_index,
        cites_sha256=args.cites_sha256,
        legal_basis=args.legal_basis,
        supersedes=args.supersedes,
    )


def _measure(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Measure

    return Measure(
        **base,
        guarantor=args.guarantor,
        decision_id=args.decision_id,
        measure_index=args.measure_index,
        status=args.status,
        contribution_ids=tuple(args.contribution),
    )


def _review(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Review

    return Review(
        **base,
        guarantor=args.guarantor,
        decision_id=args.decision_id,
        cause=args.cause,
        outcome=args.outcome,
        cites_index=args.cites_index,
        cites_sha256=args.cites_sha256,
    )


DECISION_ID = ("--decision-id", {"required": True, "metavar": "ID", "help": "the standing decision's record id"})
TEXTS: Options = (
    ("--cap", {"default": "", "metavar": "TEXT", "help": "how much, in the mandate's own words"}),
    ("--area", {"default": "", "metavar": "TEXT", "help": "where, in the mandate's own words"}),
    ("--condition", {"action": "append", "default": [], "metavar": "TEXT", "help": "one condition; may be repeated"}),
)
ENTERINGS = (
    Entering(
        "step",
        "Record a parliament's own vote: a mandate granted, refused or recalled. Its own officer signs.",
        "truceline consult step --guarantor QM --body Assembly --instrument 'motion 17' --outcome granted "
        "--for-count 301 --against-count 112 --abstain-count 9 --present-count 422 --start 2026-03-02T00:00:00Z "
        "--end 2026-09-02T00:00:00Z --key speaker.key",
        (
            GUARANTOR,
            ("--body", {"required": True, "metavar": "NAME", "help": "who voted"}),
            ("--instrument", {"required": True, "metavar": "TEXT", "help": "on what"}),
            ("--outcome", {"required": True, "choices": ("granted", "refused"), "help": "how; refused also recalls"}),
            *TALLY,
            ("--present-count", {"required": True, "type": int, "metavar": "N", "help": "votes cast in all"}),
            ("--start", {"type": moment, "metavar": "TIME", "help": "from when the mandate holds"}),
            ("--end", {"type": moment, "metavar": "TIME", "help": "until when"}),
            *TEXTS,
        ),
        _mandate,
    ),
    Entering(
        "decide",
        "Record a guarantor's own decision on one version of the dossier. Its office-holder signs; nobody else can.",
        "truceline consult decide --guarantor QM --outcome assist --kind logistical --cites-index 1 "
        "--cites-sha256 73b8...d329 --legal-basis 'law 3' --key minister.key",
        (
            GUARANTOR,
            ("--outcome", {"required": True, "choices": ("assist", "no", "abstain", "defer"), "help": "the answer"}),
            ("--kind", {"action": "append", "default": [], "choices": KINDS, "help": "kind of assistance; repeatable"}),
            ("--cites-index", {"required": True, "type": int, "metavar": "N", "help": "the version decided upon"}),
            ("--cites-sha256", {"required": True, "metavar": "HEX", "help": "that version's root hash"}),
            ("--legal-basis", {"required": True, "metavar": "TEXT", "help": "on what law"}),
            ("--supersedes", {"metavar": "ID", "help": "the state's decision before, where there is one"}),
        ),
        _decision,
    ),
    Entering(
        "measure",
        "Record a measure under a decision: authorised, executing, suspended or ended.",
        "truceline consult measure --guarantor QM --decision-id dcn-... --measure-index 0 --status authorised "
        "--contribution 'medical transport' --key minister.key",
        (
            GUARANTOR,
            DECISION_ID,
            ("--measure-index", {"required": True, "type": int, "metavar": "N", "help": "which, from 0"}),
            (
                "--status",
                {"required": True, "choices": ("authorised", "executing", "suspended", "ended"), "help": "its status"},
            ),
            ("--contribution", {"action": "append", "default": [], "metavar": "ID", "help": "what is contributed"}),
        ),
        _measure,
    ),
    Entering(
        "review",
        "Affirm, amend or revoke a decision that a correction, withdrawal or recall flagged.",
        "truceline consult review --guarantor QM --decision-id dcn-... --cause correction --outcome affirm "
        "--key minister.key",
        (
            GUARANTOR,
            DECISION_ID,
            (
                "--cause",
                {"required": True, "choices": ("correction", "withdrawal", "recall"), "help": "what flagged it"},
            ),
            ("--outcome", {"required": True, "choices": ("affirm", "amend", "revoke"), "help": "the state's own word"}),
            ("--cites-index", {"type": int, "default": 0, "metavar": "N", "help": "amend: the version that stands"}),
            ("--cites-sha256", {"default": "", "metavar": "HEX", "help": "amend: that version's root hash"}),
        ),
        _review,
    ),
)
