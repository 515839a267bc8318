"""The commands of ads: audiences, lift by hold-out, a day's pace, attribution, the next budget, auctions replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import AsOf, Json, ShopFolder, emit, out, to_moment, working

commands = typer.Typer(
    name="ads", help="Ads: audiences, lift, attribution, budgets, replays of auctions.", no_args_is_help=True
)

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS_SHOWN = 5
Page = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write a page with charts to this file too, .html.")
]


@commands.command(epilog="Example: regulars ads audience --platform google --product tea --out list.csv --shop myshop")
def audience(
    file: Annotated[Path, typer.Option("--out", metavar="FILE", help="The list is written here, .csv.")],
    platform: Annotated[str, typer.Option(metavar="google|meta", help="Whose form the list has.")] = "google",
    product: Annotated[
        str | None, typer.Option(metavar="ID", help="What the ads are for: who bought it already is not on the list.")
    ] = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """The customers of the newest decision, as hashed addresses; who may not see ads by now, or is held out, is not."""
    from regulars.ads.audience.export import write
    from regulars.ads.audience.listed import listed
    from regulars.shop import Shop

    door = Shop.open(shop)
    with working("listing customers", quiet=as_json):
        people = listed(door, to_moment(as_of) or door.now, product)
        written, without = write(file, people, platform)
    if as_json:
        emit({"file": str(file), "platform": platform, "written": written, "without_address": without})
        return
    out.print(f"{written:,} customers for {platform}; {without:,} have no address that can be matched.")
    out.print(f"  {file}", soft_wrap=True)


@commands.command(epilog="Example: regulars ads lift --days 28 --shop myshop")
def lift(
    days: Annotated[int, typer.Option(min=1, max=365, help="Days after a decision that are looked at.")] = 28,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What ads added: margin of those who may see ads beside those held out by lot, and the return on spend."""
    from regulars.ads.lift import lift as measured
    from regulars.ads.lift import to_dict
    from regulars.shop import Shop
    from regulars.units import shown

    door = Shop.open(shop)
    with working("comparing customers", quiet=as_json):
        said = measured(door, to_moment(as_of) or door.now, days)
    if as_json:
        emit(to_dict(said))
        return
    found, currency = said.found, door.config.shop.currency
    total, low, high = (shown(each, "money", currency) for each in found.incremental)
    value, least, most = found.return_on_spend
    begun = "bid, which of the held out was worked out and not sent" if said.is_by_ghosts else "decision"
    out.print(
        f"{found.treated:,} customers for ads, {found.control:,} held out, {said.days} days from the first {begun}."
    )
    out.print(
        f"Ads added [bold]{total}[/] margin ({low} to {high} at 95 %) for {shown(found.spend, 'money', currency)}."
    )
    out.print(f"Return on spend: [bold]{value:.2f}[/] ({least:.2f} to {most:.2f}); above 1 ads pay for themselves.")
    if not found.is_sound:
        out.print("[red]The arms are not as even as the lot would make them: do not rely on this.[/]")


@commands.command(epilog="Example: regulars ads report --out ads.html --shop myshop")
def report(page: Page = None, shop: ShopFolder = Path(), as_of: AsOf = None, as_json: Json = False) -> None:
    """Which hours of the week pay, how soon people tire of ads, and what part of orders ads are taken to bring."""
    from regulars import storage
    from regulars.ads.charts import report_page
    from regulars.ads.credit import incremental_share
    from regulars.ads.patterns import patterns
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment, zone = to_moment(as_of) or door.now, door.config.shop.timezone
    with working("reading impressions", quiet=as_json):
        found, credit = patterns(door, moment), incremental_share(door, moment)
    if page is not None:
        storage.replace(page, report_page(found, zone))
    hours = {
        f"{DAYS[place // 24]} {place % 24:02d}:00": round(float(each), 3) for place, each in enumerate(found.hours)
    }
    tired = [round(float(each), 3) for each in found.fatigue.factors]
    if as_json:
        emit(
            {"impressions": found.impressions, "clicks": found.clicks, "timezone": zone, "hours": hours,
             "fatigue": tired, "incremental": credit._asdict()}
        )  # fmt: skip
        return
    out.print(f"{found.impressions:,} impressions, {found.clicks:,} clicks.", highlight=False)
    order = sorted(hours, key=lambda name: -hours[name])
    table = Table(f"Best hours ({zone})", "Clicks over foreseen", "Worst hours", "Clicks over foreseen")
    for best, worst in zip(order[:HOURS_SHOWN], order[: -HOURS_SHOWN - 1 : -1], strict=True):
        table.add_row(best, f"{hours[best]:.2f}", worst, f"{hours[worst]:.2f}")
    out.print(table)
    said = ", ".join(f"{number}: {each:.2f}" for number, each in enumerate(tired, start=1))
    out.print(f"Clicks by the number of the impression, over the first: {said}", highlight=False)
    out.print(f"Ads are taken to bring {credit.value:.1%} of what clicks claim, by {escape(credit.source)}.")
    if page is not None:
        out.print(f"  {page}", soft_wrap=True)


