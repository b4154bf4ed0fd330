from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from p2m_agent.errors import ToolError, UsageError
from p2m_agent.llm.client import Capability
from p2m_agent.rows.holdout import open_test, read_dev
from p2m_agent.rows.reading import read_examples
from p2m_agent.run.state import Call, RunState
from p2m_agent.run.tooling import Context, Effect, Outcome, load_tools
from p2m_agent.search.hub import IndexedHub
from p2m_agent.settings import Settings
from p2m_agent.types.candidates import DatasetCandidate, DatasetSearch
from p2m_agent.types.questions import Answer, ColumnChoice, Question, Review
from p2m_agent.types.rows import Dataset, Holdout
from p2m_agent.types.task import Constraints, TaskSpec
from tests.fakes.calls import context_of, run_tool
from tests.fakes.rows import rows, sentence

TOOL = load_tools()["import_rows"]


class Unreliable:
    """A teacher that nobody asks."""

    capability = Capability(tools=False, json_schema=False, reliable=False)


@dataclass
class Bench:
    """A run's folder, its state, and a hub of two datasets."""

    root: Path
    state: RunState
    calls: int = 0
    said: list[str] = field(default_factory=list)
    refused: tuple[str, ...] = ()

    def call(self, **args: object) -> Outcome:
        """Run the tool as `act` does, and keep its artifacts."""
        checked = TOOL.args(**args)
        assert TOOL.refusal(checked, self.state) is None
        self.calls += 1
        call = Call(id=f"{self.calls:03}-import_rows", tool="import_rows", args=args)
        folder = self.root / "run" / "calls" / call.id
        folder.mkdir(parents=True)
        outcome = run_tool(TOOL, checked, self.state, self.context(call, folder))
        self.state.artifacts += outcome.artifacts
        return outcome

    def context(self, call: Call, folder: Path) -> Context:
        settings = Settings(
            _env_file=None,
            hubs=(str(self.root / "hub"),),
            refuse_licences=self.refused,
        )
        teacher: Any = Unreliable()
        plain = context_of(self.root / "run", call, teacher)
        said = {"emit": lambda event: self.said.append(str(event)), "folder": folder}
        return replace(plain, settings=settings, hub=IndexedHub(settings, lambda: None), **said)

    def refusal(self, **args: object) -> str | None:
        return TOOL.refusal(TOOL.args(**args), self.state)

    @property
    def dataset(self) -> Dataset:
        found = self.state.latest(Dataset)
        assert found
        return found

    @property
    def holdout(self) -> Holdout:
        found = self.state.latest(Holdout)
        assert found
        return found

    def give(self, content: list[dict[str, object]], name: str = "rows.jsonl") -> None:
        path = self.root / name
        path.write_text("".join(json.dumps(row) + "\n" for row in content))
        self.state.task = self.state.task.model_copy(update={"data": str(path)})


def make_dataset(hub: Path, name: str, licence: str | None, **splits: list[dict[str, object]]) -> None:
    folder = hub / name
    (folder / "data").mkdir(parents=True)
    said = f"license: {licence}\n" if licence else ""
    (folder / "README.md").write_text(f"---\n{said}pretty_name: {name}\n---\n\n## Description\n\nRows.\n")
    for split, content in splits.items():
        (folder / "data" / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content))


def spec(**changes: object) -> TaskSpec:
    facts = {"id": "spec-1", "request": "Sort it", "instruction": "Sort it.", "kind": "classification"}
    return TaskSpec.model_validate({**facts, "metric": "accuracy", **changes})


def search(*repos: str) -> DatasetSearch:
    candidates = tuple(DatasetCandidate(repo=repo, hub="x", score=1, why="") for repo in repos)
    return DatasetSearch(id="search-1", query="q", candidates=candidates, made_by="1")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    first, held = rows(200), rows(60, start=500)
    make_dataset(tmp_path / "hub", "shop__first", "mit", train=[*first, first[0], held[0]], test=held)
    make_dataset(tmp_path / "hub", "shop__second", None, train=rows(50, start=700), test=rows(40, start=800))
    (tmp_path / "run").mkdir()
    return Bench(tmp_path, RunState(artifacts=[spec(), search("shop/first", "shop/second")]))


