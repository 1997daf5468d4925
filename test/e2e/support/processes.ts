import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type Client } from '../../../clients/typescript/src/index.ts';

export const LAUNCHER = fileURLToPath(new URL('../../../src/bin.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServerProcess {
  readonly port: number;
  readonly httpPort: number;
  readonly dataDir: string;
  readonly pid: number;
  /** Connected as the default key, or as the one given. */
  connect(options?: { keyId?: string; secret?: string; sender?: string; namespace?: string }): Promise<Client>;
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

export type Variables = Readonly<Record<string, string>>;

/** Whom a process runs as; empty: this process' own. */
export interface User {
  readonly uid?: number;
  readonly gid?: number;
}

/** Folders and processes of one test file; `cleanUp` removes what is left of them. */
export class World {
  readonly #folders: string[] = [];
  readonly #children = new Set<ChildProcess>();

  folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'cm-e2e-'));
    this.#folders.push(path);
    return path;
  }

  async cleanUp(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    }
    this.#children.clear();
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  }

  /** `context-manager serve` in `folder`, on free ports; rejects with its words where it does not come up. `LOGGING__LEVEL`: empty leaves it to files. */
  async serve(
    folder: string,
    variables: Variables = {},
    user: User = {},
    options: readonly string[] = [],
  ): Promise<ServerProcess> {
    const { LOGGING__LEVEL: level = 'warn', ...others } = variables;
    const child = this.#spawn(
      ['serve', '--json', ...options],
      folder,
      {
        SERVER__PORT: '0',
        SERVER__HTTP_PORT: '0',
        ...(level === '' ? {} : { LOGGING__LEVEL: level }),
        ...others,
      },
      ['pipe', 'pipe'],
      user,
    );
    const ended = collect(child);
    const about = await Promise.race([
      firstJson(child),
      ended.then(({ stderr }) => Promise.reject(new Error(`the server did not start: ${stderr}`))),
    ]);
    return describeServer(child, ended, about);
  }

  /** `serve` that is killed with SIGKILL so much later, at whatever it is then; resolves when it is gone. */
  async serveUntilKilled(folder: string, variables: Variables, aliveMs: number): Promise<void> {
    const child = this.#spawn(['serve', '--json'], folder, { SERVER__PORT: '0', SERVER__HTTP_PORT: '0', ...variables });
    const ended = collect(child);
    await sleep(aliveMs);
    child.kill('SIGKILL');
    await ended;
    this.#children.delete(child);
  }

  /** `serve` as people start it; resolves with what it says until it is up, and how to end it. */
  async serveInTerminal(
    folder: string,
    variables: Variables = {},
  ): Promise<{ said: string; end(signal: NodeJS.Signals): Promise<Ended> }> {
    const child = this.#spawn(['serve'], folder, { SERVER__PORT: '0', SERVER__HTTP_PORT: '0', ...variables });
    const ended = collect(child);
    const said = await untilSaid(child, 'try next');
    return {
      said,
      end(signal) {
        child.kill(signal);
        return ended;
      },
    };
  }

  /** `npm start` in this checkout, with the data in `folder`. */
  async npmStart(
    folder: string,
    variables: Variables,
  ): Promise<{
    readonly port: number;
    kill(signal: NodeJS.Signals): void;
    end(signal: NodeJS.Signals): Promise<Ended>;
  }> {
    const child = spawn('npm', ['start'], {
      cwd: fileURLToPath(new URL('../../../', import.meta.url)),
      env: {
        ...this.#environment(folder),
        SERVER__PORT: '0',
        SERVER__HTTP_PORT: '0',
        VECTOR_DB__DATA_DIR: join(folder, 'data'),
        ...variables,
      },
    });
    this.#children.add(child);
    const ended = collect(child);
    const said = await untilSaid(child, 'try next');
    const kill = (signal: NodeJS.Signals): void => void child.kill(signal);
    return {
      port: Number(/listening +127\.0\.0\.1:(\d+)/.exec(said)?.[1]),
      kill,
      end(signal) {
        kill(signal);
        return ended;
      },
    };
  }

  /** A start that is expected to fail. */
  failToServe(folder: string, variables: Variables = {}): Promise<Ended> {
    return collect(this.#spawn(['serve'], folder, { SERVER__PORT: '0', SERVER__HTTP_PORT: '0', ...variables }));
  }

  /** Any other command line, to its end. */
  async run(args: readonly string[], folder: string, variables: Variables = {}, input = ''): Promise<Ended> {
    const child = this.#spawn(args, folder, variables);
    child.stdin?.end(input);
    return collect(child);
  }

  /** The same with standard output and standard error sent to a file or a device; what is sent there is not collected. */
  async runInto(
    { stdout, stderr }: { readonly stdout?: string; readonly stderr?: string },
    args: readonly string[],
    folder: string,
    variables: Variables = {},
  ): Promise<Ended> {
    const files = [stdout, stderr].map((path) => (path === undefined ? 'pipe' : openSync(path, 'w')));
    const child = this.#spawn(args, folder, variables, files);
    for (const file of files) if (typeof file === 'number') closeSync(file);
    child.stdin?.end();
    return collect(child);
  }

  /**
   * A command line in a terminal of 80 columns, whose reader types `answer` once `question` is seen. What it writes to
   * standard error comes on standard output, too, as a terminal shows it.
   */
  async runInTerminal(
    args: readonly string[],
    folder: string,
    variables: Variables = {},
    { question, answer }: { readonly question: string; readonly answer: string } = { question: '', answer: '' },
  ): Promise<Ended> {
    const quoted = [process.execPath, LAUNCHER, ...args].map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(' ');
    const child = spawn('script', ['-qec', `stty cols 80 -echo; ${quoted}`, '/dev/null'], {
      cwd: folder,
      env: { ...this.#environment(folder), TERM: 'xterm-256color', SHELL: '/bin/sh', ...variables },
    });
    this.#children.add(child);
    const ended = collect(child);
    if (question !== '') await untilSaid(child, question);
    child.stdin.write(answer);
    const { stdout, ...rest } = await ended;
    return { ...rest, stdout: stdout.replaceAll('\r\n', '\n') };
  }

  /** A command line whose input does not end, sent `signal` once `ready` has resolved. */
  async runUntil(
    ready: () => Promise<unknown>,
    signal: NodeJS.Signals,
    args: readonly string[],
    folder: string,
    variables: Variables,
    input: string,
  ): Promise<Ended> {
    const child = this.#spawn(args, folder, variables);
    const ended = collect(child);
    child.stdin?.write(input);
    await ready();
    child.kill(signal);
    return ended;
  }

  /**
   * Nothing of this process' own environment: a setting there must not decide a test. Compiled sources are kept from one
   * process to the next: without them a start is mostly the compiler's work.
   */
  #environment(folder: string): Variables {
    const cache = process.env['STRIPPED_SOURCES'];
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: join(cache, 'compiled') }),
    };
  }

  #spawn(
    args: readonly string[],
    folder: string,
    variables: Variables,
    outputs: readonly ('pipe' | number)[] = ['pipe', 'pipe'],
    user: User = {},
  ): ChildProcess {
    const env = { ...this.#environment(folder), ...variables };
    const child = spawn(process.execPath, [LAUNCHER, ...args], {
      cwd: folder,
      env,
      stdio: ['pipe', ...outputs],
      ...user,
    });
    this.#children.add(child);
    return child;
  }
}

