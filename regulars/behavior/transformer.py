"""The transformer: causal blocks with gates, that know how far back and how long ago each event is.

Shapes: B rows, T tokens of a row, K tokens that they may look at, H heads, D dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

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
        bias = self.place_bias[:, seen.back]  # H, B, T, K
        if self.time_bias is not None and seen.ago is not None:
            bias = bias + self.time_bias[:, seen.ago]
        bias = bias.transpose(0, 1).masked_fill(~seen.allowed[:, None], float("-inf"))  # B, H, T, K
        found = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        return self.added(x, found), kept

    def projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (B, H, T, D/H) of tokens (B, T, D)."""
        B, T, D = x.shape
        q, k, v = self.qkv(self.norm_attention(x)).view(B, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        return q, k, v

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
    allowed : (B, T, K) itself, and events before it of the same customer, at most `context` - 1 back.
    back : (B, T, K) how many events back.
    ago : (B, T, K) bucket of how long ago; None where time is not known.
    """

    def __init__(self, allowed: Tensor, back: Tensor, ago: Tensor | None) -> None:
        self.allowed, self.back, self.ago = allowed, back, ago

    @classmethod
    def of(cls, asking: Where, asked: Where, itself: Tensor, context: int, *, is_timed: bool) -> Seen:
        """For tokens (B, T) looking at tokens (B, K), among which they themselves have the places (B, T)."""
        back = asking.place[:, :, None] - asked.place[:, None, :]
        same = asking.customer[:, :, None] == asked.customer[:, None, :]
        allowed = same & (back > 0) & (back < context) & ~asked.is_now[:, None, :]
        allowed = allowed.scatter(2, itself[:, :, None], True)
        back = back.clamp(0, context - 1)
        ago = time_bucket(asking.time[:, :, None] - asked.time[:, None, :]) if is_timed else None
        return cls(allowed, back, ago)


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
