from __future__ import annotations

import asyncio
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import Any, TypedDict

import pytest
from context_manager import AsyncClient, Client, ContextManagerError
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore, InvalidNamespaceError, PutOp, TTLConfig
from real_server import RealServer

from context_manager_adapters.langgraph import ContextManagerStore

USER = ("users", "mara")


@pytest.fixture
def store(client: Client) -> ContextManagerStore:
    return ContextManagerStore(client)


def test_what_is_put_is_there_in_another_process_as_well(store: ContextManagerStore, options: dict[str, Any]) -> None:
    before = datetime.now(timezone.utc) - timedelta(seconds=1)
    store.put(USER, "flights", {"text": "prefers morning flights", "n": 1.0})
    with ContextManagerStore(**options) as other:
        item = other.get(USER, "flights")
    assert item is not None and (item.namespace, item.key) == (USER, "flights")
    assert repr(item.value) == "{'text': 'prefers morning flights', 'n': 1.0}"
    assert before < item.created_at == item.updated_at
    store.put(USER, "flights", {"text": "prefers evening flights"})
    changed = store.get(USER, "flights")
    assert changed is not None and changed.value == {"text": "prefers evening flights"}
    assert changed.created_at == item.created_at < changed.updated_at + timedelta(milliseconds=1)
    store.delete(USER, "flights")
    store.delete(USER, "flights")
    assert store.get(USER, "flights") is None


def test_the_same_text_with_another_value_is_another_value(store: ContextManagerStore) -> None:
    for number in (1, 2):
        store.put(USER, "a", {"text": "the same", "n": number}, index=["text"])
    item = store.get(USER, "a")
    assert item is not None and item.value["n"] == 2


def test_a_search_with_words_ranks_and_leaves_nothing_out(store: ContextManagerStore) -> None:
    store.put(USER, "1", {"text": "Mara loves hiking in the Alps"})
    store.put(USER, "2", {"text": "The quarterly report is due on Friday"})
    store.put(USER, "3", {"text": "Mara loves hiking in the Alps"})
    store.put(USER, "4", {"text": "a hidden word: hiking hiking hiking"}, index=False)
    store.put(("users", "other"), "1", {"text": "hiking hiking"})
    found = store.search(USER, query="hiking in the Alps")
    # Of two that say the same the newer one is ranked; the other one comes behind, with what is not searched.
    assert [item.key for item in found[:2]] == ["3", "2"] and {item.key for item in found[2:]} == {"1", "4"}
    first, second = found[0].score, found[1].score
    assert first is not None and second is not None and 1 >= first > second >= 0
    assert [item.score for item in found[2:]] == [None, None]
    assert [item.key for item in store.search(USER, query="hiking in the Alps", limit=1, offset=1)] == ["2"]
    assert [item.key for item in store.search(USER, query="hiking in the Alps", limit=2, offset=2)] == [
        item.key for item in found[2:]
    ]
    assert len(store.search((), query="hiking")) == 5


def test_only_the_fields_that_are_indexed_are_searched(client: Client) -> None:
    store = ContextManagerStore(client, index={"fields": ["title", "parts[*].text"]})
    value = {"title": "Alps", "parts": [{"text": "glacier"}, {"text": "hut"}], "secret": "xylophone"}
    store.put(("docs",), "a", value)
    store.put(("docs",), "b", {"secret": "xylophone"})
    (context,) = [each for each in client.list(agent_id="langgraph") if "Alps" in each.text]
    assert context.text == "Alps\nglacier\nhut"
    assert {item.key for item in store.search(("docs",), query="glacier")} == {"a", "b"}
    with pytest.raises(ValueError, match="the server makes the vectors"):
        ContextManagerStore(client, index={"dims": 3, "embed": lambda texts: [[0.0]]})


def test_an_item_without_words_is_found_by_none(store: ContextManagerStore) -> None:
    store.put(USER, "empty", {})
    store.put(USER, "no fields", {"text": "hiking"}, index=[])
    store.put(USER, "words", {"text": "there is nothing here to search"})
    found = {item.key: item.score for item in store.search(USER, query="nothing to search")}
    assert found["empty"] is found["no fields"] is None and found["words"] is not None


