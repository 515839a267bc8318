"""A request as a screen sees it: who asks, in which language, and how to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from regulars.console import audit, rendering
from regulars.console.people import Person
from regulars.console.roles import Roles, may
from regulars.console.sessions import form_token
from regulars.console.words import say
from regulars.errors import InputError

if TYPE_CHECKING:
    from regulars.console.app import Console
    from regulars.console.screen import Screen
    from regulars.shop import Shop

ROOT = "/console"


class Visit:
    """One request to the console.

    Attributes
    ----------
    console : what all requests share: the shop, jobs, approvals.
    person : who is signed in; None on pages for anybody.
    language : "en" or "zh".
    session : the token of the cookie.
    form : what was sent, of a change.
    """

    def __init__(
        self, console: Console, request: Request, session: str, person: Person | None, language: str, screen: Screen
    ) -> None:
        self.console, self.request, self.screen = console, request, screen
        self.session, self.person, self.language = session, person, language
        self.said: list[dict[str, Any]] = []
        self.form: Mapping[str, Any] = FormData()

    @property
    def shop(self) -> Shop:
        """The shop; within `Console.reading` the one that this request reads by."""
        return self.console.readers.held or self.console.shop

    @property
    def signed_in(self) -> Person:
        """Who is signed in; TypeError on a page for anybody."""
        if self.person is None:
            raise TypeError("nobody is signed in")
        return self.person

    @property
    def who(self) -> str:
        """The e-mail address of who is signed in."""
        return self.signed_in.email

    @property
    def theme(self) -> str:
        """auto, light or dark."""
        return self.person.theme if self.person else "auto"

    def t(self, key: str, **values: Any) -> str:
        """A message in the language of who asks; one that begins with a dot is the screen's own."""
        return say(self.language, f"{self.screen.name}{key}" if key.startswith(".") else key, **values)

    def allows(self, roles: Roles) -> bool:
        """Whether who asks is among these roles: for what a page shows to some alone."""
        return may(self.person.role if self.person else None, roles)

    def asked(self, name: str, default: str = "") -> str:
        """What the address says under a name."""
        return str(self.request.query_params.get(name, default))

    def needed(self, name: str) -> str:
        """What the address says under a name; InputError if it says nothing."""
        value = self.asked(name).strip()
        if not value:
            raise InputError(self.t("shell.field_missing", name=name))
        return value

    def customer(self) -> str:
        """The customer whom the address names (`id`): that who asks reads of this one is noted down."""
        customer_id = self.needed("id")
        self.console.serving.reads.note(self.who, [customer_id], self.request.url.path)
        return customer_id

    def number(self, name: str) -> int:
        """A whole number that the path names; InputError if it is none."""
        try:
            return int(self.request.path_params[name])
        except ValueError:
            raise InputError(f'"{self.request.path_params[name]}" is no number.') from None

    def given(self, name: str) -> str:
        """What a form says under a name; InputError if it lacks it."""
        value = self.form.get(name)
        if not isinstance(value, str) or not value.strip():
            raise InputError(self.t("shell.field_missing", name=name))
        return value.strip()

    def file(self, name: str) -> UploadFile:
        """A file that a form brings; InputError if it lacks it."""
        value = self.form.get(name)
        if not isinstance(value, UploadFile) or not value.filename:
            raise InputError(self.t("shell.field_missing", name=name))
        return value

    @property
    def as_of(self) -> datetime:
        """The moment of which is asked (`?as_of=2024-05-01` is the beginning of that day, UTC); else the newest event.

        Raises
        ------
        InputError
            If it is no date.
        NotEnoughError
            If the log is empty.
        """
        text = self.asked("as_of")
        if not text:
            return self.console.now
        try:
            day = datetime.combine(datetime.fromisoformat(text).date(), time(), UTC)
        except ValueError:
            raise InputError(self.t("shell.no_date", text=text)) from None
        return min(day, self.console.now)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page, or a part of one, by its template below `templates/`."""
        return HTMLResponse(rendering.render(self, template, values), status)

    def go(
        self, path: str, said: str = "", undo: tuple[str, Mapping[str, str]] | None = None, **query: str
    ) -> Response:
        """After a change: on to a page, which says what was done, and offers to undo it.

        Parameters
        ----------
        path : below /console.
        undo : the path and fields of the change that takes this one back.
        """
        if said:
            about = {"text": said, "undo": undo and {"path": undo[0], "fields": dict(undo[1])}}
            self.console.sessions.say(self.session, [about])
        return RedirectResponse(url(path, **query), 303)

    def note(self, what: str, about: str, before: Any = None, after: Any = None) -> None:
        """Note a change down in the audit log: see `regulars.console.audit.note`."""
        audit.note(self.console.shop.state, self.who, what, about, before, after)

    def form_token(self) -> str:
        """What every form of a page carries."""
        return form_token(self.session)


def url(path: str, **query: str | Sequence[str]) -> str:
    """An address of the console; what has several values stands there once for each.

    >>> url("/customers", q="茶 & co", columns=["name", "spend"], stage="")
    '/console/customers?q=%E8%8C%B6+%26+co&columns=name&columns=spend'
    """
    asked = urlencode({name: value for name, value in query.items() if value}, doseq=True)
    return f"{ROOT}{quote(path)}" + (f"?{asked}" if asked else "")
