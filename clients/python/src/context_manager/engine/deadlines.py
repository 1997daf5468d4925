"""One timer for all calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf

from .call import Call
from .runtime import Runtime

#: Longer waits are made of several: no timer takes any number.
_TIMER_MS_MAX = 24 * 3_600_000.0


class Deadlines:
    """The timer stands at the earliest deadline known when it was set.

    Calls usually have the same timeout, so a new one seldom comes before it, and most calls cost neither a timer nor an
    entry anywhere: when it runs out, it asks which calls there are.
    """

    def __init__(
        self, runtime: Runtime, pending: Callable[[], Iterable[Call]], on_expired: Callable[[Call], None]
    ) -> None:
        self._runtime = runtime
        self._pending = pending
        self._on_expired = on_expired
        self.armed_at_ms = inf
        self._disarm: Callable[[], None] | None = None

    def watch(self, deadline_at_ms: float) -> None:
        if deadline_at_ms >= self.armed_at_ms:
            return
        self.stop()
        self.armed_at_ms = deadline_at_ms
        delay_ms = max(0.0, deadline_at_ms - self._runtime.monotonic_ms())
        self._disarm = self._runtime.call_later(min(delay_ms, _TIMER_MS_MAX), self._on_time)

    def stop(self) -> None:
        if self._disarm is not None:
            self._disarm()
        self._disarm = None
        self.armed_at_ms = inf

    def _on_time(self) -> None:
        self._disarm = None
        self.armed_at_ms = inf
        now_ms = self._runtime.monotonic_ms()
        next_ms = inf
        due = []
        for call in self._pending():
            if call.deadline_at_ms <= now_ms:
                due.append(call)
            else:
                next_ms = min(next_ms, call.deadline_at_ms)
        for call in due:
            self._on_expired(call)
        self.watch(next_ms)
