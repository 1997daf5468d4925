import type { FastifyInstance, FastifyRequest } from 'fastify';
import { takeFrom } from '../../../api/gate.ts';
import { certificateNamesOf } from '../../../base/certificates.ts';
import { CodedError } from '../../../base/errors.ts';
import type { LiveStream } from './live-stream.ts';
import { loginOf, tokenOf } from './login-routes.ts';
import type { Logins } from './logins.ts';
import { sendJson } from './replies.ts';

export interface OverviewRouteDeps {
  readonly figures: () => Promise<object>;
  readonly live: LiveStream;
  /** Throws while the server is starting. */
  readonly logins: () => Logins;
}

const WATCH_RETRY_MS = 5_000;

/** How the server is, once and live, for those who are logged in. */
export function addOverviewRoutes(app: FastifyInstance, { figures, live, logins }: OverviewRouteDeps): void {
  app.get('/api/overview', async (request, reply) => {
    takeFrom(loginOf(request, logins()).principal.bucket, 'key');
    return sendJson(reply, await figures());
  });
  app.get('/api/live', { exposeHeadRoute: false }, (request, reply) => {
    const isAllowed = admission(request, logins);
    if (live.isClosed) throw new CodedError('SHUTTING_DOWN', 'the server is shutting down');
    if (live.isFull) {
      throw new CodedError('OVERLOADED', 'as many watch as may', { retryAfterMs: WATCH_RETRY_MS });
    }
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value);
    live.add(reply.raw, isAllowed);
  });
}

/** Whether a stream may go on, asked again and again; throws where it may not begin. */
function admission(request: FastifyRequest, logins: () => Logins): () => boolean {
  takeFrom(loginOf(request, logins()).principal.bucket, 'key');
  const token = tokenOf(request) ?? '';
  return () => logins().lasts(token, certificateNamesOf(request.socket));
}
