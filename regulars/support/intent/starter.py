"""The questions that come with the package: thirty-two things that customers of shops want, in English and Chinese."""

from __future__ import annotations

import tomllib
from pathlib import Path

LANGUAGES = ("en", "zh")


def starter(*languages: str) -> tuple[list[str], list[str | None]]:
    """Texts and their intents, to learn from until a shop has labelled its own, and beside them.

    Parameters
    ----------
    languages : "en", "zh"; both by default.

    Returns
    -------
    texts, labels : (n,) each. The last of each language are of no intent: small talk, the weather; their label is None.

    Examples
    --------
    >>> texts, labels = starter("en")
    >>> texts[0], labels[0], len(set(labels) - {None}), labels[-1]
    ('where is my order', 'track_order', 32, None)
    """
    texts, labels = list[str](), list[str | None]()
    elsewhere = _read("elsewhere")
    for language in languages or LANGUAGES:
        for intent, phrasings in [*_read(language).items(), (None, elsewhere[language])]:
            lines = phrasings.splitlines()
            texts += lines
            labels += [intent] * len(lines)
    return texts, labels


def _read(name: str) -> dict[str, str]:
    return tomllib.loads((Path(__file__).parent / f"starter_{name}.toml").read_text("utf-8"))
