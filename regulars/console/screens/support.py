"""Support: conversations that wait for a person, answering them, and what the assistant should learn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from starlette.responses import Response

from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.console.words import NAMES
from regulars.support import deliver, handover
from regulars.support.assistant import answers_like, intents_of, nearest_texts
from regulars.support.dataset import NONE
from regulars.support.evaluate import NAME as SUPPORT
from regulars.support.intent import clusters, worth_labelling
from regulars.support.quality import ALL as WHOLE
from regulars.support.quality import OTHER, Share, quality
from regulars.support.questions import label, unanswered, unlabelled
from regulars.support.tables import handovers, prepare

if TYPE_CHECKING:
    from regulars.shop import Shop

screen = Screen("support", group="guarding")

COLUMNS = (
    Column("summary"),
    Column("status", "badge"),
    Column("reason", is_wide=True),
    Column("customer_id", is_wide=True),
    Column("language", is_wide=True),
    Column("urgency", "number", is_wide=True),
    Column("opened_at", "time", is_wide=True),
    Column("holder", is_wide=True),
)
STATUSES = ("waiting", "taken", "returned", "closed")
REASONS = (
    "asked", "angry", "at_risk", "not_understood", "unanswered", "language", "needs_person", "system_away",
    "too_many_tries", "fault", "request",
)  # fmt: skip
"""Those that have words here; a policy's own are shown as they are."""
QUALITY = (
    Column("intent"),
    Column("conversations", "number"),
    Column("containment"),
    Column("resolution"),
    Column("grounded", is_wide=True),
    Column("first_contact", is_wide=True),
    Column("answer_seconds", "number", is_wide=True),
    Column("minutes", "number", is_wide=True),
    Column("satisfaction", "number", is_wide=True),
)
DAYS = ("7", "30", "90", "365")
LABELS, RANKED = 20, 200
"""Questions that are offered for a label, of those that are ranked: what is labelled meanwhile leaves others."""
LONGEST = 4_000
"""Letters of an answer."""
ANSWERING = only("service")


class Told(float):
    """A share that sorts as a number, and is read with its interval.

    >>> str(Told(Share(0.5, 0.4, 0.6, 90)))
    '50 % (40–60 %)'
    """

    _text: str

    def __new__(cls, share: Share) -> Told:
        """Of a share."""
        told = super().__new__(cls, share.value)
        told._text = f"{share.value:.0%} ({share.low:.0%}–{share.high:.0%})".replace("%–", "–").replace("%", " %")
        return told

    def __str__(self) -> str:
        return self._text


@screen.get("/support", may=ALL)
def index(visit: Visit) -> Response:
    """The inbox: who waits and who is being answered; by its filters also what is over."""
    listing = Listing.of(visit, COLUMNS, ("status", "holder"), sort="-urgency")
    asked = sa.select(handovers.c.id, *(handovers.c[column.name] for column in COLUMNS))
    status, holder = listing.filters["status"], listing.filters["holder"]
    asked = asked.where(handovers.c.status.in_([status] if status else STATUSES[:2]))
    if holder:
        asked = asked.where(handovers.c.holder == holder)
    found = listing.of_state(prepare(visit.shop.state), asked)
    for row in found.rows:
        row |= {
            "status": visit.t(f".status_{row['status']}"), "reason": _reason(visit, row["reason"]),
            "language": NAMES.get(row["language"], row["language"]),
        }  # fmt: skip
    statuses = [(name, visit.t(f".status_{name}")) for name in STATUSES]
    return visit.page("support/index.html", found=found, statuses=statuses, may_answer=ANSWERING)


@screen.post("/support/take", may=ANSWERING)
def take_next(visit: Visit) -> Response:
    """Take over whoever has waited longest of the most urgent."""
    taken = handover.take(visit.shop.state, visit.who)
    if taken is None:
        return visit.go("/support", visit.t(".nobody_waits"))
    visit.note("support.taken_over", str(taken.id))
    return visit.go(f"/support/talk/{taken.id}")


@screen.get("/support/talk/{number}", may=ALL)
def talk(visit: Visit) -> Response:
    """One conversation: what was said, the facts, and a place to answer."""
    found = handover.one(visit.shop.state, visit.number("number"))
    return visit.page(
        "support/talk.html",
        found=found,
        reason=_reason(visit, found.reason),
        language=NAMES.get(found.language, found.language),
        said=handover.transcript(visit.shop.state, found.conversation),
        is_mine=found.status == "taken" and found.holder == visit.who,
        longest=LONGEST,
        may_answer=ANSWERING,
    )


@screen.get("/support/talk/{number}/said", may=ALL)
def said(visit: Visit) -> Response:
    """What was said so far: the page of a conversation asks for it again and again."""
    found = handover.one(visit.shop.state, visit.number("number"))
    return visit.page("support/said.html", found=found, said=handover.transcript(visit.shop.state, found.conversation))


