"""Pages by Jinja: everything escaped, and no name that is not there passes for nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2

from regulars.console import assets
from regulars.console.spoken import spoken, spoken_chart
from regulars.console.words import LANGUAGES, NAMES, catalogue, say
from regulars.units import shown

if TYPE_CHECKING:
    from regulars.console.visit import Visit


@cache
def environment() -> jinja2.Environment:
    """The templates of the console."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("regulars.console"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    from regulars.console.visit import url  # noqa: PLC0415 - which needs this module

    made.tests["said"] = catalogue().__contains__  # whether there is a message of a key
    made.globals |= {"asset": assets.url, "url": url, "languages": [(name, NAMES[name]) for name in LANGUAGES]}
    return made


def render(visit: Visit, template: str, values: Mapping[str, Any]) -> str:
    """A template for who asks, with `visit`, `t` (its words), `show` (values as its people read them) and `spoken`
    (sentences of capabilities)."""
    folder = re.escape(str(visit.console.shop.folder))
    # In messages for the command line: nothing to a person at a page.
    of_machine = re.compile(rf" in {folder}(?:/tables)?(?=[.:,])|{folder}/")
    context = {
        "visit": visit, "t": visit.t, "show": Showing(visit.language, visit.console.currency).show,
        "spoken": lambda text: spoken(of_machine.sub("", str(text)), visit.language),
        "spoken_chart": lambda spec: spoken_chart(spec, visit.language), **values,
    }  # fmt: skip
    return environment().get_template(template).render(context)


class Showing:
    """Values as people read them.

    >>> showing = Showing("en", "GBP")
    >>> showing.show(0.125, "share"), showing.show(1234.5, "money"), showing.show(None, "money")
    ('12 %', '1,234.50 GBP', '–')
    >>> showing.show(True, "yes"), showing.show(["a", "b"], "text")
    ('yes', 'a, b')
    """

    def __init__(self, language: str, currency: str) -> None:
        self._language, self._currency = language, currency

    def show(self, value: Any, kind: str = "text") -> str:
        """A value; of a kind of `listing.Column`, or an amount: money whose currency the head of its column says."""
        if value is None or value == "" or (isinstance(value, float) and value != value):  # noqa: PLR0124
            return "–"
        if kind == "yes":
            return say(self._language, "shell.yes" if value else "shell.no")
        if kind in ("share", "money", "number", "amount"):
            unit, currency = ("money", "") if kind == "amount" else (kind, self._currency)
            return shown(float(value), unit, currency)
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d}" if kind == "date" else f"{value:%Y-%m-%d %H:%M}"
        if isinstance(value, date):
            return value.isoformat()
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        return spoken(text, self._language) if kind in ("badge", "said") else text
