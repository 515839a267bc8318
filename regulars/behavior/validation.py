"""Does the model know what comes next? Ranks of the products that came, among all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.behavior.model import BehaviorModel
from regulars.behavior.sequences import Sequences
from regulars.behavior.vocabulary import Ints

MOST = 4000
"""Customers to validate by: more make no choice between epochs surer."""
SCORED = 1024
K = 10


@dataclass(frozen=True)
class NextProduct:
    """Customers as of a moment, and the product each met next.

    Attributes
    ----------
    sequences : their events, those after the moment among them; the model is asked as of the moment.
    customer, time : (q,) whom to ask about, when.
    product : (q,) number of the product that came.
    """

    sequences: Sequences
    customer: Ints
    time: Ints
    product: Ints

    @classmethod
    def after(cls, sequences: Sequences, time: int, seed: int = 0) -> NextProduct:
        """Of the customers who had events before a moment and met a product after it; at most 4,000 of them."""
        owner = sequences.owner
        is_later = sequences.time >= time
        had = np.zeros(len(sequences.customers), bool)
        had[owner[~is_later]] = True
        at = np.flatnonzero(is_later & (sequences.fields["product"] > 0) & had[owner])
        who, first = np.unique(owner[at], return_index=True)
        if len(who) > MOST:
            chosen = np.sort(np.random.default_rng(seed).choice(len(who), MOST, replace=False))
            who, first = who[chosen], first[chosen]
        product = sequences.fields["product"][at[first]].astype(np.int64)
        some = np.zeros(len(sequences.customers), bool)
        some[who] = True
        kept = sequences.where(some[owner])
        return cls(kept, who, np.full(len(who), time, np.int64), product)

    def ndcg(self, model: BehaviorModel) -> float:
        """Mean of 1 / log2(rank + 1) within the first ten; 0 where there is nobody to ask about."""
        if not len(self.customer):
            return 0.0
        found = ranks(model, model.states(self.sequences, self.customer, self.time), self.product)
        return float(np.mean(np.where(found < K, 1 / np.log2(found + 2), 0.0)))


def ranks(
    model: BehaviorModel,
    states: npt.NDArray[np.float32],
    product: Ints,
    seen: Sequences | None = None,
    candidates: npt.NDArray[np.bool_] | None = None,
) -> Ints:
    """(q,) how many products are ranked above the one that came; from 0.

    Parameters
    ----------
    states : (q, D)
    product : (q,) what came.
    seen : histories of the q customers; what is in them is no candidate.
    candidates : (n + 1,) which products are ranked at all; what came and is none of them has a rank beyond all.
    """
    found = np.empty(len(product), np.int64)
    for low in range(0, len(product), SCORED):
        part = slice(low, low + SCORED)
        scores = model.scores(states[part])
        came = product[part]
        own = scores[np.arange(len(came)), came].copy()
        if candidates is not None:
            scores[:, ~candidates] = -np.inf
        if seen is not None:
            starts = seen.starts[low : low + len(came) + 1]
            row = np.repeat(np.arange(len(came)), np.diff(starts))
            scores[row, seen.fields["product"][starts[0] : starts[-1]]] = -np.inf
        scores[np.arange(len(came)), came] = -np.inf
        # A tie counts against the model: who gives all products one score knows nothing.
        found[part] = (scores >= own[:, None]).sum(1)
        if candidates is not None:
            found[part][~candidates[came]] = scores.shape[1]
    return found
