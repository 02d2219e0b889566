"""What holds in every test: attributions are mirrored, branches are counted in the core's tests, code compiles once."""

from __future__ import annotations

import fcntl
import gc
import hashlib
import importlib
import pkgutil
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

from truceline.model.attribution import Attribution
from truceline.model.event import Event

EVENTS_MOST_COUNT = 400
"""Events of one batch that are held to their mirror image; of more, so many spread evenly over the batch."""

TESTS = Path(__file__).resolve().parent

settings.register_profile("any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_machine")
"""How long an example takes depends on what else runs; it is no property of the code, and fails no test."""

gc.set_threshold(50_000, 20, 50)
"""A worker holds so much by the end that looking through it all at every few hundred new objects takes long."""


UNTRACED = (
    "calibration",
    "contracts",
    "faults",
    "repository",
    "scenarios/test_agreement_bad_input.py",
    "scenarios/test_association_end_to_end.py",
    "scenarios/test_first_light.py",
    "scenarios/test_open_truces.py",
    "scenarios/test_simulate.py",
    "scenarios/test_simulate_network.py",
    "unit/adapters/test_dossier_stamps.py",
    "unit/adapters/test_dossier_versions.py",
    "unit/adapters/test_verify_dossier.py",
    "unit/cli/test_dossier.py",
    "unit/cli/test_dossier_file.py",
    "unit/cli/test_dossier_log.py",
    "unit/log",
    "unit/runners/test_embedded.py",
    "unit/segments",
    "unit/stores",
    "unit/testing_figures",
)
"""Tests in which no branch is counted: they take long, more than twice as long when traced, and go the ways through the
core that its own tests and laws go. Every branch must be reached by the others."""


def measured_packages(measure: Coverage | None) -> list[str]:
    """Name the packages whose branches are counted, as `pyproject.toml` lists them; none where nothing is measured."""
    named: Any = [] if measure is None else measure.get_option("run:source")
    return [name for name in named or [] if name.startswith("truceline")]


def is_untraced(path: Path) -> bool:
    """Say whether the tests of a file count for no branch."""
    return any(TESTS / name in (path, *path.parents) for name in UNTRACED)


def pytest_collection_finish() -> None:
    """Import what is measured before any test pauses the counting, so that no line of a module is missed."""
    for name in measured_packages(Coverage.current()):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(getattr(package, "__path__", []), f"{name}."):
            importlib.import_module(module.name)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Count branches in this test, with what it sets up and takes down, unless it is one of the untraced."""
    measure = Coverage.current()
    if measure is None or not is_untraced(item.path):
        return (yield)
    measure.stop()
    try:
        return (yield)
    finally:
        measure.start()


@pytest.fixture(autouse=True, scope="session")
def exchange_mirrors_everywhere() -> Iterator[None]:
    """Hold every batch of events that any test has attributed to the exchange of the parties."""
    from truceline.attribute.stage import AttributeStage
    from truceline.testing.attribution_mirror import check_exchange_mirrors

    plain = AttributeStage.answers
    within: list[bool] = []

    def answers(self: AttributeStage, events: Sequence[Event], **beside: Any) -> list[Attribution]:
        given = plain(self, events, **beside)
        if not within and events:
            within.append(True)
            try:
                step = max(1, len(events) // EVENTS_MOST_COUNT)
                check_exchange_mirrors(self, events[::step], given[::step], collected=beside.get("collected", {}))
            finally:
                within.clear()
        return given

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(AttributeStage, "answers", answers)
        yield


@pytest.fixture(autouse=True, scope="session")
def compile_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let one of several workers compile a function, and the others wait for it and read it from the cache."""
    if not hasattr(request.config, "workerinput"):
        yield
        return
    from numba.core.dispatcher import Dispatcher

    plain = Dispatcher.compile
    folder = tmp_path_factory.getbasetemp().parent / "compiled"
    folder.mkdir(exist_ok=True)
    held: set[str] = set()

    def compile_alone(self: Any, signature: Any) -> Any:
        named = f"{self.py_func.__module__}.{self.py_func.__qualname__} {signature}"
        name = hashlib.sha256(named.encode()).hexdigest()
        if name in held:
            return plain(self, signature)
        with (folder / name).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            held.add(name)
            try:
                return plain(self, signature)
            finally:
                held.discard(name)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Dispatcher, "compile", compile_alone)
        yield
