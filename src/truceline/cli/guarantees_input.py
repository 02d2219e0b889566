"""What the guarantees commands read: the shipped register with further files, and the day they are asked about."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from datetime import date

    from truceline.adapters.guarantees import LoadedGuarantees
    from truceline.model.guarantee import GuaranteeRegister

REJECTIONS_SHOWN_MAX_COUNT = 20
"""How many rejections a command writes out on stderr; `check` writes all of them."""


def add_input(parser: argparse.ArgumentParser, *, with_day: bool = True) -> None:
    """Add the options that every command of the group has."""
    parser.add_argument(
        "--data",
        nargs="+",
        type=Path,
        default=[],
        metavar="PATH",
        help="register files (*.yaml, *.csv), or folders of them, read on top of the shipped register",
    )
    if with_day:
        parser.add_argument("--as-of", metavar="DATE", help="the day, such as 2026-01-08 (default: today in UTC)")


def loaded_of(args: argparse.Namespace) -> LoadedGuarantees:
    """Read the register; say on stderr which rows could not be used."""
    from truceline.adapters.clock import system_now
    from truceline.adapters.guarantees import load_guarantees

    loaded = load_guarantees(args.data, received_time=system_now())
    for entry in loaded.rejections[:REJECTIONS_SHOWN_MAX_COUNT]:
        sys.stderr.write(f"rejected: {entry.reason}\n")
    if loaded.rejections:
        sys.stderr.write(f"{len(loaded.rejections)} rows could not be used; `truceline guarantees check` lists all\n")
    return loaded


def day_of(args: argparse.Namespace) -> date:
    """Give the day that was asked about, or today."""
    from datetime import date

    from truceline.adapters.clock import system_now
    from truceline.errors import InputUnusable

    if args.as_of is None:
        return system_now().date()
    try:
        return date.fromisoformat(args.as_of)
    except ValueError as error:
        raise InputUnusable(f"--as-of={args.as_of!r} is not a date such as 2026-01-08") from error


def known_state(register: GuaranteeRegister, code: str) -> str:
    """Hold that a code stands in the table of states, or raise naming those that do."""
    from truceline.errors import InputUnusable

    codes = sorted(state.code for state in register.states)
    if code not in codes:
        raise InputUnusable(f"state={code!r} is none of {', '.join(codes)}")
    return code
