"""Which act of the machine a record is, what is noted beside its state, and what a record must agree with."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from truceline.decide.clocks import Clock, ClockKey
from truceline.decide.consultation import Step
from truceline.model.decision import (
    NATIONAL_ROLES,
    Acknowledgement,
    Clarification,
    CommissionFinding,
    Consultation,
    ConsultationRecord,
    Decision,
    DossierVersion,
    Founding,
    KeyGrant,
    KeyRevocation,
    Mandate,
    Measure,
    Notice,
    Review,
    Service,
    hours,
    record_id,
)

REVIEWERS_LEAST_COUNT = 2
"""Named reviewers who sign that a version is released or withdrawn."""

_ACTS_OF_KIND: dict[type, str | dict[str, str]] = {
    DossierVersion: {"draft": "draft", "released": "release", "withdrawn": "withdraw"},
    Service: "serve",
    Acknowledgement: "acknowledge",
    Notice: {"delivered": "deliver", "read": "read"},
    Clarification: {"asked": "ask", "replied": "reply", "not_replied": "non_reply"},
    CommissionFinding: "find",
    Consultation: {"requested": "request", "met": "meet", "concluded": "conclude", "lapsed": "lapse"},
    Mandate: "mandate",
    Decision: "decide",
    Measure: {"authorised": "authorise", "executing": "start", "suspended": "suspend", "ended": "end"},
    Review: "review",
}


class Facts(msgspec.Struct):
    """What accepted records said that the machine's state does not hold: hashes, ids, times, clocks."""

    hashes: dict[int, str] = {}
    decisions: dict[str, str] = {}
    spans: dict[str, tuple[datetime, datetime]] = {}
    clocks: dict[ClockKey, Clock] = {}


def act_of(record: ConsultationRecord, founding: Founding, grants: tuple[KeyGrant, ...]) -> Step:
    """Give the act that a record is, done by whoever signed it; unsigned ones are the machine's."""
    actor = grants[0].role if grants else "machine"
    is_national = bool(grants) and grants[0].role in NATIONAL_ROLES
    actor_index = founding.guarantor_index(grants[0].organisation) if is_national else -1
    index = founding.guarantor_index(getattr(record, "guarantor", ""))
    plain = Step(_act_name(record), actor, actor_index, index, getattr(record, "version_index", 0))
    if isinstance(record, CommissionFinding):
        return plain._replace(answer=record.outcome, told=bool(record.dissents))
    if isinstance(record, Mandate):
        return plain._replace(answer=record.outcome)
    if isinstance(record, Decision | Review):
        return plain._replace(answer=record.outcome, version_index=record.cites_index)
    return plain._replace(measure_index=record.measure_index) if isinstance(record, Measure) else plain


def _act_name(record: ConsultationRecord) -> str:
    """Name the act; what a record's kind does not say, its status does."""
    assert not isinstance(record, KeyGrant | KeyRevocation), "keys are no act of the machine"
    found = _ACTS_OF_KIND[type(record)]
    return found if isinstance(found, str) else found[record.status]  # type: ignore[union-attr]


def wrong_fact(record: ConsultationRecord, founding: Founding, facts: Facts, *, grants: tuple[KeyGrant, ...]) -> str:
    """Say what a record does not agree with, or give ''."""
    code = getattr(record, "guarantor", "")
    if code and founding.guarantor_index(code) < 0:
        return f"guarantor: {code!r} is no guarantor of this case"
    if isinstance(record, DossierVersion):
        return _wrong_version(record, facts, grants)
    if isinstance(record, CommissionFinding):
        strangers = sorted(set(record.votes) - set(founding.commission_members))
        return f"votes: {strangers} are no members of the commission" if strangers else ""
    if isinstance(record, Decision | Review):
        return _wrong_citation(record, facts)
    if isinstance(record, Measure) and facts.decisions.get(code) != record.decision_id:
        return f"decision_id: {record.decision_id!r} is not the standing decision of {code}"
    return _outside_span(record, facts) if isinstance(record, Measure) else ""


def _wrong_version(record: DossierVersion, facts: Facts, grants: tuple[KeyGrant, ...]) -> str:
    if record.status == "draft":
        return ""
    known = facts.hashes.get(record.version_index)
    if known is not None and known != record.root_sha256:
        return f"root_sha256: version {record.version_index} has {known}, not {record.root_sha256}"
    if len({one.holder for one in grants}) < REVIEWERS_LEAST_COUNT:
        return f"reviewers: {len(grants)} signed, at least {REVIEWERS_LEAST_COUNT} named reviewers must"
    others = sorted(one.holder for one in grants if one.role != "reviewers")
    return f"reviewers: {others} are not reviewers" if others else ""


