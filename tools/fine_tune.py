"""Train a student on the run's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from p2m_agent.errors import ToolError
from p2m_agent.evaluation.speed import p95_ms
from p2m_agent.run.state import RunState
from p2m_agent.run.store import KEPT_ACROSS_TRIES
from p2m_agent.run.tooling import Args, Context, Effect, NotYet, Outcome, Tool
from p2m_agent.scoring.metrics import metric_named
from p2m_agent.search.licences import rule
from p2m_agent.training.recipes import load_recipes, recipe_named, recipes_in_words, recipes_of, tried_unasked
from p2m_agent.training.trainer import Trained, TrainEnv, TrainRows, train
from p2m_agent.types.budget import Cost
from p2m_agent.types.candidates import ModelCandidate, ModelSearch
from p2m_agent.types.recipe import Looped, Recipe
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import Constraints, TaskSpec
from p2m_agent.weights.locate import Weights, packaged

_PASSED_ON = ("epochs", "learning_rate", "batch_size", "max_tokens", "balance", "tuning", "cut")
_CPU_ROWS = 1500
"""Training rows of a text-to-text model where there is no GPU and nobody says otherwise: some minutes on two cores."""
_SLOW_CPU_ROWS = 800


class FineTune(Args):
    """Train a student on the imported and generated rows and score it on the dev split.

    For classification and multi_label start with method linear_head (seconds), then encoder (minutes, usually better);
    setfit where there are fewer than about 16 rows a label (classification alone). For text_to_text use causal, or
    seq2seq with a base of the T5 kind.
    Change something from round to round: more data, more epochs, another base, or trials.
    """

    method: str | None = Field(
        default=None,
        description=f"How: {recipes_in_words()}. Left out: the first that is usual for the task and was not tried yet, "
        "or the one that the architecture of the base asks for.",
    )
    base: str | None = None
    """Base model from search_models. Left out: the small model that is installed."""
    datasets: tuple[str, ...] = ()
    """Ids of the datasets to train on. Left out: what choose_mixture chose."""
    epochs: int | None = Field(default=None, ge=1, le=50)
    """Passes over the rows (not linear_head). Left out: encoder 6, causal 2, seq2seq 4; training stops early where dev
    gets no better."""
    learning_rate: float | None = Field(default=None, gt=0, lt=1)
    """Peak learning rate (not linear_head)."""
    batch_size: int | None = Field(default=None, ge=1, le=1024)
    """Rows a step (not linear_head)."""
    max_tokens: int | None = Field(default=None, ge=8, le=8192)
    """Longest row in tokens (not linear_head)."""
    balance: float | None = Field(default=None, ge=0, le=1)
    """How far rare labels are weighted up (classification): 0 not, 1 every label alike. Left out: 0, but 0.5 where the
    metric is macro_f1 or label_f1."""
    cut: Literal["end", "middle"] | None = None
    """classification: what is left out of inputs that are too long. Left out: dev decides."""
    tuning: Literal["full", "lora", "qlora"] | None = None
    """causal: all weights, low-rank adapters (less memory), or those on a 4-bit base (GPU). Left out: full."""
    beams: int | None = Field(default=None, ge=1, le=32)
    """Text to text: search so many continuations instead of taking the likeliest token each time."""
    trials: int = Field(default=1, ge=1, le=100)
    """Search rates and batch sizes over so many trainings, as far as the time allows; the best on dev is kept."""
    max_train_rows: int | None = Field(default=None, ge=1)
    """Train on a random part of the rows. Left out: all, but 1500 for text to text on a machine without a GPU."""


@dataclass(frozen=True)
class FineTuneInputs:
    """What is trained on what."""

    spec: TaskSpec
    holdout: Holdout
    datasets: Sequence[Dataset]
    """To train on, in the order they were made."""
    recipe: Recipe
    """With seed 0."""
    best: TrainingRun | None
    """The best student so far."""


def needs(args: FineTune, state: RunState) -> FineTuneInputs | NotYet:
    """A task, held-out rows, datasets, a method that fits, and something new to try."""
    spec, holdout = state.spec, state.latest(Holdout)
    if spec is None:
        return NotYet("call define_task first")
    if holdout is None:
        return NotYet("there are no held-out rows; call import_rows or generate_examples first")
    refused = _without_rows(args, state) or _misfit(args, state, spec)
    refused = refused or _against_constraints(args, state, spec) or _repeat(args, state, spec)
    if refused:
        return NotYet(refused)
    return FineTuneInputs(spec, holdout, chosen(args, state), recipe_of(args, state, spec), state.best())


def _without_rows(args: FineTune, state: RunState) -> str | None:
    """Why there is nothing to train on, or nobody knows what."""
    known = state.datasets()
    if not known:
        return "there are no training rows; call import_rows or generate_examples first"
    unknown = sorted(set(args.datasets) - {dataset.id for dataset in known})
    if unknown:
        return f"there is no dataset {', '.join(unknown)}; there are {', '.join(d.id for d in known)}"
    if len(known) > 1 and not args.datasets and state.mixture() is None:
        return "nobody has looked which of the datasets help: call choose_mixture first, or name `datasets`"
    return None


def _misfit(args: FineTune, state: RunState, spec: TaskSpec) -> str | None:
    """Why the method does not train such a task."""
    method = method_of(args, state, spec)
    fitting = [each.method for each in recipes_of(spec.kind)]
    if method not in load_recipes():
        return f"there is no recipe {method!r}; use {' or '.join(fitting)}"
    if method not in fitting:
        return f"{method} does not train a {spec.kind} task; use {' or '.join(fitting)}"
    recipe = recipe_named(method)
    if args.base is None and not recipe.base and not _raced(method, state):
        others = " or ".join(each.method for each in recipes_of(spec.kind) if each.base)
        return f"{method} needs a base ({recipe.purpose}): call search_models and name one, or use {others}"
    return None


def run(args: FineTune, inputs: FineTuneInputs, context: Context) -> Outcome:
    """Gather the rows, train, and say how it went."""
    from p2m_agent.rows.holdout import read_dev
    from p2m_agent.weights.faults import within
    from p2m_agent.weights.locate import locate

    spec, datasets = inputs.spec, inputs.datasets
    recipe = _for_this_machine(args, inputs.recipe.model_copy(update={"seed": context.settings.seed}))
    most = spec.constraints.max_train_rows
    if most is not None:
        recipe = recipe.model_copy(update={"max_rows": min(most, recipe.max_rows or most)})
    base = within(context.seconds_left(), lambda: locate(recipe.base, context.settings))
    objection = breach(base, spec.constraints, context.settings.refuse_licences)
    if objection:
        raise ToolError(objection, "Take another base model from search_models.")
    pool = context.pools.of(datasets, inputs.holdout, context.embedder())
    rows = TrainRows(spec, pool.examples, read_dev(context.root, inputs.holdout))
    folder = context.folder / "student"
    began = context.clock()
    recipe, trained = _train(args, recipe, rows, folder, context)
    took_s = round(context.clock() - began, 1)
    limit_ms = spec.constraints.max_latency_ms
    latency_ms = limit_ms and p95_ms(folder, rows.dev, context.settings, context.seconds_left)
    notes = [*trained.notes, *_launch_note(recipe, rows, folder)]
    if base.licence is None and spec.constraints.licences is None:
        notes.append(f"The licence of {base.name} is not known.")
    if pool.duplicates_removed:
        notes.append(f"{pool.duplicates_removed} duplicate rows were left out.")
    result = TrainingRun(
        id=f"training_run-{context.call.id}",
        recipe=recipe,
        path=folder.relative_to(context.root).as_posix(),
        datasets=tuple(dataset.id for dataset in datasets),
        train_rows=min(len(pool.examples), recipe.max_rows or len(pool.examples)),
        leaks_removed=pool.leaks_removed,
        metric=spec.metric,
        dev=trained.dev,
        train=trained.train,
        curve=trained.curve,
        params=trained.params,
        size_mb=trained.size_mb,
        p95_ms=latency_ms,
        wall_s=took_s,
        notes=tuple(notes),
        made_by=context.call.id,
    )
    return Outcome(summary=_summary(result, inputs.best, limit_ms), artifacts=(result,))


def _train(args: FineTune, recipe: Recipe, rows: TrainRows, folder: Path, context: Context) -> tuple[Recipe, Trained]:
    """One training, or a search, with the curves also where the settings want them."""
    from p2m_agent.training.trackers import tracked

    with tracked(context.settings.trackers, recipe, context.folder, context.emit) as report:
        kept = context.folder / KEPT_ACROSS_TRIES
        env = TrainEnv(context.settings, report, context.seconds_left, checkpoint=kept, clock=context.clock)
        if args.trials == 1:
            return recipe, train(recipe, rows, folder, env)
        from p2m_agent.training.trials import search

        found = search(recipe, args.trials, rows, folder, env)
        return found.recipe, found.trained


def _launch_note(recipe: Recipe, rows: TrainRows, folder: Path) -> list[str]:
    """How the same is trained on all GPUs, where there are several."""
    import torch

    if torch.cuda.device_count() < 2 or not isinstance(recipe, Looped):
        return []
    from p2m_agent.training.launch import write_job

    command = write_job(folder.parent / "several", recipe, rows, processes=torch.cuda.device_count())
    return [f"One of {torch.cuda.device_count()} GPUs was used; to train on all of them: {command}"]


def estimate(args: FineTune, state: RunState) -> Cost:
    """Time on two CPU cores, on the high side; no more than what is left where training can fit itself into that."""
    spec = state.spec
    if spec is None:
        return Cost()
    recipe = recipe_of(args, state, spec)
    rows = sum(dataset.rows for dataset in chosen(args, state))
    kind = recipe_named(recipe.method)
    wall_s = args.trials * kind.seconds(recipe, min(rows, recipe.max_rows or rows))
    least_s = min(wall_s, kind.least_s)
    return Cost(wall_s=round(max(least_s, min(wall_s, 0.95 * state.free_s)), 1))


def recipe_of(args: FineTune, state: RunState, spec: TaskSpec) -> Recipe:
    """The whole recipe: what was asked for, and the defaults for the rest."""
    method = method_of(args, state, spec)
    kind = recipe_named(method)
    fields = kind.settings.model_fields
    asked: dict[str, object] = {name: getattr(args, name) for name in _PASSED_ON}
    if args.balance is None and metric_named(spec.metric).balanced:
        asked["balance"] = 0.5
    if args.beams is not None:
        asked["decoding"] = {"beams": args.beams}
    given = {name: value for name, value in asked.items() if value is not None and name in fields}
    rows = args.max_train_rows or (_CPU_ROWS if spec.kind == "text_to_text" else None)
    base = args.base or _raced(method, state) or kind.base
    recipe: Recipe = kind.settings.model_validate({"base": base, "seed": 0, "max_rows": rows, **given})
    return recipe


def method_of(args: FineTune, state: RunState, spec: TaskSpec) -> str:
    """The method asked for, or the first fitting one that was not tried on these rows, or the last one."""
    if args.method is not None:
        return args.method
    fitting = [recipe.method for recipe in tried_unasked(spec.kind)]
    asked = _architecture(args.base, state)
    if asked and asked not in {recipe_named(method).architecture for method in fitting}:
        fitting = [recipe.method for recipe in recipes_of(spec.kind) if recipe.architecture == asked] or fitting
    ids = tuple(dataset.id for dataset in chosen(args, state))
    tried = {run.recipe.method for run in state.all(TrainingRun) if run.datasets == ids}
    return next((method for method in fitting if method not in tried), fitting[-1])


def _raced(method: str, state: RunState) -> str | None:
    """The base model that won the race, where this method can train it."""
    winner = state.probed_base()
    return winner if _architecture(winner, state) in (None, recipe_named(method).architecture) else None


def _architecture(base: str | None, state: RunState) -> str | None:
    """What search_models said a base is."""
    found = [candidate for search in state.all(ModelSearch) for candidate in search.candidates]
    return next((candidate.architecture for candidate in found if candidate.repo == base), None)


def chosen(args: FineTune, state: RunState) -> Sequence[Dataset]:
    """The datasets to train on, in the order they were made: those asked for, else the gate's choice."""
    if not args.datasets:
        return state.chosen_datasets()
    return [dataset for dataset in state.datasets() if dataset.id in args.datasets]


