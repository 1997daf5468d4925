// How a context lies in Qdrant: a point with two or three vectors and a payload, in the collection of its level.

import { createHash } from 'node:crypto';
import type { ContextRecord, ExpiryAction, ExpirySetter, JsonObject, Level } from '../../base/context.ts';
import { badRequest } from '../../base/errors.ts';
import { parseJson } from '../../base/json.ts';
import { uuidOf } from '../../base/random.ts';
import { countTerms, type TermCounts } from '../../base/text/analyzer.ts';
import { NO_LENGTHS, saturatedFrequency } from '../../base/text/bm25.ts';
import { textKey } from '../../base/text/normal.ts';
import { speakerInMetadata } from '../../base/text/told-speaker.ts';
import { speakerOf, textTraits } from '../../base/text/traits.ts';
import type { Features, HitRecord, Position, Question } from '../driver.ts';
import type { Unembedded } from '../store.ts';
import { hashesOf, termHash } from './term-hashes.ts';
import { TIMES_FIELDS, type TimesPayload, withTimes } from './times-payload.ts';

/** Names of the vectors of a point. */
export const DENSE = 'dense';
export const WORDS = 'words';
/** Those of a text's passages behind the first, where it has some. */
export const PASSAGES = 'passages';

/** Metadata of one context, as JSON: what the wire lets in, and the tool calls of a message beside it. */
const METADATA_BYTES_MAX = 2 * 1024 * 1024;

/** What a point carries. Fields that hold nothing are null: Qdrant's `set_payload` cannot take a field away. */
export interface Payload extends TimesPayload {
  readonly namespace: string;
  readonly id: string;
  readonly agent_id: string;
  readonly session_id: string | null;
  readonly text: string;
  readonly token_count: number;
  /** For filters. */
  readonly metadata: JsonObject;
  /** The same as it was sent: Qdrant orders keys anew and reads numbers its own way. */
  readonly metadata_json: string;
  readonly tags: readonly string[];
  readonly version: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly expires_at: number | null;
  readonly expiry_action: ExpiryAction;
  readonly expiry_set_by: ExpirySetter;
  /** `expires_at` where it ends in deletion. */
  readonly hidden_from: number | null;
  readonly access_count: number;
  /** Length of its vector: 1, or 0 for a text without any feature. */
  readonly length: 0 | 1;
  /** Why it has no vector. Points of earlier versions lack it. */
  readonly unembedded?: Unembedded | null;
  /** Order of arrival, for good; see `Stamps`. */
  readonly arrival: number;
  /** Order in which contexts came into their level. */
  readonly entered: number;
  /** Hashes of the text's index terms, each once. */
  readonly terms: readonly number[];
  /** How often the text holds each of them. */
  readonly term_counts: readonly number[];
  /** All of them, repetitions counted. */
  readonly term_count: number;
  readonly speaker: readonly string[];
  readonly asks: boolean;
  /** Points of earlier versions lack it. */
  readonly told_times?: readonly string[];
  readonly text_key: number;
  /** Another one with each change of the point, by which a writer sees that somebody else was faster. */
  readonly revision: string;
  /** The last ones before it: a writer that looks late still finds its own. */
  readonly earlier_revisions: readonly string[];
  /** The level from which it is on its way, until it is gone from there. */
  readonly moved_from: Level | null;
}

export type TextPayload = Pick<
  Payload,
  'text' | 'token_count' | 'terms' | 'term_counts' | 'term_count' | 'asks' | 'told_times' | 'text_key'
>;

