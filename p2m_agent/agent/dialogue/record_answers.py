"""Answers to questions about a run, from its record alone: every figure stands there."""

from __future__ import annotations

from collections.abc import Callable

from p2m_agent.agent.dialogue.glossary import explained
from p2m_agent.agent.dialogue.readings import Topic
from p2m_agent.agent.planner.choice import Words
from p2m_agent.agent.planner.rules import next_move
from p2m_agent.run.state import Decision, RunState
from p2m_agent.types.budget import Cost
from p2m_agent.types.candidates import DatasetSearch, ModelSearch
from p2m_agent.types.probe import ModelProbe
from p2m_agent.types.questions import Question
from p2m_agent.types.rows import Holdout
from p2m_agent.types.scores import EvalReport, Score
from p2m_agent.types.student import Delivery, TrainingRun

ROWS, MOST = 3, 4
"""Mistaken rows, and items of a list, that an answer shows."""


def answer(topic: Topic, state: RunState, question: Question | None = None, text: str = "") -> list[str]:
    """Lines that answer a question; the first says the most. Where nothing is known, it says since when it will be."""
    return _ANSWERS[topic](state, question, text)


def _why_data(state: RunState, _question: Question | None, _text: str) -> list[str]:
    chosen = state.chosen_datasets()
    if not chosen:
        return ["No rows were chosen yet; the search for them comes after the task is clear."]
    found = {each.repo: each for search in state.all(DatasetSearch) for each in search.candidates}
    lines = []
    for data in chosen:
        made = next((d for d in state.decisions if d.call_id == data.made_by), None)
        lines.append(f"{data.ref}: {data.rows:,} rows, {made.why if made else data.origin}")
        card = found.get(data.ref)
        lines += [f"  against it: {risk}" for risk in (card.risks if card else ())[:MOST]]
    mixture = state.mixture()
    if mixture:
        lines.append(f"Compared on {mixture.dev_rows} dev rows: {mixture.why}")
    others = [each for each in found.values() if each.repo not in {data.ref for data in chosen}][:ROWS]
    return [*lines, *(f"not taken: {each.repo} (relevance {each.score:.2f})" for each in others)]


def _why_base(state: RunState, _question: Question | None, _text: str) -> list[str]:
    best, race, search = state.best(), state.latest(ModelProbe), state.latest(ModelSearch)
    lines = [f"The best student stands on {best.recipe.base} ({best.params / 1e6:.1f} M parameters)."] if best else []
    if race:
        lines.append(f"Raced on your rows ({race.measure}): {race.why}")
        lines += [
            f"  {each.model}: {each.score:.3f} on {each.rows} rows" for each in race.results if each.score is not None
        ]
    elif search:
        usable = [each for each in search.candidates if each.available]
        lines += [f"{each.repo}: relevance {each.score:.2f}, {each.why}" for each in usable[:ROWS]]
        lines.append(f"{len(usable)} of {len(search.candidates)} found base models are at hand.")
    return lines or ["No base model was chosen yet; that comes once there are rows."]


def _why_method(state: RunState, _question: Question | None, _text: str) -> list[str]:
    lines = []
    for student in state.all(TrainingRun):
        made = next((d for d in state.decisions if d.call_id == student.made_by), None)
        why = made.why if made else "taken over from the run before"
        lines.append(f"{student.recipe.method}: {why}; dev {student.metric} {student.dev:.3f}")
    return lines or ["Nothing was trained yet; the cheapest recipe comes first, as the yardstick."]


def _why_step(state: RunState, question: Question | None, _text: str) -> list[str]:
    asked = next((d for d in reversed(state.decisions) if question is not None and d.call_id == question.id), None)
    last = asked or (state.decisions[-1] if state.decisions else None)
    if last is None:
        return ["No step was taken yet."]
    expected = f" Expected: {last.expected}." if last.expected else ""
    return [f"{last.tool}: {last.why}.{expected} Chosen by {_by(last)}."]


def _by(decision: Decision) -> str:
    return _NAMES[decision.by]


_NAMES = {"llm": "the language model", "rules": "the rules", "person": "you"}


def _time(state: RunState, question: Question | None, _text: str) -> list[str]:
    estimate = _estimate(question)
    lines = [f"About {_seconds(estimate.wall_s)} for this step (the estimate is on the high side)."] if estimate else []
    lines.append(f"{_seconds(state.spent.wall_s)} have been used so far.")
    left = state.budget.left_s(state.spent)
    lines.append(
        "No time limit is set; /budget 30 min sets one." if left == float("inf") else f"{_seconds(left)} are left."
    )
    rounds = state.budget.rounds
    trained = state.own(TrainingRun)
    timed = [student.wall_s for student in trained if student.wall_s]
    if timed:
        lines.append(f"A training took {_seconds(min(timed))} to {_seconds(max(timed))}.")
    if rounds is not None:
        lines.append(f"{len(trained)} of at most {rounds} trainings are done.")
    return lines


