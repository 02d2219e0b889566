"""Rows of a tile: one order, each detection once, a fair share for each station, whatever the batches."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.associate.tile_rows import (
    DetectionRows,
    in_canonical_order,
    joined,
    keys_of,
    no_rows,
    rows_bytes,
    station_share,
    taken,
    tile_share,
    without_duplicates,
)

Line = tuple[str, int, int, float]


def rows_of(lines: list[Line]) -> DetectionRows:
    """Make rows of (id, station, time, bearing)."""
    count = len(lines)
    ids = pa.array([line[0] for line in lines], pa.string())
    return DetectionRows(
        station_index=np.array([line[1] for line in lines], np.int32),
        time_ns=np.array([line[2] for line in lines], np.int64),
        received_ns=np.arange(count, dtype=np.int64),
        sigma_s=np.full(count, np.nan),
        bearing_deg=np.array([line[3] for line in lines], np.float64),
        bearing_sigma_deg=np.full(count, np.nan),
        amplitude_log10_ratio=np.full(count, np.nan),
        phase_index=np.full(count, -1, np.int16),
        key=keys_of(ids),
        copy_count=np.ones(count, np.int32),
        same_count=np.ones(count, np.int32),
        detection_id=ids,
    )


def lines_of(rows: DetectionRows) -> list[Line]:
    """Give rows back as (id, station, time, bearing)."""
    columns = (rows.station_index.tolist(), rows.time_ns.tolist(), np.nan_to_num(rows.bearing_deg, nan=-1.0).tolist())
    return list(zip(rows.detection_id.to_pylist(), *columns, strict=True))


crowded = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d", "e"]),
        st.integers(0, 2),
        st.integers(0, 2),
        st.sampled_from([1.0, 2.0, float("nan")]),
    ),
    max_size=14,
)


@settings(deadline=None)
@given(crowded, st.randoms(use_true_random=False))
def test_one_order_for_any_order(lines: list[Line], chance: object) -> None:
    """Rows in any order come into the order of station, time and id."""
    mixed = list(lines)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    in_order = [line[:3] for line in lines_of(in_canonical_order(rows_of(mixed)))]

    assert sorted((line[1], line[2], line[0]) for line in lines) == [(line[1], line[2], line[0]) for line in in_order]


@settings(deadline=None)
@given(crowded, st.integers(0, 14))
def test_duplicates_go_the_same_in_parts_and_at_once(lines: list[Line], cut: int) -> None:
    """Each id stays once with its smallest content, and the counts are those of all deliveries, however they came."""
    at_once = without_duplicates(rows_of(lines))
    part = without_duplicates(rows_of(lines[:cut]))
    in_parts = without_duplicates(joined([part, rows_of(lines[cut:])]))
    expected = {}
    for line in lines:
        content = (line[1], line[2], float("inf") if np.isnan(line[3]) else line[3])
        expected[line[0]] = min(expected.get(line[0], content), content)
    found = {line[0]: (line[1], line[2], float("inf") if line[3] == -1.0 else line[3]) for line in lines_of(at_once)}

    assert expected == found
    assert sorted(lines_of(at_once)) == sorted(lines_of(in_parts))
    assert len(lines) == int(at_once.copy_count.sum()) == int(in_parts.copy_count.sum())
    assert int(at_once.same_count.sum()) == int(in_parts.same_count.sum())


def test_equal_keys_of_different_ids_are_no_duplicates() -> None:
    """Two ids that happen to have one key stay two detections."""
    rows = rows_of([("a", 0, 1, 1.0), ("b", 0, 1, 1.0), ("a", 0, 1, 1.0)])
    clashing = rows._replace(key=np.full(3, 7, np.uint64))

    assert ["a", "b"] == sorted(without_duplicates(clashing).detection_id.to_pylist())


def key_written_out(name: bytes) -> int:
    """Compute a key with whole numbers of Python, byte order and width written out."""

    def mixed(key: int) -> int:
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            key = ((key ^ key >> shift) * factor) % 2**64
        return key

    key = mixed(len(name) + 0x9E3779B97F4A7C15)
    for begin in range(0, len(name), 8):
        key = mixed(key ^ int.from_bytes(name[begin : begin + 8], "little"))
    return key


def test_keys_are_the_same_on_every_machine() -> None:
    """Keys follow from the bytes of the id alone: not from its neighbours, its place, or the machine."""
    ids = [f"d{'x' * (at % 23)}{at}" for at in range(2_000)]
    together = keys_of(pa.array(ids))
    apart = [int(keys_of(pa.array(["padding", name, ""]).slice(1, 1))[0]) for name in ids[:50]]

    assert together[:50].tolist() == apart
    assert 2_000 == len(set(together.tolist()))
    assert [key_written_out(name.encode()) for name in ids[:50]] == together[:50].tolist()
    assert 0 == len(keys_of(pa.array([], pa.string())))
    assert 1 == len(keys_of(pa.array([""])))


@settings(deadline=None)
@given(crowded, st.integers(0, 14), st.integers(1, 3))
def test_a_station_beyond_its_limit_loses_the_same_rows_in_parts(lines: list[Line], cut: int, limit: int) -> None:
    """What stays under a station's limit does not depend on which rows came together."""
    unique = list({line[0] + str(line[1]): (line[0] + str(line[1]), *line[1:]) for line in lines}.values())
    at_once, left_out = station_share(rows_of(unique), station_max_count=limit)
    part, _ = station_share(rows_of(unique[:cut]), station_max_count=limit)
    in_parts, _ = station_share(joined([part, rows_of(unique[cut:])]), station_max_count=limit)

    assert sorted(lines_of(at_once)) == sorted(lines_of(in_parts))
    assert sorted(lines_of(rows_of(unique))) == sorted(lines_of(at_once) + lines_of(left_out))
    assert int(np.bincount(at_once.station_index, minlength=1).max()) <= limit


def test_a_tile_beyond_its_limit_takes_from_the_loudest_station_first() -> None:
    """Under a tile's limit every station gives one before any gives two."""
    lines = [(f"a{at}", 0, at, 1.0) for at in range(50)] + [(f"b{at}", 1 + at, at, 1.0) for at in range(5)]
    rows = rows_of(lines)

    assert [3, 1, 1, 1, 1, 1] == np.bincount(rows.station_index[tile_share(rows, tile_max_count=8)]).tolist()
    assert tile_share(rows, tile_max_count=55).all()


@pytest.mark.parametrize("name", ["time_ns", "bearing_deg", "key"])
def test_bytes_tell_inputs_apart(name: str) -> None:
    """Rows with the same content give the same bytes, and any changed number gives others."""
    rows = rows_of([("a", 0, 1, 1.0), ("b", 0, 2, 2.0)])
    changed = rows._replace(**{name: getattr(rows, name) + getattr(rows, name).dtype.type(1)})

    assert rows_bytes(rows) == rows_bytes(taken(rows, np.array([True, True])))
    assert rows_bytes(rows) != rows_bytes(changed)
    assert rows_bytes(no_rows()) == rows_bytes(joined([no_rows(), no_rows()])) == rows_bytes(joined([]))
    assert rows is joined([rows])
