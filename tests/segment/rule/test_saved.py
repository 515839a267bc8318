"""A segment is a rule with a name, kept in versions that never change."""

from __future__ import annotations

import pytest

from regulars import Shop
from regulars.errors import CorruptLogError, InputError, NotFoundError
from regulars.rules import Column, Events, RuleError, Vocabulary
from regulars.rules.tree import Kind
from regulars.segment.rule import Segments


def words(segments: Segments) -> Vocabulary:
    """As the shop's words, whose events let segments be named."""
    return Vocabulary({"orders": Column(Kind.NUMBER)}, Events({"message_sent": "was sent"}), segments.rules())


def test_what_is_saved_is_kept_in_versions(shop: Shop) -> None:
    segments = Segments(shop)
    first = segments.save("老 客户", "orders >= 2", words(segments), note="who came back")
    second = segments.save("老 客户", "orders >= 3", words(segments))
    assert (first.version, second.version, second.note) == (1, 2, "who came back")
    assert segments.save("老 客户", "orders >= 3", words(segments)) == second
    again = Segments(Shop.open(shop.folder))
    assert again.names() == ["老 客户"]
    assert again.get("老 客户") == second
    assert again.get("老 客户", 1) == first
    assert again.history("老 客户") == [second, first]


def test_a_rule_that_cannot_be_read_is_not_saved(shop: Shop) -> None:
    segments = Segments(shop)
    with pytest.raises(RuleError, match='Did you mean "orders"'):
        segments.save("loyal", "ordrs >= 2", words(segments))
    assert segments.names() == []


def test_a_segment_cannot_be_edited_into_a_circle(shop: Shop) -> None:
    segments = Segments(shop)
    segments.save("a", "orders >= 2", words(segments))
    segments.save("b", "in segment 'a' and orders < 9", words(segments))
    with pytest.raises(RuleError, match="a segment cannot be made of itself: a → b → a"):
        segments.save("a", "not in segment 'b'", words(segments))
    assert segments.get("a").version == 1


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a-b", " a", "x" * 61, "a.b"])
def test_a_name_that_cannot_be_one_is_refused(shop: Shop, name: str) -> None:
    segments = Segments(shop)
    with pytest.raises(InputError, match="cannot be the name of a segment"):
        segments.save(name, "orders >= 2", words(segments))
    with pytest.raises(NotFoundError):
        segments.get(name)


def test_names_that_differ_in_case_alone_would_be_one_file_on_some_disks(shop: Shop) -> None:
    segments = Segments(shop)
    segments.save("Loyal", "orders >= 2", words(segments))
    with pytest.raises(InputError, match='There is a segment "Loyal" already'):
        segments.save("loyal", "orders >= 2", words(segments))


def test_what_is_not_there_or_damaged_is_said(shop: Shop) -> None:
    segments = Segments(shop)
    segments.save("loyal", "orders >= 2", words(segments))
    with pytest.raises(NotFoundError, match=r'There is no segment "loyl"\. Did you mean "loyal"'):
        segments.get("loyl")
    with pytest.raises(NotFoundError, match=r"no version 7 .* There are: 1"):
        segments.get("loyal", 7)
    path = shop.folder / "segments" / "loyal" / "0001.json"
    path.write_bytes(path.read_bytes().replace(b">= 2", b">= 3"))
    with pytest.raises(CorruptLogError, match="is damaged"):
        segments.get("loyal")
    assert segments.rules() == {}
    assert segments.save("loyal", "orders >= 2", words(segments)).version == 2
