"""Time-stamps of checkpoints by authorities outside (RFC 3161): request, verification, nothing trusted unverified."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from truceline.adapters.log.refusal import Refused

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

SHA256_OID = "2.16.840.1.101.3.4.2.1"
RESPONSE_MOST_BYTES = 1 << 20


class VerifiedStamp(NamedTuple):
    """That an authority says these bytes were there at a time."""

    time: datetime
    serial_id: int
    authority: str


def stamp_request(message: bytes) -> bytes:
    """Write a request, DER, over the SHA-256 of a message, with a nonce, asking for the authority's certificate."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    request = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256).build()
    return request.as_bytes()


def verify_stamp(
    response: bytes, message: bytes, *, roots_pem: bytes, intermediates_pem: bytes = b"", request: bytes | None = None
) -> VerifiedStamp:
    """Verify an answer, DER, over a message under trusted root certificates; raise `Refused` where it does not hold.

    `request` is the request that was sent, where it is known: then the nonce must be its own.
    """
    from rfc3161_client import VerificationError, VerifierBuilder

    decoded = _decoded(response)
    builder = VerifierBuilder()
    for certificate in _certificates(roots_pem):
        builder = builder.add_root_certificate(certificate)
    for certificate in _certificates(intermediates_pem) if intermediates_pem else ():
        builder = builder.add_intermediate_certificate(certificate)
    if request is not None and (nonce := _nonce_of(request)) is not None:
        builder = builder.nonce(nonce)
    try:
        builder.build().verify(decoded, sha256(message).digest())
        info = decoded.tst_info
        return VerifiedStamp(info.gen_time, info.serial_number, "" if info.name is None else str(info.name))
    except (VerificationError, ValueError) as error:
        raise Refused(f"the time-stamp does not hold: {error}") from None


def imprint_of(response: bytes) -> bytes:
    """Give the SHA-256 that an answer is over, not yet verified; raise `Refused` where it is no answer."""
    return bytes(_decoded(response).tst_info.message_imprint.message)


def _decoded(response: bytes) -> TimeStampResponse:
    from rfc3161_client import decode_timestamp_response

    if len(response) > RESPONSE_MOST_BYTES:
        raise Refused(f"a time-stamp of {len(response)} bytes, at most {RESPONSE_MOST_BYTES}")
    try:
        decoded = decode_timestamp_response(response)
        said_oid = decoded.tst_info.message_imprint.hash_algorithm.dotted_string if decoded.status == 0 else ""
    except ValueError as error:
        raise Refused(f"not a time-stamp response: {error}") from None
    if decoded.status != 0:
        raise Refused(f"the authority refused (status {decoded.status}): {'; '.join(decoded.status_string)}")
    if said_oid != SHA256_OID:
        raise Refused("the time-stamp is not over SHA-256")
    return decoded


def _nonce_of(request: bytes) -> int | None:
    """Give the nonce of a request that we wrote: its only INTEGER of more than one byte (RFC 3161, 2.4.1)."""
    place = _inside(request, 0)
    while place < len(request):
        tag, start, end = _element(request, place)
        if tag == 0x02 and end - start > 1:
            return int.from_bytes(request[start:end], "big")
        place = end
    return None


def _inside(content: bytes, place: int) -> int:
    return _element(content, place)[1]


def _element(content: bytes, place: int) -> tuple[int, int, int]:
    """Give tag, start and end of one DER element (X.690, 8.1)."""
    length, start = content[place + 1], place + 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(content[start : start + count], "big"), start + count
    return content[place], start, start + length


def _certificates(pem: bytes) -> Sequence[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(pem)
    except ValueError as error:
        raise Refused(f"not certificates in PEM: {error}") from None
