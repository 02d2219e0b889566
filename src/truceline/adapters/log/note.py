"""Signed notes (c2sp.org/signed-note) with Ed25519 and, beside it, ML-DSA-44 signatures and cosignatures.

Every Ed25519 signature goes through `ed25519_strict` and then libsodium: one rule for all verifiers. A note is taken
only as the one spelling its parts can have, so that no byte of it can be changed without being another note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from truceline.adapters.log import ed25519_strict
from truceline.adapters.log.keys_text import (
    KEY_ID_BYTES,
    SEED_BYTES,
    TIME_BYTES,
    SignatureKind,
    decode_skey,
    decode_vkey,
    encode_skey,
    encode_vkey,
    key_id_of,
    require_name,
    signed_message,
)
from truceline.adapters.log.refusal import COUNT_MOST_COUNT, Refused, canonical_base64, encode_base64

NOTE_MOST_BYTES = 1 << 20
SIGNATURES_MOST_COUNT = 100
"""How many signature lines are read; c2sp.org/signed-note asks for at least 16."""

_DASH = "\N{EM DASH} "


class Signature(NamedTuple):
    """One signature line: whose, by which key, and the bytes after the key's id (for a cosignature, time first)."""

    name: str
    key_id: bytes
    content: bytes

    def line(self) -> str:
        """Write the line, with its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.content)}\n"

    def time_s(self, kind: SignatureKind) -> int:
        """Give the POSIX time a cosignature carries; 0 where its kind carries none."""
        return int.from_bytes(self.content[:TIME_BYTES], "big") if kind.is_timed else 0


class Note(NamedTuple):
    """A text that ends in a newline, and its signatures, not yet verified."""

    text: str
    signatures: tuple[Signature, ...]

    def format(self) -> str:
        """Write the note."""
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)


class Verifier(msgspec.Struct, frozen=True):
    """A key that signatures are verified with; refuses an unsound one (wrong length, low order, not canonical)."""

    name: str
    kind: SignatureKind
    public_key: bytes

    def __post_init__(self) -> None:
        """Refuse a key that somebody could sign with who does not hold it."""
        require_name(self.name)
        if len(self.public_key) != self.kind.public_key_bytes:
            raise Refused(f"the key of {self.name} has {len(self.public_key)} bytes, not {self.kind.public_key_bytes}")
        if self.kind is not SignatureKind.COSIGNATURE_MLDSA44 and not ed25519_strict.is_sound_key(self.public_key):
            raise Refused(f"the key of {self.name} is not a sound Ed25519 key")

    @classmethod
    def from_vkey(cls, text: str) -> Verifier:
        """Read a verifier key; raise `Refused` where it is none, or unsound."""
        return cls(*decode_vkey(text))

    @property
    def key_id(self) -> bytes:
        """Give the key's 4-byte id."""
        return key_id_of(self.name, self.kind, self.public_key)

    @property
    def vkey(self) -> str:
        """Write the key as text."""
        return encode_vkey(self.name, self.kind, self.public_key)

    def verifies(self, text: str, signature: Signature) -> bool:
        """Say whether a signature is this key's for a note's text."""
        time_bytes = TIME_BYTES if self.kind.is_timed else 0
        if (signature.name, signature.key_id) != (self.name, self.key_id):
            return False
        if len(signature.content) != time_bytes + self.kind.signature_bytes:
            return False
        try:
            message = signed_message(self.kind, self.name, text=text, time_s=signature.time_s(self.kind))
        except Refused:
            return False
        verify = verify_mldsa44 if self.kind is SignatureKind.COSIGNATURE_MLDSA44 else verify_ed25519
        return verify(self.public_key, message, signature.content[time_bytes:])


