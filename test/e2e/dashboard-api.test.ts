import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ask, Browser, type HttpAnswer } from './support/browser.ts';
import { World, type ServerProcess } from './support/processes.ts';

const world = new World();
afterAll(() => world.cleanUp());

const SECRETS = {
  all: 'secret of the key that sees all of it',
  home: 'secret of the key that sees home alone',
  shop: 'secret of the key that sees shop alone',
  old: 'secret of the key that has long expired',
  tenant: 'secret of the one who administrates home',
  few: 'secret of those who may ask two times a day',
};
const KEYS = {
  KEYS__0__ID: 'all',
  KEYS__0__SECRET: SECRETS.all,
  KEYS__1__ID: 'home',
  KEYS__1__SECRET: SECRETS.home,
  KEYS__1__SCOPES: '["read", "write"]',
  KEYS__1__NAMESPACES: '["home"]',
  KEYS__1__RATE_LIMIT__PER_SECOND: '1000',
  KEYS__1__RATE_LIMIT__BURST: '1000',
  KEYS__2__ID: 'shop',
  KEYS__2__SECRET: SECRETS.shop,
  KEYS__2__SCOPES: '["write"]',
  KEYS__2__NAMESPACES: '["shop"]',
  KEYS__3__ID: 'old',
  KEYS__3__SECRET: SECRETS.old,
  KEYS__3__NOT_AFTER: '2020-01-01T00:00:00Z',
  KEYS__4__ID: 'tenant',
  KEYS__4__SECRET: SECRETS.tenant,
  KEYS__4__NAMESPACES: '["home"]',
  ...Object.fromEntries(
    ['few-keys', 'few-overview', 'few-live'].flatMap((id, i) => [
      [`KEYS__${5 + i}__ID`, id],
      [`KEYS__${5 + i}__SECRET`, SECRETS.few],
      [`KEYS__${5 + i}__RATE_LIMIT__PER_SECOND`, '0.01'],
      [`KEYS__${5 + i}__RATE_LIMIT__BURST`, '2'],
    ]),
  ),
};

let server: ServerProcess;
let stored: string[] = [];
beforeAll(async () => {
  const folder = world.folder();
  server = await world.serve(folder, { ...KEYS, AUDIT__FOLDER: join(folder, 'audit') });
  const client = await server.connect({ keyId: 'home', secret: SECRETS.home, sender: 'mara' });
  const texts = Array.from({ length: 14 }, (_, i) => `turn ${i} is about the harbour`);
  const results = await client.storeBatch({
    contexts: texts.map((text, i) => ({ text, session_id: 'trip', created_at: 1_780_000_000_000 + 50_000 * i })),
  });
  stored = results.results.map((result) => ('id' in result ? result.id : ''));
  await client.close();
});

const browser = (): Browser => new Browser(server);

async function loggedIn(key: keyof typeof SECRETS): Promise<Browser> {
  const one = browser();
  expect((await one.login(key, SECRETS[key])).status).toBe(200);
  return one;
}

const refusal = (status: number, code: string): object => ({
  status,
  body: { error: { code, message: expect.any(String) as string } },
});
const texts = ({ body }: HttpAnswer): string[] =>
  (body as { contexts: { text: string }[] }).contexts.map(({ text }) => text);

