# Generated from proto-spec/ by `npm run generate`; do not edit.
"""What replies hold. Fields that a later server adds are passed over; those that it leaves out are None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

_Fields: TypeAlias = Mapping[str, Any]
Level: TypeAlias = Literal["immediate", "short_term", "long_term"]
Backend: TypeAlias = Literal["embedding", "vector_db", "summary"]
MessageRole: TypeAlias = Literal["system", "user", "assistant", "tool"]


@dataclass(slots=True, kw_only=True)
class PingReply:
    """How the server is."""

    server_time: int
    """The server's clock, in milliseconds since the Unix epoch."""
    uptime_ms: int
    """Milliseconds since the server started."""
    healthy: bool
    """The store answers."""
    active_connections: int
    """Of all clients."""


def parse_ping_reply(fields: _Fields) -> PingReply:
    return PingReply(
        server_time=fields["server_time"],
        uptime_ms=fields["uptime_ms"],
        healthy=fields["healthy"],
        active_connections=fields["active_connections"],
    )


@dataclass(slots=True, kw_only=True)
class StoredContext:
    """What came of storing a context."""

    id: str
    """As it was given, or made."""
    level: Level
    """Where it is."""
    token_count: int
    """What the text costs in tokens, by the server's estimator."""
    created_at: int
    """The time of what is remembered, in milliseconds since the Unix epoch."""
    created: bool
    """True: it is new. False: the id existed with the same text, and nothing was changed."""


def parse_stored_context(fields: _Fields) -> StoredContext:
    return StoredContext(
        id=fields["id"],
        level=fields["level"],
        token_count=fields["token_count"],
        created_at=fields["created_at"],
        created=fields["created"],
    )


@dataclass(slots=True, kw_only=True)
class FailedContextError:
    """Why it was not stored."""

    code: str
    """``CONFLICT``, ``BAD_REQUEST`` or another code of the protocol."""
    message: str
    """In words."""


def parse_failed_context_error(fields: _Fields) -> FailedContextError:
    return FailedContextError(
        code=fields["code"],
        message=fields["message"],
    )


@dataclass(slots=True, kw_only=True)
class FailedContext:
    """A context of a batch that was not stored, and why."""

    error: FailedContextError
    """Why it was not stored."""


def parse_failed_context(fields: _Fields) -> FailedContext:
    return FailedContext(
        error=parse_failed_context_error(fields["error"]),
    )


@dataclass(slots=True, kw_only=True)
class ContextStoreBatchReply:
    """One outcome per context, in order."""

    results: list[StoredContext | FailedContext]
    """What came of each context, in their order."""


def parse_context_store_batch_reply(fields: _Fields) -> ContextStoreBatchReply:
    return ContextStoreBatchReply(
        results=[parse_stored_context(item) if "id" in item else parse_failed_context(item) for item in fields["results"]],
    )


@dataclass(slots=True, kw_only=True)
class Context:
    """One remembered text."""

    id: str
    """A UUID, in lower case."""
    namespace: str
    """Where it is."""
    agent_id: str
    """Whose it is."""
    session_id: str | None = None
    """The conversation that it belongs to. Absent: none."""
    level: Level
    """The level where it is now; it may be lower than the one it was stored in."""
    text: str
    """As it was stored."""
    token_count: int
    """What the text costs in tokens, by the server's estimator."""
    metadata: dict[str, Any]
    """As it was stored; empty where none was given."""
    tags: list[str]
    """As they were stored; empty where none were given."""
    version: int
    """1 at first, plus one with each update."""
    created_at: int
    """The time of what is remembered, in milliseconds since the Unix epoch."""
    updated_at: int
    """When it was last changed, in milliseconds since the Unix epoch."""
    recorded_at: int
    """When the server stored it, in milliseconds since the Unix epoch."""
    valid_from: int
    """From when on it holds in the world, in milliseconds since the Unix epoch; where the client gave none,
    ``created_at``."""
    valid_until: int | None = None
    """When it ceased or ceases to hold, by itself or by what supersedes it, in milliseconds since the Unix epoch; at
    that moment it holds no more. Absent: it has no end."""
    stated_until: int | None = None
    """The end that it has of itself, where another context supersedes it, in milliseconds since the Unix epoch.
    Absent: it has none, or nothing supersedes it and ``valid_until`` is its own."""
    superseded_by: str | None = None
    """Id of the context that ended it; of several the one that did so first. Absent: none did."""
    supersedes: list[str] | None = None
    """Ids of the contexts that it ended, as it was stored with. Absent: none."""
    expires_at: int | None = None
    """When its lifetime ends, in milliseconds since the Unix epoch. Absent: it has no end."""
    expires_by: Literal["level"] | None = None
    """Present where not the client but the level gave ``expires_at``: then its time in the level ends, and it may
    move on."""
    access_count: int
    """How often a query or a get returned it, and how often ``context.used`` named it; kept in batches, so it may
    lag. A server may count the latter alone."""


def parse_context(fields: _Fields) -> Context:
    return Context(
        id=fields["id"],
        namespace=fields["namespace"],
        agent_id=fields["agent_id"],
        session_id=fields.get("session_id"),
        level=fields["level"],
        text=fields["text"],
        token_count=fields["token_count"],
        metadata=fields["metadata"],
        tags=fields["tags"],
        version=fields["version"],
        created_at=fields["created_at"],
        updated_at=fields["updated_at"],
        recorded_at=fields["recorded_at"],
        valid_from=fields["valid_from"],
        valid_until=fields.get("valid_until"),
        stated_until=fields.get("stated_until"),
        superseded_by=fields.get("superseded_by"),
        supersedes=fields.get("supersedes"),
        expires_at=fields.get("expires_at"),
        expires_by=fields.get("expires_by"),
        access_count=fields["access_count"],
    )


@dataclass(slots=True, kw_only=True)
class ScoreParts:
    """The parts of a score, each before its weight."""

    similarity: float
    """How well the text fits the query, by its words and its vector, 0 to 1."""
    lexical: float
    """How well its words alone fit, 0 to 1; a part of ``similarity`` already."""
    recency: float
    """1 for what is new, less with age, 0 to 1."""
    level: float
    """What its level counts, 0 to 1."""
    frequency: float
    """How often it was returned before, 0 to 1."""


