"""Asks aics-tlog and aics-witness about our log: standard input is JSON, standard output one JSON object of answers.

Run by the Python that has both packages (3.12 or later), as a program of its own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import aics_tlog  # type: ignore[import-not-found]
from aics_witness import config, protocol, service, store  # type: ignore[import-not-found]
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def from_tiles(given: dict[str, Any]) -> dict[str, Any]:
    """Make root and proofs from our tiles, and all tiles from our entries."""
    reader, size = aics_tlog.FileSystemTileReader(given["folder"]), given["size"]
    made = Path(given["made"])
    entries = [aics_tlog.read_entry(reader, index, size) for index in range(size)]
    aics_tlog.TileWriter(entries).write_to(made)
    return {
        "entries": [entry.hex() for entry in entries],
        "root": aics_tlog.tree_root_from_tiles(reader, size).hex(),
        "inclusion": [
            [part.hex() for part in aics_tlog.inclusion_proof_from_tiles(reader, index, size)]
            for index in given["indices"]
        ],
        "consistency": [
            [part.hex() for part in aics_tlog.consistency_proof_from_tiles(reader, old, size)] for old in given["olds"]
        ],
    }


def notes(given: dict[str, Any]) -> list[bool]:
    """Verify notes of ours with the log's key, and the witness's cosignature in each of them."""
    key, witness = aics_tlog.parse_vkey(given["log_vkey"]), aics_tlog.parse_vkey(given["witness_vkey"])
    return [_is_whole(text, key, witness) for text in given["notes"]]


def _is_whole(text: str, key: Any, witness: Any) -> bool:
    try:
        note = aics_tlog.parse_note(text)
        checkpoint = aics_tlog.parse_checkpoint(note.text)
    except ValueError:
        return False
    lines = [line for line in note.signatures if (line.name, line.key_id) == (witness.name, witness.key_id)]
    return aics_tlog.verify_note(note, [key]) and [True] == [
        aics_tlog.verify_cosignature(
            line.signature, witness.name, witness.public_key, checkpoint.origin, checkpoint.size, checkpoint.root
        )
        for line in lines
    ]


def witnessed(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Have the witness cosign our checkpoints one after the other, each with the proof we give."""
    log = config.LogConfig(given["origin"], (aics_tlog.parse_vkey(given["log_vkey"]),))
    kept = store.WitnessStore(given["database"], create=True)
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    witness = service.Witness(given["name"], key, kept, [log], clock=lambda: given["time_s"])
    answers: list[dict[str, Any]] = [{"vkey": witness.vkey_text}]
    for each in given["requests"]:
        proof = [bytes.fromhex(part) for part in each["proof"]]
        body = protocol.format_add_checkpoint_request(each["old"], proof, each["note"].encode())
        try:
            answers.append({"status": 200, "lines": witness.add_checkpoint(body).decode()})
        except service.WitnessError as refused:
            answers.append({"status": refused.status})
    kept.close()
    return answers


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    asks = {"tiles": from_tiles, "notes": notes, "witnessed": witnessed}
    json.dump(asks[asked["ask"]](asked), sys.stdout)
