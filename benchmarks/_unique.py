"""Accepted unique rows for the same output tokens: the engine beside a plain loop, with the packaged model as teacher.

The plain loop is what Prompt2Model does (arXiv 2308.12261): a few-shot prompt with examples of the person's and its
own, the temperature raised as rows come in, rows with the same input brought together by a majority vote of outputs.
Both get the same examples, the same output tokens and the same judge: the checks of the product (`RowFilter`). A
head on frozen embeddings, trained on thousands of real rows, says how many labels are right; it decides nothing.

    python benchmarks/_unique.py [--short]        # also called by generation.py
    python benchmarks/_unique.py --tuning         # the tasks that prompts were tried on, which are not reported
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from p2m_agent.errors import BudgetExceeded
from p2m_agent.generation.requests import derived_seed
from p2m_agent.generation.rounds import LOCAL_LAG, WEAK_BATCH, GenerationPlan, Generator, Material
from p2m_agent.llm.open import open_llms
from p2m_agent.rows.duplicates import normalise
from p2m_agent.run.seams import LLM, Embedder
from p2m_agent.settings import Settings
from p2m_agent.types.completion import ChatMessage, Reply, Request
from p2m_agent.types.rows import Example, Source, render_input
from p2m_agent.types.task import Demonstration, TaskSpec
from p2m_agent.verification.filter import Candidate, RowFilter
from p2m_agent.weights.embedding import load_embedder

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("P2M_SHARED") or ROOT.parent / "shared")
TOKENS, SHORT_TOKENS, SHORT_TASKS = 4_000, 600, 1
"""Output tokens for each task and each way."""
TEMPERATURE = (0.7, 1.0)
"""From the first row to the last, for both."""
SHOWN = 4
"""Examples in a prompt of the plain loop."""
ROWS = 10_000
"""More than the tokens can make."""


@dataclass(frozen=True)
class Case:
    """A task with real rows to judge by."""

    repo: str
    instruction: str
    columns: tuple[str, str]
    labels: int = 0
    """How many of the labels it takes; 0 for text_to_text."""
    shown: int = 1
    """Examples (of each label) that both ways are given."""


LABELLED, PAIRED = ("text", "label_text"), ("input", "output")
BANK = "Tell which intent a bank customer's message has."
FILMS = "Tell whether a film review is positive or negative."
PASSIVE = "Put a sentence in the active voice into the passive voice."
ASSISTANT = "Tell which intent a message to a voice assistant expresses."
EMOTION = "Tell which emotion a tweet expresses."
REPORTED = {
    "bank intents": Case("PolyAI__banking77", BANK, LABELLED, 10),
    "film reviews": Case("cornell__rotten_tomatoes", FILMS, LABELLED, 2, 3),
    "passive": Case("instruction_induction__active_to_passive", PASSIVE, PAIRED, 0, 5),
}
TUNING = {
    "assistant intents": Case("clinc__oos_eval", ASSISTANT, LABELLED, 10),
    "emotions": Case("cardiffnlp__tweet_eval_emotion", EMOTION, LABELLED, 4, 3),
    "negation": Case("instruction_induction__negation", "Negate the sentence.", PAIRED, 0, 5),
}


@dataclass
class Metered:
    """A teacher that may say so many tokens and no more."""

    llm: LLM
    most: int
    said: int = 0
    local: bool = True
    requests: int = 0

    def ask(self, request: Request) -> Reply:
        """Ask, as long as there are tokens left."""
        if self.said >= self.most:
            raise BudgetExceeded(f"{self.said} tokens were said")
        reply = self.llm.ask(request)
        self.said += reply.completion_tokens
        self.requests += 1
        return reply

    def ask_stream(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply]]:
        """One at a time, as the embedded model works."""
        for index, request in enumerate(requests):
            yield index, self.ask(request)


@dataclass
class Made:
    """What one way made of one task."""

    rows: list[Example]
    tokens: int
    reasons: dict[str, int]
    seconds: float
    figures: dict[str, float | None] = field(default_factory=dict)


def task_of(case: Case) -> tuple[TaskSpec, list[tuple[str, str]]]:
    """The specification with its examples, and the real rows."""
    path = SHARED / "hub" / "datasets" / case.repo / "data" / "train.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    real = [(row[case.columns[0]], row[case.columns[1]]) for row in rows]
    chance = random.Random(0)
    chance.shuffle(real)
    if case.labels:
        names = sorted({label for _, label in real})
        names = sorted(random.Random(1).sample(names, min(case.labels, len(names))))
        real = [(text, label) for text, label in real if label in names]
        shown = [pair for name in names for pair in [r for r in real if r[1] == name][: case.shown]]
    else:
        names, shown = [], real[: case.shown]
    spec = TaskSpec(
        id="task",
        request=case.instruction,
        instruction=case.instruction,
        kind="classification" if names else "text_to_text",
        labels=tuple(names),
        language="en",
        metric="accuracy" if names else "exact_match",
        demonstrations=tuple(Demonstration(input={"text": text}, output=output) for text, output in shown),
    )
    return spec, real


def known_of(spec: TaskSpec) -> list[Example]:
    """The person's examples as rows."""
    source = Source(origin="user", ref="examples")
    return [Example(input=shown.input, output=shown.output, source=source) for shown in spec.demonstrations]


