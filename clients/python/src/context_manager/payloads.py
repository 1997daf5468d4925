"""What goes on the wire of what the methods are given, as the table of messages says. Nothing given is changed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from .operation import Operation
from .uuid7 import uuid7
from .vectors import vector_bytes


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def complete(operation: Operation[Any], fields: Mapping[str, Any], namespace: str | None) -> dict[str, Any]:
    """Without what is None; with the client's namespace where none is named, ids where there must be, vectors as
    bytes."""
    makes_ids = operation.repeat == "with_made_id"
    if operation.items is None:
        takes_namespace = operation.namespace in ("payload", "payload_or_all")
        payload = _completed(fields, namespace if takes_namespace else None, makes_ids and operation.ids_in is None)
        if operation.ids_in is not None:
            _complete_items(payload, operation.ids_in, None, makes_ids)
        return payload
    payload = {name: value for name, value in fields.items() if value is not None}
    own = payload.pop("namespace", namespace)
    _complete_items(payload, operation.items, own, makes_ids)
    return payload


def _complete_items(payload: dict[str, Any], field: str, namespace: str | None, makes_ids: bool) -> None:
    items = payload.get(field)
    if isinstance(items, (list, tuple)):
        payload[field] = [
            _completed(item, namespace, makes_ids) if isinstance(item, Mapping) else item for item in items
        ]


def _completed(fields: Mapping[str, Any], namespace: str | None, makes_ids: bool) -> dict[str, Any]:
    payload = {name: value for name, value in fields.items() if value is not None}
    if namespace is not None and "namespace" not in payload:
        payload["namespace"] = namespace
    if makes_ids and "id" not in payload:
        payload["id"] = uuid7(now_ms(), os.urandom(10))
    if "embedding" in payload:
        payload["embedding"] = vector_bytes(payload["embedding"])
    return payload
