from __future__ import annotations

import pytest

from p2m_agent.importing.configs import choose_config
from tests.importing.test_columns import spec


@pytest.mark.parametrize(
    ("configs", "request_", "taken", "why"),
    [
        (["de", "en", "fr"], "Is a French tweet positive?", "fr", "language (fr)"),
        (["de", "en", "fr"], "Is a tweet positive?", "en", "language (en)"),
        (["de-en", "fr-en"], "Translate German into English", "de-en", "language (de, en)"),
        (["pt_BR", "es_MX"], "Sentiment of Spanish reviews", "es_MX", "language (es)"),
        (["emotion", "hate", "irony"], "Detect irony in tweets", "irony", "shares irony"),
        (["default", "irony"], "Which emotion is it?", "default", "the default"),
        (["sst2", "cola", "all"], "Sort support mail", "all", "the default"),
        (["1.0.0", "3.0.0", "2.0.0"], "Summarise news", "3.0.0", "the newest"),
    ],
)
def test_the_config_that_fits_is_taken_and_said(configs: list[str], request_: str, taken: str, why: str) -> None:
    chosen = choose_config(configs, spec(request_), default=configs[0] if "default" in configs else None)
    assert chosen.name == taken
    assert why in chosen.why
    assert taken in chosen.why


def test_the_language_of_the_task_counts_where_the_request_names_none() -> None:
    assert choose_config(["en", "ja"], spec("Sort it", language="ja")).name == "ja"


def test_a_lone_config_needs_no_word() -> None:
    assert choose_config(["default"], spec()).why == ""
