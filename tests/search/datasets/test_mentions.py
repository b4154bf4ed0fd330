"""Which cards name which."""

from __future__ import annotations

import pytest

from p2m_agent.search.datasets.mentions import links


def named(name: str, *texts: str) -> list[int]:
    cards = [((name,), "It is itself."), *(((f"Nr{n}x",), text) for n, text in enumerate(texts))]
    return links(lambda: cards)[0]


@pytest.mark.parametrize(
    ("name", "text", "meant"),
    [
        ("SQuAD", "We compare with SQuAD.", True),
        ("SQuAD", "a squad of players", False),
        ("CIFAR-10", "A subset of CIFAR-10, relabelled.", True),
        ("CIFAR-10", "A subset of CIFAR-100.", False),
        ("SQuAD", "see https://x.y/SQuAD and [this](z/SQuAD)", False),
        ("Penn Treebank", "from the Penn Treebank", True),
        ("hate speech", "about hate speech", False),
        ("QA", "QA pairs", False),
    ],
)
def test_a_name_counts_where_it_is_written_as_such(name: str, text: str, meant: bool) -> None:
    assert named(name, text) == ([1] if meant else [])


def test_everyday_words_do_not_count() -> None:
    assert named("Helen", "Photos of Helen") == [1]
    assert named("Mirror", "Mirror", "a mirror", "the mirror", "no mirror") == []


def test_the_longest_name_is_meant_and_a_name_of_many_sets_is_not() -> None:
    cards = [(("MNIST",), ""), (("Fashion MNIST",), ""), (("x",), "like Fashion MNIST")]
    assert links(lambda: cards) == [[], [2], []]
    assert links(lambda: [*[(("SQuAD",), "")] * 4, (("x",), "SQuAD")]) == [[]] * 5
