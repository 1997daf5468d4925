import { stableId } from './identity.ts';
import { LineError, type ImportLine } from './line.ts';
import { parseSpokenTime } from './times.ts';

/** One turn of a conversation document; fields not named here are not ours to judge. A null is a field left out. */
interface Turn {
  readonly speaker: string;
  readonly text: string;
  readonly id?: string | number | null;
  readonly session?: string | number | null;
  readonly date_time?: string | null;
  readonly image_caption?: string | null;
}

const FIELD_RULES: Readonly<Record<keyof Turn, { readonly fits: (value: unknown) => boolean; readonly must: string }>> =
  {
    speaker: { fits: isText, must: 'be text' },
    text: { fits: isText, must: 'be text' },
    id: { fits: isName, must: 'be text or a number' },
    session: { fits: isName, must: 'be text or a number' },
    date_time: { fits: (value) => value === null || isText(value), must: 'be text' },
    image_caption: { fits: (value) => value === null || isText(value), must: 'be text' },
  };

/** Whether a turn's field of this name is read. */
export function isTurnField(name: string): boolean {
  return Object.hasOwn(FIELD_RULES, name);
}

/** A document `{turns: [...]}`, as conversations are exchanged for evaluation. */
export function isConversation(value: unknown): value is { readonly turns: readonly unknown[] } {
  return typeof value === 'object' && value !== null && 'turns' in value && Array.isArray(value.turns);
}

/**
 * Turns as import lines: `<speaker>: <text> [shares <image_caption>]`. Turns of a session carry its one date, so
 * each is put a second after the one before it.
 */
export function* conversationLines(document: {
  readonly turns: readonly unknown[];
}): Generator<ImportLine | LineError> {
  const countsBySession = new Map<string, number>();
  for (const [place, value] of document.turns.entries()) {
    const fault = findFault(value);
    if (fault !== undefined) {
      yield new LineError(fault);
      continue;
    }
    const turn = value as Turn;
    const session = turn.session === undefined || turn.session === null ? undefined : String(turn.session);
    const before = countsBySession.get(session ?? '') ?? 0;
    countsBySession.set(session ?? '', before + 1);
    yield toLine(turn, place, session, before);
  }
}

function findFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('speaker' in value) || !('text' in value))
    return 'a turn needs the texts `speaker` and `text`';
  for (const [field, { fits, must }] of Object.entries(FIELD_RULES)) {
    const content = (value as Record<string, unknown>)[field];
    if (content !== undefined && !fits(content)) return `field \`${field}\` of the turn must ${must}`;
  }
  return undefined;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isName(value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'number';
}

function toLine(turn: Turn, place: number, session: string | undefined, before: number): ImportLine | LineError {
  const { id, date_time: dateTime, image_caption: imageCaption } = turn;
  const startMs = dateTime === undefined || dateTime === null ? undefined : parseSpokenTime(dateTime);
  if (startMs === null)
    return new LineError('`date_time` must be a date, as "1:56 pm on 8 May, 2023" or 2023-05-08T13:56:00Z');
  const caption = imageCaption ? ` [shares ${imageCaption}]` : '';
  const text = `${turn.speaker}: ${turn.text}${caption}`;
  return {
    // Turn ids such as D1:1 come in every conversation: alone they would make two documents collide.
    id: stableId(['turn', id ?? '', place, dateTime ?? '', text]),
    text,
    metadata: {
      speaker: turn.speaker,
      ...(id === undefined || id === null ? {} : { turn_id: String(id) }),
      ...(dateTime === undefined || dateTime === null ? {} : { date_time: dateTime }),
    },
    ...(session === undefined ? {} : { session_id: session }),
    ...(startMs === undefined ? {} : { created_at: startMs + before * 1000 }),
  };
}
