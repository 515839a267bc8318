"""The state of a customer, brought forward event by event: as the full pass has it, and nothing else."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import torch

from regulars import Shop
from regulars.behavior.dataset import clock_changes, sequences_of
from regulars.behavior.encode import encode
from regulars.behavior.fields import event_fields
from regulars.behavior.model import BehaviorModel
from regulars.behavior.sequences import Sequences, place_before
from regulars.behavior.sizes import Settings, Size
from regulars.behavior.state import HEADER, CustomerState, Event, IncrementalModel
from regulars.behavior.tokens import Tokens
from regulars.behavior.transformer import time_bucket
from regulars.behavior.vocabulary import Content, Vocabulary
from regulars.clock import micros
from regulars.errors import CorruptLogError

START = datetime(2024, 3, 1, tzinfo=UTC)
PRODUCTS = 40
BOUND = 5e-3
"""On states whose root mean square is 1: what keys and values of 11 bits cost."""


def a_model(
    *, layers: int = 2, context: int = 16, is_timed: bool = True, has_types: bool = True, seed: int = 0
) -> BehaviorModel:
    """One whose weights are as large as learned ones: those it begins with would hide what attention does."""
    rng = np.random.default_rng(seed)
    vocabulary = Vocabulary(
        products=[f"p{number}" for number in range(1, PRODUCTS + 1)],
        types=["bought", "seen"] if has_types else ["met"],
        channels=["app", "web"] if has_types else [],
        attributes=[],
        counts=np.full(PRODUCTS + 1, 5),
        usual_price=np.full(PRODUCTS + 1, 10.0 if has_types else np.nan),
        clock=((0, 0), (int(START.timestamp()) + 86_400 * 30, 3600)),
        is_timed=is_timed,
    )
    size = Size(dimensions=32, layers=layers, heads=4, context=context)
    model = BehaviorModel.new(vocabulary, Content.none(PRODUCTS), Settings(size), until=micros(START))
    with torch.no_grad():
        for name, weight in model.network.named_parameters():
            if name.endswith("place_bias"):
                continue
            around = 1.0 if "norm" in name else 0.0
            scale = 0.3 if weight.dim() < 2 else 1 / math.sqrt(weight.shape[-1])
            weight.copy_(torch.from_numpy(rng.normal(around, scale, tuple(weight.shape))))
    return model


def some_events(rng: np.random.Generator, model: BehaviorModel, count: int) -> list[Event]:
    """At all distances, at one and the same time too; some of what the model does not know."""
    known, moment, found = model.vocabulary, START, []
    for _ in range(count):
        moment += timedelta(microseconds=int(10 ** rng.uniform(0, 13)) if rng.random() < 0.8 else 0)
        product = None if rng.random() < 0.1 else f"p{rng.integers(1, PRODUCTS + 3)}"
        price = None if rng.random() < 0.2 else float(rng.uniform(1, 50))
        quantity = None if rng.random() < 0.2 else float(rng.integers(1, 9))
        kind = str(rng.choice([*known.types, "other"] if len(known.types) > 1 else known.types))
        found.append(Event(kind, moment, product, price, quantity, str(rng.choice(["web", "app", "phone"]))))
    return found


def batch_of(model: BehaviorModel, histories: list[list[Event]]) -> Sequences:
    """The same events as arrays, made field by field."""
    known = model.vocabulary
    events = [event for history in histories for event in history]
    starts = np.concatenate([[0], np.cumsum([len(history) for history in histories])]).astype(np.int64)
    time = np.array([micros(event.time) for event in events]) if known.is_timed else np.zeros(len(events), np.int64)
    gap = np.diff(time, prepend=0)
    gap[starts[:-1][np.diff(starts) > 0]] = -1

    def numbers(names: list[str], values: list[str | None]) -> np.ndarray:
        return np.array([names.index(value) + 1 if value in names else 0 for value in values], np.int32)

    fields = event_fields(
        known,
        product=known.numbers([event.product_id for event in events]),
        type=numbers(list(known.types), [event.type for event in events]),
        channel=numbers(list(known.channels), [event.channel for event in events]),
        time=time,
        gap=gap,
        price=np.array([event.unit_price for event in events], np.float64),
        quantity=np.array([event.quantity for event in events], np.float64),
    )
    names = [str(number) for number in range(len(histories))]
    return Sequences(names, starts, time, fields, np.zeros(len(events), np.float32))


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize(("is_timed", "has_types"), [(True, True), (True, False), (False, True), (False, False)])
def test_one_event_at_a_time_gives_what_the_full_pass_gives(layers: int, is_timed: bool, has_types: bool) -> None:
    model = a_model(layers=layers, is_timed=is_timed, has_types=has_types)
    incremental = IncrementalModel(model)
    rng = np.random.default_rng(7)
    histories = [some_events(rng, model, count) for count in (1, 5, 16, 17, 90)]
    sequences = batch_of(model, histories)
    nothing = np.zeros(0, np.int64)
    tokens = Tokens.of(sequences, model.vocabulary, nothing, nothing, nothing)
    whole = np.zeros((len(sequences.time), 32), np.float32)
    for part in encode(model.network, tokens, np.ones(len(whole), bool)):
        whole[part.token] = part.state.numpy()
    stepped = []
    for history in histories:
        state = incremental.begin()
        stepped += [incremental.add(state, event) for event in history]
    largest = np.abs(np.array(stepped) - whole).max()
    print(f"largest difference, {layers} layers, timed {is_timed}, types {has_types}: {largest:.1e}")
    assert np.sqrt((whole**2).mean()) == pytest.approx(1, abs=0.2)
    assert largest < BOUND


@pytest.mark.parametrize("is_timed", [True, False])
def test_a_question_gives_what_states_gives_and_leaves_no_trace(is_timed: bool) -> None:
    model = a_model(is_timed=is_timed)
    incremental = IncrementalModel(model)
    rng = np.random.default_rng(3)
    histories = [[], *(some_events(rng, model, count) for count in (1, 15, 16, 70))]
    sequences = batch_of(model, histories)
    asked, found = [], []
    for number, history in enumerate(histories):
        moments = [START + timedelta(seconds=float(rng.uniform(0, 1e7))) for _ in range(8)] if is_timed else [START]
        for moment in moments:
            state = incremental.begin()
            for event in history:
                if event.time < moment or not is_timed:
                    incremental.add(state, event)
            before = state.to_bytes()
            found.append(incremental.as_of(state, moment))
            assert state.to_bytes() == before
            asked.append((number, micros(moment)))
    customer, time = (np.array(side) for side in zip(*asked, strict=True))
    if is_timed:
        assert place_before(sequences, customer, time).max() > 16
    largest = np.abs(np.array(found) - model.states(sequences, customer, time)).max()
    print(f"largest difference, questions, timed {is_timed}: {largest:.1e}")
    assert largest < BOUND


def test_events_of_a_shop_one_by_one_are_what_its_log_gives(shop: Shop, record) -> None:
    rng = np.random.default_rng(1)
    moment, told = START, []
    for number in range(160):
        moment += timedelta(seconds=int(rng.integers(1, 40_000)), microseconds=int(rng.integers(1_000_000)))
        event = {"type": "product_viewed", "customer_id": f"c{number % 3}", "time": moment.isoformat()}
        if number % 5:
            price = {"quantity": int(rng.integers(1, 4)), "unit_price": float(rng.integers(1, 30))}
            event |= {"type": "order_completed", "product_id": f"p{rng.integers(9)}", "order_id": f"o{number}", **price}
        told.append(event | {"channel": ("web", "app")[number % 2]})
    record(shop, *told)
    as_of = moment + timedelta(days=1)
    vocabulary = Vocabulary(
        products=[f"p{number}" for number in range(8)],  # one of nine is not known
        types=["order_completed", "product_viewed"],
        channels=["app", "web"],
        attributes=[],
        counts=np.full(9, 5),
        usual_price=np.full(9, 12.0),
        clock=clock_changes("Europe/London", as_of),
    )
    model = BehaviorModel.new(vocabulary, Content.none(8), Settings(Size(32, 2, 4, 16)), micros(as_of))
    incremental = IncrementalModel(model)
    states = {name: incremental.begin() for name in ("c0", "c1", "c2")}
    for row in shop.engine.to_arrow(shop.events.order_by("time", "event_id", "line")).to_pylist():
        price = None if row["unit_price"] is None else float(row["unit_price"])
        event = Event(row["type"], row["time"], row["product_id"], price, row["quantity"], row["channel"])
        incremental.add(states[row["customer_id"]], event)
    sequences = sequences_of(shop, vocabulary, as_of, list(states))
    moments = [micros(datetime.fromisoformat(str(one["time"]))) for k in range(3) for one in told[k::3]]
    assert sequences.time.tolist() == moments  # to the microsecond
    whole = model.states(sequences, np.arange(3), np.full(3, micros(as_of)))
    found = [incremental.as_of(state, as_of) for state in states.values()]
    np.testing.assert_allclose(found, whole, atol=BOUND)


@pytest.mark.parametrize("count", [0, 3, 16, 47, 48, 200])
def test_a_state_made_at_once_is_the_one_that_was_stepped(count: int) -> None:
    model = a_model(layers=2)
    incremental = IncrementalModel(model)
    history = some_events(np.random.default_rng(5), model, count)
    stepped = incremental.begin()
    for event in history:
        incremental.add(stepped, event)
    assert same(incremental.state_of(batch_of(model, [[], history]), 1), stepped)
    known = batch_of(model, [history[:20]])
    assert same(incremental.state_of(known, 0, history[20:]), stepped)
    assert same(incremental.state_of(known, -1, history), stepped)


def same(one: CustomerState, other: CustomerState) -> bool:
    """Whether two states are alike; keys and values of the first layers, which are read no more, may differ."""
    return (
        one.count == other.count
        and bool((one.times == other.times).all())
        and np.allclose(one.vector, other.vector, atol=BOUND)
        and np.allclose(one.cache.astype(np.float32), other.cache.astype(np.float32), atol=BOUND)
    )


def test_what_is_further_back_than_the_layers_look_does_not_count() -> None:
    model = a_model(layers=1)
    incremental = IncrementalModel(model)
    history = some_events(np.random.default_rng(5), model, 40)
    found = []
    for first in (0, 23):  # the first event of a history has no gap before it: it lies one beyond the sixteen
        state = incremental.begin()
        for event in history[first:]:
            incremental.add(state, event)
        found.append(state.vector)
    np.testing.assert_allclose(*found, atol=1e-5)


def test_an_event_out_of_order_is_refused_and_changes_nothing() -> None:
    incremental = IncrementalModel(a_model())
    state = incremental.begin()
    incremental.add(state, Event("bought", START, "p1"))
    before = state.to_bytes()
    with pytest.raises(ValueError, match=r"2024-02-29.*comes after one at 2024-03-01.*state_of"):
        incremental.add(state, Event("bought", START - timedelta(days=1), "p2"))
    assert state.to_bytes() == before
    incremental.add(state, Event("bought", START, "p2"))  # the next line of the same order
    assert state.count == 2


def test_as_of_a_moment_only_events_before_it_count() -> None:
    incremental = IncrementalModel(a_model())
    state = incremental.begin()
    incremental.add(state, Event("bought", START, "p1"))
    with pytest.raises(ValueError, match=r"holds an event at 2024-03-01.*not before"):
        incremental.as_of(state, START)
    assert incremental.as_of(state, START + timedelta(microseconds=1)).shape == (32,)


@pytest.mark.parametrize("count", [0, 4, 16, 50])
def test_a_state_survives_as_bytes(count: int) -> None:
    model = a_model()
    incremental = IncrementalModel(model)
    history = some_events(np.random.default_rng(2), model, count + 1)
    state = incremental.begin()
    for event in history[:-1]:
        incremental.add(state, event)
    data = state.to_bytes()
    assert len(data) == HEADER.size + 4 * 32 + min(count, 16) * (8 + 2 * 2 * 2 * 32) + 4
    moved = IncrementalModel(BehaviorModel.from_files(model.to_files())).from_bytes(data)
    assert moved.to_bytes() == data
    np.testing.assert_array_equal(incremental.add(moved, history[-1]), incremental.add(state, history[-1]))


def test_bytes_that_are_not_this_models_state_are_refused() -> None:
    model, other = a_model(), a_model(seed=1)
    incremental = IncrementalModel(model)
    state = incremental.begin()
    incremental.add(state, Event("bought", START, "p1"))
    data = state.to_bytes()
    of_other = IncrementalModel(other)
    with pytest.raises(CorruptLogError, match=rf"made by model {state.fingerprint.hex()}.*state_of"):
        of_other.from_bytes(data)
    with pytest.raises(ValueError, match="made by model"):
        of_other.as_of(state, START + timedelta(days=1))
    with pytest.raises(CorruptLogError, match=r"format 9.*reads format 1"):
        incremental.from_bytes(data[:4] + b"\x09\x00" + data[6:])
    for length in range(len(data)):
        with pytest.raises(CorruptLogError, match="bytes"):
            incremental.from_bytes(data[:length])
    with pytest.raises(CorruptLogError, match=f"{len(data) + 1} bytes; {len(data)} are expected"):
        incremental.from_bytes(data + b"\x00")
    changed = bytearray(data)
    changed[HEADER.size + 5] ^= 1
    with pytest.raises(CorruptLogError, match="checksum"):
        incremental.from_bytes(bytes(changed))


@pytest.mark.parametrize("kind", [None, "bought", "never met"])
@pytest.mark.parametrize("has_types", [True, False])
def test_next_products_are_those_of_the_model(kind: str | None, has_types: bool) -> None:
    model = a_model(has_types=has_types)
    incremental = IncrementalModel(model)
    state = incremental.begin()
    incremental.add(state, Event("bought", START, "p1"))
    vector = incremental.as_of(state, START + timedelta(days=2))
    scores = model.scores(vector[None], kind)[0]
    np.testing.assert_allclose(incremental.scores(vector, kind), scores, rtol=1e-4, atol=1e-4)
    best = incremental.next_products(vector, 3, kind)
    assert [name for name, _ in best] == [f"p{number}" for number in np.argsort(-scores)[:3]]
    every = incremental.next_products(vector, 1000, kind)
    assert every[:3] == best
    assert sum(chance for _, chance in every) == pytest.approx(1, abs=1e-5)
    with pytest.raises(ValueError, match="k is 0"):
        incremental.next_products(vector, 0)


def test_buckets_of_time_are_those_of_the_full_pass() -> None:
    edges = IncrementalModel(a_model())._edges
    around = np.concatenate([edges - 1, edges, edges + 1, [0, 1, 10**6, 10**18]])
    expected = time_bucket(torch.from_numpy(around)).tolist()
    assert np.searchsorted(edges, around, side="right").tolist() == expected


def test_a_copy_does_not_learn_with_the_model() -> None:
    model = a_model()
    incremental = IncrementalModel(model)
    state = incremental.begin()
    before = incremental.as_of(state, START)
    with torch.no_grad():
        model.network.norm.weight += 1
    np.testing.assert_array_equal(incremental.as_of(state, START), before)
    assert IncrementalModel(replace(model)).fingerprint != incremental.fingerprint
