"""A shop's own system as the backend: reads over HTTP, each change one signed POST that may be repeated.

The shop's system answers at its address:

- `GET /customers/ID`, `GET /customers?email=...`, `GET /customers?name=...&zip=...`: a customer, else 404
- `GET /customers/ID/orders`: a list of orders
- `GET /orders/ID`, `GET /products/ID`
- `POST /changes`: makes a change, whole; 200 when it is made, or was made under the same `Idempotency-Key` before; 409
  if the order is no longer as the change found it
- `GET /changes/KEY`: 200 if a change was made under that key, else 404

Bodies are JSON, in the fields of `regulars.support.order.things`.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx2
from pydantic import BaseModel, ValidationError

from regulars import clock
from regulars.errors import ConfigError, UnavailableError
from regulars.language.background import wait
from regulars.language.deadline import left
from regulars.support.order.backend import folded
from regulars.support.order.policy import Change, RefusedError
from regulars.support.order.things import Customer, Order, Product
from regulars.webhook import SIGNATURE, AsyncTransport, is_safe, signature

LARGEST = 8 << 20
"""Bytes of an answer that are read."""

NOT_THERE = 404
Thing = TypeVar("Thing", bound=BaseModel)


class Webhooks:
    """A backend behind HTTP; see the module for what the shop's system answers.

    Parameters
    ----------
    url : https, or http on this machine alone.
    secret : that both sides know; every request is signed with it.
    timeout_seconds : an answer that is not there in whole by then is none.
    private_networks : see `regulars.webhook.may_go_to`.

    Raises
    ------
    ConfigError
        If the url is none.
    """

    def __init__(
        self, url: str, secret: str, timeout_seconds: float = 5.0, private_networks: Iterable[str] = ()
    ) -> None:
        parts = urlsplit(url)
        if not parts.hostname or not is_safe(url):
            raise ConfigError(f'The support backend "{url}" is no address with https.')
        self._root, self._base = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
        self._secret, self._timeout = secret, timeout_seconds
        self._tls, self._near = ssl.create_default_context(), tuple(private_networks)

    def customer(self, customer_id: str) -> Customer | None:
        """See `Backend.customer`."""
        found = self._one(Customer, f"/customers/{_part(customer_id)}")
        return found if found is not None and found.customer_id == customer_id else None

    def customer_by_email(self, email: str) -> Customer | None:
        """See `Backend.customer_by_email`."""
        found = self._one(Customer, f"/customers?{urlencode({'email': email})}")
        return found if found is not None and folded(found.email) == folded(email) else None

    def customer_by_name(self, name: str, zip_code: str) -> Customer | None:
        """See `Backend.customer_by_name`."""
        found = self._one(Customer, f"/customers?{urlencode({'name': name, 'zip': zip_code})}")
        if found is None or folded(found.address.zip) != folded(zip_code):
            return None
        return found if folded(f"{found.name.first_name} {found.name.last_name}") == folded(name) else None

    def order(self, order_id: str) -> Order | None:
        """See `Backend.order`."""
        found = self._one(Order, f"/orders/{_part(order_id)}")
        return found if found is not None and found.order_id == order_id else None

    def orders_of(self, customer_id: str) -> list[Order]:
        """See `Backend.orders_of`."""
        found = self._got(f"/customers/{_part(customer_id)}/orders")
        orders = [self._read(Order, one, "orders") for one in (found if isinstance(found, list) else [])]
        # Whatever the shop's system sends: nobody is shown another's order.
        return sorted((one for one in orders if one.customer_id == customer_id), key=lambda one: one.order_id)

    def product(self, product_id: str) -> Product | None:
        """See `Backend.product`."""
        return self._one(Product, f"/products/{_part(product_id)}")

    def commit(self, change: Change, key: str) -> None:
        """See `Backend.commit`."""
        said = {
            "action": change.action.name,
            "arguments": change.action.model_dump(mode="json"),
            "customer_id": change.customer.customer_id,
            "before": None if change.before is None else change.before.model_dump(mode="json"),
            "after": None if change.after is None else change.after.model_dump(mode="json"),
            "customer": change.customer.model_dump(mode="json"),
            "moved": {way: str(amount) for way, amount in change.moved.items()},
        }
        self._asked("POST", "/changes", json.dumps(said, ensure_ascii=False).encode(), {"Idempotency-Key": key})

    def is_applied(self, key: str) -> bool:
        """See `Backend.is_applied`."""
        code, _ = self._asked("GET", f"/changes/{_part(key)}")
        return code != NOT_THERE

    def _one(self, kind: type[Thing], path: str) -> Thing | None:
        found = self._got(path)
        return None if found is None else self._read(kind, found, path)

    def _read(self, kind: type[Thing], found: Any, path: str) -> Thing:
        try:
            return kind.model_validate(found)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise UnavailableError(f"The shop's system answered {path} with {place}: {first['msg']}.") from None

    def _got(self, path: str) -> Any:
        code, text = self._asked("GET", path)
        try:
            return json.loads(text) if text and code != NOT_THERE else None
        except (ValueError, RecursionError):
            raise UnavailableError(f"The shop's system answered GET {path} with what is no JSON.") from None

    def _asked(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        path = self._base + path
        signed = signature(self._secret, int(clock.now().timestamp()), body, path)
        kind = {"Content-Type": "application/json; charset=utf-8", "Accept-Encoding": "identity"}
        sent = {**kind, SIGNATURE: signed, **(headers or {})}
        try:
            # All of it in all: a server that sends a byte now and then outlives a limit of each read.
            code, text = wait(self._answer(method, path, body, sent), left(self._timeout))
        except (OSError, httpx2.HTTPError) as error:
            said = str(error) or type(error).__name__
            raise UnavailableError(f"The shop's system did not answer {method} {path}: {said}. Try again.") from None
        is_read = method == "GET"
        if code == 409 and not is_read:
            raise RefusedError("changed_meanwhile")
        # Where changes are made, nothing may be missing: a wrong address is no change that was made.
        if not (200 <= code < 300 or (is_read and code == NOT_THERE)) or len(text) > LARGEST:
            raise UnavailableError(f"The shop's system answered {method} {path} with {code}.")
        return code, text

    async def _answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        # Redirects are not followed: customers' data go where the shop said, and nowhere else.
        async with (
            httpx2.AsyncClient(
                transport=AsyncTransport(self._near, verify=self._tls), follow_redirects=False, timeout=None
            ) as client,
            client.stream(method, self._root + path, content=body or None, headers=headers) as answer,
        ):
            text = b""
            async for chunk in answer.aiter_raw():
                text += chunk
                if len(text) > LARGEST:
                    break
            return answer.status_code, text


def _part(text: str) -> str:
    return quote(text, safe="")