@commands.command(epilog="Example: regulars ads pace --out pace.html --shop myshop")
def pace(
    on: Annotated[
        str | None,
        typer.Option(
            "--on", metavar="DAY", help="Which day of the shop's time zone, e.g. 2024-05-01. Default: the newest."
        ),
    ] = None,
    page: Page = None,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """How a day's budget was spent, hour by hour, beside how it was planned."""
    from zoneinfo import ZoneInfo

    from regulars import storage
    from regulars.ads.charts import pace_page
    from regulars.ads.pace import pace as paced
    from regulars.ads.pacing import ClockDay
    from regulars.shop import Shop
    from regulars.units import shown

    door = Shop.open(shop)
    zone, currency, asked = door.config.shop.timezone, door.config.shop.currency, to_moment(on)
    day = ClockDay.on(asked.date(), ZoneInfo(zone)) if asked else ClockDay.of(door.now, ZoneInfo(zone))
    found, date = paced(door, day, max(door.now, day.end) if asked else door.now), f"{day.morning.date()}"
    if page is not None:
        storage.replace(page, pace_page(found, date, zone, currency))
    if as_json:
        emit(
            {"day": date, "budget": found.budget, "spent": found.spent.tolist(), "planned": found.planned.tolist(),
             "over": found.over, "apart": found.apart}
        )  # fmt: skip
        return
    spent, budget = (shown(each, "money", currency) for each in (float(found.spent[-1]), found.budget))
    out.print(f"{date}: spent [bold]{spent}[/] of {budget}; {found.over:.1%} over it.")
    out.print(f"{found.apart:.0%} of it came in other hours than planned.")
    if page is not None:
        out.print(f"  {page}", soft_wrap=True)


@commands.command(epilog="Example: regulars ads regions sales.csv --start 2024-05-06")
def regions(
    file: Annotated[
        Path, typer.Argument(help="CSV: period (in an order that sorts), region, outcome, treated (1 where ads ran).")
    ],
    start: Annotated[str, typer.Option(metavar="PERIOD", help="The first period with ads.")],
    experiment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="By its lot regions have ads: all arms but the first. No column treated then."
        ),
    ] = None,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """What ads added in regions where they ran, beside a mix of those where they did not (synthetic control)."""
    from regulars.ads.creatives import lot_of
    from regulars.ads.measure import geo_lift
    from regulars.ads.rows import by_region
    from regulars.shop import Shop

    lot = lot_of(Shop.open(shop), experiment) if experiment else None
    treated, controls, place, count = by_region(file, start, lot)
    found = geo_lift(treated, controls, place)
    total, low, high = (each * count for each in (found.lift, found.low, found.high))
    if as_json:
        emit(
            {"lift": total, "low": low, "high": high, "p_value": found.p_value, "error_before": found.error_before,
             "regions_with_ads": count}
        )  # fmt: skip
        return
    out.print(
        f"In {count} regions ads added [bold]{total:,.2f}[/] ({low:,.2f} to {high:,.2f} at 95 %), "
        f"p {found.p_value:.3f}; with {controls.shape[1]} regions without ads it is never below "
        f"{1 / (controls.shape[1] + 1):.3f}."
    )
    out.print(f"Before ads the mix missed {found.error_before:.1%} of the mean outcome.")


