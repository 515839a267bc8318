"""The guardrails that a shop's settings ask for, and the law that holds for its customers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from regulars.customers import customers_as_of, withheld
from regulars.events.schema import TIME
from regulars.pricing.guard import Rules
from regulars.pricing.law import Law, Mode, Terms, strictest

if TYPE_CHECKING:
    from regulars.shop import Shop

PURPOSES = ("pricing", "profiling")
"""Whoever objected to one of these, or took consent back, pays what everyone pays."""
FOOD = "food"
FEW = 10
"""For so many customers or fewer only their own events are read."""
MEMBERS = ("signed_up", "customer_identified")
"""Events that make a member."""


def rules_of(shop: Shop) -> Rules:
    """The guardrails of `[pricing]`."""
    said = shop.config.pricing
    return Rules(said.min_margin, said.lowest, said.highest, said.max_change, said.max_discount, said.endings)


def kinds_of(shop: Shop, category: str | None) -> tuple[str, ...]:
    """Of which kinds a category is, of those that laws speak of."""
    return (FOOD,) if category is not None and category in shop.config.pricing.food else ()


class Known(NamedTuple):
    """What is known of customers that a price may need, (n,) each.

    Attributes
    ----------
    terms : of the law of each place, for products that are food where the shop sells any.
    modes : the strictest of the shop's and the law's; declared at most for who objected.
    objects : who objected to pricing or profiling. is_member : who signed up.
    groups : the value of the trait that `[pricing] groups` names; None where it is not known.
    """

    terms: list[Terms]
    modes: list[Mode]
    objects: list[bool]
    is_member: list[bool]
    groups: list[str | None]


def known_of(shop: Shop, customer_ids: Sequence[str], as_of: datetime, *, kinds: Sequence[str] | None = None) -> Known:
    """What is known of customers as of a moment; of an id that is not known the strictest is taken.

    Parameters
    ----------
    kinds : of the product; by default of whatever the shop sells.
    """
    law, settings = Law.known(shop.folder), shop.config.pricing
    if len(customer_ids) <= FEW:
        # Of one customer, that one's events say all: a price is asked for while somebody waits.
        moment = pa.repeat(pa.scalar(as_of, TIME), len(customer_ids))
        pairs = pa.table({"customer_id": pa.array(customer_ids, pa.string()), "as_of": moment})
        shop = shop.with_events(shop.identities.events_of(shop.events, pairs))
    table = customers_as_of(shop, as_of)
    place = {name: row for row, name in enumerate(table["customer_id"].to_pylist())}
    country, region, language = (
        table[name].to_pylist() for name in ("jurisdiction_country", "jurisdiction_region", "language")
    )
    about = kinds if kinds is not None else ((FOOD,) if settings.food else ())
    objecting = {name for purpose in PURPOSES for name in withheld(shop, purpose, as_of).to_pylist()}
    found: dict[tuple[str | None, str | None, str | None], Terms] = {}
    terms = []
    for name in customer_ids:
        row = place.get(name)
        key = (None, None, None) if row is None else (country[row], region[row], language[row])
        if key not in found:
            found[key] = law.terms(key[0], key[1], as_of, kinds=about, language=key[2])
        terms.append(found[key])
    objects = [name in objecting for name in customer_ids]
    allowed = [strictest(settings.mode, each.mode) for each in terms]
    modes = [strictest(mode, "declared") if no else mode for mode, no in zip(allowed, objects, strict=True)]
    members = _members(shop, as_of)
    groups = _groups(table, settings.groups)
    return Known(
        terms, modes, objects, [name in members for name in customer_ids], [groups.get(n) for n in customer_ids]
    )


def _members(shop: Shop, as_of: datetime) -> set[str]:
    events = shop.events
    said = events.filter(events.type.isin(MEMBERS), events.time < as_of)
    named = shop.identities.named(said.select("customer_id", "anonymous_id"), as_of)
    ids = shop.engine.to_arrow(named.filter(named.customer_id.notnull()).select("customer_id").distinct())
    return set(ids["customer_id"].to_pylist())


def _groups(customers: pa.Table, trait: str) -> dict[str, str]:
    """The value of a trait of each customer that has it."""
    if not trait:
        return {}
    ids = customers["customer_id"].to_pylist()
    if trait in customers.column_names:
        return {name: str(value) for name, value in zip(ids, customers[trait].to_pylist(), strict=True) if value}
    found = {}
    for name, text in zip(ids, customers["attributes"].to_pylist(), strict=True):
        value = json.loads(text or "{}").get(trait)
        if value not in (None, ""):
            found[name] = str(value)
    return found
