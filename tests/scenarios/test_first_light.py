"""A golden day: the whole way from synthetic feeds to the report, held against what truly happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from truceline.adapters.stores.workspace import Workspace
from truceline.cli import main
from truceline.cli.demo import (
    COMPARISON_FILE,
    MADE_FROM_FILE,
    REPORT_FOLDER,
    STORE_FOLDER,
    compare_with_truth,
)
from truceline.model.dossier import Dossier
from truceline.testing.scenario import build_theatre
from truceline.testing.scenario_comparison import Comparison
from truceline.testing.scenario_parameters import changed_scenario, load_scenario

FALSE_SHARE_MOST = 0.1
"""Of the events that a party caused and for which a party was indicated, how many may name the wrong one."""


class Demo:
    """One run of the demo on the smaller theatre, with how it was held against the truth."""

    def __init__(self, out: Path, *, exchange_parties: bool) -> None:
        """Run it in this process and compare once more what it left behind."""
        self.out = out
        self.command = ["demo", "--scenario", "tiny", "--out", str(out)]
        self.command += ["--exchange-parties"] if exchange_parties else []
        self.code = main(self.command)
        scenario = changed_scenario(load_scenario("tiny"), seed=None, exchange_parties=exchange_parties)
        self.comparison: Comparison = compare_with_truth(out, build_theatre(scenario))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Run the demo once."""
    return Demo(tmp_path_factory.mktemp("demo"), exchange_parties=False)


@pytest.fixture(scope="module")
def exchanged_demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Run it once more with the parties' names exchanged."""
    return Demo(tmp_path_factory.mktemp("exchanged"), exchange_parties=True)


def test_every_step_does_its_work(demo: Demo) -> None:
    """Simulate, ingest, run, adherence, both reports and the comparison: the first that failed would end the demo."""
    assert 0 == demo.code


def test_the_party_that_broke_the_truce_is_told_from_the_other(demo: Demo) -> None:
    """The verdict names the domain of the party whose launches went on, and clears that of the other."""
    assert demo.comparison.verdict("long_range_a") == "held"
    assert demo.comparison.verdict("long_range_b") == "not_held"
    assert demo.comparison.verdict("ground") == "reduced"


def test_false_attribution_stays_below_its_bound(demo: Demo) -> None:
    """Where a party caused an event and a party was indicated, it is seldom the wrong one."""
    parties = demo.comparison.parties
    caused = [entry for entry in demo.comparison.causes if entry.span == "all days" and entry.cause in parties]
    indicated_count = sum(sum(entry.indicated_counts) for entry in caused)
    false_count = sum(entry.false_count for entry in caused)

    assert indicated_count > 200
    assert false_count < FALSE_SHARE_MOST * indicated_count


def test_a_decoy_is_nobody_s_attack(demo: Demo) -> None:
    """No party is ever indicated for a wild fire, a quarry blast or a works that glows."""
    decoys = [entry for entry in demo.comparison.causes if entry.cause == "no party (decoy)"]

    assert sum(entry.event_count for entry in decoys) > 0
    assert sum(sum(entry.indicated_counts) for entry in decoys) == 0


def test_most_potential_violations_are_of_the_party_that_fired(demo: Demo) -> None:
    """Inside the truce only one party fired; it is indicated more often than the other."""
    indicated = {party: demo.comparison.indicated_count(party, "truce") for party in demo.comparison.parties}

    assert indicated["B"] > indicated["A"]


def test_the_figures_add_up(demo: Demo) -> None:
    """Every event is counted once per span, under one cause and one answer; a longer span holds the shorter."""
    for entry in demo.comparison.causes:
        assert sum(entry.indicated_counts) + entry.undetermined_count == entry.event_count
        assert 0 <= entry.right_count <= sum(entry.indicated_counts)
    for kind in demo.comparison.kinds:
        assert 0 <= kind.found_count <= kind.happened_count
    totals = [
        sum(entry.event_count for entry in demo.comparison.causes if entry.span == span)
        for span in ("truce", "week with sensors", "all days")
    ]

    assert totals == sorted(totals)


def test_exchanging_the_parties_exchanges_the_answer(demo: Demo, exchanged_demo: Demo) -> None:
    """What is said of one party in one theatre is said of the other in its mirror image."""
    there, here = demo.comparison, exchanged_demo.comparison
    swapped = {"A": "B", "B": "A"}
    said_there = {(entry.span, entry.cause): entry.indicated_counts for entry in there.causes}
    said_here = {
        (entry.span, swapped.get(entry.cause, entry.cause)): entry.indicated_counts[::-1] for entry in here.causes
    }

    assert said_there == said_here
    assert there.verdict("long_range_a") == here.verdict("long_range_b")
    assert there.verdict("long_range_b") == here.verdict("long_range_a")


def test_everything_made_from_it_says_synthetic(demo: Demo) -> None:
    """The mark of the feeds reaches every dossier and every page."""
    with Workspace.open(demo.out / STORE_FOLDER, create=False, read_only=True) as store:
        marks = {dossier.synthetic for dossier in store.records("dossier", Dossier)}
    pages = [*(demo.out / REPORT_FOLDER).rglob("*.html"), demo.out / "adherence.html"]

    assert marks == {True}
    assert len(pages) > 1
    assert [page.name for page in pages if "SYNTHETIC" not in page.read_text(encoding="utf-8")] == []


def test_the_demo_can_be_run_again_in_its_folder(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run takes the store up where it stands and says the same."""
    first = (demo.out / COMPARISON_FILE).read_bytes()
    second_code = main(demo.command)
    said = capsys.readouterr().out

    assert (0, 0) == (demo.code, second_code)
    assert (demo.out / COMPARISON_FILE).read_bytes() == first
    assert "had before" in said
    assert "ground_truth_comparison.md" in said


def test_a_store_that_is_not_the_demo_s_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The demo never replaces a store that it did not make."""
    (tmp_path / STORE_FOLDER).mkdir()
    kept = tmp_path / STORE_FOLDER / "kept.txt"
    kept.write_text("mine", encoding="utf-8")
    code = main(["demo", "--scenario", "tiny", "--out", str(tmp_path)])
    said = capsys.readouterr().err

    assert code == 1
    assert kept.read_text(encoding="utf-8") == "mine"
    assert MADE_FROM_FILE in said