def parse_score_parts(fields: _Fields) -> ScoreParts:
    return ScoreParts(
        similarity=fields["similarity"],
        lexical=fields["lexical"],
        recency=fields["recency"],
        level=fields["level"],
        frequency=fields["frequency"],
    )


@dataclass(slots=True, kw_only=True)
class RankedContext(Context):
    """A context in the answer to a query."""

    relevance_score: float
    """The final score, by which the answer is sorted."""
    scores: ScoreParts
    """What the final score is made of."""


def parse_ranked_context(fields: _Fields) -> RankedContext:
    return RankedContext(
        id=fields["id"],
        namespace=fields["namespace"],
        agent_id=fields["agent_id"],
        session_id=fields.get("session_id"),
        level=fields["level"],
        text=fields["text"],
        token_count=fields["token_count"],
        metadata=fields["metadata"],
        tags=fields["tags"],
        version=fields["version"],
        created_at=fields["created_at"],
        updated_at=fields["updated_at"],
        recorded_at=fields["recorded_at"],
        valid_from=fields["valid_from"],
        valid_until=fields.get("valid_until"),
        stated_until=fields.get("stated_until"),
        superseded_by=fields.get("superseded_by"),
        supersedes=fields.get("supersedes"),
        expires_at=fields.get("expires_at"),
        expires_by=fields.get("expires_by"),
        access_count=fields["access_count"],
        relevance_score=fields["relevance_score"],
        scores=parse_score_parts(fields["scores"]),
    )


@dataclass(slots=True, kw_only=True)
class LevelCounts:
    """A number for each level."""

    immediate: int
    """Of L1."""
    short_term: int
    """Of L2."""
    long_term: int
    """Of L3."""


def parse_level_counts(fields: _Fields) -> LevelCounts:
    return LevelCounts(
        immediate=fields["immediate"],
        short_term=fields["short_term"],
        long_term=fields["long_term"],
    )


@dataclass(slots=True, kw_only=True)
class DegradedLevel:
    """A level that the query had to do without, and why."""

    level: Level
    """The level."""
    code: str
    """The code of the error that kept it out, or ``LEVEL_OFF``."""


def parse_degraded_level(fields: _Fields) -> DegradedLevel:
    return DegradedLevel(
        level=fields["level"],
        code=fields["code"],
    )


@dataclass(slots=True, kw_only=True)
class Answerable:
    """Whether the question can be answered from what is stored, by its words: a hint, which changes nothing of the
    answer."""

    verdict: Literal["yes", "weak", "no"]
    """``no``: nothing stored is about this. ``weak``: some of it is, or what is did not fit into the budget."""
    coverage: float
    """Share of the question's terms, by their idf, that the contexts of the answer hold together, 0 to 1."""
    reason: str
    """Why, in words."""


def parse_answerable(fields: _Fields) -> Answerable:
    return Answerable(
        verdict=fields["verdict"],
        coverage=fields["coverage"],
        reason=fields["reason"],
    )


@dataclass(slots=True, kw_only=True)
class QueryMetadata:
    """How the answer came about."""

    level_distribution: LevelCounts
    """Contexts of the answer, by level."""
    avg_relevance: float
    """The mean ``relevance_score`` of the answer; 0 where it is empty."""
    cache_hits: int
    """Embeddings of this query that came from the cache."""
    total_searched: int
    """Contexts that the search looked at, in all levels."""
    allocations: LevelCounts
    """Tokens granted to each level."""
    degraded: list[DegradedLevel]
    """Levels that the query had to do without; empty where it had all."""
    answerable: Answerable
    """Whether the question can be answered from what is stored."""
    below_threshold: bool | None = None
    """True where nothing is as similar as the server asks for: the contexts stand in. Absent otherwise."""


def parse_query_metadata(fields: _Fields) -> QueryMetadata:
    return QueryMetadata(
        level_distribution=parse_level_counts(fields["level_distribution"]),
        avg_relevance=fields["avg_relevance"],
        cache_hits=fields["cache_hits"],
        total_searched=fields["total_searched"],
        allocations=parse_level_counts(fields["allocations"]),
        degraded=[parse_degraded_level(item) for item in fields["degraded"]],
        answerable=parse_answerable(fields["answerable"]),
        below_threshold=fields.get("below_threshold"),
    )


@dataclass(slots=True, kw_only=True)
class Fact:
    """What is known of the world: a subject, a predicate, an object, and when it holds."""

    id: str
    """A UUID, in lower case."""
    namespace: str
    """Where it is."""
    agent_id: str
    """Whose it is."""
    subject: str
    """As it was put."""
    predicate: str
    """As it was put."""
    object: str
    """As it was put."""
    valid_from: int
    """From then on it holds, in milliseconds since the Unix epoch."""
    valid_until: int | None = None
    """The first moment at which it holds no more: its own end, or where the fact that superseded it began. Absent: it
    has no end."""
    stated_until: int | None = None
    """Present where another fact ended it before an end of its own: that end."""
    superseded_by: str | None = None
    """The id of the fact that ended it. Absent: none did."""
    recorded_at: int
    """When the server stored it, in milliseconds since the Unix epoch."""
    single_valued: bool
    """Whether a subject has one object of this predicate at a time."""
    source_ids: list[str]
    """Contexts that say so; empty where none were given."""
    confidence: float | None = None
    """How sure whoever put it is, 0 to 1. Absent: it was not said."""
    metadata: dict[str, Any]
    """As it was put; empty where none was given."""


def parse_fact(fields: _Fields) -> Fact:
    return Fact(
        id=fields["id"],
        namespace=fields["namespace"],
        agent_id=fields["agent_id"],
        subject=fields["subject"],
        predicate=fields["predicate"],
        object=fields["object"],
        valid_from=fields["valid_from"],
        valid_until=fields.get("valid_until"),
        stated_until=fields.get("stated_until"),
        superseded_by=fields.get("superseded_by"),
        recorded_at=fields["recorded_at"],
        single_valued=fields["single_valued"],
        source_ids=fields["source_ids"],
        confidence=fields.get("confidence"),
        metadata=fields["metadata"],
    )


@dataclass(slots=True, kw_only=True)
class QueriedFact(Fact):
    """A fact about what a question names."""

    token_count: int
    """What its subject, predicate and object cost in tokens, by the server's estimator."""


