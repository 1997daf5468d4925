"""A server in the test's own process, over real sockets: real frames, real tags, and a script for what it answers."""

from __future__ import annotations

import hmac
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import msgpack

from context_manager.protocol.frame import FrameReader, encode_frame
from context_manager.protocol.proof import TagSequence, auth_tag, derive_keys

SECRET = "0123456789abcdef0123456789abcdef"
SERVER_NONCE = bytes([5]) * 32

Request = dict[str, Any]
#: What a test does with a request; it answers through the peer, now, later or never.
Script = Callable[[Request, "Peer"], None]


def untagged(body: bytes) -> bytes:
    value = msgpack.packb([None, body])
    return len(value).to_bytes(4, "big") + value


class Peer:
    """The server's end of one connection."""

    def __init__(self, stream: socket.socket, server: ScriptedServer, number: int) -> None:
        self.number = number
        self.requests: list[Request] = []
        self.chunks = 0
        #: The client ended its side.
        self.ended = threading.Event()
        self.auth: dict[str, Any] | None = None
        self.pongs = 0
        self._stream = stream
        self._server = server
        self._reader = FrameReader()
        self._incoming: TagSequence | None = None
        self._outgoing: TagSequence | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def reply(self, request: Request, payload: dict[str, Any]) -> None:
        self.send({"id": request["id"], "type": "result", "timestamp": 1, "payload": payload})

    def refuse(self, request: Request, code: str, **more: Any) -> None:
        payload = {"code": code, "message": f"refused: {code}", "retryable": False, **more}
        self.send({"id": request["id"], "type": "error", "timestamp": 1, "payload": payload})

    def send(self, message: dict[str, Any]) -> None:
        self.send_body(msgpack.packb(message))

    def send_body(self, body: bytes) -> None:
        with self._lock:
            outgoing = self._outgoing
            self.send_bytes(untagged(body) if outgoing is None else encode_frame(outgoing.sign(body), body))

    def send_bytes(self, data: bytes) -> None:
        try:
            self._stream.sendall(data)
        except OSError:
            pass

    def cut(self) -> None:
        """Ends the connection without a word."""
        try:
            self._stream.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _run(self) -> None:
        hello = {
            "type": "hello",
            "protocol": 1,
            "server": "scripted/1",
            "server_nonce": SERVER_NONCE,
            "timestamp": 1,
            "max_frame_bytes": 10_485_760,
            **self._server.hello,
        }
        if self._server.is_mute:
            return
        self.send_bytes(untagged(msgpack.packb(hello)))
        try:
            while data := self._stream.recv(65536):
                self.chunks += 1
                self._reader.feed(data)
                while (frame := self._reader.next()) is not None:
                    self._on_frame(*frame)
        except OSError:
            pass
        self.ended.set()
        self._stream.close()

    def _on_frame(self, tag: bytes | None, body: bytes) -> None:
        message = msgpack.unpackb(body)
        if self._incoming is None:
            return self._authenticate(tag, body, message)
        assert self._incoming.verify(tag, body), "a frame of the client does not verify"
        if message["type"] == "result":
            self.pongs += 1
            return
        self.requests.append(message)
        self._server.script(message, self)

    def _authenticate(self, tag: bytes | None, body: bytes, auth: dict[str, Any]) -> None:
        server = self._server
        self.auth = auth
        assert tag is not None
        is_right = hmac.compare_digest(tag, auth_tag(server.secret.encode(), SERVER_NONCE, body))
        if not is_right or server.refuse_with is not None:
            self.refuse({"id": 0}, server.refuse_with or "AUTH_FAILED")
            return self.cut()
        self._reader.frame_bytes_max = 10_485_760
        keys = derive_keys(server.welcome_secret.encode(), SERVER_NONCE, auth["client_nonce"])
        self._incoming, self._outgoing = TagSequence(keys.client_to_server), TagSequence(keys.server_to_client)
        welcome = {
            "type": "welcome",
            "session": "s",
            "scopes": ["read"],
            "namespaces": server.namespaces,
            "heartbeat_ms": server.heartbeat_ms,
            "timestamp": 1,
        }
        self.send(welcome)


class ScriptedServer:
    def __init__(self, script: Script | None = None) -> None:
        self.script: Script = script or (lambda request, peer: peer.reply(request, {}))
        self.peers: list[Peer] = []
        self.secret = self.welcome_secret = SECRET
        self.hello: dict[str, Any] = {}
        self.namespaces = ["*"]
        self.heartbeat_ms = 30_000
        self.refuse_with: str | None = None
        #: It takes connections, and says nothing.
        self.is_mute = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Request]:
        return [request for peer in self.peers for request in peer.requests]

    def down(self) -> None:
        """Nobody listens, and every connection is cut."""
        # `close` alone leaves a listener that a thread waits on.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for peer in self.peers:
            peer.cut()

    def up(self) -> None:
        """At the same port again."""
        until = time.monotonic() + 60
        while True:
            try:
                self._listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            # Known before it says anything, so that whoever hears of it finds it.
            peer = Peer(stream, self, len(self.peers))
            self.peers.append(peer)
            peer.start()
