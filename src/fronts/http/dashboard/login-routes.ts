import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { certificateNamesOf } from '../../../base/certificates.ts';
import type { Clock } from '../../../base/clock.ts';
import { badRequest, CodedError } from '../../../base/errors.ts';
import { LateRefusals } from '../../../base/late-refusals.ts';
import type { LoginReports } from '../../../api/login-reports.ts';
import { LOGIN_MS_MAX, type Login, type Logins } from './logins.ts';
import { sendJson } from './replies.ts';

/** What a query gets that says nothing else: without it nobody could retell how a score came about. */
export interface QueryDefaults {
  /** Of the parts of a score; they sum to 1, or are all 0. */
  readonly weights: Readonly<Record<'similarity' | 'recency' | 'level' | 'frequency', number>>;
  /** Whether the other parts count by themselves, or in proportion to the similarity. */
  readonly ranking: 'proportional' | 'additive';
  readonly maxTokens: number;
  readonly limit: number;
  readonly relevanceThreshold: number;
  readonly minSimilarity: number;
}

export interface LoginRouteDeps {
  /** Throws while the server is starting. */
  readonly logins: () => Logins;
  readonly reports: LoginReports;
  readonly clock: Clock;
  readonly queryDefaults: QueryDefaults;
}

const BODY_BYTES_MAX = 16 * 1024;

/** In, out, and who is. */
export function addLoginRoutes(app: FastifyInstance, deps: LoginRouteDeps): void {
  const { logins, reports, clock } = deps;
  const aboutLogin = ({ principal: { keyId, scopes, namespaces }, expiresAtMs }: Login): object => ({
    key_id: keyId,
    scopes,
    namespaces,
    expires_at: expiresAtMs,
    query_defaults: wireDefaults(deps.queryDefaults),
  });
  const refusals = new LateRefusals(clock);
  app.post<{ Body: Record<string, unknown> | undefined }>(
    '/api/login',
    { bodyLimit: BODY_BYTES_MAX },
    async (request, reply) => {
      const { key_id: keyId, secret } = request.body ?? {};
      if (typeof keyId !== 'string') throw badRequest('/key_id', 'must be of type string');
      if (typeof secret !== 'string') throw badRequest('/secret', 'must be of type string');
      const address = request.socket.remoteAddress ?? '';
      const all = logins();
      refusals.admit(address);
      const login = all.start(keyId, secret, certificateNamesOf(request.socket));
      if (login === null) {
        const error = new CodedError('AUTH_FAILED', 'the key or its secret is wrong');
        await refusals.wait(address, reports.failed(keyId, address, error));
        throw error;
      }
      reports.succeeded(login.principal.keyId, address);
      setCookie(request, reply, login.token, LOGIN_MS_MAX / 1000);
      return sendJson(reply, aboutLogin(login));
    },
  );
  app.get('/api/login', async (request, reply) => sendJson(reply, aboutLogin(loginOf(request, logins()))));
  app.post('/api/logout', { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
    const token = tokenOf(request);
    if (token !== null) logins().end(token);
    setCookie(request, reply, '', 0);
    return sendJson(reply, {});
  });
}

/** Throws `AUTH_FAILED` where the request has none that is good. */
export function loginOf(request: FastifyRequest, logins: Logins): Login {
  const token = tokenOf(request);
  const login = token === null ? null : logins.use(token, certificateNamesOf(request.socket));
  if (login === null) throw new CodedError('AUTH_FAILED', 'log in with a key');
  return login;
}

/** Null: none was sent. */
export function tokenOf(request: FastifyRequest): string | null {
  const { headers } = request;
  for (const pair of headers.cookie?.split(';') ?? []) {
    const [name, value] = pair.split('=');
    if (name?.trim() === cookieOf(request) && value !== undefined) return value.trim();
  }
  return null;
}

/** Browsers send a cookie to every port of a host: servers beside each other take different ones. */
function cookieOf({ socket }: FastifyRequest): string {
  return `context_manager_login_${socket.localPort ?? 0}`;
}

/** `Secure` only where the browser came by TLS: it would not send the cookie back otherwise. */
function setCookie(request: FastifyRequest, reply: FastifyReply, value: string, maxAgeSecs: number): void {
  const name = cookieOf(request);
  const isByTls = request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https';
  const secure = isByTls ? '; Secure' : '';
  reply.header('set-cookie', `${name}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${maxAgeSecs}${secure}`);
}

function wireDefaults({
  weights,
  ranking,
  maxTokens,
  limit,
  relevanceThreshold,
  minSimilarity,
}: QueryDefaults): object {
  return {
    weights,
    ranking,
    max_tokens: maxTokens,
    limit,
    relevance_threshold: relevanceThreshold,
    min_similarity: minSimilarity,
  };
}
