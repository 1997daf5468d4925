"""A graph that remembers what its users like, over a server at MEMORY_URL (context-manager://key:secret@host:port)."""

import os
from typing import TypedDict

from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime

from context_manager_adapters.langgraph import ContextManagerStore


class State(TypedDict):
    message: str
    known: list[str]


def remember(state: State, runtime: Runtime[None]) -> dict[str, list[str]]:
    assert runtime.store is not None
    user = ("users", "ida")
    known = [item.value["text"] for item in runtime.store.search(user, query=state["message"], limit=3)]
    runtime.store.put(user, state["message"], {"text": state["message"]})
    return {"known": known}


builder = StateGraph(State)
builder.add_node("remember", remember)
builder.add_edge(START, "remember")

with ContextManagerStore(os.environ["MEMORY_URL"]) as store:
    graph = builder.compile(store=store)
    for message in ("I prefer morning flights", "Which flights should we book?"):
        print(message, "->", graph.invoke({"message": message, "known": []})["known"])