def test_the_first_import_fixes_the_held_out_rows(bench: Bench) -> None:
    outcome = bench.call()
    assert (bench.dataset.ref, bench.dataset.licence, bench.dataset.rows) == ("shop/first", "mit", 170)
    assert (bench.holdout.origin, bench.holdout.dev_rows, bench.holdout.test_rows) == ("hub", 30, 60)
    assert bench.dataset.dropped == {"copies of held-out rows": 1, "duplicates": 1}
    assert "170 training rows of shop/first: text → label" in outcome.summary
    root = bench.root / "run"
    train = read_examples(root / bench.dataset.path)
    held = read_dev(root, bench.holdout) + open_test(root, bench.holdout, "x")[0]
    assert len(train) == 170
    assert not {each.text for each in train} & {each.text for each in held}
    rejected = (root / "calls" / "001-import_rows" / "rejected.jsonl").read_text()
    assert json.loads(rejected)["reason"] == "duplicates"


def test_labels_of_the_data_become_the_task_s(bench: Bench) -> None:
    bench.call()
    now = bench.state.spec
    assert now
    assert (now.labels, now.made_by, now.id) == (("a", "b"), "001-import_rows", "spec-001-import_rows")
    assert "Labels taken from shop/first: 2 of them." in now.assumptions


def test_a_further_import_only_adds_training_rows(bench: Bench) -> None:
    bench.call()
    outcome = bench.call()
    assert [type(each) for each in outcome.artifacts] == [Dataset]
    assert (bench.dataset.ref, bench.dataset.rows) == ("shop/second", 50)
    assert bench.dataset.dropped == {"test split of its source": 40}
    assert "licence is unknown" in outcome.summary
    assert len(bench.state.all(Holdout)) == 1


def test_own_rows_come_first_and_are_cut_in_three(bench: Bench) -> None:
    bench.give(rows(200))
    bench.call()
    assert bench.dataset.origin == "user"
    assert (bench.dataset.rows, bench.holdout.dev_rows, bench.holdout.test_rows) == (120, 30, 50)
    assert bench.call().artifacts
    assert bench.dataset.ref == "shop/first"


def test_the_person_s_own_test_file_is_the_locked_test(bench: Bench) -> None:
    (bench.root / "own").mkdir()
    bench.give(rows(200), "own/train.jsonl")
    held = rows(60, start=500)
    bench.give(held, "own/test.jsonl")
    bench.state.task = bench.state.task.model_copy(update={"data": str(bench.root / "own")})
    bench.call()
    assert (bench.dataset.rows, bench.holdout.origin, bench.holdout.test_rows) == (170, "user", 60)
    tested, _ = open_test(bench.root / "run", bench.holdout, "x")
    assert {each.text for each in tested} == {row["text"] for row in held}


def test_rows_of_a_file_that_cannot_be_read_are_counted_and_said(bench: Bench) -> None:
    lines = [f"{row['text']},{row['label']}" for row in rows(100)]
    (bench.root / "rows.csv").write_text("text,label\n" + "\n".join([*lines, "one,two,three,four"]) + "\n")
    bench.state.task = bench.state.task.model_copy(update={"data": str(bench.root / "rows.csv")})
    outcome = bench.call()
    assert bench.dataset.dropped["more than 2 cells"] == 1
    assert "(line 102)" in outcome.summary


