from __future__ import annotations

import random
from collections.abc import Generator, Iterable
from itertools import islice
from typing import Any

import pytest

from p2m_agent.errors import BudgetExceeded, ToolError
from p2m_agent.generation.pipeline import Pipeline, QueuedRequest
from p2m_agent.generation.taint import HeldOutTexts
from p2m_agent.types.completion import ChatMessage, Reply, Request

NOTHING = HeldOutTexts(())


class Shuffled:
    """Keeps several requests in flight, draws more after each answer, and answers in any order."""

    def __init__(self, seed: int, at_once: int = 4, fails_at: int | None = None, error: Any = None) -> None:
        self.random, self.at_once, self.fails_at, self.error = random.Random(seed), at_once, fails_at, error
        self.asked: list[str] = []
        self.streams = self.most = 0

    def ask_stream(self, requests: Iterable[Request]) -> Generator[tuple[int, Reply]]:
        flying: list[tuple[int, Request]] = []
        source = enumerate(requests)
        self.streams += 1
        while True:
            for index, request in islice(source, self.at_once - len(flying)):
                self.asked.append(request.messages[0].content)
                flying.append((index, request))
                if len(self.asked) == self.fails_at and self.error:
                    raise self.error
            self.most = max(self.most, len(flying))
            if not flying:
                return
            index, request = flying.pop(self.random.randrange(len(flying)))
            yield index, Reply(text=f"re {request.messages[0].content}", request_sha="x")


class Walk:
    """Requests that depend on all answers so far."""

    def __init__(self, pipeline: Pipeline, jobs: int) -> None:
        self.left, self.heard = jobs, list[str]()
        pipeline.run(self.next_job)

    def next_job(self) -> QueuedRequest | None:
        if not self.left:
            return None
        self.left -= 1
        text = f"{self.left} after {hash(tuple(self.heard)) % 9973}"
        return QueuedRequest(request(text), lambda reply: self.settle(reply, text))

    def settle(self, reply: Reply | None, text: str) -> list[QueuedRequest]:
        self.heard.append(reply.text if reply else f"none for {text}")
        if reply and self.left % 5 == 2 and not text.startswith("more"):
            return [QueuedRequest(request(f"more {text}"), lambda again: self.settle(again, f"more {text}"))]
        return []


def request(text: str) -> Request:
    return Request(messages=(ChatMessage(role="user", content=text),))


@pytest.mark.parametrize("lag", [1, 3, 9])
def test_requests_do_not_depend_on_the_order_in_which_answers_arrive(lag: int) -> None:
    walks = []
    for seed in range(6):
        teacher = Shuffled(seed)
        walk = Walk(Pipeline(teacher, NOTHING, lag), 40)
        walks.append((sorted(teacher.asked), walk.heard))
    assert all(walk == walks[0] for walk in walks)
    assert len(walks[0][0]) > 40


def test_the_teacher_is_kept_busy_up_to_the_lag() -> None:
    wide = Shuffled(0, at_once=50)
    Walk(Pipeline(wide, NOTHING, 6), 60)
    assert wide.most == 7
    assert wide.streams <= 3  # an answer out of turn does not end the stream


def test_a_wall_settles_everything_and_says_why() -> None:
    pipeline = Pipeline(Shuffled(0, fails_at=10, error=BudgetExceeded("$0.02 is left")), NOTHING, 8)
    walk = Walk(pipeline, 40)
    assert "$0.02" in pipeline.stopped
    assert len(walk.heard) == 10
    assert any(heard.startswith("none") for heard in walk.heard)


def test_an_endpoint_that_never_answered_is_an_error() -> None:
    with pytest.raises(ToolError, match="gone"):
        Walk(Pipeline(Shuffled(0, at_once=1, fails_at=1, error=ToolError("it is gone")), NOTHING, 8), 40)


def test_a_tainted_request_is_settled_without_being_sent() -> None:
    from p2m_agent.types.rows import Example, Source

    row = Example(input={"text": "a very secret sentence"}, output="", source=Source(origin="user", ref="f"))
    teacher = Shuffled(0)
    pipeline = Pipeline(teacher, HeldOutTexts([row]), 2)
    jobs = [request(text) for text in ("one", "show A very secret sentence!", "two")]
    heard: list[Reply | None] = []

    def note(reply: Reply | None) -> tuple[()]:
        heard.append(reply)
        return ()

    pipeline.run(lambda: QueuedRequest(jobs.pop(0), note) if jobs else None)
    assert teacher.asked == ["one", "two"]
    assert [reply and reply.text for reply in heard] == ["re one", None, "re two"]
    assert pipeline.withheld == 1