describe('a login', () => {
  it('gives a cookie that no script reads and no other site sends', async () => {
    const { status, headers, body } = await browser().login('home', SECRETS.home);
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        key_id: 'home',
        scopes: ['read', 'write'],
        namespaces: ['home'],
        expires_at: expect.any(Number) as number,
        query_defaults: {
          weights: {
            similarity: expect.closeTo(0.7) as number,
            recency: expect.closeTo(0.15) as number,
            level: expect.closeTo(0.15) as number,
            frequency: expect.closeTo(0) as number,
          },
          ranking: 'proportional',
          max_tokens: 4000,
          limit: 50,
          relevance_threshold: 0.05,
          min_similarity: 0.05,
        },
      },
    });
    expect(headers['set-cookie']).toHaveLength(1);
    const [pair = '', ...flags] = headers['set-cookie']![0]!.split('; ');
    expect(pair).toMatch(new RegExp(`^context_manager_login_${server.httpPort}=[\\w-]{43}$`));
    expect(flags).toEqual(['HttpOnly', 'SameSite=Strict', 'Path=/', 'Max-Age=43200']);
    expect(JSON.stringify(body)).not.toContain(SECRETS.home);
  });

  it('over TLS gives one that goes over TLS alone', async () => {
    const answer = await ask(server.httpPort, '/api/login', {
      body: { key_id: 'home', secret: SECRETS.home },
      headers: { 'x-forwarded-proto': 'https' },
    });
    expect(answer.headers['set-cookie']![0]).toMatch(/; Secure$/);
  });

  it('is told back, and is over after logout', async () => {
    const one = await loggedIn('home');
    expect((await one.ask('/api/login')).body).toMatchObject({ key_id: 'home', namespaces: ['home'] });
    const { status, body, headers } = await one.ask('/api/logout', { method: 'POST' });
    expect({ status, body }).toEqual({ status: 200, body: {} });
    expect(headers['set-cookie']![0]).toContain('Max-Age=0');
    expect(await one.ask('/api/login')).toMatchObject(refusal(401, 'AUTH_FAILED'));
    expect(await one.request('context.list')).toMatchObject(refusal(401, 'AUTH_FAILED'));
  });

  it('is taken by its port alone, as browsers send a cookie to every port of a host', async () => {
    const { headers } = await browser().login('home', SECRETS.home);
    const token = /=([^;]+)/.exec(headers['set-cookie']![0]!)![1]!;
    for (const [port, status] of [
      [server.httpPort, 200],
      [server.httpPort + 1, 401],
    ]) {
      const cookie = `context_manager_login_${port}=${token}`;
      expect((await ask(server.httpPort, '/api/login', { headers: { cookie } })).status).toBe(status);
    }
  });

  it.each(['/api/keys', '/api/overview', '/api/live'])('counts with %s as requests of its key', async (path) => {
    const one = browser();
    const key = `few${path.slice(4).replace('/', '-')}` as const;
    expect((await one.login(key, SECRETS.few)).status).toBe(200);
    // A stream has no end to wait for.
    expect((await one.ask(path === '/api/live' ? '/api/overview' : path)).status).toBe(200);
    expect(await one.ask(path)).toMatchObject({ status: 429, body: { error: { code: 'RATE_LIMITED' } } });
  });

  it.each([
    ['context.list', 'none', ''],
    ['context.list', 'a made-up one', 'context_manager_login_PORT=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    ['context.list', 'an empty one', 'context_manager_login_PORT='],
    ['context.list', 'one without a value', 'context_manager_login_PORT'],
  ])('is wanted for %s, and %s is none', async (type, _what, cookie) => {
    const answer = await ask(server.httpPort, `/api/request/${type}`, {
      body: {},
      headers: { cookie: cookie.replace('PORT', String(server.httpPort)) },
    });
    expect(answer).toMatchObject(refusal(401, 'AUTH_FAILED'));
  });

  it.each([[{}], [{ key_id: 'all' }], [{ key_id: 'all', secret: 7 }], [{ key_id: ['all'], secret: SECRETS.all }]])(
    'of %j is a bad request',
    async (body) => {
      expect(await browser().ask('/api/login', { body })).toMatchObject(refusal(400, 'BAD_REQUEST'));
    },
  );
});

