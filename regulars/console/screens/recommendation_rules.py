"""Recommendations: the merchant's rules (pin, boost, block), what they would change, and keeping them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pydantic
from starlette.responses import Response

from regulars import config
from regulars.config import RecommendSettings
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.errors import InputError
from regulars.recommend import Recommender
from regulars.recommend.dataset import model_in_use
from regulars.recommend.shelf import Shelf

if TYPE_CHECKING:
    from regulars.shop import Shop

screen = Screen("recommendations")

RULES = ("pin", "boost", "exclude")
"""Of [recommend] in shop.toml, a line each."""
CHANGING = only("growth")
PATH = "/recommendations/rules"


@screen.get(PATH, may=ALL)
def rules(visit: Visit) -> Response:
    """The rules as they are, or as the address has them to be tried; with a customer, what they change."""
    kept = _lines(visit.console.shop.config.recommend)
    is_trial = any(name in visit.request.query_params for name in RULES)
    said = {name: visit.asked(name) for name in RULES} if is_trial else kept
    return visit.page(
        "recommendations/rules.html", tried=said, id=visit.asked("id").strip(), is_changed=_read(said) != _read(kept),
        may_change=CHANGING,
    )  # fmt: skip


@screen.get(f"{PATH}/preview", may=ALL)
def preview(visit: Visit) -> Response:
    """The list of a customer by the rules as they are, and as they would be."""
    customer = visit.customer()
    wanted = _settings(visit, {name: visit.asked(name) for name in RULES})
    with visit.console.reading() as shop:
        recommender = Recommender.open(shop, visit.console.now)
        before = recommender.for_you(customer)
        after = tried(shop, recommender, wanted, visit.console.now).for_you(customer)
    places = {row["product_id"]: row["rank"] for row in before.table.to_pylist()}
    gone = [row for row in before.table.to_pylist() if row["product_id"] not in after.table["product_id"].to_pylist()]
    return visit.page("recommendations/preview.html", before=before, after=after, places=places, gone=gone)


@screen.post(PATH, may=CHANGING)
def save(visit: Visit) -> Response:
    """Keep the rules in shop.toml: decisions and live lists follow them from then on."""
    said = {name: str(visit.form.get(name) or "") for name in RULES}
    wanted = _settings(visit, said)
    console = visit.console
    before = _lines(console.shop.config.recommend)
    with console.reading() as shop:
        Shelf.of(shop, _products(shop), console.now, wanted)  # what cannot be read is said now
    values = {name: list(getattr(wanted, name)) for name in RULES}
    console.shop.config = config.change(console.shop.folder, "recommend", values)
    visit.note("recommendations.rules_saved", "shop.toml", before, _lines(wanted))
    return visit.go(PATH, visit.t(".rules_said"), undo=(PATH, before))


def _lines(settings: RecommendSettings) -> dict[str, str]:
    return {name: "\n".join(getattr(settings, name)) for name in RULES}


def _read(said: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(line.strip() for line in text.splitlines() if line.strip()) for name, text in said.items()}


def _settings(visit: Visit, said: dict[str, str]) -> RecommendSettings:
    """[recommend] with these rules; InputError if a boost cannot be read."""
    values: dict[str, Any] = {**visit.console.shop.config.recommend.model_dump(), **_read(said)}
    try:
        return RecommendSettings.model_validate(values)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{first['loc'][0]}: {first['input']}: {first['msg'].removeprefix('Value error, ')}") from None


def _products(shop: Shop) -> Sequence[str]:
    """Those that the recommender knows; those of the catalogue where nothing was learned yet."""
    if shop.models.version_in_use("recommend") is not None:
        return model_in_use(shop).vocabulary.products
    known = shop.catalogue.select("product_id").distinct().order_by("product_id")
    found: list[str] = shop.engine.to_arrow(known)["product_id"].to_pylist()
    return found


def tried(shop: Shop, known: Recommender, settings: RecommendSettings, as_of: datetime) -> Recommender:
    """A recommender under rules that are not kept; ConfigError if one of them cannot be read."""
    shelf = Shelf.of(shop, known.model.vocabulary.products, as_of, settings)
    return Recommender(known.model, known.past, shelf, known.head, known.unprofiled)
