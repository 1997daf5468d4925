import type { JsonObject } from '../../base/context.ts';
import { suggest } from '../../config/suggest.ts';
import type { Fact, FactPutRequest } from '../../protocol/messages.generated.ts';
import { clip } from '../terminal/render.ts';
import { isUuid, stableId } from './identity.ts';
import { LineError, type LineDefaults } from './line.ts';
import { parseIsoTime } from './times.ts';

export type NewFact = FactPutRequest['facts'][number];

/** One fact as import and export write it. */
export interface FactLine {
  readonly kind: 'fact';
  readonly subject: string;
  readonly predicate: string;
  readonly object: string;
  readonly id?: string;
  readonly namespace?: string;
  readonly agent_id?: string;
  readonly valid_from?: number | string;
  readonly valid_until?: number | string;
  readonly single_valued?: boolean;
  readonly source_ids?: readonly string[];
  readonly confidence?: number;
  readonly metadata?: JsonObject;
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isTime = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number';
const FIELD_TYPES: Readonly<Record<keyof FactLine, (value: unknown) => boolean>> = {
  kind: isText,
  subject: isText,
  predicate: isText,
  object: isText,
  id: isText,
  namespace: isText,
  agent_id: isText,
  valid_from: isTime,
  valid_until: isTime,
  single_valued: (value) => typeof value === 'boolean',
  source_ids: (value) => Array.isArray(value) && value.every(isText),
  confidence: (value) => typeof value === 'number',
  metadata: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};
const FIELDS = Object.keys(FIELD_TYPES);
const REQUIRED = ['subject', 'predicate', 'object'] as const;
const COLUMNS_SHOWN = 64;

export function isFactLine(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'fact';
}

/** Checks the shape of one parsed line of which `isFactLine` is true. Throws `LineError`. */
export function checkFactLine(value: object): FactLine {
  for (const [field, content] of Object.entries(value)) {
    if (!FIELDS.includes(field)) {
      const near = suggest(field, FIELDS);
      const hint = near === undefined ? '' : `; did you mean \`${near}\`?`;
      throw new LineError(
        `unknown field \`${clip(field, COLUMNS_SHOWN)}\` of a fact${hint} (fields: ${FIELDS.join(', ')})`,
      );
    }
    if (!FIELD_TYPES[field as keyof FactLine](content)) throw new LineError(`field \`${field}\` has the wrong type`);
  }
  for (const field of REQUIRED) if (!(field in value)) throw new LineError(`field \`${field}\` is missing`);
  return value as FactLine;
}

export interface LineFact {
  readonly fact: NewFact & { readonly id: string };
  readonly agentId: string;
  readonly namespace: string | undefined;
}

/** The fact that a line stands for, with an id of its own or one made from its place and content. Throws `LineError`. */
export function toNewFact(line: FactLine, place: number, defaults: LineDefaults): LineFact {
  const { subject, predicate, object, source_ids: sources, confidence, metadata } = line;
  const agentId = line.agent_id ?? defaults.agentId;
  const id =
    line.id !== undefined && isUuid(line.id)
      ? line.id.toLowerCase()
      : stableId(line.id === undefined ? ['fact', place, agentId, JSON.stringify(line)] : ['fact-id', line.id]);
  const fact = {
    ...{ id, subject, predicate, object },
    ...(line.valid_from !== undefined && { valid_from: toTimeMs('valid_from', line.valid_from) }),
    ...(line.valid_until !== undefined && { valid_until: toTimeMs('valid_until', line.valid_until) }),
    ...(line.single_valued !== undefined && { single_valued: line.single_valued }),
    ...(sources !== undefined && { source_ids: [...sources] }),
    ...(confidence !== undefined && { confidence }),
    ...(metadata !== undefined && { metadata }),
  };
  return { fact, agentId, namespace: defaults.namespaceFor(line.namespace) };
}

/** A fact as a line that `checkFactLine` reads, with its line break; fields that say nothing are left out. */
export function toFactExportLine(fact: Fact): string {
  const { id, namespace, subject, predicate, object, source_ids: sources, confidence, metadata } = fact;
  // Its own end alone: what ended it otherwise is a fact of the export, too.
  const ownEnd = fact.superseded_by === undefined ? fact.valid_until : fact.stated_until;
  const line: FactLine = {
    kind: 'fact',
    ...{ id, namespace, agent_id: fact.agent_id, subject, predicate, object, valid_from: fact.valid_from },
    ...(ownEnd !== undefined && { valid_until: ownEnd }),
    ...(fact.single_valued && { single_valued: true }),
    ...(sources.length > 0 && { source_ids: sources }),
    ...(confidence !== undefined && { confidence }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
  return `${JSON.stringify(line)}\n`;
}

function toTimeMs(field: string, time: number | string): number {
  const timeMs = typeof time === 'number' ? time : parseIsoTime(time);
  if (timeMs === null || !Number.isInteger(timeMs))
    throw new LineError(`field \`${field}\` must be milliseconds since 1970, or a date and time of ISO 8601`);
  return timeMs;
}
