"""One rule for Ed25519: what a verifier checks before its library, so that OpenSSL and libsodium answer alike.

Libraries differ on crafted keys and signatures (Chalkias, Garillot, Nikolaenko 2020, "Taming the many EdDSAs"; the edge
vectors of C2SP/CCTV): OpenSSL takes points of low order and keys that are not canonical, libsodium does not, and its
later versions multiply by the cofactor. Here a key is the canonical encoding of a point of the prime-order subgroup,
`R` is canonical and not of low order, and `S` is below the order of the group (RFC 8032, 5.1.7). What is left is
decided alike. Plain Python on purpose: nothing here depends on a library, and nothing is secret.
"""

from __future__ import annotations

from functools import lru_cache

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

_PRIME = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _PRIME) % _PRIME
_ROOT_OF_MINUS_ONE = pow(2, (_PRIME - 1) // 4, _PRIME)
_Y_MASK = (1 << 255) - 1

Point = tuple[int, int, int, int]
"""Extended coordinates X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z (RFC 8032, 5.1.4)."""

NEUTRAL: Point = (0, 1, 1, 0)


def add(left: Point, right: Point) -> Point:
    """Add two points (Hisil, Wong, Carter, Dawson 2008, as in RFC 8032, 5.1.4)."""
    a = (left[1] - left[0]) * (right[1] - right[0]) % _PRIME
    b = (left[1] + left[0]) * (right[1] + right[0]) % _PRIME
    c = 2 * left[3] * right[3] * _D % _PRIME
    d = 2 * left[2] * right[2] % _PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _PRIME, g * h % _PRIME, f * g % _PRIME, e * h % _PRIME


def multiply(number: int, point: Point) -> Point:
    """Multiply a point by a number that is not negative and not secret."""
    result = NEUTRAL
    while number:
        if number & 1:
            result = add(result, point)
        point = add(point, point)
        number >>= 1
    return result


def is_neutral(point: Point) -> bool:
    """Say whether a point is the neutral one."""
    return point[0] % _PRIME == 0 and (point[1] - point[2]) % _PRIME == 0


def decode_point(content: bytes) -> Point | None:
    """Decode 32 canonical bytes (RFC 8032, 5.1.3); `None` where y is not below 2^255 - 19, or no such point exists."""
    number = int.from_bytes(content, "little")
    sign, y = number >> 255, number & _Y_MASK
    if len(content) != PUBLIC_KEY_BYTES or y >= _PRIME:
        return None
    above, below = (y * y - 1) % _PRIME, (_D * y * y + 1) % _PRIME
    x = above * pow(below, 3, _PRIME) * pow(above * pow(below, 7, _PRIME), (_PRIME - 5) // 8, _PRIME) % _PRIME
    if below * x * x % _PRIME != above:
        x = x * _ROOT_OF_MINUS_ONE % _PRIME
    if below * x * x % _PRIME != above or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _PRIME - x
    return x, y, 1, x * y % _PRIME


def encode_point(point: Point) -> bytes:
    """Encode a point in its 32 canonical bytes (RFC 8032, 5.1.2)."""
    inverse = pow(point[2], -1, _PRIME)
    x, y = point[0] * inverse % _PRIME, point[1] * inverse % _PRIME
    return (y | (x & 1) << 255).to_bytes(PUBLIC_KEY_BYTES, "little")


@lru_cache(maxsize=256)
def is_sound_key(public_key: bytes) -> bool:
    """Say whether bytes are the canonical encoding of a point of the prime-order subgroup, other than the neutral one.

    Costs some 3 ms the first time a key is seen.
    """
    point = decode_point(public_key)
    return point is not None and not is_neutral(point) and is_neutral(multiply(_ORDER, point))


def is_strict(signature: bytes, public_key: bytes) -> bool:
    """Say whether a library may be asked: the key is sound, `R` canonical and not of low order, `S` below the order."""
    if len(signature) != SIGNATURE_BYTES or not is_sound_key(public_key):
        return False
    point = decode_point(signature[:32])
    if point is None or is_neutral(multiply(8, point)):
        return False
    return int.from_bytes(signature[32:], "little") < _ORDER
