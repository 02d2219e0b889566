"""Compiled: SHA-256 (FIPS 180-4) of many pieces at once, one piece in each lane of the processor's vectors.

The inner loops run over lanes, with one column for each, so that the compiler makes vector instructions of them,
whatever the processor has. Importing this compiles or loads the code: `sha256_many` does so only where it pays.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint32]
State = tuple[np.uint32, np.uint32, np.uint32, np.uint32, np.uint32, np.uint32, np.uint32, np.uint32]
"""The eight words of a running hash."""

LANES_COUNT = 32
"""Pieces hashed at once: some vectors of 8 words, so that one's sums fill another's waits."""
BLOCK_BYTES = 64
ROUNDS_COUNT = 64


def _roots(power: int, count: int) -> Words:
    """Give the first 32 bits of the fractions of the square or cube roots of primes (FIPS 180-4, 4.2.2, 5.3.3)."""
    primes = [n for n in range(2, 312) if all(n % d for d in range(2, math.isqrt(n) + 1))]
    roots = [_root_of(prime << (32 * power), power) for prime in primes[:count]]
    return np.array([root & 0xFFFFFFFF for root in roots], dtype=np.uint32)


def _root_of(number: int, power: int) -> int:
    """Give the largest whole number whose power is not above a number."""
    low, high = 0, 1 << 64
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**power <= number else (low, middle)
    return low


START = _roots(2, 8)
"""The words a hash begins with."""
ROUND_WORDS = _roots(3, ROUNDS_COUNT)
"""The word added in each round."""


@njit(cache=True)
def turned(word: np.uint32, bits_count: int) -> np.uint32:
    """Turn a word to the right."""
    return np.uint32(np.uint32(word >> np.uint32(bits_count)) | np.uint32(word << np.uint32(32 - bits_count)))


@njit(cache=True)
def after_round(state: State, word: np.uint32) -> State:
    """Give the state after one round with a word of the schedule, to which the round's own was added."""
    a, b, c, d, e, f, g, h = state
    turn = np.uint32(turned(e, 6) ^ turned(e, 11) ^ turned(e, 25))
    first = np.uint32(np.uint32(h + turn) + np.uint32(np.uint32((e & f) ^ (~e & g)) + word))
    second = np.uint32(np.uint32(turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + np.uint32((a & b) ^ (a & c) ^ (b & c)))
    return np.uint32(first + second), a, b, c, np.uint32(d + first), e, f, g


@njit(cache=True)
def extend_words(words: Words) -> None:
    """Make 64 words of a block's 16, in every lane (FIPS 180-4, 6.2.2, step 1)."""
    for t in range(16, ROUNDS_COUNT):
        for lane in range(LANES_COUNT):
            near, far = words[t - 15, lane], words[t - 2, lane]
            low = np.uint32(turned(near, 7) ^ turned(near, 18) ^ np.uint32(near >> np.uint32(3)))
            high = np.uint32(turned(far, 17) ^ turned(far, 19) ^ np.uint32(far >> np.uint32(10)))
            words[t, lane] = np.uint32(np.uint32(words[t - 16, lane] + words[t - 7, lane]) + np.uint32(low + high))


@njit(cache=True)
def run_rounds(state: Words, words: Words) -> None:
    """Run the 64 rounds in every lane, eight at a time so that a state stays in registers for as long."""
    for t in range(0, ROUNDS_COUNT, 8):
        k0, k1, k2, k3 = ROUND_WORDS[t], ROUND_WORDS[t + 1], ROUND_WORDS[t + 2], ROUND_WORDS[t + 3]
        k4, k5, k6, k7 = ROUND_WORDS[t + 4], ROUND_WORDS[t + 5], ROUND_WORDS[t + 6], ROUND_WORDS[t + 7]
        for lane in range(LANES_COUNT):
            a, b, c, d = state[0, lane], state[1, lane], state[2, lane], state[3, lane]
            now = (a, b, c, d, state[4, lane], state[5, lane], state[6, lane], state[7, lane])
            now = after_round(now, np.uint32(k0 + words[t, lane]))
            now = after_round(now, np.uint32(k1 + words[t + 1, lane]))
            now = after_round(now, np.uint32(k2 + words[t + 2, lane]))
            now = after_round(now, np.uint32(k3 + words[t + 3, lane]))
            now = after_round(now, np.uint32(k4 + words[t + 4, lane]))
            now = after_round(now, np.uint32(k5 + words[t + 5, lane]))
            now = after_round(now, np.uint32(k6 + words[t + 6, lane]))
            now = after_round(now, np.uint32(k7 + words[t + 7, lane]))
            state[0, lane], state[1, lane], state[2, lane], state[3, lane] = now[0], now[1], now[2], now[3]
            state[4, lane], state[5, lane], state[6, lane], state[7, lane] = now[4], now[5], now[6], now[7]


@njit(cache=True)
def load_words(words: Words, padded: Words, firsts: Longs, counts: Longs, block: int) -> None:
    """Put a block of each lane's piece into the lanes, as big-endian words; of a piece that ended, its last one."""
    for lane in range(LANES_COUNT):
        place = firsts[lane] + min(block, counts[lane] - 1)
        for t in range(16):
            words[t, lane] = padded[place, t]
    for t in range(16):
        for lane in range(LANES_COUNT):
            word = words[t, lane]
            ends = np.uint32(word >> np.uint32(24)) | np.uint32(word << np.uint32(24))
            middle = np.uint32((word >> np.uint32(8)) & np.uint32(0xFF00)) | np.uint32(
                (word & np.uint32(0xFF00)) << np.uint32(8)
            )
            words[t, lane] = np.uint32(ends | middle)


@njit(cache=True)
def add_state(state: Words, run: Words, block: int, counts: Longs) -> None:
    """Add what the rounds made to the state, in the lanes whose pieces have such a block."""
    for at in range(8):
        for lane in range(LANES_COUNT):
            total = np.uint32(state[at, lane] + run[at, lane])
            state[at, lane] = total if block < counts[lane] else state[at, lane]


@njit(cache=True)
def digest_group(padded: Words, firsts: Longs, counts: Longs, paper: Words, state: Words) -> None:
    """Hash the pieces of all lanes and leave their digests in `state` [8, lanes]; `paper` [72, lanes] is to work on."""
    words, run = paper[:ROUNDS_COUNT], paper[ROUNDS_COUNT:]
    for at in range(8):
        for lane in range(LANES_COUNT):
            state[at, lane] = START[at]
    for block in range(counts.max()):
        load_words(words, padded, firsts, counts, block)
        extend_words(words)
        for at in range(8):
            for lane in range(LANES_COUNT):
                run[at, lane] = state[at, lane]
        run_rounds(run, words)
        add_state(state, run, block, counts)


@njit(cache=True)
def digest_padded(padded: Words, firsts: Longs, counts: Longs, made: Words) -> None:
    """Hash pieces that were padded to whole blocks (FIPS 180-4, 5.1.1), best ordered by their numbers of blocks.

    `padded` [blocks, 16] holds all pieces' bytes; a piece begins at block `firsts` and has `counts` blocks [n, a
    multiple of `LANES_COUNT`]. Digests go into `made` [8, n] as words.
    """
    paper = np.zeros((ROUNDS_COUNT + 8, LANES_COUNT), dtype=np.uint32)
    state = np.zeros((8, LANES_COUNT), dtype=np.uint32)
    for first in range(0, len(firsts), LANES_COUNT):
        last = first + LANES_COUNT
        digest_group(padded, firsts[first:last], counts[first:last], paper, state)
        for at in range(8):
            for lane in range(LANES_COUNT):
                made[at, first + lane] = state[at, lane]


@njit(cache=True)
def pad_pieces(content: Bytes, starts: Longs, lengths: Longs, firsts: Longs, padded: Bytes) -> None:
    """Copy pieces of `content` into `padded`, which is all zeros, each from its first block of 64 on, and pad them."""
    for piece in range(len(starts)):
        start, length, place = (
            np.uint64(starts[piece]),
            np.uint64(lengths[piece]),
            np.uint64(firsts[piece] * BLOCK_BYTES),
        )
        for at in range(length):
            padded[place + at] = content[start + at]
        padded[place + length] = 0x80
        last = (
            place
            + (length + np.uint64(8)) // np.uint64(BLOCK_BYTES) * np.uint64(BLOCK_BYTES)
            + np.uint64(BLOCK_BYTES - 1)
        )
        for at in range(np.uint64(8)):
            padded[last - at] = (length * np.uint64(8) >> at * np.uint64(8)) & np.uint64(0xFF)
