"""Answers from a shop's texts, offline: 100 questions that they answer and 100 that they do not; and how long one takes.

    python -m benchmarks.support_answers

The texts and questions are `support_faq.json`: 200 texts, each with a question in English and in Chinese. The questions of
50 texts, drawn by seed, are judged; those of the other 150 learn how sure an answer is, and set the bar. Of 200 questions
that no text answers (`support_unanswerable.json`), 100 drawn by seed are judged, and 100 set the bar: where 95 of 100 of
them are handed over, by five folds. The weights of the search itself were learned from all 400 (`language_search`).

All is drawn and judged again 20 times, for 100 questions tell little. A second case has one question of a customer
noted beside each text: that in the other language than the one asked.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from benchmarks.report import Row, save
from regulars.language.embedding import OFFLINE
from regulars.language.english import English, is_installed
from regulars.language.search import Index
from regulars.support.answer import Answers
from regulars.support.answer.sure import BY_QUESTION, BY_TEXT, Learned, features
from regulars.support.knowledge import Knowledge

HERE = Path(__file__).parent
JUDGED, HANDED = 50, 0.95
SEED, DRAWS = 7, 20
NOTED = ", a question noted beside each"
CASE = "answers from 200 texts, offline"
Questions = list[dict[str, Any]]
Places = npt.NDArray[np.int64]


class Split(NamedTuple):
    """Questions that set the bar, and others that are judged."""

    chosen: Places
    chosen_none: Places
    judged: Places
    judged_none: Places


def split(told: dict[str, Any], none: Questions, seed: int = SEED) -> Split:
    """By texts, so that no text has a question on both sides: places of questions."""
    random = np.random.default_rng(seed)
    judged = set(random.permutation([each["id"] for each in told["passages"]])[:JUDGED])
    mixed = random.permutation(len(none))
    is_judged = np.array([each["passage"] in judged for each in told["questions"]])
    return Split(np.flatnonzero(~is_judged), mixed[100:], np.flatnonzero(is_judged), mixed[:100])


def shop(told: dict[str, Any], noted: str = "", *, is_english: bool = False) -> Knowledge:
    """The texts in a folder, as a shop has them; with the questions of one language noted beside them."""
    folder = Path(tempfile.mkdtemp())
    asked = {each["passage"]: each["question"] for each in told["questions"] if each["language"] == noted}
    with (folder / "faq.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["title", "answer", "questions", "language"])
        for each in told["passages"]:
            rows.writerow([each["title"], each["text"], asked.get(each["id"], ""), each["language"]])
    return Knowledge(folder, Index(OFFLINE, English() if is_english else None))


class Seen(NamedTuple):
    """What the search finds for questions: features; is the right text the first, or among five; found by a question?"""

    table: npt.NDArray[np.float64]
    is_right: npt.NDArray[np.bool_]
    is_among: npt.NDArray[np.bool_]
    by_question: npt.NDArray[np.bool_]

    def of(self, places: Places) -> Seen:
        """Of some of the questions."""
        return Seen(*(column[places] for column in self))


def seen(shops: dict[str, Knowledge], told: dict[str, Any], asked: Questions) -> Seen:
    """By the shop of each question's language."""
    texts = {each["id"]: each["text"] for each in told["passages"]}
    table, right, among, noted = [], [], [], []
    for each in asked:
        found = shops[each["language"]].find(each["question"])
        lead, best = features([one.score for one in found])
        table.append((best, lead))
        wanted = texts.get(each.get("passage", ""))
        right.append(found[0].text.text == wanted)
        among.append(wanted in [one.text.text for one in found])
        noted.append(found[0].by_question)
    return Seen(np.array(table), np.array(right), np.array(among), np.array(noted))


def learned(known: Seen, none: Seen) -> Learned:
    """The weights of the probability, and the bar."""
    table = np.concatenate([known.table, none.table])
    right = np.concatenate([known.is_right, none.is_right]).astype(int)
    model = LogisticRegression(C=100.0)
    chances = cross_val_predict(model, table, right, cv=5, method="predict_proba")[:, 1]
    bar = float(np.quantile(chances[len(known.is_right) :], HANDED))
    model.fit(table, right)
    return Learned(*(float(one) for one in (*model.coef_[0], model.intercept_[0], bar)))


