"""Inputs that stand in the rows with different outputs: nobody can tell which of them a model should give."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from p2m_agent.rows.duplicates import fields_of, figures_of
from p2m_agent.types.doubts import Doubt, DoubtChoice
from p2m_agent.types.rows import Example, SplitName
from p2m_agent.types.task import TaskSpec

InputKey = tuple[object, ...]
_SHOWN = 3


def input_key(example: Example) -> InputKey:
    """What two rows have in common whose inputs are the same but for case and blanks."""
    return (fields_of(example), figures_of(example))


def contradicted(examples: Iterable[Example]) -> dict[InputKey, Counter[str]]:
    """Inputs with several outputs, and the rows of each output."""
    outputs: defaultdict[InputKey, Counter[str]] = defaultdict(Counter)
    for example in examples:
        outputs[input_key(example)][example.output] += 1
    return {key: found for key, found in outputs.items() if len(found) > 1}


def without_contradictions(
    parts: Mapping[SplitName, Sequence[Example]],
) -> tuple[dict[SplitName, list[Example]], list[Example]]:
    """The rows of each split whose inputs have one output in all of them, and the others."""
    doubtful = contradicted(example for part in parts.values() for example in part)
    kept = {name: [each for each in part if input_key(each) not in doubtful] for name, part in parts.items()}
    return kept, [each for part in parts.values() for each in part if input_key(each) in doubtful]


def contradiction_doubts(examples: Sequence[Example], spec: TaskSpec) -> tuple[Doubt, ...]:
    """That rows contradict each other, with some of them; of texts, that an input has several answers."""
    found = contradicted(examples)
    if not found:
        return ()
    rows = sum(outputs.total() for outputs in found.values())
    texts = {input_key(example): example.text for example in examples}
    listed = "; ".join(
        f"{_short(texts[key])} is " + " and ".join(_short(output) or "(empty)" for output in outputs)
        for key, outputs in list(found.items())[:_SHOWN]
    )
    what = "labels" if spec.sorts else "outputs"
    kept = "They are trained on, and are in no held-out split."
    return (
        Doubt(
            kind="contradiction",
            text=f"{len(found):,} inputs stand there with different {what} ({rows:,} rows), so they contradict: "
            f"{listed}{' …' if len(found) > _SHOWN else ''}.",
            rows=rows,
            done=kept if spec.sorts else "They are kept; copies of an input are on one side of the split.",
            settle="Settle in the file which one is right, or leave them out (task file: `contradictions: leave_out`).",
            choices=(DoubtChoice(words="leave these rows out", key="contradictions", value="leave_out"),),
            grave=spec.sorts,
        ),
    )


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return repr(plain if len(plain) <= 60 else plain[:57] + "...") if plain else ""