def breach(base: Weights | ModelCandidate, constraints: Constraints, refused: Sequence[str] = ()) -> str | None:
    """How a base model breaks what the person set, or None."""
    name, size_mb = base.repo if isinstance(base, ModelCandidate) else base.name, base.params * 4 / 1e6
    if constraints.max_params is not None and base.params > constraints.max_params:
        return f"{name} has {base.params:,} parameters and at most {constraints.max_params:,} are allowed"
    if constraints.max_size_mb is not None and size_mb > constraints.max_size_mb:
        return f"{name} takes about {size_mb:,.0f} MB and at most {constraints.max_size_mb:,.0f} MB are allowed"
    if any(word.casefold() in name.casefold() for word in constraints.avoid_bases):
        return f"{name} is one of the base models to be avoided ({', '.join(constraints.avoid_bases)})"
    ruling = rule(base.licence, constraints.licences, (*refused, *constraints.refused_licences))
    if ruling.verdict == "refuse":
        return f"{name} has the licence {base.licence or 'unknown'} {ruling.why}"
    return None


def _against_constraints(args: FineTune, state: RunState, spec: TaskSpec) -> str | None:
    """What is wrong with a base that is packaged or was found, whose facts are known without looking."""
    method = args.method or tried_unasked(spec.kind)[0].method
    named = args.base or recipe_named(method).base
    listed = (each for search in state.all(ModelSearch) for each in search.candidates if each.repo == named)
    base = packaged(named) or next(listed, None)
    found = breach(base, spec.constraints) if base else None
    return f"{found}; take another base model from search_models" if found else None


