"""What the monitor said of a synthetic theatre, held against what truly happened there, event by event.

The generator knows the true event behind every row of its feeds. So an event of the monitor is held against the true
events its own observations came from, not against whatever lay near it by chance.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa

from truceline.model.adherence import Adherence
from truceline.model.attribution import Attribution
from truceline.model.event import Event
from truceline.model.finding import Finding, PotentialViolation
from truceline.testing.scenario_truth import ARTILLERY, DAY_S, ENERGY_ATTACK, FIRE_KINDS, UAV_IMPACT, Truth

Span = Literal["all days", "week with sensors", "truce"]
SPANS: tuple[Span, ...] = ("all days", "week with sensors", "truce")
UNDETERMINED = "undetermined"
MIXED, DECOY, NOTHING = "both parties", "no party (decoy)", "nothing happened"
REFERENCE_WINDOWS_COUNT = 28
HELD_RATIO, REDUCED_RATIO = 0.1, 0.7
COUNTED_PROBABILITY = 0.5
"""Reports are known to the day only: one that touches the truce with less than this is not counted against anyone."""


class KindCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many true events of one kind and party there were in a span, and how many of them the monitor found."""

    span: Span
    kind: str
    party: str
    happened_count: int
    found_count: int

    @property
    def missed_count(self) -> int:
        """Those that stand behind no event of the monitor."""
        return self.happened_count - self.found_count


class CauseCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many events of the monitor truly came from one cause (a party, a decoy, nothing), and what it said of them.

    `indicated_counts` are those for which it indicated the first and the second of the parties.
    """

    span: Span
    cause: str
    event_count: int
    indicated_counts: tuple[int, int]
    right_count: int
    undetermined_count: int

    @property
    def false_count(self) -> int:
        """Those for which it indicated a party that did not cause them."""
        return sum(self.indicated_counts) - self.right_count


class ViolationCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many potential violations the monitor gave with one indicated party, and what truly stood behind them.

    Events are counted, each once, whose probability is at least `COUNTED_PROBABILITY`.
    """

    indicated: str
    caused_in_truce_count: int
    caused_outside_truce_count: int
    other_party_count: int
    decoy_count: int
    nothing_count: int

    @property
    def total_count(self) -> int:
        """All of them."""
        causes = (self.caused_in_truce_count, self.caused_outside_truce_count, self.other_party_count)
        return sum(causes) + self.decoy_count + self.nothing_count


class DomainComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One domain's verdict beside the true count in the truce over its median in windows before."""

    domain: str
    verdict: str
    true_count: float
    true_usual_count: float
    true_verdict: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Everything held against everything; all numbers of the demo's last page."""

    scenario_id: str
    seed: int
    parties: tuple[str, str]
    kinds: tuple[KindCount, ...]
    causes: tuple[CauseCount, ...]
    violations: tuple[ViolationCount, ...]
    domains: tuple[DomainComparison, ...]

    def false_blame_count(self, party: str, span: Span) -> int:
        """Count events for which the party was indicated though it caused none of them."""
        index = self.parties.index(party)
        wrong = [entry for entry in self.causes if entry.span == span and entry.cause not in (party, MIXED)]
        return sum(entry.indicated_counts[index] for entry in wrong)

    def indicated_count(self, party: str, span: Span) -> int:
        """Count events for which the party was indicated."""
        index = self.parties.index(party)
        return sum(entry.indicated_counts[index] for entry in self.causes if entry.span == span)

    def verdict(self, domain: str) -> str:
        """Give the verdict of a domain; raises `StopIteration` where there is none."""
        return next(entry.verdict for entry in self.domains if entry.domain == domain)


class MonitorOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What the monitor said: current events with their attributions, findings and verdicts."""

    events: tuple[Event, ...]
    attributions: tuple[Attribution, ...]
    findings: tuple[Finding, ...]
    adherence: tuple[Adherence, ...]


class _Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One current event with its true causes, the cause it is counted under, and what was said of it."""

    event: Event
    cause_ids: frozenset[str]
    cause: str
    indicated: str


