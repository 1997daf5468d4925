import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Index, MetricKind, ScalarKind, exactSearch } from 'usearch';
import { analyze } from '../../src/base/text/analyzer.ts';
import { defaultSettings } from '../../src/config/settings.ts';
import { createLocalProvider } from '../../src/embedding/local.ts';
import { LevelColumns } from '../../src/store/embedded/columns/level-columns.ts';
import { eightBitQuery, toEightBits } from '../../src/store/embedded/arrays/eight-bits.ts';
import { TopList } from '../../src/store/embedded/arrays/top-list.ts';
import { answerCalls } from '../support/child-calls.ts';
import { createCorpus, type Corpus } from '../support/corpus.ts';
import { runLoad, type LoadResult } from '../support/load.ts';
import { InvertedIndex } from './inverted-index.ts';

// Floor of `context.query`: per query one search of the vectors and one search of the words, ten hits each,
// with the embedding made and the question cut into terms beforehand; nothing is fused, ranked, fetched or sent.

const TOP = 10;
const EMBED_BATCH = 500;

export interface SearchParameters {
  readonly seed: number;
  readonly count: number;
  readonly queries: number;
  readonly m: number;
  readonly efConstruction: number;
  readonly efSearch: number;
  readonly quantization: 'f32' | 'bf16' | 'i8';
}

/** How the floor searches: the bench takes the fastest of each, so that a slow one does not flatter the server. */
export interface Ways {
  readonly lexical: 'fts5' | 'inverted';
  readonly dense: 'hnsw' | 'columns';
}

const provider = createLocalProvider({ dimension: defaultSettings().vectorDb.vectorSize, table: null });
let vectors = new Float32Array();
let index: Index;
const columns = new LevelColumns(provider.dimension);
let words: InvertedIndex;
let matching: StatementSync;
let queryVectors: Float32Array[] = [];
let queryCodes: Int8Array[] = [];
/** As the index keeps vectors. */
let askedVectors: (Float32Array | Int8Array)[] = [];
let queryTerms: string[][] = [];
let at = 0;

const operations = {
  async build(parameters: SearchParameters): Promise<void> {
    const corpus = createCorpus(parameters.seed);
    const texts = corpus.texts(0, parameters.count);
    vectors = await embedAll(texts, 'passage');
    await makeQueries(corpus, parameters);
    buildWords(texts);
    buildIndex(parameters);
    buildColumns(parameters);
  },

  async run({ durationMs, lexical, dense }: { durationMs: number } & Ways): Promise<LoadResult> {
    const call = (): Promise<void> => {
      const number = at++ % queryVectors.length;
      if (dense === 'hnsw') index.search(askedVectors[number] ?? new Float32Array(), TOP, 1);
      else searchColumns(queryCodes[number] ?? new Int8Array());
      const terms = queryTerms[number] ?? [];
      if (lexical === 'inverted') words.search(terms, TOP);
      else matching.all(matchAny(terms));
      return Promise.resolve();
    };
    const result = await runLoad({ inFlight: 1, durationMs, call });
    return { ...result, latenciesMs: [] };
  },

  /** Vectors of the questions, by the same embedder as the server's. */
  vectorsOfQueries({ count }: { count: number }): Float32Array[] {
    return queryVectors.slice(0, count);
  },

  /** For each of the first questions: the positions of its nearest texts and their cosines, by exact search. */
  exact({ count }: { count: number }): { positions: number[]; cosines: number[] }[] {
    return queryVectors.slice(0, count).map((query) => {
      const found = exactSearch(vectors, query, provider.dimension, TOP, MetricKind.IP, 0);
      return {
        positions: Array.from(found.keys, Number),
        cosines: Array.from(found.distances, (distance) => 1 - distance),
      };
    });
  },

  /** Cosines of one question with some of the texts. */
  cosines({ query, positions }: { query: number; positions: number[] }): number[] {
    return positions.map((position) => dot(queryVectors[query] ?? new Float32Array(), vectorAt(position)));
  },
};

export type BareSearch = typeof operations;

async function embedAll(texts: readonly string[], kind: 'query' | 'passage'): Promise<Float32Array<ArrayBuffer>> {
  const all = new Float32Array(texts.length * provider.dimension);
  for (let from = 0; from < texts.length; from += EMBED_BATCH) {
    const batch = await provider.embed(texts.slice(from, from + EMBED_BATCH), kind);
    for (const [offset, vector] of batch.entries()) all.set(vector, (from + offset) * provider.dimension);
  }
  return all;
}

async function makeQueries(corpus: Corpus, { queries, count }: SearchParameters): Promise<void> {
  const questions = Array.from({ length: queries }, (_, number) => corpus.query(number, count));
  queryVectors = await provider.embed(questions, 'query');
  queryTerms = questions.map((question) => [...new Set(analyze(question))]);
}

function buildWords(texts: readonly string[]): void {
  words = new InvertedIndex();
  const database = new DatabaseSync(':memory:');
  database.exec(`CREATE VIRTUAL TABLE words USING fts5(terms, content = '', tokenize = 'unicode61')`);
  const insert = database.prepare('INSERT INTO words (rowid, terms) VALUES (?, ?)');
  database.exec('BEGIN');
  for (const [position, text] of texts.entries()) {
    const terms = analyze(text);
    words.add(terms);
    insert.run(position, terms.join(' '));
  }
  database.exec('COMMIT');
  database.exec(`INSERT INTO words (words) VALUES ('optimize')`);
  words.seal();
  matching = database.prepare(`SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT ${TOP}`);
}

function matchAny(terms: readonly string[]): string {
  return terms.map((term) => `"${term}"`).join(' OR ');
}

function buildIndex({ m, efConstruction, efSearch, quantization, count }: SearchParameters): void {
  const kind = { f32: ScalarKind.F32, bf16: ScalarKind.BF16, i8: ScalarKind.I8 }[quantization];
  index = new Index({
    dimensions: provider.dimension,
    metric: MetricKind.IP,
    quantization: kind,
    connectivity: m,
    expansion_add: efConstruction,
    expansion_search: efSearch,
    multi: false,
  });
  const keys = BigUint64Array.from({ length: count }, (_, position) => BigInt(position));
  index.add(keys, quantization === 'i8' ? eightBits(vectors) : vectors, 0);
  queryCodes = queryVectors.map((query) => eightBitQuery(query).codes);
  askedVectors = quantization === 'i8' ? queryCodes : queryVectors;
}

function buildColumns({ count }: SearchParameters): void {
  const ordinals = Array.from({ length: count }, (_, position) => position);
  columns.append(ordinals, (take) => {
    for (const position of ordinals) take(position, vectorAt(position));
  });
}

function searchColumns(codes: Int8Array): TopList {
  const best = new TopList(TOP);
  const { steps } = columns;
  let bar = -Infinity;
  columns.multiply(codes).forEach((product, row) => {
    const score = product * (steps[row] ?? 0);
    if (score <= bar) return;
    best.push(row, score);
    bar = best.worst;
  });
  return best;
}

function eightBits(all: Float32Array): Int8Array {
  const codes = new Int8Array(all.length);
  for (let at = 0; at < all.length; at += provider.dimension)
    toEightBits(all.subarray(at, at + provider.dimension), codes, at);
  return codes;
}

function vectorAt(position: number): Float32Array {
  return vectors.subarray(position * provider.dimension, (position + 1) * provider.dimension);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

answerCalls(operations);
