"""A small network of fixed shape on what is known of customers: how much does it say of what comes next?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

HIDDEN = 128
INPUT_DROPOUT, DROPOUT = 0.1, 0.5
BATCH = 1024
RATE = 3e-3
EPOCHS, PATIENCE = 40, 3
FOLDS = 5
DECAYS = (0.1, 1.0, 10.0)
"""Weight decays, as AdamW takes them, from which validation chooses."""


@dataclass(frozen=True)
class Probe:
    """One hidden layer beside a linear one, trained by Adam; five of them, whose log-odds are averaged.

    Each of the five learned from four fifths of the customers, and stopped when it no longer got better on its fifth.
    By those fifths the weight decay is chosen too, so all customers are learned from, and none that is judged helps to
    choose. Shape and training are the same whatever the inputs.

    Attributes
    ----------
    nets : the five.
    decay : the weight decay chosen.
    validation_loss : log loss of the held-out fifths, in nats, the mean over labels.
    held_out : (n, labels) log-odds of each row learned from, by the one that did not learn from its customer.
    """

    nets: Sequence[nn.Module]
    decay: float
    validation_loss: float
    held_out: Floats

    @classmethod
    def fit(cls, inputs: Floats, targets: Floats, customers: Ints, seed: int = 0) -> Probe:
        """Fit to what came of customers.

        Parameters
        ----------
        inputs : (n, k) standardised, without gaps.
        targets : (n, labels) 1 where it happened, else 0.
        customers : (n,) whose row it is: all rows of one are in the same fifth.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> inputs = rng.normal(size=(500, 3)).astype(np.float32)
        >>> targets = (inputs[:, :1] > 0).astype(np.float32)
        >>> probe = Probe.fit(inputs, targets, np.arange(500))
        >>> bool(np.mean((probe.predict(inputs) > 0) == targets) > 0.9)
        True
        """
        who = np.unique(customers, return_inverse=True)[1]
        fold = np.random.default_rng(seed).permutation(int(who.max()) + 1)[who] % FOLDS
        train = partial(_trained, torch.from_numpy(inputs), torch.from_numpy(targets))
        # Weights and batches drawn here must not move what others draw.
        with torch.random.fork_rng(devices=[]):
            found = {
                decay: [train(torch.from_numpy(fold == k), decay, seed * FOLDS + k) for k in range(FOLDS)]
                for decay in DECAYS
            }
        losses = {decay: float(np.mean([loss for _, loss in nets])) for decay, nets in found.items()}
        best = min(losses, key=lambda decay: losses[decay])
        nets = [net for net, _ in found[best]]
        held_out = np.empty(targets.shape, np.float32)
        for k, net in enumerate(nets):
            held_out[fold == k] = _read([net], inputs[fold == k])
        return cls(nets, best, losses[best], held_out)

    def predict(self, inputs: Floats) -> Floats:
        """(n, labels) log-odds."""
        return _read(self.nets, inputs)


def _read(nets: Sequence[nn.Module], inputs: Floats) -> Floats:
    """(n, labels) the mean of their log-odds."""
    with torch.inference_mode():
        given = torch.from_numpy(inputs)
        found: Floats = torch.stack([net(given) for net in nets]).mean(0).numpy()
    return found


class _Net(nn.Module):
    def __init__(self, inputs: int, base: Tensor) -> None:
        super().__init__()
        labels = len(base)
        self.layer = nn.Sequential(nn.Dropout(INPUT_DROPOUT), nn.Linear(inputs, HIDDEN), nn.GELU(), nn.Dropout(DROPOUT))
        self.read, self.linear = nn.Linear(HIDDEN, labels), nn.Linear(inputs, labels, bias=False)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.read.weight)
        # From how often each label happens on: what is learned first is who differs from the others.
        self.read.bias.data.copy_(base)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.read(self.layer(x)) + self.linear(x)
        return found


def _trained(inputs: Tensor, targets: Tensor, is_held_out: Tensor, decay: float, seed: int) -> tuple[_Net, float]:
    """A net with the weights of its best epoch, and its loss on the rows held out."""
    torch.manual_seed(seed)
    x, y = inputs[~is_held_out], targets[~is_held_out]
    held_x, held_y = inputs[is_held_out], targets[is_held_out]
    share = (y.sum(0) + 0.5) / (len(y) + 1)
    net = _Net(x.shape[1], torch.logit(share))
    weights = [p for p in net.parameters() if p.dim() > 1]
    biases = [p for p in net.parameters() if p.dim() == 1]
    groups: list[dict[str, Any]] = [{"params": weights, "weight_decay": decay}, {"params": biases}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.0, fused=True)
    best, kept, waited = float("inf"), net.state_dict(), 0
    for _ in range(EPOCHS):
        net.train()
        for rows in torch.split(torch.randperm(len(x)), BATCH):
            loss = binary_cross_entropy_with_logits(net(x[rows]), y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        net.eval()
        with torch.inference_mode():
            found = float(binary_cross_entropy_with_logits(net(held_x), held_y))
        waited += 1
        if found < best:
            best, waited = found, 0
            kept = {name: value.clone() for name, value in net.state_dict().items()}
        if waited == PATIENCE:
            break
    net.load_state_dict(kept)
    return net.eval(), best
