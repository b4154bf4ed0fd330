"""Inputs as people bring them, and how many are read right.

Runs `check.py` on the folder of cases (P2M_SHARED or ../shared), then the requests of `import_mapping.py`, and prints
as last line {"passed", "cases", "columns_right", "silent_wrong"}. Silently wrong is a case that was read (exit 0)
and is not what it must be.

    python benchmarks/brought.py              # everything
    python benchmarks/brought.py --no-columns # the cases alone
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("P2M_SHARED") or ROOT.parent / "shared")
REFUSED = re.compile(r"FAIL \S+ ?: ?(?:refused|no answer|exit)")


def run(*command: str) -> list[str]:
    """The lines that a command prints, which are passed on."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    sys.stdout.write(done.stdout + done.stderr)
    return done.stdout.strip().splitlines()


def main() -> None:
    """Both, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-columns", action="store_true", help="the cases alone")
    args = parser.parse_args()
    cases = SHARED / "cases"
    p2m = Path(sys.executable).with_name("p2m")
    lines = run(sys.executable, str(cases / "check.py"), str(cases), "--p2m", str(p2m))
    found = json.loads(lines[-1])
    failed = [line for line in lines if line.startswith("FAIL")]
    columns = None
    if not args.no_columns:
        mapping = run(sys.executable, str(ROOT / "benchmarks" / "import_mapping.py"), "--no-llm")
        columns = json.loads(mapping[-1])["columns_right"]
    summary = {
        "passed": found["passed"],
        "cases": found["cases"],
        "columns_right": columns,
        "silent_wrong": sum(REFUSED.match(line) is None for line in failed),
    }
    sys.stdout.write(json.dumps(summary) + "\n")


if __name__ == "__main__":
    main()
