"""The log's part of a dossier file: leaf, proof, checkpoint, cosignatures and time-stamps of each logged record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from truceline.adapters.log.leaf import commitment_of, parse_leaf
from truceline.adapters.log.policy import Policy
from truceline.adapters.log.proof import TlogProof, parse_proof
from truceline.adapters.log.refusal import Refused
from truceline.adapters.log.timestamp import verify_stamp
from truceline.adapters.log.tree import leaf_hash, verify_inclusion
from truceline.dossier.checks import Check, fails, holds, not_checked
from truceline.dossier.contents import LoggedRecord, split_lines

SUBJECT = "log"

INDEX_PATH = "log/index.json"


def check_log(entries: Mapping[str, bytes], *, policy_text: str | None, roots_pem: bytes | None = None) -> list[Check]:
    """Give every check of the log's part; policy and roots that are none raise `Refused`: they are the verifier's own.

    The policy in the file is there to be read. Whoever made the file wrote it, so it is never used.
    """
    policy = None if policy_text is None else Policy.parse(policy_text)
    if INDEX_PATH not in entries:
        text = "no proof is in the file: nothing shows by when these bytes were there"
        return [not_checked(SUBJECT, text) if policy is None else fails(SUBJECT, f"{text}, and a policy asks for it")]
    try:
        records = msgspec.json.decode(entries[INDEX_PATH], type=tuple[LoggedRecord, ...])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return [fails(SUBJECT, f"{INDEX_PATH} cannot be read: {error}")]
    proofs: dict[str, TlogProof] = {}
    checks = [check for record in records for check in _record_checks(entries, record, proofs)]
    checks.append(_bound_check(records))
    checks += _checkpoint_checks({proof.checkpoint_note: proof for proof in proofs.values()}, policy)
    stamped = {path: proofs[one.proof_path] for one in records if one.proof_path in proofs for path in one.stamp_paths}
    checks += [_stamp_check(entries, path, proof, roots_pem) for path, proof in sorted(stamped.items())]
    return checks


def _record_checks(entries: Mapping[str, bytes], record: LoggedRecord, proofs: dict[str, TlogProof]) -> Iterator[Check]:
    """Hold that a record's leaf commits to its bytes and is in the tree of its checkpoint; keep the proof."""
    place = record.path if record.line_index is None else f"{record.path} line {record.line_index}"
    try:
        proof = parse_proof(entries[record.proof_path])
        proofs[record.proof_path] = proof
        fault = _fault_of(entries, record, proof)
    except (Refused, ValueError, LookupError) as error:
        fault = f"cannot be read: {error}"
    if fault:
        yield fails(SUBJECT, f"{place}: {fault}")
    elif record.salt_hex is None:
        yield not_checked(SUBJECT, f"{place}: its leaf stands; the salt was erased, so nobody can say for which bytes")


def _fault_of(entries: Mapping[str, bytes], record: LoggedRecord, proof: TlogProof) -> str:
    """Give what is wrong with leaf, proof or stamps of a record; empty where nothing is."""
    leaf = parse_leaf(bytes.fromhex(record.leaf_hex))
    checkpoint = proof.checkpoint()
    is_included = verify_inclusion(
        leaf_hash=leaf_hash(leaf.encode()),
        leaf_index=proof.leaf_index,
        tree_size_count=checkpoint.size_count,
        proof=proof.hashes,
        root=checkpoint.root,
    )
    if not is_included:
        return "its proof does not lead to the root"
    note_sha256 = hashlib.sha256(_own_note(proof)).digest()
    if any(note_sha256 not in entries[path] for path in record.stamp_paths):
        return "a time-stamp is of another checkpoint"
    body = entries[record.path]
    if record.line_index is not None:
        body = split_lines(body)[record.line_index]
    if record.salt_hex is not None and commitment_of(body, bytes.fromhex(record.salt_hex)) != leaf.commitment:
        return "its leaf commits to other bytes"
    return ""


def _stamp_check(entries: Mapping[str, bytes], path: str, proof: TlogProof, roots_pem: bytes | None) -> Check:
    """Hold that an authority under the roots has signed a time-stamp of the log's own note."""
    if roots_pem is None:
        return not_checked(path, "that the time-stamp is signed, because no --tsa-roots were given")
    try:
        stamp = verify_stamp(entries[path], _own_note(proof), roots_pem=roots_pem)
    except (Refused, LookupError) as error:
        return fails(path, f"the time-stamp does not hold: {error}")
    return holds(path, f"{stamp.authority} had the log's checkpoint at {stamp.time.isoformat()}")


def _own_note(proof: TlogProof) -> bytes:
    """Give the checkpoint as the log alone signed it, which is what is time-stamped: witnesses sign later."""
    note = proof.note()
    own = tuple(signature for signature in note.signatures if signature.name == proof.checkpoint().origin)
    return note._replace(signatures=own).format().encode()


def _bound_check(records: Sequence[LoggedRecord]) -> Check:
    """Hold that the dossier itself is among the logged records."""
    bound = [record.path for record in records if record.salt_hex is not None]
    if "dossier.json" in bound:
        return holds(SUBJECT, f"{len(bound)} records stand in it, the dossier among them")
    return fails(SUBJECT, "the dossier itself does not stand in it")


def _checkpoint_checks(proofs: Mapping[str, TlogProof], policy: Policy | None) -> Iterator[Check]:
    """Hold every checkpoint against the policy."""
    for note, proof in sorted(proofs.items()):
        subject = f"checkpoint of size {proof.checkpoint().size_count}"
        if policy is None:
            yield not_checked(subject, "its signatures, because no --policy was given")
            continue
        result = policy.satisfied(proof.note())
        if result.is_satisfied:
            names = ", ".join(name for name, _ in result.witnesses) or "nobody"
            yield holds(subject, f"signed by {', '.join(result.log_names)}, cosigned by {names}, as the policy asks")
        else:
            yield fails(subject, f"{result.reason} (note {hashlib.sha256(note.encode()).hexdigest()[:16]})")
