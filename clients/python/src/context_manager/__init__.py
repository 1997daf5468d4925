"""The Python client of context-manager, the memory server for agents.

``Client`` waits, ``AsyncClient`` is for asyncio; both have the same methods. ``context_manager.types`` has the types of
what methods are given and return, ``context_manager.protocol`` the wire protocol without a socket.
"""

from .async_client import AsyncClient
from .client import Client
from .connecting import connect, connect_async
from .errors import ContextManagerError
from .paged_list import AsyncPagedList, PagedList
from .types import *  # noqa: F403
from .types import __all__ as _types
from .version import VERSION as __version__

__all__ = [
    "AsyncClient",
    "AsyncPagedList",
    "Client",
    "ContextManagerError",
    "PagedList",
    "__version__",
    "connect",
    "connect_async",
]
__all__ += _types
