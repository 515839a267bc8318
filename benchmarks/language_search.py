"""Search over a shop's FAQ: words alone, meaning alone, ranks of both, and what is used; and a million passages.

    python -m benchmarks.language_search             the FAQ: a minute; and questions about a shop
    python -m benchmarks.language_search 1000000     so many made passages besides: ten minutes, 4 GiB

The FAQ (`support_faq.json`) has 200 passages, half English, half Chinese, each with a question in either language as a
customer types it; it was written before anything was tuned. The weights of the fusion are learned by five folds: those
learned from the questions of four folds of passages judge the fifth. Those learned from all are printed: they are the
constants of `regulars.language.search.fusion`.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp

from benchmarks.report import Row, save
from regulars.events.schema import TYPES
from regulars.language.ask import Known, NotUnderstoodError, understand
from regulars.language.embedding import OFFLINE, embed
from regulars.language.english import English, is_installed
from regulars.language.search import Index, Passage
from regulars.language.search.fusion import is_english, script
from regulars.language.search.index import vectors_of
from regulars.language.search.lexical import Lexical
from regulars.language.search.meaning import Vectors
from regulars.rules import Events, Vocabulary
from regulars.segment.rule.columns import OWN, TRAITS
from regulars.segment.rule.events import FIELDS, MEASURES, WORDS

Table = npt.NDArray[np.float32]
FILE = Path(__file__).parent / "support_faq.json"


def recall(scores: Table, gold: npt.NDArray[np.int64], at: int) -> npt.NDArray[np.bool_]:
    """(questions,) whether the right passage is among the first; of equal scores, it is the last."""
    own = scores[np.arange(len(gold)), gold][:, None]
    return (scores >= own).sum(axis=1) <= at


def by_ranks(*tables: Table) -> Table:
    """Reciprocal rank fusion, k = 60 (Cormack, Clarke and Büttcher 2009)."""
    total = np.zeros_like(tables[0])
    for table in tables:
        ranks = np.argsort(np.argsort(-table, axis=1, kind="stable"), axis=1) + 1
        total += np.where(table > 0, 1 / (60 + ranks), 0)
    return total


def by_folds(features: Sequence[Table], gold: npt.NDArray[np.int64]) -> Table:
    """A weighted sum of features, its weights learned for each fold from the others (multinomial logistic loss)."""
    table = np.stack(features, axis=-1).astype(float)
    fold = np.random.default_rng(0).permutation(table.shape[1])[gold] % 5
    found = np.zeros(table.shape[:2])
    for number in range(5):
        found[fold == number] = table[fold == number] @ _learned(table[fold != number], gold[fold != number])
    weights = _learned(table, gold)
    print("weights, the first 1:", (weights / weights[0]).round(3).tolist(), file=sys.stderr)
    return found


def _learned(table: npt.NDArray[np.float64], gold: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    rows = np.arange(len(gold))

    def loss(weights: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        scores = table @ weights
        logged = scores - logsumexp(scores, axis=1, keepdims=True)
        gradient = (table * np.exp(logged)[:, :, None]).sum(axis=1) - table[rows, gold]
        # Hardly any penalty: only so that a feature that tells nothing has the weight 0.
        return -logged[rows, gold].mean() + 1e-4 * weights @ weights, gradient.mean(axis=0) + 2e-4 * weights

    made: npt.NDArray[np.float64] = minimize(loss, np.zeros(table.shape[2]), jac=True, method="L-BFGS-B").x
    return made


def faq() -> list[Row]:
    """Recall on the FAQ."""
    told = json.loads(FILE.read_text())
    place = {each["id"]: number for number, each in enumerate(told["passages"])}
    gold = np.array([place[each["passage"]] for each in told["questions"]])
    asked = [each["question"] for each in told["questions"]]
    passages = [Passage(each["id"], each["text"], each["title"]) for each in told["passages"]]
    scripts = np.array([script(each.text) for each in passages])
    same = (np.array([script(question) for question in asked])[:, None] == scripts[None]).astype(float)
    is_same = np.array([each["passage"].startswith(each["language"]) for each in told["questions"]])
    lexical = Lexical()
    lexical.add([f"{each.title}\n{each.text}" for each in passages])
    words = np.stack([lexical.scores(question) for question in asked])
    meaning = embed(asked) @ vectors_of(passages, OFFLINE).T
    tables = {
        "fused": by_folds((meaning, same, meaning * same, words * same), gold),
        "bm25": words,
        "vectors": meaning,
        "reciprocal ranks": by_ranks(meaning, words),
    }
    if is_installed():
        encoder = English()
        other = embed(asked, None, encoder) @ vectors_of(passages, encoder).T
        both = np.outer([is_english(question) for question in asked], [is_english(each.text) for each in passages])
        tables["fused with english encoder"] = by_folds(
            (meaning, same, meaning * same, words * same, both, meaning * both, other * both), gold
        )
    rows = []
    for case, some in (
        ("faq, all 400 questions", np.ones(len(gold), bool)),
        ("faq, question in the passage's language", is_same),
        ("faq, question in the other language", ~is_same),
    ):
        for at in (1, 3):
            figures = {name: float(recall(table, gold, at)[some].mean()) for name, table in tables.items()}
            rows.append(Row(case, f"recall@{at}", "higher", figures.pop("fused"), figures))
    # A shop whose texts are all in the language of its customers.
    alone = {name: np.where(same > 0, table, -np.inf) for name, table in tables.items()}
    for at in (1, 3):
        figures = {name: float(recall(table, gold, at)[is_same].mean()) for name, table in alone.items()}
        rows.append(Row("faq of 100 passages in one language", f"recall@{at}", "higher", figures.pop("fused"), figures))
    differs = recall(tables["fused"], gold, 1).astype(float) - recall(tables["vectors"], gold, 1)
    drawn = np.random.default_rng(1).integers(len(gold), size=(2_000, len(gold)))
    low, high = np.percentile(differs[drawn].mean(axis=1), [2.5, 97.5])
    rows.append(
        Row("faq, all 400 questions", "recall@1 above vectors, lower end of 95 % interval", "higher", float(low))
    )
    rows.append(
        Row("faq, all 400 questions", "recall@1 above vectors, upper end of 95 % interval", "higher", float(high))
    )
    index = Index()
    index.update(passages)
    return [*rows, Row("faq", "milliseconds a question p50", "lower", float(np.median(_spent(index, asked))))]


def ask() -> list[Row]:
    """Questions about a shop that templates understand, written apart from them; "none" is right for some."""
    told = json.loads((FILE.parent / "ask_questions.json").read_text())
    vocabulary = Vocabulary({**OWN, **TRAITS}, Events(TYPES, WORDS, FIELDS, MEASURES))
    known = Known(vocabulary, datetime(2024, 5, 1, tzinfo=UTC), told["values"])
    right: dict[bool, list[bool]] = {True: [], False: []}
    for each in told["questions"]:
        try:
            found = understand(each["question"], known).said
        except NotUnderstoodError:
            found = "none"
        right[each["plan"] != "none"].append(found == each["plan"])
    return [
        Row("ask the shop, no model, 72 questions", "understood exactly", "higher", float(np.mean(right[True]))),
        Row("ask the shop, no model, 6 other questions", "refused", "higher", float(np.mean(right[False]))),
    ]


def _spent(index: Index, asked: list[str]) -> list[float]:
    spent = []
    for question in asked:
        start = time.perf_counter()
        index.find(question)
        spent.append((time.perf_counter() - start) * 1000)
    return spent


def many(count: int) -> list[Row]:
    """Made passages: 40 words each of a vocabulary with the frequencies of language; random vectors."""
    random = np.random.default_rng(2)
    lexical, vectors = Lexical(), Vectors()
    start = time.perf_counter()
    for first in range(0, count, 50_000):
        size = min(50_000, count - first)
        drawn = np.minimum(random.zipf(1.2, (size, 40)), 200_000)
        lexical.add([" ".join(f"w{word}" for word in row) for row in drawn])
    words_s = time.perf_counter() - start
    start = time.perf_counter()
    vectors.add(np.concatenate([_vectors(random, min(50_000, count - first)) for first in range(0, count, 50_000)]))
    vectors_s = time.perf_counter() - start
    start = time.perf_counter()
    lexical.add(["one passage more"])
    vectors.add(_vectors(random, 1))
    one = time.perf_counter() - start
    spent = []
    for _ in range(50):
        question = " ".join(f"w{word}" for word in np.minimum(random.zipf(1.2, 8), 200_000))
        vector = embed(["where is my order"])[0]
        start = time.perf_counter()
        lexical.scores(question)
        vectors.scores(vector, vectors.near(vector, 200, np.ones(len(vectors.table), bool)))
        spent.append((time.perf_counter() - start) * 1000)
    case = f"{count:,} passages"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        Row(case, "seconds to build, words", "lower", words_s),
        Row(case, "seconds to build, vectors (made already)", "lower", vectors_s),
        Row(case, "seconds to add one", "lower", one),
        Row(case, "milliseconds a question p50, without its vector", "lower", float(np.median(spent))),
        Row(case, "milliseconds a question p99, without its vector", "lower", float(np.percentile(spent, 99))),
        Row(case, "peak memory mib", "lower", memory),
    ]


def _vectors(random: np.random.Generator, count: int) -> Table:
    # Around a thousand topics, as texts are; vectors without any would be a case that no index can do well.
    topics = np.random.default_rng(3).normal(size=(1_000, 512)).astype(np.float32)
    made = topics[random.integers(1_000, size=count)] + random.normal(size=(count, 512), scale=0.7).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


if __name__ == "__main__":
    save("language", many(int(sys.argv[1])) if len(sys.argv) > 1 else [*faq(), *ask()])
