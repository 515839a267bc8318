"""What could be shown next: what sessions alike had, what follows the last products, what is wanted; with features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from regulars.realtime.neighbours import NEAREST, Scratch, compiled_neighbours
from regulars.realtime.sessions import (
    FADING,
    HOT,
    SINCE_HOT,
    SINCE_STEADY,
    STEADY,
    TOP,
    WINDOW,
    Floats,
    Ints,
    Tables,
)

FEATURES = ("level", "neighbours", "follows", "next", "foreseen", "hot", "steady", "votes", "seen")
"""What is known of a candidate, each in [0, 1]: a 1; what neighbours say, what follows the last products, what came
directly after the last one, what the behaviour model foresees, and what is wanted now and of late, each by the largest
of the list; the share of neighbours that name it; whether the session has it already."""
LEVEL, NEIGHBOURS, FOLLOWS, NEXT, FORESEEN, HOTTEST, STEADIEST, VOTES, SEEN = range(len(FEATURES))
USUAL = 0.05
"""The share of lines of a list that is taken up, before anything is known."""
LEAST = 1e-4
"""What a candidate scores of which no source says anything."""


@dataclass(frozen=True)
class Blend:
    """What each source counts; chosen when learning."""

    neighbours: float = 1.0
    follows: float = 0.5
    next: float = 0.0
    foreseen: float = 0.0
    hot: float = 0.02
    steady: float = 0.02

    @property
    def weights(self) -> Floats:
        """(f,) of `FEATURES`."""
        found = np.zeros(len(FEATURES))
        found[[LEVEL, NEIGHBOURS, FOLLOWS, NEXT, FORESEEN, HOTTEST, STEADIEST]] = (
            LEAST, self.neighbours, self.follows, self.next, self.foreseen, self.hot, self.steady,
        )  # fmt: skip
        return found

    def scores(self, features: Floats) -> Floats:
        """(n,) above 0: of candidates by their features (n, f)."""
        found: Floats = features @ self.weights
        return found


class Candidates(NamedTuple):
    """Products that could be shown, in no order.

    Attributes
    ----------
    product : (n,) from 1.
    features : (n, f) see `FEATURES`.
    because : (n,) the product of the session that led to it, 0 for none: it is wanted by all.
    votes : (n,) in how many visits alike it stood.
    """

    product: Ints
    features: Floats
    because: Ints
    votes: Ints


class Likely(NamedTuple):
    """Products that the behaviour model foresees.

    Attributes
    ----------
    product : (m,) each once; chance : (m,)
    """

    product: Ints
    chance: Floats


NOTHING_LIKELY = Likely(np.zeros(0, np.int64), np.zeros(0))


def candidates(
    tables: Tables, scratch: Scratch, items: Ints, own: int, now: int, likely: Likely = NOTHING_LIKELY
) -> Candidates:
    """What could follow in a session.

    Parameters
    ----------
    items : (m,) products of the session, each once, the last clicked last; none for who has none.
    own : its own visit, -1 for none.
    now : microseconds since 1970.
    """
    return Candidates(*_candidates(tables, scratch, items, own, now, *likely))


@numba.njit(cache=True)
def _candidates(
    tables: Tables, scratch: Scratch, items: Ints, own: int, now: int, likely: Ints, chance: Floats
) -> tuple[Ints, Floats, Ints, Ints]:
    product, score, led, voted = compiled_neighbours(tables, scratch, items, own)
    scratch.asked[0] += 1
    room = len(product) + min(len(items), WINDOW) * tables.follower.shape[1] + 2 * TOP + len(likely)
    found, because, votes = np.empty(room, np.int64), np.zeros(room, np.int64), np.zeros(room, np.int64)
    features = np.zeros((room, len(FEATURES)))
    count = 0
    for k in range(len(product)):
        at = _place(scratch, found, because, count, product[k], led[k])
        votes[at], features[at, NEIGHBOURS] = voted[k], score[k]
        count = max(count, at + 1)
    count = _followers(tables, scratch, items, found, because, features, count)
    for k in range(len(likely)):
        at = _place(scratch, found, because, count, likely[k], 0)
        features[at, FORESEEN] = chance[k]
        count = max(count, at + 1)
    for top in (tables.top_hot, tables.top_steady):
        for one in top:
            if one:
                count = max(count, _place(scratch, found, because, count, one, 0) + 1)
    hot = 2.0 ** ((tables.clock[SINCE_HOT] - now) / HOT)
    steady = 2.0 ** ((tables.clock[SINCE_STEADY] - now) / STEADY)
    for k in range(count):
        features[k, LEVEL] = 1.0
        features[k, HOTTEST] = tables.hot[found[k]] * hot
        features[k, STEADIEST] = tables.steady[found[k]] * steady
        features[k, VOTES] = min(votes[k] / NEAREST, 1.0)
    for item in items:
        if scratch.products[item].asked == scratch.asked[0]:
            features[scratch.products[item].because, SEEN] = 1.0
    for column in (NEIGHBOURS, FOLLOWS, NEXT, FORESEEN, HOTTEST, STEADIEST):
        features[:count, column] /= max(features[:count, column].max() if count else 0.0, 1e-300)
    return found[:count], features[:count], because[:count], votes[:count]


@numba.njit(cache=True)
def _place(scratch: Scratch, found: Ints, because: Ints, count: int, product: int, led: int) -> int:
    """Where a product stands among those found; at the end, if it is new."""
    one = scratch.products[product]
    if one.asked != scratch.asked[0]:
        one.asked, one.because = scratch.asked[0], count
        found[count], because[count] = product, led
    return int(one.because)


@numba.njit(cache=True)
def _followers(
    tables: Tables, scratch: Scratch, items: Ints, found: Ints, because: Ints, features: Floats, count: int
) -> int:
    """What follows the last products: of each the share of all that follows it; how many are found now."""
    for back in range(min(len(items), WINDOW)):
        other = items[len(items) - 1 - back]
        total = tables.following[other].sum()
        for j in range(tables.follower.shape[1]):
            one = tables.follower[other, j]
            if one and total > 0.0:
                at = _place(scratch, found, because, count, one, other)
                features[at, FOLLOWS] += FADING**back * tables.following[other, j] / total
                if back == 0:
                    features[at, NEXT] = tables.next[other, j]
                count = max(count, at + 1)
    return count


def session_of(tables: Tables, customer: int, now: int, gap: int) -> tuple[Ints, int]:
    """The products of a customer's visit under way, the last clicked last, and its number; none and -1 without one."""
    visit = int(tables.session[customer])
    slot = visit % max(len(tables.visit), 1)
    if visit < 0 or now - tables.last[customer] > gap or tables.visit[slot] != visit:
        return np.zeros(0, np.int64), -1
    start = int(tables.items[slot])
    return tables.pool[start : start + int(tables.item_count[slot])].copy(), visit


