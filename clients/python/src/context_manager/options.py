"""How a client is set up, checked before anything is sent."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, isnan
from typing import Any

from .addresses import KEY_ID_DEFAULT, parse_address, parse_connection_url
from .engine.pool import PoolOptions
from .engine.retry import Backoff
from .engine.runtime import Address
from .errors import bad_request
from .protocol import Identity
from .version import CLIENT_NAME

SECRET_BYTES_MIN = 32
CLOSE_TIMEOUT_MS = 10_000.0
_PORT_MAX = 65_535
#: Servers that one client knows.
_ADDRESSES_MAX = 100
#: Connections that one client opens at once.
_POOL_MAX = 1_000

Check = Callable[[Any], "str | None"]


@dataclass(frozen=True)
class ClientOptions:
    pool: PoolOptions
    namespace: str | None
    timeout_ms: float
    queued_max: float
    #: None: no TLS.
    tls: ssl.SSLContext | None = field(repr=False)
    tls_server_name: str | None


def client_options(
    url: str | None,
    *,
    host: str | None,
    port: int | None,
    addresses: Sequence[str] | None,
    key_id: str | None,
    secret: str | bytes | None,
    sender: str | None,
    namespace: str | None,
    pool: int,
    timeout_ms: float,
    connect_timeout_ms: float | None,
    max_in_flight: float,
    max_queued: float,
    backoff_min_ms: float,
    backoff_max_ms: float,
    client: str | None,
    tls: bool | ssl.SSLContext,
    tls_server_name: str | None,
) -> ClientOptions:
    """Raises ``BAD_REQUEST`` that names all that is wrong."""
    servers: tuple[Address, ...] = ()
    faults: list[tuple[str, str]] = []
    if url is not None:
        if not isinstance(url, str):
            raise bad_request("connect: url must be a str", [("/url", "must be a str")])
        named = parse_connection_url(url)
        servers = named.addresses
        key_id = KEY_ID_DEFAULT if key_id is None and named.key_id is None else key_id or named.key_id
        secret = named.secret if secret is None else secret
        faults += _beside("url", host=host, port=port, addresses=addresses)
    elif addresses is not None:
        reason = _addresses(addresses)
        if reason is None:
            servers = tuple(address for address in map(parse_address, addresses) if address is not None)
        else:
            faults.append(("addresses", reason))
        faults += _beside("addresses", host=host, port=port)
    else:
        faults += _faults(host=(_text, host), port=(_port, port))
        servers = (Address(str(host), port if isinstance(port, int) else 0),)
    faults += _faults(
        key_id=(_text, key_id),
        secret=(_secret, secret),
        sender=(_optional(_text), sender),
        namespace=(_optional(_text), namespace),
        pool=(_pool, pool),
        timeout_ms=(_duration, timeout_ms),
        connect_timeout_ms=(_optional(_duration), connect_timeout_ms),
        max_in_flight=(_count(1), max_in_flight),
        max_queued=(_count(0), max_queued),
        backoff_min_ms=(_wait, backoff_min_ms),
        backoff_max_ms=(_wait, backoff_max_ms),
        client=(_optional(_text), client),
        tls=(_tls, tls),
        tls_server_name=(_optional(_text), tls_server_name),
    )
    if not any(name.startswith("backoff") for name, _ in faults) and backoff_min_ms > backoff_max_ms:
        faults.append(("backoff_min_ms", "must be no more than backoff_max_ms"))
    raise_faults("connect", "", faults)
    assert key_id is not None and secret is not None
    identity = Identity(
        key_id, secret.encode() if isinstance(secret, str) else bytes(secret), sender or key_id, client or CLIENT_NAME
    )
    connect_ms = min(10_000.0, timeout_ms) if connect_timeout_ms is None else connect_timeout_ms
    return ClientOptions(
        PoolOptions(servers, identity, pool, connect_ms, max_in_flight, Backoff(backoff_min_ms, backoff_max_ms)),
        namespace,
        timeout_ms,
        max_queued,
        ssl.create_default_context() if tls is True else tls or None,
        tls_server_name,
    )


def check_call(type: object, fields: object, timeout_ms: object, traceparent: object) -> None:
    """The same for a call. What its payload holds is the server's to judge."""
    if _text(type) is not None:
        raise bad_request("request: the type must be a str that is not empty", [("/type", str(_text(type)))])
    if not isinstance(fields, dict):
        raise bad_request(f"{type}: the payload must be a dict", [("/", "must be a dict")])
    if timeout_ms is not None or traceparent is not None:
        faults = _faults(timeout_ms=(_optional(_wait), timeout_ms), traceparent=(_optional(_text), traceparent))
        raise_faults(str(type), "/options", faults)


def check_close(timeout_ms: object) -> None:
    raise_faults("close", "", _faults(timeout_ms=(_wait, timeout_ms)))


def raise_faults(what: str, prefix: str, faults: list[tuple[str, str]]) -> None:
    if faults:
        words = "; ".join(f"{name} {reason}" for name, reason in faults)
        raise bad_request(f"{what}: {words}", [(f"{prefix}/{name}", reason) for name, reason in faults])


def _beside(given: str, **others: object) -> list[tuple[str, str]]:
    return [(name, f"cannot be given beside {given}") for name, value in others.items() if value is not None]


def _faults(**checks: tuple[Check, object]) -> list[tuple[str, str]]:
    found = ((name, check(value)) for name, (check, value) in checks.items())
    return [(name, reason) for name, reason in found if reason is not None]


def _optional(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _text(value: object) -> str | None:
    return None if isinstance(value, str) and value else "must be a str that is not empty"


def _is_number(value: object, least: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not isnan(value) and value >= least


def _is_integer(value: object, least: int, most: float = inf) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _port(value: object) -> str | None:
    return None if _is_integer(value, 1, _PORT_MAX) else f"must be an int from 1 to {_PORT_MAX}"


def _pool(value: object) -> str | None:
    return None if _is_integer(value, 1, _POOL_MAX) else f"must be an int from 1 to {_POOL_MAX}"


def _count(least: int) -> Check:
    return lambda value: None if value == inf or _is_integer(value, least) else f"must be an int of at least {least}"


def _duration(value: object) -> str | None:
    return None if _is_number(value, 1) else "must be a number of milliseconds, at least 1"


def _wait(value: object) -> str | None:
    return None if _is_number(value, 0) else "must be a number of milliseconds, at least 0"


def _secret(value: object) -> str | None:
    if not isinstance(value, (str, bytes, bytearray)):
        return "must be a str or bytes"
    size = len(value.encode(errors="replace")) if isinstance(value, str) else len(value)
    return None if size >= SECRET_BYTES_MIN else f"must be at least {SECRET_BYTES_MIN} bytes"


def _tls(value: object) -> str | None:
    return None if isinstance(value, (bool, ssl.SSLContext)) else "must be True, False or an ssl.SSLContext"


def _addresses(value: object) -> str | None:
    if (
        isinstance(value, (list, tuple))
        and 0 < len(value) <= _ADDRESSES_MAX
        and all(isinstance(address, str) and parse_address(address) is not None for address in value)
    ):
        return None
    return f'must be a list of 1 to {_ADDRESSES_MAX} texts, each host:port, as "memory.internal:7420" or "[::1]:7420"'
