"""One session of an agent: its live conversation, and what to send to a model of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from . import models_generated as models
from .async_methods_generated import AsyncMethods
from .inputs_generated import NewMessage, Recall, SessionStateInput
from .methods_generated import Methods
from .paged_list import AsyncPagedList, PagedList


def _list(messages: NewMessage | Sequence[NewMessage]) -> Sequence[NewMessage]:
    return [messages] if isinstance(messages, Mapping) else messages


class _Named:
    def __init__(self, id: str, agent_id: str | None, namespace: str | None) -> None:
        self.id = id
        self._scope: dict[str, Any] = {"agent_id": agent_id, "namespace": namespace}


class SessionClient(_Named):
    """Asks nothing before one of its methods is called."""

    def __init__(self, client: Methods, id: str, agent_id: str | None, namespace: str | None) -> None:
        super().__init__(id, agent_id, namespace)
        self._client = client

    def append(
        self, messages: NewMessage | Sequence[NewMessage], *, timeout_ms: float | None = None
    ) -> models.SessionAppendReply:
        """Appends one message, or several that stay together; durable when this returns."""
        return self._client.append_to_session(self.id, _list(messages), **self._scope, timeout_ms=timeout_ms)

    def window(
        self,
        *,
        query: str | None = None,
        max_tokens: int | None = None,
        recall: Literal[False] | Recall | None = None,
        explain: bool | None = None,
        timeout_ms: float | None = None,
    ) -> models.SessionWindowReply:
        """What to send to a model now, never more than the window's ``max_tokens``."""
        asked: dict[str, Any] = {"query": query, "max_tokens": max_tokens, "recall": recall, "explain": explain}
        return self._client.session_window(self.id, **asked, **self._scope, timeout_ms=timeout_ms)

    def configure(
        self,
        *,
        max_tokens: int | None = None,
        offload_at: float | None = None,
        relieve_to: float | None = None,
        rearm_at: float | None = None,
        header: str | None = None,
        state: SessionStateInput | None = None,
        timeout_ms: float | None = None,
    ) -> models.SessionConfigureReply:
        """Sets what holds for this session; what is left out stays."""
        config: dict[str, Any] = {
            "max_tokens": max_tokens,
            "offload_at": offload_at,
            "relieve_to": relieve_to,
            "rearm_at": rearm_at,
            "header": header,
            "state": state,
        }
        return self._client.configure_session(self.id, **config, **self._scope, timeout_ms=timeout_ms)

    def get(self, *, cursor: str | None = None, timeout_ms: float | None = None) -> models.SessionGetReply:
        """What the window lists; ``NOT_FOUND`` where nothing was appended or configured."""
        return self._client.get_session(self.id, cursor=cursor, **self._scope, timeout_ms=timeout_ms)

    def expand(
        self, card_id: str, *, timeout_ms: float | None = None
    ) -> PagedList[models.SessionMessage, models.SessionExpandReply]:
        """The messages that a card stands for, in order."""
        return self._client.expand_card(self.id, card_id, **self._scope, timeout_ms=timeout_ms)

    def reset(self, *, forget: bool | None = None, timeout_ms: float | None = None) -> models.SessionResetReply:
        """Empties the window; with ``forget`` its contexts and cards are deleted, too."""
        return self._client.reset_session(self.id, forget=forget, **self._scope, timeout_ms=timeout_ms)


class AsyncSessionClient(_Named):
    """Asks nothing before one of its methods is called."""

    def __init__(self, client: AsyncMethods, id: str, agent_id: str | None, namespace: str | None) -> None:
        super().__init__(id, agent_id, namespace)
        self._client = client

    async def append(
        self, messages: NewMessage | Sequence[NewMessage], *, timeout_ms: float | None = None
    ) -> models.SessionAppendReply:
        """Appends one message, or several that stay together; durable when this returns."""
        return await self._client.append_to_session(self.id, _list(messages), **self._scope, timeout_ms=timeout_ms)

    async def window(
        self,
        *,
        query: str | None = None,
        max_tokens: int | None = None,
        recall: Literal[False] | Recall | None = None,
        explain: bool | None = None,
        timeout_ms: float | None = None,
    ) -> models.SessionWindowReply:
        """What to send to a model now, never more than the window's ``max_tokens``."""
        asked: dict[str, Any] = {"query": query, "max_tokens": max_tokens, "recall": recall, "explain": explain}
        return await self._client.session_window(self.id, **asked, **self._scope, timeout_ms=timeout_ms)

    async def configure(
        self,
        *,
        max_tokens: int | None = None,
        offload_at: float | None = None,
        relieve_to: float | None = None,
        rearm_at: float | None = None,
        header: str | None = None,
        state: SessionStateInput | None = None,
        timeout_ms: float | None = None,
    ) -> models.SessionConfigureReply:
        """Sets what holds for this session; what is left out stays."""
        config: dict[str, Any] = {
            "max_tokens": max_tokens,
            "offload_at": offload_at,
            "relieve_to": relieve_to,
            "rearm_at": rearm_at,
            "header": header,
            "state": state,
        }
        return await self._client.configure_session(self.id, **config, **self._scope, timeout_ms=timeout_ms)

    async def get(self, *, cursor: str | None = None, timeout_ms: float | None = None) -> models.SessionGetReply:
        """What the window lists; ``NOT_FOUND`` where nothing was appended or configured."""
        return await self._client.get_session(self.id, cursor=cursor, **self._scope, timeout_ms=timeout_ms)

    def expand(
        self, card_id: str, *, timeout_ms: float | None = None
    ) -> AsyncPagedList[models.SessionMessage, models.SessionExpandReply]:
        """The messages that a card stands for, in order."""
        return self._client.expand_card(self.id, card_id, **self._scope, timeout_ms=timeout_ms)

    async def reset(self, *, forget: bool | None = None, timeout_ms: float | None = None) -> models.SessionResetReply:
        """Empties the window; with ``forget`` its contexts and cards are deleted, too."""
        return await self._client.reset_session(self.id, forget=forget, **self._scope, timeout_ms=timeout_ms)
