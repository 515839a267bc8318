"""Who takes part: one row a customer, from exposures; whoever saw two arms is left out and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.customers.identities import Identities
from regulars.errors import InputError, NotEnoughError
from regulars.events.schema import TIME

COLUMNS = ("customer_id", "variant", "exposed_at")


@dataclass(frozen=True)
class Enrolment:
    """The customers of an experiment.

    Attributes
    ----------
    table : customer_id, arm (its number), exposed_at (the first), place (0 to n - 1); by customer.
    jumped : customers who were exposed to more than one arm, and are not in the table.
    """

    table: pa.Table
    jumped: int

    @property
    def jumping(self) -> float:
        """The share of customers who saw more than one arm."""
        all_ = self.table.num_rows + self.jumped
        return self.jumped / all_ if all_ else 0.0


def enrol(
    assignments: pa.Table, arms: Sequence[str], since: datetime, as_of: datetime, identities: Identities
) -> Enrolment:
    """The customers that were exposed between two moments, each once.

    Parameters
    ----------
    assignments : customer_id (any id), variant, exposed_at; a row an exposure.
    arms : names of the variants; the number of an arm is its place here.
    identities : two ids of one customer are one customer, and if they saw different arms, that customer jumped.

    Raises
    ------
    InputError
        If a column is missing, or a variant is none of the arms.
    NotEnoughError
        If nobody was exposed yet.
    """
    for name in COLUMNS:
        if name not in assignments.column_names:
            raise InputError(
                f'assignments: no column "{name}". Found: {", ".join(assignments.column_names)}; '
                f"{', '.join(COLUMNS)} are expected."
            )
    rows = assignments.select(list(COLUMNS)).combine_chunks()
    rows = rows.set_column(2, "exposed_at", rows["exposed_at"].cast(TIME)).drop_null()
    arm = pc.index_in(rows["variant"], pa.array(list(arms), rows["variant"].type))
    unknown = rows.filter(pc.is_null(arm))
    if unknown.num_rows:
        raise InputError(f'assignments: variant "{unknown["variant"][0].as_py()}" is none of: {", ".join(arms)}.')
    rows = rows.append_column("arm", arm.cast(pa.int64()))
    inside = pc.and_(
        pc.greater_equal(rows["exposed_at"], pa.scalar(since, TIME)),
        pc.less(rows["exposed_at"], pa.scalar(as_of, TIME)),
    )
    rows = rows.filter(inside)
    if not rows.num_rows:
        raise NotEnoughError(f"Nobody was exposed from {since:%Y-%m-%d %H:%M} to {as_of:%Y-%m-%d %H:%M}.")
    pairs = pa.table({"customer_id": rows["customer_id"], "as_of": pa.repeat(pa.scalar(as_of, TIME), rows.num_rows)})
    rows = rows.set_column(0, "customer_id", identities.customers(pairs))
    one = rows.group_by("customer_id").aggregate([("arm", "min"), ("arm", "max"), ("exposed_at", "min")])
    stayed = pc.equal(one["arm_min"], one["arm_max"])
    kept = one.filter(stayed).sort_by("customer_id")
    table = pa.table(
        {
            "customer_id": kept["customer_id"],
            "arm": kept["arm_min"],
            "exposed_at": kept["exposed_at_min"],
            "place": pa.array(np.arange(kept.num_rows)),
        }
    )
    return Enrolment(table, one.num_rows - kept.num_rows)
