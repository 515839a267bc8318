"""What a detector found: one row for whom or what, how sure, what it cost, since when, and why in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.schema import TIME

KINDS = ("promotions", "returns", "reviews", "sign_ins", "takeover")
"""What can be abused; each is the name of a detector's module."""

FINDINGS = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("subject_id", pa.string(), nullable=False),
        pa.field("customers", pa.list_(pa.string()), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("money", pa.float64(), nullable=False),
        pa.field("since", TIME, nullable=False),
        pa.field("evidence", pa.string(), nullable=False),
        pa.field("evidence_zh", pa.string(), nullable=False),
    ]
)
"""kind: of KINDS. subject: what it is about: customer, device, ip, ip_range, payment, address, phone or
product; subject_id: which. customers: the accounts that are suspected, or may be taken over. score: how sure, in
[0, 1]. money: what it cost so far, in the shop's currency. since: when it began. evidence: why, in two languages."""

LEAST = 0.5
"""What is more likely innocent than not is no finding."""

SUBJECTS_ZH = {
    "customer": "顾客", "device": "设备", "ip": "IP 地址", "ip_range": "IP 网段", "payment": "支付方式",
    "address": "地址", "phone": "电话", "product": "商品",
}  # fmt: skip
"""Each subject in Chinese."""


def table(
    kind: str,
    subject: Sequence[str] | pa.Array,
    subject_id: Sequence[str] | pa.Array,
    customers: Sequence[Sequence[str]] | pa.Array,
    score: npt.NDArray[np.float64],
    money: npt.NDArray[np.float64],
    since: npt.NDArray[np.int64],
    evidence: Sequence[tuple[str, str]],
) -> pa.Table:
    """Findings of one kind, most money times score first.

    Parameters
    ----------
    since : (n,) microseconds since 1970, UTC.
    evidence : (n,) pairs: in English, in Chinese.
    """
    found = pa.table(
        {
            "kind": pa.repeat(pa.scalar(kind), len(score)),
            "subject": pa.array(subject, pa.string()),
            "subject_id": pa.array(subject_id, pa.string()),
            "customers": pa.array(customers, pa.list_(pa.string())),
            "score": pa.array(score, pa.float64()),
            "money": pa.array(money, pa.float64()),
            "since": pa.array(since, pa.int64()).cast(TIME),
            "evidence": pa.array([english for english, _ in evidence], pa.string()),
            "evidence_zh": pa.array([chinese for _, chinese in evidence], pa.string()),
        },
        schema=FINDINGS,
    )
    return ranked(found)


def ranked(found: pa.Table) -> pa.Table:
    """Findings by what they cost times how sure they are; then by score, then by name."""
    weighed = found.append_column("weighed", pc.multiply(found["score"], found["money"]))
    order = [("weighed", "descending"), ("score", "descending"), ("kind", "ascending"), ("subject_id", "ascending")]
    return weighed.sort_by(order).drop_columns("weighed")


def join(parts: Sequence[str], *, chinese: bool = False) -> str:
    """Several clauses as one sentence.

    >>> join(["a new device", "3 failed sign-ins"]), join(["新设备", "3 次失败登录"], chinese=True)
    ('a new device; 3 failed sign-ins', '新设备；3 次失败登录')
    """
    return ("；" if chinese else "; ").join(parts)
