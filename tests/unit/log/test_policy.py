"""Laws of trust policies and of proofs that are given away."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truceline.adapters.log.checkpoint import Checkpoint, format_checkpoint
from truceline.adapters.log.note import Signer, parse_note, parse_signature_lines, sign_note, with_signatures
from truceline.adapters.log.policy import Policy
from truceline.adapters.log.proof import TlogProof, parse_proof, verify_proof
from truceline.adapters.log.refusal import Refused
from truceline.adapters.log.tree import inclusion_proof, leaf_hashes_of, root_of
from unit.log.rfc6962 import numbered

ORIGIN = "log.example/truce"
LOG = Signer.ed25519(ORIGIN, b"\x01" * 32)
LOG_PQ = Signer.mldsa44(ORIGIN, b"\x02" * 32)
NAMES = ("UK", "FR", "DE", "NGO1", "NGO2")
WITNESSES = {name: Signer.cosigner(f"{name}.example/w", bytes([number]) * 32) for number, name in enumerate(NAMES, 9)}
KEYS = "".join(f"witness {name} {signer.vkey}\n" for name, signer in WITNESSES.items())
TEXT = (
    f"# two of three, and one of two\n\nlog {LOG.vkey} https://log.example/truce\n\t log\t{LOG_PQ.vkey}\n{KEYS}"
    "group guarantors 2 UK FR DE\ngroup civil any NGO1 NGO2\ngroup both all guarantors civil\nquorum both\n"
)
ENTRIES = numbered(11)
LEAVES = leaf_hashes_of(ENTRIES)
CHECKPOINT = format_checkpoint(Checkpoint(ORIGIN, 11, root_of(LEAVES)))
TIME_S = 1_790_000_000


def signed_by(names: tuple[str, ...], *, time_s: int = TIME_S, log: Signer = LOG) -> str:
    """Write the checkpoint's note, signed by a log and some witnesses."""
    return sign_note(CHECKPOINT, [log, *(WITNESSES[name] for name in names)], time_s=time_s)


def test_a_quorum_is_what_the_policy_says() -> None:
    """Of all 32 sets of witnesses exactly those with two of the first three and one of the last two are a quorum."""
    policy = Policy.parse(TEXT)
    for count in range(len(NAMES) + 1):
        for names in combinations(NAMES, count):
            result = policy.satisfied(parse_note(signed_by(names)))
            expected = len({"UK", "FR", "DE"} & set(names)) >= 2 and bool({"NGO1", "NGO2"} & set(names))

            assert expected == result.is_satisfied, result
            assert tuple((name, TIME_S) for name in names) == result.witnesses
            assert set(NAMES) - set(names) == set(result.absent)
            assert (ORIGIN,) == result.log_names


def test_any_listed_log_is_enough_and_another_is_not() -> None:
    """Either key of the log signs for it; a log that is not listed, or signs for another origin, does not."""
    policy = Policy.parse(TEXT)
    other = Signer.ed25519("other.example", b"\x05" * 32)
    with_other = Policy.parse(f"log {other.vkey}\nquorum none\n")

    assert policy.satisfied(parse_note(signed_by(NAMES, log=LOG_PQ))).is_satisfied
    assert "has signed" in with_other.satisfied(parse_note(signed_by((), log=other))).reason
    assert "no known key" in with_other.satisfied(parse_note(signed_by(()))).reason
    assert "has signed" in policy.satisfied(parse_note(signed_by(NAMES, log=other))).reason


def test_no_quorum_is_said_openly() -> None:
    """Under `quorum none` the log's signature is enough, and the result names no witness."""
    result = Policy.parse(f"log {LOG.vkey}\nquorum none\n").satisfied(parse_note(signed_by(("UK",))))

    assert (True, (), ()) == (result.is_satisfied, result.witnesses, result.absent)


def test_a_false_signature_of_a_listed_key_refuses_the_note() -> None:
    """One listed key's signature that does not hold is enough to refuse, however many others do."""
    note = parse_note(signed_by(NAMES))
    last = note.signatures[-1]
    false = with_signatures(note, [last._replace(content=last.content[:-1] + bytes([last.content[-1] ^ 1]))])
    no_checkpoint = parse_note(sign_note("no checkpoint\n", [LOG]))

    assert "does not hold" in Policy.parse(TEXT).satisfied(false).reason
    assert not Policy.parse(TEXT).satisfied(no_checkpoint).is_satisfied


