"""The pass in chunks is the pass over the whole; what came later changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from regulars.behavior.encode import encode
from regulars.behavior.model import BehaviorModel
from regulars.behavior.sequences import DAY, Sequences, place_before
from regulars.behavior.tokens import Tokens
from regulars.behavior.transformer import Where
from regulars.behavior.vocabulary import Content
from tests.behavior.conftest import mini, timed


@pytest.fixture
def model_and_sequences() -> tuple[BehaviorModel, Sequences]:
    sequences, vocabulary = timed([200, 3, 70, 1, 0, 65, 64, 130])
    model = BehaviorModel.new(vocabulary, Content.none(6), mini(), 20_000 * DAY)
    torch.manual_seed(1)
    for parameter in model.network.parameters():
        parameter.data += torch.randn_like(parameter) * 0.1
    return model, sequences


def whole(model: BehaviorModel, tokens: Tokens, customer: int) -> np.ndarray:
    """States of one customer's tokens, all at once."""
    part = slice(tokens.starts[customer], tokens.starts[customer + 1])
    network = model.network.eval()
    with torch.no_grad():
        x = network.embed(torch.from_numpy(tokens.fields[part]).long()[None], network.products())
        own = torch.zeros(x.shape[:2], dtype=torch.long)
        here = [torch.from_numpy(getattr(tokens, name)[part])[None] for name in ("place", "time", "is_now")]
        return network(x, Where(own, *here))[0].numpy()


def test_histories_in_chunks_have_the_states_of_the_whole(model_and_sequences: tuple[BehaviorModel, Sequences]) -> None:
    model, sequences = model_and_sequences
    rng = np.random.default_rng(0)
    customer = rng.integers(0, 8, 100)
    moment = (10_000 + rng.integers(-1, 500, 100)) * DAY
    tokens = Tokens.of(sequences, model.vocabulary, customer, place_before(sequences, customer, moment), moment)
    states = np.full((len(tokens.event), 16), np.nan, np.float32)
    for part in encode(model.network, tokens, np.ones(len(tokens.event), bool)):
        states[part.token] = part.state.numpy()
    assert not np.isnan(states).any()
    for number in range(8):
        expected = whole(model, tokens, number)
        assert states[tokens.starts[number] : tokens.starts[number + 1]] == pytest.approx(expected, abs=2e-5)


def test_a_state_is_that_of_its_question_whatever_others_are_asked(
    model_and_sequences: tuple[BehaviorModel, Sequences],
) -> None:
    model, sequences = model_and_sequences
    customer = np.array([3, 0, 2, 0, 0])
    moment = np.array([10_400, 10_100, 10_050, 10_300, 10_100]) * DAY
    together = model.states(sequences, customer, moment)
    alone = [model.states(sequences, customer[k : k + 1], moment[k : k + 1])[0] for k in range(5)]
    assert together == pytest.approx(np.array(alone), abs=2e-5)
    assert together[1] == pytest.approx(together[4], abs=1e-5)
    assert np.abs(together[1] - together[3]).max() > 0.01


def test_a_state_does_not_know_what_came_at_its_moment_or_later(
    model_and_sequences: tuple[BehaviorModel, Sequences],
) -> None:
    model, sequences = model_and_sequences
    customer, moment = np.array([0]), np.array([sequences.time[100]])
    before = model.states(sequences, customer, moment)
    later = np.flatnonzero(sequences.time >= moment[0])
    for name in ("product", "type"):
        sequences.fields[name][later] = 1
    sequences.time[later] += 3 * DAY
    assert np.array_equal(model.states(sequences, customer, moment), before)


def test_a_stranger_has_the_same_state_as_any_other(model_and_sequences: tuple[BehaviorModel, Sequences]) -> None:
    model, sequences = model_and_sequences
    moment = np.array([9_000 * DAY, 9_000 * DAY])
    states = model.states(sequences, np.array([4, 0]), moment)
    assert states[0] == pytest.approx(states[1], abs=1e-6)


def test_time_since_the_last_event_is_part_of_the_state(model_and_sequences: tuple[BehaviorModel, Sequences]) -> None:
    model, sequences = model_and_sequences
    last = sequences.time[-1]
    soon, late = model.states(sequences, np.array([7, 7]), np.array([last + DAY, last + 300 * DAY]))
    assert np.abs(soon - late).max() > 0.01
