"""Templates of a language model: what they can do, and what they cannot, however they try."""

from __future__ import annotations

import re

import pytest

from p2m_agent.transformation.template import LONGEST, RowTemplate, TemplateFault

ROW = {"text": " Hello: world ", "items": ["a", "b"], "n": 3, "label": "1", "a.b": "x", "get": "got", "none": None}


def rendered(source: str, row: dict[str, object] | None = None) -> str:
    row = ROW if row is None else row
    return RowTemplate(source, row).render(row)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('{{ row["text"] }}', "Hello: world"),
        ("{{ row.text.split(':')[1] | trim | upper }}", "WORLD"),
        ('{{ row["a.b"] }} and {{ row["n"] + 1 }}', "x and 4"),
        ('{{ row["items"] | join(", ") }}', "a, b"),
        ('{{ " or ".join(row["items"]) }}', "a or b"),
        ("{{ row.items }}", "a | b"),
        ("{{ row.get }}", "got"),
        ("{% for one in row['items'] %}{{ loop.index }}. {{ one }}\n{% endfor %}", "1. a\n2. b"),
        ('{% if row["label"] == "1" %}yes{% else %}no{% endif %}', "yes"),
        ('{{ {"1": "spam"}[row["label"]] }}', "spam"),
        ('{{ row["text"] | replace("l", "L") }}', "HeLLo: worLd"),
        ('{{ row["none"] }}', ""),
        ('{{ {"said": row["label"]} | tojson }}', '{"said": "1"}'),
        ("{{ row['text'][1:6] ~ '!' }}", "Hello!"),
    ],
)
def test_a_template_shapes_a_row(source: str, text: str) -> None:
    assert rendered(source) == text


ESCAPES = [
    "{{ ''.__class__.__mro__ }}",
    "{{ row['text']['__class__'] }}",
    "{{ row.__class__ }}",
    "{{ row['text'] | attr('__class__') }}",
    "{{ row | sort(attribute='__class__') }}",
    "{{ '{0.__class__}'.format(row) }}",
    "{{ '%s' % row['text'] }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ lipsum() }}",
    "{{ self.__init__ }}",
    "{{ row['text'].upper.__self__ }}",
    "{{ row['items'].append('c') }}",
    "{{ row.update({'text': 'x'}) }}",
    "{{ row['text'].encode() }}",
    "{{ row }}",
    "{% for one in row['items'] %}{{ loop.__class__ }}{% endfor %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os }}",
    "{% extends 'base' %}",
    "{% set x = row['text'] %}{{ x }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_nothing_but_the_row_is_within_reach(source: str) -> None:
    before = {**ROW, "items": ["a", "b"]}
    with pytest.raises(TemplateFault):
        rendered(source)
    assert before == ROW


BOMBS = [
    "{{ 'a' * 1000000000 }}",
    "{{ 9 ** 9999999 }}",
    "{{ range(1000000000) | list }}",
    "{{ '%1000000000s' | format('a') }}",
    "{{ row['text'].center(1000000000) }}",
    "{{ row['text']" + ".join(row['text'])" * 3 + " }}",
    "{{ row['text']" + " | join(row['text'])" * 12 + " }}",
    "{{ row['text']" + " | replace('l', '" + "l" * 100 + "')" * 9 + " }}",
    "{{ row['text']" + ".replace('l', '" + "l" * 100 + "')" * 9 + " }}",
    "{{ '\"'" + " | tojson" * 20 + " }}",
    "{% for a in row['text'] %}{% for b in row['text'] %}{{ row['text'] }}{% endfor %}{% endfor %}",
    "{% for a in row['items'] recursive %}{{ loop(row['items']) }}{% endfor %}",
    "{{ " + "(" * 900 + "1" + ")" * 900 + " }}",
    "{{ " + "[" * 90 + "]" * 90 + " }}",
    "{{ row['text'] }}" * 200,
]


@pytest.mark.parametrize("source", BOMBS, ids=lambda source: source[:40])
@pytest.mark.timeout(5)
def test_a_small_template_makes_no_big_text(source: str) -> None:
    with pytest.raises(TemplateFault):
        rendered(source, {**ROW, "text": "hello " * 100})


def test_a_loop_over_a_long_text_stops_at_the_limit() -> None:
    with pytest.raises(TemplateFault, match="more than 20,000 characters"):
        rendered("{% for a in row['text'] %}{{ row['text'] }}{% endfor %}", {"text": "x" * (LONGEST - 1)})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ text }}", 'a column is read as row["name"]'),
        ('{{ row["txt"] }}', "no column 'txt'"),
        ("{{ row['text'", "unexpected"),
        ("{{ row['text'] | map('upper') }}", "No filter named 'map'"),
        ("{{ 1e400 | int }}", "inf"),
    ],
)
def test_a_fault_says_what_to_mend(source: str, said: str) -> None:
    with pytest.raises(TemplateFault, match=re.escape(said)):
        rendered(source)


def test_a_row_without_the_column_is_a_fault_of_the_row() -> None:
    template = RowTemplate('{{ row["text"] }}', ["text"])
    with pytest.raises(TemplateFault, match="text"):
        template.render({"other": "x"})
