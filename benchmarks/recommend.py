"""What to show: ours beside the customer's own history, popularity, item-kNN, EASE, iALS and the behaviour model alone.

    python -m benchmarks.recommend            all cases (about two hours on two quiet cores)
    python -m benchmarks.recommend retail     some of: retail, beauty, sessions, live, batch, loop, offpolicy

What the customers bought who came back within 30 days, all products; and only those that were new to them. Settings of
the peers are chosen by the 30 days before.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.next_item import Histories
from benchmarks.next_item_peers import PEERS
from benchmarks.report import Row, save
from regulars import Shop
from regulars.config import ShopSettings
from regulars.evaluation import Hits, hits, spread
from regulars.recommend.candidates import Ints, Top
from regulars.recommend.dataset import Outcome, head_as_of
from regulars.recommend.features import Products
from regulars.recommend.lists import without
from regulars.recommend.past import Past, past_of
from regulars.recommend.sources import Own, Popular
from regulars.recommend.training import Trained, train

AS_OF, DAYS, K = datetime(2011, 9, 10, tzinfo=UTC), 30, 20
EPOCHS = 10
"""Of the behaviour model, of size `small`."""

Lists = Callable[[bool], Ints]
"""(n, k) products for the customers who are asked about; only new ones, if so asked."""


@dataclass(frozen=True)
class Asked:
    """Who came back, and what they bought: all of it, and what they had not had before."""

    past: Past
    bought: Outcome
    had: Ints

    @classmethod
    def of(cls, shop: Shop, past: Past) -> Asked:
        return cls(past, Outcome.within(shop, past, DAYS), past.had)

    def figures(self, lists: Ints, only_new: bool) -> Hits:
        """Measures of each customer's list; of who bought nothing new none where only new products count."""
        width = self.past.products + 1
        owner = np.repeat(np.arange(len(self.bought.customer)), np.diff(self.bought.starts))
        key = self.bought.customer[owner] * width + self.bought.product
        counts = ~np.isin(key, self.had) if only_new else np.ones(len(key), bool)
        taken = np.bincount(owner[counts], minlength=len(self.bought.customer))
        named = np.isin(self.bought.customer[:, None] * width + lists, key[counts]) & (lists > 0)
        return hits(named[taken > 0], taken[taken > 0])

    def of_scores(self, scores: np.ndarray, only_new: bool) -> Ints:
        """(n, k) from scores (n, products) of all products, by number less 1."""
        scores = np.hstack([np.full((len(scores), 1), -np.inf), np.asarray(scores)])
        if only_new:
            owner, product = np.divmod(self.had, self.past.products + 1)
            place = np.full(len(self.past.sequences.customers), -1)
            place[self.bought.customer] = np.arange(len(self.bought.customer))
            inside = place[owner] >= 0
            scores[place[owner[inside]], product[inside]] = -np.inf
        return Top.of_scores(scores.astype(np.float32), K).products

    def histories(self) -> Histories:
        """What each customer bought, each product once, in the order of time."""
        events = self.past.with_product
        bought = events.is_bought
        pairs, first = np.unique(
            events.customer[bought] * (self.past.products + 1) + events.product[bought], return_index=True
        )
        pairs = pairs[np.lexsort((first, pairs // (self.past.products + 1)))]
        owner, product = np.divmod(pairs, self.past.products + 1)
        counts = np.bincount(owner, minlength=len(self.past.sequences.customers))
        return Histories(np.concatenate([[0], np.cumsum(counts)]), product - 1, self.past.products)


def shop_of(folder: Path) -> Shop:
    """Online Retail, with a behaviour model that learned before the moment, and an earlier one beside it."""
    shop = Shop.create(folder, ShopSettings(name="Online Retail", currency="GBP", timezone="Europe/London"))
    path = folder / "shop.toml"
    path.write_text(path.read_text().replace("# epochs = 20", f"epochs = {EPOCHS}"))
    shop = Shop.open(folder)
    shop.import_(Path(str(files("regulars.demo") / "online_retail.parquet")))
    model, report = shop.learn("behavior", AS_OF)
    print(report.verdict, flush=True)
    shop.models.use("behavior", model.version)
    return shop


def peers(shop: Shop) -> Iterator[tuple[str, Asked, Lists]]:
    """Each peer with settings chosen a horizon earlier, and how it answers."""
    now, before = (Asked.of(shop, past_of(shop, moment)) for moment in (AS_OF, AS_OF - timedelta(days=DAYS)))
    for name in ("item-knn", "ease", "ials"):
        peer = PEERS[name]

        def judged(settings: dict[str, Any], asked: Asked = before, peer: Any = peer) -> float:
            known = asked.histories()
            scores = peer.fit(known, **settings)(known.of(asked.bought.customer))
            return float(asked.figures(asked.of_scores(scores, False), False).ndcg.mean())

        best = max(peer.settings, key=judged)
        known = now.histories()
        scores = np.asarray(peer.fit(known, **best)(known.of(now.bought.customer)))
        print(name, best, flush=True)
        yield name, now, lambda only_new, scores=scores: now.of_scores(scores, only_new)
    every = np.arange(now.past.products + 1) > 0
    part = now.past.of(now.bought.customer)
    for source in (Own, Popular):
        top = source.fit(now.past).top(part, now.past.products, every)
        yield {"own": "own history with decay"}.get(source.name, source.name), now, _from_top(now, top)
    head = head_as_of(shop, AS_OF)
    assert head is not None
    yield "behaviour head", now, _from_top(now, head.top(part, now.past.products, every))


def _from_top(asked: Asked, top: Top) -> Lists:
    scores = np.full((len(top.products), asked.past.products + 1), -np.inf, np.float32)
    is_named = top.products > 0
    scores[np.nonzero(is_named)[0], top.products[is_named]] = top.scores[is_named]
    return lambda only_new: asked.of_scores(scores[:, 1:], only_new)


def ours(trained: Trained, asked: Asked) -> Lists:
    """Ours; where only new products count, the others are left out by the shop's own rule."""
    part = asked.past.of(asked.bought.customer)
    ranked = trained.model.rank(part, Products.of(asked.past), trained.head)
    return lambda only_new: (without(ranked, part.had, part.products + 1) if only_new else ranked).top(K)


def bench() -> list[Row]:
    """Recall, NDCG and coverage of both questions."""
    with tempfile.TemporaryDirectory() as folder:
        shop = shop_of(Path(folder) / "shop")
        asked = Asked.of(shop, past_of(shop, AS_OF))
        start = time.perf_counter()
        trained = train(shop, AS_OF)
        seconds = time.perf_counter() - start
        print(*trained.notes, sep="\n", flush=True)
        answers = {"ours": ours(trained, asked)} | {name: lists for name, _, lists in peers(shop)}
        without = ours(train(shop, AS_OF, helps=False), asked)
    rows = []
    had = np.bincount(asked.had % (asked.past.products + 1), minlength=asked.past.products + 1).astype(float)
    for case, only_new in (
        ("online retail, next 30 days after 2011-09-10, all products", False),
        ("online retail, same, only products new to the customer", True),
    ):
        found = {name: lists(only_new) for name, lists in answers.items()}
        measured = {name: asked.figures(lists, only_new) for name, lists in found.items()}
        for metric in ("recall", "ndcg"):
            values = {name: float(getattr(each, metric).mean()) for name, each in measured.items()}
            error = getattr(measured["ours"], metric)
            rows.append(Row(case, f"{metric}@20", "higher", values.pop("ours"), values))
            rows.append(Row(case, f"{metric}@20, standard error", "lower", float(error.std() / np.sqrt(len(error)))))
        plain = asked.figures(without(only_new), only_new)
        rows.append(Row(case, "ndcg@20 without the behaviour model", "higher", float(plain.ndcg.mean())))
        shown = {
            name: spread(lists, had, len(asked.past.sequences.customers)).coverage for name, lists in found.items()
        }
        rows.append(Row(case, "coverage", "higher", shown.pop("ours"), shown))
    rows.append(Row("online retail", "seconds to learn", "lower", seconds))
    return rows


def _beauty() -> list[Row]:
    from benchmarks import next_item_blend

    return next_item_blend.bench()


def _sessions() -> list[Row]:
    from benchmarks import sessions

    return sessions.bench()


def _live() -> list[Row]:
    from benchmarks import recommend_scale

    return recommend_scale.bench_live()


def _batch() -> list[Row]:
    from benchmarks import recommend_scale

    return recommend_scale.bench_batch()


def _loop() -> list[Row]:
    from benchmarks import recommend_simulated

    return recommend_simulated.loop()


def _offpolicy() -> list[Row]:
    from benchmarks import recommend_simulated

    return recommend_simulated.offpolicy()


CASES = {
    "retail": bench, "beauty": _beauty, "sessions": _sessions, "live": _live, "batch": _batch, "loop": _loop,
    "offpolicy": _offpolicy,
}  # fmt: skip

if __name__ == "__main__":
    for case in sys.argv[1:] or list(CASES):
        save("recommend", CASES[case]())
