import { cacheClear, circuitReset, gc, listSnapshots, snapshot } from './admin.ts';
import { monitor, slowlog } from './watching.ts';
import { get, list, query, remove, store, storeBatch, update, used } from './context.ts';
import { erase } from './erase.ts';
import * as fact from './fact.ts';
import type { Handlers } from './handler.ts';
import { clear } from './level.ts';
import { list as listNamespaces } from './namespace.ts';
import { ping } from './session.ts';
import { stats } from './stats.ts';
import * as session from './window.ts';

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
  'context.used': used,
  'session.append': session.append,
  'session.window': session.window,
  'session.configure': session.configure,
  'session.get': session.get,
  'session.list': session.list,
  'session.expand': session.expand,
  'session.reset': session.reset,
  'fact.put': fact.put,
  'fact.list': fact.list,
  'fact.around': fact.around,
  'fact.delete': fact.remove,
  'level.clear': clear,
  stats,
  'namespace.list': listNamespaces,
  'namespace.erase': erase,
  'admin.gc': gc,
  'admin.snapshot': snapshot,
  'admin.snapshots': listSnapshots,
  'admin.slowlog': slowlog,
  'admin.monitor': monitor,
  'admin.cache_clear': cacheClear,
  'admin.circuit_reset': circuitReset,
};
