"""Keys of office-holders: kept by the client in a file that only its owner may read; a store knows public keys only."""

from __future__ import annotations

import json
from pathlib import Path

from truceline.adapters.segments.keys import SigningKey, is_signed
from truceline.adapters.stores.durable import write_new_file
from truceline.errors import InputUnusable, SourceUnavailable, StoreUnavailable
from truceline.model.decision import (
    ConsultationRecord,
    Signature,
    SignedRecord,
    key_id_of,
    signing_bytes,
)

KEY_SCHEMA_NAME = "truceline.office_key/1"
_OTHERS = 0o077


class OfficeKey:
    """A signing key in memory; `public_key` and `key_id` are what others may know."""

    def __init__(self, seed: bytes) -> None:
        """Take the 32 secret bytes (RFC 8032, 5.1.5)."""
        self._signing = SigningKey.from_seed(seed)
        self._seed = seed
        self.public_key = self._signing.public.hex()
        self.key_id = key_id_of(self.public_key)

    def sign(self, record: ConsultationRecord) -> Signature:
        """Sign a record's bytes (deterministic, RFC 8032)."""
        return Signature(key_id=self.key_id, signature=self._signing.sign(signing_bytes(record)).hex())

    def write(self, path: Path) -> None:
        """Write the secret where no file stands yet, readable by its owner only (mode 0600)."""
        content = json.dumps({"schema_name": KEY_SCHEMA_NAME, "seed": self._seed.hex()}) + "\n"
        try:
            write_new_file(path, content.encode())
        except OSError as error:
            raise StoreUnavailable(f"{path}: the key cannot be written ({error.strerror})") from error


def new_key() -> OfficeKey:
    """Make a key from the system's randomness."""
    import secrets

    return OfficeKey(secrets.token_bytes(32))


def read_key(path: Path) -> OfficeKey:
    """Read a key; one that others may read is refused."""
    try:
        if path.stat().st_mode & _OTHERS:
            raise InputUnusable(f"{path}: others may read this key; `chmod 600` it, and register a new one")
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SourceUnavailable(f"{path}: cannot be read ({error.strerror})") from error
    try:
        found = json.loads(content)
        if found["schema_name"] != KEY_SCHEMA_NAME:
            raise ValueError(found["schema_name"])
        return OfficeKey(bytes.fromhex(found["seed"]))
    except (ValueError, KeyError, TypeError) as error:
        raise InputUnusable(f"{path}: is no key of an office-holder") from error


def sign_record(record: ConsultationRecord, *keys: OfficeKey) -> SignedRecord:
    """Put the signatures of every key under a record."""
    return SignedRecord(record=record, signatures=tuple(key.sign(record) for key in keys))


def verify(public_key: str, body: bytes, signature: str) -> bool:
    """Say whether a signature holds, by the one strict rule of this house; anything malformed does not."""
    try:
        return is_signed(body, bytes.fromhex(signature), bytes.fromhex(public_key))
    except ValueError:
        return False