def engine(spec: TaskSpec, teacher: Metered, embedder: Embedder | None) -> Made:
    """The product's way."""
    began, rows = time.monotonic(), list[Example]()
    row_filter = RowFilter(spec, [], known_of(spec), embedder, strict=True)
    plan = GenerationPlan(
        call_id="bench",
        rows=ROWS,
        shares=dict.fromkeys(spec.labels or ("",), 1.0),
        reliable=False,
        batch=WEAK_BATCH,
        temperature=TEMPERATURE,
        seed=0,
        lag=LOCAL_LAG,
    )
    generator = Generator(spec, plan, teacher, row_filter, Material(seeds=known_of(spec)))  # type: ignore[arg-type]
    generator.run(lambda _: None, lambda: float("inf"), lambda kept, _: rows.extend(kept))
    return Made(rows, teacher.said, row_filter.reasons(), time.monotonic() - began)


def plain_loop(spec: TaskSpec, teacher: Metered, embedder: Embedder | None, *, schema: bool) -> Made:
    """Prompt2Model's way: a new pair from a few shown ones, one at a time; the vote at the end."""
    began, known = time.monotonic(), known_of(spec)
    pool, made = list(known), list[Candidate]()
    row_filter = RowFilter(spec, [], known, embedder, strict=True)
    try:
        while True:
            share = teacher.said / teacher.most
            request = _pair_request(spec, pool, len(made) + teacher.requests, share, schema=schema)
            pair = _pair_of(teacher.ask(request), spec, schema=schema)
            if pair is None:
                continue
            example = Example(input={"text": pair[0]}, output=pair[1], source=Source(origin="synthetic", ref="plain"))
            made.append(Candidate(example, request.messages[0].content))
            pool.append(example)
    except BudgetExceeded:
        pass
    row_filter.sift(_voted(made))
    return Made(list(row_filter.kept), teacher.said, row_filter.reasons(), time.monotonic() - began)


def _pair_request(spec: TaskSpec, pool: Sequence[Example], number: int, share: float, *, schema: bool) -> Request:
    chance = random.Random(f"plain/{number}")
    shown = chance.sample(list(pool), min(SHOWN, len(pool)))
    examples = "\n\n".join(f"Input: {render_input(one.input)}\nOutput: {one.output}" for one in shown)
    labels = f"\nThe output is one of: {', '.join(spec.labels)}." if spec.labels else ""
    prompt = (
        f"{spec.instruction}{labels}\n\nHere are examples:\n\n{examples}\n\n"
        "Write one new example, different from these, in the same form: an input and its output."
    )
    output: dict[str, object] = {"type": "string", "enum": list(spec.labels)} if spec.labels else {"type": "string"}
    pair = {
        "type": "object",
        "additionalProperties": False,
        "required": ["input", "output"],
        "properties": {"input": {"type": "string"}, "output": output},
    }
    return Request(
        messages=(ChatMessage(role="user", content=prompt),),
        json_schema=pair if schema else None,
        temperature=TEMPERATURE[0] + (TEMPERATURE[1] - TEMPERATURE[0]) * share,
        max_tokens=160,
        seed=derived_seed(f"plain/{number}"),
    )


def _pair_of(reply: Reply, spec: TaskSpec, *, schema: bool) -> tuple[str, str] | None:
    if reply.error is not None:
        return None
    if schema:
        parsed = reply.parsed if isinstance(reply.parsed, dict) else {}
        return " ".join(str(parsed.get("input")).split()), str(parsed.get("output"))
    head, found, tail = reply.text.partition("Output:")
    if not found:
        return None
    output = tail.strip().split("\n")[0].strip()
    named = next((label for label in spec.labels if normalise(label) == normalise(output)), output)
    return " ".join(head.replace("Input:", "").split()), named


