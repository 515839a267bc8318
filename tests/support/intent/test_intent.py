"""What customers want: told from the questions learned from, typos and languages aside, and honest where unsure."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from regulars.errors import ConfigError, InputError, NotEnoughError
from regulars.language.retrieval import is_installed
from regulars.support.entities import parts
from regulars.support.intent import Intents, clusters, features, model, read, starter, worth_labelling
from regulars.support.intent.closer import KEPT, mark
from regulars.support.intent.features import meaning, plain
from regulars.support.intent.kept import starter_kept
from regulars.support.intent.kernel import Kernel, Mix
from regulars.support.intent.model import MOST, _even
from regulars.support.intent.spelling import corrected


@pytest.fixture(scope="module")
def intents(intents: Path) -> Intents:
    """What the starter set teaches, as every shop has it."""
    return starter_kept(intents)


def test_the_starter_set_has_thirty_phrasings_of_thirty_intents_in_each_language_and_none_twice() -> None:
    by_language = {language: starter(language) for language in ("en", "zh")}
    for texts, labels in by_language.values():
        named = [label for label in labels if label is not None]
        assert len(set(named)) >= 30
        assert min(named.count(name) for name in set(named)) >= 30
        assert len(set(texts)) == len(texts)
    assert set(by_language["en"][1]) == set(by_language["zh"][1])


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("I would like to know where my parcel is", "track_order"),
        ("wheres my pacel??", "track_order"),
        ("I FORGOT MY PASSWORD!!!", "sign_in"),
        ("ＣＡＮＣＥＬ　ｍｙ　ｏｒｄｅｒ", "cancel_order"),
        ("麻烦帮我把订单取消掉吧", "cancel_order"),
        ("我想开一张增值税发票", "invoice"),
        ("我想 return 这件衣服", "return_item"),
        ("请帮我转接人工客服", "talk_to_person"),
    ],
)
def test_a_question_is_told_however_it_is_written(intents: Intents, said: str, wanted: str) -> None:
    assert intents.of([said])[0].choices[0][0] == wanted


SLIPS = {
    "track_order": ("wheres my pacrel", "my 快递 还没到, where is it", "快第到哪了"),
    "cancel_order": ("cancle my oder pls", "帮我取肖订单", "怎麼取消訂單", "我想cancel这个order"),
    "refund_status": ("i wnat a refnud on my retrun", "退换什么时候到帐，我的退款", "help 我要 refund 啊 钱没到账"),
    "return_item": ("hwo do i retrun these shose", "我要退貨"),
    "discount_code": ("my cuopon code doesnt wrok", "优惠卷用不了"),
    "sign_in": ("forgto my pasword", "忘记秘码了", "忘記密碼了"),
    "damaged_item": ("teh screan arived craked", "收到的背子碎了"),
    "ship_abroad": ("do u shp to candaa",),
    "invoice": ("need an invioce", "發票怎麼開", "怎么开发飘"),
    "charged_twice": ("cahrged twcie for one order",),
    "talk_to_person": ("speek to a humen", "我要转人宫"),
    "wrong_item": ("发错祸了",),
    "unsubscribe": ("unsubscirbe me form emials",),
    "change_address": ("pls chnage my delivrey adress",),
}


def test_slips_of_the_fingers_wrong_signs_and_mixed_languages_hide_few_intents(intents: Intents) -> None:
    asked = [(text, intent) for intent, texts in SLIPS.items() for text in texts]
    found = [one.choices[0][0] for one in intents.of([text for text, _ in asked])]
    assert np.mean([first == wanted for first, (_, wanted) in zip(found, asked, strict=True)]) >= 0.8


def test_words_that_are_known_are_left_as_they_are() -> None:
    known = {"form": 2.0, "from": 1.0, "order": 1.0}
    assert corrected("the form of my order", known) == "the form of my order"
    assert corrected("stole, trick, xyz 订单 🙂", known) == "stole, trick, xyz 订单 🙂"


@given(st.text(max_size=80))
def test_nothing_but_words_of_letters_is_mended(text: str) -> None:
    assert corrected(text, {}) == text


def test_chinese_is_told_by_english_questions_alone() -> None:
    english = Intents.starter("en")
    asked = ["取消订单", "我要开发票", "忘记密码了", "退款什么时候到账"]
    first = [one.choices[0][0] for one in english.of(asked)]
    assert first == ["cancel_order", "invoice", "sign_in", "refund_status"]


def test_what_no_shop_is_asked_is_not_acted_on(intents: Intents) -> None:
    asked = ["who won the world cup in 1998?", "明天会下雨吗", "sing me a song", "qwrt zxcv", "", "🫖"]
    assert [one.intent for one in intents.of(asked)] == [None] * len(asked)


def test_who_is_unsure_offers_three_choices_whose_probabilities_fall(intents: Intents) -> None:
    for one in intents.of(["my order", "cancel my order", "x"]):
        chances = [chance for _, chance in one.choices]
        assert len(chances) == 3
        assert chances == sorted(chances, reverse=True)
        assert 0 <= one.known <= 1


def test_the_bars_hold_what_was_asked_on_questions_that_were_not_learned_from() -> None:
    texts, labels = (each[::3] for each in starter("en"))
    strict, lax = (Intents.fit(texts, labels, right_if_sure=share, english=False) for share in (0.99, 0.9))
    assert strict.bars.sure > lax.bars.sure
    assert Intents.fit(texts, labels, kept=0.8, english=False).bars.known > lax.bars.known


def test_a_saved_model_answers_the_same(intents: Intents) -> None:
    again = Intents.from_files(intents.to_files())
    asked = ["where is my parcel", "开发票", "who are you"]
    assert [one.verdict for one in again.of(asked)] == [one.verdict for one in intents.of(asked)]
    assert np.allclose(again.probabilities(asked)[0], intents.probabilities(asked)[0], atol=5e-3)


class Words:
    """An encoder of English alone, of which words a text has: what stands in for one that tests do not install."""

    dimensions = 384

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        found = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                found[row, zlib.crc32(word.encode()) % self.dimensions] = 1
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1)


@pytest.fixture
def _with_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "English", Words)
    monkeypatch.setattr(model, "has_english", lambda: True)


@pytest.mark.usefixtures("_with_english")
def test_an_encoder_of_english_changes_nothing_for_who_asks_in_another_language() -> None:
    texts, labels = (each[::3] for each in starter("en"))
    both, alone = (Intents.fit(texts, labels, english=english) for english in (True, False))
    asked = ["取消订单", "我要开发票", "忘记密码了", "退款什么时候到账", "où est mon colis ?"]
    scores = [each.scorer([plain(text) for text in asked], each.terms(asked)) for each in (both, alone)]
    assert np.allclose(scores[0][0], scores[1][0], atol=0.02)
    assert np.allclose(scores[0][1], scores[1][1], atol=0.02)
    asked = ["where is my parcel", "cancel my order"]
    told = [each.scorer(asked, each.terms(asked))[0] for each in (both, alone)]
    assert not np.allclose(*told, atol=0.02)


@pytest.mark.usefixtures("_with_english")
def test_a_saved_model_of_two_encoders_answers_the_same_and_needs_both(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, labels = (each[::3] for each in starter())
    made = Intents.fit(texts, labels)
    again = Intents.from_files(made.to_files())
    asked = ["where is my parcel", "开发票", "who are you"]
    assert np.allclose(again.probabilities(asked)[0], made.probabilities(asked)[0], atol=5e-3)
    monkeypatch.setattr(model, "has_english", lambda: False)
    with pytest.raises(ConfigError, match="MiniLM"):
        again.of(asked)


def test_intents_of_another_version_are_refused(intents: Intents) -> None:
    files = intents.to_files()
    about = json.loads(files["intents.json"])
    with pytest.raises(InputError, match="learn support again"):
        Intents.from_files({**files, "intents.json": json.dumps({**about, "format": 1}).encode()})


def test_scores_without_a_question_are_those_of_a_model_that_never_saw_it() -> None:
    texts, labels = starter("en")
    rows = range(0, 300, 5)
    texts = [plain(texts[row]) for row in rows]
    names = sorted({str(labels[row]) for row in rows})
    targets = np.array([[labels[row] == name for name in names] for row in rows], np.float32)
    from regulars.support.intent.features import Terms

    vectors, words = meaning(texts, False), Terms.fit(texts)(texts)
    _, without = Kernel.fit(vectors, words, targets, Mix(0.6, 0.3))
    others = np.arange(len(texts)) != 7
    kernel, _ = Kernel.fit(vectors[others], words[others], targets[others], Mix(0.6, 0.3))
    assert kernel(vectors[[7]], words[[7]])[0] == pytest.approx(without[[7]], abs=1e-3)


def test_too_few_questions_are_refused_with_what_to_do() -> None:
    with pytest.raises(NotEnoughError, match=r"b has one.*Label more"):
        Intents.fit(["x", "y", "z"], ["a", "a", "b"])
    with pytest.raises(InputError, match="1 texts and 2 labels"):
        Intents.fit(["x"], ["a", "b"])


def test_two_intents_of_two_questions_are_enough() -> None:
    small = Intents.fit(["refund please", "my money back", "where is it", "track it"], ["a", "a", "b", "b"])
    assert small.of(["I want a refund"])[0].choices[0][0] == "a"


def test_of_too_many_questions_the_rare_intents_stay_whole() -> None:
    which = np.array([0] * (2 * MOST) + [1] * 50)
    kept = which[_even(which)]
    assert len(kept) == MOST
    assert (kept == 1).sum() == 50


def test_several_things_in_one_message_are_each_found(intents: Intents) -> None:
    assert read(intents, "Please cancel my order. Where can I download my invoice?").intents == (
        "cancel_order",
        "invoice",
    )
    both = read(intents, "我要取消订单，另外帮我开一张发票，很急！")
    assert set(both.intents) == {"cancel_order", "invoice"}
    assert (both.language, both.is_urgent) == ("zh", True)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_whatever_is_written_is_read(intents: Intents, text: str) -> None:
    found = read(intents, text)
    assert all(name in intents.labels for name in found.intents)
    assert len(parts(text)) <= 8


def test_unanswered_questions_are_gathered_by_what_they_ask_in_any_language() -> None:
    asked = [
        "do I pay customs duty?", "who pays the customs fee", "海关费用谁付", "customs charges?",
        "do you sell kayaks", "have you got a kayak?", "my dog is ill",
    ]  # fmt: skip
    found = clusters(asked, least=2)
    assert [len(one.texts) for one in found] == [4, 2]
    assert "customs" in found[0].example
    assert clusters([]) == []


def test_spellings_of_one_doubtful_question_are_worth_one_label(intents: Intents) -> None:
    asked = ["can my parrot visit the showroom", "may my parrot visit the showroom?", "do you rent out projectors"]
    assert asked[2] in worth_labelling(intents, asked, 2)
    assert worth_labelling(intents, []) == []


@pytest.mark.skipif(not is_installed(), reason="needs the extra e5")
def test_what_is_in_doubt_is_looked_at_again_and_no_more(intents: Intents) -> None:
    assert intents.closer is not None
    asked = ["where is my parcel", "怎么还不见踪影"]
    before, after = (intents.of(asked, quick=quick) for quick in (True, False))
    assert before[0] == after[0]
    assert [one.verdict for one in before] == ["sure", "unsure"]
    assert before[1].choices != after[1].choices


@pytest.mark.skipif(not is_installed(), reason="needs the extra e5")
def test_the_vectors_that_come_with_the_starter_set_are_of_its_questions() -> None:
    with safe_open(KEPT, "numpy") as file:
        assert file.metadata()["texts"] == mark()["texts"]
        assert file.get_tensor("vectors").shape == (len(starter()[0]), 384)


def test_where_the_second_encoder_is_missing_the_first_model_answers_alone(
    intents: Intents, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = intents.to_files()
    monkeypatch.setattr("regulars.support.intent.model.is_installed", lambda: False)
    alone = Intents.from_files(files)
    asked = ["where is my parcel", "怎么还不见踪影"]
    assert alone.closer is None
    assert [one.verdict for one in alone.of(asked)] == [one.verdict for one in intents.of(asked, quick=True)]
