"""The standalone verifier gives the answers of the log's own code, on ordinary signatures and on crafted ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nacl import bindings

from laws.dossier_case import LOG_KEYS, ORIGIN, POLICY, TIME_S, WITNESS_KEYS, made_case
from truceline.adapters import verify_dossier
from truceline.adapters.log import ed25519_strict
from truceline.adapters.log.note import Signer, parse_note, verify_ed25519
from truceline.adapters.log.policy import Policy
from truceline.adapters.log.tree import inclusion_proof, leaf_hashes_of, root_of

ORDER = verify_dossier.ORDER
MESSAGE = b"what was signed"
SEED = b"\x07" * 32

LOW_HEX = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
)
"""The eight points of small order (Chalkias, Garillot, Nikolaenko 2020, table 6a), in canonical form."""

NOT_CANONICAL_HEX = (
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0100000000000000000000000000000000000000000000000000000000000080",
)
"""Other spellings of points of small order (table 6b)."""

BASE = ed25519_strict.decode_point(bytes.fromhex("58" + "66" * 31))


def by_script(key: bytes, message: bytes, signature: bytes) -> bool:
    """Give the answer of the script, for a key as it takes it from a policy."""
    sound = not verify_dossier.has_order(key, 8) and verify_dossier.has_order(key, ORDER)
    return sound and verify_dossier.is_signed(key, message, signature, kind_index=1)


def by_libsodium(key: bytes, message: bytes, signature: bytes) -> bool:
    """Give the answer of libsodium alone."""
    try:
        bindings.crypto_sign_open(signature + message, key)
    except Exception as error:  # noqa: BLE001
        return not error
    return True


def _crafted() -> list[tuple[bytes, bytes]]:
    """Give keys and signatures such as an adversary would make who wants two verifiers to differ."""
    import hashlib

    assert BASE is not None
    public, secret = bindings.crypto_sign_seed_keypair(SEED)
    sound = bindings.crypto_sign(MESSAGE, secret)[:64]
    response = int.from_bytes(sound[32:], "little")
    cases = [(public, sound), (public, sound[:32] + (response + ORDER).to_bytes(32, "little")), (public, sound[:63])]
    odd = [bytes.fromhex(text) for text in (*LOW_HEX, *NOT_CANONICAL_HEX)]
    cases += [(key, point + bytes(32)) for key in odd for point in odd]
    cases += [(key, sound) for key in odd] + [(public, point + sound[32:]) for point in odd]
    for low in map(bytes.fromhex, LOW_HEX):
        torsion = ed25519_strict.decode_point(low)
        assert torsion is not None
        number = int.from_bytes(hashlib.sha256(low).digest(), "little") % ORDER
        plain = ed25519_strict.multiply(number, BASE)
        mixed = ed25519_strict.encode_point(ed25519_strict.add(plain, torsion))
        nonce = ed25519_strict.encode_point(ed25519_strict.multiply(number + 1, BASE))
        for key, point in ((mixed, nonce), (ed25519_strict.encode_point(plain), mixed)):
            challenge = int.from_bytes(hashlib.sha512(point + key + MESSAGE).digest(), "little") % ORDER
            answer = (number + 1 + challenge * number) % ORDER
            cases.append((key, point + answer.to_bytes(32, "little")))
    return cases


def test_crafted_signatures_are_judged_alike() -> None:
    """Script and log give one answer on every crafted signature, and what they accept libsodium accepts."""
    cases = _crafted()
    answers = [by_script(key, MESSAGE, signature) for key, signature in cases]

    assert [verify_ed25519(key, MESSAGE, signature) for key, signature in cases] == answers
    assert all(by_libsodium(key, MESSAGE, sig) for (key, sig), taken in zip(cases, answers, strict=True) if taken)
    assert answers[0]
    assert sum(answers) < len(answers)


def test_ordinary_signatures_are_taken_and_changed_ones_are_not() -> None:
    """What a key has signed holds, and not with one bit of key, message or signature changed."""
    generator = np.random.default_rng(5)
    for _ in range(20):
        public, secret = bindings.crypto_sign_seed_keypair(generator.bytes(32))
        message = generator.bytes(50)
        signature = bindings.crypto_sign(message, secret)[:64]
        bad = bytearray(signature)
        bad[int(generator.integers(0, 64))] ^= 1 << int(generator.integers(0, 8))

        assert by_script(public, message, signature)
        assert not by_script(public, message + b"x", signature)
        assert not by_script(public, message, bytes(bad))


def test_proofs_are_judged_as_the_tree_does() -> None:
    """For every leaf of every tree up to 40 leaves the right proof holds, and no other index, size or leaf."""
    for size in range(1, 41):
        leaves = [bytes([index]) for index in range(size)]
        hashes = leaf_hashes_of(leaves)
        root = root_of(hashes)
        for index in range(size):
            proof = list(inclusion_proof(hashes, index, size))

            assert verify_dossier.leads_to(leaves[index], index, proof, size_count=size, root=root)
            assert not verify_dossier.leads_to(b"other", index, proof, size_count=size, root=root)
            assert not verify_dossier.leads_to(leaves[index], size, proof, size_count=size, root=root)
            assert not verify_dossier.leads_to(leaves[index], index, [*proof, root], size_count=size, root=root)


def _policy(logs: list[str], witnesses: list[str], *rules: str) -> str:
    named = [f"witness W{index} {key}" for index, key in enumerate(witnesses)]
    return "\n".join([*(f"log {key}" for key in logs), *named, *rules, ""])


STRANGER = Signer.ed25519(ORIGIN, b"\x0a" * 32).vkey
WITNESSES = [key.vkey for key in WITNESS_KEYS]
QUANTUM = Signer.mldsa44("witness-0.example", b"\x0b" * 32)
RULES = [
    ("group g 2 W0 W1 W2", "quorum g"),
    ("group g all W0 W1 W2", "quorum g"),
    ("group g any W2 W0", "quorum g"),
    ("group a 1 W0", "group b all a W1", "quorum b"),
    ("group a 1 W2", "group b any a", "quorum b"),
    ("quorum W1",),
    ("quorum W2",),
    ("quorum none",),
]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("logs", [[LOG_KEYS[0].vkey], [LOG_KEYS[1].vkey], [STRANGER], [STRANGER, LOG_KEYS[1].vkey]])
def test_policies_are_judged_as_the_log_does(logs: list[str], rules: tuple[str, ...]) -> None:
    """Ed25519 and ML-DSA-44 logs, witnesses, groups and quorums: both say the same of one checkpoint."""
    text = _policy(logs, WITNESSES, *rules)
    note = made_case().log.note
    answer = Policy.parse(text).satisfied(parse_note(note)).is_satisfied

    assert answer == (verify_dossier.lacking(verify_dossier.parse_policy(text), note) == "")


def test_an_ml_dsa_cosignature_counts() -> None:
    """A witness that signs with ML-DSA-44 reaches the quorum by either verifier; with another name it does not."""
    note = made_case().log.note
    signed = note + QUANTUM.sign(note.partition("\n\n")[0] + "\n", time_s=TIME_S).line()
    text = _policy([LOG_KEYS[0].vkey], [QUANTUM.vkey], "quorum W0")

    assert Policy.parse(text).satisfied(parse_note(signed)).is_satisfied
    assert "" == verify_dossier.lacking(verify_dossier.parse_policy(text), signed)
    assert "" != verify_dossier.lacking(verify_dossier.parse_policy(text), note)
    assert "" != verify_dossier.lacking(verify_dossier.parse_policy(text), signed.replace("witness-0.", "witness-9."))


@pytest.mark.parametrize("key", [*LOW_HEX, *NOT_CANONICAL_HEX])
def test_a_policy_with_an_unsound_key_is_refused(key: str) -> None:
    """A key that anybody could sign with is not taken, even where name, id and length fit."""
    import base64
    import hashlib

    material = b"\1" + bytes.fromhex(key)
    identifier = hashlib.sha256(ORIGIN.encode() + b"\n" + material).hexdigest()[:8]
    vkey = f"{ORIGIN}+{identifier}+{base64.b64encode(material).decode()}"

    with pytest.raises(ValueError, match="not sound"):
        verify_dossier.parse_policy(f"log {vkey}\nquorum none\n")


def test_a_comment_is_no_rule_and_a_policy_is_read_from_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Comments and empty lines are passed over; a policy that cannot be read ends with 1, a wrong call with 2."""
    (tmp_path / "file").write_bytes(made_case().files[0])
    (tmp_path / "policy").write_text(f"# ours\n\n{POLICY}")

    assert 3 == verify_dossier.main([str(tmp_path / "file"), "--policy", str(tmp_path / "policy")])
    assert 1 == verify_dossier.main([str(tmp_path / "file"), "--policy", str(tmp_path / "absent")])
    with pytest.raises(SystemExit, match="2"):
        verify_dossier.main([])
    assert "FAIL" in capsys.readouterr().out
