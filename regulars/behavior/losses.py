"""How wrong the network was: of the next product, its type, its time, and the money that follows."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

MASKED = float("-inf")


def full_softmax(query: Tensor, vectors: Tensor, target: Tensor) -> Tensor:
    """(p,) negative log-likelihood of products (p,) among all but number 0.

    Parameters
    ----------
    query : (p, D)
    vectors : (n + 1, D) of all products by number.
    """
    logits = query @ vectors.T  # p, n + 1
    logits[:, 0] = MASKED
    return F.cross_entropy(logits, target, reduction="none")


def sampled_softmax(
    query: Tensor, pairs: Pairs, target_vectors: Tensor, negative_vectors: Tensor, log_q: float
) -> Tensor:
    """(p,) negative log-likelihood of products, each among those that came of its query and those drawn.

    Parameters
    ----------
    query : (u, D)
    pairs : which product came of which query.
    target_vectors : (p, D) of the products that came.
    negative_vectors : (m, D) of products drawn once for all queries, each at most once; all of them for a full softmax.
    log_q : logarithm of the chance of each to be drawn: taken off, so that the few stand for all.

    Source
    ------
    Yi et al. (2019), Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations, section 4. Not
    taken off what came, which is there for certain: Khrylchenko et al. (2025), Correcting the LogQ Correction, arXiv
    2507.09331.

    Examples
    --------
    One product against itself alone is certain; against another as likely, drawn by half, it is one of three:

    >>> import math
    >>> one, zero, no = torch.ones(1, 1), torch.tensor([0]), torch.tensor([-1])
    >>> sampled_softmax(one, Pairs(zero, zero, zero), one, one, 0.0).item()
    0.0
    >>> sampled_softmax(one, Pairs(zero, zero, no), one, one, -math.log(2)).exp().round().item()
    3.0
    """
    negative = (query @ negative_vectors.T).float()  # u, m
    hit = pairs.place >= 0
    negative = negative.index_put_((pairs.query[hit], pairs.place[hit]), negative.new_tensor(MASKED))
    positive = (F.embedding(pairs.query, query) * target_vectors).sum(-1)  # p
    came = negative.new_full((len(query), int(pairs.slot.max()) + 1), MASKED)
    came = came.index_put((pairs.query, pairs.slot), positive)  # u, slots
    # Two sums, joined: to lay both side by side would copy what is drawn, the largest table of a step.
    others = torch.logsumexp(negative, 1, keepdim=True) - log_q
    return torch.logsumexp(torch.cat([came, others], 1), 1)[pairs.query] - positive


class Pairs(NamedTuple):
    """Products that came of queries.

    Attributes
    ----------
    query, slot : (p,) of which query, and the number of the pair among those of its query.
    place : (p,) where among the products drawn this one is, -1 for nowhere.
    """

    query: Tensor
    slot: Tensor
    place: Tensor


def hazard_loss(logits: Tensor, bins: Tensor, has_next: Tensor) -> Tensor:
    """(t,) negative log-likelihood of when the next event comes, as discrete hazards.

    Parameters
    ----------
    logits : (t, bins) of the chance to come in each bin, for who has not come before it.
    bins : (t,) the bin it came in; of who has not come, the last that passed whole, -1 for none.
    has_next : (t,) whether it came.

    Source
    ------
    Gensheimer and Narasimhan (2019), A Scalable Discrete-Time Survival Model for Neural Networks, equation 3.

    Examples
    --------
    An even chance in each bin: who came in the second has survived one and come in one:

    >>> round(hazard_loss(torch.zeros(1, 3), torch.tensor([1]), torch.tensor([True])).item(), 4)
    1.3863
    """
    number = torch.arange(logits.shape[1], device=logits.device)
    came = (number[None] == bins[:, None]) & has_next[:, None]
    passed = (number[None] <= bins[:, None]) & ~came
    return (F.softplus(logits) * passed + F.softplus(-logits) * came).sum(1)


def spend_loss(found: Tensor, spend: Tensor) -> Tensor:
    """(t,) negative log-likelihood of money: nothing with some chance, else lognormal.

    Parameters
    ----------
    found : (t, 3) the chance of any (as log-odds), and mean and spread (before softplus) of its logarithm.
    spend : (t,) >= 0

    Source
    ------
    Wang, Liu and Miao (2019), A Deep Probabilistic Model for Customer Lifetime Value Prediction, section 3.
    """
    any_, mean, spread = found.unbind(-1)
    is_some = spend > 0
    scale = F.softplus(spread) + 0.05
    log = torch.log(spend.clamp(min=0.01))
    amount = torch.log(scale) + 0.5 * ((log - mean) / scale) ** 2
    return F.binary_cross_entropy_with_logits(any_, is_some.float(), reduction="none") + amount * is_some


def expected_spend(found: Tensor) -> Tensor:
    """(t,) the mean of what `spend_loss` describes; the spread is held below 3, where a mean would say nothing."""
    any_, mean, spread = found.unbind(-1)
    scale = (F.softplus(spread) + 0.05).clamp(max=3.0)
    return torch.sigmoid(any_) * torch.exp((mean + 0.5 * scale**2).clamp(max=20))


def survival(logits: Tensor) -> Tensor:
    """(t, bins) the chance that nothing has come by the end of each bin."""
    return torch.exp(-F.softplus(logits).cumsum(1))
