"""Entries of one width that lie one behind the other: a sequence of bytes that can be worked on as a matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from truceline.adapters.log.sha256_many import Bytes, as_rows


class EntryRows(Sequence[bytes]):
    """Entries of one width; a slice of them copies nothing but its own bytes."""

    def __init__(self, content: bytes, *, width_bytes: int) -> None:
        """Take the bytes of all entries."""
        assert len(content) % width_bytes == 0, "only whole entries"
        self.content, self.width_bytes = content, width_bytes

    def __len__(self) -> int:
        """Give how many entries there are."""
        return len(self.content) // self.width_bytes

    @overload
    def __getitem__(self, place: int) -> bytes: ...

    @overload
    def __getitem__(self, place: slice) -> EntryRows: ...

    def __getitem__(self, place: int | slice) -> bytes | EntryRows:
        """Give one entry, or neighbouring ones."""
        width = self.width_bytes
        if isinstance(place, slice):
            first, last, step = place.indices(len(self))
            assert step == 1, "neighbouring entries"
            return EntryRows(self.content[first * width : max(first, last) * width], width_bytes=width)
        at = range(len(self))[place]
        return self.content[at * width : (at + 1) * width]

    def __iter__(self) -> Iterator[bytes]:
        """Give the entries one by one."""
        content, width = self.content, self.width_bytes
        return (content[at : at + width] for at in range(0, len(content), width))

    def matrix(self) -> Bytes:
        """See the entries as rows [n, width], without copying them."""
        return as_rows(self.content, width_bytes=self.width_bytes)


def rows_of(entries: Sequence[bytes]) -> EntryRows | None:
    """Give the same entries as rows, or `None` where they have no bytes or not all one width."""
    if isinstance(entries, EntryRows):
        return entries
    widths = set(map(len, entries))
    width_bytes = widths.pop() if len(widths) == 1 else 0
    return EntryRows(b"".join(entries), width_bytes=width_bytes) if width_bytes else None
