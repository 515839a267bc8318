"""What others do to foresee the next product, each tuned on validation.

    python -m benchmarks.next_item_peers                       all data sets and peers
    python -m benchmarks.next_item_peers --data FILE.parquet --attributes FILE.json --peers covisitation ease

OMP_NUM_THREADS says how many cores are used; all where it does not.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import implicit.als
import implicit.nearest_neighbours as knn
import numpy as np
import scipy.linalg
from scipy import sparse

from benchmarks import next_item_rectools, peer_environment
from benchmarks.next_item import (
    Figure,
    Floats,
    Histories,
    Scores,
    evaluate,
    evaluate_lists,
    figures,
    read,
    refit,
    strict,
    validation,
)
from benchmarks.next_item_data import DATA

Settings = dict[str, Any]
CHOSEN_BY = "ndcg@10"
CHOOSERS = 5_000
"""Customers, drawn at random, whose validation products choose the settings; the figures are of all."""
EASE_LARGEST = 25_000
"""Products: above, the matrix of all pairs does not fit in memory."""
THREADS = int(os.environ.get("OMP_NUM_THREADS", "0"))
"""0 is all cores."""


def popularity(fitted: Histories) -> Scores:
    """The same for all: how often each product was had."""
    counts = fitted.events_per_item().astype(np.float32)
    return lambda known: np.tile(counts, (known.n_users, 1))


def item_knn(fitted: Histories, *, weighting: str, neighbours: int) -> Scores:
    """Products had by the same customers, as `implicit` has it: sums the nearest neighbours of all that was had."""
    model = {
        "cosine": knn.CosineRecommender,
        "tf-idf": knn.TFIDFRecommender,
        "bm25": knn.BM25Recommender,
    }[weighting](K=neighbours, num_threads=THREADS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of how long it took to convert a matrix that it made itself
        model.fit(fitted.matrix(), show_progress=False)
    similarity = model.similarity.astype(np.float32)
    return lambda known: (known.matrix() @ similarity).toarray()


def covisitation(
    fitted: Histories, *, window: int, fading: float, backward: float, damping: float, decay: float
) -> Scores:
    """What came soon after each product, in the order of time; no learning.

    A pair `gap` apart, 1 <= gap <= window, weighs fading ** (gap - 1), and `backward` times that against the order of
    time; over the product of both popularities ** damping. Each older product of the customer counts `decay` times
    the one after it.
    """
    shape = (fitted.n_items, fitted.n_items)
    owner = np.repeat(np.arange(fitted.n_users), fitted.lengths)
    after = sparse.csr_matrix(shape, dtype=np.float32)
    for gap in range(1, min(window, int(fitted.lengths.max())) + 1):
        same = owner[gap:] == owner[:-gap]
        former, latter = fitted.items[:-gap][same], fitted.items[gap:][same]
        weights = np.full(len(former), fading ** (gap - 1), dtype=np.float32)
        after += sparse.csr_matrix((weights, (former, latter)), shape)
    damp = sparse.diags(np.maximum(fitted.events_per_item(), 1).astype(np.float32) ** -damping)
    pairs = (damp @ (after + backward * after.T) @ damp).tocsr()  # (n_items, n_items)
    return lambda known: (known.matrix(decay ** known.from_last.astype(np.float32)) @ pairs).toarray()


def ease(fitted: Histories, *, regularisation: float) -> Scores:
    """Steck (2019), Embarrassingly Shallow Autoencoders for Sparse Data: a linear model of all pairs, in closed form."""
    had = fitted.matrix()
    gram = (had.T @ had).toarray()  # (n_items, n_items)
    gram[np.diag_indices_from(gram)] += regularisation
    factor, _ = scipy.linalg.lapack.spotrf(gram.T, lower=True, overwrite_a=True)
    inverse, _ = scipy.linalg.lapack.spotri(factor, lower=True, overwrite_c=True)
    inverse = _mirrored(inverse)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return lambda known: known.matrix() @ weights


def _mirrored(lower: Floats) -> Floats:
    """A symmetric matrix of which only the lower triangle was given."""
    lower = np.tril(lower)
    return lower + np.tril(lower, -1).T


def ials(fitted: Histories, *, factors: int, regularisation: float, alpha: float, iterations: int) -> Scores:
    """Hu, Koren and Volinsky (2008) as `implicit` has it; each customer's factors are solved from what is known."""
    model = implicit.als.AlternatingLeastSquares(
        factors=factors,
        regularization=regularisation,
        alpha=alpha,
        iterations=iterations,
        num_threads=THREADS,
        random_state=0,
    )
    model.fit(fitted.matrix(), show_progress=False)
    return lambda known: model.recalculate_user(np.arange(known.n_users), known.matrix()) @ model.item_factors.T


