"""The contract of the log with programs by others: they take what is true of it, and refuse what was tampered with.

@sigstore/verify is looked for in `$TRUCELINE_LOG_NPM/node_modules` (made by `npm install @sigstore/verify`), aics-tlog
and aics-witness in the Python that `$TRUCELINE_AICS_PYTHON` names (3.12 or later, with both installed by pip).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from truceline.adapters.log.checkpoint import Checkpoint, format_checkpoint
from truceline.adapters.log.note import (
    Signer,
    Verifier,
    cosign,
    parse_note,
    parse_signature_lines,
    sign_note,
    verify_note,
    with_signatures,
)
from truceline.adapters.log.tiles import TileReader, TileWriter
from truceline.adapters.log.tree import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hashes_of,
    root_of,
    verify_consistency,
    verify_inclusion,
)

HERE = Path(__file__).parent
NPM_VARIABLE, AICS_VARIABLE = "TRUCELINE_LOG_NPM", "TRUCELINE_AICS_PYTHON"
ORIGIN = "log.example/truce"
LOG = Signer.ed25519(ORIGIN, b"\x01" * 32)
LOG_PQ = Signer.mldsa44(ORIGIN, b"\x02" * 32)
WITNESS = Signer.cosigner("witness.example/w", b"\x03" * 32)
TIME_S = 1_790_000_000
SIZE_COUNT = 700
ENTRIES = [number.to_bytes(4, "big") * (number % 7) + b"." for number in range(SIZE_COUNT)]
LEAVES = leaf_hashes_of(ENTRIES)
SIZES = (1, 2, 3, 255, 256, 257, 512, 699, SIZE_COUNT)


def checkpoint_text(size_count: int) -> str:
    """Write the checkpoint of the first entries."""
    return format_checkpoint(Checkpoint(ORIGIN, size_count, root_of(LEAVES[:size_count])))


def flipped(content: bytes, place: int) -> bytes:
    """Give the same bytes with one bit the other way."""
    changed = bytearray(content)
    changed[place % len(content)] ^= 1
    return bytes(changed)


def tampered(case: dict[str, Any], place: int) -> list[dict[str, Any]]:
    """Give a true case with each of its parts changed, one at a time."""
    cases = [case | {"entry": flipped(case["entry"], place)}, case | {"root": flipped(case["root"], place)}]
    cases += [
        case | {"hashes": [flipped(part, place) if at == number else part for at, part in enumerate(case["hashes"])]}
        for number in range(len(case["hashes"]))
    ]
    cases += [case | {"hashes": [*case["hashes"], bytes(32)]}, case | {"leaf_index": (case["leaf_index"] ^ 1)}]
    return [each for each in cases if each["leaf_index"] < each["size"]]


def cases() -> list[dict[str, Any]]:
    """Give entries with their proofs in trees of many sizes."""
    chance = np.random.default_rng(3)
    drawn = [(index, size) for size in SIZES for index in {0, size - 1, *chance.integers(0, size, 6).tolist()}]
    notes = {size: sign_note(checkpoint_text(size), [LOG_PQ, LOG]) for size in SIZES}
    return [
        {
            "entry": ENTRIES[index],
            "leaf_index": index,
            "size": size,
            "hashes": list(inclusion_proof(LEAVES, index, size)),
            "root": root_of(LEAVES[:size]),
            "note": notes[size],
        }
        for index, size in drawn
    ]


CASES = cases()
TAMPERED = [wrong for number, case in enumerate(CASES) for wrong in tampered(case, number)]


def test_pymerkle_has_the_same_roots_and_proofs() -> None:
    """Every root is pymerkle's, its proofs are ours, and each takes the other's; a changed one neither takes."""
    from pymerkle import InmemoryTree, InvalidProof
    from pymerkle import verify_inclusion as theirs_holds

    theirs = InmemoryTree(algorithm="sha256")
    for size, entry in enumerate(ENTRIES, start=1):
        theirs.append_entry(entry)
        assert root_of(LEAVES[:size]) == theirs.get_root(size)
    for case in CASES:
        proof = theirs.prove_inclusion(case["leaf_index"] + 1, case["size"])
        theirs_holds(LEAVES[case["leaf_index"]], case["root"], proof)
        with pytest.raises(InvalidProof):
            theirs_holds(flipped(LEAVES[case["leaf_index"]], 0), case["root"], proof)

        assert case["hashes"] == proof.path[1:]
    assert [] == [case["size"] for case in TAMPERED if is_taken_here(case)]


def is_taken_here(case: dict[str, Any]) -> bool:
    """Ask ourselves."""
    return verify_inclusion(
        leaf_hash=leaf_hashes_of([case["entry"]])[0],
        leaf_index=case["leaf_index"],
        tree_size_count=case["size"],
        proof=case["hashes"],
        root=case["root"],
    )


def is_taken_by_sigstore(case: dict[str, Any]) -> bool:
    """Ask sigstore-python's inclusion check, which is not part of its public interface."""
    from sigstore._internal.merkle import verify_merkle_inclusion
    from sigstore.errors import VerificationError

    proof = SimpleNamespace(
        log_index=case["leaf_index"], tree_size=case["size"], hashes=case["hashes"], root_hash=case["root"]
    )
    entry = SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=proof, canonicalized_body=case["entry"]))
    try:
        verify_merkle_inclusion(entry)  # type: ignore[arg-type]
    except VerificationError:
        return False
    return True


