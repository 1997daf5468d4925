// Damage that no start and no read sees, as the database is too large to be looked through at once: what the check behind it finds,
// and what becomes of a server whose database it finds damaged.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { toSettings } from '../../src/config/settings.ts';
import { startServer, type RunningServer } from '../../src/main.ts';
import { DAMAGE_FILE } from '../../src/store/embedded/database/damage-mark.ts';
import { DATABASE_FILE } from '../../src/store/embedded/database/data-folder.ts';
import { START_CHECK_BOUNDS } from '../../src/store/embedded/border/opening-settings.ts';
import type { EmbeddedStore } from '../../src/store/embedded/embedded-store.ts';
import type { EmbeddedStoreOptions } from '../../src/store/embedded/open-embedded-store.ts';
import { idOf, NOW_MS, put, sample } from '../contract/store-samples.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { WireClient } from '../support/wire-client.ts';
import { ADMIN } from '../support/wire-server.ts';
import { keeperOf, restoreInto } from './snapshot-setup.ts';
import { DIMENSION, eventually, faultIn, openAt, recordingLog, temporaryFolder } from './store-setup.ts';

const NAMES = Array.from({ length: 60 }, (_, i) => `c-${i}`);
/** As of a database that is too large for either. */
const UNCHECKED = { startCheck: { comparedBytesMax: 0, checkedBytesMax: 0 } };
const EXPIRES_AT_MS = NOW_MS + 86_400_000;
const damaged = { code: 'STORE_UNAVAILABLE', message: 'the store cannot answer: the database is damaged' };

const openStore = async (folder: string, options: Partial<EmbeddedStoreOptions> = {}): Promise<EmbeddedStore> =>
  (await openAt(folder, { ...UNCHECKED, ...options })) as EmbeddedStore;

async function filledFolder(options: Partial<EmbeddedStoreOptions> = {}): Promise<string> {
  const folder = await temporaryFolder();
  const store = await openStore(folder, options);
  await store.write(NAMES.map((name) => put(sample(name, DIMENSION, { expiresAtMs: EXPIRES_AT_MS }))));
  const about = { namespace: 'space', kind: 'fact', owner: 'me', version: 1, terms: ['all'], body: {} };
  await store.writeDocuments(
    NAMES.map((key, order) => ({ op: 'put', document: { ...about, key, order }, ifVersion: null })),
  );
  await store.close();
  return folder;
}

function sql(folder: string, statement: string): void {
  const database = new DatabaseSync(join(folder, DATABASE_FILE));
  database.exec(statement);
  database.close();
}

/** As SQLite keeps it: 48 bits. */
function expiryBytes(): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(EXPIRES_AT_MS, 0, 6);
  return bytes;
}

/** Flips one bit of the first `bytes` that are found in a page of an index: bit `bit` of their byte `place`. */
async function flipIn(folder: string, index: string, bytes: Uint8Array, place = 2, bit = 0): Promise<void> {
  const path = join(folder, DATABASE_FILE);
  const database = new DatabaseSync(path, { readOnly: true });
  const pages = database.prepare('SELECT pgoffset AS at, pgsize AS size FROM dbstat WHERE name = ?').all(index);
  database.close();
  const file = await open(path, 'r+');
  try {
    for (const { at, size } of pages as { at: number; size: number }[]) {
      const page = Buffer.alloc(size);
      await file.read(page, 0, size, at);
      const found = page.indexOf(bytes);
      if (found === -1) continue;
      page[found + place] = (page[found + place] as number) ^ (1 << bit);
      await file.write(page, 0, size, at);
      return;
    }
  } finally {
    await file.close();
  }
  throw new Error(`nothing of it is in ${index}`);
}

const flipId = (folder: string, name: string): Promise<void> =>
  flipIn(folder, 'contexts_by_id', Buffer.from(idOf(name)));

