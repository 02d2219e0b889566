"""A verification's folder and the state after it: both stand, or neither, however the call ended.

The folder is written whole under a hidden name. Then the state is written, and synced, beside the one before under the
ending `.next`; from there on the call counts as done. What is left, putting the folder and then the state under their
names, is done here or by whichever call uses the state next. Before that point nothing was done, and the same call may
be given again; after it the same call finds its work finished.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from truceline.adapters.segments.files import read_state, write_state
from truceline.adapters.segments.receiver import ReceiverState
from truceline.adapters.stores.durable import WriterLock, make_folder, sync_folder
from truceline.adapters.stores.failures import store_failures
from truceline.errors import InputUnusable, StoreUnavailable


def partial_folder(out: Path) -> Path:
    """Give the folder in which all is written until it is whole."""
    return out.with_name(f".{out.name}.partial")


def next_state(state_path: Path) -> Path:
    """Give the file that holds the state after a call until its folder is in place."""
    return state_path.with_name(f"{state_path.name}.next")


def lock_state(state_path: Path) -> WriterLock:
    """Hold a state for one call; raise `StoreUnavailable` where another call holds it."""
    with store_failures(state_path, "making the folder of"):
        make_folder(state_path.resolve().parent)
    return WriterLock(state_path.with_name(f"{state_path.name}.lock"))


def settle(state_path: Path) -> Path | None:
    """Finish a call that was cut off after it counted as done: give its folder, or `None` where there is none."""
    waiting = next_state(state_path)
    state = read_state(waiting)
    if state is None:
        return None
    out = Path(state.out)
    with store_failures(waiting, "syncing"):  # an ended process may have given it its name and not synced that
        with waiting.open("rb") as stream:
            os.fsync(stream.fileno())
        sync_folder(state_path.resolve().parent)
    put_in_place(out, or_stands=True)
    with store_failures(state_path, "renaming"):
        waiting.replace(state_path)
        sync_folder(state_path.resolve().parent)
    return out


def put_in_place(out: Path, *, or_stands: bool = False) -> None:
    """Give a whole folder its name; where it may have it already (`or_stands`), only make that durable."""
    partial = partial_folder(out)
    with store_failures(out, "putting in place"):
        if partial.exists() and not out.exists():
            partial.rename(out)
        elif partial.exists() or not or_stands:
            raise InputUnusable(f"{out}: something stands there; move it away and give the same command again")
        elif not out.exists():
            raise StoreUnavailable(
                f"{out}: was verified, remembered, and is gone; bring it back, or go on with a copy of the state from "
                "before that call"
            )
        sync_folder(out.resolve().parent)


def finish(out: Path, state_path: Path | None, state: ReceiverState) -> None:
    """Make a whole folder and the state after it count: both or, where this raises before that, neither."""
    if state_path is None:
        put_in_place(out)
        return
    write_state(next_state(state_path), msgspec.structs.replace(state, out=str(out.resolve())))
    settle(state_path)


def clear_partial(out: Path) -> Path:
    """Remove what a call left that was cut off before it counted, and give the folder to write in."""
    partial = partial_folder(out)
    with store_failures(partial, "removing what is left of an earlier call in"):
        if partial.exists():
            shutil.rmtree(partial)
    return partial
