import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { badRequest } from '../../base/errors.ts';
import { inTurns } from '../../base/loop-turns.ts';
import { readJsonBodyInTurns } from '../../protocol/json-body.ts';
import { openApi } from '../../protocol/openapi.ts';
import { INGEST_PATH } from './ingest/ingest-route.ts';
import type { GatewayParts } from './parts.ts';
import { goneSignal } from './gone-signal.ts';

const MEMORY_PATH = '/v1/memory/';
/** Nobody waits longer. */
const TIMEOUT_MS = 60_000;
const JSON_TYPE = 'application/json; charset=utf-8';

/** Whose errors are told in the wire's words. */
export function isMemoryRoute({ url }: Pick<FastifyRequest, 'url'>): boolean {
  return url.startsWith(MEMORY_PATH) || url.split('?')[0] === INGEST_PATH;
}

/** The operations of the wire for whoever has only HTTP: `POST /v1/memory/<type>`, its payload as JSON, and what describes them. */
export function addMemoryRoutes(app: FastifyInstance, parts: GatewayParts): void {
  let described: string | undefined;
  app.get(`${MEMORY_PATH}openapi.json`, async (_request, reply) =>
    reply.type(JSON_TYPE).send((described ??= JSON.stringify(openApi(MEMORY_PATH)))),
  );
  app.post<{ Params: { type: string } }>(`${MEMORY_PATH}:type`, async (request, reply) => {
    const answer = await ask(request, reply, parts);
    return reply.type(JSON_TYPE).send(JSON.stringify(answer));
  });
}

async function ask(
  request: FastifyRequest<{ Params: { type: string } }>,
  reply: FastifyReply,
  { authenticator, gate, door, bodies, turns }: GatewayParts,
): Promise<object> {
  const signal = goneSignal(reply.raw);
  const { type } = request.params;
  const payload = withBytes((await readJsonBodyInTurns(await bodies.read(request.raw, reply.raw), turns)) ?? {});
  await inTurns(gate.payloadSlices(type, payload), turns);
  return door.ask(authenticator.callerOf(request), type, payload, {
    door: 'gateway',
    address: request.socket.remoteAddress,
    timeoutMs: TIMEOUT_MS,
    signal,
  });
}

type Payload = Record<string, unknown>;

/** JSON has no bytes: vectors, which the wire wants as such, come as base64. */
function withBytes(payload: Payload): Payload {
  const { contexts } = payload;
  if (!Array.isArray(contexts)) return withVector(payload, '');
  return {
    ...payload,
    contexts: contexts.map((item, place) => (isMap(item) ? withVector(item, `/contexts/${place}`) : (item as unknown))),
  };
}

function withVector(fields: Payload, path: string): Payload {
  const { embedding } = fields;
  if (typeof embedding !== 'string') return fields;
  const bytes = Buffer.from(embedding, 'base64');
  if (bytes.toString('base64') !== embedding) throw badRequest(`${path}/embedding`, 'must be base64');
  return { ...fields, embedding: new Uint8Array(bytes) };
}

function isMap(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
