"""Fraud: how decisions did, as the labels that came since tell."""

from __future__ import annotations

from typing import Literal, cast

from starlette.responses import Response

from regulars.console.charts import chart
from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.screens.home import frauds
from regulars.console.visit import Visit
from regulars.fraud.monitor import alerts, notes
from regulars.fraud.monitor.charts import charts

screen = Screen("fraud")


@screen.get("/fraud/performance", may=ALL)
def performance(visit: Visit) -> Response:
    """How scores spread, how often it is fraud, how right reviews and rules are; its charts are a part."""
    return visit.page("fraud/performance.html")


@screen.get("/fraud/performance/charts", may=ALL)
def found(visit: Visit) -> Response:
    """What was watched over the last days: what is alarming, the charts, and what cannot be told yet."""
    watch, language = frauds(visit.console), cast(Literal["en", "zh"], visit.language)
    if watch is None:
        return visit.page("fraud/watched.html", drawn={}, alarms=[], left_out=[])
    drawn = {title: chart(each, str(each.to_dict().get("description", ""))) for title, each in charts(watch).items()}
    alarms, left_out = alerts(watch, language) if watch.alerts else [], notes(watch, language)
    return visit.page("fraud/watched.html", drawn=drawn, alarms=alarms, left_out=left_out)