def test_a_cosignature_counts_by_its_time() -> None:
    """A cosignature that without a time, or after the latest asked for, does not count; of several the last is told."""
    witness = Signer.mldsa44("witness.example/q", b"\x07" * 32)
    policy = Policy.parse(f"log {LOG.vkey}\nwitness Q {witness.vkey}\nquorum Q\n")
    note = parse_note(sign_note(CHECKPOINT, [LOG]))
    lines = {time_s: parse_signature_lines(witness.sign(CHECKPOINT, time_s=time_s).line()) for time_s in (0, 50, 70)}
    twice = with_signatures(with_signatures(note, lines[50]), lines[70])

    assert not policy.satisfied(with_signatures(note, lines[0])).is_satisfied
    assert (("Q", 70),) == policy.satisfied(twice).witnesses
    assert (("Q", 50),) == policy.satisfied(twice, latest_s=69).witnesses
    assert not policy.satisfied(twice, latest_s=49).is_satisfied


SPOILED = {
    "no end": TEXT[:-1],
    "two quorums": TEXT + "quorum none\n",
    "no quorum": TEXT.replace("quorum both\n", ""),
    "quorum undefined": TEXT.replace("quorum both", "quorum nobody"),
    "quorum of two": TEXT.replace("quorum both", "quorum both civil"),
    "quorum before its group": TEXT.replace("quorum both\n", "").replace("group both", "quorum both\ngroup both"),
    "member undefined": TEXT.replace("any NGO1 NGO2", "any NGO1 NGO3"),
    "member none": TEXT.replace("any NGO1 NGO2", "any NGO1 none"),
    "member twice": TEXT.replace("any NGO1 NGO2", "any NGO1 NGO1"),
    "member of two groups": TEXT.replace("any NGO1 NGO2", "any NGO1 UK"),
    "more than all": TEXT.replace("guarantors 2", "guarantors 4"),
    "none needed": TEXT.replace("guarantors 2", "guarantors 0"),
    "number spelled otherwise": TEXT.replace("guarantors 2", "guarantors 02"),
    "group without members": TEXT.replace("group civil any NGO1 NGO2", "group civil any"),
    "name taken": TEXT.replace("group civil", "group UK"),
    "name none": TEXT.replace("group civil", "group none"),
    "witness twice": TEXT.replace("group civil", f"witness X {WITNESSES['UK'].vkey}\ngroup civil"),
    "log twice": TEXT.replace("group civil", f"log {LOG.vkey}\ngroup civil"),
    "log under two names": TEXT.replace("group civil", f"log {Signer.ed25519('x', bytes([1]) * 32).vkey}\ngroup civil"),
    "witness with a log's kind": TEXT.replace("group civil", f"witness X {LOG.vkey}\ngroup civil"),
    "log with a witness's kind": TEXT.replace("group civil", f"log {WITNESSES['UK'].vkey}\ngroup civil"),
    "log without key": TEXT.replace("group civil", "log\ngroup civil"),
    "witness without key": TEXT.replace("group civil", "witness X\ngroup civil"),
    "key damaged": TEXT.replace(LOG.vkey, LOG.vkey[:-2] + "A="),
    "unknown keyword": TEXT.replace("group civil", "cosigner X\ngroup civil"),
    "control sign": TEXT.replace("group civil", "group\rcivil"),
    "no UTF-8 in a key's name": TEXT.replace("group civil", f"log \udcff{LOG.vkey}\ngroup civil"),
    "too many lines": TEXT + "\n" * 5_000,
    "empty": "",
}


@pytest.mark.parametrize("text", SPOILED.values(), ids=SPOILED.keys())
def test_what_is_not_a_policy_is_refused(text: str) -> None:
    """A policy that could be read in two ways, or names what is not there, is refused and never mended."""
    with pytest.raises(Refused):
        Policy.parse(text)


def test_names_are_bytes() -> None:
    """A name that is no UTF-8, or looks like another, is its own; comments and spaces say nothing."""
    raw = (
        f"log {LOG.vkey}\nwitness \xff {WITNESSES['UK'].vkey}\nwitness K {WITNESSES['FR'].vkey}\n".encode("latin-1")
        + f"  # \u212a\n witness\t\u212a  {WITNESSES['DE'].vkey} \nquorum K\n".encode()
    )
    policy = Policy.parse(raw)

    assert raw == policy.text.encode("utf-8", "surrogateescape")
    assert not policy.satisfied(parse_note(signed_by(("UK", "DE")))).is_satisfied
    assert policy.satisfied(parse_note(signed_by(("FR",)))).is_satisfied


