"""The behaviour model beside a running server has heard of every event once: of the log, the inbox, and since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from regulars import Shop, clock
from tests.realtime.conftest import traffic
from tests.serve.conftest import Start, until


@pytest.fixture
def foreseeing(shop: Shop, record: Callable[..., object], keep_behavior_model: Callable[..., None]) -> Shop:
    rows, now = traffic(300), clock.now()
    for place, each in enumerate(rows):
        each |= {"event_id": f"e{place}", "time": str(now - timedelta(days=(len(rows) - place) / 4))}
    record(shop, *rows)
    keep_behavior_model(shop, now)
    return shop


@pytest.mark.parametrize("fold_seconds", [60.0, 0.01])
def test_what_is_foreseen_is_by_every_event_once(foreseeing: Shop, start_of: Start, fold_seconds: float) -> None:
    from regulars.realtime.foresight import Foresight

    server = start_of(foreseeing, fold_seconds=fold_seconds)

    def view(number: int) -> None:
        said = {"product_id": f"line{number % 5}-{number % 6}", "price": 4.5}
        call = {"userId": "c1", "event": "Product Viewed", "messageId": f"m{number}", "properties": said}
        assert server.post("/v1/track", call).status_code == 200

    for number in range(6):
        view(number)
    server.serving.live._foresight.refresh()  # so that nobody waits for what the server makes before it
    for number in range(6, 12):
        view(number)
    view(5)  # again
    until(lambda: server.serving.live.follower.number >= 13)  # an acknowledgement waits for it only for so long
    found: dict[str, Any] = dict(server.serving.live.live.foresight.next("c1"))
    server.stop()
    from_log = Foresight.of(foreseeing, clock.now() + timedelta(days=1))
    assert from_log is not None
    whole = from_log.next("c1")
    assert len(found.keys() & whole.keys()) == len(whole)
    np.testing.assert_allclose([found[each] for each in whole], list(whole.values()), rtol=0.02)
