import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client, Context, StoreRequest } from '../../clients/typescript/src/index.ts';
import type { JsonObject } from '../../src/base/context.ts';
import { runCommand, type CommandOutcome } from './support/command-line.ts';
import { World, type ServerProcess } from './support/processes.ts';

const world = new World();
let folder: string;
let server: ServerProcess;
let client: Client;

beforeAll(async () => {
  folder = world.folder();
  server = await world.serve(folder);
  client = await server.connect({ sender: 'tester' });
});
afterAll(async () => {
  await client.close();
  await world.cleanUp();
});

function cli(...args: string[]): Promise<CommandOutcome> {
  return runCommand(server, folder, args);
}

function importText(text: string | Uint8Array, ...args: string[]): Promise<CommandOutcome> {
  return runCommand(server, folder, ['import', '-', ...args], { input: text });
}

async function listOf(namespace: string): Promise<Context[]> {
  const contexts: Context[] = [];
  for await (const context of client.list({ namespace, agent_id: '*', limit: 1000 })) contexts.push(context);
  return contexts;
}

/** What an import can give back: all but versions, counts, and the times of updates. */
function essence({ id, agent_id, session_id, level, text, metadata, tags, created_at }: Context): object {
  return { id, agent_id, session_id, level, text, metadata, tags, created_at };
}

/** Exports a namespace, imports it into another, and expects there the same list and the same export. */
async function expectRoundTrip(from: string, to: string): Promise<void> {
  const file = join(folder, `${from}.jsonl`);
  expect(await cli('export', '--namespace', from, file)).toMatchObject({ code: 0, stderr: '' });
  const before = await listOf(from);
  const imported = await cli('import', '--namespace', to, '--json', file);
  expect(imported).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(imported.stdout)).toEqual({ stored: before.length, already_there: 0, failed: 0 });
  const after = await listOf(to);
  expect(after.map(essence)).toEqual(before.map(essence));
  const again = await cli('export', '--namespace', to);
  expect(again.stdout.replaceAll(`"namespace":"${to}"`, `"namespace":"${from}"`)).toBe(readFileSync(file, 'utf8'));
}

function nested(depth: number): JsonObject {
  return depth === 1 ? {} : { in: nested(depth - 1) };
}

async function storeAll(namespace: string, contexts: readonly StoreRequest[]): Promise<void> {
  for (const context of contexts) await client.store({ ...context, namespace });
}

