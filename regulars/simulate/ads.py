"""Auctions for attention: first or second price, rivals that bid, days that move them all, budgets that end."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regulars.simulate.customers import Customers
from regulars.simulate.params import AdParams
from regulars.simulate.randomness import generator
from regulars.simulate.raw import CHANNEL, CODES, Rows, blank
from regulars.simulate.treatments import AD, PERSUADABLE

PURPOSE = 6
LIKED, UNLIKED = 1.5, 0.8
"""Times as likely as the mean that the persuadable, and that others, click."""
UNCLICKED = 0.3
"""Share of an ad's effect that being shown has without a click."""

Amounts = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


def auctions(
    customer: Indices,
    bid: Amounts,
    budget: Amounts,
    campaign: Indices,
    propensity: Amounts,
    day: int,
    seed: int,
    said: AdParams,
    customers: Customers,
) -> tuple[Rows, Indices, Amounts]:
    """A day of auctions for the attention of customers.

    Parameters
    ----------
    customer, bid, budget, campaign, propensity : (d,) for whom how much is bid; the budget is the campaign's.

    Returns
    -------
    The events; (w,) customers who were shown an ad, and (w,) the share of its effect that it has.
    """
    rng = generator(seed, PURPOSE, day)
    # The day moves all rivals together; drawn first, so that it is the same whoever bids.
    level = np.log(said.rival_bid) + said.shock * rng.normal()
    # As many for each customer as a Poisson number for each would give: drawn together it takes a tenth of the time.
    held = rng.integers(0, len(customers), rng.poisson(said.per_week / 7 * len(customers)))
    rival = np.exp(level + said.rival_spread * rng.normal(size=len(held)))
    moment = rng.random(len(held)) * 15 * 3600e6 + 8 * 3600e6
    draw = rng.random(len(held))
    place = np.full(len(customers), -1)
    place[customer] = np.arange(len(customer))
    mine = place[held]
    is_won = (mine >= 0) & (bid[mine] > rival) if len(customer) else np.zeros(len(held), bool)
    won = np.flatnonzero(is_won)
    won = won[np.argsort(moment[won], kind="stable")]
    ours = mine[won]
    cost = bid[ours] if said.auction == "first" else rival[won]
    within = _within(cost, campaign[ours], budget[ours])
    won, ours, cost = won[within], ours[within], cost[within]
    who = held[won]
    rows = blank(len(won))
    rows["customer"], rows["type"], rows["channel"] = who, CODES["ad_shown"], CHANNEL["social"]
    rows["price"] = np.rint(cost * 10_000).astype(np.int64)
    rows["campaign"], rows["propensity"] = campaign[ours], propensity[ours]
    rows["time"] = moment[won].astype(np.int64)
    likes = np.where(customers.kind[who, AD] == PERSUADABLE, LIKED, UNLIKED)
    is_clicked = draw[won] < said.click_share * likes
    clicked = rows[is_clicked].copy()
    clicked["type"], clicked["price"], clicked["propensity"] = CODES["ad_clicked"], -1, 0
    clicked["time"] += 4_000_000
    return np.concatenate([rows, clicked]), who, np.where(is_clicked, 1.0, UNCLICKED)


def _within(cost: Amounts, campaign: Indices, budget: Amounts) -> npt.NDArray[np.bool_]:
    """Which of the auctions won, in order of time, a campaign can still pay for."""
    order = np.argsort(campaign, kind="stable")
    spent = np.cumsum(cost[order])
    ordered = campaign[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(order) else order
    before = np.concatenate(([0.0], spent))[starts]
    spent = spent - np.repeat(before, np.diff(np.append(starts, len(order))))
    within = np.empty(len(order), bool)
    within[order] = spent <= budget[order]
    return within
