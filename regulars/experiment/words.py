"""What a result says in words: English and Chinese."""

from __future__ import annotations

from typing import Literal

from regulars.experiment.analysis import Result, Verdict
from regulars.experiment.checks import Check

Language = Literal["en", "zh"]

VERDICTS = {
    "en": {
        "blocked": "{variant}: no verdict. {reasons}",
        "early": "{variant}: too early. {counted:,} customers count so far; each arm needs {least}.",
        "better": "{variant} is better than {control}: {effect}. {how}",
        "worse": "{variant} is worse than {control}: {effect}. {how}",
        "unsafe": "{variant} is better than {control} in {metric}: {effect}. But it is not shown that these do not "
        "suffer beyond what was agreed: {broken}. Do not roll it out on this.",
        "none": "{variant}: the plan is over and no difference from {control} was found: {effect}.",
        "open": "{variant}: not decided yet: {effect}. Go on until {ends}.",
        "plan": "Found by the planned verdict, day by day, on {crossed}.",
        "sequence": "Found by the interval that holds at any time.",
        "effect": "{metric} {relative} ({low} to {high}), {absolute} a customer",
        "effect_plain": "{metric} {absolute} ({low} to {high})",
    },
    "zh": {
        "blocked": "{variant}：不下结论。{reasons}",
        "early": "{variant}：为时过早。目前计入 {counted:,} 位顾客；每组至少需要 {least} 位。",
        "better": "{variant} 优于 {control}：{effect}。{how}",
        "worse": "{variant} 不如 {control}：{effect}。{how}",
        "unsafe": "{variant} 的{metric}优于 {control}：{effect}。但未能证明以下指标没有超出约定的损失：{broken}。"
        "请勿据此上线。",
        "none": "{variant}：计划已结束，未发现与 {control} 的差异：{effect}。",
        "open": "{variant}：尚无定论：{effect}。请继续到 {ends}。",
        "plan": "由计划中的逐日检验于 {crossed} 得出。",
        "sequence": "由随时成立的区间得出。",
        "effect": "{metric} {relative}（{low} 至 {high}），每位顾客 {absolute}",
        "effect_plain": "{metric} {absolute}（{low} 至 {high}）",
    },
}

CHECKS = {
    "en": {
        "empty": ("Every arm has customers.", "No customer was exposed to: {arms}. Nothing can be compared."),
        "mismatch": (
            "Arms are as large as planned ({found}).",
            "Arms are not as large as planned: {found}, planned {planned} (chance {p_value:.1g}). Customers were "
            "lost or "
            "counted in one arm more than in another: look for where exposures are logged, redirects, bots.",
        ),
        "unsteady": (
            "The split was the same on all days.",
            "The split changed while the test ran (chance {p_value:.1g}): arms are made of different days. Begin "
            "anew "
            "with a new salt.",
        ),
        "jumping": (
            "Customers stayed in their arm ({jumped} did not, and are left out).",
            "{jumped} customers ({share:.1%}) saw more than one arm. They are left out, and who is left may no "
            "longer be "
            "alike: look for customers with several ids, or a split that is not by customer.",
        ),
        "carry_over": (
            "Arms began alike.",
            "{metric} differed between arms before exposure (chance {p_value:.1g}): an earlier test is still at "
            "work, or "
            "the split is not by chance. Begin anew with a new salt.",
        ),
        "novelty": (
            "The effect keeps its size over the days since exposure.",
            "The effect on {metric} changes with the days since exposure: the value falls on day {treated:.2f} on "
            "average, in control on day {control:.2f} (chance {p_value:.1g}). It may be novelty, or orders moved in "
            "time. "
            "Measure more days after exposure.",
        ),
        "outliers": (
            "The direction does not hang on a few customers.",
            "A few customers decide: cut at different values, the effect has different signs. Cut large values "
            "harder, or "
            "wait for more customers.",
        ),
        "leverage": (
            "No single customer decides what CUPED takes away.",
            "One customer has {share:.0%} of the pre-period's squares: CUPED is not used.",
        ),
        "constant": ("The metric varies.", "{metric} is {value:g} for every customer: there is nothing to compare."),
        "sign": (
            "CUPED does not turn the effect round.",
            "With CUPED the effect is {adjusted:.4g}, without {plain:.4g}: they differ in sign since arms did not "
            "begin "
            "alike.",
        ),
    },
    "zh": {
        "empty": ("每组都有顾客。", "没有顾客进入以下分组：{arms}。无法比较。"),
        "mismatch": (
            "各组人数符合计划（{found}）。",
            "各组人数不符合计划：{found}，计划为 {planned}（概率 {p_value:.1g}）。有顾客在某一组丢失或被重复计入："
            "请检查曝光记录、跳转和爬虫。",
        ),
        "unsteady": (
            "每天的分流比例一致。",
            "实验期间分流比例有变（概率 {p_value:.1g}）：各组由不同日子的顾客组成。请更换盐值重新开始。",
        ),
        "jumping": (
            "顾客始终在同一组（{jumped} 位例外，已剔除）。",
            "{jumped} 位顾客（{share:.1%}）看到了多个分组，已剔除；余下的顾客可能不再可比：请检查一人多号，"
            "或分流是否按顾客进行。",
        ),
        "carry_over": (
            "各组起点相同。",
            "曝光之前各组的{metric}已有差异（概率 {p_value:.1g}）：先前的实验仍有影响，或分流并非随机。"
            "请更换盐值重新开始。",
        ),
        "novelty": (
            "效果不随曝光后的天数而变。",
            "{metric}的效果随曝光后的天数变化：平均发生在第 {treated:.2f} 天，对照组为第 {control:.2f} 天（概率 "
            "{p_value:.1g}）。"
            "可能是新奇效应，或只是把订单提前。请测量曝光后更多天数。",
        ),
        "outliers": (
            "结论方向不取决于少数顾客。",
            "少数顾客左右了结果：截断值不同，效果的正负不同。请更严格地截断，或等待更多顾客。",
        ),
        "leverage": ("没有单个顾客左右 CUPED。", "一位顾客占前期平方和的 {share:.0%}：不使用 CUPED。"),
        "constant": ("指标有变化。", "所有顾客的{metric}都是 {value:g}：没有可比较的。"),
        "sign": ("CUPED 不改变效果方向。", "使用 CUPED 时效果为 {adjusted:.4g}，不使用时为 {plain:.4g}："
                                   "各组起点不同，正负相反。"),
    },
}  # fmt: skip


