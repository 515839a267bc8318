"""Logit models by xlogit, in an environment of its own: called by `benchmarks.pricing_choice`.

    python pricing_choice_peers.py source.npz target.npz

`source` has for each case c: learn_c (n, j, k) and judge_c (m, j, k) features, brands among them; chosen_c (n,) numbers;
panel_c (n,) households, together; names_c (k,), varying_c names; draws_c; `cases`. `target` gets for each case
multinomial_c and mixed_c (m, j), and mixed_seconds_c, mixed_likelihood_c.
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

import numpy as np
from xlogit import MixedLogit, MultinomialLogit

warnings.simplefilter("ignore")


def long_form(block: Any) -> tuple[Any, Any, Any]:
    """Rows, alternatives and ids."""
    choices, alternatives, features = block.shape
    return (
        block.reshape(-1, features),
        np.tile(np.arange(alternatives), choices),
        np.repeat(np.arange(choices), alternatives),
    )


def main(source: str, target: str) -> None:
    """All cases."""
    given, found = dict(np.load(source)), {}
    for case in given["cases"]:
        names, varying = list(given[f"names_{case}"]), given[f"varying_{case}"]
        draws = int(given[f"draws_{case}"])
        learn, alternatives, ids = long_form(given[f"learn_{case}"])
        judge, judge_alternatives, judge_ids = long_form(given[f"judge_{case}"])
        size = given[f"learn_{case}"].shape[1]
        taken = (np.arange(size) == given[f"chosen_{case}"][:, None]).ravel().astype(int)
        plain = MultinomialLogit()
        plain.fit(learn, taken, varnames=names, alts=alternatives, ids=ids, verbose=0)
        _, found[f"multinomial_{case}"] = plain.predict(
            judge, varnames=names, alts=judge_alternatives, ids=judge_ids, verbose=0, return_proba=True
        )
        panels = np.repeat(given[f"panel_{case}"], size)
        mixed = MixedLogit()
        start = time.perf_counter()
        mixed.fit(
            learn, taken, varnames=names, alts=alternatives, ids=ids, panels=panels, n_draws=draws, halton=True,
            randvars=dict.fromkeys(varying.tolist(), "n"), verbose=0, random_state=0,
        )  # fmt: skip
        found[f"mixed_seconds_{case}"] = time.perf_counter() - start
        found[f"mixed_likelihood_{case}"] = mixed.loglikelihood
        _, found[f"mixed_{case}"] = mixed.predict(
            judge, varnames=names, alts=judge_alternatives, ids=judge_ids, n_draws=draws, verbose=0, return_proba=True,
            random_state=0,
        )  # fmt: skip
    np.savez(target, **found)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
