"""What a GPU runs in one kernel gives what the plain blocks give. The gradient of that kernel exists on a GPU only."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from regulars.behavior import fused
from regulars.behavior.dropout import Dropout
from regulars.behavior.sizes import Size
from regulars.behavior.transformer import Block, Seen, Where

SIZE = Size(dimensions=64, layers=2, heads=4, context=8)
ROWS = 70
NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


@pytest.fixture(autouse=True)
def compiled_anew() -> None:
    # After eight kernels of one function torch takes the plain one without a word.
    if torch.cuda.is_available():
        torch.compiler.reset()


def some_rows(rng: np.random.Generator, width: int) -> Where:
    customer = np.sort(rng.integers(0, 4, (ROWS, width)), 1)
    customer[:, -3:] = -1
    place = np.tile(np.arange(width), (ROWS, 1))
    time = np.cumsum(rng.integers(0, 10**12, (ROWS, width)), 1)
    parts = customer, place, time, rng.random((ROWS, width)) < 0.2
    return Where(*(torch.from_numpy(part) for part in parts))


def some_blocks(*, is_timed: bool) -> list[Block]:
    torch.manual_seed(0)
    blocks = [Block(SIZE, Dropout(0.0), is_timed=is_timed) for _ in range(SIZE.layers)]
    for block in blocks:
        for bias in (block.place_bias, block.time_bias):
            if bias is not None:
                nn.init.normal_(bias)
    return blocks


def plain_states(blocks: list[Block], x: torch.Tensor, where: Where, *, is_timed: bool) -> torch.Tensor:
    itself = torch.arange(x.shape[1], device=x.device).expand(x.shape[:2])
    seen = Seen.of(where, where, itself, SIZE.context, is_timed=is_timed)
    for block in blocks:
        x, _ = block(x, seen)
    return x


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("width", [16, 64, 130])
@pytest.mark.parametrize("is_timed", [True, False])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_GPU)])
def test_fused_blocks_give_what_plain_ones_give(device: str, is_timed: bool, width: int) -> None:
    blocks = [block.to(device) for block in some_blocks(is_timed=is_timed)]
    where = some_rows(np.random.default_rng(0), width).each(lambda values: values.to(device))
    x = torch.randn(ROWS, width, SIZE.dimensions).to(device)
    with torch.no_grad():
        plain = plain_states(blocks, x, where, is_timed=is_timed)
        found = fused.states(blocks, x, where, SIZE.context, is_timed=is_timed)
    assert not torch.allclose(plain, x, atol=0.1)
    torch.testing.assert_close(found, plain, atol=1e-5, rtol=1e-5)


@NEEDS_GPU
@pytest.mark.parametrize("width", [16, 64, 130])
@pytest.mark.parametrize("is_timed", [True, False])
def test_fused_blocks_learn_what_plain_ones_learn(is_timed: bool, width: int) -> None:
    blocks = [block.cuda() for block in some_blocks(is_timed=is_timed)]
    where = some_rows(np.random.default_rng(0), width).each(lambda values: values.cuda())
    x = torch.randn(ROWS, width, SIZE.dimensions, device="cuda", requires_grad=True)
    wanted = torch.linspace(-1, 1, SIZE.dimensions, device="cuda")
    # The gradient of a bias is drawn from some rows, and is only on average that of all.
    each = [x, *(p for block in blocks for name, p in block.named_parameters() if not name.endswith("_bias"))]
    plain = torch.autograd.grad((plain_states(blocks, x, where, is_timed=is_timed) * wanted).sum(), each)
    states = fused.states(blocks, x, where, SIZE.context, is_timed=is_timed)
    found = torch.autograd.grad((states * wanted).sum(), each)
    for ours, theirs in zip(found, plain, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5 * float(theirs.abs().max()), rtol=1e-5)