def _repeat(args: FineTune, state: RunState, spec: TaskSpec) -> str | None:
    """An exact repeat gives the same numbers, unless the task was told anew since; a search looks elsewhere."""
    if args.trials > 1:
        return None
    asked = recipe_of(args, state, spec).model_dump(mode="json", exclude={"seed", "max_rows"})
    ids = tuple(dataset.id for dataset in chosen(args, state))
    for run in state.since_redefined():
        if not isinstance(run, TrainingRun) or run.datasets != ids:
            continue
        same_rows = args.max_train_rows is None or args.max_train_rows == run.recipe.max_rows
        if same_rows and run.recipe.model_dump(mode="json", exclude={"seed", "max_rows"}) == asked:
            return f"{run.id} is exactly this recipe on the same rows; change the method, the data or a hyperparameter"
    return None


def _for_this_machine(args: FineTune, recipe: Recipe) -> Recipe:
    """A GPU takes all rows; a CPU without bfloat16 hardware fewer, so that a round stays some ten minutes."""
    from p2m_agent.weights.device import device, fast_bf16

    if args.max_train_rows is not None or recipe.max_rows is None:
        return recipe
    if device().type == "cuda":
        return recipe.model_copy(update={"max_rows": None})
    return recipe if fast_bf16() else recipe.model_copy(update={"max_rows": _SLOW_CPU_ROWS})


def _summary(run: TrainingRun, before: TrainingRun | None, limit_ms: float | None) -> str:
    text = f"{run.recipe.method} on {run.train_rows} rows: {run.metric} {run.dev:.3f} on dev"
    if run.train is not None:
        text += f", {run.train:.3f} on training rows"
    if before is not None:
        text += f" (best so far {before.dev:.3f})"
    if limit_ms is not None:
        slow = "" if run.answers_within(limit_ms) else ": too slow to be delivered"
        text += f"; {run.p95_ms} ms for one input (p95), {limit_ms:g} ms are allowed{slow}"
    leaks = sum(run.leaks_removed.values())
    return f"{text}; {run.size_mb:.0f} MB" + (f"; {leaks} rows left out that match held-out ones." if leaks else ".")


TOOL = Tool(name="fine_tune", args=FineTune, run=run, effect=Effect.COMPUTE, needs=needs, estimate=estimate)
