"""Learning the behaviour model, and judging it: does it know what customers take up next?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from regulars.behavior import distributed
from regulars.behavior.dataset import sequences_of, vocabulary_and_content
from regulars.behavior.model import BehaviorModel
from regulars.behavior.progress import Bar
from regulars.behavior.sequences import DAY, Sequences
from regulars.behavior.sizes import Settings, size_named
from regulars.behavior.training import Trained
from regulars.behavior.use import EARLIER, NAME, Kept, load, vectors
from regulars.behavior.validation import NextProduct
from regulars.capability import Learned
from regulars.clock import micros
from regulars.errors import CorruptLogError, NotEnoughError, NotFoundError
from regulars.evaluation import (
    Check,
    Metric,
    Report,
    Split,
    compare,
    hits,
    leak_check,
    line_plot,
    mean_score,
    metric_plot,
)

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

QUESTION = "Which products do customers take up within {days} days?"
BASELINE = "what was taken up most in the last 30 days"
JUDGED_DAYS = 14
POPULAR_DAYS = 30
VALIDATED = 0.1
"""The last part of the time before a model's end, by which it is decided when to stop."""
WARM_EPOCHS = 2
WARM_RATE = 0.25
"""Of the learning rate, for a model that goes on from weights that it has."""
NEGATIVES_A_DIMENSION = 8
"""Products to stand against the one that came: a small network is done with few, and they are most of its work."""
GPU_BATCH = 16_384
"""Tokens of a step on a GPU, which is hardly busier with so many than with few."""
PROBED = 200
K = 10


def settings_of(shop: Shop) -> Settings:
    """Of [behavior] in shop.toml."""
    chosen = shop.config.behavior
    size = size_named(chosen.size)
    negatives = min(NEGATIVES_A_DIMENSION * size.dimensions, Settings.negatives)
    batch = GPU_BATCH if torch.cuda.is_available() else Settings.batch_tokens
    return Settings(
        size, epochs=chosen.epochs, learning_rate=chosen.learning_rate, batch_tokens=batch, negatives=negatives
    )


def learn(shop: Shop, until: datetime) -> Learned:
    """Learn from events before `until`: anew, or on from the model in use.

    Anew, there are three models: one until `held_back_days` before the end, kept beside as the earlier one, whose
    vectors other capabilities can learn from; one until 14 days before the end, judged by those days; and from the
    weights of that one the one that is kept for use. Where a model of the same size is in use, it is judged by
    what came since, and goes on from there over what is new.
    """
    settings = settings_of(shop)
    last = _last(shop, until, settings)
    found = _afresh(shop, until, settings) if last is None else _onward(shop, until, settings, *last)
    if not distributed.is_first():
        # The first process writes what all of them learned.
        raise SystemExit(0)
    return found


def _last(shop: Shop, until: datetime, settings: Settings) -> tuple[Kept, Kept] | None:
    """What to go on from, and its earlier model: the version in use, if it can be read, is of this size and there is
    something newer to learn."""
    try:
        version = shop.models.version_in_use(NAME)
        if version is None:
            return None
        about = shop.models.get(NAME, version).card["about"]
        fits = about["size"] == settings.size.__dict__ and about["earlier_until"] is not None
        newer = micros(until) - about["until"] >= DAY
        stale = micros(until) - (about["earlier_until"] or 0) > 2 * shop.config.behavior.held_back_days * DAY
        if not fits or not newer or stale:
            return None
        return load(shop, version), load(shop, version, is_earlier=True)
    except (CorruptLogError, NotFoundError):
        return None


def _afresh(shop: Shop, until: datetime, settings: Settings) -> Learned:
    held_back = until - timedelta(days=shop.config.behavior.held_back_days)
    judged = until - timedelta(days=JUDGED_DAYS)
    earlier: BehaviorModel | None = None
    notes: list[str] = []
    try:
        earlier, _ = fitted(shop, held_back, settings, "until held back")
    except NotEnoughError as error:
        notes.append(f"There is no earlier model, from whose vectors other capabilities could learn. {error}")
    middle, trained = fitted(shop, judged, settings, "until judged")
    report = _judge(shop, Split(judged, JUDGED_DAYS), middle, trained, tuple(notes))
    final, _ = fitted(shop, until, settings, "until the end", middle)
    return _learned(settings, final, earlier, report)


def _onward(shop: Shop, until: datetime, settings: Settings, model: Kept, earlier: Kept) -> Learned:
    days = max(min((until - model.until).days, JUDGED_DAYS), 1)
    report = _judge(shop, Split(model.until, days), model.model, Trained(), (f"Went on from version {model.version}.",))
    final, _ = fitted(shop, until, settings, "what is new", model.model, since=model.model.until)
    return _learned(settings, final, earlier.model, report)


