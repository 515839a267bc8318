"""Why an attempt is suspect, in words: the rules that are true of it, then what moves its score most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from regulars.fraud.anomaly import Matrix
from regulars.fraud.features.terms import Language
from regulars.fraud.features.words import said
from regulars.fraud.model import ANOMALY, FraudModel

Floats = npt.NDArray[np.float64]

AT_MOST = 4
NAMED = {"en": "rule: {}", "zh": "规则：{}"}
UNUSUAL = {"en": "more unusual than {:.1%} of attempts", "zh": "比{:.1%}的尝试更不寻常"}


def reasons(
    model: FraudModel,
    rows: Matrix,
    anomaly: Floats,
    hits: Sequence[Sequence[str]],
    language: Language,
    currency: str,
) -> list[list[str]]:
    """For each attempt up to `AT_MOST` reasons.

    Parameters
    ----------
    rows : (n, model.names) ; anomaly : (n, 2) their scores.
    hits : (n,) names of the rules that are true of each.
    """
    moved = model.contributions(rows)
    if model.is_taught:
        places, names = np.array(model.kept), model.columns
    else:
        places = model.anomaly.columns
        names = tuple(model.names[place] for place in places)
    values = np.hstack([rows, anomaly.astype(np.float32)])[:, places]
    order = np.argsort(-moved, axis=1)[:, : AT_MOST + 2]
    found = []
    for row, best in enumerate(order):
        why = [NAMED[language].format(name) for name in hits[row]]
        subjects: set[str] = set()
        for column in best:
            # Of one thing in several windows, the strongest says it all.
            subject = names[column].rsplit("_", 1)[0]
            if len(why) >= AT_MOST or moved[row, column] <= 0 or subject in subjects:
                continue
            subjects.add(subject)
            if names[column] in ANOMALY:
                why.append(UNUSUAL[language].format(values[row, column]))
            else:
                why.append(said(names[column], float(values[row, column]), language, currency))
        found.append(list(dict.fromkeys(why)) or [UNUSUAL[language].format(float(anomaly[row].max()))])
    return found
