"""Data: imports, rejects, catalogue and identities."""

from __future__ import annotations

from starlette.responses import Response

from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.visit import Visit

screen = Screen("data", group="running")


@screen.get("/data", may=ALL)
def index(visit: Visit) -> Response:
    """The first page."""
    return visit.page("coming.html")
