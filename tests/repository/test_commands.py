"""The command line and what is written about it are one and the same."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import time

import cli_page
from repository.house import ROOT, hold_none, shown, text_files, text_of
from repository.test_units import names_unit
from truceline.cli import build_parser

HELP_MOST_S = 1.0
"""A generous bound for a busy machine; what keeps it quick is that nothing heavy is imported."""
HEAVY = ("numpy", "polars", "pyarrow", "shapely", "pyproj", "jinja2", "apsw", "yaml")
UNITLESS_OPTIONS = frozenset({"--port", "--seed", "--show-rejections"})
"""Options that take a number of the very thing they are named after, or one that measures nothing."""
EXAMPLE = re.compile(r"^\s*\$ (truceline .*?)(?:\s+#.*)?$", re.MULTILINE)


def test_the_page_is_what_the_program_says() -> None:
    """docs/cli.md lists every command and option exactly as the parser knows them."""
    assert cli_page.page() == text_of(ROOT / "docs" / "cli.md"), "run `make docs`"


def silent_options(parser: argparse.ArgumentParser) -> list[str]:
    """List every command without a description or example, and every option without a word of explanation."""
    found = []
    for name, command in cli_page.commands_of(parser):
        found += [] if command.description else [f"{name}: no description"]
        found += [] if command.epilog and "truceline" in command.epilog else [f"{name}: no example"]
        found += [f"{name}: {action.dest} has no help" for action in cli_page.options_of(command) if not action.help]
    return found


def unitless_numbers(parser: argparse.ArgumentParser) -> list[str]:
    """List every numeric option whose name does not say what it is measured in."""
    return [
        f"{name}: {option} does not end in a unit"
        for name, command in cli_page.commands_of(parser)
        for action in cli_page.options_of(command)
        for option in action.option_strings
        if action.type in {int, float} and option.startswith("--") and option not in UNITLESS_OPTIONS
        if not names_unit(option.strip("-").replace("-", "_"))
    ]


def test_every_command_teaches() -> None:
    """Each command says what it does and shows an example, and each option says what it means, in its unit."""
    hold_none(silent_options(build_parser()) + unitless_numbers(build_parser()))


def test_a_silent_command_is_caught() -> None:
    """The rules see a command without description, an option without help, and a number without unit."""
    parser = argparse.ArgumentParser()
    command = parser.add_subparsers().add_parser("dig")
    command.add_argument("--depth", type=float)

    assert ["dig: no description", "dig: no example", "dig: depth has no help"] == silent_options(parser)
    assert ["dig: --depth does not end in a unit"] == unitless_numbers(parser)


def wrong_examples(text: str) -> list[str]:
    """List every example line that names a command or option the program does not have."""
    known = dict(cli_page.commands_of(build_parser()))
    wrong = []
    for line in EXAMPLE.findall(text.replace("\\\n", " ")):
        words = shlex.split(re.split(r"\s[|>&]", line)[0])[1:]
        name = next((name for name in known if words[: len(name.split())] == name.split()), None)
        own = {"--help", "--version", "-h"}
        if name is not None:
            own |= {option for action in cli_page.options_of(known[name]) for option in action.option_strings}
        options = [word.split("=")[0] for word in words if word.startswith("--")]
        if (name is None and not set(options) & own) or set(options) - own:
            wrong.append(line)
    return wrong


def test_examples_use_what_exists() -> None:
    """Every line in the documents that begins with `$ truceline` uses a command and options that exist."""
    pages = [path for path in text_files() if path.suffix == ".md"]

    hold_none(f"{shown(path)}: {line}" for path in pages for line in wrong_examples(text_of(path)))


def test_a_wrong_example_is_caught() -> None:
    """The rule sees a command that does not exist and an option that does not."""
    wrong = wrong_examples("$ truceline --help\n$ truceline dig\n    $ truceline adherence --depth 5 | less\n")

    assert ["truceline dig", "truceline adherence --depth 5 | less"] == wrong


def test_help_is_quick_because_nothing_heavy_is_loaded() -> None:
    """Asking for help loads no library that a command needs only when it runs."""
    look = "import sys; from truceline.cli import build_parser; build_parser().format_help(); print(*sys.modules)"
    started_s = time.monotonic()
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)  # noqa: S603
    took_s = time.monotonic() - started_s

    hold_none(f"{name} is imported by `truceline --help`" for name in HEAVY if name in done.stdout.split())
    assert took_s < 5 * HELP_MOST_S


def test_every_command_has_its_own_file() -> None:
    """A command is found where its name says: one file per command."""
    folder = ROOT / "src" / "truceline" / "cli"
    names = [name.split(maxsplit=1)[0] for name, _ in cli_page.commands_of(build_parser())]

    hold_none(f"{name} has no file" for name in names if not (folder / f"{name}.py").is_file())
