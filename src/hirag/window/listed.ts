import type { ContextRecord } from '../../base/context.ts';
import { isStill, messagesOf, type SessionBody } from './session-body.ts';
import type { SessionId, SessionStore } from './session-store.ts';

export interface Sought {
  readonly id: SessionId;
  readonly body: SessionBody;
  readonly records: readonly ContextRecord[];
  /** Ids of those that were not there before. */
  readonly created: ReadonlySet<string>;
  /** Ids of those that were. */
  readonly known: ReadonlySet<string>;
}

/** That are looked through for a message that comes again. */
const NEWEST_CARDS = 50;

/** Those that the session lists already: what was not there before is in no card as it is now. */
export async function listedAmong(
  { id, body, records, created, known }: Sought,
  sessions: SessionStore,
): Promise<ReadonlySet<string>> {
  const live = new Set(messagesOf(body.live).map((message) => message.id));
  const listed = new Set(records.map((record) => record.id).filter((one) => live.has(one) && !created.has(one)));
  const sought = new Map(records.filter((one) => known.has(one.id) && !live.has(one.id)).map((one) => [one.id, one]));
  if (sought.size === 0) return listed;
  for (const one of await cardedAmong(id, body, sought, sessions)) listed.add(one);
  return listed;
}

/** Among the newest cards first: what comes twice comes soon. All others are asked for by the message. */
async function cardedAmong(
  id: SessionId,
  body: SessionBody,
  records: ReadonlyMap<string, ContextRecord>,
  sessions: SessionStore,
): Promise<ReadonlySet<string>> {
  const carded = new Set<string>();
  const sought = new Map(records);
  const look = async (max: number): Promise<void> => {
    let looked = 0;
    for await (const { messages } of sessions.cards(id, body)) {
      for (const message of messages)
        if (isStill(message, sought.get(message.id)) && sought.delete(message.id)) carded.add(message.id);
      if (sought.size === 0 || ++looked >= max) return;
    }
  };
  await look(NEWEST_CARDS);
  if (body.cards <= NEWEST_CARDS) return carded;
  for (const [one, record] of [...sought]) {
    const card = await sessions.cardWith(id, body, record);
    if (card === undefined) await look(Infinity);
    else if (card !== null) carded.add(one);
  }
  return carded;
}
