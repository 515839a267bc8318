"""Settings: the people and their roles, the keys of the API, and who changed what."""

from __future__ import annotations

import sqlalchemy as sa
from starlette.responses import Response

from regulars import clock
from regulars.console.listing import Column, Listing
from regulars.console.roles import ADMIN, ROLES
from regulars.console.screen import Screen
from regulars.console.screens import settings_policies
from regulars.console.tables import audit
from regulars.console.visit import Visit, url
from regulars.serve.keys import SCOPES, Key, Keys

screen = Screen("settings", group="running")

PEOPLE = (Column("name"), Column("email"), Column("role", "badge"), Column("created_at", "date", is_wide=True))
KEYS = (Column("name"), Column("prefix"), Column("scopes", is_sorted=False), Column("created_at", "date", is_wide=True))
AUDIT = (Column("at", "time"), Column("who"), Column("what"), Column("about"))
AUDITED = ("who", "about")


@screen.get("/settings", may=ADMIN)
def people(visit: Visit) -> Response:
    """The people and their roles."""
    rows = [person._asdict() for person in visit.console.people.all()]
    return visit.page("settings/people.html", found=Listing.of(visit, PEOPLE).of_rows(rows), roles=ROLES)


@screen.post("/settings/people/invite", may=ADMIN)
def invite(visit: Visit) -> Response:
    """A link by which one person can join; it is shown once."""
    role = visit.given("role")
    token = visit.console.people.invite(role, by=visit.who)
    visit.note("settings.invited", role, None, {"role": role})
    base = f"{visit.request.url.scheme}://{visit.request.headers['host']}"
    return visit.page("settings/link.html", link=base + url("/welcome", token=token), role=role)


@screen.post("/settings/people/{person}/role", may=ADMIN)
def role(visit: Visit) -> Response:
    """Another role."""
    before, after = visit.console.people.change(_known(visit), role=_role(visit))
    visit.note("settings.role_changed", after.email, {"role": before.role}, {"role": after.role})
    said = visit.t(".role_is", name=after.name, role=visit.t(f"roles.{after.role}"))
    return visit.go("/settings", said, undo=(f"/settings/people/{after.id}/role", {"role": before.role}))


@screen.post("/settings/people/{person}/block", may=ADMIN)
def block(visit: Visit) -> Response:
    """Let somebody in no more, or again."""
    again = visit.form.get("again") == "yes"
    _, after = visit.console.people.change(_known(visit), blocked_at=None if again else clock.now())
    what = "settings.let_in" if again else "settings.blocked"
    visit.note(what, after.email, {"blocked": again}, {"blocked": not again})
    undo = (f"/settings/people/{after.id}/block", {"again": "" if again else "yes"})
    return visit.go("/settings", visit.t(f"{what}_said", name=after.name), undo=undo)


@screen.get("/settings/keys", may=ADMIN)
def keys(visit: Visit) -> Response:
    """The keys of the API, without the keys themselves."""
    rows = [_row(key) for key in Keys(visit.shop.state).all()]
    found = Listing.of(visit, KEYS, sort="-created_at").of_rows(rows)
    return visit.page("settings/keys.html", found=found, scopes=SCOPES)


@screen.post("/settings/keys/create", may=ADMIN)
def create_key(visit: Visit) -> Response:
    """A key; it is shown once."""
    made, secret = Keys(visit.shop.state).create(visit.given("name"), [visit.given("scope")], who=visit.who)
    visit.note("settings.key_created", made.prefix, None, {"name": made.name, "scopes": list(made.scopes)})
    return visit.page("settings/key.html", secret=secret, name=made.name)


@screen.post("/settings/keys/{key}/revoke", may=ADMIN)
def revoke_key(visit: Visit) -> Response:
    """Let a key open nothing any more."""
    gone = Keys(visit.shop.state).revoke(visit.number("key"), who=visit.who)
    visit.note("settings.key_revoked", gone.prefix, {"name": gone.name}, {"revoked": True})
    return visit.go("/settings/keys", visit.t(".key_is_revoked", name=gone.name))


@screen.get("/settings/audit", may=ADMIN)
def log(visit: Visit) -> Response:
    """Who changed what, from what to what."""
    listing = Listing.of(visit, AUDIT, AUDITED, sort="-at")
    asked = sa.select(audit)
    for name in AUDITED:
        if listing.filters[name]:
            asked = asked.where(audit.c[name].contains(listing.filters[name], autoescape=True))
    found = listing.of_state(visit.shop.state, asked)
    for row in found.rows:
        row["what"] = visit.t(row["what"])
    return visit.page("settings/audit.html", found=found)


def _known(visit: Visit) -> int:
    return visit.console.people.one(visit.number("person")).id


def _role(visit: Visit) -> str:
    role = visit.given("role")
    return role if role in ROLES else "read_only"


def _row(key: Key) -> dict[str, object]:
    return {
        "id": key.id, "name": key.name, "prefix": f"{key.prefix}…", "scopes": list(key.scopes),
        "created_at": key.created_at, "is_open": key.counts_at(clock.now()),
    }  # fmt: skip


screen.routes += settings_policies.screen.routes
