"""The next product of a session, asked before it is learned: ours beside VSKNN, co-visitation and popularity.

    python -m benchmarks.realtime            all cases
    python -m benchmarks.realtime sessions   some of: sessions, retail, cost, start

Each click of a test session but its first is asked for by the clicks before it, then learned by all: ours and the
counting peers at once, VSKNN by being fitted again after every hour of the test. Settings, ours and the peer's, are
chosen on the last fifth of what came before.
"""

from __future__ import annotations

import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.next_item import Histories
from benchmarks.report import Row, save
from benchmarks.sessions import DATA, K, Scorer, neighbours
from regulars.realtime import snapshot
from regulars.realtime.candidates import Blend, first
from regulars.realtime.customers import CUSTOMER, fresh, note
from regulars.realtime.dataset import Events
from regulars.realtime.kinds import HOUR, KIND, SECOND
from regulars.realtime.learner import Learner, Lessons
from regulars.realtime.live import Live
from regulars.realtime.model import tried

Ints = np.ndarray
RETAIL_DAYS = 14


@dataclass
class Clicks:
    """Clicks in the order of time; those from `test` on are asked for."""

    session: Ints
    item: Ints
    time: Ints
    test: int
    is_last: bool = True

    @property
    def products(self) -> int:
        return int(self.item.max())

    def lessons(self) -> Lessons:
        return Lessons(self.session, self.item, self.time, np.ones(len(self.time)))

    def validation(self) -> Clicks:
        """The last fifth of what comes before the test, asked for in the same way."""
        n = self.test
        return Clicks(self.session[:n], self.item[:n], self.time[:n], int(0.8 * n), is_last=False)


def yoochoose() -> Clicks:
    """YooChoose as session-rec samples it; the last day is the test."""
    return _read(f"""
        SELECT SessionId AS session, ItemId AS item, CAST("Time" * 1e6 AS BIGINT) AS time, split = 'test' AS is_test
        FROM read_parquet('{DATA}') ORDER BY is_test, time, session
    """)


def retail() -> Clicks:
    """Online Retail: the lines of an order one after the other; the last fourteen days are the test."""
    source = files("regulars.demo") / "online_retail.parquet"
    return _read(f"""
        SELECT concat(CustomerID, ' ', InvoiceDate) AS session, Description AS item, epoch_us(InvoiceDate) AS time,
               InvoiceDate >= (SELECT max(InvoiceDate) FROM read_parquet('{source}')) - INTERVAL {RETAIL_DAYS} DAY AS is_test
        FROM read_parquet('{source}', file_row_number = true)
        WHERE Quantity > 0 AND UnitPrice > 0 AND CustomerID IS NOT NULL AND Description IS NOT NULL
        ORDER BY time, session, file_row_number
    """)


def _read(query: str) -> Clicks:
    rows = duckdb.sql(query).fetchnumpy()
    session = np.unique(np.asarray(rows["session"]).astype(str), return_inverse=True)[1].astype(np.int64)
    item = np.unique(np.asarray(rows["item"]).astype(str), return_inverse=True)[1].astype(np.int64) + 1
    is_test = np.asarray(rows["is_test"])
    return Clicks(session, item, np.asarray(rows["time"], np.int64), int(np.flatnonzero(is_test)[0]))


def learner_of(sessions: int, products: int) -> Learner:
    """One that knows everybody by number."""
    learner = Learner()
    learner._names = [str(number) for number in range(sessions)]
    learner.products = [None, *(str(number) for number in range(1, products + 1))]
    return learner


MOST_ASKED = 15_000
"""Of more clicks every so-manieth is asked for, by all; all are learned."""


