"""What the engine needs, from a thread of its own: sockets, timers, and one lock around it all."""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from heapq import heappop, heappush
from itertools import count

from .engine.runtime import Address, StreamHandler
from .payloads import now_ms

_READ_BYTES = 256 * 1024
#: Past this many bytes that the socket has not taken, calls wait in the client's own queue.
_BUFFERED_BYTES_MAX = 4 * 1024 * 1024
_WAIT_S_MAX = 3_600.0
#: How long the end of a client waits until the last bytes are written.
_FLUSH_S_MAX = 1.0
_THREAD_NAME = "context-manager-client"


class _Timer:
    __slots__ = ("at_s", "task")

    def __init__(self, at_s: float, task: Callable[[], None]) -> None:
        self.at_s = at_s
        self.task: Callable[[], None] | None = task

    def cancel(self) -> None:
        self.task = None


class ThreadRuntime:
    """Everything of it, and all that it calls, runs under ``lock``: whoever comes from outside enters by ``entered``.

    Requests are written by the threads that make them; one thread reads, and runs the timers. Hosts are looked up and
    connected to in threads that last as long as that takes.
    """

    def __init__(self, tls: ssl.SSLContext | None, tls_server_name: str | None, connect_timeout_ms: float) -> None:
        self.lock = threading.Lock()
        self._tls = tls
        self._tls_server_name = tls_server_name
        self._connect_timeout_s = min(connect_timeout_ms / 1_000, _WAIT_S_MAX)
        self._soon: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, _Timer]] = []
        self._timer_numbers = count()
        #: When the thread wakes by itself.
        self._wakes_at_s = 0.0
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._streams: set[ThreadStream] = set()
        self._thread: threading.Thread | None = None
        self._ends_at_s: float | None = None

    now_ms = staticmethod(now_ms)
    random_bytes = staticmethod(os.urandom)

    def monotonic_ms(self) -> float:
        return time.monotonic() * 1_000

    def call_soon(self, task: Callable[[], None]) -> None:
        self._soon.append(task)

    def call_later(self, delay_ms: float, task: Callable[[], None]) -> Callable[[], None]:
        timer = _Timer(time.monotonic() + delay_ms / 1_000, task)
        heappush(self._timers, (timer.at_s, next(self._timer_numbers), timer))
        if timer.at_s < self._wakes_at_s:
            self.wake()
        return timer.cancel

    def open_stream(self, address: Address, handler: StreamHandler) -> ThreadStream:
        stream = ThreadStream(self, handler)
        self._streams.add(stream)
        arguments = (stream, address, self._tls, self._tls_server_name or address.host, self._connect_timeout_s)
        opener = threading.Thread(target=_open, args=arguments, name=f"{_THREAD_NAME}-opener", daemon=True)
        try:
            opener.start()
        except RuntimeError as error:
            # The interpreter is ending, or there are too many.
            failure = error
            self.call_soon(lambda: stream.failed(failure))
        return stream

    @contextmanager
    def entered(self) -> Iterator[None]:
        """From outside; what was put off until soon is done before the lock is given back."""
        with self.lock:
            try:
                yield
            finally:
                self.run_soon()

    def run_soon(self) -> None:
        soon = self._soon
        while soon:
            soon.popleft()()

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=_THREAD_NAME, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread once what is written has left, or at once where it has ended already."""
        with self.lock:
            if self._ends_at_s is None:
                self._ends_at_s = time.monotonic() + _FLUSH_S_MAX
            if self._thread is None:
                self._close()
            else:
                self.wake()

    def join(self) -> None:
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2 * _FLUSH_S_MAX)

    def abandon(self) -> None:
        """In a forked child: nothing of the parent's is told anything, the child's copies are closed."""
        for stream in self._streams:
            stream.close_socket()
        self._close()

    def wake(self) -> None:
        with suppress(OSError):
            self._waker.send(b"\0")

    # Of the streams.

    def release(self, stream: ThreadStream) -> None:
        self._streams.discard(stream)

    def watch(self, stream: ThreadStream, socket_: socket.socket, events: int) -> None:
        try:
            self._selector.modify(socket_, events, stream)
        except KeyError:
            self._selector.register(socket_, events, stream)

    def unwatch(self, socket_: socket.socket) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(socket_)

    # Of the thread.

    def _run(self) -> None:
        try:
            while not self._is_over():
                with self.lock:
                    wait_s = self._run_timers()
                ready = self._selector.select(wait_s)
                with self.lock:
                    self._wakes_at_s = 0.0
                    for key, events in ready:
                        if key.data is None:
                            self._drain_waker()
                        else:
                            key.data.on_ready(events)
                    self.run_soon()
        finally:
            with self.lock:
                self._close()

    def _is_over(self) -> bool:
        if self._ends_at_s is None:
            return False
        with self.lock:
            return not any(stream.is_flushing for stream in self._streams) or time.monotonic() >= self._ends_at_s

    def _run_timers(self) -> float:
        timers = self._timers
        while timers and (timers[0][2].task is None or timers[0][0] <= time.monotonic()):
            task = heappop(timers)[2].task
            if task is not None:
                task()
        self.run_soon()
        ends_at_s = time.monotonic() + _WAIT_S_MAX if self._ends_at_s is None else self._ends_at_s
        self._wakes_at_s = min(timers[0][0], ends_at_s) if timers else ends_at_s
        return max(0.0, self._wakes_at_s - time.monotonic())

    def _drain_waker(self) -> None:
        with suppress(OSError):
            while self._woken.recv(4096):
                pass

    def _close(self) -> None:
        for stream in list(self._streams):
            stream.close_socket()
        self._streams.clear()
        self._selector.close()
        self._waker.close()
        self._woken.close()


def _open(
    stream: ThreadStream, address: Address, tls: ssl.SSLContext | None, server_name: str, timeout_s: float
) -> None:
    """In a thread of its own."""
    try:
        opened = socket.create_connection(address, timeout_s)
        try:
            # Requests are written as they are made; waiting for more would only delay them.
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                opened = tls.wrap_socket(opened, server_hostname=server_name)
            opened.setblocking(False)
        except BaseException:
            opened.close()
            raise
    except Exception as error:
        with stream.runtime.entered():
            stream.failed(error)
    else:
        with stream.runtime.entered():
            stream.opened(opened)
    stream.runtime.wake()


class ThreadStream:
    def __init__(self, runtime: ThreadRuntime, handler: StreamHandler) -> None:
        self.runtime = runtime
        self._handler = handler
        self._socket: socket.socket | None = None
        self._unsent: deque[memoryview] = deque()
        self._unsent_bytes = 0
        self._is_watched_for_room = False
        self._is_ending = False
        self._is_over = False

    @property
    def is_full(self) -> bool:
        return self._unsent_bytes >= _BUFFERED_BYTES_MAX

    @property
    def is_flushing(self) -> bool:
        return self._unsent_bytes > 0

    def write(self, data: bytes) -> None:
        if self._is_over or self._is_ending:
            return
        self._unsent.append(memoryview(data))
        self._unsent_bytes += len(data)
        self._send()

    def end(self) -> None:
        self._is_ending = True
        if not self._unsent:
            self.abort()

    def abort(self) -> None:
        self._is_over = True
        self.runtime.release(self)
        if self._socket is not None:
            self.runtime.unwatch(self._socket)
        self.close_socket()

    def close_socket(self) -> None:
        self._is_over = True
        self._unsent.clear()
        self._unsent_bytes = 0
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def opened(self, opened: socket.socket) -> None:
        if self._is_over:
            return opened.close()
        self._socket = opened
        self.runtime.watch(self, opened, selectors.EVENT_READ)
        if isinstance(opened, ssl.SSLSocket):
            # What came with the last of the handshake lies within, and wakes nobody.
            self._receive()

    def failed(self, cause: BaseException) -> None:
        if self._is_over:
            return
        self.abort()
        # Nobody is left to tell where it was ending anyway.
        if not self._is_ending:
            self._handler.on_closed(cause)

    def on_ready(self, events: int) -> None:
        if self._is_over:
            return
        if events & selectors.EVENT_WRITE:
            self._send()
        if events & selectors.EVENT_READ and not self._is_over:
            self._receive()

    def _receive(self) -> None:
        while self._socket is not None:
            try:
                data = self._socket.recv(_READ_BYTES)
            except (BlockingIOError, InterruptedError, ssl.SSLWantReadError):
                return
            except ssl.SSLWantWriteError:
                return self._watch_for_room(True)
            except OSError as error:
                return self.failed(error)
            if not data:
                return self._ended()
            if not self._is_ending:
                self._handler.on_data(data)
            if len(data) < _READ_BYTES and not isinstance(self._socket, ssl.SSLSocket):
                return

    def _ended(self) -> None:
        was_ending = self._is_ending
        self.abort()
        if not was_ending:
            self._handler.on_closed(None)

    def _send(self) -> None:
        was_full = self.is_full
        while self._unsent and self._socket is not None:
            try:
                sent = self._socket.send(self._unsent[0])
            except (BlockingIOError, InterruptedError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                return self._watch_for_room(True)
            except OSError as error:
                return self._fail_soon(error)
            self._unsent_bytes -= sent
            first = self._unsent.popleft()
            if sent < len(first):
                self._unsent.appendleft(first[sent:])
        self._watch_for_room(False)
        if self._is_ending:
            self.abort()
        elif was_full and not self.is_full:
            self._handler.on_room()

    def _fail_soon(self, cause: OSError) -> None:
        """Whoever writes is in the middle of something, and told when that is done."""
        self._unsent.clear()
        self._unsent_bytes = 0
        self.runtime.call_soon(lambda: self.failed(cause))

    def _watch_for_room(self, wanted: bool) -> None:
        if wanted == self._is_watched_for_room or self._socket is None:
            return
        self._is_watched_for_room = wanted
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wanted else 0)
        self.runtime.watch(self, self._socket, events)
        self.runtime.wake()
