from __future__ import annotations

import pyarrow as pa
import pytest

from regulars.fraud.abuse.copies import near


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("A lovely teapot, arrived well packed.", "a lovely teapot arrived well packed", True),
        ("这款茶壶非常漂亮，包装也很好，推荐购买", "这款茶壶非常漂亮，包装也很好，推荐购买！！", True),
        ("这款茶壶非常漂亮，包装也很好", "杯子漏水，客服不理人，差评", False),
        ("A lovely teapot, arrived well packed.", "It broke on the first day and nobody answered.", False),
        ("好", "差", False),
        ("", "!?", True),
        ("👍👍👍", "👍", True),
    ],
)
def test_copies(one: str, other: str, is_same: bool) -> None:
    found = near(pa.array([one, other]))
    assert (found[0] == found[1]) == is_same


def test_no_texts() -> None:
    assert len(near(pa.array([], pa.string()))) == 0


def test_a_thousand_different_texts_stay_apart() -> None:
    texts = pa.array([f"Review number {n * 7919 % 1009} says {n * n} things of pot {n * 31}" for n in range(1000)])
    assert len(set(near(texts).tolist())) > 950
