"""OpenAI's chat completions."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
from cases import CITIES, ORIGIN, TOKEN, TOOL, WORDS, Meeting, case, refused, same, session

chat = openai.OpenAI(base_url=f"{ORIGIN}/v1", api_key=TOKEN, max_retries=0, timeout=60)


@case
def chat_whole() -> None:
    raw = chat.chat.completions.with_raw_response.create(
        model="words", messages=[{"role": "user", "content": "when is the meeting?"}], extra_headers=session("whole")
    )
    same((raw.headers["x-memory"], raw.headers["x-session-id"]), ("on", "whole"))
    answer = raw.parse()
    same((answer.choices[0].message.content, answer.choices[0].finish_reason), (WORDS, "stop"))
    same(answer.usage and answer.usage.total_tokens, 2)


@case
def chat_streamed() -> None:
    # The body says which session it is, as well.
    stream = chat.chat.completions.create(
        model="words",
        messages=[{"role": "user", "content": "when is the meeting?"}],
        user="streamed",
        stream=True,
        stream_options={"include_usage": True},
    )
    text, usage = "", None
    for chunk in stream:
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        usage = chunk.usage or usage
    same((text, usage and usage.total_tokens), (WORDS, 2))
    same(stream.response.headers["x-session-id"], "streamed")


@case
def chat_async_streamed() -> None:
    async def run() -> str:
        async with openai.AsyncOpenAI(base_url=f"{ORIGIN}/v1", api_key=TOKEN, max_retries=0) as client:
            text = ""
            async with client.chat.completions.stream(
                model="words", messages=[{"role": "user", "content": "when?"}], extra_headers=session("async")
            ) as stream:
                async for event in stream:
                    text += event.delta if event.type == "content.delta" else ""
            return text

    same(asyncio.run(run()), WORDS)


def three_turns_of_tools(streamed: bool) -> None:
    messages: list[Any] = []
    headers = session(f"chat-tools-{streamed}")

    def ask() -> Any:
        if not streamed:
            return chat.chat.completions.create(
                model="tools", messages=messages, tools=[TOOL], extra_headers=headers
            ).choices[0]
        with chat.chat.completions.stream(
            model="tools", messages=messages, tools=[TOOL], extra_headers=headers
        ) as stream:
            return stream.get_final_completion().choices[0]

    for city in CITIES:
        messages.append({"role": "user", "content": f"the weather in {city}?"})
        called = ask()
        same(called.finish_reason, "tool_calls")
        messages.append(called.message.to_dict())
        same([json.loads(call.function.arguments) for call in called.message.tool_calls], [{"city": city}] * 2)
        results = [(call.id, f"rain in {city}") for call in called.message.tool_calls]
        messages.extend({"role": "tool", "tool_call_id": id, "content": result} for id, result in results)
        told = ask()
        same((told.message.content, told.finish_reason), (f"rain in {city}", "stop"))
        messages.append(told.message.to_dict())


@case
def chat_tools() -> None:
    three_turns_of_tools(streamed=False)


@case
def chat_tools_streamed() -> None:
    three_turns_of_tools(streamed=True)


@case
def chat_structured() -> None:
    asked: Any = {"model": "structured", "messages": [{"role": "user", "content": "who meets?"}]}
    expected = Meeting(day="Thursday", people=["Ann", "Zoë"])
    answer = chat.chat.completions.parse(**asked, response_format=Meeting, extra_headers=session("structured"))
    same(answer.choices[0].message.parsed, expected)
    with chat.chat.completions.stream(
        **asked, response_format=Meeting, extra_headers=session("structured-streamed")
    ) as stream:
        same(stream.get_final_completion().choices[0].message.parsed, expected)


@case
def chat_images() -> None:
    part: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    answer = chat.chat.completions.create(
        model="image",
        messages=[{"role": "user", "content": [{"type": "text", "text": "what is this?"}, part]}],
        extra_headers=session("images"),
    )
    same(answer.choices[0].message.content, "image seen")


@case
def chat_aborted_in_a_stream() -> None:
    stream = chat.chat.completions.create(
        model="endless", messages=[{"role": "user", "content": "a story"}], stream=True, extra_headers=session("gone")
    )
    same(next(iter(stream)).choices[0].delta.content, "a long st")
    stream.close()


@case
def chat_aborted_before_an_answer() -> None:
    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=f"{ORIGIN}/v1", api_key=TOKEN, max_retries=0) as client:
            await client.chat.completions.create(model="silent", messages=[{"role": "user", "content": "hello?"}])

    async def aborted() -> None:
        task = asyncio.create_task(run())
        # The upstream answers this as soon as it has got the request.
        await asyncio.to_thread(chat.models.retrieve, "when-silent-is-asked")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        same(task.cancelled(), True)

    asyncio.run(aborted())


@case
def chat_refused() -> None:
    def ask(model: str, client: openai.OpenAI = chat, **more: Any) -> Any:
        return lambda: client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "hello?"}], **more
        )

    limited = refused(openai.RateLimitError, ask("limited"))
    same((limited.response.headers["retry-after"], limited.body["message"]), ("7", "slow down"))
    same(refused(openai.InternalServerError, ask("failed")).status_code, 500)
    same(refused(openai.RateLimitError, ask("limited", stream=True)).status_code, 429)
    hung = refused(openai.InternalServerError, ask("hung"))
    same((hung.status_code, hung.code), (504, "UPSTREAM_TIMEOUT"))
    refused(json.JSONDecodeError, ask("garbage"))
    stranger = chat.with_options(api_key="cmg_other")
    same(refused(openai.AuthenticationError, ask("words", stranger)).type, "authentication_error")
    long = refused(openai.BadRequestError, ask("words", extra_headers=session("x" * 300)))
    same(long.type, "invalid_request_error")


@case
def chat_retried() -> None:
    # The client itself tries again.
    answer = chat.with_options(max_retries=2).chat.completions.create(
        model="limited-once", messages=[{"role": "user", "content": "hello?"}], extra_headers=session("retried")
    )
    same(answer.choices[0].message.content, WORDS)


@case
def chat_broken_off() -> None:
    stream = chat.chat.completions.create(
        model="broken", messages=[{"role": "user", "content": "hello?"}], stream=True, extra_headers=session("broken")
    )
    refused(openai.APIConnectionError, lambda: list(stream))
