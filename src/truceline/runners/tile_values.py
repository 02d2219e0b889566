"""Columns as they come, typed or as text, become numbers and times; what cannot be read is marked, never guessed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from truceline.associate.network import Floats, Ints

NO_TIME_NS = np.iinfo(np.int64).min
"""Stands for a time that is missing or could not be read."""

_INSTANT = pa.timestamp("ns", "UTC")


def column_of(table: pa.Table, name: str) -> Any:
    """Give a column in one piece; nulls where the table has none of this name."""
    if name not in table.column_names:
        return pa.nulls(table.num_rows)
    column = table[name].combine_chunks()
    column = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def texts_of(table: pa.Table, name: str) -> list[str]:
    """Give a column as texts; empty where there is none."""
    return [text or "" for text in column_of(table, name).cast(pa.string()).to_pylist()]


def numbers_of(table: pa.Table, name: str) -> tuple[Floats, NDArray[np.bool_]]:
    """Give a column as numbers, `nan` where nothing is said, and a mask of what is there and is no number."""
    column = column_of(table, name)
    numbers, said = _cast(column, pa.float64())
    values = np.asarray(pc.fill_null(numbers, np.nan), np.float64)
    return values, said & np.asarray(numbers.is_null())


def instants_of(table: pa.Table, name: str) -> Ints:
    """Give a column of times as UTC nanoseconds since 1970; `NO_TIME_NS` where there is none or it cannot be read.

    Timestamps must carry a zone, text must be ISO 8601 with one: a time without zone is no time. Numbers are none
    either: nobody can say what they count.
    """
    column = column_of(table, name)
    is_time = pa.types.is_timestamp(column.type) and column.type.tz is not None
    if not is_time and not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        return np.full(table.num_rows, NO_TIME_NS)
    instants, _ = _cast(column, _INSTANT)
    return np.asarray(pc.fill_null(instants.cast(pa.int64()), NO_TIME_NS), np.int64)


def _cast(column: Any, kind: Any) -> tuple[Any, NDArray[np.bool_]]:
    """Give a column in another type, null where a value cannot be; and a mask of the values that are there."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        trimmed = pc.utf8_trim_whitespace(column)
        column = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, trimmed.type), trimmed)
    return _cast_halves(column, kind), np.asarray(column.is_valid())


def _cast_halves(column: Any, kind: Any) -> Any:
    """Cast a column, or its halves, until what cannot be cast stands alone and becomes null."""
    try:
        return column.cast(kind)
    except pa.ArrowInvalid:
        if len(column) == 1:
            return pa.nulls(1, kind)
        middle = len(column) // 2
        return pa.concat_arrays([_cast_halves(column[:middle], kind), _cast_halves(column[middle:], kind)])
