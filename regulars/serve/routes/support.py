"""Conversations with support: a message in, the reply as server-sent events; and the chat for pages.

A conversation's id is random and long. Who has it may read on: the page that began it, or that was given it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from regulars.serve import body as bodies
from regulars.serve.access import admit, given
from regulars.serve.keys import Key
from regulars.serve.problems import Problem
from regulars.serve.routes.decision import MOST_BYTES, PROBLEMS, Asked, Id, asked_of, here, json_of
from regulars.support import Chat

routes = APIRouter(tags=["support"])


class Message(Asked):
    """What a customer says."""

    message: str = Field(description="What the customer says; of a long one the first 4,000 characters are read.")
    conversation_id: Id | None = Field(None, description="Of the message before; none begins a conversation.")
    proposal: int | None = Field(
        None,
        description="Of the reply that the customer saw last: a yes is to that proposal and no other, though the "
        "message arrives twice.",
    )
    customer_id: Id | None = Field(
        None, description="Who speaks, where the shop knows; only at the beginning, and never by the key of a page."
    )


class Opening(Asked):
    """Who is signed in, by the word of the shop's server."""

    customer_id: Id


class Opened(BaseModel):
    """A conversation that has begun."""

    conversation_id: str


class Told(BaseModel):
    """One message.

    Attributes
    ----------
    who : customer, ai or person: people's names stay inside.
    """

    at: datetime
    who: str
    text: str
    citations: list[str]


class Conversation(BaseModel):
    """All that was said.

    Attributes
    ----------
    status : open; person: one goes on; ended.
    """

    status: str
    messages: list[Told]


@routes.post(
    "/v1/support/messages",
    response_class=StreamingResponse,
    responses={
        **PROBLEMS,
        200: {"description": "Events: conversation, so_far, text, reply.", "content": {"text/event-stream": {}}},
    },
    openapi_extra={
        "security": [{"key": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": Message.model_json_schema(),
                    "example": {"message": "Hello"},
                }
            },
        },
    },
)
async def messages(request: Request) -> StreamingResponse:
    """A message of a customer; its answer as a stream of events: `conversation`, `text` a line each, `reply`.

    Where a language model writes, `so_far` comes before `text`: the reply as far as it is checked, each time from its
    beginning.
    """
    key = await admit(request, "support", given(request))
    asked: Message = asked_of(Message, await bodies.read(request, MOST_BYTES))
    if asked.customer_id is not None:
        _refuse_pages(key)
    chat = here(request).chat.get()
    conversation = asked.conversation_id
    if conversation is None:
        is_public = key is not None and bool(key.origins)
        conversation = await asyncio.to_thread(chat.open, asked.customer_id, is_public=is_public)
    saying = _Saying(chat, conversation, asked)
    # What is refused is so before the stream begins.
    first = await saying.next()
    # A proxy before it (nginx) would else keep all sentences until the last is there.
    unheld = {"x-accel-buffering": "no"}
    return StreamingResponse(_events(conversation, first, saying), media_type="text/event-stream", headers=unheld)


@routes.post(
    "/v1/support/conversations",
    responses=PROBLEMS,
    openapi_extra={
        "security": [{"key": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": Opening.model_json_schema(), "example": {"customer_id": "ada"}}},
        },
    },
)
async def begin(request: Request) -> Opened:
    """A conversation of a customer who is signed in, for the page that this customer sees; never by a page's key."""
    _refuse_pages(await admit(request, "support", given(request)))
    asked: Opening = asked_of(Opening, await bodies.read(request, MOST_BYTES))
    chat = here(request).chat.get()
    return Opened(conversation_id=await asyncio.to_thread(chat.open, asked.customer_id))


@routes.get(
    "/v1/support/conversations/{conversation_id}", responses=PROBLEMS, openapi_extra={"security": [{"key": []}]}
)
async def read(request: Request, conversation_id: str) -> Conversation:
    """What was said in a conversation, by the assistant and by people."""
    await admit(request, "support", given(request))
    chat = here(request).chat.get()
    status, said = await asyncio.to_thread(lambda: (chat.status(conversation_id), chat.said(conversation_id)))
    return Conversation(
        status=status,
        messages=[
            Told(
                at=one.at, text=one.text, citations=one.about.get("citations", []),
                who=one.who if one.who in ("customer", "ai") else "person",
            )
            for one in said
        ],
    )  # fmt: skip


@routes.get("/support.js", response_class=Response, responses={200: {"content": {"text/javascript": {}}}})
async def widget() -> Response:
    """The chat for pages, as a script; see `regulars/client/support.js`."""
    return Response(_script(), media_type="text/javascript", headers={"cross-origin-resource-policy": "cross-origin"})


@cache
def _script() -> bytes:
    return (files("regulars.client") / "support.js").read_bytes()


def _refuse_pages(key: Key | None) -> None:
    if key is not None and key.origins:
        raise Problem(
            403,
            f"The key {key.prefix}… stands in a page, where anybody could name anybody. Let the shop's server begin "
            "the conversation: POST /v1/support/conversations",
        )


class _Saying:
    """A message on its way to a reply, in a thread of its own.

    Attributes
    ----------
    reply : once it is there.
    """

    def __init__(self, chat: Chat, conversation: str, asked: Message) -> None:
        loop = asyncio.get_running_loop()
        self._heard: asyncio.Queue[str | None] = asyncio.Queue()

        def heard(so_far: str) -> None:
            with suppress(RuntimeError):  # the server ends; the reply is kept all the same
                loop.call_soon_threadsafe(self._heard.put_nowait, so_far)

        said = asyncio.to_thread(chat.say, conversation, asked.message, asked.proposal, heard)
        self.reply = asyncio.create_task(said)
        self.reply.add_done_callback(lambda _: self._heard.put_nowait(None))

    async def next(self) -> str | None:
        """The reply as far as it may be read; None once it is whole. Raises what `Chat.say` does."""
        so_far = await self._heard.get()
        if so_far is None:
            await self.reply
        return so_far


async def _events(conversation: str, so_far: str | None, saying: _Saying) -> AsyncIterator[bytes]:
    yield _event("conversation", {"conversation_id": conversation})
    while so_far is not None:
        yield _event("so_far", {"text": so_far})
        so_far = await saying.next()
    reply = await saying.reply
    for line in reply.text.splitlines():
        yield _event("text", {"text": line})
    handed = reply.hand_over
    yield _event("reply", {
        **reply.mark,
        "hand_over": handed and {"reason": handed.reason, "number": handed.number, "wait_minutes": handed.wait_minutes},
    })  # fmt: skip


def _event(name: str, said: Any) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + json_of(said) + b"\n\n"
