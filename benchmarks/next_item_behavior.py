"""The behaviour model on the protocol of the next product: settings and epochs by validation, then both questions.

What the model is given is products and their order, and attributes where there are any; nothing else is known.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.next_item import (
    Figure,
    Floats,
    Histories,
    Question,
    Scores,
    evaluate,
    figures,
    refit,
    strict,
    validation,
)
from regulars.behavior.model import BehaviorModel
from regulars.behavior.sequences import Sequences
from regulars.behavior.sizes import SIZES, Settings
from regulars.behavior.training import Epoch, Trained
from regulars.behavior.vocabulary import Content, Vocabulary

CHOSEN_BY = "ndcg@10"
CHOOSERS = 5_000
"""Customers whose validation products choose the epoch; the figures are of all."""
DROPOUTS = (0.5, 0.2)
"""Both are tried where products have few events, and the better one on validation is taken; else the last."""
FEW_EVENTS = 50
"""For each product, in the mean: with more, less has to be held back from learning by heart."""
MOST_TOKENS = 10_000_000
"""What a training may cost on two cores: of long logs fewer epochs are made, but never fewer than `LEAST_EPOCHS`."""
LEAST_EPOCHS = 10


@dataclass(frozen=True)
class Result:
    """The figures of each question, and what training took.

    epoch_seconds, best_seconds : an epoch in the middle; all up to the best one, without validation.
    """

    settings: dict[str, object]
    validation: dict[str, Figure]
    strict: dict[str, Figure]
    refit: dict[str, Figure]
    epoch_seconds: float
    best_seconds: float
    refit_seconds: float


def sequences(histories: Histories) -> Sequences:
    """The same histories; products are numbered from 1."""
    return Sequences.of_flat(histories.offsets.astype(np.int64), (histories.items + 1).astype(np.int32))


def new(fitted: Histories, settings: Settings, *, with_content: bool = True) -> BehaviorModel:
    """A model that has learned nothing yet."""
    counts = np.concatenate([[0], fitted.events_per_item()])
    content = Content.none(fitted.n_items)
    if with_content and fitted.attributes is not None:
        pairs = fitted.attributes.tocoo()
        content = Content.of_attributes(pairs.row + 1, pairs.col, fitted.n_items, pairs.shape[1])
    return BehaviorModel.new(Vocabulary.of_numbers(counts), content, settings, 0)


def scores(model: BehaviorModel) -> Scores:
    """As the protocol asks for them."""

    def found(known: Histories) -> Floats:
        customers = np.arange(known.n_users)
        states = model.states(sequences(known), customers, np.zeros(known.n_users, np.int64))
        return model.scores(states)[:, 1:]

    return found


def settings_for(histories: Histories) -> Settings:
    """The size `small`, with as long a context as nine of ten histories need, in steps of 64."""
    longest = int(np.quantile(histories.lengths, 0.9))
    context = int(np.clip(-(-longest // 64) * 64, 64, 256))
    epochs = int(np.clip(MOST_TOKENS // max(len(histories.items), 1), LEAST_EPOCHS, 20))
    size = replace(SIZES["small"], context=context)
    return Settings(size, epochs=epochs, patience=epochs, batch_tokens=max(1152, 4 * context))


def run(
    histories: Histories,
    *,
    with_content: bool = True,
    with_refit: bool = True,
    dropouts: tuple[float, ...] = DROPOUTS,
) -> Result:
    """Choose, fit and judge; no test product is looked at before the settings are chosen."""
    question = validation(histories)
    sample = question.of(np.random.default_rng(0).permutation(len(question.users))[:CHOOSERS])
    base = settings_for(question.fitted)
    is_rich = len(histories.items) > FEW_EVENTS * histories.n_items
    tried = []
    for dropout in dropouts[-1:] if is_rich else dropouts:
        found = fit(question.fitted, replace(base, dropout=dropout), with_content, sample)
        tried.append((max(epoch.validation for epoch in found[1].epochs), dropout, *found))
    _, dropout, model, trained = max(tried, key=lambda each: each[0])
    settings = replace(base, dropout=dropout)
    validated, strictly = (figures(evaluate(asked, scores(model))) for asked in (question, strict(histories)))
    print(f"strict: {strictly}", flush=True)
    again: dict[str, Figure] = {}
    begun = time.perf_counter()
    if with_refit:
        # As many epochs as were best, on a schedule of that length.
        question = refit(histories)
        final, _ = fit(question.fitted, replace(settings, epochs=trained.best), with_content)
        again = figures(evaluate(question, scores(final)))
    return Result(
        {"dropout": dropout, "context": base.size.context, "epochs": trained.best, "tried": [t[:2] for t in tried]},
        validated,
        strictly,
        again,
        float(np.median([epoch.seconds for epoch in trained.epochs])),
        float(sum(epoch.seconds for epoch in trained.epochs[: trained.best])),
        time.perf_counter() - begun,
    )


def fit(
    fitted: Histories, settings: Settings, with_content: bool, sample: Question | None = None
) -> tuple[BehaviorModel, Trained]:
    model = new(fitted, settings, with_content=with_content)

    def show(epoch: Epoch) -> None:
        print(f"epoch {epoch.number}: loss {epoch.loss:.3f}, {epoch.validation:.4f}, {epoch.seconds:.1f} s", flush=True)

    judge = None if sample is None else lambda model: _judged(sample, model)
    return model, model.fit(sequences(fitted), validate=judge, on_epoch=show)


def _judged(question: Question, model: BehaviorModel) -> float:
    return figures(evaluate(question, scores(model)))[CHOSEN_BY].value
