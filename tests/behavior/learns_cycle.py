"""What torch's launcher starts in a test: learns, and each process writes its losses and weights to a folder."""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path

from regulars.behavior import distributed
from tests.behavior.conftest import cycle, mini, untimed_model


def learned(batch_tokens: int) -> tuple[list[float], str]:
    """The loss of each epoch, and what tells the weights from others."""
    model = untimed_model(cycle(120), mini(epochs=3, batch_tokens=batch_tokens))
    losses = [epoch.loss for epoch in model.fit(cycle(120)).epochs]
    return losses, sha256(
        b"".join(value.numpy().tobytes() for value in model.network.state_dict().values())
    ).hexdigest()


if __name__ == "__main__":
    found = json.dumps(learned(int(sys.argv[2])))
    (Path(sys.argv[1]) / f"{distributed.rank()}-of-{distributed.count()}.json").write_text(found)
