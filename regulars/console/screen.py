"""A screen: its place in the navigation, and its routes with the roles that they are for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from starlette.responses import Response

from regulars.console.roles import Roles

if TYPE_CHECKING:
    from regulars.console.app import Console
    from regulars.console.visit import Visit

Handler = Callable[["Visit"], Response]
Make = Callable[["Console"], object]
Group = Literal["", "customers", "acting", "guarding", "running"]
GROUPS: tuple[Group, ...] = ("", "customers", "acting", "guarding", "running")
"""Of the navigation, from top to bottom."""


class Route(NamedTuple):
    """What answers a path.

    Attributes
    ----------
    path : below /console; parameters of it as Starlette writes them.
    may : the roles that it is for.
    """

    method: Literal["GET", "POST"]
    path: str
    may: Roles
    handler: Handler


class Screen:
    """A part of the console: a module of `screens/` makes one, and adds its routes.

    Parameters
    ----------
    name : of its words (`words/NAME.toml`, which has a `title`), its templates and its path.
    group : where it stands in the navigation; None if it does not stand there.

    Attributes
    ----------
    routes : what it answers.
    warmed : what takes long and is begun when the console begins to serve (`Console.warm`).

    Examples
    --------
    >>> from regulars.console.roles import ALL
    >>> screen = Screen("teas", group="customers")
    >>> @screen.get("/teas", may=ALL)
    ... def teas(visit):
    ...     return visit.page("teas/index.html")
    >>> [(route.method, route.path) for route in screen.routes]
    [('GET', '/teas')]
    """

    def __init__(self, name: str, group: Group | None = None) -> None:
        self.name, self.group = name, group
        self.routes: list[Route] = []
        self.warmed: list[Make] = []

    @property
    def path(self) -> str:
        """Of its first page."""
        return self.routes[0].path

    @property
    def may(self) -> Roles:
        """The roles that its first page is for: others don't see it in the navigation."""
        return self.routes[0].may

    def get(self, path: str, *, may: Roles) -> Callable[[Handler], Handler]:
        """A page or a part of one: it changes nothing."""
        return self._adding("GET", path, may)

    def post(self, path: str, *, may: Roles) -> Callable[[Handler], Handler]:
        """A change: it asks for the token of a form, and ends in `visit.go`."""
        return self._adding("POST", path, may)

    def _adding(self, method: Literal["GET", "POST"], path: str, may: Roles) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            self.routes.append(Route(method, path, may, handler))
            return handler

        return add
