"""Train a student on the run's rows."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from p2m_agent.budget import Cost
from p2m_agent.errors import ToolError
from p2m_agent.hub.weights import EMBEDDINGS, SMALL_LM, Weights, packaged
from p2m_agent.state import RunState
from p2m_agent.tooling import Args, Context, Effect, Outcome, Tool
from p2m_agent.training.recipe import METHODS, Causal, Encoder, LinearHead, Method, Recipe
from p2m_agent.training.trainer import Trained, TrainEnv, TrainRows, train
from p2m_agent.types import Constraints, Dataset, Holdout, TaskSpec, TrainingRun

_RECIPES: dict[str, type[LinearHead] | type[Encoder] | type[Causal]] = {
    "linear_head": LinearHead,
    "encoder": Encoder,
    "causal": Causal,
}
_CPU_ROWS = 1500
"""Training rows of a causal LM where there is no GPU and nobody says otherwise: some minutes on two cores."""
_SLOW_CPU_ROWS = 800
_LEAST_S = {"linear_head": 20.0, "encoder": 60.0, "causal": 240.0}
"""With less time than this a training comes to nothing; with more, it fits itself into what is left."""


class FineTune(Args):
    """Train a student on the imported and generated rows and score it on the dev split.

    For classification start with method linear_head (seconds), then encoder (minutes, usually better). For
    text_to_text use causal. Change something from round to round: more data, more epochs, another base.
    """

    method: Method | None = None
    """linear_head or encoder (classification), causal (text_to_text). Left out: the first that was not tried yet."""
    base: str | None = None
    """Base model from search_models. Left out: the small model that is installed."""
    datasets: tuple[str, ...] = ()
    """Ids of the datasets to train on. Left out: what choose_mixture chose."""
    epochs: int | None = Field(default=None, ge=1, le=50)
    """Passes over the rows (encoder, causal). Left out: 6 and 2; training stops early where dev gets no better."""
    learning_rate: float | None = Field(default=None, gt=0, lt=1)
    """Peak learning rate (encoder, causal)."""
    batch_size: int | None = Field(default=None, ge=1, le=1024)
    """Rows a step (encoder, causal)."""
    max_tokens: int | None = Field(default=None, ge=8, le=8192)
    """Longest row in tokens (encoder, causal)."""
    max_train_rows: int | None = Field(default=None, ge=1)
    """Train on a random part of the rows. Left out: all, but 1500 for causal on a machine without a GPU."""


def needs(args: FineTune, state: RunState) -> str | None:
    """A task, held-out rows, datasets, a method that fits, and something new to try."""
    spec = state.spec
    if spec is None:
        return "call define_task first"
    if state.latest(Holdout) is None:
        return "there are no held-out rows; call import_rows or generate_examples first"
    known = state.datasets()
    if not known:
        return "there are no training rows; call import_rows or generate_examples first"
    unknown = sorted(set(args.datasets) - {dataset.id for dataset in known})
    if unknown:
        return f"there is no dataset {', '.join(unknown)}; there are {', '.join(d.id for d in known)}"
    if len(known) > 1 and not args.datasets and state.mixture() is None:
        return "nobody has looked which of the datasets help: call choose_mixture first, or name `datasets`"
    method = method_of(args, state, spec)
    if method not in METHODS[spec.kind]:
        return f"{method} does not train a {spec.kind} task; use {' or '.join(METHODS[spec.kind])}"
    return _against_constraints(args, spec) or _repeat(args, state, spec)


def run(args: FineTune, state: RunState, context: Context) -> Outcome:
    """Gather the rows, train, and say how it went."""
    from p2m_agent.data.holdout import read_dev
    from p2m_agent.data.pool import training_pool
    from p2m_agent.hub.weights import locate

    spec, holdout = state.spec, state.latest(Holdout)
    assert spec is not None
    assert holdout is not None
    recipe = _for_this_machine(args, recipe_of(args, state, spec, context.settings.seed))
    base = locate(recipe.base, context.settings)
    objection = breach(base, spec.constraints)
    if objection:
        raise ToolError(objection, "Take another base model from search_models.")
    datasets = chosen(args, state)
    pool = training_pool(context.root, datasets, holdout, context.embedder())
    rows = TrainRows(spec, pool.examples, read_dev(context.root, holdout))
    folder = context.folder / "student"
    trained = train(recipe, rows, folder, TrainEnv(context.settings, context.emit, context.seconds_left))
    notes = list(trained.notes)
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
        notes=tuple(notes),
        made_by=context.call.id,
    )
    return Outcome(summary=_summary(result, trained, state.best()), artifacts=(result,))


def estimate(args: FineTune, state: RunState) -> Cost:
    """Time on two CPU cores, on the high side; no more than what is left where training can fit itself into that."""
    spec = state.spec
    if spec is None:
        return Cost()
    recipe = recipe_of(args, state, spec, seed=0)
    rows = sum(dataset.rows for dataset in chosen(args, state))
    wall_s = seconds(recipe, min(rows, recipe.max_rows or rows))
    left_s = state.budget.left_s(state.spent) - state.budget.reserve_s
    least_s = min(wall_s, _LEAST_S[recipe.method])
    return Cost(wall_s=round(max(least_s, min(wall_s, 0.95 * left_s)), 1))


def seconds(recipe: Recipe, rows: int) -> float:
    """About, for rows of 20 tokens on two cores without bfloat16 hardware; load changes it by a factor of two."""
    match recipe:
        case LinearHead():
            return 20 + rows / 150
        case Encoder():
            return 30 + rows / 150 + rows * recipe.epochs / 50
        case Causal():
            return 90 + rows * recipe.epochs / 4


def recipe_of(args: FineTune, state: RunState, spec: TaskSpec, seed: int) -> Recipe:
    """The whole recipe: what was asked for, and the defaults for the rest."""
    method = method_of(args, state, spec)
    kind = _RECIPES[method]
    asked = {name: getattr(args, name) for name in ("epochs", "learning_rate", "batch_size", "max_tokens")}
    given = {name: value for name, value in asked.items() if value is not None and name in kind.model_fields}
    rows = args.max_train_rows or (_CPU_ROWS if method == "causal" else None)
    return kind(base=args.base or default_base(method), seed=seed, max_rows=rows, **given)


def method_of(args: FineTune, state: RunState, spec: TaskSpec) -> Method:
    """The method asked for, or the first fitting one that was not tried on these rows, or the last one."""
    if args.method is not None:
        return args.method
    fitting = METHODS[spec.kind]
    ids = tuple(dataset.id for dataset in chosen(args, state))
    tried = {run.recipe.method for run in state.all(TrainingRun) if run.datasets == ids}
    return next((method for method in fitting if method not in tried), fitting[-1])


def default_base(method: Method) -> str:
    """The small base model that comes as a package."""
    return SMALL_LM if method == "causal" else EMBEDDINGS


def chosen(args: FineTune, state: RunState) -> Sequence[Dataset]:
    """The datasets to train on, in the order they were made: those asked for, else the gate's choice."""
    if not args.datasets:
        return state.chosen_datasets()
    return [dataset for dataset in state.datasets() if dataset.id in args.datasets]


