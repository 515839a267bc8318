"""What columns of attempts mean, in words: made from their declarations, for rules, reasons and reports."""

from __future__ import annotations

import math
from typing import Literal

from regulars.fraud.features.declared import LONGEST, Measure, Ratio
from regulars.fraud.features.named import MEASURE_BY_NAME, RATIO_BY_NAME, declared
from regulars.fraud.features.own import OTHER
from regulars.fraud.features.terms import ENTITIES, OTHERS, ROWS, Entity, Language, Row, Words, length, number
from regulars.fraud.features.terms import of_property as of_own
from regulars.fraud.stream import OWN

_Sort = Literal["mean", "times", "pace", "refunded", "risk"]
"""What a ratio is: a mean amount, an amount in multiples of one, how many came lately, money sent back, frauds."""


def unit(name: str) -> str:
    """The unit of a column: "seconds", "money", "share" (of one), "times" (a multiple), or "" of counts and others.

    >>> unit("device_since_last_attempt"), unit("customer_amount_7d"), unit("ip_fraud_share"), unit("ip_attempts_1h")
    ('seconds', 'money', 'share', '')
    """
    found = declared(name)
    if isinstance(found, Measure):
        return {"sum": "money", "first": "seconds", "last": "seconds", "run_since": "seconds"}.get(found.how, "")
    if found is not None:
        return {"mean": "money", "times": "times"}.get(_sort(found), "share")
    shares = dict.fromkeys(("risk", "email_digits", "name_digits"), "share")
    return {"amount": "money", "account_age": "seconds", **shares}.get(name, "")


def meaning(name: str, language: Language = "en") -> str:
    """What a column means.

    Parameters
    ----------
    name : of `declared.MEASURES`, `RATIOS` or `of_property`, of `terms.OTHERS`, or of a property as `own.own` names
        it; KeyError for any other.

    Examples
    --------
    >>> meaning("device_attempts_1h"), meaning("device_attempts_1h", "zh")
    ('attempts with this device within 1 hour', '该设备1小时内的尝试次数')
    >>> meaning("amount_over_customer_mean_90d")
    'the amount, in multiples of the mean by this customer within 90 days'
    """
    found = declared(name)
    if isinstance(found, Measure):
        return _in(_meaning(found), language)
    return _in(_other(name) if found is None else _meaning_of_ratio(found), language)


def said(name: str, value: float, language: Language = "en", currency: str = "") -> str:
    """The value of a column as a sentence, such as a reason needs.

    Parameters
    ----------
    name : as of `meaning`.
    value : as the column has it; NaN where unknown.
    currency : stands behind amounts.

    Examples
    --------
    >>> said("device_attempts_1h", 9), said("device_attempts_1h", 9, "zh")
    ('9 attempts with this device within 1 hour', '该设备1小时内有9次尝试')
    >>> said("amount_over_customer_mean_90d", 6.2), said("amount_over_customer_mean_90d", 6.2, "zh")
    ("6.2 × this customer's usual amount", '金额是该顾客平常的6.2倍')
    >>> said("merchant_fraud_run_since", 9 * 86400)
    'this merchant or terminal has had only known frauds for 9 days'
    >>> said("customer_device_since_first_attempt", float("nan"))
    'the first attempt by this customer with this device'
    """
    is_known, declaration = math.isfinite(value), declared(name)
    if isinstance(declaration, Measure):
        found = _said(declaration, value, currency) if is_known else _nothing(declaration)
    elif declaration is not None and is_known:
        found = _said_of_ratio(declaration, value, currency)
    elif is_known:
        shown, what = number(value, unit(name), currency), _other(name)
        found = Words(f"{what.en}: {shown.en}", f"{what.zh}:{shown.zh}")
        found = Words(f"an amount of {shown.en}", f"金额为{shown.zh}") if name == "amount" else found
    else:
        found = Words(f"unknown: {meaning(name)}", f"未知:{meaning(name, 'zh')}")
    return _in(found, language)


def _other(name: str) -> Words:
    if name.startswith(OTHER):
        own_name = name.removeprefix(OTHER)
        return Words(f"{own_name}, as the attempt says", f"{own_name}(尝试自述)")
    return OTHERS[name]


