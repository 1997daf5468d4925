import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { toSettings } from '../../../src/config/settings.ts';
import { hashOfToken } from '../../../src/fronts/gateway/tokens.ts';
import { startServer, type RunningServer } from '../../../src/main.ts';
import type { Log } from '../../../src/base/log.ts';
import { ScriptedUpstream } from '../../support/gateway/scripted-upstream.ts';
import { model } from '../../support/gateway/scripted-model.ts';
import { WireClient, type Credentials } from '../../support/wire-client.ts';

export const TOKEN = 'cmg_of-the-fuzzer';
export const CREDENTIALS = {
  keyId: 'default',
  secret: '0123456789abcdef0123456789abcdef',
} satisfies Credentials;

/** The server's time when it begins: the same in each run, so that a request that is repeated is as old as it was. */
export const START_MS = 1_800_000_000_000;
const DAY_MS = 86_400_000;

/** A whole server with all its doors, in this process, that writes down what it takes for a defect. */
export class FuzzWorld {
  readonly server: RunningServer;
  readonly defects: string[];
  readonly #upstream: ScriptedUpstream;
  readonly #folder: string;

  constructor(server: RunningServer, upstream: ScriptedUpstream, folder: string, defects: string[]) {
    this.server = server;
    this.#upstream = upstream;
    this.#folder = folder;
    this.defects = defects;
  }

  /** `upstreamUrl`: of a model service beside; by default one in this thread is asked. */
  static async open(upstreamUrl?: string): Promise<FuzzWorld> {
    const upstream = await ScriptedUpstream.start();
    upstream.answer(model(() => ({ text: 'I see.' })));
    const folder = await mkdtemp(join(tmpdir(), 'fuzz-'));
    const defects: string[] = [];
    const server = await startServer(
      {
        settings: toSettings({
          server: { port: 0, http_port: 0, shutdown_timeout_secs: 5 },
          vector_db: { data_dir: folder },
          protocol: { max_age_ms: DAY_MS },
          // Strangers and known ones come from one address here, and are many.
          rate_limit: { max_auth_delay_ms: 0 },
          snapshots: { retention_count: 1 },
          gateway: {
            enabled: true,
            port: 0,
            upstream_url: upstreamUrl ?? upstream.url,
            tokens: [{ token_hash: hashOfToken(TOKEN), key_id: 'default', agent: 'fuzz' }],
          },
        }),
        keys: [{ id: 'default', secret: CREDENTIALS.secret, scopes: ['read', 'write', 'admin'], namespaces: ['*'] }],
      },
      { log: logInto(defects), clock: clockFrom(START_MS) },
    );
    return new FuzzWorld(server, upstream, folder, defects);
  }

  connect(): Promise<WireClient> {
    const socket = connectSocket({ port: this.server.port, host: '127.0.0.1', noDelay: true });
    return WireClient.over(socket, CREDENTIALS, () => START_MS);
  }

  /** Deletes all that strangers' requests left, so that what grows is no memory of theirs. */
  async clear(): Promise<void> {
    this.#upstream.asked.length = 0;
    const client = await this.connect();
    const { namespaces } = await client.request('namespace.list', {});
    for (const { namespace } of namespaces) {
      const agent = { namespace, agent_id: '*' };
      for (const { session_id, agent_id } of (await client.request('session.list', { ...agent, limit: 1000 })).sessions)
        await client.request('session.reset', { session_id, namespace, agent_id, forget: true });
      for (const { id } of (await client.request('fact.list', { ...agent, limit: 1000, include_past: true })).facts)
        await client.request('fact.delete', { id, namespace });
      for (const level of ['immediate', 'short_term', 'long_term'] as const)
        await client.request('level.clear', { level, namespace });
    }
    await client.request('admin.cache_clear', {});
    await client.close();
  }

  async close(): Promise<void> {
    await this.server.stop();
    await this.#upstream.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function clockFrom(startMs: number): Clock {
  const startedMs = systemClock.monotonicMs();
  return {
    nowMs: () => Math.floor(startMs + systemClock.monotonicMs() - startedMs),
    monotonicMs: () => systemClock.monotonicMs(),
    after: (ms, run) => systemClock.after(ms, run),
    every: (ms, run) => systemClock.every(ms, run),
  };
}

function logInto(defects: string[]): Log {
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (fields, message) => {
      const { error } = fields as { readonly error?: unknown };
      defects.push(`${message}: ${error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(fields)}`);
    },
    child: () => log,
  };
  return log;
}

const MIB = 1024 * 1024;
let collect: ((options: object) => void) | null = null;
/** Gives pages back that a heap has got and uses no more: they are no growth, and come and go by a hundred megabytes. */
const ALL = { type: 'major', execution: 'sync', flavor: 'last-resort' };

export interface MemoryFigures {
  /** Of the whole process, all threads. */
  readonly residentMib: number;
  /** Of the thread that serves: objects and buffers that are in use. */
  readonly usedMib: number;
}

/** After what nobody needs has been collected. */
export function memoryFigures(): MemoryFigures {
  if (collect === null) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as (options: object) => void;
  }
  collect(ALL);
  const { rss, heapUsed, external } = process.memoryUsage();
  return { residentMib: Math.round(rss / MIB), usedMib: Math.round((heapUsed + external) / MIB) };
}
