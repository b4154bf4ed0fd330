"""The same rows with bespokelabs-curator and distilabel, each in an environment of its own.

Each gets the concurrency that ours gets, no cache, no limits by the minute, and its own way to structured output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks._rows import MAX_TOKENS, PROMPT

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "p2m_agent" / "benchmarks"
PACKAGES = {"curator": ("bespokelabs-curator",), "distilabel": ("distilabel[openai,instructor]", "requests")}
"""What to install; distilabel needs requests and does not say so."""
_LONGEST_S = 900

_COMMON = f"""
import json, sys, time
from typing import Literal
from pydantic import BaseModel
url, rows, concurrency = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
prompts = [{PROMPT!r}.format(number) for number in range(rows)]
class Row(BaseModel):
    input: str
    output: Literal["positive", "negative"]
"""
SCRIPTS = {
    "curator": _COMMON
    + f"""
from bespokelabs import curator
class Rows(curator.LLM):
    response_format = Row
    def prompt(self, input):
        return input["prompt"]
    def parse(self, input, response):
        return {{"input": response.input, "output": response.output}}
limits = {{"max_requests_per_minute": 1_000_000, "max_tokens_per_minute": 1_000_000_000, "max_retries": 5,
          "max_concurrent_requests": concurrency, "base_url": url, "api_key": "none", "request_timeout": 120}}
llm = Rows(model_name="gpt-4o-mini", backend="openai", backend_params=limits,
           generation_params={{"temperature": 1.0, "max_tokens": {MAX_TOKENS}}})
began = time.perf_counter()
made = llm([{{"prompt": prompt}} for prompt in prompts])
seconds = time.perf_counter() - began
made = getattr(made, "dataset", made)
print(json.dumps({{"rows": len(made), "seconds": seconds}}))
""",
    "distilabel": _COMMON
    + f"""
from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration
if __name__ == "__main__":
    with Pipeline(name="rows") as pipeline:
        load = LoadDataFromDicts(data=[{{"instruction": prompt}} for prompt in prompts], batch_size=concurrency)
        llm = OpenAILLM(model="standin", base_url=url, api_key="none", timeout=120, structured_output={{"schema": Row}},
                        generation_kwargs={{"temperature": 1.0, "max_new_tokens": {MAX_TOKENS}}})
        task = TextGeneration(llm=llm, input_batch_size=concurrency)
        load >> task
    began = time.perf_counter()
    made = pipeline.run(use_cache=False)
    seconds = time.perf_counter() - began
    made = [row for row in made["default"]["train"] if row["generation"]]
    print(json.dumps({{"rows": len(made), "seconds": seconds}}))
""",
}


def rate(peer: str, url: str, rows: int, concurrency: int) -> tuple[float | None, str]:
    """Rows a second, or None and why there is no figure."""
    try:
        python = _environment(peer)
    except subprocess.CalledProcessError as error:
        return None, f"cannot be installed: {_last(error.stderr)}"
    # in a folder of its own, with nothing of this process's Python in it
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"CURATOR_DISABLE_CACHE": "true", "CURATOR_CACHE_DIR": str(CACHE / "curator"), "HF_HUB_OFFLINE": "1"}
    environment |= {"TELEMETRY_ENABLED": "false", "CURATOR_VIEWER": "0", "CURATOR_DISABLE_RICH_DISPLAY": "1"}
    environment |= {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": url, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    # tiktoken fetches its tables from the network; litellm, which curator needs, brings the one that is used here.
    tables = next(python.parent.parent.glob("lib/python*/site-packages/litellm/litellm_core_utils/tokenizers"), CACHE)
    environment["TIKTOKEN_CACHE_DIR"] = str(tables)
    script = CACHE / f"rows_with_{peer}.py"
    script.write_text(SCRIPTS[peer], "utf-8")
    command = [str(python), str(script), url, str(rows), str(concurrency)]
    try:
        ran = subprocess.run(
            command, cwd=CACHE, env=environment, capture_output=True, text=True, timeout=_LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None, f"did not end within {_LONGEST_S} s"
    last = ran.stdout.strip().splitlines()[-1:] or [""]
    if ran.returncode or not last[0].startswith("{"):
        return None, f"cannot run: {_last(ran.stderr) or _last(ran.stdout)}"
    told = json.loads(last[0])
    if told["rows"] < rows:
        return None, f"made {told['rows']} of {rows} rows"
    return rows / told["seconds"], f"{told['seconds']:.1f} s"


def _environment(peer: str) -> Path:
    folder = CACHE / f"env-{peer}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", *PACKAGES[peer]],
        ):
            subprocess.run(command, check=True, capture_output=True, text=True)
        ready.touch()
    return python


def _last(text: str) -> str:
    return " ".join(text.strip().splitlines()[-3:])[-600:]
