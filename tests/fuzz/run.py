"""A long run, guided by coverage (atheris): `python -m tests.fuzz.run TARGET SECONDS`; by mutations alone without it.

What breaks a parser is kept in `tests/fuzz/corpus/TARGET/`, and is a test from then on.
"""

from __future__ import annotations

import hashlib
import random
import sys
import time
from pathlib import Path

from tests.fuzz.mutations import mutated

CORPUS = Path(__file__).parent / "corpus"
PARSERS = [
    "regulars.ads.openrtb", "regulars.campaign.copy.template", "regulars.campaign.journey.reading",
    "regulars.events.commit", "regulars.events.times", "regulars.rules", "regulars.serve.body",
    "regulars.support.entities",
]  # fmt: skip
"""Whose coverage guides: to follow all of the package would take minutes at the start."""


def main(name: str, seconds: float) -> None:
    """Look for what breaks a parser, for so long or until it is found."""
    try:
        import atheris
    except ImportError:
        atheris = None
    if atheris is None:
        from tests.fuzz.targets import ODD, TARGETS, attempt, spoiled
    else:
        with atheris.instrument_imports(include=PARSERS):
            from tests.fuzz.targets import ODD, TARGETS, attempt, spoiled
    target = TARGETS[name]

    def one(data: bytes) -> None:
        try:
            attempt(target, data)
        except BaseException:
            folder = CORPUS / name.replace(" ", "_")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
            raise

    if atheris is not None:
        rng = random.Random(0)

        def mutate(data: bytes, most: int, seed: int) -> bytes:
            rng.seed(seed)
            return (mutated(data, rng, ODD) if len(data) > 1 else spoiled(target, rng))[:most]

        options = [
            sys.argv[0],
            f"-max_total_time={int(seconds)}",
            "-max_len=4096",
            "-verbosity=1",
            "-artifact_prefix=/dev/",
        ]
        atheris.Setup(options, one, custom_mutator=mutate)
        atheris.Fuzz()
        return
    rng, until, count = random.Random(), time.monotonic() + seconds, 0
    while time.monotonic() < until:
        one(spoiled(target, rng))
        count += 1
    print(f"{name}: {count:,} mutations")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
