"""A server that is killed while adapters write loses nothing that was acknowledged, and nothing is there twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from langgraph.store.base import PutOp
from real_server import LAUNCHER, RealServer, node

from context_manager_adapters.langgraph import ContextManagerStore
from context_manager_adapters.openai_agents import ContextManagerSession

TURNS = 20
TIMEOUT_MS = 300_000


@pytest.fixture
def own_server() -> Iterator[RealServer]:
    if node() is None or not LAUNCHER.exists():
        pytest.skip("no checkout of the server around this package, or no Node")
    real = RealServer()
    yield real
    real.clean_up()


def test_what_was_acknowledged_is_there_once(own_server: RealServer) -> None:
    options = {**own_server.options, "timeout_ms": TIMEOUT_MS, "backoff_min_ms": 1, "backoff_max_ms": 50}
    is_under_way = threading.Event()
    is_back = threading.Event()

    def kill() -> None:
        assert is_under_way.wait(TIMEOUT_MS / 1_000)
        own_server.kill()
        own_server.start()
        is_back.set()

    async def write() -> None:
        async with ContextManagerSession("chat", **options) as session, ContextManagerStore(**options) as store:
            turn = 0
            # It goes on for some turns after the kill, however early or late that was.
            while turn < TURNS or not is_back.is_set():
                items: list[Any] = [{"role": role, "content": str(turn)} for role in ("user", "assistant")]
                puts = [PutOp(("notes",), str(turn % 7), {"turn": turn}), PutOp(("turns", str(turn)), "key", {})]
                await asyncio.gather(session.add_items(items), store.abatch(puts))
                turn += 1
                if turn == TURNS // 4:
                    is_under_way.set()
            listed: list[Any] = await session.get_items()
            notes = await store.asearch(("notes",), limit=100)
            turns = await store.asearch(("turns",), limit=100_000)
            assert [item["content"] for item in listed] == [str(place // 2) for place in range(2 * turn)]
            assert {item.key: item.value["turn"] for item in notes} == {
                str(each % 7): each for each in range(turn - 7, turn)
            }
            assert len(turns) == turn

    killer = threading.Thread(target=kill)
    killer.start()
    asyncio.run(write())
    killer.join()
