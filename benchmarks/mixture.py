"""The mixture gate on real data: does a probe of seconds choose what full training would have chosen?

Every task has a few rows of a person's own and what a search could bring: a set that fits, one whose labels are
misaligned or that is about something else, and poor synthetic rows. The gate sees the dev rows; then a student is
trained on every mixture and scored on test rows that the gate never saw. The regret is the best mixture's test score
minus that of the chosen one; the agreement is the share of pairs of mixtures, at least two points apart on test, that
the probe puts in the same order.

Prints a table and, as its last line, one JSON object. Needs the folder of real datasets (P2M_SHARED or ../shared).

    python benchmarks/mixture.py                  # the tasks that are reported
    python benchmarks/mixture.py --tuning         # those that the gate's rule was tuned on
    python benchmarks/mixture.py trec sms         # some
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.probes.mixture_answers import LinearProbe
from p2m_agent.probes.mixture_gate import Compared, Gate
from p2m_agent.probes.mixture_parts import ProbedPart, in_proportion, unions
from p2m_agent.rows.duplicates import find_leaks
from p2m_agent.run.seams import Embedder
from p2m_agent.scoring.metrics import metric_value
from p2m_agent.settings import Settings
from p2m_agent.training.progress import Progress
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.training.trainer import TrainEnv, TrainRows, train
from p2m_agent.types.rows import Example, Source
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.embedding import load_embedder
from p2m_agent.weights.locate import EMBEDDINGS

ROOT = Path(__file__).resolve().parent.parent
DATASETS = Path(os.environ.get("P2M_SHARED") or ROOT.parent / "shared") / "hub" / "datasets"
OWN, FOUND, SYNTHETIC, DEV, TEST = 40, 150, 100, 80, 300
LIMIT_S = 60.0
CLEAR = 0.02
"""Test scores nearer than this are a tie."""

Rows = list[tuple[str, str]]
"""Text and label."""


def read(repo: str, split: str = "train", labels: dict[str, str] | None = None, column: str = "label_text") -> Rows:
    """A set's rows in an order that the seed fixes; with `labels`, those that it has a label for."""
    with (DATASETS / repo / "data" / f"{split}.jsonl").open(encoding="utf-8") as file:
        rows = [(str(row["text"]), str(row[column])) for row in map(json.loads, file)]
    if labels is not None:
        rows = [(text, labels[label]) for text, label in rows if label in labels]
    random.Random(0).shuffle(rows)
    return rows


def coarse(split: str = "train") -> Rows:
    return [(text, label.split(":")[0]) for text, label in read("cogcomp__trec", split)]


def rotated(rows: Rows) -> Rows:
    """Labels aligned wrongly, each with the next one."""
    labels = sorted({label for _, label in rows})
    return [(text, labels[(labels.index(label) + 1) % len(labels)]) for text, label in rows]


def noisy(rows: Rows) -> Rows:
    """As a weak teacher writes them: words out of order, four labels in ten by chance."""
    chance, labels = random.Random(1), sorted({label for _, label in rows})
    made = []
    for text, label in rows:
        words = text.split()
        chance.shuffle(words)
        made.append((" ".join(words), chance.choice(labels) if chance.random() < 0.4 else label))
    return made


@dataclass(frozen=True)
class Task:
    """A person's own set, and what was found beside it."""

    train: Callable[[], Rows]
    test: Callable[[], Rows]
    found: dict[str, Callable[[Rows], Rows]]
    """Name to rows; each is given rows of the person's own kind that nothing else uses."""


def own(repo: str, **given: str) -> tuple[Callable[[], Rows], Callable[[], Rows]]:
    return lambda: read(repo, **given), lambda: read(repo, "test", **given)


def same(rows: Rows) -> Rows:
    return rows


def other(repo: str, labels: dict[str, str]) -> Callable[[Rows], Rows]:
    return lambda _rows: read(repo, labels=labels)


