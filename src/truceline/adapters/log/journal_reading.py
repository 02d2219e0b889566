"""What stands in the log's journal, read and held against each row's digest."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw
import msgspec

from truceline.adapters.log.entry_rows import EntryRows
from truceline.adapters.log.leaf import LEAF_BYTES, SALT_BYTES
from truceline.adapters.log.pages import frames_written_count
from truceline.adapters.log.rows import (
    ERASED,
    NO_SEQUENCE,
    SECRET_BYTES,
    Batch,
    Erasure,
    KeySet,
    SealedLeaf,
    SignedCheckpoint,
    Stamp,
    row_digest,
)
from truceline.adapters.log.tree import Frontier
from truceline.adapters.stores.failures import damaged, store_failures
from truceline.errors import StoreUnavailable


class JournalReading:
    """The reading half of a log's journal; `LogJournal` opens the file and writes."""

    path: Path
    size_count: int
    _connection: apsw.Connection
    _batch_count: int
    _sources: dict[str, int]
    _tail: tuple[int, bytes]

    def setting(self, name: str) -> bytes:
        """Give a setting made with the log."""
        found = self._connection.execute("SELECT content FROM log_setting WHERE name = ?", (name,)).get
        if found is None:
            raise damaged(self.path, f"setting {name!r} is missing")
        return bytes(found)

    def leaf_index_of(self, source: str, sequence: int) -> int | None:
        """Give the leaf of a source's record, `None` where it is not logged; of several bodies, the first."""
        if source not in self._sources:
            return None
        query = (
            "SELECT first_sequence, leaf_count, first_leaf_index FROM span "
            "WHERE source_index = ? AND first_sequence <= ? ORDER BY first_sequence DESC LIMIT 1"
        )
        found = self._connection.execute(query, (self._sources[source], sequence)).fetchone()
        if found is None or sequence >= found[0] + found[1]:
            return None
        return int(found[2] + sequence - found[0])

    def last_sequence(self, source: str) -> int:
        """Give the highest sequence logged of a source; -1 where there is none."""
        query = "SELECT max(first_sequence + leaf_count) - 1 FROM span WHERE source_index = ?"
        last = self._connection.execute(query, (self._sources.get(source, -1),)).get
        return NO_SEQUENCE if last is None else int(last)

    def batches(self, *, first_leaf_index: int = 0) -> Iterator[Batch]:
        """Give batches from the one with a leaf on, in order; a row that is not what was written raises."""
        with store_failures(self.path, "reading"):
            first = self._connection.execute(
                "SELECT max(batch_index) FROM batch WHERE first_leaf_index <= ?", (first_leaf_index,)
            ).get
            for batch_index in range(first or 1, self._batch_count + 1):
                yield self._batch(batch_index)

    def leaves(self, *, first_leaf_index: int) -> Iterator[EntryRows]:
        """Give all leaves from one on, batch by batch, without what they commit to; the newest batch is remembered."""
        if first_leaf_index >= self._tail[0]:
            yield _leaves_after(*self._tail, first_leaf_index)
            return
        with store_failures(self.path, "reading"):
            query = "SELECT max(batch_index) FROM batch WHERE first_leaf_index <= ?"
            first = self._connection.execute(query, (first_leaf_index,)).get
            for batch_index in range(first or 1, self._batch_count + 1):
                start, leaves = self._row("batch", batch_index, "first_leaf_index, leaves")
                yield _leaves_after(start, leaves, first_leaf_index)

    def entries(self, *, first_leaf_index: int) -> list[bytes]:
        """Give all leaves from one on."""
        return [leaf for leaves in self.leaves(first_leaf_index=first_leaf_index) for leaf in leaves]

    def sealed(self, leaf_index: int) -> SealedLeaf:
        """Give one leaf with salt and body."""
        batch, place = self._batch_with(leaf_index)
        leaf = batch.leaves[place * LEAF_BYTES : (place + 1) * LEAF_BYTES]
        secret = batch.secrets[place * SECRET_BYTES : (place + 1) * SECRET_BYTES]
        if secret == ERASED:
            return SealedLeaf(leaf_index=leaf_index, leaf=leaf, salt=None, body=None)
        lengths = batch.body_lengths()
        start = sum(lengths[:place])
        body = batch.bodies[start : start + lengths[place]]
        if sha256(body).digest() != secret[SALT_BYTES:]:
            raise damaged(self.path, f"the body of leaf {leaf_index} is altered")
        return SealedLeaf(leaf_index=leaf_index, leaf=leaf, salt=secret[:SALT_BYTES], body=body)

    def _batch_with(self, leaf_index: int) -> tuple[Batch, int]:
        if not 0 <= leaf_index < self.size_count:
            raise StoreUnavailable(f"{self.path}: has no leaf {leaf_index} (size {self.size_count})")
        query = "SELECT max(batch_index) FROM batch WHERE first_leaf_index <= ?"
        batch = self._batch(int(self._connection.execute(query, (leaf_index,)).get))
        return batch, leaf_index - batch.first_leaf_index

    def _batch(self, batch_index: int) -> Batch:
        first, leaves = self._row("batch", batch_index, "first_leaf_index, leaves")
        (secrets,) = self._row("secret", batch_index, "secrets")
        lengths, bodies = self._row("payload", batch_index, "lengths, bodies")
        return Batch(
            batch_index=batch_index,
            first_leaf_index=first,
            leaves=leaves,
            secrets=secrets,
            lengths=lengths,
            bodies=bodies,
        )

    def _row(self, table: str, batch_index: int, columns: str) -> list[Any]:
        query = f"SELECT {columns}, digest FROM {table} WHERE batch_index = ?"  # noqa: S608  (our own names)
        found = self._connection.execute(query, (batch_index,)).fetchone()
        if found is None or row_digest(batch_index, *found[:-1]) != found[-1]:
            raise damaged(self.path, f"batch {batch_index} ({table}) is altered or missing")
        return list(found[:-1])

    def secrets(self) -> Iterator[tuple[int, bytes]]:
        """Give for each batch its first leaf and its secrets, to make an index of bodies."""
        query = "SELECT first_leaf_index, secrets FROM batch JOIN secret USING (batch_index) ORDER BY batch_index"
        with store_failures(self.path, "reading"):
            yield from self._connection.execute(query)

    def _rows(self, table: str, where: str = "", bindings: tuple[int, ...] = ()) -> Iterator[tuple[Any, ...]]:
        with store_failures(self.path, "reading"):
            for *values, digest in self._connection.execute(f"SELECT * FROM {table} {where}", bindings):  # noqa: S608
                if row_digest(*values) != digest:
                    raise damaged(self.path, f"{table} {values[0]} is altered")
                yield tuple(values)

    def checkpoints(self, *, from_size_count: int = 0) -> Iterator[SignedCheckpoint]:
        """Give every checkpoint from a size on, the smallest first."""
        for values in self._rows("checkpoint", "WHERE size_count >= ? ORDER BY size_count", (from_size_count,)):
            yield _checkpoint(values)

    def newest_checkpoint(self) -> SignedCheckpoint | None:
        """Give the newest checkpoint, `None` where nothing was signed yet."""
        rows = self._rows("checkpoint", "ORDER BY size_count DESC LIMIT 1")
        return next((_checkpoint(values) for values in rows), None)

    def cosignatures(self, size_count: int) -> list[str]:
        """Give the witnesses' signature lines for a checkpoint, in the order of receipt."""
        where = "WHERE size_count = ? ORDER BY cosignature_index"
        return [line for _, _, line in self._rows("cosignature", where, (size_count,))]

    def stamps(self, size_count: int | None = None) -> list[Stamp]:
        """Give the time-stamps of a checkpoint, or all."""
        where, bindings = ("WHERE size_count = ?", (size_count,)) if size_count is not None else ("", ())
        rows = self._rows("stamp", f"{where} ORDER BY stamp_index", bindings)
        return [Stamp(size_count=size, response=body, logged_time_ms=time) for _, size, body, time in rows]

    def key_sets(self) -> list[KeySet]:
        """Give the log's key sets in the order in which they came."""
        rows = self._rows("key_set", "ORDER BY leaf_index")
        return [KeySet(leaf_index=at, vkeys=tuple(keys.split("\n")), statement=text) for at, keys, text in rows]

    def erasures(self) -> list[Erasure]:
        """Give everything that was erased."""
        rows = self._rows("erasure", "ORDER BY leaf_index")
        return [Erasure(leaf_index=at, body_sha256=h.hex(), reason=why, time_ms=ms) for at, h, why, ms in rows]

    def equivocations(self) -> list[tuple[str, int, int]]:
        """Give (source, sequence, leaf index) of every second body under a key."""
        query = (
            "SELECT name, sequence, leaf_index FROM equivocation JOIN source USING (source_index) ORDER BY leaf_index"
        )
        with store_failures(self.path, "reading"):
            return [(str(name), int(sequence), int(at)) for name, sequence, at in self._connection.execute(query)]

    def settle(self) -> list[str]:
        """Bring the write-ahead file into the main file, and give what of it could not be read."""
        wal_path = Path(f"{self.path}-wal")
        with store_failures(self.path, "checking"):
            written_count = frames_written_count(wal_path)
            frame_count = self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)[0]
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        return (
            [] if frame_count >= written_count else [f"{wal_path.name} holds {written_count} frames, not all readable"]
        )


def _leaves_after(start: int, leaves: bytes, first_leaf_index: int) -> EntryRows:
    return EntryRows(leaves, width_bytes=LEAF_BYTES)[max(0, first_leaf_index - start) :]


def _checkpoint(values: tuple[Any, ...]) -> SignedCheckpoint:
    size_count, root, note, frontier, time_s = values
    return SignedCheckpoint(
        size_count=size_count,
        root=root,
        note=note,
        frontier=msgspec.json.decode(frontier, type=Frontier),
        time_s=time_s,
    )
