"""The contract: what every capability offers, on one screen.

A capability is a package that answers one question about customers. It meets this protocol with
plain functions in its `__init__`, and is found by the entry point group `regulars.capabilities`, so
that whoever adds one changes nothing here. What is the same for all (versions, the gate on reports,
writing and logging of decisions) is done once, by `Shop`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import pyarrow as pa

from regulars.errors import NotFoundError

if TYPE_CHECKING:
    import ibis

    from regulars.evaluation import Report, Split
    from regulars.shop import Shop

GROUP = "regulars.capabilities"

DECISION = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("policy", pa.string(), nullable=False),
        pa.field("propensity", pa.float64(), nullable=False),
        pa.field("reasons", pa.list_(pa.string()), nullable=False),
        pa.field("inputs_hash", pa.string(), nullable=False),
        pa.field("disclosure", pa.string()),
    ]
)
"""The columns that every decision has, whatever others its capability adds.

`policy` names the rule that chose, `propensity` is the chance with which it chose this action, in (0, 1];
`inputs_hash` is of the values it was chosen by; `disclosure` is what the customer must be told, if anything.
"""


@dataclass(frozen=True)
class Learned:
    """What a capability learned: `files` hold the model (no pickle among them), `about` says how it was
    made, `report` how good it is."""

    files: Mapping[str, bytes]
    about: Mapping[str, Any]
    report: Report


class Rows(NamedTuple):
    """Rows that are not computed before the engine is asked, and what their columns mean (which an engine does not
    keep)."""

    table: ibis.Table
    schema: pa.Schema


class Capability(Protocol):
    """What `regulars learn`, `evaluate` and `decide` call. `__doc__` says what question it answers."""

    __doc__: str | None

    def learn(self, shop: Shop, until: datetime) -> Learned:
        """Learn from events before `until`."""

    def evaluate(self, shop: Shop, split: Split) -> Report:
        """Learn from events before the split's as-of time, judge by those after it, of which there are some."""


class Deciding(Capability, Protocol):
    """A capability that acts."""

    def decide(self, shop: Shop, as_of: datetime) -> pa.Table:
        """What to do for which customer, in the columns of `DECISION` and its own, the first first.

        The table's metadata may say `left_out`: how many customers had forbidden it.
        """


class Describing(Capability, Protocol):
    """A capability that knows something of each customer, which others read through the shop's tables."""

    def table(self, shop: Shop, pairs: pa.Table) -> pa.Table:
        """One row for each of the pairs (customer_id, as_of), in their order.

        Each column's metadata says in words what it is: `meaning` and `unit`.
        """


class Spanning(Describing, Protocol):
    """One that describes more customers than memory holds."""

    def rows(self, shop: Shop, customers: ibis.Table, as_of: datetime) -> Rows:
        """As `table`, of customers (a column, customer_id) as of one moment, in any order."""


@cache
def names() -> tuple[str, ...]:
    """The capabilities there are, by name."""
    return tuple(sorted(point.name for point in entry_points(group=GROUP)))


def load(name: str) -> Capability:
    """A capability by its name; NotFoundError, listing those there are, if there is none."""
    for point in entry_points(group=GROUP, name=name):
        return cast(Capability, point.load())
    raise NotFoundError(f'There is no capability "{name}". There are: {", ".join(names())}.')
