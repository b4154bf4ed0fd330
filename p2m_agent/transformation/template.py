"""Templates that a language model wrote, run where they can do nothing but shape the text of one row.

Jinja2's immutable sandbox keeps templates from changing or reaching objects; what it does not limit is limited here:
only the syntax in `_SYNTAX` is taken, loops do not nest, nothing is assigned, attributes are not looked up on values,
and every step stops at `LONGEST` characters. Time is bounded by that, without a clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from jinja2 import StrictUndefined, TemplateError, Undefined, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS

from p2m_agent.rows.column_profile import text_of

LONGEST_TEMPLATE = 2_000
"""Characters."""
MOST_NODES = 200
"""Parts of a parsed template."""
DEEPEST = 25
"""Levels of its syntax tree."""
LONGEST = 20_000
"""Characters of any text on the way, and of the result."""

_SYNTAX: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict,
    nodes.Pair, nodes.Filter, nodes.Test, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Call, nodes.CondExpr,
    nodes.If, nodes.For, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Add, nodes.Sub,
    nodes.Concat, nodes.Keyword,
)  # fmt: skip
"""Neither assignments nor products: with either, a short template makes a text of any size."""
_METHODS = frozenset(
    ("strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "split", "rsplit", "splitlines", "partition",
     "rpartition", "startswith", "endswith", "removeprefix", "removesuffix", "replace", "join", "get")
)  # fmt: skip
_FILTERS = (
    "trim", "lower", "upper", "title", "capitalize", "first", "last", "default", "d", "length", "count", "string",
    "int", "float", "round", "sort", "unique", "reverse", "list",
)  # fmt: skip
_TESTS = ("defined", "undefined", "none", "string", "number", "sequence", "in", "equalto", "eq", "==", "ne", "!=")
_FAULTS = (
    TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError, NameError,
)  # fmt: skip
"""What a template may raise on a row that it does not suit."""


class TemplateFault(Exception):
    """A template that is not taken, or does not suit a row; the message says why."""

    def __init__(self, message: str, evidence: str = "") -> None:
        """Take the reason, and what rows show of it: their text, which is data to whoever reads it."""
        super().__init__(message)
        self.evidence = evidence


class RowTemplate:
    """One compiled template, from a row to a text."""

    def __init__(self, source: str, columns: Iterable[str]) -> None:
        """Parse, check and compile.

        Args:
            source: Jinja2; the row is `row`, its columns are `row["name"]`.
            columns: names that it may read.

        Raises:
            TemplateFault: it is no template, or holds what none may.
        """
        self.source = source
        if len(source) > LONGEST_TEMPLATE:
            raise TemplateFault(f"it is longer than {LONGEST_TEMPLATE} characters")
        environment = _Sandbox(undefined=StrictUndefined, finalize=_only_data, trim_blocks=True, lstrip_blocks=True)
        environment.globals.clear()
        environment.filters = {**{name: _capped(FILTERS[name]) for name in _FILTERS}, **_OWN_FILTERS}
        environment.tests = {name: TESTS[name] for name in _TESTS}
        try:
            _check(environment.parse(source), frozenset(columns))
            self._template = environment.from_string(source)
        except TemplateFault:
            raise
        except (*_FAULTS, SyntaxError, MemoryError) as error:
            raise TemplateFault(_said(error)) from error

    def render(self, row: Mapping[str, object]) -> str:
        """The text for a row, without space around it.

        Raises:
            TemplateFault: the row lacks what it reads, or the text gets too long.
        """
        pieces: list[str] = []
        length = 0
        try:
            for piece in self._template.generate(row=dict(row)):
                length += len(piece)
                _within(length)
                pieces.append(piece)
        except _FAULTS as error:
            raise TemplateFault(_said(error)) from error
        return "".join(pieces).strip()


class _Sandbox(ImmutableSandboxedEnvironment):
    """Looks values up by key alone: an attribute is found on nothing but the loop and as a method that is listed."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and (attribute in obj or attribute != "get"):
            return self.getitem(obj, attribute)
        if isinstance(obj, LoopContext) and attribute in ("index", "index0", "first", "last", "length"):
            return getattr(obj, attribute)
        if isinstance(obj, str | Mapping) and attribute in _METHODS:
            return getattr(obj, attribute)
        if isinstance(obj, Undefined):
            return obj[attribute]
        raise SecurityError(f"{attribute!r} is not to be had of a {type(obj).__name__}")

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Mapping | str | list | tuple):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                return self.undefined(obj=obj, name=argument)
        if isinstance(obj, Undefined):
            return obj[argument]
        raise SecurityError(f"a {type(obj).__name__} has no parts")

    def call(self, _context: Any, method: Any, *args: Any, **_kwargs: Any) -> Any:
        name, owner = getattr(method, "__name__", ""), getattr(method, "__self__", None)
        if name not in _METHODS or not isinstance(owner, str | dict):
            raise SecurityError("nothing but the methods of texts can be called")
        if name == "replace":
            return _replace(owner, *args)
        return _join(args[0], str(owner)) if name == "join" else _within_value(method(*args))


