"""`truceline log rebuild`: tiles, bundles and checkpoint made again from the journal, where they are not right."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from truceline.cli.log_options import add_log
from truceline.cli.options import add_command

SHOWN_PATH_COUNT = 100

EPILOG = """\
example:
  truceline log rebuild --log log

Tiles are not synced when they are written, because the journal gives them again; so a loss of power may leave some of
them torn. This holds every file of log/public against the journal, makes anew what is missing or differs, removes what
belongs to no tile, and says which. Each file is replaced whole; again changes nothing. It refuses, and changes nothing,
where the journal's leaves do not give every root that was signed.
"""


def add_parsers(commands: Any) -> None:
    """Add the command with its options."""
    rebuild = add_command(commands, "rebuild", text="Make damaged or lost public files again.", epilog=EPILOG)
    add_log(rebuild)
    rebuild.set_defaults(run=run_rebuild)


def run_rebuild(args: argparse.Namespace) -> int:
    """Make the public files be what the journal gives, and say what was changed."""
    from truceline.adapters.log.rebuild import rebuild_public
    from truceline.adapters.log.service import EvidenceLog

    with EvidenceLog.open(args.log) as log:
        rebuilt = rebuild_public(log.journal, log.public_folder)
    for word, paths in (("made again", rebuilt.made), ("removed", rebuilt.removed)):
        for path in paths[:SHOWN_PATH_COUNT]:
            sys.stdout.write(f"{word}: {path}\n")
        if len(paths) > SHOWN_PATH_COUNT:
            sys.stdout.write(f"{word}: {len(paths) - SHOWN_PATH_COUNT} more\n")
    sys.stdout.write(
        f"{args.log}: {len(rebuilt.made)} of {rebuilt.file_count} files made again, {len(rebuilt.removed)} removed; "
        f"they are those of {rebuilt.size_count} leaves\n"
    )
    return 0
