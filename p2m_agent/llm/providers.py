"""Providers with a protocol of their own: LangChain's class for each, under the client that all requests leave through.

What the client sends is turned into the provider's messages and tool calls and its answer back, so that answers on
disk, budget, prices, pace and retries hold for it as for every other endpoint.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import openai
    from langchain_core.messages import AIMessage

    from p2m_agent.llm.endpoint import Endpoint
    from p2m_agent.types.completion import Body

_ANSWER = "answer"
_LIMIT = {"ollama": "num_predict"}
"""What providers call the longest answer, where it is not `max_tokens`."""
_CUT = {"max_tokens", "length", "MAX_TOKENS", "model_length"}
"""Reasons for an end that mean the limit was reached."""


def provider_client(endpoint: Endpoint, timeout_s: float, width: int) -> openai.AsyncOpenAI:
    """A client whose requests LangChain's class for the endpoint's provider answers, at most `width` at once.

    In threads: the providers' asynchronous clients are kept for the whole process and break with the first event loop.
    """
    import openai

    # openai stands on httpx or httpx2, and takes transports of its own one alone.
    http: Any = importlib.import_module(type(openai.DEFAULT_CONNECTION_LIMITS).__module__.partition(".")[0])

    threads = ThreadPoolExecutor(width, thread_name_prefix="p2m-provider")

    async def answer(request: Any) -> Any:
        try:
            body = json.loads(request.content)
            made = await asyncio.get_running_loop().run_in_executor(threads, _complete, endpoint, body, timeout_s)
        except Exception as error:  # every provider raises what it likes; what says neither status nor network goes on
            if (status := _status(error)) is not None:
                said = {"error": {"message": str(error)}}
                return http.Response(status, headers=_headers(error), json=said)
            raise _network_fault(http, error) or error from error
        return http.Response(200, json=made)

    return openai.AsyncOpenAI(
        base_url="http://provider",
        api_key="unused",
        max_retries=0,
        timeout=timeout_s,
        http_client=openai.DefaultAsyncHttpxClient(transport=http.MockTransport(answer)),
    )


def _complete(endpoint: Endpoint, body: Body, timeout_s: float) -> dict[str, object]:
    from langchain.chat_models import init_chat_model
    from langchain_core.messages import convert_to_messages

    assert endpoint.provider is not None
    options: dict[str, Any] = {"timeout": timeout_s, "max_retries": 0, "temperature": body.get("temperature")}
    options |= {_LIMIT.get(endpoint.provider, "max_tokens"): body.get("max_tokens"), "api_key": endpoint.key}
    given = {name: value for name, value in options.items() if value is not None}
    chat = init_chat_model(str(body["model"]), model_provider=endpoint.provider, **given)
    messages: Any = body["messages"]
    answer = _with_tools(chat, body).invoke(convert_to_messages(messages))
    return _as_completion(answer, asked_for_json="response_format" in body)


def _with_tools(chat: Any, body: Any) -> Any:
    """The chat with the request's tools; a wanted schema is the one tool that it has to call."""
    if wanted := body.get("response_format"):
        schema = wanted["json_schema"]["schema"]
        tool = {"name": _ANSWER, "description": "Give the answer.", "parameters": schema}
        return chat.bind_tools([{"type": "function", "function": tool}], tool_choice=_ANSWER)
    if tools := body.get("tools"):
        choice = "any" if body.get("tool_choice") == "required" else body.get("tool_choice")
        return chat.bind_tools(tools, **({"tool_choice": choice} if choice else {}))
    return chat


def _as_completion(answer: AIMessage, *, asked_for_json: bool) -> dict[str, object]:
    """A chat completion in the words of OpenAI's protocol."""
    from langchain_core.messages import convert_to_openai_messages

    message: Any = convert_to_openai_messages(answer, text_format="string")
    if asked_for_json and answer.tool_calls:
        message = {"role": "assistant", "content": json.dumps(answer.tool_calls[0]["args"], ensure_ascii=False)}
    used: Any = answer.usage_metadata or {}
    facts = answer.response_metadata
    ended = facts.get("stop_reason") or facts.get("finish_reason") or facts.get("done_reason")
    prompt, completion = int(used.get("input_tokens", 0)), int(used.get("output_tokens", 0))
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    choice = {"index": 0, "message": message, "finish_reason": "length" if ended in _CUT else "stop"}
    return {"id": answer.id, "object": "chat.completion", "choices": [choice], "usage": usage}


def _status(error: BaseException) -> int | None:
    """The HTTP status that the provider's library tells of; a missing key or a wrong setting is no call at all."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return 401
    response = getattr(error, "response", None)
    found = (
        getattr(error, "status_code", None) or getattr(response, "status_code", None) or getattr(error, "code", None)
    )
    return found if isinstance(found, int) and 400 <= found < 600 else None


def _headers(error: BaseException) -> dict[str, str]:
    told = getattr(getattr(error, "response", None), "headers", None) or {}
    return {name: str(told[name]) for name in ("retry-after", "retry-after-ms", "x-should-retry") if name in told}


def _network_fault(http: Any, error: BaseException) -> Exception | None:
    """A lost connection in the client's words; None for anything else."""
    names = [type(cause).__name__ for cause in _causes(error)]
    if any("Timeout" in name for name in names):
        late: Exception = http.ReadTimeout(str(error))
        return late
    lost: Exception = http.ConnectError(str(error))
    return lost if any("Connect" in name for name in names) else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