@commands.command(epilog="Example: regulars ads attribution --model markov --days 30 --shop myshop")
def attribution(
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="MODEL", help="last touch, position, shapley or markov. Default: all."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="How far back clicks and orders are looked at.")] = 30,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Which campaigns met customers before they ordered. This is no effect: for that, see `regulars ads lift`."""
    from regulars.ads.measure import LABEL, attribute
    from regulars.ads.paths import paths
    from regulars.shop import Shop

    door = Shop.open(shop)
    with working("reading ways to orders", quiet=as_json):
        ways = paths(door, to_moment(as_of) or door.now, days)
        names = model or ["last touch", "position", "shapley", "markov"]
        found = {name: attribute(ways, name) for name in names}
    if as_json:
        emit({"label": LABEL, "days": days, "money": found})
        return
    table = Table("Campaign", *names, title=f"{LABEL} ({door.config.shop.currency})")
    for channel in found[names[0]]:
        table.add_row(escape(channel), *(f"{found[name][channel]:,.2f}" for name in names))
    out.print(table)


@commands.command(epilog="Example: regulars ads split spend.csv --budget 500 --out split.html")
def split(
    file: Annotated[Path, typer.Argument(help="CSV: campaign, spend, margin (incremental); a row a day or week.")],
    budget: Annotated[float, typer.Option(help="The next budget, for the same time as a row.")],
    page: Page = None,
    as_json: Json = False,
) -> None:
    """How to split the next budget so that the last unit brings the same everywhere."""
    from regulars import storage
    from regulars.ads.charts import split_page
    from regulars.ads.measure import Saturation, next_split
    from regulars.ads.rows import numbers, read

    rows = read(file, ("campaign", "spend", "margin"))
    spend, margin = (numbers(file, name, rows[name]) for name in ("spend", "margin"))
    curves = {}
    for name in sorted(set(rows["campaign"])):
        places = [k for k, other in enumerate(rows["campaign"]) if other == name]
        curves[name] = Saturation.fit([spend[k] for k in places], [margin[k] for k in places])
    found = next_split(curves, budget)
    if page is not None:
        storage.replace(page, split_page(curves, budget))
    if as_json:
        emit({name: share._asdict() for name, share in found.items()})
        return
    table = Table("Campaign", "Spend", "Margin foreseen", "One unit more brings")
    for name, share in found.items():
        table.add_row(escape(name), f"{share.spend:,.2f}", f"{share.margin:,.2f}", f"{share.marginal:.2f}")
    out.print(table)
    kept = budget - sum(share.spend for share in found.values())
    if kept > budget * 0.001:
        out.print(f"{kept:,.2f} are kept: they would bring less than themselves.")
    if page is not None:
        out.print(f"  {page}", soft_wrap=True)


@commands.command(epilog="Example: regulars ads replay auctions.csv --auction first")
def replay(
    file: Annotated[
        Path, typer.Argument(help="CSV: value, bid, won (0 or 1), rival (the highest rival bid, empty if not told).")
    ],
    auction: Annotated[str, typer.Option(metavar="first|second", help="Which price is paid.")] = "first",
    as_json: Json = False,
) -> None:
    """What the bidder would have earned on auctions of the past, beside what was earned."""
    import numpy as np

    from regulars.ads.auction import AuctionLog
    from regulars.ads.auction import replay as replayed
    from regulars.ads.bidding import Bidder
    from regulars.ads.rows import numbers, read

    rows = read(file, ("value", "bid", "won"), ("rival",))
    value, bid, won = (np.array(numbers(file, name, rows[name])) for name in ("value", "bid", "won"))
    rival = np.array(numbers(file, "rival", rows["rival"], empty=float("nan")))
    log = AuctionLog(value, bid, won > 0, rival, np.zeros((len(value), 0)))
    with working("bidding again", quiet=as_json):
        found = replayed(log, Bidder(auction), auction)  # type: ignore[arg-type]  # Bidder refuses what it is not
    cost = bid if auction == "first" else np.where(np.isnan(rival), bid, rival)
    earned = float(((value - cost) * (won > 0)).sum())
    if as_json:
        emit({**vars(found), "surplus_then": earned})
        return
    out.print(f"Then: surplus {earned:,.2f}, {int((won > 0).sum()):,} of {len(value):,} auctions won.")
    out.print(f"Now: surplus {found.surplus_low:,.2f} to {found.surplus_high:,.2f}, {found.won:,} won for certain.")
    out.print(f"Of {found.unknown:,} auctions the log cannot say who would have won.")
