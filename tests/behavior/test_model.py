"""The model as files and as what goes on from it; and histories that are at the edge of what there is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.sparse as sp

from regulars.behavior.model import BehaviorModel
from regulars.behavior.sequences import DAY, FIELDS, Sequences
from regulars.behavior.vocabulary import Content, Vocabulary
from regulars.errors import CorruptLogError
from tests.behavior.conftest import mini, timed


def described(count: int, attributes: int = 4) -> Content:
    """Each product has the attribute of its number modulo 4, and a text."""
    rows = np.arange(1, count + 1)
    content = Content.of_attributes(rows, rows % attributes, count, attributes)
    texts = np.random.default_rng(0).normal(size=(count + 1, 5)).astype(np.float32)
    return Content(content.attributes, texts)


@pytest.fixture
def learned() -> tuple[BehaviorModel, Sequences]:
    sequences, vocabulary = timed([20, 5, 30])
    vocabulary = Vocabulary(**{**vars(vocabulary), "attributes": ("a", "b", "c", "d")})
    model = BehaviorModel.new(vocabulary, described(6), mini(epochs=1), 11_000 * DAY)
    model.fit(sequences)
    return model, sequences


def asked(model: BehaviorModel, sequences: Sequences) -> np.ndarray:
    customers = np.arange(len(sequences.customers))
    return model.states(sequences, customers, np.full(len(customers), 11_000 * DAY))


def test_a_model_from_its_files_is_the_same(learned: tuple[BehaviorModel, Sequences]) -> None:
    model, sequences = learned
    again = BehaviorModel.from_files(model.to_files())
    states = asked(model, sequences)
    assert np.array_equal(asked(again, sequences), states)
    assert np.array_equal(again.scores(states, "bought"), model.scores(states, "bought"))
    assert again.until == model.until


@pytest.mark.parametrize("name", ["network.safetensors", "content.safetensors", "vocabulary.json", "behavior.json"])
def test_a_file_that_is_cut_short_is_told(name: str, learned: tuple[BehaviorModel, Sequences]) -> None:
    files = learned[0].to_files()
    files[name] = files[name][: len(files[name]) // 2]
    with pytest.raises(CorruptLogError, match="Learn anew: regulars learn behavior"):
        BehaviorModel.from_files(files)


def test_a_model_of_another_format_is_told(learned: tuple[BehaviorModel, Sequences]) -> None:
    files = learned[0].to_files()
    about = json.loads(files["behavior.json"])
    files["behavior.json"] = json.dumps({**about, "format": 99}).encode()
    with pytest.raises(CorruptLogError, match="of format 99"):
        BehaviorModel.from_files(files)


def test_weights_of_another_shape_are_told(learned: tuple[BehaviorModel, Sequences]) -> None:
    model, _ = learned
    other = BehaviorModel.new(model.vocabulary, model.content, mini(size=mini().size.__class__(8, 2, 2, 8)), 0)
    files = model.to_files() | {"network.safetensors": other.to_files()["network.safetensors"]}
    with pytest.raises(CorruptLogError, match="cannot be read"):
        BehaviorModel.from_files(files)


def test_a_vocabulary_grows_without_forgetting(learned: tuple[BehaviorModel, Sequences]) -> None:
    model, sequences = learned
    newer = Vocabulary(
        products=["new", *(f"p{k}" for k in (6, 5, 4, 3, 2))],  # p1 is gone, and all stand elsewhere
        types=("asked", "bought", "viewed"),
        channels=(),
        attributes=("z", "a", "b", "c", "d"),
        counts=np.array([0, 9, 8, 7, 6, 5, 4]),
        usual_price=np.full(7, np.nan),
    )
    attributes = sp.csr_matrix(np.eye(7, 5, dtype=np.float32))
    content = Content(attributes, np.ones((7, 5), np.float32))
    grown = model.grown(newer, content, mini(), 12_000 * DAY)
    assert list(grown.vocabulary.products) == ["p1", "p2", "p3", "p4", "p5", "p6", "new"]
    assert list(grown.vocabulary.types) == ["bought", "viewed", "asked"]
    assert grown.vocabulary.counts.tolist() == [0, 0, 4, 5, 6, 7, 8, 9]
    old, new = model.network.products.free.weight, grown.network.products.free.weight
    assert np.array_equal(new[:7].detach(), old.detach())
    assert np.array_equal(new[7].detach(), old[0].detach())
    kinds = grown.network.fields["of_type"].weight.detach().numpy()
    before = model.network.fields["of_type"].weight.detach().numpy()
    assert np.array_equal(kinds[[0, 1, 2, 4]], before)
    assert np.array_equal(kinds[3], before[0])
    states = asked(grown, sequences)
    assert np.isfinite(grown.scores(states)[:, 1:]).all()


def test_a_product_never_met_has_a_vector_by_what_is_known_of_it() -> None:
    """Product 6 was never met, and is said to be like product 2, which follows 1; 3 follows a little later."""
    histories = [[1, 2, 3, 4, 5] * 3 for _ in range(80)]
    sequences = Sequences.of_products(histories)
    rows = np.arange(1, 7)
    content = Content.of_attributes(rows, np.array([0, 1, 2, 3, 4, 1]), 6, 5)
    counts = np.bincount(sequences.fields["product"], minlength=7)
    model = BehaviorModel.new(Vocabulary.of_numbers(counts), content, mini(epochs=8), 0)
    model.fit(sequences)
    after_one = Sequences.of_products([[1]])
    scores = model.scores(model.states(after_one, np.array([0]), np.array([0])))[0]
    assert scores[6] > np.delete(scores, [0, 2, 3, 6]).max()


EDGES = {
    "one customer": [[1, 2, 3]],
    "one product": [[1, 1], [1, 1, 1]],
    "one event each": [[1], [2], [3]],
    "a long history": [[1, 2, 3] * 3334, [1]],
}


@pytest.mark.parametrize("case", EDGES)
def test_the_edges_of_what_there_is_are_learned_without_a_fault(case: str) -> None:
    sequences = Sequences.of_products(EDGES[case])
    counts = np.bincount(sequences.fields["product"], minlength=4)
    model = BehaviorModel.new(Vocabulary.of_numbers(counts), Content.none(3), mini(epochs=1, batch_tokens=1024), 0)
    model.fit(sequences)
    states = model.states(sequences, np.arange(len(sequences.customers)), np.zeros(len(sequences.customers), np.int64))
    assert np.isfinite(states).all()
    assert np.isfinite(model.scores(states)[:, 1:]).all()


def test_nothing_at_all_is_learned_without_a_fault() -> None:
    sequences = Sequences.of_products([])
    model = BehaviorModel.new(Vocabulary.of_numbers(np.zeros(4, np.int64)), Content.none(3), mini(epochs=1), 0)
    assert model.fit(sequences).epochs[0].tokens == 0


def test_events_all_at_one_moment_are_learned_without_a_fault() -> None:
    sequences, vocabulary = timed([10, 10])
    sequences.time[:] = 10_000 * DAY
    sequences.fields["gap"][:] = 1
    model = BehaviorModel.new(vocabulary, Content.none(6), mini(epochs=1), 10_001 * DAY)
    trained = model.fit(sequences)
    assert np.isfinite(trained.epochs[0].loss)
    assert len(FIELDS) == 8
