import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Refused, WireClient } from '../support/wire-client.ts';
import { World, type ServerProcess } from './support/processes.ts';

// A real server that is told to end while clients without an SDK keep it busy.

const CLIENTS = 12;
const WINDOW = 8;
const world = new World();

afterAll(() => world.cleanUp());

function connect(server: ServerProcess): Promise<WireClient> {
  const secret = readFileSync(join(server.dataDir, 'secret'), 'utf8').trim();
  return WireClient.connect(server.port, { keyId: 'default', secret });
}

type Outcome = 'stored' | 'refused' | 'unanswered';

/** Keeps `WINDOW` stores under way until `isOver`; what became of each, and the ids that were acknowledged. */
class Storing {
  readonly outcomes: Outcome[] = [];
  readonly ids: string[] = [];
  sent = 0;
  readonly #client: WireClient;
  readonly #isOver: () => boolean;

  constructor(client: WireClient, isOver: () => boolean) {
    this.#client = client;
    this.#isOver = isOver;
  }

  /** Resolves when every request that was sent has its outcome. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: WINDOW }, () => this.#lane()));
  }

  async #lane(): Promise<void> {
    while (!this.#isOver()) {
      this.sent += 1;
      const outcome = await this.#store(`note ${this.sent}`);
      this.outcomes.push(outcome);
      if (outcome === 'unanswered') return;
    }
  }

  async #store(text: string): Promise<Outcome> {
    try {
      const { id } = await this.#client.request('context.store', { text, level: 'long_term' });
      this.ids.push(id);
      return 'stored';
    } catch (error) {
      return error instanceof Refused && error.code === 'SHUTTING_DOWN' ? 'refused' : 'unanswered';
    }
  }
}

/** Clients that store until `hears` says that they have heard goaway, and then end their side. */
async function busyClients(server: ServerProcess, hears: boolean): Promise<{ all: Storing[]; ended: Promise<void[]> }> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(server)));
  const all: Storing[] = [];
  const ended = clients.map(async (client) => {
    let heard = false;
    if (hears) void client.next().then((message) => (heard = message['type'] === 'goaway'));
    const storing = new Storing(client, () => heard);
    all.push(storing);
    await storing.run();
    client.duplex.end();
    await client.closed;
    client.duplex.destroy();
  });
  while (all.some(({ outcomes }) => outcomes.length < WINDOW)) await new Promise((resolve) => setTimeout(resolve, 5));
  return { all, ended: Promise.all(ended) };
}

describe('SIGTERM under load', () => {
  it('leaves no request without an answer', async () => {
    const folder = world.folder();
    const server = await world.serve(folder, { SERVER__SHUTDOWN_DEADLINE_MS: '120000' });
    const { all, ended } = await busyClients(server, true);
    const ending = server.end('SIGTERM');
    await ended;
    expect(await ending).toMatchObject({ code: 0, signal: null });
    const outcomes = all.flatMap((storing) => storing.outcomes);
    expect(outcomes.filter((outcome) => outcome === 'unanswered')).toEqual([]);
    expect(outcomes.length).toBe(all.reduce((sum, { sent }) => sum + sent, 0));

    const again = await world.serve(folder);
    const client = await again.connect();
    const stored = new Set<string>();
    for await (const { id } of client.list({ agent_id: '*', limit: 1000 })) stored.add(id);
    await client.close();
    expect(all.flatMap(({ ids }) => ids).filter((id) => !stored.has(id))).toEqual([]);
    await again.end('SIGTERM');
  });

  it('cuts off at the deadline clients that do not listen, having refused all that they sent', async () => {
    const server = await world.serve(world.folder(), { SERVER__SHUTDOWN_TIMEOUT_SECS: '1.5' });
    const { all, ended } = await busyClients(server, false);
    const before = all.map(({ outcomes }) => outcomes.length);
    expect(await server.end('SIGTERM')).toMatchObject({ code: 0, signal: null });
    await ended;
    for (const [place, { outcomes }] of all.entries()) {
      expect(outcomes.slice(before[place]).filter((outcome) => outcome === 'refused').length).toBeGreaterThan(0);
      // Those that were under way when it cut.
      expect(outcomes.filter((outcome) => outcome === 'unanswered').length).toBeLessThanOrEqual(WINDOW);
    }
  });

  it('ends at once at the second signal', async () => {
    const server = await world.serve(world.folder(), { SERVER__SHUTDOWN_DEADLINE_MS: '600000' });
    const client = await connect(server);
    server.kill('SIGTERM');
    expect((await client.next())['type']).toBe('goaway');
    expect(await server.end('SIGTERM')).toMatchObject({ code: 143 });
    await client.closed;
  });
});

// npm's shell on Windows has no `exec`.
describe.skipIf(process.platform === 'win32')('npm start', () => {
  it('passes SIGTERM on: what is in flight is finished, and the exit code is 0', async () => {
    const folder = world.folder();
    const started = await world.npmStart(folder, {});
    const client = await WireClient.connect(started.port, { keyId: 'default', secret: secretIn(folder) });
    await client.request('context.store', { text: 'a note', level: 'long_term' });
    client.duplex.end();
    const { code, stderr } = await started.end('SIGTERM');
    expect(stderr).toContain('stopped');
    expect(code).toBe(0);
    await client.closed;
  });

  it('and the second one, which ends at once', async () => {
    const folder = world.folder();
    const started = await world.npmStart(folder, { SERVER__SHUTDOWN_TIMEOUT_SECS: '600' });
    const client = await WireClient.connect(started.port, { keyId: 'default', secret: secretIn(folder) });
    started.kill('SIGTERM');
    expect((await client.next())['type']).toBe('goaway');
    expect((await started.end('SIGTERM')).code).not.toBe(0);
    await client.closed;
  });
});

function secretIn(folder: string): string {
  return readFileSync(join(folder, 'data', 'secret'), 'utf8').trim();
}
