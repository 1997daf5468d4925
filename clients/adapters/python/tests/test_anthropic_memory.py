from __future__ import annotations

import asyncio
import json
import random
import threading
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from anthropic import Anthropic, DefaultHttpxClient
from anthropic.lib.tools import BetaAsyncBuiltinFunctionTool, BetaBuiltinFunctionTool, ToolError
from anthropic.tools.memory import BetaLocalFilesystemMemoryTool
from context_manager import Client

from context_manager_adapters.anthropic_memory import AsyncContextManagerMemoryTool, ContextManagerMemoryTool


@pytest.fixture
def tool(client: Client) -> ContextManagerMemoryTool:
    return ContextManagerMemoryTool(client)


def outcome(tool: Any, command: dict[str, Any]) -> tuple[bool, str]:
    try:
        return True, str(tool.call(command))
    except ToolError as error:
        return False, str(error)


def test_commands_do_what_they_do_on_a_disk(tool: ContextManagerMemoryTool, tmp_path: Path) -> None:
    """On the SDK's own tool over files. Words are compared but for sizes of directories, which are the disk's there."""
    own = BetaLocalFilesystemMemoryTool(str(tmp_path))
    source = random.Random(7)
    paths = [f"/memories/{name}" for name in ("a.md", "b.md", "dir/c.md", "dir/d.md", "dir/deep/e.md", "é 🙂.md")]
    texts = ["", "\n", "one\ntwo\nthree", "one\ntwo\n", "two two", "x" * 2_000, " "]

    def command() -> dict[str, Any]:
        path = source.choice(paths)
        kind = source.choice(["view", "view", "create", "create", "str_replace", "insert", "delete", "rename"])
        return {
            "view": {"path": path, "view_range": source.choice([None, [1, 2], [2, -1]])},
            "create": {"path": path, "file_text": source.choice(texts)},
            "str_replace": {"path": path, "old_str": source.choice(["two", "one\ntwo", "x"]), "new_str": "new\nline"},
            "insert": {"path": path, "insert_line": source.randrange(4), "insert_text": source.choice(["in", "in\n"])},
            "delete": {"path": source.choice([path, "/memories/dir"])},
            "rename": {"old_path": path, "new_path": source.choice(paths)},
        }[kind] | {"command": kind}

    succeeded = 0
    for step in range(150):
        asked = command()
        if asked["command"] == "rename" and asked["old_path"] == asked["new_path"]:
            continue
        expected, said = outcome(own, asked), outcome(tool, asked)
        assert said[0] == expected[0], (step, asked, said, expected)
        if asked["command"] == "view":
            assert said[1] == expected[1], (step, asked)
        succeeded += said[0]
        # An empty directory is one on a disk alone.
        for folder in (tmp_path / "memories" / "dir" / "deep", tmp_path / "memories" / "dir"):
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
    assert 35 < succeeded < 135


def test_a_directory_shows_what_lies_in_it(tool: ContextManagerMemoryTool, client: Client) -> None:
    def view(path: str) -> list[str]:
        return str(tool.call({"command": "view", "path": path})).splitlines()[1:]

    assert view("/memories") == ["0B\t/memories"]
    for name, size in {"b": 3, "a/x": 2_048, "a/deep/y": 1_536, "a/deep/er/z": 5, ".hidden": 9, "a b%_": 1}.items():
        tool.call({"command": "create", "path": f"/memories/{name}", "file_text": "." * size})
    assert view("/memories/") == [
        "3.5K\t/memories",
        "3.5K\t/memories/a/",
        "1.5K\t/memories/a/deep/",
        "2K\t/memories/a/x",
        "1B\t/memories/a b%_",
        "3B\t/memories/b",
    ]
    assert view("/memories/a/deep") == [
        "1.5K\t/memories/a/deep",
        "5B\t/memories/a/deep/er/",
        "5B\t/memories/a/deep/er/z",
        "1.5K\t/memories/a/deep/y",
    ]
    tool.call({"command": "rename", "old_path": "/memories/a", "new_path": "/memories/c/d"})
    assert view("/memories")[1:3] == ["1B\t/memories/a b%_", "3B\t/memories/b"]
    assert len(view("/memories/c/d")) == 5
    found = client.query(". . . .", agent_id="anthropic-memory", limit=50)
    assert {each.metadata["anthropic_memory"]["path"].split("/")[1] for each in found.contexts} <= {"memories"}
    assert tool.clear_all_memory() == "All memory cleared" and view("/memories") == ["0B\t/memories"]


