"""`truceline consult version`, `serve`, `ack`, `notice`: which dossier stands, and who has it."""

from __future__ import annotations

import argparse
from typing import Any

from truceline.cli.consult_options import GUARANTOR, VERSION, Entering, add_entering
from truceline.cli.options import moment


def add_parsers(commands: Any) -> None:
    """Add the commands."""
    for entering in ENTERINGS:
        add_entering(commands, entering)


def _version(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import DossierVersion

    return DossierVersion(
        **base,
        version_index=args.version_index,
        dossier_id=args.dossier_id,
        root_sha256=args.root_sha256,
        status=args.status,
        reasons=args.reasons,
        supersedes_index=args.supersedes_index,
    )


def _service(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Service

    return Service(
        **base, guarantor=args.guarantor, version_index=args.version_index, acknowledge_by=args.acknowledge_by
    )


def _acknowledgement(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Acknowledgement

    return Acknowledgement(**base, guarantor=args.guarantor, version_index=args.version_index)


def _notice(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Notice

    return Notice(**base, guarantor=args.guarantor, status=args.status)


ENTERINGS = (
    Entering(
        "version",
        "Enter a version of the dossier. Two named reviewers sign what is released, corrected or withdrawn.",
        "truceline consult version --version-index 2 --status released --dossier-id D-17 --root-sha256 73b8...d329 "
        '--supersedes-index 1 --reasons "a clock was wrong" --key reviewer1.key --key reviewer2.key',
        (
            VERSION,
            ("--status", {"required": True, "choices": ("draft", "released", "withdrawn"), "help": "its new status"}),
            ("--dossier-id", {"required": True, "metavar": "ID", "help": "the dossier"}),
            ("--root-sha256", {"required": True, "metavar": "HEX", "help": "root hash of its bytes"}),
            ("--reasons", {"default": "", "metavar": "TEXT", "help": "why it corrects or is withdrawn"}),
            ("--supersedes-index", {"type": int, "metavar": "N", "help": "the version that it corrects"}),
        ),
        _version,
    ),
    Entering(
        "serve",
        "Serve a released version on a guarantor. The secretariat signs.",
        "truceline consult serve --guarantor QM --version-index 1 --acknowledge-by 2026-03-01T20:00:00Z "
        "--key secretariat.key",
        (
            GUARANTOR,
            VERSION,
            (
                "--acknowledge-by",
                {"type": moment, "required": True, "metavar": "TIME", "help": "when it should be acknowledged"},
            ),
        ),
        _service,
    ),
    Entering(
        "ack",
        "Acknowledge the version that was served. The guarantor's liaison or office-holder signs.",
        "truceline consult ack --guarantor QM --version-index 1 --key liaison.key",
        (GUARANTOR, VERSION),
        _acknowledgement,
    ),
    Entering(
        "notice",
        "Record that notices to a guarantor were delivered (unsigned) or read (its own people sign).",
        "truceline consult notice --guarantor QM --status read --key liaison.key",
        (GUARANTOR, ("--status", {"required": True, "choices": ("delivered", "read"), "help": "delivered or read"})),
        _notice,
    ),
)
