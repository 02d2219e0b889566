"""What a dossier file says of itself, held against itself: checks that need neither a log nor the other stages."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from truceline.dossier.bundle import check_dossier
from truceline.dossier.contents import Manifest, NotHeld, PartyReplies, PartyReply, Supersession, split_lines
from truceline.dossier.layout import MANIFEST_PATH
from truceline.model.attribution import UNATTRIBUTED, Attribution
from truceline.model.dossier import Dossier, EvidenceHash
from truceline.model.observation import Observation
from truceline.model.quantity import canonical_bytes
from truceline.model.reference_line import DatedLine
from truceline.model.source import IngestedFile

LEDGER_MAX_LOG_RATIO = 1e-9
"""By how much the rows of a ledger may miss their sum: the rounding of some hundred additions."""

ACCOUNT_MAX_PROBABILITY = 1e-6
"""By how much a probability may miss what follows from the accounts."""

Outcome = Literal["holds", "fails", "not checked"]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was checked, or could not be, and what came of it in plain words."""

    subject: str
    outcome: Outcome
    text: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a run's settings that this stage knows; the whole is read where the run is repeated."""

    agreement_sha256: str
    code_version: str
    parties: tuple[str, str]
    synthetic: bool


def holds(subject: str, text: str) -> Check:
    """Give the check that came out well."""
    return Check(subject=subject, outcome="holds", text=text)


def fails(subject: str, text: str) -> Check:
    """Give the check that found something."""
    return Check(subject=subject, outcome="fails", text=text)


def not_checked(subject: str, text: str) -> Check:
    """Give the check that could not be made, and why."""
    return Check(subject=subject, outcome="not checked", text=text)


def check_entries(entries: Mapping[str, bytes]) -> list[Check]:
    """Give every check of an unpacked file against itself; a fault in one entry does not hide those of others."""
    found: list[Check] = []
    for check in _CHECKS:
        try:
            found.extend(check(entries))
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
            found.append(fails(check.__name__.removeprefix("_check_").replace("_", " "), f"cannot be read: {error}"))
    return found


def manifest_of(entries: Mapping[str, bytes]) -> Manifest:
    """Read the manifest; raises `msgspec.MsgspecError` or `ValueError` where it is none in canonical form."""
    manifest: Manifest = _canonical(entries[MANIFEST_PATH], Manifest)
    return manifest


def dossier_of(entries: Mapping[str, bytes]) -> Dossier:
    """Read the dossier; raises as `manifest_of`."""
    dossier: Dossier = _canonical(entries["dossier.json"], Dossier)
    return dossier


def observations_of(entries: Mapping[str, bytes], path: str) -> list[Observation]:
    """Read the observations of one entry, none where there is no such entry; raises as `manifest_of`."""
    return [_canonical(line, Observation) for line in split_lines(entries.get(path, b""))]


def not_held_of(entries: Mapping[str, bytes]) -> tuple[NotHeld, ...]:
    """Read what is not held and why; raises as `manifest_of`."""
    listed: tuple[NotHeld, ...] = _canonical(entries["not_held.json"], tuple[NotHeld, ...])
    return listed


def _canonical(body: bytes, record_type: Any) -> Any:
    """Read a record that must stand in its one canonical form."""
    record = msgspec.json.decode(body, type=record_type)
    if canonical_bytes(record) != body:
        raise ValueError("the bytes are not in canonical form")
    return record


def _check_manifest(entries: Mapping[str, bytes]) -> Iterator[Check]:
    """Hold that the manifest names every entry with its size and hash, and nothing else."""
    manifest = manifest_of(entries)
    listed = {entry.path: (entry.sha256, entry.size_bytes) for entry in manifest.entries}
    actual = {
        path: (hashlib.sha256(body).hexdigest(), len(body)) for path, body in entries.items() if path != MANIFEST_PATH
    }
    wrong = sorted(path for path in listed.keys() | actual.keys() if listed.get(path) != actual.get(path))
    if len(listed) != len(manifest.entries):
        wrong.append("an entry listed twice")
    if wrong:
        yield fails("manifest", f"does not match {', '.join(wrong[:3])}")
    else:
        yield holds("manifest", f"names all {len(actual)} entries with size and SHA-256")


