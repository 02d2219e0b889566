"""The log's secret keys: one file each, readable by their owner only, named by key id; the journal says which count."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from truceline.adapters.log.keys_text import SignatureKind
from truceline.adapters.log.note import Note, Signer, Verifier, parse_note, sign_note, verify_note
from truceline.adapters.log.refusal import Refused
from truceline.adapters.log.rows import KeySet
from truceline.adapters.stores.durable import make_folder, sync_folder, write_new_file
from truceline.adapters.stores.failures import store_failures
from truceline.errors import StoreUnavailable

SEED_BYTES = 32
SUFFIX = ".skey"
OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO
STATEMENT_FIRST_LINE = "truceline.log.keys/1"


def new_signers(origin: str, seeds: Sequence[bytes]) -> list[Signer]:
    """Give a log's two signers, Ed25519 first, ML-DSA-44 beside it, from two fresh seeds."""
    ed25519_seed, mldsa44_seed = seeds
    return [Signer.ed25519(origin, ed25519_seed), Signer.mldsa44(origin, mldsa44_seed)]


def write_keys(folder: Path, signers: Sequence[Signer]) -> None:
    """Keep secret keys, each in a new file that only its owner may read, durable before this returns."""
    with store_failures(folder, "keeping keys in"):
        make_folder(folder.resolve().parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.resolve().parent)
        for signer in signers:
            write_new_file(folder / f"{signer.verifier.key_id.hex()}{SUFFIX}", f"{signer.skey}\n".encode())


def write_key_file(path: Path, signer: Signer) -> None:
    """Keep one secret key in a new file that only its owner may read."""
    with store_failures(path, "keeping the key in"):
        write_new_file(path, f"{signer.skey}\n".encode())


def read_signer(path: Path) -> Signer:
    """Read one secret key; raise `StoreUnavailable` where others may read it too, `Refused` where it is none."""
    with store_failures(path, "reading"):
        mode = path.stat().st_mode
        text = path.read_text()
    if mode & OPEN_TO_OTHERS:
        raise StoreUnavailable(f"{path}: others may read this secret key (mode {mode & 0o777:o}); `chmod 600` it")
    return Signer.from_skey(text.rstrip("\n"))


def signers_for(folder: Path, vkeys: Sequence[str]) -> list[Signer]:
    """Give the signers of public keys, in their order; raise `StoreUnavailable` where one is missing or another's."""
    signers = []
    for vkey in vkeys:
        verifier = Verifier.from_vkey(vkey)
        signer = read_signer(folder / f"{verifier.key_id.hex()}{SUFFIX}")
        if signer.vkey != vkey:
            raise StoreUnavailable(f"{folder}: the key file of {verifier.key_id.hex()} holds another key")
        signers.append(signer)
    return signers


def key_statement(vkeys: Sequence[str], signers: Sequence[Signer], *, origin: str, time_s: int) -> str:
    """Write what a log's keys are from here on, as a note signed by the keys before (the first: by themselves).

    Only Ed25519 keys sign it: tlog-cosignature lets ML-DSA-44 sign checkpoints alone. The first checkpoint over it is
    signed by all keys, before and after.
    """
    text = "\n".join((STATEMENT_FIRST_LINE, origin, str(time_s), *vkeys)) + "\n"
    return sign_note(text, [signer for signer in signers if signer.kind is SignatureKind.ED25519])


def statement_vkeys(note: Note, *, origin: str) -> tuple[str, ...]:
    """Read the public keys of a statement; raise `Refused` where it is none of this log."""
    first_line, said_origin, _, *vkeys = note.text.rstrip("\n").split("\n")
    if (first_line, said_origin) != (STATEMENT_FIRST_LINE, origin) or not vkeys:
        raise Refused("not a statement of this log's keys")
    return tuple(vkeys)


def key_set_faults(key_sets: Sequence[KeySet], *, origin: str) -> list[str]:
    """Give what is wrong with the chain of key sets: each is signed by the keys before it."""
    faults = []
    before: tuple[str, ...] | None = None
    for key_set in key_sets:
        try:
            note = parse_note(key_set.statement)
            if statement_vkeys(note, origin=origin) != key_set.vkeys:
                faults.append(f"the key statement at leaf {key_set.leaf_index} names other keys")
            verifiers = map(Verifier.from_vkey, before or key_set.vkeys)
            verify_note(note, [key for key in verifiers if key.kind is SignatureKind.ED25519], is_exact=True)
        except (Refused, ValueError) as refused:
            faults.append(f"the key statement at leaf {key_set.leaf_index}: {refused}")
        before = key_set.vkeys
    return faults


def vkeys_for(key_sets: Sequence[KeySet], *, size_count: int, before_size_count: int) -> tuple[str, ...]:
    """Give the keys that sign the checkpoint of a size: those in force, and those that it is the first to replace.

    `before_size_count` is the size of the checkpoint before. So one checkpoint binds the old keys to the new ones.
    """
    in_force = [key_set for key_set in key_sets if key_set.leaf_index < size_count]
    if not in_force:
        return ()
    newest_first = in_force[::-1]
    vkeys = list(newest_first[0].vkeys)
    for newer, older in pairwise(newest_first):
        if newer.leaf_index < before_size_count:
            break
        vkeys += [vkey for vkey in older.vkeys if vkey not in vkeys]
    return tuple(vkeys)
