"""Customers: what the law lets one ask for: a copy of all that is kept, an objection, erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from regulars import clock
from regulars.console.roles import only
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.customers import object_to
from regulars.errors import InputError
from regulars.privacy.erase import erase
from regulars.privacy.export import archive

if TYPE_CHECKING:
    from regulars.console.jobs import Progress

screen = Screen("customers")

CHANGING = only("growth", "service", "risk")
ERASING = only("service")
JOB = "customers.job_erase"


@screen.get("/customer/export", may=CHANGING)
def export(visit: Visit) -> Response:
    """All that is kept about a customer: `regulars customers export` as a download."""
    customer_id = visit.needed("id")
    with visit.console.reading() as shop:
        data, counts = archive(shop, customer_id)
    visit.console.serving.reads.note(visit.who, [customer_id], visit.request.url.path)
    visit.note("customers.exported", customer_id, None, counts)
    headers = {"content-disposition": 'attachment; filename="customer.zip"'}
    return Response(data, media_type="application/zip", headers=headers)


@screen.post("/customer/object", may=CHANGING)
def object_(visit: Visit) -> Response:
    """Log an objection, or that one is taken back."""
    customer_id, purpose = visit.given("id"), visit.given("purpose")
    withdraw = visit.form.get("withdraw") == "yes"
    with visit.console.reading() as shop:
        object_to(shop, customer_id, purpose, withdraw=withdraw)
    what = "customers.objection_withdrawn" if withdraw else "customers.objection_made"
    visit.note(what, customer_id, {"objects": withdraw}, {"objects": not withdraw, "purpose": purpose})
    fields = {"id": customer_id, "purpose": purpose, "withdraw": "" if withdraw else "yes"}
    said = visit.t(what, purpose=visit.t(f".purpose_{purpose}"))
    return visit.go("/customer", said, undo=("/customer/object", fields), id=customer_id)


@screen.post("/customer/erase", may=ERASING)
def erase_(visit: Visit) -> Response:
    """Erase a customer from the log and every place made of it. It cannot be undone, so the id is typed once more.

    What is noted down names nobody: the audit log would else keep who is to be forgotten.
    """
    customer_id, console = visit.given("id"), visit.console
    if visit.given("sure") != customer_id:
        raise InputError(visit.t(".not_sure"))

    def work(progress: Progress) -> str:
        with console.reading() as shop:
            done = erase(shop, [customer_id])
            console.index.make(shop, progress)
        console.kept.forget()
        return visit.t(".erased_said", ids=f"{len(done.ids):,}", rows=f"{done.rows:,}")

    asked_at = clock.now()
    if console.jobs.begin(JOB, work, by=visit.who).begun_at < asked_at:
        raise InputError(visit.t(".erases_another"))
    visit.note("customers.erased", "")
    return visit.go("/customers")
