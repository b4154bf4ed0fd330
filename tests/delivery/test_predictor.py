from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.errors import UsageError
from p2m_agent.settings import Settings


@pytest.fixture
def settings() -> Settings:
    return Settings(_env_file=None)


def test_a_folder_without_a_card_is_no_student(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(UsageError, match=r"holds no student: there is no p2m\.json"):
        load_predictor(tmp_path, settings)


def test_a_card_of_another_version_is_refused(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "p2m.json").write_text('{"version": 9}')
    with pytest.raises(UsageError, match="is not a student card of version 1"):
        load_predictor(tmp_path, settings)
