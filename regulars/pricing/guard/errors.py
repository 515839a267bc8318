"""A price that may not be asked, and a run of prices that must stop."""

from __future__ import annotations

from typing import ClassVar

from regulars.errors import RegularsError


class GuardError(RegularsError):
    """A guardrail of prices would be broken: nothing was priced. The message says which, where, and what to do."""

    status: ClassVar[int] = 409


class ParityError(GuardError):
    """Groups of customers would get discounts too unlike in the mean."""
