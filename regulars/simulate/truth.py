"""The truth of a simulated shop, for whoever judges. Nothing else may import this: tests/test_layers.py holds it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars.errors import CorruptLogError, InputError, NotFoundError
from regulars.simulate.customers import ACTIONS
from regulars.simulate.record import FOLDER, TABLES, tables
from regulars.simulate.world import World


class Regret(NamedTuple):
    """How far decisions are from the best under the same constraints, in the shop's currency.

    Attributes
    ----------
    contacts : how many decisions; the oracle has as many, or fewer where more would do harm.
    profit : what they add in the mean.
    oracle : what the best would add, by the same actions.
    """

    contacts: int
    profit: float
    oracle: float

    @property
    def regret(self) -> float:
        """What was left."""
        return self.oracle - self.profit


@dataclass(frozen=True)
class Truth:
    """What is true of a simulated shop as of a moment; see docs/simulate.md for the columns.

    Examples
    --------
    >>> world = World("gifts", customers=200, seed=1, days=10)
    >>> truth = Truth.of(world)
    >>> nobody = pa.table({"customer_id": pa.array([], pa.string()), "action": pa.array([], pa.string())})
    >>> truth.regret(nobody).regret
    0.0
    """

    moment: datetime
    customers: pa.Table
    products: pa.Table
    rings: pa.Table
    frauds: pa.Table
    tickets: pa.Table
    policies: list[dict[str, Any]]

    @classmethod
    def of(cls, world: World) -> Self:
        """The truth of a world as it stands."""
        found, said = tables(world)
        return cls(moment=datetime.fromisoformat(said["moment"]), policies=said["policies"], **found)

    @classmethod
    def read(cls, shop: str | Path) -> Self:
        """The truth that lies beside a simulated shop's log, as of the log's end.

        Raises
        ------
        NotFoundError
            If the shop is not simulated.
        CorruptLogError
            If a file of the truth cannot be read.
        """
        home = Path(shop) / FOLDER
        if not home.is_dir():
            raise NotFoundError(f"{shop} has no truth: it is not simulated. Make one that is: regulars simulate DIR")
        try:
            said = json.loads((home / "oracle.json").read_text("utf-8"))
            found = {name: pq.read_table(home / f"{name}.parquet") for name in TABLES}
            return cls(moment=datetime.fromisoformat(said["moment"]), policies=said["policies"], **found)
        except (OSError, ValueError, KeyError) as error:
            raise CorruptLogError(f"{home} cannot be read ({error}). Simulate the shop again.") from None

    def value(self, decisions: pa.Table) -> npt.NDArray[np.float64]:
        """(d,) what each decision adds in the mean, by columns customer_id and action.

        Raises
        ------
        InputError
            For a customer or an action that there is not.
        """
        row = pc.index_in(decisions["customer_id"].combine_chunks(), self.customers["customer_id"].combine_chunks())
        action = pc.index_in(decisions["action"].combine_chunks(), pa.array(ACTIONS))
        for column, places in (("customer_id", row), ("action", action)):
            if places.null_count:
                first = int(np.flatnonzero(places.is_null().to_numpy(zero_copy_only=False))[0])
                wrong = decisions[column][first].as_py()
                raise InputError(f"decisions, row {first + 1}: {column} = {wrong!r}: there is no such in the truth.")
        found: npt.NDArray[np.float64] = self._values()[row.to_numpy(), action.to_numpy()]
        return found

    def best(self, contacts: int, actions: tuple[str, ...] = ACTIONS) -> pa.Table:
        """The oracle: the decisions that add most, one for each of at most so many customers who may be contacted.

        Returns
        -------
        Columns customer_id, action, value; the first is worth most, and none does harm.
        """
        columns = [ACTIONS.index(action) for action in actions]
        value = self._values()[:, columns]
        value = np.where(self.customers["may_be_contacted"].to_numpy()[:, None], value, -np.inf)
        most = value.max(1, initial=-np.inf)
        order = np.argsort(-most, kind="stable")[:contacts]
        order = order[most[order] > 0]
        return pa.table(
            {
                "customer_id": self.customers["customer_id"].take(pa.array(order)),
                "action": pa.array(np.array(actions, object)[value[order].argmax(1)], pa.string()),
                "value": most[order],
            }
        )

    def regret(self, decisions: pa.Table) -> Regret:
        """How far decisions (columns customer_id and action) are from the best: as many, by the same actions."""
        if not decisions.num_rows:
            return Regret(0, 0.0, 0.0)
        actions = tuple(pc.unique(decisions["action"]).to_pylist())
        profit = float(self.value(decisions).sum())
        oracle = float(np.sum(self.best(decisions.num_rows, actions)["value"].to_numpy()))
        return Regret(decisions.num_rows, profit, oracle)

    def _values(self) -> npt.NDArray[np.float64]:
        return np.stack([self.customers[f"value_{action}"].to_numpy() for action in ACTIONS], axis=1)
