"""Rows of tokens: nothing is lost, nothing is doubled, and no token knows what comes after it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.behavior.batches import Batch, rows
from regulars.behavior.sequences import DAY, FIELDS, Sequences, place_before
from regulars.behavior.tokens import Targets, Tokens, questions
from tests.behavior.conftest import timed

NOTHING = np.zeros(0, np.int64)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=20), st.integers(1, 12), st.integers(0, 5))
def test_every_token_stands_in_one_row_and_no_row_is_too_long(lengths: list[int], width: int, seed: int) -> None:
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    packed = list(rows(starts, width, np.random.default_rng(seed)))
    assert all(sum(high - low for low, high in row) <= width for row in packed)
    there = sorted(k for row in packed for low, high in row for k in range(low, high))
    assert there == list(range(sum(lengths)))
    owner = np.repeat(np.arange(len(lengths)), lengths)
    assert all(owner[low] == owner[high - 1] for row in packed for low, high in row)


def test_a_question_stands_before_the_event_that_it_must_not_know() -> None:
    sequences, vocabulary = timed([3])
    moment = np.array([sequences.time[1]])
    before = place_before(sequences, np.array([0]), moment)
    tokens = Tokens.of(sequences, vocabulary, np.array([0]), before, moment)
    assert before.tolist() == [1]
    assert tokens.is_now.tolist() == [False, True, False, False]
    assert tokens.place.tolist() == [0, 1, 1, 2]
    assert tokens.fields[1, FIELDS.index("product")] == 0
    assert tokens.fields[1, FIELDS.index("type")] == vocabulary.now


def test_what_an_event_must_foretell_is_the_next_one_of_the_same_customer() -> None:
    sequences, vocabulary = timed([2, 2])
    tokens = Tokens.of(sequences, vocabulary, NOTHING, NOTHING, NOTHING)
    until = int(sequences.time.max()) + DAY
    targets = Targets.of(tokens, sequences, until, np.random.default_rng(0))
    products = sequences.fields["product"]
    assert targets.has_next.tolist() == [True, False, True, False]
    assert targets.pair_starts.tolist() == [0, 1, 1, 2, 2]
    assert targets.pair_product.tolist() == [products[1], products[3]]
    assert targets.pair_weight.tolist() == [1, 1]
    assert targets.next_type.tolist() == [sequences.fields["type"][1], -1, sequences.fields["type"][3], -1]


def test_spend_after_a_question_is_that_of_thirty_days_or_not_known_yet() -> None:
    time = np.array([0, 10, 29, 31, 100]) * DAY + 10_000 * DAY
    fields = {name: np.ones(5, np.int32) for name in FIELDS}
    money = np.array([1, 2, 4, 8, 16], np.float32)
    sequences = Sequences(["ada"], np.array([0, 5]), time, fields, money)
    _, vocabulary = timed([1])
    asked = np.array([time[0] + 1, time[4] + 1])
    customer = np.zeros(2, np.int64)
    tokens = Tokens.of(sequences, vocabulary, customer, place_before(sequences, customer, asked), asked)
    targets = Targets.of(tokens, sequences, int(time[4] + 20 * DAY), np.random.default_rng(0))
    spend = targets.spend[tokens.is_now]
    assert spend[0] == 6
    assert np.isnan(spend[1])


def test_who_has_not_come_back_counts_only_for_the_bins_that_have_passed() -> None:
    sequences, vocabulary = timed([1])
    tokens = Tokens.of(sequences, vocabulary, NOTHING, NOTHING, NOTHING)

    def last_bin(days: float) -> int:
        targets = Targets.of(tokens, sequences, int(sequences.time[0] + days * DAY), np.random.default_rng(0))
        assert not targets.has_next[0]
        return int(targets.bin[0])

    assert [last_bin(0.0), last_bin(0.5), last_bin(1.5)] == [-1, 3, 4]


def test_questions_lie_at_any_time_whether_or_not_an_event_follows() -> None:
    sequences, _ = timed([40] * 500)
    until = int(sequences.time.max()) + 50 * DAY
    customer, before, time = questions(sequences, until, np.random.default_rng(0))
    assert np.array_equal(place_before(sequences, customer, time), before)
    assert (before > 0).all()
    assert (time < until).all()
    # Of the two of each that lie anywhere, as many after the last event as that silence is long.
    last = sequences.time[sequences.starts[1:] - 1]
    share = (until - last) / (until - sequences.time[sequences.starts[:-1]])
    anywhere = slice(0, 1000)
    assert (before[anywhere] == 40).mean() == pytest.approx(share.mean(), abs=0.04)
    away = time - sequences.time[sequences.starts[customer] + before - 1]
    assert (away[1000:] >= 1_000_000).all()
    assert (away[1000:] < 30 * DAY).all()


def test_a_batch_lays_tokens_and_their_targets_at_the_same_places() -> None:
    sequences, vocabulary = timed([5, 3, 9])
    rng = np.random.default_rng(0)
    tokens = Tokens.of(sequences, vocabulary, NOTHING, NOTHING, NOTHING)
    targets = Targets.of(tokens, sequences, int(sequences.time.max()) + DAY, rng)
    batch = Batch.of(list(rows(tokens.starts, 8, rng)), 8, tokens, targets)
    assert batch.tokens == 17
    flat = batch.fields.reshape(-1, len(FIELDS))[:, FIELDS.index("product")]
    time = batch.time.ravel()
    for at, product in zip(batch.query_at[batch.pair_query], batch.pair_product, strict=True):
        here = np.flatnonzero((sequences.time == time[at]) & (sequences.fields["product"] == flat[at]))
        assert product in sequences.fields["product"][here[0] + 1 : here[0] + 4]


def test_events_of_one_moment_have_no_question_between_them() -> None:
    sequences, _ = timed([30])
    sequences.time[:] = sequences.time[0]
    customer, before, _ = questions(sequences, int(sequences.time[0]) + DAY, np.random.default_rng(0))
    assert set(customer.tolist()) == {0}
    assert set(before.tolist()) == {30}


@pytest.mark.parametrize("lengths", [[0], [0, 3, 0], [1]])
def test_customers_without_events_are_no_mistake(lengths: list[int]) -> None:
    sequences, vocabulary = timed(lengths)
    customer = np.arange(len(lengths))
    moment = np.full(len(lengths), 20_000 * DAY)
    tokens = Tokens.of(sequences, vocabulary, customer, place_before(sequences, customer, moment), moment)
    targets = Targets.of(tokens, sequences, 20_000 * DAY, np.random.default_rng(0))
    assert len(targets.has_next) == sum(lengths) + len(lengths)
    assert not targets.has_next[tokens.is_now].any()


def test_a_batch_can_be_filled_up_with_rows_of_nothing() -> None:
    sequences, vocabulary = timed([5, 3])
    tokens = Tokens.of(sequences, vocabulary, NOTHING, NOTHING, NOTHING)
    targets = Targets.of(tokens, sequences, int(sequences.time.max()) + DAY, np.random.default_rng(0))
    packed = list(rows(tokens.starts, 4, np.random.default_rng(0)))
    plain, filled = (Batch.of(some, 4, tokens, targets) for some in (packed, [*packed, [], []]))
    assert filled.fields.shape[0] == plain.fields.shape[0] + 2
    assert filled.tokens == plain.tokens
    assert (filled.customer[-2:] == -1).all()
    np.testing.assert_array_equal(filled.customer[:-2], plain.customer)
    np.testing.assert_array_equal(filled.pair_product, plain.pair_product)


def test_a_product_that_comes_twice_stands_in_the_softmax_once() -> None:
    sequences, vocabulary = timed([4])
    sequences.fields["product"][:] = [1, 2, 2, 2]
    sequences.fields["type"][:] = 1
    tokens = Tokens.of(sequences, vocabulary, NOTHING, NOTHING, NOTHING)
    targets = Targets.of(tokens, sequences, int(sequences.time.max()) + DAY, np.random.default_rng(0))
    batch = Batch.of([[(0, 4)]], 4, tokens, targets)
    assert batch.pair_query.tolist() == [0, 1, 2]
    assert batch.pair_product.tolist() == [2, 2, 2]
    assert batch.pair_slot.tolist() == [0, 0, 0]
    assert batch.pair_weight == pytest.approx([1 + 0.15 + 0.0225, 1 + 0.15, 1])


def test_when_who_came_since_comes_is_no_news_of_the_tokens_before() -> None:
    time = np.array([0, 10, 20, 60]) * DAY + 10_000 * DAY
    fields = {name: np.ones(4, np.int32) for name in FIELDS}
    sequences = Sequences(["ada"], np.array([0, 4]), time, fields, np.ones(4, np.float32))
    _, vocabulary = timed([1])
    asked, customer = np.array([time[0] + 1, time[1] + 1, time[2] + 1]), np.zeros(3, np.int64)
    tokens = Tokens.of(sequences, vocabulary, customer, place_before(sequences, customer, asked), asked)
    whole = Targets.of(tokens, sequences, int(time[3] + 90 * DAY), np.random.default_rng(0))
    found = whole.timed_from(tokens, sequences, int(time[2]))
    assert whole.has_next.tolist() == [True] * 6 + [False]
    assert found.has_next.tolist() == [False] * 4 + [True, True, False]
    assert found.bin.tolist() == [-1] * 4 + whole.bin[4:].tolist()
    assert np.isnan(found.spend).tolist() == [True] * 5 + [False, True]
    assert found.next_type.tolist() == whole.next_type.tolist()
