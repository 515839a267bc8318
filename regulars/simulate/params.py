"""What a simulated shop is like: one TOML for each preset, typed; a mistake is named with its key and its remedy."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from regulars.config import ShopSettings
from regulars.errors import ConfigError

PRESETS = ("gifts", "grocery", "fashion")

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, le=1e6)]
# What is an exponent has a bound: beyond, prices, amounts or chances would be no numbers any more.
Spread = Annotated[float, Field(ge=0, le=5)]
Utility = Annotated[float, Field(ge=0, le=50)]
Shape = Annotated[float, Field(ge=0.01, le=1e4)]


MonthAndDay = Annotated[str, Field(pattern="^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CatalogueParams(_Section):
    """[catalogue]: what is sold."""

    products: int = Field(ge=8, le=1_000_000, description="How many products there ever are.")
    categories: dict[str, tuple[str, ...]] = Field(
        min_length=1, description='What each category sells: "English|Chinese" words, under "English|Chinese" names.'
    )
    brands: tuple[str, ...] = Field(min_length=1, description="Names of brands.")
    styles: tuple[str, ...] = Field(min_length=1, description='What tells products apart, as "English|Chinese".')
    price_median: Positive = Field(description="The middle list price.")
    price_spread: Spread = Field(gt=0, description="Standard deviation of the logarithm of list prices.")
    margin: float = Field(lt=1, description="Mean share of the list price that is not cost.")
    margin_spread: float = Field(ge=0, lt=0.5, description="Standard deviation of that share between products.")
    appeal_spread: Spread = Field(gt=0, description="Standard deviation of the utility that all see in a product.")
    season_spread: Spread = Field(description="By how much a category's utility goes up and down over the year.")
    launched_share: Share = Field(description="Share of the products that are launched while the shop runs.")
    ended_share: Share = Field(description="Share of the products that are taken off while the shop runs.")
    stock_days: Positive = Field(description="For how many days of expected sales a resupply lasts.")
    resupply_days: int = Field(ge=1, le=10_000, description="Days from running low to new stock.")

    @model_validator(mode="after")
    def _sells_with_profit(self) -> Self:
        if self.margin <= 0:
            raise ValueError("the cost is above the price for all products; choose a margin above 0, as 0.4")
        if len(self.categories) > self.products:
            raise ValueError(f"{len(self.categories)} categories share {self.products} products; give more products")
        return self


class CustomerParams(_Section):
    """[customers]: who buys, how often, for how long."""

    arrived_share: Share = Field(description="Share of the customers who are there on the first day.")
    arrival_decay: Utility = Field(description="How much faster customers come at the beginning than at the end.")
    visits_per_month: float = Field(gt=0, le=600, description="Mean visits in 30 days while a customer is active.")
    visits_shape: Shape = Field(description="Shape of the gamma distribution of visit rates; small is unequal.")
    lifetime_days: Positive = Field(description="Days after which half of the customers have left, about.")
    lifetime_shape: Shape = Field(description="Shape of the gamma distribution of hazards; small is unequal.")
    taste_weight: Spread = Field(description="Standard deviation of the utility that comes from personal taste.")
    taste_drift_days: Positive = Field(description="Days in which a taste turns once around.")
    habit: Shape = Field(description="Concentration of category habits (Dirichlet); small is one-sided.")
    usual_share: Share = Field(description="Chance that a need is first met by the customer's usual product.")
    usual_utility: Utility = Field(description="Utility that a customer's usual product has above others.")
    loyalty: Utility = Field(description="Utility of a customer's favourite brand above others.")
    price_sensitivity: float = Field(gt=0, le=50, description="Median utility lost by a price higher by one logarithm.")
    sensitivity_spread: Spread = Field(description="Standard deviation of its logarithm between customers.")
    household_share: Share = Field(description="Share of customers who live with another customer.")
    proxy_share: Share = Field(description="Share of honest customers who come through an address many share.")
    app_share: Share = Field(description="Share of visits by app.")
    chinese_share: Share = Field(description="Share of customers who write Chinese.")
    countries: dict[Annotated[str, Field(pattern="^[A-Z]{2}$")], Positive] = Field(
        min_length=1, description="Share of each country (ISO 3166)."
    )
    consent_share: Share = Field(description="Share who allow marketing when they sign up.")
    friend_share: Share = Field(description="Share of sign-ups that came by a friend.")
    ad_share: Share = Field(description="Share of sign-ups that came by an ad.")

    @model_validator(mode="after")
    def _comes_one_way(self) -> Self:
        if self.friend_share + self.ad_share > 1:
            raise ValueError("friend_share and ad_share are above 1 together; nobody comes two ways")
        return self


class VisitParams(_Section):
    """[visits]: when customers come, what they see, what they choose."""

    hours: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=24, max_length=24)] = Field(
        description="How often visits begin in each local hour, in any unit."
    )
    weekdays: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=7, max_length=7)] = Field(
        description="How often customers come on each weekday from Monday, in any unit."
    )
    months: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=12, max_length=12)] = Field(
        description="How often customers come in each month from January, in any unit."
    )
    festivals: dict[MonthAndDay, Annotated[float, Field(gt=0, le=100)]] = Field(
        description='Times as many visits on festivals, by "MM-DD".'
    )
    needs: float = Field(ge=1, le=100, description="Mean number of things looked for in a visit.")
    needs_shape: Shape = Field(description="Shape of its gamma distribution between visits; small is unequal.")
    outside: float = Field(ge=-50, le=50, description="Utility of buying nothing.")
    examined: int = Field(ge=2, le=16, description="Products of a list that are looked at for each need.")
    skip: Positive = Field(description="Mean positions skipped between two that are looked at.")
    position_weight: Utility = Field(description="Utility lost with each doubling of the position.")
    viewed_share: Share = Field(description="Share of the products looked at whose page is opened.")
    search_share: Share = Field(description="Share of needs that begin by a search; the others by a list.")
    signed_out_share: Share = Field(description="Share of visits that begin signed out.")
    abandon_share: Share = Field(description="Share of carts that are left.")
    declined_share: float = Field(ge=0, le=0.9, description="Share of honest payments that are declined at first.")

    @model_validator(mode="after")
    def _someone_comes(self) -> Self:
        for name in ("hours", "weekdays", "months"):
            if not any(getattr(self, name)):
                raise ValueError(f"{name} are all 0: nobody would ever come; make one positive")
        return self


class OrderParams(_Section):
    """[orders]: how much, and what comes after."""

    bulk: float = Field(gt=0, le=10000, description="Median units of a line.")
    bulk_between: Spread = Field(description="Standard deviation of its logarithm between customers.")
    bulk_within: Spread = Field(description="Standard deviation of its logarithm within a customer.")
    bulk_price: Spread = Field(description="How much fewer of dear products are taken: the power of the price.")
    delivery_days: Positive = Field(description="Mean days from order to delivery.")
    late_share: Share = Field(description="Share of orders that come late though in stock.")
    broken_share: Share = Field(description="Share of lines that arrive broken.")
    wrong_size_share: Share = Field(description="Share of lines that do not fit.")
    regret_share: Share = Field(description="Share of lines given back for no fault.")
    asked_share: Share = Field(description="Share of problems about which customer service is asked.")
    reviewed_share: Share = Field(description="Share of lines that are reviewed.")

    @model_validator(mode="after")
    def _ends_one_way(self) -> Self:
        if self.broken_share + self.wrong_size_share + self.regret_share > 1:
            raise ValueError("broken_share, wrong_size_share and regret_share are above 1 together; make one smaller")
        return self


class TreatmentParams(_Section):
    """[treatments]: what contacts do."""

    persuadable_share: Share = Field(description="Share of customers whom an action makes come more often.")
    sleeping_dog_share: Share = Field(description="Share of customers whom an action drives away.")
    effect: Positive = Field(
        le=5, description="Logarithm by which a persuadable's visit rate rises at once, in the mean."
    )
    half_life_days: Positive = Field(description="Days after which half of an effect is gone.")
    fatigue: Spread = Field(description="By how much each recent contact weakens the next: exp(-fatigue x n).")
    fatigue_days: Positive = Field(description="Days after which half of the fatigue is gone.")
    spill_over: Share = Field(description="Share of an effect that reaches the others of a household.")
    annoyance: float = Field(
        ge=0, le=1e6, description="Times its base hazard that each contact of a sleeping dog adds once."
    )
    coupon_days: int = Field(ge=1, le=10_000, description="For how many days a coupon counts.")
    redeemed_share: Share = Field(description="Chance that a coupon at hand is thought of in a visit.")
    contact_cost: float = Field(ge=0, le=1e6, description="What a message or coupon costs to send.")

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if self.persuadable_share + self.sleeping_dog_share > 1:
            raise ValueError("persuadable_share and sleeping_dog_share are above 1 together; make one smaller")
        return self


class AdParams(_Section):
    """[ads]: auctions for attention."""

    auction: Literal["first", "second"] = Field(description="Whether the winner pays the own bid or the next.")
    per_week: float = Field(gt=0, le=1000, description="Mean auctions in a week for a customer's attention.")
    rival_bid: Positive = Field(description="Median of the highest bid of others.")
    rival_spread: Spread = Field(gt=0, description="Standard deviation of its logarithm.")
    shock: Spread = Field(description="Standard deviation of the logarithm by which a day moves all rivals.")
    click_share: Share = Field(description="Mean chance that an ad shown is clicked.")
    daily_budget: float = Field(ge=0, le=1e12, description="What the shop itself spends a day where no policy decides.")


class FraudParams(_Section):
    """[fraud]: who is not honest."""

    rings_per_10k: float = Field(ge=0, le=1000, description="Rings for 10,000 honest customers.")
    members: int = Field(ge=1, le=200, description="Mean accounts of a ring.")
    acts_per_month: float = Field(gt=0, le=3000, description="Mean acts of a ring in 30 days.")
    disputed_share: Share = Field(description="Share of stolen payments that are ever disputed.")
    dispute_days: Positive = Field(description="Mean days until the dispute.")


class Params(_Section):
    """All that is said of a shop."""

    name: str = Field(description="What the shop is called.")
    currency: str = Field(pattern="^[A-Z]{3}$", description="ISO 4217.")
    timezone: str = Field(description="Where hours and weekdays are told.")
    start: date = Field(ge=date(1970, 1, 2), le=date(2200, 1, 1), description="The first day.")
    catalogue: CatalogueParams
    customers: CustomerParams
    visits: VisitParams
    orders: OrderParams
    treatments: TreatmentParams
    ads: AdParams
    fraud: FraudParams

    @model_validator(mode="after")
    def _is_a_shop(self) -> Self:
        try:
            ShopSettings(name=self.name, currency=self.currency, timezone=self.timezone)
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        return self


SECTIONS: dict[str, type[_Section]] = {
    "catalogue": CatalogueParams,
    "customers": CustomerParams,
    "visits": VisitParams,
    "orders": OrderParams,
    "treatments": TreatmentParams,
    "ads": AdParams,
    "fraud": FraudParams,
}


def load(preset: str | Path) -> Params:
    """The parameters of a preset by name, or of a TOML file.

    Raises
    ------
    ConfigError
        If there is no such preset or file, or naming the key, what stands there, and what is expected.

    >>> load("gifts").currency
    'GBP'
    """
    if preset in PRESETS:
        return parse((files("regulars.simulate") / "presets" / f"{preset}.toml").read_text("utf-8"), f"{preset}.toml")
    path = Path(preset)
    if not path.is_file():
        raise ConfigError(f"There is no preset {preset}. Presets: {', '.join(PRESETS)}; or give a TOML file.")
    try:
        return parse(path.read_text("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8: {error.reason} at byte {error.start}. Save it as UTF-8.") from None


def parse(text: str, name: str) -> Params:
    """Parameters from TOML; `name` is what messages call it."""
    try:
        return Params.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not valid TOML: {error}") from None
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(name, problem) for problem in error.errors())) from None


def _explain(name: str, problem: Any) -> str:
    where = [str(part) for part in problem["loc"]]
    if len(where) == 1 and where[0] in SECTIONS and problem["type"] == "value_error":
        return f"{name}: [{where[0]}] {problem['msg'].removeprefix('Value error, ')}."
    section = f"[{where[0]}] " if len(where) > 1 else ""
    key = ".".join(where[1:] or where)
    if problem["type"] == "extra_forbidden":
        fields = SECTIONS[where[0]].model_fields if where[0] in SECTIONS and len(where) > 1 else Params.model_fields
        return f"{name}: {section}there is no {key}. There are: {', '.join(fields)}."
    message = problem["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if problem["type"] == "missing":
        return f"{name}: {section}{key} is missing; copy it from a preset."
    shown = "" if isinstance(problem["input"], dict) else f" = {problem['input']!r}"
    return f"{name}: {section}{key}{shown}: {message}."
