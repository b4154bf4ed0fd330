"""A Dockerfile and a compose file around the student's folder, which serve it."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

from p2m_agent.delivery.export import Export, Student
from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.settings import Settings
from p2m_agent.training.student_card import StudentCard
from p2m_agent.types.student import Answer

FOLDER = "model"
_DOCKERFILE = """\
FROM python:3.11-slim
# CPU wheels of torch are a tenth of the size of the others.
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu torch
# A wheel in `wheels` is taken before one from the index.
COPY wheels /wheels
RUN pip install --no-cache-dir --find-links /wheels "p2m_agent[serve]=={version}"
COPY {folder} /{folder}
RUN useradd --create-home served
USER served
ENV HF_HUB_OFFLINE=1
EXPOSE 8000
HEALTHCHECK CMD python -c "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health')"
CMD ["p2m", "serve", "/{folder}", "--host", "0.0.0.0", "--port", "8000"]
"""
_COMPOSE = """\
services:
  model:
    build: .
    ports: ["127.0.0.1:8000:8000"]
    read_only: true
    tmpfs: [/tmp]
    restart: unless-stopped
"""


def write(student: Student, target: Path) -> None:
    """The folder and the two files."""
    shutil.copytree(student.folder, target / FOLDER)
    text = _DOCKERFILE.format(version=version("p2m_agent"), folder=FOLDER)
    (target / "Dockerfile").write_text(text, encoding="utf-8")
    (target / "compose.yaml").write_text(_COMPOSE, encoding="utf-8")
    (target / "wheels").mkdir()
    (target / "wheels" / "README").write_text("Wheels of p2m_agent (`make wheel`) that the image is to use.\n", "utf-8")
    (target / ".dockerignore").write_text("export.json\n", encoding="utf-8")


def answers(target: Path, _card: StudentCard) -> Answer:
    """By the folder that goes into the image; the image itself is not built here."""
    predictor = load_predictor(target / FOLDER, Settings())
    return predictor.rendered


def usage(_student: Student) -> str:
    """Two commands."""
    return """\
docker compose up --build --detach
curl http://127.0.0.1:8000/v1/chat/completions -H 'Content-Type: application/json' \\
  -d '{"model": "model", "messages": [{"role": "user", "content": "an input"}]}'
"""


EXPORT = Export(
    name="docker",
    does="a Dockerfile and a compose file that serve it; the folder inside is scored, no image is built",
    write=write,
    answers=answers,
    usage=usage,
    says=True,
)
