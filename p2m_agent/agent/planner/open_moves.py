"""The moves that are open in a state, with their arguments: what a controller may choose from.

What the rules would do comes first. The others are what each further rule would do, every suggestion of the error
analysis, every candidate of the last search, and the usual steps of their stage. All pass the gate as it stands, and
none repeats what was refused or has failed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from p2m_agent.agent.planner.choice import Move
from p2m_agent.agent.planner.improving import MOVES
from p2m_agent.agent.planner.legality import check
from p2m_agent.agent.planner.moves import has_rows, move, repeats_failure, tried
from p2m_agent.agent.planner.rules import RULES, next_move
from p2m_agent.run.state import Failure, RunState
from p2m_agent.run.tooling import Tools
from p2m_agent.training.recipes import recipes_of
from p2m_agent.types.candidates import DatasetCandidate, DatasetSearch, ModelSearch
from p2m_agent.types.probe import at_hand
from p2m_agent.types.student import TrainingRun

MOST_OPEN = 8
CARD = 110
"""Characters of a card's description that are shown."""
GENERATED_ROWS = 160


@dataclass(frozen=True)
class OpenMove:
    """A move that can be made now."""

    move: Move
    usual: bool = False
    """Whether the rules would make it."""
    card: str = ""
    """What the card of the dataset that it imports says."""

    @property
    def call(self) -> str:
        """The tool with its arguments, short."""
        args = [f"{name}={_short(value)}" for name, value in self.move.args.items()]
        return f"{self.move.tool}({', '.join(args)})"


def open_moves(state: RunState, tools: Tools, *, wide: bool = True) -> list[OpenMove]:
    """At most `MOST_OPEN`, the usual one first where there is one.

    `wide` is for models that see through many moves. A weak one gets those alone between which the words of the
    request or a card decide; one move is left where there is no such fork. Figures, such as the gains of suggestions,
    the rules compare better.
    """
    usual = next_move(state)
    first = [OpenMove(usual, usual=True, card=_card_of(usual, state))] if isinstance(usual, Move) else []
    every = _open_ones((*first, *_others(state)), state, tools)
    if wide or not first:
        return every
    return _open_ones((*first, *_forks(state, first[0].move)), state, tools) or every[:1]


def _open_ones(offered: Iterable[OpenMove], state: RunState, tools: Tools) -> list[OpenMove]:
    found: list[OpenMove] = []
    for option in offered:
        if len(found) < MOST_OPEN and _open(option.move, state, tools) and not _among(option, found):
            found.append(option)
    return found


def _others(state: RunState) -> Iterator[OpenMove]:
    """Gathered stage by stage; what cannot be done now is left out afterwards."""
    yield from _imports(state)
    yield from map(OpenMove, _suggested(state))
    for rule in RULES:
        choice = rule(state)
        if isinstance(choice, Move):
            yield OpenMove(choice, card=_card_of(choice, state))
    yield from map(OpenMove, _about_rows(state))
    yield from map(OpenMove, _about_students(state))


def _forks(state: RunState, usual: Move) -> Iterator[OpenMove]:
    """What else is sensible where the usual move is this one."""
    if usual.tool == "import_rows" and usual.args.get("source") != "user":
        yield from _imports(state)
    if usual.tool in ("search_datasets", "generate_examples") and not state.all(TrainingRun):
        yield from map(OpenMove, _about_rows(state))
        if has_rows(state):
            yield OpenMove(move("search_models", "go on with the rows there are"))


def _imports(state: RunState) -> Iterator[OpenMove]:
    for candidate in _candidates(state):
        why = "another set that the search found"
        yield OpenMove(move("import_rows", why, source=candidate.repo), card=card_line(candidate))


def _suggested(state: RunState) -> Iterator[Move]:
    best = state.best()
    analysis = state.analysis_of(best.id) if best else None
    for suggestion in analysis.suggestions if best and analysis else ():
        made = MOVES[suggestion.kind](suggestion, best, state) if suggestion.kind in MOVES and best else None
        if made and not tried(state, made.tool, **made.args):
            yield made


def _about_rows(state: RunState) -> Iterator[Move]:
    for repo in state.misfits:
        yield move("transform_dataset", f"{repo} is about the task, and its rows can be changed to fit", source=repo)
    if state.spec and not state.all(TrainingRun):
        if not tried(state, "generate_examples"):
            yield move("generate_examples", "the teacher model writes rows", rows=GENERATED_ROWS)
        if state.all(DatasetSearch):
            yield move("search_datasets", "look for sets in other words", query=other_words(state))


def _about_students(state: RunState) -> Iterator[Move]:
    best, spec = state.best(), state.spec
    if spec is None:
        return
    if best is None:
        yield move("search_models", "see which base models are at hand")
    for base in at_hand(state.latest(ModelSearch), spec.kind):
        for method in (recipe.method for recipe in recipes_of(spec.kind)):
            if not any(run.recipe.method == method and run.recipe.base == base for run in state.all(TrainingRun)):
                yield move("fine_tune", "another recipe or base", method=method, base=base)
    if best is None:
        return
    yield move("evaluate", "see what the best student gets wrong on dev", training_run=best.id)
    yield move("evaluate", "stop here: one look at the locked test", training_run=best.id, final=True)
    yield move("deliver", "hand over the best student", training_run=best.id)


def other_words(state: RunState) -> str:
    """The request as a description of rows: a second search finds other sets only in other words."""
    spec = state.spec
    if spec is None:
        return ""
    labels = f": {', '.join(spec.labels[:8])}" if spec.labels else ""
    return f"{spec.instruction[:200]}{labels}" if labels else f"examples of: {spec.instruction[:200]}"


def card_line(candidate: DatasetCandidate) -> str:
    """What speaks for and against a set, in a line."""
    rows = sum(candidate.rows.values())
    about = " ".join((candidate.description or candidate.title).split())[:CARD]
    languages, licence = ", ".join(candidate.languages[:3]), candidate.licence or "unknown licence"
    facts = [f"{rows:,} rows" if rows else "", languages, licence]
    return "; ".join(part for part in (about, *facts, *candidate.risks[:1]) if part)


def _candidates(state: RunState) -> list[DatasetCandidate]:
    search = state.latest(DatasetSearch)
    return [candidate for candidate in search.candidates[:5] if candidate.reachable] if search else []


def _card_of(choice: Move, state: RunState) -> str:
    found = (c for search in state.all(DatasetSearch) for c in search.candidates)
    source = choice.args.get("source") if choice.tool == "import_rows" else None
    return next((card_line(c) for c in found if c.repo == source), "")


def _open(made: Move, state: RunState, tools: Tools) -> bool:
    return not isinstance(check(tools, state, made.tool, made.args), Failure) and not repeats_failure(state, made)


def _among(option: OpenMove, found: list[OpenMove]) -> bool:
    return any(each.move.tool == option.move.tool and each.move.args == option.move.args for each in found)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"
