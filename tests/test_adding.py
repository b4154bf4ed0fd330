"""What CONTRIBUTING says can be added with one file: each is written into a temporary folder and used."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.errors import ToolError, UsageError
from p2m_agent.evaluation.report import extra_scores, score_of
from p2m_agent.importing.shapes import load_shapes, shape_of
from p2m_agent.rows.tables.opening import load_readers, open_table
from p2m_agent.run.state import RunState
from p2m_agent.run.tooling import load_tools
from p2m_agent.scoring.intervals import paired
from p2m_agent.scoring.metric_choice import metrics_in_words
from p2m_agent.scoring.metrics import load_metrics, meaning_of
from p2m_agent.search.hub import IndexedHub
from p2m_agent.settings import Settings
from p2m_agent.task.drafting import Said, draft_spec
from p2m_agent.task.suggestion import RequestForm
from p2m_agent.task.yaml_file import read_task
from p2m_agent.terminal.units import scored
from p2m_agent.training.job import TrainEnv, TrainRows
from p2m_agent.training.recipes import load_recipes, recipe_named, recipe_title, recipes_in_words, tried_unasked
from p2m_agent.training.trainer import train
from p2m_agent.types.recipe import AnyRecipe
from p2m_agent.types.rows import Example, Source
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import Task
from tests.fakes.calls import run_tool
from tests.fakes.tiny_models import sorted_mail, task, tiny_bert

USER = Source(origin="user", ref="f")
HUB = '''
"""Datasets of the office: names that begin with `office:`."""

from p2m_agent.search.hubs.card import Card
from p2m_agent.types.candidates import HubDataset
from p2m_agent.search.hubs.protocol import HubKind


class Office:
    name = "office:mail"

    def why_not(self):
        return None

    def cards(self, query=None, limit=None):
        yield Card("office/mail", self.name, title="Office mail", description="Mail to an office, by queue.")

    def open(self, repo, config=None):
        rows = [{"text": f"letter {n}", "queue": "post"} for n in range(3)]
        return HubDataset("office/mail", self.name, "1", splits={"train": 3}, read=lambda split, limit: iter(rows))


HUB = HubKind(order=0, open=lambda name, huggingface: Office() if name.startswith("office:") else None)
'''
TOOL = '''
"""Count the words of the request."""

from p2m_agent.run.tooling import Args, Effect, NotYet, Outcome, Tool


class CountWords(Args):
    """Count the words of the request."""


def needs(args, state):
    return state.task.request or NotYet("there is no request yet")


def run(args, request, context):
    return Outcome(summary=f"{len(request.split())} words")


TOOL = Tool(name="count_words", args=CountWords, run=run, needs=needs, effect=Effect.READ)
'''


READER = '''
"""Address books: `name :: queue`, a line each."""

from p2m_agent.rows.tables.opened import Reader, SourceTable, one_split


def read(path, options):
    lines = path.read_text().splitlines()
    rows = [dict(zip(("text", "queue"), line.split(" :: "))) for line in lines]
    return SourceTable(format="an address book", splits=one_split(lambda log: iter(rows)), path=path)


READER = Reader("book", (".book",), lambda path, head: 3 if b" :: " in head else 0, read)
'''
SHAPE = '''
"""The forms of the town hall: a remark and what a clerk ticked."""

from p2m_agent.importing.schema.shaped import Shape, Shaped


def read(rows, asked):
    flat = [{"remark": row["form"]["remark"], "tick": row["form"]["tick"]} for row in rows]
    return Shaped("town hall", flat, ("remark",), "tick", read=len(flat))


SHAPE = Shape("town hall", lambda rows: sum("form" in row for row in rows) / len(rows), read, specific=9)
'''


METRIC = '''
"""Character error rate: edits to a character of the expected text."""

from p2m_agent.scoring.metric import Metric, RowStatistics


def edits(expected, predicted):
    before = list(range(len(predicted) + 1))
    for row, one in enumerate(expected, 1):
        now = [row]
        for place, other in enumerate(predicted):
            now.append(min(before[place] + (one != other), before[place + 1] + 1, now[place] + 1))
        before = now
    return before[-1]


def statistics(expected, predicted):
    import numpy as np

    rows = [(edits(e, p), len(e)) for e, p in zip(expected, predicted, strict=True)]
    return RowStatistics(np.asarray(rows, float), lambda sums: sums[..., 0] / sums[..., 1])


METRIC = Metric(
    name="character_error",
    title="1 − character error rate",
    meaning="It is 1 minus the edits to a character of the expected text.",
    purpose="for text_to_text where every letter counts",
    kinds=("text_to_text",),
    statistics=statistics,
    higher_is_better=False,
)
'''


RECIPE = '''
"""The label of the training row whose embedding is nearest."""

import json
from typing import Literal

from p2m_agent.training.heads import ENCODER, locate_encoder
from p2m_agent.training.job import Trained, dev_metric
from p2m_agent.training.recipe_kind import RecipeKind
from p2m_agent.training.student_card import card_of, size_mb, write_card
from p2m_agent.types.recipe import Recipe
from p2m_agent.types.student import Prediction
from p2m_agent.weights.embedding import load_text_encoder
from p2m_agent.weights.loading import copy_checkpoint
from p2m_agent.weights.locate import EMBEDDINGS


class NearestRow(Recipe):
    """Remember the rows."""

    method: Literal["nearest_row"] = "nearest_row"
    sure: float = 0.5
    """The confidence that is told."""


def train(recipe, rows, folder, run):
    base = locate_encoder(recipe, run)
    copy_checkpoint(base.path, folder / ENCODER)
    (folder / "rows.json").write_text(json.dumps([[row.text, row.output] for row in rows.train]))
    card = card_of(recipe, rows.spec, base, labels=rows.labels(), max_tokens=128)
    said = [each.output for each in answers(recipe, folder, card)([row.text for row in rows.dev])]
    dev = dev_metric(rows, [row.output for row in rows.dev], said)
    write_card(folder, card)
    return Trained(dev=dev, train=None, curve=(), params=base.params, size_mb=size_mb(folder), notes=())


def answers(recipe, folder, card):
    encoder = load_text_encoder(folder / ENCODER, max_tokens=card.max_tokens)
    texts, outputs = zip(*json.loads((folder / "rows.json").read_text()))
    known = encoder.encode(texts)
    return lambda asked: [
        Prediction(output=outputs[i], confidence=recipe.sure) for i in (encoder.encode(asked) @ known.T).argmax(1)
    ]


RECIPE = RecipeKind(
    settings=NearestRow,
    title="nearest row",
    description="the training rows themselves",
    purpose="for classification where a row like it was seen before",
    kinds=("classification",),
    architecture="encoder",
    base=EMBEDDINGS,
    train=train,
    answers=answers,
    seconds=lambda recipe, rows: 5 + rows / 150,
    least_s=5.0,
    why="nothing is quicker than remembering",
    order=5,
)
'''


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a file beside those of a package."""

    def put(package: str, name: str, text: str) -> None:
        (tmp_path / package).mkdir(exist_ok=True)
        (tmp_path / package / f"{name}.py").write_text(text)
        module = importlib.import_module(package)
        monkeypatch.setattr(module, "__path__", [*module.__path__, str(tmp_path / package)])
        monkeypatch.delitem(sys.modules, f"{package}.{name}", raising=False)

    return put


