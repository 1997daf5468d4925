"""Event loops, threads and processes: a client goes on in each, and hangs in none."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driver import PATIENCE_S
from real_server import RealServer
from scripted_server import Peer, Request, ScriptedServer

from context_manager import AsyncClient, Client, ContextManagerError, connect, connect_async

has_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


def in_child(run: Callable[[], Any]) -> int:
    """Forks, runs, and gives the exit code: 0 where nothing was raised."""
    with warnings.catch_warnings():
        # That there are threads is what is tried.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            run()
            code = 0
        except BaseException as error:
            os.write(2, f"in the child: {error!r}\n".encode())
        finally:
            os._exit(code)
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    raise AssertionError("the child hangs")


def test_a_client_is_used_in_two_event_loops_one_after_the_other(server: RealServer) -> None:
    client = AsyncClient(**server.options, namespace="two-loops")

    async def store(text: str) -> str:
        return (await client.store(text)).id

    async def close() -> None:
        await client.ping()
        await client.close()

    with warnings.catch_warnings():
        # Also transports that nobody closed would be told of here.
        warnings.simplefilter("error")
        ids = {asyncio.run(store("one")), asyncio.run(store("two"))}
        asyncio.run(close())
        gc.collect()
    assert len(ids) == 2
    with pytest.raises(ContextManagerError, match="CLOSED"):
        asyncio.run(store("three"))


def test_a_loop_that_ends_without_a_word_is_survived(server: RealServer) -> None:
    """Closed by hand, its asynchronous generators not ended; then another in its place."""
    client = AsyncClient(**server.options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        for _ in range(3):
            loop = asyncio.new_event_loop()
            assert loop.run_until_complete(client.ping()).healthy
            loop.close()
        gc.collect()
    asyncio.run(client.close())


def test_a_client_is_used_in_several_event_loops_at_once(server: RealServer) -> None:
    client = AsyncClient(**server.options)
    failures: list[BaseException] = []

    async def many() -> None:
        for _ in range(20):
            await asyncio.gather(*[client.ping() for _ in range(10)])

    def run() -> None:
        try:
            asyncio.run(many())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert failures == []


def test_close_ends_what_other_loops_have_open(scripted: ScriptedServer) -> None:
    scripted.script = lambda request, peer: None
    client = AsyncClient(host="127.0.0.1", port=scripted.port, key_id="k", secret=scripted.secret)
    outcome: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(client.ping())  # type: ignore[arg-type]
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not scripted.requests:
        time.sleep(0.005)
    asyncio.run(client.close())
    thread.join(PATIENCE_S)
    assert not thread.is_alive() and getattr(outcome[0], "code", None) == "CLOSED"


def test_a_cancelled_call_leaves_the_connection_as_it_is_and_its_late_reply_is_dropped(
    scripted: ScriptedServer,
) -> None:
    held: list[tuple[Request, Peer]] = []

    def script(request: Request, peer: Peer) -> None:
        if request["payload"].get("hold"):
            held.append((request, peer))
        else:
            peer.reply(request, {"n": 1})

    scripted.script = script

    async def main() -> None:
        async with AsyncClient(
            host="127.0.0.1", port=scripted.port, key_id="k", secret=scripted.secret, max_in_flight=1
        ) as client:
            call = asyncio.ensure_future(client.request("ping", {"hold": True}))
            while not held:
                await asyncio.sleep(0.005)
            waiting = asyncio.ensure_future(client.request("ping"))
            await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            # It took the place of the one that was in flight.
            assert await waiting == {"n": 1}
            held[0][1].reply(held[0][0], {"late": True})
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.request("ping", {"hold": True}), 0.01)
            assert await client.request("ping") == {"n": 1}
            queued = [asyncio.ensure_future(client.request("ping", {"hold": True})) for _ in range(3)]
            await asyncio.sleep(0.01)
            for each in queued:
                each.cancel()
            await asyncio.gather(*queued, return_exceptions=True)
            assert await client.request("ping") == {"n": 1}

    asyncio.run(main())
    assert len(scripted.peers) == 1


def test_cancelling_the_attempt_to_connect_leaves_nothing_behind(scripted: ScriptedServer) -> None:
    scripted.is_mute = True

    async def main() -> None:
        client = AsyncClient(host="127.0.0.1", port=scripted.port, key_id="k", secret=scripted.secret)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.connect(), 0.05)
        scripted.is_mute = False
        await client.connect()
        assert await client.request("ping") == {}
        await client.close()
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    asyncio.run(main())


def test_the_client_that_waits_works_inside_of_a_running_loop(server: RealServer) -> None:
    async def main() -> None:
        with Client(**server.options) as client:
            assert client.ping().healthy
            assert all(
                reply.healthy for reply in await asyncio.gather(*[asyncio.to_thread(client.ping) for _ in range(9)])
            )

    asyncio.run(main())


@has_fork
def test_a_forked_child_makes_connections_of_its_own(server: RealServer) -> None:
    with connect(**server.options, namespace="fork") as client:
        client.store("in the parent")
        stop = threading.Event()
        failures: list[BaseException] = []

        def busy() -> None:
            """Others are in the middle of calls, and hold locks, when the process forks."""
            while not stop.is_set():
                try:
                    client.ping()
                except BaseException as error:
                    failures.append(error)
                    return

        threads = [threading.Thread(target=busy) for _ in range(3)]
        for thread in threads:
            thread.start()

        def child() -> None:
            for n in range(3):
                client.store(f"in the child {n}")
            client.close()

        for _ in range(3):
            assert in_child(child) == 0
            assert client.ping().healthy
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert failures == []
        assert len(list(client.list())) == 10


@has_fork
def test_a_forked_child_of_an_asyncio_program_makes_connections_of_its_own(server: RealServer) -> None:
    client = AsyncClient(**server.options, namespace="async-fork")

    async def store(text: str) -> None:
        await client.store(text)

    async def parent() -> None:
        await store("in the parent")
        assert in_child(lambda: asyncio.run(store("in the child"))) == 0
        await store("in the parent again")
        assert sorted([context.text async for context in client.list()]) == [
            "in the child",
            "in the parent",
            "in the parent again",
        ]
        await client.close()

    asyncio.run(parent())


@has_fork
def test_a_child_that_ends_as_programs_do_does_not_end_the_parents_connections(server: RealServer) -> None:
    """Finalizers and exit handlers run in the child; the parent's connection is the same afterwards."""
    program = f"""
import os, sys
from context_manager import connect
client = connect(**{server.options!r})
before = client._engine
child = os.fork()
if child == 0:
    client.ping()
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
client.ping()
assert client._engine is before and client.ping().active_connections >= 1
assert before.requester._pool._slots[0].failures == 0
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_S)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_nothing_keeps_a_program_that_forgets_to_close(server: RealServer, tmp_path: Path) -> None:
    program = tmp_path / "forgets.py"
    program.write_text(
        f"""
import asyncio
from context_manager import connect, connect_async
client = connect(**{server.options!r})
print(client.ping().healthy)
async def main():
    other = await connect_async(**{server.options!r})
    print((await other.ping()).healthy)
asyncio.run(main())
"""
    )
    arguments = [sys.executable, "-X", "dev", "-W", "error", str(program)]
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE_S)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "True\nTrue\n", "")


def test_a_client_that_is_forgotten_leaves_no_thread(scripted: ScriptedServer) -> None:
    client = connect(host="127.0.0.1", port=scripted.port, key_id="k", secret=scripted.secret)
    name = "context-manager-client"
    assert any(thread.name == name for thread in threading.enumerate())
    del client
    gc.collect()
    end = time.monotonic() + PATIENCE_S
    while any(thread.name == name for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert scripted.peers[0].ended.wait(PATIENCE_S)


def test_connect_async_gives_a_connected_client(server: RealServer) -> None:
    async def main() -> None:
        client = await connect_async(**server.options)
        assert client.namespaces == ("*",)
        async with client as same:
            assert (await same.ping()).healthy
        with pytest.raises(ContextManagerError, match="CLOSED"):
            await client.ping()

    asyncio.run(main())