def test_what_is_no_place_is_refused(tool: ContextManagerMemoryTool) -> None:
    for path in (
        "/etc/passwd",
        "memories/a",
        "/memories2/a",
        "/memories/../a",
        "/memories/a/../../b",
        "/memories/%2e%2E/a",
        "/memories/a\\..\\b",
        "/memories/%2e%2e%2fa",
        "/memories/a\0b",
        "/memories/" + "a/" * 64,
        "/memories/" + "a" * 5_000,
    ):
        for command in ({"command": "create", "file_text": "x"}, {"command": "view"}, {"command": "delete"}):
            succeeded, words = outcome(tool, {**command, "path": path})
            assert not succeeded and ("ath" in words), path
    for command in ({"command": "create", "file_text": "x"}, {"command": "delete"}):
        assert not outcome(tool, {**command, "path": "/memories"})[0]
    tool.call({"command": "create", "path": "/memories/file", "file_text": "x"})
    for wrong in (
        {"command": "create", "path": "/memories/file/below", "file_text": "x"},
        {"command": "create", "path": "/memories/long", "file_text": "x" * 262_145},
        {"command": "rename", "old_path": "/memories/file", "new_path": "/memories/file/in"},
        {"command": "rename", "old_path": "/memories", "new_path": "/memories/in"},
    ):
        assert not outcome(tool, wrong)[0], wrong
    assert "\t/memories/file" in str(tool.call({"command": "view", "path": "/memories"}))


def test_writers_at_once_lose_no_line(options: dict[str, Any]) -> None:
    tools = [ContextManagerMemoryTool(**options) for _ in range(4)]
    tools[0].call({"command": "create", "path": "/memories/log", "file_text": "first\n"})

    def write(writer: int) -> None:
        for step in range(4):
            line = {"path": "/memories/log", "insert_line": 1, "insert_text": f"{writer}/{step}"}
            while not outcome(tools[writer], {"command": "insert", **line})[0]:
                pass

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = str(tools[0].call({"command": "view", "path": "/memories/log"})).splitlines()[1:]
    lines = [line.split("\t")[1] for line in shown]
    assert sorted(lines) == sorted(["first", "", *[f"{writer}/{step}" for writer in range(4) for step in range(4)]])
    for each in tools:
        each.close()


def test_it_is_a_tool_of_both_clients(client: Client, options: dict[str, Any]) -> None:
    tool = ContextManagerMemoryTool(client, cache_control={"type": "ephemeral"})
    assert isinstance(tool, BetaBuiltinFunctionTool) and tool.name == "memory"
    assert tool.to_dict() == {
        "type": "memory_20250818",
        "name": "memory",
        "cache_control": {"type": "ephemeral"},
    }

    async def go() -> None:
        waiting = AsyncContextManagerMemoryTool(**options)
        assert isinstance(waiting, BetaAsyncBuiltinFunctionTool)
        await waiting.call({"command": "create", "path": "/memories/a", "file_text": "one"})
        await waiting.call({"command": "str_replace", "path": "/memories/a", "old_str": "one", "new_str": "two"})
        await waiting.call({"command": "insert", "path": "/memories/a", "insert_line": 0, "insert_text": "zero"})
        await waiting.call({"command": "rename", "old_path": "/memories/a", "new_path": "/memories/b"})
        assert str(await waiting.call({"command": "view", "path": "/memories/b"})).endswith(
            "1\tzero\n     2\ttwo\n     3\t"
        )
        await waiting.call({"command": "delete", "path": "/memories/b"})
        assert await waiting.clear_all_memory() == "All memory cleared"
        await waiting.aclose()

    asyncio.run(go())


def test_a_model_uses_it_over_the_sdk(tool: ContextManagerMemoryTool) -> None:
    """What the SDK's runner does with what a model asks for, over a transport that answers as the API would."""
    calls = [
        {"command": "create", "path": "/memories/a.md", "file_text": "prefers morning flights"},
        {"command": "view", "path": "/memories/missing.md"},
    ]
    told: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        told.append(json.loads(request.content))
        content: list[Any] = [{"type": "text", "text": "done"}]
        if calls:
            content = [{"type": "tool_use", "id": f"t{len(calls)}", "name": "memory", "input": calls.pop(0)}]
        return httpx.Response(
            200,
            json={
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "model",
                "content": content,
                "stop_reason": "tool_use" if content[0]["type"] == "tool_use" else "end_turn",
                "stop_sequence": None,
                "usage": {"input_tokens": 1, "output_tokens": 1},
            },
        )

    http = DefaultHttpxClient(transport=httpx.MockTransport(answer))
    with Anthropic(api_key="none", base_url="http://api.test", http_client=http) as anthropic:
        runner = anthropic.beta.messages.tool_runner(
            model="model", max_tokens=10, messages=[{"role": "user", "content": "remember"}], tools=[tool]
        )
        runner.until_done()
    assert told[0]["tools"] == [{"type": "memory_20250818", "name": "memory"}]
    created, missing = [each["messages"][-1]["content"][0] for each in told[1:]]
    assert "created successfully at: /memories/a.md" in str(created) and not created.get("is_error")
    assert "does not exist" in str(missing) and missing["is_error"] is True
    assert "prefers morning flights" in str(tool.call({"command": "view", "path": "/memories/a.md"}))
