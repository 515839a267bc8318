"""Fraud: how decisions did, as the labels that came since tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from starlette.responses import Response

from regulars.console.charts import chart
from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.errors import InputError, NotEnoughError, NotFoundError
from regulars.fraud.monitor import Watch, alerts, notes, scored, watch
from regulars.fraud.monitor.charts import charts

if TYPE_CHECKING:
    from regulars.console.app import Console
    from regulars.shop import Shop

screen = Screen("fraud")


@screen.get("/fraud/performance", may=ALL)
def performance(visit: Visit) -> Response:
    """How scores spread, how often it is fraud, how right reviews and rules are; its charts are a part."""
    return visit.page("fraud/performance.html")


@screen.get("/fraud/performance/charts", may=ALL)
def charts_(visit: Visit) -> Response:
    """What was watched over the last days: what is alarming, the charts, and what cannot be told yet."""
    found, language = frauds(visit.console), cast(Literal["en", "zh"], visit.language)
    if found is None:
        return visit.page("fraud/watched.html", drawn={}, alarms=[], left_out=[])
    drawn = {title: chart(each, str(each.to_dict().get("description", ""))) for title, each in charts(found).items()}
    alarms, left_out = alerts(found, language) if found.alerts else [], notes(found, language)
    return visit.page("fraud/watched.html", drawn=drawn, alarms=alarms, left_out=left_out)


def frauds(console: Console) -> Watch | None:
    """How attempts stand beside those of before; None if nothing says."""

    def make(shop: Shop) -> Watch | None:
        try:
            now, settings = shop.now, shop.config
            return watch(scored(shop, now), now, settings.fraud.dispute_days, settings.shop.timezone)
        except (NotEnoughError, NotFoundError, InputError):
            return None

    return console.kept.of("fraud.watch", console.shop.log.version, make)
