import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { dialectOf } from './dialect.ts';
import type { GatewayParts } from './parts.ts';
import { HttpFault } from './http-fault.ts';
import { passedHeaders, relay } from './relay.ts';
import type { TokenCaller } from './tokens.ts';
import type { UpstreamTarget } from './upstream.ts';
import { upstreamHeaders } from './upstream-headers.ts';
import { goneSignal } from './gone-signal.ts';

/** What is passed on as it came, without memory. */
const ROUTES = [
  { method: 'GET', url: '/v1/models' },
  { method: 'GET', url: '/v1/models/:model' },
  { method: 'POST', url: '/v1/embeddings' },
  { method: 'POST', url: '/v1/messages/count_tokens' },
] as const;

export function addPassedRoutes(app: FastifyInstance, parts: GatewayParts): void {
  for (const { method, url } of ROUTES)
    app.route({ method, url, handler: (request, reply) => passOn(request, reply, parts) });
}

async function passOn(request: FastifyRequest, reply: FastifyReply, parts: GatewayParts): Promise<void> {
  const { authenticator, door, bodies, upstream, clock, settings } = parts;
  const caller = authenticator.callerOf(request);
  door.enter(caller, { door: 'gateway', address: request.socket.remoteAddress });
  const target = targetOf(caller);
  const signal = goneSignal(reply.raw);
  const answer = await upstream.send(target, {
    method: request.method,
    path: request.url.slice('/v1'.length),
    headers: upstreamHeaders(request.headers, target, dialectOf(request)),
    body: request.method === 'GET' ? null : await bodies.read(request.raw, reply.raw),
    signal,
  });
  reply.hijack();
  reply.raw.writeHead(answer.status, passedHeaders(answer.headers));
  try {
    await relay(answer, reply.raw, { clock, idleMs: settings.upstreamIdleSecs * 1000 });
    reply.raw.end();
  } catch {
    // Half an answer must not look like a whole one.
    reply.raw.destroy();
  }
}

export function targetOf({ upstream }: TokenCaller): UpstreamTarget {
  if (upstream !== null) return upstream;
  throw new HttpFault('NO_UPSTREAM', 'there is no model behind the gateway: gateway.upstream_url is not set');
}
