"""Search finds what is meant, in both languages, keeps up with changes, and is not hurt by a question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.errors import InputError
from regulars.language.deadline import left
from regulars.language.errors import DownError
from regulars.language.search import Index, Passage, meaning
from regulars.language.search.index import ASKED_SECONDS
from regulars.language.search.lexical import K1, B, Lexical
from regulars.language.search.meaning import Vectors
from regulars.language.search.words import words

TEXTS = [
    Passage("returns", "You may send back unused goods within thirty days.", "Return period"),
    Passage("delivery", "Parcels arrive two to four working days after dispatch.", "Delivery times"),
    Passage("wool", "Wash wool at 30 degrees and lay it flat to dry.", "Washing wool", "policy"),
    Passage("points", "签到七天可得五十金币，一百金币抵一元。", "签到奖励"),
    Passage("sku-77", "Stoneware tea pot, 0.8 l, model TX-4471.", "Tea pot Fuji", "product"),
]


def index(*passages: Passage) -> Index:
    made = Index()
    made.update(passages or TEXTS)
    return made


def best(found: Index, question: str, **asked: object) -> str:
    return found.find(question, most=1, **asked)[0].passage.id  # type: ignore[arg-type]


def test_a_question_finds_its_passage_in_either_language() -> None:
    made = index()
    assert best(made, "how long do I have to bring it back") == "returns"
    assert best(made, "多久能收到货") == "delivery"
    assert best(made, "coins for checking in each day") == "points"
    assert best(made, "每天打卡拿的金币") == "points"


def test_a_number_that_meaning_does_not_know_is_found_by_its_letters() -> None:
    assert best(index(), "TX-4471") == "sku-77"


def test_kinds_can_be_asked_for() -> None:
    assert best(index(), "how long do I have to bring it back", kinds=["policy"]) == "wool"
    assert index().find("anything", kinds=["answer"]) == []


def test_a_changed_text_takes_the_place_of_the_old_and_a_removed_one_is_gone() -> None:
    made = index()
    assert made.update(TEXTS) == 0
    assert made.update([Passage("returns", "Our office in Leeds closes at six.", "Opening hours")]) == 1
    assert len(made) == 5
    assert best(made, "when do you close") == "returns"
    assert "thirty" not in made.find("send back goods", most=5)[0].passage.text
    assert made.remove(["returns", "nowhere"]) == 1
    assert made.get("returns") is None
    assert best(made, "when do you close") != "returns"


def test_many_changes_leave_what_a_fresh_index_would_be() -> None:
    made = index()
    for number in range(20):
        made.update([Passage("delivery", f"Parcels arrive after {number} working days.", "Delivery times")])
    made.remove(["wool"])
    fresh = index(*(found for one in ("returns", "delivery", "points", "sku-77") if (found := made.get(one))))
    for question in ("19 working days", "金币", "send back"):
        ours, theirs = made.find(question), fresh.find(question)
        assert {hit.passage.id for hit in ours} == {hit.passage.id for hit in theirs}
        assert ours[0].passage == theirs[0].passage
        assert ours[0].by_meaning == pytest.approx(theirs[0].by_meaning, abs=1e-3)


class Away:
    """An encoder behind an endpoint that answers at first."""

    name, dimensions, is_away = "away 1.0", 2, False

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        if self.is_away:
            raise DownError("away")
        return np.array([[1.0, 0.0]] * len(texts), np.float32)


class Counting:
    """An encoder that counts its texts, and knows cups."""

    name, dimensions = "counting 1.0", 2

    def __init__(self) -> None:
        self.texts = 0

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += len(texts)
        return np.array([[1.0, 0.0] if "cup" in text else [0.0, 1.0] for text in texts], np.float32)


def test_of_very_many_the_first_have_vectors_and_the_others_are_found_by_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("regulars.language.search.index.MEANT", 3)
    encoder = Counting()
    made = Index(encoder)
    made.update([Passage(str(number), f"cup number{number}", "a cup") for number in range(5)])
    made.update([Passage("5", "a pot of tea")])
    assert encoder.texts == 4  # the title, and each of three texts
    assert best(made, "number4") == "4"
    assert best(made, "pot") == "5"
    assert made.update([Passage("0", "a plate", "a plate")]) == 1
    assert best(made, "plate") == "0"


def test_where_the_encoder_is_away_words_find_and_a_change_is_made_whole_or_not_at_all() -> None:
    encoder = Away()
    made = Index(encoder)
    made.update(TEXTS)
    encoder.is_away = True
    assert best(made, "TX-4471") == "sku-77"
    with pytest.raises(DownError):
        made.update([Passage("returns", "Ninety days."), Passage("new", "Opening hours.")])
    assert len(made) == 5
    assert "thirty" in made.find("send back unused goods")[0].passage.text
    encoder.is_away = False
    assert made.update([Passage("returns", "Ninety days.")]) == 1
    changed = made.get("returns")
    assert changed is not None
    assert changed.text == "Ninety days."


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    made = index()
    made.remove(["wool"])
    made.save(tmp_path / "index")
    again = Index()
    again.load(tmp_path / "index")
    assert len(again) == 4
    for question in ("TX-4471", "bring it back", "金币"):
        ours, theirs = made.find(question), again.find(question)
        assert [hit.passage for hit in ours] == [hit.passage for hit in theirs]
        assert [hit.by_meaning for hit in ours] == pytest.approx([hit.by_meaning for hit in theirs], abs=1e-4)
    again.update([Passage("new", "Gift cards are valid for three years.")])
    assert best(again, "how long is a voucher card valid") == "new"


def test_a_damaged_index_is_said(tmp_path: Path) -> None:
    index().save(tmp_path)
    (tmp_path / "vectors.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="holds no search index"):
        Index().load(tmp_path)
    with pytest.raises(InputError, match="holds no search index"):
        Index().load(tmp_path / "nowhere")


@pytest.mark.parametrize("question", ["", "   ", "\x00", "\u200b\u200d"])
def test_a_question_without_a_sign_finds_nothing(question: str) -> None:
    assert index().find(question) == []
    assert Index().find("tea") == []


@pytest.mark.parametrize(
    "question", ["🫖" * 50, "مرحبا", "x" * 100_000, "\ud800", "茶" * 50_000, "?" * 1000], ids=range(6)
)
def test_any_question_is_answered_with_scores_in_their_bounds(question: str) -> None:
    for hit in index().find(question):
        assert np.isfinite(hit.score)
        assert 0 <= hit.by_words <= 1
        assert -1.01 <= hit.by_meaning <= 1.01


def plain_bm25(texts: list[str], question: str) -> list[float]:
    """As the formula is written, over words."""
    split = [words(text) for text in texts]
    mean = sum(map(len, split)) / len(split)
    found = []
    for text in split:
        total = best = 0.0
        for word in dict.fromkeys(words(question)):
            having = sum(word in other for other in split)
            weight = np.log(1 + (len(split) - having + 0.5) / (having + 0.5))
            often = text.count(word)
            total += weight * often * (K1 + 1) / (often + K1 * (1 - B + B * len(text) / mean))
            best += weight * (K1 + 1)
        found.append(total / best if best else 0.0)
    return found


TEXT = st.text("tea pot 茶壶红,S2", max_size=20)


@given(st.lists(TEXT, min_size=1, max_size=15).filter(lambda texts: any(map(words, texts))), TEXT, st.integers(1, 4))
def test_words_are_weighed_as_the_formula_says_however_the_texts_came(
    texts: list[str], question: str, step: int
) -> None:
    lexical = Lexical()
    for first in range(0, len(texts), step):
        lexical.add(texts[first : first + step])
    assert lexical.scores(question) == pytest.approx(plain_bm25(texts, question), abs=1e-5)


def test_texts_that_come_one_by_one_are_kept_in_few_parts() -> None:
    lexical = Lexical()
    for number in range(100):
        lexical.add([f"tea {number}"])
    assert len(lexical.parts) <= 7
    assert lexical.scores("77").argmax() == 77


def test_among_very_many_the_nearest_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning, "EXACT", 1_000)
    random = np.random.default_rng(1)
    table = random.normal(size=(3_000, 16)).astype(np.float32)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    vectors = Vectors()
    for first in range(0, 3_000, 500):
        vectors.add(table[first : first + 500])
    everywhere = np.ones(3_000, bool)
    found = [place in vectors.near(table[place], 10, everywhere) for place in range(0, 3_000, 50)]
    assert np.mean(found) > 0.95
    some = np.arange(3_000) % 2 == 0
    assert some[vectors.near(table[7], 10, some)].all()


def test_of_very_many_those_of_one_kind_are_found_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning, "EXACT", 60)
    colours = [
        f"a {colour} {thing}" for colour in ("red", "blue", "old", "new", "small") for thing in ["cup", "pot", "lamp"]
    ]
    made = Index()
    made.update([Passage(f"{number}", text, kind="product") for number, text in enumerate(colours * 6)])
    made.update([Passage("policy", "You may send back a cup within thirty days.", kind="policy")])
    assert [hit.passage.id for hit in made.find("a red cup", kinds=["policy"])] == ["policy"]
    assert made.find("a red cup")[0].passage.text == "a red cup"


def test_the_vector_of_a_question_is_waited_for_no_longer_than_words_can_wait() -> None:
    waited: list[float] = []

    class Slow:
        name, dimensions = "slow", 2

        def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
            waited.append(left(600.0))
            return np.ones((len(texts), 2), np.float32)

    index = Index(Slow())
    index.update([Passage("1", "You may send goods back within thirty days.")])
    index.find("send goods back")
    assert waited[0] == 600.0
    assert waited[1] <= ASKED_SECONDS
