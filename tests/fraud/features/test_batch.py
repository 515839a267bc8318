"""Features of a log are what plain loops say, and what a live state says, at random moments."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regulars.fraud.features.batch import features, large, spoken_of
from regulars.fraud.features.declared import DAY, HOUR, MEASURES, MOST_ROWS, RISK_WEIGHT, Measure
from regulars.fraud.features.online import Row, State, joined
from regulars.fraud.stream import DEAREST, KIND, KINDS, LATEST, Stream, banded, paired

SECOND = 1_000_000
ENTITIES = ("customer", "device", "ip", "payment")
BESIDES = ("declined", "sign_in_failed", "signed_up", "coupon", "refunded", "address_changed")


def stream(seed: int, count: int = 400, span_days: float = 120, withdrawn: float = 0.0) -> Stream:
    """Rows at random, few values of each entity, ties in time, labels late, a share of them taken back."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.integers(0, int(span_days * 86400), count)) * SECOND
    time[10:14] = time[10]
    kind = np.where(rng.random(count) < 0.7, KIND["attempt"], 0).astype(np.int8)
    besides = rng.random(count) < 0.25
    kind[besides] = rng.choice([KIND[name] for name in BESIDES], besides.sum())
    amount = np.where(rng.random(count) < 0.1, np.nan, np.exp(rng.normal(3, 1.5, count)).round(2))
    amount[rng.random(count) < 0.02] = 1e12
    amount[rng.random(count) < 0.02] = -5.0
    codes = {name: rng.integers(-1, 6, count).astype(np.int32) for name in ENTITIES}
    codes["customer_device"] = paired(codes["customer"], codes["device"])
    codes["amount_band"] = banded(amount)
    plain = Stream(time, kind, amount, np.arange(count), codes, {})
    rows = plain.attempts
    told = rows[rng.random(len(rows)) < 0.8]
    known_at = time[told] + rng.integers(0, 20 * 86400, len(told)) * SECOND
    verdict = np.where(rng.random(len(told)) < 0.3, KIND["fraud"], KIND["honest"]).astype(np.int8)
    gone = known_at + rng.integers(1, 40 * 86400, len(told)) * SECOND
    return plain.with_known(told, known_at, verdict, np.where(rng.random(len(told)) < withdrawn, gone, LATEST))


def plainly(found: Stream, measure: Measure, row: int, is_large: npt.NDArray[np.bool_]) -> float:  # noqa: PLR0911
    """One measure of one attempt, by a loop over all rows."""
    now, value = found.time[row], found.codes[measure.entity][row]
    if value < 0:
        return math.nan
    kinds = {"label": ("fraud", "honest"), "usual_label": ("fraud", "honest"), "large": ("attempt",)}
    kinds |= {"large_fraud": ("fraud",), "usual_fraud": ("fraud",)}
    rows = []
    for other in range(len(found)):
        name = KINDS[found.kind[other]]
        fits = found.time[other] < now and found.codes[measure.entity][other] == value
        fits = fits and found.withdrawn_at[other] >= now
        fits = fits and name in kinds.get(measure.rows, (measure.rows,))
        if measure.rows in ("large", "large_fraud"):
            fits = fits and bool(is_large[found.about[other]])
        if measure.rows in ("usual_fraud", "usual_label") and name == "fraud":
            fits = fits and not is_large[found.about[other]]
        if fits:
            rows.append(other)
    inside = [other for other in rows if not measure.seconds or found.time[other] >= now - measure.seconds * SECOND]
    match measure.how:
        case "count":
            return len(inside)
        case "sum":
            return sum(round(min(max(float(np.nan_to_num(found.amount[k])), 0), DEAREST) * 100) for k in inside) / 100
        case "distinct":
            return len({found.codes[measure.of][other] for other in inside[-MOST_ROWS:]} - {-1})
        case "decayed":
            return sum(0.5 ** ((now - found.time[other]) / (measure.seconds * SECOND)) for other in rows)
        case "first" | "last":
            return (now - found.time[rows[0 if measure.how == "first" else -1]]) / SECOND if rows else math.nan
    run: list[int] = []
    for other in rows:
        run = [*run, other] if found.kind[other] == KIND["fraud"] else []
    if measure.how == "run":
        return len(run)
    return (now - found.time[found.about[run[0]]]) / SECOND if run else math.nan


def same(one: float, other: float) -> bool:
    return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)


@pytest.mark.parametrize(("seed", "withdrawn"), [(1, 0.0), (2, 0.0), (3, 0.4)])
def test_columns_are_what_a_plain_loop_finds(seed: int, withdrawn: float) -> None:
    found = stream(seed, 250, withdrawn=withdrawn)
    is_large = large(found)
    asked = found.attempts
    columns = features(found, base_rate=0.02)
    measures = spoken_of(found)
    assert {"count", "sum", "distinct", "decayed", "first", "last", "run", "run_since"} == {m.how for m in measures}
    picked = np.random.default_rng(seed).choice(len(asked), 12, replace=False)
    for measure in measures:
        for place in picked:
            expected = plainly(found, measure, int(asked[place]), is_large)
            assert same(float(columns[measure.name][place]), float(np.float32(expected))), measure.name


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_a_live_state_says_the_same_as_the_log_at_every_moment(seed: int) -> None:
    found = stream(seed)
    measures = spoken_of(found)
    columns = features(found, base_rate=0.02, measures=measures)
    state = State(measures)
    is_large = np.zeros(len(found), bool)
    place = 0
    for row in range(len(found)):
        values = {name: str(codes[row]) for name, codes in found.codes.items() if codes[row] >= 0}
        time, kind = int(found.time[row]), KINDS[found.kind[row]]
        if kind == "attempt":
            for name, value in state.ask(time, values).items():
                assert same(value, float(columns[name][place])), (name, row)
            place += 1
        about = int(found.about[row])
        told = Row(time, kind, float(found.amount[row]), values, int(found.time[about]), bool(is_large[about]))
        is_large[row] = state.add(told)
    assert place == len(found.attempts)