def _wrong_citation(record: Decision | Review, facts: Facts) -> str:
    code = record.guarantor
    if isinstance(record, Decision):
        if record.supersedes != facts.decisions.get(code):
            return f"supersedes: the standing decision of {code} is {facts.decisions.get(code)}"
    elif facts.decisions.get(code) != record.decision_id:
        return f"decision_id: {record.decision_id!r} is not the standing decision of {code}"
    elif record.outcome != "amend":
        return ""
    known = facts.hashes.get(record.cites_index)
    if known != record.cites_sha256:
        return f"cites_sha256: version {record.cites_index} has {known}, not {record.cites_sha256}"
    return ""


def _outside_span(record: Measure, facts: Facts) -> str:
    span = facts.spans.get(record.guarantor)
    if record.status != "executing" or span is None or span[0] <= record.said_time:
        return ""
    return f"mandate_runs: the mandate holds only from {span[0].isoformat()}"


def note(facts: Facts, record: ConsultationRecord, founding: Founding, *, now: datetime) -> None:
    """Keep what an accepted record says beside the state, and start or stop its clocks."""
    key = str(founding.guarantor_index(getattr(record, "guarantor", "")))
    if isinstance(record, DossierVersion):
        facts.hashes[record.version_index] = record.root_sha256
    elif isinstance(record, Decision):
        facts.decisions[record.guarantor] = record_id(record)
        _stop(facts, ("answer", key), now)
    elif isinstance(record, Service):
        clock = Clock(name="acknowledge", guarantor=key, started=now, due=record.acknowledge_by)
        facts.clocks["acknowledge", key] = clock
    elif isinstance(record, Acknowledgement):
        _stop(facts, ("acknowledge", key), now)
    else:
        _note_common(facts, record, founding, now)


def _note_common(facts: Facts, record: ConsultationRecord, founding: Founding, now: datetime) -> None:
    if isinstance(record, Mandate):
        _note_mandate(facts, record, founding, now)
    elif isinstance(record, Clarification):
        _note_clarification(facts, record, founding, now)
    elif isinstance(record, CommissionFinding) and record.outcome == "breach":
        _start(facts, "warning", now, hours(founding.warning_hours))
        _start(facts, "response", now, hours(founding.response_hours))
    elif isinstance(record, Consultation):
        _note_consultation(facts, record, founding, now)


def _start(facts: Facts, name: str, now: datetime, limit: timedelta, guarantor: str = "") -> None:
    clock = Clock(name=name, guarantor=guarantor, started=now, due=now + limit)
    facts.clocks.setdefault((name, guarantor), clock)


def _stop(facts: Facts, key: ClockKey, now: datetime) -> None:
    clock = facts.clocks.get(key)
    if clock is not None and clock.stopped is None:
        facts.clocks[key] = msgspec.structs.replace(clock, stopped=now)


def _note_mandate(facts: Facts, record: Mandate, founding: Founding, now: datetime) -> None:
    key = str(founding.guarantor_index(record.guarantor))
    facts.clocks.pop(("mandate", key), None)
    facts.spans.pop(record.guarantor, None)
    if record.outcome == "granted" and record.span is not None:
        facts.spans[record.guarantor] = (record.span.start, record.span.end)
        facts.clocks["mandate", key] = Clock(name="mandate", guarantor=key, started=now, due=record.span.end)


def _note_clarification(facts: Facts, record: Clarification, founding: Founding, now: datetime) -> None:
    if record.status == "asked":
        facts.clocks.pop(("clarification", ""), None)
        _start(facts, "clarification", now, hours(founding.reply_hours))
    elif record.status == "replied":
        _stop(facts, ("clarification", ""), now)


def _note_consultation(facts: Facts, record: Consultation, founding: Founding, now: datetime) -> None:
    if record.status == "requested":
        facts.clocks.pop(("meeting", ""), None)
        _start(facts, "meeting", now, hours(founding.meeting_hours))
        return
    _stop(facts, ("meeting", ""), now)
    if record.status == "met":
        for index in range(len(founding.guarantors)):
            _start(facts, "answer", now, hours(founding.response_hours), str(index))
