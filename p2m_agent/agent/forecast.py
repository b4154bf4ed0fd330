"""What a run would take: the rules are let loose on a copy of the facts, with figures in place of the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from p2m_agent.agent.planner.choice import Move, Words
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.run.state import Decision, RunState
from p2m_agent.run.tooling import Tools
from p2m_agent.search.datasets.rerank import VOTES
from p2m_agent.task.drafting import Said, draft_spec
from p2m_agent.types.analysis import ErrorAnalysis
from p2m_agent.types.artifacts import Artifact
from p2m_agent.types.budget import Budget, Cost
from p2m_agent.types.candidates import DatasetSearch, ModelSearch
from p2m_agent.types.mixture import Mixture
from p2m_agent.types.recipe import AnyRecipe
from p2m_agent.types.rows import Dataset, Holdout, Origin
from p2m_agent.types.scores import EvalReport, Score
from p2m_agent.types.student import Delivery, TrainingRun
from p2m_agent.types.task import Task

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM, Embedder, Hub
    from p2m_agent.settings import Settings

MOST_STEPS = 40
HELD_OUT_SHARE = 0.25
TEACHER_ROWS, TEACHER_PROMPT_TOKENS, TEACHER_ANSWER_TOKENS = 200, 600, 20
"""The teacher's baseline on the locked test: rows at most, and what a row takes."""
GENERATED_PROMPT_TOKENS, GENERATED_TOKENS_A_ROW = 120, 60
SEARCH_REQUESTS, SEARCH_PROMPT_TOKENS, SEARCH_ANSWER_TOKENS = 1 + VOTES, 2000, 250
"""What a search asks of a planner that is reliable: an imagined card, and votes on what was found."""


@dataclass(frozen=True)
class ForecastInputs:
    """What an estimate looks at. Nothing is trained, generated or asked of an LLM."""

    settings: Settings
    tools: Tools
    hub: Hub
    embedder: Callable[[], Embedder | None]
    own_rows: int
    """Rows in the person's file, 0 where there is none."""
    teacher: LLM
    planner: LLM


def estimate_run(task: Task, around: ForecastInputs) -> list[tuple[str, Cost]]:
    """The steps that a run by the rules would take, each with its estimate.

    The dataset search is real; sizes come from the cards. An LLM controller may go another way.
    """
    state = RunState(task=task, budget=Budget(rounds=around.settings.max_rounds))
    steps: list[tuple[str, Cost]] = []
    for number in range(MOST_STEPS):
        move = next_move(state)
        if isinstance(move, Words) or move.tool == "give_up":
            break
        tool = around.tools[move.tool]
        cost = tool.estimate(tool.args.model_validate(move.args), state)
        steps.append((_named(move), cost + _llm_cost(move, around)))
        made = _stand_ins(move, state, around)
        decision = Decision(call_id=f"{number:03d}", ok=True, **move.model_dump())
        state = replace(state, artifacts=[*state.artifacts, *made], decisions=[*state.decisions, decision])
        if any(isinstance(artifact, Delivery) for artifact in made):
            break
    return steps


def _named(move: Move) -> str:
    detail = move.args.get("source") or move.args.get("method") or ("locked test" if move.args.get("final") else "")
    return f"{move.tool} ({detail})" if detail else move.tool


def _llm_cost(move: Move, around: ForecastInputs) -> Cost:
    """Money and tokens of the calls to LLMs, which the tools' own estimates leave out."""
    llm = around.teacher
    if move.tool == "generate_examples":
        requests = int(str(move.args.get("rows", 200)))
        prompt, answer = GENERATED_PROMPT_TOKENS, GENERATED_TOKENS_A_ROW
    elif move.tool == "evaluate" and move.args.get("final"):
        requests, prompt, answer = TEACHER_ROWS, TEACHER_PROMPT_TOKENS, TEACHER_ANSWER_TOKENS
    elif move.tool == "search_datasets" and not around.planner.local:
        llm = around.planner
        requests, prompt, answer = SEARCH_REQUESTS, SEARCH_PROMPT_TOKENS, SEARCH_ANSWER_TOKENS
    else:
        return Cost()
    usd = llm.estimate_usd(requests, prompt, answer) if llm.paid else 0.0
    return Cost(usd=usd or 0.0, tokens=requests * (prompt + answer))


