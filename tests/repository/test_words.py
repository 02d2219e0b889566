"""The words of the house: what is never said anywhere, and what a machine may not say by itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from repository.house import ROOT, files_in, hold_none, shown, text_files, text_of, tree_of

FORBIDDEN = {
    "target": "name the object",
    "enemy": "say party",
    "hostile": "say party",
    "kill": "say stop, end or destroyed",
    "strike": "say attack, explosion or impact",
    "guilty": "people's word",
    "culprit": "people's word",
    "alert": "say notice",
    "score": "say probability, ratio or count",
    "util": "name what it is about",
    "utils": "name what it is about",
    "helper": "name what it is about",
    "manager": "name what it is about",
    "handler": "name what it is about",
}
PLURALS = {"targets", "enemies", "kills", "killed", "killing", "strikes", "alerts", "scores", "helpers", "managers"}
WORDS_SHOWN = (
    "GLOSSARY.md",
    "STYLE.md",
    "tests/repository/test_words.py",
    "tests/repository/test_shape.py",
    "tests/unit/report/test_render.py",
    "LICENSE",
)
"""Files that must name a word to say that it is not used."""
OTHERS_NAMES = (
    r"\btarget-version\b",  # ruff
    r"\btool\.hatch\.build\.targets\b",
    r"\btarget=",  # threading.Thread, multiprocessing.Process
    r"\bos\.kill(pg)?\(|\.kill\(\)|\bSIGKILL\b",
    r"--target\b",  # pip
    r"\.targets\b|\btargets=\[",  # ast.Assign
    r"\binvalid_row_handler=",  # pyarrow
    r"\bgamma\.utils\b",  # the peer GaMMA
    r"\bBaseHTTPRequestHandler\b",  # http.server
    r"[\"'`](strikes|target|lex_energy_target)[\"'`]",  # columns of other people's files
)
"""What other people's programs and files are called: not ours to rename."""

POTENTIAL = re.compile(r"(?P<before>potential[\s\W_]{0,3})?violations?", re.IGNORECASE)
PEOPLES_SENTENCES: dict[tuple[str, str], str] = {
    ("STYLE.md", "whether it is a violation is for people"): "says what the machine may not say",
}
"""(file, words around it): sentences about a violation that people determine, not one that the machine claims."""


def split_words(line: str) -> list[str]:
    """Split a line into lower-case words; snake_case and CamelCase come apart."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", line)
    return [word.lower() for word in re.findall(r"[A-Za-z]+", spaced)]


def forbidden_words(text: str) -> list[tuple[int, str]]:
    """List (line number, word) of every word that is not used here."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        own = re.sub("|".join(OTHERS_NAMES), " ", line)
        found += [(number, word) for word in split_words(own) if word in FORBIDDEN or word in PLURALS]
    return found


def _files_with_words() -> list[Path]:
    skipped = (".csv", ".json", ".geojson", ".txt")
    return [path for path in text_files() if shown(path) not in WORDS_SHOWN and path.suffix not in skipped]


def test_words_that_are_not_used() -> None:
    """Nothing here is called a word that takes a side or says nothing."""
    found = [(shown(path), *entry) for path in _files_with_words() for entry in forbidden_words(text_of(path))]

    hold_none(f"{place}:{number}: {word!r} is not used" for place, number, word in found)


def test_a_word_that_is_not_used_is_caught() -> None:
    """The rule sees words inside names and leaves other people's names alone."""
    text = "the target\nEventHandler\nkill_switch\nos.kill(pid, SIGKILL)\nrow['strikes']\nstriking targeted"

    assert [(1, "target"), (2, "handler"), (3, "kill")] == forbidden_words(text)


def bare_violations(text: str) -> list[str]:
    """List what stands around every 'violation' that no 'potential' goes before."""
    bare = (match for match in POTENTIAL.finditer(text) if match["before"] is None)
    return [" ".join(text[max(0, match.start() - 40) : match.end() + 30].split()) for match in bare]


def _strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def test_the_machine_says_potential() -> None:
    """Whatever the program can print, and whatever is written about it, says 'potential' before 'violation'."""
    found = []
    for path in files_in("src"):
        found += [(shown(path), text) for _, string in _strings(tree_of(path)) for text in bare_violations(string)]
    for path in text_files():
        if path.suffix in {".md", ".html", ".j2", ".yaml"} and path.is_relative_to(ROOT):
            found += [(shown(path), text) for text in bare_violations(text_of(path))]
    kept = [entry for entry in found if not _is_peoples(*entry)]

    hold_none(f"{place}: ...{text}..." for place, text in kept)


def _is_peoples(place: str, text: str) -> bool:
    return any(place == where and words in text for where, words in PEOPLES_SENTENCES)


def test_a_bare_violation_is_caught() -> None:
    """The rule lets 'potential violation' pass in any spelling, and nothing else."""
    text = "potential violation; Potential\nviolations; potential_violation; PotentialViolation; *potential* violation"

    assert [] == bare_violations(text)
    assert 2 == len(bare_violations("a violation was found; no violations"))
