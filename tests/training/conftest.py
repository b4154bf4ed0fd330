from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from p2m_agent.events import Progressed
from p2m_agent.settings import Settings
from p2m_agent.training.job import TrainEnv
from tests.fakes.tiny_models import tiny_bert, tiny_llama, tiny_t5


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_t5(tmp_path_factory.mktemp("t5"))


@dataclass
class Around:
    """What is around a training, remembered."""

    settings: Settings
    heard: list[Progressed] = field(default_factory=list)
    left: float = float("inf")

    @property
    def env(self) -> TrainEnv:
        return TrainEnv(self.settings, self.heard.append, lambda: self.left)


@pytest.fixture
def around(tmp_path: Path) -> Around:
    return Around(Settings(_env_file=None, cache_dir=tmp_path / "cache", threads=1))