def _stand_ins(move: Move, state: RunState, around: ForecastInputs) -> list[Artifact]:
    """What a step would leave behind, as far as the rules look at it."""
    match move.tool:
        case "define_task":
            return [draft_spec(Said(state.task), "estimate-define_task", None, around.embedder)]
        case "search_datasets":
            found = around.hub.find_datasets(state.task.request, state.spec, 5).candidates
            return [DatasetSearch(id="search", query=state.task.request, candidates=found, made_by="estimate")]
        case "search_models":
            return [ModelSearch(id="models", query="", candidates=(), made_by="estimate")]
        case "import_rows" | "generate_examples":
            return _rows(move, state, around)
        case "choose_mixture":
            return [_everything(state)]
        case "fine_tune":
            return [_student(move, state)]
        case "evaluate" | "analyse_errors":
            return [_report(move) if move.tool == "evaluate" else _analysis(move)]
    return [Delivery(id="d", training_run=_best(state), path="", report="", size_mb=0, made_by="estimate")]


def _rows(move: Move, state: RunState, around: ForecastInputs) -> list[Artifact]:
    rows, test = int(str(move.args.get("rows", 0))) or around.own_rows, 0
    search = state.latest(DatasetSearch)
    for candidate in search.candidates if search else ():
        if candidate.repo == move.args.get("source"):
            rows, test = candidate.rows.get("train", 0), min(1000, candidate.rows.get("test", 0))
    test = test or int(rows * HELD_OUT_SHARE)
    dev = min(300, int(rows * 0.1))
    name = str(move.args.get("source", "synthetic"))
    origin: Origin = "user" if name == "user" else "hub"
    data = Dataset(id=name, path="", sha256="", rows=rows, origin=origin, ref=name, made_by="estimate")
    held = Holdout(
        id="held",
        dev_path="",
        dev_rows=dev,
        dev_sha256="",
        test_path="",
        test_rows=test,
        test_sha256="",
        origin="hub",
        ref="",
        made_by="estimate",
    )
    return [data, held]


def _everything(state: RunState) -> Mixture:
    """All rows stay, so that the costliest way is estimated."""
    ids = tuple(dataset.id for dataset in state.datasets())
    return Mixture.model_validate(
        {"id": "mixture", "datasets": ids, "chosen": ids, "choice": "", "why": "", "probe": "", "measure": "accuracy"}
        | {"dev_rows": 0, "parts": (), "scores": (), "seconds": 0, "path": "", "made_by": "estimate"}
    )


def _student(move: Move, state: RunState) -> TrainingRun:
    number = len(state.all(TrainingRun)) + 1
    recipe = AnyRecipe(method=str(move.args["method"]), base="base")
    return TrainingRun(
        id=f"student-{number}",
        recipe=recipe,
        path="",
        datasets=tuple(dataset.id for dataset in state.chosen_datasets()),
        train_rows=0,
        metric="accuracy",
        dev=0.1 * number,  # each further recipe is taken to be better, so that the costliest way is estimated
        params=0,
        size_mb=0,
        made_by=f"estimate-{number}",
    )


def _report(move: Move) -> EvalReport:
    split = "test" if move.args.get("final") else "dev"
    score = Score(metric="accuracy", value=0, ci95=(0, 0), scored=0)
    run = str(move.args["training_run"])
    return EvalReport.model_validate(
        {"id": split, "training_run": run, "split": split, "proxy": False, "score": score, "made_by": "estimate"}
    )


def _analysis(move: Move) -> ErrorAnalysis:
    """It suggests nothing: how many rounds follow, and of what, depends on what is found."""
    run = str(move.args["training_run"])
    facts = {"id": "analysis", "training_run": run, "metric": "accuracy", "value": 0, "rows": 0, "errors": 0}
    return ErrorAnalysis.model_validate({**facts, "suggestions": (), "made_by": "estimate"})


def _best(state: RunState) -> str:
    best = state.best()
    return best.id if best else ""
