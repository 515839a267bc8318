"""A route that decides: a JSON object in, another out, checked by their models, and nothing else on the way.

A request with an `Idempotency-Key` is answered again as it was, without deciding twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Any, Generic, TypeVar, cast

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.responses import Response

from regulars.errors import UnavailableError
from regulars.serve import body as bodies
from regulars.serve.access import admit, given
from regulars.serve.direct import Handler, direct
from regulars.serve.live import LiveShop
from regulars.serve.problems import MEDIA_TYPE, Problem
from regulars.serve.serving import Serving

MOST_BYTES = 256 << 10
BATCH = 100
"""So many requests a batch holds."""
LONGEST_KEY = 100
REFUSALS = {
    400: "The body cannot be read.",
    401: "No key that counts.",
    403: "The key is for something else.",
    404: "Not known, not learned, or not decided yet.",
    409: "A request with the same Idempotency-Key is being answered, or what is asked of is not in the state for it.",
    413: "The body is too long.",
    422: "A field is missing or wrong.",
    429: "Too often.",
    503: "The server starts or stops, or makes what this stands on.",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": words, "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
    for status, words in REFUSALS.items()
}
Id = Annotated[str, StringConstraints(min_length=1, max_length=512)]
One = TypeVar("One")
Answer = TypeVar("Answer")
Endpoint = Callable[[LiveShop, Any], Awaitable[Any]]


class Asked(BaseModel):
    """What comes in; what it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


class Batch(Asked, Generic[One]):
    """Several at once; they are answered in their order."""

    requests: list[One] = Field(min_length=1, max_length=BATCH)


class Answers(BaseModel, Generic[Answer]):
    """Answers in the order of the requests."""

    answers: list[Answer]


def here(request: Request) -> LiveShop:
    """What decisions stand on.

    Raises
    ------
    UnavailableError
        While the server starts or stops.
    """
    serving: Serving = request.app.state.serving
    serving.require_ready()
    if serving.live is None:
        raise UnavailableError("The server starts. Ask again.")
    return cast(LiveShop, serving.live)  # where it is less, all that needs more is asked elsewhere


def noted(request: Request, customer_ids: Iterable[str], path: str) -> None:
    """Note down that who asks reads of customers."""
    request.app.state.serving.reads.note(request.scope["key"], customer_ids, path)


def json_of(answer: Any) -> bytes:
    """JSON, UTF-8."""
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY, default=str)


def _handler(path: str, scope: str, asked: type[BaseModel], endpoint: Endpoint, is_read: bool) -> Handler:
    async def handle(request: Request) -> Response:
        await admit(request, scope, given(request))
        body = await bodies.read(request, MOST_BYTES)
        live = here(request)
        key = request.headers.get("idempotency-key")
        if is_read:
            said = asked_of(asked, body)
            noted(request, [each.customer_id for each in getattr(said, "requests", [said])], path)
        if key is None:
            return _json(json_of(await endpoint(live, asked_of(asked, body))))
        if not 0 < len(key) <= LONGEST_KEY:
            raise Problem(422, f"An Idempotency-Key has 1 to {LONGEST_KEY} letters.")
        repeated = request.app.state.serving.repeated
        place = (request.scope["key"], path, key)
        found = repeated.begin(place, body)
        if found is None:
            try:
                found = json_of(await endpoint(live, asked_of(asked, body)))
            finally:
                repeated.end(place, found)
        return _json(found)

    return handle


def _json(answer: bytes) -> Response:
    return Response(answer, media_type="application/json")


def asked_of(model: type[BaseModel], body: bytes) -> Any:
    """What is asked, checked.

    Raises
    ------
    Problem
        400 if it is no JSON, 422 if a field is missing or wrong.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        if found[0]["type"] == "json_invalid":
            raise Problem(400, f"The body is no JSON: {found[0]['msg']}.") from None
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found[:5])
        raise Problem(422, said) from None


def decide(
    routes: APIRouter, path: str, endpoint: Endpoint, asked: type[BaseModel], answer: type[BaseModel],
    example: Mapping[str, Any], *, scope: str = "decide", has_batch: bool = True, is_read: bool = False,
) -> None:  # fmt: skip
    """Add a route that decides, and its batch form at `path/batch`.

    Parameters
    ----------
    endpoint : takes the shop and what is asked; its name and its docstring are those of the operation.
    example : of a request.
    is_read : whether the answer tells what is known of a customer, so that it is noted down who read it.
    """
    name, words = endpoint.__name__, endpoint.__doc__ or ""
    _add(routes, path, _handler(path, scope, asked, endpoint, is_read), asked, answer, example, name, words)
    if not has_batch:
        return

    async def several(live: LiveShop, batch: Any) -> dict[str, Any]:
        found = []
        for place, each in enumerate(batch.requests):
            if place:
                await asyncio.sleep(0)  # so that others are answered between
            found.append(await endpoint(live, each))
        return {"answers": found}

    path, of_several = f"{path}/batch", Batch[asked]  # type: ignore[valid-type]
    handler = _handler(path, scope, of_several, several, is_read)
    answers = Answers[answer]  # type: ignore[valid-type]
    _add(routes, path, handler, of_several, answers, {"requests": [example]}, f"{name}_batch", f"Many: {words}")


def _add(
    routes: APIRouter, path: str, handler: Handler, asked: type[BaseModel], answer: type[BaseModel],
    example: Mapping[str, Any], name: str, words: str,
) -> None:  # fmt: skip
    def shown(asked: Any) -> None:
        """FastAPI makes OpenAPI of its signature; requests go to the handler."""

    shown.__annotations__ = {"asked": asked}
    shown.__name__, shown.__doc__ = name, words

    routes.add_api_route(
        path, shown, methods=["POST"], response_model=answer, responses=PROBLEMS, route_class_override=direct(handler),
        openapi_extra={
            "requestBody": {"content": {"application/json": {"example": dict(example)}}}, "security": [{"key": []}],
        },
    )  # fmt: skip
