import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import { toCodedError } from '../../base/errors.ts';
import { AnswerGuard } from './answer-guard.ts';
import type { ConversationMemory, Prepared } from './conversation-memory.ts';
import { guardHeader, memoryHeaders } from './memory-headers.ts';
import type { GatewayParts } from './parts.ts';
import { STRIPS, type Plan, type Strip } from './prompt-plan.ts';
import { passedHeaders, readWhole, relay } from './relay.ts';
import { objectOf } from './json-values.ts';
import { bytesInTurns } from './request-json.ts';
import type { Answer, Conversation, Shape } from './shapes/shape.ts';
import { EventReader } from './sse.ts';
import type { UpstreamReply, UpstreamTarget } from './upstream.ts';
import { upstreamHeaders } from './upstream-headers.ts';

export interface ModelRequestDeps {
  readonly parts: GatewayParts;
  readonly memory: ConversationMemory;
  readonly shape: Shape;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly target: UpstreamTarget;
  /** The request as the client sent it, but for what only the gateway knows. */
  readonly text: string;
  readonly conversation: Conversation;
  readonly prepared: Prepared;
  /** The client is gone. */
  readonly signal: AbortSignal;
}

/** An answer that is longer is passed on and not looked at. */
const WHOLE_BYTES_MAX = 8 * 1024 * 1024;
const EVENT_UNITS_MAX = 4 * 1024 * 1024;
/** Less than a model takes for more than a few words. */
const QUESTION_STORED_AFTER_MS = 250;
const TRAILER = 'x-memory-guard';

interface WholeAnswer {
  readonly upstream: UpstreamReply;
  readonly chunks: readonly Buffer[];
  /** There is no more of it. */
  readonly isWhole: boolean;
  /** Null: it is longer than what is looked at, or nothing that the shape knows. */
  readonly answer: Answer | null;
}

/** One request to a model, from what memory made of it to what is stored of its answer. */
export class ModelRequest {
  readonly #deps: ModelRequestDeps;
  readonly #strips: Strip[] = [];
  readonly #guard: AnswerGuard;
  #plan: Plan | null = null;

  constructor(deps: ModelRequestDeps) {
    this.#deps = deps;
    this.#guard = new AnswerGuard(deps.prepared.answers, deps.parts.window);
  }

