"""Pricing: which price, inside which guardrails."""

from __future__ import annotations

from starlette.responses import Response

from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.visit import Visit

screen = Screen("pricing", group="acting")


@screen.get("/pricing", may=ALL)
def index(visit: Visit) -> Response:
    """The first page."""
    return visit.page("coming.html")
