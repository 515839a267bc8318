"""What templates may say, for many customers at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.copy.template import MOST_PRODUCTS
from regulars.campaign.offer import Coupon

if TYPE_CHECKING:
    from regulars.shop import Shop

Context = dict[str, Any]


def contexts(
    shop: Shop, customers: Sequence[dict[str, Any]], about: Sequence[dict[str, Any]], moment: datetime
) -> list[Context]:
    """The fields of each message, but for its coupon and link.

    Parameters
    ----------
    customers : (n,) rows of `customers_as_of`.
    about : (n,) what the journey is about: {"products": [ids], "price_before": "4.50"}, as far as it is about products.

    Returns
    -------
    (n,) mappings in the form of `template.FIELDS`; what is not known is None.
    """
    ids = sorted({product for each in about for product in each.get("products", ())[:MOST_PRODUCTS]})
    known = _products(shop, ids, moment)
    settings = shop.config.shop
    found = []
    for customer, said in zip(customers, about, strict=True):
        products = [known[each] for each in said.get("products", ())[:MOST_PRODUCTS] if each in known]
        first = {**(products[0] if products else _NO_PRODUCT)}
        before = said.get("price_before")
        first["price_before"] = None if before is None else f"{before} {settings.currency}"
        fields = {"id": customer["customer_id"]}
        fields |= {name: customer.get(name) for name in ("name", "language", "city")}
        fields["country"] = customer.get("jurisdiction_country")
        found.append(
            {
                "customer": fields,
                "shop": {"name": settings.name, "currency": settings.currency},
                "product": first,
                "products": products,
            }
        )
    return found


def of_coupon(coupon: Coupon | None, currency: str) -> dict[str, str | None]:
    """The fields of a coupon; all None where there is none."""
    if coupon is None:
        return dict.fromkeys(("code", "worth", "expires", "minimum"))
    terms = coupon.terms
    return {
        "code": coupon.code,
        "worth": terms.worth(currency) or None,
        "expires": f"{coupon.expires_at:%Y-%m-%d}",
        "minimum": f"{terms.minimum:.2f} {currency}" if terms.minimum else None,
    }


_NO_PRODUCT: dict[str, str | None] = dict.fromkeys(("id", "title", "category", "brand", "price", "price_before"))


def _products(shop: Shop, ids: list[str], moment: datetime) -> dict[str, dict[str, str | None]]:
    """What the catalogue said last of some products before a moment."""
    if not ids:
        return {}
    said = shop.catalogue
    said = said.filter(said.product_id.isin(ids), said.valid_from < ibis.literal(moment))
    rows = shop.engine.to_arrow(said.select("product_id", "title", "category", "brand", "list_price", "valid_from"))
    rows = rows.sort_by([("product_id", "ascending"), ("valid_from", "ascending")])
    currency = shop.config.shop.currency
    found = {
        row["product_id"]: {
            "id": row["product_id"],
            "title": row["title"],
            "category": row["category"],
            "brand": row["brand"],
            "price": None if row["list_price"] is None else f"{row['list_price']:.2f} {currency}",
            "price_before": None,
        }
        for row in rows.to_pylist()
    }
    return {each: found.get(each, {**_NO_PRODUCT, "id": each}) for each in ids}


def rows_of(customers: pa.Table, ids: Sequence[str]) -> list[dict[str, Any] | None]:
    """The row of each id; None for one that is not known as a customer."""
    place = pc.index_in(pa.array(ids, pa.string()), customers["customer_id"].combine_chunks())
    wanted = ["customer_id", "name", "email", "phone", "language", "city", "jurisdiction_country"]
    rows = customers.select(wanted).take(place).to_pylist()
    return [row if row["customer_id"] is not None else None for row in rows]
