"""Section 2 of the protocol: keys and tags."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from .frame import TAG_BYTES

PROTOCOL_VERSION = 1
NONCE_BYTES = 32

_AUTH_CONTEXT = b"context-manager/1 auth\0"
#: To which HMAC pads its key (RFC 2104): the block of SHA-256.
_BLOCK_BYTES = 64
_INNER_PAD = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD = bytes(byte ^ 0x5C for byte in range(256))
#: Longer bodies pay for OpenSSL's start with its speed.
_SHORT_BODY_BYTES_MAX = 2048


def _interpreters_own_sha256() -> Callable[[bytes], Any]:
    """SHA-256 as the interpreter brings it: of a short message it makes a tag in a quarter of OpenSSL's time."""
    for module in ("_sha2", "_sha256"):
        try:
            constructor: Callable[[bytes], Any] = import_module(module).sha256
        except (ImportError, AttributeError):
            continue
        return constructor
    return hashlib.sha256


_sha256 = _interpreters_own_sha256()


def auth_tag(secret: bytes, server_nonce: bytes, body: bytes) -> bytes:
    """Step 2: the 32 bytes tag of the ``auth`` frame."""
    return hmac.digest(secret, _AUTH_CONTEXT + server_nonce + body, "sha256")


class DirectionKeys(NamedTuple):
    client_to_server: bytes
    server_to_client: bytes


def derive_keys(secret: bytes, server_nonce: bytes, client_nonce: bytes) -> DirectionKeys:
    """Step 3: HKDF-SHA256 (RFC 5869) with salt = server nonce || client nonce; one block is all that is needed."""
    extracted = hmac.digest(server_nonce + client_nonce, secret, "sha256")
    return DirectionKeys(
        hmac.digest(extracted, b"context-manager/1 c2s\x01", "sha256"),
        hmac.digest(extracted, b"context-manager/1 s2c\x01", "sha256"),
    )


class TagSequence:
    """The tags of one direction of one connection, in order: HMAC-SHA256(key, u64 BE n || body), n from 0."""

    __slots__ = ("_inner", "_key", "_outer", "count")

    def __init__(self, key: bytes) -> None:
        self._key = key
        block = key.ljust(_BLOCK_BYTES, b"\0")
        # Both hashes after the key's block: each tag goes on from copies of them.
        self._inner = _sha256(block.translate(_INNER_PAD))
        self._outer = _sha256(block.translate(_OUTER_PAD))
        #: Frames signed or verified so far.
        self.count = 0

    def sign(self, body: bytes) -> bytes:
        """The tag of the next frame."""
        tag = self._tag(body)
        self.count += 1
        return tag

    def verify(self, tag: bytes | None, body: bytes) -> bool:
        """Whether ``tag`` is the next frame's. Only then the counter moves; a frame that fails ends the connection."""
        if tag is None or len(tag) != TAG_BYTES or not hmac.compare_digest(tag, self._tag(body)):
            return False
        self.count += 1
        return True

    def _tag(self, body: bytes) -> bytes:
        message = self.count.to_bytes(8, "big") + body
        if len(message) > _SHORT_BODY_BYTES_MAX:
            return hmac.digest(self._key, message, "sha256")
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        tag: bytes = outer.digest()
        return tag
