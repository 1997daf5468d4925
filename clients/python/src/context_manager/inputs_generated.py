# Generated from proto-spec/ by `npm run generate`; do not edit.
"""What methods are given inside of lists and maps. A field that is None is as good as absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, TypeVar

from .filters import Filter
from .models_generated import Backend, Level, MessageRole
from .vectors import Vector


class _NewContextRequired(TypedDict):
    text: str
    """What is remembered. 1 to 262,144 characters (a longer one is PAYLOAD_TOO_LARGE), not only white space and
    invisible ones."""


class NewContext(_NewContextRequired, total=False):
    """A context to be stored."""

    level: Level | None
    """Where it goes. Default: ``immediate``."""
    id: str | None
    """A UUID, by default a new one of version 7. An id that exists with the same text is a success with ``created:
    false``, with another text CONFLICT."""
    namespace: str | None
    """What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters ``A-Z a-z 0-9 . _ :
    -``; by default the one that the key has, or ``default`` for a key of every namespace."""
    agent_id: str | None
    """Whose it is; by default the ``sender`` of the connection. ``*`` is no agent."""
    session_id: str | None
    """The conversation that it belongs to. Default: none."""
    metadata: Mapping[str, Any] | None
    """Any JSON-like map of at most 65,536 bytes as MessagePack (more is PAYLOAD_TOO_LARGE): no bin, no NaN, no
    infinities, and no NUL character in a name, at whatever depth."""
    tags: Sequence[str] | None
    """At most 64, each of 1 to 128 characters."""
    ttl_ms: int | None
    """Milliseconds until it is deleted; at most 100 years. Default: the lifetime of its level."""
    created_at: int | None
    """The time of what is remembered, in milliseconds since the Unix epoch, up to the end of the year 9999. Default:
    now."""
    valid_from: int | None
    """From when on it holds in the world, in milliseconds since the Unix epoch. Default: from ``created_at``."""
    valid_until: int | None
    """When it ceases to hold, in milliseconds since the Unix epoch; at that moment it holds no more. Later than a
    ``valid_from`` given with it; alone it may be past. Default: it has no end."""
    supersedes: Sequence[str] | None
    """Ids of up to 64 contexts of the namespace that hold no more from this one's ``valid_from`` on. Where one is not
    there it is NOT_FOUND, and nothing is stored. Deleting this context takes it back. Default: none."""
    embedding: Vector | None
    """Used in place of the vector that the server makes of the text, and of the same dimension: float32
    little-endian, 4 x dimension bytes."""


class Weights(TypedDict, total=False):
    """What each part of a score counts, 0 to 1, in place of the server's weights; they are scaled to sum 1. A part
    that is not named counts nothing. Not all 0."""

    similarity: float | None
    """Of how well the text fits."""
    recency: float | None
    """Of how young it is."""
    level: float | None
    """Of the level where it is."""
    frequency: float | None
    """Of how often it was returned."""


class _ContentPartInputRequired(TypedDict):
    type: str
    """``text``, or what else a model takes."""


class ContentPartInput(_ContentPartInputRequired, total=False):
    """A part of a message. Of ``text`` the text is kept, of every other type only that it was there: ``omitted``."""

    text: str | None
    """Of a part of type ``text``. At most 262,144 characters."""
    omitted: bool | None
    """In replies: what it held is not kept."""


class _NewMessageRequired(TypedDict):
    role: MessageRole
    """Who speaks."""
    content: str | Sequence[ContentPartInput] | None
    """What is said."""


class NewMessage(_NewMessageRequired, total=False):
    """A message to be appended."""

    id: str | None
    """A UUID, by default a new one of version 7. The same id with the same message again is a success with ``created:
    false``, with another one CONFLICT."""
    name: str | None
    """Name of the speaker, or of the tool."""
    tool_calls: Sequence[Mapping[str, Any]] | None
    """Calls of tools that an assistant makes. At most 262,144 characters as JSON."""
    tool_call_id: str | None
    """Of a tool's result: the call that it answers."""
    created_at: int | None
    """When it was said, in milliseconds since the Unix epoch. Default: now. Messages stand in the order in which they
    were appended, whatever it is."""
    metadata: Mapping[str, Any] | None
    """Any JSON-like map of at most 65,536 bytes as MessagePack (more is PAYLOAD_TOO_LARGE): no bin, no NaN, no
    infinities, and no NUL character in a name, at whatever depth."""
    tags: Sequence[str] | None
    """At most 64, each of 1 to 128 characters."""


class Recall(TypedDict, total=False):
    """What is looked for beside the window."""

    max_tokens: int | None
    """What may be recalled at most, in tokens. Default: a quarter of the window's."""
    relevance_threshold: float | None
    """Score that it needs. Default: ``window.recall_threshold``."""
    filter: Filter | None
    """Only what matches is recalled."""
    sessions: Literal["all", "own"] | None
    """``all``: of all of the agent's memory (the default). ``own``: of this session, and what belongs to none."""


class _StateEntryInputRequired(TypedDict):
    text: str
    """In words."""


class StateEntryInput(_StateEntryInputRequired, total=False):
    """One entry of a session's state."""

    status: str | None
    """How it stands with it, as ``open``."""


class SessionStateInput(TypedDict, total=False):
    """What a session is about. The newest entries of each list stand in the memory block of the window."""

    goals: Sequence[StateEntryInput] | None
    """What is wanted."""
    tasks: Sequence[StateEntryInput] | None
    """What is to be done."""
    decisions: Sequence[StateEntryInput] | None
    """What was decided."""
    facts: Sequence[StateEntryInput] | None
    """What is known."""


class _NewFactRequired(TypedDict):
    subject: str
    """What it is about: 1 to 512 characters. Names are compared without case, width and the like (NFKC, case
    folding)."""
    predicate: str
    """How the subject stands to the object: 1 to 512 characters, compared as names are."""
    object: str
    """Another name, or any value in words: 1 to 4,096 characters, compared as names are."""


class NewFact(_NewFactRequired, total=False):
    """A fact to be put."""

    id: str | None
    """A UUID, by default a new one of version 7. An id that exists with the same fact is a success with ``created:
    false``, with another one CONFLICT, and nothing is stored."""
    valid_from: int | None
    """From then on it holds, in milliseconds since the Unix epoch. Default: now."""
    valid_until: int | None
    """The first moment at which it holds no more; after ``valid_from``. Default: it has no end of its own."""
    single_valued: bool | None
    """A subject has one object of this predicate at a time: from ``valid_from`` on this fact supersedes those that
    name another. Default: false."""
    source_ids: Sequence[str] | None
    """Ids of the contexts that say so; at most 64."""
    confidence: float | None
    """How sure whoever puts it is, 0 to 1."""
    metadata: Mapping[str, Any] | None
    """Any JSON-like map of at most 4,096 bytes as MessagePack (more is PAYLOAD_TOO_LARGE): no bin, no NaN, no
    infinities, and no NUL character in a name, at whatever depth."""
