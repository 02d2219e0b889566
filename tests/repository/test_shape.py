"""Files, functions and parameter lists stay short enough to be read whole."""

from __future__ import annotations

import ast
from pathlib import Path

from repository.house import (
    FunctionNode,
    files_in,
    functions_of,
    hold_none,
    is_compiled,
    parameters_of,
    shown,
    text_of,
    tree_of,
)

FILE_MOST_LINES_COUNT = 500
FUNCTION_MOST_LINES_COUNT = 60
PARAMETERS_MOST_COUNT = 5
POSITIONAL_MOST_COUNT = 3
BY_NAME = "a sixth fact, all but two of them by name; a record to carry them would be opened at once"
EXCEPTIONS = {
    (
        "src/truceline/model/quantity.py",
        "require_between",
    ): "reads as the inequality it holds: value between low and high",
    ("src/truceline/observe/contact_line.py", "decode_geojson"): BY_NAME,
    ("src/truceline/observe/contact_line.py", "decode_line_table"): BY_NAME,
    ("src/truceline/report/adherence_page.py", "render_adherence"): BY_NAME,
    ("src/truceline/report/map_picture.py", "build_map"): BY_NAME,
    ("src/truceline/report/timeline.py", "build_timeline"): BY_NAME,
}
"""(file, function or ''): why it reads better as it is. May only shrink."""
EXCEPTIONS_MOST_COUNT = 6
BANNED_PARTS = frozenset({"util", "utils", "helper", "helpers", "manager", "handler", "common", "misc"})


def code_files() -> list[Path]:
    """List every Python file of the repository."""
    return [path for folder in ("src", "tests", "bench", "tools") for path in files_in(folder)]


def length_count(function: FunctionNode) -> int:
    """Count a function's lines from `def` to its end, its docstring left out."""
    assert function.end_lineno is not None, "trees parsed from text carry line numbers"
    total = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is None or len(function.body) == 1:
        return total
    assert first.end_lineno is not None, "trees parsed from text carry line numbers"
    return total - (first.end_lineno - first.lineno + 1)


def shape_breaches(tree: ast.Module, text: str) -> list[tuple[str, str]]:
    """List (function name or '', what is too large about it)."""
    found = []
    if (lines_count := len(text.splitlines())) > FILE_MOST_LINES_COUNT:
        found.append(("", f"file has {lines_count} lines, limit {FILE_MOST_LINES_COUNT}"))
    lengths = [(function.name, length_count(function)) for function in functions_of(tree)]
    too_long = [(name, count) for name, count in lengths if count > FUNCTION_MOST_LINES_COUNT]
    return found + [(name, f"has {count} lines, limit {FUNCTION_MOST_LINES_COUNT}") for name, count in too_long]


def parameter_breaches(tree: ast.Module) -> list[tuple[str, str]]:
    """List (function name, what is too many about its parameters); by position only where others call it.

    Compiled functions are let through: they take columns by position, and a record of them costs at every call.
    """
    found = []
    for function in functions_of(tree):
        if is_compiled(function):
            continue
        count = len(parameters_of(function))
        positional_count = count - len(function.args.kwonlyargs)
        if count > PARAMETERS_MOST_COUNT:
            found.append((function.name, f"has {count} parameters, limit {PARAMETERS_MOST_COUNT}"))
        if positional_count > POSITIONAL_MOST_COUNT and not function.name.startswith("_"):
            found.append(
                (function.name, f"has {positional_count} positional parameters, limit {POSITIONAL_MOST_COUNT}")
            )
    return found


def _all_breaches() -> list[tuple[str, str, str]]:
    shapes = [(path, *entry) for path in code_files() for entry in shape_breaches(tree_of(path), text_of(path))]
    lists = [(path, *entry) for path in files_in("src") for entry in parameter_breaches(tree_of(path))]
    return [(shown(path), name, what) for path, name, what in [*shapes, *lists]]


def test_files_functions_and_parameter_lists_are_short() -> None:
    """Nothing is longer than a reader takes in at once, be it a file, a function or the list of what it wants."""
    found = [entry for entry in _all_breaches() if entry[:2] not in EXCEPTIONS]

    hold_none(f"{place}: {name} {what}" for place, name, what in found)


def test_exceptions_may_only_shrink() -> None:
    """An exception is there because the code still needs it, and their number never rises."""
    needed = {entry[:2] for entry in _all_breaches()}

    hold_none(f"{place}: {name} is no longer needed as an exception" for place, name in set(EXCEPTIONS) - needed)
    assert len(EXCEPTIONS) <= EXCEPTIONS_MOST_COUNT


def test_what_is_too_long_is_caught() -> None:
    """The rule sees a long file, a long function without its docstring, and a long parameter list."""
    body = "".join(f"    x = {number}\n" for number in range(60))
    text = f'def f(a, b, c, d):\n    """Say."""\n{body}\ndef g(a, *, b, c, d, e, h): ...\n' + "\n" * 500
    tree = ast.parse(text)

    assert ["", "f"] == [name for name, _ in shape_breaches(tree, text)]
    assert ["f", "g"] == [name for name, _ in parameter_breaches(tree)]


def test_only_what_is_compiled_may_take_its_columns_by_position() -> None:
    """A long list of parameters is let through under the compiler's decorator, in each spelling, and no other."""
    long_list = "(a, b, c, d, e, h): ...\n"
    spellings = ("@njit", "@njit(cache=True)", "@numba.njit(cache=True)")
    others = ("@cache", "@njit_like", "@cache(njit)", "@njit.lookup")
    compiled = ast.parse("".join(f"{spelling}\ndef let_through{long_list}" for spelling in spellings))
    plain = ast.parse("".join(f"{spelling}\ndef caught{long_list}" for spelling in others))

    assert [] == parameter_breaches(compiled)
    assert ["caught"] * 2 * len(others) == [name for name, _ in parameter_breaches(plain)]


def banned_file_names(paths: list[str]) -> list[str]:
    """List the files whose names say that nobody knew where they belong."""
    return [path for path in paths if BANNED_PARTS & set(path.lower().strip("_").replace(".", "_").split("_"))]


def test_no_file_is_a_drawer() -> None:
    """Every file is named after what it is about."""
    hold_none(f"{shown(path)}: the name says nothing" for path in code_files() if banned_file_names([path.name]))


def test_a_drawer_is_caught() -> None:
    """The rule sees a drawer under each of its names."""
    assert ["utils.py", "file_helper.py"] == banned_file_names(["utils.py", "file_helper.py", "geodesy.py"])
