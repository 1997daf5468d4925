import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import { GenericStore } from '../generic/generic-store.ts';
import { MemoryDriver } from './memory-driver.ts';

export interface MemoryStoreOptions {
  /** Numbers per vector. */
  readonly dimension: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const CURSOR_KEY_BYTES = 16;

/** A store that forgets. */
export function openMemoryStore({ dimension, clock, random, log }: MemoryStoreOptions): GenericStore {
  log.warn({ driver: 'memory' }, 'contexts are kept in memory alone: they are gone when this server ends');
  return new GenericStore(new MemoryDriver(), { dimension, clock, cursorKey: random.bytes(CURSOR_KEY_BYTES) });
}
