"""What is wrong with a rule, and where."""

from __future__ import annotations

from regulars.errors import ConfigError


class RuleError(ConfigError):
    """A rule cannot be read; the message shows the place.

    Attributes
    ----------
    at : the place in the rule's own text, from 0.
    line, column : the same, from 1.
    problem : what is wrong there, without the place.
    """

    def __init__(self, text: str, at: int, problem: str) -> None:
        self.at = at
        before = text[:at]
        self.line = before.count("\n") + 1
        self.column = at - (before.rfind("\n") + 1) + 1
        self.problem = problem
        shown = text.split("\n")[self.line - 1].rstrip("\r") if text.strip() else ""
        place = f"line {self.line}, column {self.column}"
        mark = f"\n  {shown}\n  {' ' * (self.column - 1)}^" if shown else ""
        end = "" if problem.endswith("?") else "."
        super().__init__(f"{place} of the rule: {problem}{end}{mark}")


class CircleError(RuleError):
    """A segment is made of itself."""
