"""A deep and cross network: which fields together make a click likely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load, save
from torch import Tensor, nn

from regulars.logistic import Scaling

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WIDTH, CROSSES, DEEP = 8, 2, (64, 32)
BATCH, RATE, DECAY = 1024, 2e-3, 1e-5
MOST_EPOCHS, DROPOUT = 12, 0.1


class _Network(nn.Module):
    """Cross layers (x0 * (W x + b) + x) beside a deep tower; a linear part for each value of each field."""

    def __init__(self, sizes: Sequence[int], numbers: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList([nn.Embedding(size, WIDTH) for size in sizes])
        self.single = nn.ModuleList([nn.Embedding(size, 1) for size in sizes])
        for table in [*self.embeddings, *self.single]:
            nn.init.normal_(table.weight, std=0.01)
        width = len(sizes) * WIDTH + numbers
        self.crosses = nn.ModuleList([nn.Linear(width, width) for _ in range(CROSSES)])
        layers: list[nn.Module] = []
        before = width
        for after in DEEP:
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(DROPOUT)]
            before = after
        self.deep = nn.Sequential(*layers)
        self.last = nn.Linear(width + before, 1)

    def forward(self, fields: Tensor, numbers: Tensor) -> Tensor:
        parts = [table(fields[:, place]) for place, table in enumerate(self.embeddings)]  # f x (B, WIDTH)
        first = torch.cat([*parts, numbers], dim=1)  # (B, D)
        crossed = first
        for layer in self.crosses:
            crossed = first * layer(crossed) + crossed  # (B, D)
        found: Tensor = self.last(torch.cat([crossed, self.deep(first)], dim=1))[:, 0]  # (B,)
        for place, table in enumerate(self.single):
            found = found + table(fields[:, place])[:, 0]
        return found


class CrossNetwork:
    """A fitted network.

    Source
    ------
    Wang et al. (2021), DCN V2: Improved Deep & Cross Network, section 3 (parallel structure, full matrices).
    """

    def __init__(self, sizes: Sequence[int], scaling: Scaling, network: _Network, epochs: int) -> None:
        self.sizes, self.scaling, self.network, self.epochs = tuple(sizes), scaling, network.eval(), epochs

    @classmethod
    def fit(
        cls,
        sizes: Sequence[int],
        fields: Ints,
        numbers: Floats,
        target: Floats,
        *,
        epochs: int | None = None,
        held_out: int = 0,
        seed: int = 0,
    ) -> CrossNetwork:
        """Learn from rows in order of time.

        Parameters
        ----------
        sizes : how many numbers each field has. fields : (n, f). numbers : (n, k), NaN where absent.
        target : (n,) in [0, 1]; a part where it is not known for sure.
        epochs : how often to go over the rows; default: until the last rows, held out, are foreseen no better.
        held_out : so many last rows are held out for that.
        """
        torch.manual_seed(seed)
        count = len(fields) - held_out
        scaling = Scaling.of(numbers[:count])
        inputs = torch.from_numpy(scaling.inputs(numbers).astype(np.float32))
        codes, labels = torch.from_numpy(fields), torch.from_numpy(target.astype(np.float32))
        network = _Network(sizes, inputs.shape[1])
        start = float(np.clip(target[:count].mean(), 1e-6, 1 - 1e-6))
        nn.init.constant_(network.last.bias, float(np.log(start / (1 - start))))
        optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
        loss_of = nn.BCEWithLogitsLoss()
        order = torch.Generator().manual_seed(seed)
        best, best_epoch, kept = np.inf, 0, {}
        for epoch in range(epochs or MOST_EPOCHS):
            network.train()
            for rows in torch.split(torch.randperm(count, generator=order), BATCH):
                optimiser.zero_grad()
                loss_of(network(codes[rows], inputs[rows]), labels[rows]).backward()
                optimiser.step()
            if held_out:
                network.eval()
                with torch.no_grad():
                    loss = float(loss_of(network(codes[count:], inputs[count:]), labels[count:]))
                if loss < best:
                    best, best_epoch = loss, epoch + 1
                    kept = {name: part.clone() for name, part in network.state_dict().items()}
                elif epoch + 1 - best_epoch >= 2:
                    break
        if held_out:
            network.load_state_dict(kept)
        return cls(sizes, scaling, network, best_epoch if held_out else (epochs or MOST_EPOCHS))

    def score(self, fields: Ints, numbers: Floats) -> Floats:
        """(n,) log-odds."""
        inputs = torch.from_numpy(self.scaling.inputs(numbers).astype(np.float32))
        with torch.no_grad():
            found = self.network(torch.from_numpy(fields), inputs)
        return np.asarray(found.numpy(), np.float64)

    def to_bytes(self) -> bytes:
        """As safetensors."""
        parts = {f"network.{name}": part.numpy() for name, part in self.network.state_dict().items()}
        parts |= {f"scaling.{name}": np.ascontiguousarray(part) for name, part in vars(self.scaling).items()}
        return save({**parts, "sizes": np.array(self.sizes), "epochs": np.array([self.epochs])})

    @classmethod
    def from_bytes(cls, data: bytes) -> CrossNetwork:
        """From what `to_bytes` gave."""
        parts: Mapping[str, npt.NDArray[np.generic]] = load(data)
        said = {name.removeprefix("scaling."): part for name, part in parts.items() if name.startswith("scaling.")}
        scaling = Scaling(**{name: np.asarray(part, np.float64) for name, part in said.items()})
        sizes = tuple(int(size) for size in parts["sizes"].tolist())
        weights = {
            name.removeprefix("network."): torch.from_numpy(np.array(part))
            for name, part in parts.items()
            if name.startswith("network.")
        }
        network = _Network(sizes, len(scaling.median) + int((scaling.often_absent > 0).sum()))
        network.load_state_dict(weights)
        return cls(sizes, scaling, network, int(parts["epochs"].tolist()[0]))
