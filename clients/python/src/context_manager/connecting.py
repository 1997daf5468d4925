"""Clients that are connected already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ParamSpec

from .async_client import AsyncClient
from .client import Client

P = ParamSpec("P")


def _connecting(make: Callable[P, Client]) -> Callable[P, Client]:
    def connect(*args: P.args, **options: P.kwargs) -> Client:
        """A ``Client`` of these arguments, connected. Raises where nobody answers, or the server refuses it."""
        return make(*args, **options).connect()

    return connect


def _connecting_async(make: Callable[P, AsyncClient]) -> Callable[P, Awaitable[AsyncClient]]:
    async def connect_async(*args: P.args, **options: P.kwargs) -> AsyncClient:
        """An ``AsyncClient`` of these arguments, connected. Raises where nobody answers, or the server refuses it."""
        return await make(*args, **options).connect()

    return connect_async


connect = _connecting(Client)
connect_async = _connecting_async(AsyncClient)