def _entity(name: str) -> Entity:
    return of_own(name.removeprefix(OWN)) if name.startswith(OWN) else ENTITIES[name]


def _in(words: Words, language: Language) -> str:
    return words.zh if language == "zh" else words.en


def _within(seconds: int) -> Words:
    return Words(f" within {length(seconds).en}", f"{length(seconds).zh}内") if seconds else Words("", "至今")


def _meaning(measure: Measure) -> Words:  # noqa: PLR0911 one for each way of counting
    entity, row, window = _entity(measure.entity), ROWS[measure.rows], _within(measure.seconds)
    what = f"{row.many} {entity.shared}"
    match measure.how:
        case "count":
            return Words(f"{what}{window.en}", f"{entity.zh}{window.zh}的{row.zh}次数")
        case "sum":
            return Words(f"amount of {what}{window.en}", f"{entity.zh}{window.zh}的{row.zh}金额")
        case "distinct":
            of = ENTITIES[measure.of]
            return Words(
                f"different {of.many} of attempts {entity.shared}{window.en}",
                f"{entity.zh}{window.zh}涉及的{of.counted_zh[1:]}的数目",
            )
        case "decayed":
            half = length(measure.seconds)
            return Words(f"{what}, half as much after {half.en}", f"{entity.zh}的{row.zh}次数,每过{half.zh}减半")
        case "first" | "last":
            end = "首次" if measure.how == "first" else "最近一次"
            return Words(
                f"seconds since the {measure.how} {row.one} {entity.shared}", f"距{entity.zh}{end}{row.zh}的秒数"
            )
        case "run":
            frauds = _frauds(measure)
            return Words(
                f"{frauds.many} {entity.shared} since the last attempt known as honest",
                f"{entity.zh}自最近一次确认正常以来的{frauds.zh}次数",
            )
        case "run_since":
            frauds = _frauds(measure)
            return Words(
                f"seconds since the first {frauds.one} {entity.shared} after the last attempt known as honest",
                f"{entity.zh}自最近一次确认正常后首次{frauds.zh}以来的秒数",
            )


def _frauds(measure: Measure) -> Row:
    """The frauds of a run of labels."""
    return ROWS[measure.rows.replace("label", "fraud")]


def _nothing(measure: Measure) -> Words:
    """What it says that there is no value."""
    entity, row = _entity(measure.entity), ROWS[measure.rows]
    match measure.how:
        case "first" | "last" if measure.rows == "attempt":
            return Words(f"the first attempt {entity.shared}", f"{entity.zh}首次尝试")
        case "first" | "last":
            return Words(f"no {row.one} {entity.shared} before", f"{entity.zh}此前没有{row.zh}")
        case "run" | "run_since":
            frauds = _frauds(measure)
            return Words(f"no {frauds.many} {entity.shared} of late", f"{entity.zh}近来没有{frauds.zh}")
    what = _meaning(measure)
    return Words(f"unknown: {what.en}", f"未知:{what.zh}")


def _said(measure: Measure, value: float, currency: str) -> Words:  # noqa: PLR0911 one for each way of counting
    entity, row, window = _entity(measure.entity), ROWS[measure.rows], _within(measure.seconds)
    count = f"{value:,.0f}"
    match measure.how:
        case "count":
            what = row.one if value == 1 else row.many
            return Words(
                f"{count if value else 'no'} {what} {entity.shared}{window.en}",
                f"{entity.zh}{window.zh}有{count}次{row.zh}" if value else f"{entity.zh}{window.zh}没有{row.zh}",
            )
        case "sum":
            money = number(value, "money", currency)
            return Words(
                f"{money.en} of {row.many} {entity.shared}{window.en}", f"{entity.zh}{window.zh}{row.zh}{money.zh}"
            )
        case "distinct":
            of = ENTITIES[measure.of]
            what = f"{count} {of.one if value == 1 else f'different {of.many}'} of attempts"
            return Words(f"{what} {entity.shared}{window.en}", f"{entity.zh}{window.zh}涉及{count}{of.counted_zh}")
        case "decayed":
            return Words(
                f"{value:.1f} {row.many} {entity.shared}, older ones counting less",
                f"{entity.zh}有{value:.1f}次{row.zh}(越早权重越低)",
            )
        case "first" | "last":
            ago, end = length(value), "首次" if measure.how == "first" else "最近一次"
            return Words(
                f"the {measure.how} {row.one} {entity.shared} was {ago.en} ago", f"{entity.zh}{end}{row.zh}在{ago.zh}前"
            )
        case "run":
            frauds = _frauds(measure)
            what = frauds.one if value == 1 else frauds.many
            return Words(
                f"{count if value else 'no'} {what} {entity.shared} in a row", f"{entity.zh}连续{count}次{frauds.zh}"
            )
        case "run_since":
            long = length(value)
            frauds = _frauds(measure)
            return Words(
                f"{entity.own} has had only {frauds.many} for {long.en}", f"{entity.zh}{long.zh}来只有{frauds.zh}"
            )


