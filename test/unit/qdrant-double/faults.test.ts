import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askDouble, type Asked } from '../../support/qdrant-double/ask-double.ts';
import { startQdrantDouble, type QdrantDouble } from '../../support/qdrant-double/start-qdrant-double.ts';

let double: QdrantDouble;
beforeEach(async () => {
  double = await startQdrantDouble();
  await askDouble(double, 'PUT', '/collections/c', { vectors: {} });
  double.requests.reset();
});
afterEach(() => double.close());

const count = (): Promise<Asked> => askDouble(double, 'POST', '/collections/c/points/count', {});
const upsert = (): Promise<Asked> =>
  askDouble(double, 'PUT', '/collections/c/points?wait=true', { points: [{ id: 1, vector: {} }] });
const counted = async (): Promise<unknown> => (await count()).reply;
const points = (n: number): object => ({ result: { count: n } });

describe('faults of the double of Qdrant', () => {
  it('hit the requests that they are meant for, once or until they are taken away', async () => {
    double.faults.once({ kind: 'status', status: 503, retryAfter: '2', on: '/points' });
    expect((await askDouble(double, 'GET', '/collections')).status).toBe(200);
    expect(await count()).toMatchObject({ status: 503 });
    expect(await count()).toMatchObject({ status: 200 });
    const remove = double.faults.add({ kind: 'status', status: 429, on: /^PUT / });
    expect([(await upsert()).status, (await upsert()).status, (await count()).status]).toEqual([429, 429, 200]);
    remove();
    expect((await upsert()).status).toBe(200);
  });

  it('tell how long to wait where they were told to', async () => {
    double.faults.once({ kind: 'status', status: 429, retryAfter: '7' });
    const { headers } = await fetch(`${double.url}/collections`);
    expect(headers.get('retry-after')).toBe('7');
  });

  it('leave a write undone, or done where nobody hears of it', async () => {
    double.faults.once({ kind: 'drop', on: 'PUT' });
    await expect(upsert()).rejects.toThrow();
    expect(await counted()).toMatchObject(points(0));
    double.faults.once({ kind: 'drop', on: 'PUT', isApplied: true });
    await expect(upsert()).rejects.toThrow();
    expect(await counted()).toMatchObject(points(1));
  });

  it('cut answers in the middle', async () => {
    double.faults.once({ kind: 'cut' });
    await expect(upsert()).rejects.toThrow();
    expect(await counted()).toMatchObject(points(1));
  });

  it('let requests hang until the client has had enough', async () => {
    double.faults.once({ kind: 'hang' });
    const { port } = double;
    const hanging = fetch(`http://127.0.0.1:${port}/collections`, { signal: AbortSignal.timeout(50) });
    await expect(hanging).rejects.toThrow(/timeout/);
    expect(await counted()).toMatchObject(points(0));
  });

  it('send garbage, come late, or bit by bit', async () => {
    double.faults.once({ kind: 'garbage' });
    await expect(count()).rejects.toThrow(SyntaxError);
    double.faults.once({ kind: 'delay', delayMs: 30 });
    double.faults.once({ kind: 'slow', pieceBytes: 20, pauseMs: 1 });
    const before = performance.now();
    expect(await counted()).toMatchObject(points(0));
    expect(performance.now() - before).toBeGreaterThan(25);
    expect(await counted()).toMatchObject(points(0));
  });

  it('refuse connections, and take them again with the points that were there', async () => {
    await upsert();
    await double.stop();
    await expect(count()).rejects.toThrow();
    await double.resume();
    expect(await counted()).toMatchObject(points(1));
  });

  it('end with the double', async () => {
    double.faults.add({ kind: 'hang', on: 'GET' });
    double.faults.add({ kind: 'slow', pieceBytes: 1, pauseMs: 60_000, on: 'POST' });
    const open = [askDouble(double, 'GET', '/collections'), count()].map((one) => expect(one).rejects.toThrow());
    await expect.poll(() => double.requests.count()).toBe(2);
    await double.close();
    await Promise.all(open);
  });
});

describe('requests to the double of Qdrant', () => {
  it('are counted by method and path', async () => {
    await count();
    await count();
    await upsert();
    expect(double.requests.byLabel()).toEqual({
      'POST /collections/c/points/count': 2,
      'PUT /collections/c/points': 1,
    });
    expect([double.requests.count(), double.requests.count('count'), double.requests.count(/^PUT/)]).toEqual([3, 2, 1]);
    expect(double.requests.labels[2]).toBe('PUT /collections/c/points');
    double.requests.reset();
    expect(double.requests.count()).toBe(0);
  });
});