OFFENSIVE = {"offensive language": "offensive", "hate speech": "offensive", "neither": "not-offensive"}
TASKS: dict[str, Task] = {
    "movies": Task(
        *own("cornell__rotten_tomatoes"),
        {
            "sst2": other("stanfordnlp__sst2", {"positive": "positive", "negative": "negative"}),
            "irony": other("cardiffnlp__tweet_eval_irony", {"irony": "negative", "non_irony": "positive"}),
            "synthetic": noisy,
        },
    ),
    "trec": Task(coarse, lambda: coarse("test"), {"same": same, "misaligned": rotated, "synthetic": noisy}),
    "emotion": Task(*own("cardiffnlp__tweet_eval_emotion"), {"same": same, "misaligned": rotated}),
    "offensive": Task(
        *own("cardiffnlp__tweet_eval_offensive"),
        {
            "tdavidson": other("tdavidson__hate_speech_offensive", OFFENSIVE),
            "irony": other("cardiffnlp__tweet_eval_irony", {"irony": "offensive", "non_irony": "not-offensive"}),
            "synthetic": noisy,
        },
    ),
    "sms": Task(*own("uci__sms_spam"), {"misaligned": rotated, "synthetic": noisy}),
    "hate": Task(
        *own("cardiffnlp__tweet_eval_hate"),
        {
            "tdavidson": other(
                "tdavidson__hate_speech_offensive",
                {"hate speech": "hate", "offensive language": "not-hate", "neither": "not-hate"},
            ),
            "offensive": other("cardiffnlp__tweet_eval_offensive", {"offensive": "hate", "not-offensive": "not-hate"}),
        },
    ),
}
TUNING: dict[str, Task] = {
    "reviews": Task(
        *own("uic__customer_reviews"),
        {
            "sst2": other("stanfordnlp__sst2", {"positive": "positive", "negative": "negative"}),
            "subj": other("cornell__subj", {"subjective": "negative", "objective": "positive"}),
            "synthetic": noisy,
        },
    ),
    "subj": Task(
        *own("cornell__subj"),
        {"same": same, "news": other("agnews__ag_news", {"Sports": "subjective", "World": "objective"})},
    ),
    "news": Task(*own("agnews__ag_news"), {"same": same, "misaligned": rotated, "synthetic": noisy}),
    "finance": Task(
        *own("financial__phrasebank"),
        {
            "sst5": other("stanfordnlp__sst5", {"positive": "positive", "negative": "negative", "neutral": "neutral"}),
            "synthetic": noisy,
        },
    ),
    "questions": Task(coarse, lambda: coarse("test"), {"misaligned": rotated, "synthetic": noisy}),
}


def examples(rows: Rows, ref: str) -> list[Example]:
    source = Source(origin="user", ref=ref)
    return [Example(input={"text": text}, output=label, source=source) for text, label in rows]


def parts_of(task: Task) -> tuple[list[ProbedPart], list[Example], list[Example]]:
    """The parts, dev, and test; no row is in two of them, nor a near duplicate."""
    rows = task.train()
    mine, rest = rows[:OWN], rows[OWN + DEV :]
    dev, test = examples(rows[OWN : OWN + DEV], "user"), examples(task.test()[:TEST], "user")
    parts = [("user", mine)]
    for name, found in task.found.items():
        most = SYNTHETIC if name == "synthetic" else FOUND
        parts.append((name, found(rest[:most])[: 2 * most]))
        rest = rest[most:]
    return [part_of(name, rows, [*dev, *test]) for name, rows in parts], dev, test


def part_of(name: str, rows: Rows, held: Sequence[Example]) -> ProbedPart:
    made = examples(rows, name)
    leaks = find_leaks(made, held)
    clean = [row for i, row in enumerate(made) if i not in leaks][: SYNTHETIC if name == "synthetic" else FOUND]
    return ProbedPart(name, (), in_proportion(clean, "classification", 0))


def full_training(
    rows: Sequence[Example], dev: Sequence[Example], test: Sequence[Example], settings: Settings
) -> float:
    """Test accuracy of a whole encoder trained on a mixture."""
    spec = TaskSpec(id="s", request="r", instruction="i", kind="classification", metric="accuracy")
    recipe = Encoder(base=EMBEDDINGS, epochs=2)
    with tempfile.TemporaryDirectory() as folder:
        env = TrainEnv(settings, lambda _event: None, lambda: float("inf"))
        train(recipe, TrainRows(spec, rows, dev), Path(folder) / "s", env)
        said = load_predictor(Path(folder) / "s", settings).predict([row.input for row in test])
    return metric_value("accuracy", [row.output for row in test], [one.output for one in said])


