"""Do prices break a guardrail? A million random shops and requests, checked by what was written apart from the bounds."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.report import Row, save
from regulars.pricing.guard import (
    UNKNOWN,
    Ints,
    Rules,
    list_prices,
    personal_prices,
    wrong_list_prices,
    wrong_personal_prices,
)

REQUESTS = 1_000_000
SHOPS = 200
ENDINGS: tuple[tuple[int, ...], ...] = ((), (99,), (0, 50), (5, 49, 95), (90, 98))


def main() -> None:
    """Count prices that break a guardrail, and those that would without them."""
    rng = np.random.default_rng(0)
    each = REQUESTS // SHOPS
    broken = unguarded = moved = held = 0
    seconds = 0.0
    for _ in range(SHOPS):
        rules = Rules(
            min_margin=float(rng.integers(0, 60)) / 100,
            lowest=float(rng.integers(40, 101)) / 100,
            highest=float(rng.integers(100, 300)) / 100,
            max_change=float(rng.integers(0, 60)) / 100,
            max_discount=float(rng.integers(0, 80)) / 100,
            endings=ENDINGS[rng.integers(len(ENDINGS))],
        )
        now, cost, reference, low, high, brand, shown, wanted = _drawn(rng, each)
        about = {"reference": reference, "week_low": low, "week_high": high, "brand_minimum": brand}
        start = time.perf_counter()
        asked = list_prices(rules, now, cost, **about).nearest(wanted)
        own = personal_prices(rules, asked, cost, brand_minimum=brand, shown=shown).nearest(wanted)
        seconds += time.perf_counter() - start
        wrong = [*wrong_list_prices(rules, asked, now, cost, **about).values()]
        wrong += [*wrong_personal_prices(rules, own, asked, cost, brand_minimum=brand, shown=shown).values()]
        broken += int(np.any(wrong, axis=0).sum())
        bare = [*wrong_list_prices(rules, wanted, now, cost, **about).values()]
        unguarded += int(np.any(bare, axis=0).sum())
        moved += int((asked != now).sum())
        held += int((own < asked).sum())
    save(
        "pricing_guardrails",
        [
            Row("1,000,000 random requests in 200 random shops", "prices that break a guardrail", "lower", broken,
                {"the wanted price, unguarded": unguarded}),
            Row("1,000,000 random requests in 200 random shops", "list prices that moved", "higher", moved),
            Row("1,000,000 random requests in 200 random shops", "personal prices below the list price", "higher", held),
            Row("1,000,000 random requests in 200 random shops", "seconds for both prices", "lower", seconds),
        ],
    )  # fmt: skip


def _drawn(rng: np.random.Generator, count: int) -> list[Ints]:
    now = np.exp(rng.uniform(0, 14, count)).astype(np.int64) + 1
    around = [np.maximum((now * rng.uniform(0.5, 1.6, count)).astype(np.int64), 1) for _ in range(6)]
    cost, brand, shown = (np.where(rng.random(count) < 0.2, UNKNOWN, values) for values in around[:3])
    week = around[4]
    return [now, cost, around[3], np.minimum(now, week), np.maximum(now, week), brand, shown, around[5]]


if __name__ == "__main__":
    main()