def _cost(state: RunState, question: Question | None, _text: str) -> list[str]:
    estimate = _estimate(question)
    lines = [f"This step: about {_money(estimate.usd)} and {estimate.tokens:,} LLM tokens."] if estimate else []
    spent, limit = state.spent, state.budget.usd
    lines.append(f"Spent so far: {_money(spent.usd)}, {spent.tokens:,} LLM tokens.")
    if limit is None:
        free = (
            "no limit is set"
            if state.paid_teacher
            else "nothing here costs money: the teacher runs on this machine or is free"
        )
        return [*lines, f"{free[:1].upper()}{free[1:]}."]
    return [*lines, f"{_money(max(0.0, limit - spent.usd))} of {_money(limit)} are left."]


def _progress(state: RunState, question: Question | None, _text: str) -> list[str]:
    best, done = state.best(), [d for d in state.own_decisions if d.ok]
    if state.ended:
        head = f"Over: {state.ended.reason}"
    elif question is not None:
        head = f"Waiting for you: {question.text}"
    else:
        head = "At rest; /go goes on." if state.resting else "At work."
    lines = [head, f"{len(done)} steps done, {len(state.own(TrainingRun))} trainings."]
    lines += [f"Last: {done[-1].tool}: {done[-1].outcome}"] if done else []
    return [*lines, f"Best so far: {best.metric} {best.dev:.3f} on dev."] if best else lines


def _score(state: RunState, _question: Question | None, _text: str) -> list[str]:
    best = state.best()
    if best is None:
        return ["Nothing was trained yet (or only with other labels), so there is no score."]
    spec, test, dev = state.spec, state.report_on(best.id, "test"), state.report_on(best.id, "dev")
    report = test or dev
    if report is None:
        return [f"{best.metric} {best.dev:.3f} on dev; the locked test has not been opened."]
    where = "the locked test" if report.split == "test" else "dev (the locked test has not been opened)"
    lines = [
        f"{_scored(report.score)} on {report.score.scored} rows of {where}"
        f"{', a synthetic proxy' if report.proxy else ''}."
    ]
    if spec and spec.target is not None:
        met = "met" if report.score.value >= spec.target else "not met"
        lines.append(f"The target is {spec.target:g}: {met}.")
    for name, base in report.baselines.items():
        if base.score:
            minus = f", this model {base.student_minus.value:+.3f} against it" if base.student_minus else ""
            lines.append(f"  {name.replace('_', ' ')}: {base.score.value:.3f}{minus}")
    return [*lines, *report.not_worth]


def _errors(state: RunState, _question: Question | None, _text: str) -> list[str]:
    best = state.best()
    dev = state.report_on(best.id, "dev") if best else None
    if best is None or dev is None:
        return ["Its mistakes are known once a student was evaluated on dev."]
    lines = (
        [f"{_wrong(dev)} of {dev.score.scored} dev rows are wrong."] if _wrong(dev) else ["Nothing on dev is wrong."]
    )
    lines += [f"  {expected} taken for {predicted}: {rows}" for expected, predicted, rows in dev.confusions[:MOST]]
    analysis = state.analysis_of(best.id)
    lines += [
        f"  about {each.name}: {each.errors} of {each.rows} rows"
        for each in (analysis.clusters if analysis else ())[:ROWS]
    ]
    for mistake in dev.mistakes[:ROWS]:
        text = " ".join(mistake.text.split())
        short = text if len(text) <= 90 else text[:89] + "…"
        lines.append(f"  “{short}”: {mistake.predicted}, should be {mistake.expected}")
    return lines


def _wrong(report: EvalReport) -> int:
    """Dev rows that are wrong: those that were confused, or what the share of right ones leaves."""
    counted = sum(rows for *_, rows in report.confusions)
    return counted or round((1 - report.score.value) * report.score.scored)


