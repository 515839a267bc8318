"""Customers: what a customer's page asks for part by part, each with what it rests on."""

from __future__ import annotations

from typing import Any

import ibis
import sqlalchemy as sa
from starlette.responses import Response

from regulars.campaign.sending import history
from regulars.campaign.sending.tables import outbox
from regulars.campaign.sending.tables import prepare as with_outbox
from regulars.console.charts import chart
from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.screens.fraud_rings import linked
from regulars.console.visit import Visit
from regulars.customers.known import pair
from regulars.errors import NotFoundError
from regulars.experiment.exposure import TYPE as EXPOSED
from regulars.fraud.graph import picture, why
from regulars.pricing.audit import audit
from regulars.profile.nearest import nearest
from regulars.support.handover import transcript
from regulars.support.tables import conversations
from regulars.support.tables import prepare as with_support

screen = Screen("customers")

MOST = 20
"""Lines of a part."""
ALIKE = 6


@screen.get("/customer/alike", may=ALL)
def alike(visit: Visit) -> Response:
    """Who is most like this customer, by behaviour vectors where there are any, and what they have in common."""
    with visit.console.reading() as shop:
        found = nearest(shop, visit.customer(), visit.as_of, ALIKE)
    return visit.page("customers/alike.html", found=found)


@screen.get("/customer/prices", may=ALL)
def prices(visit: Visit) -> Response:
    """Prices and discounts that were decided, shown and charged, each with why and what was said beside it."""
    with visit.console.reading() as shop:
        try:
            rows = audit(shop, customer_id=visit.customer(), as_of=visit.as_of).to_pylist()
        except NotFoundError:
            rows = []
    return visit.page("customers/prices.html", rows=rows[: -MOST - 1 : -1], total=len(rows))


@screen.get("/customer/messages", may=ALL)
def messages(visit: Visit) -> Response:
    """Messages on their way, and what was done, skipped and held, with why."""
    customer, state = visit.customer(), with_outbox(visit.shop.state)
    asked = sa.select(outbox).where(outbox.c.customer_id == customer).order_by(outbox.c.not_before.desc()).limit(MOST)
    with state.read() as view:
        rows = view.execute(asked).all()
    return visit.page("customers/messages.html", rows=rows, log=history(state, customer_id=customer, limit=MOST))


@screen.get("/customer/experiments", may=ALL)
def experiments(visit: Visit) -> Response:
    """Into which arm of which experiments this customer came, and when first."""
    end = ibis.literal(visit.as_of, "timestamp('UTC')")
    with visit.console.reading() as shop:
        own = shop.events_of(pair(visit.customer(), visit.as_of)).filter(ibis._.type == EXPOSED, ibis._.time < end)
        said: Any = own.properties.cast("json")
        name = ibis.coalesce(*(said[key].str for key in ("experiment", "experiment_name", "experiment_id")))
        first = own.group_by("variant", experiment=name).agg(time=own.time.min()).order_by(ibis.desc("time"))
        rows = shop.engine.to_arrow(first.limit(MOST)).to_pylist()
    return visit.page("customers/experiments.html", rows=rows)


@screen.get("/customer/links", may=ALL)
def links(visit: Visit) -> Response:
    """The ring that this customer is in, if any: its graph, what they share, and why it looks like abuse."""
    customer, there = visit.customer(), linked(visit)
    ring = there.of(customer)
    if ring is None:
        return visit.page("customers/links.html", ring=None)
    row = there.rings.table.slice(ring - 1, 1).to_pylist()[0]
    said = why(there.rings, ring, "zh" if visit.language == "zh" else "en")
    drawn = chart(picture(there.rings, ring, there.stream), visit.t("fraud.ring_about"))
    return visit.page(
        "customers/links.html", ring=ring, row=row, why=said, shared=there.rings.shared(ring)[:MOST], drawn=drawn
    )


@screen.get("/customer/conversations", may=ALL)
def talks(visit: Visit) -> Response:
    """What was said with this customer, the newest conversation first."""
    state = with_support(visit.shop.state)
    of = conversations.c.customer_id == visit.customer()
    asked = sa.select(conversations).where(of).order_by(conversations.c.opened_at.desc()).limit(MOST)
    with state.read() as view:
        rows = view.execute(asked).all()
    found: list[dict[str, Any]] = [{**row._mapping, "said": transcript(state, row.conversation_id)} for row in rows]
    return visit.page("customers/talks.html", found=found)
