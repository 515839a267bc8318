"""Names, e-mail addresses, phone numbers and ids leave this machine as [NAME_1], and come back as what they were."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

_TOKEN = re.compile(r"\[([A-Z]{2,10}_\d{1,5})\]")


def _ascii(pattern: str) -> re.Pattern[str]:
    # A Chinese sign is no letter here: numbers stand right beside them.
    return re.compile(pattern, re.ASCII)


_FOUND: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("EMAIL", _ascii(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}")),
    ("ID", _ascii(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")),
    # Bank accounts and cards: letters and digits in groups of four, or sixteen digits in a row.
    ("ID", _ascii(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b|\b\d{4}(?:[ -]?\d{4}){3}\b")),
    ("PHONE", _ascii(r"(?<![\d\w+])\+\d{1,3}(?:[ ./()-]{0,2}\d){6,14}(?!\d)")),
    ("PHONE", _ascii(r"(?<![\d\w+])1[3-9]\d(?:[ -]?\d{4}){2}(?!\d)")),
    ("PHONE", _ascii(r"(?<![\d\w+.])\(?0\d{1,4}\)?(?:[ /-]?\d{2,4}){2,4}(?!\d)")),
    ("PHONE", _ascii(r"(?<![\d\w+])\(?\d{3}\)?[ -]\d{3}[ -]\d{4}(?!\d)")),
    # Orders, parcels, customers: six digits or more, or such as ORD-2024-0001 and #W1234567.
    ("ID", _ascii(r"(?<![A-Za-z0-9_.,])#?[A-Za-z]{0,6}[-_]?\d{6,30}(?![\d%]|[.,]\d)")),
    ("ID", _ascii(r"(?<![A-Za-z0-9_])#?[A-Z]{2,6}(?:[-_]\d{2,12}){1,4}(?![\d%])")),
)


class Pseudonyms:
    """What stands for what, for one conversation. A name is hidden where it is known, the rest where it is seen.

    Parameters
    ----------
    known : kind (letters: "NAME", "ID", "ADDRESS") -> texts to hide: the customer's names, ids, orders. Of a name of
        several words each word of two letters or more is hidden too.

    Examples
    --------
    >>> hidden = Pseudonyms({"NAME": ["Ada Lovelace"]})
    >>> hidden.hide("I am Ada, ada@tea.example, order #W2378156.")
    'I am [NAME_1], [EMAIL_1], order [ID_1].'
    >>> hidden.restore("Dear [NAME_1], about [ID_1]: [ID_7]")
    'Dear Ada, about #W2378156: [ID_7]'
    """

    def __init__(self, known: Mapping[str, Iterable[str]] | None = None) -> None:
        self._known: list[tuple[str, re.Pattern[str]]] = []
        self._token_of: dict[tuple[str, str], str] = {}
        self._text_of: dict[str, str] = {}
        self.know(known or {})

    def know(self, known: Mapping[str, Iterable[str]]) -> None:
        """Hide more from now on, as `known` of the beginning."""
        for kind, texts in known.items():
            if not re.fullmatch("[A-Z]{2,10}", kind):
                raise ValueError(f'"{kind}" is no kind of pseudonym: 2 to 10 capital letters are expected')
            words = {unicodedata.normalize("NFKC", text).strip() for text in texts}
            if kind == "NAME":
                words |= {part for text in words for part in re.split(r"[\s,.·]+", text)}
            # The longest first: else the first name would be taken out of the whole one.
            wanted = sorted((word for word in words if len(word) > 1), key=lambda word: (-len(word), word))
            if wanted:
                either = "|".join(map(re.escape, wanted))
                # Letters of scripts that write no spaces have no borders of words to ask for.
                whole = rf"(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])"
                pattern = re.compile(whole, re.IGNORECASE)
                if (kind, pattern) not in self._known:
                    self._known.append((kind, pattern))

    def hide(self, text: str) -> str:
        """A text as it may leave; what looks like a pseudonym and is none is written with round brackets."""
        text = _TOKEN.sub(r"(\1)", text)
        # Addresses of e-mail first: they may hold a name.
        for kind, pattern in (_FOUND[0], *self._known, *_FOUND[1:]):
            text = self._replaced(kind, pattern, text)
        return text

    def _replaced(self, kind: str, pattern: re.Pattern[str], text: str) -> str:
        # Between the pseudonyms that are there already: their own letters and digits are not looked at.
        parts = re.split(r"(\[[A-Z]{2,10}_\d{1,5}\])", text)
        for place in range(0, len(parts), 2):
            parts[place] = pattern.sub(lambda found: self._token(kind, found.group()), parts[place])
        return "".join(parts)

    def _token(self, kind: str, text: str) -> str:
        if (kind, text) not in self._token_of:
            number = 1 + sum(other == kind for other, _ in self._token_of)
            name = f"{kind}_{number}"
            self._token_of[kind, text], self._text_of[name] = f"[{name}]", text
        return self._token_of[kind, text]

    def restore(self, text: str) -> str:
        """What came back, with what stands behind each pseudonym; one that was never given stays as it is."""
        return _TOKEN.sub(lambda found: self._text_of.get(found[1], found.group()), text)

    def restore_all(self, value: Any) -> Any:
        """The same, in every text of lists and objects."""
        if isinstance(value, str):
            return self.restore(value)
        if isinstance(value, list):
            return [self.restore_all(each) for each in value]
        if isinstance(value, dict):
            return {key: self.restore_all(each) for key, each in value.items()}
        return value
