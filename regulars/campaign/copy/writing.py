"""Subjects and bodies about an offer: by templates, or by a language model where one is connected.

What a model writes is checked against the facts, and what fails is dropped, with why. Either way a person approves the
file before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from regulars.campaign.copy import template
from regulars.campaign.copy.check import Facts, Fault, faults
from regulars.campaign.copy.message import Language, Variant
from regulars.errors import InputError
from regulars.language import LanguageModel, Part

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "variants": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"subject": {"type": "string"}, "body": {"type": "string"}},
                "required": ["subject", "body"],
            },
        }
    },
    "required": ["variants"],
}

_OPENING: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "percentage": ("{worth} off, for you", "A little thank you: {worth} off"),
        "amount": ("{worth} off your next order", "{worth} from us"),
        "free_shipping": ("Your next delivery is on us", "No delivery cost this time"),
        "gift": ("A present with your next order", "Something extra for you"),
        "bundle": ("{worth} off together", "Better together: {worth} off"),
        "": ("A note from {{{{ shop.name }}}}", "Hello from {{{{ shop.name }}}}"),
    },
    "zh": {
        "percentage": ("为您准备：立减{worth}", "一点心意：立减{worth}"),
        "amount": ("下一单立减{worth}", "送您{worth}优惠"),
        "free_shipping": ("这次运费我们来付", "下一单运费由我们承担"),
        "gift": ("下一单有礼", "给您一份心意"),
        "bundle": ("组合购买立减{worth}", "一起买更合适：立减{worth}"),
        "": ("{{{{ shop.name }}}}问候您", "来自{{{{ shop.name }}}}的消息"),
    },
}
_BODY = {
    "en": "Hello {{ customer.name or 'there' }},\n\n<lead>.\n<code>\n{{ shop.name }}\n\nNo more messages: "
    "{{ unsubscribe_url }}\n",
    "zh": "{{ customer.name or '您' }}好，\n\n<lead>。\n<code>\n{{ shop.name }}\n\n退订：{{ unsubscribe_url }}\n",
}
_CODE = {
    "en": "Your code: {{ coupon.code }}, valid until {{ coupon.expires }}.\n",
    "zh": "优惠码：{{ coupon.code }}，有效期至{{ coupon.expires }}。\n",
}


@dataclass(frozen=True)
class Written:
    """What was written: the variants that passed, and what was dropped, each with its faults."""

    variants: tuple[Variant, ...]
    dropped: tuple[tuple[Variant, tuple[Fault, ...]], ...] = ()


def by_template(kind: str, language: Language) -> tuple[Variant, ...]:
    """Two variants about an offer of a kind; "" for none. What it is worth is a field.

    >>> [variant.subject for variant in by_template("amount", "en")]
    ['{{ coupon.worth }} off your next order', '{{ coupon.worth }} from us']
    """
    if kind not in _OPENING[language]:
        raise InputError(f'There is no kind of offer "{kind}". There are: {", ".join(filter(None, _OPENING["en"]))}.')
    code = _CODE[language] if kind else ""
    made = []
    for place, opening in enumerate(_OPENING[language][kind]):
        subject = opening.format(worth="{{ coupon.worth }}")
        body = _BODY[language].replace("<lead>", subject).replace("<code>", code)
        made.append(Variant(f"template {place + 1}", language, subject, body))
    return tuple(made)


def by_model(
    facts: Facts, language: Language, model: LanguageModel, *, count: int = 3, about: Sequence[str] = ()
) -> Written:
    """Variants by a language model, each checked: only what the facts carry, only fields that there are.

    Parameters
    ----------
    facts : all that may be said.
    model : see `regulars.language.connect`; it is told the facts alone, and of no customer.
    count : how many are asked for.
    about : facts in words, for the model: "10 % off", "valid for 14 days".

    Raises
    ------
    LanguageError
        If no answer came, or not in the form that was asked for: then `by_template` has two.
    """
    answer = model.ask(_prompt(language, count), [Part("facts", list(about) or ["there is no offer"])], schema=SCHEMA)
    passed, dropped = [], []
    for place, row in enumerate(answer.value["variants"][:count]):
        variant = Variant(f"model {place + 1}", language, " ".join(row["subject"].split()), row["body"])
        wrong = review(variant, facts)
        dropped += [(variant, wrong)] if wrong else []
        passed += [] if wrong else [variant]
    return Written(tuple(passed), tuple(dropped))


def review(variant: Variant, facts: Facts) -> tuple[Fault, ...]:
    """What is wrong with a variant: what the facts do not carry, and what no template may say."""
    found: list[Fault] = []
    for source in (variant.subject, variant.body):
        found += [Fault(source[:40], problem.said) for problem in template.problems(source)]
        found += faults(source, facts)
    return tuple(found)


def to_toml(variants: Sequence[Variant]) -> str:
    """The file of a message, for a person to read and change."""
    parts = []
    for each in variants:
        texts = (each.name, each.language, each.subject, each.body)
        values = zip(("name", "language", "subject", "body"), texts, strict=True)
        # A JSON string is a string of TOML too.
        parts.append("[[variant]]\n" + "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in values))
    return "\n".join(parts)


def _prompt(language: Language, count: int) -> str:
    tongue = {"en": "English", "zh": "simplified Chinese"}[language]
    there = ", ".join(f"{{{{ {owner}.{name} }}}}" for owner, names in template.FIELDS.items() for name in names)
    return (
        f"Write {count} variants of a short message of a shop to a customer, in {tongue}, each with subject and body.\n"
        "The facts in the user's message are all that you know. Say nothing that is not in them: no other price, "
        f"number, date, weekday, deadline, scarcity or claim. Write numbers in digits. You may use these "
        f"fields: {there}, "
        "{{ unsubscribe_url }}. End each body with {{ unsubscribe_url }}."
    )
