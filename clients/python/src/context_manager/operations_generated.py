# Generated from proto-spec/ by `npm run generate`; do not edit.
"""The requests of the protocol."""

from __future__ import annotations

from typing import Any

from . import models_generated as models
from .operation import Operation

PING: Operation[models.PingReply] = Operation(
    "ping", "none", "always", None, None, models.parse_ping_reply
)
CONTEXT_STORE: Operation[models.StoredContext] = Operation(
    "context.store", "payload", "with_made_id", None, None, models.parse_stored_context
)
CONTEXT_STORE_BATCH: Operation[models.ContextStoreBatchReply] = Operation(
    "context.store_batch", "items", "with_made_id", "contexts", None, models.parse_context_store_batch_reply
)
CONTEXT_QUERY: Operation[models.ContextQueryReply] = Operation(
    "context.query", "payload", "always", None, None, models.parse_context_query_reply
)
CONTEXT_GET: Operation[models.ContextGetReply] = Operation(
    "context.get", "payload", "always", None, None, models.parse_context_get_reply
)
CONTEXT_UPDATE: Operation[models.ContextUpdateReply] = Operation(
    "context.update", "payload", "never", None, None, models.parse_context_update_reply
)
CONTEXT_DELETE: Operation[models.ContextDeleteReply] = Operation(
    "context.delete", "payload", "with_id", None, None, models.parse_context_delete_reply
)
CONTEXT_LIST: Operation[models.ContextListReply] = Operation(
    "context.list", "payload", "always", None, None, models.parse_context_list_reply
)
CONTEXT_USED: Operation[models.ContextUsedReply] = Operation(
    "context.used", "payload", "never", None, None, models.parse_context_used_reply
)
SESSION_APPEND: Operation[models.SessionAppendReply] = Operation(
    "session.append", "payload", "with_made_id", None, "messages", models.parse_session_append_reply
)
SESSION_WINDOW: Operation[models.SessionWindowReply] = Operation(
    "session.window", "payload", "always", None, None, models.parse_session_window_reply
)
SESSION_CONFIGURE: Operation[models.SessionConfigureReply] = Operation(
    "session.configure", "payload", "never", None, None, models.parse_session_configure_reply
)
SESSION_GET: Operation[models.SessionGetReply] = Operation(
    "session.get", "payload", "always", None, None, models.parse_session_get_reply
)
SESSION_LIST: Operation[models.SessionListReply] = Operation(
    "session.list", "payload", "always", None, None, models.parse_session_list_reply
)
SESSION_EXPAND: Operation[models.SessionExpandReply] = Operation(
    "session.expand", "payload", "always", None, None, models.parse_session_expand_reply
)
SESSION_RESET: Operation[models.SessionResetReply] = Operation(
    "session.reset", "payload", "never", None, None, models.parse_session_reset_reply
)
FACT_PUT: Operation[models.FactPutReply] = Operation(
    "fact.put", "payload", "with_made_id", None, "facts", models.parse_fact_put_reply
)
FACT_LIST: Operation[models.FactListReply] = Operation(
    "fact.list", "payload", "always", None, None, models.parse_fact_list_reply
)
FACT_AROUND: Operation[models.FactAroundReply] = Operation(
    "fact.around", "payload", "always", None, None, models.parse_fact_around_reply
)
FACT_DELETE: Operation[models.FactDeleteReply] = Operation(
    "fact.delete", "payload", "with_id", None, None, models.parse_fact_delete_reply
)
LEVEL_CLEAR: Operation[models.LevelClearReply] = Operation(
    "level.clear", "payload", "never", None, None, models.parse_level_clear_reply
)
STATS: Operation[models.StatsReply] = Operation(
    "stats", "payload_or_all", "always", None, None, models.parse_stats_reply
)
NAMESPACE_LIST: Operation[models.NamespaceListReply] = Operation(
    "namespace.list", "key", "always", None, None, models.parse_namespace_list_reply
)
NAMESPACE_ERASE: Operation[models.NamespaceEraseReply] = Operation(
    "namespace.erase", "payload", "never", None, None, models.parse_namespace_erase_reply
)
ADMIN_GC: Operation[models.AdminGcReply] = Operation(
    "admin.gc", "server", "never", None, None, models.parse_admin_gc_reply
)
ADMIN_SNAPSHOT: Operation[models.AdminSnapshotReply] = Operation(
    "admin.snapshot", "server", "never", None, None, models.parse_admin_snapshot_reply
)
ADMIN_SNAPSHOTS: Operation[models.AdminSnapshotsReply] = Operation(
    "admin.snapshots", "server", "always", None, None, models.parse_admin_snapshots_reply
)
ADMIN_SLOWLOG: Operation[models.AdminSlowlogReply] = Operation(
    "admin.slowlog", "server", "never", None, None, models.parse_admin_slowlog_reply
)
ADMIN_MONITOR: Operation[models.AdminMonitorReply] = Operation(
    "admin.monitor", "server", "always", None, None, models.parse_admin_monitor_reply
)
ADMIN_CACHE_CLEAR: Operation[models.AdminCacheClearReply] = Operation(
    "admin.cache_clear", "server", "never", None, None, models.parse_admin_cache_clear_reply
)
ADMIN_CIRCUIT_RESET: Operation[models.AdminCircuitResetReply] = Operation(
    "admin.circuit_reset", "server", "never", None, None, models.parse_admin_circuit_reset_reply
)

OPERATIONS: dict[str, Operation[Any]] = {
    operation.type: operation
    for operation in (
        PING,
        CONTEXT_STORE,
        CONTEXT_STORE_BATCH,
        CONTEXT_QUERY,
        CONTEXT_GET,
        CONTEXT_UPDATE,
        CONTEXT_DELETE,
        CONTEXT_LIST,
        CONTEXT_USED,
        SESSION_APPEND,
        SESSION_WINDOW,
        SESSION_CONFIGURE,
        SESSION_GET,
        SESSION_LIST,
        SESSION_EXPAND,
        SESSION_RESET,
        FACT_PUT,
        FACT_LIST,
        FACT_AROUND,
        FACT_DELETE,
        LEVEL_CLEAR,
        STATS,
        NAMESPACE_LIST,
        NAMESPACE_ERASE,
        ADMIN_GC,
        ADMIN_SNAPSHOT,
        ADMIN_SNAPSHOTS,
        ADMIN_SLOWLOG,
        ADMIN_MONITOR,
        ADMIN_CACHE_CLEAR,
        ADMIN_CIRCUIT_RESET,
    )
}
