"""Students that sort: each form answers as they do, by the library that it is for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from p2m_agent import load
from p2m_agent.delivery.export import Student, compare, export_named, known_exports, read_record, record, write_export
from p2m_agent.delivery.onnx_classifier import load_classifier
from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.delivery.standard_folder import make_loadable
from p2m_agent.errors import UsageError
from p2m_agent.settings import Settings
from p2m_agent.training.student_card import StudentCard
from p2m_agent.types.task import Kind
from tests.fakes.student import example
from tests.fakes.tiny_models import WORDS, tiny_bert
from tests.fakes.trained import LABELS, printed, sorting_student

TEXTS = [" ".join(WORDS[i : i + 4]) for i in range(0, 24, 3)] + [" ".join(WORDS * 3), "", "invoice"]
FORMS = ["docker", "hub", "onnx", "onnx-int8", "sentence-transformers"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(params=["classification", "multi_label"])
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def settings() -> Settings:
    return Settings(_env_file=None)


def student_of(folder: Path, encoder: Path, kind: Kind) -> tuple[Path, StudentCard]:
    return folder / "student", sorting_student(folder / "student", encoder, kind=kind)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_answers_as_the_student_does(
    tmp_path: Path, encoder: Path, kind: Kind, form: str, settings: Settings
) -> None:
    folder, card = student_of(tmp_path, encoder, kind)
    ours = load_predictor(folder, settings).predict([{"text": text} for text in TEXTS])
    assert len({each.output for each in ours}) > 1  # else anything would agree
    way, student, target = export_named(form, card), Student(folder, card, TEXTS), tmp_path / "out"
    write_export(way, student, target)
    rows = [example(text, answer.output) for text, answer in zip(TEXTS, ours, strict=True)]
    found = compare(way, student, target, rows, settings)
    assert (found.same, found.export, found.holds) == (1.0, 1.0, True)
    assert found.score_difference is not None
    assert found.score_difference < (0.05 if form == "onnx-int8" else 1e-4)
    assert record(target, way, "s1", found) == read_record(target)[0]


def test_sorting_students_have_these_forms_and_no_others(tmp_path: Path, encoder: Path) -> None:
    _, card = student_of(tmp_path, encoder, "classification")
    assert sorted(name for name, way in known_exports().items() if way.sorts) == FORMS
    with pytest.raises(UsageError, match="gguf is not for a student that sorts by labels") as refused:
        export_named("gguf", card)
    assert refused.value.hint == "It can leave as docker, hub, onnx, onnx-int8, sentence-transformers."
    with pytest.raises(UsageError, match="There is no export 'onyx'"):
        export_named("onyx", card)


def test_an_answer_does_not_depend_on_the_texts_beside_it(tmp_path: Path, encoder: Path) -> None:
    folder, card = student_of(tmp_path, encoder, "classification")
    for form in ("onnx", "onnx-int8"):
        write_export(export_named(form, card), Student(folder, card), tmp_path / form)
        _, logits = load_classifier(tmp_path / form)
        alone = np.concatenate([logits([text]) for text in TEXTS])
        assert np.abs(logits(TEXTS * 20)[: len(TEXTS)] - alone).max() < 1e-4


def test_the_delivered_folder_is_a_model_of_sentence_transformers(
    tmp_path: Path, encoder: Path, settings: Settings
) -> None:
    from sentence_transformers import SentenceTransformer

    folder, card = student_of(tmp_path, encoder, "classification")
    before = (folder / "encoder" / "tokenizer_config.json").read_bytes()
    linked = tmp_path / "linked.json"
    linked.hardlink_to(folder / "encoder" / "tokenizer_config.json")
    make_loadable(folder, card)
    assert linked.read_bytes() == before  # the training's own file, which a delivered one may be a link to
    model = SentenceTransformer(str(folder), local_files_only=True)
    assert model.max_seq_length == card.max_tokens
    ours = load_predictor(folder, settings).predict([{"text": text} for text in TEXTS])
    assert [LABELS[place] for place in model.encode(TEXTS).argmax(1)] == [each.output for each in ours]


def test_a_folder_that_holds_something_else_is_not_replaced(tmp_path: Path, encoder: Path) -> None:
    folder, card = student_of(tmp_path, encoder, "classification")
    target = tmp_path / "mine"
    target.mkdir()
    (target / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty and holds no export"):
        write_export(export_named("onnx", card), Student(folder, card), target)
    assert (target / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("form", ["onnx", "onnx-int8", "sentence-transformers"])
def test_the_lines_that_are_printed_run_in_the_folder(
    tmp_path: Path, encoder: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, card = student_of(tmp_path, encoder, "classification")
    way, student = export_named(form, card), Student(folder, card, ["where is my 'parcel'"])
    write_export(way, student, tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out")
    expected = load(folder).predict("where is my 'parcel'").output
    assert expected in printed(way.usage(student))


def test_load_needs_neither_the_agent_nor_its_libraries_and_takes_an_export_where_there_is_one(
    tmp_path: Path, encoder: Path
) -> None:
    run = tmp_path / "runs" / "x"
    card = sorting_student(run / "calls" / "009-deliver" / "model", encoder)
    folder = run / "calls" / "009-deliver" / "model"
    with pytest.raises(UsageError, match="no delivered model"):
        load(run)  # a delivery that is still at work has its card already
    (folder.parent / "manifest.json").write_text("{}")
    by_weights = load(run).predict(TEXTS)
    write_export(export_named("onnx", card), Student(folder, card), run / "exports" / "onnx")
    code = """
import json, sys, p2m_agent
model = p2m_agent.load(sys.argv[1])
said = model.predict(json.loads(sys.argv[2]))
heavy = {"langgraph", "chromadb", "openai", "langchain", "scipy", "sklearn", "torch", "transformers", "datasets"}
print(json.dumps([[each.output for each in said], sorted(heavy & set(sys.modules))]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(run), json.dumps(TEXTS)], capture_output=True, text=True, check=True
    )
    answers, heavy = json.loads(done.stdout)
    assert answers == [each.output for each in by_weights]
    assert heavy == []


def test_load_says_what_is_wrong_with_an_input_or_a_folder(tmp_path: Path, encoder: Path) -> None:
    with pytest.raises(UsageError, match="no delivered model in"):
        load(tmp_path)
    folder, card = student_of(tmp_path, encoder, "classification")
    (folder / "p2m.json").write_text(card.model_copy(update={"input_fields": ("title", "body")}).model_dump_json())
    with pytest.raises(UsageError, match="reads 2 fields"):
        load(folder).predict(["one text"])
    assert load(folder).predict({"title": "a", "body": "parcel"}).output in LABELS