  async run(): Promise<void> {
    const { prepared, signal } = this.#deps;
    const answer = await this.#send(null).catch((error: unknown) => {
      // Nobody refused what was asked.
      if (signal.aborted) this.#store(prepared, null);
      throw error;
    });
    if (answer.status >= 300) return this.#passOn(answer);
    const isStream = answer.headers['content-type']?.startsWith('text/event-stream') === true;
    return isStream ? this.#stream(answer) : this.#whole(answer);
  }

  async #send(strip: Strip | null): Promise<UpstreamReply> {
    const { parts, shape, request, target, text, conversation, prepared, signal } = this.#deps;
    const plan = prepared.plan?.(strip) ?? null;
    this.#plan = plan;
    const body = plan === null ? text : shape.compose(text, conversation, plan.prompt);
    const [, query] = request.url.split('?');
    const bytes = await bytesInTurns(body, parts.turns);
    return parts.upstream.send(target, {
      method: 'POST',
      path: query === undefined ? shape.path : `${shape.path}?${query}`,
      headers: upstreamHeaders(request.headers, target, shape.dialect),
      body: bytes,
      signal,
    });
  }

  #head(answer: UpstreamReply, more: Record<string, string> = {}): void {
    const { reply, prepared, conversation } = this.#deps;
    reply.hijack();
    const memory = memoryHeaders(prepared, this.#plan, conversation.opaque);
    const headers = { ...passedHeaders(answer.headers), ...memory, ...more };
    reply.raw.writeHead(answer.status, headers);
  }

  /** An error of the upstream: nobody has said anything. */
  async #passOn(answer: UpstreamReply): Promise<void> {
    this.#head(answer);
    await this.#relay(answer);
    this.#deps.reply.raw.end();
  }

  #relay(answer: UpstreamReply, beside?: (chunk: Buffer) => void): Promise<void> {
    const { parts, reply } = this.#deps;
    const idleMs = parts.settings.upstreamIdleSecs * 1000;
    return relay(answer, reply.raw, { clock: parts.clock, idleMs, ...(beside !== undefined && { beside }) });
  }

  async #stream(answer: UpstreamReply): Promise<void> {
    const { parts, shape, reply, prepared } = this.#deps;
    const capture = shape.capture();
    const reader = new EventReader(EVENT_UNITS_MAX, (event) => {
      try {
        capture.take(event);
      } catch {
        // What is no JSON is passed on, and nothing is made of it.
      }
    });
    // Before HTTP/1.1 nothing can follow an answer.
    this.#head(answer, this.#deps.request.raw.httpVersion === '1.1' ? { trailer: TRAILER } : {});
    reply.raw.flushHeaders();
    const saying = new SaidStore(parts.clock, (said, withQuestion) =>
      this.#store(withQuestion ? prepared : { ...prepared, fresh: [] }, said),
    );
    const store = (isCut: boolean): Answer | null => {
      const said = capture.answer();
      saying.end(said === null ? null : { ...said, isCut: said.isCut || isCut });
      return said;
    };
    try {
      await this.#relay(answer, (chunk) => {
        reader.write(chunk);
        // Whoever has read the last event may ask again before the connection is closed.
        if (capture.isDone) store(false);
      });
    } catch (error) {
      store(true);
      throw error;
    }
    const echoRun = await this.#echoRun(store(false));
    reply.raw.addTrailers({ [TRAILER]: this.#report(echoRun) });
    reply.raw.end();
  }

  /** Held back until it is whole, as long as it can be, so that one that repeats another can be asked for anew. */
  async #whole(first: UpstreamReply): Promise<void> {
    const { reply, prepared } = this.#deps;
    let read: WholeAnswer;
    try {
      read = await this.#read(first);
    } catch (error) {
      this.#store(prepared, null);
      throw error;
    }
    let echoRun = await this.#echoRun(read.answer);
    try {
      for (const strip of STRIPS.slice(0, this.#deps.parts.window.echoStrips)) {
        if (prepared.plan === null || echoRun === 0) break;
        const next = await this.#anew(strip);
        if (next === null) break;
        read = next;
        echoRun = await this.#echoRun(read.answer);
      }
    } finally {
      // Also of a client that hung up meanwhile.
      this.#store(prepared, read.answer);
    }
    const { upstream, chunks, answer } = read;
    const isWhole = read.isWhole || answer !== null;
    const guard = this.#report(echoRun);
    const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
    const length = isWhole ? { 'content-length': String(bytes) } : {};
    this.#head(upstream, { ...length, ...(guard !== '' && { [TRAILER]: guard }) });
    for (const chunk of chunks) reply.raw.write(chunk);
    if (!isWhole) await this.#relay(upstream);
    reply.raw.end();
  }

  async #read(upstream: UpstreamReply): Promise<WholeAnswer> {
    const { parts, shape } = this.#deps;
    const times = { clock: parts.clock, idleMs: parts.settings.upstreamIdleSecs * 1000 };
    const { chunks, isWhole } = await readWhole(upstream, WHOLE_BYTES_MAX, times);
    return { upstream, chunks, isWhole, answer: isWhole ? answerIn(chunks, shape) : null };
  }

  /** Null: there is no other answer, and one that repeats another is better than none. Rejects where the client is gone. */
  async #anew(strip: Strip): Promise<(WholeAnswer & { readonly answer: Answer }) | null> {
    const plan = this.#plan;
    let again: UpstreamReply | null = null;
    try {
      again = await this.#send(strip);
      this.#strips.push(strip);
      const read = again.status < 300 ? await this.#read(again) : null;
      if (read !== null && read.answer !== null) return { ...read, answer: read.answer };
    } catch (error) {
      if (this.#deps.signal.aborted) throw error;
    }
    again?.body.destroy();
    this.#plan = plan;
    return null;
  }

  /** What goes along with calls of tools may well be the same words. */
  async #echoRun(answer: Answer | null): Promise<number> {
    if (answer === null || answer.said.toolCalls !== undefined) return 0;
    return this.#guard.runOf(this.#deps.prepared.prefill + answer.said.text);
  }

  /** Beside the answer, which waits for nothing. What fails is told and counted; while it waits, nothing else of the request is kept. */
  #store(prepared: Prepared, answer: Answer | null): void {
    const { memory, parts } = this.#deps;
    const { log, metrics } = parts;
    const key = prepared.place.caller.principal.keyId;
    memory.store(prepared, answer).catch((error: unknown) => {
      const { code } = toCodedError(error);
      log.warn({ code, key }, 'what was said at the gateway could not be stored');
      metrics.count('gateway_memory_total', { outcome: 'not_stored' });
    });
  }

  #report(echoRun: number): string {
    const { metrics, window } = this.#deps.parts;
    const boredomRun = echoRun >= window.boredomRun ? echoRun : 0;
    if (echoRun > 0) metrics.count('gateway_guards_total', { guard: 'echo' });
    if (boredomRun > 0) metrics.count('gateway_guards_total', { guard: 'boredom' });
    for (const strip of this.#strips) metrics.count('gateway_guards_total', { guard: `strip_${strip}` });
    return guardHeader({ echoRun, boredomRun, strips: this.#strips });
  }
}

/**
 * When what is said in a stream is stored: the question soon, so that it is there although the answer takes long, and with the answer
 * where that comes first, which saves half of the writing.
 */
class SaidStore {
  readonly #store: (answer: Answer | null, withQuestion: boolean) => void;
  readonly #cancel: () => void;
  #hasQuestion = false;
  #hasAnswer = false;

  constructor(clock: Clock, store: (answer: Answer | null, withQuestion: boolean) => void) {
    this.#store = store;
    this.#cancel = clock.after(QUESTION_STORED_AFTER_MS, () => this.end(null));
  }

  /** Null: nobody has answered yet. Of several answers the first one counts. */
  end(answer: Answer | null): void {
    this.#cancel();
    const withQuestion = !this.#hasQuestion;
    if (this.#hasAnswer || (answer === null && !withQuestion)) return;
    this.#hasQuestion = true;
    this.#hasAnswer = answer !== null;
    this.#store(answer, withQuestion);
  }
}

/** Null: it is nothing that the shape knows. */
function answerIn(chunks: readonly Buffer[], shape: Shape): Answer | null {
  try {
    return shape.readAnswer(objectOf(JSON.parse(Buffer.concat(chunks).toString('utf8'))));
  } catch {
    return null;
  }
}
