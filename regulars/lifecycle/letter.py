"""The weekly letter to the shop's owner: what happened, what was tried, what was learned, what to decide; one page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import ibis

from regulars import storage
from regulars.decisions import TYPE
from regulars.errors import NotEnoughError
from regulars.lifecycle.decide import NOTHING, Situation
from regulars.lifecycle.model import in_use
from regulars.lifecycle.plan import plan
from regulars.lifecycle.proof import DAYS, Proof, acted, proofs
from regulars.lifecycle.stages.map import NAMES, counted, flows
from regulars.units import shown

if TYPE_CHECKING:
    from regulars.shop import Shop

FOLDER = "letters"
SENDER = "regulars@localhost"
WEEK = timedelta(days=7)
Language = Literal["en", "zh"]
Money = Callable[[float], str]

TITLES = {
    "en": ("What happened", "What was tried", "What was learned", "What to decide", "Where each number comes from"),
    "zh": ("发生了什么", "尝试了什么", "学到了什么", "需要您决定什么", "每个数字的来源"),
}
HEAD = {"en": "{shop}: the week to {day}", "zh": "{shop}：截至{day}的一周"}
LINES = {
    "en": {
        "margin": "Customers brought {now} this week, after {before} the week before.",
        "stage": "{count} customers are {stage}; one is worth {value} to come.",
        "flow": "{count} went from {begin} to {end} in the last four weeks.",
        "tried": "{action}: for {count} customers.",
        "quiet": "For {count} customers nothing was done, to measure by.",
        "nothing": "Nothing was done.",
        "proof": "The program brought {each} a customer in {days} days ({low} to {high} at 95 %), {total} in all.",
        "part": "Of that {name} brought {each} a customer ({low} to {high} at 95 %).",
        "unproven": "What the program brings cannot be told yet: {why}",
        "plan": "Next week {contacts} contacts would bring {gain} ({low} to {high} at 95 %) for {cost}.",
        "scarce": "One more of {name} would bring {price}.",
        "twice": "With twice as much of {name} at most {more} more would be brought.",
        "enough": "Nothing is scarce: no limit stands against more.",
        "note": "{note}",
    },
    "zh": {
        "margin": "本周顾客带来毛利{now}，上周为{before}。",
        "stage": "{count}位顾客处于“{stage}”，平均每位未来价值{value}。",
        "flow": "近四周有{count}位从“{begin}”变为“{end}”。",
        "tried": "{action}：{count}位顾客。",
        "quiet": "{count}位顾客未做任何动作，用作对照。",
        "nothing": "没有任何动作。",
        "proof": "方案在{days}天内为每位顾客带来{each}（95 %区间{low}至{high}），合计{total}。",
        "part": "其中“{name}”为每位顾客带来{each}（95 %区间{low}至{high}）。",
        "unproven": "方案的价值尚无法判断：{why}",
        "plan": "下周{contacts}次触达预计带来{gain}（95 %区间{low}至{high}），成本{cost}。",
        "scarce": "“{name}”每多一单位可多带来{price}。",
        "twice": "若“{name}”加倍，至多多带来{more}。",
        "enough": "没有紧缺的资源：没有限制阻碍更多动作。",
        "note": "{note}",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A sentence, and the query by which its numbers are found again."""

    text: str
    query: str


@dataclass(frozen=True)
class Letter:
    """Title, and the sentences of each part: what happened, was tried, was learned, is to decide."""

    title: str
    parts: tuple[tuple[str, tuple[Line, ...]], ...]
    sources: str
    language: str

    @property
    def queries(self) -> list[str]:
        """Each once, in the order of the text."""
        return list(dict.fromkeys(line.query for _, lines in self.parts for line in lines))

    def to_text(self) -> str:
        """As plain text; the number behind a sentence is that of its query."""
        number = {query: k for k, query in enumerate(self.queries, start=1)}
        body = [
            "\n".join([title, *(f"- {line.text} [{number[line.query]}]" for line in lines)])
            for title, lines in self.parts
        ]
        said = "\n".join([self.sources, *(f"[{k}] {query}" for query, k in number.items())])
        return "\n\n".join([self.title, *body, said]) + "\n"

    def to_html(self) -> str:
        """One page that stands alone and loads nothing; a sentence links to its query."""
        number = {query: k for k, query in enumerate(self.queries, start=1)}
        body = "".join(
            f"<h2>{escape(title)}</h2><ul>"
            + "".join(
                f'<li>{escape(line.text)} <a href="#q{number[line.query]}">[{number[line.query]}]</a></li>'
                for line in lines
            )
            + "</ul>"
            for title, lines in self.parts
        )
        said = "".join(f'<li id="q{k}"><code>{escape(query)}</code></li>' for query, k in number.items())
        return (
            f'<!doctype html><html lang="{self.language}"><head><meta charset="utf-8">'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
            f"<title>{escape(self.title)}</title>"
            "<style>body{font:16px/1.5 sans-serif;max-width:42em;margin:2em auto;padding:0 1em}code{font-size:80%}"
            "h2{font-size:1.1em;margin-bottom:0}</style></head>"
            f"<body><h1>{escape(self.title)}</h1>{body}<h2>{escape(self.sources)}</h2><ol>{said}</ol></body></html>\n"
        )

    def to_email(self, sender: str, receiver: str) -> EmailMessage:
        """As an e-mail, text and page."""
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = self.title, sender, receiver
        message.set_content(self.to_text())
        message.add_alternative(self.to_html(), subtype="html")
        return message


