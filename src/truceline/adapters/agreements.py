"""Reads agreement, theatre and window files; what is wrong in them is said with file, place and limit."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

import truceline
from truceline.errors import InputUnusable, SourceUnavailable
from truceline.model.agreement import AGREEMENT_SCHEMA_NAME, Agreement, Domain, Provision, Theatre, TruceWindow
from truceline.model.quantity import TimeSpan

THEATRE_DEFAULT_ID = "ukraine"
THEATRE_SCHEMA_NAME = "truceline.theatre/1"
WINDOW_COLUMNS = ("window_id", "start_utc", "end_utc")
WINDOW_LENGTH_MAX_DAYS = 400
YEARS_KNOWN = (1900, 2200)
AGREEMENT_SIZE_MAX_BYTES = 1_000_000


class LoadedAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """An agreement with the theatre it belongs to and the SHA-256 of the file it was read from."""

    agreement: Agreement
    theatre: Theatre
    file_sha256: str


class _WindowFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    window_id: str
    start: datetime
    end: datetime
    declared_by: str
    accepted_by_other: str
    scope: str
    covers: tuple[str, ...]


class _TheatreFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: str
    theatre_id: str
    title: str
    parties: tuple[str, str]
    timezone: str
    evening_cutoff_hour: float
    domains: tuple[Domain, ...]
    bounds_deg: tuple[float, float, float, float] | None = None


class _AgreementFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: str
    agreement_id: str
    version: str
    title: str
    theatre: str | _TheatreFile
    windows: tuple[_WindowFile, ...]
    provisions: tuple[Provision, ...]
    sources: tuple[str, ...]


def shipped_folder(name: str) -> Path:
    """Give a folder of data that comes with Truceline, installed beside the package or in the source tree."""
    package = Path(truceline.__file__).parent
    for candidate in (package / name, package.parent.parent / name):
        if candidate.is_dir():
            return candidate
    raise SourceUnavailable(f"folder {name!r} of shipped data is missing; the installation is not whole")


def shipped_agreements(theatre_id: str = THEATRE_DEFAULT_ID) -> list[LoadedAgreement]:
    """Read every shipped agreement of one theatre, in file order."""
    loaded = [load_agreement(path) for path in sorted(shipped_folder("agreements").glob("*.yaml"))]
    return [entry for entry in loaded if entry.theatre.theatre_id == theatre_id]


def load_theatre(theatre_id: str = THEATRE_DEFAULT_ID) -> Theatre:
    """Read a shipped theatre by its id."""
    path = shipped_folder("agreements") / "theatres" / f"{theatre_id}.yaml"
    if not path.is_file():
        known = sorted(entry.stem for entry in path.parent.glob("*.yaml"))
        raise InputUnusable(f"theatre={theatre_id!r} is not one of {known}")
    content, _ = _read(path)
    return _theatre(_converted(content, _TheatreFile, path), path)


def load_agreement(path: Path) -> LoadedAgreement:
    """Read one agreement file with its theatre (named, or written inside), or raise `InputUnusable` saying where."""
    content, file_sha256 = _read(path)
    raw = _converted(content, _AgreementFile, path)
    _require_schema(raw.schema, AGREEMENT_SCHEMA_NAME, path)
    theatre = load_theatre(raw.theatre) if isinstance(raw.theatre, str) else _theatre(raw.theatre, path)
    domain_ids = {domain.domain_id for domain in theatre.domains}
    windows = tuple(_window(entry, domain_ids, path) for entry in raw.windows)
    _require_sound_provisions(raw.provisions, windows, theatre, path)
    agreement = Agreement(
        agreement_id=raw.agreement_id,
        version=raw.version,
        title=raw.title,
        theatre_id=theatre.theatre_id,
        windows=windows,
        provisions=raw.provisions,
        sources=raw.sources,
    )
    return LoadedAgreement(agreement=agreement, theatre=theatre, file_sha256=file_sha256)


def _read(path: Path) -> tuple[Any, str]:
    try:
        content = path.read_bytes()
        if len(content) > AGREEMENT_SIZE_MAX_BYTES:
            raise InputUnusable(f"{path}: {len(content)} bytes are more than {AGREEMENT_SIZE_MAX_BYTES} bytes")
        return yaml.safe_load(content), hashlib.sha256(content).hexdigest()
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
    except RecursionError as error:
        raise InputUnusable(f"{path}: is nested too deeply for an agreement") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InputUnusable(f"{path}: is not YAML ({' '.join(str(error).split())})") from error


def _require_sound_provisions(
    provisions: Iterable[Provision], windows: Iterable[TruceWindow], theatre: Theatre, path: Path
) -> None:
    """Hold that clauses bind parties of the theatre, and say in which windows they hold where scopes differ."""
    known_ids = {window.window_id for window in windows}
    scopes = {window.covered_domain_ids for window in windows}
    for provision in provisions:
        strange = sorted(set(provision.parties) - set(theatre.parties))
        if strange or not provision.parties:
            raise InputUnusable(f"{path}: {provision.provision_id}: parties={strange} are not among {theatre.parties}")
        unknown = sorted(set(provision.window_ids) - known_ids)
        if unknown:
            raise InputUnusable(f"{path}: {provision.provision_id}: window_ids={unknown} are not among {known_ids}")
        if len(scopes) > 1 and not provision.window_ids:
            raise InputUnusable(f"{path}: {provision.provision_id}: windows differ in scope; name its window_ids")


def _require_schema(given: str, known: str, path: Path) -> None:
    if given != known:
        raise InputUnusable(f"{path}: schema={given!r} is not {known!r}, the only one this version reads")


def _converted(content: Any, kind: type[Any], path: Path) -> Any:
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise InputUnusable(f"{path}: {error}") from error


def _theatre(raw: _TheatreFile, path: Path) -> Theatre:
    _require_schema(raw.schema, THEATRE_SCHEMA_NAME, path)
    try:
        return Theatre(
            theatre_id=raw.theatre_id,
            title=raw.title,
            parties=raw.parties,
            timezone_name=raw.timezone,
            evening_cutoff_hour=raw.evening_cutoff_hour,
            domains=raw.domains,
            bounds_deg=raw.bounds_deg,
        )
    except ValueError as error:
        raise InputUnusable(f"{path}: {error}") from error


def _window(raw: _WindowFile, domain_ids: set[str], path: Path) -> TruceWindow:
    unknown = sorted(set(raw.covers) - domain_ids)
    if unknown:
        raise InputUnusable(f"{path}: window {raw.window_id} covers {unknown}, not among domains {sorted(domain_ids)}")
    try:
        span = _sound_span(_as_utc(raw.start), _as_utc(raw.end))
    except (ValueError, OverflowError) as error:
        raise InputUnusable(f"{path}: window {raw.window_id}: {error}") from error
    return TruceWindow(
        window_id=raw.window_id,
        span=span,
        declared_by=raw.declared_by,
        accepted_by_other=raw.accepted_by_other,
        scope=raw.scope,
        covered_domain_ids=raw.covers,
    )


def _sound_span(start: datetime, end: datetime) -> TimeSpan:
    """Give a span that begins before it ends, in years that calendars know, and no longer than can be judged."""
    for name, moment in (("start", start), ("end", end)):
        if not YEARS_KNOWN[0] <= moment.year <= YEARS_KNOWN[1]:
            raise ValueError(f"{name}={moment.isoformat()} is outside the years {YEARS_KNOWN[0]} to {YEARS_KNOWN[1]}")
    span = TimeSpan(start=start, end=end)
    if span.duration_s <= 0:
        raise ValueError(f"end={end.isoformat()} is not after start={start.isoformat()}")
    if span.duration_s > WINDOW_LENGTH_MAX_DAYS * 86_400:
        raise ValueError(f"length={span.duration_s / 86_400:.0f} days is more than {WINDOW_LENGTH_MAX_DAYS} days")
    return span


def _as_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"time={moment.isoformat()} has no time zone; write it with an offset such as +03:00")
    return moment.astimezone(UTC)


class WindowRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a windows file: the window, and the domain asked about (`None`: every domain of the theatre).

    `declared` says that the file names who declared the window; a bare list of dates declares no truce.
    """

    window: TruceWindow
    domain_id: str | None
    declared: bool


