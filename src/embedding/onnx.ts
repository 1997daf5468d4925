import { existsSync } from 'node:fs';
import { basename, isAbsolute, resolve } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { badRequest, StartupError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { GuardedBackend } from '../base/resilience/guarded-backend.ts';
import { batchesOf, BATCH_CHARS_MAX, prefixesOfModel, textTokensMax } from './http.ts';
import { misconfigured, tooLongFor, unavailable } from './http-faults.ts';
import { isUnitLength } from './http-reply.ts';
import { MergedCalls } from './merged-calls.ts';
import type { HubAccess, LoadedModel, OnnxWorkerData } from './onnx-messages.ts';
import { OnnxThread } from './onnx-thread.ts';
import type { Embedded, EmbeddingKind, EmbeddingProvider } from './provider.ts';
import { norm, normalized } from './vectors.ts';

/** `owner/model`, or `model` alone. */
const HUB_NAME = /^(?:\w[\w.-]*\/)?\w[\w.-]*$/;
const DIGEST_DIGITS = 16;

export interface OnnxProviderOptions {
  /** A folder, where one is there or the name begins as a path does; else a name on the hub. */
  readonly model: string;
  /** `model`: as its files say, else the mean. */
  readonly pooling: OnnxWorkerData['pooling'];
  /** What the model makes. */
  readonly dimension: number;
  /** A vector of another length than 1 is an error, as with a service. */
  readonly needsUnitLength: boolean;
  /** Texts that go to the thread together. */
  readonly batchSize: number;
  /** Tokens that the model reads of a text, at most what it can; longer ones go in passages. Absent: their beginnings. */
  readonly maxInputTokens?: number | undefined;
  /** Put before each text; by default what the model is known to want. */
  readonly queryPrefix?: string | undefined;
  readonly passagePrefix?: string | undefined;
  /** Where models of the hub are kept. */
  readonly cacheFolder: string;
  readonly hub: HubAccess;
  /** Queries do not wait behind passages where it lets them (`isAwaited`). */
  readonly backend: GuardedBackend;
  /** Called each time that the model's thread has ended by itself; a later call starts it again. */
  readonly onDeath?: (() => void) | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** What is imported as `@huggingface/transformers`. */
  readonly packageName?: string;
}

/**
 * Embeddings of a model in ONNX format, made in a thread of this process by `@huggingface/transformers`, which has to be
 * installed. Resolves when the model is loaded. Throws `StartupError` where the package, the model or one of its files is
 * missing, or its vectors are not what the settings say.
 */
export async function openOnnxProvider(
  options: OnnxProviderOptions,
): Promise<EmbeddingProvider & { close(): Promise<void> }> {
  const { dimension, clock, log, onDeath, packageName = '@huggingface/transformers' } = options;
  const isFolder = isPath(options.model);
  const model = isFolder ? resolve(options.model) : options.model;
  const name = basename(model);
  const data = { ...workerOptions(options), model, isFolder, packageName };
  const thread = new OnnxThread({ data, onDeath, clock, log });
  try {
    const loaded = await thread.start();
    checkProbe(loaded, name, options);
    const known = prefixesOfModel(name);
    const prefixes = { query: options.queryPrefix ?? known.query, passage: options.passagePrefix ?? known.passage };
    const merged = new MergedCalls(
      (texts, kind, signal) => embed(thread, { texts, kind, signal, prefix: prefixes[kind] }, options),
      { texts: options.batchSize, chars: BATCH_CHARS_MAX },
      clock,
    );
    return {
      // Two models may be called the same, and one may lie in two places.
      id: `onnx-${name}-${dimension}-${loaded.digest.slice(0, DIGEST_DIGITS)}`,
      dimension,
      kind: 'semantic',
      textTokensMax: textTokensMax({
        maxInputTokens: inputTokens(options, loaded),
        queryPrefix: prefixes.query,
        passagePrefix: prefixes.passage,
      }),
      async embed(texts, kind, signal) {
        const embedded: Embedded[] = [];
        for (const batch of batchesOf(texts, options.batchSize)) {
          embedded.push(...(await merged.embed(batch, kind, signal)));
        }
        return embedded;
      },
      close: () => thread.close(),
    };
  } catch (error) {
    await thread.close();
    throw error;
  }
}

/** What can be handed to a thread. */
function workerOptions({ pooling, maxInputTokens, cacheFolder, hub }: OnnxProviderOptions) {
  return { pooling, maxInputTokens, cacheFolder, hub };
}

/** Passages that the model cannot read whole are of no use. */
function inputTokens({ maxInputTokens, log }: OnnxProviderOptions, { windowTokens }: LoadedModel): number | undefined {
  if (maxInputTokens === undefined || maxInputTokens <= windowTokens) return maxInputTokens;
  log.warn(
    { max_input_tokens: maxInputTokens, model_tokens: windowTokens },
    'embedding.max_input_tokens is more than the model reads: texts are cut into passages of what it does',
  );
  return windowTokens;
}

/** What cannot be a name on the hub is a folder, there or not. */
function isPath(model: string): boolean {
  return !HUB_NAME.test(model) || isAbsolute(model) || existsSync(model);
}

/** Throws `StartupError` where the vectors are not what the settings say. */
function checkProbe({ probe }: LoadedModel, name: string, { dimension, needsUnitLength }: OnnxProviderOptions): void {
  if (probe.length !== dimension) {
    throw new StartupError(
      `the model ${name} makes vectors of ${probe.length} numbers, and vector_db.vector_size is ${dimension}`,
      `Set vector_db.vector_size = ${probe.length}, or embedding.model to another model.`,
    );
  }
  const length = norm(probe);
  if (normalized(probe, length) === null) {
    throw new StartupError(
      `the model ${name} makes vectors that are no numbers, or zero`,
      'Set another embedding.model.',
    );
  }
  if (needsUnitLength && !isUnitLength(length)) {
    throw new StartupError(
      `the model ${name} makes vectors of length ${length.toPrecision(3)}, and only the cosine compares such`,
      'Set vector_db.distance = "Cosine", or embedding.model to a model that normalises.',
    );
  }
}

interface Batch {
  readonly texts: readonly string[];
  readonly kind: EmbeddingKind;
  readonly signal: AbortSignal;
  readonly prefix: string;
}

async function embed(thread: OnnxThread, batch: Batch, options: OnnxProviderOptions): Promise<Embedded[]> {
  const { kind, signal, prefix } = batch;
  const texts = batch.texts.map((text) => prefix + text);
  const bytes = texts.reduce((chars, text) => chars + text.length, 0);
  const { vectors, tooLong } = await options.backend.run(() => thread.embed(texts, signal), {
    bytes,
    signal,
    isAwaited: kind === 'query',
  });
  const { dimension } = options;
  // Copies: a cache that keeps one vector must not keep all that came with it.
  return texts.map((_, i) =>
    tooLong.includes(i)
      ? tooLongFor('the embedding model', kind)
      : vectorOf(vectors.slice(i * dimension, (i + 1) * dimension), kind, options),
  );
}

function vectorOf(given: Float32Array, kind: EmbeddingKind, { needsUnitLength }: OnnxProviderOptions): Embedded {
  const length = norm(given);
  const vector = normalized(given, length);
  if (length === 0)
    return badRequest(kind === 'query' ? '/query' : '/text', 'has no token that the embedding model knows');
  if (vector === null) return unavailable('the embedding model made a vector without direction');
  if (!needsUnitLength || isUnitLength(length)) return vector;
  const message = `the embedding model made a vector of length ${length.toPrecision(3)}, and only the cosine compares such`;
  return misconfigured(message, 'vector_db.distance');
}
