"""Templates of messages: Jinja in a sandbox that is smaller than Jinja's own.

A template may say fields, ask for them by `if`, go over a list by `for`, and use a few filters; it can neither call nor
reach anything else. So its time is bounded by its length, and its output by `LONGEST_OUTPUT`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from regulars.errors import ConfigError
from regulars.rules.vocabulary import instead

FIELDS: dict[str, tuple[str, ...]] = {
    "customer": ("id", "name", "language", "city", "country"),
    "shop": ("name", "currency"),
    "product": ("id", "title", "category", "brand", "price", "price_before"),
    "coupon": ("code", "worth", "expires", "minimum"),
    "unsubscribe_url": (),
}
"""What a template may say. `products` is a list of at most five, each with the fields of product."""
LISTS = {"products": "product"}
LONGEST_SOURCE, LONGEST_OUTPUT, MOST_PRODUCTS = 50_000, 100_000, 5
FILTERS = ("upper", "lower", "title", "capitalize", "trim", "default", "length", "first", "last", "round", "truncate")

_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Const, nodes.If, nodes.For,
    nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.Filter, nodes.Test,
    nodes.Neg, nodes.Keyword,
)  # fmt: skip
_TESTS = ("defined", "none", "undefined")


class TemplateProblem(ConfigError):
    """A template cannot be used; `line` is where, from 1."""

    def __init__(self, line: int, said: str) -> None:
        self.line, self.said = line, said
        super().__init__(f"line {line} of the text: {said}")


class UnknownValueError(ConfigError):
    """What a template says is not known of this customer: nothing is sent rather than a gap."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Values are plain texts, numbers and mappings of them; of those only fields can be read."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return isinstance(obj, Mapping) and not attr.startswith("_")

    def is_safe_callable(self, obj: Any) -> bool:
        return False

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return self.undefined(obj=obj, name=attribute)


def _told(value: Any) -> Any:
    if value is None:
        raise UnknownValueError
    return value


def _sandbox() -> _Sandbox:
    made = _Sandbox(undefined=StrictUndefined, finalize=_told, autoescape=False, keep_trailing_newline=True)
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.tests = {name: made.tests[name] for name in _TESTS}
    return made


_ENVIRONMENT = _sandbox()


def problems(source: str) -> Iterator[TemplateProblem]:
    """What is wrong with a template: what it may not do, and fields that there are not.

    >>> [str(problem) for problem in problems("Hello {{ customer.nme }}")]
    ['line 1 of the text: there is no field "customer.nme". Did you mean "name"? There are: city, country, id, ...']
    >>> next(problems("{{ ''.__class__ }}")).said
    'there is no field "__class__" of this. A field is such as customer.name.'
    """
    if len(source) > LONGEST_SOURCE:
        yield TemplateProblem(1, f"it has {len(source):,} characters; at most {LONGEST_SOURCE:,} are read.")
        return
    try:
        found = list(_wrong(_ENVIRONMENT.parse(source), {}, 0))
    except TemplateError as error:
        # Filters and tests that there are not are found when it is parsed or compiled, by the version of Jinja.
        yield TemplateProblem(getattr(error, "lineno", None) or 1, f"it cannot be read: {error}.")
        return
    except RecursionError:
        yield TemplateProblem(1, "it is nested too deep to be read. Use fewer brackets inside each other.")
        return
    yield from found


