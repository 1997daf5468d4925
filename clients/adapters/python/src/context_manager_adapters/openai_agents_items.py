"""Items of a session as contexts: what is kept how, ``FORMAT.md`` says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents import TResponseInputItem
from context_manager import Context

from .format import JSON_BYTES_MAX, readable, record_id, to_json

_OWN = "openai_agents"
ITEM = "openai-agents"
PIECE = "openai-agents-piece"
#: Of an item that was popped, until it is deleted.
TAKEN = "openai-agents-taken"
#: Where items hold what people read.
_READ = ("name", "arguments", "content", "summary", "output", "text", "refusal", "transcript")


def encoded(items: Sequence[TResponseInputItem]) -> list[str]:
    return [to_json(item) for item in items]


def parsed(text: str) -> TResponseInputItem:
    item: TResponseInputItem = json.loads(text)
    return item


def to_contexts(
    agent_id: str, session_id: str, name: str, texts: Sequence[str], items: Sequence[Any], created_at: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The pieces of those that are long, which are stored first, and the items."""
    pieces: list[dict[str, Any]] = []
    heads: list[dict[str, Any]] = []
    common = {"agent_id": agent_id, "session_id": session_id, "level": "long_term", "created_at": created_at}
    for index, (text, item) in enumerate(zip(texts, items, strict=True)):
        id = record_id([ITEM, agent_id, session_id, name, str(index)])
        own: dict[str, Any] = {"call": name, "index": index}
        cut = _pieces(text)
        if len(cut) == 1:
            own["item"] = text
        else:
            own["pieces"] = len(cut)
        for number, piece in enumerate(cut if len(cut) > 1 else []):
            saying = f"(piece {number + 1} of {len(cut)} of an item)"
            parts = {"id": _piece_id(id, number), "text": saying, "tags": [PIECE], "metadata": {_OWN: {"piece": piece}}}
            pieces.append({**common, **parts})
        type = item.get("type") if isinstance(item, Mapping) else None
        saying = readable("\n".join(_read(item)), f"({type or 'item'})")
        heads.append({**common, "id": id, "text": saying, "tags": [ITEM], "metadata": {_OWN: own}})
    return pieces, heads


def order(context: Context) -> tuple[int, str, int]:
    own = context.metadata[_OWN]
    return context.created_at, own["call"], own["index"]


def whole(context: Context) -> str | None:
    """Its JSON; None where that is in pieces."""
    text: str | None = context.metadata[_OWN].get("item")
    return text


def piece_ids(context: Context) -> list[str]:
    return [_piece_id(context.id, number) for number in range(context.metadata[_OWN].get("pieces", 0))]


def piece(context: Context) -> str:
    text: str = context.metadata[_OWN]["piece"]
    return text


def _piece_id(id: str, number: int) -> str:
    return record_id([PIECE, id, str(number)])


def _pieces(text: str) -> list[str]:
    """Cut between characters, each short enough for a context's metadata."""
    encoded = text.encode()
    if len(encoded) <= JSON_BYTES_MAX:
        return [text]
    pieces = []
    start = 0
    while start < len(encoded):
        end = min(start + JSON_BYTES_MAX, len(encoded))
        while end < len(encoded) and encoded[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(encoded[start:end].decode())
        start = end
    return pieces


def _read(item: Any) -> Iterator[str]:
    rest = [item]
    while rest:
        each = rest.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, Mapping):
            rest += [each[name] for name in reversed(_READ) if name in each]
        elif isinstance(each, (list, tuple)):
            rest += reversed(each)
