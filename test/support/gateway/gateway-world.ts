import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog, type Log } from '../../../src/base/log.ts';
import type { KeySettings } from '../../../src/config/keys.ts';
import { toSettings } from '../../../src/config/settings.ts';
import type { Tree } from '../../../src/config/tree.ts';
import { hashOfToken } from '../../../src/fronts/gateway/tokens.ts';
import { startServer, type RunningServer } from '../../../src/main.ts';
import { ScriptedUpstream } from './scripted-upstream.ts';

export const TOKEN = 'cmg_of-the-tests';
export const SECRET = '0123456789abcdef0123456789abcdef';

export const KEY: KeySettings = {
  id: 'default',
  secret: SECRET,
  scopes: ['read', 'write', 'admin'],
  namespaces: ['*'],
};

export interface WorldOptions {
  readonly gateway?: Tree;
  /** Other sections of the settings. */
  readonly settings?: Tree;
  readonly keys?: readonly KeySettings[];
  /** Beside `TOKEN`, which belongs to the agent `bot`. */
  readonly tokens?: readonly Tree[];
  readonly log?: Log;
}

/** A whole server with its gateway, and a model service behind it that a test scripts. */
export class GatewayWorld {
  readonly upstream: ScriptedUpstream;
  readonly #folder: string;
  readonly #options: WorldOptions;
  #server: RunningServer;

  constructor(upstream: ScriptedUpstream, folder: string, options: WorldOptions, server: RunningServer) {
    this.upstream = upstream;
    this.#folder = folder;
    this.#options = options;
    this.#server = server;
  }

  static async open(options: WorldOptions = {}): Promise<GatewayWorld> {
    const upstream = await ScriptedUpstream.start();
    const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
    return new GatewayWorld(upstream, folder, options, await start(upstream, folder, options));
  }

  get server(): RunningServer {
    return this.#server;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#server.gatewayPort}`;
  }

  /** Stops the server and starts it on the same data. */
  async restart(): Promise<void> {
    await this.#server.stop();
    this.#server = await start(this.upstream, this.#folder, this.#options);
  }

  ask(path: string, options: RequestInit = {}, token = TOKEN): Promise<Response> {
    const headers = new Headers(options.headers);
    if (!headers.has('authorization')) headers.set('authorization', `Bearer ${token}`);
    return fetch(this.origin + path, { ...options, headers });
  }

  post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
    const json = { 'content-type': 'application/json', ...headers };
    return this.ask(path, { method: 'POST', body: JSON.stringify(body), headers: json });
  }

  /** A metric's value as an operator sees it; 0: it is not there. */
  async metric(row: string): Promise<number> {
    const page = await (await fetch(`http://127.0.0.1:${this.#server.httpPort}/metrics`)).text();
    const line = page.split('\n').find((each) => each.startsWith(`context_manager_${row} `));
    return Number(line?.split(' ').at(-1) ?? 0);
  }

  /** Resolves when all that was said is stored. */
  async settled(): Promise<void> {
    while ((await this.metric('gateway_sessions_storing')) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async close(): Promise<void> {
    await this.#server.stop();
    await this.upstream.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function start(upstream: ScriptedUpstream, folder: string, options: WorldOptions): Promise<RunningServer> {
  const { gateway = {}, settings = {}, keys = [KEY], tokens = [], log = silentLog } = options;
  const ours = { token_hash: hashOfToken(TOKEN), key_id: 'default', agent: 'bot' };
  return startServer(
    {
      settings: toSettings({
        server: { port: 0, http_port: 0, shutdown_timeout_secs: 2 },
        vector_db: { data_dir: folder },
        gateway: {
          enabled: true,
          port: 0,
          upstream_url: upstream.url,
          upstream_token: 'upstream-secret',
          tokens: [ours, ...tokens.map((token) => ({ key_id: 'default', ...token }))],
          ...gateway,
        },
        ...settings,
      }),
      keys,
    },
    { log },
  );
}
