"""The experiments of a shop: written, started, ramped, stopped, decided. Each change is one transaction, with its line
in the history.
"""

from __future__ import annotations

import getpass
import secrets
import unicodedata
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from regulars import clock
from regulars.errors import InputError, NotFoundError, ShopError
from regulars.experiment.assign import Arm, Holdout
from regulars.experiment.registry.experiment import UNIT, Change, Design, Experiment, checked_name, checked_text
from regulars.experiment.registry.tables import changes, experiments, holdouts, prepare
from regulars.state import State

ALONE = "experiments"
"""Changes run one at a time: whether a range of a layer is free is asked and taken at once."""


class StartedError(ShopError):
    """An experiment is not in the state that a change needs: its arms are fixed once it has started."""


class Experiments:
    """The experiments of a shop.

    Parameters
    ----------
    state : the shop's.
    who : in whose name changes are written down; default: the name of the account that runs this.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> known = Experiments(State.open(Path(tempfile.mkdtemp())), who="mei")
    >>> made = known.create("spring", Design({"control": 1, "blue": 1}, primary_metric="revenue"))
    >>> known.start("spring", share=0.05).status, known.ramp("spring", 0.5).share
    ('running', 0.5)
    >>> [change.what for change in known.history("spring")]
    ['created', 'started', 'ramped']
    """

    def __init__(self, state: State, who: str | None = None) -> None:
        self._state = prepare(state)
        self._who = checked_text(who if who is not None else _account())

    def names(self) -> list[str]:
        """The names there are, in order."""
        with self._state.read() as view:
            return list(view.execute(sa.select(experiments.c.name).order_by(experiments.c.name)).scalars())

    def all(self) -> list[Experiment]:
        """All of them, by name."""
        with self._state.read() as view:
            return [_experiment(row) for row in view.execute(sa.select(experiments).order_by(experiments.c.name))]

    def get(self, name: str) -> Experiment:
        """One of them; NotFoundError, naming those there are, if there is none."""
        with self._state.read() as view:
            return _experiment(self._row(view, name))

    def history(self, name: str) -> list[Change]:
        """All changes of one, the first first; NotFoundError if there is none."""
        with self._state.read() as view:
            own = changes.c.experiment_id == self._row(view, name).id
            rows = view.execute(sa.select(changes).where(own).order_by(changes.c.id)).all()
        return [Change(row.at, row.who, row.what, row.about) for row in rows]

    def create(self, name: str, design: Design) -> Experiment:
        """Write down an experiment; it is a draft until it is started.

        Raises
        ------
        InputError
            If the name cannot be one.
        ShopError
            If there is one of this name, or its range meets another's of the layer.
        """
        name = checked_name("an experiment", name)
        with self._state.write(alone=ALONE) as change:
            taken = change.execute(sa.select(experiments.c.name)).scalars()
            if like := [other for other in taken if other.casefold() == name.casefold()]:
                raise ShopError(f'There is an experiment "{like[0]}" already. Choose another name.')
            _refuse_overlap(change, name, design.layer, design.low, design.high)
            kept = {"unit": UNIT, "status": "draft", "share": 0.0, "generation": 1, "created_at": clock.now()}
            row = {"name": name, **_columns(design), **kept, "salt": secrets.token_hex(8)}
            change.execute(sa.insert(experiments).values(row))
            self._note(change, name, "created", _columns(design))
        return self.get(name)

    def rewrite(self, name: str, design: Design) -> Experiment:
        """Give a draft another design.

        Raises
        ------
        NotFoundError
            If there is no such experiment.
        StartedError
            If it has started.
        ShopError
            If its range meets another's of the layer.
        """
        with self._state.write(alone=ALONE) as change:
            row = self._row(change, name)
            if row.status != "draft":
                raise StartedError(
                    f'experiment "{row.name}" has started; its arms can no longer change. {_way_out(row)}'
                )
            _refuse_overlap(change, row.name, design.layer, design.low, design.high)
            self._set(change, row, "rewritten", _columns(design))
        return self.get(name)

    def start(self, name: str, share: float = 1.0) -> Experiment:
        """Begin to assign, to a share of the customers in its range.

        Raises
        ------
        NotFoundError
            If there is no such experiment.
        InputError
            If the share is none.
        StartedError
            If it is no draft.
        """
        _check_share(share)
        with self._state.write(alone=ALONE) as change:
            row = self._row(change, name)
            if row.status != "draft":
                raise StartedError(f'experiment "{row.name}" is {row.status}; only a draft can start. {_way_out(row)}')
            _refuse_overlap(change, row.name, row.layer, row.low, row.high)
            self._set(change, row, "started", {"status": "running", "share": share}, started_at=clock.now())
        return self.get(name)

    def ramp(self, name: str, share: float) -> Experiment:
        """Take more customers in: whoever is in stays, in the same arm.

        Raises
        ------
        NotFoundError
            If there is no such experiment.
        InputError
            If the share is none, or less than it is: those who would fall out have been treated.
        StartedError
            If it is not running.
        """
        _check_share(share)
        with self._state.write(alone=ALONE) as change:
            row = self._running(change, name, "ramped")
            if share < row.share:
                raise InputError(
                    f'experiment "{row.name}" has {row.share:g} of its customers; a share can only be raised, not to '
                    f"{share:g}: those who would fall out have been treated. To end it: regulars experiment stop "
                    f"{row.name!r}"
                )
            self._set(change, row, "ramped", {"share": share}, {"from": row.share})
        return self.get(name)

    def stop(self, name: str, reason: str = "") -> Experiment:
        """Assign nobody any more; its range of the layer is free again.

        Raises
        ------
        NotFoundError, StartedError
            If there is no such experiment, or it is not running.
        """
        with self._state.write(alone=ALONE) as change:
            row = self._running(change, name, "stopped")
            about = {"reason": checked_text(reason)} if reason else {}
            self._set(change, row, "stopped", {"status": "stopped"}, about, stopped_at=clock.now())
        return self.get(name)

    def decide(self, name: str, arm: str, reason: str, figures: Mapping[str, Any] | None = None) -> Experiment:
        """Keep the verdict on a stopped experiment, for ever.

        Parameters
        ----------
        arm : which one goes on.
        reason : in words.
        figures : what it rests on: plain values, such as an analysis gives.

        Raises
        ------
        NotFoundError
            If there is no such experiment, or no such arm.
        StartedError
            If it is not stopped, or decided already.
        """
        with self._state.write(alone=ALONE) as change:
            row = self._row(change, name)
            if row.status != "stopped":
                raise StartedError(f'experiment "{row.name}" is {row.status}; only a stopped one is decided.')
            names = [known for known, _ in row.arms]
            if arm not in names:
                raise NotFoundError(f'experiment "{row.name}" has no arm "{arm}". There are: {", ".join(names)}.')
            said = {"arm": arm, "reason": checked_text(reason), "by": self._who, "at": clock.now().isoformat()}
            verdict = {**said, "figures": dict(figures or {})}
            self._set(change, row, "decided", {"status": "decided", "verdict": verdict})
        return self.get(name)

    def reset(self, name: str) -> Experiment:
        """Make a stopped experiment a draft again that will deal all customers anew.

        What one arm has done to them is then spread over all arms alike.

        Raises
        ------
        NotFoundError
            If there is no such experiment.
        StartedError
            If it is not stopped; a decided one keeps its verdict.
        """
        with self._state.write(alone=ALONE) as change:
            row = self._row(change, name)
            if row.status != "stopped":
                hint = _way_out(row) if row.status in ("running", "decided") else "A draft has dealt nobody yet."
                raise StartedError(f'experiment "{row.name}" is {row.status}; only a stopped one is reset. {hint}')
            _refuse_overlap(change, row.name, row.layer, row.low, row.high)
            fresh = {"status": "draft", "share": 0.0, "generation": row.generation + 1}
            self._set(change, row, "reset", fresh, salt=secrets.token_hex(8), started_at=None, stopped_at=None)
        return self.get(name)

    @property
    def holdout(self) -> Holdout | None:
        """The shop's hold-out, if it has one."""
        with self._state.read() as view:
            row = view.execute(sa.select(holdouts)).one_or_none()
        return None if row is None else Holdout(row.share, row.salt)

    def hold_out(self, share: float) -> Holdout:
        """Hold a share of all customers out of every experiment, for ever.

        Raises
        ------
        InputError
            If the share is not between 0 and a half.
        ShopError
            If there is another hold-out already, or an experiment is running: it may have treated some of them.
        """
        if not 0 < share <= 0.5:
            raise InputError(
                f"a hold-out of {share:g}: a share above 0 and at most 0.5 is expected. For 5 %, write 0.05."
            )
        with self._state.write(alone=ALONE) as change:
            row = change.execute(sa.select(holdouts)).one_or_none()
            if row is not None and row.share != share:
                raise ShopError(
                    f"this shop holds out {row.share:g} of its customers since {row.set_at:%Y-%m-%d}, for ever: "
                    "whoever came in now would have been treated, and whoever went out could never come back."
                )
            if row is not None:
                return Holdout(row.share, row.salt)
            running = sa.select(experiments.c.name).where(experiments.c.status == "running")
            if names := list(change.execute(running).scalars()):
                raise ShopError(
                    f"{', '.join(names)}: running, and may have treated some of those to be held out. Stop first: "
                    f"regulars experiment stop {names[0]!r}"
                )
            made = Holdout(share, f"holdout/{secrets.token_hex(8)}")
            change.execute(sa.insert(holdouts).values(id=1, share=share, salt=made.salt, set_at=clock.now()))
        return made

    def _row(self, connection: sa.Connection, name: str) -> Any:
        name = unicodedata.normalize("NFC", name)
        row = connection.execute(sa.select(experiments).where(experiments.c.name == name)).one_or_none()
        if row is None:
            names = connection.execute(sa.select(experiments.c.name).order_by(experiments.c.name)).scalars().all()
            there = f"There are: {', '.join(names)}." if names else "Make one: regulars experiment create NAME"
            raise NotFoundError(f'There is no experiment "{name}". {there}')
        return row

    def _running(self, connection: sa.Connection, name: str, done: str) -> Any:
        row = self._row(connection, name)
        if row.status != "running":
            hint = f" Start it: regulars experiment start {row.name!r}" if row.status == "draft" else ""
            raise StartedError(f'experiment "{row.name}" is {row.status}; only a running one is {done}.{hint}')
        return row

    def _set(
        self,
        change: sa.Connection,
        row: Any,
        what: str,
        said: Mapping[str, Any],
        about: Mapping[str, Any] | None = None,
        **unsaid: Any,
    ) -> None:
        """Change some columns; what is said of it in the history are `said` and `about`."""
        change.execute(sa.update(experiments).where(experiments.c.id == row.id).values({**said, **unsaid}))
        self._note(change, row.name, what, {**said, **(about or {})})

    def _note(self, change: sa.Connection, name: str, what: str, about: Mapping[str, Any]) -> None:
        own = sa.select(experiments.c.id).where(experiments.c.name == name).scalar_subquery()
        values = {"experiment_id": own, "at": clock.now(), "who": self._who, "what": what, "about": about}
        change.execute(sa.insert(changes).values(values))


