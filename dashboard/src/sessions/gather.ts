import type { Context } from '../../../src/protocol/messages.generated.ts';
import { ask } from '../api/requests.ts';

export interface SessionSummary {
  readonly session: string;
  readonly agents: readonly string[];
  readonly contexts: number;
  readonly tokens: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface Gathered {
  /** Last used first. */
  readonly sessions: readonly SessionSummary[];
  /** Contexts that were looked at, those of no session included. */
  readonly seen: number;
  /** Absent: it was all. */
  readonly cursor?: string;
}

export const NONE_GATHERED: Gathered = { sessions: [], seen: 0 };

const PAGE = 1_000;
/** Looked at in one go. */
const PAGES_MAX = 5;

/**
 * The server keeps no list of sessions: they are gathered from its contexts, newest first, a bounded number at a
 * time. `found` is told after every page.
 */
export async function gather(
  namespace: string,
  from: Gathered,
  signal: AbortSignal,
  found: (gathered: Gathered) => void,
): Promise<Gathered> {
  let gathered = from;
  for (let page = 0; page < PAGES_MAX; page++) {
    const cursor = gathered.cursor;
    const reply = await ask(
      'context.list',
      { namespace, agent_id: '*', limit: PAGE, ...(cursor === undefined ? {} : { cursor }) },
      signal,
    );
    gathered = {
      sessions: withContexts(gathered.sessions, reply.contexts),
      seen: gathered.seen + reply.contexts.length,
      ...(reply.cursor === undefined ? {} : { cursor: reply.cursor }),
    };
    found(gathered);
    if (reply.cursor === undefined) break;
  }
  return gathered;
}

function withContexts(sessions: readonly SessionSummary[], contexts: readonly Context[]): SessionSummary[] {
  const byName = new Map<string, SessionSummary>(sessions.map((each) => [each.session, each]));
  for (const context of contexts) {
    if (context.session_id === undefined) continue;
    const known = byName.get(context.session_id);
    byName.set(context.session_id, {
      session: context.session_id,
      agents: [...new Set([...(known?.agents ?? []), context.agent_id])],
      contexts: (known?.contexts ?? 0) + 1,
      tokens: (known?.tokens ?? 0) + context.token_count,
      firstAt: Math.min(known?.firstAt ?? context.created_at, context.created_at),
      lastAt: Math.max(known?.lastAt ?? context.created_at, context.created_at),
    });
  }
  return [...byName.values()].sort((a, b) => b.lastAt - a.lastAt);
}
