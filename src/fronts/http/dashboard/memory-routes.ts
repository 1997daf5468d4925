import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { takeFrom } from '../../../api/gate.ts';
import type { KeyRing } from '../../../api/key-ring.ts';
import type { Principal } from '../../../api/principal.ts';
import { badRequest, CodedError } from '../../../base/errors.ts';
import { loginOf } from './login-routes.ts';
import type { Login, Logins } from './logins.ts';
import { neighboursOf } from './neighbours.ts';
import { sendJson } from './replies.ts';
import { isReading, type RequestDoor } from './request-door.ts';

/** What there is when the server runs. */
export interface MemoryRouteDeps {
  readonly logins: Logins;
  readonly keys: KeyRing;
  readonly door: RequestDoor;
}

/** Of a request, where it waits for its handler. */
const LOGIN = 'login';

/** A query's text and filter; more than a person writes. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;

/** What is in the memory, and who may see it: with the rights of the key that is logged in. `running` throws while the server is starting. */
export function addMemoryRoutes(app: FastifyInstance, running: () => MemoryRouteDeps): void {
  app.decorateRequest(LOGIN, null);
  /** Before the body is read: of strangers none is. */
  const admit = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { logins, door } = running();
    request.setDecorator(LOGIN, loginOf(request, logins));
    door.enter(reply);
    return Promise.resolve();
  };
  app.post<{ Params: { type: string }; Body: Record<string, unknown> | undefined }>(
    '/api/request/:type',
    { bodyLimit: BODY_BYTES_MAX, onRequest: admit },
    async (request, reply) => {
      const { type } = request.params;
      const payload = request.body ?? {};
      if (!isReading(type, payload)) throw new CodedError('FORBIDDEN', 'the dashboard asks for nothing of this type');
      return sendJson(
        reply,
        await running().door.ask(type, payload, request.getDecorator<Login>(LOGIN), request, reply),
      );
    },
  );
  app.get<{ Querystring: Record<string, unknown> }>('/api/neighbours', { onRequest: admit }, async (request, reply) => {
    const { namespace, id } = request.query;
    if (typeof namespace !== 'string') throw badRequest('/namespace', 'must be named once');
    if (typeof id !== 'string') throw badRequest('/id', 'must be named once');
    const { door } = running();
    const ask = (type: string, payload: Record<string, unknown>) =>
      door.ask(type, payload, request.getDecorator<Login>(LOGIN), request, reply);
    return sendJson(reply, await neighboursOf(ask, namespace, id));
  });
  app.get('/api/keys', { onRequest: admit }, async (request, reply) => {
    const { principal } = request.getDecorator<Login>(LOGIN);
    takeFrom(principal.bucket, 'key');
    if (!principal.has('admin')) throw new CodedError('FORBIDDEN', 'the key lacks the scope admin');
    const shown = running().keys.all.filter((key) => isWithin(principal, key.principal));
    return sendJson(reply, { keys: shown.map(keyFigures) });
  });
}

/** Names of namespaces are for those who see them. */
function isWithin(viewer: Principal, { allowed }: Principal): boolean {
  return viewer.allowed.covers(allowed);
}

function keyFigures({ principal, secrets }: KeyRing['all'][number]): object {
  const { keyId, scopes, namespaces, notAfterMs, rateLimit, isDisabled, use } = principal;
  const rate = rateLimit === null ? null : { per_second: rateLimit.perSecond, burst: rateLimit.burst };
  const used = { requests: use.requests, last_used_at: use.lastUsedAtMs };
  const is = { id: keyId, scopes, namespaces, not_after: notAfterMs, disabled: isDisabled };
  return { ...is, secrets, rate_limit: rate, ...used };
}
