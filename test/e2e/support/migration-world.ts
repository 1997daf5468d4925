import { setTimeout as sleep } from 'node:timers/promises';
// Stores to copy from and to, filled as servers fill them, and read whole.

import { systemClock } from '../../../src/base/clock.ts';
import { LEVELS, type ContextRecord } from '../../../src/base/context.ts';
import { silentLog } from '../../../src/base/log.ts';
import { noMetrics } from '../../../src/base/metrics.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { Circuits } from '../../../src/base/resilience/circuits.ts';
import { run } from '../../../src/cli.ts';
import type { Settings } from '../../../src/config/settings.ts';
import { openEmbedding, openStore } from '../../../src/drivers.ts';
import type { GenericStore } from '../../../src/store/generic/generic-store.ts';
import { walkStore, type WholeContext } from '../../../src/store/generic/walk-store.ts';
import type { NewContext, WriteOp } from '../../../src/store/store.ts';
import { DEFAULTS } from '../../support/settings.ts';

export const DIMENSION = 64;
export const NOW_MS = 1_790_000_000_000;

export type Where = Partial<Settings['vectorDb']>;

/** Opens the store, gives it to `work`, and closes it. */
export async function withStore<T>(where: Where, work: (store: GenericStore) => Promise<T>): Promise<T> {
  const settings = { ...DEFAULTS, vectorDb: { ...DEFAULTS.vectorDb, vectorSize: DIMENSION, ...where } };
  const parts = {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    metrics: noMetrics,
    fetch,
    circuits: new Circuits(),
  };
  const embedding = await openEmbedding(settings, parts);
  const store = await openStore(settings.vectorDb, { ...parts, embedding });
  try {
    return await work(store);
  } finally {
    await store.close();
    await embedding.close();
  }
}

/** All that it holds, of every namespace. */
export function wholeOf(where: Where): Promise<Record<string, WholeContext[]>> {
  return withStore(where, async (store) => {
    const whole: Record<string, WholeContext[]> = {};
    for (const { namespace } of await store.namespaces()) {
      const contexts: WholeContext[] = [];
      for await (const page of walkStore(store.driver, { namespace, contextsMax: 100 })) contexts.push(...page);
      whole[namespace] = contexts;
    }
    return whole;
  });
}

/** Contexts, once what was asked before is done: a server goes on with what it took from whoever was killed. */
export async function settledCount(where: Where): Promise<number> {
  const count = async (): Promise<number> => Object.values(await wholeOf(where)).flat().length;
  for (let last = await count(); ; ) {
    await sleep(250);
    const now = await count();
    if (now === last) return now;
    last = now;
  }
}

/** A vector of length 1 that is the same for the same number. */
export function vectorOf(number: number): Float32Array {
  const values = Float32Array.from({ length: DIMENSION }, (_, i) => Math.sin((number + 1) * (i + 1) * 1.7));
  const norm = Math.hypot(...values);
  return values.map((value) => value / norm);
}

export function contextOf(number: number, fields: Partial<ContextRecord> = {}): NewContext {
  const hex = (number + 1).toString(16).padStart(12, '0');
  const text = `note ${number}: the ${WORDS[number % 7]} ${WORDS[(number * 3) % 11]} is ${WORDS[(number * 5) % 13]}`;
  return {
    record: {
      id: `018f0000-0000-7000-8000-${hex}`,
      namespace: 'home',
      agentId: `agent-${number % 3}`,
      sessionId: number % 4 === 0 ? null : `session-${number % 2}`,
      level: 'immediate',
      text: `${text} — Zoë 日本語 \u0000 ${number}`,
      tokenCount: 9 + (number % 5),
      metadata: { number, 'key "with.dots': [-0.25, null, { deep: true }], a: 1, B: 'x' },
      tags: number % 2 === 0 ? [] : ['odd', `t${number % 5}`],
      version: 1 + (number % 3),
      createdAtMs: NOW_MS + Math.floor(number / 4),
      updatedAtMs: NOW_MS + number,
      expiresAtMs: number % 5 === 0 ? NOW_MS + 10 ** 12 : null,
      expiryAction: number % 10 === 0 ? 'promote' : 'delete',
      expirySetBy: number % 15 === 0 ? 'client' : 'level',
      accessCount: number % 6,
      ...fields,
    },
    vector: vectorOf(number),
  };
}

const WORDS = 'heron lamp kettle violet harbour copper meadow signal button winter paper orange thunder'.split(' ');

/** Contexts that came, sank from level to level, were read and changed. */
export async function fill(store: GenericStore, count: number): Promise<void> {
  const namespaces = ['home', 'shop.eu', 'Zzz_9'];
  const contexts = Array.from({ length: count }, (_, i): NewContext => {
    const context = contextOf(i, { namespace: namespaces[i % 3] as string });
    // The service was away when it came.
    return i % 29 === 0 ? { ...context, vector: new Float32Array(DIMENSION), unembedded: 'pending' } : context;
  });
  for (let from = 0; from < count; from += 100) {
    const puts = contexts.slice(from, from + 100).map((context): WriteOp => ({ op: 'put', context }));
    const trims = namespaces.flatMap((namespace) =>
      [0, 1, 2].flatMap((agent) =>
        LEVELS.slice(0, 2).map((level, i): WriteOp => {
          const lifetime = { expiresAtMs: null, expiryAction: 'promote', expirySetBy: 'level' } as const;
          const move = { to: LEVELS[i + 1] as (typeof LEVELS)[number], lifetime };
          return { op: 'trim', trim: { namespace, agentId: `agent-${agent}`, level, keep: 10 + 5 * i, move } };
        }),
      ),
    );
    await store.write([...puts, ...trims]);
  }
  const some = contexts.filter((_, i) => i % 17 === 0).map(({ record }) => record);
  await store.write(
    some.map(({ namespace, id }): WriteOp => {
      return { op: 'update', namespace, id, patch: { metadata: { changed: true } }, updatedAtMs: NOW_MS + 10_000 };
    }),
  );
  await store.touch(some.map(({ namespace, id }) => ({ namespace, id, count: 3 })));
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `migrate` in this process, with the settings of variables alone. */
export async function migrate(folder: string, args: readonly string[], variables: object = {}): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const output = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
      return Promise.resolve();
    },
  });
  const environment = { VECTOR_DB__VECTOR_SIZE: String(DIMENSION), ...variables };
  const stdin = (async function* () {})();
  const io = { stdin, stdout: output('stdout'), stderr: output('stderr'), environment, folder };
  return { code: await run(['migrate', ...args], io, '1.2.3'), ...written };
}
