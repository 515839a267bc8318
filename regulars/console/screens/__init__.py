"""The screens of the console, in the order in which the navigation shows them: each a module with a `screen`."""

from regulars.console.screen import Screen
from regulars.console.screens.ads import screen as ads
from regulars.console.screens.campaigns import screen as campaigns
from regulars.console.screens.customers import screen as customers
from regulars.console.screens.data import screen as data
from regulars.console.screens.experiments import screen as experiments
from regulars.console.screens.fraud import screen as fraud
from regulars.console.screens.home import screen as home
from regulars.console.screens.lifecycle import screen as lifecycle
from regulars.console.screens.models import screen as models
from regulars.console.screens.pricing import screen as pricing
from regulars.console.screens.recommendations import screen as recommendations
from regulars.console.screens.segments import screen as segments
from regulars.console.screens.settings import screen as settings
from regulars.console.screens.shell import screen as shell
from regulars.console.screens.sign_in import screen as sign_in
from regulars.console.screens.styleguide import screen as styleguide
from regulars.console.screens.support import screen as support

SCREENS: tuple[Screen, ...] = (
    shell, sign_in, styleguide, home, customers, segments, recommendations, lifecycle, campaigns,
    experiments, pricing, ads, fraud, support, models, data, settings,
)  # fmt: skip

__all__ = ["SCREENS"]
