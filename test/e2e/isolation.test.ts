import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContextManagerError, type Client } from '../../clients/typescript/src/index.ts';
import { DECLARED, inNamespace, isNamespaced } from '../support/declared-messages.ts';
import { callMethod } from './support/call-method.ts';
import { World, type ServerProcess } from './support/processes.ts';

const SECRETS = {
  red: 'red-secret-that-is-long-enough-to-be-one',
  blue: 'blue-secret-that-is-long-enough-to-be-one',
  reader: 'reader-secret-that-is-long-enough-to-be-one',
};
const CONFIG = `
[[keys]]
id = "red"
secret = "${SECRETS.red}"
namespaces = ["red"]

[[keys]]
id = "blue"
secret = "\${BLUE_SECRET}"
namespaces = ["blue"]

[[keys]]
id = "reader"
secret = "${SECRETS.reader}"
scopes = ["read"]
namespaces = ["red", "green"]
`;

const world = new World();
let server: ServerProcess;
let red: Client;
let blue: Client;
let reader: Client;
/** Of a context in red's namespace, which blue must never see. */
let id: string;

beforeAll(async () => {
  const folder = world.folder();
  const path = join(folder, 'keys.toml');
  writeFileSync(path, CONFIG, { mode: 0o600 });
  server = await world.serve(folder, { CONFIG_PATH: path, BLUE_SECRET: SECRETS.blue });
  red = await server.connect({ keyId: 'red', secret: SECRETS.red, sender: 'agent' });
  blue = await server.connect({ keyId: 'blue', secret: SECRETS.blue, sender: 'agent' });
  reader = await server.connect({ keyId: 'reader', secret: SECRETS.reader, sender: 'agent' });
  ({ id } = await red.store({ text: 'the red code word is ibis', session_id: 's', tags: ['t'], metadata: { a: 1 } }));
  await blue.store({ text: 'the blue code word is heron', session_id: 's' });
});
afterAll(() => world.cleanUp());

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'no error';
  } catch (error) {
    return error instanceof ContextManagerError ? String(error.code) : String(error);
  }
}

