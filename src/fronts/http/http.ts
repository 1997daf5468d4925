import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import type { Certificates } from '../../base/certificates.ts';
import { TokenBucket } from '../../base/token-bucket.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError, StartupError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { boundConnections } from '../../base/connection-bounds.ts';
import { changeCertificates, createWebServer } from '../../base/web-server.ts';
import type { Dashboard } from './dashboard/dashboard.ts';
import { Guard, HOST_REFUSED, isLoopback } from './dashboard/guard.ts';
import { setSecurityHeaders } from './dashboard/page-routes.ts';
import { sendError } from './dashboard/replies.ts';
import type { Health } from './health.ts';
import type { MetricsRegistry } from './metrics.ts';

export interface HttpOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Absent or null: nothing is encrypted. */
  readonly certificates?: Certificates | null;
  readonly health: Health;
  readonly metrics: Pick<MetricsRegistry, 'render' | 'contentType'>;
  /** Absent: there is none. */
  readonly dashboard?: Pick<Dashboard, 'addRoutes'> | undefined;
  /** Names under which a listener on the loopback address may be asked, beside its own; absent: no others. */
  readonly allowedHosts?: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

export interface HttpListener {
  readonly port: number;
  /** From the next connection on. */
  changeCertificates(certificates: Certificates): void;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 4096;
/** Node's own 60 s for headers would count for the whole request where they are longer than its time. */
const TIMES = { requestTimeoutMs: 10_000, headersTimeoutMs: 10_000, checkedEveryMs: 2_000 };
const CONNECTIONS = { all: 1024, ofAddress: 256 };

/** Health, probes, metrics and the dashboard over HTTP. Throws `StartupError` where the address cannot be taken. */
export async function startHttpListener(options: HttpOptions): Promise<HttpListener> {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    serverFactory: (onRequest) => createWebServer(onRequest, TIMES, options.certificates ?? null),
    forceCloseConnections: true,
  });
  boundConnections(app.server, CONNECTIONS);
  addRoutes(app, options);
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    await app.close();
    throw listenError(error, options);
  }
  return {
    port: (app.server.address() as AddressInfo).port,
    changeCertificates: (certificates) => changeCertificates(app.server, certificates),
    close: () => app.close(),
  };
}

function addRoutes(app: FastifyInstance, options: HttpOptions): void {
  const { health, metrics, dashboard, clock, log } = options;
  guardHosts(app, options);
  addHealthRoutes(app, health, clock);
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()));
  // A scope of its own: what its rules are is no matter of a probe's.
  if (dashboard !== undefined) void app.register((scope, _options, done) => (dashboard.addRoutes(scope), done()));
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'no such page' }));
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error({ error }, 'http request failed');
    return reply.code(status).send({ error: status >= 500 ? 'internal error' : 'bad request' });
  });
}

/**
 * A listener on the loopback address is for programs on this machine: a page whose name somebody has pointed here (DNS rebinding) reads
 * no figures. Where others may connect, probes and scrapers ask under any name, and who may reach it is the network's matter.
 */
function guardHosts(app: FastifyInstance, { host, allowedHosts = [] }: HttpOptions): void {
  const guard = new Guard({ allowedHosts: [host, ...allowedHosts] });
  app.addHook('onRequest', async ({ headers, socket }, reply) => {
    setSecurityHeaders(reply);
    const { address } = app.server.address() as AddressInfo;
    if (!isLoopback(address) || guard.isOurs(headers.host, socket.localAddress)) return Promise.resolve();
    return sendError(reply, new CodedError('FORBIDDEN', HOST_REFUSED));
  });
}

/** Checks that are made at once cost work of others, so that no stranger may have them made as often as he likes. */
const FRESH_CHECKS = { perSecond: 1, burst: 5 };

function addHealthRoutes(app: FastifyInstance, health: Health, clock: Clock): void {
  const fresh = new TokenBucket(FRESH_CHECKS, clock);
  app.get<{ Querystring: { fresh?: string } }>('/health', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const isFresh = request.query.fresh === '1';
    const retryAfterMs = isFresh ? fresh.take() : 0;
    if (retryAfterMs > 0) {
      reply.header('retry-after', Math.ceil(retryAfterMs / 1000));
      return reply.code(429).send({ error: 'fresh checks were asked for too often', retry_after_ms: retryAfterMs });
    }
    const report = await health.report(isFresh);
    const serves = report.phase === 'running' && report.status !== 'unhealthy';
    return reply.code(serves ? 200 : 503).send(report);
  });
  for (const path of ['/health/liveness', '/health/live']) app.get(path, () => ({ status: 'alive' }));
  for (const path of ['/health/readiness', '/health/ready']) {
    app.get(path, async (_request, reply) => {
      const readiness = await health.readiness();
      reply.header('cache-control', 'no-store');
      return reply.code(readiness.ready ? 200 : 503).send(readiness);
    });
  }
}

function listenError(error: unknown, { host, port }: HttpOptions): StartupError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  if (code === 'EADDRINUSE') {
    return new StartupError(
      `the HTTP port ${host}:${port} is in use`,
      'Stop the program that holds it, or set server.http_port (SERVER__HTTP_PORT) to another port, 0 for a free one.',
      error,
    );
  }
  return new StartupError(
    `cannot listen for HTTP on ${host}:${port} (${code})`,
    'Set server.http_host (SERVER__HTTP_HOST) to an address of this machine and server.http_port to a port this user may take.',
    error,
  );
}