def _check_dossier(entries: Mapping[str, bytes]) -> Iterator[Check]:
    """Hold that the dossier is what its id says, agrees with itself, and is the one the manifest names."""
    faults = check_dossier(entries["dossier.json"])
    if faults:
        yield from (fails("dossier", fault) for fault in faults)
        return
    dossier, manifest = dossier_of(entries), manifest_of(entries)
    named = (manifest.dossier_id, manifest.finding_id, manifest.event_id, manifest.event_revision_index)
    finding = dossier.finding
    own = (dossier.dossier_id, finding.finding_id, dossier.event.event_id, dossier.event.revision_index)
    if named != own or manifest.code_version != dossier.code_version or manifest.synthetic != dossier.synthetic:
        yield fails("dossier", f"the manifest speaks of {manifest.dossier_id}, the file holds {dossier.dossier_id}")
    else:
        yield holds("dossier", f"{dossier.dossier_id} is the content id of its bytes; its parts are of one event")


def _check_settings(entries: Mapping[str, bytes]) -> Iterator[Check]:
    """Hold that the settings name the text, the program version and the mark that the dossier names."""
    settings, dossier = msgspec.json.decode(entries["settings.json"], type=Settings), dossier_of(entries)
    own = (dossier.agreement_sha256, dossier.code_version, dossier.synthetic)
    if (settings.agreement_sha256, settings.code_version, settings.synthetic) != own:
        yield fails("settings", "text, program version or synthetic mark is not that of the dossier")
    else:
        yield holds("settings", "name the text, the program version and the mark that the dossier names")


def _check_evidence(entries: Mapping[str, bytes]) -> Iterator[Check]:
    """Hold that every observation used, or known and not used, is in the file or said not to be."""
    dossier = dossier_of(entries)
    absent = {entry.name for entry in not_held_of(entries) if entry.kind == "observation"}
    for name, hashes in (("used", dossier.used), ("known_not_used", dossier.known_not_used)):
        rows = observations_of(entries, f"observations/{name}.jsonl")
        listed = [_hash_of(row) for row in rows]
        expected = [entry for entry in hashes if entry.observation_id not in absent]
        subject = f"observations {name.replace('_', ' ')}"
        missing_count = len(hashes) - len(expected)
        if listed != expected:
            yield fails(subject, f"{len(listed)} rows are not the {len(expected)} that the dossier names, in order")
        elif missing_count:
            yield not_checked(subject, f"{missing_count} of {len(hashes)} are not held (see below); the others are")
        else:
            yield holds(subject, f"all {len(hashes)} that the dossier names are there, by id, file and row")


def _hash_of(row: Observation) -> EvidenceHash:
    origin = row.provenance
    return EvidenceHash(
        observation_id=row.observation_id,
        source_id=origin.source_id,
        file_sha256=origin.file_sha256,
        row_index=origin.row_index,
    )


def _check_received(entries: Mapping[str, bytes]) -> Iterator[Check]:
    """Hold that received files, texts and replies have the hashes they are named by, and say which are not held."""
    wrong = [
        path
        for path, body in sorted(entries.items())
        if path.startswith(("received/", "texts/", "replies/"))
        and hashlib.sha256(body).hexdigest() != path.partition("/")[2]
    ]
    dossier = dossier_of(entries)
    absent = {(entry.kind, entry.name) for entry in not_held_of(entries)}
    needed = {("received", row.file_sha256) for row in (*dossier.used, *dossier.known_not_used)}
    needed |= {("text", dossier.agreement_sha256)}
    folders = {"received": "received", "text": "texts"}
    unsaid = sorted(
        name for kind, name in needed if f"{folders[kind]}/{name}" not in entries and (kind, name) not in absent
    )
    held_count = sum(path.startswith(("received/", "texts/")) for path in entries)
    if wrong:
        yield fails("received bytes", f"{wrong[0]} does not have the SHA-256 it is named by")
    elif unsaid:
        yield fails("received bytes", f"{unsaid[0]} is neither in the file nor said to be missing")
    else:
        yield holds("received bytes", f"{held_count} held entries have the SHA-256 they are named by")
    for entry in not_held_of(entries):
        yield not_checked(f"{entry.kind} {entry.name}", f"not held: {entry.reason.replace('_', ' ')}")


def _check_files(entries: Mapping[str, bytes]) -> Iterator[Check]:
    """Hold that the file records are those of the files that rows and lines came in, no more and no fewer."""
    dossier = dossier_of(entries)
    described = [_canonical(line, IngestedFile).file_sha256 for line in split_lines(entries["files.jsonl"])]
    needed = {row.file_sha256 for row in (*dossier.used, *dossier.known_not_used)}
    needed |= {row.provenance.file_sha256 for row in observations_of(entries, "observations/same_day.jsonl")}
    needed |= {_canonical(line, DatedLine).file_sha256 for line in split_lines(entries["lines.jsonl"])}
    if described != sorted(needed):
        yield fails("files", "the file records are not those of the rows and lines, in the order of their hashes")
    else:
        yield holds("files", f"{len(described)} records say when each file was had and what became of its rows")


