import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { Client, ErasureReceipt } from '../../clients/typescript/src/index.ts';
import { foundBytes } from '../support/found-bytes.ts';
import { runCommand } from './support/command-line.ts';
import { cliVariables, type ServerProcess, World } from './support/processes.ts';

const world = new World();
afterEach(() => world.cleanUp());

const SECRET = 'Quetzalcoatlus';
const OTHER = 'Archaeopteryx';

/** Contexts, a conversation with cards, facts and a question, all of which say the word. */
async function remember(client: Client, word: string, agent: string, namespace: string): Promise<string[]> {
  const whose = { namespace, agent_id: agent };
  const contexts = Array.from({ length: 60 }, (_, i) => ({
    ...whose,
    text: `${word} number ${i} ${`likes ${word} and tea. `.repeat(1 + (i % 7) * 30)}`,
    tags: [`tag-${word}`],
    metadata: { about: word },
  }));
  const { results } = await client.storeBatch({ contexts });
  await client.configureSession({ ...whose, session_id: 'talk', max_tokens: 300, header: `You know ${word}.` });
  for (let i = 0; i < 6; i++) {
    const content = `Turn ${i}: ${word} goes to Porto. ${'We talked of this and that. '.repeat(8)}`;
    await client.appendToSession({ ...whose, session_id: 'talk', messages: [{ role: 'user', content }] });
  }
  await client.putFacts({ ...whose, facts: [{ subject: word, predicate: 'lives in', object: 'Porto' }] });
  await client.query({ query: `what does ${word} like?`, namespace, agent_id: agent });
  return results.flatMap((result) => ('id' in result ? [result.id] : []));
}

/** Where the words stand, but for snapshots. */
async function left(dataDir: string, ...words: string[]): Promise<string[]> {
  const found = await foundBytes(dataDir, words);
  return Object.keys(found).filter((path) => !path.startsWith('snapshots'));
}

/** What is sealed of a namespace's contexts, as it stands in the database. */
function sealedIn(dataDir: string, namespace: string): Buffer[] {
  const database = new DatabaseSync(join(dataDir, 'contexts.db'), { readOnly: true });
  const rows = database
    .prepare(`SELECT c.sealed, c.sealed_terms, v.vector FROM contexts AS c JOIN vectors AS v ON v.seq = c.seq
      WHERE c.namespace_id = (SELECT id FROM namespaces WHERE name = ?)`)
    .all(namespace) as Record<string, Uint8Array>[];
  database.close();
  return rows.flatMap((row) => Object.values(row)).map((bytes) => Buffer.from(bytes.subarray(0, 48)));
}

/** Names of files that hold any of it; snapshots are looked into. */
function holding(dataDir: string, wanted: readonly Buffer[]): string[] {
  return readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const path = join(dataDir, name);
    if (!(statSync(path, { throwIfNoEntry: false })?.isFile() ?? false)) return false;
    const bytes = name.endsWith('.zst') ? zstdDecompressSync(readFileSync(path)) : readFileSync(path);
    return wanted.some((one) => bytes.includes(one));
  });
}

