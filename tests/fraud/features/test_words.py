"""Every feature is said in English and in Chinese, with its value or without."""

from __future__ import annotations

import math
import re

import numpy as np
import pyarrow as pa
import pytest

from regulars.fraud.attempts import Facts
from regulars.fraud.features.declared import MEASURES, RATIOS, of_property
from regulars.fraud.features.own import own
from regulars.fraud.features.terms import OTHERS
from regulars.fraud.features.words import meaning, said, unit

OF_BROWSER, SHARE = of_property("property:browser")
NAMES = [each.name for each in (*MEASURES, *RATIOS, *OF_BROWSER, SHARE)]


def is_chinese(text: str) -> bool:
    return bool(re.search("[一-鿿]", text))


def test_every_feature_has_words_of_its_own_in_both_languages() -> None:
    for language in ("en", "zh"):
        all_said = [meaning(name, language) for name in [*NAMES, *OTHERS]]  # type: ignore[arg-type]
        assert len(set(all_said)) == len(all_said)
        assert all(is_chinese(text) == (language == "zh") for text in all_said)
        assert not any("_" in text for text in all_said if "payment_attempted" not in text)


def test_what_an_attempt_says_of_itself_has_words() -> None:
    one = pa.array(["Ada7"])
    nothing = np.full((4, 1), np.nan)
    facts = Facts(
        np.zeros(1, np.int64),
        np.ones(1),
        np.zeros(1, np.int64),
        one,
        one,
        one,
        np.ones(1, bool),
        nothing,
        {"V1": np.ones(1)},
    )
    for name in own(facts, "UTC"):
        assert meaning(name)
        assert is_chinese(said(name, 0.5, "zh"))
    assert said("property_V1", 2) == "V1, as the attempt says: 2"


@pytest.mark.parametrize("value", [0.0, 1.0, 2.5, 1e7, math.nan])
def test_every_value_of_every_feature_is_a_sentence(value: float) -> None:
    for name in [*NAMES, *OTHERS, "property_V1"]:
        english, chinese = said(name, value, "en", "GBP"), said(name, value, "zh", "GBP")
        assert not is_chinese(english)
        assert is_chinese(chinese)
        assert "nan" not in english + chinese


@pytest.mark.parametrize(
    ("name", "value", "english", "chinese"),
    [
        ("ip_customers_7d", 1, "1 customer of attempts from this IP address within 7 days", "该IP地址7天内涉及1位不同顾客"),
        ("ip_customers_7d", 12, "12 different customers of attempts from this IP address within 7 days", "该IP地址7天内涉及12位不同顾客"),
        ("customer_amount_1d", 1204.5, "1,204.50 GBP of attempts by this customer within 1 day", "该顾客1天内尝试1,204.50 GBP"),
        ("device_sign_in_faileds_1h", 0, "no failed sign-ins with this device within 1 hour", "该设备1小时内没有失败登录"),
        ("device_fraud_share_30d", 0.35, "an estimated 35 % of attempts with this device are frauds, from those known within 30 days", "据30天内已有定论的尝试估计的该设备欺诈份额为35 %"),
        ("amount_over_device_mean_7d", 12.4, "12 × the usual amount with this device within 7 days", "金额是该设备7天内平常的12倍"),
        ("customer_since_last_signed_up", 7200, "the last account opened by this customer was 2 hours ago", "该顾客最近一次账户注册在2小时前"),
        ("email_since_last_fraud", math.nan, "no known fraud with this e-mail address before", "该邮箱此前没有已知欺诈"),
        ("merchant_fraud_run", 4, "4 known frauds at this merchant or terminal in a row", "该商户或终端连续4次已知欺诈"),
        ("property:browser_frauds", 2, "2 known frauds with this browser", "该browser至今有2次已知欺诈"),
        ("merchant_usual_fraud_run_since", 172800, "this merchant or terminal has had only known frauds of a usual amount for 2 days", "该商户或终端2天来只有平常金额的已知欺诈"),
        ("amount", 12, "an amount of 12.00 GBP", "金额为12.00 GBP"),
    ],
)  # fmt: skip
def test_a_value_reads_as_a_reviewer_would_say_it(name: str, value: float, english: str, chinese: str) -> None:
    assert said(name, value, "en", "GBP") == english
    assert said(name, value, "zh", "GBP") == chinese


def test_units_follow_the_declaration() -> None:
    assert {unit(name) for name in NAMES} == {"", "money", "seconds", "share", "times"}


def test_a_name_that_is_none_is_not_passed_over() -> None:
    with pytest.raises(KeyError):
        meaning("device_attemps_1h")
