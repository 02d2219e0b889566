"""The auditor of a simulation: knows only what was offered and acknowledged, and reads the store as anyone may."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from truceline.adapters.stores.workspace import FILE_KIND, Workspace


class AuditFailure(AssertionError):
    """The store broke a promise; the message names seed, step and promise."""


class Said(NamedTuple):
    """One row of the journal, without the time of logging."""

    sequence: int
    record_kind: str
    record_id: str
    body: bytes
    equivocation: bool


class Auditor:
    """Holds a store to its promises: nothing acknowledged is lost or altered, nothing comes twice or from nowhere."""

    def __init__(self, seed: int) -> None:
        """Begin with nothing offered."""
        self._seed = seed
        self._step = "before the first step"
        self._offered: dict[str, frozenset[str]] = {}
        self._acknowledged_files: set[str] = set()
        self._acknowledged: list[Said] = []
        self.check_count = 0

    def offer(self, step: str, files: dict[str, frozenset[str]]) -> None:
        """Note what a step offers: for each received file, by its SHA-256, the ids of its rows."""
        self._step = step
        self._offered |= files

    def acknowledge(self, folder: Path, files: set[str]) -> None:
        """Note that a step was acknowledged; from now on all that the store says must stand."""
        self._acknowledged_files |= files
        self._acknowledged = self.check(folder)

    def check(self, folder: Path) -> list[Said]:
        """Read everything and hold it against every promise; give what the journal says."""
        self.check_count += 1
        with Workspace.open(folder, create=False, read_only=True) as store:
            self._hold(not (damages := list(store.damages())), f"the store is damaged: {damages[:3]}")
            rows = list(store.rows())
            ids = store.observations()["observation_id"].to_pylist()
        said = [Said(row.sequence, row.record_kind, row.record_id, row.body, row.equivocation) for row in rows]
        kept = {row.record_id for row in rows if row.record_kind == FILE_KIND}
        logged = [row.logged_time for row in rows]
        expected_ids = frozenset[str]().union(*(self._offered.get(name, frozenset()) for name in kept))
        self._hold(said[: len(self._acknowledged)] == self._acknowledged, "an acknowledged record was lost or altered")
        self._hold(self._acknowledged_files <= kept, "an acknowledged file was lost")
        self._hold(kept <= set(self._offered), "a file is kept that was never offered")
        self._hold(len(ids) == len(set(ids)), "an observation is there twice")
        self._hold(set(ids) == expected_ids, "observations are not those of the files kept")
        self._hold(logged == sorted(logged), "the times of logging run backwards")
        return said

    def hold_equal(self, found: list[Said], expected: list[Said]) -> None:
        """Hold that two runs said the same, in the same order, byte for byte."""
        differing = [pair for pair in zip(found, expected, strict=False) if pair[0] != pair[1]]
        where = f"first at sequence {differing[0][0].sequence}" if differing else "one is longer"
        self._hold(found == expected, f"what was said differs from a run without faults ({where})")

    def _hold(self, is_so: bool, promise: str) -> None:
        if not is_so:
            raise AuditFailure(f"seed={self._seed}, {self._step}: {promise}; the same seed gives the same run")
