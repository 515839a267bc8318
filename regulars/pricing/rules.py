"""The guardrails that a shop's settings ask for, and the law that holds for its customers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from regulars.customers import customers_as_of, withheld
from regulars.pricing.guard import Rules
from regulars.pricing.law import Law, Mode, Terms, strictest

if TYPE_CHECKING:
    from regulars.config import PricingSettings
    from regulars.shop import Shop

PURPOSES = ("pricing", "profiling")
"""Whoever objected to one of these, or took consent back, pays what everyone pays."""
FOOD = "food"
SIGNED_UP = "signed_up"
"""The event that makes a member; a guest who leaves an address is none."""


def rules_of(shop: Shop) -> Rules:
    """The guardrails of `[pricing]`."""
    said = shop.config.pricing
    return Rules(said.min_margin, said.lowest, said.highest, said.max_change, said.max_discount, said.endings)


def kinds_of(settings: PricingSettings, category: str | None) -> tuple[str, ...]:
    """Of which kinds a category is, of those that laws speak of."""
    return (FOOD,) if category is not None and category in settings.food else ()


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


class Person(NamedTuple):
    """What the log says of one customer that a price may need: see `Known`."""

    country: str | None = None
    region: str | None = None
    language: str | None = None
    objects: bool = False
    is_member: bool = False
    group: str | None = None


STRANGER = Person()
"""Of whom the log says nothing."""


def people_of(shop: Shop, as_of: datetime) -> dict[str, Person]:
    """The customers of whom something is known as of a moment."""
    table = customers_as_of(shop, as_of)
    objecting = {name for purpose in PURPOSES for name in withheld(shop, purpose, as_of).to_pylist()}
    members, groups = _members(shop, as_of), _groups(table, shop.config.pricing.groups)
    columns = ("customer_id", "jurisdiction_country", "jurisdiction_region", "language")
    found = {
        name: Person(country, region, language, name in objecting, name in members, groups.get(name))
        for name, country, region, language in zip(*(table[each].to_pylist() for each in columns), strict=True)
    }
    others = (objecting | members) - found.keys()
    return found | {name: Person(objects=name in objecting, is_member=name in members) for name in others}


def known_of(shop: Shop, customer_ids: Sequence[str], as_of: datetime) -> Known:
    """What is known of customers as of a moment, for whatever the shop sells; of an id that is not known the strictest
    is taken."""
    law, settings = Law.known(shop.folder), shop.config.pricing
    people = people_of(shop, as_of)
    each = [people.get(name, STRANGER) for name in customer_ids]
    kinds = (FOOD,) if settings.food else ()
    places = {person[:3] for person in each}
    of_place = {key: law.terms(key[0], key[1], as_of, kinds=kinds, language=key[2]) for key in places}
    terms = [of_place[person[:3]] for person in each]
    modes = [mode_of(settings.mode, place, objects=one.objects) for place, one in zip(terms, each, strict=True)]
    return Known(
        terms, modes, [one.objects for one in each], [one.is_member for one in each], [one.group for one in each]
    )


def mode_of(allowed: Mode, terms: Terms, *, objects: bool) -> Mode:
    """The strictest of what a shop allows and the law; declared at most for who objects."""
    return strictest(allowed, terms.mode, *(("declared",) if objects else ()))


def _members(shop: Shop, as_of: datetime) -> set[str]:
    events = shop.events
    said = events.filter(events.type == SIGNED_UP, events.time < as_of)
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
