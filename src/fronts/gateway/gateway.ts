import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { CallerDoor } from '../../api/caller.ts';
import { REVOKED_GRACE_MS } from '../../api/principal.ts';
import { LoginReports } from '../../api/login-reports.ts';
import type { Certificates } from '../../base/certificates.ts';
import { boundConnections } from '../../base/connection-bounds.ts';
import { CodedError, StartupError } from '../../base/errors.ts';
import { LoopTurns } from '../../base/loop-turns.ts';
import { cutOffUnread } from '../../base/unread-answer.ts';
import { changeCertificates, createWebServer } from '../../base/web-server.ts';
import type { Settings } from '../../config/settings.ts';
import { Authenticator } from './authenticator.ts';
import { Bodies } from './bodies.ts';
import { ConversationMemory } from './conversation-memory.ts';
import { dialectOf } from './dialect.ts';
import { defectOf, errorAnswer, outcomeOf, wireErrorAnswer } from './error-bodies.ts';
import { OPENAPI } from './openapi.ts';
import type { GatewayOptions, GatewayParts, MountHost } from './parts.ts';
import { addModelRoutes } from './model-routes.ts';
import { addIngestRoute } from './ingest/ingest-route.ts';
import { addMemoryRoutes, isMemoryRoute } from './memory-routes.ts';
import { addPassedRoutes } from './passed-routes.ts';
import { ResponsePlaces } from './response-places.ts';
import { GatewayTokens } from './tokens.ts';
import { addUpkeepRoutes } from './upkeep-routes.ts';
import { Upstream, type UpstreamOutcome } from './upstream.ts';

const TIMES = { requestTimeoutMs: 60_000, headersTimeoutMs: 10_000, checkedEveryMs: 2_000 };
const CONNECTIONS = { all: 4096, ofAddress: 2048 };
const OVERLOAD_RETRY_MS = 500;
/** Each part that has to do with an answer looks when it ends: some more than Node takes for a leak. */
const CLOSE_LISTENERS_MAX = 24;

export interface GatewayState {
  readonly inFlight: number;
  readonly upstream: UpstreamOutcome;
}

/** HTTP in the shapes of OpenAI and Anthropic, with memory, in front of a model. */
export class Gateway {
  readonly #parts: GatewayParts;
  readonly #tokens: GatewayTokens;
  readonly #memory: ConversationMemory;
  readonly #places: ResponsePlaces;
  readonly #app: FastifyInstance;
  readonly #outcomes = new WeakMap<ServerResponse, string>();
  /** What is asked, by what is answered. */
  readonly #answering = new Map<ServerResponse, FastifyRequest>();
  #running = 0;