describe('a check of the whole database', () => {
  it('finds a flipped bit that hides a row, and nothing is answered from then on, until a snapshot is restored', async () => {
    const folder = await filledFolder();
    const messages: string[] = [];
    const store = await openStore(folder, { log: recordingLog(messages) });
    const snapshot = await keeperOf(store, await temporaryFolder()).create();
    await flipId(folder, 'c-7');
    expect(store.wholeCheck.isDue).toBe(true);
    await expect(store.wholeCheck.run()).rejects.toMatchObject(damaged);
    await expect(store.wholeCheck.run()).rejects.toMatchObject(damaged);
    expect(messages).toEqual(['the database is damaged: nothing is answered from it']);
    await expect(store.write([put(sample('new', DIMENSION))])).rejects.toMatchObject(damaged);
    await expect(store.fetch('space', [idOf('c-8')], NOW_MS)).rejects.toMatchObject(damaged);
    await expect(store.copyInto(folder)).rejects.toMatchObject(damaged);
    await expect(store.ping()).rejects.toMatchObject(damaged);
    await store.close();
    await expect(openStore(folder)).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringMatching(/was found to be damaged at \d{4}-.*: .* contexts_by_id/) as string,
      remedy: expect.stringMatching(/snapshot restore latest --replace.*REINDEX.*contexts\.damaged/) as string,
    });
    await restoreInto(folder, snapshot, true);
    expect(existsSync(join(folder, DAMAGE_FILE))).toBe(false);
    const restored = await openStore(folder);
    await restored.wholeCheck.run();
    expect(await restored.fetch('space', [idOf('c-7')], NOW_MS)).toMatchObject([{ id: idOf('c-7') }]);
  });

  it('finds a flipped bit in any index, and what is missing beside the rows', async () => {
    const whole = await filledFolder();
    expect(faultIn(whole)).toBeNull();
    const faultAfter = async (damage: (folder: string) => unknown): Promise<string | null> => {
      const folder = await temporaryFolder();
      await copyFile(join(whole, DATABASE_FILE), join(folder, DATABASE_FILE));
      await damage(folder);
      return faultIn(folder);
    };
    const flip = (index: string, bytes: Uint8Array, ...place: number[]) =>
      faultAfter((folder) => flipIn(folder, index, bytes, ...place));
    // Its length: it would be found by what it says, and lead to another row.
    const entry = Uint8Array.of(7, 5, 9, 9, 1, 1, 33, 33);
    expect(await flip('contexts_by_entry', entry, 0, 6)).toMatch(/contexts_by_entry .* does not hold/);
    expect(await flip('contexts_by_expiry', expiryBytes())).toMatch(
      /row \d+ of contexts .* is not found by contexts_by_expiry/,
    );
    expect(await flip('documents_by_key', Buffer.from('c-7'))).toMatch(/row 8 of documents .* by documents_by_key/);
    const change = (statement: string) => faultAfter((folder) => sql(folder, statement));
    expect(await change('DELETE FROM vectors WHERE seq = 33')).toMatch(/row 33 of contexts .* has lost its vector/);
    expect(await change('DELETE FROM namespaces')).toMatch(/row 1 of contexts .* has lost its namespace/);
    expect(await change('DELETE FROM document_terms WHERE id = 33')).toMatch(/a term of a document/);
    expect(await change('UPDATE sequence SET last = 9')).toMatch(/numbers or names/);
  });

  it('finds nothing in a whole database that is written to meanwhile, sealed or not', async () => {
    for (const options of [{}, { seal: { key: new Uint8Array(randomBytes(32)), previousKey: null } }]) {
      const folder = await filledFolder(options);
      const messages: string[] = [];
      const store = await openStore(folder, { ...options, log: recordingLog(messages) });
      const checks = Promise.all([store.wholeCheck.run(), store.wholeCheck.run()]);
      let isOver = false;
      void checks.finally(() => (isOver = true));
      for (let round = 0; !isOver; round++) {
        const name = `w-${round}`;
        await store.write([put(sample(name, DIMENSION))]);
        const patch = {
          tags: [name],
          lifetime: { expiresAtMs: NOW_MS + round, expiryAction: 'delete', expirySetBy: 'client' },
        } as const;
        const id = idOf(NAMES[round % NAMES.length] as string);
        await store.write([{ op: 'update', namespace: 'space', id, patch, updatedAtMs: NOW_MS }]);
        if (round % 3 === 0) await store.write([{ op: 'delete', namespace: 'space', ids: [idOf(name)] }]);
      }
      await checks;
      expect(messages).toEqual([]);
      expect(store.wholeCheck.isDue).toBe(false);
      await store.close();
    }
  });

  it('ends when it is told to', async () => {
    const folder = await filledFolder();
    const store = await openStore(folder);
    const abort = new AbortController();
    const check = store.wholeCheck.run(abort.signal);
    abort.abort(new CodedError('SHUTTING_DOWN', 'enough'));
    await expect(check).rejects.toThrow('enough');
    await expect(store.wholeCheck.run(abort.signal)).rejects.toThrow('enough');
    await store.ping();
  });

  it('is not due where the start has looked at all of it', async () => {
    const store = await openStore(await filledFolder(), { startCheck: START_CHECK_BOUNDS });
    expect(store.wholeCheck.isDue).toBe(false);
  });
});

