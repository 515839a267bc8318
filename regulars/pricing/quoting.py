"""A price for a customer and a product, now: within the guardrails and the law, noted down before it is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
import numpy as np
import pyarrow as pa

from regulars import clock
from regulars.errors import InputError, NotFoundError
from regulars.events.schema import EVENTS
from regulars.pricing.evaluate import NAME
from regulars.pricing.guard import UNKNOWN, personal_prices, reduced_from, require_none, wrong_personal_prices
from regulars.pricing.law import Mode, Quote, strictest
from regulars.pricing.money import to_amount, to_coins
from regulars.pricing.products import PriceLog, Products
from regulars.pricing.rules import Known, kinds_of, known_of, rules_of
from regulars.pricing.words import SAID

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


class _Told(NamedTuple):
    """A price of one that a customer was told."""

    at: datetime
    session_id: str | None
    coins: int
    is_personal: bool


def quote(
    shop: Shop, product_id: str, customer_id: str | None, at: datetime, *, session_id: str | None = None,
    quantity: int = 1,
) -> Quote:  # fmt: skip
    """One price; see `Desk.quote`. Whoever asks for many keeps a desk."""
    return Desk(shop).quote(product_id, customer_id, at, session_id=session_id, quantity=quantity)


class Desk:
    """Tells prices of a shop, one after another.

    What the log says of prices and customers is read once, and holds until something but the desk's own quotes comes to
    the log: what is asked again costs one write and no query.
    """

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._version = -1
        self._newest: datetime | None = None
        self._moment: date | None = None
        self._prices: PriceLog | None = None
        self._known: dict[tuple[str | None, str | None], Known] = {}
        self._new: dict[str, bool] = {}
        self._decisions: dict[str, dict[str, Any] | None] = {}
        self._told: dict[tuple[str, str], list[_Told]] = {}

    def quote(
        self, product_id: str, customer_id: str | None, at: datetime, *, session_id: str | None = None,
        quantity: int = 1, objects: bool = False,
    ) -> Quote:  # fmt: skip
        """What a customer is asked for a product; logged (`price_quoted`) before it is given.

        The discount is that of the newest decisions, if the customer may have it now: who objected since pays what
        everyone pays. Within a session, and for `[pricing] hold_hours`, a price never rises for who looks again.

        Parameters
        ----------
        customer_id : None for whoever is not known: the list price.
        at : now. Objections and prices of before count.
        objects : whether the customer objects to pricing or profiling, where that has not come to the log yet.

        Raises
        ------
        NotFoundError
            If the product has no price.
        GuardError
            If the price could not be told lawfully; nothing is logged.
        """
        if quantity < 1:
            raise InputError(f"quantity = {quantity}: at least 1 is expected.")
        shop = self.shop
        prices = self._read(at).only(product_id)
        if not prices.history.num_rows:
            raise NotFoundError(f'There is no product "{product_id}" with a price before {at:%Y-%m-%d %H:%M}.')
        there = Products.at(prices, at)
        place, currency = there.place[product_id], there.currency
        listed = int(there.price[place])
        known = self._known_of(customer_id, there.categories[place], at)
        if objects:
            known = known._replace(objects=[True], modes=[strictest(known.modes[0], "declared")])
        law = known.terms[0]
        offer = self._offer(customer_id, known, at, quantity)
        mode: Mode = known.modes[0] if customer_id is not None else "off"
        shown, of_personal = self._shown(product_id, customer_id, at, session_id, mode)
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
            list_price=to_amount(listed, currency),
            currency=currency,
            mode=mode,
            personalised=is_personal,
            disclosure="\n".join(law.sentences) if is_personal else "",
            terms=law,
            why=(*offer.why, *((SAID[shop.config.pricing.language].held,) if was_held else ())),
            policy=offer.policy,
            version=offer.version,
            propensity=offer.propensity,
            at=at,
            was=None if earlier == UNKNOWN else to_amount(earlier, currency),
        )
        self._log(made, coins, session_id, quantity)
        return made

    def _read(self, at: datetime) -> PriceLog:
        """What the log says of prices; all that was read is forgotten where it may hold no longer."""
        shop, version = self.shop, self.shop.log.version
        if version != self._version or self._newest is None:
            said = shop.events.filter(ibis._.type != QUOTED)
            ends = [shop.engine.to_arrow(column.max()).as_py() for column in (said.time, shop.catalogue.valid_from)]
            self._version, self._moment = version, None
            self._newest = max((end for end in ends if end is not None), default=at)
        # After all that happened a later moment knows no more; but a law holds from its day on.
        moment = at.date() if at > self._newest else at
        if self._prices is None or moment != self._moment:
            self._moment, self._prices = moment, PriceLog.read(shop, at)
            for each in (self._known, self._new, self._decisions, self._told):
                each.clear()
        return self._prices

    def _known_of(self, customer_id: str | None, category: str | None, at: datetime) -> Known:
        key = customer_id, category
        if key not in self._known:
            kinds = None if customer_id is None else kinds_of(self.shop, category)
            self._known[key] = known_of(self.shop, [customer_id or ""], at, kinds=kinds)
        return self._known[key]

    def _offer(self, customer_id: str | None, known: Known, at: datetime, quantity: int) -> _Offer:
        settings = self.shop.config.pricing
        words = SAID[settings.language]
        mode = known.modes[0] if customer_id is not None else ("off" if settings.mode == "off" else "declared")
        said = [words.objected] if known.objects[0] else []
        if mode == "off":
            return _Offer(0.0, [*said, words.off], "one price for all", 0, 1.0, False)
        best = _Offer(0.0, [*said, words.nothing], "no stated rule applies", 0, 1.0, False)
        stated = [
            (settings.volume_discount if quantity >= settings.volume_from else 0.0, "volume", words.volume),
            (settings.new_customer_discount if self._is_new(customer_id, at) else 0.0, "new customers", words.new),
            (settings.member_discount if known.is_member[0] else 0.0, "members", words.stated),
        ]
        share, name, text = max(stated, key=lambda each: each[0])
        if share > 0:
            why = text.format(share=share, count=settings.volume_from)
            best = _Offer(share, [*said, why], f"stated rule: {name} have {share:.0%} off", 0, 1.0, False)
        if mode != "personal" or customer_id is None:
            return best
        decided = self._decided(customer_id, at)
        if decided is None or decided["mode"] != "personal":
            # No price was made of this customer's data: nothing has to be said of it.
            return best
        version = self.shop.models.version_in_use(NAME) or 0
        if decided["share"] <= share:
            return _Offer(share, best.why, best.policy, version, 1.0, True)
        return _Offer(decided["share"], decided["reasons"], decided["policy"], version, decided["propensity"], True)

    def _decided(self, customer_id: str, at: datetime) -> dict[str, Any] | None:
        """The newest decision about a customer before a moment."""
        if customer_id not in self._decisions:
            events = self.shop.events
            mine = events.filter(
                events.type == "decision_made", events.customer_id == customer_id, events.time <= ibis.literal(at),
                events.properties.cast("json")["capability"].str == NAME,
            )  # fmt: skip
            newest = mine.order_by(mine.time.desc(), mine.received_at.desc()).limit(1)
            rows = self.shop.engine.to_arrow(newest).to_pylist()
            found = None if not rows else {**json.loads(rows[0]["properties"]), "propensity": rows[0]["propensity"]}
            self._decisions[customer_id] = found
        return self._decisions[customer_id]

    def _is_new(self, customer_id: str | None, at: datetime) -> bool:
        if customer_id is None:
            return False
        if customer_id not in self._new:
            shop = self.shop
            orders = shop.events.filter(ibis._.type == "order_completed", ibis._.time < ibis.literal(at))
            named = shop.identities.named(orders.select("customer_id", "anonymous_id"), at)
            mine = named.filter(named.customer_id == customer_id).limit(1)
            self._new[customer_id] = not shop.engine.to_arrow(mine).num_rows
        return self._new[customer_id]

    def _shown(
        self, product_id: str, customer_id: str | None, at: datetime, session_id: str | None, mode: Mode
    ) -> tuple[int, bool]:
        """The lowest price that a customer was told of a product in this session or of late, or -1; if it was personal.

        Where personal prices are off for the customer, by law, setting or objection, none that was stands.
        """
        if customer_id is None:
            return UNKNOWN, False
        since = at - timedelta(hours=self.shop.config.pricing.hold_hours)
        told = [
            (each.coins, each.is_personal)
            for each in self._told_of(product_id, customer_id)
            if each.at <= at
            and (each.at > since or (session_id is not None and each.session_id == session_id))
            and (mode == "personal" or not each.is_personal)
        ]
        return min(told, default=(UNKNOWN, False))

    def _told_of(self, product_id: str, customer_id: str) -> list[_Told]:
        """The prices of one that a customer was told of a product; a volume's price is no price of one."""
        key = product_id, customer_id
        if key not in self._told:
            events = self.shop.events
            told = events.filter(
                events.type == QUOTED, events.product_id == product_id, events.customer_id == customer_id,
                events.quantity.fill_null(1.0) == 1.0,
            )  # fmt: skip
            is_personal = told.properties.cast("json")["personalised"].bool.fill_null(False)
            rows = self.shop.engine.to_arrow(told.select("time", "session_id", "unit_price", is_personal=is_personal))
            coins = to_coins(rows["unit_price"], self.shop.config.shop.currency).tolist()
            columns = (rows["time"].to_pylist(), rows["session_id"].to_pylist(), coins, rows["is_personal"].to_pylist())
            self._told[key] = [_Told(*row) for row in zip(*columns, strict=True)]
        return self._told[key]

    def _log(self, made: Quote, coins: int, session_id: str | None, quantity: int) -> None:
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
        version = self.shop.log.append(pa.Table.from_pylist([row], schema=nullable), f"{QUOTED} to {who}")
        # If others wrote in between, the version is not the next one, and all is read again.
        if version == self._version + 1:
            self._version = version
        if made.customer_id is not None and quantity == 1:
            told = _Told(made.at, session_id, coins, made.personalised)
            self._told_of(made.product_id, made.customer_id).append(told)
