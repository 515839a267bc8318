"""Was it fraud? The words that tables and reviewers write for yes and no."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.values import to_truth

FRAUD = pa.array([
    "fraud", "fraudulent", "fraudster", "is fraud", "confirmed fraud", "chargeback", "bad", "anomaly", "anomalous",
    "abnormal", "suspicious", "malicious", "欺诈", "欺诈交易", "异常", "盗刷", "作弊",
])  # fmt: skip
HONEST = pa.array([
    "legit", "legitimate", "genuine", "honest", "normal", "good", "clean", "valid", "not fraud", "non-fraud",
    "non fraud", "nonfraud", "no fraud", "not fraudulent", "non-fraudulent", "benign", "ok",
    "正常", "正常交易", "非欺诈", "合法", "真实",
])  # fmt: skip


def verdicts(texts: pa.Array) -> pa.Array:
    """(n,) whether each says fraud; null where it says neither. Case does not matter, nor whether "_" or a space.

    >>> verdicts(pa.array(["Fraud", "legit", "1", "0.0", "否", "正常", "maybe", None])).to_pylist()
    [True, False, True, False, False, False, None, None]
    """
    words = pc.replace_substring(pc.utf8_lower(pc.utf8_trim_whitespace(texts)), "_", " ")
    is_fraud, is_honest = pc.is_in(words, FRAUD), pc.is_in(words, HONEST)
    return pc.coalesce(pc.if_else(pc.or_(is_fraud, is_honest), is_fraud, None), to_truth(texts).values)