def breach(base: Weights, constraints: Constraints) -> str | None:
    """How a base model breaks what the person set, or None."""
    if constraints.max_params is not None and base.params > constraints.max_params:
        return f"{base.name} has {base.params:,} parameters and at most {constraints.max_params:,} are allowed"
    allowed = constraints.licences
    if allowed is not None and (base.licence or "").lower() not in {licence.lower() for licence in allowed}:
        return f"{base.name} has the licence {base.licence or 'unknown'} and only {', '.join(allowed)} are allowed"
    return None


def _against_constraints(args: FineTune, spec: TaskSpec) -> str | None:
    """What is wrong with a packaged base, whose facts are known without looking."""
    method = args.method or METHODS[spec.kind][0]
    base = packaged(args.base or default_base(method))
    found = breach(base, spec.constraints) if base else None
    return f"{found}; take another base model from search_models" if found else None


def _repeat(args: FineTune, state: RunState, spec: TaskSpec) -> str | None:
    """An exact repeat gives the same numbers, unless the instruction has changed since."""
    asked = recipe_of(args, state, spec, seed=0).model_dump(exclude={"seed", "max_rows"})
    ids = tuple(dataset.id for dataset in chosen(args, state))
    since = max((i for i, artifact in enumerate(state.artifacts) if isinstance(artifact, TaskSpec)), default=0)
    for run in state.artifacts[since:]:
        if not isinstance(run, TrainingRun) or run.datasets != ids:
            continue
        same_rows = args.max_train_rows is None or args.max_train_rows == run.recipe.max_rows
        if same_rows and run.recipe.model_dump(exclude={"seed", "max_rows"}) == asked:
            return f"{run.id} is exactly this recipe on the same rows; change the method, the data or a hyperparameter"
    return None


def _for_this_machine(args: FineTune, recipe: Recipe) -> Recipe:
    """A GPU takes all rows; a CPU without bfloat16 hardware fewer, so that a round stays some ten minutes."""
    from p2m_agent.training.device import device, fast_bf16

    if args.max_train_rows is not None or recipe.max_rows is None:
        return recipe
    if device().type == "cuda":
        return recipe.model_copy(update={"max_rows": None})
    return recipe if fast_bf16() else recipe.model_copy(update={"max_rows": _SLOW_CPU_ROWS})


def _summary(run: TrainingRun, trained: Trained, before: TrainingRun | None) -> str:
    text = f"{run.recipe.method} on {run.train_rows} rows: {run.metric} {trained.dev:.3f} on dev"
    if trained.train is not None:
        text += f", {trained.train:.3f} on training rows"
    if before is not None:
        text += f" (best so far {before.dev:.3f})"
    leaks = sum(run.leaks_removed.values())
    return f"{text}; {run.size_mb:.0f} MB" + (f"; {leaks} rows left out that match held-out ones." if leaks else ".")


TOOL = Tool(name="fine_tune", args=FineTune, run=run, effect=Effect.COMPUTE, needs=needs, estimate=estimate)
