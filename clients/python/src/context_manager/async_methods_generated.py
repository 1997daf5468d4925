# Generated from proto-spec/ by `npm run generate`; do not edit.
"""One method for each request of the protocol; how a call is made is for whoever extends it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, TypeVar

from .filters import Filter
from .models_generated import Backend, Level, MessageRole
from .vectors import Vector
from . import models_generated as models
from . import operations_generated as operations
from .inputs_generated import ContentPartInput, NewContext, NewFact, NewMessage, Recall, SessionStateInput, StateEntryInput, Weights
from .operation import Operation
from .paged_list import AsyncPagedList

_Reply = TypeVar("_Reply")


class AsyncMethods(ABC):
    @abstractmethod
    async def _call(
        self,
        operation: Operation[_Reply],
        fields: dict[str, Any],
        timeout_ms: float | None,
        traceparent: str | None,
    ) -> _Reply: ...

    async def ping(
        self,
        *,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.PingReply:
        """How the server is.

        Args:
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        return await self._call(operations.PING, {}, timeout_ms, traceparent)

    async def store(
        self,
        text: str,
        *,
        level: Level | None = None,
        id: str | None = None,
        namespace: str | None = None,
        agent_id: str | None = None,
        session_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
        ttl_ms: int | None = None,
        created_at: int | None = None,
        valid_from: int | None = None,
        valid_until: int | None = None,
        supersedes: Sequence[str] | None = None,
        embedding: Vector | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.StoredContext:
        """Stores a context; it is durable when the reply is there.

        Args:
            text: What is remembered. 1 to 262,144 characters (a longer one is PAYLOAD_TOO_LARGE), not only white
                space and invisible ones.
            level: Where it goes. Default: ``immediate``.
            id: A UUID, by default a new one of version 7. An id that exists with the same text is a success with
                ``created: false``, with another text CONFLICT.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: Whose it is; by default the ``sender`` of the connection. ``*`` is no agent.
            session_id: The conversation that it belongs to. Default: none.
            metadata: Any JSON-like map of at most 65,536 bytes as MessagePack (more is PAYLOAD_TOO_LARGE): no bin, no
                NaN, no infinities, and no NUL character in a name, at whatever depth.
            tags: At most 64, each of 1 to 128 characters.
            ttl_ms: Milliseconds until it is deleted; at most 100 years. Default: the lifetime of its level.
            created_at: The time of what is remembered, in milliseconds since the Unix epoch, up to the end of the
                year 9999. Default: now.
            valid_from: From when on it holds in the world, in milliseconds since the Unix epoch. Default: from
                ``created_at``.
            valid_until: When it ceases to hold, in milliseconds since the Unix epoch; at that moment it holds no
                more. Later than a ``valid_from`` given with it; alone it may be past. Default: it has no end.
            supersedes: Ids of up to 64 contexts of the namespace that hold no more from this one's ``valid_from`` on.
                Where one is not there it is NOT_FOUND, and nothing is stored. Deleting this context takes it back.
                Default: none.
            embedding: Used in place of the vector that the server makes of the text, and of the same dimension:
                float32 little-endian, 4 x dimension bytes.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "text": text,
            "level": level,
            "id": id,
            "namespace": namespace,
            "agent_id": agent_id,
            "session_id": session_id,
            "metadata": metadata,
            "tags": tags,
            "ttl_ms": ttl_ms,
            "created_at": created_at,
            "valid_from": valid_from,
            "valid_until": valid_until,
            "supersedes": supersedes,
            "embedding": embedding,
        }
        return await self._call(operations.CONTEXT_STORE, fields, timeout_ms, traceparent)

    async def store_batch(
        self,
        contexts: Sequence[NewContext],
        *,
        namespace: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.ContextStoreBatchReply:
        """Stores up to 1,000 contexts; each has its own outcome, in order.

        Args:
            contexts: Each with its own id, namespace, agent, session, level and lifetime.
            namespace: Of the contexts that name none.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "contexts": contexts,
            "namespace": namespace,
        }
        return await self._call(operations.CONTEXT_STORE_BATCH, fields, timeout_ms, traceparent)

    async def query(
        self,
        query: str | None = None,
        *,
        embedding: Vector | None = None,
        max_tokens: int | None = None,
        limit: int | None = None,
        levels: Sequence[Level] | None = None,
        namespace: str | None = None,
        agent_id: str | None = None,
        session_id: str | None = None,
        filter: Filter | None = None,
        relevance_threshold: float | None = None,
        priority: Literal["Balanced", "Recent", "Deep"] | Sequence[float] | None = None,
        as_of: int | None = None,
        known_at: int | None = None,
        include_past: bool | None = None,
        weights: Weights | None = None,
        facts: bool | None = None,
        explain: bool | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.ContextQueryReply:
        """What matters for a query, within a token budget, best first.

        Args:
            query: The question, in words. 1 to 262,144 characters; a longer one is PAYLOAD_TOO_LARGE.
            embedding: The question as a vector of the server's dimension: float32 little-endian, 4 x dimension bytes.
                With ``query``, too, it is compared in place of the vector of the text.
            max_tokens: The budget: the texts of the answer never cost more. Default: the server's
                ``hirag.max_context_tokens``, which is 4,000.
            limit: Contexts of the answer. Default: the server's ``hirag.query_limit``, which is 50.
            levels: The levels that are looked into; by default all.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: Whose contexts: an agent's, by default those of the ``sender`` of the connection; ``*`` for
                every agent of the namespace.
            session_id: That session's contexts, and those of no session. Default: of any session and of none.
            filter: Conditions that each context of the answer meets.
            relevance_threshold: The least ``relevance_score`` of a context in the answer. Default: the server's
                ``hirag.relevance_threshold``, 0.05, which is one of the similarity.
            priority: How the token budget is split over the levels: a named strategy, or three shares (L1, L2, L3)
                that are scaled to sum 1. Default: the server's ``hirag.retrieval_strategy``, which is ``Balanced``.
            as_of: The moment in the world that is asked about, in milliseconds since the Unix epoch: what does not
                hold then is left out. Default: now.
            known_at: Only what had been stored by then, with the supersessions known by then, in milliseconds since
                the Unix epoch. Default: all that is stored.
            include_past: Also what holds no more at ``as_of``; such a context says so in ``valid_until``. Default:
                false.
            weights: What each part of a score counts, 0 to 1, in place of the server's weights; they are scaled to
                sum 1. A part that is not named counts nothing. Not all 0.
            facts: With facts about what ``query`` names: at most a quarter of ``max_tokens``, and 20 of them.
                Default: false.
            explain: With ``receipts``, which tell what became of each candidate. Default: false.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "query": query,
            "embedding": embedding,
            "max_tokens": max_tokens,
            "limit": limit,
            "levels": levels,
            "namespace": namespace,
            "agent_id": agent_id,
            "session_id": session_id,
            "filter": filter,
            "relevance_threshold": relevance_threshold,
            "priority": priority,
            "as_of": as_of,
            "known_at": known_at,
            "include_past": include_past,
            "weights": weights,
            "facts": facts,
            "explain": explain,
        }
        return await self._call(operations.CONTEXT_QUERY, fields, timeout_ms, traceparent)

    async def get(
        self,
        id: str,
        *,
        namespace: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.ContextGetReply:
        """One context; ``NOT_FOUND`` where there is none.

        Args:
            id: Of the context.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "id": id,
            "namespace": namespace,
        }
        return await self._call(operations.CONTEXT_GET, fields, timeout_ms, traceparent)

    async def update(
        self,
        id: str,
        *,
        namespace: str | None = None,
        text: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
        level: Level | None = None,
        ttl_ms: int | None = None,
        valid_from: int | None = None,
        valid_until: int | None = None,
        if_version: int | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.ContextUpdateReply:
        """Changes what is given. Never repeated once it may have been done: ``if_version`` tells what became of it.

        Args:
            id: Of the context.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            text: In place of the one there is. 1 to 262,144 characters, not only white space and invisible ones.
            metadata: In place of all that there is; at most 65,536 bytes as MessagePack.
            tags: In place of all that there are; at most 64, each of 1 to 128 characters.
            level: Where it is moved; it gets that level's lifetime where no client gave it one.
            ttl_ms: Milliseconds from now until it is deleted; at most 100 years.
            valid_from: From when on it holds in the world, in milliseconds since the Unix epoch; what it supersedes
                ends then.
            valid_until: When it ceases to hold, in milliseconds since the Unix epoch; at that moment it holds no
                more. Later than a ``valid_from`` given with it.
            if_version: The version that is to be changed: CONFLICT where the context has another. Default: whichever
                it has.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "id": id,
            "namespace": namespace,
            "text": text,
            "metadata": metadata,
            "tags": tags,
            "level": level,
            "ttl_ms": ttl_ms,
            "valid_from": valid_from,
            "valid_until": valid_until,
            "if_version": if_version,
        }
        return await self._call(operations.CONTEXT_UPDATE, fields, timeout_ms, traceparent)

    async def delete(
        self,
        id: str | None = None,
        *,
        filter: Filter | None = None,
        erase: bool | None = None,
        namespace: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.ContextDeleteReply:
        """Deletes by id, or all that match a filter.

        Args:
            id: The one to delete.
            filter: All that match it, of every agent and session: a condition on ``agent_id`` or ``session_id``
                narrows it.
            erase: true: what was made of them goes, too (facts that name one as a source; cards are made anew of the
                other messages), and so do the bytes that they took. Default: false.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "id": id,
            "filter": filter,
            "erase": erase,
            "namespace": namespace,
        }
        return await self._call(operations.CONTEXT_DELETE, fields, timeout_ms, traceparent)

    def list(
        self,
        *,
        namespace: str | None = None,
        levels: Sequence[Level] | None = None,
        agent_id: str | None = None,
        session_id: str | None = None,
        filter: Filter | None = None,
        as_of: int | None = None,
        known_at: int | None = None,
        include_past: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> AsyncPagedList[models.Context, models.ContextListReply]:
        """Contexts, newest first: loop over all of them, or take page by page. What is said about time is said of
        each page.

        Args:
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            levels: The levels that are looked into; by default all.
            agent_id: Whose contexts: an agent's, by default those of the ``sender`` of the connection; ``*`` for
                every agent of the namespace.
            session_id: That session's contexts alone. Default: of any session and of none.
            filter: Conditions that each of them meets.
            as_of: The moment in the world that is asked about, in milliseconds since the Unix epoch: what does not
                hold then is left out. Default: now.
            known_at: Only what had been stored by then, with the supersessions known by then, in milliseconds since
                the Unix epoch. Default: all that is stored.
            include_past: Also what holds no more at ``as_of``; such a context says so in ``valid_until``. Default:
                false.
            limit: Contexts of a page. Default: 100.
            cursor: What the page before gave. Default: the first page.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "namespace": namespace,
            "levels": levels,
            "agent_id": agent_id,
            "session_id": session_id,
            "filter": filter,
            "as_of": as_of,
            "known_at": known_at,
            "include_past": include_past,
            "limit": limit,
            "cursor": cursor,
        }
        return AsyncPagedList(self._call, operations.CONTEXT_LIST, fields, timeout_ms, traceparent, lambda page: page.contexts)

    async def used(
        self,
        ids: Sequence[str],
        *,
        namespace: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.ContextUsedReply:
        """Counts an access of each: they were of use, and not only returned.

        Args:
            ids: Of the contexts, 1 to 100. One that is named twice counts once.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "ids": ids,
            "namespace": namespace,
        }
        return await self._call(operations.CONTEXT_USED, fields, timeout_ms, traceparent)

    async def append_to_session(
        self,
        session_id: str,
        messages: Sequence[NewMessage],
        *,
        namespace: str | None = None,
        agent_id: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.SessionAppendReply:
        """Appends messages to a session's window, in order, all or none; they are durable when this resolves.

        Args:
            session_id: A conversation, by whatever name the client gives it.
            messages: In order; no other client's stand between them.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: Whose it is; by default the ``sender`` of the connection. ``*`` is no agent.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "session_id": session_id,
            "namespace": namespace,
            "agent_id": agent_id,
            "messages": messages,
        }
        return await self._call(operations.SESSION_APPEND, fields, timeout_ms, traceparent)

    async def session_window(
        self,
        session_id: str,
        *,
        namespace: str | None = None,
        agent_id: str | None = None,
        query: str | None = None,
        max_tokens: int | None = None,
        recall: Literal[False] | Recall | None = None,
        explain: bool | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.SessionWindowReply:
        """What to send to a model now, within the window's budget, with what matters from before.

        Args:
            session_id: A conversation, by whatever name the client gives it.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: Whose it is; by default the ``sender`` of the connection. ``*`` is no agent.
            query: What memory is asked for. Default: the last user message.
            max_tokens: Of all that is sent. Default: the session's.
            recall: false: nothing is recalled. Default: it is.
            explain: Adds ``receipts``.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "session_id": session_id,
            "namespace": namespace,
            "agent_id": agent_id,
            "query": query,
            "max_tokens": max_tokens,
            "recall": recall,
            "explain": explain,
        }
        return await self._call(operations.SESSION_WINDOW, fields, timeout_ms, traceparent)

    async def configure_session(
        self,
        session_id: str,
        *,
        namespace: str | None = None,
        agent_id: str | None = None,
        max_tokens: int | None = None,
        offload_at: float | None = None,
        relieve_to: float | None = None,
        rearm_at: float | None = None,
        header: str | None = None,
        state: SessionStateInput | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.SessionConfigureReply:
        """Sets what holds for one session; what is left out stays.

        Args:
            session_id: A conversation, by whatever name the client gives it.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: Whose it is; by default the ``sender`` of the connection. ``*`` is no agent.
            max_tokens: What its window sends at most, in tokens. Default: ``window.max_tokens``.
            offload_at: Share of ``max_tokens`` at which the oldest exchanges leave. Default: ``window.offload_at``.
            relieve_to: Share that stays then at most; not above ``offload_at``. Default: ``window.relieve_to``.
            rearm_at: Share below which it is tried again where that was not enough; not above ``offload_at``.
                Default: ``window.rearm_at``.
            header: Stands before everything else, as a system message; at most half of the window. An empty one takes
                it away.
            state: The lists that are given take the place of those there are.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "session_id": session_id,
            "namespace": namespace,
            "agent_id": agent_id,
            "max_tokens": max_tokens,
            "offload_at": offload_at,
            "relieve_to": relieve_to,
            "rearm_at": rearm_at,
            "header": header,
            "state": state,
        }
        return await self._call(operations.SESSION_CONFIGURE, fields, timeout_ms, traceparent)

    async def get_session(
        self,
        session_id: str,
        *,
        namespace: str | None = None,
        agent_id: str | None = None,
        cursor: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.SessionGetReply:
        """One session with what its window lists; ``NOT_FOUND`` where there is none.

        Args:
            session_id: A conversation, by whatever name the client gives it.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: Whose it is; by default the ``sender`` of the connection. ``*`` is no agent.
            cursor: Of an earlier reply: the next page of cards.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "session_id": session_id,
            "namespace": namespace,
            "agent_id": agent_id,
            "cursor": cursor,
        }
        return await self._call(operations.SESSION_GET, fields, timeout_ms, traceparent)

    def list_sessions(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        namespace: str | None = None,
        agent_id: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> AsyncPagedList[models.Session, models.SessionListReply]:
        """Sessions that have a window, last used first: ``for await`` over all of them, ``page()`` for one page.

        Args:
            limit: Of one page. Default: 100.
            cursor: Of an earlier page.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: Whose; ``*`` for every agent's. Default: the sender's.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "limit": limit,
            "cursor": cursor,
            "namespace": namespace,
            "agent_id": agent_id,
        }
        return AsyncPagedList(self._call, operations.SESSION_LIST, fields, timeout_ms, traceparent, lambda page: page.sessions)

    def expand_card(
        self,
        session_id: str,
        card_id: str,
        *,
        namespace: str | None = None,
        agent_id: str | None = None,
        cursor: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> AsyncPagedList[models.SessionMessage, models.SessionExpandReply]:
        """The messages that a card stands for, in order: ``for await`` over all of them, ``page()`` for one page.

        Args:
            session_id: A conversation, by whatever name the client gives it.
            card_id: Of a card of this session.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: Whose it is; by default the ``sender`` of the connection. ``*`` is no agent.
            cursor: Of an earlier page.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "session_id": session_id,
            "namespace": namespace,
            "agent_id": agent_id,
            "card_id": card_id,
            "cursor": cursor,
        }
        return AsyncPagedList(self._call, operations.SESSION_EXPAND, fields, timeout_ms, traceparent, lambda page: page.messages)

    async def reset_session(
        self,
        session_id: str,
        *,
        namespace: str | None = None,
        agent_id: str | None = None,
        forget: bool | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.SessionResetReply:
        """Empties a session's window; with ``forget`` its contexts and cards are deleted, too.

        Args:
            session_id: A conversation, by whatever name the client gives it.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: Whose it is; by default the ``sender`` of the connection. ``*`` is no agent.
            forget: true: its contexts and cards are deleted, too. Default: false; nothing is deleted.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "session_id": session_id,
            "namespace": namespace,
            "agent_id": agent_id,
            "forget": forget,
        }
        return await self._call(operations.SESSION_RESET, fields, timeout_ms, traceparent)

    async def put_facts(
        self,
        facts: Sequence[NewFact],
        *,
        namespace: str | None = None,
        agent_id: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.FactPutReply:
        """Puts up to 100 facts; they are durable when the reply is there, which tells what they supersede and
        contradict.

        Args:
            facts: 1 to 100. Of two that begin at the same time the later one here counts as the later.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: Whose it is; by default the ``sender`` of the connection. ``*`` is no agent.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "facts": facts,
            "namespace": namespace,
            "agent_id": agent_id,
        }
        return await self._call(operations.FACT_PUT, fields, timeout_ms, traceparent)

    def list_facts(
        self,
        *,
        subject: str | None = None,
        predicate: str | None = None,
        object: str | None = None,
        as_of: int | None = None,
        known_at: int | None = None,
        include_past: bool | None = None,
        namespace: str | None = None,
        agent_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> AsyncPagedList[models.Fact, models.FactListReply]:
        """Facts that hold, those that began last first: loop over all of them, or take page by page. A page may hold
        fewer than ``limit``, even none, and yet have a ``cursor``.

        Args:
            subject: Only those of this subject, however its letters are written.
            predicate: Only those of this predicate, however its letters are written.
            object: Only those of this object, however its letters are written.
            as_of: The moment in the world that is asked about, in milliseconds since the Unix epoch. Default: now; a
                cursor keeps that of its first page.
            known_at: Only what had been recorded by then, in milliseconds since the Unix epoch. Default: all that is.
            include_past: Also facts that hold no more at ``as_of``; their ``valid_until`` says so. Default: false.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: Whose facts: an agent's, by default those of the ``sender`` of the connection; ``*`` for every
                agent of the namespace.
            limit: Facts of a page. Default: 100.
            cursor: What the page before gave. Default: the first page.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "subject": subject,
            "predicate": predicate,
            "object": object,
            "as_of": as_of,
            "known_at": known_at,
            "include_past": include_past,
            "namespace": namespace,
            "agent_id": agent_id,
            "limit": limit,
            "cursor": cursor,
        }
        return AsyncPagedList(self._call, operations.FACT_LIST, fields, timeout_ms, traceparent, lambda page: page.facts)

    async def facts_around(
        self,
        entity: str,
        *,
        depth: int | None = None,
        as_of: int | None = None,
        known_at: int | None = None,
        include_past: bool | None = None,
        namespace: str | None = None,
        agent_id: str | None = None,
        limit: int | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.FactAroundReply:
        """Facts about an entity, and about those that these lead to, the nearest first.

        Args:
            entity: A subject or an object, however its letters are written.
            depth: How many facts may lie between: 1 for those about the entity alone. Default: 1.
            as_of: The moment in the world that is asked about, in milliseconds since the Unix epoch. Default: now.
            known_at: Only what had been recorded by then, in milliseconds since the Unix epoch. Default: all that is.
            include_past: Also facts that hold no more at ``as_of``; their ``valid_until`` says so. Default: false.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: Whose facts: an agent's, by default those of the ``sender`` of the connection; ``*`` for every
                agent of the namespace.
            limit: Facts at most. Default: 100.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "entity": entity,
            "depth": depth,
            "as_of": as_of,
            "known_at": known_at,
            "include_past": include_past,
            "namespace": namespace,
            "agent_id": agent_id,
            "limit": limit,
        }
        return await self._call(operations.FACT_AROUND, fields, timeout_ms, traceparent)

    async def delete_fact(
        self,
        id: str,
        *,
        namespace: str | None = None,
        agent_id: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.FactDeleteReply:
        """Deletes a fact; what it superseded holds again.

        Args:
            id: Which one.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: Only where it is this agent's. Default: whosever it is.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "id": id,
            "namespace": namespace,
            "agent_id": agent_id,
        }
        return await self._call(operations.FACT_DELETE, fields, timeout_ms, traceparent)

    async def clear_level(
        self,
        level: Level,
        *,
        namespace: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.LevelClearReply:
        """Deletes every context of a level in a namespace.

        Args:
            level: Which one.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "level": level,
            "namespace": namespace,
        }
        return await self._call(operations.LEVEL_CLEAR, fields, timeout_ms, traceparent)

    async def stats(
        self,
        *,
        namespace: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.StatsReply:
        """What is stored and cached: in one namespace, or in all for a key that sees all and names none.

        Args:
            namespace: The one that is counted. Default: all, for a key of every namespace; the one that the key has,
                for any other.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "namespace": namespace,
        }
        return await self._call(operations.STATS, fields, timeout_ms, traceparent)

    async def list_namespaces(
        self,
        *,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.NamespaceListReply:
        """The namespaces that the key has, with what they hold; those of a key of ``*`` are all that hold contexts.

        Args:
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        return await self._call(operations.NAMESPACE_LIST, {}, timeout_ms, traceparent)

    async def erase_namespace(
        self,
        confirm: str | None = None,
        *,
        namespace: str | None = None,
        agent_id: str | None = None,
        snapshots: Literal["keep", "remove", "rewrite"] | None = None,
        dry_run: bool | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.NamespaceEraseReply:
        """Erases a namespace, or what one agent has there, so that no byte of it is left; the receipt counts what was
        where. Give it time.

        Args:
            confirm: The name of the namespace once more, where all of it is meant.
            namespace: What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z
                a-z 0-9 . _ : -``; by default the one that the key has, or ``default`` for a key of every namespace.
            agent_id: All that this agent has in the namespace, and nothing of others.
            snapshots: What becomes of snapshots that hold something of the namespace: keep tells of them; remove
                deletes them, with all else that they hold; rewrite puts others of the same moments in their places.
                All but keep need a key of every namespace. Default: keep.
            dry_run: true: only counts what there is. Default: false.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "namespace": namespace,
            "confirm": confirm,
            "agent_id": agent_id,
            "snapshots": snapshots,
            "dry_run": dry_run,
        }
        return await self._call(operations.NAMESPACE_ERASE, fields, timeout_ms, traceparent)

    async def gc(
        self,
        *,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.AdminGcReply:
        """Runs the expiry sweep now.

        Args:
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        return await self._call(operations.ADMIN_GC, {}, timeout_ms, traceparent)

    async def create_snapshot(
        self,
        *,
        label: str | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.AdminSnapshotReply:
        """Makes a snapshot of everything that is stored; it is on the server's disk when the reply is there. Give it
        time.

        Args:
            label: A name for it: a letter or digit, and up to 127 more of letters, digits, spaces and ``. _ : -``. A
                snapshot with a label is kept until somebody deletes it.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "label": label,
        }
        return await self._call(operations.ADMIN_SNAPSHOT, fields, timeout_ms, traceparent)

    async def list_snapshots(
        self,
        *,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.AdminSnapshotsReply:
        """The snapshots that there are, the oldest first.

        Args:
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        return await self._call(operations.ADMIN_SNAPSHOTS, {}, timeout_ms, traceparent)

    async def slowlog(
        self,
        *,
        limit: int | None = None,
        reset: bool | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.AdminSlowlogReply:
        """The last requests that took long, the last first.

        Args:
            limit: How many are told at most. Default: 100.
            reset: Forget those that are kept, once they are told.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "limit": limit,
            "reset": reset,
        }
        return await self._call(operations.ADMIN_SLOWLOG, fields, timeout_ms, traceparent)

    async def monitor(
        self,
        *,
        cursor: int | None = None,
        wait_ms: int | None = None,
        limit: int | None = None,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.AdminMonitorReply:
        """Requests as they are answered: poll with the cursor that the poll before gave.

        Args:
            cursor: What the poll before gave; left out: from now on.
            wait_ms: How long the server waits for the first one, in milliseconds. Default: 5,000.
            limit: How many are told at most. Default: 100.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "cursor": cursor,
            "wait_ms": wait_ms,
            "limit": limit,
        }
        return await self._call(operations.ADMIN_MONITOR, fields, timeout_ms, traceparent)

    async def clear_cache(
        self,
        *,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.AdminCacheClearReply:
        """Empties the server's caches.

        Args:
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        return await self._call(operations.ADMIN_CACHE_CLEAR, {}, timeout_ms, traceparent)

    async def reset_circuit(
        self,
        backend: Backend,
        *,
        timeout_ms: float | None = None,
        traceparent: str | None = None,
    ) -> models.AdminCircuitResetReply:
        """Closes the circuit of a backend, which is then asked again; ``NOT_FOUND`` where the server asks no such
        backend.

        Args:
            backend: Which one.
            timeout_ms: For everything: connecting, waiting, every attempt. By default the client's.
            traceparent: W3C Trace Context, handed on to the server.
        """
        fields: dict[str, Any] = {
            "backend": backend,
        }
        return await self._call(operations.ADMIN_CIRCUIT_RESET, fields, timeout_ms, traceparent)
