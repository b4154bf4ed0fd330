"""The main job on real data: `p2m auto` with the dataset never named, then the locked-test score and the time.

Prints a table and, as its last line, one JSON object. Needs the folder of real datasets (P2M_SHARED or ../shared).

    python benchmarks/main_job.py                    # all tasks
    python benchmarks/main_job.py trec sms           # some of them
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("P2M_SHARED") or ROOT.parent / "shared")

TASKS: dict[str, tuple[str, float, float]] = {
    "banking77": ("Tell which of the bank's intents a customer's message expresses", 0.90, 10),
    "trec": (
        "Tell what type of answer a question asks for: abbreviation, entity, description, human, location or numeric",
        0.94,
        10,
    ),
    "sms": ("Tell whether a text message is spam or a legitimate message", 0.98, 10),
    "disfl_qa": ("Turn a spoken question with slips and restarts into the clean question that was meant", 0.55, 20),
    "support": (str(ROOT / "examples/support/task.yaml"), 0.0, 10),
    "dates": (str(ROOT / "examples/dates/task.yaml"), 0.0, 20),
}
"""Name to request, score to reach and minutes allowed on two cores."""


def run(name: str, runs_dir: Path, extra: list[str]) -> dict[str, object]:
    request, wanted, minutes = TASKS[name]
    hub = [] if request.endswith(".yaml") else ["--hub", str(SHARED / "hub/datasets")]
    command = [sys.executable, "-m", "p2m_agent.cli", "auto", request, *hub, "--runs-dir", str(runs_dir)]
    began = time.monotonic()
    done = subprocess.run(
        [*command, "--run-id", name, "--json", "--quiet", *extra], stdout=subprocess.PIPE, text=True, check=False
    )
    took = (time.monotonic() - began) / 60
    result = json.loads(done.stdout) if done.stdout.strip() else {}
    test = result.get("test") or {}
    return {
        "exit": done.returncode,
        "dataset": [d["ref"] for d in result.get("datasets", [])],
        "method": (result.get("model") or {}).get("method"),
        "test": test.get("value"),
        "ci95": test.get("ci95"),
        "baselines": {k: v and v["value"] for k, v in (result.get("baselines") or {}).items()},
        "student_minus": {k: v and v["student_minus"] for k, v in (result.get("baselines") or {}).items()},
        "minutes": round(took, 1),
        "ok": bool(test) and test["value"] >= wanted and took <= minutes,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", default=list(TASKS), help=", ".join(TASKS))
    parser.add_argument("--runs-dir", type=Path, help="keep the runs here")
    args, extra = parser.parse_known_args()
    runs_dir = args.runs_dir or Path(tempfile.mkdtemp(prefix="p2m_main_job_"))
    results = {}
    print(f"{'task':10} {'test':>6} {'95 %':>16} {'teacher':>8} {'major.':>7} {'neighb.':>8} {'untuned':>8} {'min':>5}")
    for name in args.tasks:
        results[name] = row = run(name, runs_dir, extra)
        low, high = row["ci95"] or (float("nan"), float("nan"))
        base = {k: "–" if v is None else f"{v:.3f}" for k, v in row["baselines"].items()}
        value = float("nan") if row["test"] is None else row["test"]
        print(
            f"{name:10} {value:6.3f} [{low:6.3f}, {high:6.3f}] {base.get('teacher', '–'):>8} "
            f"{base.get('majority', '–'):>7} {base.get('nearest_neighbour', '–'):>8} "
            f"{base.get('untuned_base', '–'):>8} {row['minutes']:5.1f}  {row['method']}  {row['dataset']}",
            flush=True,
        )
    print(json.dumps(results))


if __name__ == "__main__":
    main()
