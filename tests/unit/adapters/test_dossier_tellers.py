"""Who told a place is in the dossier where several did, and comes again from the observations held there."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from laws.made import AFTER_ALL, DAY
from laws.test_attribute import line
from truceline.adapters.dossier_recomputation import recompute
from truceline.dossier.bundle import check_dossier, dossier_bytes, dossier_id_of
from truceline.model.dossier import Dossier
from truceline.model.quantity import canonical_bytes
from truceline.testing.records import Spot, made_patrol, made_report, moment
from unit.pipeline.test_pipeline import PIPELINE, SETTINGS

SEEN = made_patrol(Spot(47.95, 37.0, moment(DAY, offset_s=43_200.0), sigma_m=200.0), means="saw")
WRITTEN = made_report(Spot(47.955, 37.003, moment(DAY, offset_s=43_200.0), sigma_m=1_500.0))


def entries(*records: object) -> dict[str, bytes]:
    """Give what a dossier file of the one event of these records holds, as far as re-computing reads it."""
    _, output = PIPELINE.step(PIPELINE.initial(), records, AFTER_ALL)  # type: ignore[arg-type]
    (dossier,) = output.dossiers
    ordered = sorted(records, key=lambda record: record.observation_id)  # type: ignore[attr-defined]
    return {
        "dossier.json": dossier_bytes(dossier),
        "settings.json": canonical_bytes(SETTINGS),
        "lines.jsonl": canonical_bytes(line(date(2025, 4, 18))) + b"\n",
        "observations/used.jsonl": b"".join(canonical_bytes(record) + b"\n" for record in ordered),
    }


def dossier_in(files: dict[str, bytes]) -> Dossier:
    """Read the dossier."""
    return msgspec.json.decode(files["dossier.json"], type=Dossier)


def test_a_place_that_a_patrol_and_a_report_tell_comes_again() -> None:
    """The dossier names both, each a row, and re-computing gives it to the last byte from its observations."""
    files = entries(SEEN, WRITTEN)
    dossier = dossier_in(files)
    rows = [row.cluster_id for row in dossier.attribution.ledger if any(i.item_type == "place" for i in row.items)]

    assert ["patrol_report", "media_report"] == [teller.modality for teller in dossier.told_by]
    assert ["made_patrol_report", "made_media_report"] == rows
    assert [] == check_dossier(files["dossier.json"])
    assert ("event", "") == (recompute(files).level, recompute(files).remark)


def test_a_place_that_one_tells_leaves_no_trace() -> None:
    """Such a dossier is the same bytes as before places could be told by several."""
    files = entries(SEEN)

    assert b"tellers" not in files["dossier.json"]
    assert () == dossier_in(files).told_by
    assert "event" == recompute(files).level


def test_a_teller_left_out_is_found() -> None:
    """Without its tellers the same answer cannot be re-computed, and an answer made without them is not the event's."""
    files = entries(SEEN, WRITTEN)
    bare = msgspec.structs.replace(dossier_in(files), tellers=msgspec.UNSET)
    alone = msgspec.structs.replace(bare, dossier_id=dossier_id_of(bare))

    assert "none" == recompute({**files, "dossier.json": dossier_bytes(alone)}).level
    again = recompute({**files, "dossier.json": recompute({**files, "dossier.json": dossier_bytes(alone)}).body or b""})
    assert "finding" == again.level
    assert again.remark.endswith("its place is told by others")


@pytest.mark.parametrize("strange", ["x", "made"])
def test_a_teller_that_rests_on_a_strange_record_is_found(strange: str) -> None:
    """Who tells a place does so by records of the event."""
    dossier = dossier_in(entries(SEEN, WRITTEN))
    first, second = dossier.told_by
    forged = msgspec.structs.replace(
        dossier, tellers=(first, msgspec.structs.replace(second, observation_ids=(strange,)))
    )
    named = msgspec.structs.replace(forged, dossier_id=dossier_id_of(forged))

    assert ["a place is told by a record that is not part of the event"] == check_dossier(dossier_bytes(named))
