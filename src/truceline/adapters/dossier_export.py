"""A store -> dossier files: for each dossier, all that stood behind it when it was bound, and what came after."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from truceline.adapters.dossier_files import ReceivedFiles, fitting, verifier_script
from truceline.adapters.dossier_recomputation import Recomputed, recompute
from truceline.adapters.dossier_rows import Rereader
from truceline.adapters.dossier_span import SpanReader
from truceline.adapters.source_tree import environment, source_tree_sha256
from truceline.adapters.stores.workspace import FILE_KIND, LINE_KIND, Workspace
from truceline.dossier.contents import (
    LoggedRecord,
    Manifest,
    NotHeld,
    PartyReplies,
    PartyReply,
    ReplyNote,
    WhyNotHeld,
    lines_of,
    packed_file,
    split_lines,
    supersession_of,
)
from truceline.dossier.layout import FILE_MAX_BYTES
from truceline.errors import StoreUnavailable
from truceline.model.dossier import Dossier
from truceline.model.event import Event
from truceline.model.finding import Finding
from truceline.model.observation import Observation
from truceline.model.quantity import EPOCH, canonical_bytes
from truceline.model.reference_line import DatedLine
from truceline.model.source import IngestedFile
from truceline.pipeline import PipelineSettings

REPLY_KIND = "party_reply"
SETTINGS_KIND = "run_settings"
NEWEST_KINDS = (FILE_KIND, "run", "dossier", REPLY_KIND)
"""Kinds of the journal by whose newest row a file says up to where the store was read."""

SAME_DAY_MAX_COUNT = 5_000
"""Observations of the day, beside the evidence, that go into a file; of more, none does, and that is said."""

RECEIVED_MAX_BYTES = FILE_MAX_BYTES // 2
"""How much of a file received bytes and texts may take."""

README = """\
{mark}Dossier file of Truceline: one finding about one event, with all that was used, and all known and not used.
A finding is a *potential* violation with a probability; whether there was one is for people to determine.

To check it offline:   truceline dossier verify FILE --policy POLICY
Without Truceline:     python verify_dossier.py FILE --policy POLICY    (needs the package cryptography)
The script in this file is here to be read. Take the one you run from where you trust it.

