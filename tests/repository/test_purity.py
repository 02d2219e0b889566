"""What imports cannot show: the core asks nobody for the time, a number or a file."""

from __future__ import annotations

import ast

from repository.house import core_files, hold_none, shown, tree_of

CLOCKS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "perf_counter"})
CHANCE_ALLOWED = frozenset({"Generator", "BitGenerator", "SeedSequence"})
BUILT_INS = frozenset({"open", "print", "input", "exec", "eval", "__import__", "breakpoint"})
FILE_CALLS = ("read_", "write_", "scan_", "sink_")
FILE_CALLERS = frozenset({"pl", "polars", "pq", "csv", "parquet", "pd", "dataset"})
FILE_METHODS = frozenset({"read_text", "read_bytes", "write_text", "write_bytes", "tofile", "savez"})


def dotted(node: ast.expr) -> str:
    """Write a chain of names as source, empty where it is none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    return ""


def impurities(tree: ast.Module) -> list[str]:
    """List every use of clock, chance, console or disk in a module."""
    uses = (dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    calls = (dotted(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))
    found = [name for name in uses if is_clock(name) or is_chance(name)]
    return found + [name for name in calls if name in BUILT_INS or is_file_call(name)]


def is_clock(name: str) -> bool:
    """Say whether a dotted name asks for the present time."""
    return any(name == clock or name.endswith(f".{clock}") for clock in CLOCKS)


def is_chance(name: str) -> bool:
    """Say whether a dotted name is global chance; the type of a generator that was handed in is not."""
    parts = name.split(".")
    return len(parts) == 3 and parts[:2] in (["np", "random"], ["numpy", "random"]) and parts[2] not in CHANCE_ALLOWED


def is_file_call(name: str) -> bool:
    """Say whether a dotted call reads or writes a file."""
    caller, _, method = name.rpartition(".")
    opens = caller.split(".")[-1] in FILE_CALLERS and method.startswith(FILE_CALLS)
    return opens or (bool(caller) and method in FILE_METHODS)


def test_the_core_is_pure() -> None:
    """Same input, same answer: below the runners nothing asks for the time, for chance, or for a file."""
    hold_none(f"{shown(path)}: {name}" for path in core_files() for name in impurities(tree_of(path)))


def test_an_impurity_is_caught() -> None:
    """The rule sees clock, global chance, console and files, and leaves a generator that is handed in alone."""
    seeded = ast.parse(
        "a = datetime.now(tz=UTC)\n"
        "b = datetime.date.today()\n"
        "c = np.random.default_rng()\n"
        "def f(chance: np.random.Generator) -> None: chance.normal()\n"
        "d = open('x')\n"
        "e = pl.read_csv('x')\n"
        "g = path.read_text()\n"
        "print(d)\n"
    )

    expected = ["datetime.date.today", "datetime.now", "np.random.default_rng", "open", "path.read_text", "pl.read_csv"]
    assert [*expected, "print"] == sorted(impurities(seeded))
