"""What the coming week would look like before it is approved, and what other limits would bring: from one solve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from regulars.lifecycle.arbitration.kernels import NONE
from regulars.lifecycle.decide import DAYS, Situation, left_out

STEPS = (0.5, 0.8, 1.25, 2.0)
"""Times as much of what is scarce, of which the plan tells what it would bring."""
LEAST_NETS = (0.1, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Plan:
    """The coming week.

    Attributes
    ----------
    actions : by action: customers a day, what it brings with its interval, what it costs, minutes.
    gain, low, high : money that all is expected to bring after costs, with the 95 % interval.
    bound : no plan within the same limits brings more.
    spent, minutes, contacts : of the week.
    scarce : what is scarce -> what one more unit of it would bring.
    what_if : limit -> {how much there would be: what would be brought at most}.
    least_net : an action must bring at least so much -> (contacts, what would be brought).
    left_out : reason -> customers. notes : what was not used.
    """

    actions: pa.Table
    gain: float
    low: float
    high: float
    bound: float
    spent: float
    minutes: float
    contacts: int
    scarce: Mapping[str, float]
    what_if: Mapping[str, Mapping[float, float]]
    least_net: Mapping[float, tuple[int, float]]
    left_out: Mapping[str, int]
    notes: tuple[str, ...]


def plan(now: Situation) -> Plan:
    """The plan of a situation; nothing is decided and nothing is written."""
    solved, offered = now.solved, now.offered
    who, day = np.nonzero(solved.taken != NONE)
    action = solved.taken[who, day].astype(np.int64)
    gain = solved.schedule.gain[who, action, day].astype(float)
    cost = solved.schedule.cost[who, action].astype(float)
    error = offered.error[now.open[who], action]
    each = len(offered.actions)
    minutes = np.array([one.minutes for one in offered.actions])
    is_contact = np.array([one.is_contact for one in offered.actions])

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(action, values, each)

    # Errors of one action are alike for all, so they are added: the interval is wide rather than too narrow.
    spread = summed(error)
    table = pa.table(
        {
            "action": pa.array([one.name for one in offered.actions]),
            **{f"day {d + 1}": np.bincount(action[day == d], minlength=each) for d in range(DAYS)},
            "gain": summed(gain).round(2),
            "gain_low": (summed(gain) - 1.96 * spread).round(2),
            "gain_high": (summed(gain) + 1.96 * spread).round(2),
            "cost": summed(cost).round(2),
            "minutes": summed(minutes[action]).round(1),
        }
    )
    reach = 1.96 * float(np.sqrt((spread**2).sum()))
    names = solved.schedule.names
    there = dict(zip(names, solved.schedule.there.tolist(), strict=True))
    what_if = {
        name: {step * there[name]: solved.if_there_were(**{name: step * there[name]}) for step in STEPS}
        for name in solved.binding
        if there[name] > 0
    }
    net = gain - cost
    least = {most: (int(is_contact[action][net >= most].sum()), float(net[net >= most].sum())) for most in LEAST_NETS}
    return Plan(
        table, solved.gain, solved.gain - reach, solved.gain + reach, solved.bound, float(cost.sum()),
        float(minutes[action].sum()), int(is_contact[action].sum()), solved.binding, what_if, least, left_out(now),
        offered.notes,
    )  # fmt: skip
