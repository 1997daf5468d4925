import type { JsonObject, Level } from '../../base/context.ts';
import { suggest } from '../../config/suggest.ts';
import { NESTING_MAX } from '../../protocol/body-limits.ts';
import type { NewContext } from '../../protocol/messages.generated.ts';
import { clip } from '../terminal/render.ts';
import { isUuid, stableId } from './identity.ts';
import { parseIsoTime } from './times.ts';

/** One context as import and export write it. */
export interface ImportLine {
  readonly text: string;
  readonly id?: string;
  readonly namespace?: string;
  readonly role?: string;
  readonly speaker?: string;
  readonly session_id?: string;
  readonly agent_id?: string;
  readonly created_at?: number | string;
  readonly expires_at?: number | string;
  readonly valid_from?: number | string;
  readonly valid_until?: number | string;
  readonly supersedes?: readonly string[];
  readonly tags?: readonly string[];
  readonly metadata?: JsonObject;
  readonly level?: Level;
}

const FIELD_TYPES: Readonly<Record<keyof ImportLine, (value: unknown) => boolean>> = {
  text: isText,
  id: isText,
  namespace: isText,
  role: isText,
  speaker: isText,
  session_id: isText,
  agent_id: isText,
  created_at: isTime,
  expires_at: isTime,
  valid_from: isTime,
  valid_until: isTime,
  supersedes: (value) => Array.isArray(value) && value.every(isText),
  tags: (value) => Array.isArray(value) && value.every(isText),
  metadata: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  level: isText,
};
const FIELDS = Object.keys(FIELD_TYPES);
const COLUMNS_SHOWN = 64;
/** A line becomes the payload of a request, which lies in its envelope. */
export const LINE_DEPTH_MAX = NESTING_MAX - 1;

/** A line that cannot be stored as it is; the message says what is wrong, without the line's text. */
export class LineError extends Error {}

/** Checks the shape of one parsed line. Throws `LineError`. */
export function checkLine(value: unknown): ImportLine {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new LineError('must be a JSON object');
  for (const [field, content] of Object.entries(value)) {
    if (!FIELDS.includes(field)) {
      const near = suggest(field, FIELDS);
      throw new LineError(
        `unknown field \`${clip(field, COLUMNS_SHOWN)}\`${near === undefined ? '' : `; did you mean \`${near}\`?`} (fields: ${FIELDS.join(', ')})`,
      );
    }
    if (!FIELD_TYPES[field as keyof ImportLine](content)) throw new LineError(`field \`${field}\` has the wrong type`);
  }
  if (!('text' in value)) throw new LineError('field `text` is missing');
  return value as ImportLine;
}

export interface LineDefaults {
  /** The namespace of a line that names this one, or none; undefined: the key's own. Throws `LineError`. */
  readonly namespaceFor: (named: string | undefined) => string | undefined;
  readonly agentId: string;
  readonly sessionId?: string;
  readonly level: Level;
  /** For lines that name no time. */
  readonly nextTimeMs: () => number;
}

/** A context to be stored, and the moment at which its lifetime ends. */
export interface LineContext {
  readonly context: NewContext;
  readonly expiresAtMs?: number;
}

/**
 * The context that a line stands for. Its id is the line's own, or made from the line's place and content, so that
 * importing the same file again stores nothing twice. Throws `LineError`.
 */
export function toContext(line: ImportLine, place: number, defaults: LineDefaults): LineContext {
  const agentId = line.agent_id ?? defaults.agentId;
  const sessionId = line.session_id ?? defaults.sessionId;
  const namespace = defaults.namespaceFor(line.namespace);
  const context: NewContext = {
    id: identify(line, place, agentId, sessionId),
    // As in a conversation document: a query that names the speaker finds what they said.
    text: line.speaker === undefined ? line.text : `${line.speaker}: ${line.text}`,
    level: line.level ?? defaults.level,
    agent_id: agentId,
    created_at: line.created_at === undefined ? defaults.nextTimeMs() : toTimeMs('created_at', line.created_at),
    metadata: metadataOf(line),
    ...(namespace === undefined ? {} : { namespace }),
    ...(sessionId === undefined ? {} : { session_id: sessionId }),
    ...(line.tags === undefined ? {} : { tags: [...line.tags] }),
    ...(line.valid_from === undefined ? {} : { valid_from: toTimeMs('valid_from', line.valid_from) }),
    ...(line.valid_until === undefined ? {} : { valid_until: toTimeMs('valid_until', line.valid_until) }),
    ...(line.supersedes === undefined || line.supersedes.length === 0
      ? {}
      : { supersedes: line.supersedes.map((id) => (isUuid(id) ? id.toLowerCase() : stableId(['id', id]))) }),
  };
  return line.expires_at === undefined
    ? { context }
    : { context, expiresAtMs: toTimeMs('expires_at', line.expires_at) };
}

function identify(line: ImportLine, place: number, agentId: string, sessionId: string | undefined): string {
  if (line.id === undefined) return stableId(['line', place, agentId, sessionId ?? '', JSON.stringify(line)]);
  return isUuid(line.id) ? line.id.toLowerCase() : stableId(['id', line.id]);
}

/** Who spoke, and an id that is no UUID, are kept beside what the line says itself. */
function metadataOf({ id, role, speaker, metadata }: ImportLine): JsonObject {
  return {
    ...(role === undefined ? {} : { role }),
    ...(speaker === undefined ? {} : { speaker }),
    ...(id === undefined || isUuid(id) ? {} : { source_id: id }),
    ...metadata,
  };
}

function toTimeMs(field: keyof ImportLine, time: number | string): number {
  const timeMs = typeof time === 'number' ? time : parseIsoTime(time);
  if (timeMs === null || !Number.isInteger(timeMs))
    throw new LineError(`field \`${field}\` must be milliseconds since 1970, or a date and time of ISO 8601`);
  return timeMs;
}

function isTime(value: unknown): boolean {
  return isText(value) || typeof value === 'number';
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