def parse_queried_fact(fields: _Fields) -> QueriedFact:
    return QueriedFact(
        id=fields["id"],
        namespace=fields["namespace"],
        agent_id=fields["agent_id"],
        subject=fields["subject"],
        predicate=fields["predicate"],
        object=fields["object"],
        valid_from=fields["valid_from"],
        valid_until=fields.get("valid_until"),
        stated_until=fields.get("stated_until"),
        superseded_by=fields.get("superseded_by"),
        recorded_at=fields["recorded_at"],
        single_valued=fields["single_valued"],
        source_ids=fields["source_ids"],
        confidence=fields.get("confidence"),
        metadata=fields["metadata"],
        token_count=fields["token_count"],
    )


@dataclass(slots=True, kw_only=True)
class Receipt:
    """What became of one candidate that was ranked."""

    id: str
    """Of the context."""
    level: Level
    """Where it is."""
    scores: ScoreParts
    """What the final score is made of."""
    relevance_score: float
    """The final score."""
    token_count: int
    """What its text costs."""
    outcome: Literal["included", "below_threshold", "over_budget", "duplicate", "over_limit", "past"]
    """What became of it: in the answer; scored too low; too long for what was left of the budget; the same as one in
    the answer; beyond ``limit``; left out because it does not hold any more, where ``include_past`` would show it."""


def parse_receipt(fields: _Fields) -> Receipt:
    return Receipt(
        id=fields["id"],
        level=fields["level"],
        scores=parse_score_parts(fields["scores"]),
        relevance_score=fields["relevance_score"],
        token_count=fields["token_count"],
        outcome=fields["outcome"],
    )


@dataclass(slots=True, kw_only=True)
class ContextQueryReply:
    """The contexts, best first."""

    contexts: list[RankedContext]
    """Best first."""
    total_tokens: int
    """What the texts and the facts cost together; never more than ``max_tokens``."""
    retrieval_time_ms: float
    """What the server took for it."""
    metadata: QueryMetadata
    """How the answer came about."""
    facts: list[QueriedFact] | None = None
    """With ``facts: true``: what holds about the names in the question, those of each name by turns. Absent: not
    asked for, or they could not be read."""
    receipts: list[Receipt] | None = None
    """With ``explain: true``: one row for every candidate that was ranked."""


def parse_context_query_reply(fields: _Fields) -> ContextQueryReply:
    return ContextQueryReply(
        contexts=[parse_ranked_context(item) for item in fields["contexts"]],
        total_tokens=fields["total_tokens"],
        retrieval_time_ms=fields["retrieval_time_ms"],
        metadata=parse_query_metadata(fields["metadata"]),
        facts=[parse_queried_fact(item) for item in fields["facts"]] if "facts" in fields else None,
        receipts=[parse_receipt(item) for item in fields["receipts"]] if "receipts" in fields else None,
    )


@dataclass(slots=True, kw_only=True)
class ContextGetReply:
    """The context."""

    context: Context
    """As it is now."""


def parse_context_get_reply(fields: _Fields) -> ContextGetReply:
    return ContextGetReply(
        context=parse_context(fields["context"]),
    )


@dataclass(slots=True, kw_only=True)
class ContextUpdateReply:
    """The context as it is now."""

    context: Context
    """With the change."""


def parse_context_update_reply(fields: _Fields) -> ContextUpdateReply:
    return ContextUpdateReply(
        context=parse_context(fields["context"]),
    )


@dataclass(slots=True, kw_only=True)
class ErasedSnapshot:
    """A snapshot that was made before an erasure."""

    id: str
    """By which the command line finds it."""
    label: str | None = None
    """As the one who asked for it named it."""
    created_at: int
    """Milliseconds since the Unix epoch."""
    outcome: Literal["holds", "removed", "rewritten"]
    """holds: it may still hold what was erased. removed: it is gone. rewritten: it is gone, and another one of the
    same moment without what was erased has taken its place."""
    replaced_by: str | None = None
    """Id of the one that has taken its place."""


def parse_erased_snapshot(fields: _Fields) -> ErasedSnapshot:
    return ErasedSnapshot(
        id=fields["id"],
        label=fields.get("label"),
        created_at=fields["created_at"],
        outcome=fields["outcome"],
        replaced_by=fields.get("replaced_by"),
    )


@dataclass(slots=True, kw_only=True)
class ErasureReceipt:
    """What was erased, by where it was, and what still holds some of it."""

    dry_run: bool | None = None
    """true: nothing is gone. rows, sessions, cards, facts and snapshots are what it would be; all else is 0."""
    rows: int
    """Contexts."""
    vectors: int
    """Of contexts and of passages of them."""
    postings: int
    """Entries of the lexical index: one for each context and term."""
    supersessions: int
    """Notes that one of the contexts was superseded."""
    sessions: int
    """Windows, with their headers and states."""
    cards: int
    """Cards of windows that are gone, or were made anew without what is gone."""
    facts: int
    """Those of the agent or the namespace, and those that named an erased context as a source."""
    summary_tasks: int
    """Work that waited for the model that makes summaries."""
    cache_entries: int
    """Vectors of the namespace in this server's cache; those in a cache that servers share are gone, too."""
    monitor_entries: int
    """Requests in the namespace that were kept for whoever watches."""
    index_files: int
    """Saved vector indexes that held some of it; they are built again of what is left."""
    blanked_pages: int
    """Pages of the database in which bytes that nothing is read from were overwritten, whatever they were of."""
    files: Literal["overwritten", "none", "database", "too_large"]
    """overwritten: no byte of it is in the store's files. none: the store has no files. database: they are another
    program's (Qdrant), which overwrites them when it next tidies up. too_large: the database is too large to be
    overwritten in its place."""
    snapshots: list[ErasedSnapshot]
    """Snapshots that were made before and hold something of the namespace, the oldest first."""
    started_at: int
    """Milliseconds since the Unix epoch; what was stored after it may stay."""
    finished_at: int
    """Milliseconds since the Unix epoch."""


