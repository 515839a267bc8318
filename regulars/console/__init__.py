"""The web console: where a shop's people work, beside the HTTP API and in its process.

Pages are rendered here, by Jinja; htmx fetches parts of them. A screen is a module of `screens/`, its templates, and
its words in two languages; `screens.SCREENS` lists them. `Beside` puts the console before an API.
"""

from regulars.console.app import Beside, Console
from regulars.console.screen import Screen
from regulars.console.visit import Visit

__all__ = ["Beside", "Console", "Screen", "Visit"]
