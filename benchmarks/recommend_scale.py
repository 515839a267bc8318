"""Lists at scale, on a generated past: `python -m benchmarks.recommend live` and `... batch`.

Customers like a few of the groups that products are in; so neighbours, factors and content have something to find.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares

from benchmarks.report import Row
from regulars.behavior.fields import event_fields
from regulars.behavior.model import BehaviorModel
from regulars.behavior.sequences import DAY, Sequences
from regulars.behavior.sizes import SIZES, Settings
from regulars.behavior.use import Kept
from regulars.behavior.vocabulary import Content, Vocabulary
from regulars.config import RecommendSettings
from regulars.events.schema import CATALOGUE
from regulars.recommend.batch import write_all
from regulars.recommend.blocks import blocks, in_threads
from regulars.recommend.features import Products
from regulars.recommend.lists import lists
from regulars.recommend.live import Recommender
from regulars.recommend.model import RecommendModel, candidates, feature_names
from regulars.recommend.past import Past
from regulars.recommend.ranker import Lesson, Ranker
from regulars.recommend.shelf import Shelf
from regulars.recommend.sources import SOURCES, Factors, Head

NOW, DAYS, EVENTS_EACH = 20_000 * DAY, 365, 25
GROUPS, LIKED, MEANINGS = 400, 4, 64
LESSONS = 1_000
CUSTOMERS, ASKED, WRITTEN, TOP = 1_000_000, 20_000, 200_000, 20
WHERE = "category != 'c7' and list_price < 90"


def generated(customers: int, products: int) -> Past:
    """What so many customers did with so many products within a year."""
    rng = np.random.default_rng(0)
    lengths = np.maximum(rng.geometric(1 / EVENTS_EACH, customers), 2)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    n = int(starts[-1])
    owner = np.repeat(np.arange(customers), lengths)
    liked = rng.integers(0, GROUPS, (customers, LIKED))
    group = liked[owner, rng.integers(0, LIKED, n)]
    # Within a group a few products are met often.
    size = products // GROUPS
    product = (np.minimum(rng.zipf(1.3, n), size) - 1 + group * size + 1).astype(np.int32)
    moment = NOW - rng.integers(1, DAYS * DAY, n)
    moment = moment[np.lexsort((moment, owner))]
    gap = np.diff(moment, prepend=0)
    gap[starts[:-1]] = -1
    counts = np.bincount(product, minlength=products + 1)
    of = (np.maximum(np.arange(products + 1) - 1, 0) // size).clip(0, GROUPS - 1)
    price = np.append(np.nan, rng.lognormal(3, 0.5, products))
    vocabulary = Vocabulary(
        [f"p{k}" for k in range(1, products + 1)], ("product_viewed", "order_completed"), ("web",),
        [f"c{k}" for k in range(GROUPS)], counts, price,
    )  # fmt: skip
    fields = event_fields(
        vocabulary,
        product=product,
        type=(1 + (rng.random(n) < 0.3)).astype(np.int32),
        channel=np.ones(n, np.int32),
        time=moment,
        gap=gap,
        price=price[product],
        quantity=np.ones(n),
    )
    attributes = sp.csr_matrix(
        (np.ones(products, np.float32), (np.arange(1, products + 1), of[1:])), (products + 1, GROUPS)
    )
    meaning = rng.normal(size=(GROUPS, MEANINGS))[of] + rng.normal(size=(products + 1, MEANINGS))
    meaning[0] = 0
    content = Content(attributes, meaning.astype(np.float32), np.eye(MEANINGS, dtype=np.float32))
    names = [f"u{k}" for k in range(customers)]
    return Past(vocabulary, content, Sequences(names, starts, moment, fields, np.zeros(n, np.float32)), NOW)


def recommender(past: Past) -> Recommender:
    """Learned on a past: all sources, a behaviour model of size `small` (as it begins: the work is the same), a ranker."""
    head = head_of(past)
    earlier = past.before(NOW - 30 * DAY)
    sources = tuple(source.fit(past) for source in SOURCES)
    part = earlier.of(np.arange(LESSONS))
    found, known = candidates(sources, head, part, Products.of(earlier))
    events = past.with_product
    later = events.time >= earlier.now
    width = past.products + 1
    taken = np.isin(found.customer * width + found.product, events.customer[later] * width + events.product[later])
    ranker = Ranker.fit(Lesson.of(found, known, taken.astype(np.float32), seed=0), feature_names(has_head=True))
    model = RecommendModel(
        past.vocabulary, past.content, sources, ranker, True, NOW, np.ones(past.products + 1, np.float32)
    )
    return Recommender(model, past, shelf_of(past), head, set())


def head_of(past: Past) -> Head:
    model = BehaviorModel.new(past.vocabulary, past.content, Settings(SIZES["small"]), NOW)
    return Head(Kept(model, 1, False), past.sequences)


def shelf_of(past: Past) -> Shelf:
    count = past.products
    columns = {field.name: pa.nulls(count, field.type) for field in CATALOGUE if field.name != "valid_from"}
    columns |= {
        "product_id": pa.array(past.vocabulary.products),
        "title": pa.array([f"Product {k}" for k in range(1, count + 1)]),
        "category": pa.array(past.vocabulary.attributes).take(pa.array(past.content.attributes.indices)),
        "list_price": pa.array(past.vocabulary.usual_price[1:]).cast(pa.decimal128(18, 4), safe=False),
    }
    allowed = np.arange(count + 1) > 0
    settings = RecommendSettings(diversity=0.2, most_per_category=4)
    none = np.zeros(0, np.int64)
    lift = np.zeros(count + 1, np.int64)
    return Shelf(pa.table(columns), allowed, allowed, frozenset(), allowed | True, none, lift, settings)


def live(products: int, customers: int = 50_000, asked: int = 500) -> dict[str, float]:
    """Milliseconds of a list with a filter: half the time and 99 of 100."""
    ask = recommender(generated(customers, products)).warm()
    took = []
    for number in np.random.default_rng(1).integers(0, customers, asked + 20).tolist():
        start = time.perf_counter()
        shown = ask.for_you(f"u{number}", 10, WHERE)
        took.append(1e3 * (time.perf_counter() - start))
        assert shown.table.num_rows == 10
    p50, p99 = np.percentile(took[20:], [50, 99])
    return {"p50": float(p50), "p99": float(p99), "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)}


def bench_live() -> list[Row]:
    """Twelve thousand products and a million; one core."""
    rows = []
    for products, name in ((12_000, "12 k"), (1_000_000, "1 m")):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.recommend_scale", "live", str(products)],
            check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        found = json.loads(done.stdout.splitlines()[-1])
        case = f"live list, {name} products, behaviour + 4 sources + ranker + rules"
        rows += [Row(case, f"ms {part} on one core", "lower", found[part]) for part in ("p50", "p99")]
    return rows


def batch(customers: int, products: int, asked: int) -> dict[str, float]:
    """Customers a second: of lists, of lists with their reasons in files, and of the library implicit's lists alone."""
    start = time.perf_counter()
    ask = recommender(generated(customers, products))
    found = {"seconds to learn": time.perf_counter() - start}

    def made(block: range) -> int:
        part = ask.past.of(np.array(block))
        return len(lists(ask.model, part, ask.products, ask.head, ask.shelf, ask.shelf.allowed, k=TOP).products)

    made(range(TOP))
    start = time.perf_counter()
    count = sum(in_threads(made, blocks(asked)))
    found["ours"] = count / (time.perf_counter() - start)
    found["implicit"] = _implicit(ask, asked)
    some = Recommender(ask.model, ask.past.of(np.arange(min(WRITTEN, customers))), ask.shelf, ask.head, set())
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        write_all(some, "for-you", Path(folder) / "lists", TOP)
    found["written"] = len(some.past.sequences.customers) / (time.perf_counter() - start)
    return {**found, "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)}


def _implicit(ask: Recommender, asked: int) -> float:
    """Customers a second of the library's own batch, with factors of the same size."""
    had = ask.past.of(np.arange(asked)).matrix(180.0)
    items = next(source for source in ask.model.sources if isinstance(source, Factors)).items
    theirs = AlternatingLeastSquares(factors=items.shape[1], num_threads=0)
    theirs.item_factors = items
    theirs.recalculate_user(np.arange(TOP), had[:TOP])
    start = time.perf_counter()
    theirs.user_factors = theirs.recalculate_user(np.arange(asked), had)
    theirs.recommend(np.arange(asked), had, N=TOP, filter_already_liked_items=False)
    return asked / (time.perf_counter() - start)


def bench_batch() -> list[Row]:
    """A million customers and a hundred thousand products in memory; speeds are by some of the customers."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.recommend_scale", "batch", str(CUSTOMERS)],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    case = f"batch, {CUSTOMERS // 1_000_000} m customers x 100 k products, top 20"
    return [
        Row(case, "customers/s", "higher", found["ours"], {"implicit, one source, not ranked": found["implicit"]}),
        Row(case, "customers/s, with reasons, written to parquet", "higher", found["written"]),
        Row(case, "peak memory gib", "lower", found["gib"]),
    ]


if __name__ == "__main__":
    size = int(sys.argv[2])
    print(json.dumps(live(size) if sys.argv[1] == "live" else batch(size, 100_000, min(size, ASKED))))