async function erase(server: ServerProcess, folder: string, args: string[]): Promise<ErasureReceipt> {
  const { code, stdout, stderr } = await runCommand(server, folder, ['erase', ...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as ErasureReceipt;
}

describe('erasure', () => {
  it('of an agent leaves no byte of what it said, nor in snapshots that are rewritten, and all of others', async () => {
    const folder = world.folder();
    const server = await world.serve(folder);
    const client = await server.connect();
    const [first = ''] = await remember(client, SECRET, 'gone', 'shop');
    await remember(client, OTHER, 'stays', 'shop');
    const named = { subject: OTHER, predicate: 'saw', object: SECRET, source_ids: [first] };
    await client.putFacts({ namespace: 'shop', agent_id: 'stays', facts: [named] });
    await client.createSnapshot({ label: 'before' });
    expect(await left(server.dataDir, SECRET)).not.toEqual([]);

    const args = ['--namespace', 'shop', '--agent', 'gone'];
    expect(await erase(server, folder, [...args, '--dry-run'])).toMatchObject({ dry_run: true, rows: 66, facts: 1 });
    const refused = await runCommand(server, folder, ['erase', ...args]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') as string });
    const receipt = await erase(server, folder, [...args, '--yes', '--snapshots', 'rewrite']);
    expect(receipt).toMatchObject({ rows: 66, sessions: 1, facts: 2, files: 'overwritten', summary_tasks: 0 });
    expect(receipt.snapshots).toMatchObject([{ label: 'before', outcome: 'rewritten' }]);
    for (const count of ['vectors', 'postings', 'cards', 'cache_entries', 'blanked_pages'] as const)
      expect(receipt[count], count).toBeGreaterThan(0);
    expect(await foundBytes(server.dataDir, [SECRET])).toEqual({});
    const kept = await client.sessionWindow({
      namespace: 'shop',
      agent_id: 'stays',
      session_id: 'talk',
      recall: false,
    });
    expect(JSON.stringify(kept.messages)).toContain(OTHER);
    expect((await client.stats({ namespace: 'shop' })).counts.total).toBe(66);
    expect(readdirSync(join(server.dataDir, 'snapshots'))).toEqual([receipt.snapshots[0]?.replaced_by]);
    const verified = await world.run(['snapshot', 'verify'], folder, cliVariables(server));
    expect(verified.stderr + verified.stdout).toContain('is whole');
    expect((await server.end('SIGTERM')).stderr).not.toContain(SECRET);
    expect(await foundBytes(server.dataDir, [SECRET])).toEqual({});
  });

  it('of a namespace asks for its name, tells which snapshots hold it, and repeats without harm', async () => {
    const folder = world.folder();
    const server = await world.serve(folder);
    const client = await server.connect();
    await remember(client, SECRET, 'gone', 'shop');
    await remember(client, OTHER, 'stays', 'other');
    const { snapshot } = await client.createSnapshot({});
    await expect(client.eraseNamespace({ namespace: 'shop', confirm: 'ship' })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
    const receipt = await erase(server, folder, ['--namespace', 'shop', '--yes']);
    expect(receipt).toMatchObject({ rows: 66, facts: 1, snapshots: [{ id: snapshot.id, outcome: 'holds' }] });
    expect(await left(server.dataDir, SECRET, 'shop')).toEqual([]);
    expect((await client.listNamespaces()).namespaces.map(({ namespace }) => namespace)).toEqual(['other']);
    const again = await erase(server, folder, ['--namespace', 'shop', '--yes', '--snapshots', 'remove']);
    expect(again).toMatchObject({ rows: 0, snapshots: [{ id: snapshot.id, outcome: 'removed' }] });
    expect(await foundBytes(server.dataDir, [SECRET])).toEqual({});
    await client.store({ text: 'anew', namespace: 'shop' });
    expect((await client.stats({ namespace: 'shop' })).counts.total).toBe(1);
  });

  it('of what matches makes cards anew of the other messages, and takes facts that name it', async () => {
    const folder = world.folder();
    const server = await world.serve(folder);
    const client = await server.connect({ sender: 'me' });
    const session = client.session('talk');
    await session.configure({ max_tokens: 300 });
    for (let i = 0; i < 8; i++) {
      const word = i % 2 === 0 ? SECRET : OTHER;
      const content = `Turn ${i}: ${word} goes to Porto. ${'We talked of this and that. '.repeat(8)}`;
      await session.append([{ role: 'user', content, tags: [word] }]);
    }
    const ids: string[] = [];
    for await (const { id, tags } of client.list({ limit: 100 })) if (tags.includes(SECRET)) ids.push(id);
    await client.facts.put({ subject: SECRET, predicate: 'goes to', object: 'Porto', source_ids: [ids[0] as string] });
    const filter = { must: [{ key: 'tags', match: { value: SECRET } }] };
    const { deleted, receipt } = await client.delete({ filter, erase: true });
    expect(deleted).toBe(4);
    expect(receipt).toMatchObject({ rows: 4, facts: 1, files: 'overwritten' });
    expect(receipt?.cards).toBeGreaterThan(0);
    expect(await left(server.dataDir, SECRET)).toEqual([]);
    const { messages } = await session.window({ recall: false });
    expect(JSON.stringify(messages)).toContain(OTHER);
    expect(JSON.stringify(messages)).not.toContain(SECRET);
  });

  it('over a sealed store leaves no sealed row in any file, and goes on with snapshots that a kill left half done', async () => {
    const folder = world.folder();
    const keyed = { VECTOR_DB__ENCRYPTION_KEY: randomBytes(32).toString('hex') };
    const server = await world.serve(folder, keyed);
    const client = await server.connect();
    await remember(client, SECRET, 'gone', 'shop');
    await remember(client, OTHER, 'stays', 'other');
    const before = await client.createSnapshot({});
    const sealed = sealedIn(server.dataDir, 'shop');
    expect(sealed.length).toBeGreaterThan(180);
    expect(holding(server.dataDir, sealed)).not.toEqual([]);

    const snapshots = join(server.dataDir, 'snapshots');
    const erasing = client.eraseNamespace({ namespace: 'shop', confirm: 'shop', snapshots: 'rewrite' });
    const cutOff = erasing.catch(() => 'cut off');
    while (!readdirSync(snapshots).some((name) => name.startsWith('.partial-erasing-'))) await sleep(2);
    server.kill('SIGKILL');
    await server.ended;
    await client.close({ timeoutMs: 0 });
    expect(await cutOff).toBe('cut off');
    expect(readdirSync(snapshots)).toContain(before.snapshot.id);

    const next = await world.serve(folder, keyed);
    const whole = () => readdirSync(snapshots).filter((name) => !name.startsWith('.'));
    await expect
      .poll(whole, { timeout: 60_000, interval: 100 })
      .toEqual([expect.not.stringContaining(before.snapshot.id) as string]);
    await expect.poll(() => holding(server.dataDir, sealed), { timeout: 60_000, interval: 200 }).toEqual([]);
    await expect.poll(() => left(server.dataDir, 'shop'), { timeout: 60_000, interval: 100 }).toEqual([]);
    expect(await foundBytes(server.dataDir, [SECRET, OTHER])).toEqual({});
    const reader = await next.connect();
    expect((await reader.listNamespaces()).namespaces).toMatchObject([{ namespace: 'other', counts: { total: 66 } }]);
    await reader.close();
    await next.end('SIGTERM');
    expect(holding(server.dataDir, sealed)).toEqual([]);
    expect(await world.run(['snapshot', 'verify'], folder, { ...cliVariables(next), ...keyed })).toMatchObject({
      code: 0,
    });
  });

  it('that a kill cuts off is gone on with at the next start', async () => {
    const folder = world.folder();
    const server = await world.serve(folder);
    const client = await server.connect();
    for (let round = 0; round < 6; round++) {
      const contexts = Array.from({ length: 500 }, (_, i) => ({
        text: `${SECRET} ${round}-${i} ${'word '.repeat(i % 90)}`,
        namespace: 'shop',
      }));
      await client.storeBatch({ contexts });
    }
    await client.store({ text: OTHER, namespace: 'other' });
    const erasing = client.eraseNamespace({ namespace: 'shop', confirm: 'shop' }).catch(() => 'cut off');
    await sleep(60);
    server.kill('SIGKILL');
    await server.ended;
    await client.close({ timeoutMs: 0 });
    expect(await erasing).toBe('cut off');
    expect(await left(server.dataDir, SECRET)).not.toEqual([]);

    const next = await world.serve(folder);
    await expect.poll(() => left(next.dataDir, SECRET, 'shop'), { timeout: 60_000, interval: 100 }).toEqual([]);
    const after = await next.connect();
    expect((await after.listNamespaces()).namespaces).toMatchObject([{ namespace: 'other', counts: { total: 1 } }]);
  });
});
