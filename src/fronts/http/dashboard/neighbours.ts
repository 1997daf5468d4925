import type { Context, ContextGetReply, ContextListReply } from '../../../protocol/messages.generated.ts';

/** A request through the gate. */
export type Ask = (type: string, payload: Record<string, unknown>) => Promise<object>;

const COUNT = 5;
const PAGE = 100;
/** Of contexts that all have one time; what comes behind is not looked for. */
const PAGES_MAX = 20;
/** Lists begin at their newest: what came next is looked for in a short time first, then in longer ones. */
const FIRST_SPAN_MS = 100;
const SPAN_GROWTH = 30;
const SPANS_MAX = 6;

/** The turns of a context's session before and after it, in order; none where it is in no session. */
export async function neighboursOf(
  ask: Ask,
  namespace: string,
  id: string,
): Promise<{ readonly before: readonly Context[]; readonly after: readonly Context[] }> {
  const { context } = (await ask('context.get', { namespace, id })) as ContextGetReply;
  const { agent_id, session_id, created_at } = context;
  if (session_id === undefined) return { before: [], after: [] };
  const list = (
    range: object,
    isEnough: (found: readonly Context[]) => boolean,
  ): Promise<readonly Context[] | null> => {
    const filter = { must: [{ key: 'created_at', range }] };
    return pages(ask, { namespace, agent_id, session_id, filter, limit: PAGE }, isEnough);
  };
  const older = await list({ lte: created_at }, (found) => behind(found, context.id).length >= COUNT);
  const before = behind(older ?? [], context.id)
    .slice(0, COUNT)
    .reverse();
  return { before, after: await turnsAfter(list, context) };
}

async function turnsAfter(
  list: (range: object, isEnough: () => boolean) => Promise<readonly Context[] | null>,
  { id, created_at }: Context,
): Promise<readonly Context[]> {
  let found: readonly Context[] = [];
  for (let span = 0; span <= SPANS_MAX && found.length < COUNT; span++) {
    const until = span === SPANS_MAX ? {} : { lte: created_at + FIRST_SPAN_MS * SPAN_GROWTH ** span };
    const newer = await list({ gte: created_at, ...until }, () => false);
    // Too many: those next to it are not among them.
    if (newer === null) break;
    const place = newer.findIndex((context) => context.id === id);
    found = newer.slice(0, Math.max(0, place)).slice(-COUNT).reverse();
  }
  return found;
}

/** Null: there are more than are looked at. */
async function pages(
  ask: Ask,
  payload: Record<string, unknown>,
  isEnough: (found: readonly Context[]) => boolean,
): Promise<readonly Context[] | null> {
  const found: Context[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const reply = (await ask(
      'context.list',
      cursor === undefined ? payload : { ...payload, cursor },
    )) as ContextListReply;
    found.push(...reply.contexts);
    cursor = reply.cursor;
    if (cursor === undefined || isEnough(found)) return found;
  }
  return null;
}

/** Lists go from the newest to the oldest. */
function behind(found: readonly Context[], id: string): readonly Context[] {
  const place = found.findIndex((context) => context.id === id);
  return place < 0 ? [] : found.slice(place + 1);
}