def test_a_hub(add, tmp_path: Path) -> None:
    add("p2m_agent.search.hubs.kinds", "office", HUB)
    hub = IndexedHub(Settings(hubs=("office:mail",), cache_dir=tmp_path / "cache"), lambda: None)
    assert [row["queue"] for row in hub.open_dataset("office/mail").rows("train")] == ["post"] * 3


def test_a_tool(add) -> None:
    add("p2m_agent.tools", "count_words", TOOL)
    tool = load_tools()["count_words"]
    assert tool.description == "Count the words of the request."
    assert run_tool(tool, tool.args(), RunState(task=Task(request="Sort my mail")), None).summary == "3 words"


def test_a_file_format(add, tmp_path: Path) -> None:
    add("p2m_agent.rows.formats", "address_book", READER)
    (tmp_path / "mail.book").write_text("The lamp is out :: roads\nMy bin is full :: waste\n")
    load_readers.cache_clear()
    table = open_table(tmp_path / "mail.book")
    load_readers.cache_clear()
    assert table.format == "an address book"
    assert [row["queue"] for row in table.splits["train"]] == ["roads", "waste"]


def test_the_files_of_a_tool(add) -> None:
    add("p2m_agent.importing.shapes", "town_hall", SHAPE)
    load_shapes.cache_clear()
    shaped = shape_of([{"form": {"remark": "The lamp is out", "tick": "roads"}}])
    load_shapes.cache_clear()
    assert shaped is not None
    assert (shaped.shape, shaped.inputs, shaped.rows[0]["tick"]) == ("town hall", ("remark",), "roads")


