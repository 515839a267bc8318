"""SASRec as RecTools has it, run in an environment of its own: RecTools needs another NumPy than ours.

    python next_item_sasrec.py IN.npz OUT.npz --minutes 10

IN   offsets, items: the histories without their test products, so that nothing here can see one.
OUT  validation, strict, refit   (n_users, 10) int64: the first ten products for each customer, -1 where there are none
     recall                      (n_epochs,) recall@10 on validation after each epoch
     epoch_seconds               (n_epochs,) seconds of training alone, by the clock
     epoch_work_seconds          (n_epochs,) the same of processor time, of all threads
     best_seconds, refit_seconds seconds to the epoch that is best on validation, its measuring left out; of the refit

The settings are those that the authors of RecTools chose for Amazon Beauty, but for the length: a history is padded
to `session_max_len`, so that is what 95 of 100 histories need, and at most their 50.
"""

from __future__ import annotations

import argparse
import copy
import logging
import time
import warnings

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

SETTINGS = {
    "n_factors": 64,
    "n_blocks": 1,
    "n_heads": 1,
    "dropout_rate": 0.2,
    "loss": "sampled_softmax",
    "n_negatives": 256,
    "lr": 1e-3,
    "batch_size": 128,
}
LONGEST = 50
PATIENCE = 10
TOP = 10


def interactions(offsets: np.ndarray, items: np.ndarray, without_last: int) -> pd.DataFrame:
    """What RecTools reads, without each customer's newest `without_last` products."""
    lengths = np.diff(offsets)
    ends = np.repeat(offsets[1:], lengths)
    order = np.arange(len(items))
    found = pd.DataFrame(
        {
            Columns.User: np.repeat(np.arange(len(lengths)), lengths),
            Columns.Item: items,
            Columns.Weight: 1.0,
            Columns.Datetime: pd.to_datetime(order, unit="s"),
        }
    )
    return found[ends - order > without_last]


def trainer() -> Trainer:
    return Trainer(
        max_epochs=1,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        logger=False,
    )


def model(length: int) -> SASRecModel:
    seed_everything(0, verbose=False)
    return SASRecModel(**SETTINGS, session_max_len=length, get_trainer_func=trainer, recommend_torch_device="cpu")


def epoch(sasrec: SASRecModel, dataset: Dataset) -> tuple[float, float]:
    """Train for one; its seconds by the clock, and of processor time."""
    start, worked = time.perf_counter(), time.process_time()
    sasrec.fit_partial(dataset, min_epochs=1, max_epochs=1)
    return time.perf_counter() - start, time.process_time() - worked


def lists(sasrec: SASRecModel, known: pd.DataFrame, n_users: int) -> np.ndarray:
    """The first ten products that each customer has not had yet."""
    learned = set(sasrec.data_preparator.get_known_item_ids())
    users = known[known[Columns.Item].isin(learned)][Columns.User].unique()
    named = sasrec.recommend(users, Dataset.construct(known), k=TOP, filter_viewed=True)
    found = np.full((n_users, TOP), -1)
    found[named[Columns.User], named[Columns.Rank] - 1] = named[Columns.Item]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--minutes", type=float, default=10, help="train no longer than this before the refit")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)

    source = np.load(arguments.source)
    offsets, items = source["offsets"], source["items"]
    n_users = len(offsets) - 1
    fitted, known = interactions(offsets, items, 1), interactions(offsets, items, 0)
    asked = np.flatnonzero(np.diff(offsets) >= 2)
    targets = items[offsets[asked + 1] - 1]
    length = int(min(LONGEST, np.quantile(np.diff(offsets), 0.95)))

    sasrec, dataset = model(length), Dataset.construct(fitted)
    recall, seconds, worked, state, named = [], [], [], None, None
    while sum(seconds) < 60 * arguments.minutes and len(recall) - int(np.argmax(recall or [0])) <= PATIENCE:
        passed = epoch(sasrec, dataset)
        seconds.append(passed[0])
        worked.append(passed[1])
        found = lists(sasrec, fitted, n_users)
        recall.append((found[asked] == targets[:, None]).any(axis=1).mean())
        print(
            f"epoch {len(recall)}: {seconds[-1]:.1f} s ({worked[-1]:.1f} s of work), recall@10 {recall[-1]:.4f}",
            flush=True,
        )
        if recall[-1] == max(recall):
            state, named = copy.deepcopy(sasrec.lightning_model.torch_model.state_dict()), found
    sasrec.lightning_model.torch_model.load_state_dict(state)
    strict = lists(sasrec, known, n_users)

    best = int(np.argmax(recall)) + 1
    again, everything = model(length), Dataset.construct(known)
    refit_seconds = sum(epoch(again, everything)[0] for _ in range(best))
    np.savez(
        arguments.target,
        validation=named,
        strict=strict,
        refit=lists(again, known, n_users),
        recall=recall,
        epoch_seconds=seconds,
        epoch_work_seconds=worked,
        best_seconds=sum(seconds[:best]),
        was_stopped=len(recall) - best < PATIENCE,
        refit_seconds=refit_seconds,
        session_max_len=length,
        threads=torch.get_num_threads(),
    )


if __name__ == "__main__":
    main()
