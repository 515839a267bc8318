"""Why the model expects something: the events that it comes from, with their times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import torch

from regulars import Shop
from regulars.behavior.dataset import sequences_of
from regulars.behavior.explain import contributions, explain
from regulars.behavior.fields import event_fields
from regulars.behavior.model import BehaviorModel
from regulars.behavior.sequences import Sequences
from regulars.behavior.sizes import Settings, Size
from regulars.behavior.tokens import Tokens
from regulars.behavior.transformer import Where
from regulars.behavior.vocabulary import Content, Vocabulary
from regulars.clock import micros
from regulars.errors import NotFoundError

START = datetime(2024, 3, 1, tzinfo=UTC)
ASKED = START + timedelta(days=40)
KEYS, OTHERS, CUSTOMERS = 4, 8, 20
NAMES = [
    f"{kind}{number}" for kind, count in (("key", KEYS), ("lock", KEYS), ("other", OTHERS)) for number in range(count)
]
DAY = 86_400_000_000
TINY = Settings(
    Size(dimensions=32, layers=2, heads=2, context=16), epochs=6, dropout=0, learning_rate=5e-3, batch_tokens=256
)


def keys_and_locks(count: int, seed: int) -> tuple[list[list[str]], list[str]]:
    """Histories of two to seven products, one a day, one of them a key; and those keys. Then each buys its key's lock."""
    rng = np.random.default_rng(seed)
    histories, keys = [], []
    for _ in range(count):
        length = int(rng.integers(2, 8))
        history = [f"other{rng.integers(OTHERS)}" for _ in range(length)]
        key = int(rng.integers(KEYS))
        history[rng.integers(length)] = f"key{key}"
        histories.append(history)
        keys.append(f"key{key}")
    return histories, keys


@pytest.fixture(scope="module")
def model() -> BehaviorModel:
    """It has seen 1,500 customers buy the lock of their key."""
    known = Vocabulary(NAMES, ["order_completed"], [], [], np.full(len(NAMES) + 1, 9), np.full(len(NAMES) + 1, 5.0))
    model = BehaviorModel.new(known, Content.none(len(NAMES)), TINY, micros(ASKED))
    histories = [[*seen, key.replace("key", "lock")] for seen, key in zip(*keys_and_locks(1500, seed=0), strict=True)]
    starts = np.concatenate([[0], np.cumsum([len(history) for history in histories])]).astype(np.int64)
    time = np.concatenate([micros(START) + number + DAY * np.arange(len(h)) for number, h in enumerate(histories)])
    gap = np.diff(time, prepend=0)
    gap[starts[:-1]] = -1
    one = np.ones(len(time), np.int32)
    product = known.numbers([product for history in histories for product in history])
    fields = event_fields(
        known, product=product, type=one, channel=0 * one, time=time, gap=gap, price=5.0 * one, quantity=1.0 * one
    )
    names = [str(number) for number in range(len(histories))]
    model.fit(Sequences(names, starts, time, fields, np.zeros(len(time), np.float32)))
    return model


@pytest.fixture(scope="module")
def lock_shop(tmp_path_factory: pytest.TempPathFactory, record) -> Shop:
    """Twenty customers who have met their key and have no lock yet."""
    shop = Shop.create(tmp_path_factory.mktemp("locks") / "shop")
    told = []
    for number, history in enumerate(keys_and_locks(CUSTOMERS, seed=1)[0]):
        for day, product in enumerate(history):
            about = {"product_id": product, "quantity": 1, "unit_price": 5.0, "order_id": f"{number}-{day}"}
            time = (START + timedelta(days=day, seconds=number)).isoformat()
            told.append({"type": "order_completed", "customer_id": f"c{number}", "time": time, **about})
    record(shop, *told)
    return shop


def test_the_event_that_decides_is_named_first(lock_shop: Shop, model: BehaviorModel) -> None:
    histories, keys = keys_and_locks(CUSTOMERS, seed=1)
    named = 0
    for number, (history, key) in enumerate(zip(histories, keys, strict=True)):
        as_of = START + timedelta(days=len(history))
        found = explain(lock_shop, f"c{number}", as_of, key.replace("key", "lock"), n=9, model=model).to_pylist()
        named += found[0]["product_id"] == key and found[0]["contribution"] > 0
        shares = [row["share"] for row in found]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1, abs=1e-5)
    assert named >= 0.9 * CUSTOMERS