def _learned(settings: Settings, final: BehaviorModel, earlier: BehaviorModel | None, report: Report) -> Learned:
    files = final.to_files()
    if earlier is not None:
        files |= {EARLIER + name: data for name, data in earlier.to_files().items()}
    about = {
        "size": settings.size.__dict__,
        "until": final.until,
        "earlier_until": None if earlier is None else earlier.until,
        "products": len(final.vocabulary.products),
        "parameters": sum(p.numel() for p in final.network.parameters()),
        "seed": settings.seed,
    }
    return Learned(files, about, report)


def fitted(
    shop: Shop,
    until: datetime,
    settings: Settings,
    what: str,
    start: BehaviorModel | None = None,
    since: int | None = None,
) -> tuple[BehaviorModel, Trained]:
    """A model that learned from events before a moment.

    Parameters
    ----------
    start : whose weights to begin with; then two epochs are made, at a quarter of the learning rate.
    since : learn only from customers with events at or after this (microseconds), and of their events before it only as
        many as one row holds.
    """
    vocabulary, content = vocabulary_and_content(shop, until)
    if start is not None:
        rate = settings.learning_rate * WARM_RATE
        settings = replace(settings, epochs=min(WARM_EPOCHS, settings.epochs), learning_rate=rate)
        model = start.grown(vocabulary, content, settings, micros(until))
    else:
        model = BehaviorModel.new(vocabulary, content, settings, micros(until))
    sequences = sequences_of(shop, model.vocabulary, until)
    if since is not None:
        sequences = _recent(sequences, since, settings.size.context)
    held: NextProduct | None = None
    if start is None:
        cut = _cut(sequences)
        held = NextProduct.after(sequences, cut)
    path = shop.folder / "checkpoints" / f"behavior-{until:%Y-%m-%dT%H%M%S}.safetensors"
    with Bar(f"behavior {what}", settings.epochs) as bar:
        if held is None or not len(held.customer):
            # Nobody can be asked which epoch was the best, or nobody need be.
            return model, model.fit(sequences, since=since, checkpoint=path, on_step=bar.step, on_epoch=bar.epoch)
        # What comes from the cut on is not known in this part: neither who came, nor that others did not.
        before = replace(model, until=cut)
        learned_from = sequences.where(sequences.time < cut)
        trained = before.fit(learned_from, validate=held.ndcg, checkpoint=path, on_step=bar.step, on_epoch=bar.epoch)
        # What was held out for the choice of the epoch is the newest there is: it is learned too, in the end.
        rest = replace(settings, epochs=1, learning_rate=settings.learning_rate * WARM_RATE)
        model = model.grown(vocabulary, content, rest, micros(until))
        model.fit(sequences, checkpoint=path, on_step=bar.step)
    return model, trained


def _cut(sequences: Sequences) -> int:
    """The moment from which on events are held out: the last tenth of the time, and no more than half of the events.

    A single event that is decades older than the others would else have nearly all of them held out.
    """
    first, last = int(sequences.time.min()), int(sequences.time.max())
    return max(last - int((last - first) * VALIDATED), int(np.median(sequences.time)))