@pytest.mark.parametrize("withdrawn", [0.0, 0.4])
def test_a_state_made_of_a_stream_goes_on_as_the_stream_does(withdrawn: float) -> None:
    found = stream(3, withdrawn=withdrawn)
    measures = spoken_of(found)
    half = int(found.time[len(found) // 2])
    rows = [row for row in found.attempts if found.time[row] >= half]
    columns = features(found, np.array(rows[:1]), base_rate=0.02, measures=measures)
    state = State.of(found.before(int(found.time[rows[0]])), measures)
    values = {name: str(codes[rows[0]]) for name, codes in found.codes.items() if codes[rows[0]] >= 0}
    if "customer_device" in values:
        values["customer_device"] = joined(values["customer"], values["device"])
    for name, value in state.ask(int(found.time[rows[0]]), values).items():
        assert same(value, float(columns[name][0])), name


@pytest.mark.parametrize("withdrawn", [0.0, 0.4])
def test_what_comes_later_changes_nothing(withdrawn: float) -> None:
    """Labels that are not yet known among it: this fails if a label counts from when its attempt was tried."""
    found = stream(4, withdrawn=withdrawn)
    middle = int(found.time[len(found) // 2])
    past = found.before(middle)
    whole, half = features(found, base_rate=0.02), features(past, base_rate=0.02, measures=spoken_of(found))
    count = len(past.attempts)
    for name, values in half.items():
        np.testing.assert_array_equal(whole[name][:count], values, err_msg=name)


def test_labels_known_at_once_are_another_thing_than_labels_known_late() -> None:
    found = stream(5)
    rows = found.attempts
    plain = Stream(*(getattr(found, name) for name in ("time", "kind", "amount", "about", "codes", "names")))
    fraud = np.full(len(rows), KIND["fraud"], np.int8)
    at_once, late = (plain.with_known(rows, plain.time[rows] + days * 86400 * SECOND, fraud) for days in (0, 30))
    asked = [Measure("customer", "fraud", "count")]
    one, other = (features(each, base_rate=0.02, measures=asked)["customer_frauds"] for each in (at_once, late))
    assert np.nansum(one) > 1.2 * np.nansum(other)


def test_a_share_of_few_labels_is_drawn_to_the_base_rate() -> None:
    codes = {"device": np.zeros(3, np.int32)}
    three = Stream(np.arange(3) * SECOND, np.zeros(3, np.int8), np.ones(3), np.arange(3), codes, {})
    known = three.with_known(np.array([0, 1]), three.time[:2], np.full(2, KIND["fraud"], np.int8))
    share = features(known, base_rate=0.1)["device_fraud_share"]
    assert share[0] == pytest.approx(0.1)
    assert share[2] == pytest.approx((2 + 0.1 * RISK_WEIGHT) / (2 + RISK_WEIGHT))


def test_a_proxy_of_50_000_customers_is_counted_in_a_moment_and_up_to_a_bound() -> None:
    count = 50_000
    codes = {"device": np.zeros(count, np.int32), "customer": np.arange(count, dtype=np.int32)}
    proxy = Stream(np.arange(count) * SECOND, np.zeros(count, np.int8), np.ones(count), np.arange(count), codes, {})
    columns = features(proxy, base_rate=0.01)
    assert columns["device_customers_90d"].max() == MOST_ROWS
    assert columns["device_attempts_90d"][-1] == count - 1


def test_every_feature_has_a_name_of_its_own() -> None:
    names = [measure.name for measure in MEASURES]
    assert len(set(names)) == len(names)
    assert Measure("device", "attempt", "count", HOUR).name == "device_attempts_1h"
    assert Measure("customer", "fraud", "decayed", 5 * DAY).name == "customer_frauds_fading_5d"


@given(st.integers(0, 2**32 - 1))
@example(7)  # the last row is a label of the moment that is asked, and those before it are older than any window
@settings(max_examples=8, deadline=None)
def test_a_state_made_of_a_log_at_once_is_the_one_made_row_by_row(seed: int) -> None:
    found = stream(seed, 300, span_days=240)  # longer than any window, so that something is forgotten
    measures = spoken_of(found)
    at_once, in_turn = State.of(found, measures), State(measures)
    is_large = np.zeros(len(found), bool)
    for row in range(len(found)):
        values = {name: str(codes[row]) for name, codes in found.codes.items() if codes[row] >= 0}
        if "customer_device" in values:
            values["customer_device"] = joined(values["customer"], values["device"])
        about = int(found.about[row])
        told = Row(
            int(found.time[row]), KINDS[found.kind[row]], float(found.amount[row]), values, int(found.time[about]),
            bool(is_large[about]),
        )  # fmt: skip
        is_large[row] = in_turn.add(told)
    for later in (0, 1, 40 * 86400):
        moment = int(found.time[-1]) + later * SECOND
        for code in range(6):
            values = {name: str(code) for name in found.codes}
            values["customer_device"] = joined(str(code), str((code + 1) % 6))
            one, other = at_once.ask(moment, values), in_turn.ask(moment, values)
            for name, value in one.items():
                assert same(value, other[name]), name