def of_check(check: Check, language: Language = "en") -> str:
    """What a check found.

    >>> of_check(Check("empty", False, True, {"arms": "blue"}))
    'No customer was exposed to: blue. Nothing can be compared.'
    """
    passed, failed = CHECKS[language][check.kind]
    # Not all facts are there where there was too little to look at: then the check passed, and says none.
    return (passed if check.passed else failed).format(**check.facts)


def of_verdict(result: Result, verdict: Verdict, language: Language = "en") -> str:
    """What to make of a variant, in a sentence or two."""
    words, plan = VERDICTS[language], result.plan
    reasons = ("" if language == "zh" else " ").join(of_check(check, language) for check in result.blocked)
    finding = result.finding(plan.primary, verdict.variant)
    effect = "" if finding is None else _effect(result, verdict, language)
    planned = verdict.planned
    how = ""
    if verdict.by == "plan" and planned and planned.crossed_at:
        how = words["plan"].format(crossed=f"{planned.crossed_at:%Y-%m-%d}")
    elif verdict.by:
        how = words["sequence"]
    joint = "、" if language == "zh" else ", "
    return words[verdict.state].format(
        variant=verdict.variant, control=plan.control, metric=plan.primary, effect=effect, how=how, reasons=reasons,
        broken=joint.join(verdict.broken), ends=f"{plan.ends_at:%Y-%m-%d}", counted=sum(result.counted.values()),
        least=100,
    )  # fmt: skip


def _effect(result: Result, verdict: Verdict, language: Language) -> str:
    """The effect with the interval that goes with what was found: the plan's, else the one that holds at any time."""
    found = result.finding(result.plan.primary, verdict.variant)
    assert found is not None  # noqa: S101  # asked only of what was found
    planned = verdict.planned
    use_plan = planned is not None and (verdict.by == "plan" or not verdict.by)
    low, high = (planned.low, planned.high) if planned and use_plan else (found.always.low, found.always.high)
    base, words = found.control.value, VERDICTS[language]
    absolute = f"{found.effect.difference:+.4g}"
    if base > 0:
        return words["effect"].format(
            metric=found.metric.name, relative=f"{found.effect.difference / base:+.1%}", low=f"{low / base:+.1%}",
            high=f"{high / base:+.1%}", absolute=absolute,
        )  # fmt: skip
    return words["effect_plain"].format(
        metric=found.metric.name, absolute=absolute, low=f"{low:+.4g}", high=f"{high:+.4g}"
    )
