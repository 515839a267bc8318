"""Random numbers that depend on what they are for, and on nothing else.

Whoever draws for customer 7 on day 12 gets the same numbers whatever was drawn before, in whatever
order, on however many cores. Loops over customers use SplitMix64 (Steele, Lea and Flood, 2014) from a key
of seed, day and customer; draws for a whole day use Philox (Salmon et al., 2011) from seed, purpose and day.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def generator(seed: int, purpose: int, day: int = -1) -> np.random.Generator:
    """The numbers of a day for a purpose; day -1 is before the shop opens.

    >>> generator(1, 2, 3).random() == generator(1, 2, 3).random() != generator(1, 2, 4).random()
    True
    """
    return np.random.Generator(np.random.Philox(key=[seed, (purpose << 32) + day + 1]))


@njit(cache=True, nogil=True, inline="always")
def mix(state: np.uint64) -> np.uint64:
    """Spread each bit over all 64."""
    state = (state ^ (state >> np.uint64(30))) * FIRST
    state = (state ^ (state >> np.uint64(27))) * SECOND
    return state ^ (state >> np.uint64(31))


@njit(cache=True, nogil=True)
def begin(stream: npt.NDArray[np.uint64], seed: int, day: int, customer: int) -> None:
    """Set a stream, (1,) uint64, to where the numbers of a customer's day begin."""
    key = mix(np.uint64(seed) * GOLDEN + np.uint64(1))
    key = mix(key + np.uint64(day) * FIRST + np.uint64(1))
    stream[0] = mix(key + np.uint64(customer) * SECOND + np.uint64(1))


@njit(cache=True, nogil=True, inline="always")
def uniform(stream: npt.NDArray[np.uint64]) -> float:
    """The next number in [0, 1)."""
    stream[0] += GOLDEN
    return float(mix(stream[0]) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def normal(stream: npt.NDArray[np.uint64]) -> float:
    """The next standard normal number (Box and Muller)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(stream)))
    return radius * math.cos(2.0 * math.pi * uniform(stream))


@njit(cache=True, nogil=True)
def poisson(stream: npt.NDArray[np.uint64], mean: float) -> int:
    """The next Poisson number, for small means (by multiplication; Knuth)."""
    limit = math.exp(-mean)
    count = 0
    product = uniform(stream)
    while product > limit and count < 1000:
        count += 1
        product *= uniform(stream)
    return count


@njit(cache=True, nogil=True)
def gamma(stream: npt.NDArray[np.uint64], shape: float) -> float:
    """The next gamma number of scale 1 (Marsaglia and Tsang, 2000)."""
    boost = 1.0
    if shape < 1.0:
        boost = (1.0 - uniform(stream)) ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = normal(stream)
        v = (1.0 + c * x) ** 3
        if v > 0.0 and math.log(1.0 - uniform(stream)) < 0.5 * x * x + d - d * v + d * math.log(v):
            return boost * d * v


@njit(cache=True)
def normal_share(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The share of standard normal numbers below each value.

    >>> normal_share(np.array([0.0, 1.96])).round(3)
    array([0.5  , 0.975])
    """
    found = np.empty(len(values))
    for place in range(len(values)):
        found[place] = 0.5 * (1.0 + math.erf(values[place] / math.sqrt(2.0)))
    return found