def causes_by_observation(
    observations: pa.Table, file_names: Mapping[str, str], causes: Mapping[str, pl.Series]
) -> dict[str, str]:
    """Give the true event of each observation, by its file (SHA-256 to name) and row; left out where there is none."""
    frame = pl.DataFrame(
        {
            "observation_id": observations["observation_id"].to_pylist(),
            "file": [file_names.get(value.as_py(), "") for value in observations["file_sha256"]],
            "row_index": observations["row_index"].to_numpy(),
        }
    )
    found: dict[str, str] = {}
    for name, cause in causes.items():
        rows = frame.filter(pl.col("file") == name)
        known = cause.gather(rows["row_index"])
        found.update(
            (key, value) for key, value in zip(rows["observation_id"], known, strict=True) if value is not None
        )
    return found


def compare(truth: Truth, output: MonitorOutput, cause_by_observation: Mapping[str, str]) -> Comparison:
    """Hold everything the monitor said against the truth."""
    scenario = truth.scenario
    party_of, in_truce = _true_parties(truth), _caused_in_truce(truth)
    judged = [
        _judged(event, said, cause_by_observation, party_of)
        for event, said in _current(output.events, output.attributions)
    ]
    domains = tuple(_domain(truth, answer) for answer in output.adherence)
    return Comparison(
        scenario_id=scenario.scenario_id,
        seed=scenario.seed,
        parties=scenario.parties,
        kinds=tuple(_kind_counts(truth, judged)),
        causes=tuple(_cause_counts(truth, judged)),
        violations=tuple(_violation_counts(scenario.parties, output.findings, judged, party_of, in_truce)),
        domains=domains,
    )


def _current(events: Iterable[Event], attributions: Iterable[Attribution]) -> list[tuple[Event, Attribution | None]]:
    """Give each event's newest revision, unless it was withdrawn, with what was said of it."""
    newest: dict[str, Event] = {}
    for event in events:
        if event.event_id not in newest or newest[event.event_id].revision_index < event.revision_index:
            newest[event.event_id] = event
    said = {(entry.event_id, entry.event_revision_index): entry for entry in attributions}
    kept = [event for event in newest.values() if event.evaluation_status != "rejected"]
    return [(event, said.get((event.event_id, event.revision_index))) for event in kept]


def _true_parties(truth: Truth) -> dict[str, str | None]:
    """Give who caused each true event; `None` for decoys."""
    names = (*truth.scenario.role_names, None)
    rows = zip(truth.events["event_id"], truth.events["role"], strict=True)
    return {event_id: names[role] for event_id, role in rows}


def _caused_in_truce(truth: Truth) -> frozenset[str]:
    return frozenset(_in_span(truth, "truce", truth.events)["event_id"])


def _judged(
    event: Event, said: Attribution | None, cause_by_observation: Mapping[str, str], party_of: Mapping[str, str | None]
) -> _Judged:
    causes = [cause_by_observation.get(link.observation_id) for link in event.associations if link.defining]
    known = [cause for cause in causes if cause is not None]
    parties = Counter(party_of[cause] for cause in known)
    ranked = parties.most_common(2)
    if not ranked:
        cause = NOTHING
    elif len(ranked) == 2 and ranked[0][1] == ranked[1][1]:
        cause = MIXED
    else:
        cause = ranked[0][0] or DECOY
    every = (cause_by_observation.get(link.observation_id) for link in event.associations)
    indicated = said.indicated_party if said is not None else None
    return _Judged(
        event=event,
        cause_ids=frozenset(entry for entry in every if entry is not None),
        cause=cause,
        indicated=indicated or UNDETERMINED,
    )


def _bounds_s(truth: Truth, span: Span) -> tuple[float, float]:
    truce = truth.scenario.truce_span
    bounds_s: dict[Span, tuple[float, float]] = {
        "all days": (-math.inf, math.inf),
        "week with sensors": (truth.week_start_s, truth.week_end_s),
        "truce": (truce.start.timestamp(), truce.end.timestamp()),
    }
    return bounds_s[span]


def _in_span(truth: Truth, span: Span, events: pl.DataFrame) -> pl.DataFrame:
    low_s, high_s = _bounds_s(truth, span)
    return events.filter(pl.col("start_s").is_between(low_s, high_s, closed="left"))


