"""How customers answered each action before: a person who opens the spring letters opens the next one.

Columns are counts, named "ACTION: sent" and so on: learners know by the names that they mean the same for all actions.
How much a few answers tell of a customer is learned from all, see `uplift.kinds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.actions import NONE, Action
from regulars.campaign.uplift.kinds import ANSWERS

if TYPE_CHECKING:
    from regulars.campaign.drawn import Floats
    from regulars.shop import Shop

KINDS = ("message_sent", "message_opened", "message_clicked")
"""Events, in the order of `ANSWERS`."""


def answer_names(arms: Sequence[str]) -> tuple[str, ...]:
    """Of all columns.

    >>> answer_names(("none", "spring by email"))
    ('spring by email: sent', 'spring by email: opened', 'spring by email: clicked')
    """
    return tuple(f"{arm}: {name}" for arm in arms if arm != NONE for name in ANSWERS)


def is_answer(name: str) -> bool:
    """Whether a feature is one of `answer_names`.

    >>> is_answer("spring by email: opened"), is_answer("orders")
    (True, False)
    """
    return name.endswith(tuple(f": {each}" for each in ANSWERS))


def answers(shop: Shop, pairs: pa.Table, names: Sequence[str]) -> Floats:
    """(n, k) columns of `answer_names`, as of each pair's moment.

    Parameters
    ----------
    pairs : (n,) customer_id and as_of.
    """
    if not names:
        return np.zeros((pairs.num_rows, 0))
    arms = list(dict.fromkeys(name.rpartition(": ")[0] for name in names))
    found = np.zeros((pairs.num_rows, len(arms), len(KINDS)))
    counted = _counted(shop, pairs, sorted({Action.of(arm).what for arm in arms}))
    for number, arm in enumerate(arms):
        here = counted.filter(pc.equal(counted["campaign_id"], Action.of(arm).what))
        place = here["place"].to_numpy()
        for kind, name in enumerate(KINDS):
            found[place, number, kind] = here[name].to_numpy()
    column = {f"{arm}: {name}": (k, j) for k, arm in enumerate(arms) for j, name in enumerate(ANSWERS)}
    return np.column_stack([found[:, *column[name]] for name in names])


def _counted(shop: Shop, pairs: pa.Table, campaigns: Sequence[str]) -> pa.Table:
    """Messages before each pair's moment: place, campaign_id, and how many of each of `KINDS`."""
    members = shop.engine.table(shop.identities.members(pairs))
    lines = shop.identities.raw(shop.events)
    lines = lines.filter(lines.type.isin(KINDS), lines.campaign_id.isin(campaigns))
    lines = lines.select("customer_id", "time", "type", "campaign_id")
    met = lines.join(members, "customer_id")
    met = met.filter(met.time < met.as_of)
    return shop.engine.to_arrow(
        met.group_by("place", "campaign_id").aggregate(
            **{kind: (met.type == kind).cast("int64").sum() for kind in KINDS}
        )
    )
