"""Passages of text, found by their words and by what they mean: BM25 and vectors together, over texts that change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from regulars import storage
from regulars.config import LanguageSettings
from regulars.errors import InputError
from regulars.language.deadline import within
from regulars.language.embedding import OFFLINE, Encoder, embed
from regulars.language.encoders import encoder_of
from regulars.language.english import English
from regulars.language.errors import LanguageError
from regulars.language.search.fusion import fused, is_english, script
from regulars.language.search.lexical import Lexical, Part
from regulars.language.search.meaning import Vectors
from regulars.language.text import clean
from regulars.state import State

Floats = npt.NDArray[np.float32]

CANDIDATES = 200
"""So many of the nearest by words, and by meaning, are compared in full, where there are too many passages for all."""
MEANT = 100_000
"""Of more passages the first are found by words and meaning, the others by words: the vectors of a million take an hour
and gigabytes."""


ASKED_SECONDS = 3.0
"""So long the vector of a question is waited for: words find without it, and who asks has more to wait for."""


@dataclass(frozen=True)
class Passage:
    """A text that may answer.

    Attributes
    ----------
    id : among all kinds.
    text : what it says.
    title : what it is about, in few words; "" for none.
    kind : "faq", "policy", "product", "answer", or another of the shop's own.
    """

    id: str
    text: str
    title: str = ""
    kind: str = "faq"


_FIELDS = tuple(field.name for field in fields(Passage))


class Hit(NamedTuple):
    """A passage that was found.

    Attributes
    ----------
    score : about 0 for nothing in common, 1 for the same; see `fusion`. Comparable from question to question.
    by_meaning : cosine of its vector with the question's.
    by_words : share of the question's words that it has, rare ones counting more: 0 to 1.
    """

    passage: Passage
    score: float
    by_meaning: float
    by_words: float


class Made(NamedTuple):
    """Passages that are new or have changed, with their vectors."""

    passages: list[Passage]
    vectors: Floats
    english: Floats | None


class Index:
    """The passages of a shop. One thread changes it at a time.

    Parameters
    ----------
    encoder : of all languages.
    english : of English, where both question and passage are; None for the other alone.
    cache : file of vectors that were made before.

    Examples
    --------
    >>> index = Index()
    >>> index.update([Passage("1", "You may send goods back within thirty days.", "Return period"),
    ...               Passage("2", "Parcels arrive two to four days after dispatch.", "Delivery times")])
    2
    >>> [hit.passage.id for hit in index.find("多少天之内可以退货", most=1)]
    ['1']
    """

    def __init__(self, encoder: Encoder = OFFLINE, english: Encoder | None = None, cache: Path | None = None) -> None:
        self._encoder, self._english, self.cache = encoder, english, cache
        self._passages: list[Passage] = []
        self._place: dict[str, int] = {}
        self._words = Lexical()
        self._vectors = Vectors()
        self._english_vectors = Vectors() if english else None
        self._is_there = np.zeros(0, bool)
        self._scripts = _scripts_of([])
        self._kind_numbers: dict[str, int] = {}
        self._kinds = self._kinds_of([])

    @classmethod
    def of(cls, settings: LanguageSettings, cache: Path | None = None, state: State | None = None) -> Index:
        """By `[language] embeddings`; English beside the one that is always there. For `state` see `encoder_of`."""
        encoder = encoder_of(settings, state)
        return cls(OFFLINE, encoder, cache) if isinstance(encoder, English) else cls(encoder, None, cache)

    def __len__(self) -> int:
        return len(self._place)

    def update(self, passages: Iterable[Passage]) -> int:
        """Add passages, or put them in place of those with the same id; how many were new or had changed.

        Beyond `MEANT` of them, what is added is found by its words alone.

        Raises
        ------
        LanguageError
            If an encoder behind an endpoint does not answer; the index is as it was then.
        """
        return self.put(self.made(passages))

    def made(self, passages: Iterable[Passage]) -> Made:
        """What `put` puts in: vectors take their time, and meanwhile the index answers as before.

        Raises
        ------
        LanguageError
            If an encoder behind an endpoint does not answer.
        """
        new: dict[str, Passage] = {}
        for passage in passages:
            cleaned = Passage(passage.id, clean(passage.text), clean(passage.title, 500), passage.kind)
            if passage.id in new or self.get(passage.id) != cleaned:
                new[passage.id] = cleaned
        added = list(new.values())
        room = max(MEANT - sum(one not in new for one in self._place), 0)
        vectors = np.zeros((len(added), self._encoder.dimensions), np.float32)
        vectors[:room] = vectors_of(added[:room], self._encoder, self.cache)
        return Made(added, vectors, self._in_english(added, room))

    def put(self, made: Made) -> int:
        """Put in what was made, in place of passages with the same ids; how many were new or had changed."""
        added, vectors, english = made
        if not added:
            return 0
        self.remove([passage.id for passage in added])
        first = len(self._passages)
        self._passages += added
        self._place |= {passage.id: first + number for number, passage in enumerate(added)}
        self._is_there = np.append(self._is_there, np.ones(len(added), bool))
        self._scripts = np.append(self._scripts, _scripts_of(added))
        self._kinds = np.append(self._kinds, self._kinds_of(added))
        self._words.add([f"{passage.title}\n{passage.text}" for passage in added])
        self._vectors.add(vectors)
        if self._english_vectors is not None and english is not None:
            self._english_vectors.add(english)
        return len(added)

    def _in_english(self, added: Sequence[Passage], room: int) -> Floats | None:
        if self._english is None:
            return None
        # What is no English has the vector 0, and is compared by the other encoder alone.
        vectors = np.zeros((len(added), self._english.dimensions), np.float32)
        places = [number for number, each in enumerate(added[:room]) if is_english(each.title + each.text)]
        vectors[places] = vectors_of([added[place] for place in places], self._english, self._other_cache)
        return vectors

    def remove(self, ids: Iterable[str]) -> int:
        """Take passages out; how many were there."""
        places = [self._place.pop(one) for one in ids if one in self._place]
        self._is_there[places] = False
        if 2 * len(self._place) < len(self._passages):
            self._forget()
        return len(places)

    def _forget(self) -> None:
        """Drop what was taken out, once it is more than what is there."""
        places = np.flatnonzero(self._is_there)
        self._passages = [self._passages[place] for place in places]
        self._place = {passage.id: place for place, passage in enumerate(self._passages)}
        self._is_there, self._scripts = np.ones(len(places), bool), self._scripts[places]
        self._kinds = self._kinds[places]
        self._words = Lexical([self._words.kept(places)])
        self._vectors = self._vectors.kept(places)
        self._english_vectors = self._english_vectors and self._english_vectors.kept(places)

    def get(self, one: str) -> Passage | None:
        """A passage by its id."""
        place = self._place.get(one)
        return None if place is None else self._passages[place]

    def find(self, question: str, most: int = 5, kinds: Collection[str] | None = None) -> list[Hit]:
        """The passages that answer a question best, the best first; none for a question without a word.

        Where an encoder behind an endpoint does not answer, words alone find.

        Parameters
        ----------
        kinds : of these alone; by default of all.
        """
        asked = clean(question, 2_000)
        if not asked.strip() or not self._place:
            return []
        by_words = self._words.scores(asked)
        vector = self._vector(asked)
        may = self._is_there
        if kinds is not None:
            may = may & np.isin(self._kinds, [self._kind_number(kind) for kind in kinds])
        places = self._candidates(by_words, vector, may)
        by_meaning, by_words = self._vectors.scores(vector, places), by_words[places]
        is_same = self._scripts[places] == script(asked)
        scores = fused(by_meaning, by_words, is_same, self._by_english(asked, places))
        best = np.argsort(-scores, kind="stable")[:most]
        return [
            Hit(self._passages[places[n]], float(scores[n]), float(by_meaning[n]), float(by_words[n])) for n in best
        ]

    def _vector(self, asked: str) -> Floats:
        try:
            with within(ASKED_SECONDS):
                found: Floats = embed([asked], None, self._encoder)[0]
        except LanguageError:
            found = np.zeros(self._vectors.table.shape[1], np.float32)
        return found

    def _by_english(self, asked: str, places: npt.NDArray[np.int64]) -> Floats | None:
        if self._english is None or self._english_vectors is None or not is_english(asked):
            return None
        found = self._english_vectors.scores(embed([asked], None, self._english)[0], places)
        found[~self._english_vectors.table[places].any(axis=1)] = np.nan
        return found

    def _candidates(self, by_words: Floats, vector: Floats, may: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        places = self._vectors.near(vector, CANDIDATES, may)
        if len(places) < may.sum():
            having = np.flatnonzero(may & (by_words > 0))
            if len(having) > CANDIDATES:
                having = having[np.argpartition(-by_words[having], CANDIDATES)[:CANDIDATES]]
            places = np.union1d(places, having)
        return places

    def _kind_number(self, kind: str) -> int:
        return self._kind_numbers.setdefault(kind, len(self._kind_numbers))

    def _kinds_of(self, passages: Sequence[Passage]) -> npt.NDArray[np.int32]:
        return np.array([self._kind_number(passage.kind) for passage in passages], np.int32)

    @property
    def _other_cache(self) -> Path | None:
        return self.cache and self.cache.with_suffix(".english.parquet")

    def save(self, folder: Path) -> None:
        """Keep the passages, their words and vectors in a folder."""
        places = np.flatnonzero(self._is_there)
        there = [self._passages[place] for place in places]
        words = self._words.kept(places)
        storage.make_folder(folder)
        columns = {name: [getattr(each, name) for each in there] for name in _FIELDS}
        tables = {
            "passages": pa.table({**columns, "words": words.lengths}),
            "words": pa.table({
                "word": np.repeat(words.numbers, np.diff(words.starts)), "place": words.places, "count": words.counts,
            }),
            "vectors": _as_table(self._vectors.table[places], self._encoder.name),
        }  # fmt: skip
        if self._english and self._english_vectors is not None:
            tables["english"] = _as_table(self._english_vectors.table[places], self._english.name)
        for name, table in tables.items():
            storage.replace(folder / f"{name}.parquet", bytes(storage.parquet(table, has_metadata=True)))

    def load(self, folder: Path) -> None:
        """Read what `save` kept, in place of what there is.

        Raises
        ------
        InputError
            If it is not there, or is of another encoder: then update the index from the texts.
        """
        try:
            passages = pq.read_table(folder / "passages.parquet")
            rows = pq.read_table(folder / "words.parquet")
            vectors = _of_table(pq.read_table(folder / "vectors.parquet"), self._encoder.name)
            english = (
                _of_table(pq.read_table(folder / "english.parquet"), self._english.name) if self._english else None
            )
            found = [
                Passage(**{field.name: row[field.name] for field in fields(Passage)}) for row in passages.to_pylist()
            ]
            if len(found) != len(vectors):
                raise ValueError("its files are not of one index")
        except (OSError, KeyError, TypeError, ValueError, pa.ArrowInvalid) as error:
            raise InputError(f"{folder} holds no search index of this encoder: {error}. Make it anew.") from None
        fresh = Index(self._encoder, self._english, self.cache)
        fresh._passages = found
        fresh._place = {passage.id: place for place, passage in enumerate(found)}
        fresh._is_there, fresh._scripts = np.ones(len(found), bool), _scripts_of(found)
        fresh._kinds = fresh._kinds_of(found)
        fresh._words = Lexical([_part_of(rows, passages["words"].to_numpy())])
        fresh._vectors.add(vectors)
        if fresh._english_vectors is not None and english is not None:
            fresh._english_vectors.add(english)
        self.__dict__ = fresh.__dict__


def vectors_of(passages: Sequence[Passage], encoder: Encoder, cache: Path | None = None) -> Floats:
    """(n, dimensions) between the vector of the title and that of all: what it is about, and what it says of it."""
    titles = [passage.title or passage.text for passage in passages]
    wholes = [f"{passage.title}. {passage.text}" if passage.title else passage.text for passage in passages]
    both = embed([*titles, *wholes], cache, encoder)
    made: Floats = (both[: len(passages)] + both[len(passages) :]) / np.float32(2)
    return made


def _scripts_of(passages: Sequence[Passage]) -> npt.NDArray[np.str_]:
    return np.array([script(passage.text) for passage in passages], "U8")


def _part_of(rows: pa.Table, lengths: npt.NDArray[np.int32]) -> Part:
    numbers, starts = np.unique(rows["word"].to_numpy(), return_index=True)
    return Part(
        numbers.astype(np.uint64),
        np.append(starts, rows.num_rows).astype(np.int64),
        rows["place"].to_numpy().astype(np.int32),
        rows["count"].to_numpy().astype(np.uint16),
        lengths.astype(np.int32),
    )


def _as_table(vectors: npt.NDArray[np.float16], name: str) -> pa.Table:
    flat = pa.array(vectors.reshape(-1))
    column = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    return pa.table({"vector": column}).replace_schema_metadata({"encoder": name})


def _of_table(table: pa.Table, name: str) -> Floats:
    if (table.schema.metadata or {}).get(b"encoder", b"").decode() != name:
        raise ValueError("it is of another encoder")
    column = table["vector"].combine_chunks()
    size = column.type.list_size
    made: Floats = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, size).astype(np.float32)
    return made
