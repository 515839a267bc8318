"""What those who run the server ask: does it live, may it be asked, what has it counted?"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from regulars.serve.access import admit, given
from regulars.serve.metrics import CONTENT_TYPE_LATEST

routes = APIRouter(tags=["operation"])


@routes.get("/health")
async def health() -> dict[str, str]:
    """The process lives."""
    return {"status": "alive"}


@routes.get("/ready", responses={503: {"description": "It starts, or stops."}})
async def ready(request: Request) -> dict[str, str]:
    """It takes events in."""
    request.app.state.serving.require_all()
    return {"status": "ready"}


@routes.get("/metrics", responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """For Prometheus; needs a key with the scope admin."""
    await admit(request, "admin", given(request))
    return Response(request.app.state.serving.measured(), media_type=CONTENT_TYPE_LATEST)
