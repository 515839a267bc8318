"""Routes that only read: who asks, an ETag by which nothing is sent twice, and lists that go on by a cursor."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Path, Query, Request
from starlette.responses import Response

from regulars.serve.access import admit, given
from regulars.serve.live import LiveShop
from regulars.serve.live.people import People
from regulars.serve.problems import Problem
from regulars.serve.routes.decision import here, json_of

Customer = Annotated[str, Path(min_length=1, max_length=512)]
Cursor = Annotated[str | None, Query(max_length=200, description="Where the list goes on: `next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Rows a page.")]
SECURED: dict[str, Any] = {"security": [{"key": []}]}


async def reader(request: Request) -> LiveShop:
    """The shop, for who may ask for decisions."""
    await admit(request, "decide", given(request))
    return here(request)


def told(request: Request, answer: Any) -> Response:
    """JSON with its ETag; 304 for who has it."""
    body = json_of(answer)
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"etag": tag}
    if tag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def paged(people: People, column: str, cursor: str | None, limit: int, row: Callable[..., dict[str, Any]]) -> Any:
    """A page of customers by the highest values of a column, and the cursor of the next.

    Raises
    ------
    Problem
        422 if the cursor is none, or of a list that was made anew since.
    """
    made = people.as_of.isoformat() if people.as_of else ""
    start = 0
    if cursor is not None:
        try:
            of, _, place = base64.urlsafe_b64decode(cursor.encode()).decode().rpartition("|")
            start = int(place)
        except (binascii.Error, ValueError):
            raise Problem(422, "The cursor is none: take `next` of the page before.") from None
        if of != made or start < 0:
            raise Problem(422, "The list was made anew since: begin again without a cursor.")
    rows = [row(customer, said) for customer, said in people.sorted_by(column, start, limit)]
    end = start + limit
    after = base64.urlsafe_b64encode(f"{made}|{end}".encode()).decode() if end < len(people.ids) else None
    return {"as_of": people.as_of, "customers": rows, "next": after}
