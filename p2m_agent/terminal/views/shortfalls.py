"""A target that was not met, in words: by how little, what is in the way, what to do next."""

from __future__ import annotations

import shlex

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from p2m_agent.terminal import units
from p2m_agent.terminal.safe import clean, words
from p2m_agent.terminal.screen import Screen, marked
from p2m_agent.types.shortfall import MoreRows, NextStep, Shortfall


def shortfall_parts(found: Shortfall) -> list[RenderableType]:
    """By how little, what stands in the way, and what more rows would bring; the commands are `show_next_steps`."""
    value = f"{found.value:.3f} ({units.interval(found.ci95)})"
    apart = "the interval holds the target" if found.within_noise else "clearly below it"
    line = Text("short of the target  ").append(f"by {found.short:.3f}", style="bold warn")
    line.append(f"  {value} against {found.target:g} on {units.many(found.rows, 'locked row')}, {apart}", style="soft")
    parts: list[RenderableType] = [line]
    if found.obstacles:
        parts += [Text(), Text("in the way", style="soft")]
        parts += [marked("-", "warn", words(each.text)) for each in found.obstacles]
    parts += [Text(), Text("more rows", style="soft"), marked("-", "soft", words(more_rows_said(found)))]
    return parts


def more_rows_said(found: Shortfall) -> str:
    """The learning curve in a sentence or two, with how sure it is."""
    more = found.more_rows
    if more is None:
        return "what more rows would bring is not known: the record holds no learning curve"
    return (
        f"twice the {more.rows:,} rows should take dev from {more.value:.3f} to {more.doubled:.3f}"
        f" ({units.interval(more.doubled_ci95)}); {_rows_for(more, found.target)}. Carried over from the curve of"
        f" {more.measured_on} over {more.parts} sizes"
    )


def _rows_for(more: MoreRows, target: float) -> str:
    if more.value >= target:
        return "dev has reached the target already"
    if more.rows_for_target is None:
        return f"rows alone would not reach {target:g}"
    return f"about {more.rows_for_target:,} would reach {target:g} if the curve holds"


def show_next_steps(steps: tuple[NextStep, ...], screen: Screen) -> None:
    """The commands in one piece each, for copying, with what they should bring and take."""
    screen.data(Padding(Text("next, what should bring most first", style="soft"), (0, 0, 0, 2)))
    for number, step in enumerate(steps, 1):
        screen.literal(f"  {number} p2m {shlex.join(step.args)}", data=True)
        needs = f"; needs {step.needs}" if step.needs else ""
        screen.data(Padding(words(f"{clean(step.why)}{needs}. {brings(step)}"), (0, 0, 0, 4)))


def brings(step: NextStep) -> str:
    """What a step should add to the score and what it takes: `+2.1 points (measured), about 3 min`."""
    gain = "gain unknown" if step.gain is None else f"{100 * step.gain:+.1f} points expected ({step.basis})"
    time = "time unknown" if step.cost_s is None else f"about {units.seconds(step.cost_s)}"
    money = "price unknown" if step.usd is None else (units.money(step.usd) if step.usd else "")
    return ", ".join(part for part in (gain, time, money) if part)
