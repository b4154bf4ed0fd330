"""Races among base models: real ones of some thousand parameters, and scripted ones for the rules of the race."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from p2m_agent.errors import ToolError
from p2m_agent.probes import encoder_race as probe_encoder
from p2m_agent.probes.encoder_race import EncoderProbe, cross_validated, rotated
from p2m_agent.probes.race import BaseProbe, KeptScores, Race, RaceEntry, Scores, rounds_of
from p2m_agent.probes.text_race import ShortFineTune
from p2m_agent.settings import Settings
from p2m_agent.training.progress import Progress
from p2m_agent.types.task import Constraints
from tests.fakes.tiny_models import repeated_words, sorted_mail, task, tiny_bert, tiny_llama, tiny_t5

SETTINGS = Settings(_env_file=None, threads=1)


class Scripted:
    """A probe whose candidates score what it is told; each asking is remembered."""

    basis = "scripted"

    def __init__(self, worth: dict[str, float | str | dict[int, float]]) -> None:
        self._worth = worth
        self.asked: list[tuple[str, int]] = []

    def params(self, model: str) -> int:
        return 1000 * len(model)

    def scores(self, model: str, rows: int) -> Scores:
        self.asked.append((model, rows))
        worth = self._worth[model]
        if isinstance(worth, str):
            raise ToolError(worth)
        value = worth[rows] if isinstance(worth, dict) else worth
        return [(value - 0.1 + 0.2 * (i % 2), 1.0) for i in range(rows)]


def race(probe: BaseProbe, kept: Path, rounds: Sequence[int], left: Callable[[], float] = lambda: float("inf")) -> Race:
    return Race(probe, rounds, KeptScores(kept), left, Progress(lambda _event: None))


def order(standings: Sequence[RaceEntry]) -> list[tuple[str, int]]:
    return [(one.model, one.round) for one in standings]


@pytest.mark.parametrize(
    ("candidates", "most", "rounds"),
    [(1, 500, (500,)), (2, 500, (500,)), (3, 800, (400, 800)), (8, 800, (200, 400, 800)), (5, 100, (64, 64, 100))],
)
def test_rounds_double_up_to_all_rows(candidates: int, most: int, rounds: tuple[int, ...]) -> None:
    assert rounds_of(candidates, most) == rounds
    assert rounds_of(candidates, 20)[0] == 20, "never more than there are"


def test_each_round_halves_the_field_and_only_survivors_are_asked_again(tmp_path: Path) -> None:
    probe = Scripted({"a": -0.9, "b": -0.5, "c": -0.7, "d": -0.1, "e": -0.3})
    standings = race(probe, tmp_path / "kept.json", (10, 20, 40)).run(list("abcde"))
    assert order(standings) == [("d", 3), ("e", 3), ("b", 2), ("c", 1), ("a", 1)]
    assert [len([m for m, rows in probe.asked if rows == n]) for n in (10, 20, 40)] == [5, 3, 2]
    assert standings[0].value == pytest.approx(-0.1)
    out = [one.record(standings[0]).eliminated for one in standings]
    assert out == [None, 3, 2, 1, 1]


def test_who_overtakes_with_more_rows_wins(tmp_path: Path) -> None:
    probe = Scripted({"early": {10: -0.2, 20: -0.6}, "late": {10: -0.3, 20: -0.1}, "poor": -0.9})
    standings = race(probe, tmp_path / "kept.json", (10, 20)).run(["early", "late", "poor"])
    assert order(standings) == [("late", 2), ("early", 2), ("poor", 1)]


def test_a_candidate_that_fails_is_last_with_the_reason(tmp_path: Path) -> None:
    probe = Scripted({"broken": "broken does not load: no such file", "good": -0.5, "other": -0.6})
    standings = race(probe, tmp_path / "kept.json", (10, 20)).run(["broken", "good", "other"])
    assert order(standings) == [("good", 2), ("other", 2), ("broken", 0)], "its place went to another"
    row = standings[-1].record(standings[0])
    assert (row.model, row.score, row.eliminated) == ("broken", None, None)
    assert row.note == "broken does not load: no such file"


def test_a_killed_race_goes_on_from_the_scores_it_kept(tmp_path: Path) -> None:
    worth: dict[str, float | str | dict[int, float]] = {"a": -0.4, "b": -0.2, "c": -0.3}
    whole = race(Scripted(worth), tmp_path / "whole.json", (10, 20)).run(list("abc"))

    class Killed(Scripted):
        def scores(self, model: str, rows: int) -> Scores:
            if len(self.asked) == 2:
                raise KeyboardInterrupt
            return super().scores(model, rows)

    with pytest.raises(KeyboardInterrupt):
        race(Killed(worth), tmp_path / "kept.json", (10, 20)).run(list("abc"))
    again = Scripted(worth)
    standings = race(again, tmp_path / "kept.json", (10, 20)).run(list("abc"))
    assert again.asked == [("c", 10), ("b", 20), ("c", 20)], "a and b were known on 10 rows"
    assert [one.record(whole[0]).score for one in standings] == [one.record(whole[0]).score for one in whole]
    assert order(standings) == order(whole)


def test_no_half_round_is_begun_when_the_time_is_short(tmp_path: Path) -> None:
    left = [100.0]
    ticks = iter(range(0, 1000, 5))
    probe = Scripted({"a": -0.2, "b": -0.1, "c": -0.5})
    short = race(probe, tmp_path / "kept.json", (10, 20), lambda: left[0])
    short.clock = lambda: float(next(ticks))  # each probe takes 5 s, so a round of two with twice the rows takes 20
    left[0] = 1.29 * 20
    standings = short.run(list("abc"))
    assert {rows for _, rows in probe.asked} == {10}
    assert [one.model for one in standings] == ["b", "a", "c"]
    assert [one.late for one in standings] == [True, True, False]


def test_with_no_time_for_a_first_probe_it_says_so(tmp_path: Path) -> None:
    left = iter([10.0, 0.0, 0.0, 0.0])
    probe = Scripted({"a": -0.2, "b": -0.1, "c": -0.3})
    standings = race(probe, tmp_path / "kept.json", (10, 20), lambda: next(left)).run(list("abc"))
    assert probe.asked == [("a", 10)]
    assert [(one.model, one.late) for one in standings] == [("a", False), ("b", True), ("c", True)]


def blinded(source: Path, folder: Path) -> Path:
    """The same encoder with embeddings that do not tell one word from another."""
    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, folder)
    weights = load_file(folder / "model.safetensors")
    for name, value in weights.items():
        if "word_embeddings" in name:
            weights[name] = torch.zeros_like(value)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return tiny_bert(tmp_path / "bert")


def encoder_race(models: Sequence[Path], kept: Path, count: int = 96, **limits: object) -> list[RaceEntry]:
    spec = task(constraints=Constraints.model_validate(limits))
    probe = EncoderProbe(sorted_mail(count), spec, SETTINGS)
    return race(probe, kept, rounds_of(len(models), count)).run([str(model) for model in models])


def test_a_base_that_sees_the_words_beats_one_that_does_not(bert: Path, tmp_path: Path) -> None:
    blind = blinded(bert, tmp_path / "blind")
    standings = encoder_race([blind, bert], tmp_path / "kept.json")
    assert [Path(one.model).name for one in standings] == ["bert", "blind"]
    assert standings[0].value > standings[1].value + 0.2
    again = encoder_race([blind, bert], tmp_path / "anew.json")
    assert [one.scores for one in again] == [one.scores for one in standings], "same rows, same numbers"


def test_damaged_and_unfit_bases_stand_in_the_table_with_the_reason(bert: Path, tmp_path: Path) -> None:
    cut = shutil.copytree(bert, tmp_path / "cut")
    (cut / "model.safetensors").write_bytes((bert / "model.safetensors").read_bytes()[:-2000])
    empty = tmp_path / "empty"
    empty.mkdir()
    unparsable = shutil.copytree(bert, tmp_path / "unparsable")
    (unparsable / "config.json").write_text("{")
    causal = tiny_llama(tmp_path / "causal")
    standings = encoder_race([cut, empty, unparsable, causal, bert], tmp_path / "kept.json")
    notes = {Path(one.model).name: one.note for one in standings}
    assert standings[0].model == str(bert)
    assert notes["bert"] == ""
    assert "damaged or cut short" in notes["cut"]
    assert "holds no config.json" in notes["empty"]
    assert "does not load" in notes["unparsable"]
    assert "is a causal model" in notes["causal"]
    assert len(json.loads((tmp_path / "kept.json").read_text())) == 1, "what failed is tried again another time"


def test_bases_that_the_task_forbids_are_not_loaded(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_encoder, "load_text_encoder", lambda *_, **__: pytest.fail("it was loaded"))
    [small] = encoder_race([bert], tmp_path / "kept.json", max_params=10)
    assert "at most 10 are allowed" in small.note
    [licence] = encoder_race([bert], tmp_path / "kept.json", licences=("mit",))
    assert "its licence, unknown, is not allowed" in licence.note


def test_memory_is_looked_at_before_loading(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_encoder, "load_text_encoder", lambda *_, **__: pytest.fail("it was loaded"))
    monkeypatch.setattr("p2m_agent.weights.memory.available_gb", lambda: 0.1)
    [large] = encoder_race([bert], tmp_path / "kept.json")
    assert "0.1 GB is available" in large.note


def test_a_base_that_takes_too_long_for_one_input_is_named_and_not_probed(tmp_path: Path) -> None:
    bert, kept = tiny_bert(tmp_path / "tiny"), tmp_path / "scores.json"
    for limit_ms, probed in ((1e-6, False), (1e9, True)):
        spec = task().model_copy(update={"constraints": Constraints(max_latency_ms=limit_ms)})
        (one,) = race(EncoderProbe(sorted_mail(60), spec, SETTINGS), kept, (60,)).run([str(bert)])
        assert bool(one.scores) is probed
        assert ("ms for one input (p95), and 1e-06 ms are allowed" in one.note) is not probed


def test_later_rounds_encode_new_rows_only(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = EncoderProbe(sorted_mail(60), task(), SETTINGS)
    counted: list[int] = []
    encode = EncoderProbe._encode

    def counting(self: EncoderProbe, base: object, texts: Sequence[str]) -> object:
        counted.append(len(texts))
        return encode(self, base, texts)  # type: ignore[arg-type]

    monkeypatch.setattr(EncoderProbe, "_encode", counting)
    first, second = probe.scores(str(bert), 40), probe.scores(str(bert), 60)
    assert counted == [40, 20]
    assert (len(first), len(second)) == (40, 60)
    whole = EncoderProbe(sorted_mail(60), task(), SETTINGS).scores(str(bert), 60)
    assert np.allclose(second, whole, atol=1e-4)  # other batches, other last digits


def test_fewer_dimensions_tell_a_head_the_same() -> None:
    import numpy as np

    wide = np.random.default_rng(0).standard_normal((30, 200)).astype(np.float32) / 10
    narrow = rotated(wide)
    assert narrow.shape == (30, 30)
    assert np.allclose(narrow @ narrow.T, wide @ wide.T, atol=1e-5)
    labels = ["a", "b", "b"] * 10
    assert cross_validated(narrow, labels) == pytest.approx(cross_validated(wide, labels), abs=5e-3)


def test_what_only_a_lower_layer_knows_counts(tmp_path: Path) -> None:
    """Fine-tuning finds it there, though the last layer has lost it."""
    from safetensors.torch import load_file, save_file

    lost = tiny_bert(tmp_path / "lost")
    weights = load_file(lost / "model.safetensors")
    hidden = {name: value * 0 if "layer.0.output.LayerNorm" in name else value for name, value in weights.items()}
    save_file(hidden, lost / "model.safetensors", {"format": "pt"})
    lost_both = blinded(lost, tmp_path / "lost-both")
    standings = encoder_race([lost_both, lost], tmp_path / "kept.json")
    assert [Path(one.model).name for one in standings] == ["lost", "lost-both"]
    assert standings[0].value > standings[1].value + 0.2


def test_scores_come_from_heads_that_did_not_see_the_row() -> None:
    import numpy as np

    features = np.random.default_rng(0).standard_normal((60, 40))
    noise = cross_validated(features, ["a", "b"] * 30)
    assert sum(noise) / 60 < -0.69, "labels by chance cannot be foretold, however many features there are"
    telling = cross_validated(np.eye(2)[np.arange(60) % 2], ["a", "b"] * 30)
    assert sum(telling) / 60 > -0.3
    assert cross_validated(features[:9], ["a"] * 8 + ["b"])[-1] == pytest.approx(np.log(0.025))


def test_a_short_fine_tune_tells_causal_bases_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2m_agent.probes.quick_causal.LEARNING_RATE", 3e-3)
    good = tiny_llama(tmp_path / "good")
    blind = shutil.copytree(good, tmp_path / "blind")
    from safetensors.torch import load_file, save_file

    weights = load_file(blind / "model.safetensors")
    save_file(
        {k: v * 0 if "layers" in k else v for k, v in weights.items()}, blind / "model.safetensors", {"format": "pt"}
    )
    rows = repeated_words(60)
    models = [str(blind), str(good), str(tiny_bert(tmp_path / "bert"))]
    standings = race(ShortFineTune(rows, task("text_to_text"), SETTINGS), tmp_path / "k.json", (60,)).run(models)
    assert [Path(one.model).name for one in standings] == ["good", "blind", "bert"]
    assert "is a encoder model and text to text takes a causal LM" in standings[2].note
    assert len(standings[0].scores) == 20, "a third of the rows is scored, the others are learnt from"
    again = ShortFineTune(rows, task("text_to_text"), SETTINGS).scores(str(good), 60)
    assert again == standings[0].scores


def test_a_short_fine_tune_of_an_encoder_decoder_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    t5 = str(tiny_t5(tmp_path / "t5"))
    probe = ShortFineTune(repeated_words(60), task("text_to_text"), SETTINGS)
    tuned = probe.scores(t5, 60)
    assert tuned == probe.scores(t5, 60), "same rows, same numbers"
    monkeypatch.setattr("p2m_agent.probes.text_race.STEPS", 0)
    untuned = probe.scores(t5, 60)
    assert sum(likely for likely, _ in tuned) > sum(likely for likely, _ in untuned) + 1
    assert [length for _, length in tuned] == [len(row.output) + 1 for row in repeated_words(60)[2::3]]


def test_more_labels_than_half_the_rows_are_no_fault() -> None:
    import numpy as np

    labels = [f"label {i % 20}" for i in range(30)]
    assert len(cross_validated(np.eye(30), labels)) == 30
