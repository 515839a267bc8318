"""Learns how answers are ranked, and when one is sure enough, from questions apart from those that judge it.

    python -m benchmarks.support_learn

`support_development.json` has two made shops of seventy texts or so, half of them English, half Chinese; no thing is told
twice in one shop. Each text has a question in either language, as a customer types it; 220 more are near the texts or far
from them, and no text answers them. Questions that were nearly one of the benchmark's are left out (cosine above .8).

It writes the means of `regulars.language.retrieval`, and prints the constants of `regulars.language.search.rerank` and
`regulars.support.answer.sure`. Weights and chances are judged here by five folds.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from regulars import storage
from regulars.language import retrieval
from regulars.language.search import Index, rerank
from regulars.support.answer import sure
from regulars.support.intent import starter
from regulars.support.knowledge import Knowledge

HERE = Path(__file__).parent
CACHE = Path(tempfile.mkdtemp()) / "vectors.parquet"
HANDED = 0.95
WORDS = 0.1
"""Of words in common; by hand, for the questions here were written in other words than the texts. Names and codes, which
vectors do not tell, are words."""
Numbers = npt.NDArray[np.float64]


def means() -> None:
    """The middle of what customers ask, by script."""
    english, chinese = (retrieval.QUESTIONS.raw(starter(language)[0]).mean(axis=0) for language in ("en", "zh"))
    made = {"latin": english, "dense": chinese, "other": (english + chinese) / 2}
    storage.replace(retrieval.MEANS, save({of: mean.astype(np.float16) for of, mean in made.items()}))


def shop(passages: list[dict[str, Any]], noted: dict[str, str]) -> Knowledge:
    """Texts in a folder, as a shop has them; with a question noted beside some."""
    folder = Path(tempfile.mkdtemp())
    with (folder / "faq.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["title", "answer", "questions", "language"])
        rows.writerows([each["title"], each["text"], noted.get(each["id"], ""), each["language"]] for each in passages)
    return Knowledge(folder, Index(cache=CACHE))


def weights(found: Sequence[tuple[Numbers, int]]) -> list[float]:
    """Of the features of texts (n, 5), the right one among them, by multinomial logistic loss."""
    scale = np.concatenate([table for table, _ in found]).std(axis=0)

    def loss(of: Numbers) -> tuple[float, Numbers]:
        total, gradient = 0.0, np.zeros(len(of))
        for table, right in found:
            logits = table / scale @ of
            chances = np.exp(logits - logsumexp(logits))
            total -= float(np.log(chances[right]))
            gradient += (chances @ table - table[right]) / scale
        return total / len(found) + 1e-3 * float(of @ of), gradient / len(found) + 2e-3 * of

    bounds = [(0, None), (0, None), (None, None), (None, None), (0, 0)]
    made = minimize(loss, np.zeros(len(scale)), jac=True, method="L-BFGS-B", bounds=bounds).x / scale
    # So that the score of a text of the question's own script that could not be nearer is about 1.
    made /= made[[0, 1, 3]].sum()
    return [*(float(weight) for weight in made[:4]), WORDS]


def right(
    knowledge: Knowledge, questions: Sequence[dict[str, Any]], texts: dict[str, str]
) -> list[tuple[Numbers, int]]:
    """The features of what is found for questions, and the place of the right text; without those that miss it."""
    made = []
    for each in questions:
        hits, vectors = knowledge.candidates(each["question"])
        places = [place for place, hit in enumerate(hits) if hit.passage.text == texts[each["passage"]]]
        if places:
            made.append((rerank.features(each["question"], hits, vectors).astype(float), places[0]))
    return made


class Seen(NamedTuple):
    """(n,) of questions: how sure, by `sure.features`; is the first text right; has it one; is it found by a question?"""

    table: Numbers
    is_right: npt.NDArray[np.bool_]
    is_answerable: npt.NDArray[np.bool_]
    by_question: npt.NDArray[np.bool_]


def seen(asked: Sequence[tuple[Knowledge, dict[str, Any]]], texts: dict[str, str]) -> Seen:
    """What shops find for questions."""
    rows = []
    for knowledge, each in asked:
        found = knowledge.find(each["question"])
        wanted = texts.get(each.get("passage", ""))
        scores = [one.score for one in found]
        rows.append((*sure.features(scores), found[0].text.text == wanted, wanted is not None, found[0].by_question))
    table = np.array(rows, float)
    return Seen(table[:, :2], table[:, 2] > 0, table[:, 3] > 0, table[:, 4] > 0)


def learned(of: Seen) -> sure.Learned:
    """Weights of the lead and the score, and the bar that hands over what no text answers; figures on the way."""
    model = LogisticRegression(C=100.0)
    chances = cross_val_predict(model, of.table, of.is_right, cv=StratifiedKFold(5, shuffle=True, random_state=0),
                                method="predict_proba")[:, 1]  # fmt: skip
    bar = float(np.quantile(chances[~of.is_answerable], HANDED))
    said = chances >= bar
    print(
        f"first is right {of.is_right[of.is_answerable].mean():.3f}, said and right "
        f"{(said & of.is_right)[of.is_answerable].mean():.3f}, handed over {(~said[~of.is_answerable]).mean():.3f}"
    )
    model.fit(of.table, of.is_right)
    lead, score = model.coef_[0]
    return sure.Learned(float(score), float(lead), float(model.intercept_[0]), bar)


def main() -> None:
    """All of it: two minutes."""
    told = json.loads((HERE / "support_development.json").read_text())
    means()
    texts = {each["id"]: each["text"] for each in told["passages"]}
    shop_of = {each["id"]: each["shop"] for each in told["passages"]}
    noted = {
        language: {each["passage"]: each["question"] for each in told["questions"] if each["language"] == language}
        for language in ("en", "zh")
    }
    parts = {name: [each for each in told["passages"] if each["shop"] == name] for name in ("a", "b")}
    questions = {name: [q for q in told["questions"] if shop_of[q["passage"]] == name] for name in parts}
    plain = {name: shop(part, {}) for name, part in parts.items()}
    made = rerank.Weights(*weights([row for name in parts for row in right(plain[name], questions[name], texts)]))
    rerank.WEIGHTS = made
    print(made)
    # Beside each text the question in the other language than the one asked.
    beside = {(name, at): shop(part, noted[at]) for name, part in parts.items() for at in noted}
    by_text = [(plain[name], q) for name in parts for q in (*questions[name], *told["unanswerable"])]
    by_question = [
        (beside[name, "zh" if q["language"] == "en" else "en"], q)
        for name in parts
        for q in (*questions[name], *told["unanswerable"])
    ]
    texted = seen(by_text, texts)
    after = texted.table[:, 1] - texted.table[:, 0]
    print(f"the next three are at {np.median(after):.3f}; OTHERS is {sure.OTHERS}")
    print("BY_TEXT", learned(texted))
    print("BY_QUESTION", learned(seen(by_question, texts)))


if __name__ == "__main__":
    main()
