"""Reads the register of guarantees from YAML and CSV: what can be used, and every row that cannot, with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from truceline.adapters.agreements import shipped_folder
from truceline.adapters.guarantee_rows import GuaranteeRow, rows_of
from truceline.decide.ladders import record_faults
from truceline.decide.pledges import support_faults
from truceline.errors import InputUnusable
from truceline.model.guarantee import (
    AdminArea,
    Assertion,
    EntryRule,
    ExclusionRule,
    Facility,
    GuaranteeRegister,
    Instrument,
    NationalProcedure,
    ProcedureRecord,
    StateName,
    SupportStep,
    TreatyAction,
)
from truceline.model.observation import Rejection

KINDS: dict[str, tuple[type[msgspec.Struct], str]] = {
    "states": (StateName, "code"),
    "assertions": (Assertion, "assertion_id"),
    "instruments": (Instrument, "instrument_id"),
    "actions": (TreatyAction, "action_id"),
    "procedures": (NationalProcedure, "procedure_id"),
    "procedure_records": (ProcedureRecord, "record_id"),
    "support": (SupportStep, "step_id"),
    "facilities": (Facility, "facility_id"),
    "areas": (AdminArea, "area_id"),
    "exclusion_rules": (ExclusionRule, "rule_id"),
}
"""What the register holds: under which key (or name of a CSV file), which record, and by which field it is named."""

ENDINGS = (".yaml", ".csv")
RAW_LENGTH_MAX_COUNT = 2_000


class LoadedGuarantees(msgspec.Struct, frozen=True, kw_only=True):
    """The register as read, the files with their SHA-256, and every row that could not be used, with its reason."""

    register: GuaranteeRegister
    files: tuple[tuple[str, str], ...]
    rejections: tuple[Rejection, ...]


class _Used(msgspec.Struct, frozen=True, kw_only=True):
    """A row that could be read as a record."""

    row: GuaranteeRow
    record: Any


def guarantee_files(paths: Iterable[Path]) -> list[Path]:
    """List the register files among files and folders (folders with all below them), or raise where there is none."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(one for one in path.rglob("*") if one.suffix in ENDINGS) if path.is_dir() else [path]
        if not inside:
            raise InputUnusable(f"{path}: holds no register file (*.yaml, *.csv)")
        found += inside
    return list(dict.fromkeys(found))


def load_guarantees(paths: Iterable[Path] = (), *, received_time: datetime) -> LoadedGuarantees:
    """Read the shipped register and further files on top of it; what cannot be used is kept as a rejection.

    Raises `SourceUnavailable` where a file cannot be read, `FaultsFound` where it is no YAML or CSV at all.
    """
    files: list[tuple[str, str]] = []
    used: dict[str, list[_Used]] = {kind: [] for kind in KINDS}
    rejections: list[Rejection] = []
    for path in guarantee_files([shipped_folder("guarantees"), *paths]):
        file_sha256, rows = rows_of(path, tuple(KINDS))
        files.append((str(path), file_sha256))
        for row in rows:
            record = _record(row)
            if isinstance(record, str):
                rejections.append(_rejection(row, record, received_time))
            else:
                used[row.kind].append(_Used(row=row, record=record))
    for kind, reasons in _checks():
        for one, reason in reasons(used):
            used[kind].remove(one)
            rejections.append(_rejection(one.row, reason, received_time))
    register = GuaranteeRegister(**{kind: tuple(one.record for one in found) for kind, found in used.items()})
    return LoadedGuarantees(register=register, files=tuple(files), rejections=tuple(rejections))


def _record(row: GuaranteeRow) -> Any:
    """Give the record of a row, or the reason why it is none."""
    if row.fault:
        return row.fault
    try:
        return msgspec.convert(row.content, KINDS[row.kind][0], strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        return str(error)


def _rejection(row: GuaranteeRow, reason: str, received_time: datetime) -> Rejection:
    raw = msgspec.json.encode(row.content, order="sorted").decode()
    return Rejection(
        source_id="guarantees",
        file_sha256=row.file_sha256,
        row_index=row.line_index,
        raw=raw[:RAW_LENGTH_MAX_COUNT],
        reason=f"{row.file}, line {row.line_index}: {row.kind}: {reason}",
        received_time=received_time,
    )


_Used_by_kind = dict[str, list[_Used]]
_Found = Iterator[tuple[_Used, str]]
_Check = Callable[[_Used_by_kind], list[tuple[_Used, str]]]


def _checks() -> Iterator[tuple[str, _Check]]:
    """Give, in order, what is held between records; each check sees only what the earlier ones let stand."""
    for kind in KINDS:
        yield kind, lambda used, kind=kind: list(_twice(used, kind))  # type: ignore[misc]
    for kind in ("assertions", "instruments", "actions", "procedures", "support", "facilities"):
        yield kind, lambda used, kind=kind: list(_stateless(used, kind))  # type: ignore[misc]
    yield "actions", lambda used: list(_without(used, "actions", "instruments", "instrument_id"))
    yield (
        "procedure_records",
        lambda used: _by_reason(
            used,
            "procedure_records",
            record_faults(
                [one.record for one in used["procedures"]], [one.record for one in used["procedure_records"]]
            ),
        ),
    )
    yield "support", lambda used: _by_reason(used, "support", support_faults([one.record for one in used["support"]]))


def _twice(used: _Used_by_kind, kind: str) -> _Found:
    """Give the rows whose id an earlier row has."""
    name = KINDS[kind][1]
    first: dict[str, GuaranteeRow] = {}
    for one in used[kind]:
        row = first.setdefault(getattr(one.record, name), one.row)
        if row is not one.row:
            yield one, f"{name}={getattr(one.record, name)!r} stands in {row.file}, line {row.line_index} already"


def _stateless(used: _Used_by_kind, kind: str) -> _Found:
    """Give the rows that name a state which is not in the table of states; bodies only give support."""
    kinds = {one.record.code: one.record.kind for one in used["states"]}
    for one in used[kind]:
        for name, code in _codes(one.record):
            if code not in kinds:
                yield one, f"{name}={code!r} is not in the table of states"
                break
            if kinds[code] == "body" and kind != "support":
                yield one, f"{name}={code!r} is a body and no state"
                break


def _codes(record: Any) -> Iterator[tuple[str, str]]:
    for name in ("subject", "state", "donor", "holder", "share_of"):
        code = getattr(record, name, None)
        if code is not None:
            yield name, code
    if isinstance(record, Instrument):
        yield from (("states", code) for code in record.states)
        yield from (("entry_rule", code) for code in _rule_states(record.entry_rule))


def _rule_states(rule: EntryRule | None) -> Iterator[str]:
    if rule is not None:
        yield from rule.states
        for inner in rule.rules:
            yield from _rule_states(inner)


def _without(used: _Used_by_kind, kind: str, other: str, name: str) -> _Found:
    """Give the rows that name a record of another kind which does not exist."""
    known = {getattr(one.record, KINDS[other][1]) for one in used[other]}
    for one in used[kind]:
        if getattr(one.record, name) not in known:
            yield one, f"{name}={getattr(one.record, name)!r} is not among the {other}"


def _by_reason(used: _Used_by_kind, kind: str, reasons: dict[str, str]) -> list[tuple[_Used, str]]:
    """Give the rows that a check of the core named by their ids, with its reasons."""
    name = KINDS[kind][1]
    return [(one, reasons[key]) for one in used[kind] if (key := getattr(one.record, name)) in reasons]
