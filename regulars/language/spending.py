"""What a language model may cost in a day: tokens and money, counted in the shop's state for all processes at once."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from regulars import clock
from regulars.language.errors import NotSentError
from regulars.state import State

PART = "language spending"
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE language_spending (
            day TEXT PRIMARY KEY, calls BIGINT NOT NULL, tokens_in BIGINT NOT NULL, tokens_out BIGINT NOT NULL
        )
        """,
    ),
)
_spending = sa.Table(
    "language_spending",
    sa.MetaData(),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("calls", sa.BigInteger),
    sa.Column("tokens_in", sa.BigInteger),
    sa.Column("tokens_out", sa.BigInteger),
)
MILLION = 1_000_000


class Spent(NamedTuple):
    """What a day has cost so far."""

    calls: int
    tokens_in: int
    tokens_out: int


class Spending:
    """The caps of a day (UTC), and what of them is left.

    What a call may cost at most is put down before it is sent, and set right when its answer is there. So calls at the
    same time cannot pass a cap together, and one that never comes back counts in full.

    Parameters
    ----------
    tokens : in and out, a day.
    money : a day, in the currency of the prices.
    price_in, price_out : of a million tokens.

    Examples
    --------
    >>> import tempfile; from pathlib import Path
    >>> spending = Spending(State.open(Path(tempfile.mkdtemp())), tokens=1000, money=5.0)
    >>> held = spending.hold(200, 300)
    >>> spending.settle(held, 180, 90)
    >>> spending.today()
    Spent(calls=1, tokens_in=180, tokens_out=90)
    >>> spending.hold(500, 300)
    Traceback (most recent call last):
    regulars.language.errors.NotSentError: 800 tokens more would pass the cap of 1,000 a day ([language] ...
    """

    def __init__(
        self, state: State, tokens: int, money: float, *, price_in: float = 0.0, price_out: float = 0.0
    ) -> None:
        self._state, self._tokens, self._money = state, tokens, money
        self._prices = price_in, price_out
        state.migrate(PART, STEPS)

    def hold(self, tokens_in: int, tokens_out: int) -> tuple[str, int, int]:
        """Put down what a call may cost at most; NotSentError if that passes a cap."""
        day = f"{clock.now():%Y-%m-%d}"
        with self._state.write(alone=PART) as change:
            before = self._of(change, day)
            sum_in, sum_out = before.tokens_in + tokens_in, before.tokens_out + tokens_out
            if sum_in + sum_out > self._tokens:
                raise NotSentError(
                    f"{tokens_in + tokens_out:,} tokens more would pass the cap of {self._tokens:,} a day "
                    f"([language] tokens_per_day); {before.tokens_in + before.tokens_out:,} are spent. "
                    "A new day begins at midnight UTC."
                )
            if (cost := self.cost(sum_in, sum_out)) > self._money:
                raise NotSentError(
                    f"The day's calls would cost up to {cost:.2f}, over the cap of {self._money:.2f} "
                    "([language] money_per_day). A new day begins at midnight UTC."
                )
            row = {"calls": before.calls + 1, "tokens_in": sum_in, "tokens_out": sum_out}
            if before.calls:
                change.execute(sa.update(_spending).where(_spending.c.day == day).values(row))
            else:
                change.execute(sa.insert(_spending).values(day=day, **row))
        return day, tokens_in, tokens_out

    def settle(self, held: tuple[str, int, int], tokens_in: int, tokens_out: int) -> None:
        """Set right what was put down."""
        day, held_in, held_out = held
        spent = {
            "tokens_in": _spending.c.tokens_in + (tokens_in - held_in),
            "tokens_out": _spending.c.tokens_out + (tokens_out - held_out),
        }
        with self._state.write(alone=PART) as change:
            change.execute(sa.update(_spending).where(_spending.c.day == day).values(spent))

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """What tokens cost."""
        return (tokens_in * self._prices[0] + tokens_out * self._prices[1]) / MILLION

    def today(self) -> Spent:
        """What today has cost so far."""
        with self._state.read() as view:
            return self._of(view, f"{clock.now():%Y-%m-%d}")

    @staticmethod
    def _of(view: sa.Connection, day: str) -> Spent:
        columns = _spending.c.calls, _spending.c.tokens_in, _spending.c.tokens_out
        row = view.execute(sa.select(*columns).where(_spending.c.day == day)).one_or_none()
        return Spent(0, 0, 0) if row is None else Spent(*row)
