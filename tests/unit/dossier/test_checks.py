"""What a dossier file says of itself is held against itself, and whatever does not fit is found and named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from laws.dossier_case import made_case, repacked
from truceline.dossier.bundle import dossier_id_of
from truceline.dossier.checks import check_entries, dossier_of, manifest_of
from truceline.dossier.contents import (
    FindingVersion,
    PartyReplies,
    PartyReply,
    ReplyNote,
    Supersession,
    lines_of,
    split_lines,
    supersession_of,
)
from truceline.dossier.layout import pack, unpack
from truceline.model.attribution import Attribution
from truceline.model.dossier import Dossier
from truceline.model.observation import Observation
from truceline.model.quantity import canonical_bytes

Entries = dict[str, bytes]


@pytest.fixture
def entries() -> Entries:
    """Give the entries of a sound file."""
    return unpack(made_case().files[0])


def failing(entries: Entries) -> list[str]:
    """Name the subjects of what does not hold."""
    return [check.subject for check in check_entries(entries) if check.outcome == "fails"]


def changed(body: bytes, record_type: Any, **changes: object) -> bytes:
    """Give a record with some fields changed, in canonical form."""
    return canonical_bytes(msgspec.structs.replace(msgspec.json.decode(body, type=record_type), **changes))


def rebound(entries: Entries, change: Callable[[Dossier], Dossier]) -> Entries:
    """Give the entries with another dossier that is whole in itself and fits the manifest: what a forger would do."""
    dossier = change(dossier_of(entries))
    dossier = msgspec.structs.replace(dossier, dossier_id=dossier_id_of(dossier))
    return unpack(repacked(pack(entries), {"dossier.json": canonical_bytes(dossier)}, dossier_id=dossier.dossier_id))


def test_a_file_as_made_agrees_with_itself(entries: Entries) -> None:
    """Nothing fails, and of everything there is a line."""
    subjects = {check.subject for check in check_entries(entries)}

    assert [] == failing(entries)
    assert {"manifest", "dossier", "settings", "files", "ledger", "probabilities", "supersession"} <= subjects


def test_an_entry_the_manifest_does_not_name_is_found(entries: Entries) -> None:
    """One more, one fewer, one changed, or one named twice: the manifest does not match."""
    manifest = manifest_of(entries)
    twice = msgspec.structs.replace(manifest, entries=(*manifest.entries, manifest.entries[0]))

    assert ["manifest"] == failing({**entries, "received/" + "0" * 64: b""})[:1]
    assert "manifest" in failing({path: body for path, body in entries.items() if path != "README.txt"})
    assert ["manifest"] == failing({**entries, "README.txt": b"other"})
    assert ["manifest"] == failing({**entries, "manifest.json": canonical_bytes(twice)})


def test_a_dossier_that_is_not_whole_is_found(entries: Entries) -> None:
    """A dossier whose id is not that of its bytes, or that is not the manifest's, is found."""
    body = entries["dossier.json"].replace(b'"synthetic":true', b'"synthetic":false')

    assert "dossier" in failing({**entries, "dossier.json": body})
    other = changed(entries["manifest.json"], type(manifest_of(entries)), event_id="event-other")
    assert "dossier" in failing({**entries, "manifest.json": other})


def test_settings_of_another_run_are_found(entries: Entries) -> None:
    """Settings that name another text, program version or mark than the dossier are found."""
    body = entries["settings.json"].replace(b'"synthetic":true', b'"synthetic":false')

    assert "settings" in failing({**entries, "settings.json": body})


