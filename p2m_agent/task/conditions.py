"""Conditions in a request: read by a language model, checked against the person's words, and made fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from p2m_agent.errors import ToolError
from p2m_agent.languages import languages_of
from p2m_agent.prompting import render
from p2m_agent.task.condition_cues import CUES, PROOFS, Kind
from p2m_agent.types.answer_form import AnswerForm
from p2m_agent.types.task import Constraints, TaskSpec

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM

MOST = 6
"""Conditions read of one request."""
SMALL_MACHINES = {"phone": 200.0, "browser": 100.0, "raspberry": 500.0, "microcontroller": 10.0, "watch": 50.0}
"""Megabytes that a model may have where a request names such a machine but no size."""
_UNITS = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "billion": 1e9}
_NUMBER = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)
_FILLERS = re.compile(
    r"\b(?:an?|all|and|any|anything|are|as|be|by|data|do|dont|for|from|generated|in|is|it|kind|language|like|my|no|not|of"
    r"|off|on|only|or|our|please|posts?|rows?|sets?|sources?|take|texts?|that|the|them|these|this|to|train|training|use"
    r"|used|using|want|we|with|your)\b"
)
"""Words in a value that name nothing."""


class _ReadCondition(AnswerForm):
    """A condition as the model is asked for it."""

    words: str = Field(max_length=160)
    kind: Kind
    value: str = Field(max_length=60)


class _ReadConditions(AnswerForm):
    """Those of a request."""

    conditions: list[_ReadCondition] = Field(max_length=MOST)


class Condition(BaseModel):
    """One condition as a model read it."""

    model_config = ConfigDict(frozen=True)

    words: str
    """The person's."""
    kind: Kind
    value: str = ""


def read_conditions(llm: LLM, request: str) -> Constraints:
    """What the request demands beside the task; a model that fails reads nothing."""
    from p2m_agent.llm.client import ChatMessage, Request

    messages = (
        ChatMessage(role="system", content=render("read_conditions")),
        ChatMessage(role="user", content=render("controller_choice", request=request, best="", choices=())),
    )
    reply = llm.ask(Request(messages=messages, json_schema=_ReadConditions.json_schema(), max_tokens=300))
    found = reply.parsed.get("conditions", []) if isinstance(reply.parsed, dict) else []
    read: list[Condition] = []
    for each in found:
        try:
            read.append(Condition.model_validate(each))
        except ValidationError:
            continue
    return as_constraints(read, request)


def as_constraints(read: Iterable[Condition], request: str) -> Constraints:
    """The fields that hold a run to them. What the request does not say was made up, and is left out."""
    fields: dict[str, object] = {}
    unenforced: list[str] = []
    for condition in read:
        sentence = _sentence(condition.words, request)
        if not sentence:
            continue
        kind = _kind(condition, sentence)
        if kind != "other" and not re.search(CUES[kind], sentence, re.IGNORECASE):
            continue
        found = _READERS[kind](condition) if kind in _READERS else {}
        for name, value in found.items():
            before = fields.get(name)
            both = isinstance(before, tuple) and isinstance(value, tuple)
            fields[name] = tuple(dict.fromkeys((*before, *value))) if both else value  # type: ignore[misc]
        if not found:
            unenforced.append(condition.words.strip())
    fields["unenforced"] = tuple(dict.fromkeys(unenforced))
    return Constraints.model_validate(fields)


def with_conditions(spec: TaskSpec, own: Constraints | None, llm: LLM) -> TaskSpec:
    """The task with what its request demands, where the model can read that; what the person set themselves goes first.

    A model that is too slow or cannot be reached reads nothing: the run goes on, and says that nobody looked.
    """
    try:
        if not llm.capability.reads:
            return spec
        read = read_conditions(llm, spec.request)
    except ToolError as error:
        unread = f"Whether the request sets further conditions was not looked at: {error.message}."
        return spec.model_copy(update={"assumptions": (*spec.assumptions, unread)})
    constraints = Constraints.model_validate({**read.set_here(), **(own.set_here() if own else {})})
    instruction = with_preference(spec.instruction, constraints.prefer_labels)
    return spec.model_copy(update={"constraints": constraints, "instruction": instruction})


def conditions_in_words(constraints: Constraints) -> str:
    """The conditions as a person reads them, and which of them nothing can hold the run to."""
    kept = {name: value for name, value in constraints.set_here().items() if name != "unenforced"}
    said = [f"{name.replace('_', ' ')} {_shown(value)}" for name, value in kept.items()]
    parts = [f"Conditions: {'; '.join(said)}."] if said else []
    if constraints.unenforced:
        parts.append(f"Read, but nothing here can see to it: {'; '.join(constraints.unenforced)}.")
    return " ".join(parts)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def with_preference(instruction: str, labels: Iterable[str]) -> str:
    """The instruction with the labels that win where two fit."""
    said = [f"Where {label} and another label both fit, the answer is {label}." for label in labels]
    return " ".join([instruction, *(each for each in said if each not in instruction)])


