"""Walks every reachable state of the consultation's own transition function and holds its laws against all of them.

Explicit-state breadth-first search (as in SPIN, Holzmann 2003): every act of an alphabet is tried in every state,
also acts by those who may not do them. The function explored is `truceline.decide.consultation.step` itself, not a
model of it. Data independence keeps the alphabet small: `no`, `abstain` and `defer` differ in nothing that `step`
reads, nor do `breach` and `no_breach`, so one of each stands for its kind.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from truceline.decide.consultation import State, Step, initial, step
from truceline.decide.guards import ALL_GUARDS, Guards, Refusal
from truceline.decide.invariants import broken_by_state, broken_by_step, is_at_rest


class Alphabet(NamedTuple):
    """What is tried: for which guarantors (needs a mandate or not), with how many versions, answers and clocks."""

    needs_mandate: tuple[bool, ...]
    version_count: int = 2
    outcomes: tuple[str, ...] = ("assist", "no")
    findings: tuple[tuple[str, bool], ...] = ()
    flags: tuple[str, ...] = ()
    mandates: tuple[str, ...] = ("granted",)
    national_clocks: tuple[str, ...] = ()
    measure_acts: tuple[str, ...] = ("authorise", "start")
    reviews: tuple[str, ...] = ("affirm", "amend", "revoke")


ONE = Alphabet(
    needs_mandate=(True,),
    outcomes=("assist", "no", "abstain", "defer"),
    mandates=("granted", "refused"),
    national_clocks=("answer", "mandate"),
    measure_acts=("authorise", "start", "suspend", "end"),
)
"""One guarantor whose parliament is asked, may recall its mandate, and whose mandate may end: for every run."""

HEARING = Alphabet(
    needs_mandate=(False,),
    outcomes=("assist",),
    findings=(("no_consensus", True), ("no_consensus", False)),
    measure_acts=("authorise",),
)
"""One guarantor with no parliament to ask, and the commission with the party that it hears: for every run."""

TWO = Alphabet(
    needs_mandate=(True, False),
    outcomes=("assist", "no"),
    flags=("meeting",),
    measure_acts=("authorise", "start", "end"),
)
"""Two guarantors, one with a parliament to ask: the size for the long suite."""


class Exploration(NamedTuple):
    """What a walk found: states, steps, the first law broken with the shortest way there, states that cannot rest."""

    state_count: int
    step_count: int
    broken: str | None
    path: tuple[Step, ...]
    stuck_count: int


def acts_of(alphabet: Alphabet) -> list[Step]:
    """Give every act that is tried in every state, those that must be refused among them."""
    versions = range(1, alphabet.version_count + 1)
    acts = [Step(act, "secretariat") for act in ("non_reply", "meet", "conclude", "lapse")]
    acts += [Step("reply", "party"), Step("meet", "machine"), Step("clock", "machine", answer="clarification")]
    acts += [Step("clock", "machine", answer=flag) for flag in alphabet.flags]
    for version_index in versions:
        acts.append(Step("draft", "machine", version_index=version_index))
        acts += [Step("ask", "secretariat", -1, -1, version_index)] if alphabet.findings else []
        acts += [Step(act, "reviewers", version_index=version_index) for act in ("release", "withdraw")]
        for answer, told in alphabet.findings:
            acts += [
                Step("find", actor, version_index=version_index, answer=answer, told=told)
                for actor in ("commission", "machine")
            ]
    for index in range(len(alphabet.needs_mandate)):
        acts += _national_acts(alphabet, index)
    return acts


def _national_acts(alphabet: Alphabet, index: int) -> Iterator[Step]:
    """Give the acts about one guarantor: by its own people, by another's, by the secretariat and by the machine."""
    versions = range(1, alphabet.version_count + 1)
    people = range(len(alphabet.needs_mandate)) if len(alphabet.needs_mandate) > 1 else (index, index + 1)
    yield Step("deliver", "machine", -1, index)
    yield from (Step("clock", "machine", -1, index, answer=clock) for clock in alphabet.national_clocks)
    for version_index in versions:
        yield Step("serve", "secretariat", -1, index, version_index)
        yield Step("acknowledge", "liaison", index, index, version_index)
        for outcome in alphabet.outcomes:
            yield Step("decide", "office", index, index, version_index, outcome)
        yield Step("decide", "parliament", index, index, version_index, "assist")
        yield Step("decide", "secretariat", -1, index, version_index, "assist")
        yield Step("decide", "machine", -1, index, version_index, "assist")
        yield from (Step("decide", "office", i, index, version_index, "assist") for i in people if i != index)
        if "amend" in alphabet.reviews:
            yield Step("review", "office", index, index, version_index, "amend")
    for who in people:
        yield from (Step("review", "office", who, index, 0, one) for one in alphabet.reviews if one != "amend")
        yield Step("read", "liaison", who, index)
        yield from (Step("mandate", "parliament", who, index, 0, one) for one in alphabet.mandates)
        yield from (Step(act, "office", who, index) for act in alphabet.measure_acts)
        yield Step("request", "office", who, index)


