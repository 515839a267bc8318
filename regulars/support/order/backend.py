"""Where customers, orders and products lie: in the shop's own tables here, or behind its webhooks."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Protocol

import sqlalchemy as sa

from regulars import clock
from regulars.state import State
from regulars.support.order.policy import Change, RefusedError
from regulars.support.order.things import Customer, Order, Product
from regulars.support.tables import applied, customers, orders, prepare, products


class Backend(Protocol):
    """What support needs of a shop. It reads what it is asked for; who may ask is decided above it."""

    def customer(self, customer_id: str) -> Customer | None:
        """By id."""
        ...

    def customer_by_email(self, email: str) -> Customer | None:
        """The one with that e-mail; None if there is none, or more than one."""
        ...

    def customer_by_name(self, name: str, zip_code: str) -> Customer | None:
        """The one with that first and last name and that zip code; None if there is none, or more than one."""
        ...

    def order(self, order_id: str) -> Order | None:
        """By id."""
        ...

    def orders_of(self, customer_id: str) -> list[Order]:
        """All of a customer, by id."""
        ...

    def product(self, product_id: str) -> Product | None:
        """By id."""
        ...

    def commit(self, change: Change, key: str) -> None:
        """Make a change, whole; a key that was seen before changes nothing.

        Raises
        ------
        RefusedError
            `changed_meanwhile`, if things are no longer as the change found them.
        """
        ...

    def is_applied(self, key: str) -> bool:
        """Whether a change was made under a key."""
        ...


class OwnTables:
    """The shop's own tables, in its state.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> own = OwnTables(State.open(Path(tempfile.mkdtemp())))
    >>> about = {"customer_id": "ada", "email": "Ada@Example.com", "address": {"address1": "1 Elm Street"}}
    >>> ada = Customer.model_validate({**about, "name": {"first_name": "Ada"}})
    >>> own.load(customers=[ada])
    >>> own.customer_by_email("ada@example.com").customer_id
    'ada'
    """

    def __init__(self, state: State) -> None:
        self._state = prepare(state)

    def load(
        self,
        customers: Iterable[Customer] = (),
        orders: Iterable[Order] = (),
        products: Iterable[Product] = (),
    ) -> None:
        """Put customers, orders and products in, in place of those with the same id: all or nothing."""
        with self._state.write() as change:
            for one in customers:
                _put_customer(change, one)
            for order in orders:
                _put_order(change, order)
            for product in products:
                _put_product(change, product)

    def customer(self, customer_id: str) -> Customer | None:
        """See `Backend.customer`."""
        return self._customer(customers.c.customer_id == customer_id)

    def customer_by_email(self, email: str) -> Customer | None:
        """See `Backend.customer_by_email`."""
        return self._customer(customers.c.email == folded(email)) if folded(email) else None

    def customer_by_name(self, name: str, zip_code: str) -> Customer | None:
        """See `Backend.customer_by_name`."""
        if not folded(name) or not folded(zip_code):
            return None
        return self._customer((customers.c.name == folded(name)) & (customers.c.zip == folded(zip_code)))

    def order(self, order_id: str) -> Order | None:
        """See `Backend.order`."""
        with self._state.read() as view:
            found = view.execute(sa.select(orders.c.document).where(orders.c.order_id == order_id)).scalar()
        return None if found is None else Order.model_validate(found)

    def orders_of(self, customer_id: str) -> list[Order]:
        """See `Backend.orders_of`."""
        asked = sa.select(orders.c.document).where(orders.c.customer_id == customer_id).order_by(orders.c.order_id)
        with self._state.read() as view:
            return [Order.model_validate(found) for found in view.execute(asked).scalars()]

    def product(self, product_id: str) -> Product | None:
        """See `Backend.product`."""
        asked = sa.select(products.c.document).where(products.c.product_id == product_id)
        with self._state.read() as view:
            found = view.execute(asked).scalar()
        return None if found is None else Product.model_validate(found)

    def commit(self, change: Change, key: str) -> None:
        """See `Backend.commit`."""
        with self._state.write(alone="support orders") as writing:
            if writing.execute(sa.select(applied.c.key).where(applied.c.key == key)).scalar() is not None:
                return
            self._must_be_as_found(writing, change)
            if change.after is not None:
                _put_order(writing, change.after)
            _put_customer(writing, change.customer)
            writing.execute(sa.insert(applied).values(key=key, at=clock.now()))

    def is_applied(self, key: str) -> bool:
        """See `Backend.is_applied`."""
        with self._state.read() as view:
            return view.execute(sa.select(applied.c.key).where(applied.c.key == key)).scalar() is not None

    def _must_be_as_found(self, writing: sa.Connection, change: Change) -> None:
        who = sa.select(customers.c.document).where(customers.c.customer_id == change.customer.customer_id)
        is_as_found = Customer.model_validate(writing.execute(who).scalar_one()) == change.customer_before
        if change.before is not None:
            order = sa.select(orders.c.document).where(orders.c.order_id == change.before.order_id)
            is_as_found &= Order.model_validate(writing.execute(order).scalar_one()) == change.before
        if not is_as_found:
            raise RefusedError("changed_meanwhile")

    def _customer(self, which: sa.ColumnElement[bool]) -> Customer | None:
        with self._state.read() as view:
            found = view.execute(sa.select(customers.c.document).where(which).limit(2)).scalars().all()
        return Customer.model_validate(found[0]) if len(found) == 1 else None


def folded(text: str) -> str:
    """A name or e-mail as it is compared: small letters, one space between words, one spelling of each letter.

    >>> folded("  Ada   LOVELACE ")
    'ada lovelace'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _put_customer(change: sa.Connection, one: Customer) -> None:
    row = {
        "email": folded(one.email),
        "name": folded(f"{one.name.first_name} {one.name.last_name}"),
        "zip": folded(one.address.zip),
        "document": one.model_dump(mode="json"),
    }
    _put(change, customers, customers.c.customer_id, one.customer_id, row)


def _put_order(change: sa.Connection, order: Order) -> None:
    row = {"customer_id": order.customer_id, "document": order.model_dump(mode="json")}
    _put(change, orders, orders.c.order_id, order.order_id, row)


def _put_product(change: sa.Connection, product: Product) -> None:
    _put(change, products, products.c.product_id, product.product_id, {"document": product.model_dump(mode="json")})


def _put(change: sa.Connection, table: sa.Table, key: sa.Column[str], of: str, row: Mapping[str, object]) -> None:
    if change.execute(sa.update(table).where(key == of).values(row)).rowcount == 0:
        change.execute(sa.insert(table).values({key.name: of, **row}))
