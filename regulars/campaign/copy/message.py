"""Messages: what is said, in variants and languages, from files of the shop."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from regulars.campaign.copy import template
from regulars.errors import ConfigError, InputError, NotFoundError
from regulars.rules.vocabulary import instead

FOLDER = Path("campaigns") / "messages"
"""Where a shop's own messages lie; one of the same name as a ready one takes its place."""
Language = Literal["en", "zh"]
NAME = re.compile(r"\w[\w-]{0,59}")


@dataclass(frozen=True)
class Variant:
    """One way to say it.

    Attributes
    ----------
    name, language : together they name it; variants of one name are one treatment in several languages.
    subject : a template; "" where the channel has none.
    body : a template.
    line : in the file.
    """

    name: str
    language: Language
    subject: str
    body: str
    line: int = 1

    @property
    def fingerprint(self) -> str:
        """Of all that is said: what a person approves is this text and no other."""
        said = json.dumps([self.language, self.subject, self.body], ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True)
class Message:
    """A message: its name, the file that it comes from, and its variants."""

    name: str
    file: str
    variants: tuple[Variant, ...]

    def problems(self) -> Iterator[str]:
        """What is wrong with its templates, each with file and line."""
        for variant in self.variants:
            for part, source in (("subject", variant.subject), ("body", variant.body)):
                for problem in template.problems(source):
                    yield f'{self.file}, line {variant.line}, {part} of variant "{variant.name}": {problem}'

    def fields(self) -> frozenset[str]:
        """All that any of its variants says; see `template.fields`."""
        sources = [source for each in self.variants for source in (each.subject, each.body)]
        return frozenset().union(*map(template.fields, sources))

    def in_language(self, language: str | None, default: str) -> tuple[Variant, ...]:
        """The variants in a customer's language; of the shop's if there are none, else of any.

        Parameters
        ----------
        language : as the customer said it, such as "zh-CN"; None where it is not known.
        """
        for wanted in ((language or default)[:2].lower(), default):
            found = tuple(variant for variant in self.variants if variant.language == wanted)
            if found:
                return found
        return self.variants


def read_message(text: str, name: str, file: str) -> Message:
    """A message from its file.

    Raises
    ------
    ConfigError
        Naming file and line.

    Examples
    --------
    >>> text = '[[variant]]\\nname = "a"\\nlanguage = "en"\\nsubject = "Hi"\\nbody = "Hello"'
    >>> found = read_message(text, "hi", "hi.toml")
    >>> found.variants[0].subject, found.variants[0].line
    ('Hi', 1)
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: this is no TOML: {error}.") from None
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip().startswith("[[variant]]")]
    rows = raw.get("variant")
    if set(raw) != {"variant"} or not isinstance(rows, list) or not rows or len(lines) < len(rows):
        raise ConfigError(f"{file}: at least one table [[variant]] is expected, and nothing beside.")
    made = tuple(_variant(row, file, line) for row, line in zip(rows, lines, strict=False))
    if len({(variant.name, variant.language) for variant in made}) < len(made):
        raise ConfigError(f"{file}: two variants have one name and one language. Choose another name.")
    return Message(name, file, made)


def check_name(name: str) -> str:
    """A name that a new message may have; InputError if it cannot be the name of a file."""
    if not NAME.fullmatch(name):
        raise InputError(f'"{name}" cannot be the name of a message: letters, digits, "_" and "-", 60 at most.')
    return name


def _variant(row: Any, file: str, line: int) -> Variant:
    place = f"{file}, line {line}"
    known = ("name", "language", "subject", "body")
    for key in row:
        if key not in known:
            raise ConfigError(f'{place}: there is no key "{key}" here.{instead(key, known)}.')
    texts = {key: row.get(key, "") for key in known}
    if not all(isinstance(text, str) for text in texts.values()):
        raise ConfigError(f"{place}: name, language, subject and body are texts in quotes.")
    if not texts["name"].strip() or not texts["body"].strip():
        raise ConfigError(f"{place}: a variant has a name and a body.")
    if texts["language"] not in ("en", "zh"):
        raise ConfigError(f'{place}: language = "{texts["language"]}"; "en" or "zh" is expected.')
    if "\n" in texts["subject"].strip("\n"):
        raise ConfigError(f"{place}: a subject is one line.")
    return Variant(texts["name"], texts["language"], texts["subject"].strip(), texts["body"], line)


class Messages:
    """The messages of a shop: its own, then those that come with Regulars.

    Parameters
    ----------
    folder : of the shop.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER

    def names(self) -> list[str]:
        """All there are, in order."""
        return sorted({path.stem for path in self.folder.glob("*.toml")} | set(_ready()))

    def get(self, name: str) -> Message:
        """A message by its name.

        Raises
        ------
        NotFoundError
            Naming those that there are.
        ConfigError
            If its file cannot be read.
        """
        if NAME.fullmatch(name):
            path = self.folder / f"{name}.toml"
            if path.is_file():
                return read_message(path.read_text(encoding="utf-8-sig"), name, str(path))
            if name in _ready():
                return read_message(_ready()[name], name, f"ready message {name}")
        raise NotFoundError(
            f'There is no message "{name}".{instead(name, self.names())}. Write it: {self.folder / "NAME.toml"}'
        )


def _ready() -> dict[str, str]:
    folder = files("regulars.campaign.journey") / "ready" / "messages"
    return {path.name.removesuffix(".toml"): path.read_text("utf-8") for path in folder.iterdir()}
