"""Conversations with support: a message in, the reply as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import StreamingResponse

from regulars.serve import body as bodies
from regulars.serve.access import admit, given
from regulars.serve.routes.decision import MOST_BYTES, PROBLEMS, Asked, Id, asked_of, here, json_of
from regulars.support import Chat, Reply

routes = APIRouter(tags=["support"])


class Message(Asked):
    """What a customer says."""

    message: str = Field(max_length=20_000)
    conversation_id: Id | None = Field(None, description="Of the message before; none begins a conversation.")
    customer_id: Id | None = Field(None, description="Who speaks, where the shop knows; only at the beginning.")


@routes.post(
    "/v1/support/messages",
    response_class=StreamingResponse,
    responses={
        **PROBLEMS,
        200: {"description": "Events: conversation, text, reply.", "content": {"text/event-stream": {}}},
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
    """A message of a customer; its answer as a stream of events: `conversation`, `text` a line each, `reply`."""
    await admit(request, "support", given(request))
    asked: Message = asked_of(Message, await bodies.read(request, MOST_BYTES))
    chat = here(request).chat.get()
    conversation, reply = await asyncio.to_thread(_said, chat, asked)
    return StreamingResponse(_events(conversation, reply), media_type="text/event-stream")


def _said(chat: Chat, asked: Message) -> tuple[str, Reply]:
    conversation = asked.conversation_id or chat.open(asked.customer_id)
    return conversation, chat.say(conversation, asked.message)


async def _events(conversation: str, reply: Reply) -> AsyncIterator[bytes]:
    yield _event("conversation", {"conversation_id": conversation})
    for line in reply.text.splitlines():
        yield _event("text", {"text": line})
    handed = reply.hand_over
    yield _event("reply", {
        **reply.mark,
        "hand_over": handed and {"reason": handed.reason, "number": handed.number, "wait_minutes": handed.wait_minutes},
    })  # fmt: skip


def _event(name: str, said: Any) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + json_of(said) + b"\n\n"
