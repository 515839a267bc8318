"""Ads: click chances, bids against learning rivals, pacing, and how fast a bid request is answered.

    python -m benchmarks.ads                    all cases (about twenty minutes on two cores)
    python -m benchmarks.ads pacing answer      some of: prediction, bidding, pacing, answer

All is simulated, so that the truth is known; nothing was chosen by the figures that are judged here.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.report import Row, save
from regulars.ads.bidding import Bidder
from regulars.ads.delivery import BrandSafety, Cap, Creative, Exposures, Placement, Rotation
from regulars.ads.openrtb import Campaign, Desk, answer
from regulars.ads.pacing import Pacer, SpendCurve

START = datetime(2024, 5, 1, tzinfo=UTC)
CUSTOMERS, CAMPAIGNS, CREATIVES = 100_000, 5, 4


class Values:
    """What each of many customers is worth, drawn."""

    def __init__(self) -> None:
        drawn = np.random.default_rng(0).lognormal(-5, 0.7, CUSTOMERS)
        self._values = {f"c{number}": float(value) for number, value in enumerate(drawn)}

    def value(self, customer: str | None, creative: Creative, place: Placement, at: datetime) -> float:
        return self._values.get(customer or "", 0.002)

    def may_see(self, customer: str) -> bool:
        return customer in self._values

    def is_held_out(self, customer: str) -> bool:
        return False


def desk() -> Desk:
    campaigns = []
    for number in range(CAMPAIGNS):
        name = f"k{number}"
        creatives = [Creative(f"{name}-{each}", name, "tea", 300, 250) for each in range(CREATIVES)]
        pacer = Pacer(200.0, SpendCurve(), START)
        campaigns.append(Campaign(name, Rotation(name, creatives, seed=number), Bidder("first", seed=number), pacer))
    caps = [Cap(3, timedelta(days=1)), Cap(10, timedelta(days=7))]
    return Desk(campaigns, Values(), BrandSafety("tea.example"), Exposures(caps, timedelta(minutes=30)), "USD")


def answers(requests: int = 20_000) -> list[Row]:
    """Bid requests one after another, with notices of wins, losses and clicks between them, in one process."""
    rng = np.random.default_rng(1)
    ours = desk()
    spent, waited, told, bids = [], [], [], 0
    warm = desk()
    if answer(b'{"id": "0", "imp": [{"id": "1"}], "cur": ["USD"]}', warm, START):
        warm.won("0/1", 0.001, START)  # what is compiled at first use is
    for number in range(requests):
        at = START + timedelta(seconds=number * 3)
        said = {
            "id": f"r{number}", "at": 1, "tmax": 100, "cur": ["USD"], "bcat": ["IAB25", "IAB26"],
            "imp": [{"id": "1", "banner": {"w": 300, "h": 250, "format": [{"w": 300, "h": 250}]}, "bidfloor": 0.2, "secure": 1}],
            "site": {"domain": "news.example", "cat": ["IAB12"], "page": "https://news.example/a"},
            "user": {"buyeruid": f"c{rng.integers(0, CUSTOMERS)}"}, "device": {"ua": "Mozilla/5.0", "ip": "192.0.2.1"},
        }  # fmt: skip
        body = json.dumps(said).encode()
        start, begin = time.perf_counter(), time.thread_time()
        found = answer(body, ours, at)
        spent.append(time.thread_time() - begin)
        waited.append(time.perf_counter() - start)
        if found is None:
            continue
        bids += 1
        price = json.loads(found)["seatbid"][0]["bid"][0]["price"] / 1000
        rival = float(rng.lognormal(-5.6, 0.6))
        begin = time.thread_time()
        if price > rival:
            ours.won(f"r{number}/1", price, at)
            ours.seen(f"r{number}/1", clicked=bool(rng.random() < 0.02), at=at)
        else:
            ours.lost(f"r{number}/1", at, rival=rival)
        told.append(time.thread_time() - begin)
    case = f"{requests:,} bid requests, {CAMPAIGNS} campaigns of {CREATIVES} creatives, first price, one core"
    milliseconds, notices = 1000 * np.array(spent), 1000 * np.array(told)
    return [
        Row(case, "answer, ms p50 of its core's time", "lower", float(np.percentile(milliseconds, 50))),
        Row(case, "answer, ms p99 of its core's time", "lower", float(np.percentile(milliseconds, 99))),
        Row(case, "answer, ms p99 by the clock, others running", "lower", 1000 * float(np.percentile(waited, 99))),
        Row(case, "notice with learning, ms p50", "lower", float(np.percentile(notices, 50))),
        Row(case, "notice with learning, ms p99", "lower", float(np.percentile(notices, 99))),
        Row(case, "notice with learning, ms largest", "lower", float(notices.max())),
        Row(case, "share answered with a bid", "higher", bids / requests),
    ]


def prediction() -> list[Row]:
    from benchmarks import ads_prediction

    return ads_prediction.bench()


def bidding() -> list[Row]:
    from benchmarks import ads_bidding

    return ads_bidding.bench()


def pacing() -> list[Row]:
    from benchmarks import ads_pacing

    return ads_pacing.bench()


CASES: dict[str, Callable[[], list[Row]]] = {
    "prediction": prediction, "bidding": bidding, "pacing": pacing, "answer": answers,
}  # fmt: skip

if __name__ == "__main__":
    for case in sys.argv[1:] or list(CASES):
        save("ads", CASES[case]())
