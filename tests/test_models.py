"""Versions of what was learned: whole or not at all, checked when read, taken back at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from regulars import storage
from regulars.errors import CorruptLogError, NotFoundError
from regulars.models import Models

CARD = {"until": "2024-05-01T00:00:00+00:00", "report": {"verdict": "Not better. Kept out of use."}}


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(tmp_path / "models")


def save(models: Models, data: bytes = b"weights") -> int:
    return models.save("churn", {"model.json": data}, CARD).version


def test_versions_are_numbered_from_one(models: Models) -> None:
    assert [save(models), save(models), save(models)] == [1, 2, 3]
    assert models.versions("churn") == [1, 2, 3]
    assert [model.version for model in models.history("churn")] == [3, 2, 1]


def test_what_is_read_is_what_was_saved(models: Models) -> None:
    save(models, b"one")
    save(models, b"two")
    assert models.get("churn", 1).read("model.json") == b"one"
    assert models.get("churn", 2).read("model.json") == b"two"
    assert models.get("churn", 2).card["until"] == CARD["until"]


def test_saving_puts_nothing_to_use(models: Models) -> None:
    save(models)
    assert models.version_in_use("churn") is None


def test_rolling_back_changes_which_version_is_in_use(models: Models) -> None:
    save(models, b"one")
    save(models, b"two")
    models.use("churn", 2)
    assert models.in_use("churn").read("model.json") == b"two"
    models.use("churn", 1)
    assert models.in_use("churn").read("model.json") == b"one"
    assert models.versions("churn") == [1, 2]


def test_a_version_that_is_not_there_cannot_be_put_to_use(models: Models) -> None:
    save(models)
    models.use("churn", 1)
    with pytest.raises(NotFoundError, match=r"no version 2 of churn\. There are: 1\."):
        models.use("churn", 2)
    assert models.version_in_use("churn") == 1


def test_a_flipped_bit_is_refused_with_the_way_out(models: Models) -> None:
    save(models)
    save(models)
    model = models.get("churn", 2)
    path = model.folder / "model.json"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    with pytest.raises(CorruptLogError, match=r"regulars learn churn.*regulars rollback churn 1"):
        model.read("model.json")


def test_a_missing_file_is_refused(models: Models) -> None:
    save(models)
    model = models.get("churn", 1)
    (model.folder / "model.json").unlink()
    with pytest.raises(CorruptLogError):
        model.read("model.json")


def test_a_card_that_cannot_be_read_is_refused(models: Models) -> None:
    save(models)
    (models.folder / "churn" / "0001" / "card.json").write_text("{")
    with pytest.raises(CorruptLogError, match=r"card\.json"):
        models.get("churn", 1)


def test_a_file_that_was_never_saved_is_named(models: Models) -> None:
    save(models)
    with pytest.raises(NotFoundError, match=r"no file other; it has model\.json"):
        models.get("churn", 1).read("other")


def test_without_any_model_the_message_says_how_to_learn(models: Models) -> None:
    with pytest.raises(NotFoundError, match="regulars learn churn"):
        models.in_use("churn")


def test_a_model_that_was_kept_out_says_why_and_how_to_use_it_all_the_same(models: Models) -> None:
    save(models)
    with pytest.raises(NotFoundError, match=r"Kept out of use\. .*regulars rollback churn 1"):
        models.in_use("churn")


def test_a_save_that_fails_leaves_no_version(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    save(models)

    def full(source: Path, target: Path) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(storage, "_rename", full)
    with pytest.raises(OSError, match="no space"):
        save(models)
    monkeypatch.undo()
    assert models.versions("churn") == [1]
    assert save(models) == 2


def test_a_folder_that_is_no_version_is_left_alone(models: Models) -> None:
    models.save("churn", {"a.txt": b"a"}, {})
    shutil.copytree(models.folder / "churn" / "0001", models.folder / "churn" / "0001 copy")
    assert models.versions("churn") == [1]


@pytest.mark.parametrize("text", ["", "{", "3", "{}", '{"version": "x"}'])
def test_a_pointer_that_cannot_be_read_is_refused_with_the_way_out(models: Models, text: str) -> None:
    models.save("churn", {"a.txt": b"a"}, {})
    models.use("churn", 1)
    (models.folder / "churn" / "in_use.json").write_text(text)
    with pytest.raises(CorruptLogError, match="regulars rollback churn VERSION"):
        models.in_use("churn")
    assert models.use("churn", 1).version == 1
    assert models.version_in_use("churn") == 1
