"""The HTTP API: events in, kept before they are acknowledged. `app` makes it, `run` serves it.

Each family of routes is a module of `routes/`. They find what they need in `request.app.state.serving`.
"""

from regulars.serve.app import app
from regulars.serve.server import run
from regulars.serve.serving import Serving

__all__ = ["Serving", "app", "run"]