def probe(parts: Sequence[ProbedPart], dev: Sequence[Example], embedder: Embedder | None) -> tuple[Compared, float]:
    began = time.monotonic()
    gate = Gate(
        parts=parts,
        dev=dev,
        probe=LinearProbe(dev, embedder),
        seconds_left=lambda: LIMIT_S - (time.monotonic() - began),
        limit_s=LIMIT_S,
        progress=Progress(lambda _event: None),
        known={},
    )
    return gate.compare(), time.monotonic() - began


class Kept:
    """Scores of full training, by task and mixture, in a file where one is named."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._scores: dict[str, float] = json.loads(path.read_text()) if path and path.exists() else {}

    def of(self, key: str, make: Callable[[], float]) -> float:
        """The score, made where it is not kept."""
        if key not in self._scores:
            self._scores[key] = make()
            if self._path:
                self._path.write_text(json.dumps(self._scores, indent=1))
        return self._scores[key]


def agreement(probed: Sequence[float], trained: Sequence[float]) -> float:
    """Share of the clear pairs in the same order; a tie of the probe counts half."""
    found = []
    for i in range(len(probed)):
        for j in range(i):
            if abs(trained[i] - trained[j]) >= CLEAR:
                same_way = (probed[i] - probed[j]) * (trained[i] - trained[j])
                found.append(0.5 if same_way == 0 else float(same_way > 0))
    return statistics.mean(found) if found else 1.0


def judge(name: str, task: Task, settings: Settings, embedder: Embedder | None, kept: Kept) -> dict[str, object]:
    parts, dev, test = parts_of(task)
    compared, seconds = probe(parts, dev, embedder)
    mixtures = unions(len(parts))
    trained = []
    for mixture in mixtures:
        key = f"{name}: {' + '.join(parts[i].name for i in mixture)}"
        rows = [row for i in mixture for row in parts[i].rows]
        trained.append(kept.of(key, lambda rows=rows: full_training(rows, dev, test, settings)))
    probed = [score.score if score.score is not None else float("-inf") for score in compared.scores]
    chosen = trained[mixtures.index(compared.chosen)]
    return {
        "chosen": compared.scores[mixtures.index(compared.chosen)].name,
        "best": compared.scores[trained.index(max(trained))].name,
        "test_user": trained[0],
        "test_all": trained[1],
        "test_chosen": chosen,
        "test_best": max(trained),
        "regret": max(trained) - chosen,
        "agreement": agreement(probed, trained),
        "seconds": round(seconds, 1),
        "mixtures": {s.name: [s.score, t] for s, t in zip(compared.scores, trained, strict=True)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", help=f"{', '.join(TASKS)}; for tuning {', '.join(TUNING)}")
    parser.add_argument("--tuning", action="store_true", help="the tasks that the rule was tuned on")
    parser.add_argument("--trained", type=Path, help="JSON file that keeps the scores of full training between runs")
    args = parser.parse_args()
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    embedder = load_embedder(settings)
    kept = Kept(args.trained)
    known = {**TASKS, **TUNING}
    results = {}
    columns = f"{'test: user':>10} {'all':>6} {'chosen':>7} {'best':>6} {'regret':>7} {'agree':>6} {'s':>5}"
    print(f"{'task':10} {columns}  chosen (best)")
    for name in args.tasks or (TUNING if args.tuning else TASKS):
        results[name] = row = judge(name, known[name], settings, embedder, kept)
        print(
            f"{name:10} {row['test_user']:10.3f} {row['test_all']:6.3f} {row['test_chosen']:7.3f} "
            f"{row['test_best']:6.3f} {row['regret']:7.3f} {row['agreement']:6.2f} {row['seconds']:5.1f}  "
            f"{row['chosen']} ({row['best']})",
            flush=True,
        )

    def mean(of: Callable[[dict[str, object]], object]) -> float:
        return round(statistics.mean(float(str(of(row))) for row in results.values()), 4)

    figures = {
        "mean_regret": mean(lambda row: row["regret"]),
        "mean_regret_user_only": mean(lambda row: float(str(row["test_best"])) - float(str(row["test_user"]))),
        "mean_regret_everything": mean(lambda row: float(str(row["test_best"])) - float(str(row["test_all"]))),
        "agreement": mean(lambda row: row["agreement"]),
        "seconds_max": max(float(str(row["seconds"])) for row in results.values()),
        "tasks": results,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
