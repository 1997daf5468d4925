"""How names of frameworks become ids and tags: see ``FORMAT.md`` beside this package, which binds every language."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Any
from uuid import UUID

#: What stays in metadata, of which the server takes 65,536 bytes with all that stands beside it.
JSON_BYTES_MAX = 40_000
TEXT_CHARS_MAX = 262_144


def record_id(texts: Iterable[str]) -> str:
    """The id of what is called by these texts."""
    digest = bytearray(sha256(_netstrings(texts)).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(digest)))


def place(kind: str, texts: Iterable[str]) -> str:
    """The tag of all that lies below these texts."""
    digest = sha256(_netstrings(texts)).digest()[:16]
    return f"{kind}:{urlsafe_b64encode(digest).decode().rstrip('=')}"


def places(kind: str, texts: tuple[str, ...]) -> list[str]:
    """Of each prefix, from the empty one to the whole."""
    return [place(kind, texts[:length]) for length in range(len(texts) + 1)]


def to_json(value: Any) -> str:
    """Raises ``TypeError`` or ``ValueError`` where it has no JSON (a ``datetime``, ``NaN``, a loop)."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8, but an escape.
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text


def readable(text: str, otherwise: str) -> str:
    """As the server takes it: of its length, in UTF-8, and something that shows."""
    text = text.encode("utf-8", "replace").decode()[:TEXT_CHARS_MAX]
    return text if shows(text) else otherwise


def shows(text: str) -> bool:
    """Whether there is more than white space and characters that cannot be seen; in doubt there is not."""
    return any(character.isalnum() or "!" <= character <= "~" for character in text)


def _netstrings(texts: Iterable[str]) -> bytes:
    encoded = [text.encode() for text in texts]
    return b"".join(b"%d:%b" % (len(each), each) for each in encoded)
