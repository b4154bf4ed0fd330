"""(b) of `planner.py`: requests with conditions that rules cannot read, and whether what is made keeps to them.

Each request goes through the real tools on the shared hub, the rules choosing, up to where training or generating would
begin; the model reads the conditions when the task is defined. A check then reads the artifacts, on its own: the cards,
licences and languages of the sets that were imported, whether rows may be found or made, and the limits that the task
holds for what comes later (size, time, rows), which nothing would keep if they were not there.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _planner_model import Asked, drawn, log
from _real_rows import HUB

from p2m_agent.agent.planner.choice import Choice, Move, Words
from p2m_agent.agent.planner.legality import check
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.agent.policy import Policy
from p2m_agent.agent.session import Parts, Session
from p2m_agent.run.state import Failure, RunState
from p2m_agent.run.tooling import Tool, Tools, load_tools
from p2m_agent.search.hubs.card import card_from
from p2m_agent.search.licences import kind_of
from p2m_agent.types.completion import Capability
from p2m_agent.types.rows import Dataset
from p2m_agent.types.task import Task

REQUESTS = Path(__file__).with_name("conditions.jsonl")
CHEAP = ("define_task", "search_datasets", "import_rows", "choose_mixture", "search_models")
OWN = [("the printer is broken", "hardware"), ("the app will not start", "software"), ("no signal here", "network")]
LIMITS = {name: name for name in ("max_params", "max_size_mb", "max_latency_ms")} | {"max_rows": "max_train_rows"}


class Nobody:
    """No model at all."""

    capability = Capability(tools=False, json_schema=False, reliable=False)
    role, model, local, paid = "planner", "nobody", True, False


def conditions(model: Asked, args: argparse.Namespace) -> dict[str, Any]:
    llm: Any = Nobody() if model.rules else model.llm
    tools = {name: _asking(tool, llm) for name, tool in load_tools().items()}
    rows = []
    for line in drawn(REQUESTS, args):
        since = len(model.calls)
        state = _run(line["request"], tools, model)
        found = {name: _kept(name, gold, state, tools) for name, gold in line["conditions"].items()}
        told = state.spec.constraints.set_here() if state.spec else {}
        row = {"id": line["id"], "part": line["part"], "kept": found, "told": told, **model.took(since)}
        rows.append(row)
        log(args.log, row)
        signs = " ".join(f"{name} {'kept' if ok else 'BROKEN'}" for name, ok in found.items())
        print(f"{row['id']} {signs:36} {json.dumps(told)[:110]}  {line['request'][:60]}", flush=True)
    return summed_up(rows, model)


def _asking(tool: Tool[Any, Any], llm: Any) -> Tool[Any, Any]:
    """The tool, with the one model in all roles: it is loaded once for all requests."""

    def run(args: Any, inputs: Any, context: Any) -> Any:
        return tool.run(args, inputs, dataclasses.replace(context, planner=llm, teacher=llm, judge=llm))

    return dataclasses.replace(tool, run=run)


def _up_to_training(state: RunState) -> Choice:
    choice = next_move(state)
    return choice if isinstance(choice, Move) and choice.tool in CHEAP else Words(text="That is all.")


def _run(request: str, tools: Tools, model: Asked) -> RunState:
    with tempfile.TemporaryDirectory(prefix="p2m_conditions_") as place:
        own = Path(place) / "own.jsonl"
        lines = [json.dumps({"text": f"{text} ({i})", "label": label}) for i in range(40) for text, label in OWN]
        own.write_text("\n".join(lines), encoding="utf-8")
        task = Task(request=request, data=str(own) if "file that we give" in request else None)
        settings = model.settings(runs_dir=Path(place) / "runs", hubs=(str(HUB),), controller="rules")
        parts = Parts(tools=tools, choose=_up_to_training)
        with Session.create(settings, task, Policy(attended=False, yes=True), parts=parts) as session:
            return session.step().state


def _kept(name: str, gold: Any, state: RunState, tools: Tools) -> bool:
    """Whether nothing in the artifacts breaks this condition, and nothing is open that would."""
    if state.spec is None:
        return False
    told = state.spec.constraints
    if name in LIMITS:
        limit = getattr(told, LIMITS[name])
        return limit is not None and limit <= gold
    if name == "prefer_labels":
        said = any(gold in label.casefold() for label in told.prefer_labels)
        return said and gold in state.spec.instruction.casefold()
    if name == "avoid_bases":
        return any(gold in word.casefold() for word in told.avoid_bases)
    if name == "other":
        return any(gold.casefold() in words.casefold() for words in told.unenforced)
    if name == "synthetic":
        rows = any(data.origin in ("synthetic", "transformed") for data in state.all(Dataset))
        return not rows and isinstance(check(tools, state, "generate_examples", {}), Failure)
    if name == "public_data":
        found = any(data.origin != "user" for data in state.all(Dataset))
        return not found and isinstance(check(tools, state, "search_datasets", {"query": "other words"}), Failure)
    return all(_fits(name, gold, data) for data in state.all(Dataset) if data.origin == "hub")


def _fits(name: str, gold: str, data: Dataset) -> bool:
    text = (HUB / data.ref.replace("/", "__") / "README.md").read_text(encoding="utf-8")
    card = card_from(data.ref, "folder", text)
    tests: dict[str, Callable[[], bool]] = {
        "avoid_sources": lambda: not re.search(gold, f"{data.ref} {text}", re.IGNORECASE),
        "no_licence": lambda: kind_of(card.licence) != gold,
        "licences": lambda: (card.licence or "").casefold().startswith(gold),
        "languages": lambda: gold in card.languages,
    }
    return tests[name]()


def summed_up(rows: list[dict[str, Any]], model: Asked) -> dict[str, Any]:
    def share(part: tuple[str, ...]) -> str:
        all_ = [ok for row in rows if row["part"] in part for ok in row["kept"].values()]
        return f"{sum(all_)} of {len(all_)}"

    held = [ok for row in rows for ok in row["kept"].values()]
    print(f"{model.named}: conditions kept {share(('tune', 'held'))}; tune {share(('tune',))}, held {share(('held',))}")
    return {"conditions_kept": round(sum(held) / max(1, len(held)), 3)}
