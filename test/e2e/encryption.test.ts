// With a key: a whole server that is killed leaves no word of what it was told in its data folder, and goes on from there.

import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { run } from '../../src/cli.ts';
import type { HealthReport } from '../../src/fronts/http/health.ts';
import { World, type Variables } from './support/processes.ts';

const world = new World();
afterAll(() => world.cleanUp());

const KEY = randomBytes(32).toString('hex');
const NEXT_KEY = randomBytes(32).toString('base64');
/** Of a text, metadata, a tag, a message, a card of a window, and both sides of a fact. */
const WORDS = ['zwetschgenkuchen', 'kolophonium', 'quincunx', 'bratwurstherzog', 'lavendelfelder', 'obsidianturm'];

async function tell(client: Client): Promise<void> {
  await client.store({ text: 'Mara bakes zwetschgenkuchen', metadata: { shelf: 'kolophonium' }, tags: ['quincunx'] });
  await client.configureSession({ session_id: 'trip', max_tokens: 500 });
  for (let i = 0; i < 8; i++) {
    const content = `The bratwurstherzog said number ${i}. ${'They walked for hours through lavendelfelder. '.repeat(12)}`;
    await client.appendToSession({ session_id: 'trip', messages: [{ role: 'user', content }] });
  }
  await client.sessionWindow({ session_id: 'trip' });
  await client.putFacts({ facts: [{ subject: 'lavendelfelder', predicate: 'lie_at', object: 'obsidianturm' }] });
}

async function expectTold(client: Client): Promise<void> {
  expect((await client.query({ query: 'who bakes zwetschgenkuchen?' })).contexts[0]).toMatchObject({
    metadata: { shelf: 'kolophonium' },
  });
  expect((await client.listFacts({ subject: 'lavendelfelder' }).page()).facts).toMatchObject([
    { object: 'obsidianturm' },
  ]);
  const window = await client.sessionWindow({ session_id: 'trip' });
  expect(JSON.stringify(window)).toContain('bratwurstherzog');
}

/** Names of files that hold any of the words, whatever their letters; compressed ones are looked into. */
function tellers(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const path = join(folder, name);
    if (!statSync(path).isFile()) return false;
    const bytes = name.endsWith('.zst') ? zstdDecompressSync(readFileSync(path)) : readFileSync(path);
    const text = bytes.toString('latin1').toLowerCase();
    return WORDS.some((word) => text.includes(word));
  });
}

async function command(folder: string, args: readonly string[], environment: Variables) {
  const written = { stdout: '', stderr: '' };
  const output = (name: keyof typeof written) => ({
    write: (text: string) => Promise.resolve(void (written[name] += text)),
  });
  async function* nothing(): AsyncGenerator<Uint8Array> {}
  const io = { stdin: nothing(), stdout: output('stdout'), stderr: output('stderr'), environment, folder };
  return { code: await run(args, io, '1.2.3'), ...written };
}

it('is sealed from the first word on, through a kill, a snapshot, a change of the key and a restore', async () => {
  const folder = world.folder();
  const keyed = { VECTOR_DB__ENCRYPTION_KEY: KEY };
  const server = await world.serve(folder, keyed);
  const client = await server.connect();
  await tell(client);
  await expectTold(client);
  const { snapshot } = await client.createSnapshot({});
  const { store } = await client.stats();
  expect(store).toMatchObject({
    encryption: 'aes-256-gcm',
    encryption_key_id: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
  });
  const health = (await (await fetch(`http://127.0.0.1:${server.httpPort}/health`)).json()) as HealthReport;
  expect(health.components['encryption']).toEqual({
    status: 'healthy',
    mode: 'aes-256-gcm',
    key_id: store['encryption_key_id'],
  });
  await client.close();
  await server.end('SIGKILL');
  expect(readdirSync(server.dataDir)).toContain('contexts.db-wal');
  expect(readdirSync(server.dataDir, { recursive: true })).toContain(join('snapshots', snapshot.id, 'contexts.db.zst'));
  expect(tellers(server.dataDir)).toEqual([]);

  // In a file that others can read it is refused; then the key changes.
  const path = join(folder, 'next.key');
  writeFileSync(path, `${NEXT_KEY}\n`, { mode: 0o644 });
  const next: Variables = { VECTOR_DB__ENCRYPTION_KEY_PATH: path };
  const both = { ...next, VECTOR_DB__PREVIOUS_ENCRYPTION_KEY: KEY };
  expect((await command(folder, ['reseal'], both)).stderr).toContain('chmod 600');
  chmodSync(path, 0o600);
  expect((await command(folder, ['reseal'], next)).stderr).toContain('is sealed with the encryption key');
  expect((await command(folder, ['reseal'], {})).stderr).toContain('there is no key');
  expect(await command(folder, ['reseal'], both)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+ contexts and \d+ documents sealed with key [0-9a-f]{8}\n$/) as string,
    stderr: expect.stringContaining(snapshot.id) as string,
  });
  expect((await command(folder, ['reseal'], both)).stdout).toContain('nothing to do');
  const { stdout: doctor } = await command(folder, ['doctor', '--json'], { ...next, SERVER__PORT: '1' });
  expect(doctor).toContain('AES-256-GCM');
  expect(await world.failToServe(folder, keyed)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('reseal') as string,
  });
  const again = await world.serve(folder, next);
  const reader = await again.connect();
  await expectTold(reader);
  await reader.close();
  await again.end('SIGTERM');
  expect(tellers(server.dataDir)).toEqual([]);

  // The snapshot is of the key before: it opens with that one alone.
  expect((await command(folder, ['snapshot', 'verify'], next)).stderr).toContain('is sealed with the encryption key');
  expect((await command(folder, ['snapshot', 'restore', 'latest', '--replace'], next)).code).toBe(1);
  expect(await command(folder, ['snapshot', 'verify'], both)).toMatchObject({ code: 0 });
  expect(await command(folder, ['snapshot', 'restore', 'latest', '--replace'], both)).toMatchObject({ code: 0 });
  expect(await command(folder, ['reseal', '--json'], both)).toMatchObject({ code: 0 });
  expect(tellers(server.dataDir)).toEqual([]);
});

it.each([
  ['short', '32 bytes'],
  ['0'.repeat(64), 'repeated'],
])('a key that is none is refused, and not told: %s', async (key, message) => {
  const refused = await command(world.folder(), ['reseal'], { VECTOR_DB__ENCRYPTION_KEY: key });
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(message) as string });
  expect(refused.stderr).not.toContain(key);
});

it('over Qdrant a key is refused, not ignored', async () => {
  const variables = { VECTOR_DB__ENCRYPTION_KEY: KEY, VECTOR_DB__URL: 'http://127.0.0.1:1' };
  expect((await command(world.folder(), ['reseal'], variables)).stderr).toContain('Encrypt the disks');
  const { code, stderr } = await world.failToServe(world.folder(), variables);
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be sealed') as string });
});