describe('what was stored can be imported again', () => {
  it('with thousands of numbers in the metadata of each', async () => {
    const numbers = Array.from({ length: 3000 }, (_, place) => place);
    await storeAll(
      'numbers',
      Array.from({ length: 100 }, (_, place) => ({ text: `t${place}`, level: 'long_term', metadata: { numbers } })),
    );
    await expectRoundTrip('numbers', 'numbers-2');
  });

  it('with metadata nested as deep as may be', async () => {
    const depths = [1, 27, 28, 29, 30];
    await storeAll(
      'deep',
      depths.map((depth) => ({ text: `depth ${depth}`, level: 'long_term', metadata: nested(depth) })),
    );
    await expectRoundTrip('deep', 'deep-2');
  });

  it('in its order, also where many were created in the same moment, in every level', async () => {
    const levels = ['long_term', 'immediate', 'short_term', 'long_term'] as const;
    await storeAll(
      'ties',
      Array.from({ length: 40 }, (_, place) => ({
        text: `t${place}`,
        level: levels[place % levels.length],
        created_at: 1_000 + (place % 3),
      })),
    );
    await expectRoundTrip('ties', 'ties-2');
  });

  it('in its order where more were created in the same moment than fit into a batch', async () => {
    for (let start = 0; start < 450; start += 150) {
      const contexts = Array.from({ length: 150 }, (_, place) => ({
        text: `t${start + place}`,
        level: 'long_term' as const,
        created_at: 5,
      }));
      await client.storeBatch({ contexts, namespace: 'moment' });
    }
    await expectRoundTrip('moment', 'moment-2');
  });

  it('whatever it is, within the limits of the wire', async () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
    const key = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(
        'constructor',
        'prototype',
        'toString',
        'toJSON',
        'length',
        'then',
        '0',
        '10',
        '9',
        ' ',
        '"',
        '\\',
      ),
    );
    const leaf = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.constantFrom(
        null,
        true,
        false,
        2 ** 53,
        2 ** 63,
        -(2 ** 63),
        1e21,
        1e300,
        5e-324,
        '\ufeffmark',
        '\u2028',
        '\0',
      ),
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 6, depthSize: 'small' },
        leaf,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4 }),
      ),
    }));
    const context = fc.record(
      {
        text: fc.oneof(
          fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }),
          fc.constantFrom('\ufeffmarked at the start', '{"text":"a"}', 'a\r\n\u2028\u0085b', '\0', '😀'.repeat(50)),
        ),
        level: fc.constantFrom('immediate' as const, 'short_term' as const, 'long_term' as const),
        id: fc.uuid(),
        agent_id: name.filter((text) => text !== '*'),
        session_id: name,
        metadata: fc.dictionary(key, value, { maxKeys: 5 }),
        tags: fc.array(name, { maxLength: 5 }),
        created_at: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 253_402_300_799_999 })),
      },
      { requiredKeys: ['text'] },
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(context, { maxLength: 40 }), async (contexts) => {
        run += 1;
        let refused = 0;
        for (const one of contexts) {
          // What the server refuses, as blank texts, was not stored.
          await client
            .store({ ...(one as StoreRequest), namespace: `any-${run}` })
            .catch((error: { code?: string }) => {
              if (error.code !== 'BAD_REQUEST' && error.code !== 'CONFLICT') throw error;
              refused += 1;
            });
        }
        expect(refused).toBeLessThanOrEqual(contexts.length / 2 + 2);
        await expectRoundTrip(`any-${run}`, `any-${run}-2`);
      }),
      { seed: 9, numRuns: 8, endOnFailure: true },
    );
  });

  it('at the limits of sizes', async () => {
    const text = '😀'.repeat(262_144);
    const metadata = { a: 'ü'.repeat(31_000), b: Array.from({ length: 200 }, () => -0.5) };
    const tags = Array.from({ length: 64 }, (_, place) => `${place}`.padEnd(128, '日'));
    await storeAll(
      'large',
      Array.from({ length: 5 }, (_, place) => ({
        text: `${place}${text.slice(2)}`,
        level: 'long_term',
        metadata,
        tags,
      })),
    );
    await expectRoundTrip('large', 'large-2');
  });
});

