"""A bar that shows how training goes: loss, validation, time left."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from regulars.behavior import distributed
from regulars.behavior.training import Epoch


class Bar:
    """A context in which training is shown, where there is a person to see it.

    Parameters
    ----------
    what : what is trained, in words.
    epochs : how many there are at most.
    """

    def __init__(self, what: str, epochs: int) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal or not distributed.is_first(),
        )
        self._task = self._progress.add_task(what, total=float(epochs), said="")
        self._epochs_done, self._validation, self._mean = 0, "", 0.0

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def step(self, step: int, steps: int, loss: float) -> None:
        """After a step of an epoch; the loss shown is a moving mean."""
        self._mean = loss if step == 1 else 0.98 * self._mean + 0.02 * loss
        said = f"loss {self._mean:.3f}{self._validation}"
        self._progress.update(self._task, completed=self._epochs_done + step / max(steps, 1), said=said)

    def epoch(self, epoch: Epoch) -> None:
        """After an epoch."""
        self._epochs_done, self._validation = epoch.number, f", validation {epoch.validation:.4f}"
