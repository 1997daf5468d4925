"""The server is killed, and started again: nothing acknowledged is lost, and no call hangs."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import pytest
from driver import PATIENCE_S, Driver
from real_server import LAUNCHER, RealServer, node

from context_manager import ContextManagerError

pytestmark = pytest.mark.skipif(node() is None or not LAUNCHER.exists(), reason="no checkout of the server, or no Node")

KILLS = 2
BATCH = 5
LANES = 8


def test_stores_go_on_over_kills(open_client: Callable[..., Driver]) -> None:
    """Some threads store one by one, the others in batches."""
    server = RealServer()
    try:
        client = open_client(None, **{**server.options, "timeout_ms": 240_000, "pool": 2})
        acknowledged: dict[str, str] = {}
        failures: list[BaseException] = []
        stop = threading.Event()

        def lane(number: int) -> None:
            n = 0
            while not stop.is_set():
                is_batch = number % 2 == 1
                texts = [f"lane {number} text {n} {i}" for i in range(BATCH if is_batch else 1)]
                n += 1
                try:
                    if not is_batch:
                        acknowledged[client.call("store", texts[0]).id] = texts[0]
                    else:
                        reply = client.call("store_batch", [{"text": text} for text in texts])
                        acknowledged.update(zip((each.id for each in reply.results), texts, strict=True))
                except BaseException as error:
                    failures.append(error)

        lanes = [threading.Thread(target=lane, args=(number,)) for number in range(LANES)]
        for thread in lanes:
            thread.start()
        for _ in range(KILLS):
            before = len(acknowledged)
            end = time.monotonic() + PATIENCE_S
            while len(acknowledged) < before + 20:
                assert time.monotonic() < end, failures
                time.sleep(0.01)
            time.sleep(random.random() * 0.05)
            server.kill()
            server.start()
        stop.set()
        for thread in lanes:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        # Each store that a kill came upon was made again, under the same id, within its time.
        assert failures == []
        kept = {context.id: context.text for context in client.call("list", limit=1_000, timeout_ms=240_000)}
        assert {id: kept.get(id) for id in acknowledged} == acknowledged
        # And none is there twice, acknowledged or not.
        assert len(set(kept.values())) == len(kept)
    finally:
        server.clean_up()


def test_a_shutdown_loses_nothing_and_another_server_takes_over(open_client: Callable[..., Driver]) -> None:
    servers = [RealServer(), RealServer()]
    try:
        addresses = [server.address for server in servers]
        options = {name: value for name, value in servers[0].options.items() if name not in ("host", "port")}
        client = open_client(None, **{**options, "addresses": addresses, "timeout_ms": 240_000})
        begun = []
        stopped = threading.Thread(target=servers[0].stop)
        for n in range(60):
            begun.append(client.begin("store", f"text {n}"))
            if n == 20:
                stopped.start()
        for call in begun:
            assert call.result(PATIENCE_S).created in (True, False)
        stopped.join(PATIENCE_S)
        assert client.call("ping").healthy
    finally:
        for server in servers:
            server.clean_up()


def test_calls_end_in_their_time_where_no_server_comes_back(open_client: Callable[..., Driver]) -> None:
    server = RealServer()
    try:
        client = open_client(None, **server.options)
        client.call("connect")
        begun = [client.begin("store", f"text {n}", timeout_ms=1_500) for n in range(50)]
        server.kill()
        begun += [client.begin("update", "018bcfe5-6800-7000-8000-000000000001", tags=[], timeout_ms=1_500)]
        for call in begun:
            error = call.exception(PATIENCE_S)
            assert error is None or (
                isinstance(error, ContextManagerError) and error.code in ("TIMEOUT", "CONNECTION_LOST")
            )
    finally:
        server.clean_up()
