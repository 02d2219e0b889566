"""Reads agreements, theatres, the weapons catalogue and window files; every fault is said with file, line and limit."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec

import truceline
from truceline.adapters.agreement_coverage import read_geometries
from truceline.adapters.agreement_draft import Draft, agreement_of, read_parts
from truceline.adapters.agreement_records import BROKEN, YEARS_KNOWN, RecordReader
from truceline.adapters.agreement_references import check_references
from truceline.adapters.agreement_yaml import Document, Fault, FaultsFound, read_document
from truceline.errors import InputUnusable, SourceUnavailable
from truceline.model.agreement import AGREEMENT_SCHEMA_NAME, Agreement, Domain, Theatre, TruceWindow
from truceline.model.quantity import TimeSpan
from truceline.model.weapon import WEAPON_CATALOGUE_SCHEMA_NAME, WeaponCatalogue

THEATRE_DEFAULT_ID = "ukraine"
THEATRE_SCHEMA_NAME = "truceline.theatre/1"
WEAPONS_FILE_NAME = "weapons.yaml"
WINDOW_COLUMNS = ("window_id", "start_utc", "end_utc")
WINDOW_LENGTH_MAX_DAYS = 400

_HEAD = re.compile(r"^(agreement_id|version_by|amends):[ \t]*[\"']?([^\"'#\r\n]*?)[\"']?[ \t]*(?:#.*)?$", re.MULTILINE)


class NamedText(msgspec.Struct, frozen=True, kw_only=True):
    """A text with the SHA-256 of the file it was read from."""

    agreement: Agreement
    file_sha256: str


class LoadedAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """An agreement with its theatre, the texts it is a layer on (oldest first), and the SHA-256 of each file."""

    agreement: Agreement
    theatre: Theatre
    file_sha256: str
    bases: tuple[Agreement, ...] = ()
    base_sha256s: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[NamedText, ...]:
        """Give the texts it is a layer on, oldest first, and then itself."""
        both = zip((*self.bases, self.agreement), (*self.base_sha256s, self.file_sha256), strict=True)
        return tuple(NamedText(agreement=text, file_sha256=file_sha256) for text, file_sha256 in both)


class TheatreFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A theatre as files write it: a file of its own, or inside an agreement."""

    schema: str
    theatre_id: str
    title: str
    parties: tuple[str, str]
    timezone: str
    evening_cutoff_hour: float
    domains: tuple[Domain, ...]
    bounds_deg: tuple[float, float, float, float] | None = None


def shipped_folder(name: str) -> Path:
    """Give a folder of data that comes with Truceline, installed beside the package or in the source tree."""
    package = Path(truceline.__file__).parent
    for candidate in (package / name, package.parent.parent / name):
        if candidate.is_dir():
            return candidate
    raise SourceUnavailable(f"folder {name!r} of shipped data is missing; the installation is not whole")


def shipped_agreements(theatre_id: str = THEATRE_DEFAULT_ID) -> list[LoadedAgreement]:
    """Read every shipped agreement of one theatre, in file order."""
    loaded = [load_agreement(path) for path in agreement_files([shipped_folder("agreements")])]
    return [entry for entry in loaded if entry.theatre.theatre_id == theatre_id]


def load_theatre(theatre_id: str = THEATRE_DEFAULT_ID) -> Theatre:
    """Read a shipped theatre by its id."""
    path = shipped_folder("agreements") / "theatres" / f"{theatre_id}.yaml"
    if not path.is_file():
        known = sorted(entry.stem for entry in path.parent.glob("*.yaml"))
        raise InputUnusable(f"theatre={theatre_id!r} is not one of {known}")
    document = read_document(path)
    return _theatre(document, document.content)


def load_weapons(path: Path | None = None) -> WeaponCatalogue:
    """Read a weapons catalogue; without a path, the one that is shipped."""
    return _catalogue(path or shipped_folder("agreements") / WEAPONS_FILE_NAME)


@cache
def _catalogue(path: Path) -> WeaponCatalogue:
    document = read_document(path)
    _require_schema(document, WEAPON_CATALOGUE_SCHEMA_NAME)
    reader = RecordReader(document)
    content = {key: entry for key, entry in document.content.items() if key != "schema"}
    catalogue = reader.record(content, WeaponCatalogue, ())
    if reader.faults:
        raise FaultsFound(reader.faults)
    assert isinstance(catalogue, WeaponCatalogue), "a record without faults is whole"
    return catalogue


def load_agreement(path: Path) -> LoadedAgreement:
    """Read one agreement with its theatre, geometry and the texts it amends; or raise, saying every fault."""
    document = read_document(path)
    _require_schema(document, AGREEMENT_SCHEMA_NAME)
    theatre = _theatre_of(document)
    below = _texts_below(document)
    draft = Draft(document, bases=tuple(text.agreement for text in below))
    read_parts(draft, timezone_name=_timezone_name(document))
    check_references(draft, theatre, load_weapons())
    for place, window in draft.parts("windows"):
        try:
            _sound_span(window.span.start, window.span.end)
        except ValueError as error:
            draft.note((*place, "span"), f"window {window.window_id}: {error}")
    geometries = read_geometries(draft)
    more = {"theatre_id": theatre.theatre_id, "parties": theatre.parties, "geometries": geometries}
    agreement = agreement_of(draft, **more)
    if agreement is None:
        raise FaultsFound(draft.faults)
    return LoadedAgreement(
        agreement=agreement,
        theatre=theatre,
        file_sha256=document.file_sha256,
        bases=draft.bases,
        base_sha256s=tuple(text.file_sha256 for text in below),
    )


