"""Segments: which customers are alike."""

from __future__ import annotations

from starlette.responses import Response

from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.visit import Visit

screen = Screen("segments", group="customers")


@screen.get("/segments", may=ALL)
def index(visit: Visit) -> Response:
    """The first page."""
    return visit.page("coming.html")
