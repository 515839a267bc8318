"""Why a product is shown, in plain words, English and Chinese."""

from __future__ import annotations

WORDS = {
    "en": {
        "because": "who looked at {title} went on to it",
        "visits": "who looked at {title} went on to it, in {votes} visits like this one",
        "foreseen": "likely next, by what came before",
        "hot": "wanted most in the last hours",
        "steady": "wanted by many of late",
    },
    "zh": {
        "because": "看过「{title}」的顾客接着看了它",
        "visits": "看过「{title}」的顾客接着看了它，{votes} 次相似的访问都是如此",
        "foreseen": "从以往的行为看，接下来很可能想要",
        "hot": "最近几小时最受欢迎",
        "steady": "近来很多人喜欢",
    },
}


def reason(language: str, title: str | None, votes: int, source: str) -> str:
    """One reason.

    Parameters
    ----------
    title : of the product of the session that led to it; None where none did.
    votes : in how many visits alike it stood.
    source : what says most for it where no product led to it: foreseen, hot or steady.

    >>> reason("en", "Tea", 12, "steady")
    'who looked at Tea went on to it, in 12 visits like this one'
    """
    words = WORDS[language]
    if title is None:
        return words[source]
    return words["visits" if votes > 1 else "because"].format(title=title, votes=votes)
