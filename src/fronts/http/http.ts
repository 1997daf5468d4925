import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { StartupError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Health } from './health.ts';
import type { MetricsRegistry } from './metrics.ts';

export interface HttpOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly health: Health;
  readonly metrics: Pick<MetricsRegistry, 'render' | 'contentType'>;
  readonly log: Log;
}

export interface HttpListener {
  readonly port: number;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 4096;
const REQUEST_TIMEOUT_MS = 10_000;

/** Health, probes and metrics over HTTP. Throws `StartupError` where the address cannot be taken. */
export async function startHttpListener(options: HttpOptions): Promise<HttpListener> {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
  });
  addRoutes(app, options);
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    await app.close();
    throw listenError(error, options);
  }
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
}

function addRoutes(app: FastifyInstance, { health, metrics, log }: HttpOptions): void {
  app.get('/health', async (_request, reply) => {
    const report = await health.report();
    return reply.code(report.status === 'ok' ? 200 : 503).send(report);
  });
  app.get('/health/liveness', () => ({ status: 'ok' }));
  app.get('/health/readiness', async (_request, reply) => {
    const readiness = await health.readiness();
    return reply.code(readiness.ready ? 200 : 503).send(readiness);
  });
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()));
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'no such page' }));
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error({ error }, 'http request failed');
    return reply.code(status).send({ error: status >= 500 ? 'internal error' : 'bad request' });
  });
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