@dataclass(frozen=True)
class Peer:
    """How a peer is fitted, and the values among which its settings are chosen: the product of all."""

    fit: Callable[..., Scores]
    grid: dict[str, tuple[Any, ...]]

    @property
    def settings(self) -> Iterator[Settings]:
        for values in itertools.product(*self.grid.values()):
            yield dict(zip(self.grid, values, strict=True))


PEERS = {
    "popularity": Peer(popularity, {}),
    "item-knn": Peer(item_knn, {"weighting": ("cosine", "tf-idf", "bm25"), "neighbours": (20, 100, 500)}),
    "covisitation": Peer(
        covisitation,
        {
            "window": (12, 50),
            "fading": (0.85,),
            "backward": (0.3, 1.0),
            "damping": (0.3, 0.5),
            "decay": (0.6, 0.8, 0.95),
        },
    ),
    "ease": Peer(ease, {"regularisation": (30.0, 100.0, 300.0)}),
    "ials": Peer(
        ials,
        {"factors": (64, 128), "regularisation": (0.1, 1.0, 10.0), "alpha": (1.0, 10.0), "iterations": (15,)},
    ),
}


@dataclass(frozen=True)
class Result:
    """A tuned peer: its settings, its figures on each question, and the seconds of choosing and of the last fit."""

    settings: Settings
    validation: dict[str, Figure]
    strict: dict[str, Figure]
    refit: dict[str, Figure]
    tuning_seconds: float
    fit_seconds: float


def tune(peer: Peer, histories: Histories) -> Result:
    """Settings that are best on validation; no test product is looked at before they are chosen.

    What is fitted for validation is what `strict` asks, so the best one is kept and not fitted again.
    """
    question, start = validation(histories), time.perf_counter()
    sample = question.of(np.random.default_rng(0).permutation(len(question.users))[:CHOOSERS])
    best: tuple[float, Settings, Scores] | None = None
    for settings in peer.settings:
        scores = peer.fit(question.fitted, **settings)
        found = figures(evaluate(sample, scores))[CHOSEN_BY].value
        if best is None or found > best[0]:
            best = found, settings, scores
        del scores
        gc.collect()  # of a large matrix, only the best and the next are held
    assert best is not None, "a grid has at least one setting"
    _, settings, scores = best
    tuned = time.perf_counter()
    validated = figures(evaluate(question, scores))
    strictly = figures(evaluate(strict(histories), scores))
    del best, scores
    again, begun = refit(histories), time.perf_counter()
    scores = peer.fit(again.fitted, **settings)
    fitted = time.perf_counter()
    return Result(settings, validated, strictly, figures(evaluate(again, scores)), tuned - start, fitted - begun)


SASREC = "rectools sasrec"


