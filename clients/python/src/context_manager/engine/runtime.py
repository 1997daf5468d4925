"""What the engine needs of the world, which differs between asyncio and threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class StreamHandler(Protocol):
    """Whoever opened a stream."""

    def on_data(self, data: bytes) -> None: ...

    def on_room(self) -> None:
        """The stream, which was full, takes bytes again."""

    def on_closed(self, cause: BaseException | None) -> None:
        """The other side ended it, or it could not be opened. Once at most, and not after ``abort`` or ``end``."""


class Stream(Protocol):
    """Bytes to and from a server; opened, or about to be."""

    @property
    def is_full(self) -> bool:
        """Past some MiB that are not written yet."""

    def write(self, data: bytes) -> None: ...

    def end(self) -> None:
        """Closes once everything is written."""

    def abort(self) -> None:
        """Closes at once."""


class Runtime(Protocol):
    def monotonic_ms(self) -> float: ...

    def now_ms(self) -> int:
        """Since the Unix epoch."""

    def random_bytes(self, count: int) -> bytes: ...

    def call_soon(self, task: Callable[[], None]) -> None:
        """After what is under way, so that all who were woken by it share it."""

    def call_later(self, delay_ms: float, task: Callable[[], None]) -> Callable[[], None]:
        """Gives what undoes it."""

    def open_stream(self, address: Address, handler: StreamHandler) -> Stream: ...
