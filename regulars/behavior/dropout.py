"""Dropout whose masks are made of random bytes: on a CPU torch's own takes six times as long."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Dropout(nn.Module):
    """Leave out a share of the numbers in training, and make the others as much larger.

    Source
    ------
    Srivastava et al. (2014), Dropout: A Simple Way to Prevent Neural Networks from Overfitting, section 4.

    Examples
    --------
    >>> drop = Dropout(0.5)
    >>> drop.begin(0)
    >>> sorted(set(drop(torch.ones(100)).tolist()))
    [0.0, 2.0]
    >>> drop.eval()(torch.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self._left_out = round(share * 256)
        self._rng = np.random.default_rng(0)

    def begin(self, *seed: int) -> None:
        """What is drawn from now on depends on the seed alone."""
        self._rng = np.random.default_rng(seed)
        drawn = int(self._rng.integers(2**62))
        # `torch.manual_seed` would keep a traceback for each kind of device that is not there, at every step.
        torch.default_generator.manual_seed(drawn)
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.manual_seed_all(drawn)

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        if not self.training or not self._left_out:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.share, training=True)
        drawn = np.frombuffer(self._rng.bytes(x.numel()), np.uint8)
        mask = torch.from_numpy(drawn >= self._left_out).view(x.shape).to(x.dtype)
        return x * mask.mul_(256 / (256 - self._left_out))