describe('failed logins', () => {
  it('are all alike, slowed down, counted and written down', async () => {
    const folder = world.folder();
    const own = await world.serve(folder, {
      ...KEYS,
      AUDIT__FOLDER: join(folder, 'audit'),
      RATE_LIMIT__MAX_AUTH_DELAY_MS: '5000',
    });
    const one = new Browser(own);
    const wrong = [
      ['all', 'not the secret of that key at all'],
      ['nobody', SECRETS.all],
      ['old', SECRETS.old],
      ['', ''],
      ['home', SECRETS.all],
    ] as const;
    const answers: HttpAnswer[] = [];
    for (const [keyId, secret] of wrong) answers.push(await one.login(keyId, secret));
    for (const answer of answers) {
      expect(answer).toMatchObject(refusal(401, 'AUTH_FAILED'));
      expect(answer.body).toEqual(answers[0]!.body);
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
    const later = await Promise.all(Array.from({ length: 90 }, () => one.login('all', 'wrong')));
    expect(new Set(later.map(({ status }) => status))).toEqual(new Set([401, 429]));
    const limited = later.find(({ status }) => status === 429);
    expect(limited?.body).toMatchObject({
      error: { code: 'RATE_LIMITED', retry_after_ms: expect.any(Number) as number },
    });
    expect(limited?.headers['retry-after']).toMatch(/^[1-5]$/);
    const tried = later.filter(({ status }) => status === 401);
    // Who has the secret waits for nobody, once the others of his address have been told.
    expect((await one.login('all', SECRETS.all)).status).toBe(200);
    const metrics = (await one.ask('/metrics')).text;
    const failures = /context_manager_auth_failures_total\{code="AUTH_FAILED"\} (\d+)/.exec(metrics)?.[1];
    expect(Number(failures)).toBe(wrong.length + tried.length);
    expect(metrics).toMatch(/context_manager_auth_delayed_total [1-9]/);
    await own.end('SIGTERM');
    const audit = readFileSync(join(folder, 'audit', auditName()), 'utf8');
    expect(audit).toContain('"key":"nobody","type":"auth","outcome":"AUTH_FAILED","door":"http","address":"127.0.0.1"');
    expect(audit).not.toContain(SECRETS.all);
  });
});

function auditName(): string {
  return `audit-${new Date().toISOString().slice(0, 10)}.jsonl`;
}

describe('a request', () => {
  it('is answered as the wire answers it', async () => {
    const one = await loggedIn('home');
    const listed = await one.request('context.list', { agent_id: '*', limit: 3 });
    expect(texts(listed)).toEqual([13, 12, 11].map((i) => `turn ${i} is about the harbour`));
    expect(listed.headers['content-type']).toBe('application/json; charset=utf-8');
    const queried = await one.request('context.query', { query: 'harbour turn 4', agent_id: '*', explain: true });
    expect(texts(queried)).toContain('turn 4 is about the harbour');
    expect(queried.body).toHaveProperty('receipts');
    expect((await one.request('namespace.list')).body).toMatchObject({ namespaces: [{ namespace: 'home' }] });
    expect((await one.request('stats', { namespace: 'home' })).body).toMatchObject({ counts: { total: 14 } });
  });

  it('is a look and no use: it counts no access, so that no rank moves by it', async () => {
    const one = await loggedIn('home');
    const id = stored[3]!;
    const ofAll = { namespace: 'home', agent_id: '*' };
    const count = async (): Promise<number> => {
      const { body } = await one.request('context.list', ofAll);
      return (body as { contexts: { id: string; access_count: number }[] }).contexts.find((each) => each.id === id)!
        .access_count;
    };
    const before = await count();
    await one.request('context.get', { id });
    const found = await one.request('context.query', { ...ofAll, query: 'turn 3 is about the harbour' });
    expect((found.body as { contexts: { id: string }[] }).contexts.map((each) => each.id)).toContain(id);
    await one.ask(`/api/neighbours?namespace=home&id=${id}`);
    expect(await count()).toBe(before);
    const client = await server.connect({ keyId: 'home', secret: SECRETS.home });
    await client.get({ id });
    await client.close();
    expect(await count()).toBe(before + 1);
  });

  it('has the scopes and the namespaces of the key that is logged in', async () => {
    const shop = await loggedIn('shop');
    expect(await shop.request('context.list')).toMatchObject(refusal(403, 'FORBIDDEN'));
    const home = await loggedIn('home');
    expect(await home.request('context.list', { namespace: 'shop' })).toMatchObject(refusal(403, 'FORBIDDEN'));
    expect(await home.request('admin.snapshots')).toMatchObject(refusal(403, 'FORBIDDEN'));
    expect(await home.ask('/api/keys')).toMatchObject(refusal(403, 'FORBIDDEN'));
    const tenant = await loggedIn('tenant');
    for (const type of ['admin.snapshots', 'admin.slowlog'])
      expect(await tenant.request(type)).toMatchObject(refusal(403, 'FORBIDDEN'));
    const all = await loggedIn('all');
    expect((await all.request('admin.snapshots')).body).toEqual({ snapshots: [] });
    expect(texts(await all.request('context.list', { namespace: 'home', agent_id: 'mara', limit: 1 }))).toHaveLength(1);
  });

  it.each([
    'context.store',
    'context.update',
    'context.used',
    'context.delete',
    'context.store_batch',
    'level.clear',
    'admin.gc',
    'admin.snapshot',
    'admin.cache_clear',
    'admin.circuit_reset',
    'ping',
    'nonsense',
    '__proto__',
    'context.list%00',
    '..%2fkeys',
  ])('of the type %s is refused, as it changes something or is none', async (type) => {
    const all = await loggedIn('all');
    expect(await all.request(type, { text: 'x' })).toMatchObject(refusal(403, 'FORBIDDEN'));
  });

  it.each<[string, string | Buffer]>([
    ['not JSON', '{"limit": '],
    ['no object', '[]'],
    ['a number', '7'],
    ['null', 'null'],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['a key twice', '{"limit": 1, "limit": 2}'],
    ['a prototype', '{"__proto__": {"limit": 1}}'],
    [
      'a number past all numbers',
      '{"agent_id": "*", "filter": {"must": [{"key": "created_at", "range": {"lt": 1e999}}]}}',
    ],
    ['a number that loses digits', '{"filter": {"must": [{"key": "created_at", "range": {"lt": 9007199254740993}}]}}'],
    ['an unknown field', '{"nonsense": 1}'],
    ['bytes that are no base64', '{"embedding": "?"}'],
    ['nesting', `{"filter": ${'{"must": ['.repeat(40)}${']}'.repeat(40)}}`],
    ['a hundred thousand brackets', '['.repeat(100_000)],
  ])('whose body is or has %s is a bad request', async (_what, body) => {
    const one = await loggedIn('home');
    const type = String(body).includes('embedding') ? 'context.query' : 'context.list';
    expect(await one.ask(`/api/request/${type}`, { body })).toMatchObject(refusal(400, 'BAD_REQUEST'));
  });

  it('is as long as a query may be, and no longer', async () => {
    const one = await loggedIn('home');
    const query = 'ж'.repeat(262_144);
    expect((await one.request('context.query', { query, agent_id: '*' })).status).toBe(200);
    expect(await one.request('context.query', { query: `${query}ж` })).toMatchObject(refusal(413, 'PAYLOAD_TOO_LARGE'));
    const huge = await one.ask('/api/request/context.query', { body: `{"query": "${'x'.repeat(3 * 1024 * 1024)}"}` });
    expect(huge).toMatchObject(refusal(413, 'PAYLOAD_TOO_LARGE'));
  });

  it('of a stranger is refused before its body is read', async () => {
    const answer = await ask(server.httpPort, '/api/request/context.query', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': 3 * 1024 * 1024, expect: '100-continue' },
    }).catch(() => null);
    expect(answer).toMatchObject(refusal(401, 'AUTH_FAILED'));
  });

  it('with another type of body, or by another method, is none', async () => {
    const one = await loggedIn('home');
    const headers = { 'content-type': 'text/plain' };
    expect((await one.ask('/api/request/context.list', { body: '{}', headers })).status).toBe(415);
    expect((await one.ask('/api/request/context.list')).status).toBe(405);
    expect((await one.ask('/api/login', { method: 'DELETE' })).headers['allow']).toBe('GET, HEAD, POST');
    expect(await one.ask('/api/live', { method: 'HEAD' })).toMatchObject({ status: 405, text: '' });
    expect((await one.ask('/api/overview', { method: 'HEAD' })).status).toBe(200);
    expect(await one.ask('/api/nothing')).toMatchObject(refusal(404, 'NOT_FOUND'));
  });

  it('finds the turns of a session around one of its contexts', async () => {
    const one = await loggedIn('home');
    const around = async (i: number): Promise<unknown> => {
      const { body } = await one.ask(`/api/neighbours?namespace=home&id=${stored[i]}`);
      const { before, after } = body as Record<'before' | 'after', { text: string }[]>;
      return [before, after].map((turns) => turns.map(({ text }) => Number(/\d+/.exec(text)?.[0])));
    };
    expect(await around(6)).toEqual([
      [1, 2, 3, 4, 5],
      [7, 8, 9, 10, 11],
    ]);
    expect(await around(0)).toEqual([[], [1, 2, 3, 4, 5]]);
    expect(await around(13)).toEqual([[8, 9, 10, 11, 12], []]);
    expect(await one.ask(`/api/neighbours?namespace=shop&id=${stored[1]}`)).toMatchObject(refusal(403, 'FORBIDDEN'));
    expect(await one.ask('/api/neighbours?namespace=home')).toMatchObject(refusal(400, 'BAD_REQUEST'));
    expect(await one.ask('/api/neighbours?namespace=home&id=x&id=y')).toMatchObject(refusal(400, 'BAD_REQUEST'));
  });

  it('shows an administrator the keys, without their secrets', async () => {
    const { body, text } = await (await loggedIn('all')).ask('/api/keys');
    expect(body).toMatchObject({
      keys: [
        {
          id: 'all',
          scopes: ['read', 'write', 'admin'],
          namespaces: ['*'],
          not_after: null,
          disabled: false,
          secrets: 1,
          rate_limit: null,
          last_used_at: expect.any(Number) as number,
        },
        { id: 'home', rate_limit: { per_second: 1000, burst: 1000 } },
        { id: 'shop', namespaces: ['shop'] },
        { id: 'old', not_after: Date.parse('2020-01-01T00:00:00Z') },
        { id: 'tenant' },
        { id: 'few-keys' },
        { id: 'few-overview' },
        { id: 'few-live' },
      ],
    });
    for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
    const ofTenant = (await (await loggedIn('tenant')).ask('/api/keys')).body as { keys: { id: string }[] };
    expect(ofTenant.keys.map(({ id }) => id)).toEqual(['home', 'tenant']);
  });
});

