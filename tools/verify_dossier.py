"""Checks a Truceline dossier file offline, with nothing but Python and the package cryptography.

POLICY  a trust policy (c2sp.org/tlog-policy) from where you trust it: without one no signature of a log is checked
PYTHON  a Python that has Truceline of the very code the file names: without one nothing is re-computed
Each line says what must hold: "ok" it does, "FAIL" it does not, "--" it was not checked, or what else to know.
Ends with 0 where all holds, 1 where something does not, 2 where it was called wrongly, 3 where nothing is wrong but
finding and attribution were not re-computed.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import math
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

FILE_MAX_BYTES, ENTRY_MAX_BYTES, ENTRY_MAX_COUNT, PATH_MAX_CHARACTER_COUNT = 256 << 20, 64 << 20, 2_000, 160
KNOWN = re.compile(
    r"README\.txt|dossier\.json|files\.jsonl|lines\.jsonl|log/index\.json|log/policy\.txt|manifest\.json|not_held\.json"
    r"|observations/(used|known_not_used|same_day)\.jsonl|replies\.json|settings\.json|supersession\.json"
    r"|verify_dossier\.py|(received|texts|replies)/[0-9a-f]{64}|log/proofs/\d{4}\.tlog-proof|log/stamps/\d{4}\.tsr",
    re.ASCII,
)
PRIME, ORDER, NEUTRAL = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493, (0, 1)
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME
ED25519, COSIGNATURE, MLDSA44 = 1, 4, 6
RUN = "import sys; from truceline.cli import main; sys.exit(main(['dossier', 'recompute', sys.argv[1]]))"
RUN_MAX_S, OK, BAD, OPEN = 900, "ok  ", "FAIL", "--  "
Entries = dict[str, bytes]
Line = tuple[str, str]
Point = tuple[int, int]


def main(arguments: list[str]) -> int:
    """Check one file, say line by line what was found, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--policy", type=Path)
    parser.add_argument("--python")
    args = parser.parse_args(arguments)
    try:
        entries = unpack(args.file)
        policy = None if args.policy is None else parse_policy(args.policy.read_text(encoding="utf-8"))
    except (OSError, ValueError, LookupError) as error:
        sys.stdout.write(f"{BAD} {error}\n")
        return 1
    found: list[Line] = [(OK, f"layout: {len(entries)} entries in the one canonical form")]
    checks = (check_dossier, check_evidence, check_history, check_ledger)
    for name, lines in (*((check.__name__, check(entries)) for check in checks), ("log", check_log(entries, policy))):
        try:
            found.extend(lines)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            found.append((BAD, f"{name}: cannot be read: {error!r}"))
    found.append(recompute(args.file, entries, args.python))
    sys.stdout.write("".join(f"{mark} {text}\n" for mark, text in found))
    return 1 if any(mark == BAD for mark, _ in found) else 3 * (found[-1][0] == OPEN)


def unpack(path: Path) -> Entries:
    """Give the entries of the file, or raise `ValueError` where a byte is not where it belongs."""
    with path.open("rb") as stream:
        body = stream.read(FILE_MAX_BYTES + 1)
    entries: Entries = {}
    offset = 0
    while body[offset : offset + 4] == b"PK\3\4" and offset + 30 <= len(body) <= FILE_MAX_BYTES:
        size, name_length = struct.unpack_from("<IH", body, offset + 22)
        begin = offset + 30 + name_length
        name = body[offset + 30 : begin].decode("ascii", "replace")
        within = size <= ENTRY_MAX_BYTES and name_length <= PATH_MAX_CHARACTER_COUNT and len(entries) < ENTRY_MAX_COUNT
        if not within or name in entries or not KNOWN.fullmatch(name):
            raise ValueError(f"layout: the entry {name[:80]!r} is too large, there twice, or none of a dossier file")
        entries[name] = body[begin : begin + size]
        offset = begin + size
    if pack(entries) != body:
        raise ValueError("layout: the bytes are the canonical form of a dossier file")
    return entries


