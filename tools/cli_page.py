"""Writes `docs/cli.md` from the parser itself, so that page and program cannot disagree; `make docs` runs it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from truceline.cli import build_parser

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
HEAD = """\
# Commands

Written by `make docs` from the program's own parser; a test holds the two against each other.

Exit codes: 0 the work was done; 1 the world failed (a file could not be read, a disk was full) and a message on
standard error says what; 2 the command was called wrongly. Results go to files or standard output, progress and
messages to standard error. Every command takes `--help`.
"""


def commands_of(parser: argparse.ArgumentParser, before: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Give every command that does something, with its full name; commands may have commands."""
    for action in parser._actions:  # noqa: SLF001 - argparse shows its parts nowhere else
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - see above
            for name, command in action.choices.items():
                nested = list(commands_of(command, f"{before}{name} "))
                yield from nested or [(f"{before}{name}", command)]


def options_of(command: argparse.ArgumentParser) -> list[argparse.Action]:
    """Give a command's arguments and options without `--help`."""
    return [
        action
        for action in command._actions  # noqa: SLF001 - argparse shows its parts nowhere else
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)  # noqa: SLF001 - see above
    ]


def page() -> str:
    """Write the whole page."""
    return HEAD + "".join(_section(name, command) for name, command in commands_of(build_parser()))


def _section(name: str, command: argparse.ArgumentParser) -> str:
    lines = [f"\n## truceline {name}\n"]
    if command.description:
        lines.append(f"{_plain(command.description)}\n")
    options = options_of(command)
    if options:
        lines += ["| argument | meaning |", "|---|---|", *map(_row, options), ""]
    if command.epilog:
        lines.append(f"```text\n{command.epilog.strip()}\n```\n")
    return "\n".join(lines)


def _plain(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _row(action: argparse.Action) -> str:
    value = f" {_value(action)}" if action.nargs != 0 else ""
    name = ", ".join(f"`{option}{value}`" for option in action.option_strings) or f"`{_value(action)}`"
    meaning = " ".join((action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%").split())
    needed = " (required)" if action.required and action.option_strings else ""
    return f"| {name} | {meaning.replace('|', chr(92) + '|')}{needed} |"


def _value(action: argparse.Action) -> str:
    if action.metavar is not None:
        return action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar)
    return "/".join(map(str, action.choices)) if action.choices else action.dest.upper()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