def sasrec(histories: Histories, minutes: float, python: Path | None = None) -> Result:
    """SASRec as RecTools has it, stopped by validation or after so many minutes of training.

    Raises
    ------
    peer_environment.Unavailable
        If there is no environment for it and none can be made.
    """
    found = next_item_rectools.sasrec(histories.without_last(1), minutes, python)
    questions = {"validation": validation(histories), "strict": strict(histories), "refit": refit(histories)}
    judged = {
        name: figures(evaluate_lists(question, found[name][question.users])) for name, question in questions.items()
    }
    settings = {
        "session_max_len": int(found["session_max_len"]),
        "threads": int(found["threads"]),
        "epochs": len(found["recall"]),
        "best_epoch": int(np.argmax(found["recall"])) + 1,
        "epoch_seconds": float(np.median(found["epoch_seconds"])),
        "epoch_work_seconds": float(np.median(found["epoch_work_seconds"])),
        "best_seconds": float(found["best_seconds"]),
        "was_stopped": bool(found["was_stopped"]),
        "validation_recall": [round(float(value), 4) for value in found["recall"]],
    }
    return Result(
        settings,
        **judged,
        tuning_seconds=float(found["epoch_seconds"].sum()),
        fit_seconds=float(found["refit_seconds"]),
    )


def compare(
    histories: Histories, names: list[str], minutes: float, python: Path | None = None
) -> Iterator[tuple[str, Result]]:
    """Each peer of those names that can run here; why not, on stderr. What ran out of time is told by its name."""
    for name in names:
        if name == "sasrec":
            try:
                found = sasrec(histories, minutes, python)
                yield SASREC + f", stopped after {minutes:g} minutes" * bool(found.settings["was_stopped"]), found
            except peer_environment.Unavailable as reason:
                print(f"sasrec is left out: {reason}", file=sys.stderr)
        elif name == "ease" and histories.n_items > EASE_LARGEST:
            print(f"ease is left out: {histories.n_items} products, at most {EASE_LARGEST} fit", file=sys.stderr)
        else:
            yield name, tune(PEERS[name], histories)


def table(results: dict[str, Result]) -> str:
    """All figures of a data set, as Markdown."""
    columns = ("recall@10", "ndcg@10", "recall@10 warm", "ndcg@10 warm", "recall@10 rare")
    lines = [f"| peer | asked | {' | '.join(columns)} |", "|---" * (len(columns) + 2) + "|"]
    for name, result in results.items():
        for question in ("validation", "strict", "refit"):
            found: dict[str, Figure] = getattr(result, question)
            cells = [f"{found[c].value:.4f} ± {found[c].error:.4f}" if c in found else "" for c in columns]
            lines.append(f"| {name} | {question} | {' | '.join(cells)} |")
    lines += [
        f"{n}: {r.settings}, tuned in {r.tuning_seconds:.0f} s, fitted in {r.fit_seconds:.1f} s"
        for n, r in results.items()
    ]
    return "\n".join(lines)


def main() -> None:
    everything = [*PEERS, "sasrec"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=list(DATA), nargs="+", help=f"of {', '.join(DATA)}; or a Parquet file")
    parser.add_argument("--attributes", type=Path, help="of a Parquet file's products: a JSON file")
    parser.add_argument("--peers", default=everything, nargs="+", choices=everything)
    parser.add_argument("--minutes", type=float, default=10, help="SASRec trains no longer than this. Default: 10")
    parser.add_argument(
        "--rectools", type=Path, help="a Python that has RecTools. Default: one is made in .venv/rectools"
    )
    parser.add_argument("--out", type=Path, help="keep all figures in this JSON file")
    arguments = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    for data in arguments.data:
        histories = DATA[data]() if data in DATA else read(Path(data), arguments.attributes)
        print(
            f"\n## {data}: {histories.n_users} customers, {histories.n_items} products, {len(histories.items)} events\n"
        )
        results = {}
        for name, result in compare(histories, arguments.peers, arguments.minutes, arguments.rectools):
            results[name] = result
            found.setdefault(data, {})[name] = asdict(result)
            if arguments.out:
                arguments.out.write_text(json.dumps(found, indent=1) + "\n")
        print(table(results), flush=True)


if __name__ == "__main__":
    main()