def parse_erasure_receipt(fields: _Fields) -> ErasureReceipt:
    return ErasureReceipt(
        dry_run=fields.get("dry_run"),
        rows=fields["rows"],
        vectors=fields["vectors"],
        postings=fields["postings"],
        supersessions=fields["supersessions"],
        sessions=fields["sessions"],
        cards=fields["cards"],
        facts=fields["facts"],
        summary_tasks=fields["summary_tasks"],
        cache_entries=fields["cache_entries"],
        monitor_entries=fields["monitor_entries"],
        index_files=fields["index_files"],
        blanked_pages=fields["blanked_pages"],
        files=fields["files"],
        snapshots=[parse_erased_snapshot(item) for item in fields["snapshots"]],
        started_at=fields["started_at"],
        finished_at=fields["finished_at"],
    )


@dataclass(slots=True, kw_only=True)
class ContextDeleteReply:
    """How many there were; by id 0 or 1."""

    deleted: int
    """Contexts that are gone."""
    receipt: ErasureReceipt | None = None


def parse_context_delete_reply(fields: _Fields) -> ContextDeleteReply:
    return ContextDeleteReply(
        deleted=fields["deleted"],
        receipt=parse_erasure_receipt(fields["receipt"]) if "receipt" in fields else None,
    )


@dataclass(slots=True, kw_only=True)
class ContextListReply:
    """One page."""

    contexts: list[Context]
    """Newest first; at most ``limit``, and fewer where their texts are long."""
    cursor: str | None = None
    """For the next page: the same request with it. Absent: this was the last page."""


def parse_context_list_reply(fields: _Fields) -> ContextListReply:
    return ContextListReply(
        contexts=[parse_context(item) for item in fields["contexts"]],
        cursor=fields.get("cursor"),
    )


@dataclass(slots=True, kw_only=True)
class ContextUsedReply:
    """How many there were."""

    counted: int
    """Those that are in the namespace; the others are passed over."""


def parse_context_used_reply(fields: _Fields) -> ContextUsedReply:
    return ContextUsedReply(
        counted=fields["counted"],
    )


@dataclass(slots=True, kw_only=True)
class AppendedMessage:
    """What came of one message."""

    id: str
    """As it was given, or made."""
    token_count: int
    """What it costs in the window: content and tool calls, in tokens."""
    created: bool
    """False: it was there already, and nothing was changed."""


def parse_appended_message(fields: _Fields) -> AppendedMessage:
    return AppendedMessage(
        id=fields["id"],
        token_count=fields["token_count"],
        created=fields["created"],
    )


@dataclass(slots=True, kw_only=True)
class WindowFill:
    """How full a window is."""

    live_tokens: int
    """Of the messages in the window, in tokens."""
    live_messages: int
    """Messages in the window."""
    max_tokens: int
    """What the window may send at most, in tokens."""
    pressure: float
    """``live_tokens / max_tokens``."""
    archived_messages: int
    """Messages that have left the window; cards stand for them."""
    cards: int
    """Cards that the window has to show."""
    offloading: bool
    """Cards are being made just now, beside the requests."""


def parse_window_fill(fields: _Fields) -> WindowFill:
    return WindowFill(
        live_tokens=fields["live_tokens"],
        live_messages=fields["live_messages"],
        max_tokens=fields["max_tokens"],
        pressure=fields["pressure"],
        archived_messages=fields["archived_messages"],
        cards=fields["cards"],
        offloading=fields["offloading"],
    )


@dataclass(slots=True, kw_only=True)
class GuardsEcho:
    """It is the same as one of the last answers."""

    of: str
    """Id of the message that it is most like."""
    similarity: float
    """0 to 1."""
    run: int
    """Such answers in a row."""


def parse_guards_echo(fields: _Fields) -> GuardsEcho:
    return GuardsEcho(
        of=fields["of"],
        similarity=fields["similarity"],
        run=fields["run"],
    )


@dataclass(slots=True, kw_only=True)
class GuardsBoredom:
    """It has been so for a while."""

    run: int
    """Such answers in a row."""


def parse_guards_boredom(fields: _Fields) -> GuardsBoredom:
    return GuardsBoredom(
        run=fields["run"],
    )


@dataclass(slots=True, kw_only=True)
class Guards:
    """What is odd about what an assistant says."""

    echo: GuardsEcho | None = None
    """It is the same as one of the last answers."""
    boredom: GuardsBoredom | None = None
    """It has been so for a while."""


def parse_guards(fields: _Fields) -> Guards:
    return Guards(
        echo=parse_guards_echo(fields["echo"]) if "echo" in fields else None,
        boredom=parse_guards_boredom(fields["boredom"]) if "boredom" in fields else None,
    )


@dataclass(slots=True, kw_only=True)
class SessionAppendReply:
    """What came of the messages, and how full the window is."""

    messages: list[AppendedMessage]
    """One for each message of the request, in order."""
    window: WindowFill
    """How full it is now."""
    guards: Guards | None = None
    """Of the last assistant message among them, where something is odd. Absent: nothing is."""


def parse_session_append_reply(fields: _Fields) -> SessionAppendReply:
    return SessionAppendReply(
        messages=[parse_appended_message(item) for item in fields["messages"]],
        window=parse_window_fill(fields["window"]),
        guards=parse_guards(fields["guards"]) if "guards" in fields else None,
    )


@dataclass(slots=True, kw_only=True)
class ContentPart:
    """A part of a message. Of ``text`` the text is kept, of every other type only that it was there: ``omitted``."""

    type: str
    """``text``, or what else a model takes."""
    text: str | None = None
    """Of a part of type ``text``. At most 262,144 characters."""
    omitted: bool | None = None
    """In replies: what it held is not kept."""


def parse_content_part(fields: _Fields) -> ContentPart:
    return ContentPart(
        type=fields["type"],
        text=fields.get("text"),
        omitted=fields.get("omitted"),
    )


@dataclass(slots=True, kw_only=True)
class WindowMessage:
    """What is to be sent to a model."""

    role: MessageRole
    """Who speaks."""
    content: str | list[ContentPart] | None
    """What is said."""
    kind: Literal["header", "card", "message", "memory"]
    """``header``, ``card``: a summary of earlier messages; ``message``; ``memory``: state and what was recalled."""
    token_count: int
    """What it costs, in tokens."""
    id: str | None = None
    """Of a message."""
    card_id: str | None = None
    """Of a card."""
    name: str | None = None
    """Name of the speaker, or of the tool. Absent: none was given."""
    tool_calls: list[dict[str, Any]] | None = None
    """As they came. Absent: none."""
    tool_call_id: str | None = None
    """The call that it answers. Absent: none."""


