// Bodies of Qdrant's REST interface, as far as the double reads them. The schemas in openapi-1.18.3.json have been
// checked before anything reads one of these.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Payload = { [key: string]: Json };

/** Numbers, or UUIDs in their usual form of 36 lower-case characters. */
export type PointId = number | string;

export interface SparseVector {
  readonly indices: readonly number[];
  readonly values: readonly number[];
}
/** Several vectors by one name. */
export type MultiVector = readonly (readonly number[])[];
export type Vector = readonly number[] | MultiVector | SparseVector;
export type VectorStruct = readonly number[] | MultiVector | { readonly [name: string]: Vector };

export interface PointStruct {
  readonly id: PointId;
  readonly vector: VectorStruct;
  readonly payload?: Payload | null;
}

export interface Range {
  readonly lt?: number | string | null;
  readonly gt?: number | string | null;
  readonly gte?: number | string | null;
  readonly lte?: number | string | null;
}

export interface Match {
  readonly value?: string | number | boolean;
  readonly any?: readonly (string | number)[];
  readonly except?: readonly (string | number)[];
  readonly text?: string;
  readonly text_any?: string;
  readonly phrase?: string;
}

export interface FieldCondition {
  readonly key: string;
  readonly match?: Match | null;
  readonly range?: Range | null;
  readonly values_count?: Range | null;
  readonly is_empty?: boolean | null;
  readonly is_null?: boolean | null;
}

export type Condition =
  | FieldCondition
  | { readonly is_empty: { readonly key: string } }
  | { readonly is_null: { readonly key: string } }
  | { readonly has_id: readonly PointId[] }
  | { readonly has_vector: string }
  | { readonly nested: { readonly key: string; readonly filter: Filter } }
  | Filter;

type Conditions = Condition | readonly Condition[] | null;

export interface Filter {
  readonly must?: Conditions;
  readonly must_not?: Conditions;
  readonly should?: Conditions;
  readonly min_should?: { readonly conditions: readonly Condition[]; readonly min_count: number } | null;
}

export type WithPayload =
  | boolean
  | readonly string[]
  | { readonly include: readonly string[] }
  | { readonly exclude: readonly string[] };
export type WithVector = boolean | readonly string[];

export interface OrderBy {
  readonly key: string;
  readonly direction?: 'asc' | 'desc' | null;
  readonly start_from?: number | string | null;
}

interface Page {
  readonly filter?: Filter | null;
  readonly limit?: number | null;
  readonly with_payload?: WithPayload | null;
  readonly with_vector?: WithVector | null;
}

export interface ScrollRequest extends Page {
  readonly offset?: PointId | null;
  readonly order_by?: string | OrderBy | null;
}

export type Query =
  | Vector
  | PointId
  | { readonly nearest: Vector | PointId; readonly mmr?: unknown }
  | { readonly order_by: string | OrderBy }
  | { readonly sample: 'random' }
  | { readonly fusion: 'rrf' | 'dbsf' }
  | { readonly rrf: { readonly k?: number | null; readonly weights?: readonly number[] | null } };

export interface Prefetch {
  readonly prefetch?: Prefetch | readonly Prefetch[] | null;
  readonly query?: Query | null;
  readonly using?: string | null;
  readonly filter?: Filter | null;
  readonly score_threshold?: number | null;
  readonly limit?: number | null;
  readonly lookup_from?: unknown;
}

export interface QueryRequest extends Prefetch, Page {
  readonly filter?: Filter | null;
  readonly limit?: number | null;
  readonly offset?: number | null;
}

export interface FacetRequest {
  readonly key: string;
  readonly limit?: number | null;
  readonly filter?: Filter | null;
}

/** Points by their ids, or by a filter where there are none. */
export interface Selection {
  readonly points?: readonly PointId[] | null;
  readonly filter?: Filter | null;
}

export interface Upsert {
  readonly points?: readonly PointStruct[];
  readonly batch?: unknown;
  readonly update_filter?: Filter | null;
  readonly update_mode?: 'upsert' | 'insert_only' | 'update_only' | null;
}

export interface SetPayload extends Selection {
  readonly payload: Payload;
  readonly key?: string | null;
}

export interface UpdateVectors {
  readonly points: readonly { readonly id: PointId; readonly vector: VectorStruct }[];
  readonly update_filter?: Filter | null;
}

/** One of the operations of `/points/batch`, which the other endpoints of updates are, too. */
export type UpdateOperation =
  | { readonly upsert: Upsert }
  | { readonly delete: Selection }
  | { readonly set_payload: SetPayload }
  | { readonly overwrite_payload: SetPayload }
  | { readonly delete_payload: Selection & { readonly keys: readonly string[] } }
  | { readonly clear_payload: Selection }
  | { readonly update_vectors: UpdateVectors }
  | { readonly delete_vectors: Selection & { readonly vector: readonly string[] } };