def test_pages_of_a_search_hold_everything_once(store: ContextManagerStore) -> None:
    store.batch([PutOp(("many", str(n % 7)), str(n), {"n": n, "even": n % 2 == 0}) for n in range(230)])
    for wanted, count in ((None, 230), ({"even": True}, 115)):
        seen: list[int] = []
        for offset in range(0, 240, 50):
            seen += [item.value["n"] for item in store.search(("many",), filter=wanted, limit=50, offset=offset)]
        assert len(seen) == len(set(seen)) == count
    assert store.search(("many",), limit=0) == []
    assert store.list_namespaces(prefix=("many",), limit=3, offset=5) == [("many", "5"), ("many", "6")]


def test_names_are_compared_letter_by_letter(store: ContextManagerStore) -> None:
    labels = ["a%", "a_", "ab", "a", "%", "_", "*", "A", "é", "e\u0301", "🙂"]
    for label in labels:
        store.put((label, "x"), "key", {"label": label})
    for label in labels:
        assert [item.value for item in store.search((label,))] == [{"label": label}]
    assert store.list_namespaces(max_depth=1) == sorted((label,) for label in labels)
    # A label with a dot is refused by LangGraph itself; one that comes by another way is kept apart.
    store.batch([PutOp(("p.q",), "key", {"n": 1}), PutOp(("p", "q"), "key", {"n": 2})])
    assert [item.value["n"] for item in store.search(("p",))] == [2]
    with pytest.raises(InvalidNamespaceError):
        store.put(("p.q",), "key", {})


def test_what_cannot_be_kept_is_refused_in_words(store: ContextManagerStore) -> None:
    for namespace in [("x" * 9_000,), ("x",) * 63, ("\ud800",), (1,)]:
        with pytest.raises(InvalidNamespaceError):
            store.batch([PutOp(namespace, "key", {})])  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        store.put(USER, "a", {"when": datetime.now(timezone.utc)})
    with pytest.raises(ValueError, match="characters as JSON"):
        store.put(USER, "a", {"text": "x" * 300_000})
    assert store.search(USER) == []
    long = {"text": "x" * 200_000, "é": ["\ud800"]}
    store.put(USER, "a", long)
    item = store.get(USER, "a")
    assert item is not None and item.value == long


def test_a_value_that_is_full_of_fields_has_room(store: ContextManagerStore) -> None:
    fields = {chr(0x1F600 + number) * 128: "🙂" * 128 for number in range(32)}
    value = {**fields, "rest": "x" * (39_900 - len(str(fields).encode()) - 64)}
    namespace = ("n" * 4_000, "m" * 100)
    store.put(namespace, "k" * 4_092, value)
    (found,) = store.search(namespace, filter={next(reversed(fields)): "🙂" * 128})
    assert found.value == value


def test_a_time_to_live_ends_and_is_renewed_by_reading(client: Client) -> None:
    ttl: TTLConfig = {"default_ttl": 60.0, "refresh_on_read": False}
    store = ContextManagerStore(client, ttl=ttl)
    store.put(USER, "short", {"n": 1}, ttl=0.2 / 60)
    store.put(USER, "default", {"n": 2})
    store.put(USER, "forever", {"n": 3}, ttl=None)

    def expires() -> dict[str, int]:
        return {each.metadata["langgraph"]["key"]: each.expires_at or 0 for each in client.list(agent_id="langgraph")}

    first = expires()
    assert first["forever"] - first["default"] > 50 * 365 * 86_400_000
    assert 3_500_000 < first["default"] - time.time() * 1_000 <= 3_600_000
    assert store.get(USER, "default") is not None and store.search(USER) != []
    assert expires()["default"] == first["default"]
    while store.get(USER, "short") is not None:
        time.sleep(0.02)
    assert {item.key for item in store.search(USER)} == {"default", "forever"}
    store.get(USER, "default", refresh_ttl=True)
    second = expires()
    assert second["default"] > first["default"] and second["forever"] == first["forever"]
    time.sleep(0.002)
    store.search(USER, refresh_ttl=True)
    assert expires()["default"] > second["default"]
    # A put without a time to live ends the one that there was.
    store.put(USER, "default", {"n": 2}, ttl=None)
    assert expires()["default"] - second["default"] > 50 * 365 * 86_400_000
    with pytest.raises(ValueError, match="more than 0 minutes"):
        store.put(USER, "never", {}, ttl=0)