def _check(tree: nodes.Template, columns: frozenset[str]) -> None:
    """Refuse what a template has no need of, before anything runs."""
    every = list(tree.find_all(nodes.Node))
    if len(every) > MOST_NODES or _depth(tree) > DEEPEST:
        raise TemplateFault("it is too long or too deeply nested")
    for fault in filter(None, (_fault_of(node, columns) for node in every)):
        raise TemplateFault(fault)
    unknown = sorted(meta.find_undeclared_variables(tree) - {"row"})
    if unknown:
        raise TemplateFault(f'there is no {unknown[0]!r}: a column is read as row["name"]')
    missing = sorted(name for name in map(_column_read, every) if name is not None and name not in columns)
    if missing:
        raise TemplateFault(f"there is no column {missing[0]!r}")


def _fault_of(node: nodes.Node, columns: frozenset[str]) -> str | None:
    if not isinstance(node, _SYNTAX):
        return f"it may not use {type(node).__name__}"
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_") and node.attr not in columns:
        return f"it may not look at {node.attr!r}"
    if isinstance(node, nodes.Call) and (node.kwargs or node.dyn_args or node.dyn_kwargs):
        return "its calls may have plain arguments only"
    nested = isinstance(node, nodes.For) and (node.recursive or next(node.find_all(nodes.For), None))
    return "its loops may not be nested" if nested else None


def _column_read(node: nodes.Node) -> str | None:
    """The column that `row["name"]` or `row.name` reads."""
    if not isinstance(node, nodes.Getitem | nodes.Getattr):
        return None
    if not isinstance(node.node, nodes.Name) or node.node.name != "row":
        return None
    if isinstance(node, nodes.Getattr):
        return None if node.attr == "get" else node.attr
    return str(node.arg.value) if isinstance(node.arg, nodes.Const) else None


def _depth(node: nodes.Node) -> int:
    deepest, level = 0, [node]
    while level:
        deepest, level = deepest + 1, [child for each in level for child in each.iter_child_nodes()]
    return deepest


def _only_data(value: object) -> object:
    """What may be printed: texts, numbers and lists of them, as the import reads them; never an object."""
    if isinstance(value, Undefined):
        return value  # printing it raises, with the name
    if value is None or isinstance(value, str | int | float | bool):
        return text_of(value) if not isinstance(value, str) else value
    if isinstance(value, list | tuple):
        return text_of(value)
    raise SecurityError(f"a {type(value).__name__} is no text")


def _within(length: int) -> None:
    if length > LONGEST:
        raise TemplateFault(f"it makes more than {LONGEST:,} characters")


def _within_value(value: Any) -> Any:
    if isinstance(value, str | list | tuple):
        _within(len(value))
    return value


def _capped(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja's whose result is measured; those that are listed at most double what they get."""
    from functools import wraps

    @wraps(function)
    def measured(*args: Any, **kwargs: Any) -> Any:
        made = function(*args, **kwargs)
        lazy = isinstance(made, Iterable) and not isinstance(made, str | list | Undefined)
        return _within_value(list(made) if lazy else made)

    return measured


def _replace(value: object, old: str, new: str, count: int = -1) -> str:
    text = str(value)
    _within(len(text) + max(0, len(new) - len(old)) * (text.count(old) + 1))
    return text.replace(old, new, count)


def _join(values: Iterable[object], between: str = "") -> str:
    texts = [text_of(value) for value in values]
    _within(sum(map(len, texts)) + len(str(between)) * len(texts))
    return str(between).join(texts)


def _split(text: str, *args: Any) -> list[str]:
    return str(text).split(*args)


def _as_json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=_no_object)
    _within(len(text))
    return text


def _no_object(value: object) -> NoReturn:
    raise SecurityError(f"a {type(value).__name__} is no text")


_OWN_FILTERS: dict[str, Callable[..., Any]] = {
    "replace": _replace,
    "join": _join,
    "split": _split,
    "tojson": _as_json,
}


def _said(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
