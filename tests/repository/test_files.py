"""Which files there are, how large, of which kind, and what no file may carry along."""

from __future__ import annotations

import re
import tomllib

from repository.house import ROOT, hold_none, repository_files, shown, text_files, text_of

BLOB_MOST_BYTES = 256 * 1024
KINDS = frozenset(
    {".py", ".md", ".toml", ".yaml", ".txt", ".csv", ".json", ".geojson", ".html", ".css", ".js", ".svg", ".sh"}
) | {".parquet", ".j2", ".png"}
NAMES = frozenset({"Makefile", "LICENSE", "NOTICE", ".gitignore", ".gitattributes", "py.typed"})
SCRIPTS = frozenset({".ci/run"})

LEFTOVERS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
PRIVATE = re.compile(
    r"(?<![\w.])/(work|root|home|mnt|Users|opt)/\w"  # a folder of one machine
    r"|\b(10|192\.168|172\.(1[6-9]|2\d|3[01]))(\.\d{1,3}){2,3}\b"  # an address of one house
    r"|\b[\w-]+\.(internal|corp|lan)\b",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"://|index-url|find-links|^\s*-e\b|\s@\s", re.MULTILINE)
REQUIREMENT = re.compile(r"^(?P<name>[a-z0-9-]+)==", re.MULTILINE)
LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-setup.txt")


def is_expected(place: str) -> bool:
    """Say whether a file is of a kind that belongs here."""
    name = place.rsplit("/", maxsplit=1)[-1]
    ending = f".{name.rsplit('.', maxsplit=1)[-1]}" if "." in name.lstrip(".") else ""
    return name in NAMES or place in SCRIPTS or ending in KINDS


def test_every_file_is_of_a_kind_that_belongs_here() -> None:
    """A file of a new kind comes in by a decision, written down above, and never by accident."""
    hold_none(f"{place}: unexpected kind" for place in map(shown, repository_files()) if not is_expected(place))


def test_an_unexpected_kind_is_caught() -> None:
    """The rule sees archives, notebooks and files without a kind."""
    places = ["a/b.zip", "x.ipynb", "notes", "src/a.py", ".gitignore", ".ci/run", "uv.lock"]

    assert ["a/b.zip", "x.ipynb", "notes", "uv.lock"] == [place for place in places if not is_expected(place)]


def test_no_file_is_large() -> None:
    """What is larger than 256 KiB is made by a seed or stays outside."""
    sizes = [(shown(path), path.stat().st_size) for path in repository_files()]

    hold_none(f"{place}: {size} bytes, limit {BLOB_MOST_BYTES}" for place, size in sizes if size > BLOB_MOST_BYTES)


def lines_matching(pattern: re.Pattern[str], text: str) -> list[int]:
    """List the numbers of the lines in which a pattern is found."""
    return [number for number, line in enumerate(text.splitlines(), start=1) if pattern.search(line)]


def test_nothing_is_left_undone_in_a_comment() -> None:
    """What is still to be done stands in an issue, where it can be found, and not in a file."""
    found = [(shown(path), number) for path in text_files() for number in lines_matching(LEFTOVERS, text_of(path))]

    hold_none(f"{place}:{number}" for place, number in found)


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """No private folder, address or host stands in any file."""
    found = [(shown(path), number) for path in text_files() for number in lines_matching(PRIVATE, text_of(path))]

    hold_none(f"{place}:{number}" for place, number in found if not place.endswith("test_files.py"))


def test_leftovers_and_private_places_are_caught() -> None:
    """The rules see a note to oneself, a folder of one machine, and an address of one house."""
    text = (
        "# " + "TO" + "DO later\n/home/me/x\nhttp://192.168.1.7/\nhost.internal\nversion 10.2 of /etc/x\nnetwork/work/a"
    )

    assert [1] == lines_matching(LEFTOVERS, text)
    assert [2, 3, 4] == lines_matching(PRIVATE, text)


def lock_breaches(text: str) -> list[str]:
    """List what is wrong in a lock file: an address, or a requirement without the hash of its files."""
    entries = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if entry]
    unlocked = [entry.split("\n")[0] for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)]
    return [*unlocked, *(found.group() for found in ADDRESS.finditer(text))]


def test_locks_hold_versions_and_hashes_only() -> None:
    """Whoever installs gets the files that were tested, from whichever index he trusts."""
    hold_none(f"{lock}: {breach}" for lock in LOCKS for breach in lock_breaches(text_of(ROOT / lock)))


def test_a_loose_lock_is_caught() -> None:
    """The rule sees a missing hash, an index and a file by address."""
    assert ["numpy==2.4"] == lock_breaches("numpy==2.4")
    assert 3 == len(lock_breaches(f"--index-url https://x/\nnumpy==2 \\\n    --hash=sha256:{'0' * 64}"))


def normal_name(requirement: str) -> str:
    """Give a requirement's bare name in the spelling that lock files use."""
    return re.split(r"[<>=!~;\[ ]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")


def test_locks_answer_the_project_file() -> None:
    """Every requirement of the project stands in the lock that is installed for it."""
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))
    groups = project["dependency-groups"]
    wanted = {
        "requirements.txt": [*project["project"]["dependencies"], *groups["build"]],
        "requirements-dev.txt": [*project["project"]["dependencies"], *groups["build"], *groups["dev"]],
        "requirements-setup.txt": groups["setup"],
    }
    locked = {lock: {found["name"] for found in REQUIREMENT.finditer(text_of(ROOT / lock))} for lock in LOCKS}

    hold_none(
        f"{lock}: {name} is missing; run `make lock`"
        for lock, names in wanted.items()
        for name in map(normal_name, names)
        if name not in locked[lock]
    )
    assert locked["requirements.txt"] <= locked["requirements-dev.txt"]


def test_the_changelog_tells_what_comes_next() -> None:
    """CHANGELOG.md has an Unreleased part that says something."""
    text = text_of(ROOT / "CHANGELOG.md")
    unreleased = text.partition("## [Unreleased]")[2].partition("\n## [")[0]

    assert re.search(r"^- \S", unreleased, re.MULTILINE), "nothing stands under ## [Unreleased]"