def _next(state: RunState, _question: Question | None, _text: str) -> list[str]:
    best = state.best()
    analysis = state.analysis_of(best.id) if best else None
    move = next_move(state)
    lines = (
        [] if isinstance(move, Words) or move.tool == "give_up" else [f"Next by the rules: {move.tool}, {move.why}."]
    )
    if analysis:
        for each in analysis.suggestions[:MOST]:
            usd = f", {_money(each.usd)}" if each.usd else ""
            lines.append(
                f"  {each.kind.replace('_', ' ')}: {each.gain:+.3f} ({each.basis}), {_seconds(each.cost_s)}{usd}"
            )
    options = ["/target raises the target", "/data FILE brings rows", "/prefer small tries smaller ones"]
    if any(isinstance(each, Delivery) for each in state.artifacts):
        lines.append("The model is delivered. To go further: " + ", ".join(options) + "; then /go.")
    return lines or ["Nothing is left that the rules would try. " + ", ".join(options) + "; then /go."]


def _smaller(state: RunState, _question: Question | None, _text: str) -> list[str]:
    best = state.best()
    if best is None:
        return ["Nothing was trained yet, so there is nothing to compare."]
    lines = [
        f"Now: {best.recipe.base} · {best.recipe.method}, {best.params / 1e6:.1f} M parameters, {best.size_mb:.0f} MB,"
        f" dev {best.dev:.3f}."
    ]
    others = [s for s in state.all(TrainingRun) if s.id != best.id and s.params <= best.params]
    for student in others[:MOST]:
        name = f"{student.recipe.base} · {student.recipe.method}"
        lines.append(
            f"  {name}: {student.params / 1e6:.1f} M, {student.size_mb:.0f} MB, dev {student.dev:.3f}"
            f" ({student.dev - best.dev:+.3f})"
        )
    race = state.latest(ModelProbe)
    raced = [
        each for each in (race.results if race else ()) if each.score is not None and (each.params or 0) < best.params
    ]
    lines += [
        f"  {each.model}: {(each.params or 0) / 1e6:.1f} M, {each.score:.3f} in the race" for each in raced[:MOST]
    ]
    if len(lines) == 1:
        lines.append("No smaller one was trained or raced; /prefer small looks for them.")
    return lines


def _spec(state: RunState, _question: Question | None, _text: str) -> list[str]:
    spec = state.spec
    if spec is None:
        return ["The task is not defined yet."]
    lines = [spec.instruction, f"{spec.kind.replace('_', ' ')}, scored by {spec.metric}"]
    lines += [f"{len(spec.labels)} labels: {', '.join(spec.labels)}"] if spec.labels else []
    lines += [f"target {spec.target:g}"] if spec.target is not None else []
    return [*lines, *(f"  assumed: {each}" for each in spec.assumptions)]


def _data(state: RunState, _question: Question | None, _text: str) -> list[str]:
    chosen, held = state.chosen_datasets(), state.latest(Holdout)
    if not chosen:
        return ["There are no rows yet."]
    lines = [
        f"{each.ref}: {each.rows:,} training rows ({each.origin}, licence {each.licence or 'unknown'})"
        for each in chosen
    ]
    if held:
        lines.append(f"held out: {held.dev_rows:,} dev rows, {held.test_rows:,} locked test rows of {held.ref}")
    return lines


def _who(state: RunState, _question: Question | None, _text: str) -> list[str]:
    by = [d.by for d in state.own_decisions]
    if not by:
        return ["Nobody has decided anything yet."]
    counts = ", ".join(f"{_NAMES[each]} {by.count(each)}" for each in dict.fromkeys(by))
    return [f"Last step: {_by(state.own_decisions[-1])}. Steps by {counts}. You answer the questions that matter."]


def _glossary(_state: RunState, _question: Question | None, text: str) -> list[str]:
    return explained(text)


def _estimate(question: Question | None) -> Cost | None:
    estimate = question.preview.get("estimate") if question else None
    return (
        Cost.model_validate({k: v for k, v in estimate.items() if k in Cost.model_fields})
        if isinstance(estimate, dict)
        else None
    )


def _scored(score: Score) -> str:
    return f"{score.metric} {score.value:.3f} ({score.ci95[0]:.3f} to {score.ci95[1]:.3f})"


def _seconds(value: float) -> str:
    minutes, seconds = divmod(round(value), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def _money(usd: float) -> str:
    return "$0" if usd == 0 else f"${usd:.2f}" if usd >= 0.095 else f"${usd:.4f}"


Answering = Callable[[RunState, Question | None, str], list[str]]
_ANSWERS: dict[Topic, Answering] = {
    "why_data": _why_data, "why_base": _why_base, "why_method": _why_method, "why_step": _why_step, "time": _time,
    "cost": _cost, "progress": _progress, "score": _score, "errors": _errors, "next": _next, "smaller": _smaller,
    "spec": _spec, "data": _data, "who": _who, "glossary": _glossary,
}  # fmt: skip
