"""The arithmetic of memory, part by part."""

from __future__ import annotations

import pytest

from p2m_agent.weights.memory import Preflight, serve_preflight, train_gb, train_preflight


def test_every_parameter_takes_weights_gradients_moments_and_copies() -> None:
    parts = dict(train_preflight(10**9, 0, 100.0).parts)
    assert [parts[name] for name in ("weights", "gradients", "AdamW", "best weights")] == [4, 4, 8, 6]
    assert parts["activations"] == 0


def test_activations_go_with_the_tokens() -> None:
    once, twice = (dict(train_preflight(10**6, tokens, 1.0).parts)["activations"] for tokens in (1000, 2000))
    assert once == pytest.approx(0.2)
    assert twice == 2 * once


def test_the_sum_is_what_the_trainers_ask_for() -> None:
    assert train_preflight(10**8, 4096, 1.0).need_gb == train_gb(10**8, 4096)
    assert train_gb(10**8, 4096, whole=False) < train_gb(10**8, 4096)
    assert serve_preflight(10**8, 1.0).need_gb < train_gb(10**8, 4096)


def test_it_is_shown_with_the_place() -> None:
    flight = Preflight((("weights", 0.5), ("AdamW", 1.0)), 2.0, "VRAM")
    assert str(flight) == "weights 0.50 + AdamW 1.00 = 1.5 of 2.0 GB free VRAM"
    assert flight.fits
    assert not Preflight((("weights", 2.1),), 2.0).fits
