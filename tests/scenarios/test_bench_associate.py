"""The benchmark of the association engine beside its peers: it runs, and holds everyone to the same truth."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truceline.physics.region import agreed_scale_ratio

BENCH = Path(__file__).parents[2] / "bench"
pytestmark = pytest.mark.bench


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the interface that our engine and its peers share."""
    monkeypatch.syspath_prepend(BENCH)
    return importlib.import_module("associate_peers.exchange")


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the module of the shared benchmark's worlds, or skip where that is not here."""
    monkeypatch.syspath_prepend(BENCH)
    module = importlib.import_module("associate_worlds.shared_world")
    if not module.shared_presets():
        pytest.skip("the shared benchmark is not here")
    return module


def test_one_run_gives_a_table_and_its_figures(tmp_path: Path) -> None:
    """One seed of a small theatre gives one row, and the same figures as JSON."""
    out = tmp_path / "out.json"
    words = ["--presets", "network_tiny", "--seeds", "1", "--json", str(out)]
    done = subprocess.run(  # noqa: S603
        [sys.executable, str(BENCH / "associate.py"), *words], capture_output=True, text=True, check=True
    )
    said = json.loads(out.read_text())
    rows = [line for line in done.stdout.splitlines() if line.startswith("| network_tiny")]

    assert 1 == len(rows) == len(said["rows"]) == len(said["runs"])
    assert said["runs"][0]["figures"]["f1"] > 0.5
    assert f"{said['runs'][0]['figures']['f1']:.4f}" in rows[0]


def test_a_scene_and_an_answer_come_back_as_they_were(tmp_path: Path, exchange: Any) -> None:
    """What is written for an adapter, and what it writes, is read as the same arrays."""
    scene = exchange.tiny_scene()
    exchange.write_scene(tmp_path / "scene.npz", scene)
    answer = exchange.answer_of(([1.0], [2.0], [3.0]), np.zeros(4))
    measured = exchange.Measured(answer, 0.5, 1_000_000, "some 1.0")
    exchange.write_measured(tmp_path / "answer.npz", measured)
    again, read = exchange.read_scene(tmp_path / "scene.npz"), exchange.read_measured(tmp_path / "answer.npz")

    assert all(np.array_equal(first, second, equal_nan=True) for first, second in zip(scene, again, strict=True))
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(answer, read.answer, strict=True))
    assert measured[1:] == read[1:]


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("name", ["path error 2 %", "timing noise x3", "15 % echoes", "5 % bad clocks"])
def test_a_case_makes_worse_what_it_names_and_tells_nobody(shared: Any, name: str) -> None:
    """A harder case has the same stations by the sheet, and the truth itself as an answer is right all the same."""
    cases = importlib.import_module("associate_worlds.world")
    case = next(each for each in cases.ROBUSTNESS_CASES if each.name == name)
    plain, worse = (shared.shared_world("sm_r10", each, 3000) for each in (cases.PLAIN, case))
    generator = shared.shared_benchmark().generator
    truth = shared._drawn(generator, "sm_r10", case, 3000).truth
    places = (1e3 * truth["ev_x"], 1e3 * truth["ev_y"], truth["ev_t"])
    answer = importlib.import_module("associate_peers.exchange").answer_of(places, truth["pick_ev"])
    figures = worse.hold(answer)

    assert np.allclose(plain.scene.station_timing_sigma_s, worse.scene.station_timing_sigma_s, rtol=1e-12)
    assert np.array_equal(plain.scene.station_x_m, worse.scene.station_x_m)
    assert not np.array_equal(plain.scene.detection_time_s, worse.scene.detection_time_s)
    assert [1.0, 1.0, 1.0] == [figures[key] for key in ("recall", "detection_precision", "detection_recall")]


@pytest.mark.shared
def test_echoes_come_late_and_leave_a_dead_time(shared: Any) -> None:
    """About the asked share echoes, half without the first, and no station records twice within its dead time."""
    generator = shared.shared_benchmark().generator
    plain = shared._drawn(generator, "sm_r60", shared.Case(), 3000)
    echoed = shared.with_echoes(plain, 0.15, np.random.default_rng(5))
    true_count = int((plain.truth["pick_ev"] >= 0).sum())
    lost_share = 1.0 - (echoed.truth["pick_ev"] >= 0).sum() / true_count
    station, time_s = echoed.detections["sta"], echoed.detections["t"]
    order = np.lexsort((time_s, station))
    gaps_s = np.diff(time_s[order])[np.diff(station[order]) == 0]

    assert 0.05 < lost_share < 0.1
    assert 0.05 * true_count < len(time_s) - len(plain.detections["t"]) < 0.09 * true_count
    assert gaps_s.min() >= echoed.meta["dead"]


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("tail_ratio", [0.0, 0.4])
def test_each_region_is_counted_by_its_own_tail(shared: Any, tail_ratio: float) -> None:
    """Errors drawn from a tail are covered as claimed in all three regions, as the benchmark's own program counts."""
    cases = importlib.import_module("associate_worlds.world")
    drawn = shared._drawn(shared.shared_benchmark().generator, "wind_r600", cases.PLAIN, 3000)
    chance, count = np.random.default_rng(3), len(drawn.truth["ev_x"])
    freedom = 1.0 / max(tail_ratio, 1e-9)
    off_m = chance.normal(size=(2, count)) / np.sqrt(chance.gamma(freedom / 2.0, 2.0 / freedom, count))
    x_m, y_m = 1e3 * np.array([drawn.truth["ev_x"], drawn.truth["ev_y"]]) + 20.0 * off_m
    plain = importlib.import_module("associate_peers.exchange").answer_of(
        (x_m, y_m, drawn.truth["ev_t"]), drawn.truth["pick_ev"]
    )
    covariance_m2 = 400.0 * agreed_scale_ratio(tail_ratio) * np.tile([1.0, 0.0, 1.0], (count, 1))
    answer = plain._replace(covariance_m2=covariance_m2, region_tail_ratio=np.full(count, tail_ratio))
    figures = shared._figures(shared.shared_benchmark(), drawn, answer)
    without = shared._figures(shared.shared_benchmark(), drawn, plain)

    assert [0.5, 0.9, 0.95] == pytest.approx([figures[f"coverage_{share}"] for share in (50, 90, 95)], abs=0.03)
    assert [None] * 3 == [without[f"coverage_{share}"] for share in (50, 90, 95)]
