"""Learning a shop's model: what is held out, who is who, and what cannot be gone on from."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from regulars import Shop
from regulars.behavior.evaluate import evaluate, fitted, learn
from regulars.behavior.model import BehaviorModel
from regulars.behavior.sequences import DAY, Sequences
from regulars.behavior.training import Trained
from regulars.clock import micros, moment_of
from regulars.errors import NotEnoughError
from regulars.evaluation import Split
from tests.behavior.conftest import mini

START = datetime(2024, 1, 1, tzinfo=UTC)
Fits = list[tuple[datetime, Sequences]]


def on_day(day: float) -> datetime:
    return START + timedelta(days=day)


def viewed(day: float, product: str = "tea", **about: Any) -> dict[str, Any]:
    return {"type": "product_viewed", "time": on_day(day).isoformat(), "product_id": product, **about}


def configure(shop: Shop, **about: int) -> None:
    behavior = shop.config.behavior.model_copy(update={"size": "tiny", **about})
    shop.config = shop.config.model_copy(update={"behavior": behavior})


@pytest.fixture(scope="module")
def every_third_day(tmp_path_factory: pytest.TempPathFactory, record: Callable[..., Any]) -> Shop:
    """Sixty customers, each of whom comes every third day, for two hundred days. Not to be written to."""
    shop = Shop.create(tmp_path_factory.mktemp("third") / "shop")
    days = [(k, day) for k in range(60) for day in range(k % 3, 200, 3)]
    record(shop, *(viewed(day + k / 100, ("tea", "pot", "cup")[(day + k) % 3], customer_id=f"c{k}") for k, day in days))
    return shop


@pytest.fixture
def own(every_third_day: Shop, tmp_path: Path) -> Shop:
    shop = Shop.open(shutil.copytree(every_third_day.folder, tmp_path / "shop"))
    configure(shop, held_back_days=60)
    return shop


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Fits:
    """Until when each training knows what came, and what it learns from; nothing is trained."""
    found: Fits = []

    def fit(self: BehaviorModel, sequences: Sequences, **about: object) -> Trained:
        found.append((moment_of(self.until), sequences))
        return Trained()

    monkeypatch.setattr(BehaviorModel, "fit", fit)
    return found


def test_what_is_held_out_is_not_learned_as_silence(every_third_day: Shop, fits: Fits) -> None:
    model, _ = fitted(every_third_day, on_day(200), mini(), "")
    (first, learned), (second, whole) = fits
    # Everyone comes every third day: nobody is silent for longer where that part of the log ends.
    assert micros(first) - int(learned.time[learned.starts[1:] - 1].min()) < 4 * DAY
    assert on_day(179) < first < on_day(181)
    assert second == on_day(200) == moment_of(model.until)
    assert (whole.time < micros(first)).sum() == len(learned.time)


def test_one_event_of_long_ago_does_not_have_all_others_held_out(
    own: Shop, fits: Fits, record: Callable[..., Any]
) -> None:
    record(own, viewed(0, customer_id="c0") | {"time": "1970-01-01T00:00:01+00:00"})
    fitted(own, on_day(200), mini(), "")
    (_, learned), (_, whole) = fits
    assert len(learned.time) >= len(whole.time) // 2


def test_where_nobody_can_be_asked_about_what_is_held_out_all_is_learned(
    every_third_day: Shop, fits: Fits, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_all = lambda sequences: int(sequences.time.max()) + 1  # noqa: E731
    monkeypatch.setattr(sys.modules["regulars.behavior.evaluate"], "_cut", after_all)
    fitted(every_third_day, on_day(200), mini(), "")
    ((until, sequences),) = fits
    assert (until, len(sequences.time)) == (on_day(200), 4000)


def test_a_shop_with_too_few_customers_for_an_earlier_model_has_the_others(
    shop: Shop, record: Callable[..., Any], fits: Fits
) -> None:
    record(
        shop,
        *(viewed(day + k / 100, customer_id=f"c{k}") for k in range(60) for day in range(0 if k < 10 else 130, 200, 5)),
    )
    configure(shop, held_back_days=100)
    found = learn(shop, on_day(200))
    assert found.about["earlier_until"] is None
    assert "10 customers and 1 products before 2024-04-10" in found.report.notes[0]


@pytest.mark.parametrize("what", ["damaged", "of another format", "whole"])
def test_a_model_that_cannot_be_read_is_learned_anew(
    what: str, own: Shop, fits: Fits, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = learn(own, on_day(180))
    saved = own.models.save("behavior", first.files, {"about": first.about, "report": {}})
    own.models.use("behavior", saved.version)
    if what == "damaged":
        file = saved.folder / "network.safetensors"
        file.write_bytes(file.read_bytes()[:-1])
    if what == "of another format":
        monkeypatch.setattr(sys.modules["regulars.behavior.model"], "FORMAT", 99)
    sys.modules["regulars.behavior.use"]._cached.cache_clear()
    found = learn(own, on_day(200))
    assert ("Went on from version 1." in found.report.notes) == (what == "whole")
    assert found.about["until"] == micros(on_day(200))


def test_who_turned_out_later_to_be_one_customer_is_not_known_before(shop: Shop, record: Callable[..., Any]) -> None:
    record(
        shop,
        *(viewed(day + k / 100, anonymous_id=f"a{k}") for k in range(60) for day in (1, 40, 99)),
        *(
            {
                "type": "customer_identified",
                "time": on_day(101).isoformat(),
                "customer_id": f"c{k}",
                "anonymous_id": f"a{k}",
            }
            for k in range(60)
        ),
        *(viewed(102 + k / 100, customer_id=f"c{k}") for k in range(60)),
    )
    configure(shop, epochs=1)
    with pytest.raises(NotEnoughError, match="0 customers known before"):
        evaluate(shop, Split(on_day(100), 14))
