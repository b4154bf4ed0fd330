"""What a run would take, before it is started."""

from __future__ import annotations

import argparse
from pathlib import Path

from p2m_agent.agent.beginning import check_hubs
from p2m_agent.commands.arguments import print_json, settings_from, task_from
from p2m_agent.terminal.screen import open_screen
from p2m_agent.types.budget import Budget
from p2m_agent.types.task import Task


def estimate(args: argparse.Namespace) -> int:
    """Search for data, then add up what each step would take. Nothing is trained, generated or spent."""
    from p2m_agent.agent.forecast import ForecastInputs, estimate_run
    from p2m_agent.llm.open import open_llms
    from p2m_agent.run.tooling import load_tools
    from p2m_agent.search.hub import IndexedHub
    from p2m_agent.terminal.views.tables import estimate_table
    from p2m_agent.weights.embedding import load_embedder

    task, hubs = task_from(args)
    settings = settings_from(args, *hubs)
    check_hubs(settings)
    embedder = load_embedder(settings)
    with open_llms(settings, None, lambda _: None, lambda: 0.0) as llms:
        inputs = ForecastInputs(
            settings=settings,
            tools=load_tools(),
            hub=IndexedHub(settings, lambda: embedder),
            embedder=lambda: embedder,
            own_rows=_rows_of(task),
            teacher=llms.teacher,
            planner=llms.planner,
        )
        steps = estimate_run(task, inputs)
    if args.json:
        print_json([{"step": name, **cost.model_dump()} for name, cost in steps])
        return 0
    minutes = settings.max_minutes
    budget = Budget(usd=settings.budget_usd, wall_s=minutes * 60 if minutes else None)
    screen = open_screen()
    screen.data(estimate_table(steps, budget))
    if any(step == "analyse_errors" for step, _ in steps):
        screen.note(f"Where the target is not met, more rounds follow, up to {settings.max_rounds} students in all.")
    return 0


def _rows_of(task: Task) -> int:
    """How many rows the person's own file has; 0 where there is none."""
    from p2m_agent.rows.tables.opening import open_table

    return open_table(Path(task.data), task.read_options).count() if task.data and Path(task.data).exists() else 0