def _sort(ratio: Ratio) -> _Sort:
    if ratio.above == "amount":
        return "times"
    if ratio.weight:
        return "risk"
    above = MEASURE_BY_NAME[ratio.above]
    if above.rows == "refunded":
        return "refunded"
    return "mean" if above.how == "sum" else "pace"


def _of(ratio: Ratio) -> tuple[Entity, int]:
    """Of which entity a ratio speaks, and over how many seconds."""
    below = declared(ratio.below)
    if not isinstance(below, Measure):
        return _of(RATIO_BY_NAME[ratio.below])
    return _entity(below.entity), below.seconds


def _meaning_of_ratio(ratio: Ratio) -> Words:
    entity, seconds = _of(ratio)
    window = _within(seconds)
    match _sort(ratio):
        case "mean":
            return Words(f"mean amount of attempts {entity.shared}{window.en}", f"{entity.zh}{window.zh}的平均金额")
        case "times":
            return Words(
                f"the amount, in multiples of the mean {entity.shared}{window.en}",
                f"金额相当于{entity.zh}{window.zh}平均金额的倍数",
            )
        case "pace":
            lately = length(MEASURE_BY_NAME[ratio.above].seconds)
            return Words(
                f"share of the attempts {entity.shared}{window.en} that came within {lately.en}",
                f"{entity.zh}{window.zh}的尝试中{lately.zh}内所占份额",
            )
        case "refunded":
            return Words(
                f"refunds as a share of the amounts {entity.shared}{window.en}",
                f"{entity.zh}{window.zh}退款占金额的份额",
            )
        case "risk":
            known, known_zh = f"those known{window.en}", f"{window.zh}已有定论的尝试"
            return Words(
                f"estimated share of frauds {entity.shared}, from {known}", f"据{known_zh}估计的{entity.zh}欺诈份额"
            )


def _said_of_ratio(ratio: Ratio, value: float, currency: str) -> Words:
    entity, seconds = _of(ratio)
    window, what = _within(seconds), _meaning_of_ratio(ratio)
    shown = number(value, unit(ratio.name), currency)
    chinese = f"{what.zh}为{shown.zh}"
    match _sort(ratio):
        case "mean":
            return Words(f"a {what.en} of {shown.en}", chinese)
        case "times":
            # The usual amount is that of the longest window; of a shorter one it is said which.
            over = Words("", "") if seconds == LONGEST else window
            usual = (
                "this customer's usual amount"
                if entity is ENTITIES["customer"]
                else f"the usual amount {entity.shared}"
            )
            return Words(f"{shown.en} × {usual}{over.en}", f"金额是{entity.zh}{over.zh}平常的{shown.zh}倍")
        case "pace":
            lately = length(MEASURE_BY_NAME[ratio.above].seconds)
            return Words(f"{shown.en} of the attempts {entity.shared}{window.en} came within {lately.en}", chinese)
        case "refunded":
            return Words(f"{shown.en} of the amounts {entity.shared}{window.en} was refunded", chinese)
        case "risk":
            known = f"those known{window.en}"
            return Words(f"an estimated {shown.en} of attempts {entity.shared} are frauds, from {known}", chinese)