def test_own_rows_may_be_a_dataset_of_a_hub(bench: Bench) -> None:
    bench.state.task = bench.state.task.model_copy(update={"data": "shop/second"})
    bench.call(source="user")
    assert (bench.dataset.origin, bench.dataset.ref) == ("hub", "shop/second")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (rows(20), "20 usable rows.*at least 30"),
        (rows(50, ("a",)), "one label 'a'"),
        ([{"text": "a"}] * 40, "no second column"),
    ],
)
def test_what_is_wrong_with_own_rows_is_the_person_s_to_mend(
    bench: Bench, content: list[dict[str, object]], said: str
) -> None:
    bench.give(content)
    with pytest.raises(UsageError, match=said):
        bench.call()


def test_labels_that_do_not_match_stop_the_import(bench: Bench) -> None:
    bench.state.artifacts.append(spec(labels=("cold", "warm")))
    with pytest.raises(ToolError, match="a, b fit none of cold, warm"):
        bench.call()


def test_licences_are_checked_before_rows_are_used(bench: Bench) -> None:
    bench.state.artifacts.append(spec(constraints=Constraints(licences=("mit",))))
    with pytest.raises(ToolError, match=r"shop/second has the licence \(unknown\)"):
        bench.call(source="shop/second")
    assert bench.call(source="shop__first").artifacts


@pytest.mark.parametrize(
    ("licence", "said"),
    [
        ("mit", "Licence: mit."),
        ("cc-by-nc-4.0", "Risk: its licence is cc-by-nc-4.0"),
        (None, "Risk: its licence is unknown"),
    ],
)
def test_licences_that_are_not_permissive_are_warned_of(tmp_path: Path, licence: str | None, said: str) -> None:
    make_dataset(tmp_path / "hub", "shop__only", licence, train=rows(100))
    (tmp_path / "run").mkdir()
    bench = Bench(tmp_path, RunState(artifacts=[spec(), search("shop/only")]))
    assert said in bench.call().summary


def test_refused_licences_stop_an_import_before_a_row_is_read(bench: Bench) -> None:
    (bench.root / "hub" / "shop__second" / "data" / "train.jsonl").write_text("no JSON\n" * 50)
    bench.refused = ("unknown",)
    with pytest.raises(ToolError, match=r"shop/second has the licence \(unknown\), and unknown must not be used"):
        bench.call(source="shop/second")
    assert bench.call(source="shop/first").artifacts
    bench.refused = ()
    with pytest.raises(ToolError, match="not JSON"):
        bench.call(source="shop/second")


def test_every_imported_row_says_where_it_is_from(bench: Bench) -> None:
    bench.call(source="shop/first")
    bench.give(rows(60, start=900))
    bench.call(source="user")
    for dataset in bench.state.all(Dataset):
        for row in read_examples(bench.root / "run" / dataset.path):
            assert row.source.ref == dataset.ref
            assert row.source.revision
            assert row.source.revision == dataset.revision
            assert row.source.licence == dataset.licence
    held = read_dev(bench.root / "run", bench.holdout)
    assert all(row.source.revision for row in held)


def unclear(count: int = 120) -> list[dict[str, object]]:
    """Rows of which nobody can tell question from answer by looking."""
    return [{"c1": sentence(n), "c2": sentence(n + 300), "c3": sentence(n + 600)} for n in range(count)]


@pytest.fixture
def doubtful(bench: Bench) -> Bench:
    bench.state.artifacts.append(spec(kind="text_to_text", metric="exact_match", output_field="output"))
    bench.give(unclear())
    return bench


def test_unattended_an_import_in_doubt_goes_on_and_says_what_it_assumed(doubtful: Bench) -> None:
    outcome = doubtful.call()
    assert "The columns were read as they look: 'c3' looks most like the output" in outcome.summary
    assert doubtful.state.spec
    assert any("columns were read as they look" in said for said in doubtful.state.spec.assumptions)


def verdict(bench: Bench, **answer: Any) -> None:
    choice = bench.state.latest(ColumnChoice)
    assert choice
    asked = Question(id="q", about="columns", text="?", subject=choice.id)
    bench.state.artifacts.append(Review(id="r", question=asked, answer=Answer(**answer), made_by="q"))


