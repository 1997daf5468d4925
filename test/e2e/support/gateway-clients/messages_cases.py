"""Anthropic's messages."""

from __future__ import annotations

from typing import Any

import anthropic
from cases import CITIES, ORIGIN, THOUGHT, TOKEN, TOOL, WORDS, Meeting, case, refused, same, session

claude = anthropic.Anthropic(base_url=ORIGIN, api_key=TOKEN, max_retries=0, timeout=60)


@case
def messages_whole() -> None:
    raw = claude.messages.with_raw_response.create(
        model="words",
        max_tokens=100,
        system="Be brief.",
        messages=[{"role": "user", "content": "when is the meeting?"}],
        extra_headers=session("messages"),
    )
    same(raw.headers["x-memory"], "on")
    answer = raw.parse()
    same(answer.content[0].to_dict(), THOUGHT)
    same((answer.content[1].to_dict(), answer.stop_reason), ({"type": "text", "text": WORDS}, "end_turn"))


@case
def messages_streamed() -> None:
    with claude.messages.stream(
        model="words",
        max_tokens=100,
        messages=[{"role": "user", "content": [{"type": "text", "text": "when is the meeting?"}]}],
        metadata={"user_id": "messages-streamed"},
    ) as stream:
        same("".join(stream.text_stream), WORDS)
        same(stream.get_final_message().content[0].to_dict(), THOUGHT)
        same(stream.response.headers["x-session-id"], "messages-streamed")


def three_turns_of_uses(streamed: bool) -> None:
    tool: Any = {"name": "weather", "input_schema": TOOL["function"]["parameters"]}
    messages: list[Any] = []
    asked: Any = {"model": "tools", "max_tokens": 100, "messages": messages, "tools": [tool]}
    headers = session(f"messages-tools-{streamed}")

    def ask() -> anthropic.types.Message:
        if not streamed:
            return claude.messages.create(**asked, extra_headers=headers)
        with claude.messages.stream(**asked, extra_headers=headers) as stream:
            return stream.get_final_message()

    for city in CITIES:
        messages.append({"role": "user", "content": f"the weather in {city}?"})
        called = ask()
        same((called.stop_reason, called.content[0].to_dict()), ("tool_use", THOUGHT))
        uses = [block for block in called.content if block.type == "tool_use"]
        same([use.input for use in uses], [{"city": city}] * 2)
        messages.append({"role": "assistant", "content": called.content})
        results = [{"type": "tool_result", "tool_use_id": use.id, "content": f"rain in {city}"} for use in uses]
        messages.append({"role": "user", "content": results})
        told = ask()
        same(told.content[-1].to_dict(), {"type": "text", "text": f"rain in {city}"})
        messages.append({"role": "assistant", "content": told.content})


@case
def messages_tools() -> None:
    three_turns_of_uses(streamed=False)


@case
def messages_tools_streamed() -> None:
    three_turns_of_uses(streamed=True)


@case
def messages_structured() -> None:
    answer = claude.messages.parse(
        model="structured",
        max_tokens=100,
        messages=[{"role": "user", "content": "who meets?"}],
        output_format=Meeting,
        extra_headers=session("messages-structured"),
    )
    same(answer.parsed_output, Meeting(day="Thursday", people=["Ann", "Zoë"]))


@case
def messages_aborted() -> None:
    stream = claude.messages.create(
        model="endless-messages",
        max_tokens=100,
        messages=[{"role": "user", "content": "a story"}],
        stream=True,
        extra_headers=session("messages-gone"),
    )
    same(next(iter(stream)).type, "message_start")
    stream.close()


@case
def messages_refused() -> None:
    def ask(model: str, client: anthropic.Anthropic = claude, **more: Any) -> Any:
        return lambda: client.messages.create(
            model=model, max_tokens=100, messages=[{"role": "user", "content": "hello?"}], **more
        )

    same(refused(anthropic.RateLimitError, ask("limited")).response.headers["retry-after"], "7")
    same(refused(anthropic.InternalServerError, ask("failed")).status_code, 500)
    same(refused(anthropic.APIStatusError, ask("hung")).status_code, 504)
    same(refused(anthropic.RateLimitError, ask("limited", stream=True)).status_code, 429)
    stranger = claude.with_options(api_key="cmg_other")
    same(refused(anthropic.AuthenticationError, ask("words", stranger)).body["error"]["type"], "authentication_error")
    refused(anthropic.BadRequestError, ask("words", extra_headers=session("x" * 300)))


@case
def messages_counted() -> None:
    count = claude.messages.count_tokens(model="words", messages=[{"role": "user", "content": "hello?"}])
    same(count.input_tokens, 11)
    same([model.id for model in claude.models.list()], ["m-1", "m-2"])
