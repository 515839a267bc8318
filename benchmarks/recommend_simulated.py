"""Lists on the simulated shop: eight weeks in a closed loop, and what logs say of a policy that they did not follow.

`python -m benchmarks.recommend loop` and `... offpolicy`. Learning reads the log alone; the truth is for judging.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.report import Row
from regulars import Shop
from regulars.config import ShopSettings
from regulars.experiment import doubly_robust, ips, snips
from regulars.recommend.candidates import Ints
from regulars.recommend.dataset import head_as_of, past_as_of
from regulars.recommend.features import Products
from regulars.recommend.lists import lists
from regulars.recommend.model import RecommendModel
from regulars.recommend.past import Past, past_of
from regulars.recommend.shelf import Shelf
from regulars.recommend.sources import Covisitation, Popular
from regulars.recommend.training import train
from regulars.simulate import World
from regulars.simulate.lists import judge

PRESET, CURRENCY, CUSTOMERS, WEEKS, K = "grocery", "USD", 1_000, 8, 12
QUIET, TRIED = 56, 28
"""Days without lists, then with such as are half by chance: the log that all policies begin with."""
POPULAR = 200
"""Of so many products the other half of those lists is."""
LEARNED_EVERY = 4
"""Weeks between two times of learning the order; the behaviour model is learned once, before. Lists are made each week."""
SETTINGS = {
    "aim_orders": "0.0", "aim_margin": "1.0", "aim_clicks": "0.0", "products": str(K), "explore": "0.3",
    "size": '"tiny"', "epochs": "1", "horizon_days": "14", "cut_offs": "2",
}  # fmt: skip

Policy = Callable[[Shop, World], Ints]


def shop_of(folder: Path, world: World) -> Shop:
    """A shop with the world's log of some weeks without lists, and of some with lists that are half by chance."""
    shop = Shop.create(folder, ShopSettings(name="Simulated", currency=CURRENCY))
    path = folder / "shop.toml"
    lines = []
    for line in path.read_text().splitlines():
        name = line.removeprefix("# ").split(" = ")[0]
        lines.append(f"{name} = {SETTINGS[name]}" if line.startswith("# ") and name in SETTINGS else line)
    path.write_text("\n".join(lines) + "\n")
    shop = Shop.open(folder)
    rng = np.random.default_rng(0)
    for day in range(QUIET + TRIED):
        _day(shop, world, _tried(shop, world, rng) if day >= QUIET else None)
    return shop


def _tried(shop: Shop, world: World, rng: np.random.Generator) -> pa.Table:
    """Lists of which one half is drawn from what is on sale, the other from what most take up."""
    past = past_of(shop, world.now)
    on_sale = _on_sale(world, past)
    popular = Popular.fit(past).best(POPULAR, on_sale)
    shape = len(past.sequences.customers), K
    drawn = np.where(rng.random(shape) < 0.5, rng.choice(popular, shape), rng.choice(np.flatnonzero(on_sale), shape))
    # No list holds a product twice.
    ordered = np.sort(drawn, axis=1)
    drawn[(np.diff(ordered, axis=1) == 0).any(axis=1)] = popular[:K]
    return _table(world, past, drawn)


def _day(shop: Shop, world: World, decided: pa.Table | None) -> pa.Table:
    catalogue = world.catalogue(launched_only=world.day > 0)
    events = world.step(decided)
    with shop.log.transaction("day") as transaction:
        transaction.add("catalogue", catalogue)
        transaction.write(events, "day", np.arange(events.num_rows), transaction.reserve())
        transaction.settle(ids_are_derived=False)
        transaction.commit()
    return events


def _table(world: World, past: Past, products: Ints) -> pa.Table:
    """Lists (n, k) of a past's customers, those without a name left out, as decisions."""
    names = pa.array(past.sequences.customers)
    known = np.asarray(pc.is_in(names, world.customer_ids))
    products = products[known]
    ends = np.append(0, np.cumsum((products > 0).sum(axis=1))).astype(np.int32)
    shown = pa.array(past.vocabulary.products).take(pa.array(products[products > 0] - 1))
    return pa.table(
        {
            "customer_id": names.filter(pa.array(known)),
            "action": ["recommend"] * len(products),
            "products": pa.ListArray.from_arrays(pa.array(ends), shown),
        }
    )