def _kind_counts(truth: Truth, judged: Sequence[_Judged]) -> Iterable[KindCount]:
    found = frozenset[str]().union(*(entry.cause_ids for entry in judged))
    for span in SPANS:
        events = _in_span(truth, span, truth.events)
        for kind in FIRE_KINDS:
            for role, party in enumerate(truth.scenario.role_names):
                ids = events.filter((pl.col("kind") == kind) & (pl.col("role") == role))["event_id"]
                yield KindCount(
                    span=span,
                    kind=kind,
                    party=party,
                    happened_count=len(ids),
                    found_count=sum(event_id in found for event_id in ids),
                )


def _cause_counts(truth: Truth, judged: Sequence[_Judged]) -> Iterable[CauseCount]:
    for span in SPANS:
        low_s, high_s = _bounds_s(truth, span)
        here = [entry for entry in judged if low_s <= entry.event.origin_time.middle.timestamp() < high_s]
        for cause in (*truth.scenario.parties, MIXED, DECOY, NOTHING):
            said = Counter(entry.indicated for entry in here if entry.cause == cause)
            first, second = (said[party] for party in truth.scenario.parties)
            right = first + second if cause == MIXED else said[cause] if cause in truth.scenario.parties else 0
            yield CauseCount(
                span=span,
                cause=cause,
                event_count=said.total(),
                indicated_counts=(first, second),
                right_count=right,
                undetermined_count=said[UNDETERMINED],
            )


def _violation_counts(
    parties: tuple[str, str],
    findings: Iterable[Finding],
    judged: Sequence[_Judged],
    party_of: Mapping[str, str | None],
    in_truce: frozenset[str],
) -> Iterable[ViolationCount]:
    concerned = {
        (finding.event_id, finding.event_revision_index)
        for finding in findings
        if isinstance(finding, PotentialViolation) and finding.probability >= COUNTED_PROBABILITY
    }
    given = [entry for entry in judged if (entry.event.event_id, entry.event.revision_index) in concerned]
    for indicated in (*parties, UNDETERMINED):
        here = [entry for entry in given if entry.indicated == indicated]
        counted = Counter(_violation_cause(entry, party_of, in_truce) for entry in here)
        yield ViolationCount(
            indicated=indicated,
            caused_in_truce_count=counted["in truce"],
            caused_outside_truce_count=counted["outside truce"],
            other_party_count=counted["other party"],
            decoy_count=counted[DECOY],
            nothing_count=counted[NOTHING],
        )


def _violation_cause(entry: _Judged, party_of: Mapping[str, str | None], in_truce: frozenset[str]) -> str:
    if entry.cause in (DECOY, NOTHING):
        return entry.cause
    fired = {cause for cause in entry.cause_ids if party_of[cause] is not None}
    if entry.indicated != UNDETERMINED:
        fired = {cause for cause in fired if party_of[cause] == entry.indicated}
        if not fired:
            return "other party"
    return "in truce" if fired & in_truce else "outside truce"


def _domain(truth: Truth, answer: Adherence) -> DomainComparison:
    """Give the verdict beside the true count in the truce and its median over same-clock windows before."""
    times_s, weights = _domain_events(truth, answer.domain)
    span = truth.scenario.truce_span
    low_s, high_s = span.start.timestamp(), span.end.timestamp()
    step_s = np.ceil((high_s - low_s) / DAY_S) * DAY_S
    shifts_s = step_s + np.arange(REFERENCE_WINDOWS_COUNT) * DAY_S
    usual = [_count_between(times_s, weights, low_s - shift_s, high_s - shift_s) for shift_s in shifts_s]
    observed, expected = _count_between(times_s, weights, low_s, high_s), float(np.median(usual))
    ratio = observed / expected if expected > 0 else 1.0
    true_verdict = "held" if ratio <= HELD_RATIO else "reduced" if ratio <= REDUCED_RATIO else "not_held"
    return DomainComparison(
        domain=answer.domain,
        verdict=answer.verdict,
        true_count=observed,
        true_usual_count=expected,
        true_verdict=true_verdict,
    )


def _count_between(times_s: np.ndarray, weights: np.ndarray, low_s: float, high_s: float) -> float:
    return float(weights[(times_s >= low_s) & (times_s < high_s)].sum())


