"""Keeps connections, each of which goes by itself from one address to the next where it fails or is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from ..errors import ContextManagerError, caused
from ..protocol import Identity
from .call import Call
from .link import Link
from .retry import Backoff, backoff_ms, is_refusal
from .runtime import Address, Runtime

#: A connection that lived so long was a good one: the next attempt starts the backoff anew.
_STEADY_MS = 5_000


@dataclass(frozen=True)
class PoolOptions:
    #: Of servers over the same memory; at least one.
    addresses: tuple[Address, ...]
    identity: Identity
    size: int
    connect_timeout_ms: float
    in_flight_max: float
    backoff: Backoff


class PoolEvents(Protocol):
    def on_ready(self) -> None: ...

    def on_room(self) -> None: ...

    def on_connect_failed(self, error: ContextManagerError) -> None:
        """Attempts to connect failed, at every address."""

    def on_closed(self, error: ContextManagerError, unanswered: list[Call], unsent: list[Call]) -> None: ...

    def on_reply(self, call: Call, payload: object) -> None: ...

    def on_error_reply(self, call: Call, error: ContextManagerError) -> None: ...


@dataclass
class _Attempt:
    address: Address
    error: ContextManagerError


@dataclass
class _Slot:
    """One place in the pool: it has a connection, is making one, or waits to try again."""

    ready: Link | None = None
    opening: Link | None = None
    ready_at_ms: float | None = None
    #: Of the address that it has, or tries.
    place: int = 0
    #: Addresses that failed since the last pause, or since a connection was a good one.
    failed: list[_Attempt] = field(default_factory=list)
    #: Pauses since a connection was a good one.
    failures: int = 0
    #: Undoes the timer of the attempt or of the pause.
    cancel_timer: Callable[[], None] | None = None


class Pool:
    def __init__(self, options: PoolOptions, runtime: Runtime, events: PoolEvents) -> None:
        self._options = options
        self._runtime = runtime
        self._events = events
        self._slots = [_Slot() for _ in range(options.size)]
        #: Told to go away by the server, with calls still in flight.
        self._retiring: set[Link] = set()
        self._closed = False
        #: What the server last said that the key may use.
        self.namespaces: tuple[str, ...] = ()

    def start(self) -> None:
        for slot in self._slots:
            self._open(slot)

    def pick(self) -> Link | None:
        """The connection with the fewest calls in flight that takes one more."""
        if len(self._slots) == 1:
            only = self._slots[0].ready
            return only if only is not None and only.has_room else None
        best: Link | None = None
        for slot in self._slots:
            ready = slot.ready
            if ready is not None and ready.has_room and (best is None or ready.in_flight_count < best.in_flight_count):
                best = ready
        return best

    def calls(self) -> Iterator[Call]:
        """Calls in flight, on every connection."""
        for link in self._links():
            yield from link.calls()

    @property
    def in_flight_count(self) -> int:
        return sum(link.in_flight_count for link in self._links())

    @property
    def is_ready(self) -> bool:
        return any(slot.ready is not None for slot in self._slots)

    @property
    def is_hopeful(self) -> bool:
        """Whether a connection is there or being made just now."""
        return any(slot.ready is not None or slot.opening is not None for slot in self._slots)

    def close(self) -> None:
        """Ends every connection; those with calls in flight first finish them."""
        self._closed = True
        for slot in self._slots:
            if slot.cancel_timer is not None:
                slot.cancel_timer()
            if slot.opening is not None:
                slot.opening.destroy(closed_error())
            if slot.ready is not None:
                slot.ready.drain()

    def destroy(self) -> None:
        self.close()
        for link in list(self._links()):
            link.destroy(closed_error())

    def _links(self) -> Iterator[Link]:
        for slot in self._slots:
            if slot.ready is not None:
                yield slot.ready
        yield from self._retiring

    def _open(self, slot: _Slot) -> None:
        options = self._options
        link = Link(
            options.addresses[slot.place], options.identity, options.in_flight_max, self._runtime, _LinkOf(self, slot)
        )
        slot.opening = link
        late = ContextManagerError("CONNECTION_FAILED", "the connection was not made in time", retryable=True)
        slot.cancel_timer = self._runtime.call_later(options.connect_timeout_ms, lambda: link.destroy(late))

    def on_ready(self, slot: _Slot, link: Link) -> None:
        if slot.cancel_timer is not None:
            slot.cancel_timer()
        slot.cancel_timer = None
        slot.opening = None
        slot.ready = link
        slot.ready_at_ms = self._runtime.monotonic_ms()
        self.namespaces = link.namespaces
        self._events.on_ready()
        self._events.on_room()

    def on_draining(self, slot: _Slot, link: Link) -> None:
        if slot.ready is not link:
            return
        slot.ready = None
        self._retiring.add(link)
        self._reopen(slot, ContextManagerError("SHUTTING_DOWN", "the server shuts down", retryable=True))

    def on_closed(self, slot: _Slot, link: Link, error: ContextManagerError) -> None:
        if link in self._retiring:
            self._retiring.discard(link)
        elif slot.opening is link:
            slot.opening = None
            if slot.cancel_timer is not None:
                slot.cancel_timer()
            failure = self._reopen(slot, _connect_failed(error))
            if failure is not None:
                self._events.on_connect_failed(failure)
        elif slot.ready is link:
            slot.ready = None
            self._reopen(slot, error)

    def _reopen(self, slot: _Slot, error: ContextManagerError) -> ContextManagerError | None:
        """At the next address at once; after a pause where all of them failed, of which what is returned tells."""
        addresses = self._options.addresses
        runtime = self._runtime
        if slot.ready_at_ms is not None and runtime.monotonic_ms() - slot.ready_at_ms >= _STEADY_MS:
            slot.failures = 0
            slot.failed = []
        slot.ready_at_ms = None
        slot.failed.append(_Attempt(addresses[slot.place], error))
        slot.place = (slot.place + 1) % len(addresses)
        is_over = len(slot.failed) >= len(addresses)
        failure = _none_connected(slot.failed) if is_over else None
        if self._closed:
            return failure
        if not is_over:
            self._open(slot)
            return None
        slot.failed = []
        slot.failures += 1
        pause_ms = backoff_ms(self._options.backoff, slot.failures, runtime.random_bytes)
        slot.cancel_timer = runtime.call_later(pause_ms, lambda: self._open(slot))
        return failure


class _LinkOf:
    """A link's events, for its pool and its slot."""

    __slots__ = ("_pool", "_slot", "on_error_reply", "on_reply", "on_room")

    def __init__(self, pool: Pool, slot: _Slot) -> None:
        self._pool = pool
        self._slot = slot
        # As they are: every reply comes this way.
        self.on_room = pool._events.on_room
        self.on_reply = pool._events.on_reply
        self.on_error_reply = pool._events.on_error_reply

    def on_ready(self, link: Link) -> None:
        self._pool.on_ready(self._slot, link)

    def on_draining(self, link: Link) -> None:
        self._pool.on_draining(self._slot, link)

    def on_closed(self, link: Link, error: ContextManagerError, unanswered: list[Call], unsent: list[Call]) -> None:
        self._pool.on_closed(self._slot, link, error)
        self._pool._events.on_closed(error, unanswered, unsent)


