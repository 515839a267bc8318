"""The next click of a session: ours beside the nearest neighbours of sessions, `python -m benchmarks.recommend sessions`.

YooChoose (RecSys Challenge 2015) as session-rec samples it: learned from the sessions before the last day, asked after
every click of that day's but the last; all products are ranked, those seen before too. Settings, ours and the peers',
are chosen on the last fifth of the sessions to learn from.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
from scipy.special import log_softmax

from benchmarks.next_item import Floats, Histories, Ints
from benchmarks.next_item_behavior import new, scores, sequences, settings_for
from benchmarks.next_item_peers import covisitation
from benchmarks.report import Row

DATA = Path(__file__).parents[2] / "shared" / "data" / "yoochoose_clicks.parquet"
K = 20
BLOCK = 512
FLOOR = 1e-3


class Asked(NamedTuple):
    """Sessions up to a click, and the product that was clicked next, each from 0."""

    known: Histories
    next: Ints


def read() -> tuple[Histories, Histories]:
    """The sessions to learn from, in the order of their last click, and those of the last day."""
    rows = duckdb.sql(f"""
        SELECT SessionId, dense_rank() OVER (ORDER BY ItemId) - 1 AS item, split,
               max("Time") OVER (PARTITION BY SessionId) AS ends, "Time"
        FROM read_parquet('{DATA}') ORDER BY split DESC, ends, SessionId, "Time"
    """).fetchnumpy()
    count = int(rows["item"].max()) + 1
    found = []
    for split in ("train", "test"):
        inside = np.asarray(rows["split"]) == split
        session, item = rows["SessionId"][inside], np.asarray(rows["item"][inside], np.int64)
        starts = np.flatnonzero(np.append(True, session[1:] != session[:-1]))
        found.append(Histories(np.append(starts, len(item)), item, count))
    return found[0], found[1]


def asked(sessions: Histories) -> Asked:
    """After each click but the last of each session."""
    at = np.flatnonzero(sessions.from_last > 0)
    begin = np.repeat(sessions.offsets[:-1], sessions.lengths)[at]
    lengths = at - begin + 1
    offsets = np.append(0, np.cumsum(lengths))
    place = np.repeat(begin - offsets[:-1], lengths) + np.arange(offsets[-1])
    return Asked(Histories(offsets, sessions.items[place], sessions.n_items), sessions.items[at + 1])


Scorer = Callable[[Histories], Floats]


def judged(question: Asked, scorer: Scorer) -> tuple[float, float]:
    """Hit rate and mean reciprocal rank at 20; of equal scores half count as better."""
    hit, reciprocal = [], []
    for low in range(0, question.known.n_users, BLOCK):
        some = np.arange(low, min(low + BLOCK, question.known.n_users))
        found = np.asarray(scorer(question.known.of(some)))
        own = found[np.arange(len(some)), question.next[some]][:, None]
        rank = 1 + (found > own).sum(axis=1) + ((found == own).sum(axis=1) - 1) / 2
        hit.append(rank <= K)
        reciprocal.append(np.where(rank <= K, 1 / rank, 0))
    return float(np.concatenate(hit).mean()), float(np.concatenate(reciprocal).mean())


def neighbours(fitted: Histories, *, recent: int, nearest: int, weighting: str, is_vmis: bool) -> Scorer:
    """VSKNN or VMIS-kNN: the sessions most like the present one, and what stands in them.

    Ludewig and Jannach (2018), Evaluation of session-based recommendation algorithms, section 3.2; Kersbergen, Sprangers
    and Schelter (2022), Serenade, algorithm 1: of each product the `recent` newest sessions, and products by how rare
    they are. Sessions are in the order of time.
    """
    count = fitted.n_users
    stands = fitted.matrix()
    stands.data[:] = 1
    length = np.asarray(stands.sum(axis=1)).ravel()
    of_item = stands.T.tocsr()
    rarity = np.log(count / np.maximum(np.diff(of_item.indptr), 1)) if is_vmis else np.ones(fitted.n_items)

    def one(items: Ints) -> Floats:
        place = np.arange(1, len(items) + 1) / len(items)
        weight = {"linear": place, "quadratic": place**2, "last": 0.8 ** (len(items) - np.arange(1, len(items) + 1))}
        mine: dict[int, float] = {}
        for item, value in zip(items.tolist(), weight[weighting].tolist(), strict=True):
            mine[item] = max(mine.get(item, 0.0), value)
        sessions, values, last = [], [], []
        where = {item: k for k, item in enumerate(items.tolist())}
        for item, value in mine.items():
            near = of_item.indices[of_item.indptr[item] : of_item.indptr[item + 1]]
            near = np.sort(near)[-recent:]
            sessions.append(near)
            values.append(np.full(len(near), value))
            last.append(np.full(len(near), where[item]))
        if not sessions:
            return np.zeros(fitted.n_items, np.float32)
        near, back = np.unique(np.concatenate(sessions), return_inverse=True)
        like = np.bincount(back, np.concatenate(values))
        if not is_vmis:
            like = like / np.sqrt(length[near] * len(mine))
        newest = np.zeros(len(near), np.int64)
        np.maximum.at(newest, back, np.concatenate(last))
        best = np.argsort(-like, kind="stable")[:nearest]
        step = len(items) - 1 - newest[best]
        weighed = like[best] * np.where(step < 10, 1 - 0.1 * step, 0)
        return np.asarray(weighed @ stands[near[best]]).ravel() * rarity

    return lambda known: np.stack([one(known.items[a:b]) for a, b in itertools.pairwise(known.offsets.tolist())])


def _grid(**values: tuple) -> Iterator[dict]:
    for each in itertools.product(*values.values()):
        yield dict(zip(values, each, strict=True))


def bench() -> list[Row]:
    """Hit rate and reciprocal rank of ours and of the peers."""
    learned, last_day = read()
    cut = int(0.8 * learned.n_users)
    early, late = learned.of(np.arange(cut)), asked(learned.of(np.arange(cut, learned.n_users)))
    late = Asked(late.known.of(np.arange(0, late.known.n_users, 3)), late.next[::3])
    question = asked(last_day)
    found: dict[str, tuple[float, float]] = {}
    grid = list(_grid(recent=(500, 1000, 5000), nearest=(100, 500), weighting=("linear", "quadratic", "last")))
    for name, is_vmis in (("vsknn", False), ("vmis-knn", True)):
        best = max(grid, key=lambda each, v=is_vmis: judged(late, neighbours(early, **each, is_vmis=v))[1])
        found[name] = judged(question, neighbours(learned, **best, is_vmis=is_vmis))
        print(name, best, found[name], flush=True)
    ours, weight = _ours(early, late)
    found["ours"] = judged(question, ours(learned))
    print("ours", weight, found["ours"], flush=True)
    rows = []
    for place, metric in enumerate(("hit@20", "mrr@20")):
        values = {name: each[place] for name, each in found.items()}
        rows.append(Row("yoochoose sessions (next click, split column)", metric, "higher", values.pop("ours"), values))
    return rows


def _ours(early: Histories, late: Asked) -> tuple[Callable[[Histories], Scorer], dict]:
    """The behaviour model and co-visitation, blended as was best on validation."""
    base = replace(settings_for(early), epochs=12, patience=3, dropout=0.3)

    def chosen(model: object) -> float:
        return judged(late, scores(model))[1]

    model = new(early, base)
    trained = model.fit(sequences(early), validate=chosen)
    print([round(epoch.validation, 4) for epoch in trained.epochs], flush=True)
    tables = [
        covisitation(early, window=8, fading=fading, backward=backward, damping=damping, decay=decay)
        for fading, backward, damping, decay in itertools.product((0.6, 0.85), (0.3, 1.0), (0.1, 0.3), (0.3, 0.6))
    ]
    names = list(_grid(fading=(0.6, 0.85), backward=(0.3, 1.0), damping=(0.1, 0.3), decay=(0.3, 0.6)))
    tried = [
        (judged(late, blended(scores(model), table, weight))[1], weight, name)
        for name, table in zip(names, tables, strict=True)
        for weight in (0.2, 0.5)
    ]
    _, weight, name = max(tried, key=lambda each: each[0])

    def fit(learned: Histories) -> Scorer:
        again = new(learned, replace(base, epochs=trained.best))
        again.fit(sequences(learned))
        return blended(scores(again), covisitation(learned, window=8, **name), weight)

    return fit, {"weight": weight, **name}


def blended(model: Scorer, table: Scorer, weight: float) -> Scorer:
    def found(known: Histories) -> Floats:
        met = np.asarray(table(known), np.float32)
        most = np.maximum(met.max(axis=1, keepdims=True), 1e-12)
        return log_softmax(np.asarray(model(known), np.float32), axis=1) + weight * np.log(met / most + FLOOR)

    return found
