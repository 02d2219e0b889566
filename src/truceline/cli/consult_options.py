"""What the commands of `truceline consult` share: their options, and how a record is signed and handed in."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from truceline.cli.options import add_command

if TYPE_CHECKING:
    from truceline.adapters.consultations import ConsultationStore

FOLDER_DEFAULT = Path("truceline-case")
"""The case of the commands that are told none."""

SIGNING = """\
The record is signed with --key (more than once where several must sign) and handed in; what is refused is kept with its
reason, printed, and answered with 1. With --out it is only written, for others to sign (`truceline consult sign`) and
to hand in (`truceline consult submit`): keys never have to be where the case is.
"""
"""What every command that enters a record does with it."""

Options = tuple[tuple[str, dict[str, Any]], ...]


class Entering(NamedTuple):
    """A command that enters one record: its name, words, example, options, and what it builds from them."""

    name: str
    text: str
    example: str
    options: Options
    build: Callable[[argparse.Namespace, dict[str, Any]], Any]


def pair(text: str) -> tuple[str, str]:
    """Read NAME=WORDS."""
    name, found, words = text.partition("=")
    if not found or not name or not words:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=WORDS")
    return name, words


GUARANTOR = ("--guarantor", {"required": True, "metavar": "CODE", "help": "the state, ISO 3166-1 alpha-2"})
VERSION = ("--version-index", {"required": True, "type": int, "metavar": "N", "help": "version of the dossier, from 1"})
TALLY: Options = (
    ("--for-count", {"required": True, "type": int, "metavar": "N", "help": "votes for"}),
    ("--against-count", {"required": True, "type": int, "metavar": "N", "help": "votes against"}),
    ("--abstain-count", {"required": True, "type": int, "metavar": "N", "help": "abstentions"}),
)


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the case's folder."""
    parser.add_argument(
        "--data", type=Path, default=FOLDER_DEFAULT, metavar="DIR", help="folder of the case (default: ./%(default)s)"
    )


def add_entering(commands: Any, entering: Entering) -> None:
    """Add a command that builds a record, has it signed and hands it in."""
    parser = add_command(
        commands, entering.name, text=entering.text, epilog=f"example:\n  {entering.example}\n\n{SIGNING}"
    )
    add_folder(parser)
    for name, options in entering.options:
        parser.add_argument(name, **options)
    parser.add_argument(
        "--key", type=Path, action="append", default=[], metavar="FILE", help="key to sign with; may be repeated"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the record there and hand nothing in")
    parser.set_defaults(run=lambda args: run_entering(args, entering))


def opened(folder: Path) -> ConsultationStore:
    """Open the case in a folder."""
    from truceline.adapters.consultations import ConsultationStore

    return ConsultationStore(folder)


def run_entering(args: argparse.Namespace, entering: Entering) -> int:
    """Build, sign and hand in one record; what could not even be built is kept as a rejection too."""
    import msgspec

    from truceline.adapters.clock import system_now
    from truceline.adapters.consultations import FOUNDING_NAME, read_founding
    from truceline.adapters.office_keys import read_key, sign_record
    from truceline.cli.output import write_bytes
    from truceline.model.quantity import canonical_bytes

    founding = read_founding(args.data / FOUNDING_NAME)
    keys = [read_key(path) for path in args.key]
    base = {"case_id": founding.case_id, "said_time": system_now()}
    try:
        content = canonical_bytes(sign_record(entering.build(args, base), *keys))
    except (ValueError, msgspec.ValidationError) as error:
        return _keep_unbuilt(args, entering.name, str(error))
    if args.out is not None:
        write_bytes(args.out, content + b"\n")
        sys.stdout.write(f"{args.out}: {len(keys)} signatures; hand it in: truceline consult submit {args.out}\n")
        return 0
    return hand_in(args.data, content)


def _keep_unbuilt(args: argparse.Namespace, name: str, reason: str) -> int:
    """Keep what was said on the command line where no record could be made of it."""
    said = {key: str(value) for key, value in vars(args).items() if key not in {"run", "key", "data", "out"}}
    with_reason = f"consult {name} {sorted(said.items())}: {reason}".encode()
    store = opened(args.data)
    try:
        store.reject(with_reason, reason)
    finally:
        store.close()
    sys.stderr.write(f"truceline: refused and kept: {reason}\n")
    return 1


def hand_in(folder: Path, content: bytes) -> int:
    """Hand one signed record in and say what became of it."""
    store = opened(folder)
    try:
        judged = store.submit(content)
    finally:
        store.close()
    if judged.verdict == "accepted":
        sys.stdout.write(f"accepted {judged.record_id} {'; '.join(judged.signers) or 'unsigned (machine)'}\n")
        return 0
    sys.stderr.write(f"truceline: {judged.verdict} and kept: {judged.reason}\n")
    return 1
