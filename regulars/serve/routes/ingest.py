"""Events in, as Segment's HTTP API takes them: acknowledged once they are on the disk."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from regulars import clock
from regulars.serve import body as bodies
from regulars.serve.access import address_of, admit, given
from regulars.serve.calls import BATCH_BYTES, BATCH_CALLS, KINDS, MOST_BYTES, Refused, arrival, prepared
from regulars.serve.direct import Handler, direct
from regulars.serve.problems import MEDIA_TYPE, Problem
from regulars.serve.serving import Serving

routes = APIRouter(tags=["ingest"])

SHORT = {"track": "t", "identify": "i", "page": "p", "screen": "s", "group": "g", "alias": "a", "batch": "b"}
"""What analytics.js calls them."""
EXAMPLES: dict[str, dict[str, Any]] = {
    "track": {"userId": "ada", "event": "Product Viewed", "properties": {"product_id": "tea", "price": 4.5}},
    "identify": {"userId": "ada", "anonymousId": "v-1", "traits": {"email": "ada@example.com"}},
    "page": {"anonymousId": "v-1", "name": "Home"},
    "screen": {"anonymousId": "v-1", "name": "Home"},
    "group": {"userId": "ada", "groupId": "wholesale"},
    "alias": {"previousId": "v-1", "userId": "ada"},
    "batch": {"batch": [{"type": "page", "anonymousId": "v-1", "name": "Home"}]},
}
REFUSALS = {
    400: "The body cannot be read, or no call in it can be an event.",
    401: "No key that counts.",
    403: "The key is for something else.",
    408: "The body took too long to come.",
    413: "The body is too long.",
    415: "The body is packed in an unknown way.",
    429: "Too often, or too many events wait.",
    503: "The server starts or stops, or what it stands on does not answer.",
    507: "The disk is full.",
}


async def _one(request: Request, kind: str) -> Response:
    call, serving, came = await _taken(request, MOST_BYTES)
    try:
        kept = prepared(call, kind, arrival({"sentAt": call.get("sentAt")}, came, address_of(request, serving)))
    except Refused as error:
        serving.metrics.refused.inc()
        raise Problem(400, f"{error}.") from None
    await _put(serving, [kept])
    return _json({"success": True})


async def _batch(request: Request) -> Response:
    said, serving, came = await _taken(request, BATCH_BYTES)
    calls = said.get("batch")
    if not isinstance(calls, list) or not calls:
        raise Problem(400, 'batch is missing or no list; {"batch": [{"type": "track", …}, …]} is expected.')
    if len(calls) > BATCH_CALLS:
        raise Problem(413, f"The batch has {len(calls):,} calls; at most {BATCH_CALLS:,} are taken. Send it in parts.")
    try:
        arrived = arrival(said, came, address_of(request, serving))
    except Refused as error:
        raise Problem(400, f"{error}.") from None
    kept, refused = [], []
    for place, call in enumerate(calls):
        try:
            kept.append(prepared(call, "", arrived))
        except Refused as error:
            refused.append({"index": place, "reason": str(error)})
    serving.metrics.refused.inc(len(refused))
    if not kept:
        raise Problem(400, f"No call of the batch can be an event; of the first, {refused[0]['reason']}.")
    await _put(serving, kept)
    # What is wrong with one call is no reason to lose the others: Segment's clients do not send those again.
    return _json({"success": True, "refused": refused} if refused else {"success": True})


def _json(answer: dict[str, Any]) -> Response:
    return Response(orjson.dumps(answer), media_type="application/json")


async def _taken(request: Request, most: int) -> tuple[dict[str, Any], Serving, Any]:
    serving: Serving = request.app.state.serving
    secret = given(request)
    if secret is not None:
        await admit(request, "ingest", secret)
    body = bodies.parse(await bodies.read(request, most))
    if secret is None:
        key = body.get("writeKey")
        await admit(request, "ingest", key if isinstance(key, str) else None)
    return body, serving, clock.now()


async def _put(serving: Serving, kept: list[bytes]) -> None:
    await serving.arriving.put(kept)
    serving.metrics.received.inc(len(kept))


def _of(kind: str) -> Handler:
    async def take(request: Request) -> Response:
        return await (_batch(request) if kind == "batch" else _one(request, kind))

    take.__name__, take.__doc__ = kind, f"Take {'many calls' if kind == 'batch' else f'a call of {kind}'} in."
    return take


for _kind in (*KINDS, "batch"):
    _take = _of(_kind)
    _asked = {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}, "example": EXAMPLES[_kind]}},
    }
    routes.add_api_route(
        f"/v1/{_kind}",
        _take,
        methods=["POST"],
        route_class_override=direct(_take),
        responses={status: {"description": words, "content": {MEDIA_TYPE: {}}} for status, words in REFUSALS.items()},
        openapi_extra={"requestBody": _asked, "security": [{"key": []}]},
    )
    for _path in (f"/v1/{SHORT[_kind]}", *(["/v1/import"] if _kind == "batch" else [])):
        routes.add_api_route(
            _path, _take, methods=["POST"], route_class_override=direct(_take), include_in_schema=False
        )
