import type { LoopTurns } from '../base/loop-turns.ts';
import { CodedError } from '../base/errors.ts';
import { estimatedTokens, PASSAGES_MAX, passagesOf } from '../base/text/passages.ts';
import type { Embedded, EmbeddingKind, EmbeddingProvider, OwnedText } from './provider.ts';
import { normalized } from './vectors.ts';

/** The vectors of one text; `passages` only where it was cut: those behind the first, in their order. */
export interface EmbeddedText {
  readonly vector: Float32Array;
  readonly passages?: readonly Float32Array[];
}

/** Characters for each vector that is kept of a text, so that its vectors are some ten times as large as it is at most. */
const CHARS_PER_VECTOR = 256;
/** Numbers of all vectors of one text, which is what Qdrant takes by one name. */
const NUMBERS_MAX = 1_000_000;
/** Passages embedded by one call; a text is never in two. */
const PASSAGES_AT_ONCE = 1_024;
/** How often a passage that the model refuses is halved: tokenizers differ, but not by more. */
const HALVINGS_MAX = 3;
/** A passage so short is not refused for its length. */
const HALVED_TOKENS_MIN = 16;
/** Passages of a question that are looked for; of more, so many from all over it, its beginning and its end among them. */
const QUESTION_PASSAGES_MAX = 8;
/** Characters cut before other work gets its turn: some milliseconds. */
const CHARS_PER_TURN = 16_384;

/** Part of a text on its way to its vector. */
interface Piece {
  readonly owned: OwnedText;
  readonly embedded: Embedded;
}

/** Embeds texts however long they are: those beyond the model's window in passages. */
export class PassageEmbedder {
  readonly #provider: EmbeddingProvider<OwnedText>;
  readonly #turns: LoopTurns;

  constructor(provider: EmbeddingProvider<OwnedText>, turns: LoopTurns) {
    this.#provider = provider;
    this.#turns = turns;
  }

