"""What is known of the world, as ``client.facts``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import models_generated as models
from .async_methods_generated import AsyncMethods
from .inputs_generated import NewFact
from .methods_generated import Methods
from .paged_list import AsyncPagedList, PagedList


class FactsClient:
    """Each method is also one of the client's own: ``put_facts``, ``list_facts``, ``facts_around``, ``delete_fact``."""

    def __init__(self, client: Methods) -> None:
        self._client = client

    def put(
        self,
        facts: NewFact | Sequence[NewFact],
        *,
        namespace: str | None = None,
        agent_id: str | None = None,
        timeout_ms: float | None = None,
    ) -> models.FactPutReply:
        """Puts one fact, or up to 100 together, durable when this returns; tells what they supersede and contradict."""
        given = [facts] if isinstance(facts, Mapping) else facts
        return self._client.put_facts(given, namespace=namespace, agent_id=agent_id, timeout_ms=timeout_ms)

    def list(
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
    ) -> PagedList[models.Fact, models.FactListReply]:
        """Facts that hold, those that began last first: loop over all of them, or take page by page."""
        return self._client.list_facts(
            subject=subject,
            predicate=predicate,
            object=object,
            as_of=as_of,
            known_at=known_at,
            include_past=include_past,
            namespace=namespace,
            agent_id=agent_id,
            limit=limit,
            cursor=cursor,
            timeout_ms=timeout_ms,
        )

    def around(
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
    ) -> models.FactAroundReply:
        """Facts about an entity, and about those that these lead to, the nearest first."""
        return self._client.facts_around(
            entity,
            depth=depth,
            as_of=as_of,
            known_at=known_at,
            include_past=include_past,
            namespace=namespace,
            agent_id=agent_id,
            limit=limit,
            timeout_ms=timeout_ms,
        )

    def delete(
        self,
        id: str,
        *,
        namespace: str | None = None,
        agent_id: str | None = None,
        timeout_ms: float | None = None,
    ) -> models.FactDeleteReply:
        """Deletes a fact; what it superseded holds again."""
        return self._client.delete_fact(id, namespace=namespace, agent_id=agent_id, timeout_ms=timeout_ms)


class AsyncFactsClient:
    """Each method is also one of the client's own: ``put_facts``, ``list_facts``, ``facts_around``, ``delete_fact``."""

    def __init__(self, client: AsyncMethods) -> None:
        self._client = client

    async def put(
        self,
        facts: NewFact | Sequence[NewFact],
        *,
        namespace: str | None = None,
        agent_id: str | None = None,
        timeout_ms: float | None = None,
    ) -> models.FactPutReply:
        """Puts one fact, or up to 100 together, durable when this returns; tells what they supersede and contradict."""
        given = [facts] if isinstance(facts, Mapping) else facts
        return await self._client.put_facts(given, namespace=namespace, agent_id=agent_id, timeout_ms=timeout_ms)

    def list(
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
    ) -> AsyncPagedList[models.Fact, models.FactListReply]:
        """Facts that hold, those that began last first: loop over all of them, or take page by page."""
        return self._client.list_facts(
            subject=subject,
            predicate=predicate,
            object=object,
            as_of=as_of,
            known_at=known_at,
            include_past=include_past,
            namespace=namespace,
            agent_id=agent_id,
            limit=limit,
            cursor=cursor,
            timeout_ms=timeout_ms,
        )

    async def around(
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
    ) -> models.FactAroundReply:
        """Facts about an entity, and about those that these lead to, the nearest first."""
        return await self._client.facts_around(
            entity,
            depth=depth,
            as_of=as_of,
            known_at=known_at,
            include_past=include_past,
            namespace=namespace,
            agent_id=agent_id,
            limit=limit,
            timeout_ms=timeout_ms,
        )

    async def delete(
        self,
        id: str,
        *,
        namespace: str | None = None,
        agent_id: str | None = None,
        timeout_ms: float | None = None,
    ) -> models.FactDeleteReply:
        """Deletes a fact; what it superseded holds again."""
        return await self._client.delete_fact(id, namespace=namespace, agent_id=agent_id, timeout_ms=timeout_ms)
