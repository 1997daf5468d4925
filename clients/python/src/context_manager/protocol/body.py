"""Section 1 of the protocol: what a body may hold, and its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any, NoReturn

import msgpack  # type: ignore[import-untyped]

from ..errors import ContextManagerError, bad_request, caused

#: Levels of nesting of a request's body; the envelope is the first.
NESTING_MAX = 32
#: A reply holds a context a few levels deeper than the request that stored it.
REPLY_NESTING_MAX = 2 * NESTING_MAX
_DOUBLE_EXACT_MAX = 1 << 53
#: What a body of so many bytes claims to hold is little even where it lies; a longer one is looked through first.
_SHORT_BODY_BYTES_MAX = 1024
#: A longer one is read with a buffer of its own, which is not kept.
_KEPT_BUFFER_BYTES = 64 * 1024
_BODY_BYTES_MAX = (1 << 31) - 1
#: First bytes of maps and arrays, which occur in other values, too.
_CONTAINER_HEADS = bytes(range(0x80, 0xA0)) + b"\xdc\xdd\xde\xdf"
#: Values in a request's body, keys not counted. What holds itself, or the same twice over and over, has more.
_VALUES_MAX = 262_144
#: Levels of a payload: the envelope is one around it.
_PAYLOAD_NESTING_MAX = NESTING_MAX - 1

Body = dict[str, Any]


class BodyCodec:
    """MessagePack as the protocol limits it. One for each connection: it keeps buffers, and is for one thread at a
    time."""

    __slots__ = ("_packer", "_short", "_short_read", "_unpacker")

    def __init__(self) -> None:
        self._packer = msgpack.Packer()
        self._begin()

    def _begin(self) -> None:
        self._unpacker = _unpacker(_BODY_BYTES_MAX)
        self._short = _unpacker(_SHORT_BODY_BYTES_MAX)
        #: Bytes that it has read.
        self._short_read = 0

    def encode(self, value: Body) -> bytes:
        """``value``, whose ``payload`` is the user's, as MessagePack. Raises ``BAD_REQUEST`` that tells what has no
        place."""
        payload = value.get("payload")
        if payload and not is_sendable(payload):
            value = {**value, "payload": _Plain(payload).value}
            if not is_sendable(value["payload"]):
                refuse(value["payload"])
        try:
            packed: bytes = self._packer.pack(value)
        except UnicodeEncodeError:
            packed = self._packer.pack(_without_surrogates(value))
        return packed

    def decode(self, body: bytes) -> Body:
        """The map in a reply's body. Raises ``PROTOCOL_ERROR``; what a body claims and does not hold takes no
        memory."""
        size = len(body)
        try:
            if size <= _SHORT_BODY_BYTES_MAX:
                unpacker = self._short
                unpacker.feed(body)
                value = unpacker.unpack()
                self._short_read += size
                is_whole = unpacker.tell() == self._short_read
            else:
                unpacker = self._unpacker if size <= _KEPT_BUFFER_BYTES else _unpacker(_BODY_BYTES_MAX)
                start = unpacker.tell()
                unpacker.feed(body)
                unpacker.skip()
                unpacker.feed(body)
                value = unpacker.unpack()
                is_whole = unpacker.tell() - start == 2 * size
        except Exception as error:
            # Whatever they keep of it must not stand before the next body.
            self._begin()
            raise caused(_unreadable(f"a body that cannot be read: {error}"), error) from error
        if not is_whole:
            self._begin()
            raise _unreadable("a body with bytes behind it")
        if type(value) is not dict:
            raise _unreadable("a body that is not a map")
        # Few bytes that could begin a map or a list are few levels, and without 0xff there is no timestamp.
        if (
            size - len(body.translate(None, _CONTAINER_HEADS)) > REPLY_NESTING_MAX or b"\xff" in body
        ) and not is_readable(value):
            raise _unreadable("a body with something that has no place in one")
        return value


def _unpacker(items_max: int) -> msgpack.Unpacker:
    return msgpack.Unpacker(
        read_size=_SHORT_BODY_BYTES_MAX,
        max_buffer_size=_BODY_BYTES_MAX,
        max_array_len=items_max,
        max_map_len=items_max,
        ext_hook=_no_extension,
        strict_map_key=True,
    )


def _no_extension(code: int, data: bytes) -> NoReturn:
    raise ValueError("an extension type")


def _unreadable(what: str) -> ContextManagerError:
    return ContextManagerError("PROTOCOL_ERROR", f"the server sent {what}")


def is_readable(value: Body) -> bool:
    """Whether a decoded body is nested no deeper than it may be, by maps with texts as keys, and holds no extension
    types."""
    stack: list[tuple[Any, int]] = [(value, 1)]
    while stack:
        container, depth = stack.pop()
        if depth > REPLY_NESTING_MAX:
            return False
        if type(container) is dict:
            for key in container:
                if type(key) is not str:
                    return False
            items = container.values()
        else:
            items = container
        for item in items:
            kind = type(item)
            if kind is dict or kind is list:
                stack.append((item, depth + 1))
            elif kind is msgpack.Timestamp:
                return False
    return True


def is_sendable(value: Any) -> bool:
    """Whether there is nothing in a payload but what a message may hold. Raises where it is too deep or too much."""
    stack: list[tuple[Any, int]] = [(value, 1)]
    values = 0
    while stack:
        container, depth = stack.pop()
        values += len(container)
        if depth > _PAYLOAD_NESTING_MAX or values > _VALUES_MAX:
            refuse(value)
        if type(container) is dict:
            for key in container:
                if type(key) is not str:
                    return False
            items = container.values()
        else:
            items = container
        for item in items:
            kind = type(item)
            if kind is str or kind is bool or item is None or kind is bytes:
                continue
            if kind is int:
                if not -_DOUBLE_EXACT_MAX <= item <= _DOUBLE_EXACT_MAX and not _fits_double(item):
                    return False
            elif kind is dict or kind is list or kind is tuple:
                stack.append((item, depth + 1))
            elif kind is not float or not isfinite(item):
                return False
    return True


def _fits_double(value: int) -> bool:
    return -(1 << 63) <= value < 1 << 64 and int(float(value)) == value


class _Plain:
    """Subclasses and other maps as what they stand for: an ``OrderedDict`` as a dict, a ``StrEnum`` as its text."""

    def __init__(self, payload: Any) -> None:
        self._payload = payload
        self._values = 0
        self.value = self._plain(payload, 1)

    def _plain(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if value is None or kind in (str, bool, int, float, bytes):
            return value
        if isinstance(value, (Mapping, list, tuple)):
            self._values += len(value)
            if depth > _PAYLOAD_NESTING_MAX or self._values > _VALUES_MAX:
                refuse(self._payload)
            if isinstance(value, Mapping):
                return {_plain_name(key): self._plain(item, depth + 1) for key, item in value.items()}
            return [self._plain(item, depth + 1) for item in value]
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, int):
            return int.__int__(value)
        if isinstance(value, float):
            return float.__float__(value)
        return bytes(value) if isinstance(value, (bytes, bytearray, memoryview)) else value


def _plain_name(name: Any) -> Any:
    return str.__str__(name) if isinstance(name, str) else name


def refuse(payload: Any) -> NoReturn:
    """Raises ``BAD_REQUEST`` with the first thing in a payload that has no place in a message."""
    stack: list[tuple[str, Any, int]] = [("", payload, 1)]
    values = 0
    while stack and values <= _VALUES_MAX:
        values += 1
        place, item, depth = stack.pop()
        reason = _reason_against(item, depth)
        if reason is not None:
            field = place or "/"
            raise bad_request(f"the payload: {field} {reason}", [(field, reason)])
        if isinstance(item, Mapping):
            stack.extend((f"{place}/{_escaped(key)}", entry, depth + 1) for key, entry in reversed(list(item.items())))
        elif isinstance(item, (list, tuple)):
            stack.extend((f"{place}/{at}", entry, depth + 1) for at, entry in reversed(list(enumerate(item))))
    reason = f"holds more than {_VALUES_MAX:,} values"
    raise bad_request(f"the payload: / {reason}", [("/", reason)])


def _reason_against(item: object, depth: int) -> str | None:
    kind = type(item)
    if isinstance(item, (Mapping, list, tuple)):
        if depth > _PAYLOAD_NESTING_MAX:
            return f"is nested too deep: a message has at most {NESTING_MAX} levels"
        odd = [key for key in item if not isinstance(key, str)] if isinstance(item, Mapping) else []
        return f"has the name {odd[0]!r}, which is no str" if odd else None
    if item is None or kind in (str, bool, bytes):
        return None
    if kind is float and isinstance(item, float):
        return None if isfinite(item) else f"is {item}, which has no place in a message"
    if kind is int and isinstance(item, int):
        return None if _fits_double(item) else f"is {item}, which a double does not hold exactly"
    if isinstance(item, datetime):
        return "is a datetime: times are milliseconds since the Unix epoch, as int(when.timestamp() * 1000)"
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"is of type {name}: a message holds None, bool, int, float, str, bytes, list, tuple and dict"


def _escaped(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def _without_surrogates(value: Any) -> Any:
    """Halves of characters, as cut texts hold them, become U+FFFD; two that belong together, their character."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_surrogates(item) for item in value]
    return value
