"""The Hugging Face Hub through its own client libraries, against a stand-in on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from huggingface_hub import DatasetInfo

from p2m_agent.errors import ToolError
from p2m_agent.search.hubs import streamed_rows as hf_rows
from p2m_agent.search.hubs.huggingface import HuggingFace, _card
from p2m_agent.settings import Settings
from tests.fakes.hub import make_dataset
from tests.fakes.hub_server import FakeHub

FEATURES = """---
license: mit
dataset_info:
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': calm
          '1': cross
  splits:
  - name: train
    num_examples: 3
---
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    make_dataset(tmp_path / "hub", "acme__letters")
    make_dataset(tmp_path / "hub", "acme__ships", "Log entries of ships at sea.")
    with FakeHub(tmp_path / "hub") as server:
        server.connect(monkeypatch, tmp_path / "cache")
        yield server


@pytest.fixture
def hub() -> HuggingFace:
    return HuggingFace(Settings(_env_file=None))


def add(server: FakeHub, name: str, files: dict[str, str | bytes], card: str = "---\nlicense: mit\n---\n") -> None:
    """Another dataset on the Hub."""
    folder = Path(server.repos["acme/letters"].commits[0].folder).parent / name.replace("/", "__")
    for path, content in {"README.md": card, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)
    server.add(name, folder)


