"""The rooms of the package: a newcomer finds their way, and no name is offered twice."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "p2m_agent"
GROUND = {"__init__", "cli", "errors", "events", "cli_flags", "languages", "prompting", "scanning", "settings"}


def modules() -> Iterator[Path]:
    return (path for folder in (PACKAGE, ROOT / "tools") for path in folder.rglob("*.py"))


def test_only_the_ground_lies_loose_at_the_root() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == GROUND


def test_a_room_fits_in_the_head() -> None:
    sizes = Counter(path.parent.relative_to(ROOT) for path in modules() if path.stem != "__init__")
    assert {str(room): size for room, size in sizes.items() if size > 20} == {}


def test_a_file_does_not_repeat_its_folder() -> None:
    """Neither its whole name nor a word of it."""
    rooms = ((path, path.parent.name.rstrip("s")) for path in modules())
    assert [str(path) for path, room in rooms if room in {word.rstrip("s") for word in path.stem.split("_")}] == []


def test_no_two_modules_share_a_name() -> None:
    names = Counter(path.stem for path in modules() if path.stem != "__init__")
    assert [name for name, count in names.items() if count > 1] == []


def test_no_two_classes_share_a_name() -> None:
    texts = (path.read_text(encoding="utf-8") for path in modules())
    names = Counter(name for text in texts for name in re.findall(r"^class (\w+)", text, flags=re.MULTILINE))
    assert len(names) > 300
    assert [name for name, count in names.items() if count > 1] == []


def test_work_asks_the_clock_of_its_run() -> None:
    """So that a limit of time can be tested, and holds by one clock; `time.monotonic` stands as a default alone."""
    rooms = ("generation", "transformation", "evaluation", "probes", "training", "verification")
    calls = (
        f"{path.stem}:{node.lineno}"
        for path in (
            *(each for room in rooms for each in (PACKAGE / room).rglob("*.py")),
            *(ROOT / "tools").glob("*.py"),
        )
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.monotonic", "time.time", "time.perf_counter")
    )
    assert list(calls) == []