def pack(entries: Entries) -> bytes:
    """Give the one byte form of these entries: a zip, stored, manifest first, then by path, dates 1980-01-01."""
    parts, directory, offset = [], [], 0
    for path in sorted(entries, key=lambda path: (path != "manifest.json", path)):
        name, content = path.encode(), entries[path]
        shared = struct.pack("<5H3I2H", 20, 0, 0, 0, 33, zlib.crc32(content), *[len(content)] * 2, len(name), 0)
        parts.append(b"PK\3\4" + shared + name + content)
        tail = struct.pack("<3H2I", 0, 0, 0, 0o100644 << 16, offset)
        directory.append(b"PK\1\2" + struct.pack("<H", 0x0314) + shared + tail + name)
        offset += len(parts[-1])
    listed = b"".join(directory)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, len(directory), len(directory), len(listed), offset, 0)
    return b"".join((*parts, listed, end))


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Give a JSON object, or raise `ValueError` where it names a key twice."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a JSON object names a key twice")
    return dict(pairs)


def read(entries: Entries, path: str) -> Any:
    """Read one JSON entry, or an entry of one record a line (`.jsonl`) as a list."""
    body = entries[path] if path.endswith(".json") else b"[" + b",".join(entries[path].split(b"\n")[:-1]) + b"]"
    return json.loads(body, object_pairs_hook=once)


def sha256(content: bytes) -> bytes:
    """Give the SHA-256 of bytes."""
    return hashlib.sha256(content).digest()


def held(holds: bool, text: str) -> Line:
    """Give the line of what must hold."""
    return (OK if holds else BAD), text


def check_dossier(entries: Entries) -> Iterator[Line]:
    """Hold that the manifest names every entry, the id is made of the bytes, and all parts are of one event."""
    dossier, settings, manifest = (read(entries, f"{name}.json") for name in ("dossier", "settings", "manifest"))
    named = [(entry["path"], entry["sha256"], entry["size_bytes"]) for entry in manifest["entries"]]
    own = [(path, sha256(body).hex(), len(body)) for path, body in sorted(entries.items()) if path != "manifest.json"]
    yield held(named == own, f"manifest: names all {len(own)} entries by size and SHA-256")
    identifier, body = dossier["dossier_id"], entries["dossier.json"]
    marked = f'"dossier_id":"{identifier}"'.encode()
    made = f"dossier-{sha256(body.replace(marked, marked[:14] + marked[-1:])).hex()[:32]}"
    yield held(made == identifier and body.count(marked) == 1, f"dossier: {identifier} is made of its bytes")
    event, finding = dossier["event"], dossier["finding"]
    about = [[part["event_id"], part["event_revision_index"]] for part in (finding, dossier["attribution"], manifest)]
    used = sorted(row["observation_id"] for row in dossier["used"])
    same = used == sorted(link["observation_id"] for link in event["associations"])
    same &= about == [[event["event_id"], event["revision_index"]]] * 3
    same &= manifest["dossier_id"] == identifier and manifest["finding_id"] == finding["finding_id"]
    same &= all(settings[key] == dossier[key] for key in ("agreement_sha256", "code_version", "synthetic"))
    made_up = "SYNTHETIC (made-up) " if dossier["synthetic"] else ""
    yield held(same, f"dossier: finding, attribution and settings are of one {made_up}event, {event['event_id']}")


def check_evidence(entries: Entries) -> Iterator[Line]:
    """Hold that all rows, files and texts the dossier names are there or said not to be, each under its hash."""
    dossier, missing = read(entries, "dossier.json"), read(entries, "not_held.json")
    absent = {(entry["kind"], entry["name"]) for entry in missing}
    keys = ("source_id", "file_sha256", "row_index")
    for name in ("used", "known_not_used"):
        named = [[row["observation_id"], *(row[key] for key in keys)] for row in dossier[name]]
        found = read(entries, f"observations/{name}.jsonl")
        there = [[row["observation_id"], *(row["provenance"][key] for key in keys)] for row in found]
        text = f"evidence {name}: {len(there)} of {len(named)} rows are there, the others are named as not held"
        yield held(there == [row for row in named if ("observation", row[0]) not in absent], text)
    by_hash = [path for path in entries if path.startswith(("received/", "texts/", "replies/"))]
    right = all(sha256(entries[path]).hex() == path.partition("/")[2] for path in by_hash)
    yield held(right, f"received: {len(by_hash)} files, texts and replies bear their SHA-256 as name")
    files = {("received", row["file_sha256"]) for row in (*dossier["used"], *dossier["known_not_used"])}
    kept = {(path.split("/")[0].removesuffix("s"), path.split("/")[1]) for path in by_hash}
    described = {("received", row["file_sha256"]) for row in read(entries, "files.jsonl")}
    complete = files | {("text", dossier["agreement_sha256"])} <= absent | kept and files <= described
    yield held(complete, "received: what belongs to the finding is there or named as not held")
    for entry in missing:
        yield OPEN, f"not held: {entry['kind']} {entry['name']} ({entry['reason'].replace('_', ' ')})"