def parse_window_message(fields: _Fields) -> WindowMessage:
    return WindowMessage(
        role=fields["role"],
        content=[parse_content_part(item) for item in fields["content"]] if isinstance(fields["content"], list) else fields["content"],
        kind=fields["kind"],
        token_count=fields["token_count"],
        id=fields.get("id"),
        card_id=fields.get("card_id"),
        name=fields.get("name"),
        tool_calls=fields.get("tool_calls"),
        tool_call_id=fields.get("tool_call_id"),
    )


@dataclass(slots=True, kw_only=True)
class WindowTokens:
    """What the window costs, in tokens."""

    header: int
    """The header."""
    cards: int
    """All cards."""
    memory: int
    """The memory block."""
    messages: int
    """The messages."""
    total: int
    """All together; never more than there is room for."""


def parse_window_tokens(fields: _Fields) -> WindowTokens:
    return WindowTokens(
        header=fields["header"],
        cards=fields["cards"],
        memory=fields["memory"],
        messages=fields["messages"],
        total=fields["total"],
    )


@dataclass(slots=True, kw_only=True)
class Recalled:
    """A context that stands in the memory block."""

    id: str
    """Of the context."""
    level: Level
    """Where it is."""
    relevance_score: float
    """By which it was chosen, 0 to 1."""
    token_count: int
    """What its text costs, in tokens."""


def parse_recalled(fields: _Fields) -> Recalled:
    return Recalled(
        id=fields["id"],
        level=fields["level"],
        relevance_score=fields["relevance_score"],
        token_count=fields["token_count"],
    )


@dataclass(slots=True, kw_only=True)
class SessionWindowReply:
    """Messages in the order in which they are to be sent: header, cards, messages; the memory block stands before the
    last user message."""

    messages: list[WindowMessage]
    """Always in a shape that a chat model takes: each tool result directly behind its call."""
    tokens: WindowTokens
    """What it costs."""
    window: WindowFill
    """How full the window is."""
    recalled: list[Recalled]
    """What stands in the memory block, the best first."""
    degraded: list[DegradedLevel]
    """Levels that recall had to do without."""
    receipts: list[Receipt] | None = None
    """With ``explain: true``: one row for every candidate of recall that was ranked."""


def parse_session_window_reply(fields: _Fields) -> SessionWindowReply:
    return SessionWindowReply(
        messages=[parse_window_message(item) for item in fields["messages"]],
        tokens=parse_window_tokens(fields["tokens"]),
        window=parse_window_fill(fields["window"]),
        recalled=[parse_recalled(item) for item in fields["recalled"]],
        degraded=[parse_degraded_level(item) for item in fields["degraded"]],
        receipts=[parse_receipt(item) for item in fields["receipts"]] if "receipts" in fields else None,
    )


@dataclass(slots=True, kw_only=True)
class StateEntry:
    """One entry of a session's state."""

    text: str
    """In words."""
    status: str | None = None
    """How it stands with it, as ``open``."""


def parse_state_entry(fields: _Fields) -> StateEntry:
    return StateEntry(
        text=fields["text"],
        status=fields.get("status"),
    )


@dataclass(slots=True, kw_only=True)
class SessionState:
    """What a session is about. The newest entries of each list stand in the memory block of the window."""

    goals: list[StateEntry] | None = None
    """What is wanted."""
    tasks: list[StateEntry] | None = None
    """What is to be done."""
    decisions: list[StateEntry] | None = None
    """What was decided."""
    facts: list[StateEntry] | None = None
    """What is known."""


def parse_session_state(fields: _Fields) -> SessionState:
    return SessionState(
        goals=[parse_state_entry(item) for item in fields["goals"]] if "goals" in fields else None,
        tasks=[parse_state_entry(item) for item in fields["tasks"]] if "tasks" in fields else None,
        decisions=[parse_state_entry(item) for item in fields["decisions"]] if "decisions" in fields else None,
        facts=[parse_state_entry(item) for item in fields["facts"]] if "facts" in fields else None,
    )


@dataclass(slots=True, kw_only=True)
class Session:
    """A session with its window."""

    session_id: str
    """As the client named it."""
    agent_id: str
    """Whose it is."""
    max_tokens: int
    """What its window sends at most, in tokens."""
    offload_at: float
    """Share of ``max_tokens`` at which the oldest exchanges leave."""
    relieve_to: float
    """Share that stays then at most."""
    rearm_at: float
    """Share below which it is tried again where that was not enough."""
    header: str | None = None
    """What stands before everything else. Absent: nothing."""
    state: SessionState
    """As it was configured."""
    window: WindowFill
    """How full it is."""
    created_at: int
    """When it began, in milliseconds since the Unix epoch."""
    used_at: int
    """When something was last appended or configured."""


def parse_session(fields: _Fields) -> Session:
    return Session(
        session_id=fields["session_id"],
        agent_id=fields["agent_id"],
        max_tokens=fields["max_tokens"],
        offload_at=fields["offload_at"],
        relieve_to=fields["relieve_to"],
        rearm_at=fields["rearm_at"],
        header=fields.get("header"),
        state=parse_session_state(fields["state"]),
        window=parse_window_fill(fields["window"]),
        created_at=fields["created_at"],
        used_at=fields["used_at"],
    )


@dataclass(slots=True, kw_only=True)
class SessionConfigureReply:
    """The session."""

    session: Session
    """As it is now."""


def parse_session_configure_reply(fields: _Fields) -> SessionConfigureReply:
    return SessionConfigureReply(
        session=parse_session(fields["session"]),
    )


@dataclass(slots=True, kw_only=True)
class LiveMessage:
    """A message in the window, without its content."""

    id: str
    """Of the message, which is a context."""
    role: MessageRole
    """Who speaks."""
    token_count: int
    """What it costs, in tokens."""
    card_id: str | None = None
    """It alone is too long: this card stands in its place."""


def parse_live_message(fields: _Fields) -> LiveMessage:
    return LiveMessage(
        id=fields["id"],
        role=fields["role"],
        token_count=fields["token_count"],
        card_id=fields.get("card_id"),
    )


