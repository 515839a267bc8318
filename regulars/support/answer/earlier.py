"""What people answered before, as texts for whoever asks next: those that are of nobody, and of no single case."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from logging import getLogger
from threading import Lock, Thread
from zoneinfo import ZoneInfo

from regulars.language import Pseudonyms
from regulars.language.embedding import embed
from regulars.language.search import Index
from regulars.support.answer.claims import promised, strange
from regulars.support.entities import addresses, identity_in
from regulars.support.handover.queue import Past
from regulars.support.knowledge.searched import Searched
from regulars.support.knowledge.text import Text

LOG = getLogger("regulars.support")
LOOK_SECONDS = 60.0
KEPT = timedelta(days=365)
"""After so long an answer may be wrong by now, and nobody has looked."""
LONGEST = 600
"""Characters: what is longer is about much else besides."""
SOURCES = {"en": "answer of our support", "zh": "客服的回答"}

_NAMED = re.compile(
    # A capital where no sentence begins, or a word after a greeting, is the name of somebody or something.
    r"(?<=[^\s.!?:]\s)[A-Z][a-z]+|(?i:\b(?:dear|hello|hi|hey|mr|mrs|ms|regards|sincerely|cheers)\W+[a-z]+)|"
    r"[\u3400-\u9fff](?:先生|女士|小姐|同学)|^[\u3400-\u9fff]{2,4}[,，]?\s?[您你]好"
)
_OF_ONE_CASE = re.compile(
    r"\b(?:i|me|my|mine)\b|\bwe(?:'\w+| (?:will|have|are|can|shall|just|would|could|did))\b|"
    r"\b(?:was|were|been|had|did|sent|today|tomorrow|yesterday|tonight|soon|shortly|now|already|just|again|sorry)\b|"
    r"\b(?:yours?|this|that) (?:\w+ )?(?:orders?|parcels?|packages?|refunds?|accounts?|payments?|cards?|cases?|"
    r"requests?|address|deliver\w+|returns?|names?|complaints?)\b|"
    r"我(?!们)|已|今天|明天|昨天|后天|马上|稍后|刚|抱歉|[为帮给][您你]|[您你]的?(?:这|那|订单|包裹|账|退款|付款|地址|卡|快递|名)",
    re.IGNORECASE,
)


def is_for_anybody(text: str, hidden: Pseudonyms) -> bool:
    """Whether an answer may be told to others: it names nobody, is of no single case, and promises nothing.

    What it does not pass need not be of anybody; but what is of somebody should not pass.

    Parameters
    ----------
    hidden : that know the names of the customer and of the person who answered.

    Examples
    --------
    >>> hidden = Pseudonyms({"NAME": ["Ada Lovelace", "Mei"]})
    >>> is_for_anybody("Wash wool at thirty degrees, and never tumble dry it.", hidden)
    True
    >>> [is_for_anybody(said, hidden) for said in ("Ada, wash it cold.", "It leaves today.", "Ask bob@tea.example.")]
    [False, False, False]
    >>> is_for_anybody("羊毛请用三十度水洗。", hidden), is_for_anybody("您的订单已发出。", hidden)
    (True, False)
    """
    return (
        len(text) <= LONGEST
        and hidden.hide(text) == text
        and not (_NAMED.search(text) or _OF_ONE_CASE.search(text) or addresses(text))
        and strange(text, "") is None
        and promised(text, "") is None
    )


class Earlier(Searched):
    """The answers of people to questions before, found by those questions.

    Parameters
    ----------
    past : see `past_answers`.
    name_of : a customer's id, to the name; "" where it is not known.
    zone : of the shop, for the day of an answer.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> asked, said = "how do I wash a wool jumper?", ("Hello.", "Wash wool at thirty degrees.", "Bye.")
    >>> day = datetime(2024, 5, 1, tzinfo=UTC)
    >>> earlier = Earlier(lambda: [Past("en", asked, said, 1, day)], lambda customer: "", Index())
    >>> earlier.refresh()
    >>> [one.text.citation for one in earlier.find("washing a jumper of wool", on=day.date())]
    ['answer of our support, 2024-05-01']
    """

    def __init__(
        self, past: Callable[[], Sequence[Past]], name_of: Callable[[str], str], index: Index, zone: str = "UTC"
    ) -> None:
        super().__init__(index)
        self._past, self._name_of, self._zone = past, name_of, ZoneInfo(zone)
        self._known: dict[Past, Text | None] = {}
        """What was made of each: a name costs a look at the shop's own system."""
        self._turn = Lock()
        self._looked = float("-inf")
        self._aside: Thread | None = None

    def refresh(self) -> None:
        """Read what was answered since, and forget what is not there any more: that of a customer who was erased."""
        with self._turn:
            self._looked = time.monotonic()
            self._known = {one: self._known[one] if one in self._known else self._text(one) for one in self._past()}
            texts = [text for text in self._known.values() if text is not None]
            for source in SOURCES.values():
                self.put(source, [text for text in texts if text.source == source])

    def _text(self, one: Past) -> Text | None:
        if one.language not in SOURCES or not one.answers or one.at is None:
            return None
        hidden = Pseudonyms({"NAME": [name for name in (one.person, identity_in(one.asked).name) if name]})
        # The first is often a greeting, the last a farewell.
        asked, *each = embed([one.asked, *one.answers])
        answer = max(zip(each, one.answers, strict=True), key=lambda said: float(said[0] @ asked))[1]
        if not is_for_anybody(answer, hidden):
            return None
        hidden.know({"NAME": [name] if one.customer_id and (name := self._name_of(one.customer_id)) else []})
        if not is_for_anybody(answer, hidden):
            return None
        day, question = one.at.astimezone(self._zone).date(), hidden.hide(one.asked)
        return Text(
            f"earlier#{one.number}", answer, SOURCES[one.language], (question, str(day)), one.language,
            valid_to=day + KEPT, questions=(question,),
        )  # fmt: skip

    def look(self) -> None:
        """Look aside for what was answered since, where it is time to."""
        is_due = time.monotonic() - self._looked > LOOK_SECONDS
        if is_due and (self._aside is None or not self._aside.is_alive()):
            self._aside = Thread(target=self._refresh_aside, name="earlier answers", daemon=True)
            self._aside.start()

    def _refresh_aside(self) -> None:
        try:
            self.refresh()
        except Exception as error:
            # Whatever it is, who asks is answered without.
            LOG.warning("Answers of before are those that were read before: %s", error)
