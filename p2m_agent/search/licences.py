"""What a licence lets us do: the one place that decides whether data or weights may be used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

LicenceKind = Literal["permissive", "share-alike", "no-derivatives", "non-commercial", "unknown"]
Verdict = Literal["allow", "warn", "refuse"]

_KINDS: tuple[tuple[LicenceKind, str], ...] = (
    ("non-commercial", r"\bnc\b|non-?commercial|research-only|academic"),
    ("no-derivatives", r"\bnd\b|no-?deriv"),
    ("share-alike", r"\bsa\b|share-?alike|[al]?gpl|\bgfdl|\bodbl|cdla-sharing|\beupl|\bmpl|\bepl|\bosl"),
    (
        "permissive",
        r"mit|apache(?:-?2.*)?|bsd.*|0bsd|cc0.*|cc-?by(?:-[\d.]+)?|pddl.*|odc-by.*|cdla-permissive.*|unlicense|isc|zlib"
        r"|afl.*|bsl.*|ecl.*|ms-pl|ncsa|postgresql|wtfpl|public-?domain|pd|etalab.*|ogl.*",
    ),
)
_STRICTEST_FIRST: tuple[LicenceKind, ...] = ("non-commercial", "no-derivatives", "unknown", "share-alike", "permissive")
_ALSO: dict[str, LicenceKind] = {"copyleft": "share-alike", "noncommercial": "non-commercial", "other": "unknown"}
"""Other names of kinds."""
_VERSION = re.compile(r",(?=\s*version\b)", re.IGNORECASE)
"""The comma in `Apache License, Version 2.0` parts nothing."""
_WARNINGS: dict[LicenceKind, str] = {
    "share-alike": "asks that what is made from it carries the same licence",
    "no-derivatives": "forbids works made from it",
    "non-commercial": "forbids commercial use",
    "unknown": "may forbid this use",
}


@dataclass(frozen=True)
class Ruling:
    """Whether something may be used under its licence."""

    verdict: Verdict
    why: str = ""
    """Of a warning or refusal: half a sentence that goes on from the licence's name."""


def rule(licence: str | None, allowed: Sequence[str] | None = None, refused: Sequence[str] = ()) -> Ruling:
    """Allow what is permissive, refuse what the person excluded, and warn of the rest.

    Args:
        licence: as a card states it; None where it states none.
        allowed: the only licences or kinds of licence that may be used; None sets no such limit, and what it names
            needs no warning.
        refused: licences or kinds of licence that may not be used, whatever `allowed` says.
    """
    kind, terms = kind_of(licence), _terms(licence)
    if any(_meant(each, one) for one in terms for each in refused):
        return Ruling("refuse", f"and {', '.join(refused)} must not be used")
    if allowed is not None:
        fits = all(any(_meant(each, one) for each in allowed) for one in terms)
        return Ruling("allow") if fits else Ruling("refuse", f"and only {', '.join(allowed)} may be used")
    return Ruling("allow") if kind == "permissive" else Ruling("warn", f"which {_WARNINGS[kind]}")


def forbidden(licence: str | None, allowed: Sequence[str] | None, refused: Sequence[str] = ()) -> bool:
    """Whether it must not be used; where only some licences are allowed, an unknown one never may."""
    return rule(licence, allowed, refused).verdict == "refuse"


def kind_of(licence: str | None) -> LicenceKind:
    """What sort of licence it is; `unknown` where there is none or its terms are not known here.

    Of several, such as `mit, cc-by-nc-4.0`, the strictest: all of them bind.
    """
    return min((_kind(one) for one in _terms(licence)), key=_STRICTEST_FIRST.index)


def _terms(licence: str | None) -> list[str]:
    """The licences that bind together; one empty name where there is none."""
    parts = re.split(r"[,;|+&]|\band\b", _VERSION.sub("", licence or ""), flags=re.IGNORECASE)
    return [_plain(part) for part in parts if part.strip()] or [""]


def _kind(name: str) -> LicenceKind:
    for kind, pattern in _KINDS:
        if re.fullmatch(pattern, name) if kind == "permissive" else re.search(pattern, name):
            return kind
    return "unknown"


def _meant(named: str, one: str) -> bool:
    """Whether a name in a list, of a licence or of a kind, covers this licence."""
    wanted = _plain(named)
    return _ALSO.get(wanted, wanted) == _kind(one) or (one != "" and wanted == one)


def _plain(licence: str) -> str:
    """`Apache License, Version 2.0` as `apache-2.0`."""
    words = re.sub(r"[\s_,()]+", "-", licence.strip().casefold())
    words = re.sub(r"\b(?:the|licen[cs]ed?|version|creative-commons(?=-cc))\b", "", words)
    plain = re.sub(r"-+", "-", words).strip("-")
    return re.sub(r"^apache-?v?2(?:\.0)?$", "apache-2.0", plain)
