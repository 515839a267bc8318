"""Training on one GPU, on a generated log: `python -m benchmarks.behavior gpu`.

Histories of a hundred events on average over a year, products met by Zipf's law: as long and as spread as a shop's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
import torch

from benchmarks.report import Row
from regulars.behavior.fields import event_fields
from regulars.behavior.network import Network
from regulars.behavior.sequences import DAY, Sequences
from regulars.behavior.sizes import SIZES, Settings
from regulars.behavior.training import train
from regulars.behavior.vocabulary import Content, Vocabulary

PRODUCTS, ATTRIBUTES, MEANINGS = 50_000, 500, 64
EVENTS_EACH, WARM_UP = 100, 10
CUSTOMERS, BATCH = 20_000, 65_536
PUBLISHED = {"OneRec, technical report (arXiv 2506.13695)": 0.237}
QUERIES = 2.1
"""A token is asked for the products of so many types of event, on this log."""
PEAK = {"H100": 989e12, "H200": 989e12}
"""Multiplications and additions a second in bfloat16, dense, as NVIDIA's data sheets have them."""


def generated(customers: int) -> tuple[Vocabulary, Content, Sequences]:
    """A log of so many customers, in memory."""
    rng = np.random.default_rng(0)
    lengths = np.maximum(rng.geometric(1 / EVENTS_EACH, customers), 2)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    n = int(starts[-1])
    product = (np.minimum(rng.zipf(1.2, n), PRODUCTS) * 7919 % PRODUCTS + 1).astype(np.int32)
    counts = np.bincount(product, minlength=PRODUCTS + 1)
    price = rng.lognormal(3, 0.5, PRODUCTS + 1)
    names = [str(number) for number in range(1, PRODUCTS + 1)]
    kinds = ("product_viewed", "product_added", "order_completed")
    usual = np.full(PRODUCTS + 1, 20.0)
    vocabulary = Vocabulary(names, kinds, ("web", "app"), [str(k) for k in range(ATTRIBUTES)], counts, usual)
    owner = np.repeat(np.arange(customers), lengths)
    moment = rng.integers(0, 365 * DAY, n)
    moment = moment[np.lexsort((moment, owner))]
    gap = np.diff(moment, prepend=0)
    gap[starts[:-1]] = -1
    fields = event_fields(
        vocabulary,
        product=product,
        type=rng.integers(1, 4, n).astype(np.int32),
        channel=rng.integers(1, 3, n).astype(np.int32),
        time=moment,
        gap=gap,
        price=price[product],
        quantity=np.ones(n),
    )
    spend = np.where(fields["type"] == 3, price[product], 0).astype(np.float32)
    rows = np.arange(PRODUCTS + 1).repeat(3)
    of = sp.csr_matrix((np.full(len(rows), 1 / 3, np.float32), (rows, rng.integers(0, ATTRIBUTES, len(rows)))))
    texts = rng.normal(size=(PRODUCTS + 1, MEANINGS)).astype(np.float32)
    content = Content(of, texts, np.eye(MEANINGS, dtype=np.float32))
    return vocabulary, content, Sequences(np.arange(customers).astype(str), starts, moment, fields, spend)


def bench() -> Iterator[list[Row]]:
    """Each size in turn."""
    vocabulary, content, sequences = generated(CUSTOMERS)
    for name in ("small", "base", "large"):
        found = measure(name, sequences, vocabulary, content, BATCH)
        case = f"one gpu ({torch.cuda.get_device_name()}), {name}"
        yield [
            Row(case, "events/s in training", "higher", found["events_per_second"]),
            Row(case, "model flops utilisation", "higher", found["utilisation"], published=PUBLISHED),
            Row(case, "parameters", "higher", found["parameters"]),
            Row(case, "peak memory gib", "lower", found["gib"]),
        ]


def flops(network: Network, sequences: Sequences, settings: Settings, queries: float) -> float:
    """Multiplications and additions that an event takes in training, those of the attention and the softmax among them.

    Three times those of the forward pass, as is usual; two for each weight of a matrix. `queries` are asked for a token.
    """
    size = settings.size
    weights = sum(
        p.numel() for block in network.blocks for name, p in block.named_parameters() if name.endswith("weight")
    )
    place = np.arange(len(sequences.time)) - sequences.starts[sequences.owner]
    keys = float((np.minimum(place, size.context - 1) + 1).mean())
    attention = 2 * size.layers * size.dimensions * keys
    softmax = settings.negatives * size.dimensions * queries
    return 6 * (weights + attention + softmax)


def measure(name: str, sequences: Sequences, vocabulary: Vocabulary, content: Content, batch: int) -> dict[str, float]:
    """Events a second of one epoch, the first steps left out, and what share of the card's peak they take.

    Questions are worked on like events, and count in the share alone.
    """
    settings = Settings(SIZES[name], epochs=1, batch_tokens=batch)
    network = Network(vocabulary, content, settings).to("cuda")
    torch.cuda.reset_peak_memory_stats()
    at: list[float] = []
    found = train(
        network, vocabulary, sequences, 366 * DAY, settings, on_step=lambda *_: at.append(time.perf_counter())
    )
    # An epoch ends with a step that is not full; before it, each has as many tokens as the others.
    seconds = float(np.mean(np.diff(at[WARM_UP:-1])))
    a_second = found.epochs[0].tokens / len(at) / seconds
    peak = next((most for card, most in PEAK.items() if card in torch.cuda.get_device_name()), np.nan)
    used = a_second * flops(network, sequences, settings, QUERIES)
    return {
        "events_per_second": a_second * len(sequences.time) / found.epochs[0].tokens,
        "utilisation": used / peak,
        "parameters": sum(p.numel() for p in network.parameters()),
        "gib": torch.cuda.max_memory_allocated() / 2**30,
    }
