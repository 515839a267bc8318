"""The command that asks what another policy would have brought, from the decisions in the log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import AsOf, Json, ShopFolder, emit, out, to_moment, working

if TYPE_CHECKING:
    from regulars.experiment.offpolicy import Comparison, Decided, Estimate

commands = typer.Typer()


@commands.command(epilog="Example: regulars experiment offpolicy churn --always contact --days 30 --shop myshop")
def offpolicy(
    capability: Annotated[str, typer.Argument(help="Whose decisions, e.g. campaign.")],
    always: Annotated[
        str | None, typer.Option(metavar="ACTION", help="The policy that always does this.", show_default=False)
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The policy in a file: customer_id, action, propensity, and as_of if it changes with time.",
            show_default=False,
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="Count what came in so many days after each decision.")] = 30,
    outcome: Annotated[str, typer.Option(help="What is counted: margin or orders.")] = "margin",
    with_profiles: Annotated[
        bool, typer.Option("--profiles/--no-profiles", help="Let the model of the outcome know profiles: narrower.")
    ] = True,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What would another policy have brought than the one that decided, and may it go live?

    It may if it is better even at the low end of the interval. Where the log cannot speak for it, no figure is given.
    """
    from regulars.errors import InputError
    from regulars.experiment.offpolicy import compare, context_of, decided, methods, policy_of, target_of
    from regulars.shop import Shop

    if (always is None) == (policy is None):
        raise InputError("Name one policy: --always ACTION, or --policy FILE.")
    if outcome not in ("margin", "orders"):
        raise InputError(f'--outcome "{outcome}": margin or orders is expected.')
    door = Shop.open(shop)
    with working("reading decisions", quiet=as_json):
        found = decided(door, capability, days, "orders" if outcome == "orders" else "margin", to_moment(as_of))
        target = found.always(always) if always is not None else target_of(found, policy_of(policy or Path()))
        logged = found.logged(context_of(door, found) if with_profiles else None)
        verdict, each = compare(logged, target), methods(logged, target)
    if as_json:
        emit(_plain(found, verdict, each))
        return
    _show(found, verdict, each, outcome, days)


def _plain(found: Decided, verdict: Comparison, each: dict[str, Estimate]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "decisions": found.table.num_rows,
        "too_young": found.left_out,
        "actions": found.actions,
        "mean_inverse_propensity": found.inverse,
        "goes_live": verdict.goes_live,
        "is_sure": verdict.is_sure,
        "support": verdict.new.overlap.support,
        **{name: asdict(getattr(verdict, name)) for name in ("new", "present", "difference")},
        "methods": {name: asdict(one) for name, one in each.items()},
    }


def _show(found: Decided, verdict: Comparison, each: dict[str, Estimate], outcome: str, days: int) -> None:
    young = f"; {found.left_out:,} more are too young" if found.left_out else ""
    out.print(f"{found.table.num_rows:,} decisions{young}. Per decision: {outcome} in {days} days.", highlight=False)
    table = Table("", "Value", "95 % interval", "For any distribution")
    rows = {"the present policy": verdict.present, "the new one": verdict.new, "the difference": verdict.difference}
    for name, one in (rows | {f"  by {name}": each[name] for name in each if name != "chosen"}).items():
        sure = "" if one.sure_low is None else f"{one.sure_low:,.4g} to {one.sure_high:,.4g}"
        table.add_row(escape(name), f"{one.value:,.4g}", f"{one.low:,.4g} to {one.high:,.4g}", sure)
    out.print(table)
    out.print(
        f"Chances: 1/propensity is {found.inverse:.2f} in the mean; {len(found.actions)} (the number of actions) is "
        "expected where every action was always possible.",
        highlight=False,
    )
    out.print(escape(str(verdict)), highlight=False)