describe('a server whose database is damaged', () => {
  it('is unready with the reason and refuses, by the schedule of the check', async () => {
    const folder = await temporaryFolder();
    const clock = new FakeClock();
    const server = await started(folder, clock);
    const client = await connected(server, clock);
    const id = idOf('known');
    await client.request('context.store', { id, text: 'a text that is known' });
    expect(await ready(server)).toMatchObject({ ready: true });
    await client.close();
    await server.stop();

    const again = await started(folder, clock);
    const other = await connected(again, clock);
    await flipIn(folder, 'contexts_by_id', Buffer.from(id));
    clock.advance(20_000);
    const reason = 'the store cannot answer: the database is damaged';
    await eventually(async () => {
      clock.advance(1_000);
      return (await ready(again)).reason === reason || undefined;
    });
    for (const call of [
      other.request('context.get', { id }),
      other.request('context.store', { text: 'another' }),
      other.request('context.query', { query: 'known' }),
    ])
      await expect(call).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const health = (await (await fetch(`http://127.0.0.1:${again.httpPort}/health?fresh=1`)).json()) as Health;
    expect(health.components['vector_database']).toMatchObject({
      status: 'unhealthy',
      reason: 'cannot answer: the database is damaged',
    });
    expect(health.components['jobs']).toMatchObject({
      status: 'degraded',
      reason: expect.stringContaining('whole_check') as string,
    });
    await other.close();
    await again.stop();
    expect(clock.pendingTimers).toBe(0);

    await expect(started(folder, clock)).rejects.toThrow(/was found to be damaged/);
  });
});

interface Health {
  readonly components: Readonly<Record<string, object>>;
}

async function started(folder: string, clock: FakeClock): Promise<RunningServer> {
  const settings = toSettings({
    server: { port: 0, http_port: 0 },
    vector_db: { data_dir: folder, check_schedule: '*/20 * * * * *' },
  });
  const key = {
    id: ADMIN.keyId,
    secret: ADMIN.secret.toString(),
    scopes: ['read', 'write', 'admin'],
    namespaces: ['*'],
  } as const;
  const server = await startServer({ settings, keys: [key] }, { clock });
  onTestFinished(() => server.stop());
  return server;
}

function connected(server: RunningServer, clock: FakeClock): Promise<WireClient> {
  return WireClient.over(connectSocket({ port: server.port, host: '127.0.0.1' }), ADMIN, () => clock.nowMs());
}

async function ready(server: RunningServer): Promise<{ ready?: boolean; reason?: string }> {
  return (await (await fetch(`http://127.0.0.1:${server.httpPort}/health/ready`)).json()) as { reason?: string };
}
