"""A receipt for each customer: what it gets, why, what that is expected to bring and costs; or why it gets nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.allocation.allocate import Allocation
from regulars.campaign.allocation.problem import Floats, Problem
from regulars.errors import InputError


def receipts(
    problem: Problem,
    allocation: Allocation,
    customers: pa.Array,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    currency: str,
) -> pa.Table:
    """One row for each contact, and one for each customer who gets none, in the order of customers.

    Parameters
    ----------
    customers : (n,) ids.
    low, high : (n, actions) the 95 % interval of the gain, cost not taken off.
    currency : its code, for the words.

    Returns
    -------
    customer_id, action (null where none), expected_gain, gain_low, gain_high, cost, expected_net (money; null where
    there is no action), and `why`, in a sentence.

    Raises
    ------
    InputError
        If there are not as many customers or intervals as the problem has.

    Examples
    --------
    >>> from regulars.campaign.allocation import Problem, allocate
    >>> problem = Problem.of([[3.0, 2.0], [0.05, -1.0]], cost=[0.5, 0.1], actions=["coupon", "message"])
    >>> table = receipts(problem, allocate(problem), pa.array(["ada", "bo"]), problem.gain - 1, problem.gain + 1, "EUR")
    >>> table["action"].to_pylist(), table["expected_net"].to_pylist()
    (['coupon', None], [2.5, None])
    >>> print(*table["why"].to_pylist(), sep="\\n")
    coupon brings 2.50 EUR after costs, the best of 2 possible; next is message with 1.90 EUR.
    No action brings more than it costs: the best, coupon, -0.45 EUR after costs.
    """
    lows, highs = np.asarray(low, np.float64), np.asarray(high, np.float64)
    if len(customers) != len(problem.gain) or lows.shape != problem.gain.shape or highs.shape != problem.gain.shape:
        raise InputError(f"{len(customers)} customers, intervals {lows.shape}: {problem.gain.shape} are expected.")
    has_any = allocation.chosen.any(1)
    row, action = np.nonzero(allocation.chosen)
    row, action = np.append(row, np.flatnonzero(~has_any)), np.append(action, np.full((~has_any).sum(), -1))
    order = np.lexsort((action, row))
    row, action = row[order], action[order]
    is_none = action < 0
    at = (row, np.maximum(action, 0))
    names = pa.array(problem.actions)

    def money(values: Floats) -> pa.Array:
        return pa.array(values[at].round(4), mask=is_none)

    return pa.table(
        {
            "customer_id": customers.take(pa.array(row)),
            "action": names.take(pa.array(action, mask=is_none)),
            "expected_gain": money(problem.gain),
            "gain_low": money(lows),
            "gain_high": money(highs),
            "cost": money(problem.cost),
            "expected_net": money(problem.gain - problem.cost),
            "why": _why(problem, allocation, row, action, currency),
        }
    )


def _why(
    problem: Problem,
    allocation: Allocation,
    row: npt.NDArray[np.int64],
    action: npt.NDArray[np.int64],
    currency: str,
) -> pa.Array:
    """A sentence for each row."""
    net = (problem.gain - problem.cost)[row]
    possible = np.isfinite(net).sum(1)
    lines = np.arange(len(row))
    mine = net[lines, np.maximum(action, 0)]
    others = np.where(allocation.chosen[row] & (action >= 0)[:, None], -np.inf, net)
    other = others.argmax(1) if net.shape[1] else np.zeros(len(row), int)
    best_other = others[lines, other]
    names = pa.array(problem.actions)
    chosen_name, other_name = names.take(pa.array(np.maximum(action, 0))), names.take(pa.array(other))
    unit = pa.scalar(f" {currency}")
    is_best = mine >= best_other
    head = _joined(chosen_name, " brings ", _amount(mine), unit, " after costs, ")
    next_one = _joined("; next is ", other_name, " with ", _amount(best_other), unit, ".")
    place = pc.if_else(
        pa.array(is_best),
        _joined("the best of ", pc.cast(pa.array(possible), pa.string()), " possible"),
        _joined("what budget and limits leave"),
    )
    better = _joined("; ", other_name, " would bring ", _amount(best_other), unit, ", and is worth more elsewhere.")
    alone = pa.array(~np.isfinite(best_other))
    tail = pc.if_else(alone, ".", pc.if_else(pa.array(is_best), next_one, better))
    is_owed = mine < 0
    given = pc.if_else(
        pa.array(is_owed),
        _joined(head, "and is given for the share that its group must have."),
        _joined(head, place, tail),
    )
    nothing = pc.if_else(
        pa.array(possible == 0),
        "No action is allowed for this customer.",
        pc.if_else(
            pa.array(problem.contacts[row] == 0),
            "The customer has had as many contacts as it may.",
            pc.if_else(
                pa.array(best_other <= 0),
                _joined("No action brings more than it costs: the best, ", other_name, ", ", _amount(best_other), unit,
                        " after costs."),
                _joined(other_name, " would bring ", _amount(best_other), unit,
                        " after costs; budget and limits are worth more elsewhere."),
            ),
        ),
    )  # fmt: skip
    return pc.if_else(pa.array(action < 0), nothing, given)


def _amount(values: Floats) -> pa.Array:
    """Two digits, without a loop over rows."""
    cents = np.rint(np.nan_to_num(values, neginf=0.0) * 100).astype(np.int64)
    sign = pc.if_else(pa.array(cents < 0), "-", "")
    whole = pc.cast(pa.array(np.abs(cents) // 100), pa.string())
    part = pc.utf8_lpad(pc.cast(pa.array(np.abs(cents) % 100), pa.string()), 2, "0")
    return _joined(sign, whole, ".", part)


def _joined(*parts: object) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")
