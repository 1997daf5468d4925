import { afterAll, describe, expect, it, vi } from 'vitest';
import { World } from './support/processes.ts';

const world = new World();
afterAll(() => world.cleanUp());

/** A second's worth is far less than the burst: what is let through in the time of a test is the burst and little more. */
const LIMITED = { RATE_LIMIT__ENABLED: 'true', RATE_LIMIT__REQUESTS_PER_MINUTE: '6', RATE_LIMIT__BURST_SIZE: '20' };
const SECRETS = { a: 'a'.repeat(16) + 'x'.repeat(16), b: 'b'.repeat(16) + 'y'.repeat(16) };
const KEYS = {
  KEYS__0__ID: 'a',
  KEYS__0__SECRET: SECRETS.a,
  KEYS__1__ID: 'b',
  KEYS__1__SECRET: SECRETS.b,
  KEYS__1__RATE_LIMIT__PER_SECOND: '1000',
  KEYS__1__RATE_LIMIT__BURST: '1000',
};

async function outcomes(ask: () => Promise<unknown>, count: number): Promise<string[]> {
  const settled = await Promise.allSettled(Array.from({ length: count }, ask));
  return settled.map((one) => (one.status === 'fulfilled' ? 'ok' : (one.reason as { code: string }).code));
}

describe('rate_limit', () => {
  it('is off where nothing is said', async () => {
    const server = await world.serve(world.folder());
    const client = await server.connect();
    expect(new Set(await outcomes(() => client.ping({ timeoutMs: 20_000 }), 300))).toEqual(new Set(['ok']));
    await client.close();
  });

  it('holds for each address, whatever its keys, and is told with when to try again', async () => {
    const server = await world.serve(world.folder(), { ...LIMITED, ...KEYS });
    const one = await server.connect({ keyId: 'a', secret: SECRETS.a });
    const other = await server.connect({ keyId: 'b', secret: SECRETS.b });
    const ofOne = await outcomes(() => one.ping({ timeoutMs: 500 }), 15);
    expect(new Set(ofOne)).toEqual(new Set(['ok']));
    const ofOther = await outcomes(() => other.ping({ timeoutMs: 500 }), 15);
    const passed = ofOther.filter((outcome) => outcome === 'ok').length;
    expect(passed).toBeGreaterThanOrEqual(5);
    expect(passed).toBeLessThan(10);
    expect(new Set(ofOther)).toEqual(new Set(['ok', 'RATE_LIMITED']));
    const refused = await other.ping({ timeoutMs: 500 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', retryable: true });
    await Promise.all([one.close(), other.close()]);
  });
});

describe('server.max_connections_per_address', () => {
  it('refuses the connection that is one too many, and takes another when there is room', async () => {
    const server = await world.serve(world.folder(), { SERVER__MAX_CONNECTIONS_PER_ADDRESS: '2' });
    const [one, other] = [await server.connect(), await server.connect()];
    await expect(server.connect()).rejects.toMatchObject({ code: 'OVERLOADED' });
    await one.close();
    // The server hears of the close a moment after the client.
    const next = await vi.waitFor(() => server.connect(), { timeout: 20_000 });
    await next.ping();
    await Promise.all([other.close(), next.close()]);
  });
});
