"""What did the program bring, and each capability in it? Beside customers who are left out for ever, by lot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.dataset import later
from regulars.decisions import TYPE
from regulars.errors import NotEnoughError, NotFoundError
from regulars.events.schema import TIME
from regulars.experiment import places
from regulars.experiment.stats import Moments, adjusted, difference, mean_of
from regulars.lifecycle.actions.facts import control_group
from regulars.lifecycle.model import NAME

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LEAST = 30
DAYS = 28
"""Days over which the daily turn and the letter tell what was brought."""
WEEK = 7
WHOLE = "the program"


@dataclass(frozen=True)
class Proof:
    """What something brought, beside those for whom it was not done.

    Attributes
    ----------
    what : "the program", or the capability that was left out.
    each, low, high : margin a customer, with the 95 % interval. total : over all for whom it was done.
    customers, left_out : how many.
    """

    what: str
    each: float
    low: float
    high: float
    total: float
    customers: int
    left_out: int

    @property
    def has_failed(self) -> bool:
        """Whether it is beyond luck that it lost money: then the policy goes back to the one before."""
        return self.high < 0


def without(ids: pa.Array, source: str, share: float) -> Mask:
    """(n,) for whom a capability does nothing, for ever: another part of the customers for each capability."""
    return np.asarray(places(f"lifecycle without {source}", ids) < share)


def compared(what: str, after: Floats, before: Floats, is_left_out: Mask) -> Proof:
    """From what customers (n,) brought after and before, and who was left out by lot.

    What they brought before is taken off as far as it foretold what came (CUPED): that is the same for both parts.

    Raises
    ------
    NotEnoughError
        If of one part there are fewer than 30.

    Examples
    --------
    >>> before = np.arange(200.0)
    >>> out = np.arange(200) % 2 == 0
    >>> found = compared("the program", before + np.where(out, 0.0, 1.0), before, out)
    >>> round(found.each, 2), round(found.total, 1), found.has_failed
    (1.0, 100.0, False)
    """
    out = int(is_left_out.sum())
    if min(out, len(after) - out) < LEAST:
        raise NotEnoughError(
            f"lifecycle: {out} customers were left out and {len(after) - out} were not; at least {LEAST} of each are "
            "needed to say what was brought. Raise [lifecycle] control, or wait for more customers."
        )
    both = np.column_stack([after, before])
    parts = [Moments.of(both[is_left_out]), Moments.of(both[~is_left_out])]
    square = float(((before - before.mean()) ** 2).sum())
    found = adjusted(parts, float(((before - before.mean()) ** 2).max() / square) if square else 0.0)
    arms = found.arms if found.health.is_sound else [mean_of(part) for part in parts]
    effect = difference(arms[1], arms[0])
    count = len(after) - out
    return Proof(what, effect.difference, effect.low, effect.high, effect.difference * count, count, out)


def acted(shop: Shop) -> tuple[str, ...]:
    """The capabilities by whose word something was done lately, as the newest decisions have it."""
    try:
        table = shop.tables.read(NAME, "decisions")
    except NotFoundError:
        return ()
    return tuple(sorted(name for name in pc.unique(table["source"]).to_pylist() if name))


def decided_by(shop: Shop, since: datetime, until: datetime) -> set[int]:
    """The versions of the model that decided between two moments; none where the first decision came a week later.

    What was brought is to be held against the model that decided, not against the one that is in use since.
    """
    events = shop.events
    made = events.filter(
        events.type == TYPE, events.event_id.startswith(f"{NAME}-"), events.time >= ibis.literal(since),
        events.time < ibis.literal(until),
    )  # fmt: skip
    version = made.event_id.split("-")[1].cast("int64")
    found = shop.engine.to_arrow(made.group_by(version=version).aggregate(first=made.time.min()))
    if not found.num_rows or pc.min(found["first"]).as_py() - since > timedelta(days=WEEK):
        return set()
    return set(found["version"].to_pylist())


def proofs(shop: Shop, since: datetime, until: datetime, sources: tuple[str, ...] = ()) -> list[Proof]:
    """What the program brought between two moments, and each of its capabilities by leaving it out.

    Customers who had ordered before `since`; what they brought in as many days before is the comparison.

    Raises
    ------
    NotEnoughError
        If the control group is too small.
    """
    days = max((until - since).days, 1)
    pairs = shop.customers(since)
    ids = pairs["customer_id"].combine_chunks()
    after, _ = later(shop, pairs, days)
    earlier = pa.repeat(pa.scalar(since - timedelta(days=days), TIME), len(ids))
    before, _ = later(shop, pa.table({"customer_id": ids, "as_of": earlier}), days)
    settings = shop.config.lifecycle
    control = control_group(ids, settings.control)
    found = [compared(WHOLE, after, before, control)]
    open_ = ~control
    for source in sources:
        out = without(ids.filter(pa.array(open_)), source, settings.leave_out)
        if min(out.sum(), (~out).sum()) >= LEAST:
            found.append(compared(source, after[open_], before[open_], out))
    return found
