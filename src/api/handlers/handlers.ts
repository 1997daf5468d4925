import { cacheClear, circuitReset, gc, listSnapshots, snapshot } from './admin.ts';
import { get, list, query, remove, store, storeBatch, update } from './context.ts';
import type { Handlers } from './handler.ts';
import { clear } from './level.ts';
import { list as listNamespaces } from './namespace.ts';
import { ping } from './session.ts';
import { stats } from './stats.ts';

/** Who answers what. */
export const HANDLERS: Handlers = {
  ping,
  'context.store': store,
  'context.store_batch': storeBatch,
  'context.query': query,
  'context.get': get,
  'context.update': update,
  'context.delete': remove,
  'context.list': list,
  'level.clear': clear,
  stats,
  'namespace.list': listNamespaces,
  'admin.gc': gc,
  'admin.snapshot': snapshot,
  'admin.snapshots': listSnapshots,
  'admin.cache_clear': cacheClear,
  'admin.circuit_reset': circuitReset,
};
