import type { Dialect } from '../dialect.ts';
import type { Span } from '../json-spans.ts';
import type { RequestJson } from '../request-json.ts';
import type { Said, WindowMessage } from '../said.ts';
import { wholeCalls } from '../tool-calls.ts';
import type { ServerSentEvent } from '../sse.ts';

/** Items of a request that belong together: what stands between their brackets, and what they say. */
export interface Group {
  readonly span: Span;
  /** Where its content stands, of one that is an item by itself. */
  readonly content?: Span | undefined;
  readonly said: readonly Said[];
  /** It instructs the model, and stands at the beginning whatever happens. */
  readonly isSystem: boolean;
  /** About what its texts cost that nobody says: results of searches, what a model tells of its thoughts. */
  readonly besideTokens?: number;
}

/** A request as far as memory has to do with it. */
export interface Conversation {
  readonly groups: readonly Group[];
  /** Where they stand, with the brackets around them; absent: nothing can take their place. */
  readonly list?: Span;
  /** What instructs the model. */
  readonly systemText: string;
  /** Kinds of items that stand for what only the client and the upstream know: nothing can take their place. */
  readonly opaque: readonly string[];
}

/** One piece of what is sent: as the client sent it, or made of what a session shows. */
export type Entry = SentEntry | { readonly made: WindowMessage };

export interface SentEntry {
  readonly group: number;
  /** Calls whose results stand in it and which are not in the prompt. */
  readonly orphans?: ReadonlySet<string>;
}

export interface Prompt {
  /** In order; those of groups that are system first. */
  readonly entries: readonly Entry[];
  /** Goes into the user message of this entry; null: nothing was found. */
  readonly memory: { readonly entry: number; readonly block: string } | null;
  /** A system message of the session. */
  readonly header: string | null;
}

/** Something of a kind that nobody here knows. */
export function plainKind(type: unknown, otherwise: string): string {
  return typeof type === 'string' && /^[A-Za-z0-9_.:-]{1,64}$/.test(type) ? type : otherwise;
}

export interface Answer {
  readonly said: Said;
  /** The model did not come to its end. */
  readonly isCut: boolean;
  /** By which a client may refer to it. */
  readonly responseId?: string;
}

/** Watches a streamed answer. */
export interface AnswerCapture {
  take(event: ServerSentEvent): void;
  /** The last event came: clients go on from here, whenever the connection is closed. */
  readonly isDone: boolean;
  /** As far as it came; null: nothing has been said. */
  answer(): Answer | null;
}

/** How one family of clients talks with models. */
export interface Shape {
  readonly dialect: Dialect;
  /** Behind `/v1`. */
  readonly path: string;
  /** Pauses every few milliseconds. Null: it is nothing that this shape knows; the upstream will say so. */
  read(request: RequestJson): Generator<void, Conversation | null>;
  /** The request with `prompt` in the place of what it had; all else as it came. */
  compose(text: string, conversation: Conversation, prompt: Prompt): string;
  /** Null: nobody answered. */
  readAnswer(body: Readonly<Record<string, unknown>>): Answer | null;
  capture(): AnswerCapture;
}

/** What stands in the place of a call that was broken off. */
export const HALF_CALL = 'tool_call';

/** An answer that did not come to its end, without calls of which nobody knows what they are given. */
export function brokenOff(said: Said): Said {
  const { toolCalls, others = [], ...words } = said;
  if (toolCalls === undefined) return said;
  const { calls, lost } = wholeCalls(toolCalls);
  const kinds = lost ? [...others, HALF_CALL] : others;
  return { ...words, ...(kinds.length > 0 && { others: kinds }), ...(calls.length > 0 && { toolCalls: calls }) };
}

/** What of an answer is kept; more is cut. */
const ANSWER_UNITS_MAX = 262_144;

/** A text that grows no further than what is kept. */
export class BoundedText {
  #parts: string[] = [];
  #units = 0;
  isFull = false;

  add(piece: string): void {
    const room = ANSWER_UNITS_MAX - this.#units;
    if (piece.length > room) this.isFull = true;
    const taken = piece.slice(0, Math.max(0, room));
    this.#parts.push(taken);
    this.#units += taken.length;
    // Many small pieces weigh more than what they say.
    if (this.#parts.length > 1024) this.#parts = [this.#parts.join('')];
  }

  get text(): string {
    return this.#parts.join('');
  }
}
