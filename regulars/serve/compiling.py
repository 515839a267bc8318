"""What numba compiles for requests, compiled before the server is ready: the first request would wait for it, and with
it all others."""

from __future__ import annotations

from regulars.experiment import Arm, Plan
from regulars.realtime.compiling import compile_all as compile_live


def compile_all() -> None:
    """It takes seconds once after an installation, and is kept then.

    What only some shops need is compiled where it is made aside: see `LiveShop`.

    >>> compile_all()
    """
    compile_live()
    Plan("", (Arm("", 1.0),), 1.0).arm("ada")
