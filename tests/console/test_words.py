"""What the console says: in both languages, and nowhere else than in its catalogue."""

from __future__ import annotations

import re
import string
from importlib.resources import files

from regulars.console.words import LANGUAGES, catalogue, say

TEMPLATES = sorted(
    path
    for path in files("regulars.console").joinpath("templates").rglob("*.html")  # type: ignore[attr-defined]
)
TEXT = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
READ_ALOUD = re.compile(r'\b(?:aria-label|alt|title|placeholder|aria-valuetext)="([^"]*)"')


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_message_is_there_in_both_languages():
    for key, texts in catalogue().items():
        assert set(texts) == set(LANGUAGES), key
        assert all(text.strip() for text in texts.values()), key
        assert len({frozenset(places(text)) for text in texts.values()}) == 1, key


def test_templates_hold_no_words_of_their_own():
    for path in TEMPLATES:
        text = TEXT.sub("", path.read_text("utf-8"))
        said = [*READ_ALOUD.findall(text), re.sub(r"<[^>]*>", " ", text)]
        assert not re.findall(r"[^\W\d_]{2,}", " ".join(said)), path


def test_templates_ask_for_messages_that_there_are():
    asked = {key for path in TEMPLATES for key in re.findall(r'\bt\("([a-z_]+\.[a-z_]+)"[,)]', path.read_text("utf-8"))}
    assert asked
    assert asked - set(catalogue()) == set()


def test_templates_trust_no_text():
    trusting = [path for path in TEMPLATES if re.search(r"\|\s*safe\b|autoescape\s+false", path.read_text("utf-8"))]
    assert trusting == []


def test_counts_of_things_are_told_by_one_or_many():
    """Both languages: only English has two forms of a noun, and "11" ends in a one."""
    said = [say(language, "fraud.filled_said", cases=1, attempts=11) for language in LANGUAGES]
    assert said == ["1 new case, 11 new attempts.", "新增 1 个案件、11 笔交易。"]
