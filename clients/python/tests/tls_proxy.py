"""TLS in front of a server, as nginx or a load balancer puts it there."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType


class TlsProxy:
    def __init__(self, port: int, cert: Path, key: Path) -> None:
        self._behind = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(cert, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> TlsProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        """A thread for each direction would use one TLS connection from both: this one takes turns."""
        try:
            near = self._context.wrap_socket(plain, server_side=True)
        except OSError:
            return plain.close()
        far = socket.create_connection(("127.0.0.1", self._behind))
        near.settimeout(0.002)
        far.settimeout(0.002)
        try:
            while True:
                for source, target in ((near, far), (far, near)):
                    try:
                        data = source.recv(65536)
                    except (TimeoutError, ssl.SSLWantReadError):
                        continue
                    if not data:
                        return
                    target.settimeout(60)
                    target.sendall(data)
                    target.settimeout(0.002)
        except OSError:
            pass
        finally:
            near.close()
            far.close()