def check_history(entries: Entries) -> Iterator[Line]:
    """Hold that versions before and after are in order and that both parties were asked; say what came of it."""
    versions, manifest = read(entries, "supersession.json"), read(entries, "manifest.json")
    revision = manifest["event_revision_index"]
    right = all(entry["event_revision_index"] < revision for entry in versions["supersedes"])
    right &= all(entry["event_revision_index"] > revision for entry in versions["superseded_by"])
    right &= versions["finding_id"] == manifest["finding_id"]
    yield held(right, f"supersession: {'SUPERSEDED' if versions['superseded_by'] else 'the newest version known'}")
    replies = read(entries, "replies.json")
    right = [entry["party"] for entry in replies] == read(entries, "settings.json")["parties"]
    right &= all(entry["event_id"] == manifest["event_id"] for entry in replies)
    named = {f"replies/{note['record_sha256']}" for entry in replies for note in entry["replies"]}
    right &= named == {path for path in entries if path.startswith("replies/")}
    said = ", ".join(f"{len(entry['replies']) or 'none'} of {entry['party']}" for entry in replies)
    yield held(right, f"replies: {said}, received up to {manifest['through_time']}")


def check_ledger(entries: Entries) -> Iterator[Line]:
    """Hold that the shares add up to the log-odds and that the probabilities follow."""
    answer = read(entries, "dossier.json")["attribution"]
    total = math.fsum(row["context_log_ratio"] for row in answer["ledger"])
    yield held(abs(total - answer["log_odds_ratio"]) <= 1e-9, f"ledger: {len(answer['ledger'])} shares add up")
    accounts: dict[str | None, float] = {}
    for entry in answer["hypotheses"]:
        accounts[entry["party"]] = accounts.get(entry["party"], 0.0) + entry["probability"]
    first, second = (accounts[entry["party"]] for entry in answer["probabilities"][:2])
    right = abs(math.fsum(accounts.values()) - 1.0) < 1e-9
    right &= abs(math.fsum(entry["probability"] for entry in answer["probabilities"]) - 1.0) < 1e-9
    right &= min(first, second) == 0.0 or abs(math.log(first / second) - answer["log_odds_ratio"]) < 1e-6
    if answer["calibration"] == "none":
        told = [entry["probability"] for entry in answer["probabilities"]]
        right &= all(abs(a - b) < 1e-6 for a, b in zip((first, second, accounts[None]), told, strict=True))
    yield held(right, "probabilities: sum to 1 and follow from the log-odds and the five accounts")


def parse_policy(text: str) -> dict[str, Any]:
    """Read a trust policy (c2sp.org/tlog-policy): logs, witnesses, groups and the quorum."""
    policy: dict[str, Any] = {"logs": [], "named": {}, "quorum": []}
    for words in map(str.split, text.splitlines()):
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "log":
            policy["logs"].append(parse_key(words[1]))
        elif words[0] == "witness" and words[1] not in {*policy["named"], "none"}:
            policy["named"][words[1]] = parse_key(words[2])
        elif words[0] == "group" and words[1] not in {*policy["named"], "none"}:
            policy["named"][words[1]] = parse_group(words, policy["named"])
        elif words[0] == "quorum" and words[1] in {*policy["named"], "none"}:
            policy["quorum"].append(words[1])
        else:
            raise ValueError(f"policy: {' '.join(words)!r} is not understood")
    keys = [key[3] for key in (*policy["logs"], *(one for one in policy["named"].values() if len(one) == 4))]
    if len(policy["quorum"]) != 1 or not policy["logs"] or len(set(keys)) != len(keys):
        raise ValueError("policy: names no log, not one quorum, or one key twice")
    return policy


def parse_group(words: list[str], named: dict[str, Any]) -> tuple[int, list[str]]:
    """Read how many of which members make a group; each name may be the member of one group only."""
    members = words[3:]
    count = {"any": 1, "all": len(members)}.get(words[2]) or int(words[2])
    taken = {name for group in named.values() if len(group) == 2 for name in group[1]}
    if not 1 <= count <= len(members) == len(set(members)) or not set(members) <= set(named) - taken:
        raise ValueError(f"policy: {' '.join(words)!r} asks for what cannot be")
    return count, members


