"""Alerts and notes in words, English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from regulars.fraud.monitor.watch import Watch

Language = Literal["en", "zh"]

ALERTS: Mapping[str, Mapping[str, str]] = {
    "scores": {
        "en": "Scores of the last {days} days are not spread as before: stability index {psi:.2f}, limit {limit:.2f}. "
        "Look at what changed in the data; if it is here to stay, learn again.",
        "zh": "最近 {days} 天的风险分分布与以前不同：稳定性指数 {psi:.2f}，界限 {limit:.2f}。"
        "请查看数据有何变化；若会持续，请重新学习。",
    },
    "rate_up": {
        "en": "More frauds since {since}: {watched:.2%} of attempts in the days watched, {before:.2%} before.",
        "zh": "自 {since} 起欺诈增多：观察期内占尝试的 {watched:.2%}，此前为 {before:.2%}。",
    },
    "rate_down": {
        "en": "Fewer frauds since {since}: {watched:.2%} of attempts in the days watched, {before:.2%} before. "
        "If nothing was done about it, see whether disputes still come in.",
        "zh": "自 {since} 起欺诈减少：观察期内占尝试的 {watched:.2%}，此前为 {before:.2%}。"
        "若未采取措施，请检查拒付数据是否仍在导入。",
    },
    "rule_up": {
        "en": '"{policy}" now acts on {now:.2%} of attempts, {before:.2%} before.',
        "zh": "“{policy}”现作用于 {now:.2%} 的尝试，此前为 {before:.2%}。",
    },
    "rule_down": {
        "en": '"{policy}" now acts on {now:.2%} of attempts only, {before:.2%} before. It may have lost what it reads.',
        "zh": "“{policy}”现仅作用于 {now:.2%} 的尝试，此前为 {before:.2%}。它所依据的数据可能缺失。",
    },
}
NOTES: Mapping[str, Mapping[str, str]] = {
    "scores": {
        "en": "Too few attempts to compare scores: {recent} in the last days, {reference} before; {least} are needed.",
        "zh": "尝试太少，无法比较风险分：最近 {recent} 个，此前 {reference} 个；各需 {least} 个。",
    },
    "no_frauds": {
        "en": "No fraud is known of the attempts that were decided about, so neither their rate nor their delay is.",
        "zh": "已决定的尝试中没有已知的欺诈，因此比率与延迟均未知。",
    },
    "cut": {
        "en": "Too few known frauds are older than {days} days: delays of younger ones are in, and long ones missing.",
        "zh": "早于 {days} 天的已知欺诈太少：已计入较新的欺诈，较长的延迟可能缺失。",
    },
    "rate": {
        "en": "Too little to tell a change of the rate of frauds: 14 days and 10 frauds before the last {days} days "
        "are needed.",
        "zh": "数据不足，无法判断欺诈率是否变化：在最近 {days} 天之前需有 14 天和 10 起欺诈。",
    },
}
QUIET = {"en": "Nothing is alarming.", "zh": "无异常。"}


def alerts(watch: Watch, language: Language = "en") -> list[str]:
    """What is alarming, a sentence or two each; one that says so if nothing is."""
    return [_said(ALERTS, alert.kind, language, alert.figures) for alert in watch.alerts] or [QUIET[language]]


def notes(watch: Watch, language: Language = "en") -> list[str]:
    """What could not be told, and why."""
    return [_said(NOTES, kind, language, figures) for kind, figures in watch.notes]


def _said(texts: Mapping[str, Mapping[str, str]], kind: str, language: Language, figures: Mapping[str, Any]) -> str:
    return texts[kind][language].format(**figures)
