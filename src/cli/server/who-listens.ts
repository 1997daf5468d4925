import { connect as openSocket, type Socket } from 'node:net';
import { connect as openTls } from 'node:tls';
import { systemClock } from '../../base/clock.ts';

/**
 * Who takes connections on a port, so far as it shows: a server's port for clients (`server`) or for health and metrics
 * (`server http`), strangers by what they speak, `closes` and `silent` where nothing is said, `nobody` where none can be made.
 */
export type Listening = 'server' | 'server http' | 'http' | 'redis' | 'tls' | 'other' | 'closes' | 'silent' | 'nobody';

const PROBE_MS = 2000;
const REPLY_BYTES_MAX = 4096;
/** How a server of TLS begins to say that what came is none. */
const TLS_ALERT = '\u0015\u0003';

/** For a line of words: "the port is taken by ...". */
export const DESCRIPTIONS: Readonly<Record<Listening, string>> = {
  server: 'a context-manager server, at the port for clients',
  'server http': 'a context-manager server, at the port of health and metrics',
  http: 'something that speaks HTTP, which is not a context-manager server',
  redis: 'a Redis',
  tls: 'something that speaks TLS',
  other: 'something else that answers, which is not a context-manager server',
  closes: 'something that closes connections without a word: another program, or a proxy whose server is down',
  silent: 'something that takes connections and says nothing: another program, or a server that hangs',
  nobody: 'nobody',
};

/** Says something in three languages at once and listens to what comes back, for two seconds at most. */
export async function whoListens(host: string, port: number): Promise<Listening> {
  const found = await Promise.all([
    askPlainly(host, port, `GET /health/liveness HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
    askPlainly(host, port, '*1\r\n$4\r\nPING\r\n'),
    speaksTls(host, port),
  ]);
  const ranked: readonly Listening[] = ['server', 'server http', 'tls', 'http', 'redis', 'other', 'closes', 'silent'];
  return ranked.find((who) => found.includes(who)) ?? 'nobody';
}

async function askPlainly(host: string, port: number, question: string): Promise<Listening> {
  const socket = openSocket({ host, port });
  socket.on('connect', () => socket.write(question));
  const { answer, end } = await hear(socket);
  return answer === '' ? end : listeningOf(answer);
}

function listeningOf(answer: string): Listening {
  // The greeting of a server names it, and comes before anything is asked.
  if (answer.slice(0, 256).includes('context-manager/')) return 'server';
  if (answer.startsWith('HTTP/')) {
    if (answer.endsWith('{"status":"alive"}')) return 'server http';
    return /HTTPS port|HTTP request to an HTTPS server/i.test(answer) ? 'tls' : 'http';
  }
  if (/^(\+PONG|-NOAUTH|-DENIED|-ERR)/.test(answer)) return 'redis';
  return answer.startsWith(TLS_ALERT) ? 'tls' : 'other';
}

async function speaksTls(host: string, port: number): Promise<Listening> {
  const socket = openTls({ host, port, rejectUnauthorized: false });
  const { end, code } = await hear(socket, 'secureConnect');
  if (end === 'silent') return 'silent';
  // An alert is TLS, too: of a server that wants a certificate, or another name.
  return code === 'secureConnect' || code.includes('_ALERT_') ? 'tls' : end;
}

interface Heard {
  readonly answer: string;
  /** What it would be without an answer. */
  readonly end: 'closes' | 'silent' | 'nobody';
  /** The event that was waited for, or that of an error. */
  readonly code: string;
}

/** Until `event`, the end of the answer, or an error; or until the time is over. */
function hear(socket: Socket, event?: string): Promise<Heard> {
  const { promise, resolve } = Promise.withResolvers<Heard>();
  let answer = '';
  let isConnected = false;
  const done = (end: Heard['end'], code = ''): void => resolve({ answer, end, code });
  const cancel = systemClock.after(PROBE_MS, () => done(isConnected ? 'silent' : 'nobody'));
  socket.on('connect', () => (isConnected = true));
  if (event !== undefined) socket.on(event, () => done('closes', event));
  else
    socket.on('data', (bytes: Buffer) => {
      answer += bytes.toString('latin1');
      // Who speaks HTTP closes when all is said; the others say enough with their first words.
      if (!answer.startsWith('HTTP/') || answer.length > REPLY_BYTES_MAX) done('closes');
    });
  socket.on('error', (error: NodeJS.ErrnoException) => done(isConnected ? 'closes' : 'nobody', error.code ?? ''));
  socket.on('close', () => done(isConnected ? 'closes' : 'nobody'));
  return promise.finally(() => {
    cancel();
    socket.destroy();
  });
}
