from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from p2m_agent.errors import UsageError
from p2m_agent.settings import Settings
from p2m_agent.training.job import TrainRows
from p2m_agent.training.launch import main, write_job
from p2m_agent.training.parallel import World
from p2m_agent.training.recipes.causal import Causal
from p2m_agent.training.trainer import train
from tests.conftest import ROOT
from tests.fakes.tiny_models import repeated_words, task
from tests.training.conftest import Around

ROWS = TrainRows(task("text_to_text"), repeated_words(96), repeated_words(12))


def causal(llama: Path) -> Causal:
    return Causal(base=str(llama), epochs=6, batch_size=8, learning_rate=1e-2, max_new_tokens=4)


def test_the_parts_of_a_step_make_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    assert world.first
    assert world.share([5, 6, 7]) == [5, 6, 7]
    parts = []
    for rank in range(3):
        world.size, world.rank = 3, rank
        parts += world.share([1, 2, 3, 4])
    assert sorted(parts) == [1, 2, 3, 4]


def test_a_written_job_is_the_same_training(llama: Path, tmp_path: Path, around: Around, capsys: object) -> None:
    here = train(causal(llama), ROWS, tmp_path / "here", around.env)
    command = write_job(tmp_path / "job", causal(llama), ROWS)
    assert command == f"torchrun --nproc-per-node 2 -m p2m_agent.training.launch {tmp_path / 'job'}"
    assert main(tmp_path / "job", around.settings) == 0
    said = json.loads(capsys.readouterr().out)  # type: ignore[attr-defined]
    assert (said["dev"], said["processes"]) == (here.dev, 1)
    same = [(tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("here", "job")]
    assert same[0] == same[1]


def test_a_folder_without_a_job_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no job.json"):
        main(tmp_path, Settings(_env_file=None))


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["torchrun", "accelerate"])
def test_two_processes_train_what_one_does(launcher: str, llama: Path, tmp_path: Path, around: Around) -> None:
    import torch
    from safetensors.torch import load_file

    alone = train(causal(llama), ROWS, tmp_path / "alone", around.env)
    write_job(tmp_path / "two", causal(llama), ROWS)
    start = {
        "torchrun": "torch.distributed.run --nproc-per-node 2 --master-port 29617",
        "accelerate": "accelerate.commands.launch --multi_gpu --num_processes 2 --main_process_port 29618",
    }[launcher].split()
    done = subprocess.run(
        [sys.executable, "-m", *start, "-m", "p2m_agent.training.launch", str(tmp_path / "two")],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "P2M_THREADS": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["processes"] == 2
    assert said["dev"] == pytest.approx(alone.dev, abs=0.1)
    one, two = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("alone", "two"))
    assert all(torch.allclose(one[name].float(), two[name].float(), atol=0.03) for name in one)
