"""Slash commands that change something: `/label merge a b > c`, `/target 90%`, `/budget 30 min`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

from p2m_agent.agent.dialogue.names import known, split_names
from p2m_agent.agent.dialogue.readings import Edit, Place
from p2m_agent.errors import UsageError
from p2m_agent.languages import NAMES
from p2m_agent.types.task import read_share

CHANGING = {
    "/label": "merge a b > c, rename a b, drop a, add a: what labels there are",
    "/labels": "show the labels, or set all of them: /labels work, private, spam",
    "/target": "the score to reach: /target 90%",
    "/language": "the language of the inputs: /language de",
    "/data": "show the rows, or bring a file of yours: /data mail.csv",
    "/columns": "which columns are read: /columns body > queue",
    "/budget": "show what is left, or set it: /budget 2.50, /budget 30 min",
    "/rounds": "most trainings: /rounds 3",
    "/model": "show the models, or name the base model to train next: /model distilbert",
    "/prefer": "/prefer small: take smaller base models",
    "/stop": "no more rounds: score what there is and offer it",
    "/redo": "train the last recipe again",
}
_BARE = ("/stop", "/redo")


def read_slash(line: str, place: Place) -> Edit | None:
    """The change that a command makes; None where it changes nothing (a bare `/budget` only shows).

    Raises:
        UsageError: it is one of the commands that change something, and what follows does not fit.
    """
    name, _, rest = line.strip().partition(" ")
    reader = _READERS.get(name.lower())
    if reader is None or not (rest.strip() or name.lower() in _BARE):
        return None
    try:
        return reader(rest.strip(), place)
    except ValueError as error:
        raise UsageError(f"{name}: {error}.", f"{name}: {CHANGING[name.lower()]}") from error


def _label(rest: str, place: Place) -> Edit:
    verb, _, names = rest.partition(" ")
    before, _, to = (part.strip() for part in names.partition(">"))
    listed = split_names(before) if "," in before else tuple(shlex.split(before))
    if verb == "merge" and to and len(listed) > 1:
        return Edit(what="merge", names=tuple(_known(each, place) for each in listed), to=to)
    if verb == "rename" and (to or len(listed) == 2):
        return Edit(what="rename", names=(_known(before if to else listed[0], place),), to=to or listed[1])
    if verb in ("drop", "remove") and before:
        return Edit(what="drop", names=(_known(before, place),))
    if verb == "add" and before:
        return Edit(what="add", names=(before,))
    raise ValueError("say merge a b > c, rename a b, drop a, or add a")


def _known(name: str, place: Place) -> str:
    found = known(name, place.labels)
    if found is None:
        raise ValueError(f"there is no label {name!r}; there are {', '.join(place.labels) or 'none yet'}")
    return found


def _labels(rest: str, _place: Place) -> Edit:
    names = split_names(rest) if "," in rest else tuple(shlex.split(rest))
    if len(names) < 2:
        raise ValueError("name at least two labels")
    return Edit(what="labels", names=names)


def _language(rest: str, _place: Place) -> Edit:
    code = NAMES.get(rest.lower(), rest.lower())
    if not re.fullmatch(r"[a-z]{2}", code):
        raise ValueError(f"{rest} is no language; write a code such as de")
    return Edit(what="language", to=code)


def _columns(rest: str, place: Place) -> Edit:
    inputs, sign, output = (part.strip() for part in rest.partition(">"))
    if not sign or not inputs or not output:
        raise ValueError("write inputs > output")
    names = split_names(inputs)
    unknown = [each for each in (*names, output) if place.columns and each not in place.columns]
    if unknown:
        raise ValueError(f"there is no column {unknown[0]!r}; there are {', '.join(place.columns)}")
    return Edit(what="columns", names=names, to=output)


def _budget(rest: str, _place: Place) -> Edit:
    match = re.fullmatch(r"\$?\s*(\d+(?:\.\d+)?)\s*(\$|usd|dollars?|min\w*|m|h\w*)?", rest, re.IGNORECASE)
    if match is None:
        raise ValueError(f"{rest} is neither money nor time")
    value, unit = float(match[1]), (match[2] or "$").lower()
    if unit[0] in "mh":
        return Edit(what="max_minutes", to=value * (60 if unit[0] == "h" else 1))
    return Edit(what="budget_usd", to=value)


def _rounds(rest: str, _place: Place) -> Edit:
    if not rest.isdecimal() or int(rest) < 1:
        raise ValueError(f"{rest} is no number of rounds")
    return Edit(what="rounds", to=float(rest))


def _prefer(rest: str, _place: Place) -> Edit:
    if rest.lower() != "small":
        raise ValueError("only small can be preferred")
    return Edit(what="prefer", to="small")


Reader = Callable[[str, Place], Edit]
_READERS: dict[str, Reader] = {
    "/label": _label,
    "/labels": _labels,
    "/target": lambda rest, _: Edit(what="target", to=read_share(rest)),
    "/language": _language,
    "/data": lambda rest, _: Edit(what="data", to=rest.lstrip("@")),
    "/columns": _columns,
    "/budget": _budget,
    "/rounds": _rounds,
    "/model": lambda rest, place: Edit(what="model", to=_base(rest, place)),
    "/prefer": _prefer,
    "/stop": lambda _rest, _place: Edit(what="stop"),
    "/redo": lambda _rest, _place: Edit(what="redo"),
}


def _base(name: str, place: Place) -> str:
    near = [base for base in place.bases if name.casefold() in base.casefold()]
    return near[0] if len(near) == 1 else name