def _on_sale(world: World, past: Past) -> np.ndarray:
    there = set(world.catalogue()["product_id"].to_pylist())
    return np.array([False, *(name in there for name in past.vocabulary.products)])


def popularity(shop: Shop, world: World) -> pa.Table:
    past = past_of(shop, world.now)
    return _table(world, past, _padded(Popular.fit(past).top(past, K, _on_sale(world, past)).products))


def item_knn(shop: Shop, world: World) -> pa.Table:
    past = past_of(shop, world.now)
    return _table(world, past, _padded(Covisitation.fit(past).top(past, K, _on_sale(world, past)).products))


def _padded(products: Ints) -> Ints:
    return np.hstack([products, np.zeros((len(products), K - products.shape[1]), np.int64)])


class Ours:
    """The recommender of the package, its order learned anew every few weeks; or its behaviour head alone."""

    def __init__(self, *, head_alone: bool = False) -> None:
        self.head_alone, self.week = head_alone, 0
        self.model: RecommendModel | None = None

    def __call__(self, shop: Shop, world: World) -> pa.Table:
        if self.week % LEARNED_EVERY == 0:
            self.model = train(shop, world.now).model
        self.week += 1
        assert self.model is not None
        past = past_as_of(shop, self.model, world.now, None)
        head = head_as_of(shop, world.now)
        allowed = _on_sale(world, past)
        if self.head_alone:
            assert head is not None
            return _table(world, past, _padded(head.top(past, K, allowed).products))
        shelf = Shelf.of(shop, self.model.vocabulary.products, world.now)
        found = lists(
            self.model, past, Products.of(past), head if self.model.has_head else None, shelf, allowed,
            rng=np.random.default_rng(self.week),
        )  # fmt: skip
        return _table(world, past, found.products)


def loop(weeks: int = WEEKS) -> list[Row]:
    """Expected margin a visit of each policy's lists, each in a copy of the same world; and the share of the oracle's gain.

    Margins are those of the world's own choices, which no policy sees: those that come about would be noise.
    """
    with tempfile.TemporaryDirectory() as folder:
        start = World(PRESET, customers=CUSTOMERS, seed=7, days=QUIET + TRIED + 7 * WEEKS)
        shop = shop_of(Path(folder) / "start", start)
        behavior, _ = shop.learn("behavior", start.now)
        shop.models.use("behavior", behavior.version)
        policies: dict[str, Policy] = {
            "popularity": popularity, "item-knn": item_knn, "behaviour head": Ours(head_alone=True), "ours": Ours(),
        }  # fmt: skip
        earned: dict[str, list[float]] = {}
        best: list[float] = []
        for name, policy in policies.items():
            world = start.copy()
            shop = _copy(Path(folder) / "start", Path(folder) / name.replace(" ", "-"))
            earned[name] = []
            for week in range(weeks):
                decided = policy(shop, world)
                found = judge(world, decided, decided)
                earned[name].append(found.margin / found.visits)
                if name == "ours":
                    best.append(found.oracle / found.visits)
                print(f"{name}, week {week}: {earned[name][-1]:.4f} a visit", flush=True)
                for _ in range(7):
                    _day(shop, world, decided)
    case = "simulated shop, closed loop over 8 weeks with exploration"
    ours, popular = np.array(earned["ours"]), np.array(earned["popularity"])
    # Of popularity in its own world: in ours it would learn from what our lists sold.
    shares = (ours - popular) / (np.array(best) - popular)
    means = {name: float(np.mean(each)) for name, each in earned.items() if name != "ours"}
    return [
        Row(case, "margin per visit", "higher", float(ours.mean()), means),
        Row(case, "share of the oracle's gain over popularity", "higher", float(shares.mean())),
        Row(case, "share of the oracle's gain over popularity, last week", "higher", float(shares[-1])),
    ]


