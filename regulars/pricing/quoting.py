"""A price for a customer and a product, now: within the guardrails and the law, noted down before it is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pyarrow as pa

from regulars import clock
from regulars.errors import InputError, NotFoundError
from regulars.events.schema import EVENTS
from regulars.pricing.evaluate import NAME
from regulars.pricing.guard import UNKNOWN, personal_prices, reduced_from, require_none, wrong_personal_prices
from regulars.pricing.law import Mode, Quote
from regulars.pricing.money import to_amount, to_coins
from regulars.pricing.products import Products
from regulars.pricing.rules import Known, kinds_of, known_of, rules_of
from regulars.pricing.words import SAID, Words

if TYPE_CHECKING:
    from regulars.shop import Shop

QUOTED = "price_quoted"


@dataclass(frozen=True)
class _Offer:
    """The discount that a customer is to have, before the guardrails of the product."""

    share: float
    why: list[str]
    policy: str
    version: int
    propensity: float
    is_personal: bool


def quote(
    shop: Shop, product_id: str, customer_id: str | None, at: datetime, *, session_id: str | None = None,
    quantity: int = 1, products: Products | None = None,
) -> Quote:  # fmt: skip
    """What a customer is asked for a product; logged (`price_quoted`) before it is given.

    The discount is that of the newest decisions, if the customer may have it now: who objected since pays what everyone
    pays. Within a session, and for `[pricing] hold_hours`, a price never rises for who looks again.

    Parameters
    ----------
    customer_id : None for whoever is not known: the list price.
    at : now. Objections and prices of before count.
    products : of the shop as of that moment, for who asks for many prices.

    Raises
    ------
    NotFoundError
        If the product has no price.
    GuardError
        If the price could not be told lawfully; nothing is logged.
    """
    if quantity < 1:
        raise InputError(f"quantity = {quantity}: at least 1 is expected.")
    there = products or Products.of(shop, at)
    if there.price_of(product_id) == UNKNOWN:
        raise NotFoundError(f'There is no product "{product_id}" with a price before {at:%Y-%m-%d %H:%M}.')
    place, currency = there.place[product_id], shop.config.shop.currency
    listed = there.price[place]
    who = [] if customer_id is None else [customer_id]
    known = known_of(shop, who, at, kinds=kinds_of(shop, there.categories[place]))
    law = known.terms[0] if who else known_of(shop, [""], at).terms[0]
    words = SAID[shop.config.pricing.language]
    offer = _offer(shop, customer_id, known, at, quantity, words)
    mode: Mode = known.modes[0] if who else "off"
    shown, of_personal = _shown(shop, product_id, customer_id, at, session_id, mode)
    one = slice(place, place + 1)
    bounds = personal_prices(
        rules_of(shop), there.price[one], there.cost[one], brand_minimum=there.brand_minimum[one], shown=shown
    )
    asked = bounds.nearest([listed * (1 - offer.share)])
    require_none(
        wrong_personal_prices(
            bounds.rules, asked, there.price[one], there.cost[one], brand_minimum=there.brand_minimum[one],
            shown=np.array([shown]),
        ),
        [product_id],
    )  # fmt: skip
    coins = int(asked[0])
    was_held = shown > UNKNOWN and coins == shown < listed
    # A personal price that stands is one, also where no decision would make it again.
    is_personal = offer.is_personal or (was_held and of_personal)
    earlier = int(reduced_from([listed], there.lowest[one])[0])
    made = Quote(
        product_id=product_id,
        customer_id=customer_id,
        price=to_amount(coins, currency),
        list_price=to_amount(int(listed), currency),
        currency=currency,
        mode=mode,
        personalised=is_personal,
        disclosure="\n".join(law.sentences) if is_personal else "",
        terms=law,
        why=(*offer.why, *((words.held,) if was_held else ())),
        policy=offer.policy,
        version=offer.version,
        propensity=offer.propensity,
        at=at,
        was=None if earlier == UNKNOWN else to_amount(earlier, currency),
    )
    _log(shop, made, session_id, quantity)
    return made


def _offer(shop: Shop, customer_id: str | None, known: Known, at: datetime, quantity: int, words: Words) -> _Offer:
    settings = shop.config.pricing
    mode = known.modes[0] if customer_id is not None else ("off" if settings.mode == "off" else "declared")
    said = [words.objected] if known.objects and known.objects[0] else []
    if mode == "off":
        return _Offer(0.0, [*said, words.off], "one price for all", 0, 1.0, False)
    best = _Offer(0.0, [*said, words.nothing], "no stated rule applies", 0, 1.0, False)
    stated = [
        (settings.volume_discount if quantity >= settings.volume_from else 0.0, "volume", words.volume),
        (settings.new_customer_discount if _is_new(shop, customer_id, at) else 0.0, "new customers", words.new),
        (settings.member_discount if known.is_member and known.is_member[0] else 0.0, "members", words.stated),
    ]
    share, name, text = max(stated, key=lambda each: each[0])
    if share > 0:
        why = text.format(share=share, count=settings.volume_from)
        best = _Offer(share, [*said, why], f"stated rule: {name} have {share:.0%} off", 0, 1.0, False)
    if mode != "personal" or customer_id is None:
        return best
    decided = _decided(shop, customer_id, at)
    if decided is None or decided["mode"] != "personal":
        # No price was made of this customer's data: nothing has to be said of it.
        return best
    version = shop.models.version_in_use(NAME) or 0
    if decided["share"] <= share:
        return _Offer(share, best.why, best.policy, version, 1.0, True)
    return _Offer(decided["share"], decided["reasons"], decided["policy"], version, decided["propensity"], True)


def _decided(shop: Shop, customer_id: str, at: datetime) -> dict[str, Any] | None:
    """The newest decision about a customer before a moment."""
    events = shop.events
    mine = events.filter(
        events.type == "decision_made", events.customer_id == customer_id, events.time <= ibis.literal(at),
        events.properties.cast("json")["capability"].str == NAME,
    )  # fmt: skip
    rows = shop.engine.to_arrow(mine.order_by(mine.time.desc(), mine.received_at.desc()).limit(1)).to_pylist()
    return None if not rows else {**json.loads(rows[0]["properties"]), "propensity": rows[0]["propensity"]}


def _is_new(shop: Shop, customer_id: str | None, at: datetime) -> bool:
    if customer_id is None:
        return False
    events = shop.events
    orders = events.filter(events.type == "order_completed", events.time < ibis.literal(at))
    named = shop.identities.named(orders.select("customer_id", "anonymous_id"), at)
    return not shop.engine.to_arrow(named.filter(named.customer_id == customer_id).limit(1)).num_rows


def _shown(
    shop: Shop, product_id: str, customer_id: str | None, at: datetime, session_id: str | None, mode: Mode
) -> tuple[int, bool]:
    """The lowest price that a customer was told of a product in this session or of late, or -1; and if it was personal.

    Where personal prices are off for the customer, by law, setting or objection, none that was stands.
    """
    if customer_id is None:
        return UNKNOWN, False
    events = shop.events
    since = at - timedelta(hours=shop.config.pricing.hold_hours)
    told = events.filter(
        events.type == QUOTED, events.product_id == product_id, events.customer_id == customer_id,
        events.time <= ibis.literal(at),
    )  # fmt: skip
    is_of_late = told.time > ibis.literal(since)
    told = told.filter(is_of_late if session_id is None else is_of_late | (told.session_id == session_id))
    # A volume's price is no price of one.
    told = told.filter(told.quantity.fill_null(1.0) == 1.0)
    told = told.mutate(is_personal=told.properties.cast("json")["personalised"].bool.fill_null(False))
    if mode != "personal":
        told = told.filter(~told.is_personal)
    rows = shop.engine.to_arrow(
        told.order_by("unit_price", told.is_personal).select("unit_price", "is_personal").limit(1)
    )
    if not rows.num_rows:
        return UNKNOWN, False
    return int(to_coins(rows["unit_price"], shop.config.shop.currency)[0]), bool(rows["is_personal"][0].as_py())


def _log(shop: Shop, made: Quote, session_id: str | None, quantity: int) -> None:
    who = made.customer_id or "everyone"
    row = {
        "event_id": f"{QUOTED} {made.product_id} {who} {made.at.isoformat()} {session_id or ''} {quantity}",
        "line": 0,
        "time": made.at,
        "received_at": clock.now(),
        "type": QUOTED,
        "customer_id": made.customer_id,
        "session_id": session_id,
        "product_id": made.product_id,
        "quantity": float(quantity),
        "unit_price": made.price,
        "currency": made.currency,
        "propensity": made.propensity,
        "properties": json.dumps(made.to_dict(), ensure_ascii=False),
    }
    nullable = pa.schema([field.with_nullable(True) for field in EVENTS])
    shop.log.append(pa.Table.from_pylist([row], schema=nullable), f"{QUOTED} to {who}")
