"""What is to come of one customer: as the table says, day by day, on the terminal and on a page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regulars import Shop
from regulars.churn import ahead, table
from regulars.churn.btyd import ParetoNBD
from regulars.churn.one import alive_by_day
from regulars.errors import NotEnoughError, NotFoundError


def test_it_says_what_the_table_says(tea_shop: Shop, tea_as_of: datetime) -> None:
    known = table(tea_shop, tea_shop.customers(tea_as_of)).to_pylist()[3]
    found = ahead(tea_shop, known["customer_id"], tea_as_of).to_dict()
    for name in ("churn_probability", "expected_orders", "expected_margin_365d"):
        assert found[name] == pytest.approx(known[name])
    assert found["waiting"][0] == {"days": 0.0, "share": 1.0}
    assert found["waiting"][-1]["share"] == pytest.approx(known["churn_probability"], abs=1e-3)


def test_silence_lowers_the_chance_of_being_a_customer_and_an_order_raises_it() -> None:
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    orders = np.array([begin.timestamp() + day * 86_400 for day in (0, 10, 20, 30, 90)])
    days, alive = alive_by_day(ParetoNBD(1.0, 20.0, 0.5, 60.0), orders, begin + timedelta(days=120))
    assert days[0] == "2024-01-02"
    assert len(days) == 120
    assert (np.diff(alive[31:90]) < 0).all()
    assert alive[90] > alive[89] + 0.2
    assert ((alive > 0) & (alive <= 1)).all()


def test_an_order_at_the_moment_is_not_yet_known_then_nor_later() -> None:
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    orders = np.array([begin.timestamp() + day * 86_400 for day in (0, 10)])
    model = ParetoNBD(1.0, 20.0, 0.5, 60.0)
    then = alive_by_day(model, orders[:1], begin + timedelta(days=10))
    later = alive_by_day(model, orders, begin + timedelta(days=20))
    assert later[0][: len(then[0])] == then[0]
    assert later[1][: len(then[1])] == pytest.approx(then[1])


def test_nothing_after_the_moment_is_used(tea_shop: Shop, tea_as_of: datetime) -> None:
    name = tea_shop.customers(tea_as_of - timedelta(days=30))["customer_id"][0].as_py()
    now = {each["day"]: each["chance"] for each in ahead(tea_shop, name, tea_as_of).to_dict()["alive"]}
    then = ahead(tea_shop, name, tea_as_of - timedelta(days=30)).to_dict()["alive"]
    for each in then[:-1]:
        assert now[each["day"]] == pytest.approx(each["chance"], abs=1e-9)


def test_the_command_shows_it_and_writes_a_page(
    tea_shop: Shop, tea_as_of: datetime, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    name = tea_shop.customers(tea_as_of)["customer_id"][0].as_py()
    page = tmp_path / "one.html"
    code, out, _ = cli("outlook", name, "--shop", tea_shop.folder, "--as-of", f"{tea_as_of:%Y-%m-%d}", "--out", page)
    assert code == 0
    assert "chance of no order within the horizon" in out
    html = page.read_text()
    assert "day by day" in html
    assert name in html


def test_who_never_ordered_and_who_is_not_known_are_told_apart(
    own_tea_shop: Shop, tea_as_of: datetime, record: Callable[..., Any]
) -> None:
    early = (tea_as_of - timedelta(days=1)).isoformat()
    record(own_tea_shop, {"type": "product_viewed", "customer_id": "looker", "time": early, "product_id": "tea1"})
    with pytest.raises(NotEnoughError, match="looker had no order before"):
        ahead(own_tea_shop, "looker", tea_as_of)
    with pytest.raises(NotFoundError):
        ahead(own_tea_shop, "nobody", tea_as_of)
