"""Answers in a form that was asked for: JSON of a schema, found in what a model wrote, and checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from regulars.language.errors import AnswerError
from regulars.language.text import clean

Schema = Mapping[str, Any]

DEEPEST = 50
"""Lists and objects in each other; no schema asks for so many."""

_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n\s*```", re.DOTALL)


def read_answer(text: str, schema: Schema) -> Any:
    """The value that an answer holds, checked, its texts without signs that nobody sees.

    Parameters
    ----------
    text : JSON, alone, in a fence of Markdown, or with words around it.
    schema : JSON schema, 2020-12.

    Raises
    ------
    AnswerError
        If there is none, or it is none of the schema; the message says what is wrong, so that a model can mend it.

    Examples
    --------
    >>> schema = {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"]}
    >>> read_answer('Here it is:\\n```json\\n{"sure": true}\\n```', schema)
    {'sure': True}
    >>> read_answer('{"sure": "yes"}', schema)
    Traceback (most recent call last):
    regulars.language.errors.AnswerError: the answer's sure: 'yes' is not of type 'boolean'
    """
    return _checked(_found(text), schema)


def read_begun(text: str, schema: Schema) -> Any:
    """The value of an answer that is still being written, with those entries of its list that are whole.

    Parameters
    ----------
    text : JSON of an object whose last field is a list of flat objects, cut anywhere.
    schema : as of `read_answer`.

    Returns
    -------
    None where nothing that fits the schema is there yet.

    Examples
    --------
    >>> schema = {"type": "object", "properties": {"said": {"type": "array"}}, "required": ["said"]}
    >>> read_begun('{"said": [{"text": "Yes."}, {"text": "And }', schema)
    >>> read_begun('{"said": [{"text": "Yes."}, {"text": "And', schema)
    {'said': [{'text': 'Yes.'}]}
    """
    # Where the last bracket is one of a text, closing the rest behind it gives no JSON.
    begun = text[max(text.find("{"), 0) : text.rfind("}") + 1]
    try:
        return _checked(json.loads(f"{begun}]}}", parse_constant=_refused), schema)
    except (ValueError, RecursionError, AnswerError):
        return None


def _checked(value: Any, schema: Schema) -> Any:
    # Cleaned here and not before: JSON writes any sign as others, "\\u200b" or half of a pair.
    value = _cleaned(value, DEEPEST)
    wrong = best_match(Draft202012Validator(schema).iter_errors(value))
    if wrong is not None:
        place = "'s " + ".".join(map(str, wrong.absolute_path)) if wrong.absolute_path else ""
        raise AnswerError(f"the answer{place}: {wrong.message[:300]}")
    return value


def _found(text: str) -> Any:
    fenced = _FENCED.search(text)
    first, last = text.find("{"), text.rfind("}")
    for candidate in (text, fenced[1] if fenced else "", text[first : last + 1] if 0 <= first < last else ""):
        try:
            if candidate.strip():
                return json.loads(candidate, parse_constant=_refused)
        except (ValueError, RecursionError):
            continue
    raise AnswerError("the answer is no JSON")


def _cleaned(value: Any, deep: int) -> Any:
    if not deep:
        raise AnswerError("the answer is nested too deep")
    if isinstance(value, str):
        return clean(value, len(value))
    if isinstance(value, list):
        return [_cleaned(each, deep - 1) for each in value]
    if isinstance(value, dict):
        return {clean(key, len(key)): _cleaned(each, deep - 1) for key, each in value.items()}
    return value


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
