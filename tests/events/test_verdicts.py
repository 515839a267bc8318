"""The words for fraud and for its absence."""

from __future__ import annotations

import pyarrow as pa
import pytest

from regulars.events.verdicts import FRAUD, HONEST, verdicts


@pytest.mark.parametrize("words", [["1", "true", "YES", "1.0", "是", "Fraud", "is_fraud", " fraudulent ", "欺诈"]])
def test_words_for_fraud(words):
    assert verdicts(pa.array(words)).to_pylist() == [True] * len(words)


@pytest.mark.parametrize("words", [["0", "false", "No", "0.0", "否", "Legit", "genuine", "not_fraud", "正常"]])
def test_words_for_none(words):
    assert verdicts(pa.array(words)).to_pylist() == [False] * len(words)


def test_other_words_say_neither():
    assert verdicts(pa.array(["2", "perhaps", "", None])).to_pylist() == [None] * 4


def test_no_word_says_both():
    assert not set(FRAUD.to_pylist()) & set(HONEST.to_pylist())