class _Walk:
    """States in the order found, each with where it came from, and every edge for the way back."""

    def __init__(self, start: State, acts: Sequence[Step]) -> None:
        self.index_of = {start: 0}
        self.order = [start]
        self.parents = array("I", [0])
        self.act_indices = array("H", [0])
        self.sources = array("I")
        self.ends = array("I")
        self.acts = tuple(enumerate(acts))
        self.shared: dict[object, object] = {}

    def visit(self, source: int, guards: Guards) -> str | None:
        """Try every act in one state; name the first law that is broken."""
        state, index_of = self.order[source], self.index_of
        for act_index, act in self.acts:
            after = step(state, act, guards)
            if type(after) is Refusal:
                continue
            found = index_of.get(after)  # type: ignore[arg-type]
            if (broken := broken_by_step(state, act, after)) is not None:  # type: ignore[arg-type]
                self._add(source, act_index, after)  # type: ignore[arg-type]
                return broken
            if found is None:
                found = self._add(source, act_index, after)  # type: ignore[arg-type]
                if (broken := broken_by_state(after)) is not None:  # type: ignore[arg-type]
                    return broken
            self.sources.append(source)
            self.ends.append(found)
        return None

    def _add(self, source: int, act_index: int, after: State) -> int:
        """Keep a new state; parts that are equal are kept once."""
        shared = self.shared.setdefault
        guarantors = tuple(shared(one, one) for one in after.guarantors)
        kept = State(*(shared(part, part) for part in (*after[:5], guarantors)))  # type: ignore[arg-type]
        found = len(self.order)
        self.index_of[kept] = found
        self.order.append(kept)
        self.parents.append(source)
        self.act_indices.append(act_index)
        return found

    def path(self) -> tuple[Step, ...]:
        """Give the acts that led to what was found last."""
        acts, at = [], len(self.order) - 1
        while at:
            acts.append(self.acts[self.act_indices[at]][1])
            at = self.parents[at]
        return tuple(reversed(acts))


def explore(alphabet: Alphabet, guards: Guards = ALL_GUARDS) -> Exploration:
    """Walk every reachable state; stop at the first law broken, else ask from which states rest cannot be reached."""
    walk = _Walk(initial(alphabet.needs_mandate), acts_of(alphabet))
    source = 0
    while source < len(walk.order):
        if (broken := walk.visit(source, guards)) is not None:
            return Exploration(len(walk.order), len(walk.ends), broken, walk.path(), 0)
        source += 1
    return Exploration(len(walk.order), len(walk.ends), None, (), _stuck_count(walk))


def _stuck_count(walk: _Walk) -> int:
    """Count the states from which no way leads to rest: the law AG EF (Clarke, Emerson 1981), walked backwards."""
    sources, ends = np.asarray(walk.sources, dtype=np.int64), np.asarray(walk.ends, dtype=np.int64)
    by_end = np.argsort(ends, kind="stable")
    sources, starts = sources[by_end], np.searchsorted(ends[by_end], np.arange(len(walk.order) + 1))
    reached = np.fromiter(map(is_at_rest, walk.order), dtype=bool, count=len(walk.order))
    open_ = np.flatnonzero(reached)
    while open_.size:
        lengths = starts[open_ + 1] - starts[open_]
        offsets = np.repeat(starts[open_] - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
        before = np.unique(sources[offsets + np.arange(int(lengths.sum()))])
        open_ = before[~reached[before]]
        reached[open_] = True
    return int((~reached).sum())
