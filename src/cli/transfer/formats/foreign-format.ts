import type { JsonObject, JsonValue } from '../../../base/context.ts';
import { stableId } from '../identity.ts';
import { LineError, type ImportLine } from '../line.ts';
import { parseIsoTime } from '../times.ts';

/** A part of an element that becomes a context, or cannot. */
export interface ForeignLine {
  /** Where in the element it stands, as `message 3`; absent: it is the element. */
  readonly at?: string;
  readonly content: ImportLine | LineError;
}

/** How another memory writes what it has. */
export interface ForeignFormat {
  /** What an element is called, where it stands in no named array. */
  readonly noun: string;
  /** Names of arrays in a document whose items are elements; each with what its items are called. */
  readonly arrays: Readonly<Record<string, string>>;
  /** What an element becomes; nothing where there is nothing to remember in it. Throws `LineError` where it is malformed. */
  lines(element: unknown, around: Fields, key: string | undefined): Iterable<ForeignLine>;
}

export type Fields = Readonly<Record<string, unknown>>;

/** Throws `LineError` where it is none. */
export function fieldsOf(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new LineError('must be a JSON object');
}

/** The first of these fields that holds a text with something in it. */
export function textOf(fields: Fields, ...names: readonly string[]): string | undefined {
  const found = names.map((name) => fields[name]).find((value) => typeof value === 'string' && value.trim() !== '');
  return found as string | undefined;
}

/** Milliseconds since the epoch of the first of these fields that is there: ISO 8601, or seconds. Throws `LineError`. */
export function timeOf(fields: Fields, ...names: readonly string[]): number | undefined {
  const name = names.find((one) => fields[one] !== undefined && fields[one] !== null);
  if (name === undefined) return undefined;
  const value = fields[name];
  const timeMs =
    typeof value === 'number' ? Math.round(value * 1000) : typeof value === 'string' ? parseIsoTime(value) : null;
  if (timeMs === null || !Number.isSafeInteger(timeMs) || timeMs < 0)
    throw new LineError(`field \`${name}\` must be a time: ISO 8601, or seconds since 1970`);
  return timeMs;
}

export function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string' && item !== '') : [];
}

/** Those that say something. */
export function told(fields: Readonly<Record<string, unknown>>): JsonObject {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return Object.fromEntries(entries) as Readonly<Record<string, JsonValue>>;
}

interface Line {
  readonly text: string;
  readonly sourceId: string | undefined;
  readonly agentId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly createdAtMs?: number | undefined;
  readonly expiresAtMs?: number | undefined;
  readonly validFromMs?: number | undefined;
  readonly validUntilMs?: number | undefined;
  readonly role?: string | undefined;
  readonly speaker?: string | undefined;
  readonly tags?: readonly string[];
  readonly metadata: JsonObject;
}

/** The same text of the same source has the same id, whenever it is imported; a text that was changed since has another. */
export function lineOf(source: string, line: Line): ImportLine {
  const { text, sourceId, agentId, sessionId, tags = [] } = line;
  return {
    id: stableId([source, sourceId ?? '', sessionId ?? '', text]),
    text,
    metadata: { source, ...told({ source_id: sourceId }), ...line.metadata },
    ...(agentId === undefined ? {} : { agent_id: agentId }),
    ...(sessionId === undefined ? {} : { session_id: sessionId }),
    ...(line.createdAtMs === undefined ? {} : { created_at: line.createdAtMs }),
    ...(line.expiresAtMs === undefined ? {} : { expires_at: line.expiresAtMs }),
    ...(line.validFromMs === undefined ? {} : { valid_from: line.validFromMs }),
    ...(line.validUntilMs === undefined ? {} : { valid_until: line.validUntilMs }),
    ...(line.role === undefined ? {} : { role: line.role }),
    ...(line.speaker === undefined ? {} : { speaker: line.speaker }),
    ...(tags.length === 0 ? {} : { tags }),
  };
}
