"""The demo: a real shop's orders, from the file to a decision about each customer, in a few minutes.

The orders are UCI Online Retail (Chen, 2015, doi.org/10.24432/C5BW33, CC BY 4.0): all invoice lines of a
British gift wholesaler from December 2010 to December 2011.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from regulars import config, storage
from regulars.config import ShopSettings
from regulars.evaluation import Figure, Report, Section, Split, Table, histogram, render
from regulars.events.importing import ImportResult
from regulars.profile import profiles
from regulars.shop import Decided, Shop
from regulars.units import shown

AS_OF = datetime(2011, 9, 10, tzinfo=UTC)
SETTINGS = ShopSettings(name="Online Retail", currency="GBP", timezone="Europe/London")
SOURCE = "online_retail.parquet"
QUICK = {
    '# size = "small"': 'size = "tiny"',
    "# epochs = 20": "epochs = 3",
    "# learning_rate = 0.003": "learning_rate = 0.006",
    "# cut_offs = 3": "cut_offs = 2",
    '# consent = "given"': 'consent = "not refused"',
    '# exclude = ["stock <= 0"]': """exclude = ["title in ('POSTAGE', 'DOTCOM POSTAGE', 'CARRIAGE', 'Manual')"]""",
}
"""Settings by which the behaviour model takes a minute, not ten, and the recommender half a minute; nobody is shown
postage."""

GALLERY, IN_GALLERY = 10, 4
"""Customers whose lists are shown on the page, and how many products of each."""

Working = Callable[[str], AbstractContextManager[object]]
"""Shows that a step is under way, for as long as it takes."""


@dataclass(frozen=True)
class Demo:
    """What the demo found.

    Attributes
    ----------
    stages : {stage: customers in it as of the demo's moment}.
    report : the page that shows all of it.
    """

    shop: Shop
    imported: ImportResult
    reports: dict[str, Report]
    stages: dict[str, int]
    decided: Decided
    shown: Decided
    suspect: Decided
    pilot: Decided
    advertised: Decided
    next_best: Decided | None
    report: Path

    def findings(self) -> Iterator[str]:
        """What was found, in nineteen lines."""
        profile, churn, behavior, recommend, segment = (
            self.reports[name] for name in ("profile", "churn", "behavior", "recommend", "segment")
        )
        table = self.decided.table
        total = sum(table["value_at_risk"].to_pylist())
        first = table.slice(0, 1).to_pylist()[0]
        returns = self._returns()
        yield (
            f"{self.imported.read:,} lines read: {self.imported.added:,} events in the log, "
            f"{self.imported.rejected:,} refused with their reasons."
        )
        yield f"{returns[0]:,} returned lines; {returns[1]:,} tied to the order they were bought in."
        yield f"{churn.customers:,} customers known as of {AS_OF:%d %B %Y}, by up to 100 features each."
        yield "By stage: " + ", ".join(f"{count:,} {stage}" for stage, count in self.stages.items()) + "."
        yield f"Profiles: {profile.verdict}"
        yield f"Churn: {churn.verdict}"
        yield f"Segments: {segment.verdict}"
        yield f"What they take up next: {behavior.verdict}"
        yield f"What to show them: {recommend.verdict}"
        yield f"The next product of a session under way: {self.reports['realtime'].verdict}"
        looked_at = self.suspect.table.num_rows
        yield f"Orders that stand out: {looked_at} to look at this week. {self.reports['fraud'].verdict}"
        counts = Counter(self.pilot.table["action"].to_pylist())
        contacted = sum(counts.values()) - counts["none"]
        yield (
            f"What a message brings nobody knows yet: a pilot by lot writes to {contacted:,} and leaves "
            f"{counts['none']:,} alone. {self.reports['campaign'].verdict}"
        )
        yield f"How demand answers prices: {self.reports['pricing'].verdict}"
        kept_out = sum(action == "hold out" for action in self.advertised.table["action"].to_pylist())
        yield (
            f"Worth a bid for an ad: {self.advertised.table.num_rows - kept_out:,} customers; {kept_out:,} more are "
            f"held out by lot, to see what ads bring. {self.reports['ads'].verdict}"
        )
        yield f"What those want who write to the shop: {self.reports['support'].verdict}"
        yield f"One next best action for each: {self._chosen()}{self.reports['lifecycle'].verdict}"
        yield f"{table.num_rows} customers to contact this week; {total:,.0f} {SETTINGS.currency} at risk in 90 days."
        yield (
            f"First of them: customer {first['customer_id']}, {shown(first['churn_probability'], 'share')} likely to "
            f"leave, {first['value_at_risk']:,.0f} {SETTINGS.currency} at risk. "
            f"Why: {'; '.join(first['reasons'])}."
        )
        yield "Every figure was learned from before its moment and judged by what came after."

    def _chosen(self) -> str:
        if self.next_best is None:
            return "none is chosen while what customers bring cannot be foreseen. "
        best = Counter(self.next_best.table["action"].to_pylist())
        return ", ".join(f"{action} {count:,}" for action, count in best.most_common() if action != "none") + ". "

    def _returns(self) -> tuple[int, int]:
        events = self.shop.events
        refunds = events.filter(events.type == "order_refunded")
        orders = events.filter(events.type == "order_completed").select("order_id").distinct()
        tied = refunds.semi_join(orders, "order_id")
        count = self.shop.engine.to_arrow
        return count(refunds.count()).as_py(), count(tied.count()).as_py()


def run(folder: Path, working: Working) -> Demo:
    """Make the demo's shop in a folder, and do the main job in it as of 10 September 2011."""
    with working("making the shop"):
        shop = make(folder)
    with working("importing the orders"), as_file(files(__name__) / SOURCE) as source:
        imported = shop.import_(source)
    with working(f"learning the behaviour model from before {AS_OF:%d %B %Y}"):
        _, report = shop.learn("behavior", AS_OF)
    reports = {"behavior": report}
    with working(f"learning what to show from before {AS_OF:%d %B %Y}"):
        _, reports["recommend"] = shop.learn("recommend", AS_OF)
    with working(f"learning what the last event changes from before {AS_OF:%d %B %Y}"):
        _, reports["realtime"] = shop.learn("realtime", AS_OF)
    with working(f"learning which orders stand out from before {AS_OF:%d %B %Y}"):
        _, reports["fraud"] = shop.learn("fraud", AS_OF)
    with working(f"learning what customers bring anyway from before {AS_OF:%d %B %Y}"):
        _, reports["campaign"] = shop.learn("campaign", AS_OF)
    with working(f"learning how demand answers prices from before {AS_OF:%d %B %Y}"):
        _, reports["pricing"] = shop.learn("pricing", AS_OF)
    with working(f"learning who is worth an ad from before {AS_OF:%d %B %Y}"):
        _, reports["ads"] = shop.learn("ads", AS_OF)
    with working("learning what customers want who write"):
        _, reports["support"] = shop.learn("support", AS_OF)
    for name in ("profile", "churn", "segment"):
        with working(f"learning {name} from before {AS_OF:%d %B %Y}"):
            shop.learn(name, AS_OF)
        with working(f"judging {name} by the 90 days after"):
            reports[name] = shop.evaluate(name, Split(AS_OF, shop.config.churn.horizon_days))
    with working("deciding whom to contact"):
        decided = shop.decide("churn", AS_OF)
    with working("deciding what to show"):
        shown = shop.decide("recommend", AS_OF)
    with working("deciding which orders to look at"):
        suspect = shop.decide("fraud", AS_OF)
    with working("drawing a pilot of messages"):
        pilot = shop.decide("campaign", AS_OF)
    with working("deciding who is worth a bid"):
        advertised = shop.decide("ads", AS_OF)
    with working("choosing the one next best action of each customer"):
        _, reports["lifecycle"] = shop.learn("lifecycle", AS_OF)
        next_best = shop.decide("lifecycle", AS_OF) if reports["lifecycle"].in_use else None
    with working("writing profiles and the report"):
        known = profiles(shop, AS_OF)
        shop.tables.write("profile", "profiles", known, AS_OF)
        stages = dict(Counter(known["stage"].to_pylist()).most_common())
        page = folder / "report.html"
        found = Demo(shop, imported, reports, stages, decided, shown, suspect, pilot, advertised, next_best, page)
        storage.replace(found.report, _page(found))
    return found


def make(folder: Path) -> Shop:
    """The demo's shop, before anything is imported into it."""
    Shop.create(folder, SETTINGS)
    settings = (folder / config.FILE).read_text(encoding="utf-8")
    for default, chosen in QUICK.items():
        settings = settings.replace(default, chosen)
    storage.replace(folder / config.FILE, settings)
    return Shop.open(folder)


def _page(found: Demo) -> str:
    table = found.decided.table
    glance = Section(heading="At a glance", text=tuple(found.findings()))
    rows = [
        [
            row["rank"],
            row["customer_id"],
            shown(row["churn_probability"], "share"),
            f"{row['value_at_risk']:,.0f}",
            "; ".join(row["reasons"]),
        ]
        for row in table.slice(0, 20).to_pylist()
    ]
    at_risk = np.asarray(table["value_at_risk"])
    contact = Section(
        heading="Whom to contact this week",
        text=(
            f"{table.num_rows} customers, ranked by the risk that they leave times what they would spend in the next "
            f"90 days. Together {at_risk.sum():,.0f} {SETTINGS.currency} are at risk. The first twenty:",
        ),
        table=Table(("", "Customer", "Risk", f"At risk, {SETTINGS.currency}", "Because of"), rows),
        figures=(
            Figure(
                "How the money at risk is spread",
                "Each bar counts the customers on the list with so much at risk.",
                histogram(at_risk, "Value at risk", SETTINGS.currency),
            ),
        ),
    )
    life = Section(
        heading="Where customers stand",
        text=("The stage of life of every customer, by the shop's own rhythm of ordering.",),
        table=Table(("Stage", "Customers"), [[stage, count] for stage, count in found.stages.items()]),
    )
    judged = [
        Section(report=found.reports[name])
        for name in (
            "churn",
            "recommend",
            "realtime",
            "profile",
            "segment",
            "fraud",
            "campaign",
            "pricing",
            "ads",
            "support",
            "behavior",
            "lifecycle",
        )
    ]
    acts = [contact, _gallery(found), _suspect(found), _pilot(found), _bids(found), *_next_best(found)]
    return render(f"{SETTINGS.name}, as of {AS_OF:%d %B %Y}", [glance, *acts, life, *_groups(found), *judged])


def _suspect(found: Demo) -> Section:
    """The orders of the last week that stand out most."""
    rows = [
        [row["rank"], row["customer_id"], f"{row['amount']:,.0f}", f"{row['time']:%d %B}", "; ".join(row["reasons"])]
        for row in found.suspect.table.to_pylist()
    ]
    return Section(
        heading="Which orders to look at",
        text=(
            "Nobody has told this shop which orders were frauds. These are the most unusual of the last week; that is "
            "no proof of anything. With disputes in the log the score becomes a probability.",
        ),
        table=Table(("", "Customer", f"Amount, {SETTINGS.currency}", "When", "Because of"), rows),
    )


def _pilot(found: Demo) -> Section:
    """Whom a message is tried on, and who is left alone to compare with."""
    table = found.pilot.table
    shown_rows = [*table.slice(0, 5).to_pylist(), *table.slice(table.num_rows - 5).to_pylist()]
    rows = [[row["customer_id"], row["action"], row["propensity"], "; ".join(row["reasons"])] for row in shown_rows]
    return Section(
        heading="Whom to try a message on",
        text=(
            "No lot has decided in this shop yet who is written to, so what a message changes cannot be known. This is "
            f"a pilot: {table.num_rows:,} customers, half of them left alone. When its two weeks are over, the model "
            "of who is moved learns from it. The first five and the last:",
        ),
        table=Table(("Customer", "What", "Chance", "Because"), rows),
    )


def _bids(found: Demo) -> Section:
    """Who is worth an ad, and how much a thousand impressions to each."""
    rows = [
        [row["rank"], row["customer_id"], row["action"], f"{row['value_cpm']:,.2f}", "; ".join(row["reasons"])]
        for row in found.advertised.table.slice(0, 10).to_pylist()
    ]
    return Section(
        heading="Who is worth an ad",
        text=(
            "No ad was ever shown by this shop: that one impression in a hundred is clicked, and a tenth of the orders "
            "after it come of it, is what settings say until its own ads tell. Some are held out by lot, for that. The "
            "first ten:",
        ),
        table=Table(("", "Customer", "What", f"Worth of 1,000 impressions, {SETTINGS.currency}", "Because of"), rows),
    )


def _next_best(found: Demo) -> list[Section]:
    """What is done for whom, over all capabilities."""
    if found.next_best is None:
        return []
    table = found.next_best.table
    rows = [
        [row["customer_id"], row["stage"], row["action"], f"{row['expected_gain']:,.2f}", "; ".join(row["reasons"])]
        for row in table.slice(0, 10).to_pylist()
        if row["action"] != "none"
    ]
    section = Section(
        heading="One next best action",
        text=(
            "What each capability would do, weighed against each other in margin over the remaining life, within a "
            "week's budget, contacts and hours. For most customers that is nothing. The first ten:",
        ),
        table=Table(("Customer", "Stage", "What", f"Brings, {SETTINGS.currency}", "Because"), rows),
    )
    return [section]


def _groups(found: Demo) -> list[Section]:
    """The segments and cells, each with what its customers did in the 90 days after."""
    tables = found.reports["segment"].tables
    return [
        Section(
            heading="Which customers are alike",
            text=(
                "Segments that were looked for, and whether they are more than chance would show: "
                f"{found.reports['segment'].verdict}",
            ),
            table=tables["Segments"],
        ),
        Section(
            heading="Recency, frequency and money",
            text=("The eleven cells, by the shop's own quintiles. What came is of the 90 days after.",),
            table=tables["RFM cells"],
        ),
    ]


def _gallery(found: Demo) -> Section:
    """The last products of the first customers to contact, beside what would be shown to them."""
    customers = found.decided.table["customer_id"].to_pylist()[:GALLERY]
    events = found.shop.events
    bought = found.shop.engine.to_arrow(
        events.filter(events.type == "order_completed", events.time < AS_OF, events.customer_id.isin(customers))
        .select("customer_id", "product_id", "time")
        .order_by("time", "product_id")
    ).to_pylist()
    known = found.shop.engine.to_arrow(found.shop.catalogue.select("product_id", "title"))
    title = dict(zip(known["product_id"].to_pylist(), known["title"].to_pylist(), strict=True))
    lists = {row["customer_id"]: row for row in found.shown.table.to_pylist()}
    rows = []
    for customer in customers:
        last = [title[row["product_id"]] for row in bought if row["customer_id"] == customer and row["product_id"]]
        row = lists[customer]
        lines = [f"{name} ({reason})" for name, reason in zip(row["titles"], row["reasons"], strict=True)][:IN_GALLERY]
        rows.append([customer, "; ".join(map(str, last[-IN_GALLERY:][::-1])), " ".join(lines)])
    return Section(
        heading="What to show them",
        text=(
            f"Each of {found.shown.table.num_rows:,} customers has a list, with a reason for each product. "
            f"The first {GALLERY} of those to contact, with what they bought last, to judge by eye:",
        ),
        table=Table(("Customer", "Bought last", "Would be shown, because"), rows),
    )
