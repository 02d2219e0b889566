"""`truceline dossier export`, `verify`, `recompute` and `reply`: dossier files that anyone can check without us."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truceline.cli.output import STORE_DEFAULT, SYNTHETIC_MARK, write_bytes

if TYPE_CHECKING:
    from truceline.adapters.dossier_verification import Verified

EXIT_SOUND, EXIT_UNSOUND, EXIT_NOT_RECOMPUTED = 0, 1, 3
EXIT_CODES = {"sound": EXIT_SOUND, "unsound": EXIT_UNSOUND, "not re-computed": EXIT_NOT_RECOMPUTED}

MARKS = {"holds": "ok  ", "fails": "FAIL", "not checked": "--  "}

EPILOG = """\
examples:
  truceline dossier export --store store --received feeds/ agreement.yaml --out files
  truceline dossier export --store store --log log --received feeds/ --out files
  truceline dossier verify files/*.dossier.zip --policy policy.txt

A dossier file holds one version of one finding: what was used, what was known and not used, text, lines, catalogues,
settings, code, ledger, proofs, versions before and after, and each party's reply or that there was none. Whoever has
it can check it offline, and re-compute it to the same bytes. `verify` says line by line what it checked (ok), what
does not hold (FAIL) and what could not be checked (--). It ends with 0 where all that must hold holds, 1 where
something does not, 3 where nothing is wrong but the finding was not re-computed. A file holds exact positions and is
not a release.
"""


def add_parsers(commands: Any) -> None:
    """Add the four commands."""
    export = _added(commands, "export", "write every dossier of a store as a file that anyone can check", run_export)
    export.add_argument("--store", type=Path, default=STORE_DEFAULT, metavar="DIR", help="(default: ./%(default)s)")
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write into")
    export.add_argument("--log", type=Path, metavar="DIR", help="the log its records stand in, for leaves and proofs")
    export.add_argument(
        "--received", type=Path, nargs="+", default=[], metavar="PATH", help="received files and texts, found by hash"
    )
    export.add_argument("--id", action="append", metavar="ID", help="only this dossier; may be given again")
    verify = _added(commands, "verify", "check dossier files line by line, and re-compute what they say", run_verify)
    verify.add_argument("files", nargs="+", type=Path, metavar="FILE", help="dossier files")
    verify.add_argument("--policy", type=Path, metavar="FILE", help="trust policy, from where you trust it")
    verify.add_argument("--tsa-roots", type=Path, metavar="PEM", help="root certificates of time-stamp authorities")
    again = _added(commands, "recompute", "re-compute a dossier from its file and print its bytes", run_recompute)
    again.add_argument("file", type=Path, metavar="FILE", help="a dossier file")
    reply = _added(commands, "reply", "keep what a party replied about an event", run_reply)
    reply.add_argument("--store", type=Path, default=STORE_DEFAULT, metavar="DIR", help="(default: ./%(default)s)")
    reply.add_argument("--event", required=True, metavar="ID", help="the event it is about")
    reply.add_argument("--party", required=True, metavar="PARTY", help="whose reply it is")
    reply.add_argument("--file", type=Path, required=True, metavar="FILE", help="the reply, as UTF-8 text")


def _added(commands: Any, name: str, text: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def run_export(args: argparse.Namespace) -> int:
    """Write the files; give 0 where each was re-computed while it was made, else 3."""
    from truceline.adapters.agreements import shipped_folder
    from truceline.adapters.dossier_export import DossierExport
    from truceline.adapters.dossier_files import FILE_ENDING, ReceivedFiles
    from truceline.adapters.stores.workspace import Workspace
    from truceline.cli.dossier_log import log_view

    counts = {"none": 0, "finding": 0, "event": 0}
    received = ReceivedFiles([*args.received, shipped_folder("agreements")])
    with Workspace.open(args.store, create=False, read_only=True) as store, log_view(args.log) as log:
        export = DossierExport(store, received=received, log=log)
        for file in export.files(args.id):
            write_bytes(args.out / f"{file.dossier_id}{FILE_ENDING}", file.body)
            counts[file.recomputed.level] += 1
            if file.recomputed.remark:
                sys.stdout.write(f"{file.dossier_id}: {file.recomputed.remark}\n")
        synthetic = store.synthetic
    mark = f"{SYNTHETIC_MARK}\n" if synthetic else ""
    sys.stdout.write(
        f"{mark}wrote {sum(counts.values())} dossier files to {args.out}; re-computed to the same bytes from the file "
        f"alone: {counts['event']} from the observations on, {counts['finding']} from the event on, "
        f"{counts['none']} not at all\n"
    )
    return EXIT_NOT_RECOMPUTED if counts["none"] else EXIT_SOUND


def run_verify(args: argparse.Namespace) -> int:
    """Check files and say of each line by line what was found; give the exit code of the worst."""
    from truceline.adapters.dossier_verification import verify_file
    from truceline.errors import TrucelineError

    policy_text = None if args.policy is None else _text(args.policy)
    roots_pem = None if args.tsa_roots is None else _text(args.tsa_roots).encode()
    worst = EXIT_SOUND
    for path in args.files:
        try:
            verified = verify_file(path, policy_text=policy_text, roots_pem=roots_pem)
        except TrucelineError as error:
            sys.stdout.write(f"{MARKS['fails']} {error}\n")
            worst = EXIT_UNSOUND
            continue
        sys.stdout.write(_lines(path, verified))
        code = {"sound": EXIT_SOUND, "unsound": EXIT_UNSOUND, "not re-computed": EXIT_NOT_RECOMPUTED}
        worst = (
            EXIT_UNSOUND if EXIT_UNSOUND in (worst, code[verified.standing]) else max(worst, code[verified.standing])
        )
    return worst


def _lines(path: Path, verified: Verified) -> str:
    checks = "".join(f"{MARKS[check.outcome]} {check.subject}: {check.text}\n" for check in verified.checks)
    return f"{path}\n{checks}{path.name}: {verified.standing}\n"


def run_recompute(args: argparse.Namespace) -> int:
    """Print one line of JSON about this program and what was reached, then the dossier's bytes; 0 where it was any."""
    import msgspec

    from truceline.adapters.dossier_files import read_dossier_file
    from truceline.adapters.dossier_recomputation import recompute
    from truceline.adapters.source_tree import environment, source_tree_sha256

    again = recompute(read_dossier_file(args.file))
    head = {
        "code_tree_sha256": source_tree_sha256(),
        "environment": environment(),
        "level": again.level,
        "remark": again.remark,
    }
    sys.stdout.write(f"{msgspec.json.encode(head).decode()}\n{(again.body or b'').decode()}")
    return EXIT_UNSOUND if again.body is None else EXIT_SOUND


def run_reply(args: argparse.Namespace) -> int:
    """Keep a reply in the store, once however often it is given; an unknown event or party is refused."""
    from truceline.adapters.clock import system_now
    from truceline.adapters.dossier_export import REPLY_KIND, SETTINGS_KIND
    from truceline.adapters.stores.workspace import Workspace
    from truceline.dossier.contents import PartyReply
    from truceline.errors import InputUnusable
    from truceline.model.event import Event
    from truceline.pipeline import PipelineSettings

    text = _text(args.file)
    with Workspace.open(args.store, create=False) as store:
        parties = [name for one in store.records(SETTINGS_KIND, PipelineSettings)[-1:] for name in one.parties]
        if args.party not in parties:
            raise InputUnusable(f"--party={args.party!r} is not one of {', '.join(parties) or 'a run store'}")
        if not any(event.event_id == args.event for event in store.iterate_records("event", Event)):
            raise InputUnusable(f"--event={args.event!r} is no event of {args.store}")
        known = [
            one
            for one in store.iterate_records(REPLY_KIND, PartyReply)
            if (one.event_id, one.party, one.text) == (args.event, args.party, text)
        ]
        if not known:
            try:
                reply = PartyReply(event_id=args.event, party=args.party, received_time=system_now(), text=text)
            except ValueError as error:
                raise InputUnusable(f"{args.file}: {error}") from error
            store.append_records(REPLY_KIND, [reply])
    sys.stdout.write(f"kept the reply of {args.party} about {args.event}{' (had before)' if known else ''}\n")
    return 0


def _text(path: Path) -> str:
    from truceline.errors import InputUnusable, SourceUnavailable

    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputUnusable(f"{path}: is not UTF-8 text ({error})") from error
