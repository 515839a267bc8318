"""From a question in words to a plan: by the template that means the same, or by a language model under the grammar."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.language.ask.chart import DIMENSIONS, MEASURES, Chart
from regulars.language.ask.known import FIELDS, Known
from regulars.language.ask.plan import Segment, read_plan
from regulars.language.ask.slots import Named, named
from regulars.language.ask.templates import Template, templates
from regulars.language.embedding import embed
from regulars.language.errors import LanguageError
from regulars.language.model import LanguageModel, Part
from regulars.language.search.lexical import Lexical
from regulars.language.text import clean

LEAST = 0.62
"""A question that is less like every template is not understood."""
WORDS = 0.3
"""What words in common weigh beside meaning."""


class NotUnderstoodError(InputError):
    """No template means what was asked, and no language model helped; the message shows what can be asked."""


@dataclass(frozen=True)
class Understood:
    """What a question was taken to mean. Nothing has run yet: show `said`, then run the plan.

    Attributes
    ----------
    plan : a segment's rule, or a chart.
    how : "template" or "model".
    """

    plan: Segment | Chart
    how: str

    @property
    def said(self) -> str:
        """The plan as its line, which `read_plan` reads."""
        return f"{'segment' if isinstance(self.plan, Segment) else 'chart'}: {self.plan}"


def understand(question: str, known: Known, model: LanguageModel | None = None) -> Understood:
    """What a question means.

    Parameters
    ----------
    question : English or Chinese.
    known : what it can be about.
    model : asked first, where there is one; templates answer where it does not.

    Raises
    ------
    NotUnderstoodError
        With what can be asked.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from regulars.rules import Vocabulary
    >>> known = Known(Vocabulary({}), datetime(2024, 5, 1, tzinfo=UTC), {"category": ["Tea"]})
    >>> understand("how did our sales develop month by month?", known).said
    'chart: revenue by month'
    >>> understand("过去30天卖得最好的5个商品", known).said
    'chart: pieces by product last 30 days top 5'
    """
    asked = clean(question, 1_000).strip()
    if model is not None and asked:
        try:
            return _by_model(asked, known, model)
        except (LanguageError, InputError):
            pass  # templates may still know
    found = _by_template(asked, known) if asked else None
    if found is None:
        raise NotUnderstoodError(
            f'"{asked[:80]}" is not understood. Ask such as "customers who have not ordered for 90 days", "who bought '
            'X but not Y", "revenue by month", "our best sellers of the last 30 days"; or write the plan: '
            '"segment: RULE" or "chart: MEASURE by DIMENSION".'
        )
    return Understood(found, "template")


def _by_template(question: str, known: Known) -> Segment | Chart | None:
    said = named(question, known.values)
    vectors, owners, lexical = _phrases()
    scores = vectors @ embed([said.text])[0] + WORDS * lexical.scores(said.text)
    for place in np.argsort(-scores)[:40]:
        if scores[place] < LEAST:
            return None
        template = templates()[owners[place]]
        line = _filled(template, said)
        if line is None:
            continue
        try:
            return read_plan(line, known.vocabulary)
        except InputError:
            continue  # it speaks of a column that this shop has not
    return None


@cache
def _phrases() -> tuple[npt.NDArray[np.float32], list[int], Lexical]:
    phrases = [(phrase, number) for number, template in enumerate(templates()) for phrase in template.phrases]
    lexical = Lexical()
    lexical.add([phrase for phrase, _ in phrases])
    return embed([phrase for phrase, _ in phrases]), [number for _, number in phrases], lexical


def _filled(template: Template, said: Named) -> str | None:
    """The plan of a template with what a question names; None if one of them needs what the other lacks."""
    if not set(said.slots) <= template.slots or not template.slots <= {*said.slots, *template.defaults}:
        return None
    if said.period and said.period != template.period:
        return None
    values = {**template.defaults, **said.slots}
    if template.plan.startswith("chart:") and values.get("days"):
        values["days"] = f" last {values['days']} days"
    return template.plan.format(**values)


def _by_model(question: str, known: Known, model: LanguageModel) -> Understood:
    columns = {name: column.meaning for name, column in known.vocabulary.columns.items()}
    facts = {
        "columns of customers": columns,
        "events": dict(known.vocabulary.events.words) or dict(known.vocabulary.events.types),
        "fields of events": {name: column.meaning for name, column in FIELDS.items()},
        "measures": {name: measure.meaning for name, measure in MEASURES.items()},
        "dimensions": DIMENSIONS,
        "values": {name: list(values[:100]) for name, values in known.values.items()},
        "today": f"{known.as_of:%Y-%m-%d}",
    }
    parts = [Part("question", question), Part("facts", facts)]
    answer = model.ask(GRAMMAR, parts, schema=SCHEMA)
    try:
        return Understood(read_plan(answer.value["plan"], known.vocabulary), "model")
    except InputError as error:
        again = Part("facts", {"your plan": answer.value["plan"], "what is wrong with it": str(error)[:1_000]})
        answer = model.ask(GRAMMAR, [*parts, again], schema=SCHEMA)
        return Understood(read_plan(answer.value["plan"], known.vocabulary), "model")


SCHEMA = {
    "type": "object",
    "properties": {"plan": {"type": "string", "maxLength": 2000}},
    "required": ["plan"],
    "additionalProperties": False,
}

GRAMMAR = """\
Say what a question about a shop means, as one line: a plan. The question and all that there is stand in the data.
Customers that are meant:
  segment: RULE
A number, or numbers by something:
  chart: MEASURE [by DIMENSION] [last N days] [since YYYY-MM-DD] [before YYYY-MM-DD] [top N] [where RULE]
A rule of a chart speaks of the fields of an event: category = 'tea' and price > 5.
A rule of a segment speaks of the columns of customers, and of events: orders >= 2 and last_order > 60 days;
'tea' in categories; did viewed where category = 'tea' within 30 days; count(ordered) >= 3 within 90 days;
sum(spend) > 100 within 30 days. Use and, or, not, in (...), between, is null. Texts stand in single quotes.
Use only columns, events, fields, measures, dimensions and values that there are. If the question means nothing of this,
the plan is "none"."""