def letter(shop: Shop, now: Situation, language: Language) -> Letter:
    """The letter of the week before a situation."""
    said, as_of = LINES[language], now.as_of
    currency, day = shop.config.shop.currency, f"{as_of:%Y-%m-%d}"

    def money(value: float) -> str:
        return shown(value, "money", currency)

    weekly = now.known.panel.money.sum(0, dtype=float)
    before = float(weekly[-2]) if len(weekly) > 1 else 0.0
    margin = f"margin of order_completed less order_refunded, 7 days before {day}, and 7 before those"
    of_map = f"regulars lifecycle --as-of {day}"
    happened = [Line(said["margin"].format(now=money(float(weekly[-1])), before=money(before)), margin)]
    for row in counted(now.standing, now.known.panel).to_pylist():
        if row["customers"]:
            stage, value = NAMES[language][row["stage"]], money(row["value"])
            count = f"{row['customers']:,}"
            happened.append(Line(said["stage"].format(count=count, stage=stage, value=value), of_map))
    tried = _tried(shop, as_of, said)
    learned = [*_learned(shop, now, said, money), *_moved(shop, now, language)]
    parts = zip(TITLES[language][:4], (happened, tried, learned, _open(now, said, money)), strict=True)
    head = HEAD[language].format(shop=shop.config.shop.name, day=day)
    return Letter(head, tuple((title, tuple(lines)) for title, lines in parts), TITLES[language][4], language)


def _tried(shop: Shop, as_of: datetime, said: dict[str, str]) -> list[Line]:
    events = shop.events
    since = as_of - WEEK
    made = events.filter(
        events.type == TYPE, events.event_id.startswith("lifecycle-"), events.time >= ibis.literal(since),
        events.time < ibis.literal(as_of),
    )  # fmt: skip
    table = made.group_by("outcome").agg(customers=made.customer_id.nunique()).order_by("outcome")
    query = f"decision_made of lifecycle, {since:%Y-%m-%d} to {as_of:%Y-%m-%d}, customers by outcome"
    rows = shop.engine.to_arrow(table).to_pylist()
    lines = [
        Line(said["quiet" if row["outcome"] == NOTHING else "tried"].format(
            action=row["outcome"], count=f"{row['customers']:,}"), query)
        for row in rows
    ]  # fmt: skip
    return lines or [Line(said["nothing"], query)]


def _learned(shop: Shop, now: Situation, said: dict[str, str], money: Money) -> list[Line]:
    query = f"margin of customers beside the control group, {DAYS} days before {now.as_of:%Y-%m-%d}"
    try:
        found, *parts = proofs(shop, now.as_of - timedelta(days=DAYS), now.as_of, acted(shop))
    except NotEnoughError as error:
        return [Line(said["unproven"].format(why=error), query)]

    def figures(of: Proof) -> dict[str, str]:
        return {name: money(getattr(of, name)) for name in ("each", "low", "high", "total")}

    apart = f"margin of customers for whom all but one capability acts, {DAYS} days before {now.as_of:%Y-%m-%d}"
    return [
        Line(said["proof"].format(days=DAYS, **figures(found)), query),
        *(Line(said["part"].format(name=part.what, **figures(part)), apart) for part in parts),
    ]


def _moved(shop: Shop, now: Situation, language: Language) -> list[Line]:
    panel, names = now.known.panel, NAMES[language] | {"not known": "—"}
    rows = flows(panel, in_use(shop).stages, max(panel.weeks - 5, 0), panel.weeks - 1).to_pylist()
    return [
        Line(
            LINES[language]["flow"].format(
                count=f"{row['customers']:,}", begin=names[row["begin"]], end=names[row["end"]]
            ),
            f"regulars lifecycle --as-of {now.as_of:%Y-%m-%d}",
        )
        for row in [row for row in rows if row["begin"] != row["end"]][:3]
    ]


def _open(now: Situation, said: dict[str, str], money: Money) -> list[Line]:
    week = plan(now)
    query = f"regulars plan --as-of {now.as_of:%Y-%m-%d}"
    lines = [
        said["plan"].format(
            contacts=f"{week.contacts:,}", gain=money(week.gain), low=money(week.low), high=money(week.high),
            cost=money(week.spent),
        )
    ]  # fmt: skip
    for name, price in week.scarce.items():
        lines.append(said["scarce"].format(name=name, price=money(price)))
        if name in week.what_if:
            more = list(week.what_if[name].values())[-1] - week.gain
            lines.append(said["twice"].format(name=name, more=money(more)))
    if not week.scarce:
        lines.append(said["enough"])
    lines += [said["note"].format(note=note) for note in week.notes]
    return [Line(line, query) for line in lines]


def write(shop: Shop, found: Letter, as_of: datetime, receiver: str = "owner@localhost") -> list[Path]:
    """The letter as a page and as an e-mail, in the shop's folder; where they are."""
    stem = storage.make_folder(shop.folder / FOLDER) / f"{as_of:%Y-%m-%d}-{found.language}"
    paths = [stem.with_suffix(".html"), stem.with_suffix(".eml")]
    storage.replace(paths[0], found.to_html())
    storage.replace(paths[1], found.to_email(SENDER, receiver).as_bytes())
    return paths
