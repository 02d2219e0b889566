"""The binding of dossiers keeps every law of a stage, and every dossier it makes passes the check."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from laws.made import AFTER_ALL, BEFORE_ALL, bundle_of, event_lists
from truceline.dossier.bundle import check_dossier, dossier_bytes
from truceline.dossier.stage import DossierStage, DossierState
from truceline.model.event import Event
from truceline.testing.laws import StageCase, check_stage_laws

STAGE = DossierStage(agreement_sha256="0" * 64, code_version="0", synthetic=True)


@settings(max_examples=60, deadline=None)
@given(records=event_lists, seed_index=st.integers(0, 1_000))
def test_binding_keeps_the_laws_of_a_stage(records: list[Event], seed_index: int) -> None:
    """Order, duplicates, batch sizes, restarts from bytes and partition by key do not show in the dossiers."""
    case = StageCase(
        stage=STAGE,
        records=[bundle_of(event) for event in records],
        watermark=AFTER_ALL,
        state_type=DossierState,
    )

    check_stage_laws(case, seed_index=seed_index, open_watermark=BEFORE_ALL)


@settings(max_examples=60, deadline=None)
@given(records=event_lists, position_index=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_no_changed_byte_goes_unseen(records: list[Event], position_index: int, flip: int) -> None:
    """Changing any one byte of a dossier is found by the check (evidence is left out of these)."""
    _, dossiers = STAGE.step(STAGE.initial(), [bundle_of(event) for event in records], AFTER_ALL)
    changed = []
    for dossier in dossiers:
        body = bytearray(dossier_bytes(dossier))
        body[position_index % len(body)] ^= flip
        changed.append(bytes(body))

    assert [] == [body for body in changed if not check_dossier(body)]
