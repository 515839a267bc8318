"""Before each product of a session is learned, it is asked for: how well would it have been foreseen?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.realtime.candidates import SEEN, Blend
from regulars.realtime.kinds import GAP
from regulars.realtime.learner import Learner, Lessons
from regulars.realtime.sessions import Floats, Ints

K = 20
MOST_ASKED = 4_000
"""So many questions tell how good it is; of more, every so-manieth is asked. All events are learned."""
Foreseen = Callable[[Ints], Sequence[Mapping[str, float]]]


def nobody(places: Ints) -> Sequence[Mapping[str, float]]:
    """Where there is no behaviour model."""
    return [{}] * len(places)


@dataclass(frozen=True)
class Answers:
    """The places at which products stood that came next; above K where they did not.

    Attributes
    ----------
    customer : (q,) whose session it was.
    places : (b, q) by each blend.
    simple : (q,) by what followed the last product most, then what was wanted most.
    wanted : (q,) by what was wanted most of late.
    """

    customer: Ints
    places: Ints
    simple: Ints
    wanted: Ints

    def best(self) -> int:
        """The blend with the highest mean reciprocal rank; of two alike the first."""
        return int(np.argmax(reciprocal(self.places).mean(axis=1))) if self.places.shape[1] else 0


def recalled(places: Ints) -> Floats:
    """1 where a product stood among the first K."""
    return (places <= K).astype(np.float64)


def reciprocal(places: Ints) -> Floats:
    """1 / place, 0 below the first K."""
    found: Floats = np.where(places <= K, 1 / places, 0.0)
    return found


def walk(learner: Learner, lessons: Lessons, blends: Sequence[Blend], foreseen: Foreseen = nobody) -> Answers:
    """Ask for the next new product of sessions under way, then learn it, event by event.

    Parameters
    ----------
    foreseen : what the behaviour model said before some of the lessons, by their places.
    """
    asked = _questions(lessons)
    asked = asked[:: max(-(-len(asked) // MOST_ASKED), 1)]
    weights = np.column_stack([blend.weights for blend in blends])  # f, b
    customers, places, simple, wanted = [], [], [], []
    learned = 0
    for place, likely in zip(asked.tolist(), foreseen(asked), strict=True):
        learner.learn(lessons.part(learned, place))
        learned = place
        customer, product, now = (int(column[place]) for column in lessons[:3])
        items, visit = learner.session_of(customer, now)
        if not len(items) or product in items:
            continue
        found = learner.candidates(items, visit, now, likely)
        is_new = found.features[:, SEEN] == 0
        features, products = found.features[is_new], found.product[is_new]
        at = np.flatnonzero(products == product)
        customers.append(customer)
        places.append(_places(features @ weights, at))
        simple.append(_place_in(learner.simple(items), product, items))
        wanted.append(_place_in(learner.wanted(), product, items))
    learner.learn(lessons.part(learned, len(lessons.time)))
    shape = np.array(places, np.int64).reshape(-1, len(blends)).T
    return Answers(np.array(customers, np.int64), shape, np.array(simple, np.int64), np.array(wanted, np.int64))


def _questions(lessons: Lessons) -> Ints:
    """The events that come within the gap after another of their customer."""
    order = np.lexsort((np.arange(len(lessons.time)), lessons.customer))
    follows = lessons.customer[order][1:] == lessons.customer[order][:-1]
    follows &= lessons.time[order][1:] - lessons.time[order][:-1] <= GAP
    return np.sort(order[1:][follows])


def _places(scores: Floats, at: npt.NDArray[np.intp]) -> Ints:
    """(b,) the place of a row in each column of scores (n, b), from 1; of equal ones half count as better."""
    if not len(at):
        return np.full(scores.shape[1], K + 1, np.int64)
    own = scores[at[0]]
    found: Ints = 1 + (scores > own).sum(axis=0) + ((scores == own).sum(axis=0) - 1) // 2
    return found


def _place_in(products: Ints, product: int, items: Ints) -> int:
    listed = products[~np.isin(products, items)][:K]
    at = np.flatnonzero(listed == product)
    return int(at[0]) + 1 if len(at) else K + 1