def _copy(source: Path, target: Path) -> Shop:
    import shutil

    return Shop.open(shutil.copytree(source, target))


LOGS, CROWD, DAYS, SAMPLED, SHARE = 100, 60_000, 60, 500, 0.3


def offpolicy() -> list[Row]:
    """How often the 95 % interval of each estimator holds what a policy earns, over a hundred logs of another.

    Each log: some customers of a large world, drawn at random among those who visit, to three of ten of whom the list
    in question is shown by chance, and one of twenty others to the rest. The truth is what all visitors bring if all
    are shown the former, in a copy of the world on the same day.
    """
    world = World("grocery", customers=CROWD, seed=3, days=120)
    for _ in range(DAYS):
        world.step()
    rng = np.random.default_rng(0)
    there = world.catalogue()["product_id"].to_pylist()
    shelves = pa.array([[str(name) for name in rng.permutation(there)[:K]] for _ in range(21)])
    truth, came = _day_of(world, shelves, np.zeros(CROWD, np.int64))
    value = float(truth[came].mean())
    print(f"{came.sum():,} of {CROWD:,} visit, and bring {value:.4f} in the mean", flush=True)
    inside: dict[str, list[bool]] = {"ips": [], "snips": [], "dr": []}
    for _ in range(LOGS):
        which = np.where(rng.random(CROWD) < SHARE, 0, rng.integers(1, 21, CROWD))
        earned, came = _day_of(world, shelves, which)
        some = rng.choice(np.flatnonzero(came), SAMPLED, replace=False)
        reward, own = earned[some], which[some] == 0
        # A list of the others is one of twenty.
        logged, target = np.where(own, SHARE, (1 - SHARE) / 20), own.astype(float)
        half = np.arange(SAMPLED) % 2 == 0
        expected, of_policy = np.empty(SAMPLED), np.empty(SAMPLED)
        for fold in (half, ~half):
            of_policy[fold] = reward[~fold & own].mean()
            expected[fold] = np.where(own[fold], of_policy[fold], reward[~fold & ~own].mean())
        for name, found in (
            ("ips", ips(reward, logged, target)),
            ("snips", snips(reward, logged, target)),
            ("dr", doubly_robust(reward, logged, target, expected, of_policy)),
        ):
            inside[name].append(found.low <= value <= found.high)
    case = "off-policy on the simulated shop's logged impressions"
    return [
        Row(case, f"coverage of the 95 % interval over 100 logs, {name}", "higher", float(np.mean(each)))
        for name, each in inside.items()
    ]


def _day_of(world: World, shelves: pa.Array, which: Ints) -> tuple[np.ndarray, np.ndarray]:
    """(n,) what each customer brings on the day that begins now, each with one of some lists; and who visits."""
    decided = pa.table(
        {
            "customer_id": world.customer_ids,
            "action": pa.repeat("recommend", len(which)),
            "products": shelves.take(pa.array(which)),
        }
    )
    events = world.copy().step(decided)
    # Rings of fraudsters are no customers of whom it can be decided.
    is_known = pc.is_in(events["customer_id"], world.customer_ids)
    events = events.filter(pc.and_(pc.is_valid(events["session_id"]), is_known))
    number = np.asarray(pc.index_in(events["customer_id"], world.customer_ids).combine_chunks())
    came = np.zeros(len(which), bool)
    came[number] = True
    is_bought = np.asarray(pc.equal(events["type"], "order_completed"))
    bought = events.filter(pa.array(is_bought))
    product = np.asarray(pc.index_in(bought["product_id"], world.product_ids).combine_chunks())
    paid = np.asarray(bought["unit_price"].cast(pa.float64())) - world.hidden.catalogue.cost[product]
    return np.bincount(number[is_bought], np.asarray(bought["quantity"]) * paid, len(which)), came
