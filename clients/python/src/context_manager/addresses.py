"""Where servers listen, and connection URLs."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from .engine.runtime import Address
from .errors import ContextManagerError, bad_request

PORT_DEFAULT = 7420
KEY_ID_DEFAULT = "default"
_PORT_MAX = 65_535
#: ``host:port``, an IPv6 address in brackets.
_ADDRESS = re.compile(r"(?:\[([^\]]+)\]|([^:\[\]/\s]+)):([0-9]{1,5})")
_URL = re.compile(r"context-manager://(?:([^/?#]*)@)?([^@/?#]+)/?", re.IGNORECASE)
_ODD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def parse_address(text: str) -> Address | None:
    """None: it is none."""
    match = _ADDRESS.fullmatch(text)
    if match is None or not 1 <= int(match[3]) <= _PORT_MAX:
        return None
    return Address(match[1] or match[2], int(match[3]))


class ConnectionUrl(NamedTuple):
    """What a connection URL says."""

    addresses: tuple[Address, ...]
    key_id: str | None
    secret: str | None


def parse_connection_url(url: str) -> ConnectionUrl:
    """``context-manager://[key[:secret]@]host[:port][,host[:port]...]``. Key and secret are percent-decoded.

    Raises ``BAD_REQUEST``, which never repeats the URL: a secret may stand in it.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise _refused(
            "must be context-manager://key:secret@host:port; / @ ? # and % in key or secret are written as "
            "%2F %40 %3F %23 %25, and : in a key as %3A"
        )
    key, colon, secret = (match[1] or "").partition(":")
    return ConnectionUrl(
        tuple(_address_of(text) for text in match[2].split(",")),
        _decoded(key) if key else None,
        _decoded(secret) if colon else None,
    )


def _address_of(text: str) -> Address:
    address = parse_address(text) or parse_address(f"{text}:{PORT_DEFAULT}")
    if address is None:
        raise _refused("must name each server as host or host:port, an IPv6 address in brackets")
    return address


def _decoded(text: str) -> str:
    raw = text.encode()
    try:
        if _ODD_PERCENT.search(raw) is None:
            return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        pass
    raise _refused("has a % that begins no percent-encoded character; a % itself is written as %25") from None


def _refused(reason: str) -> ContextManagerError:
    return bad_request(f"connect: url {reason}", [("/url", reason)])
