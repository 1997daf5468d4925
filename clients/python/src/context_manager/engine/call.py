"""One call of the user's, over all its attempts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ContextManagerError

if TYPE_CHECKING:
    from .link import Link

#: Where a call is.
QUEUED, IN_FLIGHT, PAUSING, SETTLED = range(4)


class Call(ABC):
    #: Where it is.
    state = QUEUED
    #: Failed attempts so far.
    failures = 0
    #: Whether a server may have got it, in any attempt.
    sent = False
    #: Where it is in flight, under which id, and the write that its request goes out with.
    link: Link | None = None
    request_id = 0
    write_number = 0
    #: Why the last attempt failed.
    last_error: ContextManagerError | None = None
    cancel_pause: Callable[[], None] | None = None

    def __init__(
        self, type: str, payload: Mapping[str, Any], deadline_at_ms: float, retry_safe: bool, traceparent: str | None
    ) -> None:
        self.type = type
        self.payload = payload
        #: By the monotonic clock; infinity: none.
        self.deadline_at_ms = deadline_at_ms
        #: Made twice it does what it does once.
        self.retry_safe = retry_safe
        self.traceparent = traceparent

    @abstractmethod
    def resolve(self, payload: Any) -> None: ...

    @abstractmethod
    def reject(self, error: ContextManagerError) -> None: ...