@dataclass(slots=True, kw_only=True)
class Card:
    """What stands for messages that have left the window."""

    card_id: str
    """For ``session.expand``."""
    summary: str
    """What the messages said, from themselves."""
    first_at: int
    """Time of the first message, in milliseconds since the Unix epoch."""
    last_at: int
    """Time of the last one."""
    message_count: int
    """Messages that it stands for."""
    token_count: int
    """What it costs in the window, in tokens."""
    original_tokens: int
    """What the messages cost, in tokens."""


def parse_card(fields: _Fields) -> Card:
    return Card(
        card_id=fields["card_id"],
        summary=fields["summary"],
        first_at=fields["first_at"],
        last_at=fields["last_at"],
        message_count=fields["message_count"],
        token_count=fields["token_count"],
        original_tokens=fields["original_tokens"],
    )


@dataclass(slots=True, kw_only=True)
class SessionDetails(Session):
    """A session with what it lists."""

    live: list[LiveMessage]
    """Messages in the window, in order."""
    cards: list[Card]
    """Of what has left the window, the newest first; at most 100 of a page."""


def parse_session_details(fields: _Fields) -> SessionDetails:
    return SessionDetails(
        session_id=fields["session_id"],
        agent_id=fields["agent_id"],
        max_tokens=fields["max_tokens"],
        offload_at=fields["offload_at"],
        relieve_to=fields["relieve_to"],
        rearm_at=fields["rearm_at"],
        header=fields.get("header"),
        state=parse_session_state(fields["state"]),
        window=parse_window_fill(fields["window"]),
        created_at=fields["created_at"],
        used_at=fields["used_at"],
        live=[parse_live_message(item) for item in fields["live"]],
        cards=[parse_card(item) for item in fields["cards"]],
    )


@dataclass(slots=True, kw_only=True)
class SessionGetReply:
    """The session, with what it lists."""

    session: SessionDetails
    """As it is now."""
    cursor: str | None = None
    """For the next page of cards. Absent: these were the last."""


def parse_session_get_reply(fields: _Fields) -> SessionGetReply:
    return SessionGetReply(
        session=parse_session_details(fields["session"]),
        cursor=fields.get("cursor"),
    )


@dataclass(slots=True, kw_only=True)
class SessionListReply:
    """One page."""

    sessions: list[Session]
    """Last used first."""
    cursor: str | None = None
    """For the next page: the same request with it. Absent: this was the last page."""


def parse_session_list_reply(fields: _Fields) -> SessionListReply:
    return SessionListReply(
        sessions=[parse_session(item) for item in fields["sessions"]],
        cursor=fields.get("cursor"),
    )


@dataclass(slots=True, kw_only=True)
class SessionMessage:
    """A message as it was appended."""

    id: str
    """Of the message, which is a context."""
    role: MessageRole
    """Who speaks."""
    content: str | list[ContentPart] | None
    """What is said."""
    name: str | None = None
    """Name of the speaker, or of the tool. Absent: none was given."""
    tool_calls: list[dict[str, Any]] | None = None
    """As they came. Absent: none."""
    tool_call_id: str | None = None
    """The call that it answers. Absent: none."""
    created_at: int
    """When it was said, in milliseconds since the Unix epoch."""
    token_count: int
    """What it costs in a window, in tokens."""
    metadata: dict[str, Any]
    """The client's own."""
    tags: list[str]
    """As they were given."""


def parse_session_message(fields: _Fields) -> SessionMessage:
    return SessionMessage(
        id=fields["id"],
        role=fields["role"],
        content=[parse_content_part(item) for item in fields["content"]] if isinstance(fields["content"], list) else fields["content"],
        name=fields.get("name"),
        tool_calls=fields.get("tool_calls"),
        tool_call_id=fields.get("tool_call_id"),
        created_at=fields["created_at"],
        token_count=fields["token_count"],
        metadata=fields["metadata"],
        tags=fields["tags"],
    )


@dataclass(slots=True, kw_only=True)
class SessionExpandReply:
    """One page."""

    messages: list[SessionMessage]
    """The originals, in order; what was deleted since is left out."""
    cursor: str | None = None
    """For the next page: the same request with it. Absent: this was the last page."""


def parse_session_expand_reply(fields: _Fields) -> SessionExpandReply:
    return SessionExpandReply(
        messages=[parse_session_message(item) for item in fields["messages"]],
        cursor=fields.get("cursor"),
    )


@dataclass(slots=True, kw_only=True)
class SessionResetReply:
    """What became of it."""

    archived: int
    """Messages that have left the window and stay as memory."""
    deleted: int
    """Contexts that were deleted."""


def parse_session_reset_reply(fields: _Fields) -> SessionResetReply:
    return SessionResetReply(
        archived=fields["archived"],
        deleted=fields["deleted"],
    )


@dataclass(slots=True, kw_only=True)
class PutFact:
    """What came of putting a fact."""

    id: str
    """As it was given, or made."""
    created: bool
    """True: it is new. False: the id existed with the same fact, and nothing was changed."""
    superseded: list[str]
    """Facts that hold no more from its ``valid_from`` on, 64 at most."""
    conflicts: list[str]
    """Facts of the same subject and predicate that name another object and hold at the same time, 64 at most. They
    stay."""


def parse_put_fact(fields: _Fields) -> PutFact:
    return PutFact(
        id=fields["id"],
        created=fields["created"],
        superseded=fields["superseded"],
        conflicts=fields["conflicts"],
    )


@dataclass(slots=True, kw_only=True)
class FactPutReply:
    """What came of each fact, in order."""

    facts: list[PutFact]
    """One for each fact, in their order."""


def parse_fact_put_reply(fields: _Fields) -> FactPutReply:
    return FactPutReply(
        facts=[parse_put_fact(item) for item in fields["facts"]],
    )


@dataclass(slots=True, kw_only=True)
class FactListReply:
    """A page of facts."""

    facts: list[Fact]
    """Those that began last first. Where few of many hold, a page ends early and may be empty."""
    cursor: str | None = None
    """For the next page. Absent: this was the last."""


def parse_fact_list_reply(fields: _Fields) -> FactListReply:
    return FactListReply(
        facts=[parse_fact(item) for item in fields["facts"]],
        cursor=fields.get("cursor"),
    )


@dataclass(slots=True, kw_only=True)
class NearbyFact(Fact):
    """A fact around an entity."""

    distance: int
    """1 for a fact about the entity, 2 for one about a neighbour of it, and so on."""


