"""Answers from a shop's texts, offline: questions that they answer, others that they do not; and how long one takes.

    python -m benchmarks.support_answers [faq] [frozen]

The texts and questions are `support_faq.json`: 200 texts, each with a question in English and in Chinese; and 200 questions
that no text answers (`support_unanswerable.json`). How texts are ranked, how sure is sure enough, and the bar were learned
from `support_development.json` (`support_learn`), not from them; what of them was seen before, `docs/support_answers.md`
says. The first search, whose forty best are ranked, has two weights that were learned from them (`language_search`).

`support_frozen.json` has other questions about the same 200 texts, written from these alone, once everything else was done, in
halves by the hash of each: one to develop with, one that judges. Nothing was learned from its judging half.

A second case of the first has one question of a customer noted beside each text: that in the other language than the one asked.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.report import Row, save
from regulars.evaluation.metrics import auroc_score
from regulars.evaluation.proportion import wilson_interval
from regulars.language import retrieval
from regulars.language.search import Index
from regulars.support.answer import Answers, sure
from regulars.support.answer.sure import learned, probability
from regulars.support.knowledge import Knowledge, rank

HERE = Path(__file__).parent
CACHE = Path(tempfile.mkdtemp()) / "vectors.parquet"
FROZEN = "answers from 200 texts, offline, frozen questions"
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
        chance = probability(found)
        wanted = texts.get(each.get("passage", ""))
        among = [one.text.text == wanted for one in found]
        is_own = each.get("passage", "").startswith(each["language"])
        of = learned(found)
        said, near = chance >= of.bar, chance >= of.offered
        rows.append((chance, said, near, among[0], any(among[:3]), any(among), wanted is not None, is_own))
    table = np.array(rows, float)
    chances, (said, near, first, three, five, known, own) = table[:, 0], (table[:, 1:] > 0).T
    offered = near & ~said
    answerable, others = f"{known.sum()} answerable", f"{(~known).sum()} unanswerable"
    return [
        *shares(case, f"{answerable}: cited and right", "higher", (said & first)[known]),
        *shares(case, f"{answerable}: cited and wrong", "lower", (said & ~first)[known]),
        *shares(
            case,
            f"{answerable}: cited and right, or among three offered",
            "higher",
            np.where(said, first, offered & three)[known],
        ),
        *shares(case, f"{others}: handed over", "higher", ~said[~known]),
        *shares(case, f"{others}: handed over after an offer of three", "lower", offered[~known]),
        *shares(case, "of what is cited the share that is right", "higher", first[said]),
        Row(
            case,
            f"{answerable}: right by a bar above which .95 are right, drawn here",
            "higher",
            surest(first, chances, known),
        ),
        *shares(case, "right text first", "higher", first[known]),
        Row(case, "right text first, question in its language", "higher", float(first[known & own].mean())),
        Row(case, "right text first, question in the other language", "higher", float(first[known & ~own].mean())),
        Row(case, "right text among three", "higher", float(three[known].mean())),
        Row(case, "right text among five", "higher", float(five[known].mean())),
        Row(case, "AUROC of answerable against not", "higher", auroc_score(known, chances)),
    ]


def surest(is_right: npt.NDArray[np.bool_], chances: npt.NDArray[np.float64], known: npt.NDArray[np.bool_]) -> float:
    """The share of what is answerable that is answered right above the lowest bar where .95 of answers are right."""
    right = is_right[np.argsort(-chances, kind="stable")]
    enough = np.flatnonzero(np.cumsum(right) >= 0.95 * np.arange(1, len(right) + 1))
    return float(right[: enough[-1] + 1].sum() / known.sum()) if len(enough) else 0.0


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


def half_of(question: str) -> str:
    """Which half of the frozen questions one is of: by its hash, fixed before any was asked."""
    return ("development", "judging")[hashlib.blake2b(question.encode(), digest_size=1).digest()[0] % 2]


def frozen(half: str) -> tuple[Questions, Questions]:
    """Those that a text answers, and those that none does."""
    every = json.loads((HERE / "support_frozen.json").read_text("utf-8"))["questions"]
    some = [each for each in every if half_of(each["question"]) == half]
    none = [{name: each[name] for name in ("question", "language")} for each in some if each["passage"] is None]
    return [each for each in some if each["passage"] is not None], none


def run_frozen() -> list[Row]:
    """The judging half, with the encoder of questions and answers, and without it."""
    told = json.loads((HERE / "support_faq.json").read_text("utf-8"))
    asked, none = frozen("judging")
    rows = []
    for with_e5 in (True, False):
        rank.is_installed = sure.is_installed = lambda found=with_e5: found  # type: ignore[attr-defined]
        plain = shop(told)
        case = FROZEN if with_e5 else f"{FROZEN}, without E5"
        rows += judged(case, {"en": plain, "zh": plain}, {**told, "questions": asked}, none)
    rank.is_installed = sure.is_installed = retrieval.is_installed  # type: ignore[attr-defined]
    return rows


def run_faq() -> list[Row]:
    """All questions of `support_faq.json`, and how long an answer takes: two minutes."""
    told = json.loads((HERE / "support_faq.json").read_text())
    none = json.loads((HERE / "support_unanswerable.json").read_text())["questions"]
    plain = shop(told)
    rows = judged(CASE, {"en": plain, "zh": plain}, told, none)
    noted = {"en": shop(told, "zh"), "zh": shop(told, "en")}
    rows += judged(f"{CASE}, a question noted beside each", noted, told, none)
    return [*rows, *speed(Answers(plain), [*told["questions"][::4], *none[::2]])]


def main() -> None:
    """Run the parts that are named, or both."""
    parts = {"faq": run_faq, "frozen": run_frozen}
    for name in sys.argv[1:] or parts:
        save("support", parts[name]())


if __name__ == "__main__":
    main()
