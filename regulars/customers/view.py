"""What is known of each customer: the newest of each trait, and the law that applies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.customers.known import pair
from regulars.events.schema import NOTED, TIME

if TYPE_CHECKING:
    from regulars.shop import Shop

TRAITS: dict[str, tuple[str, ...]] = {
    "name": ("name", "fullname"),
    "first_name": ("firstname",),
    "last_name": ("lastname",),
    "email": ("email", "emailaddress"),
    "phone": ("phone", "phonenumber", "mobile", "defaultaddressphone"),
    "language": ("language", "locale"),
    "city": ("city", "addresscity", "defaultaddresscity", "billingcity"),
    "country": (
        "country", "countrycode", "addresscountry", "addresscountrycode", "defaultaddresscountrycode",
        "billingcountry",
    ),
    "region": (
        "region", "state", "province", "addressstate", "addressregion", "defaultaddressprovincecode", "billingstate",
    ),
    "created_at": ("createdat",),
}  # fmt: skip
"""The traits with a column of their own, and what programs call them: letters and digits alone count, and a trait
inside an address has the address before it."""

CUSTOMERS = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        *(pa.field(name, pa.string()) for name in TRAITS if name not in ("first_name", "last_name")),
        pa.field("attributes", pa.string()),
        pa.field("jurisdiction_country", pa.string()),
        pa.field("jurisdiction_region", pa.string()),
        pa.field("other_ids", pa.list_(pa.string()), nullable=False),
        pa.field("first_time", TIME, nullable=False),
        pa.field("last_time", TIME, nullable=False),
    ]
)
"""What `customers_as_of` gives."""


def customers_as_of(shop: Shop, as_of: datetime, customer_id: str | None = None) -> pa.Table:
    """The customers that are known by a customer_id before a moment, one row each.

    Parameters
    ----------
    customer_id : one customer alone, by its own id. Default: all.

    Returns
    -------
    In the columns of `CUSTOMERS`, by customer_id. Each trait is that of the newest `customer_identified`
    that has it, under any id of the customer; traits without a column of their own are in `attributes`,
    a JSON object. The jurisdiction is the country and region of the traits; where they name no country,
    of the newest order that does; else null, which must be taken for the strictest.
    """
    who = shop.identities
    events = shop.events if customer_id is None else shop.events_of(pair(customer_id, as_of))
    events = events.filter(~events.type.isin(NOTED), events.time < ibis.literal(as_of))
    named = who.named(events.mutate(is_named=events.customer_id.notnull()), as_of)
    if customer_id is not None:
        named = named.filter(named.customer_id == customer_id)
    known = named.filter(named.customer_id.notnull()).group_by("customer_id")
    known = known.agg(is_named=named.is_named.any(), first_time=named.time.min(), last_time=named.time.max())
    known = shop.engine.to_arrow(known.filter(known.is_named).drop("is_named").order_by("customer_id"))
    said = _newest_traits(shop, named.filter(named.type == "customer_identified"))
    found: dict[str, Any] = {name: known[name] for name in known.column_names}
    names = {key: trait for key in pc.unique(said["key"]).to_pylist() if (trait := _trait(key))}
    for trait in TRAITS:
        found[trait] = _values(known["customer_id"], said, [key for key in names if names[key] == trait])
    whole_name = pc.utf8_trim_whitespace(
        pc.binary_join_element_wise(found["first_name"], found["last_name"], " ", null_handling="replace")
    )
    found["name"] = pc.coalesce(found["name"], pc.if_else(pc.equal(whole_name, ""), None, whole_name))
    found["attributes"] = _attributes(shop, known["customer_id"], said, list(names))
    by_order = _of_orders(shop, named.filter(named.type == "order_completed"))
    is_told = pc.is_valid(found["country"])
    for name in ("country", "region"):
        ordered = _looked_up(known["customer_id"], by_order["customer_id"], by_order[name])
        found[f"jurisdiction_{name}"] = pc.if_else(is_told, found[name], ordered)
    found["other_ids"] = _other_ids(known, as_of, who.members)
    return pa.table([found[field.name] for field in CUSTOMERS], schema=CUSTOMERS)


def place_of(traits: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The country and region that traits name, as `customers_as_of` reads them.

    >>> place_of({"email": "ada@tea.example", "address": {"countryCode": "US", "state": "NY"}})
    ('US', 'NY')
    """
    address = traits.get("address")
    inside = {f"address.{key}": value for key, value in address.items()} if isinstance(address, Mapping) else {}
    found: dict[str | None, str] = {}
    for key, value in sorted({**traits, **inside}.items(), key=lambda each: _preference(each[0])):
        if isinstance(value, str) and value:
            found.setdefault(_trait(key), value)
    return found.get("country"), found.get("region")


def _plain(key: str) -> str:
    return "".join(letter for letter in key.lower() if letter.isalnum())


def _trait(key: str) -> str | None:
    return next((trait for trait, names in TRAITS.items() if _plain(key) in names), None)


