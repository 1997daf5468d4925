import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { systemRandom, uuidV7 } from '../../base/random.ts';
import { toCodedError } from '../../base/errors.ts';
import { inTurns } from '../../base/loop-turns.ts';
import type { ConversationMemory } from './conversation-memory.ts';
import type { Place } from './conversation-messages.ts';
import { replaceSpans } from './json-spans.ts';
import { ModelRequest } from './model-request.ts';
import type { GatewayParts } from './parts.ts';
import { targetOf } from './passed-routes.ts';
import { requestJson, type RequestJson } from './request-json.ts';
import type { ResponsePlaces } from './response-places.ts';
import { sessionOf } from './session-identity.ts';
import { CHAT } from './shapes/chat.ts';
import { MESSAGES } from './shapes/messages.ts';
import { RESPONSES } from './shapes/responses.ts';
import type { Conversation, Shape } from './shapes/shape.ts';
import type { TokenCaller } from './tokens.ts';
import { goneSignal } from './gone-signal.ts';

interface RouteDeps {
  readonly parts: GatewayParts;
  readonly memory: ConversationMemory;
  readonly places: ResponsePlaces;
}

/** What goes to a model, with memory. */
export function addModelRoutes(
  app: FastifyInstance,
  parts: GatewayParts,
  memory: ConversationMemory,
  places: ResponsePlaces,
): void {
  const deps = { parts, memory, places };
  for (const shape of [CHAT, RESPONSES, MESSAGES])
    app.post(`/v1${shape.path}`, (request, reply) => serve(shape, request, reply, deps));
}

async function serve(shape: Shape, request: FastifyRequest, reply: FastifyReply, deps: RouteDeps): Promise<void> {
  const { parts, memory } = deps;
  const caller = parts.authenticator.callerOf(request);
  parts.door.enter(caller, { door: 'gateway', address: request.socket.remoteAddress });
  const target = targetOf(caller);
  const sent = await requestJson(await parts.bodies.read(request.raw, reply.raw), parts.turns);
  const signal = goneSignal(reply.raw);
  const { text, place } = await placeOf(shape, request, sent, caller, signal, deps);
  const conversation = (await readBy(shape, sent, deps)) ?? { groups: [], systemText: '', opaque: [] };
  const prepared = await memory.prepare(place, conversation);
  parts.metrics.count('gateway_memory_total', { outcome: prepared.plan === null ? 'degraded' : 'on' });
  const asked = { parts, memory, shape, request, reply, target, text, conversation, prepared, signal };
  try {
    await new ModelRequest(asked).run();
  } catch (error) {
    // Half an answer must not look like a whole one.
    if (!reply.raw.headersSent && !signal.aborted) throw error;
    reply.hijack();
    reply.raw.destroy();
  }
}

/** Null: it is in no shape that is known, or has too many items or is nested too deeply to be looked into. */
async function readBy(shape: Shape, sent: RequestJson, { parts }: RouteDeps): Promise<Conversation | null> {
  try {
    return await inTurns(shape.read(sent), parts.turns);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Where the conversation goes on, and the request without what only the gateway knows. */
async function placeOf(
  shape: Shape,
  request: FastifyRequest,
  { text, body, members }: RequestJson,
  caller: TokenCaller,
  signal: AbortSignal,
  { parts, places }: RouteDeps,
): Promise<{ readonly text: string; readonly place: Place }> {
  const address = request.socket.remoteAddress;
  const sessionId = sessionOf(request.headers, body, shape.dialect);
  const place: Place = { caller, address, sessionId, signal };
  if (shape !== RESPONSES) return { text, place };
  const { previous_response_id: previous, store } = body;
  if (typeof previous === 'string') {
    const found = await places.find(caller, address, previous).catch((error: unknown) => {
      parts.log.warn({ code: toCodedError(error).code }, 'the answer that a request follows could not be looked for');
      return null;
    });
    // One that is not ours may be the upstream's own.
    if (found === null) return { text, place };
    const span = members.get('previous_response_id');
    // As long as it was: all else stays where it stands.
    const by = 'null'.padEnd(span === undefined ? 0 : span.to - span.from);
    const without = span === undefined ? text : replaceSpans(text, [{ ...span, by }]);
    return { text: without, place: { ...place, sessionId: found.sessionId, after: found.messageId } };
  }
  // A later request may go on from the answer: it has to stand somewhere.
  if (sessionId !== null || store === false) return { text, place };
  return { text, place: { ...place, sessionId: `responses:${uuidV7(parts.clock.nowMs(), systemRandom)}` } };
}
