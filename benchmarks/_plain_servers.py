"""Servers as people write them around a student: one request at a time, and LitServe.

Run as `_plain_servers.py KIND FOLDER PORT`.
Both answer the same chat protocol with the same folder by torch, which is what a person would load.
"""

from __future__ import annotations

import argparse
import threading
from pathlib import Path
from typing import Any

from p2m_agent.delivery.predictor import load_predictor
from p2m_agent.settings import Settings


def plain(folder: Path, port: int) -> None:
    import uvicorn
    from fastapi import FastAPI

    predictor, lock, app = load_predictor(folder, Settings(_env_file=None)), threading.Lock(), FastAPI()

    @app.post("/v1/chat/completions")
    def chat(body: dict[str, Any]) -> dict[str, Any]:
        with lock:
            [answer] = predictor.predict([{"text": body["messages"][-1]["content"]}])
        return _completion(answer.output)

    uvicorn.run(app, port=port, log_level="warning")


def litserve(folder: Path, port: int, batch: int) -> None:
    import litserve

    class Api(litserve.LitAPI):  # type: ignore[misc]
        def setup(self, _device: str) -> None:
            self.predictor = load_predictor(folder, Settings(_env_file=None))

        def decode_request(self, request: dict[str, Any]) -> str:
            return str(request["messages"][-1]["content"])

        def predict(self, texts: Any) -> Any:
            listed = texts if isinstance(texts, list) else [texts]
            said = [one.output for one in self.predictor.predict([{"text": text} for text in listed])]
            return said if isinstance(texts, list) else said[0]

        def encode_response(self, output: str) -> dict[str, Any]:
            return _completion(output)

    api = Api(max_batch_size=batch, batch_timeout=0.005, api_path="/v1/chat/completions")
    litserve.LitServer(api, accelerator="cpu").run(port=port, generate_client_file=False, log_level="warning")


def _completion(output: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": output}, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["plain", "litserve"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--batch", type=int, default=1)
    args = parser.parse_args()
    if args.kind == "plain":
        plain(args.folder, args.port)
    else:
        litserve(args.folder, args.port, args.batch)
