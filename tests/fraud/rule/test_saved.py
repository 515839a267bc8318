"""A rule of fraud is kept in versions that never change; it begins in shadow, and acts when somebody says so."""

from __future__ import annotations

import pytest

from regulars import Shop
from regulars.errors import ConfigError, CorruptLogError, InputError, NotFoundError
from regulars.fraud.rule import FraudRules, vocabulary
from regulars.rules import Column, RuleError, Vocabulary
from regulars.rules.tree import Kind

WORDS = vocabulary()


def states(rules: FraudRules, name: str) -> list[tuple[int | None, int | None]]:
    return [state[:2] for state in rules.states(name)]


def test_a_rule_begins_in_shadow_and_a_new_version_leaves_the_old_one_live(shop: Shop) -> None:
    rules = FraudRules(shop)
    first = rules.add("快刷", "device_attempts_1h > 5", "block", WORDS, note="card testing")
    rules.live("快刷")
    second = rules.add("快刷", "device_attempts_1h > 9", "block", WORDS)
    again = FraudRules(Shop.open(shop.folder))
    assert (first.version, second.version, second.note) == (1, 2, "card testing")
    assert again.history("快刷") == [second, first]
    assert states(again, "快刷") == [(1, 2), (1, None), (None, 1)]
    asked = {(each.name, each.rule.text, each.is_live) for each in again.standing(WORDS)}
    assert ("快刷", "device_attempts_1h > 5", True) in asked
    assert ("快刷", "device_attempts_1h > 9", False) in asked


def test_the_same_rule_again_changes_nothing(shop: Shop) -> None:
    rules = FraudRules(shop)
    rules.add("dear", "amount > 220", "block", WORDS)
    rules.off("dear")
    assert rules.add("dear", "amount > 220", "block", WORDS).version == 1
    assert rules.state("dear")[:2] == (None, None)
    assert rules.add("dear", "amount > 220", "review", WORDS).version == 2


def test_an_older_version_can_act_again(shop: Shop) -> None:
    rules = FraudRules(shop)
    for amount in (100, 200, 300):
        rules.add("dear", f"amount > {amount}", "block", WORDS)
    rules.live("dear")
    rules.live("dear", 1)
    assert rules.state("dear")[:2] == (1, None)
    assert rules.shadow("dear")[:2] == (None, 3)
    assert rules.off("dear")[:2] == (None, None)
    assert [each.name for each in rules.standing(WORDS)] == ["allow list", "block list", "watch list"]


def test_what_cannot_be_is_refused_and_nothing_kept(shop: Shop) -> None:
    rules = FraudRules(shop)
    with pytest.raises(RuleError, match=r'no column "device_attemps_1h"\. Did you mean "device_attempts_1h"'):
        rules.add("fast", "device_attemps_1h > 5", "block", WORDS)
    with pytest.raises(RuleError, match="a number is compared with a text"):
        rules.add("fast", "amount > 'much'", "block", WORDS)
    with pytest.raises(RuleError, match='no column "outcome"'):  # not known when it is tried
        rules.add("fast", "outcome = 'declined'", "block", WORDS)
    with pytest.raises(InputError, match=r'no action "blok"\. Did you mean "block"'):
        rules.add("fast", "amount > 5", "blok", WORDS)
    with pytest.raises(InputError, match="is the name of a list"):
        rules.add("Block list", "amount > 5", "block", WORDS)
    with pytest.raises(InputError, match="cannot be the name of a fraud rule"):
        rules.add("../x", "amount > 5", "block", WORDS)
    with pytest.raises(
        NotFoundError, match=r'no fraud rule "fast"\. There are: none\. Make one: regulars fraud rule add'
    ):
        rules.live("fast")
    assert rules.names() == []


def test_a_rule_that_was_changed_by_hand_does_not_act(shop: Shop) -> None:
    rules = FraudRules(shop)
    rules.add("dear", "amount > 220", "block", WORDS)
    path = shop.folder / "fraud" / "rules" / "dear" / "0001.json"
    path.write_bytes(path.read_bytes().replace(b"220", b"2"))
    with pytest.raises(CorruptLogError, match="Write it again: regulars fraud rule add 'dear' RULE"):
        rules.standing(WORDS)


def test_a_duration_is_asked_of_seconds(shop: Shop) -> None:
    made = FraudRules(shop).add("young", "account_age < 2 hours or device_since_first_attempt < 5分钟", "review", WORDS)
    assert made.version == 1


def test_a_rule_about_what_is_no_more_is_named(shop: Shop) -> None:
    rules = FraudRules(shop)
    browser = Vocabulary({**WORDS.columns, "properties.browser": Column(Kind.TEXT)})
    rules.add("bots", "properties.browser = 'curl'", "block", browser)
    assert len(rules.standing(browser)) == 4
    with pytest.raises(ConfigError, match=r'fraud rule "bots", version 1, .* no column "properties\.browser"'):
        rules.standing(WORDS)
    rules.off("bots")
    assert len(rules.standing(WORDS)) == 3