def test_a_person_sees_doubtful_columns_before_anything_is_held_out(doubtful: Bench) -> None:
    doubtful.state.attended = True
    outcome = doubtful.call()
    assert [type(each) for each in outcome.artifacts] == [ColumnChoice]
    choice = doubtful.state.latest(ColumnChoice)
    assert choice
    assert (choice.inputs, choice.output, choice.columns) == (("c1", "c2"), "c3", ("c1", "c2", "c3"))
    assert set(choice.sample[0]) == {"c1", "c2", "c3"}
    assert f"ask_person(about={choice.id!r})" in (doubtful.refusal() or "")
    verdict(doubtful, verdict="accept")
    assert doubtful.call().artifacts
    assert doubtful.dataset.columns == {"c1": "c1", "c2": "c2", "c3": "c3"}


def test_a_person_may_choose_other_columns(doubtful: Bench) -> None:
    doubtful.state.attended = True
    doubtful.call()
    verdict(doubtful, verdict="edit", edits={"inputs": ["c3"], "output": "c1"})
    doubtful.call()
    assert list(doubtful.dataset.columns.values()) == ["c3", "c1"]


def test_rejected_columns_are_not_read(doubtful: Bench) -> None:
    doubtful.state.attended = True
    doubtful.call()
    verdict(doubtful, verdict="reject")
    assert "the person rejected c1, c2 → c3" in (doubtful.refusal(source="user") or "")
    assert doubtful.refusal(source="user", columns={"inputs": ["c3"], "output": "c1"}) is None


def contradicting(count: int = 120) -> list[dict[str, object]]:
    """Rows of two labels, of which the first six inputs stand there again with the other one."""
    made: list[dict[str, object]] = [{"text": sentence(n), "label": "ab"[n % 2]} for n in range(count)]
    return [*made, *({**row, "label": "ba"[n % 2]} for n, row in enumerate(made[:6]))]


def test_a_person_may_have_contradictions_left_out(bench: Bench) -> None:
    bench.give(contradicting())
    bench.state.artifacts.append(spec(labels=("a", "b")))
    bench.state.attended = True
    bench.call()
    choice = bench.state.latest(ColumnChoice)
    assert choice
    [offered] = [each for doubt in choice.doubts for each in doubt.choices]
    verdict(bench, verdict="edit", edits={offered.key: offered.value})
    bench.call()
    assert bench.dataset.dropped["contradicted by other rows"] == 12
    assert not any(doubt.kind == "contradiction" for doubt in bench.dataset.doubts)


def test_what_a_person_settles_of_a_file_is_how_it_is_read(bench: Bench) -> None:
    path = bench.root / "rows.csv"
    path.write_text("".join(f"{sentence(n)},{'ab'[n % 2]}\n" for n in range(80)))
    bench.state.task = bench.state.task.model_copy(update={"data": str(path)})
    bench.state.artifacts.append(spec(labels=("a", "b")))
    bench.state.attended = True
    bench.call()
    verdict(bench, verdict="edit", edits={"no_header": True, "labels": ["x"]})
    assert bench.state.settled_for(str(path)) == {"no_header": True}, "only what was offered is settled"
    bench.call()
    verdict(bench, verdict="accept")
    if not bench.state.latest(Dataset):
        bench.call()
    assert sorted(bench.dataset.columns.values()) == ["column_1", "column_2"]
    assert not any("header" in doubt.text for doubt in bench.dataset.doubts)


def test_labels_that_fit_none_are_kept_apart_and_reported(bench: Bench) -> None:
    bench.state.artifacts.append(spec(labels=("a", "b")))
    bench.state.task = bench.state.task.model_copy(update={"labels": ("a", "b")})
    bench.give([*rows(120, ("A", "b")), *rows(20, ("zebra",), start=400)])
    outcome = bench.call()
    assert "20 rows of" in outcome.summary
    assert "labels that are none of the task's: zebra (20). They are left out." in outcome.summary
    folder = bench.root / "run" / "calls" / "001-import_rows"
    apart = [json.loads(line) for line in (folder / "rejected.jsonl").read_text().splitlines()]
    assert [each["detail"] for each in apart if each["reason"] == "label is not one of the task"] == ["zebra"] * 20
    assert json.loads((folder / "labels.json").read_text())["A"] == {"rows": 60, "taken_for": "a", "by": "spelling"}


