"""What torch's launcher starts in a test: learns, and each process writes its losses and weights to a folder."""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path

from regulars.behavior import distributed
from regulars.behavior.training import Epoch, _Run
from tests.behavior.conftest import cycle, mini, untimed_model


def learned(batch_tokens: int, *, is_broken: bool = False) -> tuple[list[float], str, str]:
    """The loss of each epoch, what tells the weights from others, and why training ended before its time."""
    model = untimed_model(cycle(120), mini(epochs=3, batch_tokens=batch_tokens))

    def break_it(epoch: Epoch) -> None:
        if is_broken and distributed.rank() == 1:
            of_batch = _Run._loss
            _Run._loss = lambda *given: of_batch(*given) * float("nan")

    found = model.fit(cycle(120), on_epoch=break_it)
    weights = b"".join(value.numpy().tobytes() for value in model.network.state_dict().values())
    return [epoch.loss for epoch in found.epochs], sha256(weights).hexdigest(), found.stopped


if __name__ == "__main__":
    found = json.dumps(learned(int(sys.argv[2]), is_broken="broken" in sys.argv))
    (Path(sys.argv[1]) / f"{distributed.rank()}-of-{distributed.count()}.json").write_text(found)