def _recent(sequences: Sequences, since: int, context: int) -> Sequences:
    place = np.arange(len(sequences.time))
    is_new = sequences.time >= since
    ends = sequences.starts[1:]
    count = np.bincount(sequences.owner[is_new], minlength=len(sequences.customers))
    keep = place >= (ends - count - context // 2)[sequences.owner]
    return sequences.where(keep & (count > 0)[sequences.owner])


def evaluate(shop: Shop, split: Split) -> Report:
    """Does the model, learned before the split, know what customers take up after it?

    Raises
    ------
    NotEnoughError
        If the log holds too little before it.
    """
    model, trained = fitted(shop, split.as_of, settings_of(shop), "until judged")
    return _judge(shop, split, model, trained, ())


def _judge(shop: Shop, split: Split, model: BehaviorModel, trained: Trained, notes: tuple[str, ...]) -> Report:
    moment, end = micros(split.as_of), micros(split.target_end)
    sequences = sequences_of(shop, model.vocabulary, split.target_end, named_as_of=split.as_of)
    taken = _Taken.of(sequences, moment, end, len(model.vocabulary.products))
    if len(taken.customer) < 20:
        raise NotEnoughError(
            f"behavior: {len(taken.customer)} customers known before {split.as_of:%Y-%m-%d} took up a product in the "
            f"{split.horizon_days} days after; at least 20 are needed. Import more history, or choose another time."
        )
    states = model.states(sequences, taken.customer, np.full(len(taken.customer), moment))
    popular = _popularity(sequences, moment, len(model.vocabulary.products))
    ours = taken.gains(lambda low, high: model.scores(states[low:high]))
    theirs = taken.gains(lambda low, high: np.broadcast_to(popular, (high - low, len(popular))))
    metrics: list[Metric] = []
    for number, name in enumerate(("NDCG@10", "recall@10")):
        metrics += compare({name: mean_score}, np.ones(len(ours[number])), ours[number], theirs[number])
    charts = {"The model beside the baseline": metric_plot(tuple(metrics))}
    if trained.epochs:
        charts["How training went"] = line_plot(
            np.array([e.number for e in trained.epochs]),
            np.array([e.validation for e in trained.epochs]),
            "Epoch",
            "NDCG@10 on what was held out",
        )
    said = [trained.stopped] if trained.stopped else []
    return Report(
        capability=NAME,
        question=QUESTION.format(days=split.horizon_days),
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        customers=len(taken.customer),
        trained_until=split.as_of,
        model=f"transformer of {sum(p.numel() for p in model.network.parameters()):,} parameters",
        baseline=BASELINE,
        metrics=tuple(metrics),
        primary="NDCG@10",
        log_version=shop.log.version,
        charts=charts,
        checks=(_leaks(shop, split, model, sequences, taken),),
        notes=(*said, *notes),
    )


class _Taken:
    """Customers known before a moment, and the products that each took up in a window after it."""

    def __init__(
        self, customer: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], product: npt.NDArray[np.int64]
    ) -> None:
        self.customer, self.starts, self.product = customer, starts, product

    @classmethod
    def of(cls, sequences: Sequences, moment: int, end: int, products: int) -> _Taken:
        owner, product = sequences.owner, sequences.fields["product"].astype(np.int64)
        had = np.zeros(len(sequences.customers), bool)
        had[owner[sequences.time < moment]] = True
        inside = (sequences.time >= moment) & (sequences.time < end) & (product > 0) & had[owner]
        pairs = np.unique(owner[inside] * (products + 1) + product[inside])
        who, what = pairs // (products + 1), pairs % (products + 1)
        customer, first = np.unique(who, return_index=True)
        return cls(customer, np.append(first, len(who)).astype(np.int64), what)

    def gains(self, scores: Callable[[int, int], npt.NDArray[Any]]) -> tuple[Floats, Floats]:
        """NDCG@10 and recall@10 of each customer."""
        count = len(self.customer)
        ndcg, recall = np.zeros(count), np.zeros(count)
        for low in range(0, count, 1024):
            high = min(low + 1024, count)
            given = scores(low, high)
            top = np.argpartition(-given, min(K, given.shape[1] - 1), axis=1)[:, :K]
            top = np.take_along_axis(top, np.argsort(-np.take_along_axis(given, top, 1), axis=1, kind="stable"), 1)
            size = np.diff(self.starts[low : high + 1])
            row = np.repeat(np.arange(high - low), size)
            is_taken = np.zeros(given.shape, bool)
            is_taken[row, self.product[self.starts[low] : self.starts[high]]] = True
            found = hits(np.take_along_axis(is_taken, top, 1), size)
            ndcg[low:high], recall[low:high] = found.ndcg, found.recall
        return ndcg, recall


def _popularity(sequences: Sequences, moment: int, products: int) -> npt.NDArray[np.float64]:
    recent = (sequences.time < moment) & (sequences.time >= moment - POPULAR_DAYS * DAY)
    counts = np.bincount(sequences.fields["product"][recent], minlength=products + 1).astype(float)
    counts[0] = -np.inf
    return counts


def _leaks(shop: Shop, split: Split, model: BehaviorModel, sequences: Sequences, taken: _Taken) -> Check:
    """Change the future of some customers: their vectors must stay as they are."""
    some = taken.customer[:: max(len(taken.customer) // PROBED, 1)]
    ids = [sequences.customers[number] for number in some]
    moment = pa.scalar(split.as_of, pa.timestamp("us", tz="UTC"))
    pairs = pa.table({"customer_id": pa.array(ids, pa.string()), "as_of": pa.repeat(moment, len(ids))})
    events = shop.identities.events_of(shop.events, pairs)

    def compute(seen: object) -> pa.Table:
        found = vectors(shop.holding(seen), pairs, model).astype(np.float64).round(4)
        return pa.table({"customer_id": pairs["customer_id"], **{f"v{k}": column for k, column in enumerate(found.T)}})

    return leak_check(compute, events, split.as_of)
