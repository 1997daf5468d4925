import type { Json, Payload } from './requests.ts';
import { parseJsonPath, pathKey, valuesAt, type JsonPath } from './json-path.ts';
import { notInDouble } from './qdrant-error.ts';

type IndexType = 'keyword' | 'integer' | 'float' | 'bool' | 'datetime' | 'text' | 'uuid' | 'geo';

/** As `PUT /collections/{c}/index` has it. */
export type FieldSchema = IndexType | { readonly type: IndexType; readonly lookup?: boolean; readonly range?: boolean };

/** What an index changes about answers; how fast they come is no concern of the double. */
export class PayloadIndex {
  readonly path: JsonPath;
  readonly type: IndexType;
  readonly #schema: FieldSchema;

  constructor(field: string, schema: FieldSchema | null | undefined) {
    if (schema === null || schema === undefined) throw notInDouble('indexes whose type is guessed');
    this.path = parseJsonPath(field);
    this.#schema = schema;
    this.type = typeof schema === 'string' ? schema : schema.type;
    if (this.type === 'geo') throw notInDouble('geo indexes');
  }

  get key(): string {
    return pathKey(this.path);
  }

  /** Can be ordered by. */
  get hasRanges(): boolean {
    return ['float', 'datetime', 'uuid'].includes(this.type) || (this.type === 'integer' && this.#option('range'));
  }

  /** Can be counted by values. */
  get hasValues(): boolean {
    return ['keyword', 'bool', 'uuid'].includes(this.type) || (this.type === 'integer' && this.#option('lookup'));
  }

  #option(name: 'lookup' | 'range'): boolean {
    return typeof this.#schema === 'string' || (this.#schema[name] ?? true);
  }

  /** The values that it holds of a payload: those of its type, in lists, too, but not in lists of lists. */
  valuesOf(payload: Payload): (string | number | boolean)[] {
    const values = valuesAt(payload, this.path);
    if (values.length === 0) return [];
    const [only] = values;
    // Most often it is one; every filter asks every point.
    if (values.length === 1 && !Array.isArray(only)) {
      const indexed = this.#indexed(only as Json);
      return indexed === null ? [] : [indexed];
    }
    return values.flatMap((value) => value).flatMap((value) => this.#indexed(value) ?? []);
  }

  #indexed(value: Json): string | number | boolean | null {
    if (typeof value === 'number') {
      return this.type === 'float' || (this.type === 'integer' && Number.isInteger(value)) ? value : null;
    }
    if (typeof value === 'boolean') return this.type === 'bool' ? value : null;
    if (typeof value !== 'string') return null;
    if (this.type === 'datetime') return microseconds(value);
    return ['keyword', 'uuid', 'text'].includes(this.type) ? value : null;
  }

  /** As `payload_schema` of a collection tells of it. */
  describe(points: number): Payload {
    const params = typeof this.#schema === 'string' ? {} : { params: { ...this.#schema } };
    return { data_type: this.type, ...params, points };
  }
}

const RFC_3339 = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i;

/** Since 1970; null where the text is no point in time. Without a zone it is UTC. */
export function microseconds(text: string): number | null {
  if (!RFC_3339.test(text)) return null;
  const iso = text.toUpperCase().replace(' ', 'T');
  const ms = Date.parse(/T/.test(iso) && !/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? `${iso}Z` : iso);
  return Number.isNaN(ms) ? null : ms * 1000;
}
