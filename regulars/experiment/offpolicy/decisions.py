"""What a capability decided, with which chance, and what came of it: from a shop's log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars import capability as capabilities
from regulars import decisions
from regulars.customers import later_worth
from regulars.engine.json import extract
from regulars.errors import NotEnoughError, NotFoundError
from regulars.experiment.offpolicy.logged import Logged
from regulars.experiment.offpolicy.overlap import Floats

if TYPE_CHECKING:
    from regulars.shop import Shop

Outcome = Literal["margin", "orders"]
SECONDS_A_DAY = 86_400
MOST_AWAY = 4.0
"""Standard deviations: of one customer far beyond them a linear model would expect anything."""


@dataclass(frozen=True)
class Decided:
    """The decisions of a capability whose outcome is known.

    Attributes
    ----------
    table : one row a decision: customer_id, as_of, policy, version, action, propensity, reward; by time and customer.
    actions : the actions, by name; their places are those of the columns of a target.
    left_out : how many decisions are too young for their outcome to be known.
    """

    table: pa.Table
    actions: tuple[str, ...]
    left_out: int

    @property
    def inverse(self) -> float:
        """The mean of 1 / propensity: where each action was possible and chances are right, the number of actions."""
        return float(np.mean(1 / self.table["propensity"].to_numpy()))

    def logged(self, context: Floats | None = None) -> Logged:
        """As a log to judge policies by; `context` is (n, d) of its rows, see `context_of`."""
        numbers = pc.index_in(self.table["action"].combine_chunks(), pa.array(self.actions, pa.string()))
        return Logged.of(
            numbers.to_numpy(zero_copy_only=False).astype(np.int64),
            self.table["reward"].to_numpy(),
            self.table["propensity"].to_numpy(),
            actions=len(self.actions),
            customers=self.table["customer_id"].combine_chunks().dictionary_encode().indices.to_numpy(),
            context=context,
        )

    def always(self, action: str) -> Floats:
        """(n, actions) the target of who always does the same; NotFoundError if it was never done."""
        if action not in self.actions:
            raise NotFoundError(f'The action "{action}" was never decided. There are: {", ".join(self.actions)}.')
        return np.tile(np.array([name == action for name in self.actions], float), (self.table.num_rows, 1))


def decided(
    shop: Shop, capability: str, days: int, outcome: Outcome = "margin", until: datetime | None = None
) -> Decided:
    """The decisions of a capability, and what each customer brought in the days from each on.

    Parameters
    ----------
    days : how long after a decision its outcome is counted.
    outcome : "margin" (of orders less returns, see `later_worth`) or "orders" (how many).
    until : only what was known before this moment; default: all.

    Raises
    ------
    NotFoundError
        If there is no such capability, or it decided nothing.
    NotEnoughError
        If of no decision the outcome is known yet.
    """
    capabilities.load(capability)
    end = min(until, shop.now) if until else shop.now
    events = shop.events
    made = events.filter(
        events.type == decisions.TYPE, events.event_id.startswith(f"{capability}-"), events.customer_id.notnull(),
        events.propensity.notnull(), events.outcome.notnull(), events.time < ibis.literal(end),
    )  # fmt: skip
    made = made.select("customer_id", "time", "outcome", "propensity", "properties", "event_id")
    found = shop.engine.to_arrow(made.order_by("time", "customer_id", "event_id"))
    if not found.num_rows:
        raise NotFoundError(f"{capability} decided nothing in {shop.folder}. Let it: regulars decide {capability}")
    last = pa.scalar(int(end.timestamp() * 1e6) - days * SECONDS_A_DAY * 1_000_000, pa.int64())
    is_over = pc.less_equal(found["time"].cast(pa.int64()), last)
    over = found.filter(is_over)
    if not over.num_rows:
        first = found["time"][0].as_py()
        raise NotEnoughError(
            f"{capability}: {found.num_rows:,} decisions, the first of {first:%Y-%m-%d}, and the log ends on "
            f"{end:%Y-%m-%d}: of none the {days} days after are over. Count fewer days, or import what came since."
        )
    return _with_rewards(shop, over, days, outcome, found.num_rows - over.num_rows)


def _with_rewards(shop: Shop, made: pa.Table, days: int, outcome: Outcome, left_out: int) -> Decided:
    pairs = pa.table({"customer_id": made["customer_id"], "as_of": made["time"]})
    worth = later_worth(shop, pairs, np.full(made.num_rows, float(days)))
    place = worth["place"].to_numpy()
    each = (
        worth["is_order"].to_numpy(zero_copy_only=False).astype(float)
        if outcome == "orders"
        else worth["margin"].to_numpy(zero_copy_only=False)
    )
    read = extract(made["properties"].combine_chunks(), [("policy",), ("model_version",)]).columns
    table = pa.table(
        {
            "customer_id": shop.identities.customers(pairs),
            "as_of": made["time"],
            "policy": read[0],
            "version": read[1].cast(pa.int64()),
            "action": made["outcome"],
            "propensity": made["propensity"],
            "reward": np.bincount(place, each, made.num_rows),
        }
    )
    return Decided(table, tuple(sorted(pc.unique(made["outcome"]).to_pylist())), left_out)


def context_of(shop: Shop, found: Decided) -> Floats:
    """(n, d) what the profiles say of each customer as of the decision: numbers, each of mean 0, spread 1.

    What is unknown is at the mean, and nothing is further away than four standard deviations.
    """
    profiles = shop.tables.of("profile", found.table.select(["customer_id", "as_of"]))
    columns = [
        profiles[name].cast(pa.float64()).to_numpy(zero_copy_only=False).astype(float)
        for name, kind in zip(profiles.schema.names, profiles.schema.types, strict=True)
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    ]
    known = np.column_stack([np.zeros((found.table.num_rows, 0)), *columns])
    known[~np.isfinite(known)] = np.nan
    is_there = np.isfinite(known)
    count = np.maximum(is_there.sum(axis=0), 1)
    away = np.where(is_there, known - np.where(is_there, known, 0).sum(axis=0) / count, 0.0)
    spread = np.sqrt((away**2).sum(axis=0) / count)
    scaled: Floats = (away[:, spread > 0] / spread[spread > 0]).clip(-MOST_AWAY, MOST_AWAY)
    return scaled
