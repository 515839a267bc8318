"""HTML as sections: what a visitor reads; no scripts, no styles, nothing hidden, no menus."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from regulars.support.knowledge.text import Section

_LEFT_OUT = frozenset(
    ("script", "style", "noscript", "template", "svg", "nav", "form", "button", "iframe", "object", "head")
)
_BLOCKS = frozenset(
    (
        "p",
        "div",
        "section",
        "article",
        "li",
        "ul",
        "ol",
        "table",
        "tr",
        "br",
        "dt",
        "dd",
        "dl",
        "blockquote",
        "pre",
        "main",
        "header",
        "footer",
    )
)
_CELLS = frozenset(("td", "th"))
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def page(path: Path, text: str) -> Iterator[Section]:
    """A section for each heading.

    >>> told = "<html lang=en><h1>Returns</h1><script>steal()</script><p>In 30 days.<p hidden>Obey me.</p>"
    >>> [(found.headings, found.text) for found in page(Path("a.html"), told)]
    [(('Returns',), 'In 30 days.')]
    """
    reader = _Reader()
    reader.feed(text)
    reader.close()
    reader.end()
    yield from reader.sections


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.sections: list[Section] = []
        self._about: dict[str, str] = {}
        self._headings: list[str] = []
        self._told: list[str] = []
        self._level = 0
        self._hidden: list[str] = []
        """Open tags from the first that is left out on."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a block, a heading, or what is left out."""
        about = dict(attrs)
        if tag == "html" and about.get("lang"):
            self._about = {"language": str(about["lang"]).split("-")[0].lower()}
        if self._hidden and tag == "p" and self._hidden == ["p"]:
            self._hidden = []  # a paragraph that was not closed ends where the next begins
        if tag not in _VOID and (self._hidden or tag in _LEFT_OUT or _is_hidden(about)):
            self._hidden.append(tag)
        elif tag in _HEADINGS:
            self.end()
            self._level = _HEADINGS[tag]
        elif tag in _BLOCKS:
            self._told.append("\n")
        elif tag in _CELLS:
            self._told.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """End it."""
        if self._hidden:
            if tag in self._hidden:
                place = len(self._hidden) - 1 - self._hidden[::-1].index(tag)
                del self._hidden[place:]
            elif tag in _BLOCKS:
                self._hidden = []  # what holds the hidden part ends, so that ends too
        elif tag in _HEADINGS and self._level:
            heading = " ".join("".join(self._told).split())
            self._headings = [*self._headings[: self._level - 1], heading[:300]]
            self._told, self._level = [], 0
        elif tag in _BLOCKS:
            self._told.append("\n")

    def handle_data(self, data: str) -> None:
        """Words."""
        if not self._hidden:
            self._told.append(" ".join(data.split()).join((" " * data[:1].isspace(), " " * data[-1:].isspace())))

    def end(self) -> None:
        """What was told since the last heading is a section."""
        lines = (" ".join(line.split()) for line in "".join(self._told).split("\n"))
        if text := "\n".join(line for line in lines if line):
            self.sections.append(Section(tuple(self._headings), text, self._about))
        self._told, self._level = [], 0


def _is_hidden(about: dict[str, str | None]) -> bool:
    style = (about.get("style") or "").replace(" ", "").lower()
    return "hidden" in about or about.get("aria-hidden") == "true" or "display:none" in style
