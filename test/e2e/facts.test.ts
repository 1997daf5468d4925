import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContextManagerError, type Client, type Fact } from '../../clients/typescript/src/index.ts';
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
afterAll(() => world.cleanUp());

async function all(namespace: string, more: object = {}): Promise<Fact[]> {
  const facts: Fact[] = [];
  for await (const fact of client.facts.list({ namespace, agent_id: '*', ...more })) facts.push(fact);
  return facts;
}

function cli(...args: string[]): Promise<CommandOutcome> {
  return runCommand(server, folder, args);
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'no error',
    (error: unknown) => (error instanceof ContextManagerError ? error.code : error),
  );
}

describe('facts over the socket', () => {
  it('are put, superseded, listed as of any moment, and hold again', async () => {
    const namespace = 'cities';
    const live = (object: string, from: number) => {
      return { subject: 'Mara', predicate: 'lives in', object, single_valued: true, valid_from: from };
    };
    const { facts: first } = await client.facts.put(live('Berlin', -1_000), { namespace });
    const { facts: second } = await client.facts.put([live('Porto', 1_000), live('Rome', 2_000)], { namespace });
    expect(second.map(({ superseded }) => superseded)).toEqual([[first[0]!.id], [second[0]!.id]]);
    const objects = async (more: object): Promise<string[]> => (await all(namespace, more)).map(({ object }) => object);
    expect(await objects({})).toEqual(['Rome']);
    expect([await objects({ as_of: 999 }), await objects({ as_of: 1_000 })]).toEqual([['Berlin'], ['Porto']]);
    expect(await objects({ as_of: -1_001 })).toEqual([]);
    const past = await all(namespace, { include_past: true, subject: 'ＭＡＲＡ' });
    expect(past.map(({ valid_until: until, superseded_by: by }) => [until, by])).toEqual([
      [undefined, undefined],
      [2_000, second[1]!.id],
      [1_000, second[0]!.id],
    ]);
    expect(await client.facts.delete(second[1]!.id, { namespace })).toEqual({ deleted: 1 });
    expect(await client.facts.delete(second[1]!.id, { namespace })).toEqual({ deleted: 0 });
    expect(await objects({})).toEqual(['Porto']);
    expect(await objects({ known_at: 0 })).toEqual([]);
  });

  it('that say nothing, end before they begin or are too large are refused by their fields', async () => {
    const fact = { subject: 'a', predicate: 'b', object: 'c' };
    const wrong: [object, string][] = [
      [{ ...fact, subject: ' \u200b' }, '/facts/1/subject'],
      [{ ...fact, object: '' }, '/facts/1/object'],
      [{ ...fact, valid_from: 5, valid_until: 5 }, '/facts/1/valid_until'],
      [{ ...fact, confidence: 1.5 }, '/facts/1/confidence'],
      [{ ...fact, source_ids: ['x'] }, '/facts/1/source_ids/0'],
      [{ ...fact, valid_from: 0.5 }, '/facts/1/valid_from'],
      [{ ...fact, extra: 1 }, '/facts/1/extra'],
    ];
    for (const [input, field] of wrong) {
      const call = client.facts.put([fact, input as typeof fact], { namespace: 'wrong' });
      await expect(call).rejects.toMatchObject({ code: 'BAD_REQUEST', details: { fields: [{ field }] } });
    }
    const heavy = { ...fact, metadata: { text: 'x'.repeat(5_000) } };
    expect(await codeOf(client.facts.put(heavy, { namespace: 'wrong' }))).toBe('PAYLOAD_TOO_LARGE');
    expect(await codeOf(client.facts.put([], { namespace: 'wrong' }))).toBe('BAD_REQUEST');
    expect(await codeOf(client.facts.list({ namespace: 'wrong', cursor: 'abc' }).page())).toBe('BAD_REQUEST');
    expect(await all('wrong', { include_past: true })).toEqual([]);
  });

  it('come with the answer to a question that names them, inside its tokens, and leave room for contexts', async () => {
    const namespace = 'questions';
    await client.store({ text: 'Mara said that the flat in Porto has a view of the river', namespace });
    const facts = Array.from({ length: 60 }, (_, i) => {
      return { subject: 'Mara', predicate: 'has read', object: `the book with the number ${i}` };
    });
    await client.facts.put(facts, { namespace });
    for (const max_tokens of [20, 40, 100, 400, 4_000]) {
      const answer = await client.query({ query: "what of Mara's flat?", facts: true, max_tokens, namespace });
      const cost = answer.facts!.reduce((sum, { token_count: tokens }) => sum + tokens, 0);
      expect(cost).toBeLessThanOrEqual(max_tokens / 4);
      expect(answer.facts!.length).toBeLessThanOrEqual(20);
      expect(answer.total_tokens).toBe(
        cost + answer.contexts.reduce((sum, { token_count: tokens }) => sum + tokens, 0),
      );
      expect(answer.total_tokens).toBeLessThanOrEqual(max_tokens);
      if (max_tokens >= 40) expect(answer.contexts).toHaveLength(1);
      if (max_tokens >= 100) expect(answer.facts!.length).toBeGreaterThan(1);
    }
    const [since, moved] = [Date.UTC(2020, 0), Date.UTC(2024, 0)];
    const lives = { subject: 'Ines', predicate: 'lives in', single_valued: true };
    await client.facts.put(
      [
        { ...lives, object: 'Berlin', valid_from: since },
        { ...lives, object: 'Porto', valid_from: moved },
      ],
      { namespace },
    );
    const livesIn = async (asked: object): Promise<string[]> => {
      const answer = await client.query({ query: 'where does Ines live?', facts: true, namespace, ...asked });
      return answer.facts!.map(({ object }) => object).toSorted();
    };
    expect(await livesIn({})).toEqual(['Porto']);
    expect(await livesIn({ as_of: moved - 1 })).toEqual(['Berlin']);
    expect(await livesIn({ include_past: true })).toEqual(['Berlin', 'Porto']);
    const other = await client.query({ query: 'what of Anna?', facts: true, namespace });
    expect(other.facts).toEqual([]);
    expect((await client.query({ query: 'what of Mara?', namespace })).facts).toBeUndefined();
  });

  it('stay when a level is cleared, and are there after a kill', async () => {
    const home = world.folder();
    const own = await world.serve(home);
    const writer = await own.connect({ sender: 'tester' });
    const { facts } = await writer.facts.put({ subject: 'Mara', predicate: 'has', object: 'a dog' });
    await own.end('SIGKILL');
    const again = await world.serve(home);
    const reader = await again.connect({ sender: 'tester' });
    await reader.clearLevel({ level: 'immediate' });
    const page = await reader.facts.list().page();
    expect(page.facts.map(({ id }) => id)).toEqual([facts[0]!.id]);
    await reader.close();
    await writer.close({ timeoutMs: 0 });
  });
});