def parse_key(text: str) -> tuple[Any, ...]:
    """Read a verifier key (c2sp.org/signed-note): name, key id, kind of signature, public key."""
    name, identifier, encoded = text.split("+", 2)
    material = base64.b64decode(encoded, validate=True)
    made = sha256(name.encode() + b"\n" + material)[:4]
    sound = material[0] == MLDSA44 or (not has_order(material[1:], 8) and has_order(material[1:], ORDER))
    if made.hex() != identifier or len(material) != {1: 33, 4: 33, 6: 1313}.get(material[0]) or not sound:
        raise ValueError(f"policy: the key of {name} is not sound")
    return name, made, material[0], material[1:]


def added(left: Point, right: Point) -> Point:
    """Add two points of the curve of Ed25519 (RFC 8032, 5.1; affine, because nothing here is in a hurry)."""
    over = CURVE * left[0] * right[0] * left[1] * right[1] % PRIME
    x = (left[0] * right[1] + left[1] * right[0]) * pow(1 + over, -1, PRIME)
    return x % PRIME, (left[1] * right[1] + left[0] * right[0]) * pow(1 - over, -1, PRIME) % PRIME


def has_order(content: bytes, number: int) -> bool:
    """Say whether a number times the point is neutral; so it is too where the bytes are no point in canonical form."""
    sign, y = divmod(int.from_bytes(content, "little"), 2**255)
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    x = x if x * x % PRIME == square else x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if x * x % PRIME != square or y >= PRIME or (x == 0 and sign):
        return True
    point, total = (x if x & 1 == sign else PRIME - x, y), NEUTRAL
    for bit in f"{number:b}":
        total = added(total, total)
        total = added(total, point) if bit == "1" else total
    return total == NEUTRAL


