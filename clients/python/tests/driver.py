"""Both clients behind one face: a call is begun, and its outcome is a future."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from context_manager import AsyncClient, AsyncPagedList, Client, ContextManagerError, PagedList

#: Ends what hangs; no measure of anything.
PATIENCE_S = 300.0


class SyncDriver:
    def __init__(self, **options: Any) -> None:
        self.client: Any = Client(**options)
        self._pool = ThreadPoolExecutor(400)

    def begin(self, method: str, *args: Any, **options: Any) -> Future[Any]:
        return self._pool.submit(lambda: self._run(method, args, options))

    def _run(self, method: str, args: Any, options: Any) -> Any:
        result = getattr(self.client, method)(*args, **options)
        return list(result) if isinstance(result, PagedList) else result

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        return self.begin(method, *args, **options).result(PATIENCE_S)

    def end(self) -> None:
        self.client.close(timeout_ms=0)
        self._pool.shutdown(wait=False, cancel_futures=True)


class AsyncDriver:
    def __init__(self, **options: Any) -> None:
        self.client: Any = AsyncClient(**options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def begin(self, method: str, *args: Any, **options: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(self._run(method, args, options), self._loop)

    async def _run(self, method: str, args: Any, options: Any) -> Any:
        result = getattr(self.client, method)(*args, **options)
        return [item async for item in result] if isinstance(result, AsyncPagedList) else await result

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        return self.begin(method, *args, **options).result(PATIENCE_S)

    def end(self) -> None:
        self.call("close", timeout_ms=0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()


Driver = SyncDriver | AsyncDriver
DRIVERS = {"sync": SyncDriver, "async": AsyncDriver}


def failure(outcome: Future[Any]) -> ContextManagerError:
    """The error of a call that must fail."""
    error = outcome.exception(PATIENCE_S)
    assert isinstance(error, ContextManagerError), f"{error!r} is not what a call may raise"
    return error