def verify_ed25519(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether an Ed25519 signature holds by the rule of `ed25519_strict` and by libsodium."""
    from nacl import bindings
    from nacl.exceptions import CryptoError

    if not ed25519_strict.is_strict(signature, public_key):
        return False
    try:
        bindings.crypto_sign_open(signature + message, public_key)
    except CryptoError:
        return False
    return True


def verify_mldsa44(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether an ML-DSA-44 signature holds (FIPS 204, empty context)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    try:
        MLDSA44PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Signer:
    """A key that signs; made from a 32-byte seed that never leaves it but by `skey`."""

    def __init__(self, name: str, kind: SignatureKind, *, seed: bytes) -> None:
        """Make the key pair of a seed."""
        assert len(seed) == SEED_BYTES, "a seed has 32 bytes"
        self._seed = seed
        public_key, self._sign = (_mldsa44 if kind is SignatureKind.COSIGNATURE_MLDSA44 else _ed25519)(seed)
        self.verifier = Verifier(name, kind, public_key)

    @classmethod
    def ed25519(cls, name: str, seed: bytes) -> Signer:
        """Give the signer of a log's checkpoints (type 0x01)."""
        return cls(name, SignatureKind.ED25519, seed=seed)

    @classmethod
    def cosigner(cls, name: str, seed: bytes) -> Signer:
        """Give the Ed25519 signer of a witness (type 0x04, cosignature/v1)."""
        return cls(name, SignatureKind.COSIGNATURE_ED25519, seed=seed)

    @classmethod
    def mldsa44(cls, name: str, seed: bytes) -> Signer:
        """Give the ML-DSA-44 signer of a log or witness (type 0x06)."""
        return cls(name, SignatureKind.COSIGNATURE_MLDSA44, seed=seed)

    @classmethod
    def from_skey(cls, text: str) -> Signer:
        """Read a signer key; raise `Refused` where it is none, or its id is not that of its seed."""
        name, key_id, kind, seed = decode_skey(text)
        signer = cls(name, kind, seed=seed)
        if signer.verifier.key_id.hex() != key_id:
            raise Refused(f"the signer key of {name} is damaged")
        return signer

    @property
    def name(self) -> str:
        """Give the key's name."""
        return self.verifier.name

    @property
    def kind(self) -> SignatureKind:
        """Give the kind of signature made."""
        return self.verifier.kind

    @property
    def vkey(self) -> str:
        """Write the public key as text."""
        return self.verifier.vkey

    @property
    def skey(self) -> str:
        """Write the secret key as text."""
        return encode_skey(self.name, self.kind, seed=self._seed, public_key=self.verifier.public_key)

    def sign(self, text: str, *, time_s: int = 0) -> Signature:
        """Sign a note's text; a kind with a time says the POSIX time given, a kind without ignores it.

        Raise `Refused` where a cosigner's text is not a checkpoint.
        """
        assert self.kind is not SignatureKind.COSIGNATURE_ED25519 or time_s > 0, "a cosignature/v1 says when"
        message = signed_message(self.kind, self.name, text=text, time_s=time_s)
        time_said = time_s.to_bytes(TIME_BYTES, "big") if self.kind.is_timed else b""
        return Signature(self.name, self.verifier.key_id, time_said + self._sign(message))


def _ed25519(seed: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
    from nacl import bindings

    public_key, secret = bindings.crypto_sign_seed_keypair(seed)
    return public_key, lambda message: bindings.crypto_sign(message, secret)[: ed25519_strict.SIGNATURE_BYTES]


def _mldsa44(seed: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

    key = MLDSA44PrivateKey.from_seed_bytes(seed)
    return key.public_key().public_bytes_raw(), key.sign


def sign_note(text: str, signers: Sequence[Signer], *, time_s: int = 0) -> str:
    """Write a note of a text, signed by all signers in order; `time_s` is said by the kinds that say a time."""
    _require_text(text)
    assert signers, "a note has a signature"
    return Note(text, tuple(signer.sign(text, time_s=time_s) for signer in signers)).format()


def cosign(checkpoint_text: str, signer: Signer, *, time_s: int) -> str:
    """Write a witness's signature line, with its newline, for a checkpoint's text at a POSIX time above 0."""
    assert signer.kind.is_timed, "a cosigner's key is of a kind that says a time"
    assert 0 < time_s <= COUNT_MOST_COUNT, "a cosignature says when"
    return signer.sign(checkpoint_text, time_s=time_s).line()


def parse_note(content: str | bytes) -> Note:
    """Read a note; raise `Refused` unless it is spelled the only way it can be."""
    try:
        raw = content.encode() if isinstance(content, str) else content
        full = raw.decode() if isinstance(content, bytes) else content
    except UnicodeError:
        raise Refused("a note is UTF-8") from None
    if len(raw) > NOTE_MOST_BYTES:
        raise Refused(f"a note of {len(raw)} bytes, at most {NOTE_MOST_BYTES}")
    head, blank, tail = full.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise Refused("a note is a text, an empty line, and signature lines")
    text = head + "\n"
    _require_text(text)
    return Note(text, parse_signature_lines(tail))


def parse_signature_lines(lines: str) -> tuple[Signature, ...]:
    """Read one or more signature lines, each with its newline; raise `Refused` for anything else."""
    parts = lines.split("\n")
    if parts.pop() or not parts or len(parts) > SIGNATURES_MOST_COUNT:
        raise Refused(f"between 1 and {SIGNATURES_MOST_COUNT} signature lines are read, each ending in a newline")
    return tuple(_parse_line(line) for line in parts)


def _parse_line(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise Refused(f"{line[:60]!r} is not a signature line")
    content = canonical_base64(encoded, name="signature")
    if len(content) <= KEY_ID_BYTES:
        raise Refused(f"a signature of {len(content)} bytes has nothing after its key id")
    return Signature(require_name(name), content[:KEY_ID_BYTES], content[KEY_ID_BYTES:])


def _require_text(text: str) -> None:
    if not text.endswith("\n") or any(sign < " " and sign != "\n" for sign in text):
        raise Refused("a note's text ends in a newline and has no other control signs")


def with_signatures(note: Note, signatures: Iterable[Signature]) -> Note:
    """Give a note with more signatures behind its own; one that stands there already is not repeated."""
    return Note(note.text, tuple(dict.fromkeys((*note.signatures, *signatures))))


def verify_note(note: Note, verifiers: Sequence[Verifier], *, is_exact: bool = False) -> tuple[Signature, ...]:
    """Give the signatures that known keys made; raise `Refused` where a known key's does not hold, or none is there.

    A signature by an unknown key is passed over, as the standard asks. With `is_exact` it is refused, and so is the
    absence of any known key's: then no byte of the note can be changed.
    """
    keys = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    known = tuple(part for part in note.signatures if (part.name, part.key_id) in keys)
    for part in known:
        if not keys[part.name, part.key_id].verifies(note.text, part):
            raise Refused(f"the signature of {part.name} by key {part.key_id.hex()} does not hold")
    if not known:
        raise Refused("no known key has signed")
    if is_exact and (len(known) != len(note.signatures) or len(known) != len(keys)):
        raise Refused(f"{len(note.signatures)} signatures, {len(known)} by the {len(keys)} known keys")
    return known
