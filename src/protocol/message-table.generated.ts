// Generated from proto-spec/ by `npm run generate`; do not edit.
import type { MessageRule } from './message-rule.ts';

export const MESSAGES = [
  {"type":"ping","scope":"any","namespace":"none","repeat":"always","reply":{"bytes":0},"method":"ping"},
  {"type":"context.store","scope":"write","namespace":"payload","repeat":"with_made_id","reply":{"bytes":256},"method":"store"},
  {"type":"context.store_batch","scope":"write","namespace":"items","items":"contexts","repeat":"with_made_id","reply":{"bytes":256,"per":[{"field":"contexts","bytes":128,"unnamed":0}]},"method":"storeBatch"},
  {"type":"context.query","scope":"read","namespace":"payload","repeat":"always","reply":{"bytes":2048,"per":[{"field":"max_tokens","bytes":8,"unnamed":4000},{"field":"limit","bytes":512,"unnamed":50}]},"method":"query"},
  {"type":"context.get","scope":"read","namespace":"payload","repeat":"always","reply":{"bytes":65536},"method":"get"},
  {"type":"context.update","scope":"write","namespace":"payload","repeat":"never","reply":{"bytes":65536},"method":"update"},
  {"type":"context.delete","scope":"write","namespace":"payload","repeat":"with_id","reply":{"bytes":128},"method":"delete"},
  {"type":"context.list","scope":"read","namespace":"payload","repeat":"always","reply":{"bytes":256,"per":[{"field":"limit","bytes":65536,"unnamed":100}],"max":1048576},"method":"list"},
  {"type":"level.clear","scope":"admin","namespace":"payload","repeat":"never","reply":{"bytes":128},"method":"clearLevel"},
  {"type":"stats","scope":"read","namespace":"payload_or_all","repeat":"always","reply":{"bytes":2048},"method":"stats"},
  {"type":"namespace.list","scope":"read","namespace":"key","repeat":"always","reply":{"bytes":65536},"method":"listNamespaces"},
  {"type":"admin.gc","scope":"admin","namespace":"server","repeat":"never","reply":{"bytes":128},"method":"gc"},
  {"type":"admin.snapshot","scope":"admin","namespace":"server","repeat":"never","reply":{"bytes":512},"method":"createSnapshot"},
  {"type":"admin.snapshots","scope":"admin","namespace":"server","repeat":"always","reply":{"bytes":65536},"method":"listSnapshots"},
  {"type":"admin.cache_clear","scope":"admin","namespace":"server","repeat":"never","reply":{"bytes":128},"method":"clearCache"},
  {"type":"admin.circuit_reset","scope":"admin","namespace":"server","repeat":"never","reply":{"bytes":128},"method":"resetCircuit"},
] as const satisfies readonly MessageRule[];
