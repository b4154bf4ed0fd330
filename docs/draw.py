"""Draw from the code what the docs show of it: the graph, the rooms with their imports, the recipes, the metrics.

python docs/draw.py           rewrites them
python docs/draw.py --check   exit 1 where they are stale
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Rewrite or check the pages; exit code."""
    pictures = {
        "architecture.md": {"graph": graph, "rooms": rooms},
        "training.md": {"recipes": recipes, "metrics": metrics},
    }
    stale = 0
    for name, parts in pictures.items():
        path = ROOT / "docs" / name
        drawn = page = path.read_text(encoding="utf-8")
        for part, draw in parts.items():
            drawn = _between(drawn, part, draw())
        stale += drawn != page
        if "--check" not in sys.argv:
            path.write_text(drawn, encoding="utf-8")
    return int(stale > 0 and "--check" in sys.argv)


def graph() -> str:
    """The nodes and edges of the agent's graph, as Mermaid; a dotted edge is taken on a condition."""
    from p2m_agent.agent.graph import build_graph

    machine: Any = None  # the nodes close over it and are not run
    edges = sorted(build_graph(machine, None).get_graph().edges, key=lambda edge: (edge.source, edge.target))
    names = {"__start__": "request([request])", "__end__": "person([words, a question or the end])"}
    shown = [
        f"    {names.get(start, start)} {'-.->' if conditional else '-->'} {names.get(end, end)}"
        for start, end, _, conditional in edges
    ]
    return "\n".join(["```mermaid", "flowchart LR", *shown, "```"])


def rooms() -> str:
    """The layers of the import contract, highest first, with what each room holds and imports most."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"][0]
    layers = [[room.strip() for room in layer.split("|")] for layer in contract["layers"]]
    lines = ["| room | what it is | imports most from |", "|---|---|---|"]
    for room in ["tools", *(room for layer in layers for room in layer)]:
        files = list(_files(room))
        most = [f"`{name}`" for name, _ in _imported(room, files).most_common(3)]
        lines.append(f"| `{room}` | {_about(room)} | {', '.join(most)} |")
    return "\n".join(lines)


def recipes() -> str:
    """The recipes, in the order in which they are tried."""
    from p2m_agent.training.recipes import load_recipes

    lines = ["| method | what | which |", "|---|---|---|"]
    return "\n".join(lines + [f"| `{r.method}` | {r.description} | {r.purpose} |" for r in load_recipes().values()])


def metrics() -> str:
    """The metrics with what they are for."""
    from p2m_agent.scoring.metrics import load_metrics

    lines = ["| metric | which | what it says |", "|---|---|---|"]
    return "\n".join(lines + [f"| `{m.name}` | {m.purpose} | {m.meaning} |" for m in load_metrics().values()])


def _files(room: str) -> Iterator[Path]:
    place = ROOT / room if room == "tools" else ROOT / "p2m_agent" / room
    if place.is_dir():
        return (path for path in sorted(place.rglob("*.py")) if path.name != "__init__.py")
    return iter([place.with_suffix(".py")])


def _about(room: str) -> str:
    place = ROOT / room if room == "tools" else ROOT / "p2m_agent" / room
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0].rstrip(".").replace("|", "/")


def _imported(room: str, files: list[Path]) -> Counter[str]:
    found: Counter[str] = Counter()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("p2m_agent."):
                found[(node.module or "").split(".")[1]] += 1
    del found[room]
    return Counter(dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))))


def _between(page: str, name: str, picture: str) -> str:
    start, end = f"<!-- {name}: drawn by `make docs` -->\n", f"\n<!-- end of {name} -->"
    before, _, rest = page.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}{picture}{end}{after}"


if __name__ == "__main__":
    sys.exit(main())
