"""All that a request finds, fetched page by page as it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

from .operation import Operation

Item = TypeVar("Item")


class _Page(Protocol):
    cursor: str | None


Page = TypeVar("Page", bound=_Page)


class PagedList(Generic[Item, Page]):
    """Loop over it for all items; each loop begins anew."""

    def __init__(
        self,
        call: Callable[[Operation[Page], dict[str, Any], float | None, str | None], Page],
        operation: Operation[Page],
        fields: Mapping[str, Any],
        timeout_ms: float | None,
        traceparent: str | None,
        items_of: Callable[[Page], list[Item]],
    ) -> None:
        self._call = call
        self._operation = operation
        self._fields = fields
        self._options = (timeout_ms, traceparent)
        self._items_of = items_of

    def page(self) -> Page:
        """One page: the first, or that of the request's ``cursor``."""
        return self._call(self._operation, dict(self._fields), *self._options)

    def pages(self) -> Iterator[Page]:
        page = self.page()
        while True:
            yield page
            if page.cursor is None:
                return
            page = self._call(self._operation, {**self._fields, "cursor": page.cursor}, *self._options)

    def __iter__(self) -> Iterator[Item]:
        for page in self.pages():
            yield from self._items_of(page)


class AsyncPagedList(Generic[Item, Page]):
    """Loop over it for all items (``async for``); each loop begins anew."""

    def __init__(
        self,
        call: Callable[[Operation[Page], dict[str, Any], float | None, str | None], Awaitable[Page]],
        operation: Operation[Page],
        fields: Mapping[str, Any],
        timeout_ms: float | None,
        traceparent: str | None,
        items_of: Callable[[Page], list[Item]],
    ) -> None:
        self._call = call
        self._operation = operation
        self._fields = fields
        self._options = (timeout_ms, traceparent)
        self._items_of = items_of

    async def page(self) -> Page:
        """One page: the first, or that of the request's ``cursor``."""
        return await self._call(self._operation, dict(self._fields), *self._options)

    async def pages(self) -> AsyncIterator[Page]:
        page = await self.page()
        while True:
            yield page
            if page.cursor is None:
                return
            page = await self._call(self._operation, {**self._fields, "cursor": page.cursor}, *self._options)

    async def __aiter__(self) -> AsyncIterator[Item]:
        async for page in self.pages():
            for item in self._items_of(page):
                yield item