@screen.get("/support/talk/{number}/copilot", may=ANSWERING)
def copilot(visit: Visit) -> Response:
    """What could be answered: what people sent in such cases before, and the shop's texts that are nearest."""
    state = visit.shop.state
    found = handover.one(state, visit.number("number"))
    with visit.console.reading() as shop:
        before, texts = answers_like(shop, found), nearest_texts(shop, found.asked)
    return visit.page("support/copilot.html", found=found, before=before, texts=texts)


@screen.post("/support/talk/{number}/take", may=ANSWERING)
def take(visit: Visit) -> Response:
    """Take this conversation over."""
    number = visit.number("number")
    handover.take(visit.shop.state, visit.who, number)
    visit.note("support.taken_over", str(number))
    return visit.go(f"/support/talk/{number}")


@screen.post("/support/talk/{number}/answer", may=ANSWERING)
def answer(visit: Visit) -> Response:
    """Answer the customer."""
    number, text, state = visit.number("number"), visit.given("text"), visit.shop.state
    handover.send(state, visit.who, number, text)
    with visit.console.reading() as shop:
        deliver(state, shop)
    visit.note("support.answered", str(number), None, {"text": text})
    return visit.go(f"/support/talk/{number}", visit.t(".sent"))


@screen.post("/support/talk/{number}/leave", may=ANSWERING)
def leave(visit: Visit) -> Response:
    """Give the conversation back to the assistant, or end it."""
    number, is_over = visit.number("number"), visit.form.get("end") == "yes"
    (handover.close if is_over else handover.give_back)(visit.shop.state, visit.who, number)
    what = "support.ended" if is_over else "support.given_back"
    visit.note(what, str(number), {"status": "taken"}, {"status": "closed" if is_over else "returned"})
    return visit.go("/support", visit.t(f"{what}_said"))


@screen.get("/support/questions", may=ALL)
def questions(visit: Visit) -> Response:
    """What the assistant should learn; its two lists are parts."""
    return visit.page("support/questions.html")


@screen.get("/support/questions/gaps", may=ALL)
def gaps(visit: Visit) -> Response:
    """What several asked and nobody could answer."""
    return visit.page("support/gaps.html", groups=clusters(unanswered(visit.shop.state)))


@screen.get("/support/questions/labels", may=ALL)
def labels(visit: Visit) -> Response:
    """The questions whose label would teach the most."""
    now, used = visit.console.now, visit.shop.models.version_in_use(SUPPORT)
    # Without a model in use the starter set is learned, which takes half a minute.
    kept = visit.console.kept
    intents = kept.of("support.intents", used, intents_of)

    def ranked(shop: Shop) -> list[str]:
        return worth_labelling(intents, unlabelled(shop, now), RANKED)

    # Thousands of questions are read anew for it: a minute's work.
    worth = kept.of("support.worth", visit.shop.log.version, ranked, key=used)
    with visit.console.reading() as shop:
        open_ = set(unlabelled(shop, now))
    worth = [question for question in worth if question in open_][:LABELS]
    return visit.page("support/labels.html", worth=worth, intents=[*intents.labels, NONE], may_answer=ANSWERING)


@screen.post("/support/questions/label", may=ANSWERING)
def label_(visit: Visit) -> Response:
    """Say what a question wants."""
    question, intent, state = visit.given("question"), visit.given("intent"), visit.shop.state
    label(state, question, intent)
    with visit.console.reading() as shop:
        deliver(state, shop)
    visit.note("support.labelled", question, None, {"intent": intent})
    return visit.go("/support/questions", visit.t(".labelled_said", intent=intent))


@screen.get("/support/quality", may=ALL)
def quality_(visit: Visit) -> Response:
    """How well support did; its figures are a part."""
    asked = {name: visit.asked(name) for name in ("days", "sort", "page")}
    choices = [(days, visit.t(".last_days", days=days)) for days in DAYS]
    return visit.page("support/quality.html", asked=asked, choices=choices, days=_days(visit))


@screen.get("/support/quality/figures", may=ALL)
def figures(visit: Visit) -> Response:
    """The figures of the conversations that began in the last days, whole and by what was wanted."""
    now = visit.console.now
    with visit.console.reading() as shop:
        found = quality(shop, now, int(_days(visit)))
    listing = replace(Listing.of(visit, QUALITY, ("days",), sort="-conversations"), path="/support/quality")
    shares = ("containment", "resolution", "grounded", "first_contact")
    rows: list[dict[str, Any]] = [
        {
            **one._asdict(),
            "intent": visit.t(f".intent_{one.intent}") if one.intent in (WHOLE, OTHER) else one.intent,
            **{name: Told(share) if (share := getattr(one, name)).of else None for name in shares},
        }
        for one in found
        if one.conversations
    ]
    return visit.page("support/figures.html", found=listing.of_rows(rows))


def _days(visit: Visit) -> str:
    days = visit.asked("days", "30")
    return days if days in DAYS else "30"


def _reason(visit: Visit, reason: str) -> str:
    return visit.t(f".reason_{reason}") if reason in REASONS else reason