dossier.json           event, finding, attribution with its ledger, and the hashes of the evidence
settings.json          text and geometry, catalogues of weapons and evidence, every number the run depended on
lines.jsonl            contact lines around the day
observations/          one row a line: used; known and not used; the others of the same day
files.jsonl, received/ the files they came in, and their bytes where these are held
texts/                 the agreement as it was written
supersession.json      the versions before and after, as far as was known
replies.json           what each party replied, or that it did not
not_held.json          what belongs here and is not held, and why
log/                   leaf, proof, checkpoint and time-stamp of each record that stands in a transparency log
manifest.json          code, libraries, and path, size and SHA-256 of every entry
"""


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """What a log gives for one record: leaf, salt where that is not erased, proof, stamps of the checkpoint."""

    leaf: bytes
    salt: bytes | None
    proof_text: str
    stamps: tuple[bytes, ...] = ()


class LogView(msgspec.Struct, frozen=True, kw_only=True):
    """A log as far as an export needs it: `find` gives what it knows of exactly these bytes, `None` where nothing."""

    find: Callable[[bytes], Logged | None]
    policy_text: str
    erased_sha256s: frozenset[str] = frozenset()


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """One dossier file: whose it is, its bytes, and how far they were re-computed while it was made."""

    dossier_id: str
    body: bytes
    recomputed: Recomputed


class DossierExport:
    """Reads one store; give it the received files that may go along, and a log."""

    def __init__(self, store: Workspace, *, received: ReceivedFiles, log: LogView | None = None) -> None:
        """Read once what every file needs; the store should be open for reading only."""
        self._store = store
        self._received = received
        self._log = log
        self._rereader = Rereader()
        self._files = {file.file_sha256: file for file in store.ingested_files()}
        self._span = SpanReader(store, {name: file.received_time for name, file in self._files.items()})
        self._lines = [(row.sequence, msgspec.json.decode(row.body, type=DatedLine)) for row in store.rows(LINE_KIND)]
        self._settings = [(row.sequence, row.body) for row in store.rows(SETTINGS_KIND)]
        self._replies = [(row.body, msgspec.json.decode(row.body, type=PartyReply)) for row in store.rows(REPLY_KIND)]
        self._newest = max(
            ((row.sequence, row.logged_time) for kind in NEWEST_KINDS for row in store.rows(kind)), default=(0, EPOCH)
        )
        self._versions: dict[str, list[tuple[Finding, str | None]]] = {}

    def files(self, dossier_ids: Collection[str] | None = None) -> Iterator[Exported]:
        """Give the file of each dossier asked for, or of every one, in the order of keeping."""
        self._versions = self._versions_of({one.event.event_id for _, _, one in self._dossiers(dossier_ids)})
        for sequence, body, dossier in self._dossiers(dossier_ids):
            yield self._file(sequence, body, dossier)

    def _dossiers(self, dossier_ids: Collection[str] | None) -> Iterator[tuple[int, bytes, Dossier]]:
        """Give dossiers one by one, each with its place in the journal and its bytes there."""
        for row in self._store.rows("dossier"):
            if not row.equivocation and (dossier_ids is None or row.record_id in dossier_ids):
                yield row.sequence, row.body, msgspec.json.decode(row.body, type=Dossier)

    def _versions_of(self, event_ids: Collection[str]) -> dict[str, list[tuple[Finding, str | None]]]:
        """Give every finding about these events, with the id of its dossier where it has one."""
        finding_type: Any = Finding
        bound = {
            entry.finding.finding_id: entry.dossier_id for entry in self._store.iterate_records("dossier", Dossier)
        }
        found: dict[str, list[tuple[Finding, str | None]]] = {name: [] for name in event_ids}
        for finding in self._store.iterate_records("finding", finding_type):
            if finding.event_id in found:
                found[finding.event_id].append((finding, bound.get(finding.finding_id)))
        return found

    def _file(self, sequence: int, body: bytes, dossier: Dossier) -> Exported:
        settings_body = next((one for place, one in reversed(self._settings) if place < sequence), None)
        if settings_body is None:
            raise StoreUnavailable(f"{self._store.path}: no settings are kept from before {dossier.dossier_id}")
        try:
            settings = msgspec.json.decode(settings_body, type=PipelineSettings)
        except msgspec.ValidationError as error:
            raise StoreUnavailable(
                f"{self._store.path}: the settings kept with {dossier.dossier_id} are of another version ({error}); "
                "export with that version, or run anew and export what that gives"
            ) from error
        entries, not_held = self._observed(dossier, settings, sequence)
        entries |= {
            "dossier.json": body,
            "settings.json": settings_body,
            "README.txt": README.format(mark="SYNTHETIC DATA: no real event\n" if dossier.synthetic else "").encode(),
            "verify_dossier.py": verifier_script(),
            "supersession.json": canonical_bytes(
                supersession_of(dossier.finding, self._versions[dossier.event.event_id])
            ),
            **self._reply_entries(dossier, settings.parties),
        }
        known = [line for place, line in self._lines if place < sequence]
        recomputed = self._with_lines(entries, lines_around(known, dossier.event), known)
        not_held += self._add_files(entries, dossier, settings)
        entries["not_held.json"] = canonical_bytes(tuple(sorted(not_held, key=lambda one: (one.kind, one.name))))
        if self._log is not None:
            entries |= logged_entries(entries, self._log)
        reread = not self._rereader.reread(entries).differing
        manifest = msgspec.structs.replace(self._manifest(dossier, recomputed), reread=reread)
        return Exported(dossier_id=dossier.dossier_id, body=packed_file(manifest, entries), recomputed=recomputed)

    def _manifest(self, dossier: Dossier, recomputed: Recomputed) -> Manifest:
        return Manifest(
            dossier_id=dossier.dossier_id,
            finding_id=dossier.finding.finding_id,
            event_id=dossier.event.event_id,
            event_revision_index=dossier.event.revision_index,
            code_version=dossier.code_version,
            code_tree_sha256=source_tree_sha256(),
            environment=environment(),
            through_sequence=self._newest[0],
            through_time=self._newest[1],
            synthetic=dossier.synthetic,
            level=recomputed.level,
            reread=False,
        )

    def _observed(
        self, dossier: Dossier, settings: PipelineSettings, sequence: int
    ) -> tuple[dict[str, bytes], list[NotHeld]]:
        """Give the rows used, those known and not used, and those of the same day; and say what is not there."""
        table = self._span.table(dossier.event.origin_time, through_sequence=sequence)
        named = {"used": dossier.used, "known_not_used": dossier.known_not_used}
        ids = {name: [row.observation_id for row in rows] for name, rows in named.items()}
        every = [*ids["used"], *ids["known_not_used"]]
        evidence = table.filter(pc.is_in(table["observation_id"], value_set=pa.array(every, pa.string())))
        rows = {row.observation_id: row for row in self._span.records(evidence, settings.parties)}
        not_held = [
            NotHeld(kind="observation", name=name, reason="not_available") for name in every if name not in rows
        ]
        entries = {
            f"observations/{kind}.jsonl": lines_of(rows[name] for name in names if name in rows)
            for kind, names in ids.items()
        }
        others = _same_day(table, [rows[name] for name in ids["used"] if name in rows], settings, without=every)
        if others.num_rows > SAME_DAY_MAX_COUNT:
            not_held.append(NotHeld(kind="same_day", name=f"{others.num_rows} observations", reason="too_large"))
            return entries, not_held
        entries["observations/same_day.jsonl"] = lines_of(self._span.records(others, settings.parties))
        return entries, not_held

    def _with_lines(self, entries: dict[str, bytes], few: Sequence[DatedLine], all_: Sequence[DatedLine]) -> Recomputed:
        """Put the lines around the day in; where a text asks for others and nothing comes out the same, all of them."""
        entries["lines.jsonl"] = lines_of(few)
        recomputed = recompute(entries)
        if recomputed.level == "none" and len(few) < len(all_):
            entries["lines.jsonl"] = lines_of(all_)
            recomputed = recompute(entries)
        return recomputed

    def _reply_entries(self, dossier: Dossier, parties: tuple[str, str]) -> dict[str, bytes]:
        """Give what each party replied about the event, and that the others did not."""
        entries: dict[str, bytes] = {}
        answers = []
        for party in parties:
            own = [
                (body, one)
                for body, one in self._replies
                if (one.event_id, one.party) == (dossier.event.event_id, party)
            ]
            hashes = {hashlib.sha256(body).hexdigest(): (body, one) for body, one in own}
            entries |= {f"replies/{name}": body for name, (body, _) in hashes.items()}
            notes = tuple(
                ReplyNote(received_time=one.received_time, record_sha256=name) for name, (_, one) in hashes.items()
            )
            answers.append(PartyReplies(event_id=dossier.event.event_id, party=party, replies=notes))
        return {"replies.json": canonical_bytes(tuple(answers)), **entries}

    def _add_files(self, entries: dict[str, bytes], dossier: Dossier, settings: PipelineSettings) -> list[NotHeld]:
        """Put in the file records, and the received bytes and texts that are at hand and fit; name the others."""
        used = [row.file_sha256 for row in (*dossier.used, *dossier.known_not_used)]
        lines = [msgspec.json.decode(line, type=DatedLine) for line in split_lines(entries["lines.jsonl"])]
        same_day = split_lines(entries.get("observations/same_day.jsonl", b""))
        also = [msgspec.json.decode(line, type=Observation).provenance.file_sha256 for line in same_day]
        needed = {*used, *also, *(line.file_sha256 for line in lines)}
        entries["files.jsonl"] = lines_of(self._file_record(name) for name in sorted(needed))
        wanted = {"texts": text_sha256s(settings), "received": list(dict.fromkeys([*used, *sorted(needed)]))}
        erased = self._log.erased_sha256s if self._log is not None else frozenset()
        not_held: list[NotHeld] = []
        left_bytes = RECEIVED_MAX_BYTES
        for folder, names in wanted.items():
            fresh = [name for name in names if name not in erased]
            held, too_large = fitting(self._received, fresh, budget_bytes=left_bytes)
            left_bytes -= sum(map(len, held.values()))
            entries |= {f"{folder}/{name}": content for name, content in held.items()}
            for name in set(names) - held.keys():
                reason: WhyNotHeld = "too_large" if name in too_large else "not_available"
                reason = "erased" if name in erased else reason
                not_held.append(NotHeld(kind="text" if folder == "texts" else "received", name=name, reason=reason))
        if self._log is None:
            not_held.append(NotHeld(kind="log", name="no log was named", reason="not_logged"))
        return not_held

    def _file_record(self, file_sha256: str) -> IngestedFile:
        try:
            return self._files[file_sha256]
        except KeyError:
            raise StoreUnavailable(f"{self._store.path}: no record is kept of the file {file_sha256}") from None


def text_sha256s(settings: PipelineSettings) -> list[str]:
    """Give the hashes of every text file that a run was made under, the agreement's first."""
    layers = getattr(settings, "layers", ())
    return list(dict.fromkeys([settings.agreement_sha256, *(layer.file_sha256 for layer in layers)]))