describe('a bad line', () => {
  it.each([
    ['with __proto__', '{"text":"x","metadata":{"__proto__":1}}', '__proto__'],
    ['with an endless number', '{"text":"x","metadata":{"a":1e999}}', 'too large'],
    ['with half a surrogate pair', '{"text":"\\ud800"}', 'half of a surrogate pair'],
    ['too deep', `{"text":"x","metadata":${'{"a":'.repeat(31)}1${'}'.repeat(31)}}`, 'nested more than 31'],
    ['with a key that stands twice', '{"text":"x","text":"y"}', 'stands twice'],
    ['with too much metadata', `{"text":"x","metadata":{"a":"${'y'.repeat(70_000)}"}}`, '65536'],
    ['with too long a text', `{"text":"${'y'.repeat(262_145)}"}`, 'text'],
    ['of a time before all', '{"text":"x","created_at":-1}', 'created_at'],
    ['of a day that is none', '{"text":"x","created_at":"2023-02-30"}', 'created_at'],
    ['with an end too far away', '{"text":"x","expires_at":"9999-01-01"}', 'ttl_ms'],
    ['of every agent', '{"text":"x","agent_id":"*"}', 'agent_id'],
    ['with a level that is none', '{"text":"x","level":"L4"}', 'level'],
    ['without text', '{"text":""}', 'text'],
    ['without turns', '{"turns":[]}', 'no turns'],
  ])('%s takes no other with it', async (name, bad, message) => {
    const namespace = name.replaceAll(' ', '-');
    const file = join(folder, `${namespace}.jsonl`);
    writeFileSync(file, ['{"text":"one"}', bad, '{"text":"two"}'].join('\n'));
    const skipped = await cli('import', '--skip-bad', '--namespace', namespace, file);
    expect(skipped.stdout).toBe('2 stored, 0 already there, 1 failed\n');
    expect(skipped.stderr).toMatch(new RegExp(`^${file}:2: .*${message}.*\nerror: 1 could not be stored\n {2}Correct`));
    expect(skipped.code).toBe(1);
    expect((await listOf(namespace)).map(({ text }) => text)).toEqual(['two', 'one']);
  });

  it('is told to programs in one JSON object', async () => {
    const { code, stdout, stderr } = await importText(
      '{"text":"one"}\n{"txt":"two"}\n',
      '--namespace',
      'json',
      '--json',
    );
    expect({ code, counts: JSON.parse(stdout) as unknown }).toEqual({
      code: 1,
      counts: { stored: 1, already_there: 0, failed: 1 },
    });
    expect(JSON.parse(stderr)).toEqual({
      error: {
        message: '1 could not be stored',
        remedy: 'Correct these lines, each in its place, and import the file again.',
        details: { problems: [expect.stringMatching(/^line 2: unknown field `txt`/)] },
      },
    });
  });

  it('corrected in its place is all that the next import stores', async () => {
    const damaged = '\n\n{"text":"a"\n{"text":"b"}\n\n{"text":"c"}\n';
    const first = await importText(damaged, '--skip-bad', '--namespace', 'corrected');
    expect(first).toMatchObject({ stdout: '2 stored, 0 already there, 1 failed\n' });
    expect(first.stderr).toMatch(/^line 3: is not valid JSON/);
    const second = await importText(damaged.replace('"a"', '"a"}'), '--namespace', 'corrected');
    expect(second).toMatchObject({ code: 0, stdout: '1 stored, 2 already there, 0 failed\n' });
  });

  it('in front of more than a document may have is one of many', async () => {
    const line = `{"text":"${'x'.repeat(100_000)}"}\n`;
    const { stdout, stderr } = await importText(`{"text":\n${line.repeat(700)}`, '--skip-bad', '--namespace', 'many');
    expect(stdout).toBe('700 stored, 0 already there, 1 failed\n');
    expect(stderr).toMatch(/^line 1: is not valid JSON/);
  });

  it('of more than 64 MiB is passed over', async () => {
    const long = Buffer.alloc(65 * 1024 * 1024, 'x');
    const input = Buffer.concat([Buffer.from('{"text":"one"}\n{"text":"'), long, Buffer.from('\n{"text":"two"}\n')]);
    const { stdout, stderr } = await importText(input, '--skip-bad', '--namespace', 'long');
    expect(stdout).toBe('2 stored, 0 already there, 1 failed\n');
    expect(stderr).toMatch(/^line 2: is longer than 64 MiB/);
  });

  it('is any whose bytes are no UTF-8', async () => {
    const input = Buffer.from('{"text":"one"}\n{"text":"gr\xfc\xdfe"}\n{"text":"two"}\n', 'latin1');
    const { stdout, stderr } = await importText(input, '--skip-bad', '--namespace', 'latin');
    expect(stdout).toBe('2 stored, 0 already there, 1 failed\n');
    expect(stderr).toMatch(/^line 2: is not UTF-8/);
  });
});

