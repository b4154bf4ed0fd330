from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from p2m_agent.delivery.web.demo import examples, score_line
from p2m_agent.types.scores import Baseline, EvalReport, Mistake, Score
from p2m_agent.types.task import Demonstration
from tests.fakes.student import FakePredictor, by_word, student_card

SCORE = Score(metric="accuracy", value=0.9, ci95=(0.85, 0.94), scored=200)


def report(**changes: Any) -> EvalReport:
    given = {"id": "e", "training_run": "t", "split": "test", "proxy": False, "score": SCORE, "made_by": "c"}
    return EvalReport.model_validate({**given, **changes})


def mistake(text: str) -> Mistake:
    return Mistake(example_id="1", text=text, expected="a", predicted="b")


def fake(*fields: str) -> Any:
    return FakePredictor(by_word, card=student_card(fields=fields or ("text",)))


def test_the_score_stands_with_interval_and_baselines() -> None:
    line = score_line(report(baselines={"majority": Baseline(score=SCORE), "teacher": Baseline(note="none")}))
    assert "0.900** (95 % interval 0.850 to 0.940, 200 locked test rows)" in line
    assert "most frequent output 0.900" in line
    assert "teacher" not in line
    assert "proxy" not in line
    assert "synthetic proxy" in score_line(report(proxy=True))
    assert "Not scored" in score_line(None)


def test_examples_are_dev_mistakes_or_else_demonstrations() -> None:
    dev = report(split="dev", mistakes=(mistake("b: two\na: one"), mistake("no fields here")))
    shown = (Demonstration(input={"a": "x", "b": "y"}, output="o"), Demonstration(input={"c": "z"}, output="o"))
    title, rows = examples(fake("a", "b"), dev, shown)
    assert (title.startswith("Hard ones"), rows) == (True, [["one", "two"]])
    assert examples(fake("a", "b"), None, shown) == ("Examples", [["x", "y"]])


PAGE = """
import json, socket
from pathlib import Path
outside = []
connect = socket.socket.connect
def watched(self, address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        outside.append(address[0])
        raise OSError("nothing outside")
    return connect(self, address)
socket.socket.connect = watched

from p2m_agent.delivery.web.demo import build_demo, launch
from tests.delivery.web.test_demo import fake, mistake, report
page = build_demo(fake(), report(), name="mail <sorter>", dev=report(split="dev", mistakes=(mistake("hi"),)))
address = launch(page, block=False)
import httpx
html = httpx.get(address, timeout=30).text
called = httpx.post(f"{address}gradio_api/call/predict", json={"data": ["my invoice"]}, timeout=30).json()
told = httpx.get(f"{address}gradio_api/call/predict/{called['event_id']}", timeout=30).text
page.close(verbose=False)
print(json.dumps({"address": address, "html": html, "told": told, "outside": outside}))
"""


def test_the_page_answers_and_nothing_goes_outside() -> None:
    # in a process of its own, since Gradio leaves event loops and sockets open when it stops
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", PAGE], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["address"].startswith("http://127.0.0.1:")
    assert found["outside"] == []
    assert "googleapis" not in found["html"]
    assert '"label": "billing"' in found["told"]
