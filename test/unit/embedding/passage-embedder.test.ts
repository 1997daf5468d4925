import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../src/base/errors.ts';
import { LoopTurns } from '../../../src/base/loop-turns.ts';
import { estimatedTokens, PASSAGES_MAX } from '../../../src/base/text/passages.ts';
import { PassageEmbedder } from '../../../src/embedding/passage-embedder.ts';
import type { Embedded, EmbeddingKind, EmbeddingProvider, OwnedText } from '../../../src/embedding/provider.ts';

const DIMENSION = 64;

/** One number for each topic: `topic-3` is the fourth axis; nothing else is on any. */
function vectorOf(text: string): Float32Array {
  const vector = new Float32Array(DIMENSION);
  for (const [, topic] of text.matchAll(/topic-(\d+)/g)) vector[Number(topic)] = 1;
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

interface Scripted extends EmbeddingProvider<OwnedText> {
  readonly calls: { readonly texts: readonly string[]; readonly kind: EmbeddingKind }[];
}

function scripted(
  textTokensMax: EmbeddingProvider['textTokensMax'],
  refuses: (text: string) => CodedError | null = () => null,
): Scripted {
  const calls: Scripted['calls'] = [];
  return {
    id: 'scripted',
    dimension: DIMENSION,
    kind: 'semantic',
    textTokensMax,
    calls,
    embed(texts, kind) {
      calls.push({ texts: texts.map(({ text }) => text), kind });
      return Promise.resolve(texts.map(({ text }): Embedded => refuses(text) ?? vectorOf(text)));
    },
  };
}

const owned = (text: string): OwnedText => ({ namespace: 'space', text });
const filler = (sentences: number): string => 'This says nothing of any interest to anybody. '.repeat(sentences);
const embedderOf = (provider: EmbeddingProvider<OwnedText>) => new PassageEmbedder(provider, new LoopTurns());
const WINDOW = { query: 64, passage: 64 };
const tooLong = () => new CodedError('BAD_REQUEST', 'refused');

describe('texts', () => {
  it('go as they are where the model has no window', async () => {
    const provider = scripted(undefined);
    const text = filler(500);
    expect(await embedderOf(provider).texts([owned(text)])).toEqual([{ vector: vectorOf(text) }]);
    expect(provider.calls).toEqual([{ texts: [text], kind: 'passage' }]);
  });

  it('that fit have one vector, longer ones one for each passage, all asked for in one call', async () => {
    const provider = scripted(WINDOW);
    const long = `topic-1. ${filler(20)} topic-2.`;
    const [short, cut, last] = await embedderOf(provider).texts([owned('topic-0'), owned(long), owned('topic-5')]);
    expect(short).toEqual({ vector: vectorOf('topic-0') });
    expect(last).toEqual({ vector: vectorOf('topic-5') });
    expect(cut).toMatchObject({ vector: vectorOf('topic-1') });
    const { passages = [] } = cut as { passages?: Float32Array[] };
    expect(passages.length).toBeGreaterThan(2);
    expect(passages.at(-1)).toEqual(vectorOf('topic-2'));
    expect(provider.calls).toHaveLength(1);
    for (const text of provider.calls[0]?.texts ?? []) expect(estimatedTokens(text)).toBeLessThanOrEqual(64);
  });

  it('have a bounded number of vectors, which together know all of them', async () => {
    const provider = scripted({ query: 32, passage: 32 });
    const text = Array.from({ length: 2_000 }, (_, i) => `${filler(2)} topic-${i % DIMENSION}.`).join(' ');
    const [result] = await embedderOf(provider).texts([owned(text)]);
    const { vector, passages = [] } = result as { vector: Float32Array; passages?: Float32Array[] };
    expect(passages).toHaveLength(PASSAGES_MAX - 1);
    for (let topic = 0; topic < DIMENSION; topic++) {
      const best = Math.max(...[vector, ...passages].map((one) => one[topic] as number));
      expect(best).toBeGreaterThan(0.2);
    }
    const [dense] = await embedderOf(provider).texts([owned('猫'.repeat(600))]);
    expect((dense as { passages?: unknown[] }).passages).toHaveLength(Math.ceil(600 / 256) - 1);
  });

  it('are embedded a bounded number of passages at a time', async () => {
    const provider = scripted({ query: 32, passage: 32 });
    const texts = Array.from({ length: 6 }, (_, i) => owned(`topic-${i} ${filler(300)}`));
    const results = await embedderOf(provider).texts(texts);
    expect(results.map((one) => (one as { vector: Float32Array }).vector)).toEqual(
      texts.map((_, i) => vectorOf(`topic-${i}`)),
    );
    expect(provider.calls.length).toBeGreaterThan(1);
    for (const { texts: asked } of provider.calls) expect(asked.length).toBeLessThanOrEqual(1_024);
  });

  it('that the model finds longer than they were thought to be are cut again', async () => {
    const provider = scripted(WINDOW, (text) => (text.length > 90 ? tooLong() : null));
    const [result] = await embedderOf(provider).texts([owned(`${filler(10)} topic-7.`)]);
    const { passages = [] } = result as { passages?: Float32Array[] };
    expect(passages.some((passage) => passage[7] === 1)).toBe(true);
    expect(provider.calls).toHaveLength(2);
  });

  it('are refused where the model refuses every part, after a few attempts, and the others are not', async () => {
    const provider = scripted(WINDOW, (text) => (text.includes('nobody reads') ? tooLong() : null));
    const text = 'nobody reads '.repeat(100);
    const results = await embedderOf(provider).texts([owned('topic-1'), owned(text), owned('topic-2')]);
    expect(results.map((one) => (one instanceof CodedError ? one.code : 'stored'))).toEqual([
      'stored',
      'BAD_REQUEST',
      'stored',
    ]);
    expect(provider.calls).toHaveLength(4);
  });

  it('are not cut where the service is away, and a vector that is bad is no sign of a length', async () => {
    const away = new CodedError('EMBEDDING_UNAVAILABLE', 'a bad vector');
    const provider = scripted(WINDOW, (text) => (text.includes('bad') ? away : null));
    const results = await embedderOf(provider).texts([owned(`bad ${filler(20)}`), owned('topic-1')]);
    expect(results).toEqual([away, { vector: vectorOf('topic-1') }]);
    expect(provider.calls).toHaveLength(1);
    const down = { ...provider, embed: () => Promise.reject(away) };
    await expect(embedderOf(down).texts([owned('topic-1')])).rejects.toBe(away);
  });
});

describe('questions', () => {
  it('that fit are embedded as they are', async () => {
    const provider = scripted(WINDOW);
    const embedder = embedderOf(provider);
    const parts = embedder.questionParts(owned('topic-3?'));
    expect(parts).toEqual([owned('topic-3?')]);
    expect(await embedder.question(parts)).toEqual(vectorOf('topic-3'));
    expect(provider.calls).toEqual([{ texts: ['topic-3?'], kind: 'query' }]);
  });

  it('that do not mean what all of their parts mean, their beginning and their end among them', async () => {
    const provider = scripted(WINDOW);
    const embedder = embedderOf(provider);
    const parts = embedder.questionParts(owned(`topic-1 is pasted here. ${filler(200)} And what of topic-2?`));
    expect(parts).toHaveLength(8);
    const vector = await embedder.question(parts);
    expect(vector[1]).toBeCloseTo(Math.SQRT1_2, 5);
    expect(vector[2]).toBeCloseTo(Math.SQRT1_2, 5);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
  });

  it('are refused with the reason of the model', async () => {
    const embedder = embedderOf(scripted(WINDOW, tooLong));
    await expect(embedder.question(embedder.questionParts(owned('topic-3')))).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
    const plain = embedderOf(scripted(undefined, tooLong));
    await expect(plain.question(plain.questionParts(owned('topic-3')))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('of blanks alone have a part', () => {
    expect(embedderOf(scripted(WINDOW)).questionParts(owned(' '.repeat(5_000)))).toHaveLength(1);
  });
});