  /** Throws `StartupError` where a token names what there is not. */
  constructor(options: GatewayOptions) {
    const { settings, keys, clock, metrics } = options;
    this.#tokens = new GatewayTokens(settings, keys);
    this.#parts = {
      ...options,
      door: new CallerDoor(options),
      authenticator: new Authenticator(this.#tokens, new LoginReports({ ...options, door: 'gateway' }), clock),
      bodies: new Bodies({ bytesMax: settings.maxBodyBytes, bytesMaxTotal: settings.maxBodyBytesTotal }),
      upstream: new Upstream(settings.upstreamTimeoutSecs * 1000, clock),
      turns: new LoopTurns(),
    };
    const timeoutMs = settings.memoryTimeoutMs;
    this.#places = new ResponsePlaces(this.#parts.door, timeoutMs);
    const { recallSessions } = settings;
    this.#memory = new ConversationMemory({ ...this.#parts, places: this.#places, timeoutMs, recallSessions });
    this.#app = fastify({
      logger: false,
      bodyLimit: settings.maxBodyBytes,
      serverFactory: (onRequest) => createWebServer(onRequest, TIMES, options.certificates),
      forceCloseConnections: 'idle',
    });
    boundConnections(this.#app.server, CONNECTIONS);
    this.#addRoutes(this.#app);
    metrics.gauge('gateway_requests_in_flight', () => this.#running);
    metrics.gauge('gateway_sessions_storing', () => this.#memory.storing);
    metrics.gauge('gateway_body_bytes', () => this.#parts.bodies.bytes);
  }

  /** Resolves with the port. Throws `StartupError` where the address cannot be taken. */
  async listen(): Promise<number> {
    const { host, port } = this.#parts.settings;
    try {
      await this.#app.listen({ host, port });
    } catch (error) {
      await this.#app.close();
      throw listenError(error, host, port);
    }
    return (this.#app.server.address() as AddressInfo).port;
  }

  /** From the next connection on. */
  changeCertificates(certificates: Certificates): void {
    changeCertificates(this.#app.server, certificates);
  }

  /** As it listens. */
  get state(): GatewayState {
    return { inFlight: this.#running, upstream: this.#parts.upstream.lastOutcome };
  }

  /** From the next request on. */
  change(settings: Settings['gateway']): void {
    this.#tokens.replace(settings, this.#parts.keys);
    if (this.#endRevoked() > 0) this.#parts.clock.after(REVOKED_GRACE_MS, () => this.#endRevoked(true));
  }

  /** Says how many answers are under way for those whose token or key was taken away; with `cut` they end here. */
  #endRevoked(cut = false): number {
    let count = 0;
    for (const [raw, request] of this.#answering) {
      if (!this.#parts.authenticator.isRevoked(request)) continue;
      count += 1;
      if (cut) raw.destroy();
    }
    return count;
  }

  /** Takes no more, and lets what is in flight finish for so long. */
  async close(deadlineMs: number): Promise<void> {
    const { clock, upstream } = this.#parts;
    const cancel = clock.after(deadlineMs, () => this.#app.server.closeAllConnections());
    await this.#app.close();
    // What was said last is stored before the store is closed.
    await this.#memory.idle();
    cancel();
    upstream.close();
  }

  #addRoutes(app: FastifyInstance): void {
    const { authenticator, bodies, door, mounts = [] } = this.#parts;
    const host: MountHost = {
      callerOf: (request) => authenticator.callerOf(request),
      door,
      readBody: (request, reply, bytesMax) => bodies.read(request.raw, reply.raw, bytesMax),
    };
    this.#setRules(app);
    app.get('/openapi.json', () => OPENAPI);
    void app.register((scope, _options, done) => {
      scope.addHook('onRequest', async (request) => authenticator.admit(request));
      void scope.register((own, _own, ready) => (this.#addOwnRoutes(own), ready()));
      for (const mount of mounts) void scope.register((own, _own, ready) => (mount(own, host), ready()));
      done();
    });
  }

  #addOwnRoutes(app: FastifyInstance): void {
    // Handlers read bodies themselves, as bytes.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, _payload, done) => done(null));
    addModelRoutes(app, this.#parts, this.#memory, this.#places);
    addPassedRoutes(app, this.#parts);
    addMemoryRoutes(app, this.#parts);
    addUpkeepRoutes(app, this.#parts);
    addIngestRoute(app, this.#parts);
  }

  #setRules(app: FastifyInstance): void {
    const { settings, metrics } = this.#parts;
    app.addHook('onRequest', async (request, { raw }) => {
      if (this.#running >= settings.maxInFlight) {
        throw new CodedError('OVERLOADED', 'the gateway works on as many requests as it may', {
          retryAfterMs: OVERLOAD_RETRY_MS,
        });
      }
      this.#running += 1;
      this.#answering.set(raw, request);
      raw.setHeader('x-content-type-options', 'nosniff');
      raw.setMaxListeners(CLOSE_LISTENERS_MAX);
      cutOffUnread(raw, settings.clientIdleSecs * 1000);
      raw.once('close', () => {
        this.#running -= 1;
        this.#answering.delete(raw);
        metrics.count('gateway_requests_total', { route: routeOf(request), outcome: this.#outcomeOf(raw) });
      });
      return Promise.resolve();
    });
    app.setNotFoundHandler((request, reply) =>
      this.#refuse(request, reply, new CodedError('NOT_FOUND', 'the gateway has no such page')),
    );
    app.setErrorHandler((error, request, reply) => this.#refuse(request, reply, error));
  }

  #refuse(request: FastifyRequest, reply: FastifyReply, reason: unknown): FastifyReply {
    const defect = defectOf(reason);
    if (defect !== null) this.#parts.log.error({ error: defect }, 'gateway failed');
    this.#outcomes.set(reply.raw, outcomeOf(reason));
    const { status, headers, body } = isMemoryRoute(request)
      ? wireErrorAnswer(reason)
      : errorAnswer(reason, dialectOf(request));
    // What of the body is unread stands in the way of the next request.
    if (!request.raw.complete) reply.header('connection', 'close');
    return reply.code(status).headers(headers).send(body);
  }

  /** An error of the gateway by its code, one of the upstream by its class. */
  #outcomeOf(response: ServerResponse): string {
    const refused = this.#outcomes.get(response);
    if (refused !== undefined) return refused;
    if (!response.writableFinished) return 'cut';
    return response.statusCode < 400 ? 'ok' : `upstream_${Math.floor(response.statusCode / 100)}xx`;
  }
}

/** As it is declared: what a client makes up is no label. */
function routeOf({ routeOptions }: FastifyRequest): string {
  return routeOptions.url ?? 'unknown';
}

function listenError(error: unknown, host: string, port: number): StartupError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  if (code === 'EADDRINUSE') {
    return new StartupError(
      `the gateway's port ${host}:${port} is in use`,
      'Stop the process that listens there, or set gateway.port (GATEWAY__PORT) to another one.',
      error,
    );
  }
  return new StartupError(
    `the gateway cannot listen on ${host}:${port} (${code})`,
    'Set gateway.host (GATEWAY__HOST) to an address of this machine and gateway.port to a port this user may take.',
    error,
  );
}
