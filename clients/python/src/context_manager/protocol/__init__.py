"""The wire protocol without a socket, a clock or a thread: bytes in, events out; requests in, bytes out.

``Connection`` is the whole of it; the other modules are its parts.
"""

from .connection import Connection, Event, GoingAway, Refused, Replied, Welcomed
from .handshake import Identity, Session

__all__ = ["Connection", "Event", "GoingAway", "Identity", "Refused", "Replied", "Session", "Welcomed"]
