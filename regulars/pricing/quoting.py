"""A price for a customer and a product, now: within the guardrails and the law."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from regulars import clock
from regulars.customers.view import place_of
from regulars.errors import InputError, NotFoundError
from regulars.events.erased import Erased
from regulars.events.schema import EVENTS
from regulars.pricing.facts import QUOTED, SESSION_DAYS, Asking, Decided, Facts, Shown, Told, longest
from regulars.pricing.guard import UNKNOWN, personal_prices, reduced_from, require_none, wrong_personal_prices
from regulars.pricing.law import Mode, Quote, Terms, strictest
from regulars.pricing.money import to_amount
from regulars.pricing.products import PriceLog, Products
from regulars.pricing.rules import SIGNED_UP, STRANGER, Person, kinds_of, mode_of, rules_of
from regulars.pricing.words import SAID

if TYPE_CHECKING:
    from regulars.shop import Shop


ORDERED, IDENTIFIED = "order_completed", "customer_identified"


@dataclass(frozen=True)
class _Offer:
    """The discount that a customer is to have, before the guardrails of the product; why, with a place for the share
    that they leave."""

    share: float
    why: str
    policy: str
    version: int
    propensity: float
    is_personal: bool


def quote(
    shop: Shop, product_id: str, customer_id: str | None, at: datetime, *, session_id: str | None = None,
    quantity: int = 1,
) -> Quote:  # fmt: skip
    """One price, logged (`price_quoted`) before it is given; see `Desk.quote`. Whoever asks for many keeps a desk."""
    facts = Facts.read(shop, at, customer_id or "", session_id)
    made = Desk(shop, facts).quote(product_id, customer_id, at, session_id=session_id, quantity=quantity)
    row = {
        "event_id": name_of(made, session_id, quantity),
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
    shop.log.append(pa.Table.from_pylist([row], schema=nullable), f"{QUOTED} to {customer_id or 'everyone'}")
    return made


def name_of(made: Quote, session_id: str | None, quantity: int) -> str:
    """The id of the event that a price was told."""
    who = made.customer_id or "everyone"
    return f"{QUOTED} {made.product_id} {who} {made.at.isoformat()} {session_id or ''} {quantity}"


class Desk:
    """Tells prices of a shop, one after another, from what was read of its log; in memory, by one thread.

    What it told itself and what it hears of counts at once; the rest from when the facts are read anew.
    """

    def __init__(self, shop: Shop, facts: Facts) -> None:
        self._rules, self._settings = rules_of(shop), shop.config.pricing
        self._longest = longest(shop)
        self._facts = facts
        self._told: Told = {}
        self._ordered: set[str] = set()
        self._members: set[str] = set()
        self._places: dict[str, tuple[str | None, str | None]] = {}

    def renew(self, facts: Facts) -> None:
        """Stand on what was read later. What was told and heard may not be in the log yet, and still counts."""
        self._facts, before, self._told = facts, self._told, {}
        for asking, told in before.items():
            for shown, at in told.items():
                if at >= facts.as_of - self._longest:
                    self.note(asking, shown, at)
        self._ordered -= facts.ordered
        known = facts.people
        self._members = {who for who in self._members if not known.get(who, STRANGER).is_member}
        self._places = {who: place for who, place in self._places.items() if known.get(who, STRANGER)[:2] != place}

    def reprice(self, prices: PriceLog) -> None:
        """Stand on prices that were read later; all else stays."""
        self._facts = replace(self._facts, prices=prices)

    def forget(self, erased: Erased) -> None:
        """Let go of customers who were erased; what was read of them goes when the facts are read anew."""
        heard = {*self._ordered, *self._members, *self._places}
        told = {asking.customer_id for asking in self._told if asking.customer_id is not None}
        gone = set(erased.among(heard | told))
        self._told = {asking: shown for asking, shown in self._told.items() if asking.customer_id not in gone}
        self._ordered -= gone
        self._members -= gone
        self._places = {who: place for who, place in self._places.items() if who not in gone}

    def hear(self, rows: Sequence[Mapping[str, Any]], aliases: Mapping[str, str]) -> None:
        """Rows of events, and whose the ids of visitors are: stated rules hang on who ordered and who signed up, the
        law on where each is."""
        for row in rows:
            who = row.get("customer_id") or row.get("anonymous_id")
            if not who or row["type"] not in (ORDERED, SIGNED_UP, IDENTIFIED):
                continue
            who = aliases.get(who, who)
            if row["type"] != IDENTIFIED:
                (self._ordered if row["type"] == ORDERED else self._members).add(who)
            place = place_of(row.get("properties") or {})
            # An order tells it only of whom nothing else does.
            if place[0] and (row["type"] != ORDERED or self._facts.people.get(who, STRANGER).country is None):
                self._places[who] = place

    def note(self, asking: Asking, shown: Shown, at: datetime) -> None:
        """Somebody was told a price that was made at a moment."""
        told = self._told.setdefault(asking, {})
        told[shown] = max(at, told.get(shown, at))

    def quote(
        self, product_id: str, customer_id: str | None, at: datetime, *, session_id: str | None = None,
        quantity: int = 1, objects: bool = False,
    ) -> Quote:  # fmt: skip
        """What a customer is asked for a product; whoever tells it writes it down before.

        The discount is that of the newest decisions, if the customer may have it now: who objected since pays what
        everyone pays. Within a session, and for `[pricing] hold_hours`, a price of as many never rises for who looks
        again: so long after it was made, not after the last look; in a session at most for `SESSION_DAYS`.

        Parameters
        ----------
        customer_id : None for whoever is not known: the list price.
        at : now; not before what was read.
        objects : whether the customer objects to pricing or profiling, where that has not come to the log yet.

        Raises
        ------
        NotFoundError
            If the product has no price.
        GuardError
            If the price could not be told lawfully.
        """
        if quantity < 1:
            raise InputError(f"quantity = {quantity}: at least 1 is expected.")
        there = Products.at(self._facts.prices.only(product_id), at)
        if not len(there):
            raise NotFoundError(f'There is no product "{product_id}" with a price before {at:%Y-%m-%d %H:%M}.')
        place, currency = there.place[product_id], there.currency
        listed = int(there.price[place])
        person = self._person(customer_id, objects=objects)
        kinds = () if customer_id is None else kinds_of(self._settings, there.categories[place])
        law = self._terms(customer_id, person, at, kinds)
        mode: Mode = "off" if customer_id is None else mode_of(self._settings.mode, law, objects=person.objects)
        offer = self._offer(customer_id, person, mode, quantity, at)
        asking = Asking.of(product_id, customer_id, session_id, quantity)
        shown, of_personal, shown_at = self._shown(asking, at, session_id, mode)
        one = slice(place, place + 1)
        wanted = [listed * (1 - offer.share)]
        # What would be asked of who has not looked before: its share is the one to give reasons for.
        bounds = personal_prices(self._rules, there.price[one], there.cost[one], brand_minimum=there.brand_minimum[one])
        asked = bounds.nearest(wanted)
        unheld = int(asked[0])
        was_held = UNKNOWN < shown < unheld
        if was_held:
            bounds = personal_prices(
                self._rules, there.price[one], there.cost[one], brand_minimum=there.brand_minimum[one], shown=shown
            )
            asked = bounds.nearest(wanted)
        require_none(
            wrong_personal_prices(
                bounds.rules, asked, there.price[one], there.cost[one], brand_minimum=there.brand_minimum[one],
                shown=np.array([shown]),
            ),
            [product_id],
        )  # fmt: skip
        coins = int(asked[0])
        # A personal price that stands is one, also where no decision would make it again.
        is_personal = offer.is_personal or (was_held and of_personal)
        earlier = int(reduced_from([listed], there.before[one])[0])
        made = Quote(
            product_id=product_id,
            customer_id=customer_id,
            price=to_amount(coins, currency),
            list_price=to_amount(listed, currency),
            currency=currency,
            mode=mode,
            personalised=is_personal,
            disclosure=law.beside(is_personal=is_personal, is_reduced=coins < listed),
            terms=law,
            why=self._why(offer, person, 1 - unheld / listed, was_held=was_held),
            policy=offer.policy,
            version=offer.version,
            propensity=offer.propensity,
            at=at,
            was=None if earlier == UNKNOWN else to_amount(earlier, currency),
            held_since=shown_at if was_held else None,
        )
        if customer_id is not None or session_id is not None:
            # One that stands is not made anew: else whoever looks every day has it for ever.
            self.note(asking, Shown(session_id, coins, is_personal), shown_at if was_held else at)
        return made

    def _why(self, offer: _Offer, person: Person, share: float, *, was_held: bool) -> tuple[str, ...]:
        """In words, by the share that the guardrails of the product left of a discount."""
        words = SAID[self._settings.language]
        text = offer.why if share > 0 or offer.share == 0 else words.kept
        said = text.format(share=share, count=self._settings.volume_from)
        return (
            *((words.objected,) if person.objects else ()), said, *((words.held,) if was_held else ()),
        )  # fmt: skip

    def _person(self, customer_id: str | None, *, objects: bool) -> Person:
        if customer_id is None:
            return STRANGER
        said = self._facts.people.get(customer_id, STRANGER)
        return said._replace(objects=said.objects or objects, is_member=said.is_member or customer_id in self._members)

    def _terms(self, customer_id: str | None, person: Person, at: datetime, kinds: tuple[str, ...]) -> Terms:
        """By the law of the customer's place, or of one heard of since the facts were read where that is no laxer."""

        def of(country: str | None, region: str | None) -> Terms:
            return self._facts.law.terms(country, region, at, kinds=kinds, language=person.language)

        known, heard = of(person.country, person.region), self._places.get(customer_id or "")
        if heard is None:
            return known
        newer = of(*heard)
        return newer if strictest(known.mode, newer.mode) == newer.mode else known

    def _has_ordered(self, customer_id: str) -> bool:
        return customer_id in self._facts.ordered or customer_id in self._ordered

    def _offer(
        self, customer_id: str | None, person: Person, mode: Mode, quantity: int, at: datetime
    ) -> _Offer:  # fmt: skip
        settings = self._settings
        words = SAID[settings.language]
        if customer_id is None:
            mode = "off" if settings.mode == "off" else "declared"
        if mode == "off":
            return _Offer(0.0, words.off, "one price for all", 0, 1.0, False)
        best = _Offer(0.0, words.nothing, "no stated rule applies", 0, 1.0, False)
        is_new = customer_id is not None and not self._has_ordered(customer_id)
        stated = [
            (settings.volume_discount if quantity >= settings.volume_from else 0.0, "volume", words.volume),
            (settings.new_customer_discount if is_new else 0.0, "new customers", words.new),
            (settings.member_discount if person.is_member else 0.0, "members", words.stated),
        ]
        share, name, text = max(stated, key=lambda each: each[0])
        if share > 0:
            best = _Offer(share, text, f"stated rule: {name} have {share:.0%} off", 0, 1.0, False)
        if mode != "personal" or customer_id is None:
            return best
        found = self._facts.decided.get(customer_id)
        decided: dict[str, Any] = {} if found is None else json.loads(found.properties)
        if found is None or decided["mode"] != "personal" or _end(found, decided) <= at:
            # No price was made of this customer's data: nothing has to be said of it.
            return best
        version = decided["model_version"]
        if share > 0 and decided["share"] <= share:
            return _Offer(share, best.why, best.policy, version, 1.0, True)
        why = words.reason(decided["mode"], decided["share"], decided["policy"])
        return _Offer(decided["share"], why, decided["policy"], version, found.propensity, True)

    def _shown(
        self, asking: Asking, at: datetime, session_id: str | None, mode: Mode
    ) -> tuple[int, bool, datetime]:  # fmt: skip
        """The lowest price that was told in this session or of late, or -1; if it was personal; when it was made.

        Where personal prices are off for the customer, by law, setting or objection, none that was stands.
        """
        of_late = at - timedelta(hours=self._settings.hold_hours)
        of_session = at - timedelta(days=SESSION_DAYS)
        # A visitor who signs in is not asked for more in the session.
        visitor = Asking.of(asking.product_id, None, session_id, asking.quantity)
        told = [
            (each, made_at)
            for one in dict.fromkeys((asking, visitor))
            for known in (self._facts.told, self._told)
            for each, made_at in known.get(one, {}).items()
            if made_at > of_late or (each.session_id == session_id is not None and made_at > of_session)
        ]
        standing = [
            (-each.coins, made_at, each) for each, made_at in told if mode == "personal" or not each.is_personal
        ]
        if not standing:
            return UNKNOWN, False, at
        coins, made_at, each = max(standing, key=lambda one: one[:2])
        return -coins, each.is_personal, made_at


def _end(found: Decided, decided: Mapping[str, Any]) -> datetime:
    """Until when a decision stands."""
    return found.time + timedelta(days=decided["horizon_days"])
