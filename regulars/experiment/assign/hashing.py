"""A customer's place in [0, 1) under a salt: the same in Python, in the engine, and in any other language.

    place = (xxh64(utf8(customer_id), seed = xxh64(utf8(salt), seed = 42)) >> 11) / 2^53

xxHash is published with test vectors and there for every language. It is Spark's own function, which chains columns so:
there the place is `shiftrightunsigned(xxhash64(salt, customer_id), 11) / pow(2, 53)`. A place has 53 bits: any program
that has doubles holds it exactly. One MD5, which databases share too, takes longer than all four places of a `Plan`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from regulars.errors import InputError

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int16]
Texts = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]

NOBODY = -1
"""In place of an arm's number: not in the experiment."""

SEED = np.uint64(42)
"""That of Spark's `xxhash64`."""

_P1, _P2, _P3 = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
_P4, _P5 = np.uint64(0x85EBCA77C2B2AE63), np.uint64(0x27D4EB2F165667C5)
_ZERO = np.uint64(0)


def place(salt: str, customer_id: str) -> float:
    """Where one customer stands; InputError if the id is empty.

    Examples
    --------
    >>> place("spring", "ada"), place("spring", "顾客7"), place("summer", "ada")
    (0.020000821317616935, 0.68259792947679, 0.8216855415195083)
    """
    if not customer_id:
        raise InputError("a customer's id is empty: whoever has none cannot be assigned. Give each visitor an id.")
    text = np.frombuffer(customer_id.encode(), np.uint8)
    return float(_placed(_seed(salt), text, np.array([0, len(text)], np.int32))[0])


def places(salt: str, customer_ids: pa.Array | pa.ChunkedArray) -> Floats:
    """Where customers stand.

    Parameters
    ----------
    salt : of an experiment, a layer or the hold-out. Places under two salts know nothing of each other.
    customer_ids : (n,) text.

    Returns
    -------
    (n,) in [0, 1), multiples of 2^-53.

    Raises
    ------
    InputError
        If an id is missing or empty; the message tells the first such row.

    Examples
    --------
    >>> places("spring", pa.array(["ada", "顾客7"])).tolist()
    [0.020000821317616935, 0.68259792947679]
    """
    text, ends = unpacked(customer_ids)
    refuse_empty(customer_ids, ends)
    found: Floats = _placed(_seed(salt), text, ends)
    return found


def unpacked(customer_ids: pa.Array | pa.ChunkedArray) -> Texts:
    """Ids one behind the other in UTF-8; and (n + 1,) where each begins, and the last one ends."""
    ids = customer_ids.combine_chunks() if isinstance(customer_ids, pa.ChunkedArray) else customer_ids
    ids = ids.dictionary_decode() if pa.types.is_dictionary(ids.type) else ids
    ids = ids if pa.types.is_string(ids.type) else ids.cast(pa.string())
    if not len(ids):
        return np.empty(0, np.uint8), np.zeros(1, np.int32)
    _, offsets, text = ids.buffers()
    ends = np.frombuffer(offsets, np.int32)[ids.offset : ids.offset + len(ids) + 1]
    return np.frombuffer(text, np.uint8) if text is not None else np.empty(0, np.uint8), ends


def refuse_empty(customer_ids: pa.Array | pa.ChunkedArray, ends: npt.NDArray[np.int32]) -> None:
    """InputError, telling the first row whose id is missing or empty, if there is one."""
    is_empty = ends[1:] == ends[:-1]
    if customer_ids.null_count:
        is_empty |= customer_ids.is_null().to_numpy(zero_copy_only=False)
    if is_empty.any():
        raise InputError(
            f"row {int(is_empty.argmax())}: the customer's id is empty: whoever has none cannot be assigned. "
            "Give each visitor an id, or leave these rows out."
        )


class Gates:
    """What decides the number of a customer's arm, ready to be asked of many ids in one pass.

    Parameters
    ----------
    gates : salt, low, high: who passes stands in [low, high) under each of these salts.
    salt : of the arms.
    arm_ends : ascending; a customer's arm is the first whose end is above its place.
    """

    def __init__(self, gates: Sequence[tuple[str, float, float]], salt: str, arm_ends: Sequence[float]) -> None:
        self._seeds = np.array([_seed(name) for name in (*(gate[0] for gate in gates), salt)], np.uint64)
        self._lows, self._highs = (np.array([gate[side] for gate in gates], np.float64) for side in (1, 2))
        self._arm_ends = np.array(arm_ends, np.float64)

    def numbers(self, texts: Texts) -> Numbers:
        """(n,) from 0; -1 for who does not pass, and for empty ids."""
        found: Numbers = _numbered(self._seeds, self._lows, self._highs, self._arm_ends, *texts)
        return found


