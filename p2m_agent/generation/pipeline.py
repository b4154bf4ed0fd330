"""Many requests in flight, each made from what came before: answers are taken up in the order of the requests.

A request depends on the answers up to a fixed number (the lag) before it and on nothing else, whatever order they
arrive in. So a run that is killed and begun again asks the same questions, and finds their answers on disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2m_agent.errors import BudgetExceeded, ToolError
from p2m_agent.generation.taint import HeldOutTexts

if TYPE_CHECKING:
    from p2m_agent.run.seams import LLM
    from p2m_agent.types.completion import Reply, Request


@dataclass(frozen=True)
class QueuedRequest:
    """A request, and what to do with its answer."""

    request: Request
    settle: Callable[[Reply | None], Sequence[QueuedRequest]]
    """Takes up the answer and returns what is to be asked next because of it. Gets None where no answer came: the
    budget, an endpoint that is gone, a prompt that was withheld."""


class Pipeline:
    """Keeps requests in flight; `settle` of each job is called in the order of the jobs."""

    def __init__(self, teacher: LLM, held_out: HeldOutTexts, lag: int) -> None:
        """Take who answers, what no prompt may show, and how many jobs may be under way besides the next."""
        self.teacher, self.held_out, self.lag = teacher, held_out, lag
        self.stopped = ""
        """Why it ended although there was more to ask; empty where there was not."""
        self.withheld = 0
        """Requests that were not sent, as they would have shown a held-out text."""
        self._flying: deque[QueuedRequest] = deque()
        self._arrived: dict[int, Reply | None] = {}
        self._completed = self._issued = 0
        self._following: deque[QueuedRequest] = deque()

    def run(self, next_job: Callable[[], QueuedRequest | None]) -> None:
        """Ask until there is no next job even when all answers are in.

        Raises:
            ToolError: the endpoint is gone, and not one answer had come.
        """
        while not self.stopped:
            before = self._issued
            self._stream(next_job)
            if self.stopped or self._issued > before:
                continue
            self._settle(self._issued)
            if not self._following:
                job = next_job()
                if job is None:
                    return
                self._following.append(job)
        self._settle(self._issued)

    def follow(self, jobs: Sequence[QueuedRequest]) -> None:
        """Put jobs before the next one."""
        self._following.extend(jobs)

    def _stream(self, next_job: Callable[[], QueuedRequest | None]) -> None:
        """Ask until nothing is in flight and nothing more can be drawn."""
        draw = _Draw(self, next_job)
        try:
            with closing(self.teacher.ask_stream(draw)) as arriving:
                for index, reply in arriving:
                    self._arrived[draw.sent.pop(index)] = reply
        except BudgetExceeded as wall:
            self._stop(f"the budget does not allow more ({wall.message})")
        except ToolError as gone:
            if not self._completed and not any(self._arrived.values()):
                raise
            self._stop(gone.message)

    def draw(self, next_job: Callable[[], QueuedRequest | None]) -> tuple[int, Request] | None:
        """The next request to send with its number; None while it has to wait for an answer, or there is none."""
        while self._settle(self._issued - self.lag):
            job = self._following.popleft() if self._following else next_job()
            if job is None:
                break
            number = self._issued
            self._issued += 1
            self._flying.append(job)
            if not self.held_out.shown_by(job.request):
                return number, job.request
            self.withheld += 1
            self._arrived[number] = None
        return None

    def _stop(self, why: str) -> None:
        self.stopped = why
        for number in range(self._completed, self._issued):
            self._arrived.setdefault(number, None)

    def _settle(self, until: int) -> bool:
        """Take up the answers before this number; whether all of them are there."""
        while self._completed < until:
            if self._completed not in self._arrived:
                return False
            reply = self._arrived.pop(self._completed)
            self._completed += 1
            # what was begun is finished first
            self._following.extendleft(reversed(self._flying.popleft().settle(reply)))
        return True


class _Draw:
    """The requests of a pipeline as an iterator that may have nothing now and something later.

    A teacher that goes on drawing after an answer came is then never out of work; one that does not is asked again.
    """

    def __init__(self, pipeline: Pipeline, next_job: Callable[[], QueuedRequest | None]) -> None:
        self.pipeline, self.next_job = pipeline, next_job
        self.drawn = 0
        self.sent: dict[int, int] = {}
        """Index in this stream to number in the pipeline."""

    def __iter__(self) -> Iterator[Request]:
        return self

    def __next__(self) -> Request:
        found = self.pipeline.draw(self.next_job)
        if found is None:
            raise StopIteration
        self.sent[self.drawn] = found[0]
        self.drawn += 1
        return found[1]