def test_sigstore_python_agrees() -> None:
    """sigstore-python takes every true inclusion proof and refuses every changed one, as we do."""
    assert [True] * len(CASES) == [is_taken_by_sigstore(case) for case in CASES] == [is_taken_here(c) for c in CASES]
    assert [False] * len(TAMPERED) == [is_taken_by_sigstore(case) for case in TAMPERED]


def test_sigstore_python_reads_our_notes() -> None:
    """sigstore-python reads the checkpoint in a note with several signatures as it was written."""
    from sigstore._internal.rekor.checkpoint import SignedCheckpoint

    note = sign_note(checkpoint_text(256), [LOG, LOG_PQ])
    read = SignedCheckpoint.from_text(note)

    assert (ORIGIN, 256, root_of(LEAVES[:256]).hex()) == (
        read.checkpoint.origin,
        read.checkpoint.log_size,
        read.checkpoint.log_hash,
    )
    assert [LOG.verifier.key_id, LOG_PQ.verifier.key_id] == [part.sig_hash for part in read.signed_note.signatures]


def as_text(case: dict[str, Any]) -> dict[str, Any]:
    """Write a case for another program."""
    texts = {name: case[name].hex() for name in ("entry", "root")}
    numbers = {name: str(case[name]) for name in ("leaf_index", "size")}
    return case | texts | numbers | {"hashes": [part.hex() for part in case["hashes"]]}


def asked(command: list[str], given: dict[str, Any]) -> Any:
    """Ask another program, by JSON."""
    done = subprocess.run(  # noqa: S603
        command, input=json.dumps(given), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_sigstore_of_npm_agrees() -> None:
    """@sigstore/verify takes every true proof with its signed checkpoint, and refuses every changed one."""
    folder, node = os.environ.get(NPM_VARIABLE), shutil.which("node")
    if folder is None or node is None or not Path(folder, "node_modules/@sigstore/verify").is_dir():
        pytest.skip(f"needs node, and @sigstore/verify in the folder that {NPM_VARIABLE} names")
    key = Ed25519PublicKey.from_public_bytes(LOG.verifier.public_key)
    wrong_notes = [case | {"note": case["note"].replace(ORIGIN, "log.example/other", 1)} for case in CASES]
    wrong_notes += [case | {"note": sign_note(checkpoint_text(case["size"]), [LOG_PQ])} for case in CASES]
    in_note = [case for case in TAMPERED if case["root"] == root_of(LEAVES[: case["size"]])]  # it reads the note's root
    given = {
        "key_id": LOG.verifier.key_id.hex(),
        "name": ORIGIN,
        "public_key_der": key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo).hex(),
        "cases": [as_text(case) for case in (*CASES, *in_note, *wrong_notes)],
    }
    answers = asked([node, str(HERE / "sigstore_partner.js"), folder], given)

    assert [True] * len(CASES) == answers[: len(CASES)]
    assert [False] * (len(in_note) + len(wrong_notes)) == answers[len(CASES) :]


@pytest.fixture
def aics() -> list[str]:
    """Give the command that asks aics-tlog and aics-witness."""
    python = os.environ.get(AICS_VARIABLE)
    if python is None or not Path(python).is_file():
        pytest.skip(f"needs aics-tlog and aics-witness in the Python that {AICS_VARIABLE} names")
    return [python, str(HERE / "aics_partner.py")]


