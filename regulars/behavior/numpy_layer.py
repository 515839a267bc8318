"""A block of the transformer in NumPy: for one token, torch spends more time on its calls than on the work."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit

from regulars.behavior.transformer import TIME_BUCKETS, Block, time_bucket

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

EPSILON = np.float32(torch.finfo(torch.float32).eps)
"""What torch.nn.RMSNorm adds when it is not told."""


class Layer(NamedTuple):
    """A `Block` for one token at a time."""

    norm_attention: Floats
    norm_forward: Floats
    qkv: Floats
    out: Floats
    up: Floats
    down: Floats
    gate_attention: tuple[Floats, Floats]
    gate_forward: tuple[Floats, Floats]
    place_bias: Floats
    time_bias: Floats | None

    @classmethod
    def of(cls, block: Block) -> Layer:
        """With its weights, as they are now."""
        return cls(
            norm_attention=array(block.norm_attention.weight),
            norm_forward=array(block.norm_forward.weight),
            qkv=array(block.qkv.weight),
            out=array(block.out.weight),
            up=array(block.up.weight),
            down=array(block.down.weight),
            gate_attention=linear(block.gate_attention),
            gate_forward=linear(block.gate_forward),
            place_bias=array(block.place_bias),
            time_bias=None if block.time_bias is None else array(block.time_bias),
        )

    def __call__(
        self, x: Floats, keys: Floats, values: Floats, slot: int, back: Ints, bucket: Ints
    ) -> tuple[Floats, Floats]:
        """A token (D,) after the block, and its own key and value (2, H, D/H).

        Parameters
        ----------
        keys, values : (H, m, D/H) of the events that it looks at, written to at `slot`, which is its own.
        back, bucket : (m,) how many events back each is, and the bucket of how long ago.
        """
        heads = len(keys)
        q, k, v = (self.qkv @ normed(x, self.norm_attention)).reshape(3, heads, -1)
        # The slot holds nothing, or what is too far back: the token itself is looked at in its place.
        keys[:, slot], values[:, slot] = k, v
        scores = (keys @ q[:, :, None])[:, :, 0] / np.float32(np.sqrt(q.shape[1]))  # H, m
        scores += self.place_bias[:, back]
        if self.time_bias is not None:
            scores += self.time_bias[:, bucket]
        weights = np.exp(scores - scores.max(1, keepdims=True))
        weights /= weights.sum(1, keepdims=True)
        found = self.out @ (weights[:, None] @ values).reshape(-1)
        x = x + _gate(x, self.gate_attention) * found
        up, gate = (self.up @ normed(x, self.norm_forward)).reshape(2, -1)  # 2 D
        x = x + _gate(x, self.gate_forward) * (self.down @ (gate * expit(gate) * up))
        return x, np.stack([k, v])

    def several(self, x: Floats, times: Ints, edges: Ints, context: int) -> tuple[Floats, Floats]:
        """Tokens (n, D) of one customer, one after the other, after the block; their keys and values (2, H, n, D/H).

        Parameters
        ----------
        times : (n,) when each was; edges : of `time_bucket_edges`.
        context : so many tokens each looks at, itself the last.
        """
        heads = len(self.place_bias)
        asked = normed(x, self.norm_attention) @ self.qkv.T
        q, k, v = asked.reshape(len(x), 3, heads, -1).transpose(1, 2, 0, 3)  # H, n, D/H
        found = np.empty_like(x)
        for first in range(0, len(x), context):  # so that memory grows with the context, not with the history
            rows = np.arange(first, min(first + context, len(x)))
            seen = np.arange(max(first - context + 1, 0), rows[-1] + 1)
            back = rows[:, None] - seen
            scores = q[:, rows] @ k[:, seen].transpose(0, 2, 1) / np.float32(np.sqrt(q.shape[2]))  # H, rows, seen
            scores += self.place_bias[:, np.clip(back, 0, context - 1)]
            if self.time_bias is not None:
                scores += self.time_bias[:, np.searchsorted(edges, times[rows, None] - times[seen], side="right")]
            scores[:, (back < 0) | (back >= context)] = -np.inf
            weights = np.exp(scores - scores.max(2, keepdims=True))
            weights /= weights.sum(2, keepdims=True)
            found[rows] = (weights @ v[:, seen]).transpose(1, 0, 2).reshape(len(rows), -1)
        x = x + _gate(x, self.gate_attention) * (found @ self.out.T)
        up, gate = np.split(normed(x, self.norm_forward) @ self.up.T, 2, axis=1)  # n, 2 D
        x = x + _gate(x, self.gate_forward) * ((gate * expit(gate) * up) @ self.down.T)
        return x, np.stack([k, v])


def time_bucket_edges() -> Ints:
    """(buckets - 1,) the least microseconds of each of `time_bucket` but the first, found by halving.

    Asked of the function itself: a logarithm by another library may fall on the other side of an edge.
    """
    number = torch.arange(1, TIME_BUCKETS)
    low, high = torch.zeros_like(number), torch.full_like(number, 1 << 62)
    while bool((high - low > 1).any()):
        middle = (low + high) // 2
        is_in = time_bucket(middle) >= number
        low, high = torch.where(is_in, low, middle), torch.where(is_in, middle, high)
    edges: Ints = high.numpy()
    return edges


def normed(x: Floats, weight: Floats) -> Floats:
    """(..., D) as torch.nn.RMSNorm does it."""
    scale: Any = 1 / np.sqrt(np.vecdot(x, x)[..., None] / x.shape[-1] + EPSILON)
    found: Floats = x * scale * weight
    return found


def _gate(x: Floats, linear: tuple[Floats, Floats]) -> Any:
    return expit(x @ linear[0].T + linear[1])


def array(tensor: torch.Tensor) -> Floats:
    """A tensor as an array of its own."""
    found: Floats = np.array(tensor.detach().float().cpu().numpy(), order="C")
    return found


def linear(module: torch.nn.Linear) -> tuple[Floats, Floats]:
    """Weight and bias."""
    return array(module.weight), array(module.bias)