describe('a key with namespaces of its own', () => {
  const secret = 'a-secret-that-is-long-enough-to-be-one';
  let own: ServerProcess;
  let home: string;
  beforeAll(async () => {
    home = world.folder();
    const config = join(home, 'keys.toml');
    const key = (id: string, namespaces: string): string =>
      `[[keys]]\nid = "${id}"\nsecret = "${secret}"\nnamespaces = ${namespaces}\n`;
    writeFileSync(config, key('one', '["red"]') + key('two', '["red", "blue"]'), { mode: 0o600 });
    writeFileSync(join(home, 'secret'), secret);
    own = await world.serve(home, { CONFIG_PATH: config });
  });

  const as = (keyId: string, args: readonly string[], input = ''): Promise<CommandOutcome> =>
    runCommand(own, home, [...args, '--key-id', keyId, '--secret-file', join(home, 'secret')], { input });

  it('stores the lines that name one of them, and tells of the others', async () => {
    const lines = ['red', 'blue', 'green']
      .map((namespace) => JSON.stringify({ text: namespace, namespace }))
      .join('\n');
    const two = await as('two', ['import', '-', '--skip-bad'], lines);
    expect(two.stdout).toBe('2 stored, 0 already there, 1 failed\n');
    expect(two.stderr).toMatch(/^line 3: this key may not use the namespace `green`; it has red, blue/);
    const one = await as('one', ['import', '-', '--skip-bad'], lines);
    expect(one.stdout).toBe('0 stored, 1 already there, 2 failed\n');
  });

  it('must choose one where it has several and a line names none', async () => {
    const bare = '{"text":"bare"}';
    const open = await as('two', ['import', '-'], bare);
    expect(open.code).toBe(1);
    expect(open.stderr).toContain(
      'line 1: names no namespace, and this key has red, blue: choose one with --namespace',
    );
    expect(await as('two', ['import', '-', '--namespace', 'blue'], bare)).toMatchObject({ code: 0 });
    expect(await as('one', ['import', '-'], bare)).toMatchObject({ code: 0 });
    const wrong = await as('one', ['import', '-', '--namespace', 'blue'], bare);
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toMatch(/^error: this key may not use the namespace blue; it has red\n {2}Name one/);
  });

  it('exports the only one, all, or the one that it chooses', async () => {
    const named = async (keyId: string, ...args: string[]): Promise<string[]> => {
      const { code, stdout } = await as(keyId, ['export', ...args]);
      expect(code).toBe(0);
      return stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { namespace: string }).namespace);
    };
    expect(new Set(await named('one'))).toEqual(new Set(['red']));
    expect(new Set(await named('two', '--namespace', 'blue'))).toEqual(new Set(['blue']));
    expect([...new Set(await named('two', '--all'))]).toEqual(['blue', 'red']);
    const open = await as('two', ['export']);
    expect(open).toMatchObject({ code: 2, stdout: '' });
    expect(open.stderr).toContain(
      'this key has 2 namespaces (red, blue): choose one with --namespace, or take all with --all',
    );
    expect(await as('two', ['export', '--all', '--namespace', 'red'])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('all that a key sees', () => {
  it('comes back on another server, to the byte', async () => {
    const [from, to] = [await world.serve(world.folder()), await world.serve(world.folder())];
    const source = await from.connect({ sender: 'tester' });
    const names = ['default', 'team:a', '__proto__', 'z.9'];
    for (const [place, namespace] of names.entries()) {
      const contexts = Array.from(
        { length: 120 },
        (_, i): StoreRequest => ({
          text: `${namespace} ${i} grüße 日本 "\\ \u2028`,
          level: (['long_term', 'short_term', 'immediate', 'long_term', 'long_term'] as const)[i % 5],
          created_at: 1_700_000_000_000 + Math.floor(i / 7) + place,
          ...(i % 3 === 0 ? { session_id: `s${i % 2}` } : {}),
          ...(i % 4 === 0 ? { agent_id: `agent ${i % 8}` } : {}),
          ...(i % 6 === 0 ? { tags: ['a', '日本'], metadata: { '\n': i / 7, nested: nested(1 + (i % 27)) } } : {}),
        }),
      );
      await source.storeBatch({ contexts: contexts.map((context) => ({ ...context, namespace })) });
    }
    await source.close();
    const file = join(folder, 'all.jsonl');
    const exported = await runCommand(from, folder, ['export', '--all', '--json', file]);
    expect(exported).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(exported.stdout)).toEqual({
      exported: 480,
      namespaces: names.toSorted().map((namespace) => ({ namespace, contexts: 120 })),
    });
    const imported = await runCommand(to, folder, ['import', file]);
    expect(imported).toMatchObject({ code: 0, stdout: '480 stored, 0 already there, 0 failed\n', stderr: '' });
    const again = await runCommand(to, folder, ['export', '--all']);
    expect(again.stderr).toBe('exported 480 contexts of 4 namespaces\n');
    expect(again.stdout).toBe(readFileSync(file, 'utf8'));
    const twice = await runCommand(to, folder, ['import', file]);
    expect(twice).toMatchObject({ code: 0, stdout: '0 stored, 480 already there, 0 failed\n' });
  });

  it('is told where an export leaves it out', async () => {
    const other = await world.serve(world.folder());
    const file = join(folder, 'partial.jsonl');
    writeFileSync(file, 'earlier\n');
    await runCommand(other, folder, ['store', 'x', '--namespace', 'shop']);
    const missed = await runCommand(other, folder, ['export', file]);
    expect(missed).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'error: nothing was exported: the namespace `default` is empty, but there is shop (1 context)\n' +
        '  --all exports every namespace, --namespace one of them.\n',
    });
    expect(readFileSync(file, 'utf8')).toBe('earlier\n');
    await runCommand(other, folder, ['store', 'y']);
    expect(await runCommand(other, folder, ['export', file])).toEqual({
      code: 0,
      stdout: 'exported 1 context\n',
      stderr: 'not exported: shop (1 context); --all exports every namespace, --namespace another one\n',
    });
    const json = await runCommand(other, folder, ['export', '--json', file]);
    expect(json).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).toEqual({ exported: 1, left_out: [{ namespace: 'shop', contexts: 1 }] });
  });
});

