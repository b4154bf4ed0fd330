"""Where one round of a run ends and the next begins, read from its events."""

from __future__ import annotations

from p2m_agent import events
from p2m_agent.events import Event
from p2m_agent.scoring.metrics import title_of
from p2m_agent.types.scores import MetricName
from p2m_agent.types.student import TrainingRun
from p2m_agent.types.task import TaskSpec

LOOKING = ("evaluate", "analyse_errors", "ask_person", "search_models", "probe_models")
"""Calls that belong to the round they stand in, or to none; any other after a training begins the next."""
ENDING = ("deliver", "give_up")


class Rounds:
    """Counts the trainings of a run; what comes before the first, and the handing over, are no rounds."""

    def __init__(self) -> None:
        """Nothing has been seen."""
        self._trained = self._announced = 0
        self._ending = False
        self._best: float | None = None
        self._metric: MetricName = "accuracy"
        self._target: float | None = None
        self._limit_ms: float | None = None
        self._most = ""

    def heading(self, event: Event) -> str:
        """What stands above this event: a round's number and how far the run is; empty where nothing begins."""
        if isinstance(event, events.RunStarted) and "max_rounds" in event.settings:
            self._most = f" of {event.settings['max_rounds']}"
        if isinstance(event, events.CallFinished):
            self._learn(event)
        if not isinstance(event, events.CallDecided):
            return ""
        if event.tool in ENDING or event.args.get("final") is True:
            return self._hand_over()
        begins = event.tool == "fine_tune" or (self._trained > 0 and event.tool not in LOOKING)
        if not begins or self._announced > self._trained:
            return ""
        self._announced, self._ending = self._trained + 1, False
        return f"round {self._announced}{self._most}{self._scores()}"

    def _learn(self, event: events.CallFinished) -> None:
        for artifact in event.artifacts:
            if isinstance(artifact, TaskSpec):
                self._target, self._limit_ms = artifact.target, artifact.constraints.max_latency_ms
            elif isinstance(artifact, TrainingRun):
                self._trained += 1
                self._metric = artifact.metric
                if artifact.answers_within(self._limit_ms):
                    self._best = max(artifact.dev, self._best or 0.0)

    def _hand_over(self) -> str:
        if self._ending or not self._trained:
            return ""
        self._ending = True
        return f"handing over{self._scores()}"

    def _scores(self) -> str:
        target = "" if self._target is None else f"target {self._target:g}"
        best = "" if self._best is None else f"best {title_of(self._metric)} {self._best:.3f} on dev"
        return "".join(f" · {part}" for part in (best, target) if part)
