"""What customers write, in English and Chinese: reviews, and questions with the answer that is right."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa

PURPOSE = "marketing"


class Line(NamedTuple):
    """A text around the title of a product."""

    opening: str
    ending: str


class Cause(NamedTuple):
    """Why somebody asks customer service, what is right to do, and what is said, by language."""

    name: str
    resolution: str
    english: tuple[Line, ...]
    chinese: tuple[Line, ...]
    answer_english: str
    answer_chinese: str


CAUSES = (
    Cause(
        "late",
        "tracking",
        (
            Line("Where is my ", "? It should have been here days ago."),
            Line("My order with the ", " still has not come. Can you look it up?"),
            Line("Still waiting for the ", ". The date that you gave has passed."),
        ),
        (
            Line("我买的", "到哪儿了？早就过了预计送达时间。"),
            Line("订单里的", "一直没收到，请帮我查一下物流。"),
            Line("还在等", "，说好的日期已经过了。"),
        ),
        "We are sorry for the delay. Here is where your parcel is.",
        "很抱歉让您久等，这是您的包裹的最新位置。",
    ),
    Cause(
        "broken",
        "replacement",
        (
            Line("The ", " arrived broken. What can you do?"),
            Line("I opened the parcel and the ", " was damaged."),
            Line("Something is wrong with the ", ": it came in pieces."),
        ),
        (
            Line("收到的", "是坏的，怎么处理？"),
            Line("打开包裹发现", "破损了。"),
            Line("", "有问题，收到时已经碎了。"),
        ),
        "We are sorry. A new one is on its way to you at no cost.",
        "非常抱歉，我们马上免费补发一件给您。",
    ),
    Cause(
        "wrong size",
        "return label",
        (
            Line("The ", " does not fit. Can I send it back?"),
            Line("I ordered the wrong size of the ", ". How do I exchange it?"),
            Line("The size of the ", " is not what the page says."),
        ),
        (
            Line("", "尺寸不合适，可以退货吗？"),
            Line("", "的尺码买错了，怎么换？"),
            Line("", "的大小和页面上写的不一样。"),
        ),
        "No problem. Here is a label to send it back with.",
        "没问题，这是退货单，寄回即可。",
    ),
)

PRAISE = (
    (Line("Very happy with the ", "."), Line("", ": just as described."), Line("The ", " was a success.")),
    (Line("", "很满意！"), Line("", "和描述一样，好评。"), Line("", "大家都喜欢。")),
)
BLAME = (
    (Line("Disappointed by the ", "."), Line("The ", " is not worth the money.")),
    (Line("对", "很失望。"), Line("", "不值这个价。")),
)


class Texts(NamedTuple):
    """All that is ever said, numbered; and the numbers by use, language and choice."""

    openings: pa.StringArray
    endings: pa.StringArray
    is_chinese: pa.BooleanArray
    consent: int
    questions: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    """By cause, then by language (0 English, 1 Chinese)."""
    answers: tuple[tuple[int, int], ...]
    praise: tuple[tuple[int, ...], ...]
    blame: tuple[tuple[int, ...], ...]


def numbered() -> Texts:
    """Number all texts.

    >>> found = numbered()
    >>> found.openings[found.consent].as_py()
    'marketing'
    """
    lines: list[tuple[Line, bool]] = []

    def number(line: Line, is_chinese: bool) -> int:
        lines.append((line, is_chinese))
        return len(lines) - 1

    def all_of(english: tuple[Line, ...], chinese: tuple[Line, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return tuple(number(line, False) for line in english), tuple(number(line, True) for line in chinese)

    consent = number(Line(PURPOSE, ""), False)
    questions = tuple(all_of(cause.english, cause.chinese) for cause in CAUSES)
    answers = tuple(
        (number(Line(cause.answer_english, ""), False), number(Line(cause.answer_chinese, ""), True))
        for cause in CAUSES
    )
    praise, blame = all_of(*PRAISE), all_of(*BLAME)
    openings = pa.array([line.opening for line, _ in lines], pa.string())
    endings = pa.array([line.ending for line, _ in lines], pa.string())
    is_chinese = pa.array([chinese for _, chinese in lines])
    return Texts(openings, endings, is_chinese, consent, questions, answers, praise, blame)