async function collect(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

interface About {
  readonly port: number;
  readonly http: string;
  readonly data_dir: string;
  readonly secret_file: string | null;
}

async function firstJson(child: ChildProcess): Promise<About> {
  return JSON.parse(await untilSaid(child, '}\n')) as About;
}

/** What the child has written by the time that `text` is in it. */
function untilSaid(child: ChildProcess, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let said = '';
  child.stdout?.on('data', (chunk: string) => {
    said += chunk;
    if (said.includes(text)) resolve(said);
  });
  return promise;
}

function describeServer(child: ChildProcess, ended: Promise<Ended>, about: About): ServerProcess {
  return {
    port: about.port,
    httpPort: Number(new URL(about.http).port),
    dataDir: about.data_dir,
    pid: child.pid ?? -1,
    connect: ({ keyId = 'default', secret, ...rest } = {}) =>
      connect({
        host: '127.0.0.1',
        port: about.port,
        keyId,
        secret: secret ?? readFileSync(about.secret_file ?? '', 'utf8').trim(),
        ...rest,
      }),
    end(signal) {
      child.kill(signal);
      return ended;
    },
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** Variables that point a CLI at the server. */
export function cliVariables(server: ServerProcess): Variables {
  return { CONTEXT_MANAGER_PORT: String(server.port), CONTEXT_MANAGER_SECRET_FILE: join(server.dataDir, 'secret') };
}