def _voted(made: Sequence[Candidate]) -> list[Candidate]:
    """One row for each input, with the output that most of its copies have; the shorter one on a tie."""
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in made:
        groups[candidate.example.text].append(candidate)
    voted = []
    for group in groups.values():
        votes = Counter(candidate.example.output for candidate in group)
        best = min(votes, key=lambda output: (-votes[output], len(output)))
        voted.append(next(candidate for candidate in group if candidate.example.output == best))
    return voted


def figures(made: Made, oracle: Any, embedder: Embedder) -> dict[str, float | None]:
    """Rows for 1,000 tokens, how far they lie from each other, and how many labels the oracle finds right."""
    texts = [row.text for row in made.rows]
    vectors = embedder.encode(texts)
    pairs = len(texts) * (len(texts) - 1)
    likeness = float((vectors @ vectors.T).sum() - len(texts)) / pairs if pairs else 1.0
    right = None
    if oracle is not None and texts:
        right = sum(a == row.output for a, row in zip(oracle.predict(vectors), made.rows, strict=True)) / len(texts)
    return {
        "rows": len(texts),
        "per_1k_tokens": 1000 * len(texts) / max(1, made.tokens),
        "diversity": 1 - likeness,
        "right": right,
    }


def oracle_of(spec: TaskSpec, real: Sequence[tuple[str, str]], embedder: Embedder) -> Any:
    """A head on frozen embeddings, trained on all real rows; None for texts."""
    if not spec.labels:
        return None
    from sklearn.linear_model import LogisticRegression

    head = LogisticRegression(C=10, max_iter=2000)
    return head.fit(embedder.encode([text for text, _ in real]), [label for _, label in real])


def measure(short: bool, *, tuning: bool = False, tokens: int | None = None) -> dict[str, Any]:
    """All tasks both ways; `unique_ratio` and what it is made of.

    The plain loop's answers are held to a JSON schema: without one it made fewer usable rows of the tuning tasks.
    """
    settings = Settings(teacher="local")
    embedder = load_embedder(settings)
    assert embedder is not None, "the packaged embedding model is not installed"
    tokens = tokens or (SHORT_TOKENS if short else TOKENS)
    results: dict[str, dict[str, Any]] = {}
    with open_llms(settings, None, lambda _: None, lambda: 0.0) as llms:
        cases = list((TUNING if tuning else REPORTED).items())
        for name, case in cases[:SHORT_TASKS] if short else cases:
            spec, real = task_of(case)
            oracle = oracle_of(spec, real, embedder)
            ways = {
                "ours": engine(spec, Metered(llms.teacher, tokens), embedder),
                "plain": plain_loop(spec, Metered(llms.teacher, tokens), embedder, schema=True),
            }
            if tuning:
                ways["no schema"] = plain_loop(spec, Metered(llms.teacher, tokens), embedder, schema=False)
            results[name] = {way: figures(made, oracle, embedder) for way, made in ways.items()}
            _print(name, ways, results[name])
    return {"unique_ratio": _ratio(results, tokens), "unique_tokens": tokens, "unique_tasks": results} | {
        f"unique_{measured}_{way}": _mean([task[way][measured] for task in results.values()])
        for way in ("ours", "plain")
        for measured in ("per_1k_tokens", "diversity", "right")
    }


def _ratio(results: dict[str, dict[str, Any]], tokens: int) -> float:
    """Accepted unique rows of all tasks together, ours to theirs; where they have none, as if they had one."""
    ours, plain = (sum(task[way]["per_1k_tokens"] for task in results.values()) for way in ("ours", "plain"))
    return round(float(ours / max(plain, 1000 / tokens)), 3)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 4) if known else None


def _print(name: str, ways: dict[str, Made], found: dict[str, dict[str, float | None]]) -> None:
    for way, made in ways.items():
        f = found[way]
        right = "-" if f["right"] is None else f"{f['right']:.2f}"
        reasons = ", ".join(f"{count} {reason}" for reason, count in list(made.reasons.items())[:5])
        print(
            f"{name:18} {way:12} {f['rows']:5} rows  {f['per_1k_tokens']:6.1f} per 1,000 tokens  "
            f"diversity {f['diversity']:.3f}  right {right}  {made.seconds:5.0f} s  rejected: {reasons}",
            flush=True,
        )


def main() -> None:
    """Run and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--tuning", action="store_true")
    parser.add_argument("--tokens", type=int, help="output tokens for each task and way")
    args = parser.parse_args()
    print(json.dumps(measure(args.short, tuning=args.tuning, tokens=args.tokens)))


if __name__ == "__main__":
    main()
