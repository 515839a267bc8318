"""The commands of fraud: each part of it has a file of its own beside this one."""

from __future__ import annotations

import typer

from regulars.cli import fraud_abuse, fraud_lists, fraud_reviews, fraud_rings, fraud_rules

commands = typer.Typer(
    name="fraud",
    help="Which attempts, accounts and promotions are fraud, and what to do about it.",
    no_args_is_help=True,
)
commands.registered_commands += fraud_abuse.commands.registered_commands
commands.registered_commands += fraud_rings.commands.registered_commands
commands.registered_commands += fraud_reviews.commands.registered_commands
commands.add_typer(fraud_rules.commands)
commands.add_typer(fraud_lists.commands)
