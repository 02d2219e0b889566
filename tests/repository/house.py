"""What the tests of the repository share: its files, its syntax trees, and one way to show what was found."""

from __future__ import annotations

import ast
import gc
import os
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "truceline"
CORE_NAMES = (
    "model",
    "physics",
    "ports",
    "observe",
    "associate",
    "assess",
    "attribute",
    "dossier",
    "decide",
    "release",
    "report",
    "pipeline",
)
"""Everything that must give the same answer to the same input, wherever and whenever it is asked."""
MADE_HERE = frozenset({".git", ".venv", "out", "dist", "__pycache__"})
TEXT_ENDINGS = frozenset(
    {
        ".py",
        ".md",
        ".toml",
        ".yaml",
        ".txt",
        ".csv",
        ".json",
        ".geojson",
        ".html",
        ".css",
        ".js",
        ".svg",
        ".sh",
        ".j2",
        "",
    }
)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
COMPILER = "njit"


def hold_none(found: Iterable[str]) -> None:
    """Hold that nothing was found, or fail with one line for each thing found."""
    lines = sorted(set(found))
    if lines:
        pytest.fail(f"{len(lines)} found:\n" + "\n".join(lines), pytrace=False)


@cache
def repository_files() -> tuple[Path, ...]:
    """List the files that belong to the repository: those git knows or would add; without git, all but what is made."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        try:
            listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()  # noqa: S603
            return tuple(sorted(ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()))
        except (OSError, subprocess.CalledProcessError):
            pass  # git is not on this machine, or does not trust the folder's owner
    return tuple(sorted(_walked()))


def _walked() -> Iterator[Path]:
    for folder, names, files in os.walk(ROOT):
        names[:] = [name for name in names if name not in MADE_HERE and not name.endswith(("_cache", ".egg-info"))]
        names[:] = [name for name in names if name != ".hypothesis"]
        yield from (Path(folder) / name for name in files if not name.startswith(".coverage"))


def files_in(*parts: str, ending: str = ".py") -> list[Path]:
    """List the repository's files of one kind below a folder."""
    folder = ROOT.joinpath(*parts)
    return [path for path in repository_files() if path.suffix == ending and path.is_relative_to(folder)]


def text_files() -> list[Path]:
    """List the repository's files that people read."""
    return [path for path in repository_files() if path.suffix in TEXT_ENDINGS]


@cache
def text_of(path: Path) -> str:
    """Read a file once."""
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    """Parse a file once, without collecting garbage meanwhile: Python 3.11 takes that for too deep a recursion."""
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(text_of(path))
    finally:
        if was_collecting:
            gc.enable()


def shown(path: Path) -> str:
    """Give a path as a reader of the repository would write it."""
    return path.relative_to(ROOT).as_posix()


def core_files() -> list[Path]:
    """List the source files of the core."""
    return [
        path for path in files_in("src", "truceline") if path.relative_to(PACKAGE).parts[0].split(".")[0] in CORE_NAMES
    ]


@cache
def functions_of(tree: ast.Module) -> tuple[FunctionNode, ...]:
    """Give every function, nested ones and methods included."""
    return tuple(node for node in ast.walk(tree) if isinstance(node, FunctionNode))


def public_functions(tree: ast.Module) -> Iterator[tuple[str, FunctionNode]]:
    """Give every function a reader may call, with its qualified name: module level and methods of public classes."""
    for node in tree.body:
        if isinstance(node, FunctionNode) and not node.name.startswith("_"):
            yield node.name, node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            methods = (child for child in node.body if isinstance(child, FunctionNode))
            for method in methods:
                if not method.name.startswith("_") or method.name == "__init__":
                    yield f"{node.name}.{method.name}", method


def public_classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    """Give every public class of a module."""
    yield from (node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))


def parameters_of(function: FunctionNode) -> list[ast.arg]:
    """Give a function's named parameters without `self` and `cls`."""
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [entry for entry in given if entry.arg not in {"self", "cls"}]


def is_compiled(function: FunctionNode) -> bool:
    """Say whether a function is compiled: decorated with `njit`, called or not, by whatever name of its module."""
    called = [node.func if isinstance(node, ast.Call) else node for node in function.decorator_list]
    return any(COMPILER == (node.attr if isinstance(node, ast.Attribute) else ast.unparse(node)) for node in called)
