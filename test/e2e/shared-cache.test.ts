import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { HealthReport } from '../../src/fronts/http/health.ts';
import { type Certificate, makeAuthority, makeCertificate } from '../support/certificates.ts';
import { hasRedis, NEEDS_REDIS, startRedis, type RedisServer } from '../support/redis-server.ts';
import { closeEmbeddingServices, embeddingService } from './support/embedding-service.ts';
import { World, type ServerProcess } from './support/processes.ts';

const world = new World();
const running: RedisServer[] = [];
afterEach(async () => {
  closeEmbeddingServices();
  for (const redis of running.splice(0)) await redis.stop();
});
afterAll(() => world.cleanUp());

async function redisServer(): Promise<RedisServer> {
  const redis = await startRedis('hunter2');
  running.push(redis);
  return redis;
}

const withPassword = ({ url }: RedisServer): string => url.replace('redis://', 'redis://:hunter2@');

async function cacheHealth(server: ServerProcess): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${server.httpPort}/health?fresh=1`);
  const { components } = (await response.json()) as Partial<HealthReport>;
  return { code: response.status, cache: components?.['cache']?.status };
}

const WELL = { code: 200, cache: 'healthy' };
const WITHOUT = { code: 200, cache: 'degraded' };

describe.skipIf(!hasRedis)(`a cache of vectors that servers share ${NEEDS_REDIS}`, () => {
  it('saves the second server from embedding, and is missed by nobody when it goes', async () => {
    const { asked, variables } = await embeddingService(() => 200);
    const redis = await redisServer();
    const settings = { ...variables, EMBEDDING__REDIS_URL: withPassword(redis) };
    const [one, other] = [await world.serve(world.folder(), settings), await world.serve(world.folder(), settings)];
    for (const server of [one, other]) await expect.poll(() => cacheHealth(server)).toEqual(WELL);
    const [first, second] = [await one.connect(), await other.connect()];
    const contexts = ['bananas', 'cherries'].map((text) => ({ text }));
    await first.storeBatch({ contexts });
    const passages = () => asked.flatMap(({ input }) => input).filter((text) => text.startsWith('passage:')).length;
    expect(passages()).toBe(2);
    await second.storeBatch({ contexts });
    expect(passages()).toBe(2);
    expect((await second.query({ query: 'bananas' })).contexts[0]?.text).toBe('bananas');

    // What is erased is in neither cache: the same texts are embedded again.
    await first.eraseNamespace({ namespace: 'default', confirm: 'default' });
    await first.storeBatch({ contexts });
    expect(passages()).toBe(4);

    await redis.stop();
    await expect.poll(() => cacheHealth(other)).toEqual(WITHOUT);
    await second.store({ text: 'dates' });
    expect((await second.query({ query: 'dates' })).contexts[0]?.text).toBe('dates');
    expect(passages()).toBe(5);
    await redis.start();
    await expect.poll(() => cacheHealth(other)).toEqual(WELL);

    await Promise.all([first.close(), second.close()]);
    for (const server of [one, other]) {
      const { code, stderr } = await server.end('SIGTERM');
      expect(code).toBe(0);
      expect(stderr).not.toContain('hunter2');
    }
  });

  it('may be away at the start', async () => {
    const { variables } = await embeddingService(() => 200);
    const redis = await redisServer();
    await redis.stop();
    const server = await world.serve(world.folder(), { ...variables, EMBEDDING__REDIS_URL: withPassword(redis) });
    const client = await server.connect();
    await client.store({ text: 'bananas' });
    expect((await client.query({ query: 'bananas' })).contexts[0]?.text).toBe('bananas');
    await expect.poll(() => cacheHealth(server)).toEqual(WITHOUT);
    await client.close();
    const { stderr } = await server.end('SIGTERM');
    expect(stderr).toContain('Redis is away');
    expect(stderr).not.toContain('hunter2');
  });
});

describe.skipIf(!hasRedis)(`a cache of vectors that is reached by TLS ${NEEDS_REDIS}`, () => {
  let folder: string;
  let authority: Certificate;
  const pathOf = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  beforeAll(async () => {
    folder = world.folder();
    authority = await makeAuthority();
  });

  /** A server of ours with the cache at that address, which trusts the authorities of that file besides the usual ones. */
  async function serveWith(redis: RedisServer, authorities: string) {
    const { variables } = await embeddingService(() => 200);
    const server = await world.serve(world.folder(), {
      ...variables,
      NODE_EXTRA_CA_CERTS: authorities,
      EMBEDDING__REDIS_URL: redis.url.replace('rediss://', 'rediss://:hunter2@'),
    });
    return { server, client: await server.connect() };
  }

  async function redisWith({ cert, key }: Certificate): Promise<RedisServer> {
    const redis = await startRedis('hunter2', { certPath: pathOf('cert.pem', cert), keyPath: pathOf('key.pem', key) });
    running.push(redis);
    return redis;
  }

  it('is used where its certificate is of an authority that is trusted', async () => {
    const redis = await redisWith(await makeCertificate(authority, { ip: '127.0.0.1' }));
    const { server, client } = await serveWith(redis, pathOf('authority.pem', authority.cert));
    await expect.poll(() => cacheHealth(server)).toEqual(WELL);
    await client.store({ text: 'bananas' });
    await client.close();
    const { code, stderr } = await server.end('SIGTERM');
    expect(code).toBe(0);
    expect(stderr).not.toContain('Redis is away');
  });

  it.each([
    ['of another authority', 'other', /CERT|VERIFY/],
    ['signed by itself', 'self', /SELF_SIGNED/],
    ['for another host', 'name', /ALTNAME/],
  ] as const)('is not used with a certificate %s, and the log says why', async (_, kind, reason) => {
    const signers = { other: await makeAuthority(), self: null, name: authority };
    const host = kind === 'name' ? { name: 'elsewhere.example.com' } : { ip: '127.0.0.1' };
    const certificate = await makeCertificate(signers[kind], host);
    const redis = await redisWith(certificate);
    const { server, client } = await serveWith(redis, pathOf('authority.pem', authority.cert));
    await client.store({ text: 'bananas' });
    expect((await client.query({ query: 'bananas' })).contexts[0]?.text).toBe('bananas');
    expect(await cacheHealth(server)).toEqual(WITHOUT);
    await client.close();
    const { code, stderr } = await server.end('SIGTERM');
    expect(code).toBe(0);
    const told = stderr.split('\n').find((line) => line.includes('Redis is away'));
    expect((JSON.parse(told ?? '{}') as { reason?: string }).reason).toMatch(reason);
    expect(stderr).not.toContain('hunter2');
  });
});

describe('the address of the shared cache', () => {
  it.each(['redis.example.com:6379', 'http://redis.example.com', 'redis://redis.example.com/db', 'redis://:%zz@host'])(
    'that is none stops the start: %s',
    async (url) => {
      const { variables } = await embeddingService(() => 200);
      const failed = await world.failToServe(world.folder(), { ...variables, EMBEDDING__REDIS_URL: url });
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain('`embedding.redis_url` must be an address as redis://host:6379/0');
    },
  );

  it('is shown without user and password', async () => {
    const variables = { EMBEDDING__REDIS_URL: 'rediss://hunter:hunter2@redis.example.com:6380/1' };
    for (const form of [[], ['--json']]) {
      const { stdout } = await world.run(['config', 'show', ...form], world.folder(), variables);
      expect(stdout).toContain('rediss://...@redis.example.com:6380/1');
      expect(stdout).not.toContain('hunter');
    }
  });
});
