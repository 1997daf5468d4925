import { stableId } from './identity.ts';
import type { ImportLine } from './line.ts';
import { parseDateTime } from './times.ts';

/** One turn of a conversation document; fields not named here are not ours to judge. */
interface Turn {
  readonly speaker: string;
  readonly text: string;
  readonly id?: string;
  readonly session?: string | number;
  readonly date_time?: string;
  readonly image_caption?: string;
}

/** A document `{turns: [...]}`, as conversations are exchanged for evaluation. */
export function isConversation(value: unknown): value is { readonly turns: readonly unknown[] } {
  return typeof value === 'object' && value !== null && 'turns' in value && Array.isArray(value.turns);
}

/**
 * Turns as import lines: `<speaker>: <text> [shares <image_caption>]`. Turns of a session carry its one date, so
 * each is put a second after the one before it.
 */
export function* conversationLines(document: { readonly turns: readonly unknown[] }): Generator<ImportLine | Error> {
  const countsBySession = new Map<string, number>();
  for (const [place, value] of document.turns.entries()) {
    if (!isTurn(value)) {
      yield new Error('a turn needs the texts `speaker` and `text`');
      continue;
    }
    const session = value.session === undefined ? undefined : String(value.session);
    const before = countsBySession.get(session ?? '') ?? 0;
    countsBySession.set(session ?? '', before + 1);
    yield toLine(value, place, session, before);
  }
}

function isTurn(value: unknown): value is Turn {
  if (typeof value !== 'object' || value === null) return false;
  const { speaker, text } = value as Record<string, unknown>;
  return typeof speaker === 'string' && typeof text === 'string';
}

function toLine(turn: Turn, place: number, session: string | undefined, before: number): ImportLine | Error {
  const startMs = turn.date_time === undefined ? undefined : parseDateTime(turn.date_time);
  if (Number.isNaN(startMs))
    return new Error('`date_time` must be a date, as "1:56 pm on 8 May, 2023" or 2023-05-08T13:56:00Z');
  const caption = turn.image_caption ? ` [shares ${turn.image_caption}]` : '';
  const text = `${turn.speaker}: ${turn.text}${caption}`;
  return {
    // Turn ids such as D1:1 come in every conversation: alone they would make two documents collide.
    id: stableId(['turn', turn.id ?? '', place, turn.date_time ?? '', text]),
    text,
    metadata: {
      speaker: turn.speaker,
      ...(turn.id === undefined ? {} : { turn_id: String(turn.id) }),
      ...(turn.date_time === undefined ? {} : { date_time: turn.date_time }),
    },
    ...(session === undefined ? {} : { session_id: session }),
    ...(startMs === undefined ? {} : { created_at: startMs + before * 1000 }),
  };
}
