"""What the engine needs, from asyncio: one for each event loop."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from .engine.runtime import Address, StreamHandler
from .payloads import now_ms

#: Past this many bytes that the socket has not taken, calls wait in the client's own queue.
_BUFFERED_BYTES_MAX = 4 * 1024 * 1024


class AsyncioRuntime:
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tls: ssl.SSLContext | None,
        tls_server_name: str | None,
        on_loop_end: Callable[[], None],
    ) -> None:
        self.loop = loop
        self._tls = tls
        self._tls_server_name = tls_server_name
        self._streams: set[AsyncioStream] = set()
        #: No time is left for the end of TLS.
        self.is_ending = False
        # An event loop ends its asynchronous generators before itself: connections then end as they should.
        self._guard = _until_loop_ends(on_loop_end)
        _step(self._guard.__anext__())

    now_ms = staticmethod(now_ms)
    random_bytes = staticmethod(os.urandom)

    def monotonic_ms(self) -> float:
        return time.monotonic() * 1_000

    def call_soon(self, task: Callable[[], None]) -> None:
        self.loop.call_soon(task)

    def call_later(self, delay_ms: float, task: Callable[[], None]) -> Callable[[], None]:
        return self.loop.call_later(delay_ms / 1_000, task).cancel

    def open_stream(self, address: Address, handler: StreamHandler) -> AsyncioStream:
        stream = AsyncioStream(self, handler)
        stream.open(address, self._tls, self._tls_server_name or address.host)
        return stream

    def stop(self) -> None:
        """The loop's end is nothing to wait for any more."""
        _step(self._guard.aclose())

    def abandon(self) -> None:
        """Closes the sockets themselves: the loop is closed, or another process' own."""
        for stream in list(self._streams):
            stream.close_socket()

    def keep(self, stream: AsyncioStream) -> None:
        self._streams.add(stream)

    def release(self, stream: AsyncioStream) -> None:
        self._streams.discard(stream)


async def _until_loop_ends(on_loop_end: Callable[[], None]) -> AsyncGenerator[None, None]:
    try:
        yield
    except GeneratorExit:
        on_loop_end()
        raise


def _step(coroutine: object) -> None:
    """Runs a coroutine that awaits nothing."""
    with suppress(StopIteration):
        coroutine.send(None)  # type: ignore[attr-defined]


class AsyncioStream(asyncio.Protocol):
    def __init__(self, runtime: AsyncioRuntime, handler: StreamHandler) -> None:
        self._runtime = runtime
        self._handler = handler
        self._socket: socket.socket | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._is_over = False
        self.is_full = False

    def open(self, address: Address, tls: ssl.SSLContext | None, server_name: str) -> None:
        self._runtime.keep(self)
        self._opening = self._runtime.loop.create_task(self._open(address, tls, server_name))

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def end(self) -> None:
        if self._runtime.is_ending:
            return self.abort()
        self._finish(lambda transport: transport.close())

    def abort(self) -> None:
        self._finish(lambda transport: transport.abort())

    def close_socket(self) -> None:
        self._is_over = True
        self._runtime.release(self)
        if self._socket is not None:
            self._socket.close()

    def _finish(self, finish: Callable[[asyncio.WriteTransport], None]) -> None:
        self._is_over = True
        self._runtime.release(self)
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        if self._transport is not None:
            finish(self._transport)

    async def _open(self, address: Address, tls: ssl.SSLContext | None, server_name: str) -> None:
        loop = self._runtime.loop
        try:
            # A socket of our own: that of a transport cannot be closed once its loop is.
            self._socket = await _connected(loop, address)
            await loop.create_connection(
                lambda: self, sock=self._socket, ssl=tls, server_hostname=None if tls is None else server_name
            )
        except asyncio.CancelledError:
            # By `abort`, or by the loop's end: nobody is told.
            self._drop()
            raise
        except Exception as error:
            self._opening = None
            self._drop()
            self._end(error)
        else:
            self._opening = None

    def _drop(self) -> None:
        if self._socket is not None and self._transport is None:
            self._socket.close()

    def _end(self, cause: BaseException | None) -> None:
        self._runtime.release(self)
        if not self._is_over:
            self._is_over = True
            self._handler.on_closed(cause)

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        if self._is_over:
            return transport.abort()
        transport.set_write_buffer_limits(high=_BUFFERED_BYTES_MAX)

    def data_received(self, data: bytes) -> None:
        if not self._is_over:
            self._handler.on_data(data)

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        if not self._is_over:
            self._handler.on_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)


async def _connected(loop: asyncio.AbstractEventLoop, address: Address) -> socket.socket:
    """To the first of the host's addresses that takes it."""
    failure: OSError | None = None
    infos = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, target in infos:
        connecting = socket.socket(family, kind, protocol)
        try:
            connecting.setblocking(False)
            # Writes are joined per tick already; waiting for more would only delay them.
            connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(connecting, target)
            return connecting
        except OSError as error:
            connecting.close()
            failure = error
        except BaseException:
            connecting.close()
            raise
    raise failure or OSError(f"{address.host} has no address")
