"""Answers from a shop's texts, offline: questions that they answer, others that they do not; and how long one takes.

    python -m benchmarks.support_answers

The texts and questions are `support_faq.json`: 200 texts, each with a question in English and in Chinese; and 200 questions
that no text answers (`support_unanswerable.json`). How texts are ranked, how sure is sure enough, and the bar were learned
from `support_development.json` (`support_learn`), not from them; what of them was seen before, `docs/support_answers.md`
says. The first search, whose forty best are ranked, has two weights that were learned from them (`language_search`).

A second case has one question of a customer noted beside each text: that in the other language than the one asked.
"""

from __future__ import annotations

import csv
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.report import Row, save
from regulars.evaluation.metrics import auroc_score
from regulars.evaluation.proportion import wilson_interval
from regulars.language.search import Index
from regulars.support.answer import Answers
from regulars.support.answer.sure import BY_QUESTION, BY_TEXT, probability
from regulars.support.knowledge import Knowledge

HERE = Path(__file__).parent
CACHE = Path(tempfile.mkdtemp()) / "vectors.parquet"
CASE = "answers from 200 texts, offline, learned from other questions"
Questions = list[dict[str, Any]]


def shop(told: dict[str, Any], noted: str = "") -> Knowledge:
    """The texts in a folder, as a shop has them; with the questions of one language noted beside them."""
    folder = Path(tempfile.mkdtemp())
    asked = {each["passage"]: each["question"] for each in told["questions"] if each["language"] == noted}
    with (folder / "faq.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["title", "answer", "questions", "language"])
        for each in told["passages"]:
            rows.writerow([each["title"], each["text"], asked.get(each["id"], ""), each["language"]])
    return Knowledge(folder, Index(cache=CACHE))


def shares(case: str, metric: str, better: str, found: npt.NDArray[np.bool_]) -> list[Row]:
    """A share and its 95 % interval (Wilson)."""
    low, high = wilson_interval([found.sum()], [len(found)])
    ends = (("", found.mean()), (", lower end of 95 % interval", low[0]), (", upper end of 95 % interval", high[0]))
    return [Row(case, f"{metric}{end}", better, float(value)) for end, value in ends]


def judged(case: str, shops: dict[str, Knowledge], told: dict[str, Any], none: Questions) -> list[Row]:
    """What is answered, by the shop of each question's language, and what is handed over: as `Answers` does."""
    texts = {each["id"]: each["text"] for each in told["passages"]}
    rows = []
    for each in (*told["questions"], *none):
        found = shops[each["language"]].find(each["question"])
        learned = BY_QUESTION if found[0].by_question else BY_TEXT
        chance = probability(found, learned)
        wanted = texts.get(each.get("passage", ""))
        among = [one.text.text == wanted for one in found]
        is_own = each.get("passage", "").startswith(each["language"])
        rows.append((chance, chance >= learned.bar, among[0], any(among[:3]), any(among), wanted is not None, is_own))
    table = np.array(rows, float)
    chances, (said, first, three, five, known, own) = table[:, 0], (table[:, 1:] > 0).T
    return [
        *shares(case, "400 answerable: cited and right", "higher", (said & first)[known]),
        *shares(case, "400 answerable: cited and wrong", "lower", (said & ~first)[known]),
        *shares(case, "200 unanswerable: handed over", "higher", ~said[~known]),
        *shares(case, "right text first", "higher", first[known]),
        Row(case, "right text first, question in its language", "higher", float(first[known & own].mean())),
        Row(case, "right text first, question in the other language", "higher", float(first[known & ~own].mean())),
        Row(case, "right text among three", "higher", float(three[known].mean())),
        Row(case, "right text among five", "higher", float(five[known].mean())),
        Row(case, "AUROC of answerable against not", "higher", auroc_score(known, chances)),
    ]


def speed(answers: Answers, asked: Questions) -> list[Row]:
    """Milliseconds of a whole answer."""
    spent, worked = [], []
    for each in asked:
        start, begun = time.perf_counter(), time.process_time()
        answers.answer(each["question"], None, each["language"])
        spent.append((time.perf_counter() - start) * 1000)
        worked.append((time.process_time() - begun) * 1000)
    return [
        Row(CASE, "milliseconds an answer, p50", "lower", float(np.percentile(spent, 50))),
        Row(CASE, "milliseconds an answer, p99", "lower", float(np.percentile(spent, 99))),
        Row(CASE, "milliseconds an answer, p50, of the processor alone", "lower", float(np.percentile(worked, 50))),
        Row(CASE, "milliseconds an answer, p99, of the processor alone", "lower", float(np.percentile(worked, 99))),
    ]


def main() -> None:
    """All of it: two minutes."""
    told = json.loads((HERE / "support_faq.json").read_text())
    none = json.loads((HERE / "support_unanswerable.json").read_text())["questions"]
    plain = shop(told)
    rows = judged(CASE, {"en": plain, "zh": plain}, told, none)
    noted = {"en": shop(told, "zh"), "zh": shop(told, "en")}
    rows += judged(f"{CASE}, a question noted beside each", noted, told, none)
    save("support", [*rows, *speed(Answers(plain), [*told["questions"][::4], *none[::2]])])


if __name__ == "__main__":
    main()
