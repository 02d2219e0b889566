"""`truceline consult request`, `meet`, `conclude`, `lapse`: the consultation itself."""

from __future__ import annotations

import argparse
from typing import Any

from truceline.cli.consult_options import GUARANTOR, Entering, add_entering


def add_parsers(commands: Any) -> None:
    """Add the commands."""
    for entering in ENTERINGS:
        add_entering(commands, entering)


def _request(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Consultation

    return Consultation(**base, status="requested", guarantor=args.guarantor, instrument=args.instrument)


def _meet(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Consultation

    del args
    return Consultation(**base, status="met")


def _conclude(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Consultation

    return Consultation(**base, status="concluded", minutes_sha256=args.minutes_sha256)


def _lapse(args: argparse.Namespace, base: dict[str, Any]) -> Any:
    from truceline.model.decision import Consultation

    return Consultation(**base, status="lapsed", reason=args.reason)


ENTERINGS = (
    Entering(
        "request",
        "Request a consultation on a version that stands and was acknowledged. An office-holder of the state signs.",
        'truceline consult request --guarantor QM --instrument "framework, art. 5" --key minister.key',
        (GUARANTOR, ("--instrument", {"required": True, "metavar": "TEXT", "help": "under which text"})),
        _request,
    ),
    Entering(
        "meet",
        "Record that the consultation met. The secretariat signs; the clock to answer begins and only raises a flag.",
        "truceline consult meet --key secretariat.key",
        (),
        _meet,
    ),
    Entering(
        "conclude",
        "Record that the consultation is concluded, with its minutes. States may still decide.",
        "truceline consult conclude --minutes-sha256 73b8...d329 --key secretariat.key",
        (("--minutes-sha256", {"required": True, "metavar": "HEX", "help": "hash of the minutes"}),),
        _conclude,
    ),
    Entering(
        "lapse",
        "Close a consultation for which no released version stands any more, and tell everyone who was served.",
        'truceline consult lapse --reason "the dossier was withdrawn" --key secretariat.key',
        (("--reason", {"required": True, "metavar": "TEXT", "help": "why"}),),
        _lapse,
    ),
)