def proof_of(index: int, *, extra: bytes | None = None) -> TlogProof:
    """Prove one of the entries under a full quorum."""
    return TlogProof(
        leaf_index=index,
        hashes=inclusion_proof(LEAVES, index, len(LEAVES)),
        checkpoint_note=signed_by(NAMES),
        extra=extra,
    )


@pytest.mark.parametrize("extra", [None, b"salt"])
def test_a_proof_is_read_as_written_and_holds(extra: bytes | None) -> None:
    """Every entry's proof comes back from its text, and shows that entry and no other."""
    policy = Policy.parse(TEXT)
    for index, entry in enumerate(ENTRIES):
        proof = parse_proof(proof_of(index, extra=extra).format().encode())
        result = verify_proof(proof, entry, policy)

        assert proof_of(index, extra=extra) == proof
        assert (True, "signed and witnessed", 11) == (result.is_proven, result.reason, result.checkpoint.size_count)
        assert not verify_proof(proof, entry + b"x", policy).is_proven
        assert "do not lead" in verify_proof(proof, ENTRIES[index - 1], policy).reason


def test_a_proof_without_a_quorum_does_not_hold() -> None:
    """Hashes alone prove nothing: the checkpoint must be valid under the policy too."""
    lonely = TlogProof(leaf_index=3, hashes=proof_of(3).hashes, checkpoint_note=signed_by(()))
    result = verify_proof(lonely, ENTRIES[3], Policy.parse(TEXT))

    assert (False, False) == (result.is_proven, result.policy.is_satisfied)
    assert "quorum" in result.reason
    assert not verify_proof(proof_of(3), ENTRIES[3], Policy.parse(TEXT), latest_s=TIME_S - 1).is_proven


@given(st.integers(0), st.integers(1, 255))
@settings(max_examples=400, deadline=None)
def test_any_byte_changed_in_a_proof_is_found_or_says_the_same(place: int, change: int) -> None:
    """One byte changed makes a proof fail, or takes away a signature that was not needed, and shows no other entry."""
    content = bytearray(proof_of(5).format().encode())
    content[place % len(content)] ^= change
    try:
        proof = parse_proof(bytes(content))
        result = verify_proof(proof, ENTRIES[5], Policy.parse(TEXT))
    except Refused:
        return

    assert (5, proof_of(5).hashes) == (proof.leaf_index, proof.hashes) or not result.is_proven
    assert not result.is_proven or 4 == len(result.policy.witnesses)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ("index 5", "index 05"),
        ("index 5", "index -5"),
        ("index 5", "index 9223372036854775808"),
        ("index 5\n", ""),
        ("index 5", "extra \nindex 5"),
        ("index 5", "extra YQ\nindex 5"),
        ("index 5", "index 5\nextra YQ=="),
        ("index 5", "index 5\nAAAA"),
        ("index 5", "index 5\n" + ("A" * 43 + "=\n") * 63 + "A" * 43 + "="),
        ("\n\nlog.example", "\nlog.example"),
        ("\n\nlog.example", "\n\n\nlog.example"),
        ("=\n\n— log.example", "=\n— log.example"),
    ],
)
def test_what_is_not_a_proof_is_refused(old: str, new: str) -> None:
    """A proof has one spelling: another version, number, order, length or missing line is refused."""
    text = proof_of(5).format()
    assert old in text

    with pytest.raises(Refused):
        parse_proof(text.replace(old, new, 1))


def test_bytes_that_are_no_proof_are_refused() -> None:
    """Bytes that are not UTF-8, nothing at all, and extra bytes beyond the bound are refused."""
    for content in (b"\xff", b"", b"c2sp.org/tlog-proof@v1\n\n"):
        with pytest.raises(Refused):
            parse_proof(content)
    for extra in (b"", bytes((1 << 20) + 1)):
        with pytest.raises(Refused):
            proof_of(1, extra=extra)
    with pytest.raises(Refused):
        TlogProof(leaf_index=-1, hashes=(), checkpoint_note="")