def _check_versions(entries: Mapping[str, bytes]) -> Iterator[Check]:
    """Hold that the versions before and after are such, and say whether this one still stands."""
    versions: Supersession = _canonical(entries["supersession.json"], Supersession)
    manifest = manifest_of(entries)
    revision_index = manifest.event_revision_index
    before = [entry.event_revision_index for entry in versions.supersedes]
    after = [entry.event_revision_index for entry in versions.superseded_by]
    if versions.finding_id != manifest.finding_id:
        yield fails("supersession", f"speaks of {versions.finding_id}, not of {manifest.finding_id}")
    elif max(before, default=-1) >= revision_index or min(after, default=revision_index + 1) <= revision_index:
        yield fails(
            "supersession", "a version before this one is not of an earlier revision, or one after not of a later"
        )
    elif versions.superseded_by:
        newest = [entry for entry in versions.superseded_by if entry.event_revision_index == max(after)]
        kinds = ", ".join(f"{entry.finding_kind} (dossier {entry.dossier_id or 'none'})" for entry in newest)
        yield holds("supersession", f"SUPERSEDED by revision {max(after)} of the event: {kinds}")
    else:
        yield holds("supersession", f"of the newest revision known; {len(set(before))} revisions came before it")


def _check_replies(entries: Mapping[str, bytes]) -> Iterator[Check]:
    """Hold that every party is asked alike and every reply is in the file; say who has not replied."""
    replies: tuple[PartyReplies, ...] = _canonical(entries["replies.json"], tuple[PartyReplies, ...])
    settings, manifest = msgspec.json.decode(entries["settings.json"], type=Settings), manifest_of(entries)
    named = [f"replies/{note.record_sha256}" for party in replies for note in party.replies]
    held = [path for path in entries if path.startswith("replies/")]
    foreign = [path for path in held if _canonical(entries[path], PartyReply).event_id != manifest.event_id]
    asked = tuple((entry.party, entry.event_id) for entry in replies)
    if asked != tuple((party, manifest.event_id) for party in settings.parties) or set(named) != set(held) or foreign:
        yield fails("replies", "are not those of both parties in their order, or not all in the file")
        return
    for entry in replies:
        said = f"{len(entry.replies)} replies" if entry.replies else "no reply"
        yield holds(f"reply of {entry.party}", f"{said} received up to {manifest.through_time.isoformat()}")


def _check_ledger(entries: Mapping[str, bytes]) -> Iterator[Check]:
    """Hold that the shares add up to the whole and that the probabilities follow from it."""
    attribution = dossier_of(entries).attribution
    total = math.fsum(row.context_log_ratio for row in attribution.ledger)
    if abs(total - attribution.log_odds_ratio) > LEDGER_MAX_LOG_RATIO:
        yield fails("ledger", f"shares add up to {total}, not to {attribution.log_odds_ratio}")
    else:
        yield holds(
            "ledger", f"{len(attribution.ledger)} shares add up to log-odds of {attribution.log_odds_ratio:.6f}"
        )
    yield _probability_check(attribution)


def _probability_check(attribution: Attribution) -> Check:
    """Hold the parties' probabilities against the five accounts, and these against the log-odds."""
    parties = [entry.party for entry in attribution.probabilities if entry.party != UNATTRIBUTED]
    accounts = {name: math.fsum(_account(attribution, name)) for name in (*parties, None)}
    first, second = (accounts[name] for name in parties)
    if (
        min(first, second) > 0.0
        and abs(math.log(first / second) - attribution.log_odds_ratio) > ACCOUNT_MAX_PROBABILITY
    ):
        return fails("probabilities", "the five accounts do not give the log-odds of the ledger")
    if attribution.calibration != "none":
        return not_checked("probabilities", f"the accounts follow; calibrated ({attribution.calibration}): re-compute")
    known: Sequence[tuple[str | None, float]] = [
        (None if entry.party == UNATTRIBUTED else entry.party, entry.probability) for entry in attribution.probabilities
    ]
    if any(abs(accounts[name] - probability) > ACCOUNT_MAX_PROBABILITY for name, probability in known):
        return fails("probabilities", "are not the sums of their accounts")
    return holds("probabilities", "follow from the log-odds and the five accounts, and sum to 1")


def _account(attribution: Attribution, party: str | None) -> list[float]:
    return [entry.probability for entry in attribution.hypotheses if entry.party == party]


_CHECKS: tuple[Callable[[Mapping[str, bytes]], Iterator[Check]], ...] = (
    _check_manifest,
    _check_dossier,
    _check_settings,
    _check_evidence,
    _check_received,
    _check_files,
    _check_versions,
    _check_replies,
    _check_ledger,
)