def _sentence(words: str, request: str) -> str:
    """The sentence of the request that holds most of the words; empty where they are not the request's own."""
    told = set(re.findall(r"\w+", words.casefold()))
    held = {text: len(told & set(re.findall(r"\w+", text.casefold()))) for text in re.split(r"(?<=[.!?;])\s+", request)}
    best = max(held, key=lambda text: held[text])
    return best if told and held[best] >= 0.8 * len(told) else ""


def _kind(condition: Condition, sentence: str) -> Kind:
    """The kind that the words prove, else the one that was read: small models mix up neighbours."""
    said = f"{condition.words} {condition.value}"
    proven = (kind for kind, pattern in PROOFS.items() if re.search(pattern, said, re.IGNORECASE))
    return next((kind for kind in proven if re.search(CUES[kind], sentence, re.IGNORECASE)), condition.kind)


def _terms(condition: Condition) -> tuple[str, ...]:
    """What a value names, without the words that name nothing."""
    parts = re.split(r",|;|/|\bor\b|\band\b", (condition.value or condition.words).casefold())
    kept = (" ".join(re.findall(r"[\w.+-]+", _FILLERS.sub(" ", part))) for part in parts)
    return tuple(dict.fromkeys(term for term in kept if term))


def _sources(name: str) -> Callable[[Condition], dict[str, object]]:
    return lambda condition: {name: _terms(condition)} if _terms(condition) else {}


def _only(condition: Condition) -> dict[str, object]:
    """The only sources; but a language or people as such are none, and no card would name them."""
    terms = [term for term in _terms(condition) if not re.fullmatch(r"people|persons?|humans?|real", term)]
    if not terms:
        return {"synthetic": False}
    languages = languages_of(" ".join(terms).title())
    return {"data_languages": tuple(languages)} if languages else {"only_sources": tuple(terms)}


def _licences(condition: Condition) -> tuple[str, ...]:
    kinds = (
        ("non-commercial", r"commercial|\bsell|\bsold\b|product|\bpaid\b"),
        ("share-alike", r"share.?alike|copyleft|\bgpl"),
        ("no-derivatives", r"derivative"),
        ("unknown", r"unknown|unclear|missing|without a licen"),
    )
    named = (
        tuple(kind for kind, pattern in kinds if re.search(pattern, said, re.IGNORECASE))
        for said in (condition.words, condition.value)  # the value is the model's own word, so it comes second
    )
    return next(filter(None, named), ())


def _allowed(condition: Condition) -> dict[str, object]:
    terms = [re.sub(r"\W*licen[cs]\w*\W*", "", term).strip() for term in _terms(condition)]
    named = tuple(term.replace(" ", "-") for term in terms if term and len(term) < 20)
    if _licences(condition) and re.search("allow|permit|free|commercial", condition.words, re.IGNORECASE):
        return {"refused_licences": ("non-commercial",)}
    return {"licences": named} if named else {}


def _languages(condition: Condition) -> dict[str, object]:
    found = languages_of(condition.value.title()) or languages_of(condition.words)
    return {"data_languages": tuple(found)} if found else {}


def _number(condition: Condition) -> tuple[float, str] | None:
    """The first number of the value, else of the person's words, with the unit behind it."""
    for text in (condition.words, condition.value):
        found = _NUMBER.search(text)
        if found:
            return float(found[1].replace(",", "")), found[2].casefold()
    return None


def _parameters(condition: Condition) -> dict[str, object]:
    number = _number(condition)
    return {"max_params": round(number[0] * _UNITS.get(number[1], 1.0))} if number else {}


def _size(condition: Condition) -> dict[str, object]:
    number = _number(condition)
    if number and number[1] in ("mb", "gb", "megabytes", "megabyte", "gigabytes", "gigabyte", "kb"):
        return {"max_size_mb": number[0] * {"g": 1000.0, "m": 1.0, "k": 0.001}[number[1][0]]}
    said = f"{condition.value} {condition.words}".casefold()
    return next(({"max_size_mb": size} for name, size in SMALL_MACHINES.items() if name in said), {})


def _latency(condition: Condition) -> dict[str, object]:
    number = _number(condition)
    if number is None:
        return {}
    seconds = number[1] in ("s", "sec", "second", "seconds")
    return {"max_latency_ms": number[0] * (1000.0 if seconds else 1.0)}


def _rows(condition: Condition) -> dict[str, object]:
    number = _number(condition)
    return {"max_train_rows": round(number[0] * _UNITS.get(number[1], 1.0))} if number else {}


_READERS: dict[str, Callable[[Condition], dict[str, object]]] = {
    "avoid_source": _sources("avoid_sources"),
    "only_source": _only,
    "avoid_base": _sources("avoid_bases"),
    "prefer_label": _sources("prefer_labels"),
    "own_data_only": lambda _: {"public_data": False},
    "no_generated": lambda _: {"synthetic": False},
    "licence_only": _allowed,
    "no_licence": lambda condition: {"refused_licences": found} if (found := _licences(condition)) else {},
    "language_only": _languages,
    "max_params": _parameters,
    "max_size": _size,
    "max_latency": _latency,
    "max_rows": _rows,
}