def asked(clicks: Clicks) -> Iterator[tuple[int, list[int]]]:
    """Each place that is asked for, with the clicks of its session before it; the session may have begun earlier."""
    step = -(-(len(clicks.time) - clicks.test) // (MOST_ASKED // (1 if clicks.is_last else 5)))
    known: dict[int, list[int]] = defaultdict(list)
    is_late = set(clicks.session[clicks.test :].tolist())
    for place, (session, item) in enumerate(zip(clicks.session.tolist(), clicks.item.tolist(), strict=True)):
        if session in is_late:
            if place >= clicks.test and place % step == 0 and known[session]:
                yield place, known[session]
            known[session].append(item)


def ours(clicks: Clicks, blends: list[Blend]) -> np.ndarray:
    """(blends, questions) places."""
    learner, lessons = learner_of(int(clicks.session.max()) + 1, clicks.products), clicks.lessons()
    weights = np.column_stack([blend.weights for blend in blends])
    found, learned = [], 0
    for place, known in asked(clicks):
        learner.learn(lessons.part(learned, place))
        learned = place
        session, now = int(clicks.session[place]), int(clicks.time[place])
        items, visit = learner.session_of(session, now)
        if not len(items):  # after more than half an hour
            items, visit = np.array(list(dict.fromkeys(known[::-1]))[::-1], np.int64), -1
        some = learner.candidates(items, visit, now)
        at = np.flatnonzero(some.product == clicks.item[place])
        scores = some.features @ weights
        found.append([_rank(each, at) for each in scores.T])
    return np.array(found).T


def _rank(scores: np.ndarray, at: np.ndarray) -> float:
    """Of equal scores half count as better, as in `benchmarks.sessions`."""
    if not len(at):
        return float("inf")
    own = scores[at[0]]
    return 1 + float((scores > own).sum()) + (float((scores == own).sum()) - 1) / 2


def counting(clicks: Clicks) -> dict[str, np.ndarray]:
    """What followed the last click most, and what was clicked most; learned at once."""
    follows: dict[int, Counter[int]] = defaultdict(Counter)
    counts = np.zeros(clicks.products + 1)
    last: dict[int, int] = {}
    wanted = {place for place, _ in asked(clicks)}
    found: dict[str, list[float]] = {"co-visitation of the last product": [], "popularity": []}
    for place, (session, item) in enumerate(zip(clicks.session.tolist(), clicks.item.tolist(), strict=True)):
        before = last.get(session)
        if place in wanted and before is not None:
            found["popularity"].append(_rank(counts, np.array([item])))
            next_ = follows[before]
            names = np.array(list(next_), np.int64)
            at = np.flatnonzero(names == item)
            found["co-visitation of the last product"].append(_rank(np.array(list(next_.values()), float), at))
        counts[item] += 1
        if before is not None and before != item:
            follows[before][item] += 1
        last[session] = item
    return {name: np.array(ranks) for name, ranks in found.items()}


def fitted(clicks: Clicks, end: int, **settings: object) -> Scorer:
    """VSKNN of all sessions before a place, in the order of their last click."""
    session, item = clicks.session[:end], clicks.item[:end]
    last = np.zeros(int(session.max()) + 1, np.int64)
    last[session] = np.arange(end)
    order = np.lexsort((np.arange(end), last[session]))
    starts = np.flatnonzero(np.append(True, np.diff(session[order]) != 0))
    histories = Histories(np.append(starts, end), item[order] - 1, clicks.products)
    return neighbours(histories, **settings, is_vmis=False)


def vsknn(clicks: Clicks, refit: int, **settings: object) -> np.ndarray:
    """(questions,) places, fitted again after so many microseconds."""
    found: list[float] = []
    scorer, due = None, 0
    for place, known in asked(clicks):
        if scorer is None or clicks.time[place] >= due:
            scorer, due = fitted(clicks, place, **settings), int(clicks.time[place]) + refit
        items = np.array(known) - 1
        scores = scorer(Histories(np.array([0, len(items)]), items, clicks.products))[0]
        found.append(_rank(scores, clicks.item[place : place + 1] - 1))
    return np.array(found)


def _recall(ranks: np.ndarray) -> float:
    return float((ranks <= K).mean())


def _mrr(ranks: np.ndarray) -> float:
    return float(np.where(ranks <= K, 1 / ranks, 0).mean())


def foreseen(name: str, clicks: Clicks, refit: int) -> list[Row]:
    """Recall and reciprocal rank at 20, of ours and of the peers."""
    blends = tried()
    early = clicks.validation()
    blend = blends[int(np.argmax([_mrr(ranks) for ranks in ours(early, blends)]))]
    grid = list(itertools.product((500, 1000), (100, 500), ("linear", "quadratic", "last")))
    settings = [dict(zip(("recent", "nearest", "weighting"), each, strict=True)) for each in grid]
    chosen = max(settings, key=lambda each: _mrr(vsknn(early, 1 << 60, **each)))
    print(name, blend, chosen, flush=True)
    ranks = {"ours": ours(clicks, [blend])[0], "vsknn": vsknn(clicks, refit, **chosen), **counting(clicks)}
    case = f"{name}, asked before learned"
    rows = []
    for metric, measure in (("recall@20", _recall), ("MRR@20", _mrr)):
        values = {peer: measure(each) for peer, each in ranks.items()}
        rows.append(Row(case, metric, "higher", values.pop("ours"), values))
    return rows


def made_up(events: int, products: int, seed: int = 0) -> Clicks:
    """Sessions of four clicks in the mean, in neighbourhoods of products of which few are wanted by many."""
    rng = np.random.default_rng(seed)
    session = np.sort(rng.integers(0, events // 4, events))
    near = (rng.zipf(1.3, events // 4) * 37) % products
    item = (near[session] + rng.geometric(0.2, events)) % products + 1
    return Clicks(session, item, 1_700_000_000 * SECOND + np.arange(events) * (SECOND // 50), events)


def cost() -> list[Row]:
    """Microseconds of one core for an event and for an answer of 20, warm."""
    rows = []
    published = {"Serenade, its k-NN in Rust, 1.76 M products, p90": 1700.0}
    for products, events in ((12_000, 1_000_000), (1_000_000, 10_000_000)):
        clicks = made_up(events, products)
        learner = learner_of(int(clicks.session.max()) + 1, products)
        warm = events - 5000
        begun = time.perf_counter()
        learner.learn(clicks.lessons().part(0, warm))
        spent = time.perf_counter() - begun
        weights, record, lessons = Blend().weights, fresh(1), clicks.lessons()
        nothing = np.zeros_like(weights)
        answers, learning = [], []
        for place in range(warm, events):
            now = int(clicks.time[place])
            begun = time.perf_counter()
            items, visit = learner.session_of(int(clicks.session[place]), now)
            found = learner.candidates(items, visit, now)
            first(found.product, found.features, weights, nothing, K, True)
            middle = time.perf_counter()
            learner.learn(lessons.part(place, place + 1))
            _note(record, int(clicks.item[place]), now, place)
            learning.append(time.perf_counter() - middle)
            answers.append(middle - begun)
        case = f"{products:,} products, {events:,} events, one core"
        for what, each in (("an answer of 20", answers), ("learning an event", learning)):
            for p in (50, 90, 99):
                beside = published if p == 90 and what.startswith("an answer") else {}
                value = float(np.percentile(each[100:], p) * 1e6)
                rows.append(Row(case, f"{what}, p{p}, microseconds", "lower", value, {}, beside))
        rows.append(Row(case, "learning a log, events a second", "higher", warm / spent))
    return rows


def _note(record: np.ndarray, item: int, now: int, place: int) -> None:
    one = [np.array([value], np.int64) for value in (0, now, KIND["product_viewed"], item)]
    note(record, *one, np.zeros(1), np.array([place], np.int64))  # type: ignore[call-arg]


def start() -> list[Row]:
    """Seconds until a shop of ten million events answers, from a snapshot; and the memory it takes."""
    from regulars import Shop

    events, customers, products = 10_000_000, 1_000_000, 150_000
    clicks = made_up(events, products)
    whose = clicks.session % customers
    names = [f"customer-{number}" for number in range(customers)]
    of = Events(names, [f"product-{k}" for k in range(products)], whose, clicks.item - 1, clicks.time,
                np.full(events, KIND["product_viewed"]), np.zeros(events))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop.create(Path(folder) / "shop")
        live = Live()
        begun = time.perf_counter()
        records = fresh(customers)
        codes = live._coded(of.products)
        note(records, of.customer, of.time, of.kind, codes[of.product], of.value, np.arange(events))
        live.store.load(names, records)
        live.learner.add(of)
        built = time.perf_counter() - begun
        del records
        size = snapshot.write(Path(folder) / "live", live.taken()).stat().st_size
        words = [sys.executable, "-m", "benchmarks.realtime", "--restore", str(shop.folder), str(Path(folder) / "live")]
        del live, of
        subprocess.run(words, check=True)
        seconds, memory = map(float, (Path(folder) / "live" / "restored").read_text().split())
    case = f"{events:,} events of {customers:,} customers, {products:,} products"
    print(f"{case}: a record has {CUSTOMER.itemsize} bytes, a snapshot {size / 2**30:.2f} GiB", flush=True)
    return [
        Row(case, "from a snapshot to the first answer, seconds", "lower", seconds),
        Row(case, "memory then, GiB", "lower", memory),
        Row(case, "learned from arrays of the log, seconds", "lower", built),
    ]


def _restore(shop: str, folder: str) -> None:
    from regulars import Shop
    from regulars.clock import moment_of

    opened = Shop.open(shop)
    begun = time.perf_counter()
    live = Live.restored(opened, Path(folder))
    assert live is not None
    assert live.candidates("customer-7", 20, moment_of(live.learner.now))
    seconds = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    (Path(folder) / "restored").write_text(f"{seconds} {memory}")


CASES = {
    "sessions": lambda: foreseen("yoochoose", yoochoose(), HOUR),
    "retail": lambda: foreseen("Online Retail, lines of orders", retail(), 24 * HOUR),
    "cost": cost,
    "start": start,
}


def main() -> None:
    if sys.argv[1:2] == ["--restore"]:
        _restore(*sys.argv[2:4])
        return
    for name in sys.argv[1:] or CASES:
        save("realtime", CASES[name]())


if __name__ == "__main__":
    main()
