"""The HTTP API: events in, kept before they are acknowledged. `app` makes it, `run` serves it.

Each family of routes is a module of `routes/`. They find what they need in `request.app.state.serving`.
"""

from regulars.serve.app import app
from regulars.serve.running import run
from regulars.serve.writer import Writer

__all__ = ["Writer", "app", "run"]
