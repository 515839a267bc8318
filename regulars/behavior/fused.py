"""The blocks of whole rows on a GPU: one kernel for attention, one for what is done token by token.

Beside `transformer`, whose result it has: there the scores of all pairs of tokens are written to memory, which on a
GPU takes far longer than to compute them. Shapes as there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from regulars.behavior.transformer import Block, Where, time_bucket

SAMPLED = 64
"""The gradient of the bias comes from one row of so many, as many times louder: it sums over all pairs of tokens into
a table of a few hundred numbers, which takes a GPU ten times as long as all else together. Rows are filled at random,
so on average it is the gradient of all."""
KERNEL = {
    "fwd_BLOCK_M": 64,
    "fwd_BLOCK_N": 64,
    "fwd_num_stages": 2,
    "bwd_num_stages": 1,
    "bwd_BLOCK_M1": 32,
    "bwd_BLOCK_N1": 64,
    "bwd_BLOCK_M2": 64,
    "bwd_BLOCK_N2": 32,
    "FORCE_USE_FLEX_ATTENTION": True,
}
"""Its tiles: the default ones take more shared memory than there is, as the bias is read too. And always this kernel,
not the one that torch takes for rows of fewer than 128 tokens: that one decides by its own tile whether it writes past
the end of a row, and then works with this one, so rows of 16 overwrote each other (torch 2.11 and 2.13)."""


class Rows(NamedTuple):
    """Where the tokens of some rows stand, as a kernel takes it.

    Attributes
    ----------
    place : (B, T) int32.
    time : (B, T) microseconds; None where time is not known.
    mask : which tokens look at which.
    """

    place: Tensor
    time: Tensor | None
    mask: BlockMask


def states(blocks: Any, x: Tensor, where: Where, context: int, *, is_timed: bool) -> Tensor:
    """(B, T, D) tokens after all blocks."""
    first = -(-len(x) // SAMPLED)
    parts = [slice(0, first), slice(first, len(x))] if first < len(x) else [slice(0, first)]
    rows = [_rows(where.rows(part), context, is_timed=is_timed) for part in parts]
    for block in blocks:
        x = _block(block, x, rows)
    return x


def _rows(where: Where, context: int, *, is_timed: bool) -> Rows:
    place, customer, is_now = where.place.int(), where.customer.int(), where.is_now

    def allowed(row: Tensor, head: Tensor, asking: Tensor, asked: Tensor) -> Tensor:
        back = place[row, asking] - place[row, asked]
        same = customer[row, asking] == customer[row, asked]
        return (same & (back > 0) & (back < context) & ~is_now[row, asked]) | (asking == asked)

    size, width = place.shape
    mask = create_block_mask(allowed, size, None, width, width, device=place.device)
    return Rows(place, where.time if is_timed else None, mask)


def _block(block: Block, x: Tensor, rows: list[Rows]) -> Tensor:
    # Parts that are split, not sliced: the gradient of a slice is a whole tensor of noughts, to be added.
    parts = zip(*(each.split([len(part.place) for part in rows]) for each in _fast(_apart, x)(block, x)), strict=True)
    found = []
    for number, (part, (q, k, v)) in enumerate(zip(rows, parts, strict=True)):
        # Only the first rows tell how the bias is to be changed.
        share = len(x) / len(part.place) if number == 0 else 0.0
        time_bias = None if block.time_bias is None else _told(block.time_bias, share)
        found.append(_attended(q, k, v, part, _told(block.place_bias, share), time_bias))
    added: Tensor = _fast(Block.added, x)(block, x, torch.cat(found))
    return added


def _apart(block: Block, x: Tensor) -> tuple[Tensor, ...]:
    """Queries, keys and values, each in memory of its own.

    As views of one tensor they would leave a compiled function, whose gradient is put together outside of it.
    """
    return tuple(each.contiguous() for each in block.projected(x))


def _attended(q: Tensor, k: Tensor, v: Tensor, rows: Rows, place_bias: Tensor, time_bias: Tensor | None) -> Tensor:
    place, time, furthest = rows.place, rows.time, place_bias.shape[1] - 1

    def score(value: Tensor, row: Tensor, head: Tensor, asking: Tensor, asked: Tensor) -> Tensor:
        back = (place[row, asking] - place[row, asked]).clamp(0, furthest)
        value = value + place_bias[head, back]
        if time_bias is None or time is None:
            return value
        return value + time_bias[head, time_bucket(time[row, asking] - time[row, asked])]

    found: Tensor = _fast(flex_attention, q)(
        q, k, v, score_mod=score, block_mask=rows.mask, kernel_options=cast(Any, KERNEL)
    )
    return found


def _told(bias: Tensor, share: float) -> Tensor:
    """The same numbers, whose gradient is so many times itself."""
    return bias.detach() + share * (bias - bias.detach()) if share else bias.detach()


def _fast(work: Callable[..., Any], on: Tensor) -> Callable[..., Any]:
    """The same, compiled where it is done on a GPU.

    Each by itself: compiled as one, a block with two parts of rows gave the second part wrong numbers (torch 2.11).
    """
    return _compiled(work) if on.is_cuda else work


@cache
def _compiled(work: Callable[..., Any]) -> Callable[..., Any]:
    return torch.compile(work, dynamic=False)