def parse_nearby_fact(fields: _Fields) -> NearbyFact:
    return NearbyFact(
        id=fields["id"],
        namespace=fields["namespace"],
        agent_id=fields["agent_id"],
        subject=fields["subject"],
        predicate=fields["predicate"],
        object=fields["object"],
        valid_from=fields["valid_from"],
        valid_until=fields.get("valid_until"),
        stated_until=fields.get("stated_until"),
        superseded_by=fields.get("superseded_by"),
        recorded_at=fields["recorded_at"],
        single_valued=fields["single_valued"],
        source_ids=fields["source_ids"],
        confidence=fields.get("confidence"),
        metadata=fields["metadata"],
        distance=fields["distance"],
    )


@dataclass(slots=True, kw_only=True)
class NearbyEntity:
    """A subject or an object of the facts."""

    name: str
    """As the fact spells it that led to it."""
    distance: int
    """0 for the entity itself."""


def parse_nearby_entity(fields: _Fields) -> NearbyEntity:
    return NearbyEntity(
        name=fields["name"],
        distance=fields["distance"],
    )


@dataclass(slots=True, kw_only=True)
class FactAroundReply:
    """Facts, and the entities that they lead to, the nearest first."""

    facts: list[NearbyFact]
    """The nearest first, of one distance those that began last."""
    entities: list[NearbyEntity]
    """The nearest first, with the entity itself; empty where no fact is about it."""
    truncated: bool | None = None
    """True where there is more than these. Absent: this is all."""


def parse_fact_around_reply(fields: _Fields) -> FactAroundReply:
    return FactAroundReply(
        facts=[parse_nearby_fact(item) for item in fields["facts"]],
        entities=[parse_nearby_entity(item) for item in fields["entities"]],
        truncated=fields.get("truncated"),
    )


@dataclass(slots=True, kw_only=True)
class FactDeleteReply:
    """How many were deleted."""

    deleted: int
    """1, or 0 where there is none."""


def parse_fact_delete_reply(fields: _Fields) -> FactDeleteReply:
    return FactDeleteReply(
        deleted=fields["deleted"],
    )


@dataclass(slots=True, kw_only=True)
class LevelClearReply:
    """How many there were."""

    deleted: int
    """Contexts that are gone."""


def parse_level_clear_reply(fields: _Fields) -> LevelClearReply:
    return LevelClearReply(
        deleted=fields["deleted"],
    )


@dataclass(slots=True, kw_only=True)
class StatsCounts:
    """Contexts stored."""

    immediate: int
    """In L1."""
    short_term: int
    """In L2."""
    long_term: int
    """In L3."""
    total: int
    """In all levels."""


def parse_stats_counts(fields: _Fields) -> StatsCounts:
    return StatsCounts(
        immediate=fields["immediate"],
        short_term=fields["short_term"],
        long_term=fields["long_term"],
        total=fields["total"],
    )


@dataclass(slots=True, kw_only=True)
class StatsCache:
    """Vectors kept in the cache: of the namespace that was counted, or of all."""

    embedding_entries: int
    """How many there are."""
    embedding_hits: int
    """How often one was found, since the server started."""
    embedding_misses: int
    """How often none was found, since the server started."""


def parse_stats_cache(fields: _Fields) -> StatsCache:
    return StatsCache(
        embedding_entries=fields["embedding_entries"],
        embedding_hits=fields["embedding_hits"],
        embedding_misses=fields["embedding_misses"],
    )


@dataclass(slots=True, kw_only=True)
class StatsReply:
    """What is stored and cached."""

    counts: StatsCounts
    """Contexts stored."""
    cache: StatsCache
    """Vectors kept in the cache."""
    store: dict[str, Any]
    """The driver's own figures: a map of any shape."""
    uptime_ms: int
    """Milliseconds since the server started."""
    namespace: str | None = None
    """The namespace that was counted. Absent: all."""


def parse_stats_reply(fields: _Fields) -> StatsReply:
    return StatsReply(
        counts=parse_stats_counts(fields["counts"]),
        cache=parse_stats_cache(fields["cache"]),
        store=fields["store"],
        uptime_ms=fields["uptime_ms"],
        namespace=fields.get("namespace"),
    )


@dataclass(slots=True, kw_only=True)
class ListedNamespace:
    """A namespace that the key has."""

    namespace: str
    """Its name."""
    counts: StatsCounts
    """What it holds."""


def parse_listed_namespace(fields: _Fields) -> ListedNamespace:
    return ListedNamespace(
        namespace=fields["namespace"],
        counts=parse_stats_counts(fields["counts"]),
    )


@dataclass(slots=True, kw_only=True)
class NamespaceListReply:
    """The namespaces of the key, by name: for a key of ``*`` those that hold contexts, for any other all that it
    names."""

    namespaces: list[ListedNamespace]
    """One row each."""


def parse_namespace_list_reply(fields: _Fields) -> NamespaceListReply:
    return NamespaceListReply(
        namespaces=[parse_listed_namespace(item) for item in fields["namespaces"]],
    )


@dataclass(slots=True, kw_only=True)
class NamespaceEraseReply:
    """What is gone."""

    receipt: ErasureReceipt


def parse_namespace_erase_reply(fields: _Fields) -> NamespaceEraseReply:
    return NamespaceEraseReply(
        receipt=parse_erasure_receipt(fields["receipt"]),
    )


@dataclass(slots=True, kw_only=True)
class AdminGcReply:
    """Contexts whose lifetime had ended, by what became of them."""

    promoted: int
    """Moved to the next level."""
    deleted: int
    """Gone."""


def parse_admin_gc_reply(fields: _Fields) -> AdminGcReply:
    return AdminGcReply(
        promoted=fields["promoted"],
        deleted=fields["deleted"],
    )


@dataclass(slots=True, kw_only=True)
class StoredSnapshot:
    """A copy of everything that was stored at a moment."""

    id: str
    """By which the command line restores it."""
    label: str | None = None
    """As the one who asked for it named it."""
    created_at: int
    """Milliseconds since the Unix epoch; what was acknowledged before is in the snapshot."""
    contexts: int
    """How many are in it."""
    bytes: int
    """What it takes on the server's disk."""
    sha256: str
    """Of its manifest, which holds those of its files; in hexadecimal."""


