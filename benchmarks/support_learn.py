"""Learns how answers are ranked, and when one is sure enough, from questions apart from those that judge it.

    python -m benchmarks.support_learn

`support_development.json` has two made shops of seventy texts or so, half of them English, half Chinese; no thing is told
twice in one shop. Each text has a question in either language, as a customer types it; 220 more are near the texts or far
from them, and no text answers them. Questions that were nearly one of the benchmark's are left out (cosine above .8).

Each is learned with the encoder of questions and answers, and without it. It prints the constants of `regulars.support.knowledge.rank` and `regulars.support.answer.sure`. Weights and chances are judged here by five folds.
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
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from regulars.language.search import Index
from regulars.support.answer import sure
from regulars.support.intent import starter
from regulars.support.knowledge import Knowledge, rank

HERE = Path(__file__).parent
CACHE = Path(tempfile.mkdtemp()) / "vectors.parquet"
HANDED, UNOFFERED = 0.95, 0.8
"""Shares of what no text answers that is not answered, and of what is no shop's business that is offered no text: an
offer costs the customer a no, and says nothing wrong."""
WORDS = 0.1
"""Of words in common; by hand, for the questions here were written in other words than the texts. Names and codes, which
vectors do not tell, are words."""
Numbers = npt.NDArray[np.float64]


def shop(passages: list[dict[str, Any]], noted: dict[str, str]) -> Knowledge:
    """Texts in a folder, as a shop has them; with a question noted beside some."""
    folder = Path(tempfile.mkdtemp())
    with (folder / "faq.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["title", "answer", "questions", "language"])
        rows.writerows([each["title"], each["text"], noted.get(each["id"], ""), each["language"]] for each in passages)
    return Knowledge(folder, Index(cache=CACHE))


def weights(found: Sequence[tuple[Numbers, int]]) -> list[float]:
    """Of the features of texts (n, 6), the right one among them, by multinomial logistic loss."""
    scale = np.concatenate([table for table, _ in found]).std(axis=0)
    scale[scale == 0] = 1  # of an encoder that is not there

    def loss(of: Numbers) -> tuple[float, Numbers]:
        total, gradient = 0.0, np.zeros(len(of))
        for table, right in found:
            logits = table / scale @ of
            chances = np.exp(logits - logsumexp(logits))
            total -= float(np.log(chances[right]))
            gradient += (chances @ table - table[right]) / scale
        return total / len(found) + 1e-3 * float(of @ of), gradient / len(found) + 2e-3 * of

    bounds = [(0, None)] * 4 + [(0, 0), (None, None)]
    made = minimize(loss, np.zeros(len(scale)), jac=True, method="L-BFGS-B", bounds=bounds).x / scale
    # So that the score of a text of the question's own script that could not be nearer is about 1.
    made /= made.sum()
    made[4] = WORDS
    return [float(weight) for weight in made]


def right(
    knowledge: Knowledge, questions: Sequence[dict[str, Any]], texts: dict[str, str]
) -> list[tuple[Numbers, int]]:
    """The features of what is found for questions, and the place of the right text; without those that miss it."""
    made = []
    for each in questions:
        hits, compared = knowledge.candidates(each["question"])
        places = [place for place, hit in enumerate(hits) if hit.passage.text == texts[each["passage"]]]
        if places:
            made.append((rank.features(each["question"], hits, compared).astype(float), places[0]))
    return made


class Seen(NamedTuple):
    """(n,) of questions: how sure, by `sure.features`; is the first text right; and of what kind they are."""

    table: Numbers
    is_right: npt.NDArray[np.bool_]
    kinds: npt.NDArray[np.str_]


def seen(knowledge: Knowledge, told: dict[str, Any], questions: Sequence[dict[str, Any]]) -> Seen:
    """What a shop of all texts finds for questions: "answerable", "near" its texts or "far" from them.

    Where a text of the other made shop comes first, it may answer as well: such questions are left out.
    """
    texts = {each["id"]: each["text"] for each in told["passages"]}
    shop_of = {each["text"]: each["shop"] for each in told["passages"]}
    strangers = [text for text, label in zip(*starter(), strict=True) if label is None]
    asked = [("answerable", each["question"], texts[each["passage"]]) for each in questions]
    asked += [("near", each["question"], "") for each in told["unanswerable"]]
    asked += [("far", text, "") for text in strangers]
    rows, kinds = [], []
    for kind, question, wanted in asked:
        found = knowledge.find(question)
        first = found[0].text.text
        if not wanted or shop_of[first] == shop_of[wanted]:
            rows.append((*sure.features(found), first == wanted))
            kinds.append(kind)
    table = np.array(rows, float)
    return Seen(table[:, :-1], table[:, -1] > 0, np.array(kinds))


def learned(parts: Sequence[Seen]) -> sure.Learned:
    """Weights of the lead and the score, and the bar; figures on the way."""
    of = Seen(*(np.concatenate(each) for each in zip(*parts, strict=True)))
    is_close = of.kinds != "far"
    model = LogisticRegression(C=10.0)
    chances = np.empty(len(of.kinds))
    chances[is_close] = cross_val_predict(
        model, of.table[is_close], of.is_right[is_close], cv=StratifiedKFold(5, shuffle=True, random_state=0),
        method="predict_proba",
    )[:, 1]  # fmt: skip
    model.fit(of.table[is_close], of.is_right[is_close])
    chances[~is_close] = model.predict_proba(of.table[~is_close])[:, 1]
    near, far = np.sort(chances[of.kinds == "near"]), np.sort(chances[of.kinds == "far"])
    # Of what no text answers, half is close to one that does and half is of no shop's business.
    handed = (np.searchsorted(near, near) / len(near) + np.searchsorted(far, near) / len(far)) / 2
    bar = float(near[handed >= HANDED][0])
    offered = float(np.quantile(far, UNOFFERED))
    answerable = of.kinds == "answerable"
    print(
        f"first is right {of.is_right[answerable].mean():.3f}, said and right "
        f"{((chances >= bar) & of.is_right)[answerable].mean():.3f}, handed over: near {(near < bar).mean():.3f}, "
        f"far {(far < bar).mean():.3f}; offered: answerable {(chances >= offered)[answerable].mean():.3f}, "
        f"near {(near >= offered).mean():.3f}"
    )
    return sure.Learned(
        tuple(model.coef_[0].round(2).tolist()), round(float(model.intercept_[0]), 2), round(bar, 3), round(offered, 3)
    )


def main() -> None:
    """All of it: two minutes."""
    told = json.loads((HERE / "support_development.json").read_text())
    for with_e5 in (True, False):
        print("with E5" if with_e5 else "without E5")
        rank.is_installed = sure.is_installed = lambda found=with_e5: found  # type: ignore[attr-defined]
        learn(told)


def learn(told: dict[str, Any]) -> None:
    """Print what is learned, with the encoders that are there."""
    texts = {each["id"]: each["text"] for each in told["passages"]}
    shop_of = {each["id"]: each["shop"] for each in told["passages"]}
    made = []
    for name in ("a", "b"):
        knowledge = shop([each for each in told["passages"] if each["shop"] == name], {})
        made += right(knowledge, [each for each in told["questions"] if shop_of[each["passage"]] == name], texts)
    rank.WEIGHTS = rank.WITHOUT_E5 = rank.Weights(*weights(made))
    print(rank.WEIGHTS)
    texted = seen(shop(told["passages"], {}), told, told["questions"])
    next_three = np.median(texted.table[:, 1::2] - texted.table[:, 2::2], axis=0).round(2)
    print(f"meaning and answers of the next three are at {next_three}; OTHERS is {sure.OTHERS}")
    print("BY_TEXT", learned([texted]))
    beside = []
    for language in ("en", "zh"):
        # Beside each text the question in the other language than the one asked.
        noted = {each["passage"]: each["question"] for each in told["questions"] if each["language"] != language}
        asked = [each for each in told["questions"] if each["language"] == language]
        beside.append(seen(shop(told["passages"], noted), told, asked))
    print("BY_QUESTION", learned(beside))


if __name__ == "__main__":
    main()