@cache
def _seed(salt: str) -> np.uint64:
    text = np.frombuffer(salt.encode(), np.uint8)
    return np.uint64(_digested(text, 0, len(text), SEED))


# Called on functions, not written above them: Numba's decorators have no types.
_inlined = njit(inline="always")


def _turn(value: np.uint64, bits: int) -> np.uint64:
    return (value << np.uint64(bits)) | (value >> np.uint64(64 - bits))


_turned = _inlined(_turn)


def _take_in(lane: np.uint64, word: np.uint64) -> np.uint64:
    return _turned(lane + word * _P2, 31) * _P1


_taken_in = _inlined(_take_in)


def _long(text: npt.NDArray[np.uint8], at: int) -> np.uint64:
    return _short(text, at) | (_short(text, at + 4) << np.uint64(32))


def _short_word(text: npt.NDArray[np.uint8], at: int) -> np.uint64:
    low = np.uint64(text[at]) | (np.uint64(text[at + 1]) << np.uint64(8))
    return low | (np.uint64(text[at + 2]) << np.uint64(16)) | (np.uint64(text[at + 3]) << np.uint64(24))


_short = _inlined(_short_word)
_word = _inlined(_long)


def _digest(text: npt.NDArray[np.uint8], at: int, end: int, seed: np.uint64) -> np.uint64:
    """XXH64 of text[at:end].

    Source
    ------
    Collet, xxHash fast digest algorithm, version 0.1.1, part XXH64.
    """
    length = np.uint64(end - at)
    if end - at >= 32:
        a, b, c, d = seed + _P1 + _P2, seed + _P2, seed, seed - _P1
        while at + 32 <= end:
            a, b = _taken_in(a, _word(text, at)), _taken_in(b, _word(text, at + 8))
            c, d = _taken_in(c, _word(text, at + 16)), _taken_in(d, _word(text, at + 24))
            at += 32
        value = _turned(a, 1) + _turned(b, 7) + _turned(c, 12) + _turned(d, 18)
        for lane in (a, b, c, d):
            value = (value ^ _taken_in(_ZERO, lane)) * _P1 + _P4
    else:
        value = seed + _P5
    value += length
    while at + 8 <= end:
        value = _turned(value ^ _taken_in(_ZERO, _word(text, at)), 27) * _P1 + _P4
        at += 8
    if at + 4 <= end:
        value = _turned(value ^ (_short(text, at) * _P1), 23) * _P2 + _P3
        at += 4
    while at < end:
        value = _turned(value ^ (np.uint64(text[at]) * _P5), 11) * _P1
        at += 1
    value = (value ^ (value >> np.uint64(33))) * _P2
    value = (value ^ (value >> np.uint64(29))) * _P3
    return value ^ (value >> np.uint64(32))


_digested = njit(cache=True, nogil=True)(_digest)


def _place_all(seed: np.uint64, text: npt.NDArray[np.uint8], ends: npt.NDArray[np.int32]) -> Floats:
    out = np.empty(len(ends) - 1, np.float64)
    for row in range(len(out)):
        out[row] = np.float64(_digested(text, ends[row], ends[row + 1], seed) >> np.uint64(11)) * 2.0**-53
    return out


_placed = njit(cache=True, nogil=True)(_place_all)


def _number_all(
    seeds: npt.NDArray[np.uint64],
    lows: Floats,
    highs: Floats,
    arm_ends: Floats,
    text: npt.NDArray[np.uint8],
    ends: npt.NDArray[np.int32],
) -> Numbers:
    out = np.full(len(ends) - 1, NOBODY, np.int16)
    for row in range(len(out)):
        if ends[row] == ends[row + 1]:
            continue
        for gate in range(len(seeds)):
            digest = _digested(text, ends[row], ends[row + 1], seeds[gate])
            place = np.float64(digest >> np.uint64(11)) * 2.0**-53
            if gate == len(lows):
                for number in range(len(arm_ends)):
                    if place < arm_ends[number]:
                        out[row] = number
                        break
            elif not lows[gate] <= place < highs[gate]:
                break
    return out


_numbered = njit(cache=True, nogil=True)(_number_all)
