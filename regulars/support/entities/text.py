"""A message as it is read: one spelling of each letter, nothing that cannot be seen, and not endless."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 4_000
"""Characters of a message that are read. Nobody needs more to say what they want; an attack may."""
_UNSEEN = re.compile(r"[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def cleaned(message: str) -> str:
    """A message with wide and joined letters in their plain form, and without what is unseen; cut at 4,000 characters.

    >>> cleaned("ｏｒｄｅｒ\\u200b ＃Ｗ12\\x00 “ok”")
    'order #W12 "ok"'
    """
    # Cut before the work too: what one letter unfolds to is bounded, what is sent is not.
    text = unicodedata.normalize("NFKC", _SURROGATE.sub("", message[: 2 * LONGEST]))
    text = _UNSEEN.sub("", text).translate(_QUOTES)
    return text.strip()[:LONGEST]


_QUOTES = str.maketrans("‘’‚‛“”„‟", "''''\"\"\"\"")
