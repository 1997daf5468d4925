"""Section 2 of the protocol: the client's side, for one connection."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ContextManagerError, from_payload
from .body import Body, BodyCodec
from .frame import FRAME_BYTES_MAX_DEFAULT, Frame, encode_frame
from .proof import NONCE_BYTES, PROTOCOL_VERSION, TagSequence, auth_tag, derive_keys

_HEARTBEAT_MS_DEFAULT = 30_000.0


@dataclass(frozen=True)
class Identity:
    """Who the client says it is, and what proves it."""

    key_id: str
    secret: bytes
    sender: str
    #: ``<name>/<version>``
    client: str

    def __repr__(self) -> str:
        return f"Identity(key_id={self.key_id!r}, sender={self.sender!r}, client={self.client!r})"


@dataclass(frozen=True)
class Session:
    """What both sides agreed on."""

    #: By the server.
    id: str
    scopes: tuple[str, ...]
    #: Of the key; ``*`` stands for every one.
    namespaces: tuple[str, ...]
    heartbeat_ms: float
    #: The server takes no longer frame.
    frame_bytes_max: int


class ClientHandshake:
    def __init__(
        self,
        identity: Identity,
        codec: BodyCodec,
        now_ms: Callable[[], int],
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._identity = identity
        self._codec = codec
        self._now_ms = now_ms
        self._random_bytes = random_bytes
        self._frame_bytes_max = FRAME_BYTES_MAX_DEFAULT
        #: Set once ``auth`` was made.
        self.incoming: TagSequence | None = None
        self.outgoing: TagSequence | None = None

    def answer(self, frame: Frame) -> bytes:
        """Steps 1 to 3: the frame that answers ``hello``."""
        hello = self._codec.decode(frame[1])
        _raise_if_error(hello)
        server_nonce = hello.get("server_nonce")
        if hello.get("type") != "hello" or not isinstance(server_nonce, bytes) or len(server_nonce) != NONCE_BYTES:
            raise ContextManagerError("PROTOCOL_ERROR", "what answers at this address is not a context-manager server")
        if hello.get("protocol") != PROTOCOL_VERSION:
            raise ContextManagerError(
                "UNSUPPORTED_PROTOCOL", f"the server speaks another protocol than {PROTOCOL_VERSION}"
            )
        frame_bytes_max = hello.get("max_frame_bytes")
        if isinstance(frame_bytes_max, int):
            self._frame_bytes_max = frame_bytes_max
        identity = self._identity
        client_nonce = self._random_bytes(NONCE_BYTES)
        body = self._codec.encode(
            {
                "type": "auth",
                "protocol": PROTOCOL_VERSION,
                "key_id": identity.key_id,
                "sender": identity.sender,
                "client_nonce": client_nonce,
                "timestamp": self._now_ms(),
                "client": identity.client,
            }
        )
        keys = derive_keys(identity.secret, server_nonce, client_nonce)
        self.incoming = TagSequence(keys.server_to_client)
        self.outgoing = TagSequence(keys.client_to_server)
        return encode_frame(auth_tag(identity.secret, server_nonce, body), body)

    def finish(self, frame: Frame) -> Session:
        """Step 4: a server that cannot sign ``welcome`` did not know the secret."""
        tag, body = frame
        if tag is None:
            _raise_if_error(self._codec.decode(body))
        if self.incoming is None or not self.incoming.verify(tag, body):
            raise ContextManagerError("AUTH_FAILED", "the server could not prove that it knows the secret")
        welcome = self._codec.decode(body)
        _raise_if_error(welcome)
        if welcome.get("type") != "welcome":
            raise ContextManagerError("PROTOCOL_ERROR", "the server did not say welcome")
        heartbeat_ms = welcome.get("heartbeat_ms")
        is_time = isinstance(heartbeat_ms, (int, float)) and heartbeat_ms > 0
        return Session(
            id=str(welcome.get("session")),
            scopes=_texts_in(welcome.get("scopes")),
            namespaces=_texts_in(welcome.get("namespaces")),
            heartbeat_ms=float(heartbeat_ms) if is_time and heartbeat_ms is not None else _HEARTBEAT_MS_DEFAULT,
            frame_bytes_max=self._frame_bytes_max,
        )


def _texts_in(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _raise_if_error(message: Body) -> None:
    if message.get("type") == "error":
        raise from_payload(message.get("payload"))