describe('an export', () => {
  it('is of what a list with the same options shows', async () => {
    const day = (n: number): number => Date.UTC(2026, 0, n);
    await storeAll('narrow', [
      { text: 'first', created_at: day(1), tags: ['a', 'b'] },
      { text: 'second', created_at: day(2), tags: ['a'] },
      { text: 'third', created_at: day(3), tags: ['a', 'b'], level: 'long_term' },
      { text: 'fourth', created_at: day(4), metadata: { kind: 'x' } },
    ]);
    const texts = async (...options: string[]): Promise<string[]> => {
      const { code, stdout } = await cli('export', '--namespace', 'narrow', ...options);
      expect(code).toBe(0);
      const lines = stdout.split('\n').filter(Boolean);
      return lines.map((line) => (JSON.parse(line) as { text: string }).text).sort();
    };
    expect(await texts('--since', '2026-01-02', '--before', '2026-01-04')).toEqual(['second', 'third']);
    expect(await texts('--tag', 'a', '--tag', 'b')).toEqual(['first', 'third']);
    const filter = '{"must":[{"key":"tags","match":{"value":"b"}}]}';
    expect(await texts('--tag', 'a', '--filter', filter, '--since', '2026-01-02')).toEqual(['third']);
    expect(await texts('--since', '1h')).toEqual([]);
    expect(await cli('export', '--since', 'yesterday')).toMatchObject({ code: 2 });
  });

  it.runIf(existsSync('/dev/full'))('fails where its lines do not arrive', async () => {
    await storeAll('lost', [{ text: 'one' }]);
    expect(await cli('export', '--namespace', 'lost', '/dev/full')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no space left on device') as string,
    });
    expect(await cli('export', '--namespace', 'lost', 'no/such/folder.jsonl')).toMatchObject({ code: 1 });
  });
});

describe('a lifetime', () => {
  it('that a client gave comes back, whatever the level; that of a level starts anew', async () => {
    await storeAll('lifetimes', [
      { text: 'l1', level: 'immediate', ttl_ms: 3_600_000 },
      { text: 'l2', level: 'short_term', ttl_ms: 7_200_000 },
      { text: 'l3', level: 'long_term', ttl_ms: 86_400_000 },
      { text: 'l2 of the level', level: 'short_term' },
      { text: 'l3 for good', level: 'long_term' },
    ]);
    const file = join(folder, 'lifetimes.jsonl');
    expect(await cli('export', '--namespace', 'lifetimes', file)).toMatchObject({ code: 0 });
    const given = await cli('import', '--namespace', 'lifetimes-2', file);
    expect(given).toMatchObject({ code: 0, stdout: '5 stored, 0 already there, 0 failed\n' });
    const before = await listOf('lifetimes');
    const after = await listOf('lifetimes-2');
    for (const [place, { text, expires_at: expiresAt, expires_by: expiresBy }] of after.entries()) {
      const was = before[place]?.expires_at;
      if (was !== undefined) expect(Math.abs((expiresAt ?? 0) - was), text).toBeLessThan(60_000);
      else expect(expiresAt, text).toBeUndefined();
      expect(expiresBy, text).toBe(text === 'l2 of the level' ? 'level' : undefined);
    }
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect(lines.filter((line) => line.includes('"expires_at"'))).toHaveLength(3);
  });

  it('that is over is counted, and what it belongs to left out', async () => {
    const lines = [
      { text: 'over', expires_at: '2020-01-01T00:00:00Z' },
      { text: 'alive', expires_at: Date.now() + 3_600_000 },
    ];
    const { code, stdout } = await importText(
      lines.map((line) => JSON.stringify(line)).join('\n'),
      '--namespace',
      'over',
    );
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: '1 stored, 0 already there, 1 left out as their lifetime is over, 0 failed\n',
    });
    expect((await listOf('over')).map(({ text }) => text)).toEqual(['alive']);
  });
});