def test_writers_at_once_leave_one_whole_item(options: dict[str, Any]) -> None:
    with ContextManagerStore(**options) as store:

        def write(writer: int) -> None:
            for step in range(6):
                store.put(USER, "shared", {"text": f"writer {writer}, step {step}", "writer": writer})
                store.put(USER, f"own {writer}", {"step": step})
                if step % 3 == 2:
                    store.delete(USER, "shared")

        threads = [threading.Thread(target=write, args=(writer,)) for writer in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {item.key: item.value for item in store.search(USER, limit=50) if item.key != "shared"} == {
            f"own {writer}": {"step": 5} for writer in range(6)
        }


def test_stores_of_other_agents_and_namespaces_are_others(client: Client, server: RealServer) -> None:
    stores = [
        ContextManagerStore(client),
        ContextManagerStore(client, agent_id="other"),
        ContextManagerStore(client, namespace="elsewhere"),
    ]
    for number, store in enumerate(stores):
        store.put(USER, "a", {"n": number})
    assert [[item.value["n"] for item in store.search(())] for store in stores] == [[0], [1], [2]]


def test_it_waits_in_a_running_loop_and_is_awaited_in_several(options: dict[str, Any]) -> None:
    async def use(store: ContextManagerStore, key: str) -> int:
        await store.aput(USER, key, {"key": key})
        # Code that waits, called from code that does not.
        assert store.get(USER, key) is not None
        return len(await store.asearch(USER))

    store = ContextManagerStore(**options)
    assert [asyncio.run(use(store, key)) for key in "ab"] == [1, 2]

    async def over_a_client() -> None:
        async with AsyncClient(**options) as client:
            only = ContextManagerStore(client)
            assert await only.aget(USER, "a") is not None
            with pytest.raises(TypeError, match="does not wait"):
                only.get(USER, "a")

    asyncio.run(over_a_client())
    store.close()
    with pytest.raises(ContextManagerError, match="CLOSED"):
        store.get(USER, "a")


def test_it_is_given_a_client_or_options_of_one(client: Client, server: RealServer) -> None:
    with pytest.raises(TypeError, match="options already: secret"):
        ContextManagerStore(client, secret="x" * 32)
    with pytest.raises(ContextManagerError, match="secret"):
        ContextManagerStore("context-manager://localhost")
    with ContextManagerStore(f"context-manager://{server.address}", secret=server.options["secret"]) as store:
        assert store.get(USER, "nothing") is None
    ContextManagerStore(client).close()
    assert client.ping().healthy


class State(TypedDict):
    question: str
    answer: str


def test_the_nodes_of_a_graph_remember_over_it(store: ContextManagerStore) -> None:
    def node(state: State, runtime: Runtime[None]) -> dict[str, str]:
        assert isinstance(runtime.store, BaseStore)
        found = runtime.store.search(USER, query=state["question"], limit=1)
        runtime.store.put(USER, state["question"], {"text": state["question"]})
        return {"answer": found[0].value["text"] if found else "nothing yet"}

    builder = StateGraph(State)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    graph = builder.compile(store=store)
    said = [
        graph.invoke({"question": text, "answer": ""})["answer"] for text in ("hiking boots", "hiking boots, again")
    ]
    assert said == ["nothing yet", "hiking boots"]


def test_a_filter_finds_fields_whether_the_server_knows_them_or_not(store: ContextManagerStore, client: Client) -> None:
    many = {f"field {number}": "blue" for number in range(40)}
    store.put(USER, "many", many)
    store.put(USER, "n", {"n": 5})
    for number in range(40):
        assert [item.key for item in store.search(USER, filter={f"field {number}": "blue"})] == ["many"]
    assert store.search(USER, filter={"field 1": "red"}) == []
    bounds = {"$gt": 4.5, "$gte": 5, "$lt": 5.5, "$lte": 5, "$eq": 5, "$ne": 6}
    for operator, bound in bounds.items():
        expected = {"n", "many"} if operator == "$ne" else {"n"}
        assert {item.key for item in store.search(("users",), filter={"n": {operator: bound}})} == expected
    for operator, bound in {"$gt": 5, "$gte": 5.1, "$lt": 5, "$lte": 4.9, "$eq": 6}.items():
        assert store.search(USER, filter={"n": {operator: bound}}) == []
    with pytest.raises(ValueError, match="Unsupported operator"):
        store.search(USER, filter={"n": {"$in": [5]}})
