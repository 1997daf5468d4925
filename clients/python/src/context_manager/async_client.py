"""The client for asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar

from .async_methods_generated import AsyncMethods
from .asyncio_runtime import AsyncioRuntime
from .base_client import BaseClient
from .engine.call import Call
from .engine.pool import closed_error
from .engine.requester import Requester
from .engine.retry import is_retry_safe
from .errors import ContextManagerError
from .facts_client import AsyncFactsClient
from .operation import Operation
from .operations_generated import OPERATIONS
from .options import CLOSE_TIMEOUT_MS, ClientOptions, check_call, check_close
from .payloads import complete
from .session_client import AsyncSessionClient

Reply = TypeVar("Reply")
Self = TypeVar("Self", bound="AsyncClient")


class AsyncClient(BaseClient, AsyncMethods):
    """A client for asyncio. Every method raises ``ContextManagerError``, and nothing else but ``CancelledError``.

    Calls may be made at any time, many at once: they share the connections, and wait for one while none is there. A
    call that is cancelled leaves the connection as it is. A client may be made outside of any event loop, and used in
    several, one after the other or at once in several threads: each has connections of its own.

    ``async with`` connects, and closes in the end; without it, the first call connects.
    """

    def _reset_after_fork(self) -> None:
        engines = list(self._engines.values())
        self._begin()
        for engine in engines:
            engine.abandon()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._engines: dict[asyncio.AbstractEventLoop, _Engine] = {}
        #: That of the loop that asked last.
        self._latest: _Engine | None = None

    @property
    def facts(self) -> AsyncFactsClient:
        """What is known of the world: ``put``, ``list``, ``around`` and ``delete``."""
        return AsyncFactsClient(self)

    def session(self, id: str, *, agent_id: str | None = None, namespace: str | None = None) -> AsyncSessionClient:
        """A session of the client's own agent, or of the one that is named."""
        return AsyncSessionClient(self, id, agent_id, namespace)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces that the key may use, as the server last said; ``("*",)`` where it may use every one."""
        return () if self._latest is None else self._latest.requester.namespaces

    async def connect(self: Self) -> Self:
        """Connects now. Raises ``CONNECTION_FAILED`` where nobody answers, ``AUTH_FAILED`` where either side cannot
        prove that it knows the secret. Connections that are lost later are made again by themselves."""
        engine = self._engine()
        started: asyncio.Future[None] = engine.loop.create_future()

        def on_start(error: ContextManagerError | None) -> None:
            if started.done():
                return
            if error is None:
                started.set_result(None)
            else:
                started.set_exception(error.fresh())

        engine.requester.start(on_start)
        try:
            await started
        except BaseException:
            # Nothing goes on behind the back of whoever was told that it failed, or did not wait.
            self._forget(engine)
            engine.end(closed_error())
            raise
        return self

    async def request(
        self,
        type: str,
        payload: Mapping[str, Any] | None = None,
        *,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> dict[str, Any]:
        """Any request as it is: nothing is added to the payload, so a store without id is not repeated."""
        fields: Any = {} if payload is None else dict(payload) if isinstance(payload, Mapping) else payload
        check_call(type, fields, timeout_ms, traceparent)
        operation = OPERATIONS.get(type)
        is_safe = operation is not None and is_retry_safe(operation, fields)
        call = self._submitted(type, fields, is_safe, timeout_ms, traceparent)
        try:
            reply: dict[str, Any] = await call.future
        except asyncio.CancelledError:
            call.give_up(call)
            raise
        return reply

    async def close(self, *, timeout_ms: float = CLOSE_TIMEOUT_MS) -> None:
        """Takes no more calls, waits for those under way, up to ``timeout_ms``, and ends the connections."""
        check_close(timeout_ms)
        self._closed = True
        with self._lock:
            engines, self._engines, self._latest = self._engines, {}, None
        own = engines.pop(asyncio.get_running_loop(), None)
        for engine in engines.values():
            engine.end_from_elsewhere()
        if own is not None:
            done = asyncio.Event()
            own.requester.close(timeout_ms, done.set)
            try:
                await done.wait()
            finally:
                own.end(closed_error())

    async def __aenter__(self: Self) -> Self:
        return await self.connect()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(
        self, operation: Operation[Reply], fields: dict[str, Any], timeout_ms: float | None, traceparent: str | None
    ) -> Reply:
        if timeout_ms is not None or traceparent is not None:
            check_call(operation.type, fields, timeout_ms, traceparent)
        payload = complete(operation, fields, self._options.namespace) if fields else fields
        is_safe = operation.repeat == "always" or is_retry_safe(operation, payload)
        call = self._submitted(operation.type, payload, is_safe, timeout_ms, traceparent)
        try:
            reply = await call.future
        except asyncio.CancelledError:
            call.give_up(call)
            raise
        return operation.reply(reply)

    def _submitted(
        self, type: str, payload: dict[str, Any], is_safe: bool, timeout_ms: float | None, traceparent: str | None
    ) -> _AsyncCall:
        engine = self._latest
        if engine is None or engine.loop is not asyncio.get_running_loop():
            engine = self._engine()
        left_ms = self._options.timeout_ms if timeout_ms is None else timeout_ms
        call = _AsyncCall(type, payload, engine.runtime.monotonic_ms() + left_ms, is_safe, traceparent)
        call.future = engine.loop.create_future()
        call.give_up = engine.requester.give_up
        engine.requester.submit(call)
        return call

    def _engine(self) -> _Engine:
        loop = asyncio.get_running_loop()
        latest = self._latest
        if latest is not None and latest.loop is loop:
            return latest
        if self._closed:
            raise closed_error()
        with self._lock:
            for other, engine in list(self._engines.items()):
                if other.is_closed():
                    del self._engines[other]
                    engine.abandon()
            if loop not in self._engines:
                self._engines[loop] = _Engine(self._options, loop, self._forget)
            self._latest = self._engines[loop]
            return self._latest

    def _forget(self, engine: _Engine) -> None:
        with self._lock:
            self._engines.pop(engine.loop, None)
            if self._latest is engine:
                self._latest = None


class _AsyncCall(Call):
    future: asyncio.Future[Any]
    give_up: Callable[[Call], None]

    def resolve(self, payload: Any) -> None:
        if not self.future.done():
            self.future.set_result(payload)

    def reject(self, error: ContextManagerError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Engine:
    """What serves the calls of one event loop."""

    def __init__(
        self, options: ClientOptions, loop: asyncio.AbstractEventLoop, forget: Callable[[_Engine], None]
    ) -> None:
        self._forget = forget
        self._is_over = False
        self.loop = loop
        self.runtime = AsyncioRuntime(loop, options.tls, options.tls_server_name, self._on_loop_end)
        self.requester = Requester(options.pool, options.queued_max, self.runtime)

    def end(self, error: ContextManagerError) -> None:
        """At once."""
        if self._is_over:
            return
        self._is_over = True
        self.requester.destroy(error)
        self.runtime.stop()

    def end_from_elsewhere(self) -> None:
        loop = self.loop
        try:
            loop.call_soon_threadsafe(self.end, closed_error())
        except RuntimeError:
            # It is closed.
            self.abandon()

    def abandon(self) -> None:
        self._is_over = True
        self.runtime.abandon()

    def _on_loop_end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._forget(self)
            self.runtime.is_ending = True
            self.requester.destroy(ContextManagerError("CLOSED", "the event loop ended"))
