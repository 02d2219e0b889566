"""A tile's detections as whole columns: one order, no duplicates, and a fair share for each station under heavy load.

Everything here is a function of the *set* of rows: cut them into any batches, in any order, and what is left is the
same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from truceline.associate.network import Floats, Ints

Keys = NDArray[np.uint64]

_CONTENT = (
    "station_index",
    "time_ns",
    "sigma_s",
    "bearing_deg",
    "bearing_sigma_deg",
    "amplitude_log10_ratio",
    "phase_index",
)
_KEY_ROWS_COUNT = 65_536


class DetectionRows(NamedTuple):
    """Detections of any stations and times, one element each; `nan` where the detector says nothing.

    `station_index` counts stations in the order of their ids. `key` is 64 bits of the id (`keys_of`). `copy_count` says
    how often the id was delivered, `same_count` how many of these deliveries said what stands here.
    """

    station_index: NDArray[np.int32]
    time_ns: Ints
    received_ns: Ints
    sigma_s: Floats
    bearing_deg: Floats
    bearing_sigma_deg: Floats
    amplitude_log10_ratio: Floats
    phase_index: NDArray[np.int16]
    key: Keys
    copy_count: NDArray[np.int32]
    same_count: NDArray[np.int32]
    detection_id: Any

    @property
    def row_count(self) -> int:
        """The number of rows."""
        return len(self.time_ns)


def no_rows() -> DetectionRows:
    """Give the rows of no detections."""
    whole, real, small = np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int32)
    return DetectionRows(
        station_index=small,
        time_ns=whole,
        received_ns=whole,
        sigma_s=real,
        bearing_deg=real,
        bearing_sigma_deg=real,
        amplitude_log10_ratio=real,
        phase_index=np.zeros(0, np.int16),
        key=np.zeros(0, np.uint64),
        copy_count=small,
        same_count=small,
        detection_id=pa.array([], pa.string()),
    )


def keys_of(detection_ids: Any) -> Keys:
    """Give 64 bits of each id, the same on every machine: FNV-like chaining of eight-byte words with a strong mixer.

    The mixer is the finaliser of splitmix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number
    generators"). It is no secret hash: whoever chooses ids can make two keys equal. So ids decide what is a
    duplicate; keys only choose what is left out under load, within one station, and find shared members.
    """
    chunks = [
        _chunk_keys(detection_ids.slice(begin, _KEY_ROWS_COUNT))
        for begin in range(0, len(detection_ids), _KEY_ROWS_COUNT)
    ]
    return np.concatenate(chunks) if chunks else np.zeros(0, np.uint64)


def _chunk_keys(detection_ids: Any) -> Keys:
    column = pa.array(detection_ids).cast(pa.large_binary())
    _, offset_buffer, byte_buffer = column.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[column.offset : column.offset + len(column) + 1]
    content = np.frombuffer(byte_buffer, np.uint8) if byte_buffer is not None else np.zeros(0, np.uint8)
    lengths = np.diff(offsets)
    words_count = max(1, -(-int(lengths.max()) // 8))
    padded = np.zeros((len(column), 8 * words_count), np.uint8)
    padded[np.arange(8 * words_count)[None, :] < lengths[:, None]] = content[offsets[0] : offsets[-1]]
    words = padded.view("<u8").astype(np.uint64)
    keys = _mixed(lengths.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15))
    for word_index in range(words_count):  # an id's key knows nothing of longer ids beside it
        keys = np.where(lengths > 8 * word_index, _mixed(keys ^ words[:, word_index]), keys)
    return keys


def _mixed(keys: Keys) -> Keys:
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def taken(rows: DetectionRows, places: NDArray[Any]) -> DetectionRows:
    """Give the rows at some places, by index (in that order) or by a mask (in the present order)."""
    ids = rows.detection_id.filter(pa.array(places)) if places.dtype == bool else rows.detection_id.take(places)
    return DetectionRows._make([*(column[places] for column in rows[:-1]), ids])


def joined(parts: Sequence[DetectionRows]) -> DetectionRows:
    """Give the rows of all parts, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    whole = [no_rows(), *parts]
    columns = [np.concatenate(column) for column in zip(*(part[:-1] for part in whole), strict=True)]
    return DetectionRows._make([*columns, pa.concat_arrays([part.detection_id for part in whole])])


