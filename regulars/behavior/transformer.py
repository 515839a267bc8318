"""The transformer: causal blocks with gates, that know how far back and how long ago each event is.

Shapes: B rows, T tokens of a row, K tokens that they may look at, H heads, D dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from regulars.behavior.dropout import Dropout
from regulars.behavior.sizes import Size

TIME_BUCKETS = 32
"""Of the logarithm of the seconds between two events."""
SLOWEST, FASTEST = 0.02, 0.7
"""How much less an event counts with each later one, in the heads that forget least and most, before learning."""


class Block(nn.Module):
    """Attention and a gated feed-forward layer, each behind a norm, each let through by a gate.

    The gate decides from the token itself how much of what was found is added. Attention adds to its scores a learned
    number for how many events back, and one for how long ago, another event is.

    Source
    ------
    Gates: Borisyuk et al. (2025), From Features to Transformers (LiGR), arXiv 2502.03417. Relative
    bias of place and time: Zhai et al. (2024), Actions Speak Louder than Words (HSTU), section 3.3. The start of the
    place bias: Press et al. (2022), Train Short, Test Long (ALiBi).
    """

    def __init__(self, size: Size, drop: Dropout, *, is_timed: bool) -> None:
        super().__init__()
        d = size.dimensions
        self.heads, self.drop = size.heads, drop
        self.norm_attention, self.norm_forward = nn.RMSNorm(d), nn.RMSNorm(d)
        self.qkv = nn.Linear(d, 3 * d, bias=False)
        self.out = nn.Linear(d, d, bias=False)
        self.gate_attention, self.gate_forward = nn.Linear(d, d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, 4 * d, bias=False), nn.Linear(2 * d, d, bias=False)
        slope = torch.logspace(math.log10(SLOWEST), math.log10(FASTEST), size.heads)
        self.place_bias = nn.Parameter(-slope[:, None] * torch.arange(size.context))  # (H, context)
        self.time_bias = nn.Parameter(torch.zeros(size.heads, TIME_BUCKETS)) if is_timed else None

    def forward(
        self, x: Tensor, seen: Seen, cache: tuple[Tensor, Tensor] | None = None, only: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Tokens (B, T, D) after the block, and their keys and values (B, H, T, D/H).

        `cache` are keys and values of earlier tokens (B, H, K - T, D/H), which stand before these. `only` (B, N) are
        the places of those that are wanted after the block: then (B, N, D), and `seen` is of them.
        """
        q, k, v = self.projected(x)
        kept = (k, v)
        if only is not None:
            x = x.gather(1, only[:, :, None].expand(-1, -1, x.shape[2]))  # B, N, D
            q = q.gather(2, only[:, None, :, None].expand(-1, self.heads, -1, q.shape[3]))
        if cache is not None:
            k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)  # B, H, K, D/H
        bias = self.bias(seen)  # B, H, T, K
        found = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        return self.added(x, found), kept

    def projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (B, H, T, D/H) of tokens (B, T, D)."""
        B, T, D = x.shape
        q, k, v = self.qkv(self.norm_attention(x)).view(B, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        return q, k, v

    def bias(self, seen: Seen) -> Tensor:
        """(B, H, T, K) what is added to the scores: -inf for what is not looked at."""
        biases: Tensor = self.place_bias  # H, context
        if self.time_bias is not None:
            biases = (biases[:, :, None] + self.time_bias[:, None]).flatten(1)  # H, context * TIME_BUCKETS
        found = _Looked.apply(F.pad(biases, (0, 1), value=float("-inf")), seen.bias)  # type: ignore[no-untyped-call]
        return cast(Tensor, found.transpose(0, 1))

    def added(self, x: Tensor, found: Tensor) -> Tensor:
        """Tokens (B, T, D) with what attention found (B, H, T, D/H), and then with what is made of it."""
        found = self.out(found.transpose(1, 2).reshape(x.shape))
        x = x + torch.sigmoid(self.gate_attention(x)) * self.drop(found)
        up, gate = self.up(self.norm_forward(x)).chunk(2, -1)  # B, T, 2 D
        forward = self.down(F.silu(gate) * up)
        return cast(Tensor, x + torch.sigmoid(self.gate_forward(x)) * self.drop(forward))


class Seen:
    """Which tokens each token looks at, and how far they are.

    Attributes
    ----------
    bias : (B, T, K) number of the bias of a pair: how many events back times TIME_BUCKETS, and the bucket of how long
        ago (the events back alone where time is not known); one more than there are for what is not looked at. A token
        looks at itself, and at events before it of the same customer, at most `context` - 1 back.
    """

    def __init__(self, bias: Tensor) -> None:
        self.bias = bias

    @classmethod
    def of(cls, asking: Where, asked: Where, itself: Tensor, context: int, *, is_timed: bool) -> Seen:
        """For tokens (B, T) looking at tokens (B, K), among which they themselves have the places (B, T)."""
        back = asking.place[:, :, None] - asked.place[:, None, :]
        same = asking.customer[:, :, None] == asked.customer[:, None, :]
        allowed = same & (back > 0) & (back < context) & ~asked.is_now[:, None, :]
        allowed = allowed.scatter(2, itself[:, :, None], True)
        bias, count = back.clamp(0, context - 1), context
        if is_timed:
            ago = time_bucket(asking.time[:, :, None] - asked.time[:, None, :])
            bias, count = bias * TIME_BUCKETS + ago, count * TIME_BUCKETS
        return cls(torch.where(allowed, bias, count))


class _Looked(torch.autograd.Function):
    """Columns (H, ...) of a table (H, n) by their numbers: torch's own gradient takes twice as long, on a CPU."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, numbers: Tensor) -> Tensor:
        ctx.save_for_backward(numbers)
        ctx.columns = table.shape[1]
        return table.index_select(1, numbers.flatten()).view(len(table), *numbers.shape)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (numbers,) = ctx.saved_tensors
        at = numbers.flatten()
        sums = [torch.bincount(at, grad.flatten(), minlength=ctx.columns) for grad in grads[0]]
        return torch.stack(sums).to(grads[0].dtype), None


class Where:
    """Where tokens stand: whose (-1 for padding), after how many events, when, and whether they are questions."""

    def __init__(self, customer: Tensor, place: Tensor, time: Tensor, is_now: Tensor) -> None:
        self.customer, self.place, self.time, self.is_now = customer, place, time, is_now

    def each(self, change: Callable[[Tensor], Tensor]) -> Where:
        """The same change made to all."""
        return Where(*(change(value) for value in (self.customer, self.place, self.time, self.is_now)))

    def rows(self, rows: Tensor | slice) -> Where:
        """Some of the rows."""
        return self.each(lambda values: values[rows])

    def before(self, later: Where) -> Where:
        """These tokens and later ones of the same rows."""
        return Where(*(torch.cat([getattr(self, n), getattr(later, n)], 1) for n in vars(self)))


def time_bucket(microseconds: Tensor) -> Tensor:
    """Buckets of the time between two tokens: 0 within a second, then by factors of two; all of over 30 years in one.

    >>> time_bucket(torch.tensor([0, 2_000_000, 86_400_000_000])).tolist()
    [0, 2, 17]
    """
    seconds = microseconds.clamp(min=0).to(torch.float32) / 1e6
    return torch.where(seconds < 1, 0.0, torch.log2(seconds.clamp(min=1)) + 1).clamp(max=TIME_BUCKETS - 1).long()
