"""The client that waits."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TypeVar

from .base_client import BaseClient
from .engine.call import Call
from .engine.pool import closed_error
from .engine.requester import Requester
from .engine.retry import is_retry_safe
from .errors import ContextManagerError
from .facts_client import FactsClient
from .methods_generated import Methods
from .operation import Operation
from .operations_generated import OPERATIONS
from .options import CLOSE_TIMEOUT_MS, ClientOptions, check_call, check_close
from .payloads import complete
from .session_client import SessionClient
from .thread_runtime import ThreadRuntime

Reply = TypeVar("Reply")
Self = TypeVar("Self", bound="Client")

#: Deadlines are kept by the thread that reads. Where it should ever be gone, nobody waits for ever.
_GRACE_S = 60.0


class Client(BaseClient, Methods):
    """A client whose methods wait for the reply. Every method raises ``ContextManagerError``.

    It may be used by many threads at once: their calls share the connections, and none waits for another's reply. It
    has sockets and a thread of its own, so it works inside of a running event loop as well (which it holds up:
    ``AsyncClient`` does not), and after a fork, where the child makes connections of its own.

    ``with`` connects, and closes in the end; without it, the first call connects.
    """

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._engine: _Engine | None = None
        self._finalizer: Any = None

    def _reset_after_fork(self) -> None:
        engine, finalizer = self._engine, self._finalizer
        self._begin()
        if finalizer is not None:
            finalizer.detach()
        if engine is not None:
            engine.runtime.abandon()

    @property
    def facts(self) -> FactsClient:
        """What is known of the world: ``put``, ``list``, ``around`` and ``delete``."""
        return FactsClient(self)

    def session(self, id: str, *, agent_id: str | None = None, namespace: str | None = None) -> SessionClient:
        """A session of the client's own agent, or of the one that is named."""
        return SessionClient(self, id, agent_id, namespace)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces that the key may use, as the server last said; ``("*",)`` where it may use every one."""
        engine = self._engine
        return () if engine is None else engine.requester.namespaces

    def connect(self: Self) -> Self:
        """Connects now. Raises ``CONNECTION_FAILED`` where nobody answers, ``AUTH_FAILED`` where either side cannot
        prove that it knows the secret. Connections that are lost later are made again by themselves."""
        engine = self._running_engine()
        started = threading.Event()
        failures: list[ContextManagerError] = []

        def on_start(error: ContextManagerError | None) -> None:
            if error is not None:
                failures.append(error)
            started.set()

        try:
            with engine.runtime.entered():
                engine.requester.start(on_start)
            started.wait()
            if failures:
                raise failures[0].fresh()
        except BaseException:
            # Nothing goes on behind the back of whoever was told that it failed, or did not wait.
            self._forget(engine)
            engine.end()
            raise
        return self

    def request(
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
        reply: dict[str, Any] = self._made(type, fields, is_safe, timeout_ms, traceparent)
        return reply

    def close(self, *, timeout_ms: float = CLOSE_TIMEOUT_MS) -> None:
        """Takes no more calls, waits for those under way, up to ``timeout_ms``, and ends the connections."""
        check_close(timeout_ms)
        self._closed = True
        engine = self._engine
        if engine is None:
            return
        done = threading.Event()
        try:
            with engine.runtime.entered():
                engine.requester.close(timeout_ms, done.set)
            done.wait()
        finally:
            self._forget(engine)
            engine.end()
            engine.runtime.join()

    def __enter__(self: Self) -> Self:
        return self.connect()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _call(
        self, operation: Operation[Reply], fields: dict[str, Any], timeout_ms: float | None, traceparent: str | None
    ) -> Reply:
        if timeout_ms is not None or traceparent is not None:
            check_call(operation.type, fields, timeout_ms, traceparent)
        payload = complete(operation, fields, self._options.namespace) if fields else fields
        is_safe = is_retry_safe(operation, payload)
        return operation.reply(self._made(operation.type, payload, is_safe, timeout_ms, traceparent))

    def _made(
        self, type: str, payload: dict[str, Any], is_safe: bool, timeout_ms: float | None, traceparent: str | None
    ) -> Any:
        engine = self._engine or self._running_engine()
        runtime = engine.runtime
        left_ms = self._options.timeout_ms if timeout_ms is None else timeout_ms
        call = _WaitingCall(type, payload, runtime.monotonic_ms() + left_ms, is_safe, traceparent)
        try:
            with runtime.lock:
                engine.requester.submit(call)
                runtime.run_soon()
            if not call.done.acquire(timeout=min(left_ms / 1_000 + _GRACE_S, threading.TIMEOUT_MAX)):
                raise ContextManagerError("TIMEOUT", "no answer came in time", details={"sent": True})
        except BaseException:
            with runtime.entered():
                engine.requester.give_up(call)
            raise
        if call.error is not None:
            raise call.error
        return call.payload_of_reply

    def _running_engine(self) -> _Engine:
        with self._lock:
            if self._closed:
                raise closed_error()
            if self._engine is None:
                self._engine = engine = _Engine(self._options)
                # Whoever forgets to close a client does not keep its thread.
                self._finalizer = weakref.finalize(self, engine.end)
                engine.runtime.start()
            return self._engine

    def _forget(self, engine: _Engine) -> None:
        with self._lock:
            if self._engine is engine:
                self._engine = None
                if self._finalizer is not None:
                    self._finalizer.detach()


class _WaitingCall(Call):
    def __init__(
        self, type: str, payload: Mapping[str, Any], deadline_at_ms: float, retry_safe: bool, traceparent: str | None
    ) -> None:
        super().__init__(type, payload, deadline_at_ms, retry_safe, traceparent)
        #: Free once there is an outcome.
        self.done = threading.Lock()
        self.done.acquire()
        self.payload_of_reply: Any = None
        self.error: ContextManagerError | None = None

    def resolve(self, payload: Any) -> None:
        self.payload_of_reply = payload
        self.done.release()

    def reject(self, error: ContextManagerError) -> None:
        self.error = error
        self.done.release()


class _Engine:
    """What serves the calls of one process."""

    def __init__(self, options: ClientOptions) -> None:
        pool = options.pool
        self.runtime = ThreadRuntime(options.tls, options.tls_server_name, pool.connect_timeout_ms)
        self.requester = Requester(pool, options.queued_max, self.runtime)

    def end(self) -> None:
        """At once."""
        with self.runtime.entered():
            self.requester.destroy(closed_error())
        self.runtime.stop()
