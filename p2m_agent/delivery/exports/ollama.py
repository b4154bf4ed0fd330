"""A Modelfile beside the GGUF file, for Ollama."""

from __future__ import annotations

import json
from pathlib import Path

from p2m_agent.delivery.export import Export, Student
from p2m_agent.delivery.exports import gguf


def write(student: Student, target: Path) -> None:
    """GGUF, and how Ollama is to use it: the instruction, greedily, as long as the student answers."""
    gguf.write(student, target)
    about = json.loads((target / gguf.CHAT).read_text(encoding="utf-8"))
    system = [turn["content"] for turn in about["messages"] if turn["role"] == "system"]
    lines = [f"FROM ./{gguf.FILE}", "PARAMETER temperature 0", f"PARAMETER num_predict {about['max_tokens']}"]
    lines += [f'SYSTEM """{text.replace(_QUOTES, _SOFT)}"""' for text in system]
    (target / "Modelfile").write_text("\n".join(lines) + "\n", encoding="utf-8")


_QUOTES, _SOFT = '"""', "'''"
"""What would end the text in a Modelfile, and what stands there instead."""


def usage(_student: Student) -> str:
    """Two commands."""
    return 'ollama create mine -f Modelfile\nollama run mine "an input"\n'


EXPORT = Export(
    name="ollama",
    does="GGUF with a Modelfile for Ollama; the file is scored by llama.cpp, which Ollama runs",
    write=write,
    answers=gguf.answers,
    usage=usage,
    sorts=False,
    says=True,
    refuses=gguf.refuses,
    packages=gguf.EXPORT.packages,
)
