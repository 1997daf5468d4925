"""Ids of contexts."""

from __future__ import annotations


def uuid7(now_ms: int, random_bytes: bytes) -> str:
    """A UUID of version 7 (RFC 9562, section 5.7), of 10 random bytes: sorts by its time."""
    digits = f"{now_ms & 0xFFFF_FFFF_FFFF:012x}{random_bytes.hex()}"
    variant = "89ab"[random_bytes[2] & 3]
    return f"{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
