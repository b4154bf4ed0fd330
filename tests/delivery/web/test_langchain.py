"""LangChain's own client, unmodified: plain, streamed, in batches and structured by each of its methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import BaseModel, SecretStr

from tests.delivery.web.conftest import serving
from tests.fakes.student import FakePredictor, by_word


class Route(BaseModel):
    """Where a message goes."""

    queue: Literal["Billing", "Delivery"]


@pytest.fixture(scope="module")
def model() -> Iterator[Any]:
    from langchain_openai import ChatOpenAI

    with serving(FakePredictor(by_word)) as url:
        yield ChatOpenAI(model="m", base_url=f"{url}/v1", api_key=SecretStr("none"), max_retries=0)


def test_it_answers_streams_and_batches(model: Any) -> None:
    assert model.invoke("my invoice").content == "billing"
    assert "".join(chunk.content for chunk in model.stream("where is my parcel")) == "delivery"
    assert [one.content for one in model.batch(["my invoice", "my parcel"])] == ["billing", "delivery"]


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_a_structured_answer_is_of_the_callers_type(model: Any, method: str) -> None:
    assert model.with_structured_output(Route, method=method).invoke("my parcel") == Route(queue="Delivery")


def test_a_prompt_template_with_examples_is_read(model: Any) -> None:
    from langchain_core.prompts import ChatPromptTemplate

    prompt = ChatPromptTemplate.from_messages(
        [
            ("system", "Classify the message into billing or delivery."),
            ("human", "Message: my invoice is wrong\nLabel:"),
            ("ai", "billing"),
            ("human", "Message: {input}\nLabel:"),
        ]
    )
    assert (prompt | model).invoke({"input": "where is it"}).content == "delivery"
