import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../../src/base/log.ts';
import { addressOf } from '../../../../src/store/qdrant/address.ts';
import { type QdrantDouble, startQdrantDouble } from '../../../support/qdrant-double/start-qdrant-double.ts';
import { idOf, put, sample, searchIn, searchOf, termsOf, vectorOf } from '../../../contract/store-samples.ts';
import { DIMENSION, openOver } from './opened.ts';

describe('the start over Qdrant', () => {
  let qdrant: QdrantDouble;
  beforeEach(async () => {
    qdrant = await startQdrantDouble({ apiKey: 'a key' });
  });
  afterEach(() => qdrant.close());
  const open = (options: Parameters<typeof openOver>[1] = {}) => openOver(qdrant.url, { apiKey: 'a key', ...options });
  const collections = async () => {
    const reply = await fetch(`${qdrant.url}/collections`, { headers: { 'api-key': 'a key' } });
    const { result } = (await reply.json()) as { result: { collections: { name: string }[] } };
    return result.collections.map(({ name }) => name).sort();
  };

  it('makes a collection a level, one for documents and one for what all servers agree on, once', async () => {
    const stores = await Promise.all([open(), open(), open()]);
    expect(await collections()).toEqual([
      'test_documents',
      'test_immediate',
      'test_long_term',
      'test_meta',
      'test_short_term',
    ]);
    await Promise.all(stores.map((store) => store.close()));
    qdrant.requests.reset();
    await (await open()).close();
    expect(qdrant.requests.labels.filter((label) => /^PUT .*\/(index|points)/.test(label))).toEqual([]);
  });

  it('allows the filters that it needs, whatever the server forbids by default', async () => {
    await (await open()).close();
    for (const name of await collections()) {
      const reply = await fetch(`${qdrant.url}/collections/${name}`, { headers: { 'api-key': 'a key' } });
      expect(await reply.json()).toMatchObject({
        result: {
          config: { strict_mode_config: { unindexed_filtering_retrieve: true, unindexed_filtering_update: true } },
        },
      });
    }
  });

  it.each([
    [
      'another length',
      { embedding: { id: 'test', dimension: 64 } },
      /embedded with test \(32 dimensions\), the configuration says test \(64 dimensions\)/,
    ],
    ['another distance', { distance: 'Dot' }, /compared by Cosine, the configuration says 32 and Dot/],
    ['another model', { embedding: { id: 'other', dimension: DIMENSION } }, /embedded with test .* says other/],
  ] as const)('is refused over vectors of %s, and changes nothing', async (_, options, message) => {
    await (await open()).close();
    await expect(open(options)).rejects.toThrow(message);
    await (await open()).close();
  });

  it('is refused over collections that a newer version made', async () => {
    await (await open()).close();
    await fetch(`${qdrant.url}/collections/test_meta/points/payload?wait=true`, {
      method: 'POST',
      headers: { 'api-key': 'a key', 'content-type': 'application/json' },
      body: JSON.stringify({ points: [1], payload: { layout: 2 } }),
    });
    await expect(open()).rejects.toThrow(
      'the collections of test have layout 2, and this program knows layouts up to 1',
    );
  });

  describe('over collections that an earlier version made', () => {
    /** As they were before passages. */
    const without = async (): Promise<void> => {
      await (await open()).close();
      for (const level of ['immediate', 'short_term', 'long_term']) {
        const at = `${qdrant.url}/collections/test_${level}`;
        const headers = { 'api-key': 'a key', 'content-type': 'application/json' };
        await fetch(at, { method: 'DELETE', headers });
        const vectors = { dense: { size: DIMENSION, distance: 'Cosine' } };
        await fetch(at, { method: 'PUT', headers, body: JSON.stringify({ vectors, sparse_vectors: { words: {} } }) });
      }
    };

    it('is refused where texts are cut, with what to do', async () => {
      await without();
      await expect(open({ needsPassages: true })).rejects.toThrow(
        /max_input_tokens is set, and test_immediate, .* have no room for passages/,
      );
      await (await open()).close();
    });

    it('does all but take passages', async () => {
      await without();
      const store = await open();
      const context = sample('one', DIMENSION, { namespace: 'space' });
      await store.write([put(context)]);
      const [loaded] = await store.load({ namespace: 'space', agentId: 'agent', sessionId: 'session' }, 'immediate', 0);
      expect(loaded?.record.id).toBe(context.record.id);
      const near = searchOf({ vector: vectorOf('one', DIMENSION), terms: termsOf('text'), neighbours: 1 });
      expect((await searchIn(store, near)).candidates.map(({ id }) => id)).toEqual([context.record.id]);
      const long = { ...sample('long', DIMENSION, { namespace: 'space' }), passages: [vectorOf('end', DIMENSION)] };
      await expect(store.write([put(long)])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: false });
      await store.close();
    });
  });

  it('asks for passages once there are some, also those that another server has written', async () => {
    const near = searchOf({ vector: vectorOf('end', DIMENSION), candidates: 1 });
    const plain = await open();
    await plain.write([put(sample('one', DIMENSION)), put(sample('two', DIMENSION))]);
    expect((await searchIn(plain, near)).candidates).toHaveLength(1);
    await plain.write([put({ ...sample('long', DIMENSION), passages: [vectorOf('end', DIMENSION)] })]);
    expect((await searchIn(plain, near)).candidates.map(({ id }) => id)).toEqual([idOf('long')]);
    await plain.close();
    const later = await open();
    expect((await searchIn(later, near)).candidates.map(({ id }) => id)).toEqual([idOf('long')]);
    await later.close();
  });

  it('is refused with a wrong key', async () => {
    await expect(openOver(qdrant.url, { apiKey: 'another' })).rejects.toThrow('vector_db.api_key');
  });

  it('is refused where nothing listens', async () => {
    await qdrant.stop();
    await expect(open()).rejects.toThrow('cannot be');
    await qdrant.resume();
  });

  it('is refused over a collection that somebody else made', async () => {
    await fetch(`${qdrant.url}/collections/test_immediate`, {
      method: 'PUT',
      headers: { 'api-key': 'a key', 'content-type': 'application/json' },
      body: JSON.stringify({ vectors: { size: DIMENSION, distance: 'Cosine' } }),
    });
    await expect(open()).rejects.toThrow('no vector named "dense"');
  });

  it('is refused over what is no Qdrant, or one that is too old', async () => {
    const other = createServer((_, reply) => reply.end('hello')).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    await expect(openOver(`http://127.0.0.1:${port}`)).rejects.toThrow('is not Qdrant');
    other.close();
    const old = await startQdrantDouble({ version: '1.11.5' });
    await expect(openOver(old.url)).rejects.toThrow('1.11.5 is too old');
    await old.close();
  });
});

