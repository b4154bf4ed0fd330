"""GGUF: one file for llama.cpp and what is built on it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from p2m_agent.delivery.export import Export, Student
from p2m_agent.delivery.gguf_writer import matching_pre, write_gguf
from p2m_agent.delivery.llama_cpp import chat_answers
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.student_card import StudentCard
from p2m_agent.training.texts.answering import MODEL
from p2m_agent.training.texts.chat_format import ChatFormat
from p2m_agent.types.student import Answer, Prediction
from p2m_agent.weights.loading import load_tokenizer

FILE, CHAT = "model.gguf", "chat.json"


def write(student: Student, target: Path) -> None:
    """The file, and a conversation as it wants them, with a gap where the input goes."""
    folder, instruction = student.folder / MODEL, student.card.instruction
    with tempfile.TemporaryDirectory() as scratch:
        pre, share = matching_pre(folder, instruction, student.texts, Path(scratch))
    write_gguf(folder, instruction, target / FILE, pre=pre)
    about = {
        "messages": ChatFormat(load_tokenizer(folder), instruction).messages("{input}"),
        "max_tokens": _longest(student.card),
        "pre_tokenizer": pre,
        "prompts_cut_alike": share,
    }
    (target / CHAT).write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def answers(target: Path, card: StudentCard) -> Answer:
    """By llama.cpp, through the chat template in the file."""
    turns = json.loads((target / CHAT).read_text(encoding="utf-8"))["messages"]

    def answer(texts: Sequence[str]) -> list[Prediction]:
        chats = [
            [{**turn, "content": turn["content"].replace("{input}", text)} for turn in turns[-1:]] for text in texts
        ]
        said = chat_answers(target / FILE, [[*turns[:-1], *chat] for chat in chats], _longest(card))
        return [Prediction(output=output, confidence=None) for output in said]

    return answer


def usage(student: Student) -> str:
    """By llama.cpp's own server, and any client of it."""
    return f"""\
# first, in its folder: llama-server --model model.gguf --jinja --port 8080
import json, openai

about = json.load(open("chat.json"))
client = openai.OpenAI(base_url="http://127.0.0.1:8080/v1", api_key="none")
text = {student.example!r}
*before, last = about["messages"]
messages = [*before, last | {{"content": last["content"].replace("{{input}}", text)}}]
said = client.chat.completions.create(
    model="model", messages=messages, temperature=0, max_tokens=about["max_tokens"]
)
print(said.choices[0].message.content)
"""


def _longest(card: StudentCard) -> int:
    return Causal.of(card.recipe).max_new_tokens


def refuses(card: StudentCard) -> str:
    """Why a student cannot leave this way; empty where it can."""
    return "" if card.recipe.method == "causal" else "llama.cpp reads decoders only here, and this is another kind"


EXPORT = Export(
    name="gguf",
    does="one GGUF file in 16 bits with tokeniser, chat template and end tokens, for llama.cpp",
    write=write,
    answers=answers,
    usage=usage,
    sorts=False,
    says=True,
    refuses=refuses,
    packages=("gguf", "xllamacpp"),
)
