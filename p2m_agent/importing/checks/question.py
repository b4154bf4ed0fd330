"""Whether the question that rows ask is worth a model: answers that differ, and that are not known without one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from p2m_agent.rows.text_languages import judge_languages
from p2m_agent.types.doubts import Doubt
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec

NEARLY_ALL = 0.98
"""Share of rows that one answer has, from which on no score says anything."""
MUCH = 0.9
"""Share from which on it is said."""
READ_CHARS = 1_000
"""Characters that about 256 tokens hold, which is what small base models are trained to read here."""
FEW = 30


def question_doubts(examples: Sequence[Example], spec: TaskSpec) -> tuple[Doubt, ...]:
    """What is wrong with the question, and what the texts themselves make doubtful."""
    if not examples:
        return ()
    answers = _one_answer(examples, spec), _in_every_row(examples, spec), _copied(examples)
    return tuple(filter(None, (*answers, *_of_texts(examples, sorts=spec.sorts))))


def is_hopeless(doubt: Doubt) -> bool:
    """Whether a doubt says that no score on these rows would mean anything."""
    return doubt.kind == "target" and doubt.grave


def _one_answer(examples: Sequence[Example], spec: TaskSpec) -> Doubt | None:
    answer, rows = Counter(example.output for example in examples).most_common(1)[0]
    share = rows / len(examples)
    if share < MUCH or (len(examples) < FEW and share < 1):
        return None
    what = "label" if spec.sorts else "output"
    shown = answer if len(answer) <= 60 else answer[:57] + "..."
    whole = share == 1
    others = len(examples) - rows
    grave = share >= NEARLY_ALL and others < FEW
    text = f"{'All' if whole else f'{rows:,} of'} {len(examples):,} rows have the one {what} {shown!r}"
    text += ": there is nothing to tell apart." if whole else f", so {share:.0%} are right without a model."
    settle = f"Bring rows with other {what}s, or name the right column: --output COLUMN."
    if spec.sorts and others >= FEW:
        settle = "If it is the rare rows that matter, measure them: --metric macro_f1."
    return Doubt(kind="target", text=text, where=spec.output_field, rows=rows, settle=settle, grave=grave)


def _in_every_row(examples: Sequence[Example], spec: TaskSpec) -> Doubt | None:
    if spec.kind != "multi_label":
        return None
    counts = Counter(label for example in examples for label in set(spec.labels_in(example.output)))
    always = [label for label, rows in counts.items() if rows >= NEARLY_ALL * len(examples)]
    if not always or len({example.output for example in examples}) == 1:
        return None
    rest = [label for label in counts if label not in always]
    return Doubt(
        kind="target",
        text=f"Every row has the label{'s' if len(always) > 1 else ''} {', '.join(always)}: it is always right, and "
        "lifts every score.",
        settle="Take it out of the file; it needs no model." if rest else "Bring rows with other labels.",
        grave=True,
    )


def _copied(examples: Sequence[Example]) -> Doubt | None:
    """That the output is an input, word for word."""
    for field in examples[0].input:
        same = sum(example.input.get(field, "").strip() == example.output.strip() != "" for example in examples)
        if same >= NEARLY_ALL * len(examples):
            return Doubt(
                kind="target",
                text=f"The output repeats the input {field} in {same:,} of {len(examples):,} rows.",
                where=field,
                rows=same,
                settle="Name the columns: --input COLUMN --output COLUMN.",
                grave=True,
            )
    return None


def _of_texts(examples: Sequence[Example], *, sorts: bool) -> Iterator[Doubt]:
    texts = [example.text for example in examples]
    several = judge_languages(texts)
    if several.several:
        shares = ", ".join(f"{code} {share:.0%}" for code, share in several.shares.items())
        yield Doubt(
            kind="language",
            text=f"The inputs are in several languages: {shares}.",
            done="They are learnt together, so a multilingual base model is needed.",
            settle="If one language is meant, leave out the rows of the others.",
        )
    long = sum(len(text) > READ_CHARS for text in texts)
    if long:
        yield Doubt(
            kind="cut",
            text=f"{long:,} inputs ({long / len(texts):.0%}) are longer than {READ_CHARS:,} characters, about the 256 "
            "tokens that a small base model reads.",
            rows=long,
            done="Training counts them by the tokens of its base model, and "
            + ("lets dev decide whether their end or their middle is left out." if sorts else "reads their beginning."),
            settle="If what tells the answer stands far behind, shorten the texts or put it first.",
        )
