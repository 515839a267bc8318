"""What an event, and a question, is described by: one place, so that a log read at once and events taken in one by one
give the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from regulars.behavior.buckets import gap_bucket, hour_and_weekday, price_bucket, quantity_bucket
from regulars.behavior.sequences import FIELDS
from regulars.behavior.vocabulary import Vocabulary

Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]


def event_fields(
    vocabulary: Vocabulary,
    *,
    product: Numbers,
    type: Numbers,
    channel: Numbers,
    time: Ints,
    gap: Ints,
    price: npt.NDArray[np.float64],
    quantity: npt.NDArray[np.float64],
) -> dict[str, Numbers]:
    """The numbers that describe events.

    Parameters
    ----------
    product, type, channel : (n,) their numbers in the vocabulary, 0 for unknown.
    time, gap : (n,) microseconds since 1970, and since the customer's event before; below 0 if there is none.
    price, quantity : (n,) NaN where unknown.

    Returns
    -------
    {one of FIELDS: (n,) int32}
    """
    hour, weekday = hour_and_weekday(time, vocabulary.clock)
    return {
        "product": product,
        "type": type,
        "gap": gap_bucket(gap),
        "hour": hour,
        "weekday": weekday,
        "price": price_bucket(price, vocabulary.usual_price[product]),
        "quantity": quantity_bucket(quantity),
        "channel": channel,
    }


def question_fields(vocabulary: Vocabulary, time: Ints, gap: Ints) -> Numbers:
    """(q, f) numbers that describe questions, in the order of FIELDS; `time` and `gap` (q,) as for events.

    >>> asked = question_fields(Vocabulary.of_numbers(np.zeros(2, np.int64)), np.array([0]), np.array([-1]))
    >>> dict(zip(FIELDS, asked[0].tolist()))["type"]  # "met" is 1, the only type there is
    2
    """
    asked = np.zeros((len(time), len(FIELDS)), np.int32)
    hour, weekday = hour_and_weekday(time, vocabulary.clock)
    told: dict[str, Any] = {"type": vocabulary.now, "gap": gap_bucket(gap), "hour": hour, "weekday": weekday}
    for name, values in told.items():
        asked[:, FIELDS.index(name)] = values
    return asked
