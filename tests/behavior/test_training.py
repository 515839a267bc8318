"""Training: it learns what can be learned, goes on where it was killed, and stops at nonsense."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from regulars.behavior import products, training
from regulars.behavior.buckets import EDGES_DAYS
from regulars.behavior.fields import event_fields
from regulars.behavior.model import BehaviorModel
from regulars.behavior.sequences import DAY, Sequences, place_before
from regulars.behavior.training import NotFiniteError
from regulars.behavior.validation import NextProduct, ranks
from regulars.behavior.vocabulary import Content, Vocabulary
from tests.behavior.conftest import cycle, mini, timed, untimed_model


def share_right(model: BehaviorModel, sequences: Sequences) -> float:
    """How often the product foreseen first is the next one of the cycle."""
    customers = np.arange(len(sequences.customers))
    states = model.states(sequences, customers, np.zeros(len(customers), np.int64))
    last = sequences.fields["product"][sequences.starts[1:] - 1]
    return float((model.scores(states).argmax(1) == last % 6 + 1).mean())


@pytest.mark.parametrize("negatives", [1000, 4])
def test_a_cycle_is_learned_by_full_and_by_sampled_softmax(negatives: int) -> None:
    model = untimed_model(cycle(200), mini(negatives=negatives))
    model.fit(cycle(200))
    assert share_right(model, cycle(50, seed=1)) == 1.0


def test_a_large_catalogue_is_learned_by_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "WHOLE_BELOW", 0)
    model = untimed_model(cycle(200), mini(negatives=4))
    assert model.network.products.free.sparse
    model.fit(cycle(200))
    assert share_right(model, cycle(50, seed=1)) == 1.0


def test_the_same_seed_gives_the_same_weights_and_another_does_not() -> None:
    def learned(seed: int) -> dict[str, torch.Tensor]:
        model = untimed_model(cycle(20), mini(seed=seed, epochs=1, dropout=0.3))
        model.fit(cycle(20))
        return model.network.state_dict()

    one, again, other = learned(0), learned(0), learned(1)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["norm.weight"], other["norm.weight"])


class KilledError(Exception):
    pass


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("at", [(1, 2), (2, 1), (3, 4)])
def test_a_killed_training_goes_on_to_the_same_weights(
    at: tuple[int, int], is_large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "SECONDS_BETWEEN", 0)
    if is_large:
        monkeypatch.setattr(products, "WHOLE_BELOW", 0)
    settings = mini(dropout=0.3, epochs=3)
    whole = untimed_model(cycle(60), settings)
    whole.fit(cycle(60))
    file = tmp_path / "checkpoint.safetensors"
    done: list[tuple[int, int]] = []

    def kill(step: int, steps: int, loss: float) -> None:
        done.append((sum(s == 1 for _, s in done) + (step == 1), step))
        if done[-1] == at:
            raise KilledError

    with pytest.raises(KilledError):
        untimed_model(cycle(60), settings).fit(cycle(60), checkpoint=file, on_step=kill)
    assert file.is_file()
    again = untimed_model(cycle(60), settings)
    steps: list[int] = []
    trained = again.fit(cycle(60), checkpoint=file, on_step=lambda step, steps_, loss: steps.append(step))
    assert len(trained.epochs) == 3
    assert len(steps) < 3 * steps[-1]
    assert all(
        torch.equal(value, again.network.state_dict()[name]) for name, value in whole.network.state_dict().items()
    )
    assert not file.exists()


@pytest.mark.parametrize("what", ["cut", "another", "garbage"])
def test_a_checkpoint_that_is_not_of_this_training_is_left_aside(what: str, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.safetensors"
    model = untimed_model(cycle(20), mini(epochs=1))
    run = training._Run(model.network, model.vocabulary, cycle(20), 0, mini(epochs=1), file)
    run.save(1, 3)
    data = file.read_bytes()
    file.write_bytes({"cut": data[:-50], "another": data, "garbage": b"\x00" * 100}[what])
    other = cycle(20, seed=5) if what == "another" else cycle(20)
    steps: list[int] = []
    untimed_model(other, mini(epochs=1)).fit(other, checkpoint=file, on_step=lambda step, n, loss: steps.append(step))
    assert steps[0] == 1


def test_a_loss_that_is_no_number_stops_training_and_names_the_batch() -> None:
    model = untimed_model(cycle(20), mini())
    with torch.no_grad():
        model.network.norm.weight[0] = float("nan")
    with pytest.raises(NotFiniteError, match="epoch 1, batch 1 of"):
        model.fit(cycle(20))


@pytest.mark.parametrize(("broken", "is_stopped"), [(3, False), (4, True)])
def test_a_few_steps_without_a_gradient_are_left_out_and_more_stop_training(broken: int, is_stopped: bool) -> None:
    model = untimed_model(cycle(200), mini())
    left = [broken]

    def spoil(gradient: torch.Tensor) -> torch.Tensor:
        left[0] -= 1
        return gradient if left[0] < 0 else gradient * float("nan")

    model.network.norm.weight.register_hook(spoil)
    if is_stopped:
        with pytest.raises(NotFiniteError, match="epoch 1, batch 4 of"):
            model.fit(cycle(200))
    else:
        model.fit(cycle(200))
        assert share_right(model, cycle(50, seed=1)) == 1.0


def test_the_last_good_weights_are_kept_when_the_loss_becomes_no_number_later() -> None:
    model = untimed_model(cycle(20), mini(epochs=4))
    good: dict[str, torch.Tensor] = {}

    def break_after_two(epoch: training.Epoch) -> None:
        if epoch.number == 2:
            good.update({name: value.clone() for name, value in model.network.state_dict().items()})
            model.network.norm.weight.data[0] = float("nan")

    trained = model.fit(cycle(20), on_epoch=break_after_two)
    assert "epoch 3, batch 1" in trained.stopped
    assert "the weights of epoch 2 are kept" in trained.stopped
    assert all(torch.equal(value, good[name]) for name, value in model.network.state_dict().items())


def test_training_ends_when_validation_no_longer_gets_better_and_keeps_the_best() -> None:
    model = untimed_model(cycle(20), mini(epochs=20, patience=2))
    found = iter([0.1, 0.3, 0.2, 0.25, 0.9])
    trained = model.fit(cycle(20), validate=lambda model: next(found))
    assert [epoch.validation for epoch in trained.epochs] == [0.1, 0.3, 0.2, 0.25]
    assert trained.best == 2


def test_when_customers_come_back_is_learned() -> None:
    """Half of the customers come every day, half every twenty: a question tells them apart."""
    sequences, vocabulary = timed([20] * 100)
    for k in range(100):
        part = slice(sequences.starts[k], sequences.starts[k + 1])
        sequences.time[part] = 10_000 * DAY + np.arange(20) * (1 if k % 2 else 20) * DAY
    from regulars.behavior.buckets import gap_bucket

    sequences.fields["gap"][:] = gap_bucket(np.diff(sequences.time, prepend=0))
    sequences.fields["gap"][sequences.starts[:-1]] = 0
    until = 10_000 * DAY + 450 * DAY
    model = BehaviorModel.new(vocabulary, Content.none(6), mini(epochs=12, batch_tokens=128), until)
    model.fit(sequences)
    at = np.arange(100)
    moment = sequences.time[sequences.starts[:-1] + 10] + DAY // 2
    within_two = model.hazards(model.states(sequences, at, moment))[:, 5]
    assert within_two[1::2].mean() > 0.8
    assert within_two[::2].mean() < 0.3


def test_validation_asks_about_the_first_product_after_the_moment() -> None:
    sequences, vocabulary = timed([10, 10, 10])
    moment = int(np.median(sequences.time))
    held = NextProduct.after(sequences, moment)
    for customer, product in zip(held.customer, held.product, strict=True):
        part = slice(sequences.starts[customer], sequences.starts[customer + 1])
        first = np.flatnonzero(sequences.time[part] >= moment)[0]
        assert first > 0
        assert product == sequences.fields["product"][part][first]
    model = BehaviorModel.new(vocabulary, Content.none(6), mini(), moment)
    assert 0 <= held.ndcg(model) <= 1


def test_a_model_that_gives_all_products_one_score_has_the_last_rank() -> None:
    sequences = cycle(5)
    model = untimed_model(sequences, mini())
    states = np.zeros((5, 16), np.float32)
    assert ranks(model, states, np.array([1, 2, 3, 4, 5])).tolist() == [5] * 5


def at_random(customers: int, days: int, gap_days: float) -> tuple[Sequences, Vocabulary]:
    """Customers who come by chance, as likely on one day as on any other, however long they were away."""
    rng = np.random.default_rng(0)
    came = np.cumsum(rng.exponential(gap_days * DAY, (customers, 20 * int(days / gap_days))), axis=1).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum((came < days * DAY).sum(1))]).astype(np.int64)
    time = came[came < days * DAY] + 10_000 * DAY
    gap = np.diff(time, prepend=0)
    gap[starts[:-1][np.diff(starts) > 0]] = -1
    vocabulary = Vocabulary(["tea"], ("bought",), (), (), np.array([0, len(time)]), np.full(2, np.nan))
    one = np.ones(len(time), np.int32)
    nothing = np.full(len(time), np.nan)
    fields = event_fields(
        vocabulary, product=one, type=one, channel=0 * one, time=time, gap=gap, price=nothing, quantity=nothing
    )
    names = [str(number) for number in range(customers)]
    return Sequences(names, starts, time, fields, np.ones(len(time), np.float32)), vocabulary


def test_who_is_silent_comes_back_as_likely_as_silent_customers_did() -> None:
    sequences, vocabulary = at_random(800, 300, 40.0)
    until = 10_300 * DAY
    model = BehaviorModel.new(vocabulary, Content.none(1), mini(epochs=12, batch_tokens=256), until)
    model.fit(sequences)
    moment = until - 40 * DAY
    who = np.flatnonzero(place_before(sequences, np.arange(800), np.full(800, moment)) > 0)
    before = place_before(sequences, who, np.full(len(who), moment))
    away = moment - sequences.time[sequences.starts[who] + before - 1]
    states = model.states(sequences, who, np.full(len(who), moment))
    chance = model.hazards(states)[:, int(np.searchsorted(EDGES_DAYS, 30))]
    # However long they were away: 1 - exp(-30 / 40).
    assert chance[away < 20 * DAY].mean() == pytest.approx(0.53, abs=0.15)
    assert chance[away > 45 * DAY].mean() == pytest.approx(0.53, abs=0.15)
    # Of the money the same: one for each event to come.
    spend = model.spend(states)
    assert spend[away > 45 * DAY].mean() == pytest.approx(0.75, rel=0.3)


@pytest.mark.parametrize("what", ["price", "spend", "weights", "processes"])
def test_a_checkpoint_of_other_events_weights_or_processes_is_left_aside(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "checkpoint.safetensors"

    def run(sequences: Sequences, seed: int = 0) -> training._Run:
        model = untimed_model(sequences, mini(epochs=1, seed=seed))
        return training._Run(model.network, model.vocabulary, sequences, 0, mini(epochs=1), file)

    run(cycle(20)).save(1, 3)
    sequences = cycle(20)
    again = run(sequences)
    again.resume()
    assert again.step_of_epoch == 3
    if what in ("price", "spend"):
        changed = np.ones(len(sequences.time))
        of = (
            {"spend": changed.astype(np.float32)}
            if what == "spend"
            else {"fields": {**sequences.fields, "price": changed.astype(np.int32)}}
        )
        sequences = replace(sequences, **of)
    if what == "processes":
        monkeypatch.setattr(training.distributed, "count", lambda: 2)
        monkeypatch.setattr(training.distributed, "share_weights", lambda network: None)
    other = run(sequences, seed=int(what == "weights"))
    other.resume()
    assert other.step_of_epoch == 0