def _wrong(node: nodes.Node, lists: Mapping[str, str], depth: int) -> Iterator[TemplateProblem]:
    if not isinstance(node, _ALLOWED):
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).lower()
        said = f"a template may not do this ({kind}). It may say fields, and use if, for and filters."
        yield TemplateProblem(node.lineno or 1, said)
        return
    if isinstance(node, nodes.For):
        over = node.iter.name if isinstance(node.iter, nodes.Name) else ""
        if over not in LISTS or depth or not isinstance(node.target, nodes.Name) or node.test or node.recursive:
            said = f"for goes over one of {', '.join(LISTS)}, not inside another for: for product in products."
            yield TemplateProblem(node.lineno, said)
            return
        inside = {**lists, node.target.name: LISTS[over]}
        for part in (*node.body, *node.else_):
            yield from _wrong(part, inside, depth + 1)
        return
    if isinstance(node, nodes.Getattr):
        yield from _of_field(node, lists)
        return
    if isinstance(node, nodes.Name):
        if FIELDS.get(node.name) != () and node.name not in LISTS:
            there = [f"{name}.{one}" if one else name for name, of in FIELDS.items() for one in of or ("",)]
            yield TemplateProblem(node.lineno, f'there is no field "{node.name}".{instead(node.name, there)}.')
        return
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        yield TemplateProblem(node.lineno, f'there is no filter "{node.name}".{instead(node.name, FILTERS)}.')
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        yield TemplateProblem(node.lineno, f'there is no test "{node.name}".{instead(node.name, _TESTS)}.')
    for child in node.iter_child_nodes():
        yield from _wrong(child, lists, depth)


def _of_field(node: nodes.Getattr, lists: Mapping[str, str]) -> Iterator[TemplateProblem]:
    if not isinstance(node.node, nodes.Name):
        said = f'there is no field "{node.attr}" of this. A field is such as customer.name.'
        yield TemplateProblem(node.lineno, said)
        return
    owner = node.node.name
    known = FIELDS.get(lists.get(owner, owner), ())
    if node.attr not in known:
        there = instead(node.attr, known) if known else instead(owner, [name for name in FIELDS if FIELDS[name]])
        yield TemplateProblem(node.lineno, f'there is no field "{owner}.{node.attr}".{there}.')


def fields(source: str) -> frozenset[str]:
    """What a template says, such as {"customer.name", "coupon.code"}; lists by their own name.

    >>> sorted(fields("{{ customer.name or 'you' }}{% for p in products %}{{ p.title }}{% endfor %}"))
    ['customer.name', 'product.title', 'products']
    """
    tree = _ENVIRONMENT.parse(source)
    over = {
        loop.target.name: LISTS[loop.iter.name]
        for loop in tree.find_all(nodes.For)
        if isinstance(loop.target, nodes.Name) and isinstance(loop.iter, nodes.Name)
    }
    found = {name.name for name in tree.find_all(nodes.Name) if not FIELDS.get(name.name, ()) and name.name not in over}
    for node in tree.find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name):
            found.add(f"{over.get(node.node.name, node.node.name)}.{node.attr}")
    return frozenset(found)


@lru_cache(maxsize=512)
def _compiled(source: str) -> Callable[..., Iterator[str]]:
    for problem in problems(source):
        raise problem
    return _ENVIRONMENT.from_string(source).generate


def render(source: str, values: Mapping[str, Any]) -> str:
    """The text of a template for one customer.

    Parameters
    ----------
    values : of `FIELDS`: mappings of texts; None is what is not known.

    Raises
    ------
    TemplateProblem
        If the template may not be used, or its text grows too long.
    UnknownValueError
        If it says what is not known: write `{{ customer.name or "you" }}` where that may be.

    Examples
    --------
    >>> render("你好，{{ customer.name or '朋友' }}！", {"customer": {"name": None}})
    '你好，朋友！'
    """
    parts, length = [], 0
    try:
        for part in _compiled(source)(**values):
            parts.append(part)
            length += len(part)
            if length > LONGEST_OUTPUT:
                raise TemplateProblem(1, f"its text is longer than {LONGEST_OUTPUT:,} characters.")
    except UnknownValueError:
        missing = ", ".join(_missing(source, values)) or "something that it says"
        raise UnknownValueError(f"{missing} is not known of this customer") from None
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise UnknownValueError(f"its text cannot be made: {error}") from None
    return "".join(parts)


def _missing(source: str, values: Mapping[str, Any]) -> list[str]:
    """The fields of a template that are not known."""
    said = (name.partition(".") for name in sorted(fields(source)))
    return [f"{owner}.{name}" for owner, _, name in said if name and (values.get(owner) or {}).get(name) is None]
