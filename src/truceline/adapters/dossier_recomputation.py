"""A dossier once more, from its file alone: the pipeline's own stages over the records that the file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec

from truceline.attribute.items import Collected
from truceline.dossier.bundle import Bundle, bind, dossier_bytes
from truceline.dossier.checks import dossier_of, observations_of
from truceline.dossier.contents import Level, split_lines
from truceline.model.dossier import Dossier, EvidenceHash
from truceline.model.event import Event
from truceline.model.observation import Observation
from truceline.model.reference_line import DatedLine
from truceline.pipeline import Pipeline, PipelineSettings

DAY_AND_NIGHT = timedelta(days=2)
"""After the last observation of a day so much time has passed that every stage holds the day to be over."""


class Recomputed(msgspec.Struct, frozen=True, kw_only=True):
    """What came out: the dossier's bytes as re-computed from its event, the level reached, and what stood in the way.

    `body` is `None` where the stages give no such finding at all.
    """

    body: bytes | None
    level: Level
    remark: str


def pipeline_of(entries: Mapping[str, bytes]) -> Pipeline:
    """Build the pipeline of a file's settings and lines; what an older program did not say has its default.

    A number of the evidence catalogue has none: with a catalogue that lacks one only the program of its time computes.
    Raises `msgspec.MsgspecError` or `ValueError` where they cannot be read.
    """
    settings = msgspec.json.decode(entries["settings.json"], type=PipelineSettings)
    lines = [msgspec.json.decode(line, type=DatedLine) for line in split_lines(entries["lines.jsonl"])]
    return Pipeline(settings, lines=lines)


def recompute(entries: Mapping[str, bytes]) -> Recomputed:
    """Re-compute finding and attribution from the event, and the event from the observations as far as these reach.

    Records that others made and that the stages cannot take are an answer, too: level `none`.
    """
    try:
        return _recomputed(entries)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, LookupError) as error:
        return Recomputed(body=None, level="none", remark=f"the records cannot be read or computed with: {error}")


def _recomputed(entries: Mapping[str, bytes]) -> Recomputed:
    dossier = dossier_of(entries)
    stages = pipeline_of(entries)
    body = body_from_event(dossier, stages)
    if body != entries["dossier.json"]:
        return Recomputed(body=body, level="none", remark="the event does not give the same finding and attribution")
    evidence = [
        row for name in ("used", "known_not_used") for row in observations_of(entries, f"observations/{name}.jsonl")
    ]
    others = observations_of(entries, "observations/same_day.jsonl")
    remark = _strange_remark(evidence, others, stages) or _event_remark(dossier, [*evidence, *others], stages)
    return Recomputed(body=body, level="finding" if remark else "event", remark=remark)


def body_from_event(dossier: Dossier, stages: Pipeline) -> bytes | None:
    """Assess and attribute the event anew, with its items, and bind that; `None` where no such finding comes out."""
    event = dossier.event
    watermark = event.origin_time.end
    _, findings = stages.assess.step(stages.assess.initial(), [event], watermark)
    finding = next((entry for entry in findings if entry.finding_id == dossier.finding.finding_id), None)
    if finding is None:
        return None
    files = {row.observation_id: row.file_sha256 for row in dossier.used}
    revision = (event.event_id, event.revision_index)
    _, attributions = stages.attribute.step(
        stages.attribute.initial(),
        [event],
        watermark,
        files=files,
        collected={revision: Collected(items=dossier.items, tellers=dossier.told_by)},
    )
    bundle = Bundle(
        finding=finding,
        event=event,
        attribution=attributions[0],
        used=dossier.used,
        known_not_used=dossier.known_not_used,
        items=dossier.items,
        tellers=dossier.told_by,
    )
    settings = stages.settings
    again = bind(
        bundle,
        agreement_sha256=settings.agreement_sha256,
        code_version=settings.code_version,
        synthetic=settings.synthetic,
    )
    return dossier_bytes(again)


def _strange_remark(evidence: Sequence[Observation], others: Sequence[Observation], stages: Pipeline) -> str:
    """Say where the rows beside the evidence are not of its days, or stand in the file twice; empty where they do not.

    Rows of another day would change nothing that is re-computed; so they are looked at by themselves.
    """
    days = {stages.associate.key(row) for row in evidence}
    strange_count = sum(stages.associate.key(row) not in days for row in others)
    ids = [row.observation_id for row in (*evidence, *others)]
    if strange_count:
        return f"{strange_count} of the rows of the same day are of another day"
    return "" if len(set(ids)) == len(ids) else "a row stands in the file twice"


def _event_remark(dossier: Dossier, rows: Sequence[Observation], stages: Pipeline) -> str:
    """Give what keeps the observations from giving the event and its evidence again; empty where nothing does.

    The number of a revision says how often something came late, which observations do not show: it is set, not found.
    """
    if not rows:
        return "no observations are held"
    watermark = max(row.phenomenon_time.end for row in rows) + DAY_AND_NIGHT
    state, events = stages.associate.step(stages.associate.initial(), rows, watermark)
    found = next((entry for entry in events if entry.event_id == dossier.event.event_id), None)
    if found is None:
        return f"{len(rows)} observations give {len(events)} events, none of them under this id"
    if _renumbered(found, dossier.event) != dossier.event:
        return f"{len(rows)} observations give the event another origin, type or evidence"
    gathered = stages.gather(state, [found])[(found.event_id, found.revision_index)]
    evidence = gathered.evidence
    if not _same(evidence.used, dossier.used) or not _same(evidence.known_not_used, dossier.known_not_used):
        return f"{len(rows)} observations give the event, but other evidence beside it"
    if gathered.collected.tellers != dossier.told_by:
        return f"{len(rows)} observations give the event, but its place is told by others"
    if gathered.collected.items != dossier.items:
        return f"{len(rows)} observations give the event, but other items of evidence of a party"
    return ""


def _renumbered(found: Event, like: Event) -> Event:
    return msgspec.structs.replace(
        found, revision_index=like.revision_index, supersedes_revision_index=like.supersedes_revision_index
    )


def _same(found: Sequence[EvidenceHash], named: Sequence[EvidenceHash]) -> bool:
    return sorted(found, key=lambda row: row.observation_id) == sorted(named, key=lambda row: row.observation_id)
