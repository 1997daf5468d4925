import { fileURLToPath } from 'node:url';
import type { FastifyError, FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import type { Audit } from '../../../api/audit.ts';
import type { Gate } from '../../../api/gate.ts';
import type { KeyRing } from '../../../api/key-ring.ts';
import { badRequest, CodedError, toCodedError } from '../../../base/errors.ts';
import type { FailedLogins } from '../../../base/failed-logins.ts';
import type { Log } from '../../../base/log.ts';
import type { Random } from '../../../base/random.ts';
import type { TokenBucket } from '../../../base/token-bucket.ts';
import type { Metrics } from '../../../base/metrics.ts';
import { figuresOf, type FigureSources, type JobFigures } from './figures.ts';
import { Guard } from './guard.ts';
import { readJsonBody } from '../../../protocol/json-body.ts';
import { LiveStream } from './live-stream.ts';
import { LoginReports } from '../../../api/login-reports.ts';
import { addLoginRoutes, type QueryDefaults } from './login-routes.ts';
import { Logins } from './logins.ts';
import { addMemoryRoutes, type MemoryRouteDeps } from './memory-routes.ts';
import { addOverviewRoutes } from './overview-routes.ts';
import { PageFiles } from './page-files.ts';
import { addPageRoutes, setSecurityHeaders } from './page-routes.ts';
import { sendError, STARTING } from './replies.ts';
import { RequestDoor } from './request-door.ts';

export interface DashboardOptions extends Omit<FigureSources, 'metrics'> {
  readonly metrics: FigureSources['metrics'] & Pick<Metrics, 'count'>;
  readonly audit: Audit;
  /** Of all doors together. */
  readonly failedLogins: FailedLogins;
  readonly random: Random;
  readonly log: Log;
  /** Names, or addresses that this machine does not have itself, under which browsers may ask. */
  readonly allowedHosts: readonly string[];
  readonly queryDefaults: QueryDefaults;
  /** Of the built page; absent: beside the sources. */
  readonly folder?: string;
}

/** What there is only when the server runs. */
export interface DashboardParts {
  readonly gate: Gate;
  readonly keys: KeyRing;
  readonly addressBucket: (address: string) => TokenBucket | null;
  readonly jobs: () => readonly JobFigures[];
  readonly cacheEntries: () => number;
}

interface Running extends MemoryRouteDeps {
  readonly parts: DashboardParts;
}

/** A look into the server for people, over HTTP: how it is, and what it remembers. It changes nothing. */
export class Dashboard {
  readonly #options: DashboardOptions;
  readonly #guard: Guard;
  readonly #live: LiveStream;
  readonly #pages: PageFiles;
  readonly #routes: Pick<RouteOptions, 'url' | 'method'>[] = [];
  #running: Running | null = null;

  constructor(options: DashboardOptions) {
    this.#options = options;
    this.#guard = new Guard(options);
    this.#pages = new PageFiles(options.folder ?? builtPage());
    this.#live = new LiveStream({
      clock: options.clock,
      figures: () => this.#figures(),
      beforeEach: () => options.metrics.requests.note(),
    });
  }

  /** From now on it shows what is in the memory. */
  running(parts: DashboardParts): void {
    const { clock, random } = this.#options;
    const logins = new Logins({ keys: parts.keys, clock, random });
    const door = new RequestDoor({ gate: parts.gate, clock, addressBucket: parts.addressBucket });
    this.#running = { parts, logins, door, keys: parts.keys };
  }

  /** Ends what is live: a stream would hold up the end of the server. */
  close(): void {
    this.#live.close();
  }

  /** To be registered by itself: its hooks, bodies and errors are its own. */
  addRoutes(app: FastifyInstance): void {
    const { clock, queryDefaults } = this.#options;
    this.#setRules(app);
    addPageRoutes(app, this.#pages);
    const logins = (): Logins => this.#open().logins;
    addLoginRoutes(app, {
      logins,
      reports: new LoginReports({ ...this.#options, door: 'http' }),
      clock,
      queryDefaults,
    });
    addOverviewRoutes(app, { figures: () => this.#figures(), live: this.#live, logins });
    addMemoryRoutes(app, () => this.#open());
    app.all('/api/*', (request, reply) => {
      const allowed = this.#methodsOf(incoming(request).path);
      if (allowed.length === 0) throw new CodedError('NOT_FOUND', 'there is no such page');
      reply.header('allow', allowed.join(', '));
      return sendError(reply, badRequest('/', `is asked by ${allowed.join(', ')}`), 405);
    });
  }

  #methodsOf(path: string): readonly string[] {
    const routes = this.#routes.filter(
      ({ url }) => path === url || (url.includes(':') && path.startsWith(prefixOf(url))),
    );
    return [...new Set(routes.flatMap(({ method }) => method))].sort();
  }

  #setRules(app: FastifyInstance): void {
    app.addHook('onRoute', ({ url, method }) => {
      if (!url.includes('*')) this.#routes.push({ url, method });
    });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
      try {
        done(null, readJsonBody(body as Buffer));
      } catch (error) {
        done(error as CodedError);
      }
    });
    app.addHook('onRequest', async (request, reply) => {
      setSecurityHeaders(reply);
      const refusal = this.#guard.refusal(incoming(request));
      if (refusal !== null) return sendError(reply, new CodedError('FORBIDDEN', refusal));
      return Promise.resolve();
    });
    app.setErrorHandler((error: FastifyError | CodedError, _request, reply) => {
      if (!(error instanceof CodedError) && (error.statusCode ?? 500) < 500)
        return sendError(reply, ofHttp(error), error.statusCode);
      const coded = toCodedError(error);
      if (coded.code === 'INTERNAL') this.#options.log.error({ error: coded.cause ?? coded }, 'dashboard failed');
      return sendError(reply, coded);
    });
  }

  #open(): Running {
    if (this.#running === null) throw STARTING;
    return this.#running;
  }

  #figures(): Promise<object> {
    const parts = this.#running?.parts;
    const running =
      parts === undefined
        ? null
        : { jobs: parts.jobs, cacheEntries: parts.cacheEntries, recentErrors: () => parts.gate.recentErrors };
    return figuresOf(this.#options, running);
  }
}

function incoming({ method, url, headers, socket }: FastifyRequest): Parameters<Guard['refusal']>[0] {
  const [path = ''] = url.split('?');
  return { method, path, headers, localAddress: socket.localAddress };
}

/** Of a route with a parameter at its end. */
function prefixOf(url: string): string {
  return url.slice(0, url.indexOf(':'));
}

/** What HTTP itself refuses: a body that is too long, or of another type. */
function ofHttp({ statusCode, message }: FastifyError): CodedError {
  return statusCode === 413 ? new CodedError('PAYLOAD_TOO_LARGE', message) : badRequest('/', 'cannot be read', message);
}

/** In a checkout and in a published package. */
function builtPage(): string {
  const path = import.meta.url.endsWith('.ts') ? '../../../../dashboard/dist' : '../../../../../dashboard/dist';
  return fileURLToPath(new URL(path, import.meta.url));
}