def lines_around(lines: Sequence[DatedLine], event: Event) -> list[DatedLine]:
    """Give the lines an event can be held against: from the newest before the day before it to the day after it.

    Before the first line of all, the first is given.
    """
    ordered = sorted(lines, key=lambda line: line.valid_date)
    first = event.origin_time.start.date() - timedelta(days=1)
    last = event.origin_time.end.date() + timedelta(days=1)
    begin = max((line.valid_date for line in ordered if line.valid_date <= first), default=first)
    around = [line for line in ordered if begin <= line.valid_date <= last]
    return around or [line for line in ordered if line.valid_date == ordered[0].valid_date]


def logged_entries(entries: Mapping[str, bytes], log: LogView) -> dict[str, bytes]:
    """Give the entries below `log/`: for each record of the file that the log knows, leaf, salt, proof and stamps."""
    records: list[LoggedRecord] = []
    added: dict[str, bytes] = {}
    stamps: dict[bytes, str] = {}
    for path, line_index, body in _records_in(entries):
        logged = log.find(body)
        if logged is None:
            continue
        proof_path = f"log/proofs/{len(records):04d}.tlog-proof"
        for stamp in logged.stamps:
            stamps.setdefault(stamp, f"log/stamps/{len(stamps):04d}.tsr")
        added[proof_path] = logged.proof_text.encode()
        records.append(
            LoggedRecord(
                path=path,
                line_index=line_index,
                leaf_hex=logged.leaf.hex(),
                salt_hex=None if logged.salt is None else logged.salt.hex(),
                proof_path=proof_path,
                stamp_paths=tuple(stamps[stamp] for stamp in logged.stamps),
            )
        )
    added |= {path: stamp for stamp, path in stamps.items()}
    added["log/policy.txt"] = log.policy_text.encode()
    added["log/index.json"] = canonical_bytes(tuple(records))
    return added


