"""What went wrong, as every route says it: a problem document (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from regulars.errors import OverLimitError, RegularsError, UnavailableError

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
"""After which what does not answer now may be tried again."""


class Problem(Exception):
    """A request that cannot be answered as asked.

    Parameters
    ----------
    status : of HTTP.
    detail : what is wrong, and how to mend it.
    headers : of the answer.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


def problem(status: int, detail: str, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """A problem document."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    # Of half a surrogate pair, which a detail may repeat, this makes what JSON escapes it by.
    text = json.dumps(document, ensure_ascii=False).encode(errors="backslashreplace")
    return Response(text, status, headers, MEDIA_TYPE)


def mistake(request_id: str) -> Response:
    """The problem document of a mistake of the server's own, of which its log says more."""
    return problem(500, "The server made a mistake. Its log has it under the id of this request.", request_id)


def answer_to(error: Problem | RegularsError, request_id: str) -> Response:
    """The problem document of a problem, or of a user's mistake."""
    if isinstance(error, Problem):
        return problem(error.status, error.detail, request_id, error.headers)
    headers = {}
    if isinstance(error, OverLimitError):
        headers["retry-after"] = str(error.retry_seconds)
    elif error.status in (UnavailableError.status, HTTPStatus.INSUFFICIENT_STORAGE):
        headers["retry-after"] = str(RETRY_SECONDS)
    return problem(error.status, str(error), request_id, headers)


def handle(app: FastAPI) -> None:
    """Let an application answer problems, and its users' mistakes, in this way."""

    @app.exception_handler(Problem)
    @app.exception_handler(RegularsError)
    async def _problem(request: Request, error: Problem | RegularsError) -> Response:
        return answer_to(error, request.scope["request_id"])

    @app.exception_handler(Exception)
    async def _mistake(request: Request, _: Exception) -> Response:
        return mistake(request.scope["request_id"])

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail), request.scope["request_id"], error.headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        said = "; ".join(f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors())
        return problem(422, said, request.scope["request_id"])
