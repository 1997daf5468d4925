"""OpenAI's responses, and what is passed on."""

from __future__ import annotations

import json
from typing import Any

import openai
from cases import CITIES, ORIGIN, TOKEN, TOOL, WORDS, Meeting, case, same, session

client = openai.OpenAI(base_url=f"{ORIGIN}/v1", api_key=TOKEN, max_retries=0, timeout=60)


@case
def responses_whole_and_continued() -> None:
    first = client.responses.create(model="words", input="when is the meeting?", extra_headers=session("responses"))
    same(first.output_text, WORDS)
    then = client.responses.create(model="count", input="sure?", previous_response_id=first.id)
    # What was asked, what was answered, what is asked.
    same(then.output_text, "3 items")


@case
def responses_streamed() -> None:
    stream = client.responses.create(
        model="words", input="when is the meeting?", stream=True, extra_headers=session("responses-streamed")
    )
    events = list(stream)
    same((events[0].type, events[-1].type), ("response.created", "response.completed"))
    same("".join(event.delta for event in events if event.type == "response.output_text.delta"), WORDS)
    with client.responses.stream(model="words", input="when?", extra_headers=session("responses-helper")) as helper:
        same(helper.get_final_response().output_text, WORDS)


@case
def responses_tools() -> None:
    tool: Any = {"type": "function", **TOOL["function"]}
    items: list[Any] = []
    for city in CITIES:
        items.append({"role": "user", "content": f"the weather in {city}?"})
        called = client.responses.create(model="tools", input=items, tools=[tool], extra_headers=session("items"))
        calls = [item for item in called.output if item.type == "function_call"]
        same([json.loads(call.arguments) for call in calls], [{"city": city}] * 2)
        items.extend(item.to_dict() for item in called.output)
        results = [(call.call_id, f"rain in {city}") for call in calls]
        items.extend({"type": "function_call_output", "call_id": id, "output": result} for id, result in results)
        told = client.responses.create(model="tools", input=items, tools=[tool], extra_headers=session("items"))
        same(told.output_text, f"rain in {city}")
        items.extend(item.to_dict() for item in told.output)


@case
def responses_structured() -> None:
    answer = client.responses.parse(
        model="structured", input="who meets?", text_format=Meeting, extra_headers=session("responses-structured")
    )
    same(answer.output_parsed, Meeting(day="Thursday", people=["Ann", "Zoë"]))


@case
def models_and_embeddings() -> None:
    same([model.id for model in client.models.list()], ["m-1", "m-2"])
    same(client.models.retrieve("m-1").id, "m-1")
    # Asked for as base64 by this client, unless it is told otherwise.
    same(client.embeddings.create(model="m", input=["a", "b"]).data[1].embedding, [0.5, -2.0])
    same(client.embeddings.create(model="m", input="a", encoding_format="float").data[0].embedding, [0.5, -2.0])
