"""A made-up theatre from simulation to dossier files, with a small log and witnesses, once for all tests of a run."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from truceline.adapters.dossier_export import DossierExport, Logged, LogView
from truceline.adapters.dossier_files import ReceivedFiles
from truceline.adapters.log.checkpoint import Checkpoint, format_checkpoint
from truceline.adapters.log.leaf import Leaf, LeafKind, commitment_of
from truceline.adapters.log.note import Signer, parse_note, sign_note, with_signatures
from truceline.adapters.log.proof import TlogProof
from truceline.adapters.log.tree import inclusion_proof, leaf_hashes_of, root_of
from truceline.adapters.stores.workspace import Workspace
from truceline.cli import main
from truceline.dossier.contents import Manifest, packed_file
from truceline.dossier.layout import MANIFEST_PATH, unpack
from truceline.model.dossier import Dossier

ORIGIN = "example.org/truce"
TIME_S = 1_800_000_000
LOG_KEYS = (Signer.ed25519(ORIGIN, b"\1" * 32), Signer.mldsa44(ORIGIN, b"\2" * 32))
WITNESS_KEYS = tuple(Signer.cosigner(f"witness-{index}.example", bytes([index + 3]) * 32) for index in range(3))
POLICY = "\n".join(
    [
        f"log {LOG_KEYS[0].vkey}",
        *(f"witness W{index} {key.vkey}" for index, key in enumerate(WITNESS_KEYS)),
        "group two 2 W0 W1 W2",
        "quorum two",
        "",
    ]
)
STRANGE_POLICY = POLICY.replace(LOG_KEYS[0].vkey, Signer.ed25519(ORIGIN, b"\x09" * 32).vkey)
MANY_POLICY = POLICY.replace("group two 2", "group two all")


class MadeLog:
    """A log of some records, signed by its two keys and cosigned by two of three witnesses."""

    def __init__(self, bodies: Iterable[bytes]) -> None:
        """Give every record a leaf, in the order of their hashes, and sign the tree."""
        self._bodies = sorted(set(bodies), key=lambda body: hashlib.sha256(body).digest())
        self._index = {body: index for index, body in enumerate(self._bodies)}
        self._salts = [hashlib.sha256(b"salt" + body).digest() for body in self._bodies]
        self._leaves = [
            Leaf(LeafKind.SEALED, TIME_S * 1_000 + index, commitment_of(body, salt), bytes(8)).encode()
            for index, (body, salt) in enumerate(zip(self._bodies, self._salts, strict=True))
        ]
        self._hashes = leaf_hashes_of(self._leaves)
        text = format_checkpoint(Checkpoint(ORIGIN, len(self._leaves), root_of(self._hashes)))
        self.own_note = sign_note(text, LOG_KEYS, time_s=TIME_S)
        note = parse_note(self.own_note)
        self.note = with_signatures(note, [key.sign(text, time_s=TIME_S) for key in WITNESS_KEYS[:2]]).format()

    def view(self, *, erased: frozenset[bytes] = frozenset(), stamped: bool = False) -> LogView:
        """Give the log as an export sees it; of `erased` records the salt is gone."""
        stamp = b"made-up token of " + hashlib.sha256(self.own_note.encode()).digest()

        def find(body: bytes) -> Logged | None:
            index = self._index.get(body)
            if index is None:
                return None
            hashes = inclusion_proof(self._hashes, index, len(self._hashes))
            proof = TlogProof(leaf_index=index, hashes=tuple(hashes), checkpoint_note=self.note)
            salt = None if body in erased else self._salts[index]
            return Logged(
                leaf=self._leaves[index], salt=salt, proof_text=proof.format(), stamps=(stamp,) if stamped else ()
            )

        return LogView(find=find, policy_text=POLICY)


class Case(NamedTuple):
    """The folder of the theatre and its store, the log of the store's records, and two dossier files with proofs."""

    theatre: Path
    store: Path
    log: MadeLog
    files: tuple[bytes, bytes]


@cache
def made_case() -> Case:
    """Simulate, take in, run, log, and export the dossiers of two events."""
    top = Path(tempfile.mkdtemp(prefix="truceline-dossier-"))
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    theatre, store = top / "theatre", top / "store"
    agreement = ["--agreement", str(theatre / "agreement.yaml")]
    assert main(["simulate", "--scenario", "tiny", "--out", str(theatre)]) == 0
    assert main(["ingest", str(theatre / "feeds"), "--store", str(store), *agreement]) == 0
    assert main(["run", "--store", str(store), *agreement]) == 0
    with Workspace.open(store, create=False, read_only=True) as opened:
        log = MadeLog(row.body for row in opened.rows() if row.record_kind not in {"event", "finding", "attribution"})
        chosen = chosen_ids(list(opened.iterate_records("dossier", Dossier)))
    files = exported(theatre, store, log.view(stamped=True), chosen)
    return Case(theatre, store, log, (files[0], files[1]))


def chosen_ids(dossiers: list[Dossier]) -> list[str]:
    """Give two dossiers about different events with evidence of both kinds, that speaks for a party."""
    rich = [
        one
        for one in dossiers
        if len(one.used) > 1 and len(one.known_not_used) > 1 and abs(one.attribution.log_odds_ratio) > 0.1
    ]
    first = rich[0]
    second = next(one for one in rich if one.event.event_id != first.event.event_id)
    return [first.dossier_id, second.dossier_id]


def exported(theatre: Path, store: Path, log: LogView | None, ids: list[str] | None = None) -> list[bytes]:
    """Give the dossier files of a store, with the small received files and the agreement along."""
    received = ReceivedFiles([theatre / "agreement.yaml", theatre / "feeds" / "patrols.csv"])
    with Workspace.open(store, create=False, read_only=True) as opened:
        return [file.body for file in DossierExport(opened, received=received, log=log).files(ids)]


def repacked(file: bytes, changed: dict[str, bytes], *, without: tuple[str, ...] = (), **said: object) -> bytes:
    """Give a file with some entries exchanged and its manifest made to match: what a forger would hand out."""
    import msgspec

    entries = {**unpack(file), **changed}
    manifest = msgspec.json.decode(entries.pop(MANIFEST_PATH), type=Manifest)
    kept = {path: body for path, body in entries.items() if path not in without}
    return packed_file(msgspec.structs.replace(manifest, **said), kept)
