"""The stored consultation under every order of acts that a search can think of, with restarts in between."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from truceline.decide.consultation import State, Step, initial, step
from truceline.decide.guards import Refusal
from truceline.decide.invariants import broken_by_state, broken_by_step
from truceline.model.quantity import canonical_bytes
from truceline.testing.consultation_world import World

CODES = st.sampled_from(["QM", "QN"])
PLACES = {"QM": 0, "QN": 1}


class StoredConsultation(RuleBasedStateMachine):
    """Drives the store and the transition function side by side: they must always agree."""

    def __init__(self) -> None:
        """Open a case in a folder of its own."""
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.world = World(self.folder / "case")
        self.state: State = initial((True, False))
        self.boards: list[tuple[object, bytes]] = []

    def teardown(self) -> None:
        """Take the folder away."""
        self.world.store.close()
        shutil.rmtree(self.folder)

    def both(self, verdict: str, act: Step) -> None:
        """Hold that the store took an act where the function does, and refused where it refuses."""
        after = step(self.state, act)
        is_refused = isinstance(after, Refusal)
        assert ("refused" if is_refused else "accepted") == verdict, (act, after)
        if not isinstance(after, Refusal):
            assert broken_by_step(self.state, act, after) is None
            self.state = after

    @precondition(lambda self: len(self.state.versions) < 3 and "draft" not in self.state.versions)
    @rule()
    def release(self) -> None:
        """Draft a version and release it."""
        version_index = len(self.state.versions) + 1
        verdict = self.world.release(version_index).verdict
        self.state = step(self.state, Step("draft", "machine", version_index=version_index))  # type: ignore[assignment]
        self.both(verdict, Step("release", "reviewers", version_index=version_index))

    @precondition(lambda self: self.state.versions)
    @rule()
    def withdraw(self) -> None:
        """Withdraw the newest version."""
        version_index = len(self.state.versions)
        verdict = self.world.version(version_index, "withdrawn", reasons="staged").verdict
        self.both(verdict, Step("withdraw", "reviewers", version_index=version_index))

    @precondition(lambda self: self.state.versions)
    @rule(code=CODES)
    def serve(self, code: str) -> None:
        """Serve the newest version and acknowledge it."""
        version_index, index = len(self.state.versions), PLACES[code]
        verdict = self.world.serve(code, version_index).verdict
        served = step(self.state, Step("serve", "secretariat", -1, index, version_index))
        self.state = self.state if isinstance(served, Refusal) else served
        self.both(verdict, Step("acknowledge", "liaison", index, index, version_index))

    @rule(code=CODES, status=st.sampled_from(["requested", "met", "concluded", "lapsed"]))
    def consult(self, code: str, status: str) -> None:
        """Request, meet, conclude or lapse."""
        verdict = self.world.consultation(status, code).verdict
        index = PLACES[code]
        acts = {
            "requested": Step("request", "office", index, index),
            "met": Step("meet", "secretariat"),
            "concluded": Step("conclude", "secretariat"),
            "lapsed": Step("lapse", "secretariat"),
        }
        self.both(verdict, acts[status])

    @rule(outcome=st.sampled_from(["granted", "refused"]))
    def mandate(self, outcome: str) -> None:
        """Let the parliament vote."""
        self.both(self.world.mandate("QM", outcome).verdict, Step("mandate", "parliament", 0, 0, 0, outcome))

    @precondition(lambda self: self.state.versions)
    @rule(code=CODES, outcome=st.sampled_from(["assist", "no", "defer"]))
    def decide(self, code: str, outcome: str) -> None:
        """Decide on the newest version."""
        version_index, index = len(self.state.versions), PLACES[code]
        verdict = self.world.decide(code, outcome, version_index).verdict
        self.both(verdict, Step("decide", "office", index, index, version_index, outcome))

    @precondition(lambda self: self.state.versions)
    @rule(code=CODES, role=st.sampled_from(["secretariat", "liaison", "parliament", "other"]))
    def decide_for_another(self, code: str, role: str) -> None:
        """Sign a decision with a key that is not the state's office-holder's: it never counts."""
        other = "QN" if code == "QM" else "QM"
        key = (
            self.world.key("office", other) if role == "other" else self.world.key(role, code if role[0] != "s" else "")
        )

        assert self.world.submit(self.world.decision(code, "no"), key).verdict != "accepted"

    @rule(code=CODES, act=st.sampled_from(["authorised", "executing", "suspended", "ended"]))
    def measure(self, code: str, act: str) -> None:
        """Authorise, start, suspend or end a measure."""
        index = PLACES[code]
        if self.state.guarantors[index].decided_by is None:
            assert self.world.measure(code, act).verdict == "refused"
            return
        name = {"authorised": "authorise", "executing": "start", "suspended": "suspend", "ended": "end"}[act]
        self.both(self.world.measure(code, act).verdict, Step(name, "office", index, index))

    @rule(code=CODES)
    def read(self, code: str) -> None:
        """Deliver a notice and read it."""
        index = PLACES[code]
        self.both(self.world.notice(code, "delivered").verdict, Step("deliver", "machine", -1, index))
        self.both(self.world.notice(code, "read").verdict, Step("read", "liaison", index, index))

    @rule(code=CODES, outcome=st.sampled_from(["affirm", "amend", "revoke"]))
    def review(self, code: str, outcome: str) -> None:
        """Affirm, amend or revoke."""
        index = PLACES[code]
        version_index = len(self.state.versions) if outcome == "amend" else 0
        verdict = self.world.review(code, outcome, version_index).verdict
        if self.state.guarantors[index].decided_by is None:
            assert verdict == "refused"
            return
        self.both(verdict, Step("review", "office", index, index, version_index, outcome))

    @rule()
    def restart(self) -> None:
        """End the program and start it again."""
        self.world.restart()

    @rule()
    def wait(self) -> None:
        """Let an hour pass and keep the board of that moment."""
        self.world.wait(timedelta(minutes=5))
        self.boards.append((self.world.now, canonical_bytes(self.world.store.board())))

    @invariant()
    def agrees(self) -> None:
        """The store's state is the function's, and keeps every law."""
        assert self.state == self.world.store.replayed().state
        assert broken_by_state(self.state) is None

    @invariant()
    def remembers(self) -> None:
        """The board of a past moment has the bytes it had then."""
        for moment, board in self.boards[-1:]:
            assert board == canonical_bytes(self.world.store.board(moment))  # type: ignore[arg-type]


TestStoredConsultation = StoredConsultation.TestCase
TestStoredConsultation.settings = settings(
    max_examples=6, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.long
def test_a_long_search_finds_no_disagreement() -> None:
    """Many more and longer orders of acts find no state in which store and function disagree."""
    many = settings(max_examples=100, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck))

    run_state_machine_as_test(StoredConsultation, settings=many)
