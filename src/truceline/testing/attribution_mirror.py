"""The exchange of the two parties as a check that anyone can hold an attribution to, on any events and lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from truceline.attribute.stage import NO_COLLECTED, AttributeStage, CollectedOf
from truceline.model.attribution import Attribution
from truceline.model.event import Event
from truceline.model.evidence import EvidenceItem


def mirrored_stage(stage: AttributeStage) -> AttributeStage:
    """Give the same stage over lines on which each party holds what the other held."""
    exchanged = {stage.parties[0]: stage.parties[1], stage.parties[1]: stage.parties[0]}
    lines = [msgspec.structs.replace(line, held_by=exchanged[line.held_by]) for line in stage.lines]
    return AttributeStage(stage.settings, parties=stage.parties, lines=lines)


def said(answer: Attribution, names: Mapping[str, str]) -> dict[str, Any]:
    """Give everything that must be mirrored, with names replaced by `names`; ratios as they are."""
    probabilities = {names.get(entry.party, entry.party): entry.probability for entry in answer.probabilities}
    return {
        "event": (answer.event_id, answer.event_revision_index),
        "probabilities": probabilities,
        "answer": (answer.tier, names.get(answer.indicated_party or "", answer.indicated_party), answer.reason),
        "confidence": (answer.confidence, answer.confidence_reason),
        "accounts": {
            (entry.hypothesis, names.get(entry.party or "", entry.party)): entry.probability
            for entry in answer.hypotheses
        },
        "sensitivity": [
            {names.get(entry.party, entry.party): entry.probability for entry in line.probabilities}
            for line in answer.sensitivity
        ],
    }


def mirrored_item(item: EvidenceItem, names: Mapping[str, str]) -> EvidenceItem:
    """Give the same item with the parties exchanged: who speaks, who is named, whose custody it is, whose shares."""
    return msgspec.structs.replace(
        item,
        speaker=None if item.speaker is None else names.get(item.speaker, item.speaker),
        about=None if item.about is None else names.get(item.about, item.about),
        cluster_id=names.get(item.cluster_id, item.cluster_id),
        operator=names.get(item.operator, item.operator),
        shares=tuple(
            msgspec.structs.replace(entry, party=names.get(entry.party, entry.party)) for entry in item.shares
        ),
    )


def check_exchange_mirrors(
    stage: AttributeStage,
    events: Sequence[Event],
    answers: Sequence[Attribution],
    *,
    collected: CollectedOf = NO_COLLECTED,
) -> None:
    """Hold that with the ground exchanged every answer is exchanged, bit for bit, and nothing else changes.

    What the parties say is exchanged with it. Probabilities, accounts and sensitivity change places, every ratio its
    sign; tier, reason and confidence stay.
    """
    names = {stage.parties[0]: stage.parties[1], stage.parties[1]: stage.parties[0]}
    exchanged = {
        revision: msgspec.structs.replace(one, items=tuple(mirrored_item(item, names) for item in one.items))
        for revision, one in collected.items()
    }
    mirrored = mirrored_stage(stage).answers(events, collected=exchanged)
    for here, there in zip(answers, mirrored, strict=True):
        plain, other = said(here, {}), said(there, names)
        assert plain == other, f"exchanging the parties changed more than names: {plain} became {other}"
        ratios = [(row.name, row.alone_log_ratio, row.context_log_ratio, row.cap_reached) for row in here.ledger]
        turned = [(row.name, -row.alone_log_ratio, -row.context_log_ratio, row.cap_reached) for row in there.ledger]
        assert ratios == turned, f"exchanging the parties changed a row: {ratios} became {turned}"
