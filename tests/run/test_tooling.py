"""Tools are found by scanning; a file that cannot be used stops the start."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from p2m_agent.run.tooling import Effect, load_tools

TOOL = """
from p2m_agent.run.tooling import Args, Effect, Outcome, Tool
class Hello(Args):
    \"\"\"Say hello.\"\"\"
TOOL = Tool({name!r}, Hello, lambda args, state, context: Outcome(summary="hello"), Effect.READ)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / f"tools_{tmp_path.name.replace('-', '_')}"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith(folder.name)]:
        del sys.modules[name]


def test_a_file_is_a_tool_and_private_files_are_not(package: Path) -> None:
    (package / "hello.py").write_text(TOOL.format(name="hello"))
    (package / "_rows.py").write_text("raise RuntimeError('never imported')")
    tools = load_tools(package.name)
    assert list(tools) == ["hello"]
    assert tools["hello"].description == "Say hello."


@pytest.mark.parametrize(
    "text", ["", "import no_such_module", "def broken(:", "TOOL = 3", TOOL.format(name="another_name")]
)
def test_a_file_that_cannot_be_used_stops_the_start(package: Path, text: str) -> None:
    (package / "hello.py").write_text(text)
    with pytest.raises(RuntimeError, match=r"hello\.py"):
        load_tools(package.name)


def test_every_tool_of_ours_explains_itself_to_the_controller() -> None:
    for name, tool in load_tools().items():
        assert len(tool.description) > 20, name
        for field, schema in tool.args.model_json_schema().get("properties", {}).items():
            assert schema.get("description"), f"{name}.{field} has no description"
        assert tool.effect in Effect
