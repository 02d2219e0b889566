"""A dossier is whole or says where it is not."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from laws.made import bundle_of, events
from truceline.dossier.bundle import bind, check_dossier, dossier_bytes, dossier_id_of
from truceline.model.dossier import Dossier, EvidenceHash
from truceline.model.event import Event
from truceline.model.quantity import canonical_bytes

HASH = EvidenceHash(observation_id="", source_id="made", file_sha256="0" * 64, row_index=0)


def bound(event: Event) -> Dossier:
    """Give a dossier about an event, with evidence used and not used."""
    used = tuple(
        msgspec.structs.replace(HASH, observation_id=link.observation_id) for link in reversed(event.associations)
    )
    aside = (msgspec.structs.replace(HASH, observation_id="z"), msgspec.structs.replace(HASH, observation_id="a"))
    bundle = msgspec.structs.replace(bundle_of(event), used=used, known_not_used=aside)
    return bind(bundle, agreement_sha256="0" * 64, code_version="0", synthetic=True)


def renamed(dossier: Dossier, **changes: object) -> bytes:
    """Give the bytes of a changed dossier under the id that goes with the change."""
    changed = msgspec.structs.replace(dossier, **changes)
    return dossier_bytes(msgspec.structs.replace(changed, dossier_id=dossier_id_of(changed)))


@given(event=events)
def test_what_was_bound_passes_the_check(event: Event) -> None:
    """A dossier as bound has no fault, and its evidence stands in the order of its ids."""
    dossier = bound(event)

    assert check_dossier(dossier_bytes(dossier)) == []
    assert [entry.observation_id for entry in dossier.known_not_used] == ["a", "z"]


@given(event=events)
def test_a_changed_record_shows_in_the_id(event: Event) -> None:
    """Changing what a dossier says without its id is found."""
    changed = msgspec.structs.replace(bound(event), synthetic=False)

    (fault,) = check_dossier(dossier_bytes(changed))
    assert "does not match the content" in fault


@given(event=events)
def test_bytes_that_are_not_canonical_are_found(event: Event) -> None:
    """Spaces between the bytes change no record, but they are not what was handed on."""
    (fault,) = check_dossier(msgspec.json.format(dossier_bytes(bound(event)), indent=2))

    assert "not in canonical form" in fault


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"[1]"])
def test_what_is_no_dossier_is_said_to_be_none(body: bytes) -> None:
    """Bytes that cannot be read as a dossier are a fault, not a failure of the check."""
    (fault,) = check_dossier(body)

    assert fault.startswith("not a dossier")


@given(event=events)
def test_parts_that_speak_of_different_things_are_found(event: Event) -> None:
    """Finding, attribution and evidence must be about the event of the dossier."""
    dossier = bound(event)
    other_finding = msgspec.structs.replace(dossier.finding, event_id="other")
    other_attribution = msgspec.structs.replace(dossier.attribution, event_revision_index=9)
    faults = [
        check_dossier(renamed(dossier, finding=other_finding)),
        check_dossier(renamed(dossier, attribution=other_attribution)),
        check_dossier(renamed(dossier, used=())),
        check_dossier(renamed(dossier, known_not_used=dossier.used)),
    ]

    assert [len(found) for found in faults] == [1, 1, 1, 1]
    assert ["finding is about", "attribution is about", "not that of", "both as used"] == [
        next(
            part for part in ("finding is about", "attribution is about", "not that of", "both as used") if part in one
        )
        for (one,) in faults
    ]


@given(event=events)
def test_the_id_follows_from_the_content(event: Event) -> None:
    """The same bundle bound twice is the same dossier, byte for byte."""
    assert canonical_bytes(bound(event)) == canonical_bytes(bound(event))
