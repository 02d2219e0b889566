"""`truceline agreement schema`: the form of an agreement file, for editors and for reading."""

from __future__ import annotations

import argparse
import sys
from typing import Any

EPILOG = """\
examples:
  truceline agreement schema > agreement-2.schema.json
  truceline agreement schema | less

An editor that knows YAML schemas completes keys and marks wrong ones with it. The same file is docs/schema of the
sources. Lengths may be written in metres (depth_high_m) or kilometres (depth_high_km); a time without an offset is in
the text's own time zone (in_force: timezone_name). What a schema cannot say, `truceline agreement check` says.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's options and help."""
    parser = subparsers.add_parser(
        "schema",
        help="write the JSON Schema of agreement files",
        description="Write the JSON Schema of agreement files to standard output.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:  # noqa: ARG001 - every command takes its arguments
    """Write the schema."""
    from truceline.adapters.agreement_schema import schema_text

    sys.stdout.write(schema_text().decode())
    return 0
