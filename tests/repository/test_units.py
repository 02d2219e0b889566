"""Every public number says in its name what it is measured in."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from repository.house import (
    files_in,
    hold_none,
    is_compiled,
    parameters_of,
    public_classes,
    public_functions,
    shown,
    tree_of,
)

LENGTHS = frozenset({"m", "km", "mm", "m2", "km2"})
TIMES = frozenset({"ns", "us", "ms", "s", "minutes", "hour", "hours", "day", "days", "years"})
OTHERS = frozenset({"deg", "rad", "k", "c", "mw", "pa", "db", "hz", "bytes", "px"})
OF_NO_UNIT = frozenset({"count", "index", "ratio", "probability", "share", "percent", "percentile"})
ORDINALS = frozenset({"sequence", "version", "id"})
UNITS = LENGTHS | TIMES | OTHERS | OF_NO_UNIT | ORDINALS
"""What the last word of a number's name may be."""
LIMITS = "a limit of whatever the value is measured in"
EXCEPTIONS = {
    ("src/truceline/model/quantity.py", "require_between.value"): LIMITS,
    ("src/truceline/model/quantity.py", "require_between.low"): LIMITS,
    ("src/truceline/model/quantity.py", "require_between.high"): LIMITS,
    ("src/truceline/model/observation.py", "require_bearing.value"): "a bearing, as the function's name says",
    ("src/truceline/observe/parsing.py", "number_column.low"): LIMITS,
    ("src/truceline/observe/parsing.py", "number_column.high"): LIMITS,
}
EXCEPTIONS_MOST_COUNT = 6
"""May only go down: an exception that is no longer needed must leave the list, and this number with it."""

WHOLE_WORDS = frozenset({"seed", "number"})
"""Names of what measures nothing, or of any number there is."""


def is_number(annotation: ast.expr | None) -> bool:
    """Say whether an annotation is of numbers only: int, float, either or None, and sequences of them."""
    match annotation:
        case ast.Name(id=name):
            return name in {"int", "float"}
        case ast.BinOp(left=left, right=right):
            parts = [part for part in (left, right) if not (isinstance(part, ast.Constant) and part.value is None)]
            return all(is_number(part) for part in parts)
        case ast.Subscript(value=ast.Name(id="tuple" | "list" | "Sequence" | "Iterable"), slice=inside):
            inner = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            return all(is_number(part) for part in inner if not (isinstance(part, ast.Constant) and part.value is ...))
        case _:
            return False


def names_unit(name: str) -> bool:
    """Say whether a name ends in a unit, in the plural for several numbers, or is one by itself."""
    words = name.lower().strip("_").split("_")
    last = words[-1]
    return last in UNITS or (last.endswith("s") and last[:-1] in UNITS) or name.lower() in WHOLE_WORDS


def public_numbers(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Give (qualified name, own name) of every public number: parameters, fields, and constants of a module."""
    for qualified, function in public_functions(tree):
        if is_compiled(function):
            continue  # written like its equations; its docstring explains the symbols
        for entry in parameters_of(function):
            if is_number(entry.annotation):
                yield f"{qualified}.{entry.arg}", entry.arg
    for body, prefix in [(tree.body, ""), *((cls.body, f"{cls.name}.") for cls in public_classes(tree))]:
        yield from ((f"{prefix}{name}", name) for name in map(_assigned_number, body) if name is not None)


def _assigned_number(node: ast.stmt) -> str | None:
    match node:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if is_number(annotation):
            found = name
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=int() | float() as value)):
            found = None if isinstance(value, bool) else name
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.UnaryOp(operand=ast.Constant(value=int() | float()))):
            found = name
        case _:
            found = None
    return None if found is None or found.startswith("_") else found


def unnamed_units(tree: ast.Module) -> list[str]:
    """List the public numbers of a module whose names do not end in a unit."""
    return [qualified for qualified, name in public_numbers(tree) if not names_unit(name)]


def test_every_public_number_names_its_unit() -> None:
    """A reader never has to guess whether a number is metres or kilometres, a ratio or a percentage."""
    found = [(shown(path), name) for path in files_in("src") for name in unnamed_units(tree_of(path))]

    hold_none(f"{place}: {name} does not end in a unit" for place, name in found if (place, name) not in EXCEPTIONS)


def test_exceptions_may_only_shrink() -> None:
    """An exception is there because the code still needs it, and their number never rises."""
    found = {(shown(path), name) for path in files_in("src") for name in unnamed_units(tree_of(path))}

    hold_none(f"{place}: {name} is no longer needed as an exception" for place, name in set(EXCEPTIONS) - found)
    assert len(EXCEPTIONS) <= EXCEPTIONS_MOST_COUNT


def test_a_number_without_unit_is_caught() -> None:
    """The rule sees parameters, fields, constants, optional numbers and sequences, and leaves private ones alone."""
    seeded = ast.parse(
        "REACH = 5.0\n"
        "TURN = -3\n"
        "REACH_M = 5.0\n"
        "_reach = 5.0\n"
        "def locate(picks: list[str], vel: float, tol: int | None, *, dist_m: float): ...\n"
        "def _hidden(vel: float): ...\n"
        "@njit(cache=True)\ndef travel(dx: float, c: float): ...\n"
        "class Origin:\n"
        "    depth: float\n"
        "    edges: tuple[float, ...]\n"
        "    ratios: tuple[float, ...]\n"
        "    probability: float\n"
        "    def __init__(self, *, size: int): ...\n"
    )

    expected = ["Origin.__init__.size", "Origin.depth", "Origin.edges", "REACH", "TURN", "locate.tol", "locate.vel"]
    assert expected == sorted(unnamed_units(seeded))
