import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/support/free-port.ts';

const LAUNCHER = fileURLToPath(new URL('../../src/bin.js', import.meta.url));
const READY_TIMEOUT_MS = 60_000;

/** A server as its own process, on free ports, with a data folder of its own. */
export interface ServerProcess {
  readonly host: string;
  readonly port: number;
  readonly httpPort: number;
  readonly secret: string;
  readonly dataDir: string;
  readonly pid: number;
  readonly startupMs: number;
  /** Stops it; the data folder goes too unless `keepData`. */
  stop(options?: { keepData?: boolean }): Promise<void>;
}

export interface ServerOptions {
  /** Settings as environment overrides, `SECTION__KEY`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** An existing folder to start on; default: a fresh one. */
  readonly dataDir?: string;
  /** Options of Node itself, such as `--cpu-prof`. */
  readonly nodeArgs?: readonly string[];
}

/** Resolves when the server says that it is ready; rejects with its last words where it ends before. */
export async function startServerProcess(options: ServerOptions = {}): Promise<ServerProcess> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'context-manager-bench-')));
  const [port, httpPort] = [await freePort(), await freePort()];
  const secret = 'a-secret-for-measuring-on-loopback-only';
  const startedMs = performance.now();
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), LAUNCHER, 'serve'], {
    env: {
      ...process.env,
      PROTOCOL_SECRET: secret,
      SERVER__PORT: String(port),
      SERVER__HTTP_PORT: String(httpPort),
      VECTOR_DB__DATA_DIR: dataDir,
      LOGGING__LEVEL: 'warn',
      ...options.settings,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lastWords = collectStderr(child);
  // A run that is cut off leaves no server behind.
  const killOnExit = (): void => {
    child.kill('SIGKILL');
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
  };
  process.once('exit', killOnExit);
  child.once('exit', () => process.off('exit', killOnExit));
  const byTls = options.settings?.['TLS__CERT'] !== undefined;
  await untilReady(child, `${byTls ? 'https' : 'http'}://127.0.0.1:${httpPort}/health/readiness`, lastWords);
  return {
    host: '127.0.0.1',
    port,
    httpPort,
    secret,
    dataDir,
    pid: child.pid ?? -1,
    startupMs: performance.now() - startedMs,
    async stop({ keepData = false } = {}) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      if (!keepData) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function collectStderr(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-4_000);
  });
  return () => text;
}

async function untilReady(child: ChildProcess, url: string, lastWords: () => string): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}:\n${lastWords()}`);
    const ready = await isOk(url);
    if (ready) return;
    await sleep(25);
  }
  child.kill('SIGKILL');
  throw new Error(`the server was not ready within ${READY_TIMEOUT_MS} ms:\n${lastWords()}`);
}

/** Over TLS whatever its certificate: it is the server that was started here. */
function isOk(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ask = url.startsWith('https:') ? httpsGet(url, { rejectUnauthorized: false }) : httpGet(url);
    ask.on('error', () => resolve(false));
    ask.on('response', (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
  });
}
