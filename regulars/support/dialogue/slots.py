"""What a customer's answer to a question gives to the draft that the question was about."""

from __future__ import annotations

import re

from regulars.support.dialogue.drafts import Asked, Draft
from regulars.support.dialogue.intents import cancel_reason
from regulars.support.dialogue.resolve import Account
from regulars.support.entities import addresses, amounts, order_numbers, payments, products_named

_PLACE = re.compile(
    r"^\W*(?:the\s+|第|no\.?\s*|number\s+|option\s+)?(\d{1,2}|first|second|third|fourth|last|一|二|三|四)"
    r"(?:\s+one|st|nd|rd|th|个|款|种)?\W*$",
    re.IGNORECASE,
)
_PLACES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": 0, "一": 1, "二": 2, "三": 3, "四": 4}
_ALL = re.compile(r"\b(?:all|both|everything|every|each)\b|全部|所有|都", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,7}(?:\.\d{1,2})?")


def place_in(text: str, count: int) -> int | None:
    """Which of some that were listed does a short answer mean? Its place from 0; None if it names none.

    >>> place_in("the second one", 3), place_in("3", 2), place_in("第一个", 2)
    (1, None, 0)
    """
    match = _PLACE.match(text)
    if match is None:
        return None
    said = match[1].casefold()
    place = (_PLACES[said] if said in _PLACES else int(said)) - 1
    return place % count if count and -1 <= place < count else None


def give(draft: Draft, question: str, item: int, listed: list[str], text: str, account: Account) -> bool:
    """Put an answer into a draft; whether it answered the question.

    Parameters
    ----------
    question, item : what was asked, of which of the draft's items (-1: of none).
    listed : ids of what was offered, in its order.
    text : the cleaned answer.
    """
    place = place_in(text, len(listed))
    chosen = listed[place] if place is not None else ""
    if question in _GIVEN:
        return _GIVEN[question](draft, item, chosen, text, account)
    return False


def _order(draft: Draft, item: int, chosen: str, text: str, account: Account) -> bool:
    ids = [order.order_id for order in account.orders]
    named = order_numbers(text, ids)
    draft.order_id = named[0].order_id if named else chosen
    if draft.order_id:
        return True
    products = products_named(text, account.known().names)
    having = [
        order.order_id
        for order in account.orders
        if products and all(any(line.name in one.names for line in order.lines) for one in products)
    ]
    draft.order_id = having[0] if len(having) == 1 else ""
    return bool(draft.order_id)


def _reason(draft: Draft, item: int, chosen: str, text: str, account: Account) -> bool:
    draft.reason = cancel_reason(text, account.policy.cancel_reasons) or chosen
    return bool(draft.reason)


def _items(draft: Draft, item: int, chosen: str, text: str, account: Account) -> bool:
    if chosen and item >= 0:
        draft.items[item].item_id = chosen
        return True
    if _ALL.search(text):
        if item >= 0:
            draft.items[item].is_several = True
        else:
            draft.is_everything = True
        return True
    products = products_named(text, account.known().names)
    if item >= 0:
        asked = draft.items[item]
        # The words tell which one it is; its name is known, unless there is none of that name.
        asked.old = text
        if products:
            asked.names = products[0].names
        return True
    draft.items = [Asked(names=one.names, old=text if len(products) == 1 else "") for one in products]
    return bool(products)


def _variant(draft: Draft, item: int, chosen: str, text: str, account: Account) -> bool:
    asked = draft.items[item]
    if chosen:
        asked.new_item_id = chosen
    else:
        asked.new = text
    return True


def _payment(draft: Draft, item: int, chosen: str, text: str, account: Account) -> bool:
    named = payments(text, account.customer.payment_methods.values())
    if named:
        draft.is_original, draft.payment_ids = named[0].is_original, None if named[0].is_original else named[0].ids
        return True
    if chosen:
        draft.payment_ids = (chosen,)
    return bool(chosen)


def _address(draft: Draft, item: int, chosen: str, text: str, account: Account) -> bool:
    found = addresses(text)
    if found:
        draft.address = found[0].address
    return bool(found)


def _amount(draft: Draft, item: int, chosen: str, text: str, account: Account) -> bool:
    named = amounts(text)
    bare = _NUMBER.search(text)
    draft.amount = str(named[0].amount) if named else bare[0] if bare else ""
    return bool(draft.amount)


_GIVEN = {
    "order": _order,
    "reason": _reason,
    "items": _items,
    "variant": _variant,
    "none_like": _variant,
    "payment": _payment,
    "payment_unknown": _payment,
    "address": _address,
    "amount": _amount,
}