def load_windows(path: Path, theatre: Theatre) -> list[WindowRow]:
    """Read a windows CSV (columns window_id, start_utc, end_utc[, declared_by, accepted_by_other, scope, domain])."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputUnusable(f"{path}: is not UTF-8 text (byte {error.start})") from error
    lines = (line for line in io.StringIO(text, newline="") if not line.startswith("#"))
    reader = csv.DictReader(lines)
    missing = [name for name in WINDOW_COLUMNS if name not in (reader.fieldnames or [])]
    if missing:
        raise InputUnusable(f"{path}: columns {missing} are missing; found {list(reader.fieldnames or [])}")
    try:
        rows = [_window_row(row, theatre, f"{path}, line {reader.line_num}") for row in reader]
    except csv.Error as error:
        raise InputUnusable(f"{path}, line {reader.line_num}: {error}") from error
    if not rows:
        raise InputUnusable(f"{path}: has no rows")
    _require_one_span_each([row.window for row in rows], str(path))
    return rows


def _require_one_span_each(windows: Iterable[TruceWindow], place: str) -> None:
    """Hold that no two windows of one name have different hours."""
    spans: dict[str, TimeSpan] = {}
    for window in windows:
        if spans.setdefault(window.window_id, window.span) != window.span:
            raise InputUnusable(f"{place}: window_id={window.window_id!r} stands for two different spans")


def _window_row(row: dict[str, str | None], theatre: Theatre, place: str) -> WindowRow:
    domain_id = (row.get("domain") or "").strip() or None
    known = [domain.domain_id for domain in theatre.domains]
    try:
        span = _sound_span(_utc_text("start_utc", row["start_utc"]), _utc_text("end_utc", row["end_utc"]))
    except (ValueError, OverflowError) as error:
        raise InputUnusable(f"{place}: {error}") from error
    window_id = (row["window_id"] or "").strip()
    if not window_id:
        raise InputUnusable(f"{place}: window_id is empty")
    window = TruceWindow(
        window_id=window_id,
        span=span,
        declared_by=row.get("declared_by") or "",
        accepted_by_other=row.get("accepted_by_other") or "",
        scope=row.get("scope") or "",
        covered_domain_ids=(domain_id,) if domain_id else tuple(known),
    )
    return WindowRow(window=window, domain_id=domain_id, declared=bool(row.get("declared_by")))


def _utc_text(name: str, text: str | None) -> datetime:
    """Read a time of a `*_utc` column: with its offset, or without one as UTC."""
    try:
        moment = datetime.fromisoformat((text or "").strip())
    except ValueError as error:
        raise ValueError(f"{name}={text!r} is not a time such as 2025-04-19T15:00Z") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def agreement_files(paths: Iterable[Path]) -> list[Path]:
    """List the agreement files among files and folders (of a folder: its `*.yaml`), or raise where there is none."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        if not inside:
            raise InputUnusable(f"{path}: holds no agreement file (*.yaml)")
        found += inside
    return found


def declared_windows(loaded: Iterable[LoadedAgreement]) -> list[TruceWindow]:
    """Collect the windows of several agreements."""
    return [window for entry in loaded for window in entry.agreement.windows]
