"""The documents know everything the code has, and nothing it has not."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from repository.house import ROOT, files_in, hold_none, public_classes, repository_files, shown, text_of, tree_of

LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<place>[^)\s]+)\)")
LIFE = ROOT / "docs" / "life-of-an-observation.md"
GOAL = re.compile(r"^(?P<name>[a-z][a-z-]*):.*?(?P<help>## .+)?$", re.MULTILINE)
UNLISTED_GOALS = frozenset({"ready", "ready-test"})
BOLD = re.compile(r"\*\*`?(\w+)`?\*\*")


def pages() -> list[Path]:
    """List the documents."""
    return [path for path in repository_files() if path.suffix == ".md"]


def public_types(tree: ast.Module) -> set[str]:
    """Name the public types of a module: its classes and its aliases written in CamelCase."""
    names = {node.name for node in public_classes(tree)}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            is_variable = isinstance(node.value, ast.Call) and "TypeVar" in ast.dump(node.value.func)
            if re.fullmatch(r"([A-Z][a-z]+)+", name) and not is_variable:
                names.add(name)
    return names


def test_every_type_of_the_model_stands_in_the_glossary() -> None:
    """A noun has one meaning, and GLOSSARY.md gives it."""
    glossary = set(BOLD.findall(text_of(ROOT / "GLOSSARY.md")))
    model = files_in("src", "truceline", "model")

    hold_none(
        f"{shown(path)}: {name} is not explained" for path in model for name in public_types(tree_of(path)) - glossary
    )


def test_the_glossary_explains_no_ghosts() -> None:
    """A type that GLOSSARY.md gives in bold exists."""
    exists = {name for path in files_in("src", "truceline") for name in public_types(tree_of(path))}
    explained = BOLD.findall(text_of(ROOT / "GLOSSARY.md"))

    hold_none(f"GLOSSARY.md: {name} does not exist" for name in explained if name[0].isupper() and name not in exists)


def test_a_type_without_meaning_is_caught() -> None:
    """The rule sees classes and aliases, and neither private ones nor type variables."""
    seeded = ast.parse("class Origin: ...\nclass _Row: ...\nFinding = A | B\nT = TypeVar('T')\nLIMIT_M = 3\n")

    assert {"Origin", "Finding"} == public_types(seeded)


def broken_links(page: Path) -> Iterator[str]:
    """Give every link of a page that leads nowhere inside the repository."""
    for found in LINK.finditer(text_of(page)):
        place, _, anchor = found["place"].partition("#")
        if "://" in place or place.startswith("mailto:"):
            continue
        there = (page.parent / place).resolve() if place else page
        if not there.exists():
            yield place
        elif anchor and there.suffix == ".py" and anchor not in names_in(tree_of(there)):
            yield f"{place}#{anchor}"


def names_in(tree: ast.Module) -> set[str]:
    """Name every function and class of a module, methods as Class.method."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{child.name}" for child in node.body if isinstance(child, ast.FunctionDef)}
    return names


def test_links_lead_somewhere() -> None:
    """Every link in the documents leads to a file that exists and, in code, to a function that exists."""
    hold_none(f"{shown(page)}: {place}" for page in pages() for place in broken_links(page))


def test_a_broken_link_is_caught(tmp_path: Path) -> None:
    """The rule sees a missing file and a missing function, and leaves the web alone."""
    (tmp_path / "a.py").write_text("class A:\n    def f(self): ...\n", encoding="utf-8")
    page = tmp_path / "a.md"
    page.write_text("[a](a.py#A.f) [b](b.py) [c](a.py#g) [d](https://example.org/x)", encoding="utf-8")

    assert ["b.py", "a.py#g"] == list(broken_links(page))


def test_every_method_page_is_linked() -> None:
    """A page about a method can be found from the map."""
    linked = {
        (page.parent / found["place"].partition("#")[0]).resolve()
        for page in (ROOT / "README.md", ROOT / "docs" / "architecture.md")
        for found in LINK.finditer(text_of(page))
    }

    hold_none(
        f"{shown(page)} is linked nowhere" for page in files_in("docs", "method", ending=".md") if page not in linked
    )


def test_every_goal_is_explained() -> None:
    """`make help` and CONTRIBUTING.md know every goal of the Makefile."""
    goals = {found["name"]: found["help"] for found in GOAL.finditer(text_of(ROOT / "Makefile"))}
    contributing = text_of(ROOT / "CONTRIBUTING.md")
    listed = {name: told for name, told in goals.items() if name not in UNLISTED_GOALS}

    hold_none(f"Makefile: {name} has no '## ...'" for name, told in listed.items() if not told)
    hold_none(f"CONTRIBUTING.md: `make {name}` is missing" for name in listed if f"make {name}" not in contributing)


def contracts() -> list[dict[str, object]]:
    """Give the import contracts of the project file."""
    contracts: list[dict[str, object]] = tomllib.loads(text_of(ROOT / "pyproject.toml"))["tool"]["importlinter"][
        "contracts"
    ]
    return contracts


def test_the_map_shows_the_layers_in_their_order() -> None:
    """The table in docs/architecture.md has the layers of the contract, top first, and names every contract."""
    page = text_of(ROOT / "docs" / "architecture.md")
    layers = next(contract["layers"] for contract in contracts() if contract["id"] == "layers")
    assert isinstance(layers, list)
    expected = [re.sub(r"[()]", "", layer).replace(" | ", ", ") for layer in layers]
    table = page.partition("## Layers")[2].partition("\n## ")[0]

    assert expected == re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    hold_none(
        f"contract {contract['id']} is not explained" for contract in contracts() if f"**{contract['id']}**" not in page
    )


def test_the_life_of_an_observation_is_told_in_order() -> None:
    """Its sentences are numbered from 1, each leads to a function, and stages follow in the pipeline's order."""
    sentences = re.findall(r"^(\d+)\. (.*?)(?=^\d+\. |^\s*$|^#)", text_of(LIFE), re.MULTILINE | re.DOTALL)
    numbers = [int(number) for number, _ in sentences]
    links = [[found["place"] for found in LINK.finditer(sentence)] for _, sentence in sentences]
    order = ["observe", "associate", "assess", "attribute", "dossier", "release", "report"]
    first = {
        stage: next(i for i, places in enumerate(links) if f"/truceline/{stage}/" in " ".join(places))
        for stage in order
    }

    assert list(range(1, len(sentences) + 1)) == numbers
    hold_none(
        f"sentence {number} leads to no function"
        for number, places in zip(numbers, links, strict=True)
        if not any(".py#" in place for place in places)
    )
    assert order == sorted(order, key=first.__getitem__)


def test_every_store_is_trusted_for_a_reason() -> None:
    """docs/trust.md says of every store what its loss costs and what editing it could achieve."""
    page = text_of(ROOT / "docs" / "trust.md")

    for store in ("journal.sqlite", "archive", "release"):
        part = page.partition(f"## `{store}")[2].partition("\n## ")[0]
        assert "**Loss.**" in part, store
        assert "**Editing.**" in part, store
