"""Every form in which a student can leave, scored again: does it answer as the student does, and how large is it?

    python benchmarks/exports.py [--runs-dir FOLDER] [--minutes 12]

Three runs are made by `p2m auto`, unless they lie in the folder already: a classification and a text to text of the
examples, and several labels an input (rows of the classification's set, two messages of it put together). Then each is
exported in every form that it has, by the command line, and the record of each is read. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from p2m_agent.delivery.export import known_exports

ROOT = Path(__file__).resolve().parent.parent
P2M = [sys.executable, "-m", "p2m_agent.cli"]
SORTING = ROOT / "examples" / "support" / "data" / "train.jsonl"
PAIRS = 600


def pairs_file(folder: Path) -> Path:
    """Rows with one or two labels."""
    rows = [json.loads(line) for line in SORTING.read_text(encoding="utf-8").splitlines()]
    drawn = random.Random(0)
    path = folder / "pairs.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for _ in range(PAIRS):
            some = drawn.sample(rows, drawn.choice((1, 2)))
            labels = sorted({row["label_text"] for row in some})
            file.write(json.dumps({"text": " ".join(row["text"] for row in some), "labels": labels}) + "\n")
    return path


def runs(folder: Path, minutes: str) -> list[str]:
    """The three runs, by name."""
    several = ["Say all queues that a message to our shop belongs to; it can be more than one", "--data"]
    wanted = {
        "sorting": ["examples/support/task.yaml"],
        "several": [*several, str(pairs_file(folder)), "--input", "text", "--output", "labels"],
        "writing": ["examples/dates/task.yaml"],
    }
    for name, task in wanted.items():
        if not list((folder / name).glob("calls/*-deliver/manifest.json")):
            limits = ["--controller", "rules", "--max-minutes", minutes, "--max-rounds", "2"]
            call([*P2M, "auto", *task, *limits, "--run-id", name, "--runs-dir", str(folder), "-q"])
    return list(wanted)


def call(command: Sequence[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3, 5):
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs-dir", type=Path, default=Path(tempfile.gettempdir()) / "p2m-exports")
    parser.add_argument("--minutes", default="12")
    args = parser.parse_args()
    args.runs_dir.mkdir(parents=True, exist_ok=True)
    records = []
    for run in runs(args.runs_dir, args.minutes):
        writes = run == "writing"
        for name, way in sorted(known_exports().items()):
            if not (way.says if writes else way.sorts):
                continue
            said = call([*P2M, "export", run, "--to", name, "--runs-dir", str(args.runs_dir), "--json", "-q"])
            record = json.loads(said)
            records.append({**record, "run": run})
            same = record["agreement"]
            print(
                f"{run:8} {name:22} {record['size_mb']:7.1f} MB  {same['same']:.4f} alike of {same['compared']}  "
                f"{same['metric']} {same['export']:.3f} beside {same['student']:.3f}  agrees: {record['agrees']}",
                flush=True,
            )
    size = {(each["run"], each["format"]): each["size_mb"] for each in records}
    print(
        json.dumps(
            {
                "exports": len(records),
                "agreeing": sum(each["agrees"] for each in records),
                "size_ratio_int8": round(size["sorting", "onnx-int8"] / size["sorting", "onnx"], 3),
            }
        )
    )


if __name__ == "__main__":
    main()
