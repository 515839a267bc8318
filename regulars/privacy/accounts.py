"""What support's own tables say of customers: who has an account there alone, and what else they are found by."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from regulars.state import FILE as STATE
from regulars.support.tables import customers, orders

if TYPE_CHECKING:
    from regulars.shop import Shop


def accounts(shop: Shop) -> list[str]:
    """The ids that support knows: a customer may have been loaded there and have no event."""
    return [row.customer_id for row in _rows(shop, customers)]


def terms_of(shop: Shop, ids: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Numbers of customers' orders; and their e-mail addresses and names that no other account has.

    Who never said the id wrote one of these: in a conversation that belongs to nobody they are all there is to find.
    """
    mine: set[str] = set()
    others: set[str] = set()
    for row in _rows(shop, customers):
        name = row.document["name"]
        whole = f"{name['first_name']} {name.get('last_name') or ''}".strip()
        said = {row.document.get("email") or "", row.email}
        # A first name alone is many people's.
        said |= {whole, row.name} if name.get("last_name") else set()
        (mine if row.customer_id in ids else others).update(said - {""})
    numbers = frozenset(row.order_id for row in _rows(shop, orders) if row.customer_id in ids)
    return numbers, frozenset(mine - others)


def _rows(shop: Shop, table: sa.Table) -> Iterator[Any]:
    if not shop.config.state.url and not (shop.folder / STATE).exists():
        return
    with shop.state.read() as view:
        if sa.inspect(view).has_table(table.name):
            yield from view.execute(sa.select(table))
