"""Training: step by step over packed rows, until validation says that it no longer helps."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_safetensors
from torch import Tensor
from torch.nn.functional import cross_entropy, embedding

from regulars import storage
from regulars.behavior import distributed
from regulars.behavior.batches import Batch, rows
from regulars.behavior.losses import Pairs, hazard_loss, sampled_softmax, spend_loss
from regulars.behavior.network import Network
from regulars.behavior.sequences import FIELDS, Sequences
from regulars.behavior.sizes import Settings
from regulars.behavior.tokens import Targets, Tokens, questions
from regulars.behavior.vocabulary import Ints, Vocabulary
from regulars.errors import RegularsError

WARM_UP = 100
"""Steps over which the learning rate rises."""
BLOCK = 4_000_000
"""Events of the customers whose tokens are laid out at once."""
SECONDS_BETWEEN = 120
"""A checkpoint is written after each epoch, and within one when so long has passed since the last."""
CLIP = 1.0
"""Longest gradient of a step: one odd batch must not throw the weights off."""
LEFT_OUT = 3
"""So many steps in a row whose gradient is no number are left out, as can happen with numbers of half the bits; with
one more training ends, as it does where the loss itself is no number."""

Made = tuple[Batch, int]
OnEpoch = Callable[["Epoch"], None]
OnStep = Callable[[int, int, float], None]


class NotFiniteError(RegularsError):
    """The loss is no number any more, and no epoch came to an end before it."""


@dataclass(frozen=True)
class Epoch:
    """What one time over the log brought: the mean loss of a token in nats, the validation metric, seconds."""

    number: int
    loss: float
    validation: float
    seconds: float
    tokens: int


@dataclass
class Trained:
    """How training went.

    Attributes
    ----------
    epochs : all that were run.
    best : the number of the one whose weights the network has now, from 1.
    stopped : why it ended before its time, in words; empty if it did not.
    """

    epochs: list[Epoch] = field(default_factory=list)
    best: int = 0
    stopped: str = ""


def train(
    network: Network,
    vocabulary: Vocabulary,
    sequences: Sequences,
    until: int,
    settings: Settings,
    *,
    validate: Callable[[Network], float] | None = None,
    since: int | None = None,
    checkpoint: Path | None = None,
    on_step: OnStep = lambda step, steps, loss: None,
    on_epoch: OnEpoch = lambda epoch: None,
) -> Trained:
    """Fit a network; it has the weights of the best epoch in the end.

    Parameters
    ----------
    until : when the log ends, microseconds: beyond it nothing is known.
    validate : a metric, more is better; None to run all epochs and keep the last.
    since : of tokens after an event before this (microseconds) only what comes next is learned, not when, nor what is
        spent: where the sequences are of customers who came since, it is no news that they did. None to learn all.
    checkpoint : file to which progress is written, and from which a killed training of the same network on the same
        events goes on, to the same result on the same machine. Removed in the end.

    Raises
    ------
    NotFiniteError
        If the loss is no number in the first epoch; later the last good weights are kept, and `stopped` says so.
    """
    run = _Run(network, vocabulary, sequences, until, settings, checkpoint, since)
    run.resume()
    found = run.trained
    for number in range(len(found.epochs) + 1, settings.epochs + 1):
        started = time.monotonic()
        try:
            loss, tokens = run.epoch(number, on_step)
        except FloatingPointError as error:
            if run.best is None:
                raise NotFiniteError(
                    f"behavior: the loss was no number in {error}, and no epoch was done before it. Lower "
                    "learning_rate under [behavior] in shop.toml, and look for prices or quantities out of all measure."
                ) from None
            found.stopped = f"The loss was no number in {error}: the weights of epoch {found.best} are kept."
            break
        metric = validate(network) if validate else float(number)
        epoch = Epoch(number, loss, metric, time.monotonic() - started, tokens)
        found.epochs.append(epoch)
        if run.best is None or metric > max(e.validation for e in found.epochs[:-1]):
            found.best, run.best = number, _copied(network)
        on_epoch(epoch)
        if validate and number - found.best >= settings.patience:
            break
        run.save(number + 1, 0)
    if run.best is not None:
        network.load_state_dict(run.best)
    if checkpoint is not None and distributed.is_first():
        storage.remove(checkpoint)
    return found


class _Run:
    """The state of one training: what a checkpoint holds."""

    def __init__(
        self,
        network: Network,
        vocabulary: Vocabulary,
        sequences: Sequences,
        until: int,
        settings: Settings,
        checkpoint: Path | None,
        since: int | None = None,
    ) -> None:
        self.network, self.vocabulary, self.sequences = network, vocabulary, sequences
        self.until, self.settings, self.since = until, settings, since
        self.checkpoint = checkpoint
        self.device = network.norm.weight.device
        self.trained = Trained()
        self.best: dict[str, Tensor] | None = None
        self.step_of_epoch, self.saved_at = 0, time.monotonic()
        self.left_out = 0
        sparse = [network.products.free.weight] if network.products.free.sparse else []
        dense = [p for p in network.parameters() if all(p is not s for s in sparse) and p.numel()]
        rate = settings.learning_rate
        self.optimizers: list[torch.optim.Optimizer] = [torch.optim.Adam(dense, lr=rate, betas=(0.9, 0.98), fused=True)]
        if sparse:
            self.optimizers.append(torch.optim.SparseAdam(sparse, lr=rate, betas=(0.9, 0.98)))
        self.dense = dense
        known = network.products.count
        counts = (
            np.bincount(sequences.fields["product"], minlength=known)[:known]
            if len(sequences.time)
            else np.zeros(known)
        )
        self.met = np.flatnonzero(counts[1:] > 0) + 1
        # Before the first step: the weights will be others.
        self.fingerprint = "" if checkpoint is None else self._fingerprint()

    def epoch(self, number: int, on_step: OnStep) -> tuple[float, int]:
        """Go over the log once (from where a checkpoint left off); mean loss of a token, and tokens."""
        settings = self.settings
        rng = np.random.default_rng([settings.seed, number])
        first = self.step_of_epoch
        self.network.train()
        losses, tokens = [], 0
        for step, (batch, steps) in enumerate(_ahead(self._batches(rng))):
            if step < first:
                continue
            self._rate(number - 1 + step / max(steps, 1), (number - 1) * steps + step)
            # Each step draws from a seed of its own, so that one who goes on from a checkpoint draws the same.
            self.network.drop.begin(settings.seed, number, step, distributed.rank())
            loss = self._step(batch, np.random.default_rng([settings.seed, number, step, distributed.rank()]))
            if not np.isfinite(loss):
                raise FloatingPointError(f"epoch {number}, batch {step + 1} of {steps}")
            losses.append(loss)
            tokens += batch.tokens
            on_step(step + 1, steps, loss)
            if time.monotonic() - self.saved_at > SECONDS_BETWEEN:
                self.save(number, step + 1)
        self.step_of_epoch = 0
        return float(np.mean(losses)) if losses else 0.0, tokens

    def _batches(self, rng: np.random.Generator) -> Iterator[Made]:
        settings, width = self.settings, self.settings.size.context
        a_batch = max(settings.batch_tokens // width, 1)
        blocks = _blocks(self.sequences, rng)
        for block in blocks:
            tokens = Tokens.of(block, self.vocabulary, *questions(block, self.until, rng))
            targets = Targets.of(tokens, block, self.until, rng)
            if self.since is not None:
                targets = targets.timed_from(tokens, block, self.since)
            packed = list(rows(tokens.starts, width, rng))
            mine = packed[distributed.rank() :: distributed.count()]
            # Each process takes as many steps as the others: who waits for a gradient that never comes hangs.
            mine = mine[: len(packed) // distributed.count()] or mine
            steps = -(-len(mine) // a_batch) * len(blocks)
            if self.device.type == "cuda":
                # A kernel is made for one number of rows: the last batch is filled with rows of nothing.
                mine += [[] for _ in range(-len(mine) % a_batch)]
            for low in range(0, len(mine), a_batch):
                yield Batch.of(mine[low : low + a_batch], width, tokens, targets), steps

    def _rate(self, epochs_done: float, steps_done: int) -> None:
        share = 0.5 * (1 + np.cos(np.pi * min(epochs_done / self.settings.epochs, 1.0)))
        rate = self.settings.learning_rate * share * min(1.0, (steps_done + 1) / WARM_UP)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate

    def _step(self, batch: Batch, rng: np.random.Generator) -> float:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            loss = self._loss(batch, rng)
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        distributed.average_gradients(self.network)
        length = float(torch.nn.utils.clip_grad_norm_(self.dense, CLIP))
        if np.isfinite(length):
            self.left_out = 0
            for optimizer in self.optimizers:
                optimizer.step()
        else:
            self.left_out += 1
        return float(distributed.average(loss.detach())) if self.left_out <= LEFT_OUT else float("nan")

    def _loss(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        network, device = self.network, self.device
        fields = torch.from_numpy(batch.fields).to(device).long()
        target = torch.from_numpy(batch.pair_product).to(device)
        drawn = self._negatives(rng)
        negatives = torch.from_numpy(drawn).to(device)
        if network.products.is_whole:
            vectors, places = network.products(), None
            target_vectors, negative_vectors = embedding(target, vectors), embedding(negatives, vectors)
        else:
            needed = torch.cat([fields[..., 0].flatten(), target, negatives])
            distinct, back = torch.unique(needed, return_inverse=True)
            vectors = network.products(distinct)
            places = back[: fields[..., 0].numel()].view(fields.shape[:2])
            target_vectors = embedding(back[places.numel() : places.numel() + len(target)], vectors)
            negative_vectors = embedding(back[places.numel() + len(target) :], vectors)
        states = network(network.embed(fields, vectors, places), batch.where(device)).flatten(0, 1)  # B T, D
        # Where no token is followed by anything there is still a gradient, nought: other processes wait for it.
        total: Tensor = 0.0 * network.norm.weight.sum()
        if len(target):
            kinds = torch.from_numpy(batch.query_type).to(device)
            query = network.product_query(embedding(torch.from_numpy(batch.query_at).to(device), states), kinds)
            came = (batch.pair_query, batch.pair_slot, _places(drawn, batch.pair_product))
            lost = sampled_softmax(
                query.float(),
                Pairs(*(torch.from_numpy(each).to(device) for each in came)),
                target_vectors.float(),
                negative_vectors.float(),
                float(np.log(len(drawn) / len(self.met))),
            )
            weight = torch.from_numpy(batch.pair_weight).to(device)
            total = total + (lost * weight).sum() / weight.sum()
        if network.has_types:
            known = batch.next_type >= 0
            if known.any():
                logits = network.type_head(states[torch.from_numpy(batch.at[known]).to(device)]).float()
                total = total + cross_entropy(logits, torch.from_numpy(batch.next_type[known]).to(device))
        if network.is_timed:
            total = total + self._later(states, batch)
        return total

    def _later(self, states: Tensor, batch: Batch) -> Tensor:
        """Losses of when the next event comes and what is spent."""
        network, device = self.network, self.device
        at = torch.from_numpy(batch.at).to(device)
        there = states[at]
        bins = torch.from_numpy(batch.bin).to(device)
        came = torch.from_numpy(batch.has_next).to(device)
        total = hazard_loss(network.hazard_head(there).float(), bins, came).mean()
        spend = torch.from_numpy(batch.spend).to(device)
        known = ~torch.isnan(spend)
        if bool(known.any()):
            total = total + spend_loss(network.spend_head(there[known]).float(), spend[known]).mean()
        return total

    def _negatives(self, rng: np.random.Generator) -> Ints:
        """Products that stand against those that came: all that were ever met, or some of them, ascending."""
        if len(self.met) <= self.settings.negatives:
            return self.met
        # What is drawn twice counts once: far cheaper than to draw without repeating.
        return self.met[np.unique(rng.integers(0, len(self.met), self.settings.negatives))]

    def save(self, epoch: int, step: int) -> None:
        """Write how far training is: at the beginning of a step of an epoch."""
        self.saved_at = time.monotonic()
        if self.checkpoint is None or not distributed.is_first():
            return
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in (self.best or {}).items()}
        for number, optimizer in enumerate(self.optimizers):
            for key, state in optimizer.state_dict()["state"].items():
                for name, value in state.items():
                    tensors[f"optimizer.{number}.{key}.{name}"] = torch.as_tensor(value)
        about = {
            "fingerprint": self.fingerprint,
            "epoch": epoch,
            "step": step,
            "best": self.trained.best,
            "epochs": [e.__dict__ for e in self.trained.epochs],
        }
        tensors = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
        storage.make_folder(self.checkpoint.parent)
        storage.replace(self.checkpoint, to_safetensors(tensors, {"about": json.dumps(about)}))

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one of this very training; one that cannot be read is no one."""
        if self.checkpoint is None or not self.checkpoint.is_file():
            return
        try:
            with safe_open(self.checkpoint, "pt") as saved:
                about = json.loads(saved.metadata()["about"])
                if about["fingerprint"] != self.fingerprint:
                    return
                tensors = {name: saved.get_tensor(name) for name in saved.keys()}  # noqa: SIM118 it is no dict
        except (SafetensorError, OSError, KeyError, ValueError, TypeError):
            return
        self.network.load_state_dict(_part(tensors, "network."))
        self.best = _part(tensors, "best.") or None
        for number, optimizer in enumerate(self.optimizers):
            state: dict[int, dict[str, Any]] = {}
            for name, value in _part(tensors, f"optimizer.{number}.").items():
                key, word = name.split(".", 1)
                state.setdefault(int(key), {})[word] = value if value.is_floating_point() else value.item()
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        self.trained = Trained([Epoch(**saved) for saved in about["epochs"]], about["best"])
        self.step_of_epoch = about["step"]

    def _fingerprint(self) -> str:
        """What a checkpoint must be of: the same events and settings, as many processes, and weights to begin with."""
        about = [self.settings.to_dict(), self.until, self.since, distributed.count()]
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
        digest.update(self.vocabulary.to_bytes())
        sequences = self.sequences
        for values in (sequences.starts, sequences.time, sequences.spend, *(sequences.fields[name] for name in FIELDS)):
            digest.update(np.ascontiguousarray(values).tobytes())
        for name, weight in self.network.state_dict().items():
            digest.update(name.encode())
            digest.update(weight.detach().cpu().numpy().tobytes())
        return digest.hexdigest()


def _places(ascending: Ints, values: Ints) -> Ints:
    """Where values stand in an ascending array, -1 for nowhere.

    >>> _places(np.array([2, 5]), np.array([5, 3])).tolist()
    [1, -1]
    """
    at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return np.where(ascending[at] == values, at, -1) if len(ascending) else np.full(len(values), -1)


def _part(tensors: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}


def _copied(network: Network) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _ahead(batches: Iterator[Made]) -> Iterator[Made]:
    """The same, the next one made while this one is at work: a GPU need not wait for it."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, batches, None)
        while (found := waiting.result()) is not None:
            waiting = pool.submit(next, batches, None)
            yield found


def _blocks(sequences: Sequences, rng: np.random.Generator) -> list[Sequences]:
    """All customers, in blocks whose tokens fit into memory; who is in which is drawn anew each time."""
    count = max(int(np.ceil(len(sequences.time) / BLOCK)), 1)
    if count == 1:
        return [sequences]
    part = rng.permutation(len(sequences.customers)) % count
    return [sequences.where(part[sequences.owner] == number) for number in range(count)]
