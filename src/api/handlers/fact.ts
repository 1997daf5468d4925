import { EVERY_AGENT } from '../../base/wire-names.ts';
import type { FactScope } from '../../hirag/facts/types.ts';
import { toMoment, toReader } from './context-wire.ts';
import { fromHeld, toFact } from './fact-wire.ts';
import type { Handler, HandlerCall, InNamespace } from './handler.ts';

/** Facts of a page, or around an entity, where the request names no `limit`. */
const LIMIT = 100;

export const put: Handler<'fact.put'> = async ({ namespace, agent_id: agentId, facts }, call, { memory }) => {
  const input = { namespace, agentId: agentId ?? call.sender, facts: facts.map(toFact) };
  return { facts: [...(await memory.facts.put(input, call.options))] };
};

export const list: Handler<'fact.list'> = async (payload, call, { memory, listBytesMax }) => {
  const { subject, predicate, object, limit = LIMIT, cursor } = payload;
  const input = {
    ...toScope(payload, call),
    ...(subject !== undefined && { subject }),
    ...(predicate !== undefined && { predicate }),
    ...(object !== undefined && { object }),
    ...(cursor !== undefined && { cursor }),
    limit,
    bytesMax: listBytesMax,
  };
  const page = await memory.facts.list(input, call.options);
  return { facts: page.facts.map(fromHeld), ...(page.cursor !== undefined && { cursor: page.cursor }) };
};

export const around: Handler<'fact.around'> = async (payload, call, { memory, listBytesMax }) => {
  const { entity, depth = 1, limit = LIMIT } = payload;
  const input = { ...toScope(payload, call), entity, depth, limit, bytesMax: listBytesMax };
  const { facts, entities, truncated } = await memory.facts.around(input, call.options);
  return {
    facts: facts.map(({ held, distance }) => ({ ...fromHeld(held), distance })),
    entities: [...entities],
    ...(truncated && { truncated }),
  };
};

export const remove: Handler<'fact.delete'> = async ({ namespace, id, agent_id: named }, call, { memory }) => {
  const agentId = named === EVERY_AGENT ? undefined : named;
  return { deleted: await memory.facts.delete(namespace, id, agentId, call.options) };
};

interface WireScope {
  readonly agent_id?: string;
  readonly as_of?: number;
  readonly known_at?: number;
  readonly include_past?: boolean;
}

function toScope(payload: InNamespace<WireScope>, call: HandlerCall): FactScope {
  const { agentId } = toReader({ ...(payload.agent_id !== undefined && { agent_id: payload.agent_id }) }, call);
  return {
    namespace: payload.namespace,
    ...(agentId !== undefined && { agentId }),
    ...toMoment(payload),
  };
}
