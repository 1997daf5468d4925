"""The one error of this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors_generated import RETRYABLE_BY_CODE


class ContextManagerError(Exception):
    """Whatever goes wrong: a refusal of the server, a lost connection, a wrong argument.

    Codes are those of the protocol (``NOT_FOUND``, ``CONFLICT``, ``RATE_LIMITED``, ...) and these of the client:

    - ``CONNECTION_FAILED``: no connection could be made.
    - ``CONNECTION_LOST``: it ended before the reply came; ``details["sent"]`` tells whether the request may have
      arrived.
    - ``TIMEOUT``: the call's time is over; ``details["sent"]`` as above.
    - ``QUEUE_FULL``: too many calls wait.
    - ``CLOSED``: the client was closed.
    - ``PROTOCOL_ERROR``: what came is not what a server of this protocol sends.

    A newer server may send codes that are not known here.
    """

    #: What went wrong, for programs.
    code: str
    #: What went wrong, for people; without the code.
    message: str
    #: The same call may be made again, and nothing is done twice.
    retryable: bool
    #: How long the server asks to wait before that, in milliseconds.
    retry_after_ms: float | None
    #: What the server adds, such as ``fields`` of a ``BAD_REQUEST``, each with ``field`` and ``reason``.
    details: Mapping[str, Any] | None

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool = False,
        retry_after_ms: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms
        self.details = details

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is rebuilt from its args alone, which lack the rest: it must cross processes whole.
        return (_rebuilt, (self.code, self.message, self.retryable, self.retry_after_ms, self.details))

    def fresh(self) -> ContextManagerError:
        """The same for one more caller: an instance that is raised twice gathers the tracebacks of both."""
        error = ContextManagerError(
            self.code,
            self.message,
            retryable=self.retryable,
            retry_after_ms=self.retry_after_ms,
            details=self.details,
        )
        error.__cause__ = self.__cause__
        return error


def _rebuilt(
    code: str, message: str, retryable: bool, retry_after_ms: float | None, details: Mapping[str, Any] | None
) -> ContextManagerError:
    return ContextManagerError(code, message, retryable=retryable, retry_after_ms=retry_after_ms, details=details)


def caused(error: ContextManagerError, cause: BaseException | None) -> ContextManagerError:
    """The error with what it came of."""
    error.__cause__ = cause
    return error


def bad_request(message: str, fields: list[tuple[str, str]]) -> ContextManagerError:
    """A fault that the client finds itself, told as the server tells its own: by place and reason."""
    details = {"fields": [{"field": field, "reason": reason} for field, reason in fields]}
    return ContextManagerError("BAD_REQUEST", message, details=details)


def from_payload(payload: object) -> ContextManagerError:
    """A server's error reply. Whatever of it is missing or odd is passed over."""
    fields: Mapping[str, Any] = payload if isinstance(payload, dict) else {}
    code = fields.get("code")
    code = code if isinstance(code, str) else "INTERNAL"
    message = fields.get("message")
    retryable = fields.get("retryable")
    retry_after_ms = fields.get("retry_after_ms")
    details = fields.get("details")
    return ContextManagerError(
        code,
        message if isinstance(message, str) else code,
        retryable=retryable if isinstance(retryable, bool) else RETRYABLE_BY_CODE.get(code, False),
        retry_after_ms=retry_after_ms if isinstance(retry_after_ms, (int, float)) else None,
        details=details if isinstance(details, dict) else None,
    )


def to_client_error(error: BaseException) -> ContextManagerError:
    """Anything raised on the way of a call, as the error that its caller gets."""
    if isinstance(error, ContextManagerError):
        return error
    return caused(ContextManagerError("PROTOCOL_ERROR", str(error) or type(error).__name__), error)
