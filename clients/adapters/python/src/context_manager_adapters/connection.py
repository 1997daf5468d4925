"""How an adapter reaches the server: over a client that the program has, or over its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from context_manager import AsyncClient, Client, ContextManagerError

from .steps import Call, Steps

Result = TypeVar("Result")
#: What an adapter is given: a client, or the URL of a server.
Memory = Client | AsyncClient | str

#: The key that a server has of itself, as in URLs that name none.
KEY_ID = "default"
#: Calls that a program that waits has under way at once.
_THREADS_MAX = 8


class Connection:
    """Sees steps through. Clients are made with the first call that needs one."""

    def __init__(self, memory: Memory | None, options: Mapping[str, Any]) -> None:
        if options and isinstance(memory, (Client, AsyncClient)):
            raise TypeError(f"a client has its options already: {', '.join(options)}")
        self._arguments = (memory,) if isinstance(memory, str) else ()
        self._options = options if isinstance(memory, str) else {"key_id": KEY_ID, **options}
        self._client = memory if isinstance(memory, Client) else None
        self._async_client = memory if isinstance(memory, AsyncClient) else None
        self._makes_clients = not isinstance(memory, (Client, AsyncClient))
        self._lock = threading.Lock()
        if self._makes_clients:
            # What is wrong with the options is told now. It connects with its first call.
            self._client = Client(*self._arguments, **self._options)

    def run(self, steps: Steps[Result]) -> Result:
        if self._client is None:
            steps.close()
            raise TypeError("an AsyncClient does not wait: use the async methods, or give a Client or a URL")
        try:
            calls = next(steps)
            while True:
                calls = steps.send(_outcomes(self._client, calls))
        except StopIteration as end:
            result: Result = end.value
            return result

    async def run_async(self, steps: Steps[Result]) -> Result:
        client = self._asynchronous()
        if client is None:
            return await asyncio.to_thread(self.run, steps)
        try:
            calls = next(steps)
            while True:
                outcomes = await asyncio.gather(*[_outcome_async(client, call) for call in calls])
                calls = steps.send(list(outcomes))
        except StopIteration as end:
            result: Result = end.value
            return result

    def close(self) -> None:
        """Ends the connections that are its own, but for those of event loops: ``aclose`` ends them, too."""
        if self._makes_clients and self._client is not None:
            self._client.close()

    async def aclose(self) -> None:
        if self._makes_clients:
            if self._async_client is not None:
                await self._async_client.close()
            await asyncio.to_thread(self.close)

    def _asynchronous(self) -> AsyncClient | None:
        if self._makes_clients and self._async_client is None:
            with self._lock:
                if self._async_client is None:
                    self._async_client = AsyncClient(*self._arguments, **self._options)
        return self._async_client


def _outcomes(client: Client, calls: Sequence[Call]) -> list[Any]:
    if len(calls) < 2:
        return [_outcome(client, call) for call in calls]
    with ThreadPoolExecutor(min(_THREADS_MAX, len(calls))) as threads:
        return list(threads.map(lambda call: _outcome(client, call), calls))


def _outcome(client: Client, call: Call) -> Any:
    try:
        return call(client)
    except ContextManagerError as error:
        return error


async def _outcome_async(client: AsyncClient, call: Call) -> Any:
    try:
        return await call(client)
    except ContextManagerError as error:
        return error
