// Vectors that are kept for long and go one by one, in places that are used again. In buffers of their own those that have gone
// would take memory until a full collection, as many as there are in between.

const CHUNK_VECTORS = 64;

export class KeptVectors {
  readonly #dimension: number;
  readonly #chunks: Float32Array[] = [];
  /** Places that were given back. */
  #free: number[] = [];
  #count = 0;

  constructor(dimension: number) {
    this.#dimension = dimension;
  }

  /** Takes a copy, and gives its place. */
  add(vector: Float32Array): number {
    const place = this.#free.pop() ?? this.#count;
    this.#count++;
    this.#view(place).set(vector);
    return place;
  }

  /** A copy: another vector may come to its place while somebody works with it. */
  at(place: number): Float32Array {
    return this.#view(place).slice();
  }

  /** Gives the place back. */
  remove(place: number): void {
    this.#count--;
    this.#free.push(place);
    if (this.#count > 0) return;
    this.#free = [];
    this.#chunks.length = 0;
  }

  get memoryBytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  }

  #view(place: number): Float32Array {
    const number = Math.floor(place / CHUNK_VECTORS);
    const chunk = (this.#chunks[number] ??= new Float32Array(CHUNK_VECTORS * this.#dimension));
    const start = (place % CHUNK_VECTORS) * this.#dimension;
    return chunk.subarray(start, start + this.#dimension);
  }
}
