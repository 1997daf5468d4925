"""Sessions of the OpenAI Agents SDK over context-manager."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

from agents import SessionABC, SessionSettings, TResponseInputItem
from context_manager import Context

from . import openai_agents_items as items
from .connection import Connection, Memory
from .steps import Steps, call, checked, is_error, one, page_of, store_all

AGENT = "openai-agents"
_PAGE_MAX = 1_000
#: Pieces that are fetched at once.
_FETCHED_MAX = 32


class ContextManagerSession(SessionABC):
    """The history of one conversation, for ``Runner.run(..., session=...)``.

    Any number of programs may add to a session at once: nothing is lost, the items of one call stand together, and
    those of a call that began after another one had ended come after it, whatever the clocks of the machines say.
    """

    def __init__(
        self,
        session_id: str,
        memory: Memory | None = None,
        *,
        agent_id: str = AGENT,
        namespace: str | None = None,
        session_settings: SessionSettings | None = None,
        **options: Any,
    ) -> None:
        """
        Args:
            session_id: 1 to 256 characters.
            memory: A client, which its owner closes, or the URL of a server. None: ``options`` say where it is.
            agent_id: Whose contexts the items are.
            namespace: The server's. Default: the client's.
            session_settings: ``limit`` is that of ``get_items`` where it is given none.
            options: Those of ``context_manager.Client``, where no client is given.
        """
        if not 1 <= len(session_id) <= 256:
            raise ValueError(f"a session id has 1 to 256 characters, not {len(session_id):,}")
        self.session_id = session_id
        self.session_settings = session_settings or SessionSettings()
        self._agent_id = agent_id
        self._namespace = namespace
        self._connection = Connection(memory, options)
        #: The last call of which it is not known what of it was stored: its items, and its name.
        self._unsettled: tuple[list[str], str] | None = None

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """All items, or the last ``limit``, in order. Nothing is deleted."""
        if limit is None and self.session_settings is not None:
            limit = self.session_settings.limit
        return await self._connection.run_async(self._get(limit))

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Durable when it returns. Called again with the same items after it failed, it stores none of them twice."""
        await self._connection.run_async(self._add(items))

    async def pop_item(self) -> TResponseInputItem | None:
        """Takes the last item away. Whoever pops at the same time gets another one."""
        return await self._connection.run_async(self._pop())

    async def clear_session(self) -> None:
        """Deletes the items of this session, and nothing else that is remembered under its id."""
        await self._connection.run_async(self._clear())

    async def aclose(self) -> None:
        """Ends the connections that are the session's own."""
        await self._connection.aclose()

    async def __aenter__(self) -> ContextManagerSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _get(self, limit: int | None) -> Steps[list[TResponseInputItem]]:
        if limit is not None and limit <= 0:
            return []
        contexts = yield from self._tail(limit)
        found: list[TResponseInputItem] = []
        for context in contexts:
            text = yield from self._json_of(context)
            # Without it, the item was taken away since it was listed.
            found += [] if text is None else [items.parsed(text)]
        return found

    def _add(self, added: Sequence[TResponseInputItem]) -> Steps[None]:
        if not added:
            return
        texts = items.encoded(added)
        name = self._unsettled[1] if self._unsettled is not None and self._unsettled[0] == texts else str(uuid.uuid4())
        newest = yield from self._page(1, None)
        # The clock of whoever wrote last may be ahead.
        created_at = max([time.time_ns() // 1_000_000, *[each.created_at + 1 for each in newest.contexts]])
        pieces, heads = items.to_contexts(self._agent_id, self.session_id, name, texts, added, created_at)
        self._unsettled = None
        try:
            for contexts in (pieces, heads):
                outcomes = yield from store_all(contexts, self._namespace)
                for outcome in outcomes:
                    checked(outcome)
        except BaseException:
            self._unsettled = (texts, name)
            raise

    def _pop(self) -> Steps[TResponseInputItem | None]:
        while True:
            tail = yield from self._tail(1)
            if not tail:
                return None
            last = tail[0]
            text = yield from self._json_of(last)
            # First it is claimed, by one alone: a deletion that is repeated on a new connection may find its own work.
            (claim,) = yield [
                call("update", last.id, namespace=self._namespace, tags=[items.TAKEN], if_version=last.version)
            ]
            if is_error(claim, "CONFLICT", "NOT_FOUND"):
                continue
            checked(claim)
            # It is no item of the session any more: what is not deleted now, clearing deletes.
            yield [call("delete", id, namespace=self._namespace) for id in [last.id, *items.piece_ids(last)]]
            if text is not None:
                return items.parsed(text)

    def _clear(self) -> Steps[None]:
        of_session = [
            {"key": "agent_id", "match": {"value": self._agent_id}},
            {"key": "session_id", "match": {"value": self.session_id}},
            {"key": "tags", "match": {"any": [items.ITEM, items.PIECE, items.TAKEN]}},
        ]
        yield from one(call("delete", filter={"must": of_session}, namespace=self._namespace))

    def _tail(self, limit: int | None) -> Steps[list[Context]]:
        """The last ones, in order. Those that were created at the same time are looked at together."""
        contexts: list[Context] = []
        cursor = None
        while True:
            page = yield from self._page(_PAGE_MAX if limit is None else min(_PAGE_MAX, limit + 16), cursor)
            contexts += page.contexts
            cursor = page.cursor
            if cursor is None:
                break
            if limit is not None and len(contexts) > limit and contexts[-1].created_at < contexts[limit - 1].created_at:
                break
        contexts.sort(key=items.order)
        return contexts if limit is None else contexts[-limit:]

    def _page(self, limit: int, cursor: str | None) -> Steps[Any]:
        asked = {
            "agent_id": self._agent_id,
            "session_id": self.session_id,
            "namespace": self._namespace,
            "filter": {"must": [{"key": "tags", "match": {"value": items.ITEM}}]},
            "limit": limit,
            "cursor": cursor,
        }
        page = yield from one(page_of(**asked))
        return page

    def _json_of(self, context: Context) -> Steps[str | None]:
        text = items.whole(context)
        if text is not None:
            return text
        ids = items.piece_ids(context)
        pieces: list[str] = []
        for start in range(0, len(ids), _FETCHED_MAX):
            outcomes = yield [call("get", id, namespace=self._namespace) for id in ids[start : start + _FETCHED_MAX]]
            for outcome in outcomes:
                if is_error(outcome, "NOT_FOUND"):
                    return None
                pieces.append(items.piece(checked(outcome).context))
        return "".join(pieces)
