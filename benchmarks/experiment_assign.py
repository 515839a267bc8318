"""Assigning customers in the engine: an experiment in a layer, ramped, with a hold-out, counted by arm.

Beside it the same four places by the engine's own MD5, each from the first 13 hexadecimal digits of a salted digest. And
the time of one decision of each bandit, after a reward.

    python -m benchmarks.experiment_assign
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.report import Row, save
from regulars.engine import Engine
from regulars.experiment.assign import Arm, Holdout, Plan
from regulars.experiment.bandits import Bandit, BetaThompson, Greedy, LinearThompson, LinearUCB, NormalThompson

CUSTOMERS = 10_000_000
DECISIONS = 200
MONDAY = datetime(2024, 5, 6, tzinfo=UTC)


def fastest(work: Callable[[], object], times: int = 5) -> float:
    """Seconds of the fastest of some runs."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def by_md5(customer_id: Any) -> Any:
    """The plan of `assignment`, by digits: 0.5 is 8, 0.8 is cc.., 0.05 is 0c..; null for who is not in it."""
    traffic, layer, holdout, arm = (
        (ibis.literal(f"{salt}/") + customer_id).hexdigest("md5").left(13)
        for salt in ("salt/traffic", "layer/prices", "holdout", "salt/arm")
    )
    is_in = (traffic < "8") & (layer < "ccccccccccccd") & (holdout >= "0cccccccccccd")
    return ibis.ifelse(is_in, ibis.ifelse(arm < "8", "control", "blue"), ibis.null("string"))


def assignment() -> list[Row]:
    """Ten million ids in Parquet."""
    plan = Plan("salt", (Arm("control", 0.5), Arm("blue", 0.5)), 0.5, "prices", 0.0, 0.8, Holdout(0.05, "holdout"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.parquet"
        ids = pa.array(np.char.add("customer-", np.arange(CUSTOMERS).astype(str)))
        pq.write_table(pa.table({"customer_id": ids}), path)
        engine = Engine(threads=2)
        rows = engine.parquet([path], pa.schema([("customer_id", pa.string())]))
        md5_arm = by_md5(rows.customer_id)
        ours = fastest(
            lambda: engine.to_arrow(rows.group_by(arm=plan.expression(rows.customer_id)).agg(n=rows.count()))
        )
        md5 = fastest(lambda: engine.to_arrow(rows.group_by(arm=md5_arm).agg(n=rows.count())), 2)
        memory = fastest(lambda: plan.numbers(ids), 3)
    peers = {"the same by md5": CUSTOMERS / md5}
    return [
        Row("hash assignment", "customers/s", "higher", CUSTOMERS / ours, peers),
        Row("hash assignment, an array in Python, one core", "customers/s", "higher", CUSTOMERS / memory),
    ]


def bandits() -> list[Row]:
    """Five arms, a reward after each decision, so that chances are worked out anew each time."""
    found = []
    for policy in (BetaThompson(), NormalThompson(1.0, 1.0), Greedy(), LinearThompson(8), LinearUCB(8)):
        bandit = Bandit("b", [f"arm {number}" for number in range(5)], policy, explore=0.1)
        rows = np.random.default_rng(0).normal(size=(DECISIONS, policy.features)).tolist()

        def work(bandit: Bandit = bandit, rows: list[list[float]] = rows) -> None:
            for row in rows:
                bandit.reward(bandit.choose(row, at=MONDAY).decision_id, 1.0, at=MONDAY)

        case = f"bandit of 5 arms, {policy.kind}: decision and reward"
        found.append(Row(case, "milliseconds", "lower", fastest(work, 3) / DECISIONS * 1e3))
    return found


if __name__ == "__main__":
    save("experiment", [*assignment(), *bandits()])
