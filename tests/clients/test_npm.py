"""The npm clients openai and ai, unmodified and pinned, against a server of ours."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.delivery.web.test_server import serving
from tests.fakes.student import FakePredictor, by_word

HERE = Path(__file__).parent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients installed."""
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("needs node and npm")
    made = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "npm.mjs"):
        shutil.copy(HERE / name, made)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False, timeout=500)
    if done.returncode:
        pytest.skip(f"needs the npm registry: {done.stderr[-200:]}")
    return made


def test_unmodified_clients_get_answers_objects_and_streams(folder: Path) -> None:
    with serving(FakePredictor(by_word)) as url:
        command = ["node", "npm.mjs", f"{url}/v1"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == 9
    assert set(found.values()) == {"billing"}, found
