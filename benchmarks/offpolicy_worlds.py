"""Classification turned into decisions under uncertainty: logs whose policies' true values are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from lightgbm import LGBMClassifier
from sklearn import datasets

from regulars.experiment.offpolicy import Logged
from regulars.language import embed

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DATA = Path(__file__).parents[2] / "shared" / "data"
AXES = 64
"""Of the texts' vectors, so many principal axes are the context."""
SIZES = {"digits": 1000, "breast cancer": 500, "wine": 300, "banking77": 3000, "hillstrom": 3000}
"""Decisions of one log."""
LEARNED, FEW = 0.3, 0.1
"""Shares of the customers from whom the policy in question and the logging one are learned."""
LOGGED_GREEDY, TARGET_GREEDY = 0.5, 0.9
"""How often each takes what it holds for best; else an action by chance."""


@dataclass(frozen=True)
class World:
    """Customers, two policies, and what each action would bring.

    Attributes
    ----------
    context : (n, d).
    logging, target : (n, actions) chances.
    chance : (n, actions) of a reward of 1.
    """

    context: Floats
    logging: Floats
    target: Floats
    chance: Floats

    @property
    def value(self) -> float:
        """What the target policy brings."""
        return float((self.target * self.chance).sum(axis=1).mean())

    def log(self, rows: int, rng: np.random.Generator) -> tuple[Logged, Floats]:
        """A log of so many decisions, and the target's chances at each; each row is drawn by itself, as of a crowd without end."""
        who = rng.integers(0, len(self.context), rows)
        action = (rng.random((rows, 1)) < self.logging[who].cumsum(axis=1)).argmax(axis=1)
        reward = rng.random(rows) < self.chance[who, action]
        logged = Logged.of(
            action,
            reward,
            self.logging[who, action],
            actions=self.chance.shape[1],
            context=self.context[who],
        )
        return logged, self.target[who]


def rows_of(name: str) -> tuple[Floats, Ints | Floats]:
    """Contexts, and classes (n,) or the chances of each action (n, actions)."""
    plain = {"digits": datasets.load_digits, "breast cancer": datasets.load_breast_cancer, "wine": datasets.load_wine}
    if name in plain:
        context, label = plain[name](return_X_y=True)
        return context, label
    return _banking() if name == "banking77" else _hillstrom()


def world(rows: tuple[Floats, Ints | Floats], seed: int) -> World:
    """Policies learned from some of the rows, to be judged on the others."""
    context, known = rows
    rng = np.random.default_rng(seed)
    chance = np.eye(int(known.max()) + 1)[known.astype(int)] if known.ndim == 1 else known
    order = rng.permutation(len(context))
    learned, rest = np.split(order, [int(LEARNED * len(order))])
    few = learned[: max(int(FEW * len(order)), 3 * chance.shape[1])]
    seen = (rng.random(chance.shape) < chance).astype(float)
    return World(
        context[rest],
        _policy(_scores(context, seen, few), LOGGED_GREEDY)[rest],
        _policy(_scores(context, seen, learned), TARGET_GREEDY)[rest],
        chance[rest],
    )


def _scores(context: Floats, outcome: Floats, rows: Ints) -> Floats:
    """(n, actions) a ridge regression of what each action brings."""
    spread = context[rows].std(axis=0)
    design = np.column_stack([np.ones(len(context)), (context - context[rows].mean(axis=0)) / np.maximum(spread, 1e-9)])
    own = design[rows]
    found: Floats = design @ np.linalg.solve(
        own.T @ own + 0.1 * own.shape[1] * np.eye(own.shape[1]), own.T @ outcome[rows]
    )
    return found


def _policy(scores: Floats, greedy: float) -> Floats:
    found = np.full(scores.shape, (1 - greedy) / scores.shape[1])
    found[np.arange(len(scores)), scores.argmax(axis=1)] += greedy
    return found


def _banking() -> tuple[Floats, Ints]:
    tables = [pq.read_table(DATA / f"banking77_{part}.parquet") for part in ("train", "test")]
    texts = [text for table in tables for text in table["text"].to_pylist()]
    label = np.unique([name for table in tables for name in table["category"].to_pylist()], return_inverse=True)[1]
    vectors = embed(texts).astype(float)
    away = vectors - vectors.mean(axis=0)
    axes = np.linalg.eigh(away.T @ away)[1][:, ::-1][:, :AXES]
    return away @ axes, label


def _hillstrom() -> tuple[Floats, Floats]:
    """Who was sent which e-mail, and the chance of a visit after each, as trees learned it from all 64,000."""
    table = pq.read_table(DATA / "hillstrom_email.parquet")
    plain = [table[name].to_numpy().astype(float) for name in ("recency", "history", "mens", "womens", "newbie")]
    named = [np.unique(table[name].to_pylist(), return_inverse=True)[1] for name in ("zip_code", "channel")]
    context = np.column_stack([*plain, *(np.eye(number.max() + 1)[number] for number in named)])
    arm = np.unique(table["segment"].to_pylist(), return_inverse=True)[1]
    visit = table["visit"].to_numpy()
    chances = []
    for number in range(3):
        model = LGBMClassifier(
            n_estimators=60, num_leaves=8, learning_rate=0.05, min_child_samples=200, verbose=-1, n_jobs=1
        )
        model.fit(context[arm == number], visit[arm == number])
        chances.append(np.asarray(model.predict_proba(context))[:, 1])
    return context, np.column_stack(chances)
