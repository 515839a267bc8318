"""What does a message ask for? All of it, several things in one: a draft for each.

A message is cut into clauses at ends of sentences and before verbs that ask for something. A clause gives its verb's
draft what it names; a clause without a verb goes on with the last one's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from regulars.support.dialogue.drafts import Asked, Draft
from regulars.support.dialogue.intents import CHANGE, MONEY_BACK, STATUS, SWAP, cancel_reason
from regulars.support.dialogue.parts import Clause, Known, Named, clauses, name_all
from regulars.support.entities import amounts
from regulars.support.entities.order_numbers import OrderNumber
from regulars.support.entities.product_names import ProductNamed
from regulars.support.order.actions import Cancel, ChangeAddress, ChangePayment, Refund, Return
from regulars.support.order.things import Customer

_TO = re.compile(
    r"\s(?:to|for|into|in exchange for)\s(?!be\b)|\bshould be\b|\bto be\b|\bbut\s(?:in|with)\s|"
    r"换成|改成|改为|更换为|换|→|->",
    re.IGNORECASE,
)
_WITH = re.compile(r"\swith\s", re.IGNORECASE)
"""Where nothing else tells the old from the new: "replace the lamp with a white one"."""
_INSTEAD = re.compile(r"\b(?:instead of|rather than|in place of|not the)\b|而不是|代替", re.IGNORECASE)
_WISH = re.compile(r"\b(?:want|need|prefer|like|get|have)\b|想要|要", re.IGNORECASE)
_SEPARATOR = re.compile(r"[;,]|\band\b|\bplus\b|\balso\b|\bas well as\b|、|和|以及|还有|。", re.IGNORECASE)
_DEFAULT = re.compile(
    r"\b(?:default|profile|home|account|usual|on file)(?:'s)?\b[^.;]{0,20}\baddress|"
    r"\baddress\b[^.;]{0,25}\b(?:profile|account|on file)\b|"
    r"默认(?:收货)?地址|账户(?:里|中)?的?地址",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\baddress|\bship\b|\bshipping\b|\bdeliver(?:y|ed)?\s+to\b|地址|寄到|送到", re.IGNORECASE)
_PAYMENT = re.compile(r"\bpay(?:ment|ing|ments)?\b|\bcharge\b|\bbill(?:ing|ed)?\b|支付|付款", re.IGNORECASE)
_EVERYTHING = re.compile(
    r"\b(?:everything|all (?:of )?(?:the |my |these |those )?(?:items?|products?|things)|(?:whole|entire) order|"
    r"all of (?:it|them))\b|全部|所有|整单|都退|都换",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(r"\bdifference\b|\brefund\b|差价", re.IGNORECASE)
_OF_ALL = re.compile(
    r"\b(?:all|each|every)\b[^.;,]{0,20}\borders?\b|\bboth\b[^.;,]{0,12}\borders\b|(?:所有|全部)[^。；,]{0,6}订单",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\b(?:both|all|two|three|every|each)\b(?:\s+(?:of|the|my|these|those))*\s*$|(?:两|三|全部|所有|都)\S{0,3}$",
    re.IGNORECASE,
)


def understand(text: str, customer: Customer, known: Known) -> list[Draft]:
    """What does a message ask for?

    Parameters
    ----------
    text : a cleaned message.
    customer : who wrote it.
    known : what that one may speak of.

    Returns
    -------
    A draft for each thing and order, in the order of the text; empty if it asks for nothing that is known here.
    """
    named = name_all(text, customer, known)
    drafts: list[Draft] = []
    last: Draft | None = None
    for clause in clauses(named.text, known.options):
        made = _drafts_of(clause, text, named, last, known)
        if made:
            drafts += made
            last = made[-1]
        elif last is not None:
            _go_on(last, clause, text, named, known.reasons)
    _share_payment(drafts, named)
    return _merged(drafts)


def _drafts_of(clause: Clause, text: str, named: Named, last: Draft | None, known: Known) -> list[Draft]:
    """The drafts that a clause begins; none if it only goes on with the last one."""
    numbers = [one for one in named.orders if clause.start <= one.start < clause.end and one.start not in named.sources]
    products = [one for one in named.products if clause.start <= one.start < clause.end]
    intent = _intent(clause, named, products, last)
    if intent is None:
        return []
    begins = clause.verb is not None or bool(numbers)
    if not begins:
        return []
    if last is not None and intent == last.intent and not numbers and not products:
        is_its_address = intent == ChangeAddress.name and last.address is None
        if is_its_address or _says_little(clause, named):
            return []
    ids = list(dict.fromkeys(one.order_id for one in numbers)) or _as_before(intent, last, products, known)
    if intent in (Cancel.name, STATUS) or len(ids) <= 1 or not products:
        drafts = [Draft(intent=intent, order_id=order_id) for order_id in ids or [""]]
        for draft in drafts:
            _fill(draft, clause, text, named, products, known.reasons)
        return drafts
    made = []
    for order_id in ids:
        own = [one for one in products if _order_of(one, products, numbers) == order_id]
        draft = Draft(intent=intent, order_id=order_id)
        _fill(draft, clause, text, named, own, known.reasons)
        made.append(draft)
    return made


def _intent(clause: Clause, named: Named, products: Sequence[ProductNamed], last: Draft | None) -> str | None:
    """What a clause asks for: its verb says, or what it is about, or what was asked before."""
    before = None if last is None else last.intent
    if clause.verb is None:
        return before
    intent, words = clause.verb.intent, named.text[clause.start : clause.end]
    has_number = any(clause.start <= one.start < clause.end for one in named.orders)
    if intent == MONEY_BACK:
        # "and refund it to my card" is about what was asked for before.
        return Return.name if before is None or has_number or products else before
    if intent == ChangePayment.name and before in (SWAP, Return.name) and _DIFFERENCE.search(words):
        return before  # "and pay the difference with my card" is about the items, not about the order
    return _changed(clause, named, products, words, intent) if intent in (CHANGE, SWAP) else intent


def _changed(clause: Clause, named: Named, products: Sequence[ProductNamed], words: str, intent: str) -> str:
    """What is to be other than it is: address, payment, or items."""
    has_address = any(clause.start <= start < clause.end for start, _, _ in named.addresses)
    if has_address or (_ADDRESS.search(words) and not products):
        return ChangeAddress.name
    has_payment = any(clause.start <= one.start < clause.end for one in named.payments)
    if not products and (_PAYMENT.search(words) or (has_payment and intent == CHANGE)):
        return ChangePayment.name
    return SWAP


def _as_before(intent: str, last: Draft | None, products: Sequence[ProductNamed], known: Known) -> list[str]:
    """The order of what was asked before, if this can be about it too: "and swap the helmet" in the one just named."""
    if last is None or not last.order_id or not (intent == last.intent or {intent, last.intent} <= set(_OF_PENDING)):
        return []
    names = known.bought.get(last.order_id, ())
    fits = all(set(one.names) & set(names) for one in products)
    return [last.order_id] if fits and (products or intent != last.intent) else []


def _says_little(clause: Clause, named: Named) -> bool:
    """Whether a clause adds only how it is paid or why: "and get the refund on my card"."""
    return not any(clause.start <= start < clause.end for start, _, _ in named.addresses) and not _EVERYTHING.search(
        named.text[clause.start : clause.end]
    )


def _go_on(last: Draft, clause: Clause, text: str, named: Named, reasons: tuple[str, ...]) -> None:
    products = [one for one in named.products if clause.start <= one.start < clause.end]
    _fill(last, clause, text, named, products, reasons)


def _fill(
    draft: Draft, clause: Clause, text: str, named: Named, products: Sequence[ProductNamed], reasons: tuple[str, ...]
) -> None:
    """Give a draft what a clause names, where it has nothing yet."""
    words = named.text[clause.start : clause.end]
    draft.text = f"{draft.text} {text[clause.start : clause.end]}".strip()
    ways = [one for one in named.payments if clause.start <= one.start < clause.end]
    if ways and not draft.has_payment:
        way = ways[-1]
        draft.is_original = way.is_original
        draft.payment_ids = None if way.is_original else way.ids
    if draft.intent == Cancel.name:
        draft.reason = draft.reason or cancel_reason(text[clause.start : clause.end], reasons)
    for start, _, address in named.addresses:
        if clause.start <= start < clause.end and draft.address is None:
            draft.address = address
    source = next(
        (one for one in named.orders if one.start in named.sources and clause.start <= one.start < clause.end), None
    )
    if source is not None:
        draft.address_of = source.order_id
    elif draft.intent == ChangeAddress.name and draft.address is None and _DEFAULT.search(words):
        draft.address_of = "default"
    draft.is_everything |= bool(_EVERYTHING.search(words))
    draft.is_of_all |= bool(_OF_ALL.search(words))
    money = amounts(text[clause.start : clause.end])
    if money and not draft.amount:
        draft.amount = str(money[0].amount)
    if draft.intent in (SWAP, Return.name, Cancel.name, Refund.name, STATUS):
        draft.items += _asked(draft.intent, clause, named, products)


def _asked(intent: str, clause: Clause, named: Named, products: Sequence[ProductNamed]) -> list[Asked]:
    """The items that a clause speaks of, each with the words about it."""
    found: list[Asked] = []
    groups = _grouped(named.text, products)
    for place, group in enumerate(groups):
        first, end = group[0], groups[place + 1][0].start if place + 1 < len(groups) else clause.end
        start = clause.start if place == 0 else groups[place - 1][-1].end
        separators = [match.end() for match in _SEPARATOR.finditer(named.text, start, first.start)]
        if place > 0 and separators:
            start = separators[-1]
        if place + 1 < len(groups):
            later = [match.start() for match in _SEPARATOR.finditer(named.text, group[-1].end, end)]
            end = later[-1] if later else end
        before, behind = named.text[start : first.start], named.text[first.end : end]
        is_several = bool(_SEVERAL.search(before.rstrip()))
        old, new = _old_and_new(before, behind) if intent == SWAP else (f"{before} {behind}", None)
        found.append(Asked(names=first.names, old=old, new=new, is_several=is_several))
    return found


def _grouped(text: str, products: Sequence[ProductNamed]) -> list[list[ProductNamed]]:
    """Mentions of one item together: "exchange the black lamp for a lamp with ..." speaks of one."""
    groups: list[list[ProductNamed]] = []
    for one in products:
        if groups:
            before = groups[-1][-1]
            between = text[before.end : one.start]
            is_same = set(before.names) & set(one.names) and not _SEPARATOR.search(between)
            if is_same and (_TO.search(between) or _INSTEAD.search(between)):
                groups[-1].append(one)
                continue
        groups.append([one])
    return groups


def _old_and_new(before: str, behind: str) -> tuple[str, str | None]:
    """Words about what was bought, and about what is wanted."""
    instead = _INSTEAD.search(behind)
    to = _TO.search(behind) or _WITH.search(behind) if instead is None or instead.start() > 0 else None
    if to is not None:
        cut = instead.start() if instead is not None and instead.start() > to.end() else len(behind)
        return f"{before} {behind[: to.start()]} {behind[cut:]}", behind[to.end() : cut]
    if instead is not None:
        return behind[instead.end() :], f"{before} {behind[: instead.start()]}"
    turned = _TO.search(before)
    if turned is not None and _WISH.search(before[: turned.start()]) is None:
        return before[: turned.start()], f"{before[turned.end() :]} {behind}"
    return f"{before} {behind}", None


def _order_of(product: ProductNamed, products: Sequence[ProductNamed], numbers: Sequence[OrderNumber]) -> str:
    """Of several orders in a clause the one that a product belongs to: "the lamp from #W1 and the chair from #W2"."""
    next_product = min((one.start for one in products if one.start > product.start), default=1 << 30)
    behind = [one for one in numbers if product.end <= one.start < next_product]
    before = [one for one in numbers if one.end <= product.start]
    is_first_named = numbers[0].start < products[0].start
    chosen = before[-1] if before and is_first_named else behind[0] if behind else (before or list(numbers))[-1]
    return chosen.order_id


def _share_payment(drafts: Sequence[Draft], named: Named) -> None:
    """One payment method in the whole message is that of all that need one."""
    ways = {(one.ids, one.is_original) for one in named.payments}
    if len(ways) != 1:
        return
    ids, is_original = next(iter(ways))
    for draft in drafts:
        if draft.intent in (SWAP, Return.name, Refund.name) and not draft.has_payment:
            draft.is_original, draft.payment_ids = is_original, None if is_original else ids


def _merged(drafts: Sequence[Draft]) -> list[Draft]:
    """One draft for each thing and order: items are changed and returned all at once."""
    kept: dict[tuple[str, str], Draft] = {}
    loose: list[Draft] = []
    for draft in drafts:
        if loose and loose[-1].intent == draft.intent and not loose[-1].is_told:
            # "My address is wrong. Please send #W1 to ...": the first only says what the second is about.
            draft.reason = draft.reason or loose.pop().reason
        key = (draft.intent, draft.order_id)
        first = kept.get(key)
        if first is None or not draft.order_id:
            kept[key if draft.order_id else (draft.intent, f" {len(loose)}")] = draft
            loose.append(draft)
            continue
        first.items += draft.items
        first.is_everything |= draft.is_everything
        first.reason = first.reason or draft.reason
        first.address, first.address_of = first.address or draft.address, first.address_of or draft.address_of
        if not first.has_payment:
            first.payment_ids, first.is_original = draft.payment_ids, draft.is_original
    return loose


_OF_PENDING = (ChangeAddress.name, ChangePayment.name, SWAP)
"""What may be asked of one pending order in one breath."""
PAYING = (ChangePayment.name, Return.name, SWAP, Refund.name)
"""What needs a payment method."""