def _newest_traits(shop: Shop, identified: ibis.Table) -> pa.Table:
    """One row a customer and trait: customer_id, key, value (JSON), text (without quotes), said (higher is newer)."""
    order = ibis.row_number().over(ibis.window(order_by=["time", "event_id", "line"]))
    rows = identified.filter(identified.properties.notnull()).select("customer_id", "properties", said=order)
    rows = _unfolded(rows.mutate(inside=rows.properties.cast("json"), above=ibis.literal("")))
    is_address = (rows.key == "address") & rows.inside.map.notnull()
    inside = rows.filter(is_address).mutate(above=ibis.literal("address."))
    rows = ibis.union(rows.filter(~is_address), _unfolded(inside))
    rows = rows.mutate(value=rows.inside.cast("string"), text=rows.inside.str)
    rows = rows.filter(rows.value.notnull(), rows.value != "null", rows.text.fill_null("?") != "")
    newest = rows.group_by("customer_id", "key").agg(
        value=rows.value.argmax(rows.said), text=rows.text.fill_null(rows.value).argmax(rows.said), said=rows.said.max()
    )
    return shop.engine.to_arrow(newest)


def _unfolded(rows: ibis.Table) -> ibis.Table:
    """A row for each key of a JSON object: customer_id, said, key, inside (its value)."""
    rows = rows.select("customer_id", "said", "above", fields=rows.inside.map)
    rows = rows.select("customer_id", "said", "above", "fields", key=rows.fields.keys().unnest())
    return rows.select("customer_id", "said", key=rows.above.concat(rows.key), inside=rows.fields[rows.key])


def _values(customers: pa.ChunkedArray, said: pa.Table, keys: list[str]) -> pa.ChunkedArray:
    """Of each customer the newest text under any of some keys."""
    rows = said.filter(pc.is_in(said["key"], pa.array(keys, pa.string())))
    rank = pc.index_in(rows["key"], pa.array(sorted(keys, key=_preference), pa.string()))
    rows = rows.append_column("rank", rank).sort_by([("said", "descending"), ("rank", "ascending")])
    # The first of each customer is the newest: `index_in` finds the first.
    return _looked_up(customers, rows["customer_id"], rows["text"])


def _preference(key: str) -> tuple[int, str]:
    trait = _trait(key)
    return (TRAITS[trait].index(_plain(key)) if trait else 0), key


def _looked_up(wanted: pa.ChunkedArray, keys: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values.take(pc.index_in(wanted, keys.combine_chunks()))


def _attributes(shop: Shop, customers: pa.ChunkedArray, said: pa.Table, named: list[str]) -> pa.ChunkedArray:
    """The traits without a column of their own, as one JSON object a customer."""
    rest = said.filter(pc.invert(pc.is_in(said["key"], pa.array(named, pa.string()))))
    keys = rest["key"].combine_chunks().dictionary_encode()
    quoted = pa.array([json.dumps(key, ensure_ascii=False) for key in keys.dictionary.to_pylist()], pa.string())
    pieces = pc.binary_join_element_wise(quoted.take(keys.indices), rest["value"].combine_chunks(), ": ")
    table = shop.engine.table(pa.table({"customer_id": rest["customer_id"], "key": rest["key"], "piece": pieces}))
    objects = table.group_by("customer_id").agg(joined=table.piece.group_concat(", ", order_by="key"))
    found = shop.engine.to_arrow(objects)
    return _looked_up(customers, found["customer_id"], pc.binary_join_element_wise("{", found["joined"], "}", ""))


def _of_orders(shop: Shop, orders: ibis.Table) -> pa.Table:
    """customer_id, country, region: of the newest order of each customer that names a country."""
    orders = orders.filter(orders.properties.contains('"country"'))
    order = ibis.row_number().over(ibis.window(order_by=["time", "event_id", "line"]))
    said = orders.properties.cast("json")
    rows = orders.select("customer_id", country=said["country"].str, region=said["region"].str, said=order)
    rows = rows.filter(rows.country.notnull())
    # A region that is missing is a region: that of an older order is of another place.
    region = rows.region.fill_null("").argmax(rows.said).nullif("")
    return shop.engine.to_arrow(rows.group_by("customer_id").agg(country=rows.country.argmax(rows.said), region=region))


def _other_ids(known: pa.Table, as_of: datetime, members: Any) -> pa.ListArray:
    """Of each customer the ids beside its own, in order."""
    pairs = known.select(["customer_id"])
    pairs = pairs.append_column("as_of", pa.repeat(pa.scalar(as_of, TIME), pairs.num_rows))
    found = members(pairs).sort_by([("place", "ascending"), ("customer_id", "ascending")])
    own = known["customer_id"].take(found["place"])
    found = found.filter(pc.not_equal(found["customer_id"], own))
    starts = np.searchsorted(found["place"].to_numpy(), np.arange(known.num_rows + 1))
    return pa.ListArray.from_arrays(pa.array(starts, pa.int32()), found["customer_id"].combine_chunks())
