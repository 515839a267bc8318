"""What the console says, in English and Chinese: a catalogue of messages, a file for each screen."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

LANGUAGES = ("en", "zh")
NAMES = {"en": "English", "zh": "中文"}
_RANGE = re.compile(r"\s*([A-Za-z]+)(?:-[A-Za-z]+)*\s*(?:;\s*q\s*=\s*([0-9.]+))?\s*")


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """{"file.key": {language: text}} of all files of `words/`."""
    found: dict[str, Mapping[str, str]] = {}
    for path in sorted(files("regulars.console").joinpath("words").iterdir(), key=lambda each: each.name):
        name = path.name.removesuffix(".toml")
        said = tomllib.loads(path.read_text("utf-8"))
        found |= {f"{name}.{key}": texts for key, texts in said.items()}
    return found


def say(language: str, key: str, **values: Any) -> str:
    """A message, its places filled.

    Raises
    ------
    KeyError
        If there is no such message: a test opens every page, so that none is missing.

    >>> say("zh", "shell.page_of", page=2, pages=9)
    '第 2 / 9 页'
    >>> say("en", "shell.rows", count="1"), say("en", "shell.rows", count="1,200"), say("zh", "shell.rows", count="1")
    ('1 row', '1,200 rows', '共 1 行')
    """
    text = catalogue()[key][language]
    return _FILLING.vformat(text, (), values) if values else text


class _Filling(Formatter):
    """Texts with counts of things: `{count:row|rows}` is "1 row", and "2 rows"."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        one, is_counted, many = format_spec.partition("|")
        if not is_counted:
            return super().format_field(value, format_spec)
        return f"{value} {one if str(value) == '1' else many}"


_FILLING = _Filling()


def chosen(header: str) -> str:
    """The language that a browser asks for first (Accept-Language), of those that there are.

    >>> chosen("fr, zh-CN;q=0.9, en;q=0.8"), chosen("")
    ('zh', 'en')
    """
    asked: list[tuple[float, str]] = []
    for part in header.split(","):
        found = _RANGE.fullmatch(part)
        if found and found[1].lower() in LANGUAGES:
            asked.append((-float(found[2] or 1), found[1].lower()))
    return min(asked, default=(0.0, LANGUAGES[0]))[1]