describe('two keys with a namespace each', () => {
  it.each(DECLARED.filter(isNamespaced))("are refused the other's namespace by $method", async (message) => {
    for (const example of message.examples) {
      const payload = inNamespace(message, example, 'red');
      expect(await codeOf(callMethod(blue, message, payload))).toBe('FORBIDDEN');
    }
  });

  it('are refused a batch of which one context is for the other', async () => {
    expect(await codeOf(blue.storeBatch({ contexts: [{ text: 'x' }, { text: 'y', namespace: 'red' }] }))).toBe(
      'FORBIDDEN',
    );
  });

  it('see nothing of each other where they name none', async () => {
    expect(await codeOf(blue.get({ id }))).toBe('NOT_FOUND');
    expect(await codeOf(blue.update({ id, text: 'x' }))).toBe('NOT_FOUND');
    expect((await blue.delete({ id })).deleted).toBe(0);
    expect((await blue.delete({ filter: { must: [{ key: 'tags', match: { value: 't' } }] } })).deleted).toBe(0);
    const answer = await blue.query({
      query: 'red code word ibis',
      agent_id: '*',
      relevance_threshold: 0,
      explain: true,
    });
    expect(answer.contexts.map(({ text }) => text)).toEqual(['the blue code word is heron']);
    expect(answer.receipts?.map((receipt) => receipt.id)).not.toContain(id);
    expect(answer.metadata.total_searched).toBe(1);
    expect((await blue.list({ agent_id: '*' }).page()).contexts.map(({ namespace }) => namespace)).toEqual(['blue']);
    expect(await blue.stats()).toMatchObject({ counts: { total: 1 } });
    expect((await blue.listNamespaces()).namespaces.map(({ namespace }) => namespace)).toEqual(['blue']);
    expect((await reader.listNamespaces()).namespaces.map(({ namespace }) => namespace)).toEqual(['green', 'red']);
  });

  it('cannot tell from caches and figures what the other stores or asks', async () => {
    const before = await blue.stats();
    const [secret, question] = ['the vault opens at noon with the silver key', 'when does the vault open?'];
    const stored = await red.store({ text: secret, session_id: 'vault' });
    for (let i = 0; i < 3; i++) await red.query({ query: question, session_id: 'vault' });
    const after = await blue.stats();
    expect({ ...after, uptime_ms: before.uptime_ms }).toEqual(before);
    expect((await red.query({ query: question })).metadata.cache_hits).toBe(1);
    expect((await blue.query({ query: question })).metadata.cache_hits).toBe(0);
    expect((await red.stats()).cache).toMatchObject({ embedding_hits: 3 });
    // Storing the same text is as new to blue as any other.
    const misses = (await blue.stats()).cache.embedding_misses;
    const { id: copy } = await blue.store({ text: secret });
    expect((await blue.stats()).cache.embedding_misses).toBe(misses + 1);
    await red.delete({ id: stored.id });
    await blue.delete({ id: copy });
  });

  it('may use the same ids', async () => {
    expect(await blue.store({ id, text: 'another text under the same id' })).toMatchObject({ id, created: true });
    expect((await red.get({ id })).context.text).toBe('the red code word is ibis');
    await blue.delete({ id });
    expect((await red.get({ id })).context.text).toBe('the red code word is ibis');
  });

  it('do not share a page cursor', async () => {
    await red.storeBatch({ contexts: [{ text: 'red two' }, { text: 'red three' }] });
    const { cursor } = await red.list({ limit: 1 }).page();
    const stolen = blue.list({ limit: 10, cursor }).page();
    const texts = await stolen.then(
      ({ contexts }) => contexts.map(({ text }) => text),
      () => [],
    );
    expect(texts.filter((text) => text.includes('red'))).toEqual([]);
  });

  it('leave the other what clearing and collecting do to their own', async () => {
    const before = (await red.stats()).counts;
    await blue.clearLevel({ level: 'immediate' });
    await blue.gc().catch(() => undefined);
    await blue.clearCache().catch(() => undefined);
    expect((await red.stats()).counts).toEqual(before);
    expect(await blue.stats()).toMatchObject({ counts: { immediate: 0 } });
  });
});

describe('a key with scopes', () => {
  it('may do what they say and no more', async () => {
    expect((await reader.query({ query: 'red code word', namespace: 'red' })).contexts[0]?.text).toBe(
      'the red code word is ibis',
    );
    expect(await codeOf(reader.store({ text: 'x', namespace: 'red' }))).toBe('FORBIDDEN');
    expect(await codeOf(reader.clearLevel({ level: 'immediate', namespace: 'red' }))).toBe('FORBIDDEN');
    expect(await codeOf(reader.gc())).toBe('FORBIDDEN');
  });

  it('must say which of its namespaces it means', async () => {
    expect(await codeOf(reader.query({ query: 'red code word' }))).toBe('BAD_REQUEST');
    expect((await reader.query({ query: 'anything', namespace: 'green' })).contexts).toEqual([]);
    expect(await codeOf(reader.list({ namespace: 'blue' }).page())).toBe('FORBIDDEN');
  });
});

describe('what is written down', () => {
  it('names no namespace, no text and no secret: neither in metrics nor in health nor in the log', async () => {
    const base = `http://127.0.0.1:${server.httpPort}`;
    const pages = await Promise.all(
      ['/metrics', '/health', '/health/readiness'].map(async (path) => (await fetch(base + path)).text()),
    );
    await Promise.all([red.close(), blue.close(), reader.close()]);
    const { code, stdout, stderr } = await server.end('SIGTERM');
    expect(code).toBe(0);
    for (const text of [...pages, stdout, stderr]) expect(text).not.toMatch(/ibis|heron|secret-that|"red"|"blue"/);
  });
});
