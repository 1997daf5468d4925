"""LangGraph's items as contexts, and its filters: what is kept how, ``FORMAT.md`` says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from context_manager import Context
from langgraph.store.base import InvalidNamespaceError, Item, SearchItem, get_text_at_path, tokenize_path

from .format import JSON_BYTES_MAX, TEXT_CHARS_MAX, place, places, readable, record_id, to_json

KIND = "langgraph"
UNINDEXED = "langgraph-unindexed"
_NOTHING = "(nothing to search)"
_LABELS_MAX = 62
_NAME_BYTES_MAX = 8_192
#: Of the metadata, which has 65,536: what stands in it beside the fields is known but for some hundreds.
_METADATA_BYTES_MAX = 60_000
_FIELDS_MAX = 32
_FIELD_CHARS_MAX = 128
#: The longest that a server takes: no end.
FOREVER_MS = 3_155_760_000_000


def item_id(agent_id: str, namespace: tuple[str, ...], key: str) -> str:
    return record_id([KIND, agent_id, *_checked(namespace, key), key])


def prefix_tag(prefix: tuple[str, ...]) -> str:
    return place(KIND, _checked(prefix, ""))


def to_context(
    agent_id: str,
    namespace: tuple[str, ...],
    key: str,
    value: Mapping[str, Any],
    paths: Sequence[str] | None,
    ttl_minutes: float | None,
) -> dict[str, Any]:
    """``paths``: the fields that are searched; None: nothing of it is."""
    id = item_id(agent_id, namespace, key)
    now_ms = time.time_ns() // 1_000_000
    own: dict[str, Any] = {"namespace": list(namespace), "key": key, "put_at": now_ms}
    encoded = to_json(value)
    room = _METADATA_BYTES_MAX - _name_bytes(namespace, key)
    if len(encoded.encode()) <= JSON_BYTES_MAX:
        room -= len(encoded.encode())
        own["value"] = encoded
        text = readable("\n".join(_texts(value, paths)), _NOTHING)
    elif len(encoded) <= TEXT_CHARS_MAX:
        text = encoded
    else:
        raise ValueError(f"the value of {key!r} has {len(encoded):,} characters as JSON, {TEXT_CHARS_MAX:,} at most")
    fields = _fields(value, room)
    if fields:
        own["fields"] = fields
    if ttl_minutes is not None:
        own["ttl_minutes"] = ttl_minutes
    return {
        "id": id,
        "agent_id": agent_id,
        "level": "long_term",
        "text": text,
        "tags": places(KIND, namespace) + ([UNINDEXED] if paths is None or text == _NOTHING else []),
        "metadata": {KIND: own},
        "ttl_ms": FOREVER_MS if ttl_minutes is None else ttl_ms(ttl_minutes),
        "created_at": now_ms,
    }


def ttl_ms(minutes: float) -> int:
    if not minutes > 0:
        raise ValueError(f"a time to live must be more than 0 minutes, but is {minutes!r}")
    return int(max(1, min(FOREVER_MS, minutes * 60_000)))


def ttl_minutes_of(context: Context) -> float | None:
    minutes: float | None = context.metadata[KIND].get("ttl_minutes")
    return minutes


def namespace_of(context: Context) -> tuple[str, ...]:
    return tuple(context.metadata[KIND]["namespace"])


def to_item(context: Context) -> Item:
    return Item(**_parts(context))


def to_search_item(context: Context, score: float | None) -> SearchItem:
    return SearchItem(**_parts(context), score=score)


def _parts(context: Context) -> dict[str, Any]:
    own = context.metadata[KIND]
    return {
        "namespace": namespace_of(context),
        "key": own["key"],
        "value": value_of(context),
        "created_at": _moment(context.created_at),
        "updated_at": _moment(max(own["put_at"], context.created_at)),
    }


def value_of(context: Context) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(context.metadata[KIND].get("value", context.text))
    return value


def _moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1_000, timezone.utc)


def _checked(namespace: tuple[str, ...], key: str) -> tuple[str, ...]:
    for label in (*namespace, key):
        if not isinstance(label, str):
            raise InvalidNamespaceError(f"labels and keys are strings, but {label!r} is not")
    try:
        length = _name_bytes(namespace, key)
    except UnicodeEncodeError as error:
        raise InvalidNamespaceError(f"{namespace!r} or the key {key!r} has no UTF-8") from error
    if length > _NAME_BYTES_MAX:
        raise InvalidNamespaceError(f"namespace and key have {length:,} bytes, {_NAME_BYTES_MAX:,} at most")
    if len(namespace) > _LABELS_MAX:
        raise InvalidNamespaceError(f"a namespace has {len(namespace)} labels, {_LABELS_MAX} at most")
    return namespace


def _name_bytes(namespace: tuple[str, ...], key: str) -> int:
    return len("".join(namespace).encode()) + len(key.encode())


def _texts(value: Mapping[str, Any], paths: Sequence[str] | None) -> Iterator[str]:
    for path in paths or ():
        if path == "$":
            yield from _leaves(value)
        else:
            yield from get_text_at_path(value, tokenize_path(path))


def _leaves(value: Mapping[str, Any]) -> Iterator[str]:
    """``name: text`` of all that is in it, in order."""
    rest: list[tuple[str, Any]] = [("", value)]
    while rest:
        name, each = rest.pop()
        if isinstance(each, Mapping):
            rest += [(str(inner), each[inner]) for inner in reversed(list(each))]
        elif isinstance(each, (list, tuple)):
            rest += [(name, inner) for inner in reversed(each)]
        elif each is not None:
            yield f"{name}: {each}" if name else str(each)


def _fields(value: Mapping[str, Any], room: int) -> dict[str, str]:
    """Those by which a server can narrow a filter, in so many bytes."""
    fields: dict[str, str] = {}
    for name, each in value.items():
        if field_key(name) is None or not _is_field(each):
            continue
        room -= len(name.encode()) + len(each.encode()) + 16
        if room < 0 or len(fields) == _FIELDS_MAX:
            break
        fields[name] = each
    return fields


def field_key(name: object) -> str | None:
    """The name of a field in a filter of the server; None where it can have none."""
    if not isinstance(name, str) or not 0 < len(name) <= _FIELD_CHARS_MAX or name == "__proto__" or '"' in name:
        return None
    if "\0" in name or not _has_utf8(name):
        return None
    return f'metadata.{KIND}.fields."{name}"' if set(name) & set(".[]") else f"metadata.{KIND}.fields.{name}"


def _is_field(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _FIELD_CHARS_MAX and _has_utf8(value)


def _has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def narrowing(wanted: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Conditions that every item meets that the filter lets through, and perhaps others."""
    conditions: list[dict[str, Any]] = []
    for name, expected in (wanted or {}).items():
        key = field_key(name)
        if isinstance(expected, Mapping) and "$eq" in expected:
            expected = expected["$eq"]
        if key is not None and _is_field(expected):
            equal = {"key": key, "match": {"value": expected}}
            conditions.append({"should": [equal, {"is_empty": {"key": key}}]})
    # A filter of the server holds 256 conditions.
    return conditions[:64]


def passes(value: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    return all(_matches(value.get(name), expected) for name, expected in (wanted or {}).items())


def _matches(value: Any, expected: Any) -> bool:
    """As LangGraph's own stores compare: operators, and what is nested part by part."""
    if isinstance(expected, Mapping):
        if any(name.startswith("$") for name in expected):
            return all(_operator_holds(value, operator, operand) for operator, operand in expected.items())
        return isinstance(value, dict) and all(_matches(value.get(name), each) for name, each in expected.items())
    if isinstance(expected, (list, tuple)):
        return isinstance(value, list) and len(value) == len(expected) and all(map(_matches, value, expected))
    return bool(value == expected)


def _operator_holds(value: Any, operator: str, operand: Any) -> bool:
    if operator == "$eq":
        return bool(value == operand)
    if operator == "$ne":
        return bool(value != operand)
    if operator not in ("$gt", "$gte", "$lt", "$lte"):
        raise ValueError(f"Unsupported operator: {operator}")
    bound = float(operand)
    try:
        number = float(value)
    except (TypeError, ValueError):
        # What is no number is not before or behind one.
        return False
    if operator == "$gt":
        return number > bound
    if operator == "$gte":
        return number >= bound
    return number < bound if operator == "$lt" else number <= bound