def is_signed(key: bytes, content: bytes, signature: bytes, *, kind_index: int) -> bool:
    """Say whether a signature holds: Ed25519 by the one strict rule, or ML-DSA-44 (FIPS 204, empty context).

    So that OpenSSL and libsodium cannot be made to differ, key and R are points in canonical form, R is not of small
    order, and the key (see `parse_key`) is of the prime order.
    """
    if kind_index != MLDSA44 and has_order(signature[:32], 8):
        return False
    try:
        taken = MLDSA44PublicKey if kind_index == MLDSA44 else Ed25519PublicKey
        taken.from_public_bytes(key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def signs(key: tuple[Any, ...], note: str) -> bool:
    """Say whether a key has signed a checkpoint: at least one line under its name and id, and every such line holds."""
    name, identifier, kind, material = key
    text, _, tail = note.rpartition("\n\n")
    verdicts = []
    for line in tail.splitlines():
        dash, signer, encoded = line.split(" ")
        value = base64.b64decode(encoded, validate=True)
        if dash != "\u2014" or signer != name or value[:4] != identifier:
            continue
        content, signature = f"{text}\n".encode(), value[4:] if kind == ED25519 else value[12:]
        origin, size, root = text.split("\n")[:3]
        if kind == COSIGNATURE:
            content = f"cosignature/v1\ntime {int.from_bytes(value[4:12], 'big')}\n".encode() + content
        elif kind == MLDSA44:
            told = [struct.pack(">B", len(part.encode())) + part.encode() for part in (name, origin)]
            content = b"subtree/v1\n\0" + told[0] + value[4:12] + told[1] + struct.pack(">QQ", 0, int(size))
            content += base64.b64decode(root, validate=True)
        verdicts.append(is_signed(material, content, signature, kind_index=kind))
    return bool(verdicts) and all(verdicts)


def lacking(policy: dict[str, Any], note: str) -> str:
    """Give what a checkpoint lacks under a policy; empty where it lacks nothing."""
    origin = note.partition("\n")[0]
    if not any(key[0] == origin and signs(key, note) for key in policy["logs"]):
        return f"; no log of the policy has signed the checkpoint of {origin}"
    given = {"none"}
    for name, one in policy["named"].items():
        if signs(one, note) if len(one) == 4 else len(given & set(one[1])) >= one[0]:
            given.add(name)
    return "" if policy["quorum"][0] in given else f"; the quorum {policy['quorum'][0]} is not reached"


def leads_to(leaf: bytes, index: int, proof: list[bytes], *, size_count: int, root: bytes) -> bool:
    """Say whether a leaf stands at an index of the tree with this root (RFC 9162, 2.1.3)."""
    made, inner = sha256(b"\0" + leaf), (index ^ (size_count - 1)).bit_length()
    for level, step in enumerate(proof):
        made = sha256(b"\1" + (step + made if level >= inner or index >> level & 1 else made + step))
    return index < size_count and len(proof) == inner + (index >> inner).bit_count() and made == root


def check_proof(entries: Entries, record: dict[str, Any], note: str) -> str:
    """Give what is wrong with the leaf or the proof of a record, or with the stamps; empty where nothing is."""
    head = entries[record["proof_path"]].decode().partition("\n\n")[0]
    lines = [line for line in head.split("\n") if not line.startswith("extra ")]
    leaf, steps = bytes.fromhex(record["leaf_hex"]), [base64.b64decode(line, validate=True) for line in lines[2:]]
    origin, size, root = note.split("\n")[:3]
    if lines[0] != "c2sp.org/tlog-proof@v1" or not re.fullmatch(r"index (0|[1-9][0-9]*)", lines[1]):
        return "; its proof is none"
    top = base64.b64decode(root, validate=True)
    if not leads_to(leaf, int(lines[1][6:]), steps, size_count=int(size), root=top):
        return "; its proof does not lead to the root"
    text, _, tail = note.rpartition("\n\n")
    own = "".join(line for line in tail.splitlines(keepends=True) if line.startswith(f"\u2014 {origin} "))
    if not all(sha256(f"{text}\n\n{own}".encode()) in entries[path] for path in record["stamp_paths"]):
        return "; a time-stamp is of another checkpoint"
    body = entries[record["path"]]
    body = body if record["line_index"] is None else body.split(b"\n")[record["line_index"]]
    made = sha256(b"ev/v1\0" + bytes.fromhex(record["salt_hex"] or "") + sha256(body))
    wrong = record["salt_hex"] is not None and (leaf[0] != 1 or leaf[10:42] != made)
    return "; its leaf commits to other bytes" if wrong else ""


def check_log(entries: Entries, policy: dict[str, Any] | None) -> Iterator[Line]:
    """Hold that every logged record is in a tree whose checkpoint the policy accepts."""
    if "log/index.json" not in entries:
        yield (OPEN if policy is None else BAD), "log: the file proves that its records stood in a log by some time"
        return
    records, notes = read(entries, "log/index.json"), set()
    for record in records:
        notes.add(note := entries[record["proof_path"]].decode().partition("\n\n")[2])
        fault = check_proof(entries, record, note)
        place = f"{record['path']} {'' if record['line_index'] is None else record['line_index']}".strip()
        if fault or record["salt_hex"] is None:
            yield (BAD if fault else OPEN), f"log: {place} stands in the log (salt erased: for which bytes?){fault}"
    bound = [record["path"] for record in records if record["salt_hex"] is not None]
    yield held("dossier.json" in bound, f"log: {len(bound)} records stand in it, the dossier among them")
    if any(path.startswith("log/stamps/") for path in entries):
        yield OPEN, "log: that the time-stamps are signed is for `openssl ts -verify` to say"
    for note in sorted(notes):
        gap = "; no --policy was given" if policy is None else lacking(policy, note)
        mark = OPEN if policy is None else BAD if gap else OK
        yield mark, f"log: the checkpoint of size {note.split()[1]} is signed and cosigned as the policy asks{gap}"


def recompute(path: Path, entries: Entries, python: str | None) -> Line:
    """Let a Truceline of the same code re-compute the dossier, and compare the bytes here."""
    wanted = read(entries, "manifest.json")
    if python is None:
        return OPEN, f"NOT RE-COMPUTED: name a --python with Truceline of code {wanted['code_tree_sha256']}"
    try:
        command = [python, "-I", "-c", RUN, str(path.resolve())]
        done = subprocess.run(command, capture_output=True, timeout=RUN_MAX_S, check=False)  # noqa: S603, RUF100
        said, body = json.loads(done.stdout.partition(b"\n")[0]), done.stdout.partition(b"\n")[2]
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return OPEN, f"NOT RE-COMPUTED: {python} did not answer: {error}"
    if said["code_tree_sha256"] != wanted["code_tree_sha256"]:
        return OPEN, f"NOT RE-COMPUTED: {python} has other code, {said['code_tree_sha256']}"
    reached = ("none", "finding", "event")
    if body == entries["dossier.json"] and reached.index(said["level"]) >= reached.index(wanted["level"]):
        return OK, f"re-computed to the same bytes; level reached: {said['level']} {said['remark']}".rstrip()
    if said["environment"] != wanted["environment"]:
        return OPEN, "NOT RE-COMPUTED: other versions of libraries gave other bytes; take those of the manifest"
    return BAD, f"re-computed to the same bytes, as far as {wanted['level']}: {said['remark']}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