def _columns(design: Design) -> dict[str, Any]:
    return {
        "hypothesis": design.hypothesis,
        "arms": [[arm.name, arm.weight] for arm in design.shares],
        "layer": design.layer,
        "low": design.low,
        "high": design.high,
        "eligible": design.eligible,
        "primary_metric": design.primary_metric,
        "guardrails": list(design.guardrails),
        "planned_customers": design.planned_customers,
        "planned_days": design.planned_days,
    }


def _experiment(row: Any) -> Experiment:
    known = {name: value for name, value in row._mapping.items() if name != "id"}
    known["arms"] = tuple(Arm(*arm) for arm in known["arms"])
    known["guardrails"] = tuple(known["guardrails"])
    return Experiment(**known)


def _way_out(row: Any) -> str:
    if row.status == "running":
        return f"Stop it first: regulars experiment stop {row.name!r}"
    if row.status == "stopped":
        return f"Reset it first: regulars experiment reset {row.name!r}"
    return "It keeps its verdict; make another: regulars experiment create NAME"


def _check_share(share: float) -> None:
    if not 0 < share <= 1:
        raise InputError(f"a share of {share:g}: above 0 and at most 1 is expected. For 5 %, write 0.05.")


def _refuse_overlap(change: sa.Connection, name: str, layer: str, low: float, high: float) -> None:
    """ShopError if another experiment, one that is not over, has some of this range of a layer."""
    if not layer:
        return
    own = sa.and_(experiments.c.layer == layer, experiments.c.name != name)
    alive = (
        sa.select(experiments).where(own, experiments.c.status.in_(("draft", "running"))).order_by(experiments.c.low)
    )
    others = change.execute(alive).all()
    for other in others:
        if other.low < high and low < other.high:
            raise ShopError(
                f'the layer "{layer}" from {low:g} to {high:g}: experiment "{other.name}", {other.status}, has '
                f"{other.low:g} to {other.high:g}. {_free(others)}"
            )


def _free(taken: list[Any] | Any) -> str:
    at, gaps = 0.0, []
    for other in taken:
        if other.low > at:
            gaps.append(f"{at:g} to {other.low:g}")
        at = max(at, other.high)
    if at < 1:
        gaps.append(f"{at:g} to 1")
    return f"Free are: {', '.join(gaps)}." if gaps else "Nothing of it is free: stop one, or use another layer."


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a machine where nobody has a name, as in many containers
        return "unknown"
