"""A shop of lamps and plants, small enough to know everybody in it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.config import ShopSettings
from regulars.events.schema import TIME
from regulars.profile import Page, page
from regulars.profile.dataset import source_for
from regulars.profile.knowing import known_of_one
from regulars.profile.measure import measure_in_use
from regulars.profile.model import Norms
from regulars.profile.own import Own
from regulars.profile.telling import Known, Teller
from regulars.profile.wording import Sentence, Words

LAMP_NOW = datetime(2024, 7, 1, tzinfo=UTC)
KINDS = {"lamp": ("Lamps", "Sol"), "plant": ("Garden", "Oak"), "cup": ("Kitchen", "Nord")}
LOOKS = ("red", "blue", "green", "round")


def _line(customer: str, moment: datetime, product: str, paid: float, **more: Any) -> dict[str, Any]:
    kind, look = product.split("-")
    category, brand = KINDS[kind]
    about = {"title": f"{look} {kind}", "category": category, "brand": brand, "list_price": 10.0}
    return {
        "type": "order_completed", "customer_id": customer, "time": moment.isoformat(), "product_id": product,
        "unit_price": paid, "quantity": 1, "order_id": f"{customer}-{moment:%Y%m%d%H%M}", **about, **more,
    }  # fmt: skip


def _seen(customer: str, moment: datetime, product: str) -> dict[str, Any]:
    kind, look = product.split("-")
    category, brand = KINDS[kind]
    return {
        "type": "product_viewed", "customer_id": customer, "time": moment.isoformat(), "product_id": product,
        "title": f"{look} {kind}", "category": category, "brand": brand, "list_price": 10.0,
    }  # fmt: skip


def _events() -> Iterator[dict[str, Any]]:
    rng = random.Random(3)
    products = [f"{kind}-{look}{k}" for kind in KINDS for look in LOOKS for k in range(2)]
    # Thirty customers without any habit: other days, hours and products each time, one in five below list price.
    for number in range(30):
        moment = LAMP_NOW - timedelta(days=180 + rng.uniform(0, 20))
        while moment < LAMP_NOW:
            moment = moment.replace(hour=rng.randrange(24), minute=rng.randrange(1, 60))
            for product in rng.sample(products, 3):
                paid = 8.0 if rng.random() < 0.2 else 10.0
                channel = rng.choice(["web", "app"])
                yield _line(f"r{number:02d}", moment, product, paid, channel=channel)
            moment += timedelta(days=rng.uniform(10, 60))
    # Gina: every twenty days, on Fridays or Thursdays at seven in the evening, by the app, plants below list price.
    for k in range(9):
        moment = datetime(2024, 1, 5, 19, 5, tzinfo=UTC) + timedelta(days=20 * k)
        for look in ("red0", "green1"):
            yield _line("gina", moment, f"plant-{look}", 7.0, channel="app", device_id=f"d{k % 2}")
    yield _seen("gina", LAMP_NOW - timedelta(days=3, hours=4), "cup-red0")
    yield _line("single", LAMP_NOW - timedelta(days=40), "lamp-red0", 10.0)
    for order in ("x", "y"):
        yield _line("sametime", LAMP_NOW - timedelta(days=20), "lamp-red0", 10.0, order_id=order)
    for days in (170, 165):
        yield _line("gone", LAMP_NOW - timedelta(days=days, hours=3), "lamp-red0", 10.0)
    for k in range(3):
        yield _seen("[red]looker[/]", LAMP_NOW - timedelta(days=2 + k), "plant-red0")
    yield _line("shy", LAMP_NOW - timedelta(days=9), "cup-red0", 10.0)
    for who in ("shy", "erased"):
        moment = LAMP_NOW - timedelta(days=5)
        yield {"type": "objection_made", "customer_id": who, "time": moment.isoformat(), "text": "profiling"}


@pytest.fixture(scope="module", autouse=True)
def at_hand() -> None:
    """Here features are what is tested: none are at hand."""


@pytest.fixture(scope="session")
def lamp_now() -> datetime:
    """As of when the lamp shop is looked at."""
    return LAMP_NOW


@pytest.fixture(scope="session")
def lamp_shop(tmp_path_factory: pytest.TempPathFactory, record: Callable[..., Any]) -> Shop:
    """36 customers; not to be written to."""
    folder: Path = tmp_path_factory.mktemp("lamps")
    shop = Shop.create(folder / "shop", ShopSettings(name="Lamps", currency="EUR", timezone="UTC"))
    record(shop, *_events())
    return shop


@pytest.fixture(scope="session")
def lamp_page(lamp_shop: Shop) -> Callable[[str], Page]:
    """lamp_page(customer): each is made once, for it takes seconds."""
    made: dict[str, Page] = {}

    def get(customer: str) -> Page:
        if customer not in made:
            made[customer] = page(lamp_shop, customer, LAMP_NOW)
        return made[customer]

    return get


class Parts(NamedTuple):
    """What a page is made of, without the features, which take longest."""

    own: Own
    known: Known
    untold: dict[str, str]
    norms: Norms

    def told(self, language: str) -> list[Sentence]:
        """What is said of it."""
        return Teller(Words(language, "EUR"), self.norms, self.own, "UTC").known(self.known)


@pytest.fixture(scope="session")
def lamp_parts(lamp_shop: Shop) -> Callable[[str], Parts]:
    """lamp_parts(customer): each is made once."""
    made: dict[str, Parts] = {}

    def get(customer: str) -> Parts:
        if customer not in made:
            norms = measure_in_use(lamp_shop, LAMP_NOW)
            pairs = pa.table({"customer_id": [customer], "as_of": pa.array([LAMP_NOW], TIME)})
            source = source_for(lamp_shop, pairs)
            known, untold, _ = known_of_one(lamp_shop, source, norms.base, "en")
            made[customer] = Parts(Own.of(lamp_shop, source), known, untold, norms)
        return made[customer]

    return get