def is_said(found: Seen, by_text: Learned, by_question: Learned) -> npt.NDArray[np.bool_]:
    """(n,) whether it is sure enough."""
    weights = np.where(found.by_question[:, None], by_question, by_text)  # (n, 4)
    logits = (found.table * weights[:, :2]).sum(axis=1) + weights[:, 2]
    said: npt.NDArray[np.bool_] = 1 / (1 + np.exp(-logits)) >= weights[:, 3]
    return said


def rows_of(case: str, known: Seen, none: Seen, by_text: Learned, by_question: Learned) -> list[Row]:
    """What is answered and what is handed over of judged questions."""
    said, said_none = is_said(known, by_text, by_question), is_said(none, by_text, by_question)
    return [
        Row(case, "100 answerable: cited and right", "higher", float((said & known.is_right).mean())),
        Row(case, "100 answerable: cited and wrong", "lower", float((said & ~known.is_right).mean())),
        Row(case, "100 answerable: right text among the five found", "higher", float(known.is_among.mean())),
        Row(case, "100 unanswerable: handed over", "higher", float((~said_none).mean())),
    ]


def speed(knowledge: Knowledge, asked: Questions) -> list[Row]:
    """Milliseconds of a whole answer, as the constants are."""
    spent, worked = [], []
    answers = Answers(knowledge)
    for each in asked:
        start, begun = time.perf_counter(), time.process_time()
        answers.answer(each["question"], None, each["language"])
        spent.append((time.perf_counter() - start) * 1000)
        worked.append((time.process_time() - begun) * 1000)
    case = CASE
    return [
        Row(case, "milliseconds an answer, p50", "lower", float(np.percentile(spent, 50))),
        Row(case, "milliseconds an answer, p99", "lower", float(np.percentile(spent, 99))),
        Row(case, "milliseconds an answer, p99, of the processor alone", "lower", float(np.percentile(worked, 99))),
    ]


def _chosen(found: tuple[Seen, Seen], part: Split) -> tuple[Seen, Seen]:
    return found[0].of(part.chosen), found[1].of(part.chosen_none)


def main() -> None:
    """All of it: a minute."""
    told = json.loads((HERE / "support_faq.json").read_text())
    asked, none = told["questions"], json.loads((HERE / "support_unanswerable.json").read_text())["questions"]
    plain = shop(told)
    cases = {
        "": {"en": plain, "zh": plain},
        NOTED: {"en": shop(told, "zh"), "zh": shop(told, "en")},
    }
    if is_installed():
        both = shop(told, is_english=True)
        cases[", with the English encoder"] = {"en": both, "zh": both}
    found = {case: (seen(shops, told, asked), seen(shops, told, none)) for case, shops in cases.items()}
    rows: list[Row] = []
    parts = [split(told, none, seed) for seed in range(SEED, SEED + DRAWS)]
    by_text = [learned(*_chosen(found[""], part)) for part in parts]
    by_question = [learned(*_chosen(found[NOTED], part)) for part in parts]
    for case, (known, nothing) in found.items():
        each = [
            rows_of(CASE + case, known.of(part.judged), nothing.of(part.judged_none), *constants)
            for part, *constants in zip(parts, by_text, by_question, strict=True)
        ]
        rows += each[0]
        for several in zip(*each, strict=True):
            mean = float(np.mean([row.ours for row in several]))
            rows.append(Row(CASE + case, f"{several[0].metric}, mean of {DRAWS} draws", several[0].better, mean))
    first = parts[0]
    rows += speed(plain, [asked[place] for place in first.judged] + [none[place] for place in first.judged_none])
    print(f"learned: {by_text[0]}, {by_question[0]}; in use: {BY_TEXT}, {BY_QUESTION}", file=sys.stderr)
    save("support", rows)


if __name__ == "__main__":
    main()