def test_the_config_that_fits_is_imported_and_said(tmp_path: Path) -> None:
    folder = tmp_path / "hub" / "shop__many"
    (folder / "data").mkdir(parents=True)
    configs = "".join(
        f"- config_name: {name}\n  data_files:\n  - split: train\n    path: data/{name}.jsonl\n"
        for name in ("de", "fr")
    )
    (folder / "README.md").write_text(f"---\nlicense: mit\nconfigs:\n{configs}---\n\n## Description\n\nRows.\n")
    for name, start in (("de", 0), ("fr", 300)):
        content = rows(100, (f"{name} a", f"{name} b"), start=start)
        (folder / "data" / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content))
    (tmp_path / "run").mkdir()
    bench = Bench(tmp_path, RunState(artifacts=[spec(request="Sort French mail"), search("shop/many")]))
    assert "Of its 2 configs fr was taken: it is in the task's language (fr)" in bench.call().summary
    assert set(bench.dataset.labels) == {"fr a", "fr b"}


def test_columns_can_be_named(bench: Bench) -> None:
    content = [{**row, "other": row["label"] * 2} for row in rows(100)]  # type: ignore[operator]
    bench.give(content)
    bench.call(columns={"inputs": ["text"], "output": "other"})
    assert bench.dataset.labels == {"aa": 30, "bb": 30}
    assert bench.dataset.columns == {"text": "text", "label": "other"}


def test_a_sample_of_many_rows_is_said(bench: Bench) -> None:
    assert "200 rows, of which 100 were read" in _with_rows(bench, 200).call(max_rows=100).summary


def _with_rows(bench: Bench, count: int) -> Bench:
    bench.give(rows(count))
    return bench


def test_refusals_name_what_to_call_first(bench: Bench) -> None:
    assert "not found by a search" in (bench.refusal(source="made/up") or "")
    assert "no rows of their own" in (bench.refusal(source="user") or "")
    bench.call(source="shop/first")
    assert "imported already" in (bench.refusal(source="Shop/First") or "")
    bench.call()
    assert "generate_examples" in (bench.refusal() or "")
    bench.state.artifacts.clear()
    assert "define_task" in (bench.refusal() or "")
    assert TOOL.effect is Effect.READ


def test_a_repeated_call_makes_the_same_rows(bench: Bench, tmp_path: Path) -> None:
    first = bench.call()
    again = run_tool(
        TOOL,
        TOOL.args(),
        RunState(artifacts=[spec(), search("shop/first", "shop/second")]),
        bench.context(Call(id="001-import_rows", tool="import_rows", args={}), tmp_path / "run/calls/001-import_rows"),
    )
    assert again == first


def test_rows_of_several_labels_are_held_out_and_counted_by_label(bench: Bench) -> None:
    sets = (["a", "b"], ["b"], [], ["c"])
    bench.give([{"text": sentence(n), "tags": sets[n % 4]} for n in range(80)])
    outcome = bench.call(source="user")
    now = bench.state.spec
    assert now
    assert (now.kind, now.metric, now.labels) == ("multi_label", "micro_f1", ("a", "b", "c"))
    root = bench.root / "run"
    train = read_examples(root / bench.dataset.path)
    assert {row.output for row in train} == {"a; b", "b", "", "c"}
    counted = {label: sum(label in row.output.split("; ") for row in train) for label in "abc"}
    assert bench.dataset.labels == counted
    assert bench.dataset.labels["b"] > bench.dataset.labels["a"] > 0
    assert bench.holdout.dev_rows + bench.holdout.test_rows + len(train) == 80
    assert "multi label with 3 labels" in outcome.summary
