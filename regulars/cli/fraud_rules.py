"""The commands of fraud's own rules: write one, see what it would have done, let it act."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import Json, ShopFolder, emit, err, out, to_moment, working

if TYPE_CHECKING:
    from regulars.fraud.rule import Backtest, FraudRule, State
    from regulars.shop import Shop

commands = typer.Typer(
    name="rule", help="The shop's own rules: tried on the past, counted in shadow, then live.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="The rule's name.")]
RuleText = Annotated[str, typer.Argument(help='Of which attempts, e.g. "device_attempts_1h > 5 and amount > 100".')]
ActionOption = Annotated[
    str, typer.Option("--action", help="What to do with them: allow, block, challenge (3-D Secure) or review.")
]
Since = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="TIME", help="Try it on attempts from then on. Default: 180 days before the other end."
    ),
]
Until = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="And before then. Default: just after the newest event.")
]
VersionOption = Annotated[int | None, typer.Option("--version", help="Which version. Default: the newest.")]
DAYS = 180
"""Of so many last days a rule is tried, by default."""


@commands.command(epilog='Example: regulars fraud rule add fast "device_attempts_1h > 5" --action review --shop myshop')
def add(
    name: Name,
    rule: RuleText,
    action: ActionOption = "review",
    note: Annotated[str | None, typer.Option(help="What it is for. Default: as before.")] = None,
    since: Since = None,
    until: Until = None,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Keep a rule under a name, in shadow, and say what it would have done. If the name is taken: a new version."""
    from regulars.fraud.rule import FraudRules
    from regulars.shop import Shop

    door = Shop.open(shop)
    with working("trying the rule on the past", quiet=as_json):
        trial = _trial(door, since, until)
        rules = FraudRules(door)
        made = rules.add(name, rule, action, trial.vocabulary, note)
        found = trial.test(made.rule, made.action, name=made.name)
    if as_json:
        emit({**_rule(made, rules.state(made.name)), "backtest": _tested(found)})
        return
    out.print(f"[bold]{escape(made.name)}[/], version {made.version}: {_said(rules.state(made.name))}", highlight=False)
    _show(made.rule, found)
    out.print(f"Let it act: regulars fraud rule live {escape(repr(made.name))}", highlight=False)


