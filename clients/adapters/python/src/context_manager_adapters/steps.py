"""What an adapter does, written once for programs that wait and for asyncio: as steps, each of some calls at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from operator import methodcaller
from typing import Any, TypeVar

from context_manager import ContextManagerError

#: A call of a client of either kind: gives the reply, or what is awaited for it.
Call = Callable[[Any], Any]
Result = TypeVar("Result")
#: Yields calls that may be made at once, and is sent their outcomes in order: replies and errors.
Steps = Generator[Sequence[Call], list[Any], Result]

#: Contexts of one request, and how much they may weigh together: far below a frame and what a server keeps waiting.
_BATCH_MAX = 200
_BATCH_BYTES_MAX = 2_000_000


def call(method: str, *arguments: Any, **options: Any) -> Call:
    """A call of one of the methods that both clients have."""
    return methodcaller(method, *arguments, **options)


def page_of(**asked: Any) -> Call:
    """A page of a list: the first, or that of ``cursor``."""
    return lambda client: client.list(**asked).page()


def one(only: Call) -> Steps[Any]:
    (outcome,) = yield [only]
    return checked(outcome)


def checked(outcome: Any) -> Any:
    if isinstance(outcome, ContextManagerError):
        raise outcome
    return outcome


def is_error(outcome: Any, *codes: str) -> bool:
    return isinstance(outcome, ContextManagerError) and outcome.code in codes


def store_all(contexts: Sequence[Mapping[str, Any]], namespace: str | None) -> Steps[list[Any]]:
    """The outcome of each, in order: what the server says of it, or its error."""
    outcomes: list[Any] = []
    for batch in _batches(contexts):
        reply = yield from one(call("store_batch", batch, namespace=namespace))
        for result in reply.results:
            error = getattr(result, "error", None)
            outcomes.append(result if error is None else ContextManagerError(error.code, error.message))
    return outcomes


def _batches(contexts: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    batches: list[list[Mapping[str, Any]]] = []
    weight = 0
    for context in contexts:
        # Of a text with characters of four bytes, and of the greatest metadata.
        own = 4 * len(context["text"]) + 65_536
        if not batches or len(batches[-1]) == _BATCH_MAX or weight + own > _BATCH_BYTES_MAX:
            batches.append([])
            weight = 0
        batches[-1].append(context)
        weight += own
    return batches
