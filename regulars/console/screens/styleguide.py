"""The design language, alive: every component as pages use it, with the values of the tokens."""

from __future__ import annotations

import altair as alt
from starlette.responses import Response

from regulars.console.charts import chart
from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.visit import Visit

screen = Screen("styleguide")

COLUMNS = (Column("who"), Column("state", "badge"), Column("orders", "number", is_wide=True), Column("spend", "money"))
ROWS = (
    {"who": "Ada", "state": "active", "orders": 12, "spend": 1234.5},
    {"who": "李雷", "state": "lapsed", "orders": 3, "spend": 87.2},
)
TOKENS = ("ground", "raised", "line", "ink", "soft", "accent", "good", "warning", "bad")


@screen.get("/styleguide", may=ALL)
def styleguide(visit: Visit) -> Response:
    """All components on one page."""
    values = [{"day": day, "share": round(0.9 * 0.8**day, 3)} for day in range(10)]
    drawn = (
        alt.Chart(alt.InlineData(values=values))
        .mark_line()
        .encode(x="day:Q", y=alt.Y("share:Q", axis=alt.Axis(format="%")))
    )
    found = Listing.of(visit, COLUMNS).of_rows(ROWS)
    return visit.page("styleguide.html", found=found, tokens=TOKENS, chart=chart(drawn, visit.t(".chart_about")))
