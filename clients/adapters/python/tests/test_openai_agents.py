from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from agents import Agent, Model, ModelResponse, RunConfig, Runner, SessionSettings, Usage, function_tool
from agents.memory import Session, SQLiteSession
from context_manager import AsyncClient, Client, ContextManagerError
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from real_server import RealServer

from context_manager_adapters.openai_agents import ContextManagerSession

ITEMS: list[Any] = [
    {"role": "user", "content": "How is the weather in Oslo? 🙂"},
    {"role": "user", "content": [{"type": "input_text", "text": "this?"}, {"type": "input_image", "detail": "auto"}]},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "I"}], "encrypted_content": "x=="},
    {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city": "Oslo"}', "id": "fc_1"},
    {"type": "function_call_output", "call_id": "c1", "output": '{"degrees": -3.0}'},
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "Oslo"}},
    {"type": "computer_call_output", "call_id": "c2", "output": {"type": "computer_screenshot", "image_url": "data:,"}},
    {"type": "file_search_call", "id": "fs_1", "queries": ["a"], "status": "completed", "results": None},
    {"type": "item_reference", "id": "msg_0"},
    {"type": "compaction", "encrypted_content": "\ud800 lone", "n": 1.0, "big": 2**60 + 1},
    {"type": "message", "role": "assistant", "status": "completed", "id": "msg_1", "content": [
        {"type": "output_text", "text": "Cold.", "annotations": [], "logprobs": []}]},
    {"type": "made_up_later", "": "", "__proto__": {"nul\0": [[[]]]}},
    {"role": "user", "content": ""},
]  # fmt: skip


@pytest.fixture
def session(client: Client) -> ContextManagerSession:
    return ContextManagerSession("chat-1", client)


def exactly(items: list[Any]) -> list[str]:
    return [json.dumps(item) for item in items]


def test_every_kind_of_item_comes_back_exactly_and_in_order(session: ContextManagerSession) -> None:
    async def go() -> None:
        await session.add_items(ITEMS[:5])
        await session.add_items(ITEMS[5:])
        await session.add_items([])
        await session.add_items(ITEMS[:2])
        assert exactly(await session.get_items()) == exactly(ITEMS + ITEMS[:2])

    assert isinstance(session, Session)
    asyncio.run(go())


def test_a_limit_reads_the_last_ones_and_deletes_nothing(client: Client) -> None:
    async def go() -> None:
        few = ContextManagerSession("chat-1", client, session_settings=SessionSettings(limit=4))
        await few.add_items(ITEMS)
        for limit in (1, 2, 3, len(ITEMS) - 1, len(ITEMS), 10_000):
            assert exactly(await few.get_items(limit)) == exactly(ITEMS[-limit:])
        assert exactly(await few.get_items()) == exactly(ITEMS[-4:])
        assert await few.get_items(0) == await few.get_items(-1) == []
        assert exactly(await ContextManagerSession("chat-1", client).get_items()) == exactly(ITEMS)

    asyncio.run(go())


def test_it_does_what_the_frameworks_own_session_does(session: ContextManagerSession) -> None:
    async def go() -> None:
        own = SQLiteSession("chat-1")
        for step in range(40):
            for each in (session, own):
                if step % 7 == 3:
                    await each.pop_item()
                elif step == 25:
                    await each.clear_session()
                else:
                    await each.add_items([{"role": "user", "content": f"{step}.{n}"} for n in range(step % 4)])
            for limit in (None, 1, 5):
                assert await session.get_items(limit) == await own.get_items(limit)
        while (expected := await own.pop_item()) is not None:
            assert await session.pop_item() == expected
        assert await session.pop_item() is None and await session.get_items() == []

    asyncio.run(go())


def test_writers_at_once_lose_nothing_and_stay_together(options: dict[str, Any]) -> None:
    async def go() -> None:
        async with AsyncClient(**options) as one, AsyncClient(**options) as two:
            sessions = [ContextManagerSession("chat-1", client) for client in (one, two) for _ in range(4)]

            async def write(writer: int) -> None:
                for turn in range(5):
                    pair = [{"role": role, "content": f"{writer}/{turn}"} for role in ("user", "assistant")]
                    await sessions[writer].add_items(pair)  # type: ignore[arg-type]

            await asyncio.gather(*map(write, range(len(sessions))))
            items: list[Any] = await sessions[0].get_items()
            assert [item["role"] for item in items] == ["user", "assistant"] * 40
            pairs = [item["content"] for item in items[::2]]
            assert pairs == [item["content"] for item in items[1::2]] and len(set(pairs)) == 40
            for writer in range(8):
                own = [pair for pair in pairs if pair.startswith(f"{writer}/")]
                assert own == [f"{writer}/{turn}" for turn in range(5)]
            popped = await asyncio.gather(*[session.pop_item() for session in sessions for _ in range(3)])
            left = await sessions[1].get_items()
            assert sorted(exactly([*popped, *left])) == sorted(exactly(items)) and len(left) == 56

    asyncio.run(go())


