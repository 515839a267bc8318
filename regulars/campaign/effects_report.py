"""What campaigns brought, as a table, as JSON, and as one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from regulars.campaign.effects import CampaignEffect, Total
from regulars.campaign.plots import effects_plot
from regulars.evaluation import Figure, Section, Table, render
from regulars.units import shown

COLUMNS = (
    "Campaign", "Known from", "Contacted", "Left alone", "Orders more", "Margin more", "Cost", "Earned", "Return",
    "CUPED saves", "(attributed)",
)  # fmt: skip
HOW = (
    "What contacted customers brought more than those whom the lot left alone, over all contacted, with 95 % "
    "intervals. Earned is margin less cost; the return is that for each unit of cost.",
    "Attributed is the margin of all orders of the contacted, as tools count it that look at what came after a "
    "message: what would have come anyway is in it, and it decides nothing here.",
)


def rows_of(found: Sequence[CampaignEffect], currency: str) -> list[tuple[str, ...]]:
    """As texts, in the order of `COLUMNS`."""
    return [
        (
            one.campaign, one.source, f"{one.contacted:,}", f"{one.left_alone:,}",
            f"{one.orders.value:+,.1f} ({one.orders.low:+,.1f} to {one.orders.high:+,.1f})",
            _money(one.margin, currency), shown(one.cost, "money", currency), _money(one.net, currency),
            "" if one.returned is None else
            f"{one.returned.value:+,.1f} ({one.returned.low:+,.1f} to {one.returned.high:+,.1f})",
            f"{one.saved:.0%}".replace("%", " %"), shown(one.attributed, "money", currency),
        )
        for one in found
    ]  # fmt: skip


def in_words(one: CampaignEffect, currency: str) -> str:
    """What to make of a campaign, in a sentence."""
    if not one.is_sound:
        return (
            f"{one.campaign} ({one.source}): {one.contacted:,} contacted and {one.left_alone:,} left alone are not "
            f"what the lot says (chance {one.balance:.1g}): its figures are worth nothing until that is explained."
        )
    earned = _money(one.net, currency)
    if one.net.low > 0:
        return f"{one.campaign} ({one.source}) earned {earned}."
    if one.net.high < 0:
        return f"{one.campaign} ({one.source}) lost money: {earned}. Stop it."
    return f"{one.campaign} ({one.source}): {earned}: it cannot be told from luck yet."


def to_rich(found: Sequence[CampaignEffect], as_of: datetime, days: int, currency: str) -> RenderableType:
    """For the terminal."""
    table = RichTable(*COLUMNS)
    for one, row in zip(found, rows_of(found, currency), strict=True):
        style = "" if not one.is_sure else "green" if one.net.low > 0 else "red"
        table.add_row(*(Text(cell) for cell in row), style=style)
    heading = f"Draws whose {days} days were over by {as_of:%Y-%m-%d %H:%M}."
    return Group(
        Text(heading, style="dim"), table, *(Text(in_words(one, currency)) for one in found),
        *(Text(line, style="dim") for line in HOW),
    )  # fmt: skip


def to_dict(found: Sequence[CampaignEffect], as_of: datetime, days: int, currency: str) -> dict[str, Any]:
    """As values that JSON can hold."""
    rows = []
    for one in found:
        said = asdict(one) | {"is_sound": one.is_sound, "is_sure": one.is_sure, "words": in_words(one, currency)}
        rows.append({key: value.isoformat() if isinstance(value, datetime) else value for key, value in said.items()})
    return {"as_of": as_of.isoformat(), "days": days, "currency": currency, "campaigns": rows}


def to_html(found: Sequence[CampaignEffect], as_of: datetime, days: int, currency: str) -> str:
    """As one page that stands alone."""
    names = [f"{one.campaign} ({one.source})" for one in found]
    figures = [
        _figure("What each campaign earned", names, [one.net for one in found], f"Margin less cost ({currency})"),
        _figure("Orders that came because of it", names, [one.orders for one in found], "Incremental orders"),
    ]
    back = [(name, one.returned) for name, one in zip(names, found, strict=True) if one.returned is not None]
    if back:
        figures.append(_figure("Return", [name for name, _ in back], [one for _, one in back], "For each unit of cost"))
    heading = f"What campaigns brought, as of {as_of:%Y-%m-%d}"
    text = (f"Draws whose {days} days were over.", *(in_words(one, currency) for one in found), *HOW)
    return render(
        heading, [Section(heading, text=text, table=Table(COLUMNS, rows_of(found, currency)), figures=figures)]
    )


def _figure(title: str, names: list[str], totals: list[Total], axis: str) -> Figure:
    chart = effects_plot(names, [(one.value, one.low, one.high) for one in totals], axis)
    return Figure(title, str(chart.to_dict().get("description", "")), chart)


def _money(one: Total, currency: str) -> str:
    return f"{one.value:+,.2f} ({one.low:+,.2f} to {one.high:+,.2f}) {currency}"
