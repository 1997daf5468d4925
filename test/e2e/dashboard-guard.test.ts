import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, Browser, type HttpAnswer } from './support/browser.ts';
import { World, type ServerProcess } from './support/processes.ts';

const world = new World();
const SECRET = 'secret of the one key that there is!!';
let server: ServerProcess;
let browser: Browser;
beforeAll(async () => {
  server = await world.serve(world.folder(), {
    SERVER__HTTP_HOST: '0.0.0.0',
    DASHBOARD__ALLOWED_HOSTS: '["Memory.example.com", "203.0.113.7"]',
    KEYS__0__ID: 'mara',
    KEYS__0__SECRET: SECRET,
  });
  browser = new Browser(server);
  expect((await browser.login('mara', SECRET)).status).toBe(200);
});
afterAll(() => world.cleanUp());

const get = (path: string, headers: Record<string, string> = {}): Promise<HttpAnswer> => browser.ask(path, { headers });
const FORBIDDEN = { status: 403, body: { error: { code: 'FORBIDDEN' } } };

describe('the Host header', () => {
  it.each(['127.0.0.1', 'localhost', 'LOCALHOST', '127.9.9.9', '[::1]', 'memory.example.com', 'memory.example.com.'])(
    '%s is answered, with any port and without',
    async (host) => {
      for (const port of ['', ':80', `:${server.httpPort}`])
        expect((await get('/api/overview', { host: host + port })).status).toBe(200);
      expect((await get('/api/overview', { host: '203.0.113.7' })).status).toBe(200);
    },
  );

  it.each([
    'evil.example.com',
    'localhost.evil.example.com',
    'evil.localhost',
    'memory.example.com.evil.example.com',
    '127.0.0.1.nip.io',
    '198.51.100.1',
    '0.0.0.0',
    '[::]',
    'user@localhost',
    'localhost/x',
    'localhost#x',
    'localhost:x',
    'a b',
  ])('%j is refused on every page, its headers set all the same', async (host) => {
    for (const path of ['/', '/assets/x.js', '/api/overview', '/api/live', '/api/login', '/api/nothing']) {
      const answer = await get(path, { host });
      expect(answer).toMatchObject(FORBIDDEN);
      expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
      expect(answer.headers['cache-control']).toBe('no-store');
    }
  });

  it('does not matter to probes and scrapes', async () => {
    for (const path of ['/health/live', '/health/ready', '/metrics'])
      expect((await get(path, { host: 'evil.example.com' })).status).toBe(200);
  });
});

describe('a page of another site', () => {
  const own = (): string => `127.0.0.1:${server.httpPort}`;

  it.each([
    ['http://evil.example.com'],
    ['null'],
    ['http://127.0.0.1'],
    ['http://127.0.0.1:1'],
    ['http://localhost:80'],
    ['file://'],
    ['nonsense'],
    [''],
  ])('of the origin %j is refused', async (origin) => {
    expect(await get('/api/overview', { origin })).toMatchObject(FORBIDDEN);
    const body = { key_id: 'default', secret: 'x' };
    expect(await ask(server.httpPort, '/api/login', { body, headers: { origin } })).toMatchObject(FORBIDDEN);
  });

  it('is the same site under its own origin, behind TLS, too', async () => {
    expect((await get('/api/overview', { origin: `http://${own()}` })).status).toBe(200);
    const tls = { host: 'memory.example.com', origin: 'https://memory.example.com' };
    expect((await get('/api/overview', tls)).status).toBe(200);
    expect((await get('/api/overview', { ...tls, origin: 'https://memory.example.com:444' })).status).toBe(403);
  });

  it('is refused by what browsers say of it; only a link may lead here', async () => {
    for (const site of ['cross-site', 'same-site'])
      for (const path of ['/', '/api/overview', '/assets/x.js'])
        expect(await get(path, { 'sec-fetch-site': site })).toMatchObject(FORBIDDEN);
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect([200, 503]).toContain((await get('/', link)).status);
    expect(await get('/', { ...link, 'sec-fetch-dest': 'iframe' })).toMatchObject(FORBIDDEN);
    expect(await get('/api/overview', link)).toMatchObject(FORBIDDEN);
    for (const site of ['same-origin', 'none'])
      expect((await get('/api/overview', { 'sec-fetch-site': site })).status).toBe(200);
  });
});

describe('the overview', () => {
  it.each([{}, { 'x-forwarded-for': '203.0.113.7' }, { cookie: 'context_manager_login_1=x' }])(
    'is closed to who is not logged in: %j',
    async (headers) => {
      for (const path of ['/api/overview', '/api/live'])
        expect(await ask(server.httpPort, path, { headers: headers })).toMatchObject({
          status: 401,
          body: { error: { code: 'AUTH_FAILED' } },
        });
    },
  );
});

describe('the page', () => {
  it('comes with headers that keep it to itself', async () => {
    const { status, headers } = await get('/');
    expect([200, 503]).toContain(status);
    expect(headers).toMatchObject({
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
    });
  });

  it.each([
    '/assets/',
    '/assets/..%2findex.html',
    '/assets/..%2f..%2f..%2fpackage.json',
    '/assets/../../package.json',
    '/assets/..%5c..%5cpackage.json',
    '/assets/%2e%2e/%2e%2e/package.json',
    '/assets/%00',
    '/assets/index.js%00.css',
    '/assets//etc/passwd',
    '/assets/%2fetc%2fpasswd',
    '/assets/.',
    '/assets/__proto__',
    '/assets/constructor',
    '/assets/%ff',
    '/assets/%zz',
    '//assets/x',
  ])('has no file under %s', async (path) => {
    const answer = await get(path);
    expect([400, 404]).toContain(answer.status);
    expect(answer.text).not.toMatch(/"scripts"|root:|<html/);
  });
});

it('a sender that takes its time is cut off', async () => {
  const socket = connect(server.httpPort, '127.0.0.1');
  socket.write(
    'POST /api/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
  );
  const said = await new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', () => resolve(text));
    socket.on('close', () => resolve(text));
  });
  expect(said).toMatch(/^HTTP\/1.1 408 /);
});

it('nothing of it is there where it is switched off', async () => {
  const off = await world.serve(world.folder(), { DASHBOARD__ENABLED: 'false' });
  for (const path of ['/', '/api/overview', '/api/login', '/assets/x'])
    expect((await ask(off.httpPort, path)).status).toBe(404);
  expect((await ask(off.httpPort, '/health')).status).toBe(200);
  await off.end('SIGTERM');
});
