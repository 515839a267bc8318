"""The console's own files: its stylesheet, scripts and icons, served from here, compressed, and kept by browsers."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath

from starlette.requests import Request
from starlette.responses import Response

from regulars.errors import NotFoundError

ROOT = files("regulars.console").joinpath("static")
KINDS = {
    ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}  # fmt: skip
"""What is served; what is of another kind, such as a licence, is not."""


@cache
def _all() -> dict[str, bytes]:
    found = {path.name: path for path in ROOT.iterdir() if path.is_file()}
    found |= {f"vendor/{path.name}": path for path in ROOT.joinpath("vendor").iterdir()}
    return {name: path.read_bytes() for name, path in sorted(found.items()) if PurePosixPath(name).suffix in KINDS}


@cache
def version() -> str:
    """Another one when any file is: it stands in their addresses, so that browsers may keep them for ever."""
    return hashlib.sha256(b"".join(_all().values())).hexdigest()[:12]


def url(name: str) -> str:
    """The address of a file.

    >>> url("console.css").endswith("/console.css")
    True
    """
    if name not in _all():
        raise KeyError(name)
    return f"/console/static/{version()}/{name}"


@cache
def _packed(name: str) -> bytes:
    return gzip.compress(_all()[name], 9, mtime=0)


async def answer(request: Request) -> Response:
    """A file, compressed where the browser takes that."""
    name = request.path_params["name"]
    if name not in _all():
        raise NotFoundError(f"There is no file {name}.")
    headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
    body = _all()[name]
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        body = _packed(name)
    return Response(body, headers=headers, media_type=KINDS[PurePosixPath(name).suffix])
