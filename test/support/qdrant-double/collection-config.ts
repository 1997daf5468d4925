import { invalid, wrongInput } from './qdrant-error.ts';
import type { Json, Payload } from './requests.ts';
import type { DenseSpace, VectorSpaces } from './vectors.ts';

type Section = Payload | null | undefined;

interface VectorParams extends DenseSpace {
  readonly [name: string]: unknown;
}

export interface CreateCollection {
  readonly vectors?: VectorParams | Readonly<Record<string, VectorParams>>;
  readonly sparse_vectors?: Readonly<Record<string, { readonly modifier?: 'none' | 'idf' | null }>> | null;
  readonly shard_number?: number | null;
  readonly sharding_method?: string | null;
  readonly replication_factor?: number | null;
  readonly write_consistency_factor?: number | null;
  readonly on_disk_payload?: boolean | null;
  readonly hnsw_config?: Section;
  readonly optimizers_config?: Section;
  readonly wal_config?: Section;
  readonly quantization_config?: Section;
  readonly strict_mode_config?: Section;
  readonly metadata?: Section;
}

export interface UpdateCollection {
  readonly vectors?: Readonly<Record<string, Payload>> | null;
  readonly sparse_vectors?: Readonly<Record<string, Payload>> | null;
  readonly params?: Section;
  readonly hnsw_config?: Section;
  readonly optimizers_config?: Section;
  readonly quantization_config?: Section | 'Disabled';
  readonly strict_mode_config?: Section;
  readonly metadata?: Section;
}

const HNSW = { m: 16, ef_construct: 100, full_scan_threshold: 10_000, max_indexing_threads: 0, on_disk: false };
const OPTIMIZER = {
  deleted_threshold: 0.2,
  vacuum_min_vector_number: 1000,
  default_segment_number: 0,
  max_segment_size: null,
  memmap_threshold: null,
  indexing_threshold: 10_000,
  flush_interval_sec: 5,
  max_optimization_threads: null,
  prevent_unoptimized: null,
};
const WAL = { wal_capacity_mb: 32, wal_segments_ahead: 0, wal_retain_closed: 1 };
const SIZE_MAX = 65_536;

/** Without members that are null, as Qdrant leaves them out. */
const told = (section: object | null | undefined): Payload =>
  Object.fromEntries(Object.entries<Json>({ ...section }).filter(([, value]) => (value ?? null) !== null));
const toldEach = (sections: object | null | undefined): Payload =>
  Object.fromEntries(Object.entries<object>({ ...sections }).map(([name, section]) => [name, told(section)]));
const isSingle = (vectors: NonNullable<CreateCollection['vectors']>): vectors is VectorParams =>
  typeof vectors['size'] === 'number';

/** What a collection was created with, and what was changed since; as `config` of its description has it. */
export class CollectionConfig {
  readonly spaces: VectorSpaces;
  #params: Payload;
  #hnsw: Payload;
  #optimizer: Payload;
  readonly #wal: Payload;
  #optional: Payload;

  constructor(request: CreateCollection) {
    const { vectors = {}, sparse_vectors: sparse, ...params } = request;
    const named = isSingle(vectors) ? { '': vectors } : vectors;
    for (const [name, { size }] of Object.entries(named)) {
      if (size > SIZE_MAX) {
        throw invalid(`vectors${name && `.${name}`}.size`, `value ${size} invalid, must be from 1 to ${SIZE_MAX}`);
      }
    }
    this.spaces = {
      dense: new Map(Object.entries(named)),
      sparse: new Map(
        Object.entries(sparse ?? {}).map(([name, { modifier }]) => [name, { isIdf: modifier === 'idf' }]),
      ),
    };
    this.#params = {
      vectors: isSingle(vectors) ? told(vectors) : toldEach(vectors),
      shard_number: params.shard_number ?? 1,
      ...told({ sharding_method: params.sharding_method ?? null }),
      replication_factor: params.replication_factor ?? 1,
      write_consistency_factor: params.write_consistency_factor ?? 1,
      on_disk_payload: params.on_disk_payload ?? true,
      ...(sparse ? { sparse_vectors: toldEach(sparse) } : {}),
    };
    this.#hnsw = { ...HNSW, ...told(request.hnsw_config) };
    this.#optimizer = { ...OPTIMIZER, ...told(request.optimizers_config) };
    this.#wal = { ...WAL, ...told(request.wal_config) };
    const { quantization_config, strict_mode_config, metadata } = request;
    this.#optional = { quantization_config: null, ...told({ quantization_config, strict_mode_config, metadata }) };
  }

  checkVector(name: string): void {
    const { dense, sparse } = this.spaces;
    if (!dense.has(name) && !sparse.has(name)) throw wrongInput(`Not existing vector name error: ${name}`);
  }

  update(request: UpdateCollection): void {
    const { vectors } = this.#params;
    for (const name of Object.keys(request.vectors ?? {})) this.checkVector(name);
    const all = { ...(vectors as Payload) };
    for (const [name, changes] of Object.entries(request.vectors ?? {})) {
      if (name === '') Object.assign(all, told(changes));
      else all[name] = { ...(all[name] as Payload), ...told(changes) };
    }
    this.#params = { ...this.#params, ...told(request.params), vectors: all };
    this.#hnsw = { ...this.#hnsw, ...told(request.hnsw_config) };
    this.#optimizer = { ...this.#optimizer, ...told(request.optimizers_config) };
    const { quantization_config: quantization, strict_mode_config, metadata } = request;
    this.#optional = {
      ...this.#optional,
      ...told({ quantization_config: quantization === 'Disabled' ? null : quantization, strict_mode_config, metadata }),
      ...(quantization === 'Disabled' ? { quantization_config: null } : {}),
    };
  }

  describe(): Payload {
    return {
      params: this.#params,
      hnsw_config: this.#hnsw,
      optimizer_config: this.#optimizer,
      wal_config: this.#wal,
      ...this.#optional,
    };
  }
}
