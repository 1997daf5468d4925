"""Sees every call through: finds it a connection, makes it again where that is safe, ends it in time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

from ..errors import ContextManagerError, caused, to_client_error
from .call import PAUSING, QUEUED, SETTLED, Call
from .deadlines import Deadlines
from .link import Link
from .pool import Pool, PoolOptions, closed_error
from .retry import FAILURES_MAX, backoff_ms, is_refusal
from .runtime import Runtime


class Requester:
    """Not for several threads at once: whoever has threads holds a lock around every call of it, and of its
    callbacks."""

    def __init__(self, options: PoolOptions, queued_max: float, runtime: Runtime) -> None:
        self._backoff = options.backoff
        self._runtime = runtime
        #: Calls that wait for a connection or for their next attempt; one more is refused with `QUEUE_FULL`.
        self._queued_max = queued_max
        self._pool = Pool(options, runtime, self)
        self._deadlines = Deadlines(runtime, self._calls, self._on_expired)
        # In the order they came; one may leave from the middle.
        self._queue: OrderedDict[Call, None] = OrderedDict()
        #: Calls between two attempts.
        self._pausing: dict[Call, None] = {}
        #: Why no connection could be made last; None: one was.
        self._connect_failure: ContextManagerError | None = None
        self._is_closing = False
        self._started = False
        #: Told of the first connection, or of the failure to make it.
        self._on_start: list[Callable[[ContextManagerError | None], None]] = []
        self._on_idle: Callable[[], None] | None = None
        #: Of those who wait in ``close``: what each is told by, and what undoes its timer.
        self._closers: list[tuple[Callable[[], None], Callable[[], None]]] = []

    @property
    def namespaces(self) -> tuple[str, ...]:
        return self._pool.namespaces

    @property
    def outstanding(self) -> int:
        """Calls that are neither answered nor given up."""
        return self._pool.in_flight_count + self._waiting_count

    def start(self, on_start: Callable[[ContextManagerError | None], None] | None = None) -> None:
        """Begins to connect, where that was not begun yet."""
        if self._is_closing:
            if on_start is not None:
                on_start(closed_error())
            return
        if on_start is not None:
            if self._pool.is_ready:
                on_start(None)
            else:
                self._on_start.append(on_start)
        if not self._started:
            self._started = True
            self._pool.start()

    def submit(self, call: Call) -> None:
        if self._is_closing:
            return self._refuse(call, closed_error())
        if not self._started:
            self.start()
        self._place(call)
        if call.deadline_at_ms < self._deadlines.armed_at_ms:
            self._deadlines.watch(call.deadline_at_ms)

    def give_up(self, call: Call) -> None:
        """Nobody waits for it any more. The connection stays; a late reply is passed over."""
        if call.state != SETTLED:
            self._settle(call)

    def close(self, timeout_ms: float, on_done: Callable[[], None]) -> None:
        """Takes no more calls, waits up to ``timeout_ms`` for those under way, then ends every connection."""
        self._is_closing = True
        self._tell_start(closed_error())
        if not self.outstanding or timeout_ms <= 0:
            self.destroy(closed_error())
            return on_done()
        self._closers.append((on_done, self._runtime.call_later(timeout_ms, self._end_close)))
        self._on_idle = self._end_close

    def _end_close(self) -> None:
        """Whoever waited least ends it for all: nobody's timer runs after the end."""
        self._on_idle = None
        closers, self._closers = self._closers, []
        for _, cancel in closers:
            cancel()
        self.destroy(closed_error())
        for on_done, _ in closers:
            on_done()

    def destroy(self, error: ContextManagerError) -> None:
        """Ends everything at once; connections that wait for nothing end as they should."""
        self._is_closing = True
        self._tell_start(error)
        for call in list(self._calls()):
            self._refuse(call, error)
        self._deadlines.stop()
        self._pool.destroy()

    def _calls(self) -> Iterator[Call]:
        yield from self._pool.calls()
        yield from self._pausing
        yield from self._queue

    @property
    def _waiting_count(self) -> int:
        return len(self._pausing) + len(self._queue)

    def _tell_start(self, error: ContextManagerError | None) -> None:
        waiting, self._on_start = self._on_start, []
        for on_start in waiting:
            on_start(error)

    def _place(self, call: Call) -> None:
        """Sends a call, or lets it wait for room."""
        link = None if self._queue else self._pool.pick()
        if link is not None:
            return self._send(call, link)
        if self._waiting_count >= self._queued_max:
            full = ContextManagerError("QUEUE_FULL", "too many calls wait for a connection", retryable=True)
            return self._refuse(call, full)
        call.state = QUEUED
        self._queue[call] = None

    def _send(self, call: Call, link: Link) -> None:
        try:
            link.send(call, call.deadline_at_ms - self._runtime.monotonic_ms())
        except Exception as error:
            self._refuse(call, to_client_error(error))

    # The pool's side.

    def on_ready(self) -> None:
        self._connect_failure = None
        self._tell_start(None)

    def on_room(self) -> None:
        queue = self._queue
        while queue:
            link = self._pool.pick()
            if link is None:
                return
            call, _ = queue.popitem(last=False)
            self._send(call, link)

    def on_reply(self, call: Call, payload: object) -> None:
        call.state = SETTLED
        call.resolve(payload)
        if self._on_idle is not None and not self.outstanding:
            self._on_idle()

    def on_error_reply(self, call: Call, error: ContextManagerError) -> None:
        """Section 6: with every retryable code nothing was done, so that any request may be made again."""
        if error.retryable and error.code != "DEADLINE_EXCEEDED":
            self._try_again(call, error, error)
        else:
            self._refuse(call, error)

    def on_closed(self, error: ContextManagerError, unanswered: list[Call], unsent: list[Call]) -> None:
        for call in unsent:
            self._try_again(call, error, _lost_while(call, error))
        for call in unanswered:
            call.sent = True
            if call.retry_safe:
                self._try_again(call, error, _lost_while(call, error))
            else:
                self._refuse(call, _lost_while(call, error))

    def on_connect_failed(self, error: ContextManagerError) -> None:
        self._connect_failure = error
        self._tell_start(error)
        if not is_refusal(error) or self._pool.is_hopeful:
            return
        # The server does not want this client: waiting would only hide it from the callers.
        for call in list(self._queue):
            self._refuse(call, error)

    def _try_again(self, call: Call, error: ContextManagerError, refusal: ContextManagerError) -> None:
        """Another attempt after a pause, or ``refusal`` where there is no time or no room for one."""
        if call.state == SETTLED:
            return
        call.failures += 1
        call.last_error = error
        delay_ms = max(
            error.retry_after_ms or 0.0, backoff_ms(self._backoff, call.failures, self._runtime.random_bytes)
        )
        has_time = self._runtime.monotonic_ms() + delay_ms < call.deadline_at_ms
        if not has_time or call.failures > FAILURES_MAX or self._waiting_count >= self._queued_max:
            return self._refuse(call, refusal)
        call.state = PAUSING
        self._pausing[call] = None

        def again() -> None:
            self._end_pause(call)
            self._place(call)

        call.cancel_pause = self._runtime.call_later(delay_ms, again)

    def _on_expired(self, call: Call) -> None:
        sent = call.sent or (call.link is not None and call.link.has_written(call))
        message = "no answer came in time" if sent else "no connection took the call in time"
        cause = (self._connect_failure if call.state == QUEUED else None) or call.last_error
        late = ContextManagerError(
            "TIMEOUT",
            message if cause is None else f"{message}: {cause.message}",
            retryable=call.retry_safe or not sent,
            details={"sent": sent},
        )
        self._refuse(call, caused(late, cause))

    def _refuse(self, call: Call, error: ContextManagerError) -> None:
        if call.state == SETTLED:
            return
        self._settle(call)
        call.reject(error.fresh())

    def _settle(self, call: Call) -> None:
        """Takes a call out of wherever it is."""
        if call.state == QUEUED:
            self._queue.pop(call, None)
        elif call.state == PAUSING:
            self._end_pause(call)
        call.state = SETTLED
        if call.link is not None:
            call.link.forget(call)
        if self._on_idle is not None and not self.outstanding:
            self._on_idle()

    def _end_pause(self, call: Call) -> None:
        self._pausing.pop(call, None)
        if call.cancel_pause is not None:
            call.cancel_pause()
            call.cancel_pause = None


def _lost_while(call: Call, cause: ContextManagerError) -> ContextManagerError:
    if cause.code == "CLOSED":
        return cause
    lost = ContextManagerError(
        "CONNECTION_LOST",
        f"{cause.message}, and no reply had come",
        retryable=call.retry_safe or not call.sent,
        details={"sent": call.sent},
    )
    return caused(lost, cause)
