import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WholeContext } from '../../src/store/generic/walk-store.ts';
import type { StoredDocument } from '../../src/store/documents.ts';
import type { WriteOp } from '../../src/store/store.ts';
import { type QdrantDouble, startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';
import {
  contextOf,
  DIMENSION,
  fill,
  migrate,
  NOW_MS,
  type Outcome,
  vectorOf,
  type Where,
  settledCount,
  wholeOf,
  withStore,
} from './support/migration-world.ts';
import { World } from './support/processes.ts';

const COUNT = 800;
const world = new World();
let folder: string;
let qdrant: QdrantDouble;
let prefixes = 0;
/** A filled embedded store that no test changes, and all that it holds. */
let filled: Where & { readonly dataDir: string };
let contents: Record<string, WholeContext[]>;

beforeAll(async () => {
  folder = world.folder();
  qdrant = await startQdrantDouble();
  filled = embeddedIn('filled');
  await withStore(filled, (store) => fill(store, COUNT));
  contents = await wholeOf(filled);
});
afterAll(async () => {
  await world.cleanUp();
  await qdrant.close();
});

function embeddedIn(name: string): Where & { readonly dataDir: string } {
  return { driver: 'embedded', dataDir: join(folder, name) };
}

/** Collections that nobody else has. */
function fresh(): Where & { readonly url: string; readonly collectionPrefix: string } {
  return { driver: 'qdrant', url: qdrant.url, collectionPrefix: `p${++prefixes}` };
}

function sideOf(side: 'from' | 'to', where: Where): string[] {
  const { driver, dataDir, url, collectionPrefix } = where;
  if (driver === 'embedded') return [`--${side}`, 'embedded', `--${side}-data-dir`, String(dataDir)];
  return [`--${side}`, 'qdrant', `--${side}-url`, String(url), `--${side}-prefix`, String(collectionPrefix)];
}

/** Without questions at the end, which take long on the double, unless `args` have some. */
function move(from: Where, to: Where, args: readonly string[] = [], variables: object = {}): Promise<Outcome> {
  const sides = [...sideOf('from', from), ...sideOf('to', to)];
  return migrate(folder, [...sides, ...(args.includes('--sample') ? [] : ['--sample', '0']), ...args], variables);
}

function summaryOf({ stdout }: Outcome): Record<string, unknown> {
  return JSON.parse(stdout) as Record<string, unknown>;
}

const NOTHING = { created: 0, replaced: 0, same: 0, newer: 0, conflict: 0, expired: 0, refused: 0 };

function put(where: Where, ...contexts: ReturnType<typeof contextOf>[]): Promise<unknown> {
  return withStore(where, (store) => store.write(contexts.map((context): WriteOp => ({ op: 'put', context }))));
}

describe('migrate', () => {
  it('carries everything to Qdrant and back, to the bit', async () => {
    const [there, back] = [fresh(), embeddedIn('back')];
    const gone = await move(filled, there, ['--json', '--sample', '4']);
    expect(gone).toMatchObject({ code: 0, stderr: '' });
    const { contexts, namespaces, replay } = summaryOf(gone);
    expect(contexts).toEqual({ ...NOTHING, created: COUNT });
    expect(namespaces).toHaveLength(3);
    for (const { source, destination } of namespaces as { source: object; destination: object }[])
      expect(destination).toEqual(source);
    expect(replay).toMatchObject({ queries: 4, answers: 10, same_first: 4 });
    expect((replay as { mean_overlap: number }).mean_overlap).toBeGreaterThan(0.95);
    expect(await wholeOf(there)).toEqual(contents);

    expect(await move(there, back)).toMatchObject({ code: 0, stderr: '' });
    expect(await wholeOf(back)).toEqual(contents);
  });

  it('carries documents there and back, and brings up to date what is older', async () => {
    const [one, there, back] = [embeddedIn('documents'), fresh(), embeddedIn('documents-back')];
    const documentOf = (i: number, fields: Partial<StoredDocument> = {}): StoredDocument => {
      const body = { i, text: 'a\n"b" \u{1f600}' };
      return {
        namespace: `n${i % 2}`,
        kind: 'k',
        key: `key ${i}`,
        owner: 'o',
        order: i,
        version: 1 + i,
        body,
        ...fields,
      };
    };
    const write = (where: Where, documents: readonly StoredDocument[], ifVersion: number | null) =>
      withStore(where, (store) =>
        store.writeDocuments(documents.map((document) => ({ op: 'put', document, ifVersion }))),
      );
    const documentsOf = (where: Where) =>
      withStore(where, async (store) => {
        const { documents } = await store.driver.documents.walk({ limit: 1000 });
        return documents.toSorted((a, b) => a.order - b.order);
      });
    const documents = Array.from({ length: 120 }, (_, i) => documentOf(i));
    await write(one, documents, null);
    const moved = await move(one, there);
    expect(moved).toMatchObject({ code: 0, stderr: '' });
    expect(moved.stdout).toContain('\n120 documents of sessions copied\n');
    expect(await documentsOf(there)).toEqual(documents);

    const newer = documentOf(3, { version: 9, body: { newer: true } });
    await write(one, [newer], 4);
    await write(there, [documentOf(4, { version: 11, body: { there: true } })], 5);
    expect(summaryOf(await move(one, there, ['--json']))).toMatchObject({ documents: { copied: 1, kept: 119 } });
    const own = await move(there, back, ['--namespace', 'n1', '--json']);
    expect(summaryOf(own)).toMatchObject({ documents: { copied: 60, kept: 0 } });
    const wanted = documents.filter(({ namespace }) => namespace === 'n1');
    expect(await documentsOf(back)).toEqual(wanted.map((document) => (document.order === 3 ? newer : document)));
  });

  it('carries everything from one prefix to another, and says what it has done', async () => {
    const [one, other] = [fresh(), fresh()];
    await withStore(one, (store) => fill(store, 120));
    const moved = await move(one, other, ['--sample', '3']);
    expect(moved).toMatchObject({ code: 0, stderr: '' });
    expect(moved.stdout).toMatch(
      /^from Qdrant at \S+, collections p\d+_\*\nto {3}Qdrant at \S+, collections p\d+_\*\nnamespace +level +source +destination\n/,
    );
    expect(moved.stdout).toMatch(/\nZzz_9 +long_term +(\d+) +\1\n/);
    expect(moved.stdout).toMatch(
      /\n120 copied\n3 questions asked of both: of the first 10 answers 100\.0 % are the same \(at worst 100\.0 %\), the best one is the same in 3\n$/,
    );
    expect(await wholeOf(other)).toEqual(await wholeOf(one));
  });

  it('writes nothing to the source', async () => {
    const [one, other] = [fresh(), fresh()];
    await withStore(one, (store) => fill(store, 30));
    qdrant.requests.reset();
    expect(await move(one, other)).toMatchObject({ code: 0 });
    const there = qdrant.requests.labels.filter((label) => label.includes(`/${one.collectionPrefix}_`));
    expect(there.filter((label) => label.startsWith('PUT') || label.includes('/points/batch'))).toEqual([]);
  });

  it('reaches each side with the settings of a file of its own', async () => {
    const [one, other] = await Promise.all(['one', 'other'].map((apiKey) => startQdrantDouble({ apiKey })));
    const settings = (name: string, url: string): string => {
      const path = join(folder, `${name}.toml`);
      writeFileSync(path, `[vector_db]\nurl = "${url}"\napi_key = "${name}"\ncollection_prefix = "${name}"\n`);
      return path;
    };
    const [here, there] = [settings('one', one?.url ?? ''), settings('other', other?.url ?? '')];
    expect(
      await migrate(folder, [...sideOf('from', filled), '--to', 'qdrant', '--to-config', here, '--sample', '0']),
    ).toMatchObject({ code: 0, stderr: '' });
    const sides = ['--from', 'qdrant', '--from-config', here, '--to', 'qdrant', '--to-config', there];
    const moved = await migrate(folder, [...sides, '--sample', '0', '--json']);
    expect(moved).toMatchObject({ code: 0, stderr: '' });
    expect(summaryOf(moved)).toMatchObject({ contexts: { ...NOTHING, created: COUNT } });
    const refused = await migrate(folder, [
      '--from',
      'qdrant',
      '--from-config',
      here,
      '--from-url',
      other?.url ?? '',
      ...sides.slice(4),
    ]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('error: the source cannot be opened: ');
    await Promise.all([one?.close(), other?.close()]);
  });

  it('carries everything from one folder to another', async () => {
    const copy = embeddedIn('copy');
    expect(await move(filled, copy, ['--sample', '20'])).toMatchObject({ code: 0, stderr: '' });
    expect(await wholeOf(copy)).toEqual(contents);
  });

  it('writes nothing when it is repeated, and leaves access counts as they are', async () => {
    const there = fresh();
    await move(filled, there);
    qdrant.requests.reset();
    const again = await move(filled, there, ['--json', '--sample', '2']);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(summaryOf(again)).toMatchObject({ contexts: { ...NOTHING, same: COUNT } });
    expect(qdrant.requests.count('/points/batch')).toBe(0);
    expect(await wholeOf(there)).toEqual(contents);
    expect(await wholeOf(filled)).toEqual(contents);
  });

  it('moves the namespaces that are named, and no others', async () => {
    const there = fresh();
    expect(await move(filled, there, ['--namespace', 'home', '--namespace', 'home'])).toMatchObject({ code: 0 });
    expect(await wholeOf(there)).toEqual({ home: contents['home'] });
  });

  it('takes nothing out of levels that are fuller than the settings let them be', async () => {
    const [from, to] = [embeddedIn('full'), fresh()];
    await put(from, ...Array.from({ length: 40 }, (_, i) => contextOf(i, { agentId: 'a', sessionId: 's' })));
    await move(from, to, [], { HIRAG__L1_SIZE: '2', HIRAG__L2_SIZE: '2' });
    expect(await wholeOf(to)).toEqual(await wholeOf(from));
  });
});

describe('a migration that was killed', () => {
  it('goes on where it stopped, and doubles nothing', async () => {
    const there = fresh();
    const args = ['migrate', ...sideOf('from', filled), ...sideOf('to', there), '--sample', '0'];
    qdrant.requests.reset();
    const slow = qdrant.faults.add({ kind: 'delay', delayMs: 30, on: '/points/batch' });
    const underWay = async (): Promise<void> => {
      while (qdrant.requests.count('/points/batch') < 6) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const variables = { VECTOR_DB__VECTOR_SIZE: String(DIMENSION) };
    const killed = await world.runUntil(underWay, 'SIGKILL', args, folder, variables, '');
    slow();
    expect(killed).toMatchObject({ signal: 'SIGKILL' });
    const left = await settledCount(there);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(COUNT);
    const again = await move(filled, there, ['--json']);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(summaryOf(again)).toMatchObject({ contexts: { ...NOTHING, same: left, created: COUNT - left } });
    expect(await wholeOf(there)).toEqual(contents);
  });

  it('into an embedded store goes on, too, and a signal ends it in between', async () => {
    const [from, to] = [fresh(), embeddedIn('killed')];
    await move(filled, from);
    const args = ['migrate', ...sideOf('from', from), ...sideOf('to', to), '--sample', '0'];
    const variables = { VECTOR_DB__VECTOR_SIZE: String(DIMENSION) };
    const slow = qdrant.faults.add({ kind: 'delay', delayMs: 50, on: '/points/query/batch' });
    const afterReads = (count: number) => async (): Promise<void> => {
      qdrant.requests.reset();
      while (qdrant.requests.count('/points/query/batch') < count)
        await new Promise((resolve) => setTimeout(resolve, 5));
    };
    expect(await world.runUntil(afterReads(9), 'SIGKILL', args, folder, variables, '')).toMatchObject({
      signal: 'SIGKILL',
    });
    const ended = await world.runUntil(afterReads(6), 'SIGINT', args, folder, variables, '');
    slow();
    expect(ended).toMatchObject({ code: 130, stdout: '' });
    expect(ended.stderr).toContain('error: interrupted\n  Run the same command again to go on.\n');
    expect(await move(from, to)).toMatchObject({ code: 0, stderr: '' });
    expect(await wholeOf(to)).toEqual(contents);
  });
});

describe('a destination that fails', () => {
  it('for a while is tried again, and what a lost answer had written is not taken for a difference', async () => {
    const there = fresh();
    const failures = [
      { kind: 'drop', isApplied: true, on: '/points/batch', times: 2 },
      { kind: 'status', status: 503, on: '/points/batch', times: 1 },
    ] as const;
    const end = failures.map((fault) => qdrant.faults.add(fault));
    const moved = await move(filled, there);
    for (const one of end) one();
    expect(moved).toMatchObject({ code: 0, stderr: '' });
    expect(await wholeOf(there)).toEqual(contents);
  });

  it.each([
    ['refuses', { kind: 'status', status: 500 }, 'answered with status 500'],
    ['hangs', { kind: 'hang' }, 'did not answer in time'],
  ] as const)(
    'for long (it %s) ends the command with the reason, and the next one goes on',
    async (_, fault, reason) => {
      const there = fresh();
      const variables = { VECTOR_DB__TIMEOUT_SECS: '0.5', VECTOR_DB__CIRCUIT__FAILURE_THRESHOLD: '1000' };
      let writes = 0;
      const failing = { ...fault, on: { test: (label: string) => label.includes('/points/batch') && ++writes > 6 } };
      const end = qdrant.faults.add(failing as Parameters<typeof qdrant.faults.add>[0]);
      const failed = await move(filled, there, ['--patience', '1'], variables);
      end();
      expect(failed).toMatchObject({ code: 1, stdout: '' });
      expect(failed.stderr).toContain(`error: the destination failed: the vector database ${reason}`);
      expect(failed.stderr).toContain('run the same command again to go on');
      expect(await move(filled, there)).toMatchObject({ code: 0, stderr: '' });
      expect(await wholeOf(there)).toEqual(contents);
    },
  );

  it('that is gone ends the command before anything is read', async () => {
    const gone = await move(filled, { driver: 'qdrant', url: 'http://127.0.0.1:1', collectionPrefix: 'x' });
    expect(gone).toMatchObject({ code: 1, stdout: '' });
    expect(gone.stderr).toMatch(/^error: the destination cannot be opened: Qdrant at \S+ cannot be used/);
  });
});

describe('questions that cannot be asked', () => {
  it('are told after what was copied', async () => {
    const to = fresh();
    const level = `${to.collectionPrefix}_short_term`;
    let counts = 0;
    // Counted before and after the copy.
    const test = (label: string): boolean => {
      if (label.endsWith(`${level}/points/count`)) counts++;
      return counts >= 2 && label.endsWith(`${level}/points/query/batch`);
    };
    const end = qdrant.faults.add({ kind: 'status', status: 400, on: { test } as RegExp });
    const moved = await move(filled, to, ['--sample', '3', '--namespace', 'home']);
    end();
    expect(moved.code).toBe(1);
    expect(moved.stdout).toMatch(/\n\d+ copied\n$/);
    expect(moved.stderr).toContain('error: the destination failed: the vector database refused a request');
    expect(await wholeOf(to)).toEqual({ home: contents['home'] });
  });
});

describe('what is at the destination already', () => {
  it('is brought up to date where it is older, and stays where it is newer or another one', async () => {
    const [from, to] = [embeddedIn('changed'), fresh()];
    const ids = [0, 1, 2, 3];
    await put(from, ...ids.map((i) => contextOf(i, { version: 1 })));
    await move(from, to);
    const change = (where: Where, i: number): Promise<unknown> => {
      const { namespace, id } = contextOf(i).record;
      const text = { text: `changed in ${where.driver}`, tokenCount: 3, vector: vectorOf(100 + i) };
      const op: WriteOp = { op: 'update', namespace, id, patch: { text }, updatedAtMs: NOW_MS + 99 };
      return withStore(where, (store) => store.write([op]));
    };
    await change(from, 0);
    await change(to, 1);
    await change(from, 2);
    await change(to, 2);
    await put(to, contextOf(50));
    const before = (await wholeOf(to))['home'] ?? [];
    const again = await move(from, to, ['--json']);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('1 context could not be copied');
    expect(summaryOf(again)).toMatchObject({
      contexts: { ...NOTHING, replaced: 1, same: 1, newer: 1, conflict: 1 },
      namespaces: [{ namespace: 'home', others: 1 }],
      problems: [{ id: contextOf(2).record.id, reason: 'the destination has another context with this id' }],
    });
    const told = await move(from, to);
    expect(told.stdout).toContain('\nthe destination holds 1 context that the source does not have\n');
    expect(told.stderr).toContain(`home ${contextOf(2).record.id}: the destination has another context with this id\n`);
    const source = (await wholeOf(from))['home'] ?? [];
    const after = (await wholeOf(to))['home'] ?? [];
    expect(after).toEqual([source[0], ...before.slice(1)]);
  });

  it('follows contexts that have sunk to another level since', async () => {
    const [from, to] = [embeddedIn('sunk'), fresh()];
    await put(from, ...[0, 1, 2].map((i) => contextOf(i)));
    await move(from, to);
    const { namespace, id } = contextOf(1).record;
    const lifetime = { expiresAtMs: null, expiryAction: 'delete', expirySetBy: 'level' } as const;
    await withStore(from, (store) =>
      store.write([{ op: 'update', namespace, id, patch: { move: { to: 'long_term', lifetime } } }]),
    );
    const again = await move(from, to, ['--json']);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(summaryOf(again)).toMatchObject({ contexts: { ...NOTHING, replaced: 1, same: 2 } });
    expect(await wholeOf(to)).toEqual(await wholeOf(from));
  });
});

describe('a change of the destination whose answer is lost', () => {
  it.each([
    [0, 'when the context is in both levels'],
    [1, 'when it has left its level'],
  ])('on the way to another level, after %i more answers, is not taken for a difference', async (answers) => {
    const [from, to] = [embeddedIn(`lost-${answers}`), fresh()];
    await put(from, ...[0, 1, 2].map((i) => contextOf(i)));
    await move(from, to);
    const lifetime = { expiresAtMs: null, expiryAction: 'delete', expirySetBy: 'level' } as const;
    const sink = (i: number): WriteOp => {
      const { namespace, id } = contextOf(i).record;
      return { op: 'update', namespace, id, patch: { move: { to: 'long_term', lifetime } } };
    };
    await withStore(from, (store) => store.write([sink(1), sink(2)]));
    let writes = 0;
    const on = { test: (label: string) => label.includes('/points/batch') && ++writes === answers + 1 } as RegExp;
    const end = qdrant.faults.add({ kind: 'drop', isApplied: true, on });
    const again = await move(from, to, ['--json']);
    end();
    expect(writes).toBeGreaterThan(answers);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(summaryOf(again)).toMatchObject({ namespaces: [{ source: { immediate: 1, long_term: 2 }, others: 0 }] });
    expect(await wholeOf(to)).toEqual(await wholeOf(from));
  });
});

describe('a source that a killed server has left', () => {
  it('with a context in two levels has it once, and so has the destination', async () => {
    const [from, to] = [fresh(), fresh()];
    await put(from, ...[0, 1, 2].map((i) => contextOf(i)));
    // Long ago, as those are that the sweep looks after.
    const moved = { ...contextOf(1, { level: 'long_term', version: 9 }), entered: 1 };
    const end = qdrant.faults.add({
      kind: 'status',
      status: 500,
      on: `${from.collectionPrefix}_immediate/points/batch`,
    });
    const { entered, ...context } = moved;
    const half = withStore(from, (store) => store.write([{ op: 'transfer', context, entered }]));
    await expect(half).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    end();
    expect(await move(from, to, ['--json'])).toMatchObject({ code: 0, stderr: '' });
    expect((await wholeOf(to))['home']).toHaveLength(3);
    expect((await wholeOf(to))['home']?.[1]).toEqual(moved);
  });
});

describe('what cannot be copied', () => {
  it('is named, and the rest is copied', async () => {
    const [from, to] = [embeddedIn('long'), fresh()];
    const long = contextOf(7, { metadata: { text: '"'.repeat(1_100_000) } });
    await put(from, ...[0, 1, 2, 3].map((i) => contextOf(i)), long);
    const moved = await move(from, to);
    expect(moved.code).toBe(1);
    expect(moved.stdout).toContain('\n4 copied, 1 refused\n');
    expect(moved.stderr).toContain(`home ${long.record.id}: /metadata is longer than 2097152 bytes as JSON`);
    expect((await wholeOf(to))['home']).toEqual((await wholeOf(from))['home']?.slice(0, 4));
  });

  it('as Qdrant itself refuses it is named with what Qdrant says, and the rest is copied', async () => {
    const [from, to] = [embeddedIn('refused'), fresh()];
    const deep = contextOf(7, { level: 'long_term' });
    await put(from, ...[0, 1, 2, 3].map((i) => contextOf(i)), deep);
    const on = `${to.collectionPrefix}_long_term/points/batch`;
    const end = qdrant.faults.add({ kind: 'status', status: 400, on });
    const moved = await move(from, to);
    const told = await move(from, to, ['--json']);
    end();
    const reason = 'the vector database refused a request with status 400: Service internal error: injected 400';
    expect(moved.code).toBe(1);
    expect(moved.stdout).toContain('\n4 copied, 1 refused\n');
    expect(moved.stderr).toContain(`home ${deep.record.id}: ${reason}\n`);
    expect(moved.stderr).toContain('error: 1 context could not be copied\n');
    expect(told.code).toBe(1);
    expect(summaryOf(told)).toMatchObject({
      contexts: { ...NOTHING, same: 4, refused: 1 },
      namespaces: [{ destination: { immediate: 4, long_term: 0 } }],
      problems: [{ namespace: 'home', id: deep.record.id, reason }],
    });
    expect(await move(from, to)).toMatchObject({ code: 0, stderr: '' });
    expect(await wholeOf(to)).toEqual(await wholeOf(from));
  });

  it('as Qdrant refuses nearly everything ends the command, which names some', async () => {
    const to = fresh();
    const end = qdrant.faults.add({ kind: 'status', status: 400, on: '/points/batch' });
    const moved = await move(filled, to);
    const told = await move(filled, to, ['--json']);
    end();
    for (const { code, stdout } of [moved, told]) expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(moved.stderr).toContain('error: the destination refused 250 of 250 contexts\n');
    expect(moved.stderr.match(/^\S+ \S+: the vector database refused .*injected 400$/gm)).toHaveLength(20);
    expect(JSON.parse(told.stderr)).toMatchObject({
      error: { details: { problems: expect.objectContaining({ length: 20 }) as object } },
    });
  });

  it('as Qdrant does not know the quantization of the configuration is refused with the option for another', async () => {
    const variables = { VECTOR_DB__QUANTIZATION: 'bf16' };
    const there = await move(filled, fresh(), [], variables);
    expect(there).toMatchObject({ code: 1, stdout: '' });
    expect(there.stderr).toContain('Give --to-config: ');
    const back = await move(fresh(), embeddedIn('never-bf16'), [], variables);
    expect(back.stderr).toContain('Give --from-config: ');
    const path = join(folder, 'f32.toml');
    writeFileSync(path, `[vector_db]\nurl = "${qdrant.url}"\nquantization = "f32"\ncollection_prefix = "f32"\n`);
    const sides = [...sideOf('from', filled), '--to', 'qdrant', '--to-config', path, '--sample', '0'];
    writeFileSync(join(folder, 'bf16.toml'), '[vector_db]\nquantization = "bf16"\n');
    const own = await migrate(folder, sides, { CONFIG_PATH: join(folder, 'bf16.toml') });
    expect(own).toMatchObject({ code: 0, stderr: '' });
  });

  it('as its lifetime is over is left out', async () => {
    const [from, to] = [embeddedIn('over'), fresh()];
    const over = { expiresAtMs: Date.now() - 1, expiryAction: 'delete' } as const;
    await put(from, contextOf(0), contextOf(1, over), contextOf(2, { ...over, expiryAction: 'promote' }));
    const moved = await move(from, to, ['--json']);
    expect(moved).toMatchObject({ code: 0, stderr: '' });
    expect(summaryOf(moved)).toMatchObject({ contexts: { ...NOTHING, created: 2, expired: 1 } });
  });

  it('as the stores are one and the same is refused', async () => {
    for (const where of [filled, fresh()]) {
      const refused = await move(where, where);
      expect(refused).toMatchObject({ code: 2, stdout: '' });
      expect(refused.stderr).toMatch(/^error: source and destination are both /);
    }
  });

  it('as there is no source is refused, and nothing is made in its place', async () => {
    const [nothing, nowhere] = [fresh(), embeddedIn('nowhere')];
    mkdirSync(nowhere.dataDir);
    const to = embeddedIn('never');
    const inQdrant = await move(nothing, to);
    expect(inQdrant.stderr).toContain(
      `error: the source cannot be opened: there is no collection ${nothing.collectionPrefix}_`,
    );
    const inFolder = await move(nowhere, to);
    expect(inFolder.stderr).toContain(`error: the source cannot be opened: there is no database in ${nowhere.dataDir}`);
    expect([inQdrant.code, inFolder.code]).toEqual([1, 1]);
    qdrant.requests.reset();
    await move(nothing, to);
    expect(qdrant.requests.labels.filter((label) => label.startsWith('PUT'))).toEqual([]);
  });

  it('as a server works on the folder is refused with what to do', async () => {
    const used = await withStore(filled, () => move(filled, fresh()));
    expect(used).toMatchObject({ code: 1, stdout: '' });
    expect(used.stderr).toContain('error: the source cannot be opened: the data folder');
    expect(used.stderr).toContain('Stop the other server');
  });

  it('as the vectors of either side are of another model is refused', async () => {
    const other = fresh();
    await withStore({ ...other, vectorSize: 128 }, () => Promise.resolve());
    const refused = await move(filled, other);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('error: the destination cannot be opened: the stored contexts were embedded with');
    const otherWay = await move(filled, fresh(), [], { VECTOR_DB__VECTOR_SIZE: '128' });
    expect(otherWay.stderr).toContain('error: the source cannot be opened: the stored contexts were embedded with');
  });
});
