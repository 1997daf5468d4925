"""One connection's life: requests, replies, pings, ``goaway``; without a socket and a clock of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, Union

from ..errors import ContextManagerError, from_payload
from .body import BodyCodec
from .frame import FRAME_BYTES_MAX_DEFAULT, Frame, FrameReader, encode_frame, signed_frame_length
from .handshake import ClientHandshake, Identity, Session
from .proof import TagSequence

T = TypeVar("T")

_REQUEST_ID_MAX = 0xFFFF_FFFF


@dataclass
class Welcomed:
    """Both sides know each other: requests may be sent."""

    session: Session


class Replied(Generic[T]):
    """A request was done."""

    __slots__ = ("payload", "request")

    def __init__(self, request: T, payload: Any) -> None:
        #: What was given to ``send`` with it.
        self.request = request
        self.payload = payload


class Refused(Generic[T]):
    """A request was not done, or not as far as is known."""

    __slots__ = ("error", "request")

    def __init__(self, request: T, error: ContextManagerError) -> None:
        self.request = request
        self.error = error


@dataclass
class GoingAway:
    """The server shuts down: nothing new here; what is in flight is answered."""

    deadline_ms: float | None


Event = Union[Welcomed, Replied[T], Refused[T], GoingAway]


class Connection(Generic[T]):
    """Bytes in, events out; requests in, bytes out.

    ``receive`` what came, then take ``next_event`` until it gives None, then write ``data_to_send``. Where
    ``next_event`` raises, the connection is over. ``T`` is whatever stands for a request: it is given to ``send`` and
    comes back with its reply.
    """

    __slots__ = (
        "_codec",
        "_handshake",
        "_incoming",
        "_last_id",
        "_now_ms",
        "_outbox",
        "_outgoing",
        "_reader",
        "frame_count",
        "in_flight",
        "outbox_bytes",
        "session",
    )

    def __init__(
        self, identity: Identity, now_ms: Callable[[], int], random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._now_ms = now_ms
        self._codec = BodyCodec()
        self._reader = FrameReader()
        self._handshake = ClientHandshake(identity, self._codec, now_ms, random_bytes)
        self._incoming: TagSequence | None = None
        self._outgoing: TagSequence | None = None
        self._outbox: list[bytes] = []
        self._last_id = 0
        #: None before ``Welcomed``.
        self.session: Session | None = None
        #: Requests that have no reply yet, by their id.
        self.in_flight: dict[int, T] = {}
        #: Bytes that wait for ``data_to_send``.
        self.outbox_bytes = 0
        #: Frames that came.
        self.frame_count = 0

    @property
    def partial_bytes(self) -> int:
        """Of a frame that has not come in full, once ``next_event`` gives None."""
        return self._reader.buffered_bytes

    def receive(self, data: bytes) -> None:
        self._reader.feed(data)

    def next_event(self) -> Event[T] | None:
        """What came next; None: more bytes are needed. Raises ``ContextManagerError`` where the connection is over."""
        reader, incoming = self._reader, self._incoming
        while (frame := reader.next()) is not None:
            self.frame_count += 1
            if incoming is None:
                event: Event[T] | None = self._shake_hands(frame)
            else:
                tag, body = frame
                if not incoming.verify(tag, body):
                    message = "the tag of a frame from the server does not verify"
                    raise ContextManagerError("PROTOCOL_ERROR", message)
                event = self._on_message(self._codec.decode(body))
            if event is not None:
                return event
        return None

    def events(self) -> Iterator[Event[T]]:
        while (event := self.next_event()) is not None:
            yield event

    def send(
        self,
        request: T,
        type: str,
        payload: Mapping[str, Any],
        deadline_ms: int | None = None,
        traceparent: str | None = None,
    ) -> int:
        """Its id. Raises, and sends nothing, ``BAD_REQUEST`` or ``PAYLOAD_TOO_LARGE`` where it cannot be sent."""
        request_id = self._free_id()
        message: dict[str, Any] = {"id": request_id, "type": type, "timestamp": self._now_ms(), "payload": payload}
        if deadline_ms is not None:
            message["deadline_ms"] = deadline_ms
        if traceparent is not None:
            message["traceparent"] = traceparent
        self._send(message)
        self.in_flight[request_id] = request
        return request_id

    def send_ping(self) -> None:
        """A sign of life. Nobody waits for the answer: any frame is one."""
        self._send({"id": self._free_id(), "type": "ping", "timestamp": self._now_ms(), "payload": {}})

    def forget(self, request_id: int) -> None:
        """Nobody waits for this reply any more: it will be passed over."""
        self.in_flight.pop(request_id, None)

    def data_to_send(self) -> bytes:
        """All that is to be written, in one piece; it is the caller's from here on."""
        outbox = self._outbox
        data = outbox[0] if len(outbox) == 1 else b"".join(outbox)
        self._outbox = []
        self.outbox_bytes = 0
        return data

    def _free_id(self) -> int:
        request_id = self._last_id + 1
        while request_id in self.in_flight or request_id > _REQUEST_ID_MAX:
            request_id = 1 if request_id >= _REQUEST_ID_MAX else request_id + 1
        self._last_id = request_id
        return request_id

    def _send(self, message: dict[str, Any]) -> None:
        body = self._codec.encode(message)
        outgoing, session = self._outgoing, self.session
        if outgoing is None or session is None:
            raise ContextManagerError("CONNECTION_FAILED", "the connection is not ready", retryable=True)
        if signed_frame_length(body) > session.frame_bytes_max:
            raise ContextManagerError(
                "PAYLOAD_TOO_LARGE",
                f"the message is longer than the {session.frame_bytes_max} bytes that a frame may have",
                details={"max_frame_bytes": session.frame_bytes_max},
            )
        self._push(encode_frame(outgoing.sign(body), body))

    def _push(self, frame: bytes) -> None:
        self._outbox.append(frame)
        self.outbox_bytes += len(frame)

    def _on_message(self, message: dict[str, Any]) -> Event[T] | None:
        kind = message.get("type")
        if kind == "result":
            request = self._answered(message)
            return None if request is None else Replied(request, message.get("payload"))
        if kind == "error":
            if message.get("id") == 0:
                raise from_payload(message.get("payload"))
            request = self._answered(message)
            return None if request is None else Refused(request, from_payload(message.get("payload")))
        if kind == "ping":
            self._send({"id": message.get("id"), "type": "result", "timestamp": self._now_ms(), "payload": {}})
        elif kind == "goaway":
            deadline_ms = message.get("deadline_ms")
            return GoingAway(deadline_ms if isinstance(deadline_ms, (int, float)) else None)
        # What a later protocol adds is passed over.
        return None

    def _answered(self, message: dict[str, Any]) -> T | None:
        """The request that a reply belongs to; None: nobody waits for it any more."""
        request_id = message.get("id")
        return self.in_flight.pop(request_id, None) if isinstance(request_id, int) else None

    def _shake_hands(self, frame: Frame) -> Welcomed | None:
        handshake = self._handshake
        if handshake.incoming is None:
            self._push(handshake.answer(frame))
            # `welcome` lists the key's namespaces, which may be many.
            self._reader.frame_bytes_max = FRAME_BYTES_MAX_DEFAULT
            return None
        session = handshake.finish(frame)
        self.session = session
        self._incoming, self._outgoing = handshake.incoming, handshake.outgoing
        self._reader.frame_bytes_max = max(session.frame_bytes_max, FRAME_BYTES_MAX_DEFAULT)
        return Welcomed(session)
