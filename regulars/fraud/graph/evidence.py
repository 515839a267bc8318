"""What speaks for a ring: how much a group shares, and what it does more often than the rest of the shop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.fraud.graph.components import Groups
from regulars.fraud.graph.links import Links
from regulars.fraud.stream import KIND, LATEST, UNKNOWN, Ints, Stream

Floats = npt.NDArray[np.float64]

HABITS = ("coupon", "refunded", "declined", "cards", "failed", "fraud")
"""What groups do: orders with a coupon, orders sent back, payments declined, payments by one more card of a customer,
sign-ins that failed, and attempts known as fraud."""
SIGNS = ("size", "shared_card", *HABITS)
"""All that the score rests on, in order of `Evidence.values`."""


@dataclass(frozen=True)
class Evidence:
    """What is known of each group.

    Attributes
    ----------
    count, of : {habit: (groups,)} how often, of how many occasions.
    usual : {habit: the share in the whole shop}.
    cards : (groups,) customers whose card another customer of the group uses too.
    values : (groups, signs) by `SIGNS`: doublings of a lone customer; doublings of one customer with a shared card;
        logarithms of 1 + the surprise of each habit.
    """

    count: dict[str, Floats]
    of: dict[str, Floats]
    usual: dict[str, float]
    cards: Ints
    values: Floats


def evidence(stream: Stream, links: Links, groups: Groups) -> Evidence:
    """Count what stands behind each group; rows of accounts that it took over are its own."""
    number = len(groups.customers)
    behind = np.where(stream.withdrawn_at == LATEST, groups.of_rows(stream, links), UNKNOWN)
    rows = {
        kind: _counted(behind[(behind >= 0) & (stream.kind == KIND[kind])], number)
        for kind in ("attempt", "coupon", "refunded", "declined", "fraud", "sign_in", "sign_in_failed")
    }
    paying = links.is_of(("payment",))
    payer = links.customer[paying]
    # The first card of a customer says nothing: further ones do.
    cards = _counted(groups.of_customer[payer], number) - _counted(groups.of_customer[np.unique(payer)], number)
    with_card = stream.codes["payment"] >= 0 if "payment" in stream.codes else np.zeros(len(stream), bool)
    paid = _counted(behind[(behind >= 0) & (stream.kind == KIND["attempt"]) & with_card], number)
    signed_in = rows["sign_in"] + rows["sign_in_failed"]
    failed = rows["sign_in_failed"]
    count = {name: rows[name] for name in ("coupon", "refunded", "declined", "fraud")}
    count |= {"cards": cards, "failed": failed}
    of = dict.fromkeys(HABITS, rows["attempt"]) | {"cards": paid, "failed": signed_in}
    usual = {name: float(count[name].sum() / max(of[name].sum(), 1.0)) for name in HABITS}
    others = {name: _without(count[name], of[name]) for name in HABITS}
    sharing = links.sharing(groups.joins)
    by_card = np.unique(links.customer[paying & groups.joins & (sharing[links.entity] > 1)])
    shared_card = _counted(groups.of_customer[by_card], number)
    values = [np.log2(np.maximum(groups.customers, 1)), np.log2(np.maximum(shared_card, 1))]
    values += [np.log1p(surprise(count[name], of[name], others[name])) for name in HABITS]
    return Evidence(count, of, usual, shared_card.astype(np.int64), np.stack(values, axis=1))


def surprise(count: Floats, of: Floats, share: float | Floats) -> Floats:
    """How much likelier a count is by its own share than by the usual one: nats, 0 where it is not above the usual.

    Parameters
    ----------
    count, of : (n,) how often something was done, of how many occasions.
    share : one or (n,), in [0, 1], how often all others do it.

    Examples
    --------
    One order of ten with a coupon is usual; nine of ten are not:

    >>> surprise(np.array([1.0, 9.0, 10.0]), np.array([10.0, 10.0, 10.0]), 0.1).round(1).tolist()
    [0.0, 17.6, 23.0]
    """
    base = np.clip(share, 1e-6, 1 - 1e-6)
    occasions = np.maximum(np.maximum(of, count), 1.0)
    own = count / occasions
    with np.errstate(divide="ignore", invalid="ignore"):
        done = np.where(count > 0, count * np.log(own / base), 0.0)
        not_done = np.where(own < 1, (occasions - count) * np.log((1 - own) / (1 - base)), 0.0)
    # By rounding the sum can come out a little under 0.
    found: Floats = np.where(own > base, np.maximum(done + not_done, 0.0), 0.0)
    return found


def _without(count: Floats, of: Floats) -> Floats:
    """(groups,) what share the rest of the shop has, drawn to a half where the rest is small: nothing is odd there."""
    found: Floats = (count.sum() - count + 0.5) / np.maximum(of.sum() - of + 1.0, count.sum() - count + 1.0)
    return found


def _counted(places: Ints, number: int) -> Floats:
    return np.bincount(places, minlength=number).astype(float)