export interface SparseVector {
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

/** As Qdrant takes points. */
export interface Point {
  readonly id: string;
  readonly vector: {
    readonly [DENSE]: readonly number[];
    readonly [WORDS]: SparseVector;
    readonly [PASSAGES]?: readonly (readonly number[])[];
  };
  readonly payload: Payload;
}

/** As Qdrant gives them; `vector` and parts of the payload only where they were asked for. */
export interface FoundPoint {
  readonly id: string;
  readonly score?: number;
  /** Of what was asked for in an order: the value that it has there. */
  readonly order_value?: number;
  readonly payload: Payload;
  readonly vector?: {
    readonly [DENSE]?: readonly number[];
    readonly [PASSAGES]?: readonly (readonly number[])[];
  };
  /** Of its nearest further passage; undefined: it has none, or nobody asked. */
  passageScore?: number | undefined;
}

/** Fields of a record, which are all but what only ranking and writers read. */
export const RECORD_FIELDS: readonly (keyof Payload)[] = [
  'namespace',
  'id',
  'agent_id',
  'session_id',
  'text',
  'token_count',
  'metadata_json',
  'tags',
  'version',
  'created_at',
  'updated_at',
  'expires_at',
  'expiry_action',
  'expiry_set_by',
  'access_count',
  'arrival',
  'entered',
  'unembedded',
  ...TIMES_FIELDS,
];
/** Fields of a context without its contents, and what stands for these. */
export const OUTLINE_FIELDS = RECORD_FIELDS.filter((field) => !['text', 'metadata_json', 'tags'].includes(field));
export const NO_CONTENTS = { text: '', metadata_json: '{}', tags: [] } as const;
const FEATURE_FIELDS: readonly (keyof Payload)[] = [
  'length',
  'terms',
  'term_counts',
  'term_count',
  'speaker',
  'asks',
  'told_times',
  'text_key',
];
export const RECORD_AND_FEATURE_FIELDS: readonly (keyof Payload)[] = [...RECORD_FIELDS, ...FEATURE_FIELDS];
export const HIT_FIELDS: readonly (keyof Payload)[] = [
  'id',
  'agent_id',
  'session_id',
  'created_at',
  'token_count',
  'access_count',
  'arrival',
  ...FEATURE_FIELDS,
];

/** What a neighbour tells besides: which of two copies counts, whether its time is over, and whether it holds. */
export const NEIGHBOUR_FIELDS: readonly (keyof Payload)[] = [
  ...HIT_FIELDS,
  'version',
  'entered',
  'hidden_from',
  ...TIMES_FIELDS,
];

/** A context's id is its own only within its namespace; a point's is its own among all. */
export function pointIdOf(namespace: string, id: string): string {
  return uuidOf(createHash('sha256').update(`${namespace}\0${id}`).digest());
}

/** Throws `BAD_REQUEST` where the metadata are too large for a payload. */
export function metadataJson(metadata: JsonObject): string {
  const json = JSON.stringify(metadata);
  if (Buffer.byteLength(json) > METADATA_BYTES_MAX)
    throw badRequest(
      '/metadata',
      `is longer than ${METADATA_BYTES_MAX} bytes as JSON, which is all that the store takes`,
    );
  return json;
}

/** What is told of a text itself. */
export type DerivedText = Omit<TextPayload, 'token_count'>;

export function derivedText(text: string, terms: TermCounts = countTerms(text)): DerivedText {
  const counts = new Map<number, number>();
  for (const [term, count] of terms.counts) {
    const hash = termHash(term);
    counts.set(hash, (counts.get(hash) ?? 0) + count);
  }
  const { isQuestion, times } = textTraits(text);
  return {
    text,
    terms: [...counts.keys()],
    term_counts: [...counts.values()],
    term_count: terms.length,
    asks: isQuestion,
    told_times: times,
    text_key: textKey(text),
  };
}

/** Saturates as BM25 does, at the usual length of a memory; exact scores are made of what a hit carries. */
export function wordsOf({ terms, term_counts: counts, term_count: length }: TextPayload): SparseVector {
  return {
    indices: terms,
    values: counts.map((count) => rounded(saturatedFrequency(count, length, USUAL_LENGTHS))),
  };
}

const USUAL_LENGTHS = { ...NO_LENGTHS, averageTermCount: 24 };

/** Nine digits say a 32-bit number exactly, and are half of what a 64-bit one of the same value takes. */
export function numbersOf(vector: Float32Array): number[] {
  const numbers = new Array<number>(vector.length);
  // Not `Array.from`, which asks an iterator for each: there are millions of them where a store is copied.
  for (let i = 0; i < vector.length; i++) numbers[i] = rounded(vector[i] as number);
  return numbers;
}

/**
 * As Qdrant takes several vectors of one name. Two lists of which the first has nothing but whole numbers from zero on it
 * would take for a sparse vector's indices and values, so one of these is made a fraction that changes nothing.
 */
export function passageNumbers(passages: readonly Float32Array[]): number[][] {
  const numbers = passages.map(numbersOf);
  const [first = [], ...others] = numbers;
  const zero = first.indexOf(0);
  const looksSparse = others.length === 1 && first.every((value) => Number.isInteger(value) && value >= 0);
  if (looksSparse && zero >= 0) first[zero] = NEXT_TO_NOTHING;
  return numbers;
}

const NEXT_TO_NOTHING = 1e-30;

/** Sizes whose nine digits are a whole number by a power of ten, both of which a 64-bit number says exactly. */
const ROUNDED_MIN = 1e-13;
const ROUNDED_MAX = 10;

/** To nine digits: the number that their text is read as, several times as fast as by way of the text. */
function rounded(value: number): number {
  const size = Math.abs(value);
  if (size === 0) return 0;
  if (size < ROUNDED_MIN || size >= ROUNDED_MAX) return Number(value.toPrecision(9));
  let scale = 1e8;
  while (size * scale < 1e8) scale *= 10;
  return Math.round(value * scale) / scale;
}

export function lengthOf(vector: readonly number[] | Float32Array): 0 | 1 {
  return vector.some((value) => value !== 0) ? 1 : 0;
}

export function recordOf(payload: Payload, level: Level): ContextRecord {
  const record: ContextRecord = {
    id: payload.id,
    namespace: payload.namespace,
    agentId: payload.agent_id,
    sessionId: payload.session_id ?? null,
    level,
    text: payload.text,
    tokenCount: payload.token_count,
    metadata: parseJson(payload.metadata_json) as JsonObject,
    tags: payload.tags,
    version: payload.version,
    createdAtMs: payload.created_at,
    updatedAtMs: payload.updated_at,
    expiresAtMs: payload.expires_at ?? null,
    expiryAction: payload.expiry_action,
    expirySetBy: payload.expiry_set_by,
    accessCount: payload.access_count,
  };
  return withTimes(record, payload);
}

export function hitRecordOf(payload: Payload, level: Level): HitRecord {
  return {
    id: payload.id,
    agentId: payload.agent_id,
    sessionId: payload.session_id ?? null,
    level,
    createdAtMs: payload.created_at,
    tokenCount: payload.token_count,
    accessCount: payload.access_count,
  };
}

/** In the order of creation. */
export function creationOf({ created_at: createdAt, arrival }: Payload): Position {
  return [createdAt, arrival];
}

/** `dense`: the cosine that Qdrant found. */
export function featuresOf(payload: Payload, question: Question, dense: number | null): Features {
  const counts = new Map(payload.terms.map((term, i) => [term, payload.term_counts[i] ?? 0]));
  return {
    dense,
    termCounts: hashesOf(question).map((hashes) => hashes.reduce((sum, hash) => sum + (counts.get(hash) ?? 0), 0)),
    termCount: payload.term_count,
    traits: {
      speaker: payload.speaker,
      isQuestion: payload.asks,
      times: payload.told_times ?? [],
    },
    textKey: payload.text_key,
  };
}

/** What of a payload follows from the record. */
export function placePayload(
  record: ContextRecord,
): Pick<
  Payload,
  | 'metadata'
  | 'metadata_json'
  | 'tags'
  | 'version'
  | 'updated_at'
  | 'expires_at'
  | 'expiry_action'
  | 'expiry_set_by'
  | 'hidden_from'
  | 'access_count'
  | 'speaker'
> {
  const ofText = speakerOf(record.text);
  return {
    metadata: record.metadata,
    metadata_json: metadataJson(record.metadata),
    tags: record.tags,
    version: record.version,
    updated_at: record.updatedAtMs,
    expires_at: record.expiresAtMs,
    expiry_action: record.expiryAction,
    expiry_set_by: record.expirySetBy,
    hidden_from: record.expiryAction === 'delete' ? record.expiresAtMs : null,
    access_count: record.accessCount,
    speaker: ofText.length > 0 ? ofText : speakerInMetadata(record.metadata),
  };
}
