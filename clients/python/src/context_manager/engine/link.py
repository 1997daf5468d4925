"""One connection over one stream, with the calls that are in flight on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from ..errors import ContextManagerError, caused, to_client_error
from ..protocol import Connection, GoingAway, Identity, Refused, Replied, Welcomed
from .call import IN_FLIGHT, Call
from .runtime import Address, Runtime

#: A connection that silence has lasted on for so many heartbeats is lost (section 3).
_SILENT_HEARTBEATS = 3
#: Of a frame that is still coming after so many heartbeats less than this has come, in bytes a second: its length is
#: not what was sent, and it swallows the frames behind it, whose bytes look like signs of life.
_SLOWEST_FRAME_RATE = 1024
#: Past this many bytes that the stream was not given yet, calls wait in the client's own queue.
_OUTBOX_BYTES_MAX = 4 * 1024 * 1024
_EXACT_MS_MAX = 2**53 - 1


class LinkEvents(Protocol):
    """What a link tells whoever keeps it."""

    def on_ready(self, link: Link) -> None: ...

    def on_room(self) -> None:
        """It may take calls again, or one more."""

    def on_draining(self, link: Link) -> None:
        """The server is going away: nothing new here, what is in flight is finished."""

    def on_closed(self, link: Link, error: ContextManagerError, unanswered: list[Call], unsent: list[Call]) -> None:
        """Over. ``unanswered`` had no reply; ``unsent`` never left this process."""

    def on_reply(self, call: Call, payload: object) -> None: ...

    def on_error_reply(self, call: Call, error: ContextManagerError) -> None: ...


class Link:
    __slots__ = (
        "_closed",
        "_connection",
        "_draining",
        "_events",
        "_flush_is_due",
        "_heard_at_ms",
        "_in_flight",
        "_in_flight_max",
        "_is_open",
        "_partial_since_ms",
        "_pinged_at_ms",
        "_runtime",
        "_stop_heartbeat",
        "_stream",
        "_write_number",
    )

    def __init__(
        self, address: Address, identity: Identity, in_flight_max: float, runtime: Runtime, events: LinkEvents
    ) -> None:
        self._runtime = runtime
        self._events = events
        self._in_flight_max = in_flight_max
        self._connection: Connection[Call] = Connection(identity, runtime.now_ms, runtime.random_bytes)
        self._in_flight = self._connection.in_flight
        #: Authenticated, not going away and not closed.
        self._is_open = False
        self._draining = False
        self._closed = False
        #: Which write the next frame goes out with: frames of this number have not left yet.
        self._write_number = 0
        self._flush_is_due = False
        self._heard_at_ms = self._pinged_at_ms = runtime.monotonic_ms()
        #: When the frame began to come that is not complete; None: there is none.
        self._partial_since_ms: float | None = None
        self._stop_heartbeat: Callable[[], None] | None = None
        self._stream = runtime.open_stream(address, self)

    @property
    def has_room(self) -> bool:
        """Authenticated, not going away, and neither its calls nor its bytes are too many."""
        return (
            self._is_open
            and len(self._in_flight) < self._in_flight_max
            and self._connection.outbox_bytes < _OUTBOX_BYTES_MAX
            and not self._stream.is_full
        )

    @property
    def in_flight_count(self) -> int:
        return len(self._in_flight)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """What the server said that the key may use; empty before it did."""
        session = self._connection.session
        return () if session is None else session.namespaces

    def calls(self) -> Iterable[Call]:
        return self._in_flight.values()

    def send(self, call: Call, left_ms: float) -> None:
        """Sends a call's request. Raises, and sends nothing, where its payload cannot be sent."""
        deadline_ms = max(1, int(left_ms)) if left_ms < _EXACT_MS_MAX else None
        call.request_id = self._connection.send(call, call.type, call.payload, deadline_ms, call.traceparent)
        call.link = self
        call.write_number = self._write_number
        call.state = IN_FLIGHT
        self._flush_soon()

    def has_written(self, call: Call) -> bool:
        """Whether a call's request has left this process."""
        return call.write_number < self._write_number

    def forget(self, call: Call) -> None:
        """A call that nobody waits for any more; its reply will be passed over."""
        self._connection.forget(call.request_id)
        call.link = None
        self._events.on_room()
        self._end_if_drained()

    def drain(self) -> None:
        """Takes nothing new and ends when what is in flight is answered."""
        self._draining = True
        self._is_open = False
        self._end_if_drained()

    def destroy(self, error: ContextManagerError) -> None:
        self._fail(error)

    # The stream's side.

    def on_data(self, data: bytes) -> None:
        if self._closed:
            return
        self._heard_at_ms = self._runtime.monotonic_ms()
        connection, events = self._connection, self._events
        frames = connection.frame_count
        connection.receive(data)
        try:
            while not self._closed and (event := connection.next_event()) is not None:
                if isinstance(event, Replied):
                    event.request.link = None
                    events.on_reply(event.request, event.payload)
                else:
                    self._on_other(event)
        except Exception as error:
            # Also what a handler of ours raises: a connection whose state is unknown is worth less than none.
            self._fail(to_client_error(error))
        if self._closed:
            return
        if not connection.partial_bytes:
            self._partial_since_ms = None
        elif self._partial_since_ms is None or connection.frame_count != frames:
            self._partial_since_ms = self._heard_at_ms
        if connection.outbox_bytes:
            self._flush_soon()
        events.on_room()
        self._end_if_drained()

    def on_room(self) -> None:
        self._events.on_room()

    def on_closed(self, cause: BaseException | None) -> None:
        reason = "" if cause is None else f": {cause}"
        self._fail(
            caused(ContextManagerError("CONNECTION_LOST", f"the connection was lost{reason}", retryable=True), cause)
        )

    def _on_other(self, event: Refused[Call] | Welcomed | GoingAway) -> None:
        if isinstance(event, Refused):
            event.request.link = None
            self._events.on_error_reply(event.request, event.error)
        elif isinstance(event, Welcomed):
            self._is_open = not self._draining
            self._beat_after(event.session.heartbeat_ms)
            self._events.on_ready(self)
        elif not self._draining:
            self._draining = True
            self._is_open = False
            self._events.on_draining(self)

    def _beat_after(self, heartbeat_ms: float) -> None:
        self._stop_heartbeat = self._runtime.call_later(heartbeat_ms, lambda: self._on_heartbeat(heartbeat_ms))

    def _on_heartbeat(self, heartbeat_ms: float) -> None:
        """Section 3: a ping after a heartbeat of silence, the end after three, also where a frame does not come on."""
        if self._closed:
            return
        now_ms = self._runtime.monotonic_ms()
        silent_ms = now_ms - self._heard_at_ms
        if silent_ms >= _SILENT_HEARTBEATS * heartbeat_ms:
            return self._fail(ContextManagerError("CONNECTION_LOST", "the server fell silent", retryable=True))
        if self._partial_since_ms is not None:
            coming_ms = now_ms - self._partial_since_ms
            is_slow = self._connection.partial_bytes * 1000 < _SLOWEST_FRAME_RATE * coming_ms
            if coming_ms >= _SILENT_HEARTBEATS * heartbeat_ms and is_slow:
                reason = "a frame of the server does not end"
                return self._fail(ContextManagerError("CONNECTION_LOST", reason, retryable=True))
        if silent_ms >= heartbeat_ms / 2 and now_ms - self._pinged_at_ms >= heartbeat_ms / 2:
            self._pinged_at_ms = now_ms
            self._connection.send_ping()
            self._flush_soon()
        self._beat_after(heartbeat_ms)

    def _flush_soon(self) -> None:
        if not self._flush_is_due:
            self._flush_is_due = True
            self._runtime.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_is_due = False
        if self._closed or not self._connection.outbox_bytes:
            return
        self._write_number += 1
        self._stream.write(self._connection.data_to_send())

    def _end_if_drained(self) -> None:
        if not self._draining or self._in_flight or self._closed:
            return
        self._flush()
        self._stream.end()
        closed = ContextManagerError("CONNECTION_LOST", "the connection was closed", retryable=True)
        self._fail(closed, is_over=True)

    def _fail(self, error: ContextManagerError, is_over: bool = False) -> None:
        if self._closed:
            return
        self._closed = True
        self._is_open = False
        if self._stop_heartbeat is not None:
            self._stop_heartbeat()
        unanswered: list[Call] = []
        unsent: list[Call] = []
        for call in self._in_flight.values():
            call.link = None
            (unanswered if self.has_written(call) else unsent).append(call)
        self._in_flight.clear()
        if not is_over:
            self._stream.abort()
        self._events.on_closed(self, error, unanswered, unsent)
