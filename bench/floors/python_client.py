"""The Python SDK under load: one line of JSON in for each round, one out.

    {"operation": "ping" | "store_batch", "in_flight", "duration_ms", "batch", "from"}  ->  {"per_sec", "texts"}

`per_sec` counts calls; `texts`: how many were stored, numbered from `from` on.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from context_manager import AsyncClient


async def run(client: AsyncClient, order: dict) -> dict:
    ends_at = time.perf_counter() + order["duration_ms"] / 1_000
    calls = 0
    following = order["from"]

    async def ping() -> None:
        await client.ping()

    async def store_batch() -> None:
        nonlocal following
        start, following = following, following + order["batch"]
        numbers = range(start, following)
        await client.store_batch([{"text": text_of(number)} for number in numbers])

    call = {"ping": ping, "store_batch": store_batch}[order["operation"]]

    async def lane() -> None:
        nonlocal calls
        while time.perf_counter() < ends_at:
            await call()
            calls += 1

    started = time.perf_counter()
    await asyncio.gather(*[lane() for _ in range(order["in_flight"])])
    return {"per_sec": calls / (time.perf_counter() - started), "texts": following - order["from"]}


def text_of(number: int) -> str:
    """As python.ts makes them for the other side."""
    return f"note {number}: " + " ".join(f"w{(number * 31 + place * 17) % 5000}" for place in range(24))


async def main() -> None:
    client = AsyncClient(**json.loads(sys.stdin.readline()))
    async with client:
        print("{}", flush=True)
        for line in iter(sys.stdin.readline, ""):
            print(json.dumps(await run(client, json.loads(line))), flush=True)


asyncio.run(main())
