"""What is made again, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any, NamedTuple

from ..errors import ContextManagerError
from ..operation import Operation

#: An endless deadline does not mean endless attempts.
FAILURES_MAX = 30


def is_retry_safe(operation: Operation[Any], payload: Mapping[str, Any]) -> bool:
    """Whether a request may be made again although the first one may have been done, as the table of messages says.

    - reads;
    - stores, whose ids were made before the first attempt: storing the same text under the same id twice is one store;
    - a delete by id: what is gone stays gone (the second reply counts 0).

    Not so: an update (it would count a version more, or undo another's change), a delete by filter and the admin
    requests (they would also hit what came in between). These are repeated only where the first one never left, or
    where the server said that nothing was done.
    """
    if operation.repeat in ("always", "never"):
        return operation.repeat == "always"
    field = operation.items or operation.ids_in
    if field is None:
        return isinstance(payload.get("id"), str)
    items = payload.get(field)
    return isinstance(items, list) and all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in items)


class Backoff(NamedTuple):
    """First and longest pause between attempts, in milliseconds."""

    min_ms: float
    max_ms: float


def backoff_ms(backoff: Backoff, failures: int, random_bytes: Callable[[int], bytes]) -> float:
    """The pause after ``failures`` failures (from 1): doubled each time, capped, and then 50 to 100 % of it at
    random."""
    full = min(backoff.max_ms, backoff.min_ms * 2.0 ** min(failures - 1, 30))
    return ceil(full * (0.5 + random_bytes(1)[0] / 510))


#: Codes with which a server refuses a connection for good: trying again changes nothing until somebody changes
#: something.
_REFUSALS = frozenset(
    {
        "AUTH_FAILED",
        "UNSUPPORTED_PROTOCOL",
        "TIMESTAMP_OUT_OF_RANGE",
        "BAD_REQUEST",
        "PROTOCOL_ERROR",
        "FRAME_TOO_LARGE",
    }
)


def is_refusal(error: ContextManagerError) -> bool:
    return error.code in _REFUSALS