@numba.njit(cache=True)
def odds_of(scores: Floats) -> Floats:
    """Scores of sources, above 0, as log-odds that such a line is taken up.

    >>> odds_of(np.array([1.0, 0.5])).round(2)
    array([-2.94, -3.64])
    """
    largest = 1e-12
    for score in scores:
        largest = max(largest, score)
    found: Floats = np.log(USUAL / (1 - USUAL)) + np.log(np.maximum(scores / largest, 1e-6))
    return found


@numba.njit(cache=True)
def first(
    product: Ints, features: Floats, weights: Floats, coefficients: Floats, k: int, again: bool
) -> tuple[Ints, Floats]:
    """The places of the k candidates of the highest log-odds, the first first, and those log-odds; of two alike the
    product with the smaller number.

    Compiled, for as plain steps each costs more than its work: some hundred candidates are looked at a list.

    Parameters
    ----------
    weights : (f,) of a `Blend`; coefficients : (f,) what was learned besides.
    again : whether what the session has already counts.
    """
    kept = np.array([at for at in range(len(product)) if again or features[at, SEEN] == 0.0], np.int64)
    scores, more = np.zeros(len(kept)), np.zeros(len(kept))
    for j in range(len(kept)):
        for column in range(len(weights)):
            scores[j] += features[kept[j], column] * weights[column]
            more[j] += features[kept[j], column] * coefficients[column]
    odds = odds_of(scores) + more
    found = np.empty(min(k, len(kept)), np.int64)
    filled = 0
    for j in range(len(kept)):
        at = filled
        while at > 0 and (
            odds[found[at - 1]] < odds[j]
            or (odds[found[at - 1]] == odds[j] and product[kept[found[at - 1]]] > product[kept[j]])
        ):
            at -= 1
        if at < len(found):
            filled = min(filled + 1, len(found))
            for later in range(filled - 1, at, -1):
                found[later] = found[later - 1]
            found[at] = j
    return kept[found], odds[found]
