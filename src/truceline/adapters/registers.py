"""Reads what people entered beside the sensors: notifications, inventories, counts, impediments, claims, clocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from truceline.adapters.agreement_records import BROKEN, nearest
from truceline.adapters.agreement_yaml import Fault, FaultsFound, Place
from truceline.adapters.agreements import load_weapons
from truceline.adapters.register_rows import WordsReader, reader_of
from truceline.errors import InputUnusable
from truceline.model.agreement import Agreement
from truceline.model.provision import ConditionalPermission, ResponseLadder
from truceline.model.register import (
    CeilingCount,
    ClaimSummary,
    ConditionRecord,
    Impediment,
    InventoryCheck,
    Notification,
    Register,
    ResponseStep,
    StageStart,
)

KINDS: dict[str, tuple[type[msgspec.Struct], str]] = {
    "notifications": (Notification, "notification_id"),
    "inventory_checks": (InventoryCheck, "check_id"),
    "ceiling_counts": (CeilingCount, "count_id"),
    "impediments": (Impediment, "impediment_id"),
    "claims": (ClaimSummary, "claim_id"),
    "stage_starts": (StageStart, "start_id"),
    "conditions": (ConditionRecord, "record_id"),
    "response_steps": (ResponseStep, "step_id"),
}
"""What a register holds: under which key (and file name), which record, and by which field it is named."""

ENDINGS = (".yaml", ".yml", ".csv", ".jsonl")
"""Kinds of files that are read out of a folder."""


class LoadedRegister(msgspec.Struct, frozen=True, kw_only=True):
    """A register with the files it was read from, each with its SHA-256, in the order of their names."""

    register: Register
    files: tuple[tuple[str, str], ...]


def load_register(paths: Iterable[Path], *, texts: Sequence[Agreement] = ()) -> LoadedRegister:
    """Read register files and folders of them; or raise with every fault, its file and its line.

    With `texts`, entries about one of them are held against it: zones, steps, clauses and conditions must exist in it
    or in those it is a layer on. Entries about other texts are kept as they are.
    """
    found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    files: list[tuple[str, str]] = []
    faults: list[Fault] = []
    first_places: dict[tuple[str, str], str] = {}
    for path in register_files(paths):
        try:
            reader = reader_of(path, tuple(KINDS))
        except FaultsFound as error:
            faults += error.faults
            continue
        files.append((path.name, reader.document.file_sha256))
        for kind, place, record in _records(reader):
            _check_named_once(reader, kind, record, place, first_places)
            _check_against(reader, record, texts, place)
            found[kind].append(record)
        faults += reader.faults
    if faults:
        raise FaultsFound(faults)
    parts: dict[str, Any] = {kind: tuple(records) for kind, records in found.items()}
    return LoadedRegister(register=Register(**parts), files=tuple(files))


def register_files(paths: Iterable[Path]) -> list[Path]:
    """List the register files among files and folders, or raise where a folder holds none."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(one for one in path.iterdir() if one.suffix in ENDINGS) if path.is_dir() else [path]
        if not inside:
            raise InputUnusable(f"{path}: holds no register file ({', '.join(ENDINGS)})")
        found += inside
    return found


def _records(reader: WordsReader) -> Iterator[tuple[str, Place, Any]]:
    """Give every record of a file that could be read; faults of the others are noted in the reader."""
    for kind, (record_type, _) in KINDS.items():
        for index, row in enumerate(reader.document.content.get(kind, ())):
            record = reader.value(row, record_type, (kind, index))
            if record is not BROKEN:
                yield kind, (kind, index), record


def _check_named_once(
    reader: WordsReader, kind: str, record: Any, place: Place, first_places: dict[tuple[str, str], str]
) -> None:
    name = KINDS[kind][1]
    own = getattr(record, name)
    here = str(reader.document.fault(place, "")).removesuffix(": ")
    first = first_places.setdefault((kind, own), here)
    if first != here:
        reader.note(place, f"{name}={own!r} stands here and in {first}")


def _check_against(reader: WordsReader, record: Any, texts: Sequence[Agreement], place: Place) -> None:
    """Hold that what an entry names exists in its text."""
    agreement_id = getattr(record, "agreement_id", None)
    if texts and agreement_id in {text.agreement_id for text in texts}:
        parties = {party for text in texts for party in text.parties}
        actors = parties | {actor.actor_id for text in texts for actor in text.third_actors}
        for field, known in (
            ("zone_id", {zone.zone_id for text in texts for zone in text.zones}),
            ("stage_id", {stage.stage_id for text in texts for stage in text.stages}),
            ("provision_id", {clause.provision_id for text in texts for clause in text.provisions}),
            ("party", parties),
            ("notified_by", actors),
        ):
            given = getattr(record, field, None)
            if given is not None and given not in known:
                reader.note(place, f"{field}={given!r} is not in {agreement_id}{nearest(given, known)}")
        _check_clause_parts(reader, record, texts, place)
    _check_weapons(reader, record, place)


def _check_clause_parts(reader: WordsReader, record: Any, texts: Sequence[Agreement], place: Place) -> None:
    """Hold that a condition or rung that is recorded stands in the clause it is recorded for."""
    if not isinstance(record, ConditionRecord | ResponseStep):
        return
    clause = next((found for text in texts if (found := text.provision(record.provision_id))), None)
    if isinstance(record, ConditionRecord) and clause is not None:
        conditions = clause.conditions if isinstance(clause, ConditionalPermission) else ()
        if record.condition not in conditions:
            said = f"condition={record.condition!r} is not one of {record.provision_id} ({', '.join(conditions)})"
            reader.note(place, said)
    if isinstance(record, ResponseStep) and clause is not None:
        rungs = [rung.rung_index for rung in clause.rungs] if isinstance(clause, ResponseLadder) else []
        if not rungs:
            reader.note(place, f"provision_id={record.provision_id!r} is no response ladder")
        elif record.rung_index is not None and record.rung_index not in rungs:
            reader.note(place, f"rung_index={record.rung_index} is not one of {rungs} of {record.provision_id}")


def _check_weapons(reader: WordsReader, record: Any, place: Place) -> None:
    named = list(getattr(record, "type_ids", ()))
    if isinstance(record, InventoryCheck):
        named = [item.type_id for item in (*record.listed, *record.seen)]
    if not named:
        return
    known = [entry.type_id for entry in load_weapons().types]
    for type_id in sorted(set(named) - set(known)):
        reader.note(place, f"unknown weapon {type_id!r}: not in the weapons catalogue{nearest(type_id, known)}")
