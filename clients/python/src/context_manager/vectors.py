"""Vectors on the wire: float32, little-endian."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from typing import Union

#: A list of numbers, an ``array``, a numpy array; or the bytes of the wire, 4 for each number.
Vector = Union[Iterable[float], bytes]

_IS_LITTLE = sys.byteorder == "little"


def vector_bytes(vector: object) -> object:
    """The bytes of numbers; what is none is left for whoever looks at it next."""
    if isinstance(vector, bytes):
        return vector
    if isinstance(vector, (bytearray, memoryview)) and _is_bytes(vector):
        return bytes(vector)
    if isinstance(vector, (str, dict)) or not isinstance(vector, Iterable):
        return vector
    if not (isinstance(vector, array) and vector.typecode == "f"):
        try:
            vector = array("f", vector)
        except (TypeError, ValueError, OverflowError):
            return vector
    if not _IS_LITTLE:
        vector = array("f", vector)
        vector.byteswap()
    return vector.tobytes()


def _is_bytes(vector: bytearray | memoryview) -> bool:
    return isinstance(vector, bytearray) or vector.format in ("B", "b", "c")