describe('the address of Qdrant', () => {
  const asked = (url: string, tlsEnabled?: boolean, tlsVerify = true) => {
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (_: object, message: string) => void warnings.push(message) };
    return { href: addressOf({ url, tlsEnabled, tlsVerify }, log).href, warnings };
  };

  it.each([
    ['http://q:6333', 'http://q:6333/'],
    ['https://q.example.com', 'https://q.example.com:6333/'],
    ['https://q.example.com:443/vectors/', 'https://q.example.com/vectors/'],
    ['http://[::1]:9000', 'http://[::1]:9000/'],
  ])('%s is asked at %s', (url, href) => {
    expect(asked(url)).toEqual({ href, warnings: [] });
  });

  it('is that of the REST interface where the port of gRPC is named', () => {
    const { href, warnings } = asked('https://q.example.com:6334');
    expect(href).toBe('https://q.example.com:6333/');
    expect(warnings).toEqual([expect.stringContaining('6333')]);
  });

  it('is secure as the setting says, else as it says itself', () => {
    expect(asked('http://q:6333', true).href).toBe('https://q:6333/');
    expect(asked('https://q:6333', false).href).toBe('http://q:6333/');
    expect(asked('https://q:6333', undefined, false).warnings).toEqual([expect.stringContaining('tls_verify')]);
  });
});