@pytest.fixture
def metric(add):
    load_metrics.cache_clear()
    add("p2m_agent.scoring.metrics", "character_error", METRIC)
    yield "character_error"
    load_metrics.cache_clear()


def test_a_metric(metric: str, tmp_path: Path) -> None:
    """A task file names it; dev answers are scored by it with an interval, compared, and explained."""
    file = tmp_path / "task.yaml"
    file.write_text(f"request: Write it in capitals\nkind: text_to_text\nmetric: {metric}\n")
    spec = draft_spec(Said(read_task(file)), "1", None, lambda: None)
    rows = [Example(input={"text": f"row {n}"}, output=f"ROW {n}0", source=USER) for n in range(10, 30)]
    answers = [row.output for row in rows[:10]] + ["ROW 1" for _ in rows[10:]]
    found = score_of(spec, rows, answers, seed=0)
    assert found.value == pytest.approx(1 - (9 * 3 + 2) / (20 * 7))
    assert 0 < found.ci95[0] < found.value < found.ci95[1] < 1
    minus = paired(metric, [row.output for row in rows], answers, ["" for _ in rows])
    assert minus is not None
    assert minus.verdict == "better"
    assert scored(found).startswith("1 − character error rate 0.")
    assert meaning_of(metric) == "It is 1 minus the edits to a character of the expected text."
    assert metric in extra_scores(spec.model_copy(update={"metric": "chrf"}), ["ROW"], ["RAW"], 0)
    assert "character_error for text_to_text where every letter counts" in metrics_in_words()
    assert metric in RequestForm.json_schema()["properties"]["metric"]["enum"]


def test_a_metric_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text("request: Sort mail\nmetric: character_error\n")
    with pytest.raises(UsageError, match="no metric 'character_error'") as refused:
        read_task(file)
    assert "accuracy" in refused.value.hint


def test_a_metric_of_another_name_than_its_file_stops_the_start(add) -> None:
    load_metrics.cache_clear()
    add("p2m_agent.scoring.metrics", "letters", METRIC)
    with pytest.raises(RuntimeError, match=r"letters\.py"):
        load_metrics()
    load_metrics.cache_clear()


@pytest.fixture
def recipe(add):
    load_recipes.cache_clear()
    add("p2m_agent.training.recipes", "nearest_row", RECIPE)
    yield "nearest_row"
    load_recipes.cache_clear()


def test_a_recipe(recipe: str, tmp_path: Path) -> None:
    """A student is trained, kept, loaded and asked by it; the rules try it, and a card tells of it."""
    base, settings = tiny_bert(tmp_path / "bert"), Settings()
    rows = TrainRows(task(labels=("delivery", "billing")), sorted_mail(40), sorted_mail(40)[:10])
    asked = AnyRecipe.model_validate({"method": recipe, "base": str(base), "sure": 0.75})
    trained = train(asked, rows, tmp_path / "student", TrainEnv(settings, lambda event: None, lambda: float("inf")))
    assert trained.dev == 1.0
    [said] = load_predictor(tmp_path / "student", settings).predict([rows.dev[0].input])
    assert (said.output, said.confidence) == ("delivery", 0.75)
    facts = {"id": "r", "path": "student", "datasets": (), "train_rows": 40, "metric": "accuracy", "dev": 1.0}
    run = TrainingRun.model_validate({**facts, "recipe": asked, "params": 1, "size_mb": 1, "made_by": "c"})
    assert TrainingRun.model_validate_json(run.model_dump_json()) == run
    assert recipe_named(recipe).settings.of(run.recipe).sure == 0.75
    assert tried_unasked("classification")[0].method == recipe
    assert f"{recipe} for classification where" in recipes_in_words()
    assert recipe_title(recipe) == "nearest row"


def test_a_recipe_whose_file_is_gone_can_still_be_read_of() -> None:
    kept = AnyRecipe.model_validate({"method": "nearest_row", "base": "b", "sure": 0.75})
    assert recipe_title(kept.method) == "nearest row"
    with pytest.raises(ToolError, match="no recipe 'nearest_row'"):
        recipe_named(kept.method)


def test_a_hyperparameter_that_a_recipe_has_not_is_refused() -> None:
    with pytest.raises(ValidationError, match="epoch"):
        recipe_named("encoder").settings.of(AnyRecipe.model_validate({"method": "encoder", "base": "b", "epoch": 2}))
