"""Bytes that were right, a little spoiled."""

from __future__ import annotations

import random
from collections.abc import Sequence


def mutated(data: bytes, rng: random.Random, odd: Sequence[bytes]) -> bytes:
    """Some bytes changed, left out, doubled, moved, put in from what such parsers trip over, or the end cut off."""
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(len(found) + 1)
        end = at + rng.choice([1, 1, 2, 4, 16])
        other = rng.randrange(len(found) + 1)
        match rng.randrange(8):
            case 0:
                found[at:end] = rng.randbytes(end - at)
            case 1:
                del found[at:end]
            case 2:
                found[at:at] = found[at:end] * rng.choice([1, 3, 50])
            case 3 if at < len(found):
                found[at] ^= 1 << rng.randrange(8)
            case 4:
                found[at:end] = rng.choice(odd)
            case 5:
                found[at:at] = rng.choice(odd)
            case 6:
                found[at:at] = found[other : other + end - at]
            case 7 if rng.random() < 0.3:
                del found[at:]
    return bytes(found)