describe('a login whose key', () => {
  it('expires is over with it', async () => {
    const atMs = Date.now() + 3_000;
    const own = await world.serve(world.folder(), { ...KEYS, KEYS__1__NOT_AFTER: new Date(atMs).toISOString() });
    const one = new Browser(own);
    const login = await one.login('home', SECRETS.home);
    // A machine that is slow may have started too late for it.
    if (login.status === 200) expect((login.body as { expires_at: number }).expires_at).toBe(atMs);
    await vi.waitFor(async () => expect((await one.ask('/api/login')).status).toBe(401), { timeout: 60_000 });
    await own.end('SIGTERM');
  });

  it.skipIf(process.platform === 'win32')('is taken away by a reload is over at once', async () => {
    const folder = world.folder();
    const path = join(folder, 'keys.toml');
    const keys = (ids: readonly string[]): string =>
      ids.map((id) => `[[keys]]\nid = "${id}"\nsecret = "${SECRETS.home}-${id}"\n`).join('');
    writeFileSync(path, keys(['a', 'b']), { mode: 0o600 });
    const own = await world.serve(folder, { CONFIG_PATH: path });
    const [a, b] = [new Browser(own), new Browser(own)];
    expect((await a.login('a', `${SECRETS.home}-a`)).status).toBe(200);
    expect((await b.login('b', `${SECRETS.home}-b`)).status).toBe(200);
    writeFileSync(path, keys(['b']), { mode: 0o600 });
    own.kill('SIGHUP');
    await vi.waitFor(async () => expect((await a.ask('/api/login')).status).toBe(401), { timeout: 60_000 });
    expect((await a.login('a', `${SECRETS.home}-a`)).status).toBe(401);
    expect((await b.ask('/api/login')).status).toBe(200);
    await own.end('SIGTERM');
  });
});
