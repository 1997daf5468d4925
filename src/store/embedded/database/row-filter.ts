// A filter over rows as the database has them: one piece of code says what filters mean (filter-match.ts), whatever asks.

import type { Filter, JsonObject } from '../../../base/context.ts';
import { parseJson } from '../../../base/json.ts';
import type { FilterSubject } from '../../filter.ts';
import { type FieldReader, fieldReader, FilterProgram } from '../../filter-match.ts';
import { levelName, type RecordRow } from '../border/rows.ts';
import { parseTimes } from '../border/times.ts';
import { openContents } from './sealed-values.ts';
import type { Sealer } from './sealer.ts';
import { DamageError } from './sqlite-errors.ts';

/** Columns of `contexts AS c` for `RowFilter.passes`. */
export const SUBJECT_COLUMNS =
  'c.seq, c.agent_id, c.session_id, c.level, c.created_at, c.updated_at, c.tags, c.metadata, c.times';
export const SUBJECT_WIDTH = 9;

/** The same where contents are sealed. */
export function subjectColumns(sealer: Sealer | null): string {
  return sealer === null ? SUBJECT_COLUMNS : `${SUBJECT_COLUMNS}, c.namespace_id, c.id, c.sealed`;
}

export class RowFilter {
  readonly #program: FilterProgram;
  readonly #readers: readonly FieldReader[];
  readonly #needsTags: boolean;
  readonly #needsMetadata: boolean;
  readonly #needsTimes: boolean;
  readonly #sealer: Sealer | null;

  constructor(filter: Filter, sealer: Sealer | null) {
    this.#sealer = sealer;
    this.#program = new FilterProgram(filter);
    const { keys } = this.#program;
    this.#readers = keys.map(fieldReader);
    this.#needsTags = keys.includes('tags');
    this.#needsTimes = keys.some((key) => key.startsWith('valid_'));
    this.#needsMetadata = keys.some((key) => key.startsWith('metadata.'));
  }

  /** `values` begin with `subjectColumns`. */
  passes(values: readonly unknown[]): boolean {
    const [seq, agentId, sessionId, level, createdAtMs, updatedAtMs, , , times] = values as SubjectValues;
    const { tags, metadata } = this.#contents(values as SubjectValues);
    const subject: FilterSubject = {
      agentId,
      sessionId,
      level: levelName(level),
      createdAtMs,
      updatedAtMs,
      tags: this.#needsTags ? parsed<string[]>(seq, tags) : [],
      metadata: this.#needsMetadata ? parsed<JsonObject>(seq, metadata) : {},
      ...(this.#needsTimes && times !== null ? { times: parseTimes(times) } : {}),
    };
    return this.#program.passes((place) => (this.#readers[place] as FieldReader)(subject));
  }

  #contents([seq, , , , , , tags, metadata, , namespaceId, id, sealed]: SubjectValues): Subject {
    if (this.#sealer === null || !(this.#needsTags || this.#needsMetadata)) return { tags, metadata };
    return openContents(this.#sealer, { seq, namespaceId, id }, sealed, { tags, metadata, text: '' });
  }
}

type SubjectValues = [
  seq: number,
  agentId: string,
  sessionId: string | null,
  level: number,
  createdAtMs: number,
  updatedAtMs: number,
  tags: string,
  metadata: string,
  times: string | null,
  /** With a sealer alone. */
  namespaceId: number,
  id: string,
  sealed: Uint8Array | null,
];
type Subject = Pick<RecordRow, 'tags' | 'metadata'>;

/** What is stored as JSON was JSON when it was written. */
export function parsed<T>(seq: number, json: string): T {
  try {
    return parseJson(json) as T;
  } catch {
    throw new DamageError(`row ${seq} of the database is not what was written`);
  }
}
