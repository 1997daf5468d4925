import { once } from 'node:events';
import { createServer } from 'node:net';
import { CommandError } from '../terminal/command-error.ts';
import { reachable } from './connection.ts';

/** What a check says of port 0: which port a server takes is known when it runs. */
export const ANY_PORT = 'not checked: any free port';

/** That a server could listen there. Throws `CommandError`. */
export async function probePort(host: string, port: number, setting: string): Promise<string> {
  if (port === 0) return ANY_PORT;
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    return `${host}:${port} is free`;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'EADDRINUSE') {
      throw new CommandError(
        `${host}:${port} is in use, by another program or by a server that this command did not reach`,
        `If it is your server, point --port and --secret-file at it; else stop it, or set ${setting} to another port.`,
      );
    }
    throw new CommandError(
      `cannot listen on ${host}:${port} (${code})`,
      `Set ${setting} and its host to what this user may take.`,
    );
  } finally {
    server.close();
  }
}

interface Answered {
  readonly status: string;
  readonly reason?: string;
}

export interface HealthAnswer {
  readonly status: string;
  readonly phase: string;
  readonly components: Readonly<Record<string, Answered>>;
}

const HEALTH_TIMEOUT_MS = 3000;

/** What the server says of itself over HTTP. Throws `CommandError` where nothing of ours answers. */
export async function fetchHealth(host: string, port: number): Promise<HealthAnswer> {
  const name = reachable(host);
  const url = `http://${name.includes(':') ? `[${name}]` : name}:${port}/health`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
    return (await response.json()) as HealthAnswer;
  } catch {
    throw new CommandError(
      `${url} does not answer`,
      'Check server.http_host and server.http_port against the running server.',
    );
  }
}