@pytest.mark.parametrize("name", ["used", "known_not_used"])
def test_a_withheld_row_is_found_unless_it_is_said(entries: Entries, name: str) -> None:
    """A row that is not there fails; one that is named as erased does not, and is said."""
    path = f"observations/{name}.jsonl"
    first, *others = split_lines(entries[path])
    fewer = {**entries, path: b"".join(line + b"\n" for line in others)}
    said = msgspec.json.decode(entries["not_held.json"])
    entry = {"kind": "observation", "name": msgspec.json.decode(first, type=Observation).observation_id}
    named = {**fewer, "not_held.json": canonical_bytes([*said, {**entry, "reason": "erased"}])}
    subject = f"observations {name.replace('_', ' ')}"

    assert subject in failing(fewer)
    assert subject not in failing(named)
    assert "not checked" in {check.outcome for check in check_entries(named) if check.subject == subject}


def test_received_bytes_must_bear_their_hash_or_be_named_as_missing(entries: Entries) -> None:
    """Other bytes under a hash are found, and so is a file that is neither there nor said to be missing."""
    path = next(path for path in entries if path.startswith("texts/"))
    without = {name: body for name, body in entries.items() if name != path}

    assert "received bytes" in failing({**entries, path: b"other"})
    assert "received bytes" in failing(without)


def test_file_records_are_those_of_the_rows_and_lines(entries: Entries) -> None:
    """One record fewer is found."""
    lines = split_lines(entries["files.jsonl"])

    assert "files" in failing({**entries, "files.jsonl": b"".join(line + b"\n" for line in lines[1:])})


VERSION = FindingVersion(
    event_revision_index=0, provision_id=None, finding_id="f", finding_kind="compliant", dossier_id=None
)


def test_versions_are_before_and_after_and_about_this_finding(entries: Entries) -> None:
    """A later version says that this one is superseded; versions out of order, or of another finding, are found."""
    later = msgspec.structs.replace(VERSION, event_revision_index=5)
    own = manifest_of(entries).finding_id
    cases = {
        "superseded": Supersession(finding_id=own, supersedes=(), superseded_by=(later,)),
        "order": Supersession(finding_id=own, supersedes=(later,), superseded_by=()),
        "other": Supersession(finding_id="other", supersedes=(), superseded_by=()),
    }
    told = {name: check_entries({**entries, "supersession.json": canonical_bytes(one)}) for name, one in cases.items()}
    outcomes = {
        name: next(check for check in checks if check.subject == "supersession") for name, checks in told.items()
    }

    assert ("holds", True) == (outcomes["superseded"].outcome, "SUPERSEDED" in outcomes["superseded"].text)
    assert ["fails", "fails"] == [outcomes["order"].outcome, outcomes["other"].outcome]


def test_both_parties_are_asked_and_their_replies_are_there(entries: Entries) -> None:
    """A reply listed and held is counted; a party left out, a reply not held, or one about another event, fails."""
    event_id = manifest_of(entries).event_id
    at = datetime(2025, 1, 1, tzinfo=UTC)
    body = canonical_bytes(PartyReply(event_id=event_id, party="A", received_time=at, text="It was not us."))
    foreign = canonical_bytes(PartyReply(event_id="other", party="A", received_time=at, text="It was not us."))

    def with_reply(record: bytes, *, held: bool = True) -> Entries:
        import hashlib

        name = hashlib.sha256(record).hexdigest()
        note = ReplyNote(received_time=at, record_sha256=name)
        listed = (
            PartyReplies(event_id=event_id, party="A", replies=(note,)),
            PartyReplies(event_id=event_id, party="B", replies=()),
        )
        return {**entries, "replies.json": canonical_bytes(listed), **({f"replies/{name}": record} if held else {})}

    lines = [check.text for check in check_entries(with_reply(body)) if check.subject.startswith("reply of")]

    assert ["1 replies received", "no reply received"] == [line.partition(" up to")[0] for line in lines]
    assert "replies" in failing(with_reply(body, held=False))
    assert "replies" in failing(with_reply(foreign))
    assert "replies" in failing({**entries, "replies.json": b"[]"})


def _with_attribution(entries: Entries, **changes: object) -> Entries:
    def change(dossier: Dossier) -> Dossier:
        return msgspec.structs.replace(dossier, attribution=msgspec.structs.replace(dossier.attribution, **changes))

    return rebound(entries, change)


