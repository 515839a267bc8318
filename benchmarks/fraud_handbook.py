"""The Fraud Detection Handbook's simulated card payments: its splits, its features in pandas, its card precision.

Source: Le Borgne, Siblini, Lebichot and Bontempi (2022), Reproducible Machine Learning for Credit Card Fraud Detection,
chapters 3 to 5 and 7: `get_train_test_set`, `get_customer_spending_behaviour_features`,
`get_count_risk_rolling_window`, `card_precision_top_k`, written anew from their description.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from regulars.fraud.stream import KIND, Stream, banded

DATA = Path(__file__).parents[2] / "shared" / "data" / "card_fraud.parquet"
DAY = 86_400_000_000
FIRST_TRAINING_DAY = 115
"""2018-07-25, where the last fold's training begins; the three others begin a week earlier each."""
FOLDS = tuple(FIRST_TRAINING_DAY - 7 * fold for fold in range(4))
CARDS = 100

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Payments:
    """All payments in order of time."""

    stream: Stream
    day: Ints
    is_fraud: Bools

    @classmethod
    def read(cls) -> Payments:
        """From the file."""
        table = pq.read_table(DATA)
        time = table["TX_DATETIME"].cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]").astype(np.int64)
        order = np.argsort(time, kind="stable")
        codes, names = {}, {}
        for entity, column in (("customer", "CUSTOMER_ID"), ("merchant", "TERMINAL_ID")):
            encoded = table[column].combine_chunks().dictionary_encode()
            codes[entity] = encoded.indices.to_numpy().astype(np.int32)[order]
            names[entity] = encoded.dictionary
        amount = table["TX_AMOUNT"].to_numpy()[order].astype(float)
        codes["amount_band"] = banded(amount)
        stream = Stream(time[order], np.zeros(len(order), np.int8), amount, np.arange(len(order)), codes, names)
        return cls(stream, table["TX_TIME_DAYS"].to_numpy()[order], table["TX_FRAUD"].to_numpy()[order].astype(bool))

    def known(self, delay_days: int) -> Stream:
        """The stream with every label so many days after its payment."""
        kind = np.where(self.is_fraud, KIND["fraud"], KIND["honest"]).astype(np.int8)
        return self.stream.with_known(np.arange(len(self.stream)), self.stream.time + delay_days * DAY, kind)

    def fold(self, start: int, train_days: int, delay_days: int) -> tuple[Ints, Ints]:
        """Rows to learn from, and to be judged by: of cards not yet known as defrauded.

        Parameters
        ----------
        start : the first of the protocol's seven training days; with more days it is learned from earlier ones too.
        delay_days : from the last training day to the first test day; the protocol's is 7.
        """
        end = start + 7
        train = np.flatnonzero((self.day >= end - train_days) & (self.day < end))
        card = self.stream.codes["customer"]
        gone = np.zeros(card.max() + 1, bool)
        gone[card[(self.day >= start) & (self.day < end) & self.is_fraud]] = True
        parts = []
        for day in range(7):
            gone[card[(self.day == end + day - 1) & self.is_fraud]] = True
            rows = np.flatnonzero(self.day == end + 7 + day)
            parts.append(rows[~gone[card[rows]]])
        # A shorter delay learns from days up to nearer the test.
        if delay_days < 7:
            train = np.flatnonzero((self.day >= end - train_days + 7 - delay_days) & (self.day < end + 7 - delay_days))
        return train, np.concatenate(parts)

    def card_precision(self, rows: Ints, risk: Floats) -> float:
        """Mean over days of the share of compromised cards among the hundred riskiest; a card that was found is out."""
        card = self.stream.codes["customer"][rows]
        gone = np.zeros(card.max() + 1, bool)
        found = []
        for day in np.unique(self.day[rows]):
            at = np.flatnonzero((self.day[rows] == day) & ~gone[card])
            highest = np.full(len(gone), -1.0)
            np.maximum.at(highest, card[at], risk[at])
            is_bad = np.zeros(len(gone), bool)
            np.logical_or.at(is_bad, card[at], self.is_fraud[rows[at]])
            top = np.argsort(-highest, kind="stable")[:CARDS]
            found.append(is_bad[top].sum() / CARDS)
            gone[top[is_bad[top]]] = True
        return float(np.mean(found))


def handbook_features(payments: Payments, rows: slice = slice(None)) -> npt.NDArray[np.float64]:
    """(n, 15) the handbook's own features, by its pandas code: groups of customers and of terminals, rolled."""
    stream = payments.stream
    frame = pd.DataFrame(
        {
            "TRANSACTION_ID": np.arange(len(stream))[rows],
            "TX_DATETIME": stream.time[rows].astype("datetime64[us]"),
            "CUSTOMER_ID": stream.codes["customer"][rows],
            "TERMINAL_ID": stream.codes["merchant"][rows],
            "TX_AMOUNT": stream.amount[rows],
            "TX_FRAUD": payments.is_fraud[rows].astype(int),
        }
    )
    frame["TX_DURING_WEEKEND"] = (frame.TX_DATETIME.dt.weekday >= 5).astype(int)
    frame["TX_DURING_NIGHT"] = (frame.TX_DATETIME.dt.hour <= 6).astype(int)
    parts = [_customer(group) for _, group in frame.groupby("CUSTOMER_ID")]
    frame = pd.concat(parts).sort_values("TX_DATETIME", kind="stable").reset_index(drop=True)
    parts = [_terminal(group) for _, group in frame.groupby("TERMINAL_ID")]
    frame = pd.concat(parts).sort_values("TRANSACTION_ID", kind="stable").reset_index(drop=True)
    left_out = ["TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_FRAUD"]
    return frame.drop(columns=left_out).fillna(0).to_numpy(float)


def _customer(group: pd.DataFrame) -> pd.DataFrame:
    group = group.sort_values("TX_DATETIME")
    group.index = group.TX_DATETIME
    for days in (1, 7, 30):
        rolled = group["TX_AMOUNT"].rolling(f"{days}D")
        total, count = rolled.sum(), rolled.count()
        group[f"CUSTOMER_ID_NB_TX_{days}DAY_WINDOW"] = list(count)
        group[f"CUSTOMER_ID_AVG_AMOUNT_{days}DAY_WINDOW"] = list(total / count)
    return group.reset_index(drop=True)


def _terminal(group: pd.DataFrame, delay: int = 7) -> pd.DataFrame:
    group = group.sort_values("TX_DATETIME")
    group.index = group.TX_DATETIME
    late = group["TX_FRAUD"].rolling(f"{delay}D")
    late_frauds, late_count = late.sum(), late.count()
    for days in (1, 7, 30):
        whole = group["TX_FRAUD"].rolling(f"{delay + days}D")
        frauds, count = whole.sum() - late_frauds, whole.count() - late_count
        group[f"TERMINAL_ID_NB_TX_{days}DAY_WINDOW"] = list(count)
        group[f"TERMINAL_ID_RISK_{days}DAY_WINDOW"] = list(frauds / count)
    return group.reset_index(drop=True)


def part(payments: Payments, days: int) -> Payments:
    """The payments of the first days."""
    count = int(np.searchsorted(payments.day, days))
    codes = {entity: values[:count] for entity, values in payments.stream.codes.items()}
    stream = replace(
        payments.stream, time=payments.stream.time[:count], kind=payments.stream.kind[:count],
        amount=payments.stream.amount[:count], about=payments.stream.about[:count], codes=codes,
    )  # fmt: skip
    return Payments(stream, payments.day[:count], payments.is_fraud[:count])
