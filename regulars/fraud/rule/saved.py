"""Rules of fraud by name: numbered versions, none of which ever changes, and which of them act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from regulars import clock
from regulars.errors import ConfigError, InputError, NotFoundError
from regulars.rules import Rule, RuleError, Vocabulary
from regulars.rules.saved import Record, Saved, Version
from regulars.rules.vocabulary import instead

if TYPE_CHECKING:
    from regulars.shop import Shop

Action = Literal["allow", "block", "challenge", "review"]
ACTIONS: tuple[Action, ...] = get_args(Action)
"""In the order in which they win: an attempt that one rule allows and another blocks is allowed. `challenge` asks the
customer to prove who it is (3-D Secure)."""

OF_LISTS: dict[str, tuple[Action, str]] = {
    "allow list": ("allow", "listed_allow"),
    "block list": ("block", "listed_block"),
    "watch list": ("review", "listed_watch"),
}
"""Lists act as rules of these names do."""


@dataclass(frozen=True)
class FraudRule:
    """One version of a rule.

    Attributes
    ----------
    rule : as it was written.
    action : what to do with an attempt for which it is true.
    note : what it is for, in words of whoever wrote it; may be empty.
    version : from 1.
    created : when this version was.
    """

    name: str
    rule: str
    action: Action
    note: str
    version: int
    created: datetime


class State(NamedTuple):
    """Which versions of a rule act (`live`) and which are only counted (`shadow`), since when; None for none."""

    live: int | None
    shadow: int | None
    since: datetime


class Standing(NamedTuple):
    """A rule as it is asked: its name, what it does, what it says, and whether it acts or is only counted."""

    name: str
    action: Action
    rule: Rule
    is_live: bool = True


class FraudRules:
    """The rules of a shop. A new rule, or a new version of one, begins in shadow: counted and not acted on.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from regulars import Shop
    >>> from regulars.fraud.rule.columns import vocabulary
    >>> rules = FraudRules(Shop.create(Path(tempfile.mkdtemp()) / "teashop"))
    >>> rules.add("dear", "amount > 220", "block", vocabulary()).version, rules.state("dear")[:2]
    (1, (None, 1))
    >>> rules.live("dear")[:2], rules.add("dear", "amount > 250", "block", vocabulary()).version
    ((1, None), 2)
    >>> rules.state("dear")[:2], rules.off("dear")[:2]
    ((1, 2), (None, None))
    """

    def __init__(self, shop: Shop) -> None:
        folder = shop.folder / "fraud"
        self._saved = Saved(folder / "rules", "fraud rule", "regulars fraud rule add {name} RULE")
        self._states = Saved(folder / "states", "state of a fraud rule", "regulars fraud rule shadow {name}")

    def names(self) -> list[str]:
        """The names there are, in order."""
        return self._saved.names()

    def get(self, name: str, version: int | None = None) -> FraudRule:
        """A version (default: the newest).

        Raises
        ------
        NotFoundError
            Naming those that there are.
        CorruptLogError
            If the file is not what was saved.
        """
        return self._rule(self._saved.get(name, version))

    def history(self, name: str) -> list[FraudRule]:
        """All versions, the newest first; NotFoundError if there is none."""
        return [self._rule(version) for version in self._saved.history(name)]

    def state(self, name: str) -> State:
        """Which of its versions act; NotFoundError if there is no such rule."""
        name = self.get(name).name
        try:
            return self._state(self._states.get(name))
        except NotFoundError:  # a power cut between the rule and its state
            return State(None, self.get(name).version, self.get(name).created)

    def states(self, name: str) -> list[State]:
        """All its states, the newest first: what was live when."""
        return [self._state(version) for version in self._states.history(self.get(name).name)]

    def add(self, name: str, rule: str, action: str, vocabulary: Vocabulary, note: str | None = None) -> FraudRule:
        """Keep a rule under a name, as a new version if the name is taken, in shadow. What is live stays live.

        The same rule again is no new version, and changes no state.

        Parameters
        ----------
        vocabulary : what it may speak of; see `columns.vocabulary`.
        note : None for that of the version before.

        Raises
        ------
        InputError
            If the name cannot be one, or there is no such action.
        RuleError
            If the rule cannot be read.
        """
        name = self._saved.check(name)
        if name.casefold() in OF_LISTS:
            raise InputError(f'"{name}" is the name of a list. Choose another.')
        if action not in ACTIONS:
            raise InputError(f'There is no action "{action}".{instead(action, ACTIONS)}.')
        Rule.of(rule, vocabulary)
        before = self._saved.numbers(name)[-1] if name in self.names() else 0

        def make(newest: Record | None) -> Record:
            said = (newest["note"] if newest else "") if note is None else note
            if newest and (newest["rule"], newest["action"], newest["note"]) == (rule, action, said):
                return newest
            return {"rule": rule, "action": action, "note": said, "created": str(clock.now())}

        made = self._rule(self._saved.save(name, make))
        if made.version > before:
            self._change(name, lambda state: (state.live if state else None, made.version))
        return made

    def live(self, name: str, version: int | None = None) -> State:
        """Let a version act (default: the newest); the one that acted before it stops."""
        chosen = self.get(name, version)

        def change(state: State | None) -> tuple[int | None, int | None]:
            counted = state.shadow if state and state.shadow != chosen.version else None
            return chosen.version, counted

        return self._change(chosen.name, change)

    def shadow(self, name: str, version: int | None = None) -> State:
        """Only count a version (default: the newest); none acts."""
        chosen = self.get(name, version)
        return self._change(chosen.name, lambda state: (None, chosen.version))

    def off(self, name: str) -> State:
        """Neither act on a rule nor count it."""
        return self._change(self.get(name).name, lambda state: (None, None))

    def standing(self, vocabulary: Vocabulary) -> list[Standing]:
        """All that is asked of attempts, live and in shadow, lists among them.

        Raises
        ------
        ConfigError
            If a rule speaks of what is no more, such as a property that no attempt has; naming the rule.
        """
        found = [Standing(name, action, Rule.of(text, vocabulary)) for name, (action, text) in OF_LISTS.items()]
        for name in self.names():
            state = self.state(name)
            for version, is_live in ((state.live, True), (state.shadow, False)):
                if version is not None:
                    rule = self.get(name, version)
                    found.append(Standing(name, rule.action, _readable(rule, vocabulary), is_live))
        return found

    def _change(self, name: str, change: Callable[[State | None], tuple[int | None, int | None]]) -> State:
        def make(record: Record | None) -> Record:
            live, shadow = change(_read(record) if record else None)
            if record and (record["live"], record["shadow"]) == (live, shadow):
                return record
            return {"live": live, "shadow": shadow, "since": str(clock.now())}

        return self._state(self._states.save(name, make))

    def _rule(self, version: Version) -> FraudRule:
        record = version.record
        try:
            created = datetime.fromisoformat(record["created"])
            return FraudRule(version.name, record["rule"], record["action"], record["note"], version.number, created)
        except (ValueError, KeyError) as error:
            raise self._saved.damaged(version.name, version.number, error) from None

    def _state(self, version: Version) -> State:
        try:
            return _read(version.record)
        except (ValueError, KeyError) as error:
            raise self._states.damaged(version.name, version.number, error) from None


def _read(record: Record) -> State:
    since: Any = record["since"]
    return State(record["live"], record["shadow"], datetime.fromisoformat(since))


def _readable(rule: FraudRule, vocabulary: Vocabulary) -> Rule:
    try:
        return Rule.of(rule.rule, vocabulary)
    except RuleError as error:
        raise ConfigError(
            f'The fraud rule "{rule.name}", version {rule.version}, can no longer be asked: {error}\n'
            f"Write it anew, or: regulars fraud rule off {rule.name!r}"
        ) from None