describe('facts on the command line', () => {
  it('are put, listed, walked and deleted', async () => {
    const scope = ['--namespace', 'shell'];
    const put = await cli('facts', 'put', 'Mara', 'lives in', 'Porto', '--single', '--from', '1979-03-01', ...scope);
    expect(put).toMatchObject({ code: 0, stderr: '' });
    const id = put.stdout.trim();
    const next = await cli('facts', 'put', 'mara', 'lives in', 'Rome', '--single', '--confidence', '0.5', ...scope);
    expect(next.stdout).toContain('supersedes 1 fact');
    expect((await cli('facts', 'list', ...scope)).stdout).toMatch(/^[0-9a-f-]{36} {2}.* mara \| lives in \| Rome\n$/);
    expect((await cli('facts', 'list', '--as-of', '1980-01-01', ...scope)).stdout).toContain('1979-03-01 00:00');
    const around = await cli('facts', 'around', 'ROME', '--depth', '2', '--include-past', '--json', ...scope);
    expect((JSON.parse(around.stdout) as { facts: Fact[] }).facts.map(({ object }) => object)).toEqual([
      'Rome',
      'Porto',
    ]);
    expect(await cli('facts', 'delete', id, ...scope)).toMatchObject({ code: 0, stdout: 'deleted 1 fact\n' });
    expect((await cli('facts', 'delete', id, ...scope)).code).toBe(1);
    expect((await cli('facts', 'list', '--as-of', 'never', ...scope)).code).toBe(2);
  });

  it('go out with an export and come back with an import, with what ends them', async () => {
    const namespace = 'from';
    await client.store({ text: 'a context beside them', namespace });
    const same = { valid_from: 5_000, predicate: 'is', subject: 'the light', single_valued: true };
    await client.facts.put([{ ...same, object: 'red' }], { namespace });
    await client.facts.put([{ ...same, object: 'green', valid_until: 9_000 }], { namespace, agent_id: 'another' });
    await client.facts.put([{ ...same, object: 'blue', metadata: { a: [1] }, confidence: 1 }], { namespace });
    await client.facts.put([{ ...same, object: 'white', valid_from: -7 }], { namespace, agent_id: 'another' });
    await client.facts.put([{ ...same, object: 'of tomorrow', valid_from: Date.UTC(9000, 0) }], { namespace });
    const file = join(folder, 'facts.jsonl');
    expect(await cli('export', '--namespace', namespace, file)).toMatchObject({ code: 0, stderr: '' });
    const imported = await cli('import', '--namespace', 'to', '--json', file);
    expect(JSON.parse(imported.stdout)).toEqual({ stored: 6, already_there: 0, failed: 0 });
    const essence = ({ namespace: _n, recorded_at: _r, ...fact }: Fact): object => fact;
    const everything = { include_past: true, as_of: Date.UTC(9999, 0) };
    const before = (await all(namespace, everything)).map(essence);
    expect(before).toHaveLength(5);
    expect(new Set((await all('to', everything)).map((fact) => JSON.stringify(essence(fact))))).toEqual(
      new Set(before.map((fact) => JSON.stringify(fact))),
    );
    const again = await cli('import', '--namespace', 'to', '--json', file);
    expect(JSON.parse(again.stdout)).toEqual({ stored: 0, already_there: 6, failed: 0 });
    const facts = await cli('facts', 'export', '--namespace', namespace, join(folder, 'only.jsonl'));
    expect(facts.stdout).toBe('exported 5 facts\n');
    expect((await cli('export', '--namespace', namespace, '--level', 'long_term')).stdout).not.toContain('"fact"');
  });

  it('that cannot be imported are told by their lines', async () => {
    const lines = [
      '{"kind":"fact","subject":"a","predicate":"is","object":"b","valid_from":"2024-02-30"}',
      '{"kind":"fact","subject":"a","predicate":"is"}',
      '{"kind":"fact","subject":"a","predicate":"is","object":"c","valid_form":3}',
      '{"kind":"fact","subject":"a","predicate":"is","object":"d","valid_from":9,"valid_until":"1969-12-31"}',
      '{"kind":"fact","subject":"a","predicate":"is","object":"e","valid_from":"1969-12-31"}',
    ];
    const file = join(folder, 'bad.jsonl');
    writeFileSync(file, lines.join('\n'));
    const outcome = await cli('import', '--namespace', 'bad', '--skip-bad', file);
    for (const place of ['bad.jsonl:1', 'bad.jsonl:2', 'bad.jsonl:3', 'bad.jsonl:4'])
      expect(outcome.stderr).toContain(place);
    expect(outcome.stdout).toContain('1 stored, 0 already there, 4 failed');
    expect((await all('bad')).map(({ object, valid_from: from }) => [object, from])).toEqual([['e', -86_400_000]]);
  });

  it('are written as Cypher that holds in one line whatever their names say', async () => {
    const namespace = 'graph';
    const names = [
      "O'Hara\\",
      "a\nb\r\t'}) DETACH DELETE n //",
      '`]->() \\u0027',
      '東京 \u2028',
      '\ud800'.toWellFormed(),
    ];
    for (const name of names)
      await client.facts.put({ subject: name, predicate: `${name} IS`, object: 'x`y', confidence: 1 }, { namespace });
    const file = join(folder, 'facts.cypher');
    expect((await cli('facts', 'export', '--cypher', '--namespace', namespace, file)).code).toBe(0);
    const [head, ...statements] = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(head).toMatch(/^CREATE CONSTRAINT .* IS UNIQUE;$/);
    expect(statements).toHaveLength(names.length);
    for (const statement of statements) {
      // Without its strings nothing is left of what clients said but the type, which has letters alone.
      const bare = statement.replaceAll(/'(?:[^'\\]|\\.)*'/g, '?');
      expect(bare).toMatch(
        /^MERGE \(s:Entity \{namespace: \?, key: \?\}\) ON CREATE SET s\.name = \? MERGE \(o:Entity \{namespace: \?, key: \?\}\) ON CREATE SET o\.name = \? MERGE \(s\)-\[f:`[\p{Lu}\p{Lo}\p{N}_]+` \{id: \?\}\]->\(o\) SET f = \{[^{}`]*(?:\{epochMillis: -?\d+\}[^{}`]*)*\};$/u,
      );
      expect(statement).toContain('confidence: 1.0');
    }
  });
});
