"""What is public says what holds, and every test states its law, in one sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from repository.house import (
    FunctionNode,
    files_in,
    functions_of,
    hold_none,
    public_classes,
    public_functions,
    shown,
    tree_of,
)

SENTENCE = re.compile(r"\S.*[.?]\Z", re.DOTALL)


def first_line(node: ast.Module | ast.ClassDef | FunctionNode) -> str:
    """Give the first line of a docstring, empty where there is none."""
    return (ast.get_docstring(node) or "").split("\n", maxsplit=1)[0].strip()


def is_overload(function: FunctionNode) -> bool:
    """Say whether a function only adds a signature."""
    return any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in function.decorator_list)


def silent_publics(tree: ast.Module) -> Iterator[str]:
    """Give every public thing of a module whose docstring's first line is not a sentence."""
    if len(tree.body) > 0 and not SENTENCE.match(first_line(tree)):
        yield "module"
    yield from (node.name for node in public_classes(tree) if not SENTENCE.match(first_line(node)))
    for name, function in public_functions(tree):
        if not SENTENCE.match(first_line(function)) and not is_overload(function):
            yield name


def lawless_tests(tree: ast.Module) -> Iterator[str]:
    """Give every test whose docstring is missing or longer than one sentence."""
    for function in functions_of(tree):
        if not function.name.startswith("test_"):
            continue
        law = " ".join((ast.get_docstring(function) or "").split())
        sentences_count = len(re.findall(r"[.?!](?:\s|\Z)", law))
        if not SENTENCE.match(law) or sentences_count != 1:
            yield function.name


def test_every_public_thing_says_what_holds() -> None:
    """A module, class or function that others may use begins with a sentence that ends in a full stop."""
    hold_none(f"{shown(path)}: {name}" for path in files_in("src") for name in silent_publics(tree_of(path)))


def test_every_test_states_one_law() -> None:
    """A test's docstring is one sentence, so that the list of them reads as what the program promises."""
    hold_none(f"{shown(path)}: {name}" for path in files_in("tests") for name in lawless_tests(tree_of(path)))


def test_what_says_nothing_is_caught() -> None:
    """The rule sees a silent class, a silent function, a heading instead of a sentence, and a silent test."""
    publics = ast.parse('"""Module."""\nclass A: ...\ndef f(): ...\ndef g():\n    """A heading"""\ndef _h(): ...\n')
    tests = ast.parse(
        "def test_a(): ...\n"
        'def test_b():\n    """One. Two."""\n'
        'def test_c():\n    """A coarse 0.05 degrees\n    stays coarse."""\n'
    )

    assert ["A", "f", "g"] == list(silent_publics(publics))
    assert ["test_a", "test_b"] == list(lawless_tests(tests))
