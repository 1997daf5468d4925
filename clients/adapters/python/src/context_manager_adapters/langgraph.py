"""LangGraph's ``BaseStore`` over context-manager."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from context_manager import Context
from langgraph.store.base import (
    BaseStore,
    GetOp,
    IndexConfig,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
)

from . import langgraph_items as items
from .connection import Connection, Memory
from .steps import Call, Steps, call, checked, is_error, one, page_of, store_all

AGENT = "langgraph"
_PAGE = 500
#: Of one query.
_RANKED_MAX = 1_000
_TOKENS_MAX = 1_000_000
#: At once, of what an answer leaves out.
_FETCHED_MAX = 64
#: Put and deletion of the same item may go on overtaking each other.
_ATTEMPTS_MAX = 10


class ContextManagerStore(BaseStore):
    """A store that outlives the process and finds by meaning: the server makes the vectors.

    Its methods are those of every LangGraph store, those that wait and those to be awaited.
    """

    supports_ttl = True

    def __init__(
        self,
        memory: Memory | None = None,
        *,
        agent_id: str = AGENT,
        namespace: str | None = None,
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
        **options: Any,
    ) -> None:
        """
        Args:
            memory: A client, which its owner closes, or the URL of a server. None: ``options`` say where it is.
            agent_id: Whose contexts the items are. Stores of the same agent and namespace have the same items.
            namespace: The server's namespace, which is none of LangGraph's. Default: the client's.
            index: ``fields`` says what of a value is searched; by default all of it.
            ttl: ``default_ttl`` in minutes, ``refresh_on_read``. The server itself deletes what is over, and shows it
                to nobody from then on.
            options: Those of ``context_manager.Client``, where no client is given.
        """
        super().__init__()
        if index is not None and "embed" in index:
            raise ValueError("the server makes the vectors: configure its embedding, and give index only its fields")
        self.ttl_config = ttl
        self._paths: Sequence[str] = (index or {}).get("fields") or ["$"]
        self._agent_id = agent_id
        self._namespace = namespace
        self._connection = Connection(memory, options)

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        return self._connection.run(self._batch(list(ops)))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return await self._connection.run_async(self._batch(list(ops)))

    def close(self) -> None:
        """Ends the connections that are the store's own."""
        self._connection.close()

    async def aclose(self) -> None:
        """Ends the connections that are the store's own, those of event loops too."""
        await self._connection.aclose()

    def __enter__(self) -> ContextManagerStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> ContextManagerStore:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _batch(self, ops: list[Op]) -> Steps[list[Result]]:
        """Reads see what was there before the batch; of several puts of one item the last one counts."""
        results: list[Result] = [None] * len(ops)
        gets = {place: op for place, op in enumerate(ops) if isinstance(op, GetOp)}
        found = yield from self._get([items.item_id(self._agent_id, op.namespace, op.key) for op in gets.values()])
        touched: list[Context] = []
        for place, context in zip(gets, found, strict=True):
            if context is not None:
                results[place] = items.to_item(context)
                touched += [context] if gets[place].refresh_ttl else []
        puts: dict[tuple[tuple[str, ...], str], PutOp] = {}
        for place, op in enumerate(ops):
            if isinstance(op, SearchOp):
                hits = yield from self._search(op)
                results[place] = [items.to_search_item(context, score) for context, score in hits]
                touched += [context for context, _ in hits] if op.refresh_ttl else []
            elif isinstance(op, ListNamespacesOp):
                results[place] = yield from self._list_namespaces(op)
            elif isinstance(op, PutOp):
                puts[tuple(op.namespace), op.key] = op
            elif not isinstance(op, GetOp):
                raise ValueError(f"Unknown operation type: {type(op)}")
        yield from self._refresh(touched)
        yield from self._delete([name for name, op in puts.items() if op.value is None])
        yield from self._put([self._context_of(op) for op in puts.values() if op.value is not None])
        return results

    def _get(self, ids: Sequence[str]) -> Steps[list[Context | None]]:
        if not ids:
            return []
        outcomes = yield [call("get", id, namespace=self._namespace) for id in ids]
        return [None if is_error(each, "NOT_FOUND") else checked(each).context for each in outcomes]

    def _context_of(self, op: PutOp) -> dict[str, Any]:
        paths = None if op.index is False else self._paths if op.index is None else op.index
        assert op.value is not None
        return items.to_context(self._agent_id, tuple(op.namespace), op.key, op.value, paths, op.ttl)

    def _put(self, contexts: list[dict[str, Any]]) -> Steps[None]:
        for _ in range(_ATTEMPTS_MAX):
            if not contexts:
                return
            stored = yield from store_all(contexts, self._namespace)
            there = []
            for context, outcome in zip(contexts, stored, strict=True):
                # With the same text it may still have another value, or another time to live.
                if is_error(outcome, "CONFLICT") or not checked(outcome).created:
                    there.append(context)
            if not there:
                return
            updated = yield [self._update(context) for context in there]
            contexts = []
            for context, outcome in zip(there, updated, strict=True):
                if is_error(outcome, "NOT_FOUND"):
                    contexts.append(context)
                else:
                    checked(outcome)
        raise RuntimeError(f"{len(contexts)} items are put and deleted at the same time, again and again")

    def _update(self, context: Mapping[str, Any]) -> Call:
        changed = {name: context[name] for name in ("text", "metadata", "tags", "ttl_ms")}
        return call("update", context["id"], namespace=self._namespace, **changed)

    def _delete(self, names: Sequence[tuple[tuple[str, ...], str]]) -> Steps[None]:
        ids = [items.item_id(self._agent_id, *name) for name in names]
        if ids:
            outcomes = yield [call("delete", id, namespace=self._namespace) for id in ids]
            for outcome in outcomes:
                checked(outcome)

    def _refresh(self, contexts: Sequence[Context]) -> Steps[None]:
        calls = []
        for context in {context.id: context for context in contexts}.values():
            minutes = items.ttl_minutes_of(context)
            if minutes is not None:
                calls.append(call("update", context.id, namespace=self._namespace, ttl_ms=items.ttl_ms(minutes)))
        if calls:
            for outcome in (yield calls):
                # What was deleted or over meanwhile is not brought back.
                if not is_error(outcome, "NOT_FOUND"):
                    checked(outcome)

    def _search(self, op: SearchOp) -> Steps[list[tuple[Context, float | None]]]:
        end = op.offset + op.limit
        hits: list[tuple[Context, float | None]] = []
        if op.query is not None and op.query.strip():
            hits += yield from self._ranked(op, op.query)
        ranked = {context.id for context, _ in hits}
        # What no word or vector leads to comes last, and so does what says the same as another, of which an answer
        # has one: a search that is wide enough finds all there is.
        cursor = None
        while len(hits) < end:
            page, cursor = yield from self._page(op.namespace_prefix, op.filter, cursor, end)
            rest = [each for each in page if each.id not in ranked]
            hits += [(each, None) for each in rest if items.passes(items.value_of(each), op.filter)]
            if cursor is None:
                break
        return hits[op.offset : end]

    def _ranked(self, op: SearchOp, query: str) -> Steps[list[tuple[Context, float | None]]]:
        narrowed = self._filter(op.namespace_prefix, op.filter)
        reply = yield from one(
            call(
                "query",
                query,
                agent_id=self._agent_id,
                namespace=self._namespace,
                filter={**narrowed, "must_not": [{"key": "tags", "match": {"value": items.UNINDEXED}}]},
                limit=_RANKED_MAX if op.filter else min(_RANKED_MAX, op.offset + op.limit),
                max_tokens=_TOKENS_MAX,
                relevance_threshold=0,
                explain=True,
            )
        )
        scores = {row.id: row.relevance_score for row in reply.receipts or () if row.outcome != "past"}
        contexts = {context.id: context for context in reply.contexts}
        order = sorted(scores, key=lambda id: -scores[id])
        hits: list[tuple[Context, float | None]] = []
        while order and len(hits) < op.offset + op.limit:
            ids, order = order[:_FETCHED_MAX], order[_FETCHED_MAX:]
            # An answer leaves out texts that repeat others; a store has all its items.
            found = yield from self._get([id for id in ids if id not in contexts])
            contexts.update({each.id: each for each in found if each is not None})
            known = [contexts[id] for id in ids if id in contexts]
            hits += [(each, scores[each.id]) for each in known if items.passes(items.value_of(each), op.filter)]
        return hits

    def _filter(self, prefix: tuple[str, ...], wanted: Mapping[str, Any] | None) -> dict[str, Any]:
        below = {"key": "tags", "match": {"value": items.prefix_tag(tuple(prefix))}}
        return {"must": [below, *items.narrowing(wanted)]}

    def _page(
        self, prefix: tuple[str, ...], wanted: Mapping[str, Any] | None, cursor: str | None, limit: int
    ) -> Steps[tuple[list[Context], str | None]]:
        asked = {
            "agent_id": self._agent_id,
            "namespace": self._namespace,
            "filter": self._filter(prefix, wanted),
            "limit": _PAGE if wanted else max(1, min(_PAGE, limit)),
            "cursor": cursor,
        }
        page = yield from one(page_of(**asked))
        return page.contexts, page.cursor

    def _list_namespaces(self, op: ListNamespacesOp) -> Steps[list[tuple[str, ...]]]:
        conditions = op.match_conditions or ()
        found: set[tuple[str, ...]] = set()
        cursor = None
        while True:
            page, cursor = yield from self._page(_common_prefix(conditions), None, cursor, _PAGE)
            found.update(map(items.namespace_of, page))
            if cursor is None:
                break
        matching = {name[: op.max_depth] for name in found if all(_matches(each, name) for each in conditions)}
        return sorted(matching)[op.offset : op.offset + op.limit]


def _common_prefix(conditions: Sequence[MatchCondition]) -> tuple[str, ...]:
    """The longest that the conditions want, up to a label that may be any."""
    prefixes = [each.path for each in conditions if each.match_type == "prefix"]
    literal: list[tuple[str, ...]] = [path[: path.index("*")] if "*" in path else path for path in prefixes]
    return max(literal, key=lambda path: len(path), default=())


def _matches(condition: MatchCondition, namespace: tuple[str, ...]) -> bool:
    path = condition.path
    if condition.match_type not in ("prefix", "suffix"):
        raise ValueError(f"Unsupported match type: {condition.match_type}")
    if len(namespace) < len(path):
        return False
    part = namespace[: len(path)] if condition.match_type == "prefix" else namespace[len(namespace) - len(path) :]
    return all(wanted in ("*", label) for wanted, label in zip(path, part, strict=True))


__all__ = ["ContextManagerStore", "SearchItem"]