@commands.command("list", epilog="Example: regulars fraud rule list --shop myshop")
def list_(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """The rules there are, in the order in which their actions win, and which of them act."""
    from regulars.fraud.rule import ACTIONS, FraudRules
    from regulars.shop import Shop

    rules = FraudRules(Shop.open(shop))
    found = [(rules.get(name), rules.state(name)) for name in rules.names()]
    found.sort(key=lambda each: ACTIONS.index(each[0].action))
    if as_json:
        emit([_rule(rule, state) for rule, state in found])
        return
    if not found:
        out.print("There are no rules yet. Make one: regulars fraud rule add NAME RULE")
        return
    table = Table("Rule", "Action", "State", "Version", "What it says", "Note")
    for rule, state in found:
        cells = (rule.name, rule.action, _said(state), str(rule.version), rule.rule, rule.note)
        table.add_row(*map(escape, cells))
    out.print(table)


@commands.command(epilog="Example: regulars fraud rule show fast --shop myshop")
def show(name: Name, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """One rule: all its versions, and when which of them acted."""
    from regulars.fraud.rule import FraudRules
    from regulars.shop import Shop

    rules = FraudRules(Shop.open(shop))
    versions, states = rules.history(name), rules.states(name)
    if as_json:
        emit({**_rule(versions[0], states[0]), "versions": [vars(rule) for rule in versions],
              "states": [state._asdict() for state in states]})  # fmt: skip
        return
    for rule in versions:
        note = f" ({rule.note})" if rule.note else ""
        out.print(
            f"[bold]{escape(rule.name)}[/], version {rule.version}, {rule.created:%Y-%m-%d %H:%M}, "
            f"{rule.action}{escape(note)}\n  {escape(rule.rule)}",
            highlight=False,
        )
    for state in states:
        out.print(f"since {state.since:%Y-%m-%d %H:%M}: {_said(state)}", highlight=False)


@commands.command("test", epilog='Example: regulars fraud rule test "amount > 220" --action block --shop myshop')
def try_(
    rule: Annotated[str, typer.Argument(help="A rule, or the name of one.")],
    action: Annotated[
        str | None, typer.Option("--action", help="As for add. Default: that of the rule of this name, else review.")
    ] = None,
    since: Since = None,
    until: Until = None,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """What a rule would have done to past attempts. Nothing is kept."""
    from regulars.errors import InputError
    from regulars.fraud.rule import ACTIONS, FraudRules
    from regulars.shop import Shop

    door = Shop.open(shop)
    rules = FraudRules(door)
    kept = rules.get(rule) if rule in rules.names() else None
    text, wanted = (kept.rule, kept.action) if kept else (rule, "review")
    chosen = next((known for known in ACTIONS if known == (action or wanted)), None)
    if chosen is None:
        raise InputError(f'There is no action "{action}". There are: {", ".join(ACTIONS)}.')
    with working("trying the rule on the past", quiet=as_json):
        found = _trial(door, since, until).test(text, chosen, name=kept.name if kept else "")
    if as_json:
        emit({"rule": text, **_tested(found)})
        return
    _show(text, found)


@commands.command(epilog="Example: regulars fraud rule live fast --shop myshop")
def live(name: Name, version: VersionOption = None, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Let a rule act. The version that acted before stops."""
    _change("live", name, version, shop, as_json=as_json)


@commands.command(epilog="Example: regulars fraud rule shadow fast --shop myshop")
def shadow(name: Name, version: VersionOption = None, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Only count what a rule would do; it does not act."""
    _change("shadow", name, version, shop, as_json=as_json)


@commands.command(epilog="Example: regulars fraud rule off fast --shop myshop")
def off(name: Name, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Neither act on a rule nor count it. Its versions stay."""
    _change("off", name, None, shop, as_json=as_json)


@commands.command(epilog='Example: regulars fraud rule words "amount > 100 and device_" --shop myshop')
def words(
    rule: Annotated[str, typer.Argument(help="A rule as far as it is written. Default: none of it.")] = "",
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """What fits at the end of a rule that is being written: columns with what they mean, values with how many."""
    from dataclasses import asdict

    from regulars.fraud.attempts import attempts
    from regulars.fraud.rule import suggest
    from regulars.shop import Shop

    door = Shop.open(shop)
    with working("reading", quiet=as_json):
        found = suggest(rule, attempts(door, door.now), door.config.fraud.language)
    if as_json:
        emit([asdict(suggestion) for suggestion in found])
        return
    table = Table("Write", "Sort", "Meaning", "Attempts")
    for suggestion in found:
        number = "" if suggestion.count is None else f"{suggestion.count:,}"
        table.add_row(*map(escape, (suggestion.text, suggestion.sort, suggestion.meaning, number)))
    out.print(table if found else "Nothing fits there: something before it is wrong.")


def _trial(door: Shop, since: str | None, until: str | None) -> Any:
    from regulars.fraud.rule import Trial

    end = to_moment(until) or door.now
    return Trial.of(door, to_moment(since) or end - timedelta(days=DAYS), end)


def _change(how: str, name: str, version: int | None, shop: Path, *, as_json: bool) -> None:
    from regulars.fraud.rule import FraudRules
    from regulars.shop import Shop

    rules = FraudRules(Shop.open(shop))
    state = rules.off(name) if how == "off" else getattr(rules, how)(name, version)
    if as_json:
        emit(_rule(rules.get(name), state))
        return
    out.print(f"[bold]{escape(name)}[/]: {_said(state)}.", highlight=False)


def _said(state: State) -> str:
    parts = [
        f"{word} (version {number})" for word, number in (("live", state.live), ("shadow", state.shadow)) if number
    ]
    return ", ".join(parts) or "off"


def _rule(rule: FraudRule, state: State) -> dict[str, Any]:
    return {**vars(rule), "live": state.live, "shadow": state.shadow, "state_since": state.since}


def _tested(found: Backtest) -> dict[str, Any]:
    said = {name: value for name, value in vars(found).items() if name not in ("by_day", "overlaps")}
    for name in ("precision", "recall", "base"):
        share = getattr(found, name)
        is_known = share.n > 0
        said[name] = {"value": share.value if is_known else None, "interval": share.interval, "n": share.n}
    said["break_even"] = found.break_even if found.hits else None
    overlaps = [vars(overlap) for overlap in found.overlaps]
    return {**said, "verdict": found.verdict, "overlaps": overlaps, "by_day": found.by_day.to_pylist()}


def _show(rule: str, found: Backtest) -> None:
    out.print(f"  {escape(rule)}  →  {found.action}", highlight=False)
    share = found.hits / found.attempts
    out.print(
        f"{found.since:%Y-%m-%d} to {found.until:%Y-%m-%d}: [bold]{found.hits:,}[/] of {found.attempts:,} attempts "
        f"({share:.2%}), {found.hits / found.days:,.1f} a day.",
        highlight=False,
    )
    if found.hits:
        table = Table("Of its hits", "Attempts", "Amount")
        for word, count, money in (
            ("known frauds", found.frauds, found.money_fraud),
            (f"known as honest, of {found.customers_honest:,} customers", found.honest, found.money_honest),
            ("of unknown outcome", found.unknown, found.money_unknown),
        ):
            table.add_row(word, f"{count:,}", f"{money:,.2f}")
        out.print(table)
        out.print(
            f"Precision {found.precision}; of all known attempts {found.base.value:.2%} are frauds.", highlight=False
        )
        out.print(f"Recall {found.recall}. Worth on what is known: {found.gain:+,.2f}.", highlight=False)
    for overlap in found.overlaps:
        out.print(
            f"With {escape(overlap.name)}: {overlap.both:,} hits in common, {overlap.only_this:,} more "
            f"({overlap.frauds_only_this:,} known frauds), {overlap.only_other:,} of the other alone.",
            highlight=False,
        )
    for note in found.notes:
        err.print(f"[yellow]Note:[/] {escape(note)}", soft_wrap=True)
    out.print(f"[bold]{escape(found.verdict)}[/]", highlight=False, soft_wrap=True)
