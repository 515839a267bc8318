"""What each action brings for each customer, a piece of their profiles at a time: what the engine calls.

In Spark executors call it. It reads nothing but the model, which is shipped with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.answers import answers, is_answer
from regulars.campaign.dataset import features_of
from regulars.campaign.drawn import Floats, Numbers
from regulars.campaign.model import CampaignModel
from regulars.campaign.reasons import Worth
from regulars.campaign.uplift import UpliftModel
from regulars.events.schema import TIME

if TYPE_CHECKING:
    import ibis

    from regulars.shop import Shop

PARTS = ("gain", "low", "high")
"""Of what an action brings: the mean, and the ends of its interval."""
ANYWAY = "margin_anyway"


@dataclass(frozen=True)
class Scored:
    """Customers as a model sees them, in the engine: of all of them only what is asked for comes into memory.

    Attributes
    ----------
    customers : (n,) ids.
    schema : of their profiles.
    """

    shop: Shop
    model: CampaignModel
    customers: pa.Array
    schema: pa.Schema
    _rows: ibis.Table

    def worth(self, may: npt.NDArray[np.bool_], costs: Floats) -> Worth | None:
        """What each action brings for each customer; None of a pilot.

        Parameters
        ----------
        may : (n, actions) what is permitted. costs : (actions,) of a contact.
        """
        if self.model.uplift is None:
            return None
        found = self._asked(_gains(self.model), self.customers)
        mean, low, high = (
            np.where(may, np.column_stack([found[_gain(part, k)] for k in range(len(costs))]), -np.inf)
            for part in PARTS
        )
        return Worth(mean, low, high, costs)

    def anyway(self, row: Numbers) -> Floats | None:
        """(d,) the margin expected of some customers who are left alone; None where that was not learned."""
        if self.model.anyway is None:
            return None
        return np.asarray(self._asked([ANYWAY], self.customers.take(pa.array(row)))[ANYWAY], np.float64)

    def profiles(self, row: Numbers) -> pa.Table:
        """(d,) what was known of some customers."""
        return self._asked(self.schema.names, self.customers.take(pa.array(row))).cast(self.schema)

    def _asked(self, names: list[str], ids: pa.Array) -> pa.Table:
        """(d,) columns, in the order of the ids."""
        those = self.shop.engine.table(pa.table({"customer_id": ids}))
        rows = self._rows.semi_join(those, "customer_id").select(*dict.fromkeys(["customer_id", *names]))
        found = self.shop.engine.to_arrow(rows)
        return found.take(pc.index_in(ids, found["customer_id"].combine_chunks())).select(names)


@contextmanager
def scored(shop: Shop, model: CampaignModel, customers: pa.Array, as_of: datetime) -> Iterator[Scored]:
    """What a model says of customers (n,) as of a moment, for as long as the context lasts."""
    whose = pa.table({"customer_id": customers})
    rows = shop.tables.rows("profile", shop.engine.table(whose), as_of)
    table = rows.table
    told = [name for name in model.names if is_answer(name)]
    if told:
        pairs = whose.append_column("as_of", pa.repeat(pa.scalar(as_of, TIME), len(customers)))
        columns = {f"answer_{k}": column for k, column in enumerate(answers(shop, pairs, told).T)}
        table = table.inner_join(shop.engine.table(pa.table({"customer_id": customers, **columns})), "customer_id")
    with shop.tables.scored(table, *_scoring(model, rows.schema, told)) as found:
        yield Scored(shop, model, customers, rows.schema, found)


def _scoring(
    model: CampaignModel, schema: pa.Schema, told: list[str]
) -> tuple[Callable[[pa.Table], pa.Table], pa.Schema]:
    """What scores a piece of profiles with answers, and the schema of what it gives: profiles, then scores."""
    names = [*_gains(model), *([] if model.anyway is None else [ANYWAY])]
    through = partial(_score, model=model, schema=schema, told=told)
    return through, pa.schema([*schema, *(pa.field(name, pa.float64()) for name in names)])


def _score(rows: pa.Table, model: CampaignModel, schema: pa.Schema, told: list[str]) -> pa.Table:
    place = {name: f"answer_{k}" for k, name in enumerate(told)}
    features = features_of(rows, [place.get(name, name) for name in model.names])
    found = rows.select(schema.names)
    scores = dict.fromkeys(_gains(model), np.empty(0))
    if model.anyway is not None:
        scores[ANYWAY] = np.empty(0)
    if len(features):
        if model.uplift is not None:
            scores |= _money(model.uplift, model.actions, features)
        if model.anyway is not None:
            scores[ANYWAY] = model.anyway.predict(features)
    for name, values in scores.items():
        found = found.append_column(name, pa.array(values))
    return found


def _money(uplift: UpliftModel, actions: tuple[str, ...], features: Floats) -> dict[str, Floats]:
    """The columns of `_gains`. An action that no trial had is not chosen, for nothing is known of it."""
    known = {name: k for k, name in enumerate(uplift.arms[1:])}
    nothing = np.full(len(features), -np.inf)
    return {
        _gain(part, k): effects[:, known[name]] * uplift.worth if name in known else nothing
        for part, effects in zip(PARTS, uplift.effects(features), strict=True)
        for k, name in enumerate(actions)
    }


def _gains(model: CampaignModel) -> list[str]:
    return [] if model.uplift is None else [_gain(part, k) for part in PARTS for k in range(len(model.actions))]


def _gain(part: str, action: int) -> str:
    # By number: names of campaigns may differ in case alone, and for Spark that is no difference.
    return f"{part}_{action}"
