"""Why does the model expect this? The past events that weigh most."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
import torch.nn.functional as F
from torch import Tensor

from regulars.behavior.buckets import EDGES_DAYS
from regulars.behavior.dataset import sequences_of
from regulars.behavior.model import BehaviorModel
from regulars.behavior.sequences import Sequences
from regulars.behavior.tokens import Tokens
from regulars.behavior.transformer import Where
from regulars.behavior.use import model_as_of
from regulars.clock import micros
from regulars.errors import NotFoundError
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.shop import Shop

MOST_EVENTS = 256
"""So many of the last events are read and weighed: each costs a pass over all."""
TOKENS = 16_384
"""Of passes that are made at once."""
RETURN_DAYS = 30


def explain(
    shop: Shop,
    customer_id: str,
    as_of: datetime,
    product_id: str | None = None,
    n: int = 5,
    model: BehaviorModel | None = None,
    kind: str | None = "order_completed",
) -> pa.Table:
    """Which past events make the model expect a product next, or the customer's return within 30 days?

    An event's contribution is what the log-odds of the chance would lose, had the model not looked at it: all else
    stays as it is, the time of the other events too. It tells what the model goes by, not what would be if the event
    had not happened; and where two events say the same, each alone is worth little.

    Parameters
    ----------
    product_id : explain the chance that this is the next product, as `next_products` gives it; None for the chance of
        a return within 30 days, as `hazard` gives it.
    n : how many events, >= 1; there may be fewer.
    model : default the newest that learned from nothing at or after `as_of`.
    kind : in which type of event the product would be met; None for whichever.

    Returns
    -------
    At most n rows, the one that weighs most first: `time`, `type` and `product_id` of the event (null where the model
    has no number of its own for it), `contribution` to the log-odds (above 0 it speaks for, below 0 against) and
    `share`, the contribution's size over that of all events together, 0 to 1.

    Raises
    ------
    ValueError
        If n is below 1.
    NotFoundError
        If the customer has no event before the moment, the model does not know the product, or no model is that old.

    Source
    ------
    Li, Monroe and Jurafsky (2016), Understanding Neural Networks through Representation Erasure (arXiv 1612.08220).
    Gradient x input (Shrikumar et al., 2016, arXiv 1605.01713) would cost less, but each event is normed before it is
    looked at: its size does not count, so the gradient has nothing in its direction, and with one layer every product
    of the two is 0.
    """
    if n < 1:
        raise ValueError(f"n is {n}; at least 1 is expected")
    model = model or model_as_of(shop, as_of).model
    product = int(model.vocabulary.numbers([product_id])[0]) if product_id is not None else None
    if product == 0:
        raise NotFoundError(f'The behaviour model does not know the product "{product_id}".')
    asked = pa.table({"customer_id": [customer_id], "as_of": pa.array([as_of], TIME)})
    customer = shop.identities.customers(asked)[0].as_py()
    sequences = sequences_of(shop, model.vocabulary, as_of, [customer])
    if not len(sequences.time):
        raise NotFoundError(f'Customer "{customer_id}" has no event before {as_of:%Y-%m-%d %H:%M}.')
    found = contributions(model, sequences, micros(as_of), product, kind)
    size = np.abs(found)
    # The later of two that weigh the same stands first.
    best = np.lexsort((-np.arange(len(found)), -size))[:n]
    at = len(sequences.time) - len(found) + best
    return pa.table(
        {
            "time": pa.array(sequences.time[at], pa.int64()).cast(TIME),
            "type": _named(model.vocabulary.types, sequences.fields["type"][at]),
            "product_id": _named(model.vocabulary.products, sequences.fields["product"][at]),
            "contribution": pa.array(found[best].astype(np.float64)),
            "share": pa.array((size[best] / max(size.sum(), 1e-30)).astype(np.float64)),
        }
    )


def contributions(
    model: BehaviorModel, sequences: Sequences, time: int, product: int | None, kind: str | None
) -> npt.NDArray[np.float32]:
    """What the log-odds of a chance owe to each event of a customer; see `explain`.

    Parameters
    ----------
    model : one that knows times.
    sequences : of one customer, all before the moment.
    time : the moment, microseconds since 1970.
    product : its number; None for the return.

    Returns
    -------
    (k,) of the last k events, in their order; k is all of them, but at most 256.
    """
    asked = np.array([0])
    tokens = Tokens.of(sequences, model.vocabulary, asked, asked + len(sequences.time), asked + time)
    last = slice(-MOST_EVENTS - 1, None)  # the very last is the question
    network = model.network.eval()
    device = network.norm.weight.device
    number = 1 + model.vocabulary.types.index(kind) if kind in model.vocabulary.types else 0
    with torch.inference_mode():
        vectors = network.products()
        x = network.embed(torch.from_numpy(tokens.fields[last])[None].to(device).long(), vectors)  # 1, T, D
        place, when = (torch.from_numpy(values[last])[None].to(device) for values in (tokens.place, tokens.time))
        count = x.shape[1]
        # Row j hides event j: others look at a token of this kind as little as at a question. The last hides none.
        hidden = torch.eye(count, dtype=torch.bool, device=device)
        odds = []
        for low in range(0, count, max(TOKENS // count, 1)):
            rows = hidden[low : low + max(TOKENS // count, 1)]
            where = Where(
                torch.zeros_like(rows, dtype=torch.long), place.expand(rows.shape), when.expand(rows.shape), rows
            )
            states = network(x.expand(len(rows), -1, -1), where)[:, -1]  # rows, D
            if product is None:
                odds.append(_odds_of_return(network.hazard_head(states)))
            else:
                types = torch.full((len(rows),), number, device=device)
                query = network.mean_query(states) if kind is None else network.product_query(states, types)
                odds.append(_odds_among(query @ vectors.T, product))
        found = torch.cat(odds)
    weights: npt.NDArray[np.float32] = (found[-1] - found[:-1]).float().cpu().numpy()
    return weights


# Log-odds, not chances: where the model is all but sure, a chance hardly moves.


def _odds_among(scores: Tensor, product: int) -> Tensor:
    """(q,) the log-odds of one product against all others, from scores (q, n + 1); the first is of no product."""
    others = torch.arange(scores.shape[1], device=scores.device)
    return scores[:, product] - scores[:, (others > 0) & (others != product)].logsumexp(1)


def _odds_of_return(logits: Tensor) -> Tensor:
    """(q,) the log-odds of an event within 30 days, from hazards (q, bins)."""
    passed = F.softplus(logits[:, : int(np.searchsorted(EDGES_DAYS, RETURN_DAYS)) + 1]).sum(1)
    return passed + torch.log(-torch.expm1(-passed))


def _named(names: Sequence[str], numbers: npt.NDArray[np.int32]) -> pa.Array:
    return pa.array([names[number - 1] if number else None for number in numbers.tolist()], pa.string())
