"""Hard limits of base models: each refuses with its reason."""

from __future__ import annotations

import pytest

from p2m_agent.search.hubs.catalogue import BaseModelFacts
from p2m_agent.search.models.limits import ModelLimits, in_words
from p2m_agent.types.candidates import LeftOut
from p2m_agent.types.task import Constraints
from tests.search.test_hub import make_spec

FACTS = BaseModelFacts(
    repo="a/b",
    architecture="encoder",
    params=110_000_000,
    licence="mit",
    languages=("en",),
    max_tokens=512,
    good_at="",
)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (ModelLimits(max_params=50_000_000), "110 M parameters, more than 50 M"),
        (ModelLimits(licences=("apache-2.0",)), "its licence is mit"),
        (ModelLimits(refused=("permissive",)), "its licence is mit"),
        (ModelLimits(languages=("en", "de")), "it does not say that it knows de"),
        (ModelLimits(min_context=513), "it reads 512 tokens, fewer than 513"),
        (ModelLimits(architectures=("causal", "seq2seq")), "its architecture is encoder, not causal or seq2seq"),
    ],
)
def test_each_limit_says_why(limits: ModelLimits, said: str) -> None:
    (why,) = limits.refusals(FACTS)
    assert said in why


def test_what_is_just_within_the_limits_passes() -> None:
    limits = ModelLimits(max_params=110_000_000, licences=("permissive",), languages=("en",), min_context=512)
    assert not list(limits.refusals(FACTS))


def test_what_is_unknown_is_not_there() -> None:
    unknown = FACTS.model_copy(update={"licence": None, "languages": (), "max_tokens": None})
    limits = ModelLimits(licences=("mit",), languages=("en",), min_context=1)
    assert len(list(limits.refusals(unknown))) == 3


def test_a_multilingual_model_speaks_all() -> None:
    assert not list(
        ModelLimits(languages=("de", "sw")).refusals(FACTS.model_copy(update={"languages": ("multilingual",)}))
    )


def test_the_stricter_size_holds() -> None:
    spec = make_spec("sort mail", constraints=Constraints(max_params=10, licences=("mit",)))
    limits = ModelLimits(max_params=20).of_task(spec)
    assert (limits.max_params, limits.licences, limits.architectures) == (10, ("mit",), ("encoder",))
    assert ModelLimits(max_params=5).of_task(spec).max_params == 5


def test_what_was_left_out_is_told_in_short() -> None:
    said = in_words([LeftOut(str(n), "it is large") for n in range(5)], shown=2)
    assert said == ("0 was left out: it is large.", "1 was left out: it is large.", "3 more were left out.")
