"""What a shop decides about what acts: what is held, sent, priced, bid, answered, and done next."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from regulars.config import written
from regulars.config.section import Section


def _address(url: str) -> str:
    if url and not re.fullmatch(r"https?://[^\s?#]+[^\s?#/]", url):
        raise ValueError('is no address of a server; write "https://shop.example", without a slash at its end')
    return url


class FraudSettings(Section):
    """[fraud]"""

    label_delay_days: int = Field(
        7, ge=0, le=365, description="A fraud column that says no time of its own is known so many days after."
    )
    dispute_days: int = Field(
        60, ge=1, le=540, description="Disputes come within so many days: what nobody disputed by then is honest."
    )
    fee: float = Field(15.0, ge=0, description="What the bank takes for a disputed payment, besides the amount.")
    loss_share: float = Field(
        1.0, ge=0, le=1, description="Share of the amount that a fraud costs: 1 for all, less where goods come back."
    )
    review_minutes: float = Field(3.0, gt=0, description="How long a person looks at an attempt.")
    review_cost: float = Field(0.5, ge=0, description="What a minute of a reviewer costs.")
    insult_share: float = Field(
        0.5, ge=0, description="What it costs to block an honest customer, as a share of the amount."
    )
    reviews_per_day: int = Field(100, ge=0, description="How many attempts a day people can look at.")
    days: int = Field(7, ge=1, le=90, description="Attempts of so many last days are decided about.")
    block: bool = Field(
        False, description="Whether attempts are blocked without a person; else those are reviewed too."
    )
    control_share: float = Field(
        0.02, ge=0, le=0.5, description="Share of what would be held that is let through by chance, to measure by."
    )
    control_amount: float = Field(50.0, ge=0, description="The largest amount that is let through so.")
    second_look_share: float = Field(
        0.1, ge=0, le=1, description="Share of the cases that a second reviewer judges too, without seeing the first."
    )
    language: Literal["en", "zh"] = Field("en", description="In which language reasons are given: en or zh.")


class CampaignSettings(Section):
    """[campaign]"""

    actions: tuple[Annotated[str, AfterValidator(written.action)], ...] = Field(
        (),
        description='What can be done, each as "WHAT by CHANNEL": WHAT is message, the id of a campaign, or an offer. '
        'Empty: all that the log has trials of, else "message by email".',
    )
    outcome: Literal["margin", "orders"] = Field(
        "margin",
        description="What a contact is to bring: margin, or orders, which show sooner (an order counts as its mean "
        "margin).",
    )
    horizon_days: int = Field(14, ge=1, le=180, description="What comes within so many days of a contact counts.")
    budget: float = Field(100.0, ge=0, description="What the contacts of one decision may cost together.")
    contacts: int = Field(500, ge=1, description="How many customers are contacted by one decision, at most.")
    rest_days: int = Field(
        7, ge=0, le=365, description="Who was contacted or drawn by lot is left in peace for so many days."
    )
    email_cost: float = Field(0.01, ge=0, description="What an e-mail costs.")
    sms_cost: float = Field(0.08, ge=0, description="What a text message costs.")
    push_cost: float = Field(0.0, ge=0, description="What a push notification costs.")
    wechat_cost: float = Field(0.02, ge=0, description="What a WeChat message costs.")
    explore: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Share of those who may be contacted for whom a lot decides, so that effects can be measured and "
        "learned; it takes half of the budget at most.",
    )
    control: float = Field(0.5, gt=0, lt=1, description="Share of those drawn by lot who are left alone.")
    floors: tuple[Annotated[str, AfterValidator(written.floor)], ...] = Field(
        (),
        description='Groups of which a share is contacted whatever others would bring, each as "COLUMN is VALUE: '
        'SHARE", of a column of the segment tables: "rfm_cell is champions: 0.05".',
    )
    observational: bool = Field(
        False,
        description="Whether contacts that no lot drew are learned from where there is no trial; with a warning.",
    )
    language: Literal["en", "zh"] = Field("en", description="In which language decisions say why: en or zh.")


class AdsSettings(Section):
    """[ads]"""

    horizon_days: int = Field(30, ge=1, le=365, description="What is ordered within so many days of an ad counts.")
    cut_offs: int = Field(4, ge=2, le=24, description="From how many past moments to learn who orders, at most.")
    customers: int = Field(1000, ge=1, description="For how many customers a decision bids, at most.")
    budget: float = Field(50.0, gt=0, description="What may be spent a day, in the shop's currency.")
    auction: Literal["first", "second"] = Field(
        "first",
        description="Whether the winner of an auction pays the own bid (first) or the next (second), where a bid "
        "request does not say.",
    )
    click_share: float = Field(0.01, gt=0, lt=1, description="Chance of a click as long as the log tells of none.")
    incremental: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Share of what a clicking customer orders that would not come without the ad, until it is measured "
        "by a hold-out: 1 takes credit for every order.",
    )
    holdout: float = Field(
        0.1, gt=0, le=0.5, description="Share of the customers who are held out by lot, so that lift can be measured."
    )
    most_per_day: int = Field(3, ge=0, description="So many ads a person sees in a day, over all channels.")
    most_per_week: int = Field(10, ge=0, description="The same in seven days.")
    gap_minutes: int = Field(30, ge=0, description="So many minutes lie between two ads for a person.")
    bought_product_days: int = Field(
        365,
        ge=0,
        le=3650,
        description="Who ordered a product in the last so many days, and kept it, sees no ad for it; 0 where things "
        "are bought again and again.",
    )
    bought_days: int = Field(7, ge=0, le=365, description="Who ordered in the last so many days sees no ad.")
    complained_days: int = Field(14, ge=0, le=365, description="Nor who asked for help or gave something back lately.")
    most_suspicion: float = Field(0.5, ge=0, le=1, description="Nor who is suspected of abuse above this.")
    categories: tuple[str, ...] = Field(
        (), description="What is advertised, as categories of the IAB (IAB8-18): publishers may refuse them."
    )
    refused_categories: tuple[str, ...] = Field(
        (), description="Categories of sites beside which no ad is shown, besides the sensitive ones of docs/ads.md."
    )
    refused_domains: tuple[str, ...] = Field((), description="Sites on which no ad is shown.")
    only_domains: tuple[str, ...] = Field((), description="Sites on which alone ads are shown; [] for all others.")
    address: Annotated[str, AfterValidator(_address)] = Field(
        "",
        description="Where exchanges and browsers reach the server, such as https://shop.example: bids name it for "
        'notices and clicks. "" where the shop tells of them itself.',
    )


class PricingSettings(Section):
    """[pricing]"""

    mode: Literal["off", "declared", "personal"] = Field(
        "off",
        description="Prices of single customers: off (everyone pays the list price), declared (openly stated rules "
        "alone, below), or personal (discounts by what is known of each, where the law of the place allows it).",
    )
    min_margin: float = Field(
        0.05, ge=0, le=0.99, description="So much of a price must be left after the cost; 0.05 is 5 %."
    )
    lowest: float = Field(0.8, ge=0, le=1, description="A list price stays above so much of that of 90 days ago.")
    highest: float = Field(1.25, ge=1, le=10, description="And below so much of it.")
    max_change: float = Field(0.1, ge=0, le=1, description="By so much a list price may change in a week.")
    max_discount: float = Field(0.2, ge=0, lt=1, description="A customer's price is below the list price by so much.")
    endings: tuple[Annotated[int, Field(ge=0, le=99)], ...] = Field(
        (), description="The last two digits that prices may have: [99, 49]; [] for any."
    )
    least_chance: float = Field(
        0.7, ge=0.5, lt=1, description="A list price moves only if it brings more with at least this chance."
    )
    budget: float = Field(
        1000.0,
        ge=0,
        description="So much may the discounts of one decision give away; less where orders used more of those before "
        "it than their part.",
    )
    horizon_days: int = Field(28, ge=7, le=180, description="What customers buy within so many days counts.")
    lifetime_weight: float = Field(
        0.5, ge=0, le=5, description="What an order more brings later, as a share of its own margin."
    )
    member_discount: float = Field(0.0, ge=0, lt=1, description="A stated rule: who signed up pays less by so much.")
    new_customer_discount: float = Field(
        0.0, ge=0, lt=1, description="A stated rule: who has not ordered yet pays less by so much."
    )
    volume_discount: float = Field(
        0.0, ge=0, lt=1, description="A stated rule: who takes many of a product pays less by so much."
    )
    volume_from: int = Field(10, ge=2, description="So many are many.")
    groups: str = Field(
        "",
        description="The trait by whose values customers are grouped, e.g. gender: mean discounts of groups are kept "
        'alike, and no price hangs on it. "" for none.',
    )
    food: tuple[str, ...] = Field((), description="Categories that are food, of which some laws ask more.")
    explore: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of prices and discounts that a lot decides, so that answers can be learned.",
    )
    hold_hours: float = Field(
        24.0, ge=0, le=720, description="A price does not rise for who looks again within so many hours or the session."
    )
    language: Literal["en", "zh"] = Field("en", description="In which language prices say why: en or zh.")


class SupportSettings(Section):
    """[support]"""

    knowledge: str = Field(
        "knowledge",
        description="Folder of the shop's own texts (see docs/support_answers.md), relative to the shop; where it is "
        "not there, questions are not answered from texts.",
    )
    system: str = Field(
        "",
        description="Address of the shop's own system of customers and orders (see docs/support.md), https; the secret "
        'that signs what is sent is in REGULARS_SUPPORT_SECRET in the environment; "" for what `regulars support load` '
        "has loaded.",
    )
    language: Literal["en", "zh"] = Field("en", description="In which language is answered until a message tells.")
    horizon_days: int = Field(
        30, ge=1, le=365, description="Questions labelled in so many last days judge what the others teach."
    )
    right_if_sure: float = Field(
        0.98, gt=0.5, lt=1, description="What a question wants is acted on where so large a share is right."
    )
    kept: float = Field(
        0.95, gt=0.5, lt=1, description="So large a share of questions of known intents is to be taken for such."
    )
    identify_in_words: bool = Field(
        True,
        description="Whether a conversation may say who the customer is, by e-mail or name and zip code; else only who "
        "is signed in is served. In a conversation that the key of a page began nobody is believed.",
    )
    hand_over_above: float = Field(
        0.0, ge=0, description="Of a change that moves more money than this a person decides; 0: no bound."
    )
    at_risk: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Of the customers of churn's newest decisions, the share with most value at risk: once unhappy, "
        "they go to a person.",
    )
    refund_limit: float = Field(0.0, ge=0, description="So much of an order goes back without a return; 0: nothing.")
    coupon_limit: float = Field(0.0, ge=0, description="The largest coupon, one a year for a customer; 0: none.")
    seconds: float = Field(
        20.0, gt=0, le=600, description="So long a customer waits for an answer; then templates answer, or a person."
    )
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        ("mon", "tue", "wed", "thu", "fri"), description="On which days people answer."
    )
    opens: Annotated[str, AfterValidator(written.time_of_day)] = Field(
        "09:00", description="From when on, in the shop's time zone."
    )
    closes: Annotated[str, AfterValidator(written.time_of_day)] = Field(
        "17:00", validate_default=True, description="Until when; later than that."
    )
    holidays: tuple[Annotated[str, AfterValidator(written.day)], ...] = Field(
        (), description="Days on which nobody answers, such as 2024-12-25."
    )
    people: int = Field(1, ge=1, le=10_000, description="How many people answer at once.")
    minutes_each: float = Field(8.0, gt=0, description="How long a conversation takes one of them, until it is known.")

    @field_validator("closes")
    @classmethod
    def _later_than_it_opens(cls, closes: str, info: ValidationInfo) -> str:
        if closes <= info.data.get("opens", ""):
            raise ValueError(f"is not later than opens, {info.data['opens']}")
        return closes


class LifecycleSettings(Section):
    """[lifecycle]"""

    budget: float = Field(100.0, ge=0, description="What the actions of a week may cost together.")
    contacts: int = Field(
        1, ge=0, le=7, description="So many times a week a customer is contacted at most, by whatever channel."
    )
    contacts_week: int = Field(1000, ge=0, description="So many contacts a week are made over all customers.")
    minutes_week: float = Field(300.0, ge=0, description="So many minutes a week people have for calls and service.")
    minute_cost: float = Field(0.5, ge=0, description="What a minute of them costs.")
    call_minutes: float = Field(8.0, gt=0, description="How long a call takes.")
    call_keeps: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of what would be lost by leaving that a call keeps, until a lot has measured it.",
    )
    recovery_minutes: float = Field(10.0, gt=0, description="How long it takes to put right what went wrong.")
    recovery_keeps: float = Field(0.1, ge=0, le=1, description="The same of service after something went wrong.")
    control: float = Field(
        0.05, gt=0, lt=0.5, description="Share of the customers for whom nothing is ever done, to measure by."
    )
    leave_out: float = Field(
        0.03,
        ge=0,
        lt=0.5,
        description="Share of the customers for whom one capability does nothing, another share for each, to tell what "
        "each brings.",
    )
    explore: float = Field(
        0.05, ge=0, le=0.5, description="Share of those who may be contacted a week for whom a lot decides."
    )
    explore_budget: float = Field(0.2, ge=0, le=1, description="Share of the budget that the lot may cost.")
    least_net: float = Field(
        0.0, ge=0, description="An action is done only if it is expected to bring so much after its cost."
    )
    table_days: int = Field(7, ge=0, le=365, description="What a capability decided longer ago is not used.")
    trouble_days: int = Field(
        14, ge=0, le=365, description="For so many days after something went wrong service comes first."
    )
    learn_days: int = Field(
        30, ge=1, le=365, description="The daily turn learns anew what was learned so many days ago."
    )
    rest: tuple[Annotated[str, AfterValidator(written.day_of_rest)], ...] = Field(
        (), description="Weekdays, such as sun, and days, such as 2026-12-25, on which nothing is decided or sent."
    )
    letter_on: Literal["", "mon", "tue", "wed", "thu", "fri", "sat", "sun"] = Field(
        "mon", description='On which weekday the daily turn writes the letter to the owner; "" for never.'
    )
    history_weeks: int = Field(104, ge=12, le=520, description="So many last weeks stages of life are learned from.")
    language: Literal["en", "zh"] = Field("en", description="In which language reasons and letters are: en or zh.")
