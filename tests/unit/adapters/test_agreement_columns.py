"""Laws of laying events out for the assessment: a table and the records it stands for give the same columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from truceline.adapters.agreement_columns import columns_of_frame
from truceline.adapters.agreement_events import event_pieces
from truceline.adapters.sources.files import FeedContext
from truceline.assess.columns import Conduct, EventColumns, WeaponShare, columns_of
from truceline.model.quantity import Position, TimeSpan

PARTIES = ("A", "B")
MOMENT = datetime(2030, 1, 1, 12, 30, tzinfo=UTC)
PLACE = Position(latitude_deg=48.0, longitude_deg=38.0, sigma_m=100.0)
INSTANT = TimeSpan(start=MOMENT, end=MOMENT)

ROWS = """\
event_id,start,end,longitude_deg,latitude_deg,sigma_m,act,domain,weapon,weapon_class,class_probabilities,calibre_mm,actor,actor_probability,purpose,unit_size,object_category,object_category_not,place_is,event_probability,revision_index
fire,2030-01-01T12:30Z,2030-01-01T12:40Z,38,48,100,fire,,,,howitzer:0.7;mortar:0.3,,A,0.8,,,,energy,weapon,0.9,2
drill,2030-01-01T12:30Z,,38,48,100,field_exercise,land,,,,,B,,training,regiment,,,,,
flight,2030-01-01T12:30Z,,38,48,100,flight,,Orlan-10,,,,monitors,,monitoring,,,,,,
attack,2030-01-01T12:30Z,,38,48,100,attack,,,mortar,,120,,,,,energy,,impact,,
nowhere,2030-01-01T12:30Z,,,,,presence,,,tank,,,A,,,,,,,,
unsaid,2030-01-01T12:30Z,,38,48,100,,,,,,,,,,,,,,,
"""

SAME_COLUMNS = (
    "start_s",
    "end_s",
    "act",
    "act_probability",
    "party_probability",
    "domain",
    "purpose",
    "unit_size",
    "objects",
    "objects_not",
    "at_weapon",
    "withdrawn",
)

RECORDS = [
    Conduct(
        event_id="fire",
        act="fire",
        time=TimeSpan(start=MOMENT, end=MOMENT + timedelta(minutes=10)),
        position=PLACE,
        weapons=(
            WeaponShare(weapon_class="howitzer", probability=0.7),
            WeaponShare(weapon_class="mortar", probability=0.3),
        ),
        party_probabilities={"A": 0.8},
        objects_not=("energy",),
        at_weapon=True,
        act_probability=0.9,
        revision_index=2,
    ),
    Conduct(
        event_id="drill",
        act="field_exercise",
        domain="land",
        time=INSTANT,
        position=PLACE,
        party_probabilities={"B": 1.0},
        purpose="training",
        unit_size="regiment",
    ),
    Conduct(
        event_id="flight",
        act="flight",
        time=INSTANT,
        position=PLACE,
        weapons=(WeaponShare(type_id="orlan_10"),),
        actor_id="monitors",
        purpose="monitoring",
    ),
    Conduct(
        event_id="attack",
        act="attack",
        time=INSTANT,
        position=PLACE,
        weapons=(WeaponShare(weapon_class="mortar", calibre_mm=120.0),),
        objects=("energy",),
        at_weapon=False,
    ),
    Conduct(
        event_id="nowhere",
        act="presence",
        time=INSTANT,
        weapons=(WeaponShare(weapon_class="tank"),),
        party_probabilities={"A": 1.0},
    ),
    Conduct(
        event_id="unsaid",
        act="fire",
        time=INSTANT,
        position=PLACE,
        lacking="what happened: whether anything was fired",
    ),
]


def frame_of(folder: Path) -> pl.DataFrame:
    """Read the table as the command does."""
    path = folder / "events.csv"
    path.write_text(ROWS)
    feed = FeedContext(parties=PARTIES, timezone_name="UTC", received_time=MOMENT)
    (piece,) = event_pieces(path, feed)
    assert [] == piece.rejected
    return piece.frame


def decoded(columns: EventColumns) -> list[object]:
    """Give every row with its codes looked up, so that two numberings of one table compare."""

    def word(table: tuple[object, ...], code: int) -> object:
        return None if code < 0 else table[code]

    return [
        (
            word(columns.actor_ids, int(columns.actor[row])),
            word(columns.mixtures, int(columns.mixture[row])),
            word(columns.lackings, int(columns.lacking[row])),
            columns.event_ids[row],
            columns.revision_index[row],
        )
        for row in range(len(columns))
    ]


def test_a_table_and_its_records_give_the_same_columns(tmp_path: Path) -> None:
    """Whatever a table says of an event, it says as the record does, and leaves unsaid what the record does."""
    by_table = columns_of_frame(frame_of(tmp_path), parties=PARTIES)
    by_record = columns_of(RECORDS, parties=PARTIES)

    assert decoded(by_record) == decoded(by_table)
    for name in [
        "start_s",
        "end_s",
        "act",
        "act_probability",
        "party_probability",
        "domain",
        "purpose",
        "unit_size",
        "objects",
        "objects_not",
        "at_weapon",
        "withdrawn",
    ]:
        np.testing.assert_array_equal(getattr(by_record, name), getattr(by_table, name), err_msg=name)
    np.testing.assert_array_equal(by_record.points.longitude_deg, by_table.points.longitude_deg)
    np.testing.assert_array_equal(by_record.points.latitude_deg, by_table.points.latitude_deg)
    placed = ~np.isnan(by_record.points.latitude_deg)
    for one, other in zip(by_record.spread, by_table.spread, strict=True):
        np.testing.assert_array_equal(one[placed], other[placed])


def test_the_parties_order_is_the_texts(tmp_path: Path) -> None:
    """Exchanging the parties exchanges their rows of probabilities and nothing else."""
    frame = frame_of(tmp_path)
    one, other = columns_of_frame(frame, parties=PARTIES), columns_of_frame(frame, parties=PARTIES[::-1])

    np.testing.assert_array_equal(one.party_probability[::-1], other.party_probability)
    assert decoded(one) == decoded(other)


def test_no_events_are_no_columns(tmp_path: Path) -> None:
    """An empty table gives columns of no length."""
    assert 0 == len(columns_of_frame(frame_of(tmp_path).clear(), parties=PARTIES))
