"""Where the nodes of a small graph stand, so that near in the graph is near on the page."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csgraph

from regulars.fraud.graph.evidence import Floats

ROUNDS = 300
STILL = 1e-5
"""It ends when a round lowers the stress by less than this share."""


def layout(graph: Any) -> Floats:
    """(n, 2) places of the nodes, about a distance of 1 for each step of the graph; the same graph, the same places.

    Parameters
    ----------
    graph : (n, n) sparse or dense, symmetric; whatever is not 0 is an edge.

    Source
    ------
    Gansner, Koren and North (2004), Graph Drawing by Stress Majorization, equations 1 and 6.

    Examples
    --------
    Of a path of three nodes the ends stand about two apart:

    >>> places = layout(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]))
    >>> round(float(np.linalg.norm(places[0] - places[2])), 1)
    2.0
    """
    steps = csgraph.shortest_path(graph, directed=False, unweighted=True)
    count = len(steps)
    finite = np.isfinite(steps)
    # Parts that hang together by nothing stand a little further apart than the longest way within one.
    steps = np.where(finite, steps, steps[finite].max(initial=0.0) + 1)
    weight = np.divide(1.0, steps**2, out=np.zeros_like(steps), where=steps > 0)
    # A spiral: no two nodes start at one place, and no chance is needed.
    angle = np.arange(count) * 2.399963
    places = np.sqrt(np.arange(count) + 0.5)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    inverse = np.linalg.pinv(np.diag(weight.sum(1)) - weight)
    before = np.inf
    for _ in range(ROUNDS):
        apart = np.linalg.norm(places[:, None] - places[None], axis=2)
        stress = float((weight * (apart - steps) ** 2).sum())
        if before - stress <= STILL * before and before < np.inf:
            break
        before = stress
        pull = -weight * np.divide(steps, apart, out=np.zeros_like(steps), where=apart > 1e-9)
        np.fill_diagonal(pull, -pull.sum(1))
        places = inverse @ (pull @ places)
    return _turned(places)


def _turned(places: Floats) -> Floats:
    """Centred, its longest way lying: pages are wider than high."""
    centred = places - places.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    found: Floats = centred @ axes.T if len(centred) > 1 else centred
    return found