def _timezone_name(document: Document) -> str | None:
    """Give the time zone in which the text writes its times, where it names one."""
    in_force = document.content.get("in_force")
    name = in_force.get("timezone_name") if isinstance(in_force, dict) else None
    return name if isinstance(name, str) else None


def _require_schema(document: Document, known: str) -> None:
    if not isinstance(document.content, dict):
        raise FaultsFound([document.fault((), "is not a mapping of keys to values")])
    given = document.content.get("schema")
    if given != known:
        raise FaultsFound([document.fault(("schema",), f"schema={given!r} is not {known!r}, the only one read here")])


def _theatre_of(document: Document) -> Theatre:
    """Give the theatre that an agreement names or has inside."""
    content = document.content.get("theatre")
    if isinstance(content, dict):
        return _theatre(document, content, inside=True)
    try:
        return load_theatre(str(content))
    except FaultsFound:
        raise
    except InputUnusable as error:
        raise FaultsFound([document.fault(("theatre",), str(error))]) from error


def _theatre(document: Document, content: object, *, inside: bool = False) -> Theatre:
    place = ("theatre",) if inside else ()
    reader = RecordReader(document)
    raw = reader.record(content, TheatreFile, place)
    if raw is not BROKEN and raw.schema != THEATRE_SCHEMA_NAME:
        reader.note((*place, "schema"), f"schema={raw.schema!r} is not {THEATRE_SCHEMA_NAME!r}")
    if reader.faults:
        raise FaultsFound(reader.faults)
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
        raise FaultsFound([document.fault(place, str(error))]) from error


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """What the first keys of an agreement file say: which text it is, whose version, and on what it is a layer."""

    path: Path
    agreement_id: str
    version_by: str | None
    amends: str | None


def _head_of(path: Path) -> _Head | None:
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return None
    given = dict(_HEAD.findall(text))
    if not given.get("agreement_id"):
        return None
    return _Head(
        path=path,
        agreement_id=given["agreement_id"],
        version_by=_named(given.get("version_by")),
        amends=_named(given.get("amends")),
    )


def _named(text: str | None) -> str | None:
    return None if text in (None, "", "null", "~") else text


def _texts_below(document: Document) -> tuple[NamedText, ...]:
    """Give the texts that one is a layer on, oldest first; a circle, or a text that is not there, is a fault."""
    own = _head_of(document.path)
    if own is None or own.amends is None:
        return ()
    known = _heads_beside(document.path)
    chain, head = [own], own
    while head.amends is not None:
        base = _base_of(head, known, document)
        if base.agreement_id in [entry.agreement_id for entry in chain]:
            circle = " -> ".join([entry.agreement_id for entry in chain] + [base.agreement_id])
            raise FaultsFound([document.fault(("amends",), f"texts amend each other in a circle: {circle}")])
        chain.append(base)
        head = base
    return load_agreement(chain[1].path).texts


def _heads_beside(path: Path) -> list[_Head]:
    """Give the heads of the texts in the same folder, then of the shipped ones that have no namesake there."""
    beside = [head for one in sorted(path.parent.glob("*.yaml")) if (head := _head_of(one)) is not None]
    ids = {head.agreement_id for head in beside}
    shipped = [_head_of(one) for one in sorted(shipped_folder("agreements").glob("*.yaml"))]
    return beside + [head for head in shipped if head is not None and head.agreement_id not in ids]


def _base_of(head: _Head, known: Iterable[_Head], document: Document) -> _Head:
    """Give the text that one amends: of several versions the same party's, else the one that is no party's."""
    named = [entry for entry in known if entry.agreement_id == head.amends]
    for version_by in (head.version_by, None):
        fitting = [entry for entry in named if entry.version_by == version_by]
        if len(fitting) == 1:
            return fitting[0]
    if len(named) == 1:
        return named[0]
    found = f"stands in {len(named)} files" if named else "is neither beside this file nor among the shipped texts"
    said = f"amends={head.amends!r} (of {head.agreement_id}) {found}"
    raise FaultsFound([document.fault(("amends",), said)])


def _is_catalogue(document: Document) -> bool:
    """Say whether a file calls itself a weapons catalogue."""
    content = document.content
    return isinstance(content, dict) and content.get("schema") == WEAPON_CATALOGUE_SCHEMA_NAME


def check_agreement(path: Path) -> list[Fault]:
    """Give every fault of one agreement file or weapons catalogue; none means that it can be used."""
    try:
        if _is_catalogue(read_document(path)):
            load_weapons(path)
        else:
            load_agreement(path)
    except FaultsFound as error:
        return error.faults
    return []


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
    """List the agreement files among files and folders, or raise where there is none.

    Of a folder these are its `*.yaml` files, the weapons catalogue left out.
    """
    found: list[Path] = []
    for path in paths:
        inside = [one for one in files_to_check([path]) if one.name != WEAPONS_FILE_NAME]
        if not inside:
            what = "holds no agreement file (*.yaml)" if path.is_dir() else "is a weapons catalogue and no agreement"
            raise InputUnusable(f"{path}: {what}")
        found += inside
    return found


def files_to_check(paths: Iterable[Path]) -> list[Path]:
    """List what can be checked among files and folders: agreement files and weapons catalogues."""
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
