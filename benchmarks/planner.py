"""Can a language model steer a run, and what does it read that rules cannot?

(a) `runs`: whole runs on the shared hub, the rules against a model: own choices accepted, rounds, tokens, test score.
(b) `conditions`: requests with conditions that rules cannot read: are they kept, by what lies in the artifacts?
(c) `decisions`: recorded states with the moves that a sensible person would make. Compares models in minutes.

Two thirds of (b) and (c) are for tuning prompts by; a third (`held`) is set aside and only measured.

Any endpoint will do: `--planner URL MODEL`, `--planner local [GGUF]` (the embedded model, or other weights in this
process), `--planner rules` (no model). Prints tables and, as its last line, one JSON object.

    python benchmarks/planner.py --planner local ~/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf --only decisions
    python benchmarks/planner.py --planner http://localhost:8080/v1 my-model
    python benchmarks/planner.py --planner rules --only decisions
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from _planner_conditions import conditions
from _planner_decisions import decided
from _planner_model import Asked
from _planner_runs import TASKS, runs

PARTS = {"decisions": decided, "conditions": conditions, "runs": runs}
FIGURES = ("accepted", "not_worse", "better", "conditions_kept", "decisions_right")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--planner", nargs="+", default=["local"], metavar="URL MODEL")
    parser.add_argument("--only", choices=tuple(PARTS), nargs="+", default=list(PARTS))
    parser.add_argument("--part", choices=("tune", "held", "all"), default="all", help="of (b) and (c)")
    parser.add_argument("--most", type=int, help="so many of a part at most, evenly drawn")
    parser.add_argument("--ids", nargs="+", help="these lines alone")
    parser.add_argument("--steering", choices=("native", "text", "menu"), help="how to ask it; else as its probe says")
    parser.add_argument("--threads", type=int, default=1, help="of a model in this process")
    parser.add_argument("--tasks", nargs="+", choices=tuple(TASKS), help="of (a)")
    parser.add_argument("--minutes", type=float, default=6.0, help="limit of a run of (a)")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "p2m_agent" / "planner")
    parser.add_argument("--log", type=Path, help="a JSON line for each answer")
    return parser.parse_args()


def main() -> None:
    args = parsed()
    found: dict[str, Any] = dict.fromkeys(FIGURES)
    with Asked(args.planner, args.threads) as model:
        for name in args.only:
            found |= PARTS[name](model, args)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
