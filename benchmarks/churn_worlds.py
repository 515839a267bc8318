"""Who leaves, on a grocer's baskets and on a simulated shop whose true rates and hazards are known."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.churn_peers import METRICS, forest, logistic
from benchmarks.report import Row
from regulars import Shop
from regulars.churn.dataset import dataset, features_of
from regulars.churn.model import inputs_of
from regulars.churn.training import train
from regulars.config import ShopSettings
from regulars.evaluation import auroc_score, expected_calibration_error
from regulars.simulate import World, simulate
from regulars.simulate.truth import Truth

Floats = npt.NDArray[np.float64]

CUSTOMERS, DAYS, HORIZON = 5_000, 455, 90


def journey(source: Path, folder: Path) -> list[Row]:
    """Households of completejourney (a sample of their basket lines), 30 days from 1 October 2017."""
    lines = pq.read_table(source)
    lines = lines.select(
        ["household_id", "basket_id", "product_id", "quantity", "sales_value", "transaction_timestamp"]
    )
    names = ["customer_id", "order_id", "product_id", "quantity", "amount", "time"]
    path = folder / "lines.parquet"
    pq.write_table(lines.rename_columns(names), path)
    shop = Shop.create(folder / "shop", ShopSettings(name="Grocer", currency="USD"))
    shop.import_(path)
    return judged(shop, datetime(2017, 10, 1, tzinfo=UTC), 30, "journey (completejourney), 30 days")[0]


def simulated(folder: Path) -> list[Row]:
    """A shop of fashion of 365 days, judged by the 90 after them; beside us what true rates and hazards say.

    They say it twice: as one who also knows who has left already, which no log tells; and as one who must guess that
    from the days since the last order.
    """
    case = "simulated shop, 90 days"
    simulate(folder / "shop", World("fashion", customers=CUSTOMERS, seed=1, days=DAYS))
    shop = Shop.open(folder / "shop")
    # The same world, left where the other is judged from.
    simulate(folder / "then", World("fashion", customers=CUSTOMERS, seed=1, days=DAYS - HORIZON))
    truth = Truth.read(folder / "then")
    rows, pairs, since, is_lost, risk = judged(shop, truth.moment, HORIZON, case)
    place = pc.index_in(pairs["customer_id"].combine_chunks(), truth.customers["customer_id"].combine_chunks())
    known = place.is_valid().to_numpy(zero_copy_only=False)
    at = place.drop_null().to_numpy()
    rate, hazard = (truth.customers[name].to_numpy()[at].astype(float) for name in ("visits_a_day", "hazard"))
    is_active = truth.customers["is_active"].to_numpy()[at]
    # Of a visit the chance to order, over all; between customers it differs far less than rates do.
    visits = float((truth.customers["visits_a_day"].to_numpy() * truth.customers["is_active"].to_numpy()).sum())
    ordered = shop.events.filter(shop.events.type == "order_completed")
    orders = shop.engine.to_arrow(ordered.order_id.nunique()).as_py() / DAYS
    often = rate * min(orders / visits, 1.0)
    stays = is_active * often / (often + hazard) * -np.expm1(-(often + hazard) * HORIZON)
    still = 1 / (1 + hazard / (often + hazard) * np.expm1((often + hazard) * np.minimum(since[known], 300)))
    guessed = still * often / (often + hazard) * -np.expm1(-(often + hazard) * HORIZON)
    ours = float(auroc_score(is_lost[known], risk[known]))
    for words, score in (("who has left known", stays), ("who has left guessed", guessed)):
        best = float(auroc_score(is_lost[known], -score))
        rows.append(Row(case, f"auroc of true rates and hazards, {words}", "higher", best))
        rows.append(Row(case, f"share of the auroc of true rates and hazards, {words}", "higher", ours / best))
    return rows


def judged(shop: Shop, as_of: datetime, days: int, case: str) -> tuple[list[Row], pa.Table, Floats, Floats, Floats]:
    """Ours and the peers' figures, the customers judged, days since their last order, who was lost, and our risk."""
    trained = train(shop, as_of, days)
    learned, found = dataset(shop, trained.moments, days), dataset(shop, [as_of], days)
    risk = trained.model.predict(features_of(inputs_of(shop, found.table, trained.model), trained.model.names))
    peers = {
        "recency only": logistic(learned, found, ["recency_days"]),
        "logistic on log rfm": logistic(learned, found, ["recency_days", "orders", "spend"]),
        "random forest, textbook": forest(learned, found),
    }
    metrics = {**METRICS, "ece": ("lower", expected_calibration_error)}
    rows = [
        Row(case, name, better, float(metric(found.is_lost, risk)),
            {peer: float(metric(found.is_lost, said)) for peer, said in peers.items()})
        for name, (better, metric) in metrics.items()
    ]  # fmt: skip
    since = found.features[:, found.names.index("recency_days")]
    return rows, found.table, since, found.is_lost, risk
