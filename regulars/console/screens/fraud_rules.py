"""Fraud: the shop's own rules, written with what fits, tried on the past, counted in shadow, then live."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import altair as alt
from starlette.responses import Response

from regulars.console.charts import Chart, chart
from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.screens.fraud_rings import attempts_of
from regulars.console.visit import Visit
from regulars.errors import InputError
from regulars.evaluation import palette
from regulars.fraud.rule import ACTIONS, Backtest, FraudRules, Lists, State, Trial, suggest, vocabulary
from regulars.fraud.rule.saved import Action
from regulars.rules import RuleError

screen = Screen("fraud")

RULES = (
    Column("name"),
    Column("action", "badge"),
    Column("state", "badge"),
    Column("version", "number", is_wide=True),
    Column("rule", is_sorted=False),
    Column("note", is_wide=True, is_sorted=False),
)
CHANGING = only("risk")
DAYS = 180
"""Of so many last days a rule is tried."""
OFFERED = 20


@screen.get("/fraud/rules", may=ALL)
def index(visit: Visit) -> Response:
    """The rules there are, and which of them act."""
    rules = FraudRules(visit.shop)
    rows = [
        {
            **vars(one), "action": visit.t(f".action_{one.action}"),
            "state": visit.t(f".rule_{_word(rules.state(name))}"),
        }
        for name in rules.names()
        for one in [rules.get(name)]
    ]  # fmt: skip
    return visit.page("fraud/rules.html", found=Listing.of(visit, RULES).of_rows(rows), may_change=CHANGING)


@screen.get("/fraud/rules/edit", may=ALL)
def edit(visit: Visit) -> Response:
    """A rule, with what fits next and what it would have done; a new one, or the newest of a name."""
    name, rules = visit.asked("name"), FraudRules(visit.shop)
    history = rules.history(name) if name else []
    state = rules.state(name) if name else None
    return visit.page(
        "fraud/rule.html", name=name, one=history[0] if history else None, history=history, actions=ACTIONS,
        state=_word(state) if state else "", verbs=("live", "shadow", "off"), may_change=CHANGING,
    )  # fmt: skip


@screen.get("/fraud/rules/words", may=ALL)
def words(visit: Visit) -> Response:
    """What fits at the end of a rule that is being typed."""
    rule = visit.asked("rule")
    found = suggest(rule, attempts_of(visit), "zh" if visit.language == "zh" else "en")[:OFFERED]
    return visit.page("fraud/words.html", offers=[(rule[: each.start] + each.text + " ", each) for each in found])


@screen.get("/fraud/rules/test", may=ALL)
def test(visit: Visit) -> Response:
    """What a rule would have done to past attempts; nothing is kept."""
    rule, action, end = visit.needed("rule"), _action(visit, visit.asked("action")), visit.console.now
    of = attempts_of(visit)
    with visit.console.reading() as shop:
        trial = Trial(shop, of, end - timedelta(days=DAYS), end, Lists(shop).index(), vocabulary(of))
        try:
            found = trial.test(rule, action, name=visit.asked("name"))
        except RuleError as error:
            return visit.page("fraud/tested.html", problem=str(error), found=None, drawn=None)
    return visit.page("fraud/tested.html", problem="", found=found, drawn=_by_day(visit, found))


@screen.post("/fraud/rules/save", may=CHANGING)
def save(visit: Visit) -> Response:
    """Keep a rule under a name, in shadow; what is live stays live."""
    name, rule, action = visit.given("name"), visit.given("rule"), _action(visit, visit.given("action"))
    of = attempts_of(visit)
    made = FraudRules(visit.shop).add(name, rule, action, vocabulary(of), str(visit.form.get("note") or ""))
    visit.note("fraud.rule_saved", made.name, None, {"rule": rule, "action": action, "version": made.version})
    undo = ("/fraud/rules/state", {"name": made.name, "verb": "off"})
    return visit.go("/fraud/rules/edit", visit.t(".rule_said", name=made.name), undo, name=made.name)


@screen.post("/fraud/rules/state", may=CHANGING)
def change(visit: Visit) -> Response:
    """Let a rule act, only count it, or neither."""
    name, verb, rules = visit.given("name"), visit.given("verb"), FraudRules(visit.shop)
    before = rules.state(name)
    if verb == "off":
        after = rules.off(name)
    elif verb in ("live", "shadow"):
        number = visit.form.get("version")
        after = getattr(rules, verb)(name, int(str(number)) if str(number or "").isdecimal() else None)
    else:
        raise InputError(visit.t(".no_such_verb"))
    visit.note("fraud.rule_changed", name, _said(before), _said(after))
    was = _word(before)
    version = before.live if was == "live" else before.shadow
    undo = ("/fraud/rules/state", {"name": name, "verb": was, "version": str(version or "")})
    return visit.go("/fraud/rules/edit", visit.t(f".rule_is_{verb}", name=name), undo, name=name)


def _action(visit: Visit, text: str) -> Action:
    for action in ACTIONS:
        if action == (text or "review"):
            return action
    raise InputError(visit.t(".no_action", action=text))


def _word(state: State) -> str:
    return "live" if state.live else "shadow" if state.shadow else "off"


def _said(state: State) -> dict[str, Any]:
    return {"live": state.live, "shadow": state.shadow}


def _by_day(visit: Visit, found: Backtest) -> Chart | None:
    """Its hits day by day, by what is known of them."""
    if not found.hits:
        return None
    colors = {"frauds": palette.BAD, "honest": palette.GOOD, "unknown": palette.NEUTRAL}
    names = {name: visit.t(f".hits_{name}") for name in colors}
    rows = [
        {"day": str(row["day"]), "hits": row[name], "of": names[name]}
        for row in found.by_day.to_pylist()
        for name in colors
    ]
    scale = alt.Scale(domain=list(names.values()), range=list(colors.values()))
    drawn = alt.Chart(alt.Data(values=rows)).mark_bar().encode(  # type: ignore[no-untyped-call]
        x=alt.X("day:T", title=None), y=alt.Y("hits:Q", title=visit.t(".hits")),
        color=alt.Color("of:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
    )  # fmt: skip
    return chart(drawn, visit.t(".hits_about"))