def _domain_events(truth: Truth, domain: str) -> tuple[np.ndarray, np.ndarray]:
    """Give when what a domain watches truly happened, and how much of it."""
    if domain.startswith("long_range_"):
        names = [name.lower() for name in truth.scenario.role_names]
        waves = truth.waves.filter(pl.col("role") == names.index(domain.removeprefix("long_range_")))
        return waves["start_s"].to_numpy(), waves["launched_count"].to_numpy().astype(np.float64)
    kinds = (ENERGY_ATTACK,) if domain == "energy" else (ARTILLERY, UAV_IMPACT, ENERGY_ATTACK)
    times_s = truth.events.filter(pl.col("kind").is_in(kinds))["start_s"].to_numpy()
    return times_s, np.ones(times_s.size)


def render_comparison(comparison: Comparison) -> str:
    """Write the comparison as Markdown."""
    lines = [
        "# What the monitor said, against the ground truth",
        "",
        f"SYNTHETIC scenario {comparison.scenario_id}, seed {comparison.seed}: no real place, party or event.",
        "Every event is held against the true events that its own observations came from.",
        "",
        "## Did the truce hold, per domain",
        "",
        "| domain | verdict | true count in the truce | true usual count | truth | agrees |",
        "|---|---|---:|---:|---|---|",
        *(_domain_row(entry) for entry in comparison.domains),
        "",
        "The truth of a domain is held, reduced or not_held by its true ratio (limits 0.1 and 0.7). A verdict may rest",
        "on what was reported only; where few things happen, `reduced` cannot be told from an ordinary quiet spell.",
        "",
        "## Potential violations, and what stood behind them",
        "",
        "| indicated party | events | caused by it in the truce | by it, outside the truce | by the other party only "
        "| decoy | nothing happened |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(_violation_row(entry) for entry in comparison.violations),
        "",
        "Events whose probability of a potential violation is at least 0.5, each once; for `undetermined` the first",
        "two columns count events caused by either party.",
        "",
        *_cause_section(comparison),
        *_kind_section(comparison),
    ]
    return "\n".join(lines) + "\n"


def _domain_row(entry: DomainComparison) -> str:
    agrees = "cannot tell" if entry.verdict in {"insufficient_evidence", "out_of_scope"} else "no"
    agrees = "yes" if entry.verdict == entry.true_verdict else agrees
    return (
        f"| {entry.domain} | {entry.verdict} | {entry.true_count:g} | {entry.true_usual_count:g} "
        f"| {entry.true_verdict} | {agrees} |"
    )


def _violation_row(entry: ViolationCount) -> str:
    return (
        f"| {entry.indicated} | {entry.total_count} | {entry.caused_in_truce_count} "
        f"| {entry.caused_outside_truce_count} | {entry.other_party_count} | {entry.decoy_count} "
        f"| {entry.nothing_count} |"
    )


def _cause_section(comparison: Comparison) -> list[str]:
    rows = [
        f"| {entry.span} | {entry.cause} | {entry.event_count} | {entry.indicated_counts[0]} "
        f"| {entry.indicated_counts[1]} | {entry.undetermined_count} | {entry.right_count} | {entry.false_count} |"
        for entry in comparison.causes
    ]
    first, second = comparison.parties
    return [
        "## Attribution of the monitor's events",
        "",
        f"| span | true cause | events | said {first} | said {second} | undetermined | right | false |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
        *rows,
        "",
        "An event that nothing or a decoy caused has no right party: every indication there is false.",
        "",
    ]


def _kind_section(comparison: Comparison) -> list[str]:
    rows = [
        f"| {entry.span} | {entry.kind} | {entry.party} | {entry.happened_count} | {entry.found_count} "
        f"| {entry.missed_count} |"
        for entry in comparison.kinds
    ]
    return [
        "## True events found and missed",
        "",
        "| span | kind | by | happened | found | missed |",
        "|---|---|---|---:|---:|---:|",
        *rows,
        "",
        "Found: at least one observation of it stands behind an event of the monitor. Before the week there are only",
        "reports and claims, and most fire missions are reported by nobody.",
    ]
