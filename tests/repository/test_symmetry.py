"""No party is named in logic: parties are data, so that exchanging them exchanges the answer and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

import yaml

from repository.house import ROOT, files_in, functions_of, hold_none, shown, text_of, tree_of

FEEDS = ROOT / "src" / "truceline" / "observe"
"""Where a particular feed is described, and so may say who writes it."""


@cache
def parties() -> frozenset[str]:
    """Give every party of the shipped theatres and scenarios."""
    theatres = files_in("agreements", "theatres", ending=".yaml")
    return frozenset(party for path in theatres for party in yaml.safe_load(text_of(path))["parties"])


def strings_in(node: ast.AST) -> Iterator[str]:
    """Give every string constant below a node."""
    yield from (part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str))


def parties_in_logic(tree: ast.Module, names: frozenset[str]) -> set[str]:
    """Give the functions in which a party is named."""
    return {function.name for function in functions_of(tree) if names & set(strings_in(function))}


def test_no_function_names_a_party() -> None:
    """What a function does never depends on a party's name written into it."""
    found = [(shown(path), name) for path in files_in("src") for name in parties_in_logic(tree_of(path), parties())]

    hold_none(f"{place}: {name} names a party" for place, name in found)


def test_only_feeds_say_who_writes_them() -> None:
    """A party's name stands in the description of a feed, in agreements and in scenarios, and nowhere else."""
    named = [path for path in files_in("src") if parties() & set(strings_in(tree_of(path)))]

    hold_none(f"{shown(path)} names a party" for path in named if FEEDS not in path.parents)


def test_a_named_party_is_caught() -> None:
    """The rule sees a name inside a function and lets a description of a feed pass."""
    seeded = ast.parse("CLAIMANT = 'XA'\ndef f(party: str) -> bool: return party == 'XA'\ndef g() -> None: 'XAB'\n")

    assert {"f"} == parties_in_logic(seeded, frozenset({"XA"}))
