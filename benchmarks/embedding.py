"""Embeddings through sentence-transformers beside the plain loop that stood here before: the same vectors, how fast.

The plain loop tokenizes everything at once, sorts by tokens, and takes the mean of the encoder's states. Both encode
the same texts with the packaged MiniLM in the same precision, in turns, in one process; the best of the rounds counts,
in seconds of this process's CPU and of the clock. What loading costs is measured in processes of their own.

    python benchmarks/embedding.py

The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from p2m_agent.settings import Settings
from p2m_agent.weights.device import inference_dtype
from p2m_agent.weights.embedding import load_text_encoder
from p2m_agent.weights.loading import quiet, without_pooler
from p2m_agent.weights.locate import EMBEDDINGS, Weights, locate

WORDS = (
    "my",
    "parcel",
    "invoice",
    "was",
    "sent",
    "back",
    "late",
    "again",
    "please",
    "where",
    "is",
    "a",
    "card",
    "city",
)
LOADING = {
    "plain": "from transformers import AutoModel, AutoTokenizer; AutoTokenizer.from_pretrained({path!r});"
    "AutoModel.from_pretrained({path!r}, add_pooling_layer=False)",
    "ours": "from pathlib import Path; from p2m_agent.weights.embedding import load_text_encoder;"
    "load_text_encoder(Path({path!r}))",
}


class Plain:
    """Mean pooling by hand."""

    def __init__(self, base: Weights) -> None:
        transformers = quiet()
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(str(base.path))
        self.model = transformers.AutoModel.from_pretrained(
            str(base.path), dtype=inference_dtype(), **without_pooler(base.path)
        ).eval()
        self.max_tokens = base.max_tokens

    def encode(self, texts: Sequence[str]) -> Any:
        """Unit rows in the order of the texts."""
        import numpy as np
        import torch

        ids = self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens)["input_ids"]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        vectors = np.zeros((len(ids), self.model.config.hidden_size), np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), 64):
                rows = order[start : start + 64]
                longest = max(len(ids[i]) for i in rows)
                tokens = torch.tensor([ids[i] + [0] * (longest - len(ids[i])) for i in rows])
                mask = torch.tensor([[1] * len(ids[i]) + [0] * (longest - len(ids[i])) for i in rows])
                states = self.model(input_ids=tokens, attention_mask=mask).last_hidden_state.float()
                summed = (states * mask.unsqueeze(-1)).sum(1)
                vectors[rows] = torch.nn.functional.normalize(summed, dim=-1).numpy()
        return vectors


def texts_of(count: int, words: range) -> list[str]:
    draw = random.Random(0)
    return [" ".join(draw.choices(WORDS, k=draw.choice(words))) for _ in range(count)]


def race(ways: dict[str, Callable[[Sequence[str]], Any]], texts: Sequence[str], rounds: int) -> dict[str, float]:
    """Texts a second of each way: the best round by the process's CPU, and by the clock."""
    best = {(name, how): float("inf") for name in ways for how in ("cpu", "clock")}
    for _ in range(rounds):
        for name, encode in ways.items():
            cpu, clock = time.process_time(), time.monotonic()
            encode(texts)
            took = {"cpu": time.process_time() - cpu, "clock": time.monotonic() - clock}
            for how, seconds in took.items():
                best[name, how] = min(best[name, how], seconds)
    return {f"{name} by {how}": round(len(texts) / seconds, 1) for (name, how), seconds in best.items()}


def loading_s(path: Path, rounds: int) -> dict[str, float]:
    """CPU seconds of a process that does nothing but load it, the best of the rounds."""
    measured = "import time;{};print(time.process_time())"
    best = dict.fromkeys(LOADING, float("inf"))
    for _ in range(rounds):
        for name, code in LOADING.items():
            command = [sys.executable, "-c", measured.format(code.format(path=str(path)))]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            best[name] = min(best[name], float(said[-1]))
    return {name: round(seconds, 2) for name, seconds in best.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=Settings().threads, help="1 on a busy machine")
    args = parser.parse_args()
    import torch

    torch.set_num_threads(args.threads)
    base = locate(EMBEDDINGS, Settings())
    plain, ours = Plain(base), load_text_encoder(base.path, max_tokens=base.max_tokens)
    figures: dict[str, Any] = {"dtype": str(inference_dtype()), "threads": args.threads}
    for name, words in {"short": range(6, 21), "mixed": range(4, 120)}.items():
        texts = texts_of(args.texts if name == "short" else args.texts // 4, words)
        cosines = (plain.encode(texts) * ours.encode(texts)).sum(1)
        figures[name] = {"least cosine": round(float(cosines.min()), 6)}
        figures[name] |= race({"plain": plain.encode, "ours": ours.encode}, texts, args.rounds)
        print(name, figures[name])
    figures["loading_cpu_s"] = loading_s(base.path, args.rounds)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