def test_rows_are_events_with_their_times(lock_shop: Shop, model: BehaviorModel) -> None:
    histories = keys_and_locks(CUSTOMERS, seed=1)[0]
    number = next(number for number, history in enumerate(histories) if len(history) > 3)
    as_of = START + timedelta(days=3)
    found = explain(lock_shop, f"c{number}", as_of, n=2, model=model)
    assert found.schema.names == ["time", "type", "product_id", "contribution", "share"]
    assert found.num_rows == 2
    met = {START + timedelta(days=day, seconds=number): product for day, product in enumerate(histories[number])}
    for row in found.to_pylist():
        assert (row["type"], row["product_id"]) == ("order_completed", met[row["time"]])
    assert explain(lock_shop, f"c{number}", as_of, n=9, model=model).num_rows == 3


def test_an_event_at_the_moment_is_not_yet_known(lock_shop: Shop, model: BehaviorModel) -> None:
    found = explain(lock_shop, "c0", START + timedelta(days=1), n=9, model=model)
    assert found["time"].to_pylist() == [START]


def test_what_cannot_be_explained_is_said(lock_shop: Shop, model: BehaviorModel) -> None:
    with pytest.raises(ValueError, match="n is 0"):
        explain(lock_shop, "c0", ASKED, n=0, model=model)
    with pytest.raises(NotFoundError, match='does not know the product "moon"'):
        explain(lock_shop, "c0", ASKED, "moon", model=model)
    with pytest.raises(NotFoundError, match='"nobody" has no event before 2024-04-10'):
        explain(lock_shop, "nobody", ASKED, model=model)
    with pytest.raises(NotFoundError, match='"c0" has no event before 2024-03-01'):
        explain(lock_shop, "c0", START, model=model)
    with pytest.raises(NotFoundError, match="regulars learn behavior"):
        explain(lock_shop, "c0", ASKED)


def test_a_contribution_is_what_is_lost_without_the_event(lock_shop: Shop, model: BehaviorModel) -> None:
    as_of = micros(START + timedelta(days=1, seconds=1))
    one = sequences_of(lock_shop, model.vocabulary, START + timedelta(days=1), ["c0"])
    found = contributions(model, one, as_of, 5, None)
    # A stranger who is asked about in the same words: there is nothing to look at but the question itself.
    with_it, without = (odds(model, one, as_of, 5, is_hidden) for is_hidden in (False, True))
    assert found.tolist() == pytest.approx([with_it - without], abs=1e-4)


def odds(model: BehaviorModel, sequences: Sequences, time: int, product: int, is_hidden: bool) -> float:
    tokens = Tokens.of(sequences, model.vocabulary, np.array([0]), np.array([1]), np.array([time]))
    only = slice(1, None) if is_hidden else slice(None)
    values = (np.zeros_like(tokens.place), tokens.place, tokens.time, tokens.is_now)
    where = Where(*(torch.from_numpy(each[only])[None] for each in values))
    network = model.network.eval()
    with torch.inference_mode():
        x = network.embed(torch.from_numpy(tokens.fields[only])[None].long(), network.products())
        chance = np.exp(model.scores(network(x, where)[:, -1].numpy())[0].astype(np.float64))
    chance /= chance.sum()
    return float(np.log(chance[product] / (1 - chance[product])))


def test_the_return_within_thirty_days_is_explained_by_default(lock_shop: Shop, model: BehaviorModel) -> None:
    whose = sequences_of(lock_shop, model.vocabulary, ASKED, ["c3"])
    expected = contributions(model, whose, micros(ASKED), None, None)
    found = explain(lock_shop, "c3", ASKED, n=99, model=model).sort_by("time")
    np.testing.assert_allclose(found["contribution"].to_numpy(), expected, rtol=1e-5)


def test_of_a_long_history_the_last_events_are_weighed(model: BehaviorModel) -> None:
    many = Sequences.of_products([[1, 2, 3] * 120])
    found = contributions(model, replace(many, time=np.arange(360) + micros(START)), micros(ASKED), 5, None)
    assert len(found) == 256
    assert found[-1] != 0
    assert np.abs(found[:-31]).max() < 1e-5  # two layers look at fifteen events before them each
