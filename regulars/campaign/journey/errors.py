"""What is wrong with a journey, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from regulars.errors import ConfigError


class Problem(NamedTuple):
    """One thing that is wrong: the line in the file, the step's name ("" for none), and what it is."""

    line: int
    step: str
    said: str


class JourneyError(ConfigError):
    """A journey cannot be used; the message has one line for each thing that is wrong.

    Attributes
    ----------
    problems : by line.
    """

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        lines = [
            f'{file}, line {line}, step "{step}": {said}' if step else f"{file}, line {line}: {said}"
            for line, step, said in self.problems
        ]
        super().__init__("\n".join(lines))
