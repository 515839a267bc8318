"""The next product on Amazon Beauty by several sources at once: behaviour model, co-visitation and content.

`python -m benchmarks.recommend beauty`. How much each counts is chosen on validation, before a test product is seen.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import log_softmax
from sklearn.preprocessing import normalize

from benchmarks import next_item_behavior
from benchmarks.next_item import Floats, Histories, Scores, evaluate, figures, refit, strict, validation
from benchmarks.next_item_behavior import CHOOSERS, CHOSEN_BY, settings_for
from benchmarks.next_item_data import beauty
from benchmarks.next_item_peers import PEERS
from benchmarks.report import Row
from regulars.behavior.sizes import Settings

DROPOUT = 0.5
"""What the behaviour model's own benchmark chooses on validation there."""
WEIGHTS = {"covisitation": (0.0, 0.1, 0.2, 0.3, 0.5), "content": (0.0, 0.5, 1.0, 2.0)}
FLOOR = 1e-3
"""Of the largest score by co-visitation; what never met the past has so much."""


def content(histories: Histories) -> Scores:
    """The cosine of attributes, rare ones more, with the mean of the last products."""
    attributes = histories.attributes
    assert attributes is not None
    rarity = np.log(histories.n_items / np.maximum(np.asarray((attributes > 0).sum(axis=0)).ravel(), 1))
    vectors: sparse.csr_matrix = normalize(attributes @ sparse.diags(rarity)).tocsr()
    turned = vectors.T.tocsr()

    def found(known: Histories) -> Floats:
        tastes = normalize(known.matrix(0.7 ** known.from_last.astype(np.float32)) @ vectors)
        return np.asarray((tastes @ turned).todense(), np.float32)

    return found


def blended(parts: dict[str, Scores], weights: dict[str, float]) -> Scores:
    """The logarithm of the chance by the behaviour model, of what co-visitation says, and likeness, added up."""

    def found(known: Histories) -> Floats:
        total = log_softmax(np.asarray(parts["behavior"](known), np.float32), axis=1)
        if weights["covisitation"]:
            met = np.asarray(parts["covisitation"](known), np.float32)
            most = np.maximum(met.max(axis=1, keepdims=True), 1e-12)
            total += weights["covisitation"] * np.log(met / most + FLOOR)
        if weights["content"]:
            total += weights["content"] * parts["content"](known)
        return total

    return found


def _fitted(
    fitted: Histories, settings: Settings, together: dict[str, Any], sample: object = None
) -> tuple[dict[str, Scores], int]:
    model, trained = next_item_behavior.fit(fitted, settings, True, sample)
    parts = {
        "behavior": next_item_behavior.scores(model),
        "covisitation": PEERS["covisitation"].fit(fitted, **together),
        "content": content(fitted),
    }
    return parts, trained.best


def bench() -> list[Row]:
    """Strict and refit, beside the behaviour model alone."""
    histories = beauty()
    question = validation(histories)
    sample = question.of(np.random.default_rng(0).permutation(len(question.users))[:CHOOSERS])
    settings = replace(settings_for(question.fitted), dropout=DROPOUT)
    peer = PEERS["covisitation"]
    together = max(
        peer.settings, key=lambda each: figures(evaluate(sample, peer.fit(question.fitted, **each)))[CHOSEN_BY].value
    )
    parts, best = _fitted(question.fitted, settings, together, sample)
    tried = [dict(zip(WEIGHTS, each, strict=True)) for each in itertools.product(*WEIGHTS.values())]
    judged = [figures(evaluate(sample, blended(parts, each)))[CHOSEN_BY].value for each in tried]
    weights = tried[int(np.argmax(judged))]
    print(weights, max(judged), judged[0], flush=True)
    rows = []
    again, _ = _fitted(refit(histories).fitted, replace(settings, epochs=best), together)
    for name, asked, sources in (("strict", strict(histories), parts), ("refit", refit(histories), again)):
        whole = figures(evaluate(asked, blended(sources, weights)))
        alone = figures(evaluate(asked, sources["behavior"]))
        for metric in ("recall@10", "ndcg@10"):
            peers = {"behaviour model alone": alone[metric].value}
            rows.append(Row(f"beauty {name}", f"{metric} of the whole", "higher", whole[metric].value, peers))
            rows.append(Row(f"beauty {name}", f"{metric} of the whole, standard error", "lower", whole[metric].error))
    return rows
