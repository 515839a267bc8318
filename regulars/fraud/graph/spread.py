"""Risk that spreads: how much of what reaches a customer, a device or a card comes from known frauds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from regulars.fraud.graph.evidence import Floats
from regulars.fraud.graph.links import STRONG, Links, customers_of
from regulars.fraud.stream import Stream

STEP = 0.85
"""How likely a walk goes on from a customer of whom nothing is known (the damping of PageRank)."""
WEAK = 0.1
"""Weight of a link by IP beside one by a device or a card."""
TOLERANCE = 1e-6
MOST_STEPS = 200


class Risk(NamedTuple):
    """Risk: of all walks that reach somebody, the share that began at a known fraud.

    Attributes
    ----------
    customer : (customers,) in [0, 1].
    entity : (entities,) in [0, 1], of the columns of `Links`: devices, cards and all others.
    usual : the share of customers who are known frauds, which is what reaches a customer drawn by chance. So a risk of
        ten times as much means the same in every shop.
    """

    customer: Floats
    entity: Floats
    usual: float


def spread(links: Links, stream: Stream) -> Risk:
    """Walk from every customer over what is shared, and see which walks began at a known fraud.

    Personalised PageRank by power iteration. A walk stops by chance (1 - STEP), and the sooner the more attempts of the
    customer are known as honest: risk does not pass through whom the shop knows well. A row is worth the less the more
    there are (logarithm), a hub joins nobody, and an IP counts for little.

    Parameters
    ----------
    links : of the stream.
    stream : what was known: of labels those that it holds.

    Source
    ------
    Page, Brin, Motwani and Winograd (1999), The PageRank Citation Ranking: Bringing Order to the Web, section 6 (a
    source of rank that is not uniform).

    Examples
    --------
    Ada defrauds; Bo has her device, Cy has none of hers:

    >>> from regulars.fraud.graph.links import links
    >>> from regulars.fraud.stream import KIND
    >>> codes = {"customer": np.array([0, 1, 2]), "device": np.array([0, 0, 1])}
    >>> three = Stream(np.arange(3), np.zeros(3, np.int8), np.ones(3), np.arange(3), codes, {})
    >>> known = three.with_known(np.array([0]), np.array([3]), np.array([KIND["fraud"]], np.int8))
    >>> risk = spread(links(known), known)
    >>> risk.customer.round(2).tolist(), risk.entity.round(2).tolist()
    ([0.58, 0.42, 0.0], [0.5, 0.0])
    """
    customers = links.rows.shape[0]
    label, _ = stream.labels()
    buyer = customers_of(stream)[stream.attempts]
    frauds, honest = (
        np.bincount(buyer[(label == sign) & (buyer >= 0)], minlength=customers).astype(float) for sign in (1, 0)
    )
    goes_on = STEP * (1 + frauds) / (1 + frauds + honest)
    forth, back = _walk(links)
    # Side by side: walks that began at frauds, and all walks.
    start = np.stack([(frauds > 0).astype(float), np.ones(customers)], axis=1)
    reached = start
    for _ in range(MOST_STEPS):
        last = reached
        reached = start + back @ (forth @ (goes_on[:, None] * last))
        if np.abs(reached - last).max(initial=0.0) < TOLERANCE:
            break
    at_entity = forth @ reached
    usual = float(start[:, 0].mean()) if customers else 0.0
    return Risk(reached[:, 0] / reached[:, 1], at_entity[:, 0] / np.maximum(at_entity[:, 1], 1e-300), usual)


def _walk(links: Links) -> tuple[Any, Any]:
    """(entities, customers) and (customers, entities): shares of a step from one side to the other."""
    weight = np.log1p(links.rows.data) * np.where(links.is_of(STRONG), 1.0, WEAK)
    whole = sparse.csr_array((weight, links.rows.indices, links.rows.indptr), shape=links.rows.shape)
    return (_shares(whole, 1) @ whole).T.tocsr(), (whole @ _shares(whole, 0)).tocsr()


def _shares(whole: Any, axis: int) -> Any:
    total = whole.sum(axis=axis)
    return sparse.diags_array(np.divide(1.0, total, out=np.zeros_like(total), where=total > 0))
