"""What is alarming of decisions, on a made log of attempts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from regulars.errors import InputError
from regulars.fraud.monitor import alerts, charts, notes, page, watch
from regulars.fraud.monitor.wording import ALERTS, NOTES

UNTIL = datetime(2024, 6, 1, tzinfo=UTC)
DAYS = 150


def made(*, louder_from: int = DAYS, shifted_from: int = DAYS, rule_from: int = DAYS, seed: int = 0) -> pa.Table:
    """300 attempts a day of which 1 % are frauds, known after 8 days in the mean; 3 % from a day on."""
    rng = np.random.default_rng(seed)
    count = DAYS * 300
    day = np.sort(rng.uniform(0, DAYS, count))
    is_fraud = rng.random(count) < np.where(day >= louder_from, 0.03, 0.01)
    risk = np.clip(rng.beta(1, 20, count) + is_fraud * rng.beta(2, 3, count), 0, 1)
    is_high = risk > 0.3
    risk = np.where(day >= shifted_from, np.clip(risk * 2, 0, 1), risk)
    ruled = (rng.random(count) < 0.02) & (day >= rule_from)
    late = rng.gamma(2, 4, count)
    is_reviewed = is_high & (rng.random(count) < 0.8)
    known = np.where(is_reviewed, 0.2, late)
    is_known = (is_fraud | is_reviewed) & (day + known < DAYS)
    start = UNTIL - timedelta(days=DAYS)
    moment = np.datetime64(start.replace(tzinfo=None), "us")

    def moments(days: np.ndarray) -> pa.Array:
        return pa.array(moment + (days * 86_400_000_000).astype("timedelta64[us]"), pa.timestamp("us", "UTC"))

    return pa.table(
        {
            "attempt_id": [f"a{number}" for number in range(count)],
            "time": moments(day),
            "risk": risk,
            "action": np.where(is_high | ruled, "review", "allow").tolist(),
            "policy": np.where(ruled, "rule: {x} 一环", np.where(is_high, "expected loss", "none")).tolist(),
            "is_fraud": pa.array(is_fraud, mask=~is_known),
            "known_at": pa.array(moments(day + known).to_numpy(zero_copy_only=False), pa.timestamp("us", "UTC"), mask=~is_known),
            "is_reviewed": is_reviewed,
        }
    )  # fmt: skip


def test_quiet_times_are_quiet() -> None:
    found = watch(made(), UNTIL, 60)
    assert alerts(found) == ["Nothing is alarming."]
    assert notes(found) == []
    assert found.delay is not None
    assert not found.delay.is_cut
    assert 15 <= found.delay.matured_days <= 21  # .95 of gamma(2, 4): 19 days, a bit less as reviews are quick
    assert found.drift is not None
    assert not found.drift.is_shifted


def test_more_frauds_are_told_with_the_day_since() -> None:
    found = watch(made(louder_from=120), UNTIL, 60)
    (alert,) = [one for one in found.alerts if one.kind == "rate_up"]
    assert abs((alert.figures["since"] - date(2024, 5, 2)).days) <= 2
    assert 0.006 < alert.figures["before"] < 0.012
    assert "More frauds since 2024-05-0" in " ".join(alerts(found))
    assert "欺诈增多" in " ".join(alerts(found, "zh"))


def test_the_last_days_alone_are_never_taken_for_fewer_frauds() -> None:
    """Their frauds are not known yet: days that are not matured must not count."""
    for seed in range(5):
        assert [one.kind for one in watch(made(seed=seed), UNTIL, 60).alerts if one.kind.startswith("rate")] == []


def test_shifted_scores_are_told() -> None:
    found = watch(made(shifted_from=143), UNTIL, 60)
    assert "scores" in [one.kind for one in found.alerts]
    assert min(found.scores["psi"].to_pylist()) > 0.1
    assert "风险分分布" in " ".join(alerts(found, "zh"))


def test_a_rule_that_wakes_or_falls_silent_is_told() -> None:
    up = watch(made(rule_from=143), UNTIL, 60)
    assert [(one.kind, one.figures["policy"]) for one in up.alerts] == [("rule_up", "rule: {x} 一环")]
    assert '"rule: {x} 一环" now acts on 2' in alerts(up)[0]
    table = made(rule_from=0)
    is_late = np.asarray(table["time"]) >= np.datetime64("2024-05-25")
    policy, action = (np.array(table[name].to_pylist()) for name in ("policy", "action"))
    action[is_late & (policy == "rule: {x} 一环")] = "allow"
    silent = watch(table.set_column(3, "action", pa.array(action.tolist())), UNTIL, 60)
    assert [one.kind for one in silent.alerts] == ["rule_down"]


def test_precision_of_reviews_is_by_week_and_inside_its_interval() -> None:
    found = watch(made(), UNTIL, 60).precision.to_pylist()
    assert all(row["week"].weekday() == 0 for row in found)
    assert all(row["low"] <= row["precision"] <= row["high"] + 1e-9 for row in found)
    assert all(row["frauds"] <= row["reviewed"] for row in found)


def test_what_cannot_be_told_is_said() -> None:
    table = made()
    few = watch(table.slice(0, 40), UNTIL, 60)
    assert len(notes(few)) >= 1
    assert (few.drift, few.change) == (None, None)
    nothing = watch(table.slice(0, 0), UNTIL, 60)
    assert alerts(nothing, "zh") == ["无异常。"]
    assert any("没有已知的欺诈" in note for note in notes(nothing, "zh"))
    assert charts(nothing) == {}
    with pytest.raises(InputError, match="lack risk"):
        watch(table.drop_columns(["risk"]), UNTIL, 60)


def test_young_frauds_alone_give_a_delay_that_is_marked_as_cut() -> None:
    table = made()
    young = table.filter(pa.array(np.asarray(table["time"]) >= np.datetime64("2024-05-01")))
    found = watch(young, UNTIL, 60)
    assert found.delay is not None
    assert found.delay.is_cut
    assert any("long ones missing" in note for note in notes(found))


def test_the_page_has_all_charts_and_no_markup_of_a_rule() -> None:
    table = made(louder_from=120, shifted_from=143)
    policy = ["<b>rule</b>" if name == "expected loss" else name for name in table["policy"].to_pylist()]
    found = watch(table.set_column(4, "policy", pa.array(policy)), UNTIL, 60)
    assert len(charts(found)) == 7
    assert "<b>rule</b>" not in page(found).partition("<script")[0]


def test_all_words_are_in_both_languages() -> None:
    for texts in (ALERTS, NOTES):
        assert all(set(each) == {"en", "zh"} for each in texts.values())


def test_days_and_weeks_are_those_of_the_shops_time_zone() -> None:
    """A Sunday evening in London is a Monday in Shanghai."""
    at, until = datetime(2024, 5, 26, 20, tzinfo=UTC), datetime(2024, 5, 28, 20, tzinfo=UTC)
    some = made().slice(0, 1)
    one = some.to_pylist()[0]
    one |= {"time": at, "action": "review", "is_reviewed": True, "is_fraud": True, "known_at": at + timedelta(hours=1)}
    table = pa.Table.from_pylist([one], some.schema)
    for zone, day, week in (("UTC", 26, 20), ("Asia/Shanghai", 27, 27)):
        found = watch(table, until, 1, zone)
        assert found.rules["day"].to_pylist() == [date(2024, 5, day)]
        assert found.precision["week"].to_pylist() == [date(2024, 5, week)]
        assert found.scores["day"].to_pylist()[-1] == date(2024, 5, day + 1)
        assert found.rates["day"].to_pylist()[0] == date(2024, 5, day)
