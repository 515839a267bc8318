"""What comes after an order, days later: delivery, problems, questions and answers, returns, reviews."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.simulate.params import OrderParams
from regulars.simulate.randomness import generator
from regulars.simulate.raw import CODES, OUTCOME, Rows, blank
from regulars.simulate.texts import CAUSES, Texts

PURPOSE = 4
ANSWERED_RIGHT = 0.8
"""Share of questions that the shop's own people answer as is right."""
RESOLUTIONS = tuple(OUTCOME[cause.resolution] for cause in CAUSES)
LATE, BROKEN, WRONG_SIZE = range(len(CAUSES))

Days = npt.NDArray[np.int64]


class Later(NamedTuple):
    """Events that will happen, and on which day each."""

    day: Days
    rows: Rows


class Asked(NamedTuple):
    """Questions to customer service, (q,) each: the order, product and customer, why, and when it is asked."""

    day: Days
    order: npt.NDArray[np.uint64]
    product: npt.NDArray[np.int32]
    customer: npt.NDArray[np.int32]
    cause: npt.NDArray[np.int64]


def follow(
    bought: Rows,
    day: int,
    seed: int,
    said: OrderParams,
    texts: Texts,
    is_owed: npt.NDArray[np.bool_],
    is_chinese: npt.NDArray[np.bool_],
) -> tuple[list[Later], Asked]:
    """What the order lines of a day bring later.

    Parameters
    ----------
    bought : the lines, those of an order side by side.
    is_owed : (p,) products of which more was sold than there is: they come late.
    is_chinese : (n,) who writes Chinese.

    Returns
    -------
    The events to come, and the questions among them.
    """
    rng = generator(seed, PURPOSE, day)
    count = len(bought)
    starts = np.concatenate(([True], bought["order"][1:] != bought["order"][:-1])) if count else np.zeros(0, bool)
    of_order = np.cumsum(starts) - 1
    orders = int(starts.sum())
    owed = np.bincount(of_order, is_owed[bought["product"]], orders) > 0
    late = (rng.random(orders) < said.late_share) | owed
    wait = 1 + rng.poisson(max(said.delivery_days - 1, 0), orders)
    wait = wait + np.where(late, rng.integers(5, 15, orders), 0)
    delivered = day + wait[of_order]
    draw = rng.random(count)
    faults = np.cumsum([said.broken_share, said.wrong_size_share, said.regret_share])
    fault = np.searchsorted(faults, draw, side="right")  # 0 broken, 1 wrong size, 2 regretted, 3 none
    # A late order is one problem, whatever the number of its lines.
    cause = np.where(starts & late[of_order], LATE, np.where(fault == 0, BROKEN, np.where(fault == 1, WRONG_SIZE, -1)))
    asks = (cause >= 0) & (rng.random(count) < said.asked_share)
    asked_day = np.where(cause == LATE, delivered - 2, delivered + rng.integers(0, 3, count))
    given_back = (fault < 3) & (rng.random(count) < np.where(fault == 0, 0.7, 0.95))
    back_day = delivered + 2 + rng.integers(0, 10, count)
    reviews = rng.random(count) < said.reviewed_share * np.where(fault < 3, 2.0, 1.0)
    hour = rng.random(count) * 13 * 3600e6 + 8 * 3600e6
    questions = _questions(bought[asks], asked_day[asks], cause[asks], hour[asks], rng, texts, is_chinese)
    refunds = _refunds(bought[given_back], hour[given_back])
    opinions = _opinions(bought[reviews], fault[reviews] < 3, hour[reviews], rng, texts, is_chinese)
    found = [*questions, Later(back_day[given_back], refunds), Later(delivered[reviews] + 3, opinions)]
    of_asked = bought[asks]
    asked = Asked(asked_day[asks], of_asked["order"], of_asked["product"], of_asked["customer"], cause[asks])
    return found, asked


def _about(lines: Rows, kind: str, hour: npt.NDArray[np.float64]) -> Rows:
    rows = blank(len(lines))
    for name in ("customer", "product", "order", "device", "ip", "channel"):
        rows[name] = lines[name]
    rows["type"] = CODES[kind]
    rows["time"] = hour.astype(np.int64)
    return rows


def _refunds(lines: Rows, hour: npt.NDArray[np.float64]) -> Rows:
    rows = _about(lines, "order_refunded", hour)
    rows["quantity"], rows["price"] = lines["quantity"], lines["price"]
    return rows


def _questions(
    lines: Rows,
    asked_day: Days,
    cause: npt.NDArray[np.int64],
    hour: npt.NDArray[np.float64],
    rng: np.random.Generator,
    texts: Texts,
    is_chinese: npt.NDArray[np.bool_],
) -> Iterator[Later]:
    language = is_chinese[lines["customer"]].astype(np.int64)
    asked, answered = _about(lines, "support_asked", hour), _about(lines, "support_answered", hour)
    choices = np.array(texts.questions)  # (causes, languages, phrasings)
    asked["text"] = choices[cause, language, rng.integers(0, choices.shape[2], len(lines))]
    answered["time"] += (600e6 + rng.random(len(lines)) * 7200e6).astype(np.int64)
    said = np.where(rng.random(len(lines)) < ANSWERED_RIGHT, cause, rng.integers(0, len(CAUSES), len(lines)))
    answered["text"] = np.array(texts.answers)[said, language]
    answered["outcome"] = np.array(RESOLUTIONS)[said]
    # The answer is about the order, not about one product: its text names none.
    answered["product"] = -1
    yield Later(asked_day, asked)
    yield Later(asked_day, answered)


def _opinions(
    lines: Rows,
    is_bad: npt.NDArray[np.bool_],
    hour: npt.NDArray[np.float64],
    rng: np.random.Generator,
    texts: Texts,
    is_chinese: npt.NDArray[np.bool_],
) -> Rows:
    rows = _about(lines, "product_reviewed", hour)
    language = is_chinese[lines["customer"]].astype(np.int64)
    praise, blame = np.array(texts.praise), np.array(texts.blame)
    rows["text"] = np.where(
        is_bad,
        blame[language, rng.integers(0, blame.shape[1], len(lines))],
        praise[language, rng.integers(0, praise.shape[1], len(lines))],
    )
    return rows