def test_probabilities_follow_from_the_accounts_and_these_from_the_ledger(entries: Entries) -> None:
    """Probabilities that are not the sums of their accounts, or accounts that do not give the log-odds, are found."""
    attribution = dossier_of(entries).attribution
    turned = tuple(
        msgspec.structs.replace(entry, probability=other.probability)
        for entry, other in zip(attribution.probabilities, reversed(attribution.probabilities), strict=True)
    )
    exchanged = tuple(
        msgspec.structs.replace(entry, party={"A": "B", "B": "A"}.get(entry.party or "", entry.party))
        for entry in attribution.hypotheses
    )

    assert ["probabilities"] == failing(_with_attribution(entries, probabilities=turned))
    assert ["probabilities"] == failing(_with_attribution(entries, hypotheses=exchanged))
    assert [] == failing(_with_attribution(entries, calibration="slope 0.900"))


@pytest.mark.parametrize("by_log_ratio", [1.0, 5e-9])
def test_a_ledger_that_does_not_add_up_is_found(entries: Entries, by_log_ratio: float) -> None:
    """A sum that is far off makes the record unreadable, one a little off is found here."""
    attribution = dossier_of(entries).attribution
    row = attribution.ledger[0]
    nudged = msgspec.structs.replace(row, context_log_ratio=row.context_log_ratio + by_log_ratio)
    body = entries["dossier.json"].replace(canonical_bytes(row), canonical_bytes(nudged), 1)

    assert {"dossier", "ledger"} <= set(failing({**entries, "dossier.json": body}))


def test_what_cannot_be_read_is_a_fault_and_hides_no_other(entries: Entries) -> None:
    """Broken entries are named one by one."""
    broken = {"settings.json": b"{", "observations/used.jsonl": b"{}", "supersession.json": b"\xff"}
    subjects = failing({**entries, **broken})

    assert {"manifest", "settings", "evidence", "versions", "replies"} <= set(subjects)
    spaced = {**entries, "not_held.json": b" " + entries["not_held.json"]}
    assert "evidence" in failing(spaced)


def test_versions_are_of_the_same_event_in_order(entries: Entries) -> None:
    """Findings about other events or the same revision are no versions; of others any clause counts, in order."""
    finding = dossier_of(entries).finding
    later = msgspec.structs.replace(finding, finding_id="later", event_revision_index=2)
    latest = msgspec.structs.replace(finding, finding_id="latest", event_revision_index=3, provision_id="elsewhere")
    other = msgspec.structs.replace(later, finding_id="other", event_id="elsewhere")
    versions = supersession_of(finding, [(latest, None), (other, None), (finding, "own"), (later, "dossier-later")])
    back = supersession_of(latest, [(finding, "own")])

    assert ["later", "latest"] == [entry.finding_id for entry in versions.superseded_by]
    assert ["dossier-later", None] == [entry.dossier_id for entry in versions.superseded_by]
    assert ["own"] == [entry.dossier_id for entry in back.supersedes]


def test_lines_go_and_come(entries: Entries) -> None:
    """Records written as lines are read as so many; a line cut off is refused."""
    dossier = dossier_of(entries)
    body = lines_of(dossier.used)

    assert [canonical_bytes(row) for row in dossier.used] == split_lines(body)
    assert [] == split_lines(b"")
    with pytest.raises(ValueError, match="cut off"):
        split_lines(body[:-1])


def test_an_attribution_between_other_than_two_parties_is_no_dossier(entries: Entries) -> None:
    """A third party's probability is found, because the log-odds speak of two."""
    attribution: Attribution = dossier_of(entries).attribution
    third = msgspec.structs.replace(attribution.probabilities[0], party="C", probability=0.0)

    assert failing(_with_attribution(entries, probabilities=(*attribution.probabilities, third)))