def parse_stored_snapshot(fields: _Fields) -> StoredSnapshot:
    return StoredSnapshot(
        id=fields["id"],
        label=fields.get("label"),
        created_at=fields["created_at"],
        contexts=fields["contexts"],
        bytes=fields["bytes"],
        sha256=fields["sha256"],
    )


@dataclass(slots=True, kw_only=True)
class AdminSnapshotReply:
    """The snapshot, which is on the server's disk."""

    snapshot: StoredSnapshot
    """What was made."""


def parse_admin_snapshot_reply(fields: _Fields) -> AdminSnapshotReply:
    return AdminSnapshotReply(
        snapshot=parse_stored_snapshot(fields["snapshot"]),
    )


@dataclass(slots=True, kw_only=True)
class AdminSnapshotsReply:
    """The snapshots that there are, the oldest first."""

    snapshots: list[StoredSnapshot]
    """One row each."""


def parse_admin_snapshots_reply(fields: _Fields) -> AdminSnapshotsReply:
    return AdminSnapshotsReply(
        snapshots=[parse_stored_snapshot(item) for item in fields["snapshots"]],
    )


@dataclass(slots=True, kw_only=True)
class SlowRequest:
    """A request that took long: nothing that it says, only what kind it was and whose."""

    at: int
    """When it was answered."""
    type: str
    """Of the request; ``unknown``: none that there is."""
    outcome: str
    """``ok``, or an error code."""
    duration_ms: float
    """From its decoding to its reply, in milliseconds."""
    stages_ms: dict[str, Any]
    """What of it each stage took, in milliseconds, by name. Of two at once each counts whole."""
    door: str
    """By which it came: socket, http (the dashboard), gateway or mcp."""
    address: str | None = None
    """From where it came, as the server sees it."""
    connection: int | None = None
    """Number of the connection, as in the server's log."""
    request_id: int | str | None = None
    """The client's id of it."""
    key_id: str | None = None
    """Whose it was."""
    namespaces: list[str]
    """Where it acted, 16 at most; ``*``: on the whole server."""
    request_bytes: int | None = None
    """Length of its body, in bytes."""
    contexts: int | None = None
    """How many contexts the reply was about."""


def parse_slow_request(fields: _Fields) -> SlowRequest:
    return SlowRequest(
        at=fields["at"],
        type=fields["type"],
        outcome=fields["outcome"],
        duration_ms=fields["duration_ms"],
        stages_ms=fields["stages_ms"],
        door=fields["door"],
        address=fields.get("address"),
        connection=fields.get("connection"),
        request_id=fields.get("request_id"),
        key_id=fields.get("key_id"),
        namespaces=fields["namespaces"],
        request_bytes=fields.get("request_bytes"),
        contexts=fields.get("contexts"),
    )


@dataclass(slots=True, kw_only=True)
class AdminSlowlogReply:
    """The last requests that took long."""

    requests: list[SlowRequest]
    """The last first; the server keeps some hundreds."""
    threshold_ms: float
    """From which on a request is kept, in milliseconds (the setting ``logging.slow_request_ms``); 0: none is."""
    total: int
    """How many there were since the server started."""


def parse_admin_slowlog_reply(fields: _Fields) -> AdminSlowlogReply:
    return AdminSlowlogReply(
        requests=[parse_slow_request(item) for item in fields["requests"]],
        threshold_ms=fields["threshold_ms"],
        total=fields["total"],
    )


@dataclass(slots=True, kw_only=True)
class MonitoredRequest:
    """A request as a monitor shows it."""

    at: int
    """When it was answered."""
    type: str
    """Of the request; ``unknown``: none that there is."""
    outcome: str
    """``ok``, or an error code."""
    duration_ms: float
    """From its decoding to its reply, in milliseconds."""
    door: str
    """By which it came: socket, http (the dashboard), gateway or mcp."""
    address: str | None = None
    """From where it came, as the server sees it."""
    request_id: int | str | None = None
    """The client's id of it."""
    key_id: str | None = None
    """Whose it was."""
    namespaces: list[str]
    """Where it acted, 16 at most; ``*``: on the whole server."""
    summary: str
    """Its other fields in short, as ``limit=10 tags=[2]``: of texts, tags, metadata and filters how much there is,
    and nothing of what they say."""
    text: str | None = None
    """How its text begins, 80 characters at most: only for a key that has the scope read."""


def parse_monitored_request(fields: _Fields) -> MonitoredRequest:
    return MonitoredRequest(
        at=fields["at"],
        type=fields["type"],
        outcome=fields["outcome"],
        duration_ms=fields["duration_ms"],
        door=fields["door"],
        address=fields.get("address"),
        request_id=fields.get("request_id"),
        key_id=fields.get("key_id"),
        namespaces=fields["namespaces"],
        summary=fields["summary"],
        text=fields.get("text"),
    )


@dataclass(slots=True, kw_only=True)
class AdminMonitorReply:
    """Requests that were answered since the poll before."""

    requests: list[MonitoredRequest]
    """In the order in which they were answered; empty: none was in the time."""
    cursor: int
    """For the next poll."""
    lost: int
    """Requests in between that are not told: more came than the server keeps, or nobody had polled for ten
    seconds."""


def parse_admin_monitor_reply(fields: _Fields) -> AdminMonitorReply:
    return AdminMonitorReply(
        requests=[parse_monitored_request(item) for item in fields["requests"]],
        cursor=fields["cursor"],
        lost=fields["lost"],
    )


@dataclass(slots=True, kw_only=True)
class AdminCacheClearReply:
    """How many entries were dropped."""

    embeddings: int
    """Vectors that were in the cache."""


def parse_admin_cache_clear_reply(fields: _Fields) -> AdminCacheClearReply:
    return AdminCacheClearReply(
        embeddings=fields["embeddings"],
    )


@dataclass(slots=True, kw_only=True)
class AdminCircuitResetReply:
    """The backend, and how its circuit is now."""

    backend: Backend
    """As it was asked for."""
    state: Literal["closed", "half_open", "open"]
    """``closed``: it is asked. ``half_open`` or ``open``: it has failed again already."""


def parse_admin_circuit_reset_reply(fields: _Fields) -> AdminCircuitResetReply:
    return AdminCircuitResetReply(
        backend=fields["backend"],
        state=fields["state"],
    )
