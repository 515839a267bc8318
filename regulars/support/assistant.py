"""The chat of a shop, put together from its settings, its models and its texts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from regulars import clock
from regulars.errors import NotFoundError
from regulars.language import LanguageModel, connect, embed, is_connected
from regulars.language.search import Index
from regulars.state import State
from regulars.support.answer import Answers
from regulars.support.answer.earlier import Earlier
from regulars.support.at_risk import at_risk_of
from regulars.support.audiences import audiences_of
from regulars.support.dialogue import Chat
from regulars.support.dialogue.agent import NEEDED, Agent
from regulars.support.evaluate import NAME
from regulars.support.handover import Handover, Suggestion, past_answers, suggest
from regulars.support.intent import Intents, read
from regulars.support.intent.kept import starter_kept
from regulars.support.knowledge import Text
from regulars.support.order import Backend, Desk
from regulars.support.settings import backend_of, hours_of, knowledge_of, policy_of
from regulars.support.shelf import products_of, recommended_of

if TYPE_CHECKING:
    from regulars.shop import Shop


def assistant(shop: Shop, backend: Backend | None = None, state: State | None = None) -> Chat:
    """The chat of a shop: its policy, its hours, what it has learned and written down, its language model if any.

    Parameters
    ----------
    backend : where its orders lie; by default as `[support] system` says.
    state : where conversations are kept; by default the shop's.

    Raises
    ------
    ConfigError
        If a language model, or a system of the shop's own, is named that cannot be used.
    """
    settings, zone = shop.config.support, shop.config.shop.timezone
    desk = Desk(state or shop.state, backend or backend_of(shop), policy_of(settings), zone)
    model = _model(shop)
    # Of a shop without texts and products too: its customers' orders answer, and what people answered before.
    answer = Answers(
        knowledge_of(shop), desk.backend, products_of(shop), recommended_of(shop), audiences_of(shop), model,
        zone=zone, earlier=earlier_of(shop, desk),
    )  # fmt: skip
    agent = Agent(model, settings.seconds / 2) if model is not None and model.limits.send >= NEEDED else None
    hours = hours_of(settings, zone)
    return Chat(
        desk,
        hours,
        answer,
        partial(read, intents_of(shop)),
        agent,
        settings.language,
        answer,
        settings.seconds,
        at_risk_of(shop),
    )


def nearest_texts(shop: Shop, question: str, most: int = 3) -> list[Text]:
    """The shop's texts that are nearest to a question, for the person who answers it; none without a folder of them."""
    knowledge = knowledge_of(shop)
    on = clock.today(shop.config.shop.timezone)
    return [] if knowledge is None else [found.text for found in knowledge.find(question, most, on=on)]


def answers_like(shop: Shop, found: Handover) -> list[Suggestion]:
    """What people answered in hand-overs like this one; texts are encoded once and kept."""
    kept = partial(embed, cache=shop.folder / "cache" / "past_answers.parquet")
    return suggest(found.language, found.asked, past_answers(shop.state), kept)


def earlier_of(shop: Shop, desk: Desk) -> Earlier:
    """What people answered before and may be told to anybody; the vectors are kept, the texts are not."""

    def name_of(customer_id: str) -> str:
        found = desk.backend.customer(customer_id)
        return "" if found is None else f"{found.name.first_name} {found.name.last_name}".strip()

    index = Index.of(shop.config.language, shop.folder / "cache" / "earlier.parquet", shop.state)
    return Earlier(partial(past_answers, desk.state), name_of, index, shop.config.shop.timezone)


def intents_of(shop: Shop) -> Intents:
    """What the model in use tells apart; the starter set's as long as nothing is learned."""
    try:
        kept = shop.models.in_use(NAME)
    except NotFoundError:
        return starter_kept(shop.folder / "cache" / "intents")
    return Intents.from_files({name: kept.read(name) for name in kept.card["files"] if name != "report.html"})


def _model(shop: Shop) -> LanguageModel | None:
    if not is_connected(shop.config.language):
        return None
    model = connect(shop.config.language, shop.state)
    # Two may be asked for one message, one after the other: what has tools, and what writes answers from texts.
    seconds = min(model.limits.timeout_seconds, shop.config.support.seconds / 2)
    return replace(model, limits=replace(model.limits, timeout_seconds=seconds))
