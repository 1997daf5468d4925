import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { runCommand } from './support/command-line.ts';
import { World, type ServerProcess } from './support/processes.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.now() - 100 * DAY_MS;

const world = new World();
let server: ServerProcess;
let client: Client;
let folder: string;
let home: string;

beforeAll(async () => {
  folder = world.folder();
  home = world.folder();
  server = await world.serve(home);
  client = await server.connect();
});

afterAll(async () => {
  await client.close();
  await world.cleanUp();
});

/** Lived in Berlin, and moved to Porto ten days after the start, which was told twenty days after it. */
async function moved(namespace: string): Promise<{ berlin: string; porto: string }> {
  const { id: berlin } = await client.store({ namespace, text: 'Mara lives in Berlin', created_at: START_MS });
  const { id: porto } = await client.store({
    namespace,
    text: 'Mara lives in Porto now',
    valid_from: START_MS + 10 * DAY_MS,
    supersedes: [berlin.toUpperCase()],
  });
  return { berlin, porto };
}

const UNKNOWN = '00000000-0000-7000-8000-00000000ffff';
const QUESTION = { query: 'Where does Mara live?', relevance_threshold: 0 };

describe('memory that changes its mind', () => {
  it('answers with what holds, with what held, and with both', async () => {
    const namespace = 'moved';
    const { berlin, porto } = await moved(namespace);
    const idsOf = async (moment: object): Promise<string[]> => {
      const { contexts } = await client.query({ namespace, ...QUESTION, ...moment });
      const listed: string[] = [];
      for await (const { id } of client.list({ namespace, ...moment })) listed.push(id);
      const ids = contexts.map(({ id }) => id).sort();
      expect(listed.sort()).toEqual(ids);
      return ids;
    };
    expect(await idsOf({})).toEqual([porto]);
    expect(await idsOf({ as_of: START_MS + 10 * DAY_MS - 1 })).toEqual([berlin]);
    expect(await idsOf({ as_of: START_MS + 10 * DAY_MS })).toEqual([porto]);
    expect(await idsOf({ include_past: true })).toEqual([berlin, porto].sort());
    expect(await idsOf({ as_of: START_MS - 1 })).toEqual([]);
    const { contexts } = await client.query({ namespace, ...QUESTION, include_past: true });
    expect(contexts.find(({ id }) => id === berlin)).toMatchObject({
      valid_from: START_MS,
      valid_until: START_MS + 10 * DAY_MS,
      superseded_by: porto,
      version: 1,
    });
    const { context } = await client.get({ namespace, id: porto });
    expect(context).toMatchObject({ supersedes: [berlin], valid_from: START_MS + 10 * DAY_MS });
    expect(context.valid_until).toBeUndefined();
  });

  it('tells what is left out by time, and only where it is asked to explain', async () => {
    const namespace = 'explained';
    const { berlin, porto } = await moved(namespace);
    const { receipts = [] } = await client.query({ namespace, ...QUESTION, explain: true });
    expect(receipts.map(({ id, outcome }) => [id, outcome]).sort()).toEqual(
      [
        [porto, 'included'],
        [berlin, 'past'],
      ].sort(),
    );
    const both = await client.query({ namespace, ...QUESTION, explain: true, include_past: true });
    expect(both.receipts?.map(({ outcome }) => outcome)).toEqual(['included', 'included']);
  });

  it('knows what was known when', async () => {
    const namespace = 'known';
    const { id: old } = await client.store({ namespace, text: 'the gate opens at nine' });
    const { recorded_at: firstAt } = (await client.get({ namespace, id: old })).context;
    let between = firstAt;
    while (between === firstAt) ({ server_time: between } = await client.ping());
    const { id: young } = await client.store({
      namespace,
      text: 'the gate opens at ten',
      valid_from: firstAt,
      supersedes: [old],
    });
    const known = { as_of: Date.now() + DAY_MS, known_at: between - 1 };
    const { contexts } = await client.query({ namespace, query: 'gate', ...known });
    expect(contexts.map(({ id, valid_until: until }) => [id, until])).toEqual([[old, undefined]]);
    const now = await client.query({ namespace, query: 'gate' });
    expect(now.contexts.map(({ id }) => id)).toEqual([young]);
  });

  it('takes a supersession back with its context, and is told by an update when it holds', async () => {
    const namespace = 'back';
    const { berlin, porto } = await moved(namespace);
    const { context } = await client.update({ namespace, id: porto, valid_from: START_MS + 20 * DAY_MS });
    expect(context).toMatchObject({ valid_from: START_MS + 20 * DAY_MS, version: 2 });
    expect((await client.get({ namespace, id: berlin })).context.valid_until).toBe(START_MS + 20 * DAY_MS);
    await client.delete({ namespace, id: porto });
    const after = (await client.get({ namespace, id: berlin })).context;
    expect([after.valid_until, after.superseded_by]).toEqual([undefined, undefined]);
    const closed = await client.update({ namespace, id: berlin, valid_until: START_MS + DAY_MS });
    expect(closed.context.valid_until).toBe(START_MS + DAY_MS);
    expect((await client.query({ namespace, ...QUESTION })).contexts).toEqual([]);
  });

  it('refuses what cannot be', async () => {
    const namespace = 'refused';
    const { id } = await client.store({ namespace, text: 'there' });
    const nobody = '00000000-0000-7000-8000-000000000000';
    const text = 'never stored';
    await expect(client.store({ namespace, text, supersedes: [id, nobody] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    for (const wrong of [
      { supersedes: [] },
      { id: nobody, supersedes: [nobody] },
      { valid_from: 10, valid_until: 10 },
      { supersedes: Array.from({ length: 65 }, () => id) },
    ])
      await expect(client.store({ namespace, text, ...wrong })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(client.update({ namespace, id, valid_from: 10, valid_until: 9 })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
    const { results } = await client.storeBatch({
      namespace,
      contexts: [
        { text: 'first', id: nobody },
        { text: 'second', supersedes: [nobody] },
        { text, supersedes: [UNKNOWN] },
      ],
    });
    expect(results).toMatchObject([{ created: true }, { created: true }, { error: { code: 'NOT_FOUND' } }]);
    const { contexts } = await client.query({ namespace, query: text, relevance_threshold: 0 });
    expect(contexts.map((one) => one.text).sort()).toEqual(['second', 'there']);
  });

  it('is told once what a context supersedes: the same again is a success, more is refused', async () => {
    const namespace = 'again';
    const [{ id: one }, { id: two }] = [
      await client.store({ namespace, text: 'the shop opens at eight' }),
      await client.store({ namespace, text: 'the shop closes at six' }),
    ];
    const id = UNKNOWN;
    const text = 'the shop opens at nine';
    await client.store({ namespace, id, text, supersedes: [one] });
    for (const same of [{}, { supersedes: [one] }])
      expect(await client.store({ namespace, id, text, ...same })).toMatchObject({ created: false });
    await expect(client.store({ namespace, id, text, supersedes: [one, two] })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    const { results } = await client.storeBatch({ namespace, contexts: [{ id, text, supersedes: [two] }] });
    expect(results).toMatchObject([{ error: { code: 'CONFLICT' } }]);
    const { context } = await client.get({ namespace, id: two });
    expect(context.superseded_by).toBeUndefined();
  });

  it('takes what is past already: it holds at no moment, unless it is said since when', async () => {
    const namespace = 'past-already';
    const { id } = await client.store({ namespace, text: 'the bridge is closed', valid_until: START_MS });
    const idsAt = async (moment: object): Promise<string[]> => {
      const { contexts } = await client.query({ namespace, query: 'bridge', ...moment });
      return contexts.map((one) => one.id);
    };
    expect(await idsAt({})).toEqual([]);
    expect(await idsAt({ as_of: START_MS - 1 })).toEqual([]);
    expect(await idsAt({ include_past: true })).toEqual([id]);
    await client.update({ namespace, id, valid_from: START_MS - DAY_MS });
    expect(await idsAt({ as_of: START_MS - 1 })).toEqual([id]);
  });

  it('survives a kill, and goes with an export and an import', async () => {
    const namespace = 'carried';
    const { berlin, porto } = await moved(namespace);
    await client.update({ namespace, id: berlin, valid_until: START_MS + 50 * DAY_MS });
    const { id: gone } = await client.store({ namespace, text: 'gone again' });
    const { id: late } = await client.store({ namespace, text: 'stands for what is gone', supersedes: [gone] });
    await client.delete({ namespace, id: gone });
    server.kill('SIGKILL');
    await server.ended;
    await client.close({ timeoutMs: 0 });
    server = await world.serve(home);
    client = await server.connect();
    expect((await client.query({ namespace, ...QUESTION })).contexts.map(({ id }) => id)).toContain(porto);
    const file = join(folder, 'carried.jsonl');
    expect(await runCommand(server, folder, ['export', '--namespace', namespace, file])).toMatchObject({ code: 0 });
    const lines = (await readFile(file, 'utf8')).replaceAll(`"${namespace}"`, '"imported"');
    await writeFile(file, lines);
    for (let run = 0; run < 2; run++)
      expect(await runCommand(server, folder, ['import', file])).toMatchObject({ code: 0, stderr: '' });
    const { context } = await client.get({ namespace: 'imported', id: berlin });
    expect(context).toMatchObject({
      superseded_by: porto,
      valid_until: START_MS + 10 * DAY_MS,
      stated_until: START_MS + 50 * DAY_MS,
    });
    await client.delete({ namespace: 'imported', id: porto });
    const after = (await client.get({ namespace: 'imported', id: berlin })).context;
    expect(after.valid_until).toBe(START_MS + 50 * DAY_MS);
    expect((await client.get({ namespace: 'imported', id: late })).context.supersedes).toBeUndefined();
  });

  it('is spoken to from the command line', async () => {
    const run = async (...args: string[]): Promise<string> => {
      const outcome = await runCommand(server, folder, [...args, '--namespace', 'cli']);
      expect(outcome.code, outcome.stderr).toBe(0);
      return outcome.stdout;
    };
    const old = JSON.parse(await run('store', 'the office is in Rome', '--valid-from', '2020-01-01', '--json')) as {
      id: string;
    };
    await run('store', 'the office is in Oslo', '--valid-from', '2021-01-01', '--supersedes', old.id);
    expect(await run('query', 'office')).not.toContain('Rome');
    expect(await run('query', 'office', '--as-of', '2020-06-01')).toContain('Rome');
    expect(await run('list')).not.toContain('Rome');
    expect(await run('list', '--include-past')).toContain('Rome');
    expect(await run('get', old.id)).toMatch(/holds\s+from 2020-01-01.* until 2021-01-01/);
    await run('update', old.id, '--valid-until', '2020-03-01');
    expect(await run('list', '--as-of', '2020-06-01')).not.toContain('Rome');
  });
});

describe('a question', () => {
  it('is told to be answerable or not', async () => {
    const namespace = 'answerable';
    for (const text of ['the invoice for the roof was paid in May', 'the cat sleeps on the sofa', 'tea is at five'])
      await client.store({ namespace, text });
    const ask = async (query: string) => (await client.query({ namespace, query })).metadata.answerable;
    expect(await ask('Was the invoice for the roof paid?')).toMatchObject({ verdict: 'yes', coverage: 1 });
    expect(await ask('Which submarine sank near Norway?')).toMatchObject({ verdict: 'no' });
    expect((await client.query({ namespace: 'nobody', query: 'roof' })).metadata.answerable.verdict).toBe('no');
  });

  it('is not told to be about nothing that is stored where what would answer did not fit', async () => {
    const namespace = 'cut';
    const long = `The invoice for the roof was paid in May. ${'It rained all day long. '.repeat(40)}`;
    await client.store({ namespace, text: long });
    const ask = async (query: string) => {
      const { contexts, metadata } = await client.query({ namespace, query, max_tokens: 50 });
      return { count: contexts.length, ...metadata.answerable };
    };
    expect(await ask('Was the invoice for the roof paid?')).toMatchObject({ count: 0, verdict: 'weak', coverage: 0 });
    expect((await ask('Was the invoice for the roof paid?')).reason).toContain('did not fit');
    await client.store({ namespace, text: 'the roof was new in May' });
    expect(await ask('Was the invoice for the roof paid?')).toMatchObject({ count: 1, verdict: 'weak' });
    expect(await ask('Which submarine sank near Norway?')).toMatchObject({ verdict: 'no' });
  });

  it('may weigh by itself', async () => {
    const namespace = 'weights';
    await client.store({ namespace, text: 'roof roof roof, all about the roof', created_at: START_MS });
    await client.store({ namespace, text: 'the roof and much else that was said about other things' });
    const first = async (weights: object): Promise<string | undefined> =>
      (await client.query({ namespace, query: 'roof', weights })).contexts[0]?.text;
    expect(await first({ similarity: 1 })).toContain('all about');
    expect(await first({ recency: 1 })).toContain('much else');
    await expect(first({ similarity: 0, level: 0 })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(first({ similarity: 1.5 })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });
});
