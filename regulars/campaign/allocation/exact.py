"""Small allocations, solved to the end by HiGHS."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix, vstack

from regulars.campaign.allocation.problem import Problem
from regulars.errors import InputError

SECONDS = 60.0


def solve(problem: Problem) -> tuple[npt.NDArray[np.bool_], float]:
    """(n, actions) the best allocation, and a bound that no other exceeds.

    Raises
    ------
    InputError
        If budget, limits and floors cannot all hold.
    """
    people, actions = problem.gain.shape
    if not people:
        return np.zeros((0, actions), bool), 0.0
    may = np.isfinite(problem.gain)
    net = np.where(may, problem.gain - problem.cost, 0.0).ravel()
    columns = np.arange(people * actions)
    owner, action = columns // actions, columns % actions
    blocks = [csr_matrix((np.ones(len(columns)), (owner, columns)), (people, len(columns)))]
    low = [np.zeros(people)]
    high = [problem.contacts.astype(np.float64)]
    if np.isfinite(problem.budget):
        blocks.append(csr_matrix(problem.cost.ravel()[None]))
        low.append(np.zeros(1))
        high.append(np.array([problem.budget]))
    if len(problem.limits):
        blocks.append(csr_matrix(problem.counted[:, action].astype(np.float64)))
        low.append(np.zeros(len(problem.limits)))
        high.append(problem.most)
    if len(problem.floors):
        is_in = problem.floor_of[owner] == np.arange(len(problem.floors))[:, None]
        blocks.append(csr_matrix(is_in.astype(np.float64)))
        low.append(problem.least)
        high.append(np.full(len(problem.floors), np.inf))
    found = milp(
        -net,
        integrality=np.ones(len(columns)),
        bounds=Bounds(0, may.ravel().astype(np.float64)),
        constraints=LinearConstraint(vstack(blocks), np.concatenate(low), np.concatenate(high)),
        options={"time_limit": SECONDS, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise InputError(
            "budget, limits and floors cannot all hold: no allocation fills the floors within them. Lower a floor's "
            "share, or raise the budget or a limit."
        )
    return found.x.reshape(people, actions) > 0.5, -float(found.mip_dual_bound)
