"""How wrong the network was: of the next product, its type, its time, and the money that follows."""

from __future__ import annotations

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
    query: Tensor, target_vectors: Tensor, target: Tensor, negative_vectors: Tensor, negatives: Tensor, log_q: Tensor
) -> Tensor:
    """(p,) negative log-likelihood of products, each among itself and those drawn.

    Parameters
    ----------
    query, target_vectors : (p, D)
    target : (p,) numbers of products.
    negative_vectors, negatives : (m, D), (m,) drawn once for all; one that is the target is left out.
    log_q : (m,) logarithm of how often each is expected among the m: taken off, so that products drawn more often
        are not held down for it.

    Source
    ------
    Yi et al. (2019), Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations, section 4; left
    off at the target, which is there for certain: Klenitskiy et al. (2024), arXiv 2507.09331.

    Examples
    --------
    One product against itself alone is certain:

    >>> one = torch.ones(1, 1)
    >>> seven = torch.tensor([7])
    >>> sampled_softmax(one, one, seven, one, seven, torch.zeros(1)).item()
    0.0
    """
    positive = (query * target_vectors).sum(-1, keepdim=True)  # p, 1
    negative = query @ negative_vectors.T - log_q  # p, m
    negative = negative.masked_fill(negatives[None] == target[:, None], MASKED)
    found: Tensor = torch.logsumexp(torch.cat([positive, negative], 1), 1) - positive[:, 0]
    return found


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
