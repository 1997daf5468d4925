"""Section 1 of the protocol: frames."""

from __future__ import annotations

from struct import Struct

from ..errors import ContextManagerError

FRAME_BYTES_MAX_BEFORE_AUTH = 4096
#: Longest frame after authentication, unless the server says otherwise.
FRAME_BYTES_MAX_DEFAULT = 10 * 1024 * 1024
TAG_BYTES = 32

_LENGTH_BYTES = 4
#: Length, header of the array, header of the tag, tag, header of the body, by how many bytes the body's length takes.
_SHORT_HEAD, _HEAD_BIN16, _HEAD_BIN32 = Struct(">IBBB32sBB"), Struct(">IBBB32sBH"), Struct(">IBBB32sBI")
_SHORT_HEAD_BYTES = _SHORT_HEAD.size
_ARRAY_OF_TWO, _BIN8, _BIN16, _BIN32 = 0x92, 0xC4, 0xC5, 0xC6
_NIL, _TAG_HEAD = b"\xc0", b"\xc4\x20"

#: Tag (None: the sender wrote nil) and body, which is not decoded.
Frame = tuple[bytes | None, bytes]


class FrameReader:
    """Cuts a stream of bytes into frames.

    Pull ``next()`` until it gives None; it raises ``BAD_FRAME`` or ``FRAME_TOO_LARGE``, the latter as soon as the
    length is known. Chunks of one frame are joined once, however many they are.
    """

    __slots__ = ("_at", "_chunks", "_size", "_wanted", "frame_bytes_max")

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX_BEFORE_AUTH) -> None:
        #: Limit on the length of the frames to come.
        self.frame_bytes_max = frame_bytes_max
        self._chunks: list[bytes] = []
        #: Bytes of all chunks, of which the first `_at` are taken already.
        self._size = 0
        self._at = 0
        #: Bytes without which there is nothing more to say.
        self._wanted = _LENGTH_BYTES

    @property
    def buffered_bytes(self) -> int:
        """What came and is not taken yet."""
        return self._size - self._at

    def feed(self, data: bytes) -> None:
        self._chunks.append(data)
        self._size += len(data)

    def next(self) -> Frame | None:
        at = self._at
        there = self._size - at
        if there < self._wanted:
            return None
        data = self._chunks[0] if len(self._chunks) == 1 else self._joined()
        if there >= _SHORT_HEAD_BYTES:
            # Nearly all frames: signed, and with a short body. Anything else is looked at piece by piece.
            length, array, tag_head, tag_bytes, tag, body_head, size = _SHORT_HEAD.unpack_from(data, self._at)
            if (
                length + _LENGTH_BYTES <= there
                and body_head == _BIN8
                and length == size + 37
                and array == _ARRAY_OF_TWO
                and tag_head == _BIN8
                and tag_bytes == TAG_BYTES
            ):
                start = self._at + _SHORT_HEAD_BYTES
                end = start + size
                self._take_until(end)
                return tag, data[start:end]
        return self._next(data, self._at)

    def _next(self, data: bytes, at: int) -> Frame | None:
        length = int.from_bytes(data[at : at + _LENGTH_BYTES], "big")
        if not 0 < length <= self.frame_bytes_max:
            raise self._wrong_length(length)
        end = at + _LENGTH_BYTES + length
        if end > self._size:
            self._wanted = _LENGTH_BYTES + length
            return None
        self._take_until(end)
        return _parse(data, at, end)

    def _take_until(self, end: int) -> None:
        self._wanted = _LENGTH_BYTES
        if end == self._size:
            self._chunks.clear()
            self._size = self._at = 0
        else:
            self._at = end

    def _joined(self) -> bytes:
        chunks = self._chunks
        chunks[0] = chunks[0][self._at :]
        chunks[:] = [b"".join(chunks)]
        self._size -= self._at
        self._at = 0
        return chunks[0]

    def _wrong_length(self, length: int) -> ContextManagerError:
        if length == 0:
            return _bad_frame("a frame of length 0")
        return ContextManagerError(
            "FRAME_TOO_LARGE",
            f"a frame of {length} bytes is over the limit of {self.frame_bytes_max}",
            details={"max_frame_bytes": self.frame_bytes_max},
        )


def _parse(data: bytes, start: int, end: int) -> Frame:
    """``data[start:end]``, from its length on, as the two-element array of section 1."""
    at = start + _LENGTH_BYTES
    if data[at] != _ARRAY_OF_TWO:
        raise _bad_frame("a frame that is not an array of two")
    tag: bytes | None = None
    if data[at + 1 : at + 3] == _TAG_HEAD:
        at += 3 + TAG_BYTES
        tag = data[at - TAG_BYTES : at]
    elif data[at + 1 : at + 2] == _NIL:
        at += 2
    else:
        raise _bad_frame("a frame whose tag is neither 32 bytes nor nil")
    if at >= end:
        raise _bad_frame("a frame without a body")
    return tag, _body(data, at, end, data[at])


def _body(data: bytes, at: int, end: int, head: int) -> bytes:
    if head == _BIN8:
        length_bytes = 1
    elif head == _BIN16:
        length_bytes = 2
    elif head == _BIN32:
        length_bytes = 4
    else:
        raise _bad_frame("a frame whose body is not bin")
    start = at + 1 + length_bytes
    if start > end or int.from_bytes(data[at + 1 : start], "big") != end - start:
        raise _bad_frame("a frame whose body is not as long as it says")
    return data[start:end]


def encode_frame(tag: bytes, body: bytes) -> bytes:
    """A client signs every frame."""
    size = len(body)
    if size < 0x100:
        return _SHORT_HEAD.pack(size + 37, _ARRAY_OF_TWO, _BIN8, TAG_BYTES, tag, _BIN8, size) + body
    if size < 0x10000:
        return _HEAD_BIN16.pack(size + 38, _ARRAY_OF_TWO, _BIN8, TAG_BYTES, tag, _BIN16, size) + body
    return _HEAD_BIN32.pack(size + 40, _ARRAY_OF_TWO, _BIN8, TAG_BYTES, tag, _BIN32, size) + body


def signed_frame_length(body: bytes) -> int:
    """What the length field of a frame with a tag and this body says."""
    size = len(body)
    return size + (37 if size < 0x100 else 38 if size < 0x10000 else 40)


def _bad_frame(what: str) -> ContextManagerError:
    return ContextManagerError("BAD_FRAME", f"the server sent {what}")