def closed_error() -> ContextManagerError:
    return ContextManagerError("CLOSED", "the client was closed")


def _connect_failed(error: ContextManagerError) -> ContextManagerError:
    """A socket error before the handshake was done says that no connection could be made, not that one was lost."""
    if error.code != "CONNECTION_LOST":
        return error
    cause = error.__cause__
    reason = "the server closed the connection" if cause is None else str(cause) or type(cause).__name__
    failed = ContextManagerError("CONNECTION_FAILED", f"cannot connect: {reason}", retryable=True)
    return caused(failed, cause or error)


def _none_connected(attempts: list[_Attempt]) -> ContextManagerError:
    """That of several addresses none was any good: it names each, and why."""
    first = attempts[0].error
    if len(attempts) == 1:
        return first
    reasons = "; ".join(f"{attempt.address} ({attempt.error})" for attempt in attempts)
    # Whoever is refused everywhere is refused for good.
    is_refused = all(is_refusal(attempt.error) for attempt in attempts)
    told = [
        {"address": str(attempt.address), "code": attempt.error.code, "reason": attempt.error.message}
        for attempt in attempts
    ]
    none = ContextManagerError(
        first.code if is_refused else "CONNECTION_FAILED",
        f"no server could be used: {reasons}",
        retryable=not is_refused,
        details={"addresses": told},
    )
    return caused(none, first)
