import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askDouble } from '../../support/qdrant-double/ask-double.ts';
import { comparedServers, type ComparedServer } from '../../support/qdrant-double/compared-servers.ts';

const C = '/collections/double_snapshots';
const OTHER = '/collections/double_snapshots.b-c';

let server: Awaited<ReturnType<ComparedServer['start']>>;

interface Told {
  readonly name: string;
  readonly size: number;
  readonly checksum: string;
}

async function result<Result>(method: string, path: string, body?: unknown): Promise<Result> {
  const { status, reply } = await askDouble(server, method, path, body);
  expect([status, reply]).toMatchObject([200, { status: 'ok' }]);
  return (reply as { result: Result }).result;
}

const refusal = async (method: string, path: string): Promise<unknown[]> => {
  const { status, reply } = await askDouble(server, method, path);
  return [status, typeof reply === 'string' ? reply : (reply as { status: { error: string } }).status.error];
};

async function download(name: string): Promise<Buffer> {
  const response = await fetch(`${server.url}${C}/snapshots/${name}`);
  expect(response.headers.get('content-type')).toBe('application/octet-stream');
  return Buffer.from(await response.arrayBuffer());
}

async function upload(path: string, bytes: Buffer, query: string, field = 'snapshot'): Promise<unknown[]> {
  const form = new FormData();
  form.set(field, new File([new Uint8Array(bytes)], 'up.snapshot'));
  const response = await fetch(`${server.url}${path}/snapshots/upload?${query}`, { method: 'POST', body: form });
  return [response.status, await response.text()];
}

const sumOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe.each(comparedServers())('snapshots of $name', ({ start }) => {
  beforeAll(async () => {
    server = await start();
    for (const path of [C, OTHER]) await askDouble(server, 'DELETE', path);
    await result('PUT', C, { vectors: { one: { size: 2, distance: 'Cosine' } } });
    await result('PUT', `${C}/index?wait=true`, { field_name: 'a', field_schema: 'integer' });
    await result('PUT', `${C}/points?wait=true`, { points: [{ id: 1, vector: { one: [1, 0] }, payload: { a: 7 } }] });
  });
  afterAll(async () => {
    for (const path of [C, OTHER]) await askDouble(server, 'DELETE', path);
    await server.close();
  });

  it('are made, listed, read, deleted, and make the collection that they are of', async () => {
    const before = await result<Told[]>('GET', `${C}/snapshots`);
    const told = await result<Told>('POST', `${C}/snapshots?wait=true`);
    expect(await result('GET', `${C}/snapshots`)).toHaveLength(before.length + 1);
    const bytes = await download(told.name);
    expect(told).toMatchObject({ size: bytes.length, checksum: sumOf(bytes) });
    expect(await result('DELETE', `${C}/snapshots/${told.name}`)).toBe(true);
    expect(await result('GET', `${C}/snapshots`)).toEqual(before);

    expect((await upload(OTHER, bytes, `priority=snapshot&wait=true&checksum=${told.checksum}`))[0]).toBe(200);
    const body = { ids: [1], with_payload: true, with_vector: true };
    expect(await result('POST', `${OTHER}/points`, body)).toMatchObject([
      { id: 1, payload: { a: 7 }, vector: { one: [1, 0] } },
    ]);
    expect(await result('GET', OTHER)).toMatchObject({ payload_schema: { a: { data_type: 'integer' } } });
    // What was uploaded stays until it is deleted, where its name is that of a snapshot.
    expect(await result('GET', `${OTHER}/snapshots`)).toMatchObject([{ name: 'up.snapshot' }]);
    expect(await result('DELETE', `${OTHER}/snapshots/up.snapshot`)).toBe(true);
    expect(await result('GET', `${OTHER}/snapshots`)).toEqual([]);
  });

  it('are refused where there is none, or no collection', async () => {
    const [gone, none] = ["Not found: Collection `nope` doesn't exist!", 'Not found: Snapshot nope.snapshot not found'];
    expect(await refusal('POST', '/collections/nope/snapshots')).toEqual([404, gone]);
    expect(await refusal('GET', '/collections/nope/snapshots')).toEqual([404, gone]);
    expect(await refusal('GET', '/collections/nope/cluster')).toEqual([404, gone]);
    for (const method of ['GET', 'DELETE']) {
      expect(await refusal(method, '/collections/nope/snapshots/nope.snapshot')).toEqual([404, gone]);
      expect(await refusal(method, `${C}/snapshots/nope.snapshot`)).toEqual([404, none]);
    }
  });

  it('are refused where they are not what they should be', async () => {
    const bytes = Buffer.from('this is no snapshot');
    const wrong = await upload('/collections/nope', bytes, `priority=snapshot&checksum=${'0'.repeat(64)}`);
    expect(wrong).toEqual([400, expect.stringContaining('Checksum mismatch') as string]);
    const malformed = await upload('/collections/nope', bytes, 'priority=snapshot&wait=true');
    expect(malformed).toEqual([500, expect.stringContaining('Malformed tar archive') as string]);
    expect(await upload('/collections/nope', bytes, '', 'other')).toEqual([400, 'Required field is missing: snapshot']);
    expect(await result('GET', '/collections/nope/exists')).toEqual({ exists: false });
    expect(await result('GET', `${C}/cluster`)).toMatchObject({
      local_shards: [{ shard_id: 0, points_count: 1, state: 'Active' }],
      remote_shards: [],
    });
  });
});
