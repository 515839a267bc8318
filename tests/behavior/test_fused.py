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
ROWS, WIDTH = 70, 16
NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


def some_rows(rng: np.random.Generator) -> Where:
    customer = np.sort(rng.integers(0, 4, (ROWS, WIDTH)), 1)
    customer[:, -3:] = -1
    place = np.tile(np.arange(WIDTH), (ROWS, 1))
    time = np.cumsum(rng.integers(0, 10**12, (ROWS, WIDTH)), 1)
    parts = customer, place, time, rng.random((ROWS, WIDTH)) < 0.2
    return Where(*(torch.from_numpy(part) for part in parts))


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("is_timed", [True, False])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_GPU)])
def test_fused_blocks_give_what_plain_ones_give(device: str, is_timed: bool) -> None:
    torch.manual_seed(0)
    blocks = [Block(SIZE, Dropout(0.0), is_timed=is_timed).to(device) for _ in range(SIZE.layers)]
    for block in blocks:
        for bias in (block.place_bias, block.time_bias):
            if bias is not None:
                nn.init.normal_(bias)
    where = some_rows(np.random.default_rng(0)).each(lambda values: values.to(device))
    x = torch.randn(ROWS, WIDTH, SIZE.dimensions).to(device)
    itself = torch.arange(WIDTH, device=device).expand(ROWS, WIDTH)
    seen = Seen.of(where, where, itself, SIZE.context, is_timed=is_timed)
    with torch.no_grad():
        plain = x
        for block in blocks:
            plain, _ = block(plain, seen)
        found = fused.states(blocks, x, where, SIZE.context, is_timed=is_timed)
    assert not torch.allclose(plain, x, atol=0.1)
    torch.testing.assert_close(found, plain, atol=1e-5 if device == "cpu" else 1e-3, rtol=1e-5)
