import { once } from 'node:events';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { json } from 'node:stream/consumers';
import type { TlsOptions } from '../../../clients/typescript/src/index.ts';
import { CommandError } from '../terminal/command-error.ts';
import { reachable } from './connection.ts';
import { DESCRIPTIONS, whoListens } from './who-listens.ts';

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
        `${host}:${port} is in use by ${DESCRIPTIONS[await whoListens(reachable(host), port)]}`,
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

/**
 * What the server says of itself over HTTP, or over HTTPS where `tls` says how. Throws `CommandError` where nothing of ours answers.
 */
export async function fetchHealth(host: string, port: number, tls?: TlsOptions): Promise<HealthAnswer> {
  const name = reachable(host);
  const url = `${tls === undefined ? 'http' : 'https'}://${name.includes(':') ? `[${name}]` : name}:${port}/health`;
  const answer = await answerOf(url, tls);
  if (isHealthAnswer(answer)) return answer;
  const who = await whoListens(name, port);
  throw new CommandError(
    who === 'nobody' || who === 'server http' ? `${url} does not answer` : `${url} is answered by ${DESCRIPTIONS[who]}`,
    'Check server.http_host and server.http_port against the running server.',
  );
}

/** Undefined: there is none, or it is no JSON. */
async function answerOf(url: string, tls: TlsOptions | undefined): Promise<unknown> {
  const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS);
  try {
    return await (tls === undefined
      ? (await fetch(url, { signal, redirect: 'manual' })).json()
      : askByTls(url, tls, signal));
  } catch {
    return undefined;
  }
}

async function askByTls(url: string, { serverName, ...tls }: TlsOptions, signal: AbortSignal): Promise<unknown> {
  const named = serverName === undefined ? {} : { servername: serverName };
  const { promise, resolve, reject } = Promise.withResolvers<Parameters<typeof json>[0]>();
  get(url, { ...(tls as object), ...named, agent: false, signal }, resolve).on('error', reject);
  return json(await promise);
}

function isHealthAnswer(answer: unknown): answer is HealthAnswer {
  if (typeof answer !== 'object' || answer === null) return false;
  const { status, phase, components } = answer as Partial<Record<keyof HealthAnswer, unknown>>;
  return (
    typeof status === 'string' && typeof phase === 'string' && typeof components === 'object' && components !== null
  );
}
