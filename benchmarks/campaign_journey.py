"""A grocer's coupons: campaigns mailed to chosen households. Who redeems one because it was mailed?

A row is a household and a campaign: mailed or not, and whether it redeemed a coupon of it; nobody can who was not mailed.
No lot chose: propensities are estimated from what was known the day before. Households are split in halves; one is
learned from, the other judged, ten times. Beside stand two response models: who is most likely to buy the products of
the coupons, mailed or not, and who is most likely to redeem, learned from all rows without the arm.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.report import Row
from regulars.campaign.uplift import Trial, fit, observed, targeting
from regulars.campaign.uplift.boosted import grow
from regulars.campaign.uplift.scores import doubly_robust_scores, expected_apart

Floats = npt.NDArray[np.float64]

SPLITS = 10
FIRST = pd.Timestamp("2017-03-15")
"""Earlier campaigns have no past in the log to know households by."""


def rows(data: Path) -> pd.DataFrame:
    """One for each household and campaign: features of the day before, `mailed`, `redeemed`, `bought`."""
    lines = pd.read_parquet(data / "journey_transactions_sample.parquet")
    lines["time"] = pd.to_datetime(lines["transaction_timestamp"])
    campaigns = pd.read_parquet(data / "journey_campaigns.parquet")
    coupons = pd.read_parquet(data / "journey_coupons.parquet")
    about = pd.read_parquet(data / "journey_campaign_descriptions.parquet")
    about["start_date"], about["end_date"] = pd.to_datetime(about["start_date"]), pd.to_datetime(about["end_date"])
    redeemed = pd.read_parquet(data / "journey_coupon_redemptions.parquet")
    redeemed["date"] = pd.to_datetime(redeemed["redemption_date"])
    homes = np.union1d(campaigns["household_id"].unique(), lines["household_id"].unique())
    known_until = lines["time"].max()
    found = []
    for row in about.itertuples():
        if row.start_date < FIRST or row.end_date > known_until:
            continue
        offered = set(coupons.loc[coupons["campaign_id"] == row.campaign_id, "product_id"])
        if not offered:
            continue
        before = lines[lines["time"] < row.start_date]
        during = lines[(lines["time"] >= row.start_date) & (lines["time"] <= row.end_date)]
        mine = before[before["product_id"].isin(offered)]
        table = pd.DataFrame(index=homes)
        per = before.groupby("household_id")
        table["lines"], table["spend"] = per.size(), per["sales_value"].sum()
        recent = before[before["time"] >= row.start_date - pd.Timedelta(days=60)].groupby("household_id")
        table["lines 60 d"] = recent.size()
        table["discounts"] = per["retail_disc"].sum()
        table["coupons used"] = (before["coupon_disc"] > 0).groupby(before["household_id"]).sum()
        table["offered before"] = mine.groupby("household_id").size()
        past = about[about["start_date"] < row.start_date]["campaign_id"]
        table["mailed before"] = campaigns[campaigns["campaign_id"].isin(past)].groupby("household_id").size()
        table["redeemed before"] = redeemed[redeemed["date"] < row.start_date].groupby("household_id").size()
        table = table.fillna(0.0)
        table["share of products"] = len(offered) / 92331
        table["days"] = (row.end_date - row.start_date).days
        for kind in ("Type A", "Type B", "Type C"):
            table[kind] = float(row.campaign_type == kind)
        table["mailed"] = table.index.isin(campaigns.loc[campaigns["campaign_id"] == row.campaign_id, "household_id"])
        users = redeemed.loc[redeemed["campaign_id"] == row.campaign_id, "household_id"]
        table["redeemed"] = table.index.isin(users) & table["mailed"]
        buyers = during.loc[during["product_id"].isin(offered), "household_id"]
        table["bought"] = table.index.isin(buyers)
        found.append(table[table["lines"] > 0].reset_index(names="household"))
    return pd.concat(found, ignore_index=True)


def bench(data: Path) -> list[Row]:
    """The area under TOC weighed by share (QINI), by doubly robust scores of the half that was not learned from."""
    table = rows(data)
    names = [name for name in table.columns if name not in ("household", "mailed", "redeemed", "bought")]
    homes = table["household"].unique()
    print(len(table), "rows,", table["mailed"].mean(), "mailed", table["bought"].mean(), "bought", file=sys.stderr)
    areas: dict[str, list[float]] = {"ours": [], "most likely to buy": [], "most likely to redeem": []}
    for seed in range(SPLITS):
        half = set(np.random.default_rng(seed).permutation(homes)[: len(homes) // 2])
        is_learned = table["household"].isin(half).to_numpy()
        learned, judged = (_trial(table[chosen], names) for chosen in (is_learned, ~is_learned))
        model = fit(learned)
        scores = doubly_robust_scores(judged, expected_apart(judged))
        part = table[is_learned]
        said = {"ours": model.effects(judged.features).mean[:, 0]}
        for name, outcome in (("most likely to buy", "bought"), ("most likely to redeem", "redeemed")):
            trees = grow(part[names].to_numpy(float), part[outcome].to_numpy(float), "binary")
            said[name] = np.asarray(trees.predict(judged.features))
        for name, each in said.items():
            areas[name].append(1e4 * targeting(each, scores[:, 1] - scores[:, 0]).qini)
        print(seed, model.learner, {name: round(each[-1], 2) for name, each in areas.items()}, file=sys.stderr)
    means = {name: float(np.mean(each)) for name, each in areas.items()}
    ours = means.pop("ours")
    case = "journey coupons"
    found = [Row(case, "incremental redemption ranking, qini by aipw x 1e4", "higher", ours, means)]
    for name in means:
        gain = np.array(areas["ours"]) - np.array(areas[name])
        reach = 1.96 * float(gain.std() / np.sqrt(SPLITS))
        words = f"difference to {name}"
        found.append(
            Row(case, f"{words}, lower end of 95 % interval over splits", "higher", float(gain.mean()) - reach)
        )
        found.append(
            Row(case, f"{words}, upper end of 95 % interval over splits", "higher", float(gain.mean()) + reach)
        )
    return found


def _trial(part: pd.DataFrame, names: list[str]) -> Trial:
    trial, overlap = observed(
        part[names].to_numpy(float), part["mailed"].to_numpy(int), part["redeemed"].to_numpy(float),
        kind="binary", arms=["none", "coupons"], names=names,
    )  # fmt: skip
    print(overlap, file=sys.stderr)
    return trial
