import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { WireClient } from '../support/wire-client.ts';
import { World, type ServerProcess } from './support/processes.ts';

const world = new World();
afterAll(() => world.cleanUp());

type Line = Readonly<Record<string, unknown>>;

interface Key {
  readonly id: string;
  readonly secret: string;
  readonly scopes?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly rate_limit?: { readonly per_second: number; readonly burst: number };
}

const secretOf = (letter: string): string => `secret ${letter}: ${letter.repeat(32)}`;
const [A, B, C] = ['a', 'b', 'c'].map((id): Key => ({ id, secret: secretOf(id) })) as [Key, Key, Key];

/** A server whose settings stand in a file that a test changes. */
class Reloaded {
  readonly folder = world.folder();
  readonly #log = join(this.folder, 'server.log');
  #server: ServerProcess | null = null;

  configure(keys: readonly Key[], sections: Readonly<Record<string, object>> = {}): void {
    const lines: string[] = [];
    const all = { ...sections, logging: { file: this.#log, ...sections['logging'] } };
    const valueOf = (value: unknown): string =>
      typeof value === 'object' && !Array.isArray(value)
        ? `{ ${Object.entries(value as object)
            .map(([name, each]) => `${name} = ${valueOf(each)}`)
            .join(', ')} }`
        : JSON.stringify(value);
    const table = (head: string, values: object): void => {
      lines.push(head, ...Object.entries(values).map(([name, value]) => `${name} = ${valueOf(value)}`));
    };
    for (const [section, values] of Object.entries(all)) table(`[${section}]`, values);
    for (const key of keys) table('[[keys]]', key);
    this.write(lines.join('\n'));
  }

  write(toml: string): void {
    mkdirSync(join(this.folder, 'config'), { recursive: true });
    writeFileSync(join(this.folder, 'config', 'default.toml'), toml);
  }

  async start(variables: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#server = await world.serve(this.folder, { LOGGING__LEVEL: '', ...variables });
  }

  get server(): ServerProcess {
    return this.#server!;
  }

  said(message: string): Line[] {
    if (!existsSync(this.#log)) return [];
    return readFileSync(this.#log, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
      .filter(({ msg }) => msg === message);
  }

  /** SIGHUP, and what the log says when it is done. */
  async hangUp(outcome = 'reloaded'): Promise<Line> {
    const before = this.said(outcome).length;
    this.server.kill('SIGHUP');
    await expect.poll(() => this.said(outcome).length, { timeout: 30_000 }).toBe(before + 1);
    return this.said(outcome).at(-1)!;
  }

  wire(key: Key): Promise<WireClient> {
    const socket = connectSocket({ port: this.server.port, host: '127.0.0.1' });
    return WireClient.over(socket, { keyId: key.id, secret: key.secret });
  }
}

const FAILED = 'the configuration cannot be read again: all stays as it was';
const REFUSED = expect.objectContaining({ code: 'AUTH_FAILED' }) as unknown;

describe.skipIf(process.platform === 'win32')('SIGHUP', () => {
  it('takes over keys: added, removed, and what they may do', async () => {
    const world = new Reloaded();
    world.configure([A, B], { audit: { folder: join(world.folder, 'audit') } });
    await world.start();
    const [a, b] = [await world.wire(A), await world.wire(B)];
    await a.request('context.store', { text: 'while a may write' });
    await expect(world.wire(C)).rejects.toEqual(REFUSED);
    world.configure([{ ...A, scopes: ['read'] }, C], { audit: { folder: join(world.folder, 'audit') } });
    expect(await world.hangUp()).toMatchObject({
      keys_added: ['c'],
      keys_removed: ['b'],
      keys_changed: ['a'],
      settings_changed: ['keys'],
    });
    await expect(a.request('context.store', { text: 'no more' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await a.request('ping', {})).toMatchObject({ healthy: true });
    expect(await b.nextError()).toEqual(REFUSED);
    await b.closed;
    await expect(world.wire(B)).rejects.toEqual(REFUSED);
    expect(await (await world.wire(C)).request('ping', {})).toMatchObject({ healthy: true });
    expect((await world.server.end('SIGTERM')).code).toBe(0);
    const [file = ''] = readdirSync(join(world.folder, 'audit'));
    const audited = readFileSync(join(world.folder, 'audit', file), 'utf8');
    expect(audited).toMatch(
      /"type":"reload","outcome":"ok","door":"signal","keys_added":\["c"\],"keys_removed":\["b"\]/,
    );
    expect(audited + readFileSync(join(world.folder, 'server.log'), 'utf8')).not.toContain('cccc');
  });

  it('rotates a secret: with both each is right, and who used the one that is gone is closed', async () => {
    const world = new Reloaded();
    const newer = { ...A, secret: secretOf('newer') };
    world.configure([A]);
    await world.start();
    const old = await world.wire(A);
    world.configure([A, newer]);
    expect(await world.hangUp()).toMatchObject({ keys_changed: ['a'] });
    const rotated = await world.wire(newer);
    expect(await old.request('ping', {})).toMatchObject({ healthy: true });
    world.configure([newer]);
    await world.hangUp();
    expect(await old.nextError()).toEqual(REFUSED);
    expect(await rotated.request('ping', {})).toMatchObject({ healthy: true });
    await expect(world.wire(A)).rejects.toEqual(REFUSED);
  });

  it('changes nothing where there is a fault, and says how to mend it', async () => {
    const world = new Reloaded();
    world.configure([A, B]);
    await world.start();
    const client = await world.wire(B);
    const faults: [Key[], Record<string, object>, RegExp][] = [
      [[A], { server: { max_connections: 0 } }, /reference\.toml/],
      [[A, { ...C, secret: 'short' }], {}, /openssl|32/],
      [[A, { ...A, secret: secretOf('x') }, { ...A, secret: secretOf('y') }], {}, /two secrets/],
      [[A], { hirag: { gc_schedule: 'now and then' } }, /Write it as/],
    ];
    for (const [keys, sections, remedy] of faults) {
      world.configure(keys, sections);
      expect(await world.hangUp(FAILED)).toMatchObject({ remedy: expect.stringMatching(remedy) as string });
    }
    world.write('[[keys]\n');
    await world.hangUp(FAILED);
    expect(await client.request('ping', {})).toMatchObject({ healthy: true });
    await expect(world.wire(C)).rejects.toEqual(REFUSED);
    const metrics = await (await fetch(`http://127.0.0.1:${world.server.httpPort}/metrics`)).text();
    expect(metrics).toMatch(/reloads_total\{outcome="failed"\} \d/);
    world.configure([A]);
    await world.hangUp();
    expect(await client.nextError()).toEqual(REFUSED);
  });

  it('names what needs a restart, as long as it does', async () => {
    const world = new Reloaded();
    world.configure([A]);
    await world.start();
    const needing = 'changed, but needs a restart: these settings are as they were at the start';
    world.configure([A], {
      server: { shutdown_timeout_secs: 3 },
      vector_db: { data_dir: 'elsewhere', timeout_secs: 9 },
    });
    await world.hangUp(needing);
    await world.hangUp(needing);
    expect(world.said(needing).at(-1)).toMatchObject({
      settings: ['server.shutdown_timeout_secs', 'vector_db.data_dir', 'vector_db.timeout_secs'],
    });
    world.configure([A]);
    await world.hangUp();
    expect(world.said(needing)).toHaveLength(2);
    expect(existsSync(join(world.folder, 'elsewhere'))).toBe(false);
  });

  it('reads secrets from the files that they stand in, also the generated one', async () => {
    const world = new Reloaded();
    world.configure([]);
    await world.start();
    const path = join(world.server.dataDir, 'secret');
    const before = { id: 'default', secret: readFileSync(path, 'utf8').trim() };
    const old = await world.wire(before);
    writeFileSync(path, secretOf('new'));
    expect(await world.hangUp()).toMatchObject({ keys_changed: ['default'], settings_changed: [] });
    expect(await old.nextError()).toEqual(REFUSED);
    expect((await world.wire({ id: 'default', secret: secretOf('new') })).welcome).toMatchObject({ namespaces: ['*'] });
    writeFileSync(path, 'short');
    await world.hangUp(FAILED);
    await (await world.wire({ id: 'default', secret: secretOf('new') })).close();
  });

  it('changes limits, and keeps what was taken of those that stay', async () => {
    const world = new Reloaded();
    const rate = { per_second: 0.01, burst: 5 };
    world.configure([{ ...A, rate_limit: rate }, B]);
    await world.start();
    const [a, b] = [await world.wire(A), await world.wire(B)];
    const outcomes = async (client: WireClient, count: number): Promise<string[]> => {
      const asked = Array.from({ length: count }, () => client.request('ping', {}));
      return (await Promise.allSettled(asked)).map((one) =>
        one.status === 'fulfilled' ? 'ok' : (one.reason as { code: string }).code,
      );
    };
    expect(await outcomes(a, 5)).toEqual(Array(5).fill('ok'));
    const limits = { enabled: true, requests_per_minute: 0.6, burst_size: 8 };
    world.configure([{ ...A, rate_limit: rate }, B], {
      rate_limit: limits,
      server: { max_connections_per_address: 2 },
    });
    await world.hangUp();
    expect(await outcomes(a, 1)).toEqual(['RATE_LIMITED']);
    // The address has asked for one of eight.
    expect((await outcomes(b, 9)).toSorted()).toEqual([
      'RATE_LIMITED',
      'RATE_LIMITED',
      ...(Array(7).fill('ok') as string[]),
    ]);
    const one = world.server.connect({ keyId: B.id, secret: B.secret });
    await expect(one).rejects.toMatchObject({ code: 'OVERLOADED' });
    world.configure([A, B]);
    await world.hangUp();
    expect(new Set([...(await outcomes(a, 50)), ...(await outcomes(b, 50))])).toEqual(new Set(['ok']));
  });

  it('many times over, under load, harms no request', async () => {
    const world = new Reloaded();
    world.configure([A, B]);
    await world.start();
    const client = await world.wire(A);
    const asked: Promise<unknown>[] = [];
    for (let turn = 0; turn < 15; turn++) {
      world.configure(turn % 2 === 0 ? [A] : [A, B]);
      world.server.kill('SIGHUP');
      for (let i = 0; i < 20; i++) asked.push(client.request('context.store', { text: `turn ${turn}, ${i}` }));
      await Promise.all(asked.slice(-20));
    }
    expect(await Promise.all(asked)).toHaveLength(300);
    await world.hangUp();
    expect((await world.server.end('SIGTERM')).code).toBe(0);
  });
});