def in_canonical_order(rows: DetectionRows) -> DetectionRows:
    """Give the rows by station, then time, then detection id: the order in which every sum over them is taken."""
    order = np.lexsort((rows.time_ns, rows.station_index))
    station, time_ns = rows.station_index[order], rows.time_ns[order]
    tied = np.zeros(len(order), bool)
    same = (station[1:] == station[:-1]) & (time_ns[1:] == time_ns[:-1])
    tied[1:] |= same
    tied[:-1] |= same
    if tied.any():
        places = order[tied]
        ids = rows.detection_id.take(places).to_pylist()
        ranked = sorted(
            range(len(places)), key=lambda at: (rows.station_index[places[at]], rows.time_ns[places[at]], ids[at])
        )
        order[tied] = places[ranked]
    return taken(rows, order)


def without_duplicates(rows: DetectionRows) -> DetectionRows:
    """Give one row for each detection id; the smallest content stands where deliveries differ.

    What else was delivered is counted. Content is compared column by column (station, time, sigma, bearing, its
    sigma, amplitude, phase), `nan` last. The earliest time of receipt stands. Doing so in parts and again on what is
    left gives the same rows and counts.
    """
    order = np.argsort(rows.key, kind="stable")
    repeated = np.zeros(rows.row_count, bool)
    same = rows.key[order][1:] == rows.key[order][:-1]
    repeated[order[1:][same]] = True
    repeated[order[:-1][same]] = True
    if not repeated.any():
        return rows
    several = taken(rows, repeated)
    return joined([taken(rows, ~repeated), _one_of_each(several)])


def _one_of_each(rows: DetectionRows) -> DetectionRows:
    codes = rows.detection_id.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    content = [getattr(rows, name) for name in _CONTENT]
    order = np.lexsort((*reversed(content), codes))
    rows, codes = taken(rows, order), codes[order]
    begins = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1])))
    group = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(codes))))
    agrees = np.ones(len(codes), bool)
    for name in _CONTENT:
        column = getattr(rows, name)
        winner = column[begins][group]
        agrees &= (column == winner) | ((column != column) & (winner != winner))
    same_count = np.add.reduceat(np.where(agrees, rows.same_count, 0), begins).astype(np.int32)
    one = taken(rows, begins)
    return one._replace(
        received_ns=np.minimum.reduceat(rows.received_ns, begins),
        copy_count=np.add.reduceat(rows.copy_count, begins).astype(np.int32),
        same_count=same_count,
    )


def _station_rank(rows: DetectionRows) -> Ints:
    """Give each row's place among its station's rows by key: which rows stay does not follow from what they say."""
    order = np.lexsort((rows.key, rows.station_index))
    station = rows.station_index[order]
    begins = np.searchsorted(station, station)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - begins
    return rank


def station_share(rows: DetectionRows, *, station_max_count: int) -> tuple[DetectionRows, DetectionRows]:
    """Give the rows that stay under a limit per station, and those left out: the smallest keys stay.

    The smallest keys of all rows are among the smallest keys of each part, so leaving out early changes nothing.
    """
    if rows.row_count <= station_max_count or int(np.bincount(rows.station_index).max()) <= station_max_count:
        return rows, no_rows()
    stays = _station_rank(rows) < station_max_count
    return taken(rows, stays), taken(rows, ~stays)


def tile_share(rows: DetectionRows, *, tile_max_count: int) -> NDArray[np.bool_]:
    """Say which rows stay under a limit for a whole tile: every station gives its first, then its second, and so on."""
    if rows.row_count <= tile_max_count:
        return np.ones(rows.row_count, bool)
    stays = np.zeros(rows.row_count, bool)
    stays[np.lexsort((rows.key, _station_rank(rows)))[:tile_max_count]] = True
    return stays


def rows_bytes(rows: DetectionRows) -> bytes:
    """Give what the rows say as bytes, in their present order: two inputs are the same exactly when these are."""
    content = [np.ascontiguousarray(getattr(rows, name)).tobytes() for name in (*_CONTENT, "key")]
    return b"".join([len(rows.time_ns).to_bytes(8, "little"), *content])
