"""Random histories on the store and on LangGraph's own ``InMemoryStore`` come to the same.

``ADAPTER_RUNS`` says how many (default 4), ``ADAPTER_SEED`` which is the first.
"""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import pytest
from context_manager import AsyncClient, Client
from langgraph.store.base import GetOp, Item, ListNamespacesOp, MatchCondition, PutOp, SearchOp
from langgraph.store.memory import InMemoryStore

from context_manager_adapters.langgraph import ContextManagerStore

RUNS = int(os.environ.get("ADAPTER_RUNS", "4"))
SEED = int(os.environ.get("ADAPTER_SEED", str(random.randrange(1_000_000))))
LABELS = ["a", "b", "a%", "a_", "%", "_", "a.b", "é", "日本", "🙂", "1:a", "A", "ab", " ", "'", '"', "\\", "*x"]
KEYS = [*LABELS, "key with blanks", "x" * 400, ""]
TEXTS = ["", "red", "blue", "x" * 300, 'quo"te', "nul\0", "5"]
SCALARS: list[Any] = [*TEXTS, 0, 1, 1.0, 2.5, -3, 2**53 + 1, True, False, None]
FIELDS = ["kind", "n", "with.dot", "with[bracket]", 'with"quote', "__proto__", "", "é"]


class History:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        labels = self.random.sample(LABELS, 5)
        self.namespaces = [self._namespace(labels) for _ in range(8)]
        self.keys = self.random.sample(KEYS, 4)

    def _namespace(self, labels: list[str]) -> tuple[str, ...]:
        return tuple(self.random.choice(labels) for _ in range(self.random.randint(1, 4)))

    def value(self) -> dict[str, Any]:
        names = self.random.sample(FIELDS, self.random.randint(0, 4))
        value = {name: self.random.choice(SCALARS) for name in names}
        if self.random.random() < 0.3:
            value["deep"] = {"list": [self.random.choice(SCALARS), {"x": self.random.choice(SCALARS)}]}
        if self.random.random() < 0.05:
            value["long"] = "word " * 20_000
        return value

    def filter(self) -> dict[str, Any] | None:
        kind = self.random.randrange(7)
        name, scalar = self.random.choice(FIELDS), self.random.choice(SCALARS)
        if kind < 2:
            return None
        if kind == 2:
            return {name: scalar}
        if kind == 3:
            return {name: {"$eq": scalar}, self.random.choice(FIELDS): {"$ne": self.random.choice(SCALARS)}}
        if kind == 4:
            return {"deep": {"list": [scalar, {"x": self.random.choice(SCALARS)}]}}
        if kind == 5:
            return {"deep": {"$ne": scalar}}
        return {"n": {self.random.choice(["$gt", "$gte", "$lt", "$lte"]): self.random.choice([0, 1, 2.5, "1", True])}}

    def condition(self) -> MatchCondition:
        namespace = self.random.choice(self.namespaces)
        length = self.random.randint(1, len(namespace))
        kind = self.random.choice(["prefix", "suffix"])
        path = list(namespace[:length] if kind == "prefix" else namespace[-length:])
        if self.random.random() < 0.4:
            path[self.random.randrange(length)] = "*"
        return MatchCondition(kind, tuple(path))

    def operation(self) -> Any:
        namespace, key = self.random.choice(self.namespaces), self.random.choice(self.keys)
        kind = self.random.random()
        if kind < 0.45:
            return PutOp(namespace, key, self.value(), self.random.choice([None, False, ["kind", "deep.list[*].x"]]))
        if kind < 0.55:
            return PutOp(namespace, key, None)
        if kind < 0.7:
            return GetOp(namespace, key)
        if kind < 0.9:
            query = self.random.choice([None, None, "red", "  "])
            prefix = namespace[: self.random.randint(0, len(namespace))]
            return SearchOp(prefix, self.filter(), limit=1_000, query=query)
        conditions = tuple(self.condition() for _ in range(self.random.randint(0, 2)))
        return ListNamespacesOp(conditions, max_depth=self.random.choice([None, 1, 2]), limit=1_000)


def plain(item: Item | None) -> Any:
    if item is None:
        return None
    assert item.created_at <= item.updated_at
    return item.namespace, item.key, repr(item.value)


def compared(op: Any, result: Any) -> Any:
    if isinstance(op, SearchOp):
        return sorted(map(plain, result))
    return plain(result) if isinstance(op, GetOp) else result


def answered(model: InMemoryStore, op: Any) -> Any:
    for name in [name for name, inside in model._data.items() if not inside]:
        # It lists namespaces in which nothing is any more, or was only looked for.
        del model._data[name]
    try:
        return model.batch([op])[0]
    except (TypeError, ValueError):
        # It raises where a number is compared with what is none, of which nothing is found here.
        everything: Any = model.batch([op._replace(filter=None)])[0]
        numbers = InMemoryStore()
        numbers.batch([PutOp(item.namespace, item.key, item.value) for item in everything if is_number(item)])
        return numbers.batch([op])[0]


def is_number(item: Item) -> bool:
    try:
        float(item.value.get("n"))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def expected(model: InMemoryStore, ops: list[Any]) -> list[Any]:
    results = [None if isinstance(op, PutOp) else compared(op, answered(model, op)) for op in ops]
    model.batch([op for op in ops if isinstance(op, PutOp)])
    return results


@pytest.mark.parametrize("run", range(RUNS))
def test_a_history_comes_to_what_it_does_in_memory(run: int, client: Client, options: dict[str, Any]) -> None:
    seed = SEED + run
    history, model = History(seed), InMemoryStore()
    store = ContextManagerStore(client, agent_id=f"history-{run}")

    async def go() -> None:
        async with AsyncClient(**options) as waiting:
            awaited = ContextManagerStore(waiting, agent_id=f"history-{run}")
            for step in range(25):
                ops = [history.operation() for _ in range(history.random.randint(1, 5))]
                wanted = expected(model, ops)
                results = await awaited.abatch(ops) if step % 2 else store.batch(ops)
                said = [compared(op, result) for op, result in zip(ops, results, strict=True)]
                assert said == wanted, f"ADAPTER_SEED={seed} ADAPTER_RUNS=1, step {step}: {ops}"

    asyncio.run(go())
