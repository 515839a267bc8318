"""Two kinds of customers: found by their answers, foretold by what else is known, and what they change of lifts."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from regulars.campaign.uplift import LEARNERS, Trial, evidence_of
from regulars.campaign.uplift.kinds import Kinds
from regulars.logistic import Scaling

CUSTOMERS, MOMENTS = 4000, 4


def answering() -> tuple[Trial, np.ndarray]:
    """One customer in four is lively, rather who has a taste for it; mail moves the lively by half, once in three days."""
    rng = np.random.default_rng(0)
    taste = rng.normal(size=CUSTOMERS)
    lively = taste + rng.normal(size=CUSTOMERS) > 0.95
    sent = np.cumsum(rng.poisson(1.0, (CUSTOMERS, MOMENTS)), 1)
    steps = np.diff(sent, axis=1, prepend=0)
    opened = np.cumsum(rng.binomial(steps, np.where(lively, 0.7, 0.35)[:, None]), 1)
    clicked = np.minimum(
        np.cumsum(rng.binomial(np.diff(opened, axis=1, prepend=0), np.where(lively, 0.6, 0.3)[:, None]), 1), opened
    )
    rate = rng.gamma(2, 1, CUSTOMERS)
    who = np.repeat(np.arange(CUSTOMERS), MOMENTS)
    arm = rng.integers(0, 2, len(who))
    visits = rng.poisson(rate[who] * (1 + 0.5 * arm * lively[who])).astype(float)
    features = np.column_stack([rate[who], taste[who], sent.ravel(), opened.ravel(), clicked.ravel()])
    names = ("rate", "taste", "mail: sent", "mail: opened", "mail: clicked")
    margin = visits * rng.lognormal(0, 0.5, len(who))
    trial = Trial.of(
        features, arm, margin, kind="money", arms=("none", "mail"), names=names, customers=who, visits=visits
    )
    return trial, lively[who]


def test_the_lively_are_told_apart_before_the_first_answer_and_better_after_it() -> None:
    trial, lively = answering()
    inputs = Scaling.of(trial.features).inputs(trial.features)
    chance = Kinds.fit(trial, inputs).chance(trial.features, inputs)[:, 0]
    sent = trial.features[:, 2]
    few, many = sent == 0, sent >= 4
    assert 0.6 < roc_auc_score(lively[few], chance[few]) < roc_auc_score(lively[many], chance[many])
    assert roc_auc_score(lively[many], chance[many]) > 0.85
    # Chances mean what they say, for those of whom much is known too.
    assert abs(chance[many].mean() - lively[many].mean()) < 0.04
    for part in (chance < 0.2, chance > 0.6):
        assert abs(chance[part].mean() - lively[part].mean()) < 0.08


def test_what_happens_later_does_not_change_who_was_told_of_it() -> None:
    trial, _ = answering()
    inputs = Scaling.of(trial.features).inputs(trial.features)
    kinds = Kinds.fit(trial, inputs)
    some = slice(0, 40)
    np.testing.assert_allclose(
        kinds.chance(trial.features[some], inputs[some]), kinds.chance(trial.features, inputs)[some]
    )


def test_lifts_go_with_the_kind() -> None:
    trial, lively = answering()
    learned = LEARNERS["lift"].fit(evidence_of(trial))
    found = learned.effects(trial.features)[:, 0]
    known = trial.features[:, 2] >= 4
    assert found[lively & known].mean() > 3 * abs(found[~lively & known].mean())


def test_without_answers_there_are_no_kinds() -> None:
    trial, _ = answering()
    plain = Trial.of(trial.features[:, :2], trial.arm, trial.outcome, kind="money", visits=trial.visits)
    inputs = Scaling.of(plain.features).inputs(plain.features)
    assert Kinds.fit(plain, inputs).chance(plain.features, inputs).shape == (len(plain), 0)
    learned = LEARNERS["lift"].fit(evidence_of(plain))
    again = LEARNERS["lift"].from_files(learned.to_files())
    np.testing.assert_array_equal(again.effects(plain.features), learned.effects(plain.features))