def files_of(folder: Path) -> dict[str, bytes]:
    """Read everything below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_aics_tlog_reads_our_tiles_and_makes_the_same(aics: list[str], tmp_path: Path) -> None:
    """From our tiles aics-tlog makes our entries, root and proofs, and from our entries the same tiles."""
    (tmp_path / "made").mkdir()
    TileWriter(tmp_path / "ours").write(ENTRIES, before=Frontier())
    indices, olds = [0, 1, 255, 256, 511, 699], [1, 2, 128, 256, 257, 600, 699]
    given = {"ask": "tiles", "folder": str(tmp_path / "ours"), "made": str(tmp_path / "made")}
    answer = asked(aics, given | {"size": SIZE_COUNT, "indices": indices, "olds": olds})
    reader = TileReader(tmp_path / "ours")

    assert [entry.hex() for entry in ENTRIES] == answer["entries"]
    assert root_of(LEAVES).hex() == answer["root"]
    for index, proof in zip(indices, answer["inclusion"], strict=True):
        assert [part.hex() for part in reader.inclusion_proof(index, tree_size_count=SIZE_COUNT)] == proof
    for old, proof in zip(olds, answer["consistency"], strict=True):
        parts = [bytes.fromhex(part) for part in proof]

        assert list(reader.consistency_proof(old, SIZE_COUNT)) == parts
        assert is_consistent_here(old, parts)
        assert not is_consistent_here(old, [flipped(parts[0], old), *parts[1:]])
    assert {path: content for path, content in files_of(tmp_path / "made").items() if "entries" not in path} == {
        path: content for path, content in files_of(tmp_path / "ours").items() if "entries" not in path
    }


def is_consistent_here(old: int, proof: list[bytes]) -> bool:
    """Ask ourselves."""
    return verify_consistency(
        old_size_count=old,
        new_size_count=SIZE_COUNT,
        old_root=root_of(LEAVES[:old]),
        new_root=root_of(LEAVES),
        proof=proof,
    )


def test_aics_tlog_verifies_our_notes(aics: list[str]) -> None:
    """aics-tlog takes our checkpoint with its cosignature, passing over ML-DSA, and refuses a changed one."""
    text = checkpoint_text(256)
    note = parse_note(sign_note(text, [LOG, LOG_PQ]))
    whole = with_signatures(note, parse_signature_lines(cosign(text, WITNESS, time_s=TIME_S)))
    wrong = [
        whole._replace(text=checkpoint_text(257)),
        whole._replace(text=text.replace("256", "255", 1)),
        whole._replace(signatures=whole.signatures[:-1]),
        whole._replace(signatures=whole.signatures[1:]),
    ]
    for number in (0, 2):
        parts = list(whole.signatures)
        parts[number] = parts[number]._replace(content=flipped(parts[number].content, 9))
        wrong.append(whole._replace(signatures=tuple(parts)))
    given = {"ask": "notes", "log_vkey": LOG.vkey, "witness_vkey": WITNESS.vkey}
    answers = asked(aics, given | {"notes": [each.format() for each in (whole, *wrong)]})

    assert [True, *[False] * len(wrong)] == answers


def test_aics_witness_cosigns_our_log(aics: list[str], tmp_path: Path) -> None:
    """aics-witness cosigns our checkpoints as they grow, which we verify, and refuses forks and false proofs."""
    fork = format_checkpoint(Checkpoint(ORIGIN, 500, bytes(32)))

    def request(old: int, new: int, *, note: str = "", spoiled: bool = False) -> dict[str, Any]:
        proof = [] if not old else list(consistency_proof(LEAVES, old, new))
        shown = [flipped(part, new) if spoiled else part for part in proof]
        text = note or sign_note(checkpoint_text(new), [LOG, LOG_PQ])
        return {"old": old, "proof": [part.hex() for part in shown], "note": text}

    requests = [
        request(0, 100),
        request(100, 256),
        request(256, 500, spoiled=True),
        request(256, 500),
        request(500, 500, note=sign_note(fork, [LOG])),
        request(256, 500),
        request(500, 700, note=sign_note(checkpoint_text(700), [Signer.ed25519(ORIGIN, b"\x08" * 32)])),
        request(500, 700),
    ]
    given = {"ask": "witnessed", "origin": ORIGIN, "log_vkey": LOG.vkey, "name": "partner.example/w", "time_s": TIME_S}
    vkey, *answers = asked(aics, given | {"database": str(tmp_path / "witness.sqlite"), "requests": requests})
    verifier = Verifier.from_vkey(vkey["vkey"])

    assert [200, 200, 422, 200, 422, 409, 403, 200] == [answer["status"] for answer in answers]
    for size, answer in zip((100, 256, 500, 700), [each for each in answers if "lines" in each], strict=True):
        note = with_signatures(
            parse_note(sign_note(checkpoint_text(size), [LOG])), parse_signature_lines(answer["lines"])
        )
        found = verify_note(note, [LOG.verifier, verifier], is_exact=True)

        assert TIME_S == found[1].time_s(verifier.kind)
        assert not verifier.verifies(checkpoint_text(size - 1), found[1])
