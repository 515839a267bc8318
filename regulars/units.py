"""How people read a value: by its unit."""

from __future__ import annotations


def shown(value: float, unit: str, currency: str = "") -> str:
    """A value as people read it.

    Parameters
    ----------
    unit : "share" of one, "money", or a count of anything else.
    currency : put behind money.

    >>> shown(0.523, "share"), shown(1234.5, "money", "GBP"), shown(75.2, "days"), shown(3.25, "orders")
    ('52 %', '1,234.50 GBP', '75', '3.25')

    What rounds to nothing has no sign:

    >>> shown(-0.001, "share"), shown(-0.001, "money", "GBP")
    ('0 %', '0.00 GBP')
    """
    if unit == "share":
        return f"{value:z.0%}".replace("%", " %")
    if unit == "money":
        return f"{value:z,.2f} {currency}".rstrip()
    return f"{value:z,.0f}" if abs(value) >= 20 or value == round(value) else f"{value:z,.2f}"
