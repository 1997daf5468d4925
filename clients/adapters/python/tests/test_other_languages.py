"""What an adapter stores in one language, that of the same framework reads in another."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from context_manager import Client
from real_server import SECRET, RealServer, node

from context_manager_adapters.anthropic_memory import ContextManagerMemoryTool
from context_manager_adapters.langgraph import ContextManagerStore

ADAPTERS = Path(__file__).resolve().parents[2]
#: Makes calls of the adapters in JavaScript that are handed over as JSON, and prints what they answer.
PROGRAM = """
const [folder, url, namespace, calls] = process.argv.slice(1);
const { connect } = await import(`${folder}/../typescript/src/index.ts`);
const client = await connect(url, { namespace });
const ADAPTERS = {
  async anthropic() {
    const { memoryTool } = await import(`${folder}/anthropic-memory/src/index.ts`);
    return (command) => memoryTool({ client }).run(command);
  },
  async langgraph() {
    const { ContextManagerStore } = await import(`${folder}/langgraph/src/index.ts`);
    return ([method, ...given]) => new ContextManagerStore({ client })[method](...given);
  },
};
const answers = [];
for (const [adapter, call] of JSON.parse(calls)) answers.push((await (await ADAPTERS[adapter]())(call)) ?? null);
console.log(JSON.stringify(answers));
await client.close();
"""
#: For a process that loads a framework; the machine may be a slow one.
PATIENCE_S = 300


def in_javascript(server: RealServer, namespace: str, calls: list[Any]) -> list[Any]:
    program = node()
    assert program is not None
    url = f"context-manager://default:{SECRET}@{server.address}"
    arguments = [ADAPTERS.as_uri(), url, namespace, json.dumps(calls)]
    ran = subprocess.run(
        [program, "--input-type=module", "--eval", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert ran.returncode == 0, ran.stderr
    answers: list[Any] = json.loads(ran.stdout)
    return answers


def test_files_of_the_memory_tool(server: RealServer, client: Client, namespace: str) -> None:
    tool = ContextManagerMemoryTool(client)
    texts = {"/memories/é 🙂/a.md": "one\ntwo", "/memories/empty": "", "/memories/b%_.md": "🙂"}
    for path, text in texts.items():
        tool.call({"command": "create", "path": path, "file_text": text})
    views: list[Any] = [{"command": "view", "path": path} for path in ["/memories", *texts]]
    expected = [str(tool.call(view)) for view in views]
    edit = {"command": "str_replace", "path": "/memories/é 🙂/a.md", "old_str": "two", "new_str": "three"}
    move = {"command": "rename", "old_path": "/memories/é 🙂", "new_path": "/memories/moved"}
    answers = in_javascript(server, namespace, [["anthropic", each] for each in [*views, edit, move]])
    assert answers[: len(views)] == expected
    assert "1\tone\n     2\tthree" in str(tool.call({"command": "view", "path": "/memories/moved/a.md"}))


def test_items_of_the_store(server: RealServer, client: Client, namespace: str) -> None:
    store = ContextManagerStore(client)
    place = ("é 🙂", "a%_", "日本")
    values = {"short": {"kind": "red", "n": 1.5, "deep": [{"x": None}]}, "long": {"text": "word " * 20_000}}
    for key, value in values.items():
        store.put(place, key, value)
    calls = [
        ["get", list(place), "short"],
        ["get", list(place), "long"],
        ["search", list(place[:1]), {"filter": {"kind": "red"}}],
        ["put", list(place), "theirs", {"kind": "blue", "text": "prefers morning flights"}],
        ["put", list(place), "short", {"kind": "green"}],
        ["listNamespaces", {}],
    ]
    short, long, found, _, _, namespaces = in_javascript(server, namespace, [["langgraph", call] for call in calls])
    assert (short["value"], long["value"]) == (values["short"], values["long"])
    assert [each["key"] for each in found] == ["short"] and namespaces == [list(place)]
    assert {item.key: item.value["kind"] for item in store.search(place, query="morning flights")[:1]} == {
        "theirs": "blue"
    }
    assert [item.key for item in store.search(("é 🙂",), filter={"kind": "green"})] == ["short"]
    assert store.list_namespaces() == [place]