  /** One for each text, in order; errors as `EmbeddingProvider.embed` has them: a text one of whose passages is refused is refused. */
  async texts(texts: readonly OwnedText[], signal?: AbortSignal): Promise<(EmbeddedText | CodedError)[]> {
    const tokensMax = this.#provider.textTokensMax?.passage;
    if (tokensMax === undefined) {
      const embedded = await this.#provider.embed(texts, 'passage', signal);
      return embedded.map((vector) => (vector instanceof Error ? vector : { vector }));
    }
    const results: (EmbeddedText | CodedError)[] = [];
    let waiting: OwnedText[][] = [];
    let count = 0;
    const flush = async (): Promise<void> => {
      const pieces = await this.#embed(waiting, 'passage', signal);
      const vectorsMax = Math.min(PASSAGES_MAX, Math.floor(NUMBERS_MAX / this.#provider.dimension));
      pieces.forEach((own, i) => results.push(textOf(own, waiting[i] as OwnedText[], vectorsMax)));
      waiting = [];
      count = 0;
    };
    let chars = 0;
    for (const owned of texts) {
      const cut: OwnedText[] = [];
      for (const part of partsOf(owned, tokensMax)) {
        cut.push(part);
        chars += part.text.length;
        if (chars <= CHARS_PER_TURN) continue;
        await this.#turns.next();
        chars = 0;
      }
      if (count > 0 && count + cut.length > PASSAGES_AT_ONCE) await flush();
      waiting.push(cut);
      count += cut.length;
    }
    await flush();
    return results;
  }

  /** The parts of a question that are embedded; one, where the model can read it whole. */
  questionParts(question: OwnedText): readonly OwnedText[] {
    const tokensMax = this.#provider.textTokensMax?.query;
    if (tokensMax === undefined) return [question];
    const parts = [...partsOf(question, tokensMax)];
    if (parts.length <= QUESTION_PASSAGES_MAX) return parts;
    const last = parts.length - 1;
    const at = (i: number) => parts[Math.round((i * last) / (QUESTION_PASSAGES_MAX - 1))] as OwnedText;
    return Array.from({ length: QUESTION_PASSAGES_MAX }, (_, i) => at(i));
  }

  /** The direction of all parts together: what a question is about as a whole. Throws the error of a part that is refused. */
  async question(parts: readonly OwnedText[], signal?: AbortSignal): Promise<Float32Array> {
    const isCut = this.#provider.textTokensMax !== undefined;
    const [pieces = []] = isCut
      ? await this.#embed([parts], 'query', signal)
      : [await this.#pieces(parts, 'query', signal)];
    return meanOf(vectorsOf(pieces));
  }

  /** Halves what is refused, a few times. In the order of the texts. */
  async #embed(
    texts: readonly (readonly OwnedText[])[],
    kind: EmbeddingKind,
    signal: AbortSignal | undefined,
  ): Promise<Piece[][]> {
    if (texts.length === 0) return [];
    let pieces = regrouped(texts, await this.#pieces(texts.flat(), kind, signal));
    for (let round = 0; round < HALVINGS_MAX; round++) {
      const refused = pieces.flat().filter(({ embedded, owned }) => mayBeTooLong(embedded, owned));
      if (refused.length === 0) break;
      const halves = refused.map(({ owned }) => [...partsOf(owned, Math.ceil(estimatedTokens(owned.text) / 2))]);
      const again = regrouped(halves, await this.#pieces(halves.flat(), kind, signal));
      const byPiece = new Map(refused.map((piece, i) => [piece, again[i] as Piece[]]));
      pieces = pieces.map((own) => own.flatMap((piece) => byPiece.get(piece) ?? [piece]));
    }
    return pieces;
  }

  async #pieces(texts: readonly OwnedText[], kind: EmbeddingKind, signal: AbortSignal | undefined): Promise<Piece[]> {
    const embedded = await this.#provider.embed(texts, kind, signal);
    return texts.map((owned, i) => ({ owned, embedded: embedded[i] as Embedded }));
  }
}

/** At least one part. */
function* partsOf({ namespace, text }: OwnedText, tokensMax: number): Generator<OwnedText> {
  let count = 0;
  for (const passage of passagesOf(text, tokensMax)) {
    count++;
    yield { namespace, text: passage };
  }
  // Of blanks alone there are no passages.
  if (count === 0) yield { namespace, text: text.slice(0, tokensMax) };
}

/** `flat` as many at a time as each of `groups` has. */
function regrouped(groups: readonly (readonly unknown[])[], flat: readonly Piece[]): Piece[][] {
  let at = 0;
  return groups.map(({ length }) => flat.slice(at, (at += length)));
}

/** Services refuse a text in one way for its length and for all else that they do not like about it. */
function mayBeTooLong(embedded: Embedded, { text }: OwnedText): boolean {
  if (!(embedded instanceof CodedError)) return false;
  const isRefused = embedded.code === 'BAD_REQUEST' || embedded.code === 'PAYLOAD_TOO_LARGE';
  return isRefused && estimatedTokens(text) >= HALVED_TOKENS_MIN;
}

function textOf(pieces: readonly Piece[], given: readonly OwnedText[], vectorsMax: number): EmbeddedText | CodedError {
  const error = pieces.find(({ embedded }) => embedded instanceof CodedError)?.embedded;
  if (error instanceof CodedError) return error;
  const chars = given.reduce((sum, { text }) => sum + text.length, 0);
  const [vector, ...passages] = fewer(vectorsOf(pieces), Math.min(vectorsMax, Math.ceil(chars / CHARS_PER_VECTOR)));
  if (vector === undefined) return new CodedError('INTERNAL', 'internal error', { cause: 'a text without passages' });
  return passages.length === 0 ? { vector } : { vector, passages };
}

/** Throws the first error. */
function vectorsOf(pieces: readonly Piece[]): Float32Array[] {
  return pieces.map(({ embedded }) => {
    if (embedded instanceof CodedError) throw embedded;
    return embedded;
  });
}

/** At most so many: neighbours share one where there are more. */
function fewer(vectors: readonly Float32Array[], countMax: number): Float32Array[] {
  const { length } = vectors;
  if (length <= countMax) return [...vectors];
  return Array.from({ length: countMax }, (_, i) =>
    meanOf(vectors.slice(Math.floor((i * length) / countMax), Math.floor(((i + 1) * length) / countMax))),
  );
}

/** Of length 1; the first of vectors that cancel each other out. */
function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const [first = new Float32Array(0), ...others] = vectors;
  if (others.length === 0) return first;
  const sum = first.slice();
  for (const vector of others) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (vector[i] as number);
  return normalized(sum) ?? first;
}