def test_what_is_added_later_comes_later_whatever_the_clocks_say(
    session: ContextManagerSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        await session.add_items(ITEMS[:1])
        with monkeypatch.context() as patch:
            late = SimpleNamespace(time_ns=lambda: 1_000_000_000_000_000_000)
            patch.setattr("context_manager_adapters.openai_agents.time", late)
            await session.add_items(ITEMS[1:3])
        await session.add_items(ITEMS[3:4])
        assert exactly(await session.get_items()) == exactly(ITEMS[:4])

    asyncio.run(go())


def test_an_item_of_any_length_is_kept_and_taken_away_whole(session: ContextManagerSession, client: Client) -> None:
    async def go() -> None:
        image: Any = {"role": "user", "content": [{"type": "input_image", "image_url": "data:" + "é🙂x" * 200_000}]}
        await session.add_items([ITEMS[0], image, ITEMS[4]])
        assert exactly(await session.get_items()) == exactly([ITEMS[0], image, ITEMS[4]])
        assert await session.pop_item() == ITEMS[4]
        assert exactly([await session.pop_item()]) == exactly([image])
        assert [each.session_id for each in client.list(agent_id="openai-agents")] == ["chat-1"]
        await session.add_items([image])
        await session.clear_session()
        assert list(client.list(agent_id="openai-agents")) == []

    asyncio.run(go())


def test_clearing_leaves_everything_else(session: ContextManagerSession, client: Client) -> None:
    async def go() -> None:
        others = [ContextManagerSession("chat-2", client), ContextManagerSession("chat-1", client, agent_id="other")]
        for each in (session, *others):
            await each.add_items(ITEMS[:2])
        client.store("something else of the session", session_id="chat-1", agent_id="openai-agents")
        await session.clear_session()
        assert await session.get_items() == []
        assert [len(await each.get_items()) for each in others] == [2, 2]
        assert [each.text for each in client.list(session_id="chat-1", agent_id="openai-agents")] == [
            "something else of the session"
        ]

    asyncio.run(go())


def test_a_call_that_failed_is_made_again_without_storing_twice(
    session: ContextManagerSession, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = client.store_batch

    def lost(*arguments: Any, **options: Any) -> Any:
        stored(*arguments, **options)
        raise ContextManagerError("TIMEOUT", "no answer came in time")

    async def go() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(client, "store_batch", lost)
            with pytest.raises(ContextManagerError, match="TIMEOUT"):
                await session.add_items(ITEMS[:3])
        await session.add_items(ITEMS[:3])
        assert exactly(await session.get_items()) == exactly(ITEMS[:3])
        await session.add_items(ITEMS[:3])
        assert exactly(await session.get_items()) == exactly(ITEMS[:3] * 2)

    asyncio.run(go())


def test_what_cannot_be_kept_is_refused(session: ContextManagerSession, client: Client) -> None:
    async def go() -> None:
        with pytest.raises(TypeError):
            await session.add_items([{"role": "user", "content": object()}])  # type: ignore[list-item,typeddict-item]
        assert await session.get_items() == []

    asyncio.run(go())
    for wrong in ("", "x" * 257):
        with pytest.raises(ValueError, match="1 to 256"):
            ContextManagerSession(wrong, client)


def test_what_was_said_is_found_by_a_query(session: ContextManagerSession, client: Client) -> None:
    asyncio.run(session.add_items(ITEMS))
    found = client.query("weather in Oslo", agent_id="openai-agents").contexts
    assert "How is the weather in Oslo? 🙂" in [context.text for context in found[:2]]


class ScriptedModel(Model):
    """Calls the tool once, then answers with the number of items that it was given."""

    async def get_response(self, system_instructions: Any, input: Any, *_: Any, **__: Any) -> ModelResponse:
        if not any(item.get("type") == "function_call_output" for item in input):
            call = ResponseFunctionToolCall(call_id="c", name="weather", arguments="{}", type="function_call", id="fc")
            return ModelResponse(output=[call], usage=Usage(), response_id=None)
        text = ResponseOutputText(type="output_text", text=f"{len(input)} items", annotations=[])
        message = ResponseOutputMessage(id="m", role="assistant", status="completed", type="message", content=[text])
        return ModelResponse(output=[message], usage=Usage(), response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


@function_tool
def weather() -> str:
    return "cold"


def test_the_runner_goes_on_where_it_was(options: dict[str, Any], server: RealServer) -> None:
    agent = Agent(name="weather", model=ScriptedModel(), tools=[weather])
    quiet = RunConfig(tracing_disabled=True)

    async def turn(text: str) -> str:
        async with ContextManagerSession("chat-1", **options) as session:
            result = await Runner.run(agent, text, session=session, run_config=quiet)
            return str(result.final_output)

    # Each in a loop and with connections of its own.
    assert asyncio.run(turn("How is the weather?")) == "3 items"
    assert asyncio.run(turn("And now?")) == "5 items"
    assert asyncio.run(turn("And now?")) == "7 items"
