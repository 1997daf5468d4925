import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { freePort } from '../free-port.ts';
import { answerSnapshot } from './collection-snapshots.ts';
import { ENDPOINTS } from './endpoints.ts';
import { Faults, type Answer } from './faults.ts';
import { QdrantError } from './qdrant-error.ts';
import { QdrantState } from './qdrant-state.ts';
import { readParameters } from './query-parameters.ts';
import { readBody } from './request-bodies.ts';
import { RequestLog } from './request-log.ts';

export interface QdrantDoubleOptions {
  /** Requests without it are refused. */
  readonly apiKey?: string;
  /** Told at `/`; a double of one before 1.17 knows of conditional updates what that server knows. */
  readonly version?: string;
  /** In PEM; with them it speaks TLS alone. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Numbers from 0 to 1, for random samples. */
  readonly random?: () => number;
}

export interface QdrantDouble {
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
  readonly requests: RequestLog;
  /** What snapshots and uploads have left on its disk, as `collection/file`. */
  readonly files: () => string[];
  /** From now on so many shards of each collection are another node's. */
  readonly setRemoteShards: (count: number) => void;
  /** From now on connections are refused, and open ones end; the points stay. */
  stop(): Promise<void>;
  /** Listens again, on the same port. */
  resume(): Promise<void>;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 32 * 1024 * 1024;
const PUBLIC_PATHS = ['/', '/healthz', '/readyz', '/livez'];

/**
 * A double of Qdrant's REST interface on a port of the loopback, with the points in memory. It has the endpoints in
 * `endpoints.ts`, refuses what the real one refuses, and answers 501 to what it does not have.
 */
export async function startQdrantDouble(options: QdrantDoubleOptions = {}): Promise<QdrantDouble> {
  const state = new QdrantState(options.random ?? Math.random);
  const faults = new Faults();
  const requests = new RequestLog();
  const onRequest: RequestListener = (request, reply) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://double');
    const path = pathname.length > 1 ? pathname.replace(/\/$/, '') : pathname;
    const label = `${request.method ?? ''} ${path}`;
    requests.add(label, searchParams.toString());
    const serve = async (): Promise<void> => {
      const bytes = await readAll(request);
      if (bytes === null) return;
      await faults.serve(label, request, reply, () => answerTo(state, options, request, path, searchParams, bytes));
    };
    // A mistake of the double itself: the test fails by it, and does not wait for an answer.
    void serve().catch((error: unknown) => {
      reply.destroy();
      throw error;
    });
  };
  const server = options.tls === undefined ? createServer(onRequest) : createTlsServer(options.tls, onRequest);
  const port = await listen(server, await freePort());
  const stop = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    faults,
    requests,
    files: () => state.snapshots.left,
    setRemoteShards: (count) => (state.remoteShards = count),
    stop,
    resume: async () => void (await listen(server, port)),
    close: async () => {
      faults.close();
      state.applyUnseen();
      if (server.listening) await stop();
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** null where the connection broke before. */
async function readAll(request: IncomingMessage): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of request) pieces.push(piece as Buffer);
  } catch {
    return null;
  }
  return Buffer.concat(pieces);
}

const text = (status: number, body: string): Answer => ({ status, type: 'text/plain; charset=utf-8', body });
const json = (status: number, body: object): Answer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(body),
});

function answerTo(
  state: QdrantState,
  { apiKey, version = '1.18.3' }: QdrantDoubleOptions,
  request: IncomingMessage,
  path: string,
  parameters: URLSearchParams,
  bytes: Buffer,
): Answer {
  if (request.method === 'GET' && PUBLIC_PATHS.includes(path)) {
    if (path === '/healthz' || path === '/livez') return text(200, `${path.slice(1)} check passed`);
    if (path === '/readyz') return text(200, 'all shards are ready');
    return json(200, { title: 'qdrant - vector search engine', version, commit: '0'.repeat(40) });
  }
  if (apiKey !== undefined) {
    const given = request.headers['api-key'] ?? /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1];
    if (given === undefined) return text(401, 'Must provide an API key or an Authorization bearer token');
    if (given !== apiKey) return text(401, 'Invalid API key or JWT');
  }
  try {
    const contentType = request.headers['content-type'] ?? '';
    const answered = answerSnapshot(state, { method: request.method, path, parameters, contentType, bytes });
    if (answered !== null) return answered;
  } catch (error) {
    return refusalOf(error);
  }
  for (const { method, path: pattern, body: schema, answer } of ENDPOINTS) {
    const found = method === request.method ? pattern.exec(path) : null;
    if (found === null) continue;
    const [, name = '', field = ''] = found.map((part) => decodeURIComponent(part ?? ''));
    try {
      const { wait } = readParameters(parameters);
      const body = schema === undefined ? undefined : readChecked(schema, request, bytes, version);
      return json(200, { result: answer({ state, name, field, body, wait }), status: 'ok', time: 0.001 });
    } catch (error) {
      return refusalOf(error);
    }
  }
  return text(404, '');
}

function refusalOf(error: unknown): Answer {
  if (!(error instanceof QdrantError)) throw error;
  return json(error.status, { status: { error: error.message }, time: 0.001 });
}

function readChecked(schema: string, request: IncomingMessage, bytes: Buffer, version: string): unknown {
  if (!/^application\/(\S+\+)?json\b/.test(request.headers['content-type'] ?? '')) {
    throw new QdrantError(400, 'Content type error');
  }
  if (bytes.length > BODY_BYTES_MAX) {
    throw new QdrantError(
      400,
      `JSON payload (${bytes.length} bytes) is larger than allowed (limit: ${BODY_BYTES_MAX} bytes).`,
    );
  }
  return readBody(schema, bytes, version);
}