def jsonl(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_listing_becomes_a_card() -> None:
    info = DatasetInfo(
        id="acme/letters",
        sha="abc",
        tags=["license:mit", "language:en", "language:de", "task_categories:text-classification", "region:us"],
        gated="manual",
        description="Letters\n\nto a shop.",
    )
    card = _card(info)
    assert (card.repo, card.revision, card.licence) == ("acme/letters", "abc", "mit")
    assert card.languages == ("en", "de")
    assert card.tasks == ("text-classification",)
    assert card.description == "Letters to a shop."
    assert card.gated
    assert "gated" in card.notes[0]


def test_the_card_data_of_a_listing_tells_columns_labels_rows_and_configs(server: FakeHub, hub: HuggingFace) -> None:
    add(server, "acme/moods", {"train.jsonl": jsonl([{"text": "a", "label": 0}])}, FEATURES)
    card = next(card for card in hub.cards() if card.repo == "acme/moods")
    assert card.columns == ("text", "label")
    assert card.labels == ("calm", "cross")
    assert card.rows == {"train": 3}
    assert card.revision == server.repos["acme/moods"].commits[0].sha
    assert next(card for card in hub.cards() if card.repo == "acme/ships").configs == ("default",)


def test_offline_nothing_is_asked(server: FakeHub, hub: HuggingFace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert not hub.reachable()
    with pytest.raises(ToolError, match="HF_HUB_OFFLINE is set"):
        hub.open("acme/letters")
    assert not server.asked


def test_a_hub_that_does_not_answer_is_not_reachable(hub: HuggingFace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert not hub.reachable()
    with pytest.raises(ToolError, match=r"127\.0\.0\.1:9 does not answer"):
        hub.open("acme/letters")


def test_an_endpoint_that_is_no_url_is_not_reachable(hub: HuggingFace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://[nowhere")
    assert not hub.reachable()


def test_a_listing_goes_over_pages_and_stops_at_its_limit(server: FakeHub, hub: HuggingFace) -> None:
    server.page = 1
    assert [card.repo for card in hub.cards()] == ["acme/ships", "acme/letters"]  # most downloaded first
    before = server.count("^/api/datasets$")
    assert len(list(hub.cards(limit=1))) == 1
    assert server.count("^/api/datasets$") == before + 1


def test_a_search_asks_by_the_words_of_the_query(server: FakeHub, hub: HuggingFace) -> None:
    assert [card.repo for card in hub.search("the log of ships")] == ["acme/ships"]
    assert hub.search("zebrafish") == []


def test_rows_and_card_come_at_the_revision_of_the_hub(server: FakeHub, hub: HuggingFace) -> None:
    dataset = hub.open("acme/letters")
    assert dataset.revision == server.repos["acme/letters"].commits[0].sha
    assert set(dataset.splits) == {"train", "test"}
    assert dataset.columns == ("text", "label_text")
    assert [row["text"] for row in dataset.rows("train", 2)] == ["text 0", "text 1"]
    assert "## Labels" in dataset.card
    with pytest.raises(ToolError, match="no split 'dev'"):
        dataset.rows("dev")


def test_rows_stay_at_their_revision_when_the_hub_moves_on(server: FakeHub, hub: HuggingFace, tmp_path: Path) -> None:
    dataset = hub.open("acme/letters")
    newer = make_dataset(tmp_path / "newer", "acme__letters")
    (newer / "data" / "train.jsonl").write_text(jsonl([{"text": "changed", "label_text": "bad_one"}]))
    sha = server.commit("acme/letters", newer)
    assert next(dataset.rows("train"))["text"] == "text 0"
    again = hub.open("acme/letters")
    assert again.revision == sha != dataset.revision
    assert next(again.rows("train"))["text"] == "changed"
    assert not server.count("/main/")


def test_class_numbers_become_names(server: FakeHub, hub: HuggingFace) -> None:
    rows = [{"text": "a", "label": 1}, {"text": "b", "label": 0}, {"text": "c", "label": -1}]
    add(server, "acme/moods", {"train.jsonl": jsonl(rows)}, FEATURES)
    dataset = hub.open("acme/moods")
    assert [row["label"] for row in dataset.rows("train")] == ["cross", "calm", None]
    assert dataset.splits == {"train": 3}


def test_configs_are_known_and_chosen(server: FakeHub, hub: HuggingFace) -> None:
    configs = "configs:\n" + "".join(
        f"- config_name: {name}\n  data_files: {name}.csv\n" + ("  default: true\n" if name == "de" else "")
        for name in ("en", "de")
    )
    add(server, "acme/two", {"en.csv": "text\nhello\n", "de.csv": "text\nhallo\n"}, f"---\n{configs}---\n")
    dataset = hub.open("acme/two")
    assert (dataset.config, dataset.configs) == ("de", ("de", "en"))
    assert list(dataset.rows("train")) == [{"text": "hallo"}]
    assert list(hub.open("acme/two", "en").rows("train")) == [{"text": "hello"}]
    with pytest.raises(ToolError, match=r"no config 'fr'.*de, en"):
        hub.open("acme/two", "fr")


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_rows_are_streamed_and_the_rest_is_not_fetched(server: FakeHub, hub: HuggingFace, kind: str) -> None:
    rows = [{"number": number, "text": "x" * 1_000_000} for number in range(60)]
    if kind == "parquet":
        sink = pyarrow.BufferOutputStream()
        options = {"row_group_size": 1, "compression": "none", "use_dictionary": False}
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), sink, **options)
        content: str | bytes = sink.getvalue().to_pybytes()
    else:
        content = jsonl(rows)
    add(server, "acme/long", {f"data/train.{kind}": content})
    assert [row["number"] for row in hub.open("acme/long").rows("train", 3)] == [0, 1, 2]
    assert len(content) > 60_000_000
    assert server.sent(f"train.{kind}") < 45_000_000  # the libraries read ahead 16 and 32 MB
    assert all(each.range for each in server.asked if f"train.{kind}" in each.path and each.method == "GET")


def test_a_folder_of_that_name_on_this_machine_is_not_taken_for_it(
    server: FakeHub, hub: HuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "acme" / "letters").mkdir(parents=True)
    (tmp_path / "here" / "acme" / "letters" / "train.csv").write_text("text\nmine\n")
    monkeypatch.chdir(tmp_path / "here")
    assert next(hub.open("acme/letters").rows("train"))["text"] == "text 0"


def test_rows_of_another_revision_are_not_taken(
    server: FakeHub, hub: HuggingFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the Hub fails, the library takes what an earlier program left in its cache, of whatever revision."""
    cached = SimpleNamespace(base_path="/cache/acme___letters/default/0.0.0/abc")
    monkeypatch.setattr("datasets.load_dataset_builder", lambda *_args, **_more: cached)
    with pytest.raises(ToolError, match="rows cannot be had at revision"):
        hub.open("acme/letters")


def test_the_token_opens_what_it_may(server: FakeHub, hub: HuggingFace) -> None:
    repo = server.repos["acme/letters"]
    repo.gated, repo.allowed = "auto", {"hf_right"}
    allowed = HuggingFace(Settings(_env_file=None, HF_TOKEN="hf_right"))
    assert len(list(allowed.open("acme/letters").rows("train"))) == 3
    assert {each.token for each in server.asked if "/resolve/" in each.path} == {"hf_right"}


@pytest.mark.parametrize("token", [None, "hf_wrong"])
@pytest.mark.parametrize(
    ("state", "said"), [("gated", "it is gated; accept its terms"), ("private", "or it is private")]
)
def test_what_is_kept_from_us_is_refused(server: FakeHub, token: str | None, state: str, said: str) -> None:
    setattr(server.repos["acme/letters"], state, "manual" if state == "gated" else True)
    hub = HuggingFace(Settings(_env_file=None, HF_TOKEN=token))
    with pytest.raises(ToolError, match=said):
        hub.open("acme/letters")
    assert not server.sent(r"\.jsonl")


def test_unknown_names_are_refused(server: FakeHub, hub: HuggingFace) -> None:
    with pytest.raises(ToolError, match="no such repo"):
        hub.open("acme/nothing")
    with pytest.raises(ToolError, match="cannot be opened"):
        hub.open("../../etc/passwd")


def test_a_loading_script_is_refused_and_never_run(server: FakeHub, hub: HuggingFace, tmp_path: Path) -> None:
    script = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    add(server, "acme/sly", {"sly.py": script, "data.jsonl": jsonl([{"text": "a"}])})
    with pytest.raises(ToolError, match=r"needs code of its own \(sly\.py\), which is never run"):
        hub.open("acme/sly")
    assert not server.count("sly.py")
    assert not (tmp_path / "ran").exists()


def test_a_set_without_data_is_refused(server: FakeHub, hub: HuggingFace) -> None:
    add(server, "acme/empty", {".gitattributes": "", "LICENSE": "mit"})
    with pytest.raises(ToolError, match="no data files"):
        hub.open("acme/empty")


def test_a_set_over_the_ceiling_is_refused_with_the_remedy(server: FakeHub) -> None:
    add(server, "acme/large", {f"train-{part}.jsonl": jsonl([{"text": "x" * 1000}] * 20) for part in range(3)})
    with pytest.raises(ToolError, match=r"too large: its data files have .* P2M_MAX_DATASET_GB"):
        HuggingFace(Settings(_env_file=None, max_dataset_gb=0.00005)).open("acme/large")
    assert not server.sent(r"\.jsonl")
    assert HuggingFace(Settings(_env_file=None, max_dataset_gb=0.0001)).open("acme/large").splits


def test_a_large_file_that_would_be_fetched_whole_is_refused(
    server: FakeHub, hub: HuggingFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hf_rows, "MAX_WHOLE_GB", 0.00001)
    content = json.dumps([{"text": "x" * 1000}] * 20)
    add(server, "acme/list", {"train.json": content})
    add(server, "acme/lines", {"train.jsonl": jsonl([{"text": "x" * 1000}] * 20)})
    with pytest.raises(ToolError, match=r"train\.json \(.*\) would have to be fetched whole"):
        hub.open("acme/list")
    assert hub.open("acme/lines").splits


def test_too_many_files_are_refused_before_they_are_listed(
    server: FakeHub, hub: HuggingFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hf_rows, "MAX_FILES", 2)
    with pytest.raises(ToolError, match="too large: 3 files"):
        hub.open("acme/letters")
    assert not server.count("/tree/")


def test_images_are_left_out_and_a_set_of_nothing_else_is_refused(server: FakeHub, hub: HuggingFace) -> None:
    kind = pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()})
    image = pyarrow.array([{"bytes": b"no image", "path": "a.png"}], kind)

    def parquet(**columns: pyarrow.Array) -> bytes:
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(pyarrow.table(columns), sink)
        return bytes(sink.getvalue().to_pybytes())

    said = "---\ndataset_info:\n  features:\n  - name: picture\n    dtype: image\n{more}---\n"
    add(server, "acme/pictures", {"train.parquet": parquet(picture=image)}, said.format(more=""))
    with_text = said.format(more="  - name: text\n    dtype: string\n")
    add(server, "acme/captions", {"train.parquet": parquet(picture=image, text=pyarrow.array(["a"]))}, with_text)
    with pytest.raises(ToolError, match="it holds no text"):
        hub.open("acme/pictures")
    assert list(hub.open("acme/captions").rows("train")) == [{"text": "a"}]


def test_broken_rows_are_refused_where_they_are(server: FakeHub, hub: HuggingFace) -> None:
    add(server, "acme/broken", {"train.jsonl": '{"text": "fine"}\n{"text": \n'})
    add(server, "acme/lying", {"train.jsonl": jsonl([{"text": "a", "label": "no number"}])}, FEATURES)
    with pytest.raises(ToolError, match="acme/broken"):
        list(hub.open("acme/broken").rows("train"))
    with pytest.raises(ToolError, match="rows of acme/lying"):
        list(hub.open("acme/lying").rows("train"))


def test_the_public_sets_are_listed_and_read_as_they_are(
    shared_hub: Path, hub: HuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeHub(shared_hub) as server:
        server.page = 20
        server.connect(monkeypatch, tmp_path / "cache")
        names = {card.repo for card in hub.cards()}
        assert names == set(server.repos)
        assert server.count("^/api/datasets$") >= len(names) // 20
        for folder in sorted(shared_hub.iterdir())[5::25]:
            repo = folder.name.replace("__", "/", 1)
            dataset = hub.open(repo)
            with (folder / "data" / "train.jsonl").open(encoding="utf-8") as file:
                expected = [json.loads(next(file)) for _ in range(3)]
            got = list(dataset.rows("train", 3))
            assert [{k: row[k] for k in want} for row, want in zip(got, expected, strict=True)] == expected
