"""Six learning rivals with equal budgets: surplus beside the oracle's, truthful bids and fixed shading."""

from __future__ import annotations

import numpy as np

from benchmarks.report import Row
from regulars.ads.auction import Market, Oracle, Outcome, play, rivals
from regulars.ads.bidding import Advertiser, Bidder, Dual
from regulars.ads.bidding.advertiser import Ask

SHARES = (0.5, 0.6, 0.7, 0.8, 0.9)
BUDGET = 0.04
"""Of each, for an auction: it binds for about half of the bidders."""


class Known:
    """Our bidder, told what an impression is worth."""

    def __init__(self, market: Market, budget: float, seed: int) -> None:
        self.market = market
        features = market.contexts.shape[1]
        self.bidder = Bidder("first", features=features, budget=budget, auctions=len(market), seed=seed)

    def bid(self, auction: int) -> tuple[float, int]:
        value = float(self.market.values[auction])
        return self.bidder.bid(value, self.market.contexts[auction]), int(self.market.clicks[auction].argmax())

    def learn(self, auction: int, bid: float, won: bool, price: float | None, clicked: bool) -> None:
        self.bidder.learn(bid, won, price)


class Learned:
    """Our advertiser, who sees clicks of won impressions and nothing else."""

    def __init__(self, market: Market, budget: float, seed: int) -> None:
        self.market = market
        shape = market.clicks.shape[1], market.contexts.shape[1]
        self.ads = Advertiser([market.click_value] * shape[0], shape[1], budget=budget, auctions=len(market), seed=seed)
        self.asked = Ask(0, 0.0, 0.0, 0.0)

    def bid(self, auction: int) -> tuple[float, int]:
        self.asked = self.ads.ask(self.market.contexts[auction])
        return self.asked.bid, self.asked.creative

    def learn(self, auction: int, bid: float, won: bool, price: float | None, clicked: bool) -> None:
        self.ads.learn(self.asked, self.market.contexts[auction], won, price, clicked=clicked)


class Begun(Learned):
    """The same, who was told first what came of impressions before, each with a creative by chance."""

    BEFORE = 1_000

    def __init__(self, market: Market, budget: float, seed: int) -> None:
        super().__init__(market, budget, seed)
        rng = np.random.default_rng([seed, 14])
        for number in rng.integers(0, len(market), self.BEFORE):
            creative = int(rng.integers(0, market.clicks.shape[1]))
            clicked = bool(rng.random() < market.clicks[number, creative])
            self.ads.clicks.learn(creative, market.contexts[number], clicked)


class Share:
    """A fixed share of the known value, paced by the same dual; 1 is truthful."""

    def __init__(self, market: Market, budget: float, share: float) -> None:
        self.market, self.share, self.dual = market, share, Dual(budget, len(market))

    def bid(self, auction: int) -> tuple[float, int]:
        offer = self.share * float(self.market.values[auction]) / self.dual.price
        return min(offer, max(self.dual.left, 0.0)), int(self.market.clicks[auction].argmax())

    def learn(self, auction: int, bid: float, won: bool, price: float | None, clicked: bool) -> None:
        self.dual.spent(bid if won else 0.0)


class LearnedShare(Learned):
    """The same value learned from clicks, of which a fixed share is bid; 1 is truthful."""

    def __init__(self, market: Market, budget: float, seed: int, share: float) -> None:
        super().__init__(market, budget, seed)
        self.share, self.dual = share, Dual(budget, len(market))

    def bid(self, auction: int) -> tuple[float, int]:
        self.asked = self.ads.ask(self.market.contexts[auction])
        offer = self.share * self.asked.value / self.dual.price
        return min(offer, max(self.dual.left, 0.0)), self.asked.creative

    def learn(self, auction: int, bid: float, won: bool, price: float | None, clicked: bool) -> None:
        self.dual.spent(bid if won else 0.0)
        if won:
            self.ads.clicks.learn(self.asked.creative, self.market.contexts[auction], clicked)


class Knowing:
    """The oracle in our seat."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle

    def bid(self, auction: int) -> tuple[float, int]:
        return self.oracle.bid(auction), int(self.oracle.market.clicks[auction].argmax())

    def learn(self, auction: int, bid: float, won: bool, price: float | None, clicked: bool) -> None:
        self.oracle.learn(bid, won)


def oracle_surplus(market: Market, budget: float, seed: int) -> tuple[float, float]:
    """The best over prices of money, and that price: a coarse search, then a fine one."""
    found: dict[float, float] = {}

    def tried(price: float) -> None:
        others = rivals(budget, len(market))
        found[price] = play(market, Knowing(Oracle(market, others, budget, price, seed)), others, seed=seed).surplus

    for price in (1.0, 1.4, 2.0, 2.8, 4.0):
        tried(price)
    for step in (1.2, 1.1):
        best = max(found, key=lambda price: found[price])
        for price in (best / step, best * step):
            tried(max(price, 1.0))
    best = max(found, key=lambda price: found[price])
    return found[best], best


def bench() -> list[Row]:
    """Over a short time, in which much of it passes before the worth of a click is known, and over a longer one."""
    return [row for auctions in (5_000, 10_000) for row in played(auctions)]


def played(auctions: int, seeds: int = 2) -> list[Row]:
    shares: dict[str, list[float]] = {}
    for seed in range(seeds):
        market = Market.drawn(auctions, seed=seed)
        budget = BUDGET * auctions
        best, price = oracle_surplus(market, budget, seed)
        seats: dict[str, object] = {
            "ours, value known": Known(market, budget, seed),
            "ours, value known, winning price not told": Known(market, budget, seed),
            "ours, value learned from clicks": Learned(market, budget, seed),
            f"ours, value learned from clicks, {Begun.BEFORE:,} impressions before": Begun(market, budget, seed),
            "truthful, value learned": LearnedShare(market, budget, seed, 1.0),
            "fixed 0.7, value learned": LearnedShare(market, budget, seed, 0.7),
            "truthful": Share(market, budget, 1.0),
            **{f"fixed {share}": Share(market, budget, share) for share in SHARES},
        }
        print(f"seed {seed}: oracle {best:.1f} at price {price:.2f}, budget {budget:.0f}", flush=True)
        for name, seat in seats.items():
            outcome: Outcome = play(
                market, seat, rivals(budget, auctions), tells_price="not told" not in name, seed=seed
            )
            late = slice(auctions // 5, None)
            print(
                f"  {name:45} {outcome.surplus / best:.3f} spend {outcome.spend / budget:.2f} won {outcome.is_won.mean():.3f}"
                f" late {(outcome.value - outcome.price)[late].sum() / best:.3f}"
            )
            shares.setdefault(name, []).append(outcome.surplus / best)
    mean = {name: float(np.mean(each)) for name, each in shares.items()}
    others = [name for name in mean if not name.startswith("ours")]
    case = f"first price, 6 learning rivals, equal budgets, {auctions:,} auctions, {seeds} markets"
    return [
        Row(
            case,
            f"surplus / oracle's: {name}",
            "higher",
            mean[name],
            # Who is told the value is compared with who is told it, who learns it with who learns it.
            {other: mean[other] for other in others if ("learned" in name) == ("learned" in other)},
        )
        for name in mean
        if name.startswith("ours")
    ]
