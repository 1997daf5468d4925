import type { FastifyInstance, FastifyRequest } from 'fastify';
import { badRequest } from '../../base/errors.ts';
import type { GatewayParts } from './parts.ts';
import { requestJson } from './request-json.ts';
import type { TokenCaller } from './tokens.ts';

/** What memory holds, and how it is emptied. */
export function addUpkeepRoutes(app: FastifyInstance, parts: GatewayParts): void {
  const { authenticator, bodies, door, turns } = parts;
  const ask = (
    request: FastifyRequest,
    caller: TokenCaller,
    type: string,
    payload: Record<string, unknown>,
    isCounted = false,
  ) => door.ask(caller, type, payload, { door: 'gateway', address: request.socket.remoteAddress, isCounted });
  app.get('/stats', (request) => {
    const caller = authenticator.callerOf(request);
    return ask(request, caller, 'stats', { namespace: caller.namespace });
  });
  app.post('/reset', async (request, reply) => {
    const caller = authenticator.callerOf(request);
    const address = request.socket.remoteAddress;
    door.enter(caller, { door: 'gateway', address, type: 'level.clear', scopes: ['admin'] });
    const { body } = await requestJson(await bodies.read(request.raw, reply.raw), turns);
    const { type, payload, agent } = resetOf(body, caller);
    const counted: Ask = (step, asked) => ask(request, caller, step, asked, true);
    if (agent === undefined) return counted(type, payload);
    const ofSessions = await forgetSessions(counted, agent, caller.namespace);
    const { deleted } = (await counted(type, payload)) as { readonly deleted: number };
    return { deleted: ofSessions + deleted };
  });
}

type Ask = (type: string, payload: Record<string, unknown>) => Promise<object>;

interface SessionPage {
  readonly sessions: readonly { readonly session_id: string }[];
  readonly cursor?: string;
}

/** What an agent's sessions are beside their contexts: windows, cards, state. Resolves with how many contexts were deleted. */
async function forgetSessions(ask: Ask, agent: string, namespace: string): Promise<number> {
  const ids: string[] = [];
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const more = cursor === undefined ? {} : { cursor };
    const page = (await ask('session.list', { agent_id: agent, namespace, ...more })) as SessionPage;
    ids.push(...page.sessions.map(({ session_id: id }) => id));
    cursor = page.cursor;
  }
  let sum = 0;
  for (const id of ids) {
    const payload = { session_id: id, agent_id: agent, namespace, forget: true };
    sum += ((await ask('session.reset', payload)) as { readonly deleted: number }).deleted;
  }
  return sum;
}

const TARGETS = ['session', 'agent', 'level'] as const;
const FIELDS: Readonly<Record<(typeof TARGETS)[number], readonly string[]>> = {
  session: ['session_id', 'agent_id', 'forget'],
  agent: ['agent_id'],
  level: ['level'],
};

/** What the target is in the words of the wire: the gate checks the rest. Throws `BAD_REQUEST`. */
function resetOf(
  { target, ...fields }: Readonly<Record<string, unknown>>,
  { namespace }: TokenCaller,
): { readonly type: string; readonly payload: Record<string, unknown>; readonly agent?: string } {
  const named = TARGETS.find((each) => each === target);
  if (named === undefined) throw badRequest('/target', `must be one of ${TARGETS.join(', ')}`);
  const unknown = Object.keys(fields).find((field) => !FIELDS[named].includes(field));
  if (unknown !== undefined) throw badRequest(`/${unknown}`, 'is not a field of this target');
  if (named === 'session') return { type: 'session.reset', payload: { ...fields, namespace } };
  if (named === 'level') return { type: 'level.clear', payload: { ...fields, namespace } };
  const { agent_id: agent } = fields;
  // To a list of sessions the star is every agent.
  if (typeof agent !== 'string' || agent === '' || agent === '*') throw badRequest('/agent_id', 'must name one agent');
  const filter = { must: [{ key: 'agent_id', match: { value: agent } }] };
  return { type: 'context.delete', payload: { filter, namespace }, agent };
}
