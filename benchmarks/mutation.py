"""Changes a module in small ways and lists the changes that neither its own tests nor mypy notice.

    make mutants                          # all modules below
    make mutants MODULES=agent/policy     # one, in a minute or so

A module is held by the tests named beside it, not by the whole suite: that is quicker, and a rule that only a test of
the whole program holds is not held where one looks for it. Results and what survives: docs/mutants.md.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter

from mutmut.__main__ import cli, collect_source_file_mutation_data
from mutmut.configuration import config
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

RULES = ("test_rules", "test_improving", "test_transforming", "test_latency", "test_racing")
PLANNER = tuple(f"tests/agent/planner/{name}.py" for name in RULES)
TESTS: dict[str, tuple[str, ...]] = {
    "agent/policy": ("tests/agent/test_policy.py",),
    "types/budget": ("tests/agent/test_policy.py",),
    "agent/graph": ("tests/agent/test_graph.py",),
    "agent/session": ("tests/agent/test_session.py", "tests/agent/test_time.py"),
    "agent/lineage": ("tests/agent/test_lineage.py",),
    "agent/planner/climbing": PLANNER,
    "agent/planner/collecting": PLANNER,
    "agent/planner/improving": PLANNER,
    "agent/planner/moves": PLANNER,
    "agent/planner/rules": PLANNER,
    "agent/planner/legality": ("tests/agent/planner/test_legality.py",),
    "agent/planner/open_moves": ("tests/agent/planner/test_open_moves.py",),
    "agent/planner/controller": ("tests/agent/planner/test_llm_controller.py",),
    "agent/planner/llm_controller": ("tests/agent/planner/test_llm_controller.py",),
    "agent/planner/view": ("tests/agent/planner/test_view.py",),
    "generation/quota": ("tests/generation/test_quota.py",),
    "rows/holdout": ("tests/rows/test_holdout.py",),
    "rows/label_noise": ("tests/rows/test_label_noise.py",),
    "rows/pool": ("tests/rows/test_duplicates.py",),
    "scoring/intervals": ("tests/scoring/test_intervals.py",),
}
MYPY = ("-m", "mypy", "--output", "json", "--no-warn-unused-ignores", "--cache-dir", "../.mypy_cache/mutants")
HELD = ("killed", "timeout", "caught by type check")


def mutate(module: str) -> None:
    """Make the changes, and try each against mypy and the tests."""
    shutil.rmtree("mutants", ignore_errors=True)
    settings = config()
    settings.only_mutate = [f"p2m_agent/{module}.py"]
    settings.pytest_add_cli_args_test_selection = list(TESTS[module])
    settings.type_check_command = [sys.executable, *MYPY, *settings.only_mutate]
    cli(["run", "--max-children", "1"], standalone_mode=False)
    report(module)


def report(module: str) -> None:
    """A row for the table in docs/mutants.md, then each change that nothing noticed."""
    mutants, _ = collect_source_file_mutation_data(mutant_names=())
    became = {name: status_by_exit_code[data.exit_code_by_key[name]] for data, name, _ in mutants}
    counts = Counter(became.values())
    held = sum(counts[status] for status in HELD)
    share = 100 * held / max(1, len(became))
    print(f"| `{module}` | {len(became)} | {counts['caught by type check']} | {share:.1f} | {len(became) - held} |")
    for data, name, _ in mutants:
        if became[name] not in HELD:
            print(f"\n{name}: {became[name]}\n{get_diff_for_mutant(name, path=data.path)}")


def main() -> None:
    """One module here, several in a process each: mutmut keeps what it knows in its module."""
    modules = sys.argv[1:] or list(TESTS)
    if len(modules) == 1:
        mutate(modules[0])
        return
    for module in modules:
        subprocess.run([sys.executable, __file__, module], check=False)


if __name__ == "__main__":
    main()