def _records_in(entries: Mapping[str, bytes]) -> Iterator[tuple[str, int | None, bytes]]:
    """Give every record of a file that stands in the journal: its entry, its line and its bytes."""
    for path in sorted(entries):
        if path in {"dossier.json", "settings.json"} or path.startswith(("replies/", "received/", "texts/")):
            yield path, None, entries[path]
        elif path in {"lines.jsonl", "files.jsonl"}:
            for line_index, line in enumerate(split_lines(entries[path])):
                yield path, line_index, line


def _same_day(
    table: pa.Table, used: Sequence[Observation], settings: PipelineSettings, *, without: Sequence[str]
) -> pa.Table:
    """Give the rows of the local days on which the rows used fall, but for those named."""
    zone = ZoneInfo(settings.association.timezone_name)
    days = {row.phenomenon_time.middle.astimezone(zone).date() for row in used}
    starts = table["phenomenon_start"].cast(pa.int64()).to_numpy()
    ends = table["phenomenon_end"].cast(pa.int64()).to_numpy()
    middle = starts + (ends - starts) / 2
    inside = np.zeros(table.num_rows, dtype=np.bool_)
    for day in days:
        low, high = (_midnight_us(one, zone) for one in (day, day + timedelta(days=1)))
        inside |= (middle >= low) & (middle < high)
    named = pc.is_in(table["observation_id"], value_set=pa.array(without, pa.string()))
    return table.filter(pc.and_not(pa.array(inside), named))


def _midnight_us(day: date, zone: ZoneInfo) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    return (midnight - EPOCH) // timedelta(microseconds=1)
