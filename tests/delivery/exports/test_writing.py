"""Students that write texts: llama.cpp and transformers' own pipeline say what they say."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from p2m_agent.delivery.export import Student, compare, export_named, known_exports, write_export
from p2m_agent.errors import ToolError, UsageError
from p2m_agent.llm.embedded import start
from p2m_agent.settings import Settings
from p2m_agent.training.recipes.seq2seq import Seq2Seq
from p2m_agent.training.texts.answering import MODEL
from p2m_agent.training.texts.chat_format import ChatFormat
from p2m_agent.weights.loading import load_tokenizer
from tests.fakes.student import example
from tests.fakes.tiny_models import byte_level_llama, tiny_llama
from tests.fakes.trained import printed, writing_student

TEXTS = ["where is my parcel", "a  12\n\n3 times", "refund  please", "日本語 ÄÖ"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return byte_level_llama(tmp_path_factory.mktemp("llama"))


@pytest.mark.parametrize("form", ["gguf", "ollama", "safetensors"])
def test_the_export_says_what_the_student_says(tmp_path: Path, checkpoint: Path, form: str) -> None:
    folder = tmp_path / "student"
    card = writing_student(folder, checkpoint)
    way, student, target = export_named(form, card), Student(folder, card, TEXTS), tmp_path / "out"
    write_export(way, student, target)
    found = compare(way, student, target, [example(text, "x") for text in TEXTS], Settings(_env_file=None))
    assert (found.same, found.compared) == (1.0, 2 * len(TEXTS))
    if form == "ollama":
        assert 'SYSTEM """Say it in other words."""' in (target / "Modelfile").read_text()


def test_llama_cpp_cuts_prompts_into_the_same_tokens_and_ends_by_the_same_token(
    tmp_path: Path, checkpoint: Path
) -> None:
    import httpx

    folder = tmp_path / "student"
    card = writing_student(folder, checkpoint)
    write_export(export_named("gguf", card), Student(folder, card, TEXTS), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "chat.json").read_text())["prompts_cut_alike"] == 1.0
    chat = ChatFormat(load_tokenizer(folder / MODEL), card.instruction)
    with closing(start(tmp_path / "out" / "model.gguf", threads=1)) as server:
        base = server.url.removesuffix("/v1")
        rendered = httpx.post(f"{base}/apply-template", json={"messages": chat.messages(TEXTS[1])}).json()["prompt"]
    assert rendered == chat.prompt(TEXTS[1])  # what a client of its server sends is what the student was trained on


def test_a_student_that_cannot_leave_this_way_is_told_why(tmp_path: Path) -> None:
    card = writing_student(tmp_path / "words", tiny_llama(tmp_path / "llama"))
    assert sorted(name for name, way in known_exports().items() if way.says) == [
        "docker", "gguf", "hub", "ollama", "safetensors",
    ]  # fmt: skip
    with pytest.raises(ToolError, match="byte-level BPE"):
        write_export(export_named("gguf", card), Student(tmp_path / "words", card), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="decoders only"):
        export_named("gguf", card.model_copy(update={"recipe": Seq2Seq(base="tiny")}))


def test_the_lines_that_are_printed_run_in_the_folder(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "student"
    card = writing_student(folder, checkpoint)
    way, student = export_named("safetensors", card), Student(folder, card, TEXTS)
    write_export(way, student, tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out")
    assert printed(way.usage(student)).strip() == way.answers(tmp_path / "out", card)([TEXTS[0]])[0].output
