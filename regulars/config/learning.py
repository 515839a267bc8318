"""What a shop decides about what is learned of customers and shown to them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from regulars.config import written
from regulars.config.section import Section


class BehaviorSettings(Section):
    """[behavior]"""

    size: Literal["tiny", "small", "base", "large"] = Field(
        "small", description="How large the behaviour model is: tiny, small, base or large (from a GPU on)."
    )
    epochs: int = Field(20, ge=1, le=1000, description="How many times it goes over the log, at most.")
    learning_rate: float = Field(0.003, gt=0, lt=1, description="How far each step goes.")
    held_back_days: int = Field(
        165,
        ge=1,
        description="So many last days are not learned by the model whose vectors other capabilities learn from; by "
        "default as far back as churn learns.",
    )


class ProfileSettings(Section):
    """[profile]"""

    new_days: int = Field(30, ge=1, description="For how many days after the first order a customer is new.")
    won_back_days: int = Field(
        60, ge=1, description="For how many days after coming back from lapsed a customer is won back."
    )


class ChurnSettings(Section):
    """[churn]"""

    horizon_days: int = Field(90, ge=7, le=730, description="Who places no order in so many days is lost (churned).")
    contacts: int = Field(200, ge=1, description="How many customers can be contacted a week.")
    cut_offs: int = Field(6, ge=2, le=36, description="From how many past moments to learn, at most.")
    step_days: int = Field(15, ge=1, description="How many days lie between those moments.")
    discount_rate: float = Field(
        0.1, ge=0, le=1, description="What money to come loses in a year: 0.1 is a tenth. For expected margins."
    )


class RecommendSettings(Section):
    """[recommend]"""

    horizon_days: int = Field(30, ge=1, le=365, description="What is bought within so many days is to be foreseen.")
    cut_offs: int = Field(3, ge=1, le=24, description="From how many past moments to learn, a horizon apart, at most.")
    aim_orders: float = Field(1.0, ge=0, le=1000, description="How much a product counts that is ordered.")
    aim_margin: float = Field(0.0, ge=0, le=1000, description="How much its margin counts: 1 for a mean line's.")
    aim_clicks: float = Field(0.0, ge=0, le=1000, description="How much a product counts that is looked at or clicked.")
    products: int = Field(10, ge=1, le=1000, description="How many products a list holds.")
    explore: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of the lists whose last product is drawn by chance, so that lists can be judged later.",
    )
    exclude: tuple[str, ...] = Field(
        ("stock <= 0",), description="Rules over the catalogue: products that are never shown (see docs/rules.md)."
    )
    pin: tuple[str, ...] = Field((), description="Ids of products that stand first in every list.")
    boost: tuple[Annotated[str, AfterValidator(written.boost)], ...] = Field(
        (),
        description='What stands so many places further up, each as "3: stock > 9": places, a colon, and a '
        "rule over the catalogue.",
    )
    again: str = Field("", description='Which products are shown again to who had them, as a rule; "" for all.')
    returned: bool = Field(
        False, description="Whether what a customer sent back is shown again, without another order."
    )
    adults_only: str = Field("", description='Products that are shown to known adults only, as a rule; "" for none.')
    fresh: int = Field(0, ge=0, description="So many places of a list are kept for products of the last 30 days.")
    most_per_category: int = Field(0, ge=0, description="So many products of a category a list may hold; 0 for any.")
    most_per_brand: int = Field(0, ge=0, description="The same of a brand.")
    diversity: float = Field(0.0, ge=0, le=1, description="0 for the likeliest products, towards 1 for unlike ones.")
    language: Literal["en", "zh"] = Field("en", description="In which language lists say why: en or zh.")


class RealtimeSettings(Section):
    """[realtime]"""

    horizon_days: int = Field(7, ge=1, le=365, description="By so many last days it is judged, event by event.")
    state: str = Field(
        "",
        pattern=r"^(rediss?://\S+)?$",
        description='Where the live state of customers lies: "" for the memory of the process, or redis://host:6379/0, '
        "which several processes share.",
    )
    triggers: tuple[Annotated[str, AfterValidator(written.trigger)], ...] = Field(
        (),
        description="What sets off an event trigger_fired, and the webhook: a name, a colon, and a rule about a "
        "customer that becomes true (see docs/realtime.md).",
    )
    webhook: Annotated[str, AfterValidator(written.receiver)] = Field(
        "", description="Where triggers are posted to, https; signed, at least once, in order for each customer."
    )
    timeout_seconds: float = Field(10.0, gt=0, le=600, description="So long the receiver is waited for.")
    language: Literal["en", "zh"] = Field("en", description="In which language lists say why: en or zh.")
