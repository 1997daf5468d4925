"""What both clients are set up with."""

from __future__ import annotations

import os
import ssl
import weakref
from collections.abc import Sequence

from .options import client_options


class BaseClient:
    def __init__(
        self,
        url: str | None = None,
        *,
        host: str | None = None,
        port: int | None = None,
        addresses: Sequence[str] | None = None,
        key_id: str | None = None,
        secret: str | bytes | None = None,
        sender: str | None = None,
        namespace: str | None = None,
        pool: int = 1,
        timeout_ms: float = 30_000,
        connect_timeout_ms: float | None = None,
        max_in_flight: float = 256,
        max_queued: float = 10_000,
        backoff_min_ms: float = 100,
        backoff_max_ms: float = 10_000,
        client: str | None = None,
        tls: bool | ssl.SSLContext = False,
        tls_server_name: str | None = None,
    ) -> None:
        """Nothing is sent yet. Raises ``BAD_REQUEST`` that names all arguments that are wrong.

        Args:
            url: ``context-manager://[key[:secret]@]host[:port][,host[:port]...]``, key and secret percent-encoded.
                The key is ``default`` and the port 7420 where none is named. What stands beside it comes before what
                it says.
            host: Of one server, with ``port``.
            port: 1 to 65,535.
            addresses: Of several servers over the same memory, ``host:port`` each, tried in their order.
            key_id: The key's id.
            secret: The key's, at least 32 bytes; a str stands for its UTF-8 bytes.
            sender: Who this is: the default of ``agent_id``. By default the key's id.
            namespace: For requests that name none. By default the key's own.
            pool: Connections, 1 to 1,000. Requests of one connection are served in any order, those of several even
                more so.
            timeout_ms: Of a call, unless it has its own, for all of it: connecting, waiting, every attempt.
            connect_timeout_ms: Of one attempt to connect. By default 10,000, or ``timeout_ms`` where that is less.
            max_in_flight: Calls in flight on one connection; 256 is the server's own limit.
            max_queued: Calls that wait for a connection or their next attempt; one more is ``QUEUE_FULL``.
            backoff_min_ms: First pause between attempts; doubled each time, and 50 to 100 % of it.
            backoff_max_ms: Longest pause between attempts.
            client: ``<name>/<version>`` for the server's log.
            tls: True, or an ``ssl.SSLContext`` with a certificate of one's own, another authority, ...
            tls_server_name: The name that the server's certificate must have. By default the host.
        """
        self._options = client_options(
            url,
            host=host,
            port=port,
            addresses=addresses,
            key_id=key_id,
            secret=secret,
            sender=sender,
            namespace=namespace,
            pool=pool,
            timeout_ms=timeout_ms,
            connect_timeout_ms=connect_timeout_ms,
            max_in_flight=max_in_flight,
            max_queued=max_queued,
            backoff_min_ms=backoff_min_ms,
            backoff_max_ms=backoff_max_ms,
            client=client,
            tls=tls,
            tls_server_name=tls_server_name,
        )
        self._closed = False
        self._begin()
        _clients.add(self)

    def _begin(self) -> None:
        """Without any connection."""
        raise NotImplementedError

    def _reset_after_fork(self) -> None:
        """In a forked child, in whose memory locks may be held and threads are that do not run: begins anew."""
        raise NotImplementedError


#: Those that a forked child has to reset.
_clients: weakref.WeakSet[BaseClient] = weakref.WeakSet()


def _reset_clients() -> None:
    for client in list(_clients):
        client._reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_clients)
