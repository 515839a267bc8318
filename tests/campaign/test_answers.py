"""How customers answered before, as of each moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from regulars import Shop
from regulars.campaign.answers import answer_names, answers
from regulars.events.schema import TIME

START = datetime(2024, 3, 1, tzinfo=UTC)


def told(kind: str, who: str, campaign: str, day: int) -> dict[str, Any]:
    moment = (START + timedelta(days=day)).isoformat()
    return {
        "type": kind,
        "customer_id": who,
        "campaign_id": campaign,
        "time": moment,
        "event_id": f"{kind}{who}{campaign}{day}",
    }


def test_answers_are_counted_by_action_and_as_of_each_moment(shop: Shop, record: Any) -> None:
    record(
        shop,
        told("message_sent", "ada", "spring", 1), told("message_opened", "ada", "spring", 1),
        told("message_sent", "ada", "spring", 5), told("message_sent", "ada", "coupon", 2),
        told("message_sent", "bob", "spring", 2), told("message_sent", "bob", "coupon", 3),
        told("message_opened", "bob", "coupon", 3), told("message_clicked", "bob", "coupon", 3),
        told("message_sent", "bob", "other", 3),
    )  # fmt: skip
    moments = [START + timedelta(days=day) for day in (4, 10, 10, 1)]
    pairs = pa.table({"customer_id": ["ada", "ada", "bob", "bob"], "as_of": pa.array(moments, TIME)})
    names = answer_names(("none", "spring by email", "coupon by sms"))
    found = dict(zip(names, answers(shop, pairs, names).T, strict=True))
    assert found["spring by email: sent"].tolist() == [1, 2, 1, 0]
    assert found["coupon by sms: sent"].tolist() == [1, 1, 1, 0]
    assert found["spring by email: opened"].tolist() == [1, 1, 0, 0]
    assert found["coupon by sms: opened"].tolist() == [0, 0, 1, 0]
    one = answers(shop, pairs, ("coupon by sms: clicked",))
    np.testing.assert_array_equal(one[:, 0], found["coupon by sms: clicked"])
