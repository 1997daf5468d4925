# Generated from proto-spec/ by `npm run generate`; do not edit.
"""The codes of the protocol, and whether the same call may be made again; a reply's own word comes before it."""

RETRYABLE_BY_CODE: dict[str, bool] = {
    "BAD_FRAME": False,
    "FRAME_TOO_LARGE": False,
    "UNSUPPORTED_PROTOCOL": False,
    "AUTH_FAILED": False,
    "AUTH_TIMEOUT": False,
    "SLOW_CONSUMER": False,
    "TIMESTAMP_OUT_OF_RANGE": False,
    "BAD_REQUEST": False,
    "UNKNOWN_TYPE": False,
    "FORBIDDEN": False,
    "NOT_FOUND": False,
    "CONFLICT": False,
    "PAYLOAD_TOO_LARGE": False,
    "RATE_LIMITED": True,
    "OVERLOADED": True,
    "DEADLINE_EXCEEDED": True,
    "EMBEDDING_UNAVAILABLE": True,
    "STORE_UNAVAILABLE": True,
    "SHUTTING_DOWN": True,
    "INTERNAL": False,
}
