"""Intents, learned from questions that a shop has labelled, that know when they are not sure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from regulars.errors import ConfigError, InputError, NotEnoughError
from regulars.language.retrieval import QUESTIONS, is_installed
from regulars.language.search.fusion import is_english
from regulars.support.intent.closer import Closer, closely, is_short, is_worth
from regulars.support.intent.features import Terms, has_english, plain
from regulars.support.intent.kernel import Kernel, best_mix, numbers_of
from regulars.support.intent.known import Known, signs
from regulars.support.intent.scoring import Scorer
from regulars.support.intent.spelling import corrected
from regulars.support.intent.starter import starter

Floats = npt.NDArray[np.float32]

MOST = 12_000
"""Questions learned from: the memory is their square. Of more, each intent gives about as many."""
CHOICES = 3
MOSTLY = 0.95
"""Questions of which so large a share is English are English."""
AT_ONCE = 1_024
"""Texts read together: the more, the more are of one length, which the English encoder is quicker with."""
FORMAT = 2
"""Of the files: 2 has two kernels, where English is read by an encoder of its own."""
_ABOUT, _NUMBERS, _CLOSER = "intents.json", "intents.safetensors", "closer."


class Understood(NamedTuple):
    """What a question is taken to want.

    Attributes
    ----------
    verdict : "sure": act on the first choice; "unsure": offer the choices; "unknown": it is of none that was learned.
    choices : the likeliest intents, the first the likeliest, each with its probability if it is of any.
    known : how likely it is of any intent, between 0 and 1; to rank by, as one does not know what strangers will ask.
    """

    verdict: Literal["sure", "unsure", "unknown"]
    choices: tuple[tuple[str, float], ...]
    known: float

    @property
    def intent(self) -> str | None:
        """What to act on; None unless it is sure."""
        return self.choices[0][0] if self.verdict == "sure" else None


@dataclass(frozen=True)
class Bars:
    """From where on a question is known, and sure; `scale` makes probabilities of scores."""

    known: float
    sure: float
    scale: float


@dataclass(frozen=True)
class Intents:
    """What customers want, learned from labelled questions.

    Examples
    --------
    >>> intents = Intents.starter("en")
    >>> found = intents.of(["where is my parcel?", "who won the world cup in 1998?"])
    >>> [(each.verdict, each.intent) for each in found]
    [('sure', 'track_order'), ('unknown', None)]
    """

    labels: tuple[str, ...]
    terms: Terms
    scorer: Scorer
    known: Known
    bars: Bars
    closer: Closer | None = None

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        labels: Sequence[str | None],
        *,
        right_if_sure: float = 0.98,
        kept: float = 0.95,
        english: bool | None = None,
    ) -> Intents:
        """Learned from labelled questions.

        Parameters
        ----------
        texts : (n,) in any language.
        labels : (n,) the intent of each; None for a question that is of none of them.
        right_if_sure : the bar of "sure" is where so large a share is right, of questions that were not learned from.
        kept : of questions of these intents so large a share is to be known.
        english : whether to read English by MiniLM too; by default if its package is there.

        Raises
        ------
        InputError
            If there are not as many labels as texts.
        NotEnoughError
            If there are not two intents of two questions each.
        """
        if len(texts) != len(labels):
            raise InputError(f"{len(texts):,} texts and {len(labels):,} labels; each text needs one (None: of none).")
        names = sorted({label for label in labels if label is not None})
        rare = [name for name in names if labels.count(name) < 2]
        if len(names) < 2 or rare:
            said = f"; {rare[0]} has one" if rare else ""
            raise NotEnoughError(f"{len(names)} intents{said}: two of two questions each are the least. Label more.")
        place = {name: number for number, name in enumerate(names)}
        which = np.array([-1 if label is None else place[label] for label in labels])
        rows = _even(which)
        which, read = which[rows], [plain(texts[row]) for row in rows]
        with_english = has_english() if english is None else english
        terms = Terms.fit(read)
        words = terms(read)
        targets = np.zeros((len(rows), len(names)), np.float32)
        targets[which >= 0, which[which >= 0]] = 1
        scorer, scores, near, known = Scorer.fit(read, words, targets, with_english)
        is_known = which >= 0
        bars = _bars(scores[is_known], which[is_known], right_if_sure)
        knowing = known(signs(scores, near))[is_known]
        bars = Bars(float(np.quantile(knowing, 1 - kept)), bars.sure, bars.scale)
        closer = None
        in_doubt = is_known & (softmax(bars.scale * scores, axis=1).max(axis=1) < bars.sure)
        # Where nearly all is English, the encoder of English tells as much, and is quicker.
        is_told = with_english and np.mean([is_english(text) for text in read]) > MOSTLY
        if in_doubt.any() and is_worth(read) and not is_told:
            vectors = closely(read)
            kernel, scores = Kernel.fit(vectors, words, targets, best_mix(vectors, words, targets))
            of = _bars(scores[is_known], which[is_known], right_if_sure, in_doubt[is_known])
            closer = Closer(kernel, of.sure, of.scale)
        return cls(tuple(names), terms, scorer, known, bars, closer)

    @classmethod
    def starter(cls, *languages: str) -> Intents:
        """Learned from the questions that come with the package, once in a process: "en", "zh", or both."""
        return _of_starter(languages)

    def probabilities(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """(n, k) of each intent, if a question is of any; and (n,) how likely it is of any.

        Raises
        ------
        ConfigError
            If English was read by an encoder that is not there.
        """
        chances, known, _ = self._looked(texts, quick=False)
        return chances, known

    def of(self, texts: Sequence[str], *, quick: bool = False) -> list[Understood]:
        """What each text wants.

        Parameters
        ----------
        quick : without a closer look at what is in doubt.
        """
        found = []
        for each, known, is_sure in zip(*self._looked(texts, quick), strict=True):
            best = np.argsort(-each, kind="stable")[:CHOICES]
            verdict: Literal["sure", "unsure", "unknown"] = "sure" if is_sure else "unsure"
            choices = tuple((self.labels[place], float(each[place])) for place in best)
            found.append(Understood(verdict if known >= self.bars.known else "unknown", choices, float(known)))
        return found

    def _looked(self, texts: Sequence[str], quick: bool) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
        if self.scorer.with_english and not has_english():
            raise ConfigError('These intents were learned with MiniLM: pip install "regulars[english]", or learn anew.')
        each, known = [np.zeros((0, len(self.labels)), np.float32)], [np.zeros(0, np.float32)]
        sure = [np.zeros(0, bool)]
        for first in range(0, len(texts), AT_ONCE):
            read = [corrected(plain(text), self.terms.rarity) for text in texts[first : first + AT_ONCE]]
            words = self.terms(read)
            scores, near = self.scorer(read, words)
            chances = softmax(np.float32(self.bars.scale) * scores, axis=1)
            is_sure = chances.max(axis=1) >= self.bars.sure
            rows = [row for row in np.flatnonzero(~is_sure) if is_short(read[row])]
            if rows and self.closer is not None and not quick:
                chances[rows] = self.closer([read[row] for row in rows], words[rows])
                is_sure[rows] = chances[rows].max(axis=1) >= self.closer.sure
            each.append(chances)
            known.append(self.known(signs(scores, near)))
            sure.append(is_sure)
        return np.concatenate(each), np.concatenate(known), np.concatenate(sure)

    def to_files(self) -> dict[str, bytes]:
        """As files: JSON, and safetensors of half precision."""
        about = {
            "labels": self.labels,
            "terms": self.terms.to_json(),
            "known": {"weights": self.known.weights, "offset": self.known.offset},
            "bars": {"known": self.bars.known, "sure": self.bars.sure, "scale": self.bars.scale},
            "format": FORMAT,
            "closer": self.closer and {"sure": self.closer.sure, "scale": self.closer.scale, "encoder": QUESTIONS.name},
        }
        closer = {} if self.closer is None else numbers_of(self.closer.kernel)
        numbers = self.scorer.to_numbers() | {f"{_CLOSER}{name}": part for name, part in closer.items()}
        halved = {name: np.ascontiguousarray(part, np.float16) for name, part in numbers.items()}
        return {_ABOUT: json.dumps(about, ensure_ascii=False).encode(), _NUMBERS: save(halved)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Intents:
        """From what `to_files` gave. Where the encoder of the closer look is not there, the first model is alone.

        Raises
        ------
        InputError
            If another version of Regulars made them, by other rules.
        """
        about = json.loads(files[_ABOUT])
        if about.get("format") != FORMAT:
            raise InputError("These intents were learned by another version of Regulars: learn support again.")
        numbers = {name: part.astype(np.float32) for name, part in load(files[_NUMBERS]).items()}
        closer, of = None, about.get("closer")
        if of and is_installed() and of["encoder"] == QUESTIONS.name:
            parts = {name.removeprefix(_CLOSER): part for name, part in numbers.items() if name.startswith(_CLOSER)}
            closer = Closer(Kernel(**parts), of["sure"], of["scale"])
        return cls(
            tuple(about["labels"]),
            Terms.from_json(about["terms"]),
            Scorer.from_numbers(numbers),
            Known(tuple(about["known"]["weights"]), about["known"]["offset"]),
            Bars(**about["bars"]),
            closer,
        )


@cache
def _of_starter(languages: tuple[str, ...]) -> Intents:
    return Intents.fit(*starter(*languages))


def _bars(
    scores: Floats, which: npt.NDArray[np.int64], right_if_sure: float, among: npt.NDArray[np.bool_] | None = None
) -> Bars:
    """By scores of questions that were not learned from; the bar of "sure" by those `among` them alone."""

    def loss(scale: float) -> float:
        return float(-log_softmax(scale * scores, axis=1)[np.arange(len(which)), which].mean())

    scale = float(minimize_scalar(loss, bounds=(1, 100), method="bounded").x)
    if among is not None:
        scores, which = scores[among], which[among]
    probability = softmax(scale * scores, axis=1).max(axis=1)
    order = np.argsort(-probability)
    share = np.cumsum((scores.argmax(axis=1) == which)[order]) / np.arange(1, len(which) + 1)
    enough = np.flatnonzero(share >= right_if_sure)
    # Where no bar does, nothing is sure: a probability is never above 1.
    return Bars(0.0, float(probability[order[enough[-1]]]) if len(enough) else 2.0, scale)


def _even(which: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Rows to learn from: all, or about as many of each intent."""
    if len(which) <= MOST:
        return np.arange(len(which))
    order = np.random.default_rng(0).permutation(len(which))
    rank = np.empty(len(which), np.int64)  # of each among those of its intent
    for intent in np.unique(which):
        own = order[which[order] == intent]
        rank[own] = np.arange(len(own))
    return np.sort(np.argsort(rank, kind="stable")[:MOST])
