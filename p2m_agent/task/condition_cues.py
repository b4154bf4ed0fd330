"""Kinds of conditions, and the words without which, or with which, a sentence holds one.

A language model reads conditions; these patterns only check what it read. Small models mix up neighbouring kinds, and
find conditions where there are none.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal[
    "avoid_source", "only_source", "own_data_only", "no_generated", "licence_only", "no_licence", "language_only",
    "max_params", "max_size", "max_latency", "max_rows", "prefer_label", "avoid_base", "other",
]  # fmt: skip

_NOT = (
    r"\b(?:no|not|nothing|none|never|without|avoid\w*|exclud\w*|except|forbid\w*|leave out|leave \w+ out|off limits"
    r"|banned|cannot|can't|don't|won't|unacceptable|other than|refuse\w*|must not)\b"
)
_MADE = (
    r"synthetic|generat|machine.made|artificial|language model|\bLLM|made.up"
    r"|written by (?:a |an )?(?:model|machine|AI)"
)
_TERMS_OF_USE = r"licen[cs]|commercial|copyleft|share.?alike|\bsell|\bsold\b|\bMIT\b|apache|\bCC0\b"
_ONLY = r"\bonly|nothing but|solely|exclusively|\bjust\b"
_DEVICES = r"phone|browser|raspberry|microcontroller|watch"
CUES: dict[Kind, str] = {
    "avoid_source": _NOT,
    "avoid_base": _NOT,
    "only_source": _ONLY,
    "own_data_only": rf"{_ONLY}|\bno\b|\bnot\b",
    "no_generated": rf"{_MADE}|people|human|real",
    "licence_only": _TERMS_OF_USE,
    "no_licence": _TERMS_OF_USE,
    "language_only": _ONLY,
    "max_params": r"\d",
    "max_size": rf"\d|small|tiny|light|{_DEVICES}",
    "max_latency": r"\d|fast|quick|instant",
    "max_rows": r"\d",
    "prefer_label": r"prefer|doubt|unsure|not sure|overlap|\bboth\b|could be|rather|favou?r|\btie|ambiguous|unclear",
}
"""What a sentence must hold for a condition of a kind to be in it."""
PROOFS: dict[Kind, str] = {
    "no_generated": _MADE,
    "max_params": r"parameters?\b",
    "max_latency": r"\d\s*(?:ms|milli|s\b|sec)",
    "max_size": rf"\d\s*[MGK]B\b|megabyte|gigabyte|{_DEVICES}",
    "max_rows": r"\d+\s*(?:training |labelled )?(?:rows|examples)",
    "own_data_only": (
        r"public (?:data|sets?)|found data|(?:only|nothing but) (?:use )?(?:the|our|my) (?:own )?(?:file|rows|data)"
    ),
    "no_licence": r"commercial|share.?alike|copyleft|unknown licen|\bsell|\bsold\b",
}
"""Words that leave no doubt about the kind."""
